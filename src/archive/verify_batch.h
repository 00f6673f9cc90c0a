/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of pieces that one worker reads, and what it found there, until it
 * is committed in the order of the file.
 */
#ifndef ET_ARCHIVE_VERIFY_BATCH_H
#define ET_ARCHIVE_VERIFY_BATCH_H

#include "archive/verify_part.h"

/* Sequences that follow each other without a gap; or that were lost with a damaged frame. */
struct et_span {
	uint64_t first;
	uint64_t last;
	bool lost;
	bool unknown; /* lost, and nobody knows how many */
	size_t piece;
};

struct et_found { /* a damage */
	enum et_damage_code code;
	size_t piece;
	uint64_t first_seq;
	uint64_t last_seq;
	char *text;
};

struct et_index_span {
	size_t piece;
	struct et_row first;
	struct et_row last;
};

struct et_batch {
	size_t first; /* pieces */
	size_t count;
	struct et_buf bytes;
	struct et_span *spans;
	size_t span_count;
	size_t span_capacity;
	struct et_found *found;
	size_t found_count;
	size_t found_capacity;
	struct et_index_span *indexes;
	size_t index_count;
	size_t index_capacity;
	struct et_sha256 *leaves;
	size_t leaf_count;
	size_t leaf_capacity;
	struct et_rows rows; /* of the record or index frame in hand */
	struct et_archive_counts counts;
	struct et_row_sum made;
	struct et_row_sum indexed;
	uint64_t raw_bytes;
	int64_t first_time_ns;
	int64_t last_time_ns;
};

void et_batch_init(struct et_batch *batch);
void et_batch_reset(struct et_batch *batch);
void et_batch_done(struct et_batch *batch);
/* Reads and checks all pieces of the batch. Only ET_IO and ET_CONFIG come back. */
ET_CHECKED int et_batch_read(const struct et_verify *v, struct et_batch *batch,
			     struct et_packing *packing, struct et_error *err);

#endif
