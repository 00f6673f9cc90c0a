/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots that are worked on in parallel and committed in order.
 *
 *	take -> (the caller fills the slot) -> put -> work -> commit -> after -> free again
 *	                                              any     in order  any
 *
 * Each worker takes the commit that is due before new work, so that a slot
 * never waits for a thread of its own. With no workers all is done inside put.
 * The first negative result of a stage ends it all: later stages are skipped,
 * and take and drain return it.
 */
#ifndef ET_ARCHIVE_PIPELINE_H
#define ET_ARCHIVE_PIPELINE_H

#include "base/alloc.h"

struct et_pipeline_stages {
	/* One for each worker (and one for the caller when there are none); made in
	 * et_pipeline_new. */
	int (*worker_new)(void *cookie, void **ret, struct et_error *err);
	void (*worker_free)(void *worker);
	int (*work)(void *cookie, void *worker, unsigned slot, struct et_error *err);
	int (*commit)(void *cookie, void *worker, unsigned slot,
		      struct et_error *err); /* one at a time, in order */
	int (*after)(void *cookie, void *worker, unsigned slot,
		     struct et_error *err); /* may be NULL */
};

struct et_pipeline;

ET_CHECKED int et_pipeline_new(const struct et_pipeline_stages *stages, void *cookie, unsigned jobs,
			       unsigned slots, struct et_pipeline **ret, struct et_error *err);
/* Waits for a free slot; the one that was freed last, its memory is warm. */
ET_CHECKED int et_pipeline_take(struct et_pipeline *pipeline, unsigned *ret_slot,
				struct et_error *err);
/* The order of the puts is the order of the commits. */
void et_pipeline_put(struct et_pipeline *pipeline, unsigned slot);
/* Waits until all that was put is through. */
ET_CHECKED int et_pipeline_drain(struct et_pipeline *pipeline, struct et_error *err);
/* Skips what is not begun, waits for the workers. */
void et_pipeline_free(struct et_pipeline *pipeline);

ET_CLEANUP_DEFINE(et_pipeline, et_pipeline_free);

#endif
