/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are either there whole or not at all: written under a temporary
 * name in the same directory (".NAME.tmp"), flushed to the disk, renamed, the
 * directory flushed. Files are 0600, directories 0700. A crash leaves at most
 * a temporary name, which et_dir_sweep removes under the state's lock.
 */
#ifndef ET_BASE_ATOMICFILE_H
#define ET_BASE_ATOMICFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct et_atomicfile;

/* Opens DIR/.NAME.tmp for writing, truncating a leftover. */
ET_CHECKED int et_atomicfile_open(const char *dir, const char *name, struct et_atomicfile **ret,
				  struct et_error *err);
ET_CHECKED int et_atomicfile_write(struct et_atomicfile *file, const void *bytes, size_t count,
				   struct et_error *err);
int et_atomicfile_fd(const struct et_atomicfile *file);
/* The temporary path, for reading back what was written. */
const char *et_atomicfile_temporary_path(const struct et_atomicfile *file);
/* fsync. May be called before commit, to read back what will be kept. */
ET_CHECKED int et_atomicfile_sync(struct et_atomicfile *file, struct et_error *err);
/* fsync, rename to the final name, fsync of the directory. With replace false an existing
 * file is ET_CONFLICT and stays as it is. The object is still to be freed. */
ET_CHECKED int et_atomicfile_commit(struct et_atomicfile *file, bool replace, struct et_error *err);
/* Without a commit the temporary file is removed. */
void et_atomicfile_free(struct et_atomicfile *file);

/* A whole small file in one call. */
ET_CHECKED int et_file_write(const char *dir, const char *name, const void *bytes, size_t count,
			     bool replace, struct et_error *err);
/* A whole file of at most limit bytes; NUL behind it; *ret_bytes without the NUL. Free with
 * free(). */
ET_CHECKED int et_file_read(const char *path, size_t limit, char **ret_text, size_t *ret_bytes,
			    struct et_error *err);
/* mkdir -p with mode 0700. */
ET_CHECKED int et_dir_make(const char *path, struct et_error *err);
ET_CHECKED int et_dir_sync(const char *path, struct et_error *err);
/* Removes ".*.tmp" in the directory; *ret_count (may be NULL) says how many. */
ET_CHECKED int et_dir_sweep(const char *path, unsigned *ret_count, struct et_error *err);
bool et_name_is_temporary(const char *name);

ET_CLEANUP_DEFINE(et_atomicfile, et_atomicfile_free);

#endif
