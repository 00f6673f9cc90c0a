/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions of one aggregate the stream has shown, in one epoch: sorted,
 * disjoint, non-adjacent spans of versions, each with event time and sequence
 * of its two ends (the brackets of what is missing beside it). Memory grows
 * with the holes, not with the events. Pure.
 *
 * Stored form (catalog): per span varints, without a count in front:
 *
 *	first - (last + 2 of the span before; 0 for the first span)
 *	last - first
 *	zigzag(first time - last time of the span before), likewise of the sequences
 *	and, when last > first: zigzag(last time - first time), likewise of the sequences
 *
 * Differences wrap at 64 bits.
 */
#ifndef ET_EVENT_COVERAGE_H
#define ET_EVENT_COVERAGE_H

#include "base/buf.h"
#include "base/cursor.h"

struct et_span {
	uint64_t first; /* version, inclusive */
	uint64_t last;
	int64_t first_time_ns; /* event time of version `first` */
	int64_t last_time_ns;
	uint64_t first_seq;
	uint64_t last_seq;
};

struct et_coverage {
	struct et_span *spans;
	size_t count;
	size_t capacity;
};

/* The clocks of two replicas of the hub may differ by so much: less is no sign of another life. */
#define ET_CLOCKS_APART_NS (10 * (int64_t)1000000000)

/* How an event's version and time agree with what is there (docs/audit.md, Epochs). */
enum et_fit {
	ET_FIT_NEW,       /* not there, and its time lies between its neighbours' */
	ET_FIT_SAME,      /* there, with this very time: the same event once more */
	ET_FIT_REPEATED,  /* there with another time, or it cannot be told: inside a span */
	ET_FIT_MISPLACED, /* not there, and its time is not between its neighbours' */
};

void et_coverage_done(struct et_coverage *coverage);
void et_coverage_clear(struct et_coverage *coverage); /* keeps the memory */
/* What et_coverage_add is about to do. O(log spans). */
enum et_fit et_coverage_fit(const struct et_coverage *coverage, uint64_t version, int64_t time_ns);
/* Extends or adds a span; false, and no change, when the version is there. O(log spans) but for
 * insertions. */
bool et_coverage_add(struct et_coverage *coverage, uint64_t version, int64_t time_ns, uint64_t seq);
/* Adds what lies below `version`. Where a span is cut, its new end has the span's first time and
 * sequence for a bound: it is no earlier than that. */
void et_coverage_add_below(struct et_coverage *coverage, const struct et_coverage *from,
			   uint64_t version);
/* The span that holds the version, else the first one above it, else NULL. */
const struct et_span *et_coverage_at(const struct et_coverage *coverage, uint64_t version);
bool et_coverage_has(const struct et_coverage *coverage, uint64_t version);
/* How many versions of [first, last] are covered; UINT64_MAX when that overflows. */
uint64_t et_coverage_count(const struct et_coverage *coverage, uint64_t first, uint64_t last);
/* True when it is exactly one span that begins at 0 and reaches `latest` or further. */
bool et_coverage_full(const struct et_coverage *coverage, uint64_t latest);
void et_coverage_encode(const struct et_coverage *coverage, struct et_buf *out);
/* Replaces what is there (on failure it stays). ET_CORRUPT when the bytes break the invariants. */
ET_CHECKED int et_coverage_decode(struct et_slice bytes, struct et_coverage *ret,
				  struct et_error *err);

#endif
