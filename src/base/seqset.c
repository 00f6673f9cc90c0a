// SPDX-License-Identifier: Apache-2.0
#include "base/seqset.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void
et_seqset_init(struct et_seqset *set)
{
	*set = (struct et_seqset){ 0 };
}

void
et_seqset_done(struct et_seqset *set)
{
	free(set->ranges);
	et_seqset_init(set);
}

/* The first range that ends at `value` or behind it; `count` when there is none. */
static size_t
find_last_from(const struct et_seqset *set, uint64_t value)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first range from `low` on that begins behind `value`. */
static size_t
find_first_after(const struct et_seqset *set, size_t low, uint64_t value)
{
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].first <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts `with` (0 to 2 ranges) in the place of the ranges [from, to). */
static void
splice(struct et_seqset *set, size_t from, size_t to, const struct et_range *with, size_t count)
{
	size_t tail = set->count - to;
	size_t total = from + count + tail;

	if (total > set->capacity) {
		set->capacity = set->capacity > 0 ? set->capacity * 2 : 8;
		set->ranges = et_realloc_array(set->ranges, set->capacity, sizeof(*set->ranges));
	}
	if (tail > 0)
		memmove(set->ranges + from + count, set->ranges + to, tail * sizeof(*with));
	for (size_t i = 0; i < count; i++)
		set->ranges[from + i] = with[i];
	set->count = total;
}

void
et_seqset_add(struct et_seqset *set, uint64_t first, uint64_t last)
{
	struct et_range range = { .first = first, .last = last };
	size_t from = set->count;
	size_t to = set->count;
	uint64_t before;

	if (first > last)
		return;
	/* Numbers mostly come in order: nothing to find then. Neighbours touch, so they join. */
	before = first > 0 ? first - 1 : 0;
	if (set->count > 0 && before <= set->ranges[set->count - 1].last) {
		from = set->ranges[set->count - 1].first <= before ? set->count - 1
								   : find_last_from(set, before);
		to = find_first_after(set, from, last < UINT64_MAX ? last + 1 : last);
	}
	if (from < to) {
		if (set->ranges[from].first < first)
			range.first = set->ranges[from].first;
		if (set->ranges[to - 1].last > last)
			range.last = set->ranges[to - 1].last;
	}
	splice(set, from, to, &range, 1);
}

void
et_seqset_remove(struct et_seqset *set, uint64_t first, uint64_t last)
{
	struct et_range left[2];
	size_t count = 0;
	size_t from;
	size_t to;

	if (first > last)
		return;
	from = find_last_from(set, first);
	to = find_first_after(set, from, last);
	if (from == to)
		return;
	if (set->ranges[from].first < first)
		left[count++] = (struct et_range){ set->ranges[from].first, first - 1 };
	if (set->ranges[to - 1].last > last)
		left[count++] = (struct et_range){ last + 1, set->ranges[to - 1].last };
	splice(set, from, to, left, count);
}

bool
et_seqset_has(const struct et_seqset *set, uint64_t value)
{
	size_t at = find_last_from(set, value);

	return at < set->count && set->ranges[at].first <= value;
}

bool
et_seqset_meets(const struct et_seqset *set, uint64_t first, uint64_t last)
{
	size_t at = find_last_from(set, first);

	return at < set->count && set->ranges[at].first <= last;
}

uint64_t
et_seqset_size(const struct et_seqset *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++) {
		uint64_t steps = set->ranges[i].last - set->ranges[i].first;

		if (__builtin_add_overflow(size, steps, &size) ||
		    __builtin_add_overflow(size, 1, &size))
			return UINT64_MAX;
	}
	return size;
}
