// SPDX-License-Identifier: Apache-2.0
/* The decision table: aggregates that the stream has shown and the store does not have. */
#include "bench.h"

/* ---- deleted ---- */

static void
of_a_deleted_device_what_was_seen_is_counted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "######");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	expect(&b, ET_REASON_DELETED_DEVICE, 6);
	assert_int_equal(b.tally.aggregates, 0);
	assert_int_equal(b.tally.expected, 0);
}

static void
of_a_deleted_device_holes_between_seen_versions_are_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##..##");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	b.facts.links.stored = false;
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.tally.lost_deleted, 2);
	assert_int_equal(b.tally.lost_in_store, 0);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 2);
	assert_true(b.told.list[0].lost_deleted);
}

static void
of_a_deleted_device_a_head_counts_only_if_born_inside(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..####");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_BEFORE_HORIZON], 2);
	assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], 0);
	set_up(&b, "..####");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	b.facts.born = true;
	judge(&b);
	assert_int_equal(b.tally.lost_deleted, 2);
}

static void
of_a_deleted_device_doubts_count_beside_the_sums(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.###");
	b.one.in_store = false;
	unlinked(&b);
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_UNDECIDED], 1);
	assert_int_equal(b.tally.reasons[ET_REASON_UNDECIDED], 0);
	assert_int_equal(b.told.list[0].reason, ET_REASON_UNDECIDED);
	assert_false(b.told.list[0].lost_deleted);
}

static void
a_publish_can_be_late_also_when_its_device_was_just_deleted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##");
	(void)et_coverage_add(&b.life.coverage, 3, (CUT_S - 1) * S, 103);
	b.one.in_store = false;
	b.facts.device_in_store = false;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_IN_FLIGHT], 1);
	assert_int_equal(b.tally.lost_deleted, 0);
}

static void
an_aggregate_gone_while_its_device_is_stored_is_ahead(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.###");
	b.one.in_store = false;
	expect(&b, ET_REASON_AHEAD, 5);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 0);
	assert_int_equal(b.tally.lost_deleted, 1);
}

static void
an_aggregate_that_is_nowhere_counts_nothing(void **state ET_UNUSED)
{
	static const struct et_tally nothing;
	struct bench b;

	set_up(&b, "");
	b.one.in_store = false;
	judge(&b);
	assert_memory_equal(&b.tally, &nothing, sizeof(nothing));
}

/* ---- ahead, and lost by the store ---- */

static void
the_second_time_what_is_ahead_is_lost_by_the_store(void **state ET_UNUSED)
{
	static const struct {
		bool has_ahead;
		uint64_t until;
		uint64_t lost; /* of the versions 11 and 12 */
	} rows[] = { { false, 12, 0 }, { true, 9, 0 },  { true, 10, 0 },
		     { true, 11, 1 },  { true, 12, 2 }, { true, UINT64_MAX, 2 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "##########.##");
		b.one.has_ahead = rows[i].has_ahead;
		b.one.ahead_until = rows[i].until;
		expect(&b, ET_REASON_STORE_LOST, rows[i].lost);
		assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 2 - rows[i].lost);
		assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
		assert_int_equal(b.told.count, rows[i].lost > 0);
		if (rows[i].lost > 0) {
			assert_int_equal(b.told.list[0].reason, ET_REASON_STORE_LOST);
			assert_int_equal(b.told.list[0].version, 11);
			assert_int_equal(b.told.list[0].last_version, 10 + rows[i].lost);
			assert_int_equal(b.told.list[0].time_ns, time_of(11));
			assert_int_equal(b.told.list[0].after_seq, 111);
			assert_int_equal(b.told.list[0].before_seq, 112);
		}
	}
}

static void
each_run_of_versions_that_the_store_lost_is_one_finding(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "############.###.#");
	b.one.has_ahead = true;
	b.one.ahead_until = 14;
	expect(&b, ET_REASON_STORE_LOST, 4);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 2);
	assert_int_equal(b.told.count, 2);
	/* the first begins below, in what is covered: its own time is not known */
	assert_int_equal(b.told.list[0].version, 10);
	assert_int_equal(b.told.list[0].last_version, 11);
	assert_int_equal(b.told.list[0].time_ns, ET_TIME_NONE);
	assert_int_equal(b.told.list[1].version, 13);
	assert_int_equal(b.told.list[1].last_version, 14);
	assert_int_equal(b.told.list[1].time_ns, time_of(13));
}

static void
the_store_may_have_lost_one_version_alone(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###########");
	b.one.has_ahead = true;
	b.one.ahead_until = 10;
	expect(&b, ET_REASON_STORE_LOST, 1);
	assert_int_equal(b.told.count, 1);
	assert_int_equal(b.told.list[0].version, 10);
	assert_int_equal(b.told.list[0].last_version, 10);
}

static void
an_aggregate_gone_from_a_living_device_is_lost_at_the_second_sight(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.###");
	b.one.in_store = false;
	b.one.has_ahead = true;
	b.one.ahead_until = 5;
	expect(&b, ET_REASON_STORE_LOST, 5);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 0);
	assert_int_equal(b.tally.lost_deleted, 1);
	assert_int_equal(b.told.count, 3);
	assert_int_equal(b.told.list[0].version, 0);
	assert_int_equal(b.told.list[0].last_version, 1);
	assert_int_equal(b.told.list[1].version, 3);
	assert_int_equal(b.told.list[1].last_version, 5);
	assert_int_equal(b.told.list[2].reason, ET_REASON_LOST);
	assert_int_equal(b.told.list[2].version, 2);
}

static void
what_the_identity_store_knows_is_not_deleted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "######");
	b.one.in_store = b.facts.device_in_store = false;
	b.facts.device_owned = true;
	expect(&b, ET_REASON_AHEAD, 6);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 0);
}

/* ---- forked ---- */

static void
numbers_used_again_are_one_finding(void **state ET_UNUSED)
{
	struct bench b;

	set_up_fork(&b, ET_BEGINNING_FORK);
	expect(&b, ET_REASON_FORKED, 3);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
	assert_int_equal(b.told.count, 1);
	assert_int_equal(b.told.list[0].reason, ET_REASON_FORKED);
	assert_int_equal(b.told.list[0].version, 5);
	assert_int_equal(b.told.list[0].last_version, 8);
	assert_int_equal(b.told.list[0].time_ns, ET_TIME_NONE);
	assert_int_equal(b.told.list[0].after_seq, 0);
	assert_int_equal(b.told.list[0].before_seq, 0);
}

static void
where_the_signs_disagree_numbers_used_again_raise_no_alarm(void **state ET_UNUSED)
{
	struct bench b;

	set_up_fork(&b, ET_BEGINNING_UNCLEAR);
	expect(&b, ET_REASON_FORKED, 0);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 3);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
	assert_int_equal(b.told.count, 0);
}

static void
a_young_fork_is_not_told_yet(void **state ET_UNUSED)
{
	static const struct {
		int64_t start_s;
		int64_t settle_s;
		bool has_cut;
		bool young;
	} rows[] = {
		{ CUT_S - SETTLE_S, SETTLE_S, true, false },
		{ CUT_S - SETTLE_S + 1, SETTLE_S, true, true },
		{ CUT_S, 0, true, false },
		{ CUT_S, SETTLE_S, false, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up_fork(&b, ET_BEGINNING_FORK);
		b.forks[0].start_ns = rows[i].start_s * S;
		b.cut.settle_ns = rows[i].settle_s * S;
		if (!rows[i].has_cut)
			b.cut.time_ns = ET_TIME_NONE;
		expect(&b, ET_REASON_FORKED, rows[i].young ? 0 : 3);
		assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], rows[i].young ? 3 : 0);
		assert_int_equal(b.told.count, rows[i].young ? 0 : 1);
	}
}

static void
of_a_deleted_device_and_of_service_metadata_forks_are_only_counted(void **state ET_UNUSED)
{
	static const enum et_beginning beginnings[] = { ET_BEGINNING_FORK, ET_BEGINNING_UNCLEAR };

	for (size_t i = 0; i < ET_COUNT(beginnings); i++) {
		struct bench b;

		set_up_fork(&b, beginnings[i]);
		b.one.in_store = b.facts.device_in_store = false;
		expect(&b, ET_REASON_DELETED_DEVICE, 13);
		assert_int_equal(b.told.count, 0);
		set_up_fork(&b, beginnings[i]);
		b.one.family = ET_FAMILY_SERVICE;
		expect(&b, ET_REASON_AHEAD, 13);
		assert_int_equal(b.told.count, 0);
	}
}

static void
an_aggregate_gone_from_a_living_device_may_have_been_forked(void **state ET_UNUSED)
{
	struct bench b;

	set_up_fork(&b, ET_BEGINNING_FORK);
	b.one.in_store = false;
	expect(&b, ET_REASON_FORKED, 3);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 10);
}

static void
the_sink_can_end_it_at_what_was_seen(void **state ET_UNUSED)
{
	for (uint64_t stop = 1; stop < 5; stop++) {
		for (int in_store = 0; in_store < 2; in_store++) {
			struct bench b;

			set_up_fork(&b, ET_BEGINNING_FORK);
			see_all(&b, "..........##.##");
			b.one.has_ahead = true;
			b.one.ahead_until = 20;
			b.one.in_store = in_store == 1;
			b.told.stop_at = stop;
			/* the runs 0 ... 11 or 10 ... 11, and 13 ... 14; the fork; 12 is missing */
			assert_int_equal(judge_only(&b, sink),
					 stop == 4 && b.one.in_store ? 0 : ET_CANCELED);
			assert_int_equal(b.told.count, stop == 4 && b.one.in_store ? 3 : stop);
			clean_up(&b);
		}
	}
}

static void
of_what_nobody_can_read_at_the_end_runs_are_not_listed_either(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	see(&b, UINT64_C(1) << 40);
	b.one.in_store = false;
	b.one.has_ahead = true;
	b.one.ahead_until = UINT64_MAX;
	/* two runs, and then as many of those in between as are listed at most */
	expect(&b, ET_REASON_STORE_LOST, 11);
	assert_int_equal(b.told.count, ET_JUDGE_LISTED_MAX);
	assert_int_equal(b.tally.lost_deleted, (UINT64_C(1) << 40) - 10);
}

/* ---- not shown ---- */

/* The source may not show its device, or no more: whatever else is known of it, only messages are
 * counted. */
static void
what_is_not_shown_is_not_judged(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < 8; i++) {
		struct et_question seen;
		struct et_question missing;
		struct bench b;
		uint64_t want = 8;

		set_up(&b, "##..##.##.");
		if (i & 1) {
			next_life(&b, "#.#");
			want += 2;
		}
		b.one.in_store = (i & 2) != 0;
		b.facts.device_in_store = b.facts.device_owned = (i & 4) != 0;
		b.facts.not_shown = true;
		b.one.has_ahead = true;
		b.one.ahead_until = 9;
		b.life.forked = 1;
		b.life.replaced = 1;
		b.one.elsewhere = 5;
		b.one.duplicates = 3;
		assert_int_equal(judge_only(&b, sink), 0);
		assert_int_equal(b.told.count, 0);
		assert_int_equal(b.tally.reasons[ET_REASON_NOT_JUDGED], want + 5);
		assert_int_equal(b.tally.reasons[ET_REASON_DUPLICATE], 3);
		assert_int_equal(b.tally.aggregates, 0);
		assert_int_equal(b.tally.expected, 0);
		b.tally.messages = want + 5 + 3;
		assert_true(et_tally_holds(&b.tally, b.cut.split, NULL));
		assert_false(et_judge_wants_orphans(&b.cut, &b.one));
		seen = ask(&b, b.life.number, 0);
		missing = ask(&b, b.life.number, 1000);
		assert_true(seen.seen && missing.seen);
		assert_int_equal(seen.seen_reason, ET_REASON_NOT_JUDGED);
		assert_int_equal(missing.seen_reason, ET_REASON_NOT_JUDGED);
		assert_int_equal(missing.seen_rule, ET_RULE_NOT_SHOWN);
		clean_up(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_deleted_device_what_was_seen_is_counted),
		cmocka_unit_test(of_a_deleted_device_holes_between_seen_versions_are_lost),
		cmocka_unit_test(of_a_deleted_device_a_head_counts_only_if_born_inside),
		cmocka_unit_test(of_a_deleted_device_doubts_count_beside_the_sums),
		cmocka_unit_test(a_publish_can_be_late_also_when_its_device_was_just_deleted),
		cmocka_unit_test(an_aggregate_gone_while_its_device_is_stored_is_ahead),
		cmocka_unit_test(an_aggregate_that_is_nowhere_counts_nothing),
		cmocka_unit_test(the_second_time_what_is_ahead_is_lost_by_the_store),
		cmocka_unit_test(each_run_of_versions_that_the_store_lost_is_one_finding),
		cmocka_unit_test(the_store_may_have_lost_one_version_alone),
		cmocka_unit_test(
			an_aggregate_gone_from_a_living_device_is_lost_at_the_second_sight),
		cmocka_unit_test(what_the_identity_store_knows_is_not_deleted),
		cmocka_unit_test(numbers_used_again_are_one_finding),
		cmocka_unit_test(where_the_signs_disagree_numbers_used_again_raise_no_alarm),
		cmocka_unit_test(a_young_fork_is_not_told_yet),
		cmocka_unit_test(
			of_a_deleted_device_and_of_service_metadata_forks_are_only_counted),
		cmocka_unit_test(an_aggregate_gone_from_a_living_device_may_have_been_forked),
		cmocka_unit_test(the_sink_can_end_it_at_what_was_seen),
		cmocka_unit_test(of_what_nobody_can_read_at_the_end_runs_are_not_listed_either),
		cmocka_unit_test(what_is_not_shown_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
