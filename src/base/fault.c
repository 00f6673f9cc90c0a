// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#ifdef ET_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long passed;

/* A test that asks for nonsense must not pass by accident. */
static _Noreturn void
nonsense(const char *name, const char *text)
{
	(void)fprintf(stderr, "evtrail: %s: bad value \"%s\"\n", name, text);
	exit(2);
}

/* The number of the point that is to fail, 0 for none. */
static unsigned long
wanted(bool *ret_kill)
{
	const char *text = getenv("EVTRAIL_FAULT");
	unsigned long number;
	char *end;

	*ret_kill = false;
	if (text == NULL || text[0] == '\0')
		return 0;
	errno = 0;
	number = strtoul(text, &end, 10);
	*ret_kill = strcmp(end, ":kill") == 0;
	if (errno != 0 || text[0] < '0' || text[0] > '9' || (*end != '\0' && !*ret_kill))
		nonsense("EVTRAIL_FAULT", text);
	return number;
}

/* At each point and not at the exit: a killed process counts as well. */
static void
write_count(void)
{
	const char *path = getenv("EVTRAIL_FAULT_COUNT");
	int fd;

	if (path == NULL || path[0] == '\0')
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%lu\n", passed) < 0)
		nonsense("EVTRAIL_FAULT_COUNT", path);
	(void)close(fd);
}

int
et_fault_point(const char *name, struct et_error *err)
{
	unsigned long number;
	bool is_this;
	bool by_kill;

	(void)pthread_mutex_lock(&lock);
	number = ++passed;
	is_this = wanted(&by_kill) == number;
	write_count();
	(void)pthread_mutex_unlock(&lock);
	if (!is_this)
		return 0;
	if (by_kill)
		(void)raise(SIGKILL); /* GCOVR_EXCL_LINE: nobody is left to count it */
	return et_error_set(err, ET_IO, "fault %lu at %s", number, name);
}

#endif
