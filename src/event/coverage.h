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

enum et_coverage_add {
	ET_COVERAGE_NEW,       /* the version was not there */
	ET_COVERAGE_DUPLICATE, /* there already, and the time is not behind its span's last */
	ET_COVERAGE_LATER, /* there already, its time is behind: another life of the aggregate */
};

void et_coverage_done(struct et_coverage *coverage);
void et_coverage_clear(struct et_coverage *coverage); /* keeps the memory */
/* NEW extends or adds a span; DUPLICATE and LATER change nothing. O(log spans) but for
 * insertions. */
enum et_coverage_add et_coverage_add(struct et_coverage *coverage, uint64_t version,
				     int64_t time_ns, uint64_t seq);
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
