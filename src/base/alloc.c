// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void
out_of_memory(void)
{
	(void)fputs("evtrail: out of memory\n", stderr);
	abort();
}

/* malloc(0) may be NULL, which would look like a failure. */
static size_t
at_least_one(size_t bytes)
{
	return bytes > 0 ? bytes : 1;
}

void *
et_alloc(size_t bytes)
{
	void *p = malloc(at_least_one(bytes));

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
et_calloc(size_t count, size_t bytes)
{
	void *p = calloc(at_least_one(count), at_least_one(bytes));

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
et_realloc(void *old, size_t bytes)
{
	void *p = realloc(old, at_least_one(bytes));

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
et_realloc_array(void *old, size_t count, size_t bytes)
{
	size_t product;

	if (__builtin_mul_overflow(count, bytes, &product))
		out_of_memory();
	return et_realloc(old, product);
}

char *
et_strdup(const char *text)
{
	return et_memdup(text, strlen(text) + 1);
}

char *
et_strndup(const char *text, size_t bytes)
{
	size_t count = strnlen(text, bytes);
	char *copy = et_alloc(count + 1);

	memcpy(copy, text, count);
	copy[count] = '\0';
	return copy;
}

void *
et_memdup(const void *bytes, size_t count)
{
	void *copy = et_alloc(count);

	if (count > 0)
		memcpy(copy, bytes, count);
	return copy;
}

char *
et_format(const char *format, ...)
{
	char *text;
	va_list args;
	int count;

	va_start(args, format);
	count = vasprintf(&text, format, args);
	va_end(args);
	if (count < 0)
		out_of_memory();
	return text;
}

void
et_mem_cleanup(void *pointer_to_pointer)
{
	void *p;

	/* Copied, not cast: the pointer behind it may be of any object type. */
	memcpy(&p, pointer_to_pointer, sizeof(p));
	free(p);
}

void
et_fd_cleanup(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
