// SPDX-License-Identifier: Apache-2.0
/* The decision table, row by row: what is on the stream, and what is lost. */
#include "bench.h"

/* ---- what is on the stream ---- */

static void
full_cover_is_covered(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	expect(&b, ET_REASON_COVERED, 10);
	assert_int_equal(b.tally.expected, 10);
	assert_int_equal(b.tally.aggregates, 1);
	assert_int_equal(b.told.count, 0);
}

static void
the_split_parts_what_is_stored_from_what_was_truncated(void **state ET_UNUSED)
{
	static const struct {
		uint64_t first_version;
		uint64_t matched;
		uint64_t truncated;
	} rows[] = { { 0, 9, 0 }, { 1, 8, 1 },  { 5, 5, 4 },
		     { 9, 1, 8 }, { 10, 0, 9 }, { UINT64_MAX, 0, 9 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		b.cut.split = true;
		b.one.first_version = rows[i].first_version;
		expect(&b, ET_REASON_MATCHED, rows[i].matched);
		assert_int_equal(b.tally.reasons[ET_REASON_TRUNCATED], rows[i].truncated);
		assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 0);
	}
}

static void
the_short_way_counts_the_same(void **state ET_UNUSED)
{
	for (uint64_t first = 0; first < 12; first++) {
		for (int split = 0; split < 2; split++) {
			struct et_tally tally = { 0 };
			struct et_tally twice;
			struct bench b;

			set_up(&b, "############");
			b.one.first_version = first;
			b.cut.split = split == 1;
			judge(&b);
			et_judge_covered(9, first, split == 1, &tally);
			twice = tally;
			et_tally_add(&twice, &tally);
			tally.reasons[ET_REASON_AHEAD] = 2;
			tally.messages = b.tally.messages;
			assert_memory_equal(&tally, &b.tally, sizeof(tally));
			/* it adds */
			tally = (struct et_tally){ 0 };
			et_judge_covered(9, first, split == 1, &tally);
			et_judge_covered(9, first, split == 1, &tally);
			assert_memory_equal(&tally, &twice, sizeof(tally));
		}
	}
}

static void
what_is_newer_than_the_store_showed_is_ahead(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########.##");
	expect(&b, ET_REASON_AHEAD, 2);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
	assert_int_equal(b.told.count, 0);
}

static void
duplicates_and_moved_messages_are_counted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	b.one.duplicates = 3;
	b.one.elsewhere = 7;
	expect(&b, ET_REASON_DUPLICATE, 3);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 7);
}

static void
service_metadata_is_never_published_and_not_expected(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.one.family = ET_FAMILY_SERVICE;
	expect(&b, ET_REASON_NEVER_PUBLISHED, 10);
	assert_int_equal(b.tally.expected, 0);
	assert_int_equal(b.tally.aggregates, 1);
	set_up(&b, "#");
	b.one.family = ET_FAMILY_SERVICE;
	expect(&b, ET_REASON_AHEAD, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_NEVER_PUBLISHED], 9);
}

static void
the_last_possible_version_is_no_trap(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	see(&b, UINT64_MAX);
	b.one.latest_version = UINT64_MAX - 1;
	b.one.family = ET_FAMILY_METADATA;
	assert_int_equal(judge_only(&b, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], UINT64_MAX - 10);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 1);
	b.tally = (struct et_tally){ 0 };
	b.one.latest_version = UINT64_MAX;
	assert_int_equal(judge_only(&b, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], UINT64_MAX - 10);
	clean_up(&b);
}

/* ---- lost, and what can be recovered ---- */

static void
a_hole_between_two_seen_versions_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.tally.lost_in_store, 2);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 2);
	assert_int_equal(b.told.count, 2);
	for (uint64_t i = 0; i < 2; i++) {
		const struct et_finding *finding = &b.told.list[i];

		assert_int_equal(finding->reason, ET_REASON_LOST);
		assert_int_equal(finding->recoverable, ET_RECOVERABLE_SUPERSEDED);
		assert_int_equal(finding->device.bytes[0], 1);
		assert_int_equal(finding->aggregate.bytes[0], 2);
		assert_int_equal(finding->version, 3 + i);
		assert_int_equal(finding->kind, ET_KIND_UNKNOWN);
		assert_int_equal(finding->time_ns, ET_TIME_NONE);
		assert_int_equal(finding->after_ns, time_of(2));
		assert_int_equal(finding->before_ns, time_of(5));
		assert_int_equal(finding->after_seq, 102);
		assert_int_equal(finding->before_seq, 105);
		assert_int_equal(finding->seq, 0);
		assert_false(finding->lost_deleted);
	}
}

static void
versions_up_to_latestversion_are_lost_behind_the_last_one_seen(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.told.list[0].after_seq, 107);
	assert_int_equal(b.told.list[0].before_seq, 0);
	assert_int_equal(b.told.list[0].before_ns, time_of(9));
}

static void
below_what_is_ahead_the_latest_version_has_both_neighbours(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#########.#");
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 1);
	assert_int_equal(b.told.list[0].version, 9);
	assert_int_equal(b.told.list[0].before_ns, time_of(10));
	assert_int_equal(b.told.list[0].before_seq, 110);
}

static void
the_time_of_a_tail_may_be_unknown(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#########.");
	b.one.latest_time_ns = ET_TIME_NONE;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.list[0].before_ns, ET_TIME_NONE);
}

static void
every_form_of_a_copy_is_told(void **state ET_UNUSED)
{
	static const struct {
		enum et_recoverable form;
		enum et_kind kind; /* as told */
		int64_t time_ns;
		int64_t before_ns;
	} rows[] = {
		{ ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 11004 * S, 11005 * S },
		{ ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, 11004 * S, 11005 * S },
		/* The snapshot says when at the latest; what it replaced is not known. */
		{ ET_RECOVERABLE_SNAPSHOT, ET_KIND_UNKNOWN, ET_TIME_NONE, 11004 * S },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		copy(&b, 4, rows[i].form, ET_KIND_RESOURCE_CHANGED, time_of(4));
		expect(&b, ET_REASON_LOST, 1);
		assert_int_equal(b.tally.recoverable[rows[i].form], 1);
		assert_int_equal(b.told.list[0].recoverable, rows[i].form);
		assert_int_equal(b.told.list[0].kind, rows[i].kind);
		assert_int_equal(b.told.list[0].time_ns, rows[i].time_ns);
		assert_int_equal(b.told.list[0].before_ns, rows[i].before_ns);
	}
}

static void
a_snapshot_younger_than_the_bracket_does_not_widen_it(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "####.#####");
	copy(&b, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(7));
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(5));
	set_up(&b, "#########.");
	b.one.latest_time_ns = ET_TIME_NONE;
	copy(&b, 9, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(9));
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(9));
	set_up(&b, "####.#####");
	copy(&b, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, ET_TIME_NONE);
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(5));
}

static void
each_version_of_a_hole_has_its_own_copy(void **state ET_UNUSED)
{
	struct bench b;

	/* versions 2 ... 7 are missing; copies of 1 (seen), 3, 4, 7, 8 (seen) */
	set_up(&b, "##......##");
	copy(&b, 1, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(1));
	copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3));
	copy(&b, 4, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, time_of(4));
	copy(&b, 7, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(7));
	copy(&b, 8, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(8));
	expect(&b, ET_REASON_LOST, 6);
	assert_int_equal(b.told.count, 6);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(b.told.list[i].version, 2 + i);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_EXACT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_REBUILT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SNAPSHOT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 3);
}

static void
of_two_copies_of_one_version_the_first_counts(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###.######");
	copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3));
	copy(&b, 3, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(40));
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.count, 1);
	assert_int_equal(b.told.list[0].kind, ET_KIND_RESOURCE_CHANGED);
	/* also in the middle of what is missing */
	set_up(&b, "###...####");
	copy(&b, 4, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, time_of(4));
	copy(&b, 4, ET_RECOVERABLE_REBUILT, ET_KIND_UPDATED, time_of(40));
	expect(&b, ET_REASON_LOST, 3);
	assert_int_equal(b.told.count, 3);
	assert_int_equal(b.told.list[1].version, 4);
	assert_int_equal(b.told.list[1].kind, ET_KIND_RESOURCE_CHANGED);
}

static void
sequences_that_are_swapped_still_make_a_bracket(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	/* v2 was published before v0: two replicas */
	(void)et_coverage_add(&b.life.coverage, 0, time_of(0), 300);
	(void)et_coverage_add(&b.life.coverage, 2, time_of(2), 200);
	b.one.latest_version = 2;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.list[0].after_seq, 200);
	assert_int_equal(b.told.list[0].before_seq, 300);
}

static void
the_sink_can_end_it(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#..#..#..#");
	b.told.stop_at = 3;
	assert_int_equal(judge_only(&b, sink), ET_CANCELED);
	assert_int_equal(b.told.count, 3);
	/* ... in front of a copy, at one, and behind the last one */
	for (uint64_t stop = 1; stop < 4; stop++) {
		b.told = (struct told){ .stop_at = stop };
		b.copies.count = 0;
		copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(2));
		assert_int_equal(judge_only(&b, sink), ET_CANCELED);
		assert_int_equal(b.told.count, stop);
	}
	clean_up(&b);
}

static void
an_absurd_latestversion_is_counted_and_not_listed_for_ever(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	b.one.latest_version = INT64_MAX;
	expect(&b, ET_REASON_LOST, INT64_MAX - UINT64_C(9));
	assert_int_equal(b.told.count, ET_JUDGE_LISTED_MAX);
}

static void
nothing_is_told_where_nobody_listens(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "####.#####");
	assert_int_equal(judge_only(&b, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], 1);
	clean_up(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_cover_is_covered),
		cmocka_unit_test(the_split_parts_what_is_stored_from_what_was_truncated),
		cmocka_unit_test(the_short_way_counts_the_same),
		cmocka_unit_test(what_is_newer_than_the_store_showed_is_ahead),
		cmocka_unit_test(duplicates_and_moved_messages_are_counted),
		cmocka_unit_test(service_metadata_is_never_published_and_not_expected),
		cmocka_unit_test(the_last_possible_version_is_no_trap),
		cmocka_unit_test(a_hole_between_two_seen_versions_is_lost),
		cmocka_unit_test(versions_up_to_latestversion_are_lost_behind_the_last_one_seen),
		cmocka_unit_test(below_what_is_ahead_the_latest_version_has_both_neighbours),
		cmocka_unit_test(the_time_of_a_tail_may_be_unknown),
		cmocka_unit_test(every_form_of_a_copy_is_told),
		cmocka_unit_test(a_snapshot_younger_than_the_bracket_does_not_widen_it),
		cmocka_unit_test(each_version_of_a_hole_has_its_own_copy),
		cmocka_unit_test(of_two_copies_of_one_version_the_first_counts),
		cmocka_unit_test(sequences_that_are_swapped_still_make_a_bracket),
		cmocka_unit_test(the_sink_can_end_it),
		cmocka_unit_test(an_absurd_latestversion_is_counted_and_not_listed_for_ever),
		cmocka_unit_test(nothing_is_told_where_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
