// SPDX-License-Identifier: Apache-2.0
/* The decision table: devices that were deleted and onboarded again. */
#include "bench.h"

/* ---- older lives ---- */

static void
messages_of_older_lives_are_counted_as_deleted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#####");
	next_life(&b, "###");
	next_life(&b, "##########");
	expect(&b, ET_REASON_DELETED_DEVICE, 8);
	assert_int_equal(b.tally.older_life, 8);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
	assert_int_equal(b.tally.expected, 10);
	assert_int_equal(b.tally.aggregates, 1);
	assert_int_equal(b.told.count, 0);
}

static void
holes_in_older_lives_are_lost_and_say_of_which(void **state ET_UNUSED)
{
	struct bench b;

	/* all of them had links: each life its own */
	set_up(&b, "##.##");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "#..#");
	next_life(&b, "####.#####");
	expect(&b, ET_REASON_LOST, 4);
	assert_int_equal(b.tally.lost_deleted, 3);
	assert_int_equal(b.tally.lost_in_store, 1);
	assert_int_equal(b.told.count, 4);
	for (uint64_t i = 0; i < 4; i++) {
		static const unsigned lives[] = { 0, 1, 1, 2 };
		static const uint64_t versions[] = { 2, 1, 2, 4 };
		const struct et_finding *finding = &b.told.list[i];

		assert_int_equal(finding->life, lives[i]);
		assert_int_equal(finding->version, versions[i]);
		assert_int_equal(finding->older, lives[i] < 2);
		assert_int_equal(finding->lost_deleted, lives[i] < 2);
	}
	assert_int_equal(b.told.list[1].after_ns, time_in(1, 0));
	assert_int_equal(b.told.list[1].before_ns, time_in(1, 3));
	assert_int_equal(b.told.list[1].after_seq, 1100);
	assert_int_equal(b.told.list[1].before_seq, 1103);
}

static void
of_a_deleted_device_holes_in_every_life_are_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.##");
	b.one.family = ET_FAMILY_LINKS;
	b.one.in_store = b.facts.device_in_store = false;
	next_life(&b, ".#.##");
	expect(&b, ET_REASON_DELETED_DEVICE, 7);
	assert_int_equal(b.tally.older_life, 4);
	assert_int_equal(b.tally.lost_deleted, 3);
	assert_int_equal(b.tally.expected, 0);
}

static void
an_aggregate_that_the_newest_life_never_had_is_deleted_and_not_ahead(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "######");
	b.one.in_store = false;
	next_life(&b, "");
	b.one.has_ahead = true;
	b.one.ahead_until = 5;
	expect(&b, ET_REASON_DELETED_DEVICE, 6);
	assert_int_equal(b.tally.older_life, 6);
	assert_int_equal(b.told.count, 0);
}

static void
the_sink_can_end_it_in_an_older_life(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.##");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "#.#");
	b.told.stop_at = 1;
	assert_int_equal(judge_only(&b, sink), ET_CANCELED);
	assert_int_equal(b.told.count, 1);
	assert_int_equal(b.tally.expected, 0); /* the newest one was not come to */
	clean_up(&b);
}

/* ---- the head of a later life ---- */

static void
the_head_of_a_later_life_is_lost_without_any_registration(void **state ET_UNUSED)
{
	static const enum et_family families[] = { ET_FAMILY_LINKS, ET_FAMILY_METADATA };

	for (size_t i = 0; i < ET_COUNT(families); i++) {
		struct bench b;

		set_up(&b, "..###");
		b.one.family = families[i];
		next_life(&b, "...#######");
		b.cut.starts_late = true;
		expect(&b, ET_REASON_LOST, 3);
		assert_int_equal(b.tally.lost_in_store, 3);
		/* of the first life nobody can say */
		assert_int_equal(b.tally.deleted[ET_REASON_BEFORE_HORIZON], 2);
		assert_int_equal(b.told.list[0].after_ns, time_in(1, 0));
		assert_int_equal(b.told.list[0].after_seq, 1100);
		assert_int_equal(b.told.list[0].before_seq, 1103);
	}
}

static void
what_the_stream_never_showed_of_a_later_life_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "############");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "");
	expect(&b, ET_REASON_LOST, 10);
	assert_int_equal(b.tally.lost_in_store, 10);
}

static void
a_birth_inside_is_the_first_lifes(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..###");
	b.one.family = ET_FAMILY_METADATA;
	b.facts.born = true;
	next_life(&b, "##########");
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.tally.lost_deleted, 2);
}

static void
a_head_that_may_be_the_life_befores_is_undecided(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, ".....##.##");
	b.life.head_doubtful = true;
	expect(&b, ET_REASON_UNDECIDED, 5);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], 1); /* 7, which is no part of it */
	assert_int_equal(b.told.count, 6);
}

/* ---- what belongs to which life ---- */

/* Version 4 is missing in both lives; the store has, or had, a copy of this time. */
static void
a_copy_serves_the_life_of_its_time_alone(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		int64_t time_ns;
		enum et_recoverable older;
		enum et_recoverable newest;
	} rows[] = {
		{ "of the first life", 11004 * S, ET_RECOVERABLE_EXACT, ET_RECOVERABLE_SUPERSEDED },
		{ "of the second", 31004 * S, ET_RECOVERABLE_SUPERSEDED, ET_RECOVERABLE_EXACT },
		{ "just when that begins", 31000 * S, ET_RECOVERABLE_SUPERSEDED,
		  ET_RECOVERABLE_EXACT },
		{ "within the clocks' difference", 30990 * S, ET_RECOVERABLE_EXACT,
		  ET_RECOVERABLE_EXACT },
		{ "before that", 30990 * S - 1, ET_RECOVERABLE_EXACT, ET_RECOVERABLE_SUPERSEDED },
		{ "no time", ET_TIME_NONE, ET_RECOVERABLE_SUPERSEDED, ET_RECOVERABLE_SUPERSEDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#");
		b.one.family = ET_FAMILY_METADATA;
		next_life(&b, "####.#####");
		copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_METADATA_UPDATED, rows[i].time_ns);
		expect(&b, ET_REASON_LOST, 2);
		assert_int_equal(b.told.count, 2);
		if (b.told.list[0].recoverable != rows[i].older ||
		    b.told.list[1].recoverable != rows[i].newest)
			fail_msg("%s", rows[i].name);
	}
}

static void
a_copy_of_a_later_life_proves_nothing_of_the_first_ones_head(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, ".#####");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "##########");
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_METADATA_UPDATED, time_in(1, 0));
	expect(&b, ET_REASON_LOST, 0);
	assert_int_equal(b.tally.deleted[ET_REASON_BEFORE_HORIZON], 1);
	/* nor does one of the first life vouch for itself in the second */
	set_up(&b, ".#####");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, ".#########");
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_METADATA_UPDATED, time_of(0));
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.told.list[0].recoverable, ET_RECOVERABLE_EXACT);
	assert_int_equal(b.told.list[1].recoverable, ET_RECOVERABLE_SUPERSEDED);
}

/* The store went back at 11100 s and used the numbers from 2 on again. Version 1 and 20 are
 * missing. What the store has it did not take back; what was saved earlier it may have. */
static void
a_copy_of_what_was_taken_back_is_not_used(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		bool rescued;
		uint64_t version;
		int64_t time_ns;
		bool used;
	} rows[] = {
		{ "below", true, 1, 11001 * S, true },
		{ "taken back", true, 20, 11100 * S - 1, false },
		{ "of the new branch", true, 20, 11100 * S, true },
		{ "no time", true, 1, ET_TIME_NONE, false },
		{ "in the store, below", false, 1, 11001 * S, true },
		{ "in the store, and older", false, 20, 11090 * S, true },
		{ "in the store, of the new branch", false, 20, 11100 * S, true },
		{ "in the store, no time", false, 20, ET_TIME_NONE, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows) * 2; i++) {
		bool clear = i % 2 == 0;
		size_t row = i / 2;
		struct bench b;

		set_up(&b, "#.#");
		(void)fork_at(&b, clear ? ET_BEGINNING_FORK : ET_BEGINNING_UNCLEAR, 100);
		b.turns[b.life.turn_count++] = (struct et_turn){ 11100 * S, 2 };
		for (uint64_t v = 3; v < 22; v++)
			if (v != 20)
				(void)et_coverage_add(&b.life.coverage, v, (20000 + (int64_t)v) * S,
						      1000 + v);
		*(clear ? &b.life.forked : &b.life.replaced) = 2;
		b.life.forked_first = clear ? 2 : 0;
		b.life.forked_last = clear ? 3 : 0;
		b.one.family = ET_FAMILY_METADATA;
		b.one.latest_version = 21;
		b.one.latest_time_ns = 20021 * S;
		copy(&b, rows[row].version, ET_RECOVERABLE_EXACT, ET_KIND_METADATA_UPDATED,
		     rows[row].time_ns);
		b.copy_list[0].rescued = rows[row].rescued;
		judge(&b);
		/* lost or undecided, they are told; and the fork */
		assert_int_equal(b.told.count, clear ? 3 : 2);
		for (uint64_t k = 0; k < b.told.count; k++) {
			const struct et_finding *finding = &b.told.list[k];

			if (finding->version == rows[row].version &&
			    (finding->kind == ET_KIND_METADATA_UPDATED) != rows[row].used)
				fail_msg("%s", rows[row].name);
		}
	}
}

/* ---- links and orphans of lives ---- */

/* Versions 3 and 4 of a life are missing. */
static const char of_older[] = "###..#";
static const char of_newest[] = "###..#####";
static const char whole[] = "##########";

/* Links that have another event in the older life, or in the newest: version 1. */
static void
link_once_more(struct bench *b, unsigned life, const struct et_link_event *event)
{
	struct et_link_event events[3] = { b->link_events[0], b->link_events[1], *event };

	events[2].version = 1;
	set_link_events(b, events, 3, life == 1 && event->effect == ET_LINK_ADDED);
	if (life == 0) {
		/* the store has the newest life's */
		b->facts.links.latest_version = 0;
		b->facts.links.latest_ns = events[1].time_ns;
	}
}

/* The second life begins at 31000 s, at sequence 1100; its versions 3 and 4 are missing. */
static void
links_and_orphans_of_another_life_explain_nothing(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		struct et_link_event link;
		int64_t orphan_ns;
		enum et_reason reason;
	} rows[] = {
		{ "linked in this life",
		  { 1091, 31000 * S, 0, ET_LINK_ADDED },
		  31005 * S,
		  ET_REASON_LOST },
		{ "linked in the life before",
		  { 99, 31000 * S - 1, 0, ET_LINK_ADDED },
		  31005 * S,
		  ET_REASON_UNANNOUNCED },
		{ "and answered there",
		  { 99, 31000 * S - 1, 0, ET_LINK_ADDED },
		  31000 * S - 1,
		  ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "######");
		unlinked(&b);
		next_life(&b, of_newest);
		link_once_more(&b, rows[i].link.time_ns >= 31000 * S ? 1 : 0, &rows[i].link);
		orphan(&b, 5);
		b.orphan.time_ns = rows[i].orphan_ns;
		judge(&b);
		if (b.tally.reasons[rows[i].reason] != 2)
			fail_msg("%s", rows[i].name);
	}
}

/* Linked inside a bracket, an orphan behind it is the sign of a command. */
static void
a_life_ends_just_before_the_next_begins(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		const char *older;
		const char *newest;
		int64_t orphan_ns;
		enum et_reason reason;
	} rows[] = {
		{ "of the older life", of_older, whole, 31000 * S - 1, ET_REASON_UNDECIDED },
		{ "of the newest", of_older, whole, 31000 * S, ET_REASON_LOST },
		{ "... for its own gap", whole, of_newest, 31000 * S, ET_REASON_UNDECIDED },
		{ "the older one's for that", whole, of_newest, 31000 * S - 1, ET_REASON_LOST },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		unsigned life = rows[i].older == of_older ? 0 : 1;
		const struct et_link_event link = { 1000 * life + 103, time_in(life, 3), 0,
						    ET_LINK_ADDED };
		struct bench b;

		set_up(&b, rows[i].older);
		unlinked(&b);
		next_life(&b, rows[i].newest);
		link_once_more(&b, life, &link);
		orphan(&b, 5);
		b.orphan.time_ns = rows[i].orphan_ns;
		judge(&b);
		if (b.tally.reasons[rows[i].reason] + b.tally.deleted[rows[i].reason] != 2)
			fail_msg("%s", rows[i].name);
	}
}

static void
the_stores_links_are_the_newest_lifes(void **state ET_UNUSED)
{
	struct bench b;

	/* linked there: of the life before that says nothing */
	set_up(&b, of_older);
	b.facts.links.event_count = 0;
	next_life(&b, of_newest);
	judge(&b);
	assert_int_equal(b.tally.lost_in_store, 2);
	assert_int_equal(b.tally.deleted[ET_REASON_UNDECIDED], 2);
	/* what was linked in the older life stayed so, whatever the newest one's are */
	set_up(&b, of_older);
	next_life(&b, whole);
	b.link_events[1].effect = ET_LINK_OTHER;
	b.facts.links.linked = false;
	orphan(&b, 5);
	judge(&b);
	assert_int_equal(b.tally.lost_deleted, 2);
	/* ... and what was not linked may have been, later on */
	set_up(&b, of_older);
	unlinked(&b);
	next_life(&b, whole);
	orphan(&b, 5);
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_UNDECIDED], 2);
	assert_int_equal(b.tally.deleted[ET_REASON_UNANNOUNCED], 0);
}

/* In the older life versions of the links are missing: what came behind may be missing, too. */
static void
where_links_of_an_older_life_are_missing_an_orphan_counts(void **state ET_UNUSED)
{
	static const struct {
		uint64_t version; /* of the event with which the href was linked */
		bool orphan;
		enum et_reason reason;
	} rows[] = { { 0, false, ET_REASON_LOST },
		     { 0, true, ET_REASON_LOST },
		     { 1, false, ET_REASON_LOST },
		     { 1, true, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, of_older);
		b.link_events[0].version = rows[i].version;
		next_life(&b, whole);
		if (rows[i].orphan)
			orphan(&b, 5);
		judge(&b);
		assert_int_equal(b.tally.deleted[rows[i].reason] + (rows[i].reason == ET_REASON_LOST
									    ? b.tally.lost_deleted
									    : 0),
				 2);
	}
}

/* An href that was taken away by name was there. With all that came before lost, it may have been
 * added inside the bracket; of a device that is older than the archives nothing need be lost. */
static void
links_older_than_the_archives_are_no_missing_ones(void **state ET_UNUSED)
{
	static const struct et_link_event removed = { 200, 40000 * S, 7, ET_LINK_REMOVED };
	static const struct {
		bool starts_late;
		enum et_rule rule;
		enum et_reason pending; /* of one that the store has */
	} rows[] = { { true, ET_RULE_LIKELY_LINKED, ET_REASON_LOST },
		     { false, ET_RULE_LINKED_FOR_A_PART, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, of_newest);
		set_link_events(&b, &removed, 1, false);
		b.cut.starts_late = rows[i].starts_late;
		assert_int_equal(ask(&b, 0, 4).rule, rows[i].rule);
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
		assert_int_equal(ask(&b, 0, 3).finding.reason, rows[i].pending);
		orphan(&b, 5);
		expect(&b, ET_REASON_UNDECIDED, 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_older_lives_are_counted_as_deleted),
		cmocka_unit_test(holes_in_older_lives_are_lost_and_say_of_which),
		cmocka_unit_test(of_a_deleted_device_holes_in_every_life_are_lost),
		cmocka_unit_test(
			an_aggregate_that_the_newest_life_never_had_is_deleted_and_not_ahead),
		cmocka_unit_test(the_sink_can_end_it_in_an_older_life),
		cmocka_unit_test(the_head_of_a_later_life_is_lost_without_any_registration),
		cmocka_unit_test(what_the_stream_never_showed_of_a_later_life_is_lost),
		cmocka_unit_test(a_birth_inside_is_the_first_lifes),
		cmocka_unit_test(a_head_that_may_be_the_life_befores_is_undecided),
		cmocka_unit_test(a_copy_serves_the_life_of_its_time_alone),
		cmocka_unit_test(a_copy_of_a_later_life_proves_nothing_of_the_first_ones_head),
		cmocka_unit_test(a_copy_of_what_was_taken_back_is_not_used),
		cmocka_unit_test(links_and_orphans_of_another_life_explain_nothing),
		cmocka_unit_test(a_life_ends_just_before_the_next_begins),
		cmocka_unit_test(the_stores_links_are_the_newest_lifes),
		cmocka_unit_test(where_links_of_an_older_life_are_missing_an_orphan_counts),
		cmocka_unit_test(links_older_than_the_archives_are_no_missing_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
