/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of a file of mongodump (BSON, each begins with its length),
 * whatever the file is packed in: as it is, gzip or zstd. What it is packed in
 * is seen by its first bytes, never by its name.
 *
 * A pass reads the file from its beginning to its end. Single documents are
 * read by their place in the unpacked bytes. Of a packed file no place can be
 * reached without all that is before it: so the first such read unpacks the
 * whole file once more, into a file without a name in $TMPDIR (else /var/tmp),
 * from where that and all further ones are served. It needs room for the
 * unpacked bytes; its memory does not grow with them.
 *
 * A file that is cut off, damaged, changed between two reads, or goes on with
 * something else is ET_GARBLED, and never only shorter.
 */
#ifndef ET_STORE_DUMPFILE_H
#define ET_STORE_DUMPFILE_H

#include "base/buf.h"
#include "base/cursor.h"

struct et_dumpfile;

/* ET_USAGE: no regular file. */
ET_CHECKED int et_dumpfile_open(const char *path, struct et_dumpfile **ret, struct et_error *err);
void et_dumpfile_free(struct et_dumpfile *file);
/* For messages; lives as long as the file. */
const char *et_dumpfile_path(const struct et_dumpfile *file);

/* One pass over all documents, in the order of the file. Several may be open at a time. */
struct et_dumpfile_pass;
ET_CHECKED int et_dumpfile_pass_open(struct et_dumpfile *file, struct et_dumpfile_pass **ret,
				     struct et_error *err);
/* 1, 0 at the end. The document borrows until the next call. */
ET_CHECKED int et_dumpfile_pass_next(struct et_dumpfile_pass *pass, uint64_t *ret_offset,
				     struct et_slice *ret_document, struct et_error *err);
void et_dumpfile_pass_free(struct et_dumpfile_pass *pass);

/* The document of so many bytes at that offset, both as a whole pass told them. */
ET_CHECKED int et_dumpfile_document(struct et_dumpfile *file, uint64_t offset, uint32_t bytes,
				    struct et_buf *buf, struct et_error *err);

ET_CLEANUP_DEFINE(et_dumpfile, et_dumpfile_free);
ET_CLEANUP_DEFINE(et_dumpfile_pass, et_dumpfile_pass_free);

#endif
