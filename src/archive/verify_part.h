/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of verify share; nobody else includes this.
 *
 * First the plan: the pieces of the file from byte 0 to its end, every byte in
 * exactly one. Then the pieces are read in batches, in parallel; what concerns
 * the order of the pieces is done when a batch is committed.
 */
#ifndef ET_ARCHIVE_VERIFY_PART_H
#define ET_ARCHIVE_VERIFY_PART_H

#include "archive/reader_part.h"
#include "archive/segment.h"
#include "archive/verify.h"
#include "base/seqset.h"

struct et_piece {
	struct et_frame_extent extent;
	bool sound;  /* a zstd frame that ends where it should; else its bytes are only hashed */
	bool sorted; /* kind, member are known: from the manifest, or from the tar */
	bool listed; /* entry is the manifest's */
	enum et_frame_kind kind;
	struct et_frame_entry entry;
	const char *member;    /* "" or a name that the plan owns */
	uint64_t member_bytes; /* for a tar piece: what its header must say */
	size_t padding;        /* for a tar or end piece: zeros in front */
};

/* What the rows of a side add up to: a keyed sum that does not depend on the order. */
struct et_row_sum {
	uint64_t count;
	uint64_t a;
	uint64_t b;
};

#define ET_ROW_SUM_KEYS 24

struct et_verify {
	const struct et_verify_options *options;
	const char *path;
	const char *name;
	struct et_reader *reader; /* file, seek table and manifest; never opened whole */
	struct et_piece *pieces;
	size_t piece_count;
	size_t piece_capacity;
	char **names; /* of members, when there is no manifest */
	size_t name_count;
	struct et_verify_result *result;
	uint64_t keys[ET_ROW_SUM_KEYS];
	bool sidecar_read;
	struct et_sha256 sidecar;
	struct et_batch *batches;
	/* In the order of the file: */
	struct et_hasher *file_hasher;
	struct et_range *gaps; /* the manifest's holes, those that touch joined */
	size_t gap_count;
	size_t gap_at;
	uint64_t next_seq;
	bool lost;       /* records were lost: sums, tree and index cannot be compared */
	bool index_lost; /* a damaged index: it cannot be compared with the records */
	bool resync;     /* … and where the next record must stand is not known */
	bool has_row;    /* last_row is the last of the index so far */
	struct et_row last_row;
	struct et_archive_counts counts;
	struct et_row_sum made;    /* from the records */
	struct et_row_sum indexed; /* from the index */
	int64_t first_time_ns;
	int64_t last_time_ns;
	int failed;
};

/* Reports and counts one. piece: where; NULL: no place. */
void et_verify_say(struct et_verify *v, enum et_damage_code code, const struct et_piece *piece,
		   uint64_t first_seq, uint64_t last_seq, const char *text);

/* Finds the pieces, compares them with seek table and manifest. */
ET_CHECKED int et_verify_plan(struct et_verify *v, struct et_error *err);
/* Reads them all. */
ET_CHECKED int et_verify_read(struct et_verify *v, struct et_error *err);

#endif
