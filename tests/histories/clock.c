// SPDX-License-Identifier: Apache-2.0
/* Loaded before the C library: what a program under test takes for the time of the day is HISTORIES_NOW, in
 * nanoseconds since 1970. So that audits hours apart can be played in a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int
clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *text = getenv("HISTORIES_NOW");
	long long ns;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (id != CLOCK_REALTIME || text == NULL)
		return real(id, now);
	ns = strtoll(text, NULL, 10);
	now->tv_sec = ns / 1000000000;
	now->tv_nsec = ns % 1000000000;
	return 0;
}
