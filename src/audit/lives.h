/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What began each epoch of a device (event/lives.h), and what an aggregate's
 * coverage is in each of the device's lives (docs/audit.md, Epochs). Pure.
 */
#ifndef ET_AUDIT_LIVES_H
#define ET_AUDIT_LIVES_H

#include "base/uuid5.h"
#include "event/coverage.h"
#include "event/kind.h"

enum et_beginning {
	ET_BEGINNING_FIRST = 0, /* the oldest epoch, and one that only goes on */
	ET_BEGINNING_LIFE,      /* the device was deleted and onboarded again */
	ET_BEGINNING_FORK,      /* the store went back, and used numbers again */
	ET_BEGINNING_UNCLEAR,   /* the signs disagree */
};
const char *et_beginning_name(enum et_beginning beginning); /* "life" */

struct et_device_epoch {
	unsigned number;
	int64_t start_ns; /* event time; of the oldest one ET_TIME_NONE */
	uint64_t start;   /* position; of the oldest one 0 */
	bool registered;  /* a devicesregistered lies between it and the one before */
	enum et_beginning beginning;
};

/* What one aggregate of the device has in one epoch. */
struct et_epoch_part {
	struct et_uuid aggregate;
	enum et_family family;
	size_t epoch; /* index into the epochs */
	uint64_t first;
	uint64_t last;
};

/* Sets the beginnings. parts: by aggregate, then epoch. Cost: aggregates x epochs. */
void et_beginnings_find(struct et_device_epoch *epochs, size_t epoch_count,
			const struct et_epoch_part *parts, size_t part_count);

/* The aggregate began again at this version while its life went on: the store went back. */
struct et_turn {
	int64_t start_ns; /* of the device's epoch */
	uint64_t first;
};

/* One aggregate in one life of its device. */
struct et_life {
	unsigned number; /* 0 is the oldest life of the device */
	struct et_coverage coverage;
	/* Where it begins; ET_TIME_NONE and 0 of the oldest one: that may have begun before the
	 * archives. */
	int64_t start_ns;
	uint64_t start;
	bool announced; /* a devicesregistered lies between it and the one before */
	int64_t end_ns; /* where the next life begins; ET_TIME_NONE of the newest */
	/* The first event seen may belong to the life before: its number goes on where that one
	 * ended, at about the time at which this one began. */
	bool head_doubtful;
	/* Versions that the store took back after they were published, and the first of them. */
	uint64_t forked;
	uint64_t forked_first;
	uint64_t forked_last;
	/* The same where the signs disagree: perhaps an older life. */
	uint64_t replaced;
	/* The epochs in which the life's store went back, or may have. */
	const struct et_device_epoch *forks;
	size_t fork_count;
	struct et_turn *turns; /* those in which the aggregate was seen */
	size_t turn_count;
};

/* The lives out of the aggregate's coverage in each epoch (NULL: none). Lives in which it has
 * nothing are left out, but for the newest. The list with all in it is the caller's to free
 * (et_lives_list_done); epochs must live as long. */
void et_lives_of(const struct et_device_epoch *epochs, size_t epoch_count,
		 const struct et_coverage *const *coverages, struct et_life **ret,
		 size_t *ret_count);
void et_lives_list_done(struct et_life *lives, size_t count);

#endif
