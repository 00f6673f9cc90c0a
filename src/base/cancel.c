// SPDX-License-Identifier: Apache-2.0
#include "base/cancel.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/clock.h"

#define ASKED_BY_CALL (-1)
#define NO_DEADLINE INT64_MAX

/* Lock-free atomics: written by a signal handler, read by any thread. */
static atomic_int asked_by; /* the signal, ASKED_BY_CALL, or 0 */
static atomic_bool ran_out;
static _Atomic int64_t deadline_ns = NO_DEADLINE;

static void
on_signal(int number)
{
	atomic_store(&asked_by, number);
}

void
et_cancel_install(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction action = { .sa_handler = on_signal };
		struct sigaction old;

		/* nohup(1) means it. */
		if (numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		/* Reset by the first SIGINT: the second finds the default action, which kills. */
		if (numbers[i] == SIGINT)
			action.sa_flags = (int)SA_RESETHAND;
		(void)sigemptyset(&action.sa_mask);
		(void)sigaction(numbers[i], &action, NULL);
	}
}

void
et_cancel_budget(int64_t budget_ns)
{
	int64_t deadline = NO_DEADLINE;

	if (budget_ns != 0 && __builtin_add_overflow(et_clock_monotonic_ns(), budget_ns, &deadline))
		deadline = NO_DEADLINE;
	atomic_store(&ran_out, false);
	atomic_store(&deadline_ns, deadline);
}

bool
et_cancel_asked(void)
{
	int64_t deadline;

	if (atomic_load_explicit(&asked_by, memory_order_relaxed) != 0)
		return true;
	deadline = atomic_load_explicit(&deadline_ns, memory_order_relaxed);
	if (deadline == NO_DEADLINE)
		return false;
	if (et_clock_monotonic_ns() < deadline)
		return false;
	atomic_store(&ran_out, true);
	return true;
}

bool
et_cancel_out_of_time(void)
{
	return atomic_load(&asked_by) == 0 && atomic_load(&ran_out);
}

int
et_cancel_check(struct et_error *err)
{
	if (!et_cancel_asked())
		return 0;
	switch (atomic_load(&asked_by)) {
	case 0:
		return et_error_set(err, ET_CANCELED, "the time budget ran out");
	case SIGINT:
		return et_error_set(err, ET_CANCELED, "stopped by SIGINT");
	case SIGTERM:
		return et_error_set(err, ET_CANCELED, "stopped by SIGTERM");
	case SIGHUP:
		return et_error_set(err, ET_CANCELED, "stopped by SIGHUP");
	default:
		return et_error_set(err, ET_CANCELED, "stopped");
	}
}

void
et_cancel_set(bool asked)
{
	atomic_store(&asked_by, asked ? ASKED_BY_CALL : 0);
	/* A budget that has run out would ask again at once. */
	if (!asked)
		et_cancel_budget(0);
}
