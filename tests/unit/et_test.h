/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests share, on top of cmocka: results that print their words,
 * a directory of its own for each test, stderr in a file, a child process.
 * Header only: a test is one .c file.
 */
#ifndef ET_TEST_H
#define ET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/atomicfile.h"
#include "base/error.h"

/* The result is `code`; else the test fails with the words of the error. */
#define assert_code(code, result, err) \
	et_test_code((code), (result), (err), #result, __FILE__, __LINE__)
#define assert_ok(result, err) assert_code(0, result, err)
/* The text of an error, a piece of it. */
#define assert_words(err, piece) et_test_words((err)->text, (piece), __FILE__, __LINE__)

static inline void
et_test_code(int code, int result, const struct et_error *err, const char *call, const char *file,
	     int line)
{
	if (result == code)
		return;
	print_error("%s is %s (%d) and not %s (%d): %s\n", call, et_code_name(result), result,
		    et_code_name(code), code, err != NULL ? err->text : "");
	_fail(file, line);
}

static inline void
et_test_words(const char *text, const char *piece, const char *file, int line)
{
	if (strstr(text, piece) != NULL)
		return;
	print_error("\"%s\" is not in \"%s\"\n", piece, text);
	_fail(file, line);
}

/* cmocka_unit_test_setup_teardown(f, et_test_dir_setup, et_test_dir_teardown): *state is the
 * path of an empty directory. */
static inline int
et_test_dir_setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	char *path = et_format("%s/evtrail-test-XXXXXX", parent != NULL ? parent : "/tmp");

	if (mkdtemp(path) == NULL) {
		free(path);
		return -1;
	}
	*state = path;
	return 0;
}

static inline int
et_test_remove(const char *path, const struct stat *status ET_UNUSED, int type ET_UNUSED,
	       struct FTW *where ET_UNUSED)
{
	return remove(path);
}

static inline int
et_test_dir_teardown(void **state)
{
	int r = nftw(*state, et_test_remove, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	*state = NULL;
	return r;
}

#define et_test_with_dir(function) \
	cmocka_unit_test_setup_teardown(function, et_test_dir_setup, et_test_dir_teardown)

/* DIR/NAME, to be freed. */
static inline char *
et_test_path(void **state, const char *name)
{
	return et_format("%s/%s", (const char *)*state, name);
}

/* The whole file as text, to be freed. */
static inline char *
et_test_read(const char *path)
{
	struct et_error err = { 0 };
	char *text = NULL;
	size_t bytes;

	assert_ok(et_file_read(path, 1 << 20, &text, &bytes, &err), &err);
	return text;
}

/* Writes a file that may be there already. */
static inline void
et_test_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* From here to et_test_stderr_end stderr goes to the file. Returns what the end needs. */
static inline int
et_test_stderr_begin(const char *path)
{
	int old = dup(STDERR_FILENO);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)fflush(stderr);
	assert_true(old >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	(void)close(fd);
	return old;
}

/* The text that went there, to be freed. */
static inline char *
et_test_stderr_end(int old, const char *path)
{
	(void)fflush(stderr);
	assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
	(void)close(old);
	return et_test_read(path);
}

#define ET_TEST_ABORTED 77

/* A child that aborts still writes its coverage; leaks of a dying process are of no interest. */
static inline void
et_test_on_abort(int number ET_UNUSED)
{
#ifdef __SANITIZE_ADDRESS__
	_Exit(ET_TEST_ABORTED);
#else
	exit(ET_TEST_ABORTED); // NOLINT: not signal safe, but nothing else runs in the child
#endif
}

/* Runs the function in a child; its status as of waitpid. abort() is exit ET_TEST_ABORTED. */
static inline int
et_test_fork(void (*function)(void *), void *argument)
{
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)signal(SIGABRT, et_test_on_abort);
		function(argument);
#ifdef __SANITIZE_ADDRESS__
		_Exit(0);
#else
		exit(0);
#endif
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#endif
