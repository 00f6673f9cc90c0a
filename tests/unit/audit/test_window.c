// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "audit/window.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND

/* The share that audits at this period would have caught; -1 where that one is not named. */
static double
share_of(const struct et_windows *windows, uint64_t every_seconds)
{
	struct et_schedule schedules[ET_SCHEDULES];
	size_t count = et_windows_schedules(windows, schedules);

	for (size_t i = 0; i < count; i++)
		if (schedules[i].every_seconds == every_seconds)
			return schedules[i].share;
	return -1;
}

static void
assert_share(const struct et_windows *windows, uint64_t every_seconds, double want)
{
	double share = share_of(windows, every_seconds);

	if (share < want - 1e-9 || share > want + 1e-9)
		fail_msg("every %llu s: %f, wanted %f", (unsigned long long)every_seconds, share,
			 want);
}

static void
without_a_loss_no_schedule_is_named(void **state ET_UNUSED)
{
	const struct et_windows windows = { 0 };
	struct et_schedule schedules[ET_SCHEDULES];

	assert_int_equal(et_windows_schedules(&windows, schedules), 0);
}

static void
an_audit_hits_a_window_by_its_length(void **state ET_UNUSED)
{
	struct et_windows windows = { 0 };

	/* one missing version in 10 minutes: it could be saved for 5 of them */
	et_windows_add(&windows, 1000 * S, 1600 * S, 1, 1);
	assert_int_equal(windows.known, 1);
	assert_share(&windows, 300, 1);
	assert_share(&windows, 900, 300.0 / 900);
	assert_share(&windows, 3600, 300.0 / 3600);
	assert_share(&windows, 60, -1);    /* catches no more than every 5 minutes does */
	assert_share(&windows, 86400, -1); /* less than one in a hundred */
}

static void
missing_versions_share_the_time_between_their_neighbours(void **state ET_UNUSED)
{
	struct et_windows windows = { 0 };

	/* 9 missing, of which 4 were superseded: 10 windows of 60 s */
	et_windows_add(&windows, 0, 600 * S, 9, 4);
	assert_int_equal(windows.known, 4);
	assert_share(&windows, 60, 1);
	assert_share(&windows, 300, 0.2);
	assert_share(&windows, 900, 60.0 / 900);
}

static void
losses_are_weighed_by_their_number(void **state ET_UNUSED)
{
	struct et_windows windows = { 0 };

	et_windows_add(&windows, 0, 7200 * S, 1, 1); /* an hour */
	et_windows_add(&windows, 0, 20 * S, 19, 3);  /* a second each */
	assert_int_equal(windows.known, 4);
	assert_share(&windows, 3600, (1 + 3 * 1.0 / 3600) / 4);
	assert_share(&windows, 60, (1 + 3 * 1.0 / 60) / 4);
	assert_share(&windows, 900, -1);
	assert_share(&windows, 300, -1);
}

static void
schedules_are_named_from_the_rarest_on_and_each_adds_something(void **state ET_UNUSED)
{
	struct et_schedule schedules[ET_SCHEDULES];
	struct et_windows windows = { 0 };
	size_t count;

	for (unsigned i = 1; i <= 50; i++)
		et_windows_add(&windows, 0, (int64_t)i * i * 40 * S, 1, 1);
	count = et_windows_schedules(&windows, schedules);
	assert_true(count > 2);
	for (size_t i = 0; i < count; i++) {
		assert_true(schedules[i].share > 0 && schedules[i].share <= 1);
		if (i > 0) {
			assert_true(schedules[i].every_seconds < schedules[i - 1].every_seconds);
			assert_true(schedules[i].share > schedules[i - 1].share + 0.0099);
		}
	}
}

static void
where_an_end_is_open_nothing_is_guessed(void **state ET_UNUSED)
{
	struct et_windows windows = { 0 };

	et_windows_add(&windows, ET_TIME_NONE, 600 * S, 1, 1);
	et_windows_add(&windows, 600 * S, ET_TIME_NONE, 1, 1);
	et_windows_add(&windows, 0, 600 * S, 1, 0);
	assert_int_equal(windows.known, 0);
}

static void
neighbours_that_are_swapped_leave_no_window(void **state ET_UNUSED)
{
	struct et_schedule schedules[ET_SCHEDULES];
	struct et_windows windows = { 0 };

	et_windows_add(&windows, 600 * S, 599 * S, 1, 2);
	assert_int_equal(windows.known, 2);
	assert_int_equal(et_windows_schedules(&windows, schedules), 0);
}

static void
hostile_times_overflow_nothing(void **state ET_UNUSED)
{
	struct et_windows windows = { 0 };

	et_windows_add(&windows, INT64_MIN + 1, INT64_MAX, 0, 1);
	assert_share(&windows, 86400, 1);
	et_windows_add(&windows, INT64_MAX, INT64_MIN + 1, UINT64_MAX, 1);
	assert_share(&windows, 86400, 0.5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_loss_no_schedule_is_named),
		cmocka_unit_test(an_audit_hits_a_window_by_its_length),
		cmocka_unit_test(missing_versions_share_the_time_between_their_neighbours),
		cmocka_unit_test(losses_are_weighed_by_their_number),
		cmocka_unit_test(schedules_are_named_from_the_rarest_on_and_each_adds_something),
		cmocka_unit_test(where_an_end_is_open_nothing_is_guessed),
		cmocka_unit_test(neighbours_that_are_swapped_leave_no_window),
		cmocka_unit_test(hostile_times_overflow_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
