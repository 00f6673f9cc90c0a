// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/coverage.h"
#include "samples.h"

#define VERSIONS 80

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

	assert_int_equal(et_coverage_add(&coverage, 5, 50, 500), ET_COVERAGE_NEW);
	assert_int_equal(et_coverage_add(&coverage, 7, 70, 700), ET_COVERAGE_NEW);
	assert_int_equal(et_coverage_add(&coverage, 1, 10, 100), ET_COVERAGE_NEW);
	assert_int_equal(coverage.count, 3);
	assert_int_equal(et_coverage_add(&coverage, 6, 60, 600), ET_COVERAGE_NEW);
	assert_int_equal(coverage.count, 2);
	assert_int_equal(et_coverage_add(&coverage, 4, 40, 400), ET_COVERAGE_NEW);
	assert_int_equal(et_coverage_add(&coverage, 2, 20, 200), ET_COVERAGE_NEW);
	assert_int_equal(et_coverage_add(&coverage, 0, 5, 50), ET_COVERAGE_NEW);
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
	assert_int_equal(et_coverage_add(&coverage, 3, 30, 300), ET_COVERAGE_NEW);
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
a_version_again_is_a_duplicate_or_of_a_later_life(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	(void)et_coverage_add(&coverage, 0, 10, 1);
	(void)et_coverage_add(&coverage, 1, 20, 2);
	assert_int_equal(et_coverage_add(&coverage, 0, 10, 9), ET_COVERAGE_DUPLICATE);
	assert_int_equal(et_coverage_add(&coverage, 0, 20, 9), ET_COVERAGE_DUPLICATE);
	assert_int_equal(et_coverage_add(&coverage, 1, 5, 9), ET_COVERAGE_DUPLICATE);
	assert_int_equal(et_coverage_add(&coverage, 0, 21, 9), ET_COVERAGE_LATER);
	assert_int_equal(coverage.count, 1);
	assert_int_equal(coverage.spans[0].last_seq, 2);
	et_coverage_done(&coverage);
}

static void
the_ends_of_the_numbers_are_no_special_case(void **state ET_UNUSED)
{
	struct et_coverage coverage = { 0 };

	(void)et_coverage_add(&coverage, UINT64_MAX, INT64_MAX, UINT64_MAX);
	assert_int_equal(et_coverage_add(&coverage, 0, INT64_MIN, 0), ET_COVERAGE_NEW);
	assert_int_equal(coverage.count, 2);
	assert_int_equal(et_coverage_add(&coverage, UINT64_MAX - 1, 0, 1), ET_COVERAGE_NEW);
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
					 there[version] ? ET_COVERAGE_DUPLICATE : ET_COVERAGE_NEW);
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
		cmocka_unit_test(a_version_again_is_a_duplicate_or_of_a_later_life),
		cmocka_unit_test(the_ends_of_the_numbers_are_no_special_case),
		cmocka_unit_test(any_order_gives_what_a_plain_set_gives),
		cmocka_unit_test(the_stored_form_is_the_written_one),
		cmocka_unit_test(broken_bytes_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
