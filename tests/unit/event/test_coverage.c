// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "base/clock.h"
#include "event/coverage.h"
#include "samples.h"

#define VERSIONS 80
#define S ET_NS_PER_SECOND

static void
round_trip(const struct et_coverage *coverage)
{
	struct et_coverage copy = { 0 };
	struct et_error err = { 0 };
	struct et_buf out;

	et_buf_init(&out, 1 << 20);
	et_coverage_encode(coverage, &out);
	assert_ok(et_coverage_decode((struct et_slice){ out.data, out.size }, &copy, &err), &err);
	assert_int_equal(copy.count, coverage->count);
	if (copy.count > 0)
		assert_memory_equal(copy.spans, coverage->spans, copy.count * sizeof(*copy.spans));
	et_coverage_done(&copy);
	et_buf_done(&out);
}

static void
versions_join_into_spans(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	assert_true(et_coverage_add(&coverage, 5, 50, 500));
	assert_true(et_coverage_add(&coverage, 7, 70, 700));
	assert_true(et_coverage_add(&coverage, 1, 10, 100));
	assert_int_equal(coverage.count, 3);
	assert_true(et_coverage_add(&coverage, 6, 60, 600));
	assert_int_equal(coverage.count, 2);
	assert_true(et_coverage_add(&coverage, 4, 40, 400));
	assert_true(et_coverage_add(&coverage, 2, 20, 200));
	assert_true(et_coverage_add(&coverage, 0, 5, 50));
	assert_int_equal(coverage.count, 2);
	assert_int_equal(coverage.spans[0].first, 0);
	assert_int_equal(coverage.spans[0].last, 2);
	assert_int_equal(coverage.spans[0].first_time_ns, 5);
	assert_int_equal(coverage.spans[0].last_time_ns, 20);
	assert_int_equal(coverage.spans[1].first, 4);
	assert_int_equal(coverage.spans[1].last, 7);
	assert_int_equal(coverage.spans[1].first_seq, 400);
	assert_int_equal(coverage.spans[1].last_seq, 700);
	assert_false(et_coverage_full(&coverage, 2));
	assert_true(et_coverage_add(&coverage, 3, 30, 300));
	assert_true(et_coverage_full(&coverage, 7));
	assert_true(et_coverage_full(&coverage, 3));
	assert_false(et_coverage_full(&coverage, 8));
	round_trip(&coverage);
	et_coverage_clear(&coverage);
	assert_false(et_coverage_has(&coverage, 3));
	round_trip(&coverage);
	et_coverage_done(&coverage);
}

static void
a_version_that_is_there_is_not_added_again(void **state ET_UNUSED)
{
	static const struct {
		uint64_t version;
		int64_t time_ns;
	} rows[] = { { 0, 10 }, { 0, 20 }, { 1, 5 }, { 0, 21 }, { 1, 20 } };
	struct et_coverage coverage = { 0 };

	assert_true(et_coverage_add(&coverage, 0, 10, 1));
	assert_true(et_coverage_add(&coverage, 1, 20, 2));
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		assert_false(et_coverage_add(&coverage, rows[i].version, rows[i].time_ns, 9));
		assert_int_equal(coverage.count, 1);
		assert_int_equal(coverage.spans[0].first_time_ns, 10);
		assert_int_equal(coverage.spans[0].last_time_ns, 20);
		assert_int_equal(coverage.spans[0].last_seq, 2);
	}
	et_coverage_done(&coverage);
}

/* Versions 10 to 12 are there, of 1000 s, 1010 s and 1020 s, and 20 of 1100 s. */
static void
a_version_fits_between_its_neighbours_up_to_ten_seconds(void **state ET_UNUSED)
{
	static const struct {
		uint64_t version;
		int64_t time_ns;
		enum et_fit fit;
	} rows[] = {
		{ 10, 1000 * S, ET_FIT_SAME },
		{ 12, 1020 * S, ET_FIT_SAME },
		{ 20, 1100 * S, ET_FIT_SAME },
		{ 10, 1000 * S + 1, ET_FIT_REPEATED },
		{ 12, 1020 * S - 1, ET_FIT_REPEATED },
		{ 10, 1020 * S, ET_FIT_REPEATED },
		{ 20, 9999 * S, ET_FIT_REPEATED },
		{ 11, 1010 * S, ET_FIT_REPEATED }, /* inside: its time is not kept */
		/* between them */
		{ 15, 1050 * S, ET_FIT_NEW },
		{ 15, 1110 * S, ET_FIT_NEW },
		{ 15, 1110 * S + 1, ET_FIT_MISPLACED },
		{ 15, 1010 * S, ET_FIT_NEW },
		{ 15, 1010 * S - 1, ET_FIT_MISPLACED },
		/* below the first one, and above the last one */
		{ 3, INT64_MIN, ET_FIT_NEW },
		{ 3, 1010 * S, ET_FIT_NEW },
		{ 3, 1010 * S + 1, ET_FIT_MISPLACED },
		{ 21, INT64_MAX, ET_FIT_NEW },
		{ 21, 1090 * S, ET_FIT_NEW },
		{ 21, 1090 * S - 1, ET_FIT_MISPLACED },
		{ UINT64_MAX, INT64_MIN, ET_FIT_MISPLACED },
	};
	struct et_coverage coverage = { 0 };

	assert_int_equal(et_coverage_fit(&coverage, 0, INT64_MIN), ET_FIT_NEW);
	(void)et_coverage_add(&coverage, 10, 1000 * S, 1);
	(void)et_coverage_add(&coverage, 11, 1010 * S, 2);
	(void)et_coverage_add(&coverage, 12, 1020 * S, 3);
	(void)et_coverage_add(&coverage, 20, 1100 * S, 4);
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (et_coverage_fit(&coverage, rows[i].version, rows[i].time_ns) != rows[i].fit)
			fail_msg("row %zu", i);
	et_coverage_done(&coverage);
}

static void
times_at_the_end_of_all_time_do_not_overflow(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	(void)et_coverage_add(&coverage, 5, INT64_MAX - 1, 1);
	assert_int_equal(et_coverage_fit(&coverage, 4, INT64_MAX), ET_FIT_NEW);
	assert_int_equal(et_coverage_fit(&coverage, 6, INT64_MIN), ET_FIT_MISPLACED);
	et_coverage_done(&coverage);
}

static void
the_span_at_a_version_or_the_next_one_is_found(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	assert_null(et_coverage_at(&coverage, 0));
	(void)et_coverage_add(&coverage, 3, 30, 1);
	(void)et_coverage_add(&coverage, 4, 40, 2);
	(void)et_coverage_add(&coverage, 9, 90, 3);
	assert_int_equal(et_coverage_at(&coverage, 0)->first, 3);
	assert_int_equal(et_coverage_at(&coverage, 4)->first, 3);
	assert_int_equal(et_coverage_at(&coverage, 5)->first, 9);
	assert_int_equal(et_coverage_at(&coverage, 9)->first, 9);
	assert_null(et_coverage_at(&coverage, 10));
	et_coverage_done(&coverage);
}

/* What carries over where the store went back: from 0-4 (of 10 ... 50) and 7-8 (of 80, 90). */
static void
what_lies_below_a_version_is_taken_over(void **state ET_UNUSED)
{
	static const struct {
		uint64_t version;
		size_t spans;
		uint64_t last;
		int64_t last_time_ns;
		uint64_t last_seq;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		/* the end of a span that is cut is no earlier than its first version */
		{ 1, 1, 0, 10, 1 },
		{ 4, 1, 3, 10, 1 },
		{ 5, 1, 4, 50, 5 },
		{ 7, 1, 4, 50, 5 },
		{ 8, 2, 7, 80, 8 },
		{ 9, 2, 8, 90, 9 },
		{ UINT64_MAX, 2, 8, 90, 9 },
	};
	struct et_coverage from = { 0 };

	for (uint64_t i = 0; i < 9; i++)
		if (i < 5 || i > 6)
			(void)et_coverage_add(&from, i, 10 + 10 * (int64_t)i, i + 1);
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_coverage into = { 0 };

		et_coverage_add_below(&into, &from, rows[i].version);
		assert_int_equal(into.count, rows[i].spans);
		if (into.count > 0) {
			const struct et_span *span = &into.spans[into.count - 1];

			assert_int_equal(span->last, rows[i].last);
			assert_int_equal(span->last_time_ns, rows[i].last_time_ns);
			assert_int_equal(span->last_seq, rows[i].last_seq);
			assert_int_equal(into.spans[0].first_time_ns, 10);
		}
		round_trip(&into);
		et_coverage_done(&into);
	}
	et_coverage_done(&from);
}

static void
what_is_taken_over_joins_what_is_there(void **state ET_UNUSED)
{
	struct et_coverage from = { 0 };
	struct et_coverage into = { 0 };

	for (uint64_t i = 2; i < 6; i++)
		(void)et_coverage_add(&from, i, (int64_t)i, 100 + i);
	/* on both sides */
	(void)et_coverage_add(&into, 1, 1, 11);
	(void)et_coverage_add(&into, 6, 6, 16);
	et_coverage_add_below(&into, &from, 6);
	assert_int_equal(into.count, 1);
	assert_int_equal(into.spans[0].first, 1);
	assert_int_equal(into.spans[0].last, 6);
	assert_int_equal(into.spans[0].first_seq, 11);
	assert_int_equal(into.spans[0].last_seq, 16);
	/* above it */
	et_coverage_clear(&into);
	(void)et_coverage_add(&into, 6, 6, 16);
	et_coverage_add_below(&into, &from, 6);
	assert_int_equal(into.count, 1);
	assert_int_equal(into.spans[0].first, 2);
	assert_int_equal(into.spans[0].first_time_ns, 2);
	assert_int_equal(into.spans[0].first_seq, 102);
	assert_int_equal(into.spans[0].last, 6);
	assert_int_equal(into.spans[0].last_seq, 16);
	et_coverage_done(&from);
	et_coverage_done(&into);
}

static void
the_ends_of_the_numbers_are_no_special_case(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	(void)et_coverage_add(&coverage, UINT64_MAX, INT64_MAX, UINT64_MAX);
	assert_true(et_coverage_add(&coverage, 0, INT64_MIN, 0));
	assert_int_equal(coverage.count, 2);
	assert_true(et_coverage_add(&coverage, UINT64_MAX - 1, 0, 1));
	assert_int_equal(coverage.count, 2);
	assert_int_equal(et_coverage_count(&coverage, 0, UINT64_MAX), 3);
	round_trip(&coverage);
	coverage.spans[0].last = UINT64_MAX;
	coverage.count = 1;
	assert_true(et_coverage_count(&coverage, 0, UINT64_MAX) == UINT64_MAX);
	assert_true(et_coverage_count(&coverage, 1, UINT64_MAX) == UINT64_MAX);
	assert_true(et_coverage_count(&coverage, 2, UINT64_MAX) == UINT64_MAX - 1);
	assert_int_equal(et_coverage_count(&coverage, 5, 4), 0);
	assert_true(et_coverage_full(&coverage, UINT64_MAX));
	et_coverage_done(&coverage);
}

/* An oracle of one bool per version. */
static void
assert_same(const struct et_coverage *coverage, const bool *there)
{
	size_t spans = 0;

	for (uint64_t i = 0; i < VERSIONS; i++) {
		assert_int_equal(et_coverage_has(coverage, i), there[i]);
		spans += there[i] && (i == 0 || !there[i - 1]);
	}
	assert_int_equal(coverage->count, spans);
	for (uint64_t first = 0; first < VERSIONS; first += 7) {
		uint64_t count = 0;

		for (uint64_t last = first; last < VERSIONS; last++) {
			count += there[last];
			assert_int_equal(et_coverage_count(coverage, first, last), count);
		}
	}
}

static void
any_order_gives_what_a_plain_set_gives(void **state ET_UNUSED)
{
	uint32_t random = 1;

	for (unsigned round = 0; round < 300; round++) {
		struct et_coverage coverage = { 0 };
		bool there[VERSIONS] = { false };

		for (unsigned i = 0; i < 10 + round % 100; i++) {
			uint64_t version;

			random = random * 1664525 + 1013904223;
			version = (random >> 16) % VERSIONS;
			assert_int_equal(et_coverage_add(&coverage, version,
							 (int64_t)version * 9 - 300, version * 3),
					 !there[version]);
			there[version] = true;
		}
		assert_same(&coverage, there);
		for (size_t i = 0; i < coverage.count; i++) {
			const struct et_span *span = &coverage.spans[i];

			assert_int_equal(span->first_time_ns, (int64_t)span->first * 9 - 300);
			assert_int_equal(span->last_time_ns, (int64_t)span->last * 9 - 300);
			assert_int_equal(span->first_seq, span->first * 3);
			assert_int_equal(span->last_seq, span->last * 3);
		}
		round_trip(&coverage);
		et_coverage_done(&coverage);
	}
}

static void
the_stored_form_is_the_written_one(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };
	struct et_buf out;

	/* 0-2 at times 100-104 and sequences 10-20; 5 at 101 and 200. */
	static const uint8_t bytes[] = { 0, 2, 200, 1, 20, 8, 20, 1, 0, 5, 232, 2 };

	(void)et_coverage_add(&coverage, 0, 100, 10);
	(void)et_coverage_add(&coverage, 1, 102, 15);
	(void)et_coverage_add(&coverage, 2, 104, 20);
	(void)et_coverage_add(&coverage, 5, 101, 200);
	et_buf_init(&out, 100);
	et_coverage_encode(&coverage, &out);
	assert_int_equal(out.size, sizeof(bytes));
	assert_memory_equal(out.data, bytes, sizeof(bytes));
	et_buf_done(&out);
	et_coverage_done(&coverage);
}

#define MAX "ffffffffffffffffff01"

static void
broken_bytes_change_nothing(void **state ET_UNUSED)
{
	static const char *const broken[] = {
		"00",
		"0000",
		"000000",
		"000200",
		"00020000",
		"0002000000",
		"80",
		MAX "010000",
		MAX "000000"
		    "000000",
		"00" MAX "00000000"
		"00000000",
		"01" MAX "00000000",
		"0000000000",
	};
	struct et_coverage coverage = { 0 };

	(void)et_coverage_add(&coverage, 7, 1, 2);
	for (size_t i = 0; i < ET_COUNT(broken); i++) {
		struct et_error err = { 0 };
		uint8_t *data;
		struct et_slice bytes = sample_slice(broken[i], &data);

		assert_code(ET_CORRUPT, et_coverage_decode(bytes, &coverage, &err), &err);
		assert_words(&err, "a coverage is damaged");
		assert_int_equal(coverage.count, 1);
		assert_int_equal(coverage.spans[0].first, 7);
		free(data);
	}
	et_coverage_done(&coverage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_join_into_spans),
		cmocka_unit_test(a_version_that_is_there_is_not_added_again),
		cmocka_unit_test(a_version_fits_between_its_neighbours_up_to_ten_seconds),
		cmocka_unit_test(times_at_the_end_of_all_time_do_not_overflow),
		cmocka_unit_test(the_span_at_a_version_or_the_next_one_is_found),
		cmocka_unit_test(what_lies_below_a_version_is_taken_over),
		cmocka_unit_test(what_is_taken_over_joins_what_is_there),
		cmocka_unit_test(the_ends_of_the_numbers_are_no_special_case),
		cmocka_unit_test(any_order_gives_what_a_plain_set_gives),
		cmocka_unit_test(the_stored_form_is_the_written_one),
		cmocka_unit_test(broken_bytes_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
