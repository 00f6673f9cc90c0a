// SPDX-License-Identifier: Apache-2.0
#include "base/atomicfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"

#define READ_BYTES ((size_t)64 << 10)

struct et_atomicfile {
	int dir_fd;
	int fd;
	char *dir;
	char *name;           /* the final one, in dir */
	char *temporary;      /* in dir */
	char *temporary_path; /* dir and all */
	bool renamed;
};

/* "verb path" and the words of errno, with the code that tells what the caller may do. */
static int
fail(struct et_error *err, const char *verb, const char *path)
{
	int error = errno;
	int code;

	(void)et_error_errno(err, error, "%s %s", verb, path);
	switch (error) {
	case ENOENT:
		code = ET_GONE;
		break;
	case EEXIST:
	case ENOTDIR:
		code = ET_CONFLICT;
		break;
	default:
		code = ET_IO;
	}
	if (err != NULL)
		err->code = code;
	return code;
}

static int
open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
sync_fd(int fd, const char *path, struct et_error *err)
{
	int r = et_fault_point("fsync", err);

	if (r < 0)
		return et_error_wrap(err, r, "flush %s", path);
	while (fsync(fd) < 0) {
		if (errno != EINTR)
			return fail(err, "flush", path);
	}
	return 0;
}

static int
sync_dir_fd(int fd, const char *path, struct et_error *err)
{
	int r = et_fault_point("fsync of a directory", err);

	if (r < 0)
		return et_error_wrap(err, r, "flush %s", path);
	while (fsync(fd) < 0) {
		/* Some network file systems know no fsync of a directory. */
		if (errno == EINVAL)
			break;
		if (errno != EINTR)
			return fail(err, "flush", path);
	}
	return 0;
}

bool
et_name_is_temporary(const char *name)
{
	size_t count = strlen(name);

	return count > strlen("..tmp") && name[0] == '.' && strcmp(name + count - 4, ".tmp") == 0;
}

/* A leftover is removed and not truncated: a crash between link and unlink leaves it as a
 * second name of a file that is whole, see move_new. */
static int
open_temporary(struct et_atomicfile *file)
{
	if (unlinkat(file->dir_fd, file->temporary, 0) < 0 && errno != ENOENT)
		return -1;
	return openat(file->dir_fd, file->temporary,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
et_atomicfile_open(const char *dir, const char *name, struct et_atomicfile **ret,
		   struct et_error *err)
{
	ET_CLEAN(et_atomicfile) struct et_atomicfile *file = NULL;

	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return et_error_set(err, ET_USAGE, "\"%s\" is not a file name", name);
	file = et_calloc(1, sizeof(*file));
	file->fd = -1;
	file->dir = et_strdup(dir);
	file->name = et_strdup(name);
	file->temporary = et_format(".%s.tmp", name);
	file->temporary_path = et_format("%s/%s", dir, file->temporary);
	file->dir_fd = open_dir(dir);
	if (file->dir_fd < 0)
		return fail(err, "open", dir);
	file->fd = open_temporary(file);
	if (file->fd < 0)
		return fail(err, "create", file->temporary_path);
	*ret = ET_STEAL(file);
	return 0;
}

int
et_atomicfile_write(struct et_atomicfile *file, const void *bytes, size_t count,
		    struct et_error *err)
{
	const char *at = bytes;
	int r = et_fault_point("write", err);

	if (r < 0)
		return et_error_wrap(err, r, "write %s", file->temporary_path);
	while (count > 0) {
		ssize_t done = write(file->fd, at, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(err, "write", file->temporary_path);
		at += done;
		count -= (size_t)done;
	}
	return 0;
}

int
et_atomicfile_fd(const struct et_atomicfile *file)
{
	return file->fd;
}

const char *
et_atomicfile_temporary_path(const struct et_atomicfile *file)
{
	return file->temporary_path;
}

int
et_atomicfile_sync(struct et_atomicfile *file, struct et_error *err)
{
	return sync_fd(file->fd, file->temporary_path, err);
}

/* Without replacing. Not all file systems can do it in one step; two names of one file in
 * between are harmless. */
static int
move_new(const struct et_atomicfile *file)
{
	int fd = file->dir_fd;

	if (renameat2(fd, file->temporary, fd, file->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(fd, file->temporary, fd, file->name, 0) < 0)
		return -1;
	return unlinkat(fd, file->temporary, 0);
}

int
et_atomicfile_commit(struct et_atomicfile *file, bool replace, struct et_error *err)
{
	int r;

	r = et_atomicfile_sync(file, err);
	if (r < 0)
		return r;
	r = et_fault_point("rename", err);
	if (r < 0)
		return et_error_wrap(err, r, "rename %s", file->temporary_path);
	if (replace)
		r = renameat(file->dir_fd, file->temporary, file->dir_fd, file->name);
	else
		r = move_new(file);
	if (r < 0 && errno == EEXIST)
		return et_error_set(err, ET_CONFLICT, "%s/%s exists already", file->dir,
				    file->name);
	if (r < 0)
		return fail(err, "rename", file->temporary_path);
	file->renamed = true;
	return sync_dir_fd(file->dir_fd, file->dir, err);
}

void
et_atomicfile_free(struct et_atomicfile *file)
{
	if (file == NULL)
		return;
	/* Only what was opened here: the name may be that of somebody else otherwise. */
	if (file->fd >= 0) {
		if (!file->renamed)
			(void)unlinkat(file->dir_fd, file->temporary, 0);
		(void)close(file->fd);
	}
	et_fd_cleanup(&file->dir_fd);
	free(file->dir);
	free(file->name);
	free(file->temporary);
	free(file->temporary_path);
	free(file);
}

int
et_file_write(const char *dir, const char *name, const void *bytes, size_t count, bool replace,
	      struct et_error *err)
{
	ET_CLEAN(et_atomicfile) struct et_atomicfile *file = NULL;
	int r;

	r = et_atomicfile_open(dir, name, &file, err);
	if (r < 0)
		return r;
	r = et_atomicfile_write(file, bytes, count, err);
	if (r < 0)
		return r;
	return et_atomicfile_commit(file, replace, err);
}

/* Until the end of the file or of the buffer; -1 with errno. */
static int
read_all(int fd, struct et_buf *buf)
{
	while (buf->size < buf->ceiling) {
		size_t room = buf->ceiling - buf->size;
		size_t chunk = room < READ_BYTES ? room : READ_BYTES;
		ssize_t done = read(fd, et_buf_reserve(buf, chunk), chunk);

		if (done == 0)
			return 0;
		if (done > 0)
			et_buf_commit(buf, (size_t)done);
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

int
et_file_read(const char *path, size_t limit, char **ret_text, size_t *ret_bytes,
	     struct et_error *err)
{
	ET_CLEAN_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct et_buf buf;
	int r = 0;

	if (fd < 0)
		return fail(err, "open", path);
	/* One byte more than allowed tells a file that is larger. */
	et_buf_init(&buf, limit < SIZE_MAX / 2 ? limit + 1 : SIZE_MAX / 2);
	if (read_all(fd, &buf) < 0)
		r = fail(err, "read", path);
	else if (buf.size > limit)
		r = et_error_set(err, ET_LIMIT, "%s is larger than %zu bytes", path, limit);
	if (r < 0) {
		et_buf_done(&buf);
		return r;
	}
	(void)et_buf_cstr(&buf);
	*ret_text = (char *)buf.data;
	*ret_bytes = buf.size;
	return 0;
}

/* One directory, whose parent exists. Its name is flushed: files in it are to survive a crash. */
static int
make_one(const char *path, struct et_error *err)
{
	ET_CLEAN_MEM char *parent = NULL;
	const char *slash = strrchr(path, '/');
	struct stat status;

	if (mkdir(path, 0700) < 0) {
		if (errno != EEXIST)
			return fail(err, "make directory", path);
		if (stat(path, &status) < 0)
			return fail(err, "make directory", path);
		if (!S_ISDIR(status.st_mode))
			return et_error_set(err, ET_CONFLICT, "%s is not a directory", path);
		return 0;
	}
	if (slash == NULL)
		parent = et_strdup(".");
	else
		parent = et_strndup(path, slash > path ? (size_t)(slash - path) : 1);
	return et_dir_sync(parent, err);
}

int
et_dir_make(const char *path, struct et_error *err)
{
	ET_CLEAN_MEM char *part = et_strdup(path);
	size_t end = strlen(part);

	while (end > 1 && part[end - 1] == '/')
		part[--end] = '\0';
	for (size_t i = 1; i < end; i++) {
		int r;

		if (part[i] != '/' || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		r = make_one(part, err);
		part[i] = '/';
		if (r < 0)
			return r;
	}
	return make_one(part, err);
}

int
et_dir_sync(const char *path, struct et_error *err)
{
	ET_CLEAN_FD int fd = open_dir(path);

	if (fd < 0)
		return fail(err, "open", path);
	return sync_dir_fd(fd, path, err);
}

static int
sweep(DIR *dir, const char *path, unsigned *ret_count, struct et_error *err)
{
	const struct dirent *entry;
	unsigned count = 0;

	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (!et_name_is_temporary(entry->d_name))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			count++;
		else if (errno != EISDIR) /* we make no such directory: not ours */
			return fail(err, "remove leftovers in", path);
	}
	if (errno != 0)
		return fail(err, "list", path);
	if (ret_count != NULL)
		*ret_count = count;
	return 0;
}

int
et_dir_sweep(const char *path, unsigned *ret_count, struct et_error *err)
{
	DIR *dir = opendir(path);
	int r;

	if (dir == NULL)
		return fail(err, "open", path);
	r = sweep(dir, path, ret_count, err);
	(void)closedir(dir);
	return r;
}
