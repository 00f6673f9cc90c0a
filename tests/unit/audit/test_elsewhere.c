// SPDX-License-Identifier: Apache-2.0
/* The decision table: the store is in another life of the device than the stream, or on another
 * branch. */
#include "bench.h"

static void
a_stored_version_is_of_another_life_by_its_time(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		unsigned life;
		const char *seen;
		int64_t time_ns;
		bool elsewhere;
	} rows[] = {
		{ "no time", 0, "##########", ET_TIME_NONE, false },
		{ "its own time", 0, "##########", 11009 * S, false },
		{ "10 s behind", 0, "##########", 11019 * S, false },
		{ "more behind", 0, "##########", 11019 * S + 1, true },
		{ "behind its span only", 0, "############", 11019 * S + 1, false },
		{ "not seen", 0, "########", 90000 * S, false },
		{ "not seen, the next one is", 0, "########..#", 11021 * S, true },
		{ "long before, in the first life", 0, "##########", 1, false },
		{ "since the life began", 1, "##########", 31000 * S, false },
		{ "10 s before it began", 1, "##########", 30990 * S, false },
		{ "before it began", 1, "##########", 30990 * S - 1, true },
		{ "before it began, not seen", 1, "", 30990 * S - 1, true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, rows[i].life == 0 ? rows[i].seen : "#");
		if (rows[i].life == 1)
			next_life(&b, rows[i].seen);
		if (et_stored_elsewhere(&b.life, &b.life.coverage, 9, rows[i].time_ns) !=
		    rows[i].elsewhere)
			fail_msg("%s", rows[i].name);
		clean_up(&b);
	}
}

static void
where_numbers_were_used_again_in_the_store_nothing_is_lost_or_covered(void **state ET_UNUSED)
{
	struct bench b;

	/* deleted and onboarded again: the stream has not shown the new life yet */
	set_up(&b, "############");
	b.one.latest_time_ns = time_of(11) + 10 * S + 1;
	expect(&b, ET_REASON_UNDECIDED, 10);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 12);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 0);
	assert_int_equal(b.tally.older_life, 0);
	set_up(&b, "############");
	b.one.latest_time_ns = time_of(11) + 10 * S;
	expect(&b, ET_REASON_COVERED, 10);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 2);
	/* a moment ago: it may be under way */
	set_up(&b, "############");
	b.one.latest_time_ns = CUT_S * S;
	expect(&b, ET_REASON_IN_FLIGHT, 10);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 12);
}

static void
where_nothing_was_used_again_a_late_time_of_the_store_says_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	b.one.latest_time_ns = time_of(9) + 3600 * S;
	expect(&b, ET_REASON_COVERED, 10);
	/* but in a device of which others were */
	set_up(&b, "##########");
	(void)fork_at(&b, ET_BEGINNING_UNCLEAR, 5);
	b.one.latest_time_ns = time_of(9) + 3600 * S;
	expect(&b, ET_REASON_UNDECIDED, 10);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 10);
}

static void
what_was_forked_or_replaced_elsewhere_stands_in_the_sums(void **state ET_UNUSED)
{
	static const enum et_beginning beginnings[] = { ET_BEGINNING_FORK, ET_BEGINNING_UNCLEAR };

	for (size_t i = 0; i < ET_COUNT(beginnings); i++) {
		struct bench b;

		set_up_fork(&b, beginnings[i]);
		b.one.latest_time_ns = time_of(9) + 3600 * S;
		expect(&b, ET_REASON_DELETED_DEVICE, 13);
		assert_int_equal(b.tally.reasons[ET_REASON_FORKED], 0);
		assert_int_equal(b.tally.reasons[ET_REASON_UNDECIDED], 10);
	}
}

static void
a_store_restored_to_an_older_life_is_compared_with_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	next_life(&b, "#####");
	b.one.latest_time_ns = time_of(9);
	expect(&b, ET_REASON_UNDECIDED, 10);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 15);
	assert_int_equal(b.tally.older_life, 10);
	assert_int_equal(b.tally.lost_in_store, 0);
}

/* Of the newest life, which begins at 31000 s, nothing was seen; of the one before the versions 0
 * to 9, and 10 of 30995 s: the clocks do not tell them apart. */
static void
what_goes_on_where_the_life_before_ended_may_be_of_that_one(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		uint64_t latest_version;
		int64_t latest_ns;
		bool elsewhere;
	} rows[] = {
		{ "a lower one", 9, 31009 * S, false },
		{ "the same number, saved at that time", 10, 30996 * S, true },
		{ "the same number, saved just before", 10, 30994 * S, true },
		{ "the same number, saved later", 10, 30996 * S + 1, false },
		{ "the same number, saved earlier", 10, 30994 * S - 1, false },
		{ "the same number, at no time", 10, ET_TIME_NONE, false },
		{ "a higher one", 11, 31009 * S, true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "##########");
		(void)et_coverage_add(&b.life.coverage, 10, 30995 * S, 1090);
		b.one.family = ET_FAMILY_METADATA;
		next_life(&b, "");
		b.one.latest_version = rows[i].latest_version;
		b.one.latest_time_ns = rows[i].latest_ns;
		judge(&b);
		if (b.tally.reasons[rows[i].elsewhere ? ET_REASON_UNDECIDED : ET_REASON_LOST] !=
		    rows[i].latest_version + 1)
			fail_msg("%s", rows[i].name);
	}
}

static void
where_the_life_before_had_none_of_it_it_is_of_the_newest(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.one.family = ET_FAMILY_METADATA;
	next_life(&b, "");
	expect(&b, ET_REASON_LOST, 10);
}

/* Two documents: the one that was written last ends at version 5, and another has 9. */
static void
what_another_document_has_above_the_newest_one_is_undecided(void **state ET_UNUSED)
{
	static const struct {
		uint64_t noted; /* 0: nothing */
		uint64_t copy;  /* version; 0: none */
	} rows[] = { { 0, 0 }, { 4, 0 }, { 7, 0 }, { 0, 4 }, { 0, 7 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "##");
		b.one.family = ET_FAMILY_METADATA;
		b.apart = true;
		b.one.written_version = 5;
		b.one.has_noted = rows[i].noted > 0;
		b.one.noted_latest = rows[i].noted;
		if (rows[i].copy > 0)
			copy(&b, rows[i].copy, ET_RECOVERABLE_EXACT, ET_KIND_METADATA_UPDATED,
			     time_of(rows[i].copy));
		expect(&b, ET_REASON_LOST, 4); /* 2 to 5 */
		assert_int_equal(b.tally.reasons[ET_REASON_UNDECIDED], 4);
	}
}

/* It was saved 6 s behind the stream's version 9, and 11 s behind its version 4. */
static void
the_number_of_the_document_that_was_written_last_tells_of_which_life_it_is(void **state ET_UNUSED)
{
	static const struct {
		uint64_t written_version;
		uint64_t covered;
	} rows[] = { { 9, 9 }, { 4, 0 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "#####.####");
		(void)fork_at(&b, ET_BEGINNING_UNCLEAR, 0);
		b.apart = true;
		b.one.written_version = rows[i].written_version;
		b.one.latest_time_ns = time_of(9) + 6 * S;
		expect(&b, ET_REASON_COVERED, rows[i].covered);
		assert_int_equal(b.tally.reasons[ET_REASON_UNDECIDED], 10 - rows[i].covered);
	}
}

static void
of_a_device_that_moved_on_what_is_missing_is_undecided(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..###.##..");
	b.facts.device_moved_on = true;
	expect(&b, ET_REASON_UNDECIDED, 5); /* its head, too: nobody knows of which life it is */
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 5);
	/* what it no longer has belongs to the life that ended */
	set_up(&b, "##.###");
	b.one.in_store = false;
	b.facts.device_moved_on = true;
	b.one.has_ahead = true;
	b.one.ahead_until = 5;
	expect(&b, ET_REASON_DELETED_DEVICE, 5);
	assert_int_equal(b.tally.lost_deleted, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_version_is_of_another_life_by_its_time),
		cmocka_unit_test(
			where_numbers_were_used_again_in_the_store_nothing_is_lost_or_covered),
		cmocka_unit_test(
			where_nothing_was_used_again_a_late_time_of_the_store_says_nothing),
		cmocka_unit_test(what_was_forked_or_replaced_elsewhere_stands_in_the_sums),
		cmocka_unit_test(a_store_restored_to_an_older_life_is_compared_with_nothing),
		cmocka_unit_test(what_goes_on_where_the_life_before_ended_may_be_of_that_one),
		cmocka_unit_test(where_the_life_before_had_none_of_it_it_is_of_the_newest),
		cmocka_unit_test(what_another_document_has_above_the_newest_one_is_undecided),
		cmocka_unit_test(
			the_number_of_the_document_that_was_written_last_tells_of_which_life_it_is),
		cmocka_unit_test(of_a_device_that_moved_on_what_is_missing_is_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
