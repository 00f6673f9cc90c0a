// SPDX-License-Identifier: Apache-2.0
/* The decision table: what is too old to be judged, and what is too young. */
#include "bench.h"

/* ---- head ---- */

static void
below_the_first_version_seen_is_before_the_horizon(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "...#######");
	expect(&b, ET_REASON_BEFORE_HORIZON, 3);
	set_up(&b, "");
	expect(&b, ET_REASON_BEFORE_HORIZON, 10);
	assert_int_equal(b.told.count, 0);
}

static void
of_a_device_born_inside_the_head_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "...#######");
	b.facts.born = true;
	expect(&b, ET_REASON_LOST, 3);
	assert_int_equal(b.told.list[0].after_ns, ET_TIME_NONE);
	assert_int_equal(b.told.list[0].after_seq, 0);
	assert_int_equal(b.told.list[0].before_seq, 103);
}

static void
a_stored_copy_with_a_time_inside_proves_itself_and_what_is_above(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, ".....#####");
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, (START_S - 1) * S);
	copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, (START_S + SETTLE_S + 1) * S);
	expect(&b, ET_REASON_LOST, 3); /* 2, and 3 and 4 above it */
	assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], 2);
	assert_int_equal(b.told.list[0].version, 2);
}

static void
a_stored_copy_from_the_first_minutes_proves_nothing(void **state ET_UNUSED)
{
	static const int64_t times_s[] = { START_S - 1, START_S, START_S + 1, START_S + SETTLE_S };

	for (size_t i = 0; i < ET_COUNT(times_s); i++) {
		struct bench b;

		set_up(&b, ".....#####");
		copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, times_s[i] * S);
		expect(&b, ET_REASON_BEFORE_HORIZON, 5);
	}
}

static void
a_copy_of_a_version_that_was_seen_proves_what_is_above(void **state ET_UNUSED)
{
	struct bench b;

	/* an embedded event of version 0 with a time inside, and nothing at all on the stream */
	set_up(&b, "");
	copy(&b, 0, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, (START_S + SETTLE_S) * S + 1);
	expect(&b, ET_REASON_LOST, 10);
}

static void
where_nothing_is_archived_nothing_is_inside(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.cut.start_time_ns = ET_TIME_NONE;
	copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(2));
	expect(&b, ET_REASON_BEFORE_HORIZON, 10);
}

static void
absurd_times_do_not_overflow(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..########");
	b.cut.start_time_ns = INT64_MAX - 1;
	b.cut.settle_ns = INT64_MAX;
	b.cut.time_ns = INT64_MIN + 1;
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, INT64_MAX);
	expect(&b, ET_REASON_BEFORE_HORIZON, 2);
}

static void
without_a_time_of_the_cut_nothing_is_young(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.#######");
	b.cut.time_ns = ET_TIME_NONE;
	expect(&b, ET_REASON_LOST, 1);
}

/* Versions 3 and 4 are missing behind version 2, which was saved at 11002 s. */
static void
what_follows_a_save_from_before_the_archives_is_before_the_horizon(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		bool starts_late;
		bool has_lag;
		int64_t clocks_s;
		bool born;
		int64_t start_s;
		bool before;
	} rows[] = {
		{ "saved before", true, true, 0, false, 11003, true },
		{ "saved when they begin", true, true, 0, false, 11002, false },
		{ "they begin with the stream", false, true, 0, false, 11003, false },
		{ "the clocks are not known", true, false, 0, false, 11003, false },
		{ "the hub's clock is behind", true, true, 1, false, 11003, false },
		{ "... by less", true, true, 1, false, 11004, true },
		{ "the hub's clock is ahead", true, true, -1, false, 11002, true },
		{ "born inside", true, true, 0, true, 11003, false },
		{ "nothing was archived", true, true, 0, false, 0, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..###.#");
		b.cut.starts_late = rows[i].starts_late;
		b.cut.has_lag = rows[i].has_lag;
		b.cut.clocks_ns = b.cut.lag_ns = rows[i].clocks_s * S;
		b.cut.start_time_ns = rows[i].start_s > 0 ? rows[i].start_s * S : ET_TIME_NONE;
		b.facts.born = rows[i].born;
		judge(&b);
		if (b.tally.reasons[ET_REASON_BEFORE_HORIZON] != (rows[i].before ? 2 : 0))
			fail_msg("%s", rows[i].name);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].before ? 1 : 3);
	}
}

static void
a_copy_from_inside_proves_behind_an_early_save_too(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	b.cut.starts_late = true;
	b.cut.start_time_ns = time_of(3);
	copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3) + SETTLE_S * S + 1);
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.list[0].version, 4);
	assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], 1);
}

static void
a_copy_proves_by_the_clock_of_the_stream(void **state ET_UNUSED)
{
	static const struct {
		bool has_lag;
		int64_t lag_s;
		int64_t copy_s; /* behind the first archived message */
		bool proves;
	} rows[] = {
		{ true, 0, SETTLE_S + 1, true },
		{ true, 0, SETTLE_S, false },
		{ false, 0, SETTLE_S + 1, false },
		{ true, 30, SETTLE_S + 1, true },     /* late, or a clock that is behind */
		{ true, -7200, SETTLE_S + 1, false }, /* a clock that is ahead */
		{ true, -7200, SETTLE_S + 7200, false },
		{ true, -7200, SETTLE_S + 7201, true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, ".#########");
		b.cut.has_lag = rows[i].has_lag;
		b.cut.lag_ns = rows[i].lag_s * S;
		copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED,
		     (START_S + rows[i].copy_s) * S);
		expect(&b, ET_REASON_LOST, rows[i].proves);
		assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], !rows[i].proves);
	}
}

/* ---- in flight ---- */

static void
a_hole_is_young_while_the_next_version_seen_is(void **state ET_UNUSED)
{
	static const struct {
		int64_t above_s;
		bool young;
	} rows[] = { { CUT_S - SETTLE_S - 1, false },
		     { CUT_S - SETTLE_S, false },
		     { CUT_S - SETTLE_S + 1, true } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###");
		(void)et_coverage_add(&b.life.coverage, 4, rows[i].above_s * S, 104);
		b.one.latest_version = 4;
		b.one.latest_time_ns = CUT_S * S; /* is not asked: the version above is older */
		expect(&b, ET_REASON_IN_FLIGHT, rows[i].young ? 1 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].young ? 0 : 1);
		assert_int_equal(b.told.count, rows[i].young ? 0 : 1);
	}
}

static void
a_tail_is_young_while_the_store_wrote_lately(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	b.one.latest_time_ns = (CUT_S - SETTLE_S) * S + 1;
	expect(&b, ET_REASON_IN_FLIGHT, 2);
	set_up(&b, "########..");
	b.one.latest_time_ns = (CUT_S - SETTLE_S) * S;
	expect(&b, ET_REASON_LOST, 2);
}

static void
an_old_hole_below_a_young_tail_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.#####..");
	b.one.latest_time_ns = CUT_S * S;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_IN_FLIGHT], 2);
}

static void
what_is_in_flight_is_not_before_the_horizon(void **state ET_UNUSED)
{
	struct bench b;

	/* a new aggregate, its first version just stored */
	set_up(&b, "");
	b.one.latest_version = 0;
	b.one.latest_time_ns = CUT_S * S;
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, CUT_S * S);
	expect(&b, ET_REASON_IN_FLIGHT, 1);
}

static void
both_conditions_make_it_in_flight(void **state ET_UNUSED)
{
	static const struct {
		bool late; /* what the store wrote last is later than cut - settle */
		bool has_noted;
		uint64_t noted;
		uint64_t in_flight; /* of the versions 8 and 9, which are missing */
	} rows[] = {
		{ true, false, 0, 2 }, { true, true, 0, 2 },   { true, true, 7, 2 },
		{ true, true, 8, 1 },  { true, true, 9, 0 },   { true, true, 20, 0 },
		{ false, true, 7, 0 }, { false, false, 0, 0 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "########..");
		if (rows[i].late)
			b.one.latest_time_ns = CUT_S * S;
		b.one.has_noted = rows[i].has_noted;
		b.one.noted_latest = rows[i].noted;
		expect(&b, ET_REASON_IN_FLIGHT, rows[i].in_flight);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], 2 - rows[i].in_flight);
		assert_int_equal(b.told.count, 2 - rows[i].in_flight);
		if (b.told.count > 0)
			assert_int_equal(b.told.list[0].version, 8);
	}
}

static void
a_noted_latestversion_parts_a_hole_between_two_copies(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##........");
	b.one.latest_time_ns = CUT_S * S;
	b.one.has_noted = true;
	b.one.noted_latest = 5;
	copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3));
	copy(&b, 7, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(7));
	expect(&b, ET_REASON_LOST, 4); /* 2, 3, 4, 5 */
	assert_int_equal(b.tally.reasons[ET_REASON_IN_FLIGHT], 4);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_EXACT], 1);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(b.told.list[i].version, 2 + i);
}

static void
below_what_was_noted_a_young_neighbour_excuses_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##");
	(void)et_coverage_add(&b.life.coverage, 9, (CUT_S - 1) * S, 109);
	b.one.has_noted = true;
	b.one.noted_latest = 4;
	b.one.latest_time_ns = (CUT_S - 1) * S;
	b.told.stop_at = 2;
	assert_int_equal(judge_only(&b, sink), ET_CANCELED);
	b.told = (struct told){ .stop_at = 0 };
	b.tally = (struct et_tally){ 0 };
	expect(&b, ET_REASON_LOST, 3); /* 2, 3, 4 */
	assert_int_equal(b.tally.reasons[ET_REASON_IN_FLIGHT], 4);
}

static void
what_was_noted_says_nothing_of_a_deleted_device(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##");
	(void)et_coverage_add(&b.life.coverage, 3, (CUT_S - 1) * S, 103);
	b.one.in_store = b.facts.device_in_store = false;
	b.one.has_noted = true;
	b.one.noted_latest = 9;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_IN_FLIGHT], 1);
}

static void
where_all_had_waited_only_what_was_noted_is_judged(void **state ET_UNUSED)
{
	static const struct {
		int64_t settle_s;
		bool has_noted;
		uint64_t in_flight;
	} rows[] = { { SETTLE_S, false, 3 }, { 0, false, 0 }, { SETTLE_S, true, 1 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "##.#####..");
		b.cut.has_lag = false;
		b.cut.all_waited = true;
		b.cut.settle_ns = rows[i].settle_s * S;
		b.one.has_noted = rows[i].has_noted;
		b.one.noted_latest = 8;
		expect(&b, ET_REASON_IN_FLIGHT, rows[i].in_flight);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], 3 - rows[i].in_flight);
	}
}

static void
a_time_that_no_clock_has_had_decides_nothing(void **state ET_UNUSED)
{
	static const struct {
		int64_t latest_ns;
		enum et_reason reason;
	} rows[] = {
		{ (CUT_S + SETTLE_S + 3600) * S, ET_REASON_IN_FLIGHT },
		{ (CUT_S + SETTLE_S + 3601) * S, ET_REASON_UNDECIDED },
		{ INT64_MAX, ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "########..");
		b.one.latest_time_ns = rows[i].latest_ns;
		expect(&b, rows[i].reason, 2);
	}
}

static void
an_absurd_time_decides_nothing_below_what_was_noted_either(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	b.one.latest_time_ns = INT64_MAX;
	b.one.has_noted = true;
	b.one.noted_latest = 8;
	expect(&b, ET_REASON_UNDECIDED, 2);
	assert_int_equal(b.told.count, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_the_first_version_seen_is_before_the_horizon),
		cmocka_unit_test(of_a_device_born_inside_the_head_is_lost),
		cmocka_unit_test(a_stored_copy_with_a_time_inside_proves_itself_and_what_is_above),
		cmocka_unit_test(a_stored_copy_from_the_first_minutes_proves_nothing),
		cmocka_unit_test(a_copy_of_a_version_that_was_seen_proves_what_is_above),
		cmocka_unit_test(where_nothing_is_archived_nothing_is_inside),
		cmocka_unit_test(absurd_times_do_not_overflow),
		cmocka_unit_test(without_a_time_of_the_cut_nothing_is_young),
		cmocka_unit_test(
			what_follows_a_save_from_before_the_archives_is_before_the_horizon),
		cmocka_unit_test(a_copy_from_inside_proves_behind_an_early_save_too),
		cmocka_unit_test(a_copy_proves_by_the_clock_of_the_stream),
		cmocka_unit_test(a_hole_is_young_while_the_next_version_seen_is),
		cmocka_unit_test(a_tail_is_young_while_the_store_wrote_lately),
		cmocka_unit_test(an_old_hole_below_a_young_tail_is_lost),
		cmocka_unit_test(what_is_in_flight_is_not_before_the_horizon),
		cmocka_unit_test(both_conditions_make_it_in_flight),
		cmocka_unit_test(a_noted_latestversion_parts_a_hole_between_two_copies),
		cmocka_unit_test(below_what_was_noted_a_young_neighbour_excuses_nothing),
		cmocka_unit_test(what_was_noted_says_nothing_of_a_deleted_device),
		cmocka_unit_test(where_all_had_waited_only_what_was_noted_is_judged),
		cmocka_unit_test(a_time_that_no_clock_has_had_decides_nothing),
		cmocka_unit_test(an_absurd_time_decides_nothing_below_what_was_noted_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
