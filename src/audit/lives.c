// SPDX-License-Identifier: Apache-2.0
#include "audit/lives.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

const char *
et_beginning_name(enum et_beginning beginning)
{
	static const char *const names[] = { "first", "life", "fork", "unclear" };

	return names[beginning];
}

/* ---- what began an epoch ---- */

/* How the aggregates that were known before go on in an epoch. */
struct signs {
	bool own_restart; /* links or metadata begin at 0 again */
	bool own_goes_on; /* they do not, and were seen */
	size_t restarts;  /* aggregates that begin at 0 again */
	size_t known;     /* of them: seen before in this life */
	bool reuse;       /* any begins at a number above 0 that was used before */
};

/* known: the aggregate was seen in this life before, up to `highest`. */
static void
look_at(const struct et_epoch_part *part, bool known, uint64_t highest, struct signs *signs)
{
	/* Every device has had links and metadata from its beginning, seen or not. */
	if (!known && !et_family_is_own(part->family))
		return;
	if (part->first == 0) {
		signs->restarts++;
		signs->known += known;
		signs->own_restart |= et_family_is_own(part->family);
	} else if (known) {
		signs->reuse |= part->first <= highest;
		signs->own_goes_on |= et_family_is_own(part->family);
	}
}

/* life: index of the epoch with which the life before began. */
static struct signs
signs_of(const struct et_epoch_part *parts, size_t count, size_t life, size_t epoch)
{
	struct signs signs = { .restarts = 0 };
	size_t first = 0;

	while (first < count) {
		bool known = false;
		uint64_t highest = 0;
		size_t i = first;

		for (; i < count &&
		       et_uuid_compare(&parts[i].aggregate, &parts[first].aggregate) == 0;
		     i++) {
			if (parts[i].epoch >= life && parts[i].epoch < epoch) {
				known = true;
				if (parts[i].last > highest)
					highest = parts[i].last;
			} else if (parts[i].epoch == epoch) {
				look_at(&parts[i], known, highest, &signs);
			}
		}
		first = i;
	}
	return signs;
}

/* One aggregate alone begins at 0 again where a crash left only its closed documents: that is no
 * life of the device. */
static enum et_beginning
beginning_of(const struct signs *signs, bool registered)
{
	/* A device that got its links or metadata late: nothing was used again. */
	if (signs->known == 0 && signs->restarts < 2 && !signs->reuse && !registered)
		return ET_BEGINNING_FIRST;
	/* Registered anew: perhaps a life of which no beginning was seen. */
	if (signs->restarts == 0)
		return signs->reuse && !registered ? ET_BEGINNING_FORK : ET_BEGINNING_UNCLEAR;
	if (signs->restarts > 1 && (signs->own_restart || (registered && !signs->own_goes_on)))
		return ET_BEGINNING_LIFE;
	return ET_BEGINNING_UNCLEAR;
}

void
et_beginnings_find(struct et_device_epoch *epochs, size_t epoch_count,
		   const struct et_epoch_part *parts, size_t part_count)
{
	size_t life = 0;

	epochs[0].beginning = ET_BEGINNING_FIRST;
	for (size_t i = 1; i < epoch_count; i++) {
		struct signs signs = signs_of(parts, part_count, life, i);

		epochs[i].beginning = beginning_of(&signs, epochs[i].registered);
		if (epochs[i].beginning == ET_BEGINNING_LIFE)
			life = i;
	}
}

/* ---- an aggregate's lives ---- */

static uint64_t
last_of(const struct et_coverage *coverage)
{
	return coverage->spans[coverage->count - 1].last;
}

/* The store took back what it had saved from the epoch's first version on: what is below it
 * carries over. */
static void
go_back(struct et_life *life, const struct et_coverage *epoch, enum et_beginning beginning)
{
	uint64_t first = epoch->spans[0].first;
	uint64_t taken = et_coverage_count(&life->coverage, first, UINT64_MAX);
	struct et_coverage below = { 0 };

	if (taken > 0 && beginning == ET_BEGINNING_UNCLEAR) {
		life->replaced += taken;
	} else if (taken > 0) {
		if (life->forked == 0 || first < life->forked_first)
			life->forked_first = first;
		if (last_of(&life->coverage) > life->forked_last)
			life->forked_last = last_of(&life->coverage);
		life->forked += taken;
	}
	et_coverage_add_below(&below, &life->coverage, first);
	et_coverage_done(&life->coverage);
	life->coverage = below;
}

static void
add_epoch(struct et_life *life, const struct et_coverage *epoch, const struct et_device_epoch *at)
{
	if (epoch == NULL || epoch->count == 0)
		return;
	if (at->beginning == ET_BEGINNING_FORK || at->beginning == ET_BEGINNING_UNCLEAR)
		life->turns[life->turn_count++] =
			(struct et_turn){ at->start_ns, epoch->spans[0].first };
	go_back(life, epoch, at->beginning);
	et_coverage_add_below(&life->coverage, epoch, UINT64_MAX);
	/* The highest number there is needs its own step. */
	if (last_of(epoch) == UINT64_MAX) {
		const struct et_span *span = &epoch->spans[epoch->count - 1];

		(void)et_coverage_add(&life->coverage, UINT64_MAX, span->last_time_ns,
				      span->last_seq);
	}
}

static bool
is_doubtful(const struct et_life *life, const struct et_life *before)
{
	const struct et_span *first = life->coverage.spans;
	int64_t since;

	if (before == NULL || life->coverage.count == 0 || before->coverage.count == 0)
		return false;
	return first->first > last_of(&before->coverage) &&
	       !__builtin_sub_overflow(first->first_time_ns, life->start_ns, &since) &&
	       since <= ET_CLOCKS_APART_NS;
}

static void
life_done(struct et_life *life)
{
	et_coverage_done(&life->coverage);
	free(life->turns);
}

void
et_lives_of(const struct et_device_epoch *epochs, size_t epoch_count,
	    const struct et_coverage *const *coverages, struct et_life **ret, size_t *ret_count)
{
	struct et_life *list = et_calloc(epoch_count, sizeof(*list));
	size_t count = 0;
	unsigned number = 0;

	for (size_t i = 0; i < epoch_count;) {
		size_t end = i + 1;
		struct et_life life = { .number = number++,
					.start_ns = i == 0 ? ET_TIME_NONE : epochs[i].start_ns,
					.start = i == 0 ? 0 : epochs[i].start,
					.announced = epochs[i].registered,
					.forks = &epochs[i + 1] };

		while (end < epoch_count && epochs[end].beginning != ET_BEGINNING_LIFE)
			end++;
		life.fork_count = end - i - 1;
		life.turns = et_calloc(end - i, sizeof(*life.turns));
		for (; i < end; i++)
			add_epoch(&life, coverages[i], &epochs[i]);
		if (life.coverage.count == 0 && end < epoch_count) {
			life_done(&life);
			continue;
		}
		life.end_ns = end < epoch_count ? epochs[end].start_ns : ET_TIME_NONE;
		life.head_doubtful = is_doubtful(&life, count > 0 ? &list[count - 1] : NULL);
		list[count++] = life;
	}
	*ret = list;
	*ret_count = count;
}

void
et_lives_list_done(struct et_life *lives, size_t count)
{
	for (size_t i = 0; i < count; i++)
		life_done(&lives[i]);
	free(lives);
}
