/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar between the frames (archive format 2): libarchive writes it, and our
 * frames carry its bytes. Data bytes pass through libarchive only to be
 * counted: the caller has packed them already. Reading needs no libarchive:
 * every header of ours is one ustar block.
 */
#ifndef ET_ARCHIVE_TAR_H
#define ET_ARCHIVE_TAR_H

#include "archive/format.h"
#include "base/buf.h"
#include "base/cursor.h"

struct et_tar;

ET_CHECKED int et_tar_new(struct et_tar **ret, struct et_error *err);
void et_tar_free(struct et_tar *tar);
/* Starts a member. *ret_blocks: what stands before its data (the padding of the member before, and
 * its header); valid until the next call. */
ET_CHECKED int et_tar_member(struct et_tar *tar, const char *name, uint64_t bytes, int64_t mtime_ns,
			     struct et_slice *ret_blocks, struct et_error *err);
/* Counts data of the member in hand. */
ET_CHECKED int et_tar_data(struct et_tar *tar, struct et_slice data, struct et_error *err);
/* The padding of the last member and the end of the tar. */
ET_CHECKED int et_tar_end(struct et_tar *tar, struct et_slice *ret_blocks, struct et_error *err);

/* A member's header as it is read. */
struct et_tar_header {
	char name[ET_MEMBER_NAME_MAX + 1];
	uint64_t bytes;
};

/* Zeros that follow a member of so many bytes. */
size_t et_tar_padding(uint64_t bytes);
/* Reads padding and header block: exactly these. ET_CORRUPT. */
ET_CHECKED int et_tar_read(struct et_slice blocks, size_t padding, struct et_tar_header *ret,
			   struct et_error *err);
/* Padding and two zero blocks: exactly these. ET_CORRUPT. */
ET_CHECKED int et_tar_read_end(struct et_slice blocks, size_t padding, struct et_error *err);

ET_CLEANUP_DEFINE(et_tar, et_tar_free);

#endif
