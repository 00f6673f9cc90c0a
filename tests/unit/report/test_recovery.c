// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <jansson.h>

static struct sample sample;

static char *
text_of(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	et_report_text(&sample.report, out, false, 400);
	assert_int_equal(fclose(out), 0);
	return text;
}

static json_t *
json_of(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	json_t *object;

	assert_non_null(out);
	assert_int_equal(et_report_json(&sample.report, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	object = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(object);
	return object;
}

/* 3 recoverable, 2 not, of which schedules would have caught a part. */
static void
two_came_too_late(void)
{
	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_SUPERSEDED);
	sample.report.recovery = (struct et_recovery){
		.recoverable = 3,
		.too_late = 2,
		.estimated = 2,
		.schedules = { { 3600, 0.125 }, { 60, 0.85 } },
		.schedule_count = 2,
	};
}

static void
a_report_without_losses_says_nothing_of_it(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	json_t *object;

	sample_clean(&sample);
	text = text_of();
	object = json_of();
	assert_null(strstr(text, "recovery"));
	assert_null(json_object_get(object, "recovery"));
	json_decref(object);
}

static void
the_text_names_what_came_too_late_and_what_would_have_caught_it(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	two_came_too_late();
	text = text_of();
	assert_non_null(strstr(text,
			       "recovery  when they were first seen, 3 of the open losses could be "
			       "recovered; 2 came too late: an audit "
			       "every 1h would have caught 12 % of these, every 1m 85 %\n"));
}

static void
losses_that_were_all_recoverable_name_no_schedule(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	two_came_too_late();
	sample.report.recovery = (struct et_recovery){ .recoverable = 5 };
	text = text_of();
	assert_non_null(strstr(text, "5 of the open losses could be recovered; 0 came too late\n"));
	assert_null(strstr(text, "would have caught"));
}

static void
what_no_schedule_catches_is_said(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	two_came_too_late();
	sample.report.recovery.schedule_count = 0;
	text = text_of();
	assert_non_null(strstr(text, "2 came too late: too fast for an audit every minute\n"));
	free(ET_STEAL(text));
	sample.report.recovery.estimated = 0; /* nobody knows how fast */
	text = text_of();
	assert_non_null(strstr(text, "2 came too late\n"));
}

static void
json_has_the_same_numbers(void **state ET_UNUSED)
{
	json_t *recovery;
	json_t *schedules;
	json_t *object;

	two_came_too_late();
	object = json_of();
	recovery = json_object_get(object, "recovery");
	schedules = json_object_get(recovery, "schedules");
	assert_int_equal(
		json_integer_value(json_object_get(recovery, "recoverable_when_first_seen")), 3);
	assert_int_equal(json_integer_value(json_object_get(recovery, "too_late")), 2);
	assert_int_equal(json_array_size(schedules), 2);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(schedules, 1), "every_seconds")),
		60);
	assert_true(json_real_value(
			    json_object_get(json_array_get(schedules, 1), "caught_share")) == 0.85);
	json_decref(object);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_without_losses_says_nothing_of_it),
		cmocka_unit_test(the_text_names_what_came_too_late_and_what_would_have_caught_it),
		cmocka_unit_test(losses_that_were_all_recoverable_name_no_schedule),
		cmocka_unit_test(what_no_schedule_catches_is_said),
		cmocka_unit_test(json_has_the_same_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
