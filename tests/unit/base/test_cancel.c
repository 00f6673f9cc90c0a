// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <errno.h>

#include "base/cancel.h"
#include "base/clock.h"

static int
forget(void **state ET_UNUSED)
{
	et_cancel_set(false);
	return 0;
}

static void
nothing_asked_is_no_cancel(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	assert_false(et_cancel_asked());
	assert_false(et_cancel_out_of_time());
	assert_ok(et_cancel_check(&err), &err);
}

static void
a_set_flag_asks_until_it_is_cleared(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	et_cancel_set(true);
	assert_true(et_cancel_asked());
	assert_false(et_cancel_out_of_time());
	assert_code(ET_CANCELED, et_cancel_check(&err), &err);
	assert_string_equal(err.text, "stopped");
	et_cancel_set(false);
	assert_ok(et_cancel_check(&err), &err);
}

static void
a_spent_budget_asks(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	et_cancel_budget(1);
	while (!et_cancel_asked())
		continue;
	assert_true(et_cancel_out_of_time());
	assert_code(ET_CANCELED, et_cancel_check(&err), &err);
	assert_string_equal(err.text, "the time budget ran out");
	et_cancel_set(true);
	assert_false(et_cancel_out_of_time());
	et_cancel_set(false);
	assert_false(et_cancel_asked());
}

static void
a_budget_below_zero_is_spent(void **state ET_UNUSED)
{
	et_cancel_budget(-1);
	assert_true(et_cancel_asked());
	et_cancel_budget(INT64_MIN);
	assert_true(et_cancel_asked());
}

static void
a_large_or_no_budget_does_not_ask(void **state ET_UNUSED)
{
	et_cancel_budget(3600 * ET_NS_PER_SECOND);
	assert_false(et_cancel_asked());
	et_cancel_budget(INT64_MAX);
	assert_false(et_cancel_asked());
	et_cancel_budget(-1);
	et_cancel_budget(0);
	assert_false(et_cancel_asked());
	assert_false(et_cancel_out_of_time());
}

struct signal_row {
	int number;
	const char *words;
};

/* In a child: handlers are for the whole process. */
static void
take_signal(void *argument)
{
	const struct signal_row *row = argument;
	struct et_error err = { 0 };
	int fds[2];
	char c;

	et_cancel_install();
	if (et_cancel_asked() || raise(row->number) != 0)
		exit(1);
	if (et_cancel_check(&err) != ET_CANCELED || strcmp(err.text, row->words) != 0)
		exit(2);
	if (et_cancel_out_of_time())
		exit(3);
	/* A blocked call returns. */
	et_cancel_install();
	if (pipe(fds) != 0)
		exit(4);
	(void)alarm(20);
	if (fork() == 0) {
		(void)usleep(100000);
		(void)kill(getppid(), row->number);
		_Exit(0);
	}
	if (read(fds[0], &c, 1) != -1 || errno != EINTR)
		exit(5);
}

static void
each_signal_asks_and_is_named(void **state ET_UNUSED)
{
	static const struct signal_row rows[] = {
		{ SIGINT, "stopped by SIGINT" },
		{ SIGTERM, "stopped by SIGTERM" },
		{ SIGHUP, "stopped by SIGHUP" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct signal_row row = rows[i];
		int status = et_test_fork(take_signal, &row);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void
interrupt_twice(void *unused ET_UNUSED)
{
	et_cancel_install();
	(void)raise(SIGTERM);
	(void)raise(SIGTERM);
	(void)raise(SIGINT);
	if (et_cancel_asked())
		(void)raise(SIGINT);
}

static void
a_second_sigint_kills(void **state ET_UNUSED)
{
	int status = et_test_fork(interrupt_twice, NULL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static void
hang_up_under_nohup(void *unused ET_UNUSED)
{
	(void)signal(SIGHUP, SIG_IGN);
	et_cancel_install();
	(void)raise(SIGHUP);
	exit(et_cancel_asked() ? 1 : 0);
}

static void
nohup_is_respected(void **state ET_UNUSED)
{
	int status = et_test_fork(hang_up_under_nohup, NULL);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nothing_asked_is_no_cancel, forget),
		cmocka_unit_test_teardown(a_set_flag_asks_until_it_is_cleared, forget),
		cmocka_unit_test_teardown(a_spent_budget_asks, forget),
		cmocka_unit_test_teardown(a_budget_below_zero_is_spent, forget),
		cmocka_unit_test_teardown(a_large_or_no_budget_does_not_ask, forget),
		cmocka_unit_test(each_signal_asks_and_is_named),
		cmocka_unit_test(a_second_sigint_kills),
		cmocka_unit_test(nohup_is_respected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
