// SPDX-License-Identifier: Apache-2.0
/* The decision table: what holes, blind times, unreadable messages and forks may explain. */
#include "bench.h"

/* Versions 3 and 4 are missing between the sequences 102 and 105. */
static void
what_a_hole_of_the_archives_may_have_held_is_not_called_lost(void **state ET_UNUSED)
{
	static const struct {
		const char *seen;
		struct et_zone zone;
		bool inside;
	} rows[] = {
		{ "###..#####", { 90, 101, 9 }, false },  { "###..#####", { 106, 200, 9 }, false },
		{ "###..#####", { 102, 102, 9 }, true },  { "###..#####", { 103, 104, 2 }, true },
		{ "###..#####", { 105, 106, 2 }, true },  { "###..#####", { 90, 500, 300 }, true },
		{ "########..", { 108, 108, 2 }, true },  { "########..", { 50, 106, 50 }, false },
		{ "########..", { 900, 990, 50 }, true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, rows[i].seen);
		b.cut.zones = &rows[i].zone;
		b.cut.zone_count = 1;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
	}
}

/* Versions 3 and 4 are missing between the seconds START + 10002 and START + 10005. */
static void
what_nobody_watched_is_not_called_lost(void **state ET_UNUSED)
{
	static const struct {
		const char *seen;
		int64_t from_s;
		int64_t to_s;
		bool inside;
	} rows[] = {
		{ "###..#####", 0, 10001 - SETTLE_S, false },
		{ "###..#####", 0, 10002 - SETTLE_S, true },
		{ "###..#####", 10003, 10004, true },
		{ "###..#####", 10005 + SETTLE_S, 20000, true },
		{ "###..#####", 10006 + SETTLE_S, 20000, false },
		{ "########..", 10007, 10100, true },
		{ "########..", 0, 9000, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_blind blind = { (START_S + rows[i].from_s) * S,
						(START_S + rows[i].to_s) * S };
		struct bench b;

		set_up(&b, rows[i].seen);
		b.cut.blinds = &blind;
		b.cut.blind_count = 1;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
	}
}

static void
a_malformed_message_in_the_bracket_makes_it_undecided(void **state ET_UNUSED)
{
	static const struct {
		uint64_t first;
		uint64_t last;
		bool inside;
	} rows[] = {
		{ 50, 102, false }, { 50, 103, true },   { 103, 104, true },
		{ 104, 500, true }, { 105, 500, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		b.facts.malformed_in_device = true;
		b.facts.malformed_first_seq = rows[i].first;
		b.facts.malformed_last_seq = rows[i].last;
		expect(&b, ET_REASON_UNDECIDED, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
		assert_int_equal(b.told.count, 2);
		assert_int_equal(b.told.list[0].recoverable, rows[i].inside
								     ? ET_RECOVERABLE_NOT_SAID
								     : ET_RECOVERABLE_SUPERSEDED);
	}
}

/* Versions 2 ... 5 are missing between the sequences 101 and 106. */
static void
a_hole_excuses_as_many_as_it_has_sequences(void **state ET_UNUSED)
{
	static const struct {
		struct et_zone zones[3];
		size_t zone_count;
		uint64_t excused;
	} rows[] = {
		{ { { 103, 103, 1 } }, 1, 1 },
		{ { { 103, 104, 3 } }, 1, 3 },
		{ { { 103, 104, 4 } }, 1, 4 },
		{ { { 103, 104, 5 } }, 1, 4 },
		{ { { 103, 103, 1 }, { 104, 104, 1 } }, 2, 2 },
		{ { { 90, 100, 1 }, { 104, 104, 1 }, { 107, 120, 9 } }, 3, 1 },
		{ { { 90, 101, 1 }, { 95, 110, 2 }, { 106, 120, 9 } }, 3, 4 },
		{ { { 90, 100, 1 }, { 91, 100, 1 }, { 92, 104, 2 } }, 3, 2 },
		{ { { 1, 500, UINT64_MAX }, { 2, 501, UINT64_MAX } }, 2, 4 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "##....####");
		b.cut.zones = rows[i].zones;
		b.cut.zone_count = rows[i].zone_count;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].excused);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST_IN_GAP], 4 - rows[i].excused);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], 0);
		assert_int_equal(b.told.count, 4);
		for (uint64_t v = 0; v < 4; v++) {
			assert_int_equal(b.told.list[v].version, 2 + v);
			assert_int_equal(b.told.list[v].last_version, 2 + v);
			assert_int_equal(b.told.list[v].recoverable, ET_RECOVERABLE_NOT_SAID);
			assert_int_equal(b.told.list[v].reason, v < rows[i].excused
									? ET_REASON_UNVERIFIABLE_GAP
									: ET_REASON_LOST_IN_GAP);
		}
	}
}

static void
a_hole_is_shared_by_the_copies_in_its_gap(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 103, 104, 2 };
	static const enum et_reason want[] = { ET_REASON_UNVERIFIABLE_GAP,
					       ET_REASON_UNVERIFIABLE_GAP, ET_REASON_LOST_IN_GAP,
					       ET_REASON_LOST_IN_GAP };
	struct bench b;

	set_up(&b, "##....####");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3));
	copy(&b, 5, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, time_of(5));
	judge(&b);
	assert_int_equal(b.told.count, 4);
	for (size_t i = 0; i < ET_COUNT(want); i++) {
		assert_int_equal(b.told.list[i].version, 2 + i);
		assert_int_equal(b.told.list[i].reason, want[i]);
		assert_int_equal(b.told.list[i].kind,
				 i % 2 == 1 ? ET_KIND_RESOURCE_CHANGED : ET_KIND_UNKNOWN);
	}
}

static void
each_gap_has_the_whole_hole_to_itself(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 90, 120, 2 };
	struct bench b;

	/* nobody knows in which of the two the messages stood: neither is called lost */
	set_up(&b, "##..##..##");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	expect(&b, ET_REASON_UNVERIFIABLE_GAP, 4);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST_IN_GAP], 0);
}

static void
only_what_would_be_lost_stands_against_a_hole(void **state ET_UNUSED)
{
	static const struct {
		uint64_t size;
		uint64_t excused;
		uint64_t lost_in_gap;
	} rows[] = { { 1, 1, 2 }, { 2, 2, 1 }, { 3, 3, 0 }, { 4, 3, 0 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_zone zone = { 103, 104, rows[i].size };
		struct bench b;

		/* 3 is a command that the hub withheld: its time is before the link's */
		set_up(&b, "##....####");
		b.cut.zones = &zone;
		b.cut.zone_count = 1;
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, (START_S - 11) * S);
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].excused);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST_IN_GAP], rows[i].lost_in_gap);
		assert_int_equal(b.tally.reasons[ET_REASON_UNANNOUNCED], 1);
	}
}

static void
what_other_rules_decide_needs_no_hole(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 103, 110, 1 };
	struct bench b;

	/* undecided by the links */
	set_up(&b, "###..#####");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	unlinked(&b);
	expect(&b, ET_REASON_UNDECIDED, 2);
	assert_int_equal(b.tally.reasons[ET_REASON_UNVERIFIABLE_GAP], 0);
	/* in flight above what was noted */
	set_up(&b, "########..");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	b.one.latest_time_ns = CUT_S * S;
	b.one.has_noted = true;
	b.one.noted_latest = 8;
	expect(&b, ET_REASON_UNVERIFIABLE_GAP, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_IN_FLIGHT], 1);
	/* before the horizon */
	set_up(&b, "...#######");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	expect(&b, ET_REASON_BEFORE_HORIZON, 3);
	/* beside what cannot be read */
	set_up(&b, "###..#####");
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	b.facts.malformed_in_device = true;
	b.facts.malformed_first_seq = b.facts.malformed_last_seq = 104;
	expect(&b, ET_REASON_UNDECIDED, 2);
}

static void
of_a_deleted_device_holes_excuse_beside_the_sums(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 103, 104, 1 };
	struct bench b;

	set_up(&b, "##...#");
	b.one.in_store = b.facts.device_in_store = false;
	b.cut.zones = &zone;
	b.cut.zone_count = 1;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_UNVERIFIABLE_GAP], 1);
	assert_int_equal(b.tally.deleted[ET_REASON_LOST_IN_GAP], 2);
	assert_int_equal(b.tally.reasons[ET_REASON_UNVERIFIABLE_GAP], 0);
	assert_int_equal(b.tally.lost_deleted, 0);
	assert_int_equal(b.told.count, 3);
}

static void
the_sink_can_end_it_in_a_hole_too(void **state ET_UNUSED)
{
	static const struct et_zone zone = { 103, 104, 2 };

	for (uint64_t stop = 1; stop < 5; stop++) {
		struct bench b;

		set_up(&b, "##....####");
		b.cut.zones = &zone;
		b.cut.zone_count = 1;
		b.told.stop_at = stop;
		assert_int_equal(judge_only(&b, sink), ET_CANCELED);
		assert_int_equal(b.told.count, stop);
		clean_up(&b);
	}
}

/* Versions 3 and 4 are missing between the seconds START + 10002 and START + 10005 of the hub. */
static void
blind_times_are_widened_by_the_clocks_difference(void **state ET_UNUSED)
{
	static const struct {
		int64_t lag_s;
		int64_t from_s;
		int64_t to_s;
		bool inside;
	} rows[] = {
		/* the hub's clock is 300 s behind: 10005 there is 10305 on the stream */
		{ 300, 10305 + SETTLE_S, 20000, true },
		{ 300, 10306 + SETTLE_S, 20000, false },
		{ 300, 0, 10002 - SETTLE_S, true },
		{ 300, 0, 10001 - SETTLE_S, false },
		/* ... ahead: 10002 there is 9702 on the stream */
		{ -300, 0, 9702 - SETTLE_S, true },
		{ -300, 0, 9701 - SETTLE_S, false },
		{ -300, 10005 + SETTLE_S, 20000, true },
		{ -300, 10006 + SETTLE_S, 20000, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_blind blind = { (START_S + rows[i].from_s) * S,
						(START_S + rows[i].to_s) * S };
		struct bench b;

		set_up(&b, "###..#####");
		b.cut.lag_ns = rows[i].lag_s * S;
		b.cut.blinds = &blind;
		b.cut.blind_count = 1;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
	}
}

/* The bracket of 3 and 4 is 11002 s to 11005 s; clocks may be 10 s apart. */
static void
around_the_time_at_which_the_store_went_back_nothing_is_called_lost(void **state ET_UNUSED)
{
	static const struct {
		enum et_beginning beginning;
		int64_t start_s;
		bool doubt;
	} rows[] = {
		{ ET_BEGINNING_FORK, 10991, false },
		{ ET_BEGINNING_FORK, 10992, true },
		{ ET_BEGINNING_FORK, 11003, true },
		{ ET_BEGINNING_FORK, 11015, true },
		{ ET_BEGINNING_FORK, 11016, false },
		/* where the signs disagree, what is behind it may be another life's, too */
		{ ET_BEGINNING_UNCLEAR, 5000, true },
		{ ET_BEGINNING_UNCLEAR, 11003, true },
		{ ET_BEGINNING_UNCLEAR, 11015, true },
		{ ET_BEGINNING_UNCLEAR, 11016, false },
		/* it only went on */
		{ ET_BEGINNING_FIRST, 11003, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		(void)fork_at(&b, ET_BEGINNING_FORK, 0);
		b.forks[0].start_ns = 2000 * S; /* an old one, that touches nothing */
		(void)fork_at(&b, rows[i].beginning, 0);
		b.forks[1].start_ns = rows[i].start_s * S;
		expect(&b, ET_REASON_UNDECIDED, rows[i].doubt ? 2 : 0);
		if (b.tally.reasons[ET_REASON_LOST] != (rows[i].doubt ? 0 : 2))
			fail_msg("row %zu", i);
	}
}

static void
a_gap_without_an_end_meets_every_fork_behind_it(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	b.one.latest_time_ns = ET_TIME_NONE;
	(void)fork_at(&b, ET_BEGINNING_FORK, 500);
	expect(&b, ET_REASON_UNDECIDED, 2);
	/* and one without a beginning those before it */
	set_up(&b, "..########");
	b.facts.born = true;
	(void)fork_at(&b, ET_BEGINNING_FORK, 0);
	b.forks[0].start_ns = START_S * S;
	expect(&b, ET_REASON_UNDECIDED, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_hole_of_the_archives_may_have_held_is_not_called_lost),
		cmocka_unit_test(what_nobody_watched_is_not_called_lost),
		cmocka_unit_test(a_malformed_message_in_the_bracket_makes_it_undecided),
		cmocka_unit_test(a_hole_excuses_as_many_as_it_has_sequences),
		cmocka_unit_test(a_hole_is_shared_by_the_copies_in_its_gap),
		cmocka_unit_test(each_gap_has_the_whole_hole_to_itself),
		cmocka_unit_test(only_what_would_be_lost_stands_against_a_hole),
		cmocka_unit_test(what_other_rules_decide_needs_no_hole),
		cmocka_unit_test(of_a_deleted_device_holes_excuse_beside_the_sums),
		cmocka_unit_test(the_sink_can_end_it_in_a_hole_too),
		cmocka_unit_test(blind_times_are_widened_by_the_clocks_difference),
		cmocka_unit_test(
			around_the_time_at_which_the_store_went_back_nothing_is_called_lost),
		cmocka_unit_test(a_gap_without_an_end_meets_every_fork_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
