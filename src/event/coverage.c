// SPDX-License-Identifier: Apache-2.0
#include "event/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void
et_coverage_done(struct et_coverage *coverage)
{
	free(coverage->spans);
	*coverage = (struct et_coverage){ 0 };
}

void
et_coverage_clear(struct et_coverage *coverage)
{
	coverage->count = 0;
}

/* The first span that ends at `version` or behind it; count when there is none. */
static size_t
find(const struct et_coverage *coverage, uint64_t version)
{
	size_t low = 0;
	size_t high = coverage->count;

	/* Versions mostly come in order: look at the end first. */
	if (high > 0 && coverage->spans[high - 1].last < version)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (coverage->spans[middle].last < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
reserve(struct et_coverage *coverage, size_t count)
{
	if (count <= coverage->capacity)
		return;
	coverage->capacity = count > 2 * coverage->capacity ? count : 2 * coverage->capacity;
	coverage->spans =
		et_realloc_array(coverage->spans, coverage->capacity, sizeof(*coverage->spans));
}

static void
insert(struct et_coverage *coverage, size_t at, const struct et_span *span)
{
	reserve(coverage, coverage->count + 1);
	memmove(&coverage->spans[at + 1], &coverage->spans[at],
		(coverage->count - at) * sizeof(*coverage->spans));
	coverage->spans[at] = *span;
	coverage->count++;
}

static void
set_first(struct et_span *span, const struct et_span *from)
{
	span->first = from->first;
	span->first_time_ns = from->first_time_ns;
	span->first_seq = from->first_seq;
}

static void
set_last(struct et_span *span, const struct et_span *from)
{
	span->last = from->last;
	span->last_time_ns = from->last_time_ns;
	span->last_seq = from->last_seq;
}

/* How much the one is later; times are hostile input. */
static bool
is_later(int64_t time_ns, int64_t than_ns)
{
	int64_t limit;

	return !__builtin_add_overflow(than_ns, ET_CLOCKS_APART_NS, &limit) && time_ns > limit;
}

enum et_fit
et_coverage_fit(const struct et_coverage *coverage, uint64_t version, int64_t time_ns)
{
	size_t at = find(coverage, version);
	const struct et_span *next = at < coverage->count ? &coverage->spans[at] : NULL;
	const struct et_span *before = at > 0 ? &coverage->spans[at - 1] : NULL;

	if (next != NULL && next->first <= version) {
		if ((version == next->first && time_ns == next->first_time_ns) ||
		    (version == next->last && time_ns == next->last_time_ns))
			return ET_FIT_SAME;
		return ET_FIT_REPEATED;
	}
	if ((next != NULL && is_later(time_ns, next->first_time_ns)) ||
	    (before != NULL && is_later(before->last_time_ns, time_ns)))
		return ET_FIT_MISPLACED;
	return ET_FIT_NEW;
}

/* Puts a span where none of its versions is, and joins it with its neighbours. */
static void
put(struct et_coverage *coverage, const struct et_span *one)
{
	size_t at = find(coverage, one->first);
	struct et_span *next = at < coverage->count ? &coverage->spans[at] : NULL;
	struct et_span *before = at > 0 ? &coverage->spans[at - 1] : NULL;
	bool touches_before = before != NULL && before->last + 1 == one->first;

	/* No overflow: the span lies below next->first, and above before->last. */
	if (next != NULL && one->last + 1 == next->first) {
		if (!touches_before) {
			set_first(next, one);
			return;
		}
		set_last(before, next);
		coverage->count--;
		memmove(next, next + 1, (coverage->count - at) * sizeof(*next));
	} else if (touches_before) {
		set_last(before, one);
	} else {
		insert(coverage, at, one);
	}
}

bool
et_coverage_add(struct et_coverage *coverage, uint64_t version, int64_t time_ns, uint64_t seq)
{
	const struct et_span one = {
		.first = version,
		.last = version,
		.first_time_ns = time_ns,
		.last_time_ns = time_ns,
		.first_seq = seq,
		.last_seq = seq,
	};

	if (et_coverage_has(coverage, version))
		return false;
	put(coverage, &one);
	return true;
}

void
et_coverage_add_below(struct et_coverage *coverage, const struct et_coverage *from,
		      uint64_t version)
{
	for (size_t i = 0; i < from->count && from->spans[i].first < version; i++) {
		struct et_span span = from->spans[i];

		if (span.last >= version) {
			span.last = version - 1;
			span.last_time_ns = span.first_time_ns;
			span.last_seq = span.first_seq;
		}
		put(coverage, &span);
	}
}

const struct et_span *
et_coverage_at(const struct et_coverage *coverage, uint64_t version)
{
	size_t at = find(coverage, version);

	return at < coverage->count ? &coverage->spans[at] : NULL;
}

bool
et_coverage_has(const struct et_coverage *coverage, uint64_t version)
{
	size_t at = find(coverage, version);

	return at < coverage->count && coverage->spans[at].first <= version;
}

uint64_t
et_coverage_count(const struct et_coverage *coverage, uint64_t first, uint64_t last)
{
	uint64_t count = 0;

	for (size_t i = find(coverage, first); i < coverage->count; i++) {
		const struct et_span *span = &coverage->spans[i];
		uint64_t from = span->first > first ? span->first : first;
		uint64_t to = span->last < last ? span->last : last;

		if (span->first > last || from > to)
			break;
		/* Only all 2^64 versions are one too many: then to - from is the maximum. */
		count += to - from;
		if (count < UINT64_MAX)
			count++;
	}
	return count;
}

bool
et_coverage_full(const struct et_coverage *coverage, uint64_t latest)
{
	return coverage->count == 1 && coverage->spans[0].first == 0 &&
	       coverage->spans[0].last >= latest;
}

static void
put_difference(struct et_buf *out, uint64_t value, uint64_t base)
{
	uint64_t difference = value - base;

	et_buf_varint(out, difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0));
}

void
et_coverage_encode(const struct et_coverage *coverage, struct et_buf *out)
{
	struct et_span before = { 0 };

	for (size_t i = 0; i < coverage->count; i++) {
		const struct et_span *span = &coverage->spans[i];

		et_buf_varint(out, i == 0 ? span->first : span->first - before.last - 2);
		et_buf_varint(out, span->last - span->first);
		put_difference(out, (uint64_t)span->first_time_ns, (uint64_t)before.last_time_ns);
		put_difference(out, span->first_seq, before.last_seq);
		if (span->last > span->first) {
			put_difference(out, (uint64_t)span->last_time_ns,
				       (uint64_t)span->first_time_ns);
			put_difference(out, span->last_seq, span->first_seq);
		}
		before = *span;
	}
}

static bool
take_difference(struct et_cursor *cursor, uint64_t base, uint64_t *ret)
{
	uint64_t value;

	if (!et_cursor_varint(cursor, &value))
		return false;
	*ret = base + (uint64_t)et_zigzag(value);
	return true;
}

static bool
take_times(struct et_cursor *cursor, const struct et_span *before, struct et_span *span)
{
	uint64_t first_time;
	uint64_t last_time;

	if (!take_difference(cursor, (uint64_t)before->last_time_ns, &first_time) ||
	    !take_difference(cursor, before->last_seq, &span->first_seq))
		return false;
	last_time = first_time;
	span->last_seq = span->first_seq;
	if (span->last > span->first &&
	    (!take_difference(cursor, first_time, &last_time) ||
	     !take_difference(cursor, span->first_seq, &span->last_seq)))
		return false;
	span->first_time_ns = (int64_t)first_time;
	span->last_time_ns = (int64_t)last_time;
	return true;
}

/* The span behind `before` (NULL: the first one). */
static bool
take_span(struct et_cursor *cursor, const struct et_span *before, struct et_span *ret)
{
	static const struct et_span nothing = { 0 };
	struct et_span span = { 0 };
	uint64_t length;

	if (!et_cursor_varint(cursor, &span.first) || !et_cursor_varint(cursor, &length))
		return false;
	if (before != NULL) {
		if (before->last > UINT64_MAX - 2 || span.first > UINT64_MAX - 2 - before->last)
			return false;
		span.first += before->last + 2;
	}
	if (length > UINT64_MAX - span.first)
		return false;
	span.last = span.first + length;
	if (!take_times(cursor, before != NULL ? before : &nothing, &span))
		return false;
	*ret = span;
	return true;
}

int
et_coverage_decode(struct et_slice bytes, struct et_coverage *ret, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_span span;
	size_t count = 0;

	while (et_cursor_left(&cursor) > 0) {
		if (!take_span(&cursor, count > 0 ? &span : NULL, &span))
			return et_error_set(err, ET_CORRUPT, "span %zu of a coverage is damaged",
					    count);
		count++;
	}
	reserve(ret, count);
	ret->count = count;
	cursor = et_cursor_of(bytes.data, bytes.size);
	/* The same bytes again: it cannot fail. */
	for (size_t i = 0; i < count; i++)
		(void)take_span(&cursor, i > 0 ? &ret->spans[i - 1] : NULL, &ret->spans[i]);
	return 0;
}
