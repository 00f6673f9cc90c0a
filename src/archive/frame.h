/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single zstd frames (archive format 3): pack, unpack, and find where one ends
 * without unpacking it. The only file that knows libzstd. A packer or unpacker
 * belongs to one thread; it is made once and used for many frames.
 */
#ifndef ET_ARCHIVE_FRAME_H
#define ET_ARCHIVE_FRAME_H

#include "base/buf.h"
#include "base/cursor.h"

struct et_frame_packer;
struct et_frame_unpacker;

/* level: zstd's, -7 … 19; ET_USAGE otherwise. */
ET_CHECKED int et_frame_packer_new(int level, struct et_frame_packer **ret, struct et_error *err);
void et_frame_packer_free(struct et_frame_packer *packer);
/* Appends one frame that holds the raw bytes. ET_LIMIT beyond the buffer's ceiling. */
ET_CHECKED int et_frame_pack(struct et_frame_packer *packer, struct et_slice raw,
			     struct et_buf *out, struct et_error *err);

struct et_frame_unpacker *et_frame_unpacker_new(void);
void et_frame_unpacker_free(struct et_frame_unpacker *unpacker);
/* The raw bytes of exactly one frame; they stay valid until the unpacker's next use. ET_CORRUPT:
 * no frame of ours, bytes behind it, a wrong checksum, another raw size than its header says;
 * ET_LIMIT: larger than limit. */
ET_CHECKED int et_frame_unpack(struct et_frame_unpacker *unpacker, struct et_slice packed,
			       size_t limit, struct et_slice *ret_raw, struct et_error *err);

/* What the header of a frame says, and where the frame ends. */
struct et_frame_extent {
	uint64_t offset;
	uint64_t packed_bytes;
	uint64_t raw_bytes; /* 0 for a skippable frame */
	bool skippable;
	uint32_t checksum; /* its last four bytes; 0 for a skippable frame */
};

/* Walks the frame that starts at `offset` of the file: frame header and block headers only, three
 * small reads for a usual frame. file_bytes bounds it. ET_CORRUPT when that is no frame as
 * section 3 allows; ET_LIMIT; ET_IO. */
ET_CHECKED int et_frame_measure(int fd, uint64_t offset, uint64_t file_bytes,
				struct et_frame_extent *ret, struct et_error *err);

/* Exactly so many bytes of a file. ET_CORRUPT when they do not lie before its end; ET_IO. */
ET_CHECKED int et_frame_read(int fd, uint64_t offset, uint64_t file_bytes, void *to, size_t count,
			     struct et_error *err);

ET_CLEANUP_DEFINE(et_frame_packer, et_frame_packer_free);
ET_CLEANUP_DEFINE(et_frame_unpacker, et_frame_unpacker_free);

#endif
