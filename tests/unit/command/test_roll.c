// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/clock.h"
#include "command/roll.h"

static struct et_roll roll;

static void
add(enum et_standing standing, uint64_t version)
{
	ET_CLEAN_MEM char *text = et_format("%d", (int)version);
	const struct et_report_finding finding = {
		.finding = { .version = version },
		.standing = standing,
		.code = text,
		.details = text,
		.device_id = text,
		.aggregate_id = text,
		.href = text,
		.acknowledged = { .by = text, .reason = text },
		.resolution = text,
	};

	et_roll_add(&roll, &finding);
}

/* How many there are of a standing, in the order in which they came, with their own texts. */
static size_t
count(enum et_standing standing)
{
	size_t found = 0;
	uint64_t last = 0;

	for (size_t i = 0; i < roll.count; i++) {
		const struct et_report_finding *one = &roll.list[i];
		ET_CLEAN_MEM char *text = et_format("%d", (int)one->finding.version);

		if (one->standing != standing)
			continue;
		assert_true(found == 0 || one->finding.version > last);
		last = one->finding.version;
		assert_string_equal(one->code, text);
		assert_string_equal(one->details, text);
		assert_string_equal(one->device_id, text);
		assert_string_equal(one->aggregate_id, text);
		assert_string_equal(one->href, text);
		assert_string_equal(one->acknowledged.by, text);
		assert_string_equal(one->acknowledged.reason, text);
		assert_string_equal(one->resolution, text);
		found++;
	}
	return found;
}

static void
a_thousand_of_any_number_are_kept_new_ones_before_others(void **state ET_UNUSED)
{
	uint64_t version = 1;

	et_roll_init(&roll);
	for (unsigned i = 0; i < 300; i++)
		add(ET_STANDING_RESOLVED, version++);
	for (unsigned i = 0; i < 900; i++)
		add(ET_STANDING_ACKNOWLEDGED, version++);
	assert_int_equal(roll.count, ET_REPORT_FINDINGS_MAX);
	assert_int_equal(count(ET_STANDING_RESOLVED), 100);
	assert_int_equal(count(ET_STANDING_ACKNOWLEDGED), 900);
	for (unsigned i = 0; i < 500; i++)
		add(ET_STANDING_KNOWN, version++);
	assert_int_equal(count(ET_STANDING_RESOLVED), 0);
	assert_int_equal(count(ET_STANDING_ACKNOWLEDGED), 500);
	for (unsigned i = 0; i < 2000; i++)
		add(ET_STANDING_NEW, version++);
	add(ET_STANDING_KNOWN, version);
	assert_int_equal(count(ET_STANDING_NEW), ET_REPORT_FINDINGS_MAX);
	/* The first ones of many alike. */
	assert_int_equal(roll.list[0].finding.version, 1701);
	assert_int_equal(roll.total, 3701);
	assert_int_equal(roll.standings[ET_STANDING_RESOLVED], 300);
	assert_int_equal(roll.standings[ET_STANDING_ACKNOWLEDGED], 900);
	assert_int_equal(roll.standings[ET_STANDING_KNOWN], 501);
	assert_int_equal(roll.standings[ET_STANDING_NEW], 2000);
	et_roll_done(&roll);
}

static void
sorted_they_stand_by_standing_in_the_order_in_which_they_came(void **state ET_UNUSED)
{
	static const enum et_standing came[] = { ET_STANDING_RESOLVED, ET_STANDING_KNOWN,
						 ET_STANDING_NEW,      ET_STANDING_ACKNOWLEDGED,
						 ET_STANDING_NEW,      ET_STANDING_KNOWN };
	static const uint64_t wanted[] = { 3, 5, 2, 6, 4, 1 };

	et_roll_init(&roll);
	et_roll_sort(&roll);
	for (uint64_t i = 0; i < ET_COUNT(came); i++)
		add(came[i], i + 1);
	et_roll_sort(&roll);
	for (size_t i = 0; i < ET_COUNT(wanted); i++)
		assert_int_equal(roll.list[i].finding.version, wanted[i]);
	et_roll_done(&roll);
}

static void
where_a_finding_stands_depends_on_the_run_that_counts_as_the_last(void **state ET_UNUSED)
{
	static const struct {
		int64_t told;
		int64_t last_told;
		enum et_standing standing;
	} rows[] = {
		{ 0, 0, ET_STANDING_NEW },   /* nobody was told yet */
		{ 0, 7, ET_STANDING_NEW },   /* ... since the last report */
		{ 7, 7, ET_STANDING_NEW },   /* the last report did */
		{ 6, 7, ET_STANDING_KNOWN }, /* one before it */
		{ 7, 0, ET_STANDING_KNOWN }, /* an audit asks: all that was told is known */
	};
	struct et_noted_finding noted = { .first_time_ns = 5,
					  .last_time_ns = 6,
					  .resolved_ns = ET_TIME_NONE,
					  .delay_ns = 8,
					  .resolution = "late" };
	struct et_report_finding finding;
	bool expired;

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		finding = (struct et_report_finding){ .href = "/a" };
		noted.told = rows[i].told;
		et_roll_stand(&noted, rows[i].last_told, 100, &finding, &expired);
		assert_int_equal(finding.standing, rows[i].standing);
		assert_false(expired);
		assert_int_equal(finding.first_seen_ns, 5);
		assert_int_equal(finding.last_seen_ns, 6);
		assert_int_equal(finding.delay_ns, 8);
		assert_string_equal(finding.resolution, "late");
		assert_string_equal(finding.href, "/a");
	}
	noted.acknowledged = (struct et_acknowledgement){ 50, 99, "alice", "so" };
	et_roll_stand(&noted, 0, 100, &finding, &expired);
	assert_true(expired && finding.standing == ET_STANDING_KNOWN);
	assert_string_equal(finding.acknowledged.by, "alice");
	assert_string_equal(finding.acknowledged.reason, "so");
	assert_int_equal(finding.acknowledged.until_ns, 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_of_any_number_are_kept_new_ones_before_others),
		cmocka_unit_test(sorted_they_stand_by_standing_in_the_order_in_which_they_came),
		cmocka_unit_test(where_a_finding_stands_depends_on_the_run_that_counts_as_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
