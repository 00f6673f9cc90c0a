// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/buf.h"
#include "base/seqset.h"

#define MAX UINT64_MAX

/* "1-3 7 9-12" */
static void
assert_set(const struct et_seqset *set, const char *want)
{
	struct et_buf buf;

	et_buf_init(&buf, 10000);
	for (size_t i = 0; i < set->count; i++) {
		et_buf_format(&buf, "%s%ju", i > 0 ? " " : "", (uintmax_t)set->ranges[i].first);
		if (set->ranges[i].last != set->ranges[i].first)
			et_buf_format(&buf, "-%ju", (uintmax_t)set->ranges[i].last);
	}
	assert_string_equal(et_buf_cstr(&buf), want);
	et_buf_done(&buf);
}

static const struct {
	const char *name;
	struct {
		char what; /* + or - or 0 */
		uint64_t first;
		uint64_t last;
	} steps[6];
	const char *want;
} rows[] = {
	{ "nothing", { { 0 } }, "" },
	{ "one number", { { '+', 5, 5 } }, "5" },
	{ "zero", { { '+', 0, 0 } }, "0" },
	{ "apart", { { '+', 1, 2 }, { '+', 4, 5 } }, "1-2 4-5" },
	{ "neighbours join", { { '+', 1, 2 }, { '+', 3, 4 } }, "1-4" },
	{ "neighbours join backwards", { { '+', 3, 4 }, { '+', 1, 2 } }, "1-4" },
	{ "in front", { { '+', 5, 6 }, { '+', 0, 3 } }, "0-3 5-6" },
	{ "zero joins one", { { '+', 1, 1 }, { '+', 0, 0 } }, "0-1" },
	{ "a gap is filled", { { '+', 1, 2 }, { '+', 4, 5 }, { '+', 3, 3 } }, "1-5" },
	{ "inside", { { '+', 1, 9 }, { '+', 3, 4 } }, "1-9" },
	{ "same again", { { '+', 1, 9 }, { '+', 1, 9 } }, "1-9" },
	{ "over all", { { '+', 3, 3 }, { '+', 5, 5 }, { '+', 7, 7 }, { '+', 1, 9 } }, "1-9" },
	{ "over some", { { '+', 1, 1 }, { '+', 5, 5 }, { '+', 9, 9 }, { '+', 4, 7 } }, "1 4-7 9" },
	{ "longer at the end", { { '+', 1, 1 }, { '+', 5, 7 }, { '+', 6, 9 } }, "1 5-9" },
	{ "the last number", { { '+', MAX, MAX } }, "18446744073709551615" },
	{ "up to the last",
	  { { '+', MAX - 1, MAX - 1 }, { '+', MAX, MAX }, { '+', MAX, MAX } },
	  "18446744073709551614-18446744073709551615" },
	{ "in front of the last",
	  { { '+', MAX, MAX }, { '+', 3, 4 } },
	  "3-4 18446744073709551615" },
	{ "everything", { { '+', 7, 7 }, { '+', 0, MAX } }, "0-18446744073709551615" },
	{ "nothing added", { { '+', 9, 1 } }, "" },
	{ "nothing removed", { { '+', 1, 9 }, { '-', 9, 1 }, { '-', 10, 20 } }, "1-9" },
	{ "removed from none", { { '-', 1, 9 } }, "" },
	{ "removed whole", { { '+', 1, 9 }, { '-', 0, MAX } }, "" },
	{ "removed exactly", { { '+', 1, 9 }, { '-', 1, 9 } }, "" },
	{ "removed from the middle", { { '+', 1, 9 }, { '-', 4, 6 } }, "1-3 7-9" },
	{ "removed in front", { { '+', 1, 9 }, { '-', 0, 3 } }, "4-9" },
	{ "removed behind", { { '+', 1, 9 }, { '-', 8, 12 } }, "1-7" },
	{ "removed across",
	  { { '+', 1, 3 }, { '+', 5, 7 }, { '+', 9, 11 }, { '-', 2, 9 } },
	  "1 10-11" },
	{ "removed from a gap", { { '+', 1, 3 }, { '+', 9, 11 }, { '-', 4, 8 } }, "1-3 9-11" },
	{ "holes at the ends",
	  { { '+', 0, MAX }, { '-', 0, 0 }, { '-', MAX, MAX } },
	  "1-18446744073709551614" },
};

static void
ranges_join_and_split(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_seqset set;

		et_seqset_init(&set);
		for (size_t j = 0; j < ET_COUNT(rows[i].steps); j++) {
			uint64_t first = rows[i].steps[j].first;
			uint64_t last = rows[i].steps[j].last;

			if (rows[i].steps[j].what == '+')
				et_seqset_add(&set, first, last);
			else if (rows[i].steps[j].what == '-')
				et_seqset_remove(&set, first, last);
		}
		assert_set(&set, rows[i].want);
		et_seqset_done(&set);
	}
}

static void
the_size_counts_numbers_and_saturates(void **state ET_UNUSED)
{
	struct et_seqset set;

	et_seqset_init(&set);
	assert_int_equal(et_seqset_size(&set), 0);
	et_seqset_add(&set, 1, 3);
	et_seqset_add(&set, 10, 10);
	assert_int_equal(et_seqset_size(&set), 4);
	et_seqset_add(&set, 1, MAX);
	assert_true(et_seqset_size(&set) == MAX);
	et_seqset_add(&set, 0, 0);
	assert_true(et_seqset_size(&set) == MAX);
	et_seqset_remove(&set, 5, 5);
	assert_true(et_seqset_size(&set) == MAX);
	et_seqset_remove(&set, 6, 6);
	assert_true(et_seqset_size(&set) == MAX - 1);
	et_seqset_done(&set);
	assert_int_equal(et_seqset_size(&set), 0);
}

static void
assert_invariants(const struct et_seqset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		assert_true(set->ranges[i].first <= set->ranges[i].last);
		if (i > 0)
			assert_true(set->ranges[i - 1].last + 1 < set->ranges[i].first);
	}
	assert_true(set->count <= set->capacity);
}

/* The oracle is a plain array of bits. */
static void
random_histories_match_an_array_of_bits(void **state ET_UNUSED)
{
	uint64_t seed = 7;

	for (int round = 0; round < 200; round++) {
		bool bits[128] = { false };
		struct et_seqset set;

		et_seqset_init(&set);
		for (int step = 0; step < 100; step++) {
			uint64_t first;
			uint64_t last;
			uint64_t size = 0;

			seed = seed * UINT64_C(6364136223846793005) + 1;
			first = (seed >> 33) % 120;
			last = first + (seed >> 50) % 8;
			for (uint64_t i = first; i <= last; i++)
				bits[i] = (seed >> 60) % 3 > 0;
			if ((seed >> 60) % 3 > 0)
				et_seqset_add(&set, first, last);
			else
				et_seqset_remove(&set, first, last);
			assert_invariants(&set);
			for (uint64_t i = 0; i < ET_COUNT(bits); i++) {
				assert_int_equal(et_seqset_has(&set, i), bits[i]);
				size += bits[i];
			}
			for (uint64_t i = 0; i + 5 < ET_COUNT(bits); i++)
				assert_int_equal(et_seqset_meets(&set, i, i + 4),
						 bits[i] || bits[i + 1] || bits[i + 2] ||
							 bits[i + 3] || bits[i + 4]);
			assert_int_equal(et_seqset_size(&set), size);
		}
		et_seqset_done(&set);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_join_and_split),
		cmocka_unit_test(the_size_counts_numbers_and_saturates),
		cmocka_unit_test(random_histories_match_an_array_of_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
