/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rescue copies: documents of suspects as the store gave them, saved before the
 * hub overwrites them. STATE/rescue/RUN-N.bson (run: 10 digits, N: 6 digits),
 * each like a file of mongodump: BSON documents one after the other. A file is
 * written once, whole, and never changed. Which documents it holds is noted in
 * the catalog; that can be made again from the files, all but the digests,
 * which tell a copy that was changed on the disk.
 *
 * File first, row second; row away first, file away second. So a crash leaves
 * at most a file too many, and the next open takes it in.
 *
 * One thread. The functions that change something need a state that is open for
 * writing; all but et_rescue_sweep may be called inside a transaction of its
 * catalog. On a state that is open for reading, copies can be read and nothing
 * else (ET_USAGE).
 */
#ifndef ET_COMMAND_RESCUE_H
#define ET_COMMAND_RESCUE_H

#include "base/arena.h"
#include "command/state.h"
#include "event/document.h"

struct et_rescue;

/* Removes temporary leftovers; takes in files that the catalog does not know. What can be read of a
 * damaged file is saved anew, and the file is set aside as NAME.damaged, which nobody looks at
 * again. Rows whose file is gone are dropped. All of this is said on stderr. limit_bytes is for all
 * files together; 0: nothing is saved. Cost: a look at each file; unknown ones are read. */
ET_CHECKED int et_rescue_open(struct et_state *state, int64_t run, uint64_t limit_bytes,
			      struct et_rescue **ret, struct et_error *err);
/* What is still in the buffer is lost. */
void et_rescue_close(struct et_rescue *rescue);
ET_CLEANUP_DEFINE(et_rescue, et_rescue_close);

/* Buffers a document (its BSON: raw), unless these bytes are there already, it holds no event, or
 * the limit is reached. A full buffer flushes itself. */
ET_CHECKED int et_rescue_save(struct et_rescue *rescue, const struct et_uuid *aggregate,
			      const struct et_document *document, struct et_slice raw,
			      struct et_error *err);
/* Writes what is buffered as one file and notes it. For the catalog to know it, the caller's
 * transaction is still to be committed. */
ET_CHECKED int et_rescue_flush(struct et_rescue *rescue, struct et_error *err);

/* The copies of an aggregate, newest first, without those in the buffer; at most `room` of them,
 * copied into the arena (ET_LIMIT when it is full). One that cannot be read or has changed is
 * reported and skipped. */
ET_CHECKED int et_rescue_load(struct et_rescue *rescue, const struct et_uuid *aggregate,
			      struct et_arena *arena, struct et_document **list, size_t room,
			      size_t *ret_count, struct et_error *err);
/* The same, one after the other: the document borrows until the visitor returns. A negative result
 * of the visitor ends it. The visitor may ask the catalog, but not for other copies. */
typedef int et_rescue_visitor(void *cookie, const struct et_document *document,
			      struct et_error *err);
ET_CHECKED int et_rescue_visit(struct et_rescue *rescue, const struct et_uuid *aggregate,
			       et_rescue_visitor *visitor, void *cookie, struct et_error *err);

/* The next aggregate behind `after` (zero UUID: the first) that has copies: 1, or 0. */
ET_CHECKED int et_rescue_next(struct et_rescue *rescue, const struct et_uuid *after,
			      struct et_uuid *ret, struct et_error *err);

/* Whether an event still has to be given back one day. time_ns: its own, or ET_TIME_NONE. */
typedef bool et_rescue_needed(void *cookie, uint64_t version, int64_t time_ns);
/* Drops the aggregate's copies none of whose events (the stored ones, and those inside its
 * snapshots) is needed, and those that have nothing needed that a newer copy has not, too. needed
 * NULL: all go, unread. What is in the buffer stays. */
ET_CHECKED int et_rescue_prune(struct et_rescue *rescue, const struct et_uuid *aggregate,
			       et_rescue_needed *needed, void *cookie, struct et_error *err);
/* After the commit, never inside a transaction: removes files without copies, and writes the copies
 * of files that are mostly pruned, or small and many, together into new ones. */
ET_CHECKED int et_rescue_sweep(struct et_rescue *rescue, struct et_error *err);

struct et_rescue_counts {
	uint64_t saved; /* documents, in this run */
	uint64_t saved_bytes;
	uint64_t turned_away; /* documents that the limit kept out */
	uint64_t pruned;      /* copies dropped */
	uint64_t unreadable;  /* times that a copy could not be read or had changed */
};
const struct et_rescue_counts *et_rescue_counts(const struct et_rescue *rescue);

#endif
