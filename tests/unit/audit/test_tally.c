// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "audit/tally.h"

/* The counts of the recording `current` (recorded/current/expected.json). */
static struct et_tally
of_the_recording(void)
{
	return (struct et_tally){
		.expected = 2442,
		.aggregates = 301,
		.reasons = { [ET_REASON_MATCHED] = 287,
			     [ET_REASON_TRUNCATED] = 2052,
			     [ET_REASON_LOST] = 112,
			     [ET_REASON_UNANNOUNCED] = 4,
			     [ET_REASON_NEVER_PUBLISHED] = 7,
			     [ET_REASON_DELETED_DEVICE] = 178,
			     [ET_REASON_DUPLICATE] = 12 },
		.recoverable = { [ET_RECOVERABLE_REBUILT] = 10, [ET_RECOVERABLE_SUPERSEDED] = 102 },
		.lost_in_store = 99,
		.lost_deleted = 13,
		.messages = 2572,
		.registrations = 43,
	};
}

static void
the_sums_of_a_recording_hold(void **state ET_UNUSED)
{
	struct et_tally tally = of_the_recording();
	const char *which = "untouched";

	assert_true(et_tally_holds(&tally, true, &which));
	assert_string_equal(which, "untouched");
	assert_int_equal(et_tally_covered(&tally), 2339);
}

static void
without_the_split_covered_stands_for_both(void **state ET_UNUSED)
{
	struct et_tally tally = of_the_recording();

	tally.reasons[ET_REASON_COVERED] = et_tally_covered(&tally);
	tally.reasons[ET_REASON_MATCHED] = 0;
	tally.reasons[ET_REASON_TRUNCATED] = 0;
	assert_int_equal(et_tally_covered(&tally), 2339);
	assert_true(et_tally_holds(&tally, false, NULL));
	assert_false(et_tally_holds(&tally, true, NULL));
}

static void
nothing_at_all_holds(void **state ET_UNUSED)
{
	struct et_tally tally = { 0 };

	assert_true(et_tally_holds(&tally, true, NULL));
	assert_true(et_tally_holds(&tally, false, NULL));
}

static void
each_equation_that_breaks_is_named(void **state ET_UNUSED)
{
	static const struct {
		size_t offset;
		const char *which;
	} broken[] = {
		{ offsetof(struct et_tally, reasons[ET_REASON_COVERED]), "covered = matched" },
		{ offsetof(struct et_tally, expected), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_MATCHED]), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_TRUNCATED]), "expected = covered" },
		{ offsetof(struct et_tally, lost_in_store), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_LOST_IN_GAP]), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_IN_FLIGHT]), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_BEFORE_HORIZON]),
		  "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_UNVERIFIABLE_GAP]),
		  "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_UNANNOUNCED]), "expected = covered" },
		{ offsetof(struct et_tally, reasons[ET_REASON_UNDECIDED]), "expected = covered" },
		{ offsetof(struct et_tally, lost_deleted), "lost = lost_in_store" },
		{ offsetof(struct et_tally, reasons[ET_REASON_LOST]), "lost = lost_in_store" },
		{ offsetof(struct et_tally, recoverable[ET_RECOVERABLE_EXACT]), "lost = exact" },
		{ offsetof(struct et_tally, recoverable[ET_RECOVERABLE_REBUILT]), "lost = exact" },
		{ offsetof(struct et_tally, recoverable[ET_RECOVERABLE_SNAPSHOT]), "lost = exact" },
		{ offsetof(struct et_tally, recoverable[ET_RECOVERABLE_SUPERSEDED]),
		  "lost = exact" },
		{ offsetof(struct et_tally, messages), "messages = " },
		{ offsetof(struct et_tally, registrations), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_FOREIGN]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_DELETED_DEVICE]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_FORKED]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_AHEAD]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_STORE_LOST]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_DUPLICATE]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_MALFORMED_MESSAGE]), "messages = " },
		{ offsetof(struct et_tally, reasons[ET_REASON_NOT_JUDGED]), "messages = " },
	};

	for (size_t i = 0; i < ET_COUNT(broken); i++) {
		struct et_tally tally = of_the_recording();
		const char *which = NULL;
		uint64_t value;

		memcpy(&value, (char *)&tally + broken[i].offset, sizeof(value));
		value++;
		memcpy((char *)&tally + broken[i].offset, &value, sizeof(value));
		assert_false(et_tally_holds(&tally, true, &which));
		assert_non_null(which);
		if (strncmp(which, broken[i].which, strlen(broken[i].which)) != 0)
			fail_msg("row %zu: %s", i, which);
		assert_false(et_tally_holds(&tally, true, NULL));
	}
}

static void
what_is_counted_beside_the_sums_breaks_none(void **state ET_UNUSED)
{
	struct et_tally tally = of_the_recording();

	tally.reasons[ET_REASON_NEVER_PUBLISHED]++;
	tally.reasons[ET_REASON_MALFORMED_DOCUMENT]++;
	for (size_t i = 0; i < ET_REASON_COUNT; i++)
		tally.deleted[i]++;
	tally.older_life++;
	tally.aggregates++;
	assert_true(et_tally_holds(&tally, true, NULL));
}

/* Every member is a uint64_t: each is set to its own number, so that one that is forgotten
 * shows. */
static void
adding_adds_every_number(void **state ET_UNUSED)
{
	enum { NUMBERS = sizeof(struct et_tally) / sizeof(uint64_t) };
	union {
		struct et_tally tally;
		uint64_t numbers[NUMBERS];
	} into, more;

	for (size_t i = 0; i < NUMBERS; i++) {
		into.numbers[i] = 1000 * i;
		more.numbers[i] = i + 1;
	}
	et_tally_add(&into.tally, &more.tally);
	for (size_t i = 0; i < NUMBERS; i++)
		assert_int_equal(into.numbers[i], 1000 * i + i + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sums_of_a_recording_hold),
		cmocka_unit_test(without_the_split_covered_stands_for_both),
		cmocka_unit_test(nothing_at_all_holds),
		cmocka_unit_test(each_equation_that_breaks_is_named),
		cmocka_unit_test(what_is_counted_beside_the_sums_breaks_none),
		cmocka_unit_test(adding_adds_every_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
