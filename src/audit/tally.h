/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of a run (docs/audit.md, Sums). Pure.
 */
#ifndef ET_AUDIT_TALLY_H
#define ET_AUDIT_TALLY_H

#include "audit/reason.h"

struct et_tally {
	uint64_t expected;   /* versions 0 ... latest in the store, service metadata apart */
	uint64_t aggregates; /* in the store, service metadata included */
	/* Versions per reason; DUPLICATE, FOREIGN, MALFORMED_* count messages, documents. What
	 * is missing of an aggregate that the store does not have is in LOST (with
	 * lost_deleted), else in deleted[]. */
	uint64_t reasons[ET_REASON_COUNT];
	/* Missing versions of aggregates that the store does not have, by reason, lost apart:
	 * they are no part of expected (IN_FLIGHT, BEFORE_HORIZON, UNANNOUNCED, UNDECIDED). */
	uint64_t deleted[ET_REASON_COUNT];
	uint64_t recoverable[ET_RECOVERABLE_COUNT]; /* of the lost ones */
	uint64_t lost_in_store;
	uint64_t lost_deleted;
	uint64_t messages; /* archived in the compared range */
	uint64_t registrations;
	uint64_t older_life; /* those of DELETED_DEVICE that belong to an older life of a device */
};

void et_tally_add(struct et_tally *into, const struct et_tally *more);
/* Versions that are on the stream and in the store's newest life: matched + truncated, told
 * apart or not. */
uint64_t et_tally_covered(const struct et_tally *tally);
/* True when every sum holds; else *ret_which (may be NULL) is the one that does not. */
bool et_tally_holds(const struct et_tally *tally, bool split, const char **ret_which);

#endif
