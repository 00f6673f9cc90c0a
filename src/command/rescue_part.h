/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the rescue module only: rescue.c (open, buffer, files), rescue_adopt.c (what the catalog
 * does not know), rescue_keep.c (reading, pruning, sweeping). */
#ifndef ET_COMMAND_RESCUE_PART_H
#define ET_COMMAND_RESCUE_PART_H

#include "base/digest.h"
#include "command/rescue.h"
#include "store/document.h"

#define ET_RESCUE_BUFFER_BYTES ((size_t)8 << 20) /* one document may be larger */

/* Digests that were seen. Zero-initialise. */
struct et_digestset {
	struct et_sha256 *slots; /* all zeros: free */
	size_t count;
	size_t capacity; /* a power of two, or 0 */
};
/* False when it is there already. */
bool et_digestset_add(struct et_digestset *set, const struct et_sha256 *digest);
void et_digestset_clear(struct et_digestset *set);
void et_digestset_done(struct et_digestset *set);

struct et_rescue {
	struct et_state *state;
	char *dir;
	int64_t run;
	uint32_t next_number; /* of the next file */
	uint64_t limit_bytes;
	uint64_t file_bytes; /* of all files */
	struct et_rescue_counts counts;
	struct et_hasher *hasher;
	/* waiting to be written: documents, and a row for each without the file's name */
	struct et_buf buffer;
	struct et_rescued_list waiting;
	struct et_digestset seen; /* the buffer's, and those turned away */
	/* the copy in hand */
	struct et_buf copy;
	struct et_document_scratch scratch;
};

/* RUN-N.bson, with `damaged` RUN-N.bson.damaged. */
bool et_rescue_name_parse(const char *name, int64_t *ret_run, uint32_t *ret_number,
			  bool *ret_damaged);
/* Into the buffer without any question; `row` says what it is, all but the place. */
ET_CHECKED int et_rescue_put(struct et_rescue *rescue, const struct et_rescued *row,
			     struct et_slice raw, struct et_error *err);
/* 1: the copy is parsed, and its bytes are in rescue->copy; 0: that cannot be done, and was
 * reported. */
ET_CHECKED int et_rescue_read(struct et_rescue *rescue, const struct et_rescued *row,
			      struct et_document *ret, struct et_error *err);
/* Brings catalog and folder together. */
ET_CHECKED int et_rescue_adopt(struct et_rescue *rescue, struct et_error *err);

#endif
