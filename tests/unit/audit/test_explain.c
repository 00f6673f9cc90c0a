// SPDX-License-Identifier: Apache-2.0
/*
 * Which rule decided about a version, for whoever asks. That the answer is the
 * verdict's is asserted of every case of the decision table (bench.h).
 */
#include "bench.h"

static void
assert_missing(struct bench *bench, unsigned life, uint64_t version, enum et_rule rule)
{
	struct et_question question = ask(bench, life, version);

	assert_true(question.missing);
	assert_false(question.seen);
	if (question.rule != rule)
		fail_msg("%s, not %s", et_rule_info(question.rule)->name, et_rule_info(rule)->name);
}

static void
assert_seen(struct bench *bench, unsigned life, uint64_t version, enum et_rule rule)
{
	struct et_question question = ask(bench, life, version);

	assert_false(question.missing);
	assert_true(question.seen);
	if (question.seen_rule != rule)
		fail_msg("%s, not %s", et_rule_info(question.seen_rule)->name,
			 et_rule_info(rule)->name);
}

static void
every_rule_has_a_name_a_section_and_words(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < ET_RULE_COUNT; i++) {
		const struct et_rule_info *info = et_rule_info((enum et_rule)i);

		assert_non_null(info->name);
		assert_true(strlen(info->section) > 0);
		assert_true(strlen(info->words) > 0);
		assert_true(info->words[strlen(info->words) - 1] != '.');
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(info->name, et_rule_info((enum et_rule)k)->name);
	}
}

static void
of_a_version_that_nobody_knows_nothing_is_said(void **state ET_UNUSED)
{
	static const struct {
		unsigned life;
		uint64_t version;
	} rows[] = { { 0, 10 }, { 0, UINT64_MAX }, { 1, 4 } };
	struct bench b;

	set_up(&b, "####.#####");
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_question question = ask(&b, rows[i].life, rows[i].version);

		assert_false(question.missing);
		assert_false(question.seen);
		assert_false(question.forked);
		assert_int_equal(question.rule, ET_RULE_NONE);
		assert_int_equal(question.seen_rule, ET_RULE_NONE);
	}
	clean_up(&b);
}

static void
an_answer_has_the_finding_and_its_gap(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 104, 104, 1 };
	struct et_question question;
	struct bench b;

	set_up(&b, "###..###.#");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(4));
	question = ask(&b, 0, 4);
	assert_true(question.missing);
	assert_int_equal(question.gap_first, 3);
	assert_int_equal(question.gap_last, 4);
	assert_int_equal(question.hidden, 1);
	assert_int_equal(question.rule, ET_RULE_SOME_IN_HOLES);
	assert_int_equal(question.finding.reason, ET_REASON_LOST_IN_GAP);
	assert_int_equal(question.finding.version, 4);
	assert_int_equal(question.finding.last_version, 4);
	assert_int_equal(question.finding.kind, ET_KIND_RESOURCE_CHANGED);
	assert_int_equal(question.finding.time_ns, time_of(4));
	assert_int_equal(question.finding.after_seq, 102);
	assert_int_equal(question.finding.before_seq, 105);
	/* what was answered before is forgotten */
	question.version = 2;
	et_judge_explain(&b.cut, &b.one, &question);
	assert_false(question.missing);
	assert_true(question.seen);
	assert_int_equal(question.gap_last, 0);
	assert_int_equal(question.hidden, 0);
	assert_missing(&b, 0, 8, ET_RULE_LINKED);
	clean_up(&b);
}

static void
what_is_missing_names_its_rule(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 102, 106, 2 };
	struct bench b;

	set_up(&b, "..###..###");
	assert_missing(&b, 0, 0, ET_RULE_HEAD);
	b.one.family = ET_FAMILY_METADATA;
	assert_missing(&b, 0, 5, ET_RULE_MISSING);
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	assert_missing(&b, 0, 5, ET_RULE_ALL_IN_HOLES);
	b.facts.malformed_in_device = true;
	b.facts.malformed_first_seq = b.facts.malformed_last_seq = 106;
	assert_missing(&b, 0, 5, ET_RULE_MALFORMED);
	clean_up(&b);
	set_up(&b, "########..");
	b.one.latest_time_ns = CUT_S * S;
	assert_missing(&b, 0, 8, ET_RULE_YOUNG);
	b.one.latest_time_ns = INT64_MAX;
	assert_missing(&b, 0, 9, ET_RULE_ABSURD_TIME);
	clean_up(&b);
	set_up(&b, "###..#####");
	(void)fork_at(&b, ET_BEGINNING_FORK, 4);
	assert_missing(&b, 0, 3, ET_RULE_STORE_WENT_BACK);
	b.facts.device_moved_on = true;
	assert_missing(&b, 0, 3, ET_RULE_STORE_ELSEWHERE);
	clean_up(&b);
	set_up(&b, "##.#");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "....######");
	b.life.head_doubtful = true;
	assert_missing(&b, 1, 2, ET_RULE_LIFE_BEGINS);
	assert_missing(&b, 0, 2, ET_RULE_MISSING); /* the same number in the life before */
	clean_up(&b);
}

/* What the links said from 11002 s, sequence 102, to 11005 s, sequence 105; the versions 3 and 4
 * are missing there, and the store has a copy of the first. */
static void
forced_commands_name_their_rule(void **state ET_UNUSED)
{
	static const struct {
		struct et_link_event links[2];
		bool linked; /* in the store, which has the last of these */
		enum et_rule rule;
		enum et_rule command_rule;
	} rows[] = {
		{ { { 10, 10 * S, 0, ET_LINK_ADDED }, { 11, 20 * S, 1, ET_LINK_OTHER } },
		  true,
		  ET_RULE_LINKED,
		  ET_RULE_COMMAND_LINKED },
		{ { { 10, 10 * S, 0, ET_LINK_ADDED }, { 300, 40000 * S, 3, ET_LINK_REMOVED } },
		  false,
		  ET_RULE_LIKELY_LINKED,
		  ET_RULE_LIKELY_LINKED },
		{ { { 10, 10 * S, 0, ET_LINK_OTHER }, { 103, 11003 * S, 1, ET_LINK_ADDED } },
		  true,
		  ET_RULE_LINKED_FOR_A_PART,
		  ET_RULE_COMMAND_LINKS_UNKNOWN },
		{ { { 10, 10 * S, 0, ET_LINK_ADDED }, { 11, 20 * S, 1, ET_LINK_REMOVED } },
		  false,
		  ET_RULE_NOT_LINKED,
		  ET_RULE_COMMAND_NOT_LINKED },
		{ { { 10, 10 * S, 0, ET_LINK_OTHER }, { 300, 40000 * S, 3, ET_LINK_ADDED } },
		  true,
		  ET_RULE_LINKS_UNKNOWN,
		  ET_RULE_COMMAND_LINKS_UNKNOWN },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_link_events(&b, rows[i].links, 2, rows[i].linked);
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
		assert_missing(&b, 0, 3, rows[i].command_rule);
		assert_missing(&b, 0, 4, rows[i].rule);
		b.copy_list[0].kind = ET_KIND_RESOURCE_CHANGED;
		assert_missing(&b, 0, 3, ET_RULE_NO_COMMAND);
		clean_up(&b);
	}
}

static void
what_was_seen_names_its_rule(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########.##");
	b.one.first_version = 4;
	assert_seen(&b, 0, 3, ET_RULE_TRUNCATED);
	assert_seen(&b, 0, 4, ET_RULE_ON_BOTH);
	assert_seen(&b, 0, 9, ET_RULE_ON_BOTH);
	assert_seen(&b, 0, 12, ET_RULE_AHEAD);
	b.one.has_ahead = true;
	b.one.ahead_until = 11;
	assert_seen(&b, 0, 11, ET_RULE_STORE_LOST);
	assert_seen(&b, 0, 12, ET_RULE_AHEAD);
	b.one.in_store = b.facts.device_in_store = false;
	assert_seen(&b, 0, 12, ET_RULE_DEVICE_GONE);
	b.one.in_store = b.facts.device_in_store = true;
	next_life(&b, "##########");
	assert_seen(&b, 0, 12, ET_RULE_OLDER_LIFE);
	assert_seen(&b, 1, 4, ET_RULE_ON_BOTH);
	clean_up(&b);
}

static void
in_another_life_of_the_store_a_version_is_seen_and_missing(void **state ET_UNUSED)
{
	struct et_question question;
	struct bench b;

	set_up(&b, "############");
	b.one.latest_time_ns = time_of(11) + 3600 * S;
	question = ask(&b, 0, 4);
	assert_true(question.seen);
	assert_int_equal(question.seen_reason, ET_REASON_DELETED_DEVICE);
	assert_int_equal(question.seen_rule, ET_RULE_STORE_ELSEWHERE);
	assert_true(question.missing);
	assert_int_equal(question.finding.reason, ET_REASON_UNDECIDED);
	assert_int_equal(question.rule, ET_RULE_STORE_ELSEWHERE);
	question = ask(&b, 0, 11);
	assert_true(question.seen);
	assert_false(question.missing);
	clean_up(&b);
}

static void
service_metadata_is_never_published(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.one.family = ET_FAMILY_SERVICE;
	assert_missing(&b, 0, 4, ET_RULE_SERVICE);
	assert_int_equal(ask(&b, 0, 4).finding.reason, ET_REASON_NEVER_PUBLISHED);
	see(&b, 10);
	assert_seen(&b, 0, 10, ET_RULE_AHEAD);
	clean_up(&b);
}

static void
among_what_was_taken_back_may_be_messages_of_it(void **state ET_UNUSED)
{
	struct et_life *life;
	struct bench b;

	set_up(&b, "##########");
	life = fork_at(&b, ET_BEGINNING_FORK, 5);
	life->forked = 3;
	life->forked_first = 5;
	life->forked_last = 7;
	for (uint64_t v = 0; v < 10; v++)
		assert_int_equal(ask(&b, 0, v).forked, v >= 5 && v <= 7);
	clean_up(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_has_a_name_a_section_and_words),
		cmocka_unit_test(of_a_version_that_nobody_knows_nothing_is_said),
		cmocka_unit_test(an_answer_has_the_finding_and_its_gap),
		cmocka_unit_test(what_is_missing_names_its_rule),
		cmocka_unit_test(forced_commands_name_their_rule),
		cmocka_unit_test(what_was_seen_names_its_rule),
		cmocka_unit_test(in_another_life_of_the_store_a_version_is_seen_and_missing),
		cmocka_unit_test(service_metadata_is_never_published),
		cmocka_unit_test(among_what_was_taken_back_may_be_messages_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
