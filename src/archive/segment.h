/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment: the records of one member on their way into an archive. Filled by
 * the caller's thread, packed by a worker: nothing in it is shared.
 */
#ifndef ET_ARCHIVE_SEGMENT_H
#define ET_ARCHIVE_SEGMENT_H

#include "archive/frame.h"
#include "archive/writer.h"

/* What a worker reuses for everything. */
struct et_packing {
	struct et_frame_packer *packer;
	struct et_frame_unpacker *unpacker;
	struct et_hasher *hasher;
	void *maker;
	void (*maker_free)(void *maker);
	struct et_buf back; /* for reading back */
};

ET_CHECKED int et_packing_new(int level, const struct et_row_hooks *rows, struct et_packing **ret,
			      struct et_error *err);
void et_packing_free(struct et_packing *packing);
ET_CLEANUP_DEFINE(et_packing, et_packing_free);

struct et_segment {
	struct et_buf raw;
	struct et_buf packed;
	struct et_frame_entry *frames; /* offset: in packed */
	size_t frame_count;
	size_t frame_capacity;
	uint64_t count; /* records */
	int64_t last_record_time_ns;
	/* Made by et_segment_pack: */
	struct et_sha256 *leaves; /* one per record */
	size_t leaf_capacity;
	struct et_rows rows; /* sorted */
	struct et_archive_counts counts;
	/* Where it went, for reading it back: */
	struct et_frame_entry around[3]; /* the frames that were written in front of it */
	unsigned around_count;
	uint64_t offset; /* of packed, in the file */
};

void et_segment_init(struct et_segment *segment);
void et_segment_done(struct et_segment *segment);
/* Forgets the content, keeps the memory (but that of an uncommonly large one). */
void et_segment_reset(struct et_segment *segment);
/* At most so many bytes will be added by this record. */
size_t et_segment_need(const struct et_record *record);
void et_segment_append(struct et_segment *segment, const struct et_record *record,
		       size_t frame_bytes);
/* Leaf hashes, rows, compressed frames and their digests. */
ET_CHECKED int et_segment_pack(struct et_segment *segment, struct et_packing *packing,
			       const struct et_row_hooks *rows, struct et_error *err);

/* SHA-256(00 || bytes): RFC 6962, section 2.1. */
void et_leaf_hash(struct et_hasher *hasher, struct et_slice leaf, struct et_sha256 *ret);

#endif
