/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the writer share; nobody else includes this.
 *
 * Threads: the caller owns `filling` and what stands above the line; the
 * commit stage, one at a time, owns what stands below it, and so does the
 * caller once the pipeline is drained.
 */
#ifndef ET_ARCHIVE_WRITER_PART_H
#define ET_ARCHIVE_WRITER_PART_H

#include <stdatomic.h>

#include "archive/format.h"
#include "archive/pipeline.h"
#include "archive/seektable.h"
#include "archive/segment.h"
#include "archive/tar.h"
#include "base/atomicfile.h"

struct et_writer {
	struct et_archive_options options; /* strings are owned */
	struct et_pipeline *pipeline;
	struct et_segment *segments;
	unsigned segment_count;
	struct et_segment *filling; /* NULL: take one */
	unsigned filling_slot;
	uint64_t next_seq;
	bool overrun; /* the sequence behind UINT64_MAX: nothing can come */
	uint64_t count;
	uint64_t raw_bytes;
	atomic_size_t rows_seen; /* written by the commit stage, asked by the caller */
	bool drained;
	bool finished;
	/* ---- */
	struct et_atomicfile *file;
	int back_fd;     /* the second descriptor, for reading back */
	uint64_t offset; /* bytes written */
	struct et_hasher *file_hasher;
	struct et_tar *tar;
	struct et_manifest *manifest;
	struct et_seektable seektable;
	struct et_buf scratch;
	struct et_rows rows; /* runs, each of them sorted */
	size_t *runs;        /* where each run begins */
	size_t run_count;
	size_t run_capacity;
	uint32_t *order;        /* from the finish on: the rows in index order */
	struct et_packing *own; /* for the finishing thread */
	struct et_frame_entry
		ends[2]; /* manifest.json and the end of the tar: not in the manifest */
};

/* Writes compressed frames as they are: to the file, its digest. */
ET_CHECKED int et_writer_put(struct et_writer *w, struct et_slice packed, struct et_error *err);
/* Packs raw bytes into one frame, writes it, notes it in the seek table; fills the entry. */
ET_CHECKED int et_writer_put_frame(struct et_writer *w, struct et_packing *packing,
				   struct et_slice raw, struct et_frame_entry *entry,
				   struct et_error *err);
/* Notes a frame that is (being) written, in the seek table and the manifest. checksum: its last
 * bytes. */
void et_writer_note(struct et_writer *w, const struct et_frame_entry *entry,
		    struct et_slice packed);
/* The tar frame in front of a member, and the member in the manifest. */
ET_CHECKED int et_writer_member(struct et_writer *w, struct et_packing *packing, const char *name,
				uint64_t bytes, int64_t mtime_ns, struct et_frame_entry *ret_tar,
				struct et_error *err);
/* header.json, when it is not written yet; into two entries. */
ET_CHECKED int et_writer_header(struct et_writer *w, struct et_packing *packing, int64_t mtime_ns,
				struct et_frame_entry ret[2], struct et_error *err);
/* Reads a frame back through the second descriptor: its SHA-256, its checksum, and when raw is not
 * NULL its content. */
ET_CHECKED int et_writer_check(const struct et_writer *w, struct et_packing *packing,
			       const struct et_frame_entry *entry, const uint8_t *raw,
			       struct et_error *err);

#endif
