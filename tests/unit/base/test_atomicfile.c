// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>

#include "base/atomicfile.h"
#include "base/fault.h"

/*
 * The system calls that fail rarely are replaced here: these definitions come
 * before those of the C library. fails[] says how often and with which errno.
 */
enum call {
	CALL_WRITE,
	CALL_FSYNC,
	CALL_RENAMEAT2,
	CALL_READ,
	CALL_READDIR,
	CALL_UNLINKAT,
	CALLS,
};

static struct {
	int skip;  /* let that many pass first */
	int times; /* then fail that often */
	int error;
} fails[CALLS];
static size_t write_most = SIZE_MAX; /* a write takes no more than this */

static bool
is_to_fail(enum call call)
{
	if (fails[call].times == 0)
		return false;
	if (fails[call].skip > 0) {
		fails[call].skip--;
		return false;
	}
	fails[call].times--;
	errno = fails[call].error;
	return true;
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
	if (is_to_fail(CALL_WRITE))
		return -1;
	return syscall(SYS_write, fd, bytes, count < write_most ? count : write_most);
}

int
fsync(int fd)
{
	if (is_to_fail(CALL_FSYNC))
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int
renameat2(int old_dir, const char *old, int new_dir, const char *new, unsigned flags)
{
	if (is_to_fail(CALL_RENAMEAT2))
		return -1;
	return (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, flags);
}

ssize_t
read(int fd, void *bytes, size_t count)
{
	if (is_to_fail(CALL_READ))
		return -1;
	return syscall(SYS_read, fd, bytes, count);
}

int
unlinkat(int dir, const char *name, int flags)
{
	if (is_to_fail(CALL_UNLINKAT))
		return -1;
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

struct dirent *
readdir(DIR *dir)
{
	/* No system call to ask directly: the next definition is that of the C library. */
	void *symbol = dlsym(RTLD_NEXT, "readdir");
	struct dirent *(*next)(DIR *);

	assert_non_null(symbol);
	memcpy(&next, &symbol, sizeof(next));
	return is_to_fail(CALL_READDIR) ? NULL : next(dir);
}

static int
setup(void **state)
{
	memset(fails, 0, sizeof(fails));
	write_most = SIZE_MAX;
	(void)umask(022);
	return et_test_dir_setup(state);
}

static int
teardown(void **state)
{
	memset(fails, 0, sizeof(fails));
	(void)unsetenv("EVTRAIL_FAULT");
	(void)unsetenv("EVTRAIL_FAULT_COUNT");
	return et_test_dir_teardown(state);
}

#define with_files(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void
assert_file(void **state, const char *name, const char *want)
{
	ET_CLEAN_MEM char *path = et_test_path(state, name);

	if (want == NULL) {
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(errno, ENOENT);
	} else {
		ET_CLEAN_MEM char *text = et_test_read(path);

		assert_string_equal(text, want);
	}
}

static mode_t
mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void
a_file_appears_at_its_commit(void **state)
{
	ET_CLEAN(et_atomicfile) struct et_atomicfile *file = NULL;
	ET_CLEAN_MEM char *path = et_test_path(state, "f");
	struct et_error err = { 0 };

	assert_ok(et_atomicfile_open(*state, "f", &file, &err), &err);
	assert_ok(et_atomicfile_write(file, "hel", 3, &err), &err);
	assert_ok(et_atomicfile_write(file, NULL, 0, &err), &err);
	assert_int_equal(write(et_atomicfile_fd(file), "lo", 2), 2);
	assert_file(state, "f", NULL);
	assert_file(state, ".f.tmp", "hello");
	assert_non_null(strstr(et_atomicfile_temporary_path(file), "/.f.tmp"));
	assert_ok(et_atomicfile_sync(file, &err), &err);
	assert_ok(et_atomicfile_commit(file, false, &err), &err);
	assert_file(state, ".f.tmp", NULL);
	assert_file(state, "f", "hello");
	assert_int_equal(mode_of(path), 0600);
}

static void
without_a_commit_nothing_is_left(void **state)
{
	struct et_atomicfile *file = NULL;
	struct et_error err = { 0 };

	assert_ok(et_atomicfile_open(*state, "f", &file, &err), &err);
	assert_ok(et_atomicfile_write(file, "x", 1, &err), &err);
	et_atomicfile_free(file);
	assert_file(state, "f", NULL);
	assert_file(state, ".f.tmp", NULL);
	et_atomicfile_free(NULL);
}

static void
a_leftover_is_replaced_and_never_written_through(void **state)
{
	ET_CLEAN_MEM char *temporary = et_test_path(state, ".f.tmp");
	ET_CLEAN_MEM char *other = et_test_path(state, "other");
	struct et_error err = { 0 };

	/* A plain one, a symbolic link, and a second name of another file. */
	for (int kind = 0; kind < 3; kind++) {
		et_test_write(other, "precious");
		if (kind == 0)
			et_test_write(temporary, "longer leftover");
		else if (kind == 1)
			assert_int_equal(symlink(other, temporary), 0);
		else
			assert_int_equal(link(other, temporary), 0);
		assert_ok(et_file_write(*state, "f", "new", 3, true, &err), &err);
		assert_file(state, "f", "new");
		assert_file(state, "other", "precious");
	}
	assert_int_equal(mkdir(temporary, 0700), 0);
	assert_code(ET_IO, et_file_write(*state, "f", "x", 1, true, &err), &err);
	assert_words(&err, "create ");
	assert_file(state, "f", "new");
}

static void
an_existing_file_is_replaced_only_when_asked(void **state)
{
	struct et_error err = { 0 };

	assert_ok(et_file_write(*state, "f", "one", 3, false, &err), &err);
	assert_code(ET_CONFLICT, et_file_write(*state, "f", "two", 3, false, &err), &err);
	assert_words(&err, "/f exists already");
	assert_file(state, "f", "one");
	assert_file(state, ".f.tmp", NULL);
	assert_ok(et_file_write(*state, "f", "two", 3, true, &err), &err);
	assert_file(state, "f", "two");
}

static void
a_file_system_without_noreplace_gets_a_link(void **state)
{
	static const int errors[] = { EINVAL, ENOSYS };

	for (size_t i = 0; i < ET_COUNT(errors); i++) {
		struct et_error err = { 0 };
		ET_CLEAN_MEM char *name = et_format("f%zu", i);

		fails[CALL_RENAMEAT2].error = errors[i];
		fails[CALL_RENAMEAT2].times = 2;
		assert_ok(et_file_write(*state, name, "one", 3, false, &err), &err);
		assert_code(ET_CONFLICT, et_file_write(*state, name, "two", 3, false, &err), &err);
		assert_file(state, name, "one");
		assert_false(et_name_is_temporary(name));
		assert_int_equal(fails[CALL_RENAMEAT2].times, 0);
	}
	assert_file(state, ".f0.tmp", NULL);
	assert_file(state, ".f1.tmp", NULL);
}

static void
names_with_a_slash_are_refused(void **state)
{
	static const char *const names[] = { "", "a/b", "/a", "../a" };
	struct et_atomicfile *file = NULL;

	for (size_t i = 0; i < ET_COUNT(names); i++) {
		struct et_error err = { 0 };

		assert_code(ET_USAGE, et_atomicfile_open(*state, names[i], &file, &err), &err);
	}
	assert_null(file);
}

static void
a_missing_directory_is_gone(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "no");
	ET_CLEAN_MEM char *plain = et_test_path(state, "plain");
	struct et_error err = { 0 };
	unsigned count = 77;

	assert_code(ET_GONE, et_file_write(path, "f", "x", 1, true, &err), &err);
	assert_words(&err, "No such file");
	assert_code(ET_GONE, et_file_write(path, "f", "x", 1, true, NULL), NULL);
	assert_code(ET_GONE, et_dir_sync(path, &err), &err);
	assert_code(ET_GONE, et_dir_sweep(path, &count, &err), &err);
	assert_int_equal(count, 77);
	et_test_write(plain, "x");
	assert_code(ET_CONFLICT, et_file_write(plain, "f", "x", 1, true, &err), &err);
}

static void
writes_are_finished_whatever_the_system_takes(void **state)
{
	struct et_error err = { 0 };

	write_most = 2;
	fails[CALL_WRITE].skip = 1;
	fails[CALL_WRITE].times = 2;
	fails[CALL_WRITE].error = EINTR;
	fails[CALL_FSYNC].times = 1;
	fails[CALL_FSYNC].error = EINTR;
	assert_ok(et_file_write(*state, "f", "1234567", 7, false, &err), &err);
	assert_file(state, "f", "1234567");
}

static void
a_failing_system_leaves_the_old_file(void **state)
{
	static const struct {
		enum call call;
		int skip;
		int error;
		int code;
		const char *words;
	} rows[] = {
		{ CALL_WRITE, 0, ENOSPC, ET_IO, "write " },
		{ CALL_WRITE, 0, EPERM, ET_IO, "write " },
		{ CALL_FSYNC, 0, EIO, ET_IO, "flush " },
		{ CALL_RENAMEAT2, 0, EIO, ET_IO, "rename " },
		{ CALL_RENAMEAT2, 0, EROFS, ET_IO, "rename " },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err = { 0 };

		fails[rows[i].call].times = 1;
		fails[rows[i].call].skip = rows[i].skip;
		fails[rows[i].call].error = rows[i].error;
		assert_code(rows[i].code, et_file_write(*state, "f", "x", 1, false, &err), &err);
		assert_int_equal(err.code, rows[i].code);
		assert_words(&err, rows[i].words);
		assert_file(state, "f", NULL);
		assert_file(state, ".f.tmp", NULL);
	}
}

static void
a_directory_that_cannot_be_flushed(void **state)
{
	struct et_error err = { 0 };

	fails[CALL_FSYNC].times = 1;
	fails[CALL_FSYNC].skip = 1;
	fails[CALL_FSYNC].error = EIO;
	assert_code(ET_IO, et_file_write(*state, "f", "x", 1, false, &err), &err);
	assert_file(state, "f", "x");
	fails[CALL_FSYNC].times = 2;
	fails[CALL_FSYNC].error = EINTR;
	assert_ok(et_dir_sync(*state, &err), &err);
	fails[CALL_FSYNC].times = 1;
	fails[CALL_FSYNC].error = EINVAL; /* not known there: nothing to be done */
	assert_ok(et_dir_sync(*state, &err), &err);
	assert_int_equal(fails[CALL_FSYNC].times, 0);
}

static void
a_file_is_read_up_to_its_limit(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "f");
	struct et_error err = { 0 };
	size_t sizes[] = { 0, 1, 100, 65535, 65536, 65537, 200000 };

	for (size_t i = 0; i < ET_COUNT(sizes); i++) {
		ET_CLEAN_MEM char *text = NULL;
		ET_CLEAN_MEM char *want = et_alloc(sizes[i] + 1);
		char *none = NULL;
		size_t bytes = 77;

		memset(want, 'x', sizes[i]);
		want[sizes[i]] = '\0';
		et_test_write(path, want);
		if (sizes[i] > 0)
			assert_code(ET_LIMIT, et_file_read(path, sizes[i] - 1, &none, &bytes, &err),
				    &err);
		assert_null(none);
		assert_int_equal(bytes, 77);
		assert_ok(et_file_read(path, i % 2 == 0 ? sizes[i] : SIZE_MAX, &text, &bytes, &err),
			  &err);
		assert_int_equal(bytes, sizes[i]);
		assert_string_equal(text, want);
	}
}

static void
what_cannot_be_read_is_said(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "f");
	ET_CLEAN_MEM char *text = NULL;
	struct et_error err = { 0 };
	char *none = NULL;
	size_t bytes;

	assert_code(ET_GONE, et_file_read(path, 10, &none, &bytes, &err), &err);
	assert_words(&err, "open ");
	assert_code(ET_IO, et_file_read(*state, 10, &none, &bytes, &err), &err);
	assert_words(&err, "read ");
	et_test_write(path, "abc");
	fails[CALL_READ].times = 1;
	fails[CALL_READ].error = EIO;
	assert_code(ET_IO, et_file_read(path, 10, &none, &bytes, &err), &err);
	assert_null(none);
	fails[CALL_READ].times = 1;
	fails[CALL_READ].error = EINTR;
	assert_ok(et_file_read(path, 10, &text, &bytes, &err), &err);
	assert_string_equal(text, "abc");
}

static void
directories_are_made_with_their_parents(void **state)
{
	ET_CLEAN_MEM char *messy = et_test_path(state, "a//b/./c///");
	ET_CLEAN_MEM char *path = et_test_path(state, "a/b/c");
	ET_CLEAN_MEM char *top = et_test_path(state, "a");
	struct et_error err = { 0 };

	(void)umask(0);
	assert_ok(et_dir_make(messy, &err), &err);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(mode_of(top), 0700);
	assert_ok(et_dir_make(path, &err), &err);
	assert_ok(et_dir_make("/", &err), &err);
	assert_int_equal(chdir(*state), 0);
	assert_ok(et_dir_make("here", &err), &err);
	assert_ok(et_dir_make("here/there", &err), &err);
	assert_int_equal(access("here/there", F_OK), 0);
	assert_int_equal(chdir("/"), 0);
}

static void
a_file_in_the_way_of_a_directory_is_a_conflict(void **state)
{
	ET_CLEAN_MEM char *plain = et_test_path(state, "f");
	ET_CLEAN_MEM char *below = et_test_path(state, "f/d");
	ET_CLEAN_MEM char *dangling = et_test_path(state, "l");
	struct et_error err = { 0 };

	et_test_write(plain, "x");
	assert_code(ET_CONFLICT, et_dir_make(plain, &err), &err);
	assert_words(&err, "is not a directory");
	assert_code(ET_CONFLICT, et_dir_make(below, &err), &err);
	assert_int_equal(symlink("nowhere", dangling), 0);
	assert_code(ET_GONE, et_dir_make(dangling, &err), &err);
	assert_code(ET_GONE, et_dir_make("", &err), &err);
}

static void
a_temporary_name_is_dot_name_dot_tmp(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		bool temporary;
	} rows[] = {
		{ ".f.tmp", true }, { ".a.tar.zst.tmp", true },
		{ "f.tmp", false }, { ".tmp", false },
		{ "..tmp", false }, { ".f.tmp.x", false },
		{ ".f", false },    { "", false },
		{ ".", false },     { ".f.tmpx", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_int_equal(et_name_is_temporary(rows[i].name), rows[i].temporary);
}

static void
a_sweep_removes_temporary_files_only(void **state)
{
	static const char *const names[] = { ".a.tmp", ".b.tmp", "a", ".hidden", "c.tmp" };
	ET_CLEAN_MEM char *dir = et_test_path(state, ".d.tmp");
	struct et_error err = { 0 };
	unsigned count;

	for (size_t i = 0; i < ET_COUNT(names); i++) {
		ET_CLEAN_MEM char *path = et_test_path(state, names[i]);

		et_test_write(path, "x");
	}
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_ok(et_dir_sweep(*state, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_file(state, ".a.tmp", NULL);
	assert_file(state, ".b.tmp", NULL);
	assert_file(state, "a", "x");
	assert_file(state, ".hidden", "x");
	assert_file(state, "c.tmp", "x");
	assert_int_equal(access(dir, F_OK), 0);
	assert_ok(et_dir_sweep(*state, NULL, &err), &err);
}

static void
a_sweep_that_cannot_go_on_fails(void **state)
{
	struct et_error err = { 0 };
	ET_CLEAN_MEM char *path = et_test_path(state, ".a.tmp");
	unsigned count = 77;

	et_test_write(path, "x");
	fails[CALL_UNLINKAT].times = 1;
	fails[CALL_UNLINKAT].error = EACCES;
	assert_code(ET_IO, et_dir_sweep(*state, &count, &err), &err);
	assert_words(&err, "remove leftovers in ");
	fails[CALL_READDIR].times = 1;
	fails[CALL_READDIR].error = EIO;
	assert_code(ET_IO, et_dir_sweep(*state, &count, &err), &err);
	assert_words(&err, "list ");
	assert_int_equal(count, 77);
	assert_file(state, ".a.tmp", "x");
}

#ifdef ET_FAULTS

/* Each fault point in turn, until a run passes them all. */
static void
at_every_fault_the_file_is_whole_or_old(void **state)
{
	ET_CLEAN_MEM char *count_path = et_test_path(state, "count");
	bool failed = true;
	int faults = 0;

	assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", count_path, 1), 0);
	while (failed) {
		ET_CLEAN_MEM char *path = et_test_path(state, "f");
		ET_CLEAN_MEM char *text = NULL;
		ET_CLEAN_MEM char *number = NULL;
		struct et_error err = { 0 };

		(void)unsetenv("EVTRAIL_FAULT");
		assert_ok(et_file_write(*state, "f", "old", 3, true, &err), &err);
		text = et_test_read(count_path);
		number = et_format("%lu", strtoul(text, NULL, 10) + (unsigned long)faults + 1);
		assert_int_equal(setenv("EVTRAIL_FAULT", number, 1), 0);
		failed = et_file_write(*state, "f", "new", 3, true, &err) < 0;
		if (failed)
			assert_int_equal(err.code, ET_IO);
		/* write, fsync, rename: old; the fsync of the directory: new. */
		assert_file(state, "f", failed && faults < 3 ? "old" : "new");
		assert_file(state, ".f.tmp", NULL);
		faults += failed;
	}
	assert_int_equal(faults, 4);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_files(a_file_appears_at_its_commit),
		with_files(without_a_commit_nothing_is_left),
		with_files(a_leftover_is_replaced_and_never_written_through),
		with_files(an_existing_file_is_replaced_only_when_asked),
		with_files(a_file_system_without_noreplace_gets_a_link),
		with_files(names_with_a_slash_are_refused),
		with_files(a_missing_directory_is_gone),
		with_files(writes_are_finished_whatever_the_system_takes),
		with_files(a_failing_system_leaves_the_old_file),
		with_files(a_directory_that_cannot_be_flushed),
		with_files(a_file_is_read_up_to_its_limit),
		with_files(what_cannot_be_read_is_said),
		with_files(directories_are_made_with_their_parents),
		with_files(a_file_in_the_way_of_a_directory_is_a_conflict),
		with_files(a_temporary_name_is_dot_name_dot_tmp),
		with_files(a_sweep_removes_temporary_files_only),
		with_files(a_sweep_that_cannot_go_on_fails),
#ifdef ET_FAULTS
		with_files(at_every_fault_the_file_is_whole_or_old),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
