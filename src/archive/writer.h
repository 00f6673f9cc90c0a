/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one archive.
 *
 *	caller            workers (options.jobs)                    disk
 *	append -> segment -> leaf hashes, rows, frames, digests  -> in order: tree, tar, file
 *	          (8 MiB)                                           -> read back and compared
 *
 * The caller's thread only packs records into the segment in hand; it waits
 * when all segments are in use. Each finished segment is written in order by
 * the worker that completes the row, then read back through a second
 * descriptor, unpacked and compared with what came in. Nothing has its final
 * name before et_writer_finish, which fsyncs, reads back the rest, renames
 * without replacing, flushes the directory and writes the sidecar.
 *
 * An et_writer belongs to one thread at a time; the hooks are called on the
 * workers' threads (see there). A failure in a worker comes back from the next
 * append, drain or finish. After a failure only et_writer_free is useful.
 */
#ifndef ET_ARCHIVE_WRITER_H
#define ET_ARCHIVE_WRITER_H

#include "archive/manifest.h"
#include "event/row.h"

/* Where index rows come from: the command room passes et_row_maker's three functions on. */
struct et_row_hooks {
	void *cookie;
	void *(*maker_new)(void *cookie); /* one for each worker; may be called on any thread */
	void (*maker_free)(void *maker);
	/* Appends at least one row, in the manner of et_row_make. A negative result is no failure
	 * of the archive: the row says ET_ROW_MALFORMED. */
	int (*make)(void *maker, const struct et_record *record, struct et_rows *rows);
};

/* The Merkle tree: the command room passes evidence/merkle on. Never called by two threads at
 * once. */
struct et_tree_hooks {
	void *cookie;
	/* Starts from this head. Called by verify and compact only. */
	void (*start)(void *cookie, const struct et_tree_head *head);
	/* The next leaf hashes, in sequence order. */
	void (*push)(void *cookie, const struct et_sha256 *leaves, size_t count);
	/* Size, root and edge now. The writer asks at open and once after the last leaf. */
	void (*head)(void *cookie, struct et_tree_head *ret);
};

struct et_archive_options {
	const char *dir;    /* where the archive goes: …/EVENTS/<identity>; made when missing */
	const char *stream; /* "EVENTS": also the first part of the name */
	const char *identity;
	int level;            /* zstd's, 1 is the usual one */
	unsigned jobs;        /* workers, 6 at most; 0: all is done in append and finish */
	size_t segment_bytes; /* 0: ET_SEGMENT_BYTES; smaller for tests */
	size_t frame_bytes;   /* 0: ET_FRAME_BYTES */
	struct et_row_hooks rows;
	struct et_tree_hooks tree;
};

struct et_archive_summary {
	char *path; /* of the archive */
	char *name; /* the last part of it */
	uint64_t first_seq;
	uint64_t last_seq;
	struct et_archive_counts counts;
	uint64_t hole_count;   /* holes, and */
	uint64_t hole_seqs;    /* the sequences in them */
	int64_t first_time_ns; /* ET_TIME_NONE without records */
	int64_t last_time_ns;
	uint64_t raw_bytes;      /* records */
	uint64_t packed_bytes;   /* the file */
	struct et_sha256 sha256; /* of the file */
	struct et_tree_head before;
	struct et_tree_head after;
};
void et_archive_summary_done(struct et_archive_summary *summary);

struct et_writer;

/* Opens a temporary file in options.dir. The options' strings are copied, the hooks' cookies must
 * live until et_writer_free. first_seq is the start of the range. ET_USAGE, ET_IO. */
ET_CHECKED int et_writer_open(const struct et_archive_options *options, uint64_t first_seq,
			      struct et_writer **ret, struct et_error *err);
/* Appends a record; its bytes are copied. Its sequence must be the next one of the range: a gap
 * that was not reported with et_writer_hole is ET_USAGE, and so is a step back. */
ET_CHECKED int et_writer_append(struct et_writer *writer, const struct et_record *record,
				struct et_error *err);
/* The sequences first … last are not there; first must be the next of the range. */
ET_CHECKED int et_writer_hole(struct et_writer *writer, uint64_t first, uint64_t last,
			      enum et_hole_type type, struct et_error *err);
uint64_t et_writer_next_seq(const struct et_writer *writer);  /* what must come next */
uint64_t et_writer_raw_bytes(const struct et_writer *writer); /* of the records so far */
uint64_t et_writer_count(const struct et_writer *writer);     /* records so far */
/* True when it is time to finish and go on in a new archive (ET_ARCHIVE_RAW_BYTES, _ROWS,
 * _HOLES). */
bool et_writer_full(const struct et_writer *writer);
/* Waits until every record is packed, in the tree, and written. After it, the next archive's writer
 * may be opened (its tree head is final) while another thread runs et_writer_finish on this one. */
ET_CHECKED int et_writer_drain(struct et_writer *writer, struct et_error *err);
/* Ends the range at last_seq (all of it must be records and holes), drains, writes index, manifest
 * and seek table, reads back, gives the final name. An existing file of that name is ET_CONFLICT.
 * The caller ends *ret with et_archive_summary_done. */
ET_CHECKED int et_writer_finish(struct et_writer *writer, uint64_t last_seq,
				struct et_archive_summary *ret, struct et_error *err);
/* After finish: hands out the rows in index order, in batches, so that the catalog can be fed
 * without reading the index again. A negative result of `take` ends it and is returned. */
ET_CHECKED int et_writer_each_row(const struct et_writer *writer,
				  int (*take)(void *cookie, const struct et_row *rows, size_t count,
					      struct et_error *err),
				  void *cookie, struct et_error *err);
/* Without a finish that succeeded, everything that was written is removed. */
void et_writer_free(struct et_writer *writer);

/* Merges neighbouring archives of one identity (paths in sequence order) into one: same records,
 * same leaves, same tree. dir, level, jobs and hooks come from the options; stream and identity are
 * those of the archives. The sources stay. ET_CONFLICT when they are no neighbours; ET_CORRUPT when
 * one is damaged, or when the tree comes out different. */
ET_CHECKED int et_archive_compact(const char *const *paths, size_t count,
				  const struct et_archive_options *options,
				  struct et_archive_summary *ret, struct et_error *err);

ET_CLEANUP_DEFINE(et_writer, et_writer_free);

#endif
