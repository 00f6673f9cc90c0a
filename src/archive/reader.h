/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads archives: records by sequence, index rows by device and aggregate, and
 * the list of the archives in a directory.
 *
 * Opening reads the seek table and the manifest from the end of the file and
 * the header from its start; a frame is read when it is asked for, and its
 * SHA-256 and content checksum are compared each time. Every number is checked
 * against a limit before it is believed; errors name file, member and offset.
 * One thread per object.
 */
#ifndef ET_ARCHIVE_READER_H
#define ET_ARCHIVE_READER_H

#include "archive/manifest.h"
#include "event/row.h"

struct et_reader;

/* ET_GONE: no such file; ET_IO; ET_CORRUPT; ET_LIMIT; ET_CONFIG: written by a newer version, or
 * with a requirement that this one does not know. O(frames). */
ET_CHECKED int et_reader_open(const char *path, struct et_reader **ret, struct et_error *err);
void et_reader_free(struct et_reader *reader);
const char *et_reader_path(const struct et_reader *reader);
const struct et_statement *et_reader_statement(const struct et_reader *reader);
const struct et_manifest *et_reader_manifest(const struct et_reader *reader);

/* Sets the range that et_reader_next walks; after open it is the whole archive. Sequences outside
 * the archive's range are allowed. O(log frames), reads nothing. */
void et_reader_seek(struct et_reader *reader, uint64_t first_seq, uint64_t last_seq);
/* The next record of the range: 1, 0 at its end. The record borrows the reader's memory until the
 * next call; ret_leaf (may be NULL) is its bytes without the length prefix: the leaf of the tree. A
 * damaged frame is ET_CORRUPT once, with what it held in et_reader_damage; the next call goes on
 * behind it. A damaged record ends its frame in the same way. ET_IO ends the walk. */
ET_CHECKED int et_reader_next(struct et_reader *reader, struct et_record *ret,
			      struct et_slice *ret_leaf, struct et_error *err);
/* The sequences that the last ET_CORRUPT of et_reader_next could not give (holes may lie
 * inside). */
void et_reader_damage(const struct et_reader *reader, uint64_t *ret_first, uint64_t *ret_last);
/* One record by sequence; ends the walk of et_reader_next. ET_GONE when the archive does not have
 * it (the words say whether it is a hole, and of which type). */
ET_CHECKED int et_reader_record(struct et_reader *reader, uint64_t seq, struct et_record *ret,
				struct et_slice *ret_leaf, struct et_error *err);

/* A walk over index rows in order; it borrows the reader (and shares its buffers: not mixed with
 * et_reader_next on the same reader). */
struct et_reader_rows;

/* All rows (device NULL), those of a device (aggregate NULL), or of one aggregate of it. Binary
 * search: only frames that can hold such rows are read. */
ET_CHECKED int et_reader_rows_open(struct et_reader *reader, const struct et_uuid *device,
				   const struct et_uuid *aggregate, struct et_reader_rows **ret,
				   struct et_error *err);
ET_CHECKED int et_reader_rows_next(struct et_reader_rows *walk, struct et_row *ret,
				   struct et_error *err);
void et_reader_rows_free(struct et_reader_rows *walk);

/* The archives of a directory, by first sequence; the longest first where several begin. */
struct et_archive_name {
	char *path;
	uint64_t first_seq;
	uint64_t last_seq;
	/* One of the list whose range is larger and contains this one, or NULL: what compact
	 * merged, and did not get to remove. */
	const struct et_archive_name *within;
};
struct et_archive_list {
	struct et_archive_name *items;
	size_t count;
	size_t capacity;
};
/* "STREAM-<20 digits>-<20 digits>.tar.zst" of the range. Free with free(). */
char *et_archive_name_format(const char *stream, uint64_t first_seq, uint64_t last_seq);
/* False when the name is not of that form (first <= last). */
bool et_archive_name_parse(const char *name, uint64_t *ret_first, uint64_t *ret_last);
/* Names only, nothing is opened; other names (temporary ones, sidecars) are skipped. A directory
 * that is not there is an empty list. */
ET_CHECKED int et_archive_list_read(const char *dir, struct et_archive_list *ret,
				    struct et_error *err);
void et_archive_list_done(struct et_archive_list *list);
/* Opens both: 1 when their manifests agree that the first one's records are a part of the other's,
 * 0 when they do not; negative when one of them cannot be opened. */
ET_CHECKED int et_archive_part_of(const char *path, const char *whole_path, struct et_error *err);
/* Under the state's lock: removes what a crash can leave in a directory of archives, which is
 * temporary files and the sidecars of archives that never got their names, or were merged. A
 * sidecar whose range is missing among the archives stays: it tells what somebody took away. The
 * list is the directory's. */
ET_CHECKED int et_archive_sweep(const char *dir, const struct et_archive_list *list,
				struct et_error *err);

ET_CLEANUP_DEFINE(et_reader, et_reader_free);
ET_CLEANUP_DEFINE(et_reader_rows, et_reader_rows_free);

#endif
