/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the reader (and verify, for its start) share.
 */
#ifndef ET_ARCHIVE_READER_PART_H
#define ET_ARCHIVE_READER_PART_H

#include "archive/reader.h"
#include "archive/seektable.h"

struct et_reader {
	char *path;
	int fd;
	uint64_t file_bytes;
	struct et_seektable seektable;
	struct et_manifest *manifest;
	struct et_frame_unpacker *unpacker;
	struct et_hasher *hasher;
	struct et_buf packed;
	/* Frames by kind, as indexes into the manifest's. */
	size_t *records;
	size_t record_count;
	size_t *index;
	size_t index_count;
	/* The walk of et_reader_next. */
	uint64_t first_seq;
	uint64_t last_seq;
	size_t at;              /* into records: the frame in hand, or the next one */
	bool loaded;            /* the frame in hand is in `cursor` */
	uint64_t frame_seq;     /* the last sequence that was read of it */
	uint64_t frame_records; /* how many were read of it */
	struct et_cursor cursor;
	uint64_t damage_first;
	uint64_t damage_last;
};

/* Reads a frame into the reader's buffers: its place in the file, its digest when not NULL. The
 * words do not name the file. */
ET_CHECKED int et_reader_frame(struct et_reader *reader, const struct et_frame_extent *extent,
			       const struct et_sha256 *digest, struct et_slice *ret_raw,
			       struct et_error *err);
/* A frame of the manifest; the words name file, member and offset. */
ET_CHECKED int et_reader_entry(struct et_reader *reader, const struct et_frame_entry *entry,
			       struct et_slice *ret_raw, struct et_error *err);
/* The manifest and the frames around it, from the seek table. */
ET_CHECKED int et_reader_find_manifest(struct et_reader *reader, struct et_error *err);
/* File, buffers; nothing is read yet. */
ET_CHECKED int et_reader_begin(const char *path, struct et_reader **ret, struct et_error *err);

#endif
