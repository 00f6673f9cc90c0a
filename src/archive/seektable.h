/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seek table at the end of an archive (archive format 4).
 */
#ifndef ET_ARCHIVE_SEEKTABLE_H
#define ET_ARCHIVE_SEEKTABLE_H

#include "archive/frame.h"

struct et_seektable {
	struct et_frame_extent *frames; /* skippable frames are never among them */
	size_t count;
	size_t capacity;
	uint64_t offset; /* where the skippable frame of the table begins: the sum of the frames */
};

void et_seektable_add(struct et_seektable *table, uint64_t packed_bytes, uint64_t raw_bytes,
		      uint32_t checksum);
/* The whole skippable frame. */
ET_CHECKED int et_seektable_encode(const struct et_seektable *table, struct et_buf *out,
				   struct et_error *err);
/* Out of the bytes of the skippable frame (from its magic number to its end). Tables without
 * checksums are read, too (checksum 0). ET_CORRUPT, ET_LIMIT. */
ET_CHECKED int et_seektable_decode(struct et_slice bytes, struct et_seektable *ret,
				   struct et_error *err);
/* From the end of the file. The frames must fill it exactly up to the table. */
ET_CHECKED int et_seektable_read(int fd, uint64_t file_bytes, struct et_seektable *ret,
				 struct et_error *err);
void et_seektable_done(struct et_seektable *table);

#endif
