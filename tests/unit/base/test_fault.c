// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <pthread.h>

#include "base/fault.h"

#ifndef ET_FAULTS

static void
without_faults_a_point_is_nothing(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	assert_int_equal(setenv("EVTRAIL_FAULT", "1", 1), 0);
	for (int i = 0; i < 10; i++)
		assert_ok(et_fault_point("here", &err), &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_faults_a_point_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* The points are counted for the life of the process: tests count on from here. */
static unsigned long
passed_until_now(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "count");
	ET_CLEAN_MEM char *text = NULL;
	struct et_error err = { 0 };

	assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", path, 1), 0);
	assert_ok(et_fault_point("count", &err), &err);
	text = et_test_read(path);
	return strtoul(text, NULL, 10);
}

static void
set_fault(unsigned long number, const char *suffix)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%lu%s", number, suffix);
	assert_int_equal(setenv("EVTRAIL_FAULT", text, 1), 0);
}

static int
teardown(void **state)
{
	(void)unsetenv("EVTRAIL_FAULT");
	(void)unsetenv("EVTRAIL_FAULT_COUNT");
	return et_test_dir_teardown(state);
}

#define with_faults(function) cmocka_unit_test_setup_teardown(function, et_test_dir_setup, teardown)

static void
only_the_wanted_point_fails(void **state)
{
	unsigned long passed = passed_until_now(state);
	struct et_error err = { 0 };

	set_fault(passed + 3, "");
	assert_ok(et_fault_point("write", &err), &err);
	assert_ok(et_fault_point("write", &err), &err);
	assert_code(ET_IO, et_fault_point("rename", &err), &err);
	assert_words(&err, "at rename");
	assert_ok(et_fault_point("write", &err), &err);
	assert_int_equal(passed_until_now(state), passed + 5);
}

static void
no_fault_is_wanted_by_default(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	assert_int_equal(setenv("EVTRAIL_FAULT", "", 1), 0);
	assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", "", 1), 0);
	assert_ok(et_fault_point("write", &err), &err);
	(void)unsetenv("EVTRAIL_FAULT");
	assert_ok(et_fault_point("write", &err), &err);
}

static void
pass_one_point(void *unused ET_UNUSED)
{
	if (et_fault_point("write", NULL) < 0)
		exit(1);
}

static void
a_kill_kills_and_is_counted(void **state)
{
	unsigned long passed = passed_until_now(state);
	ET_CLEAN_MEM char *path = et_test_path(state, "count");
	ET_CLEAN_MEM char *text = NULL;
	int status;

	set_fault(passed + 1, ":kill");
	status = et_test_fork(pass_one_point, NULL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	text = et_test_read(path);
	assert_int_equal(strtoul(text, NULL, 10), passed + 1);
}

static void
nonsense_ends_the_process(void **state)
{
	static const char *const rows[] = {
		"x", "-1", " 1", "1:", "1:killed", "1x", "999999999999999999999999"
	};
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");

	for (size_t i = 0; i <= ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *text = NULL;
		int status;
		int old;

		if (i < ET_COUNT(rows)) {
			assert_int_equal(setenv("EVTRAIL_FAULT", rows[i], 1), 0);
		} else {
			(void)unsetenv("EVTRAIL_FAULT");
			assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", "/no/such/dir", 1), 0);
		}
		old = et_test_stderr_begin(path);
		status = et_test_fork(pass_one_point, NULL);
		text = et_test_stderr_end(old, path);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 2);
		et_test_words(text, "bad value", __FILE__, __LINE__);
	}
}

static void *
pass_points(void *failures)
{
	for (int i = 0; i < 250; i++)
		*(int *)failures += et_fault_point("thread", NULL) == ET_IO;
	return NULL;
}

static void
threads_share_one_count(void **state)
{
	unsigned long passed = passed_until_now(state);
	pthread_t threads[4];
	int failures[4] = { 0 };

	set_fault(passed + 500, "");
	for (size_t i = 0; i < ET_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass_points, &failures[i]), 0);
	for (size_t i = 0; i < ET_COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(failures[0] + failures[1] + failures[2] + failures[3], 1);
	assert_int_equal(passed_until_now(state), passed + 1001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_faults(only_the_wanted_point_fails),
		with_faults(no_fault_is_wanted_by_default),
		with_faults(a_kill_kills_and_is_counted),
		with_faults(nonsense_ends_the_process),
		with_faults(threads_share_one_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
