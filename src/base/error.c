// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends as much of `text` as fits, NUL included; returns the new length. */
static size_t
append(char *to, size_t used, size_t room, const char *text)
{
	size_t count = strnlen(text, room - 1 - used);

	memcpy(to + used, text, count);
	to[used + count] = '\0';
	return used + count;
}

/* Always into a buffer of its own: the arguments may point into the error itself. */
static void ET_PRINTF(3, 0) format_words(char *text, size_t room, const char *format, va_list args)
{
	text[0] = '\0';
	(void)vsnprintf(text, room, format, args);
}

int
et_error_set(struct et_error *err, int code, const char *format, ...)
{
	char text[ET_ERROR_TEXT_BYTES];
	va_list args;

	if (err == NULL)
		return code;
	va_start(args, format);
	format_words(text, sizeof(text), format, args);
	va_end(args);
	err->code = code;
	(void)append(err->text, 0, sizeof(err->text), text);
	err->hint[0] = '\0';
	return code;
}

int
et_error_wrap(struct et_error *err, int code, const char *format, ...)
{
	char text[ET_ERROR_TEXT_BYTES];
	va_list args;
	size_t used;

	if (err == NULL)
		return code;
	va_start(args, format);
	format_words(text, sizeof(text), format, args);
	va_end(args);
	used = strlen(text);
	if (err->text[0] != '\0') {
		used = append(text, used, sizeof(text), ": ");
		used = append(text, used, sizeof(text), err->text);
	}
	memcpy(err->text, text, used + 1);
	err->code = code;
	return code;
}

void
et_error_hint(struct et_error *err, const char *format, ...)
{
	char hint[sizeof(err->hint)];
	va_list args;

	if (err == NULL)
		return;
	va_start(args, format);
	format_words(hint, sizeof(hint), format, args);
	va_end(args);
	(void)append(err->hint, 0, sizeof(err->hint), hint);
}

int
et_error_errno(struct et_error *err, int error, const char *format, ...)
{
	char text[ET_ERROR_TEXT_BYTES];
	char words[128];
	va_list args;
	size_t used;

	if (err == NULL)
		return ET_IO;
	va_start(args, format);
	format_words(text, sizeof(text), format, args);
	va_end(args);
	used = append(text, strlen(text), sizeof(text), ": ");
	(void)append(text, used, sizeof(text), strerror_r(error, words, sizeof(words)));
	(void)et_error_set(err, ET_IO, "%s", text);
	if (error == ENOSPC || error == EDQUOT)
		et_error_hint(err, "make room there and run again: it goes on from what it has");
	return ET_IO;
}

void
et_error_clear(struct et_error *err)
{
	if (err == NULL)
		return;
	err->code = ET_OK;
	err->text[0] = '\0';
	err->hint[0] = '\0';
}

const char *
et_code_name(int code)
{
	static const char *const names[] = {
		"ok",      "usage",    "config", "unavailable", "timeout",  "denied", "gone",
		"corrupt", "conflict", "limit",  "io",          "canceled", "busy",   "garbled",
	};

	if (code > 0 || code < -(int)(sizeof(names) / sizeof(names[0])) + 1)
		return "?";
	return names[-code];
}
