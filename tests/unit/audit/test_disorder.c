// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "audit/disorder.h"

#define SECOND INT64_C(1000000000)

struct message {
	unsigned aggregate;
	uint64_t version;
	int64_t event_s;
	int64_t stream_s;
};

static struct et_uuid
aggregate_of(unsigned number)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "aggregate-%u", number);
	return et_uuid_v5_url(name, strlen(name));
}

static struct et_disorder_counts
count(const struct message *messages, size_t some)
{
	struct et_disorder *disorder = et_disorder_new();
	struct et_disorder_counts counts;

	for (size_t i = 0; i < some; i++) {
		struct et_uuid aggregate = aggregate_of(messages[i].aggregate);

		et_disorder_add(disorder, &aggregate, messages[i].version,
				messages[i].event_s * SECOND, messages[i].stream_s * SECOND);
	}
	counts = *et_disorder_counts(disorder);
	et_disorder_free(disorder);
	return counts;
}

static void
versions_behind_a_higher_one_are_late_by_so_much(void **state ET_UNUSED)
{
	static const struct {
		struct message messages[6];
		size_t some;
		uint64_t late;
		int64_t longest_s;
		uint64_t version;
	} cases[] = {
		{ { { 1, 0, 1, 1 }, { 1, 1, 2, 2 }, { 1, 2, 3, 3 } }, 3, 0, 0, 0 },
		/* 6 before 5 */
		{ { { 1, 4, 1, 1 }, { 1, 6, 3, 3 }, { 1, 5, 2, 7 } }, 3, 1, 4, 5 },
		/* from the first higher one on */
		{ { { 1, 4, 1, 1 }, { 1, 6, 3, 3 }, { 1, 7, 4, 5 }, { 1, 5, 2, 9 } }, 4, 1, 6, 5 },
		{ { { 1, 4, 1, 1 }, { 1, 6, 3, 3 }, { 1, 8, 4, 5 }, { 1, 7, 3, 9 } }, 4, 1, 4, 7 },
		/* two, the longer one is named */
		{ { { 1, 1, 1, 1 }, { 1, 4, 4, 4 }, { 1, 2, 2, 5 }, { 1, 3, 3, 10 } }, 4, 2, 6, 3 },
		/* duplicates are not late, those of late ones neither */
		{ { { 1, 1, 1, 1 }, { 1, 2, 2, 2 }, { 1, 1, 1, 3 }, { 1, 2, 2, 4 } }, 4, 0, 0, 0 },
		{ { { 1, 1, 1, 1 }, { 1, 3, 3, 2 }, { 1, 2, 2, 3 }, { 1, 2, 2, 9 } }, 4, 1, 1, 2 },
		/* other aggregates are others */
		{ { { 1, 6, 1, 1 }, { 2, 5, 2, 2 }, { 3, 4, 3, 3 } }, 3, 0, 0, 0 },
		/* a second life begins at 0 again */
		{ { { 1, 5, 1, 1 }, { 1, 0, 60, 60 }, { 1, 1, 61, 61 } }, 3, 0, 0, 0 },
		{ { { 1, 5, 1, 1 }, { 1, 0, 60, 60 }, { 1, 2, 62, 62 }, { 1, 1, 61, 63 } },
		  4,
		  1,
		  1,
		  1 },
		/* clocks of two replicas */
		{ { { 1, 6, 1, 1 }, { 1, 5, 11, 2 } }, 2, 1, 1, 5 },
		/* behind 64 versions nobody knows what was seen */
		{ { { 1, 1, 1, 1 }, { 1, 66, 3, 3 }, { 1, 2, 2, 9 } }, 3, 0, 0, 0 },
		{ { { 1, 1, 1, 1 }, { 1, 65, 3, 3 }, { 1, 2, 2, 9 } }, 3, 1, 6, 2 },
		{ { { 1, 1, 1, 1 }, { 1, 400, 3, 3 }, { 1, 399, 2, 9 } }, 3, 1, 6, 399 },
		/* times that no clock can say */
		{ { { 1, 6, INT64_MIN / SECOND, 1 }, { 1, 5, INT64_MAX / SECOND, 2 } },
		  2,
		  0,
		  0,
		  0 },
		{ { { 1, 6, 1, INT64_MIN / SECOND }, { 1, 5, 1, INT64_MAX / SECOND } },
		  2,
		  1,
		  0,
		  0 },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_disorder_counts counts = count(cases[i].messages, cases[i].some);
		struct et_uuid first = aggregate_of(1);

		assert_int_equal(counts.messages, cases[i].some);
		assert_int_equal(counts.late, cases[i].late);
		assert_int_equal(counts.longest_ns, cases[i].longest_s * SECOND);
		assert_int_equal(counts.version, cases[i].version);
		if (counts.longest_ns > 0)
			assert_int_equal(et_uuid_compare(&counts.aggregate, &first), 0);
	}
}

static void
of_many_highest_versions_the_newest_eight_tell_the_delay(void **state ET_UNUSED)
{
	struct message messages[22];
	struct et_disorder_counts counts;

	for (unsigned i = 0; i < 20; i++)
		messages[i] = (struct message){ 1, 10 + 2 * i, i, i };
	/* 11 came 21 s behind 12; known is since when 34 was there, the eighth from the end. */
	messages[20] = (struct message){ 1, 11, 0, 22 };
	messages[21] = (struct message){ 1, 47, 0, 30 };
	counts = count(messages, 22);
	assert_int_equal(counts.late, 2);
	assert_int_equal(counts.longest_ns, 11 * SECOND);
}

/* Aggregates share out the memory; what is pushed out is forgotten, and nothing is made up. */
static void
nothing_in_order_is_ever_late_however_many_aggregates_there_are(void **state ET_UNUSED)
{
	struct et_disorder *disorder = et_disorder_new();

	for (uint64_t round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 200000; i++) {
			struct et_uuid aggregate = aggregate_of(i);

			et_disorder_add(disorder, &aggregate, round, (int64_t)round * SECOND,
					(int64_t)round * SECOND);
		}
	}
	assert_int_equal(et_disorder_counts(disorder)->messages, 600000);
	assert_int_equal(et_disorder_counts(disorder)->late, 0);
	et_disorder_free(disorder);
}

/* Versions of many aggregates, shuffled inside a short window; the oracle keeps everything. */
static void
late_ones_are_counted_as_by_hand(void **state ET_UNUSED)
{
	enum { AGGREGATES = 50, VERSIONS = 200, ALL = AGGREGATES * VERSIONS };
	static struct message messages[ALL];
	static uint64_t highest[AGGREGATES];
	static bool any[AGGREGATES];
	struct et_disorder_counts counts;
	uint64_t late = 0;
	unsigned random = 12345;

	for (unsigned i = 0; i < ALL; i++)
		messages[i] = (struct message){ i % AGGREGATES, i / AGGREGATES,
						(int64_t)i / AGGREGATES, (int64_t)i };
	for (unsigned i = 0; i + 200 < ALL; i++) {
		struct message swapped = messages[i];
		unsigned other;

		random = random * 1103515245u + 12345u;
		other = i + (random >> 16) % 200;
		messages[i] = messages[other];
		messages[other] = swapped;
	}
	for (unsigned i = 0; i < ALL; i++) {
		unsigned which = messages[i].aggregate;

		late += any[which] && messages[i].version < highest[which];
		if (!any[which] || messages[i].version > highest[which])
			highest[which] = messages[i].version;
		any[which] = true;
	}
	counts = count(messages, ALL);
	assert_true(late > 100);
	assert_int_equal(counts.late, late);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_behind_a_higher_one_are_late_by_so_much),
		cmocka_unit_test(of_many_highest_versions_the_newest_eight_tell_the_delay),
		cmocka_unit_test(nothing_in_order_is_ever_late_however_many_aggregates_there_are),
		cmocka_unit_test(late_ones_are_counted_as_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
