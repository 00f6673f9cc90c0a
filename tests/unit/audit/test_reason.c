// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "audit/reason.h"

/* Name, is a finding, is listed: docs/audit.md, Verdict. */
static const struct {
	enum et_reason reason;
	const char *name;
	bool is_finding;
	bool listed;
} table[] = {
	{ ET_REASON_MATCHED, "matched", false, false },
	{ ET_REASON_TRUNCATED, "truncated", false, false },
	{ ET_REASON_COVERED, "covered", false, false },
	{ ET_REASON_LOST, "lost", true, true },
	{ ET_REASON_LOST_IN_GAP, "lost_in_gap", true, true },
	{ ET_REASON_IN_FLIGHT, "in_flight", false, false },
	{ ET_REASON_BEFORE_HORIZON, "before_horizon", false, false },
	{ ET_REASON_UNVERIFIABLE_GAP, "unverifiable_gap", false, true },
	{ ET_REASON_UNANNOUNCED, "unannounced", false, false },
	{ ET_REASON_UNDECIDED, "undecided", false, true },
	{ ET_REASON_NEVER_PUBLISHED, "never_published", false, false },
	{ ET_REASON_DELETED_DEVICE, "deleted_device", false, false },
	{ ET_REASON_AHEAD, "ahead", false, false },
	{ ET_REASON_FORKED, "forked", true, true },
	{ ET_REASON_STORE_LOST, "store_lost", true, true },
	{ ET_REASON_DUPLICATE, "duplicate", false, false },
	{ ET_REASON_DIFFERS, "differs", true, true },
	{ ET_REASON_FOREIGN, "foreign", false, false },
	{ ET_REASON_MALFORMED_MESSAGE, "malformed_message", true, true },
	{ ET_REASON_MALFORMED_DOCUMENT, "malformed_document", true, true },
	{ ET_REASON_NOT_JUDGED, "not_judged", false, false },
	{ ET_REASON_BROKEN_RULE, "broken_rule", true, true },
};

static void
every_reason_has_its_fixed_name_and_weight(void **state ET_UNUSED)
{
	assert_int_equal(ET_COUNT(table), ET_REASON_COUNT);
	for (size_t i = 0; i < ET_COUNT(table); i++) {
		const struct et_reason_info *info = et_reason_info(table[i].reason);

		assert_int_equal(table[i].reason, i);
		assert_string_equal(info->name, table[i].name);
		assert_int_equal(info->is_finding, table[i].is_finding);
		assert_int_equal(info->listed, table[i].listed);
	}
}

static void
what_makes_the_verdict_is_also_listed(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		if (et_reason_info((enum et_reason)i)->is_finding)
			assert_true(et_reason_info((enum et_reason)i)->listed);
}

static void
the_words_fit_a_line_of_80_columns(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		size_t bytes = strlen(et_reason_info((enum et_reason)i)->words);

		assert_in_range(bytes, 5, 44);
		assert_in_range(strlen(et_reason_info((enum et_reason)i)->name), 4, 18);
	}
}

static void
a_name_leads_back_to_its_reason(void **state ET_UNUSED)
{
	enum et_reason reason;

	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		assert_true(et_reason_of(et_reason_info((enum et_reason)i)->name, &reason));
		assert_int_equal(reason, i);
	}
}

static void
a_word_that_is_no_reason_is_refused_and_changes_nothing(void **state ET_UNUSED)
{
	static const char *const none[] = { "", "LOST", "los", "lost ", "superseded" };
	enum et_reason reason = ET_REASON_AHEAD;

	for (size_t i = 0; i < ET_COUNT(none); i++)
		assert_false(et_reason_of(none[i], &reason));
	assert_int_equal(reason, ET_REASON_AHEAD);
}

static void
every_form_of_recovery_has_its_name(void **state ET_UNUSED)
{
	assert_string_equal(et_recoverable_name(ET_RECOVERABLE_NOT_SAID), "");
	assert_string_equal(et_recoverable_name(ET_RECOVERABLE_EXACT), "exact");
	assert_string_equal(et_recoverable_name(ET_RECOVERABLE_REBUILT), "rebuilt");
	assert_string_equal(et_recoverable_name(ET_RECOVERABLE_SNAPSHOT), "snapshot");
	assert_string_equal(et_recoverable_name(ET_RECOVERABLE_SUPERSEDED), "superseded");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_its_fixed_name_and_weight),
		cmocka_unit_test(what_makes_the_verdict_is_also_listed),
		cmocka_unit_test(the_words_fit_a_line_of_80_columns),
		cmocka_unit_test(a_name_leads_back_to_its_reason),
		cmocka_unit_test(a_word_that_is_no_reason_is_refused_and_changes_nothing),
		cmocka_unit_test(every_form_of_recovery_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
