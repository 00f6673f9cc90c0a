/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lives of a device part (docs/audit.md, Epochs): version numbers
 * restart for all its aggregates at once when it is deleted and onboarded
 * again, so its events are walked together, in the order of their own times.
 * A number that comes again with another time begins an epoch, for all
 * aggregates. What the epoch is (a life, a store that went back) is told
 * later, by audit/lives.h. Pure.
 */
#ifndef ET_EVENT_LIVES_H
#define ET_EVENT_LIVES_H

#include "base/uuid5.h"
#include "event/coverage.h"
#include "event/row.h"

/* One aggregate in the epoch in hand. */
struct et_lives_aggregate {
	struct et_uuid aggregate;
	enum et_family family;
	struct et_coverage coverage;
	uint64_t messages; /* duplicates included */
	uint64_t duplicates;
	int64_t last_ns; /* event time of its last one */
	/* The highest version in the epochs before this one. */
	bool known;
	uint64_t highest;
};

/* The epoch that just ended. The lists are the walk's: they end with the hook. */
struct et_epoch {
	unsigned number;
	int64_t start_ns; /* event time of its first event */
	int64_t last_ns;  /* of its last one */
	uint64_t start_seq;
	const struct et_lives_aggregate *aggregates; /* by id; some may have no messages */
	size_t count;
};
typedef int et_epoch_hook(void *cookie, const struct et_epoch *epoch, struct et_error *err);

struct et_lives;
struct et_lives *et_lives_new(et_epoch_hook *hook, void *cookie);
void et_lives_free(struct et_lives *lives);
ET_CLEANUP_DEFINE(et_lives, et_lives_free);

/* The next event of the device: in the order of event time, aggregate, version, sequence. Rows
 * of other classes are the caller's. Negative: what the hook said. O(log aggregates, log spans). */
ET_CHECKED int et_lives_add(struct et_lives *lives, const struct et_row *row, struct et_error *err);
/* The device was registered at that time: before the events of the same time. */
void et_lives_registered(struct et_lives *lives, int64_t time_ns);
/* The end of the device: hands out the last epoch, and is ready for another device. */
ET_CHECKED int et_lives_end(struct et_lives *lives, struct et_error *err);

#endif
