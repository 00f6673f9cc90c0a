// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 2048

static atomic_int level_now = ET_LOG_NOTICE;

void
et_log_set_level(enum et_log_level level)
{
	atomic_store(&level_now, (int)level);
}

enum et_log_level
et_log_level_now(void)
{
	return (enum et_log_level)atomic_load_explicit(&level_now, memory_order_relaxed);
}

/* Words of servers end up here: a line break in them must not look like a line of ours. */
static void
tame(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			*text = '?';
	}
}

/* In one piece, so that lines of several threads do not mix. */
static void
print_line(enum et_log_level level, const char *prefix, const char *text)
{
	static const char priorities[] = { '3', '4', '5', '6', '7' }; /* as in syslog(3) */
	const char *journal = getenv("JOURNAL_STREAM");

	if (journal != NULL && journal[0] != '\0')
		(void)fprintf(stderr, "<%c>%s%s\n", priorities[level], prefix, text);
	else
		(void)fprintf(stderr, "%s%s\n", prefix, text);
}

void
et_log(enum et_log_level level, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	if (level > et_log_level_now())
		return;
	text[0] = '\0';
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tame(text);
	print_line(level, "evtrail: ", text);
}

void
et_log_failure(const struct et_error *err)
{
	char hint[sizeof(err->hint)];

	et_log(ET_LOG_ERROR, "%s", err->text[0] != '\0' ? err->text : et_code_name(err->code));
	if (err->hint[0] == '\0')
		return;
	memcpy(hint, err->hint, sizeof(hint));
	tame(hint);
	print_line(ET_LOG_ERROR, "hint: ", hint);
}
