/* SPDX-License-Identifier: Apache-2.0 */
#include "event/lives.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "event/kind.h"

struct et_lives {
	et_epoch_hook *hook;
	void *cookie;
	struct et_lives_aggregate *list; /* by id */
	size_t count;
	size_t capacity;
	unsigned number;
	bool begun; /* the epoch has an event */
	int64_t start_ns;
	int64_t last_ns;
	uint64_t start_seq;
	bool has_resource; /* the epoch has an event of a resource, the first at: */
	int64_t resource_ns;
	bool restarted;        /* and one of an aggregate that was known, with version 0 */
	int64_t registered_ns; /* the last devicesregistered; ET_TIME_NONE */
	struct et_row last;
	bool has_last;
};

struct et_lives *
et_lives_new(et_epoch_hook *hook, void *cookie)
{
	struct et_lives *lives = et_calloc(1, sizeof(*lives));

	lives->hook = hook;
	lives->cookie = cookie;
	lives->registered_ns = ET_TIME_NONE;
	return lives;
}

void
et_lives_free(struct et_lives *lives)
{
	if (lives == NULL)
		return;
	for (size_t i = 0; i < lives->capacity; i++)
		et_coverage_done(&lives->list[i].coverage);
	free(lives->list);
	free(lives);
}

static size_t
place_of(const struct et_lives *lives, const struct et_uuid *aggregate)
{
	size_t low = 0;
	size_t high = lives->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (et_uuid_compare(&lives->list[middle].aggregate, aggregate) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The memory of a spare element is used again: its coverage keeps its spans. */
static struct et_lives_aggregate *
aggregate_of(struct et_lives *lives, const struct et_row *row)
{
	size_t at = place_of(lives, &row->aggregate);
	struct et_coverage spare;

	if (at < lives->count && et_uuid_compare(&lives->list[at].aggregate, &row->aggregate) == 0)
		return &lives->list[at];
	if (lives->count == lives->capacity) {
		size_t more = lives->capacity + 16;

		lives->list = et_realloc_array(lives->list, more, sizeof(*lives->list));
		memset(&lives->list[lives->capacity], 0, 16 * sizeof(*lives->list));
		lives->capacity = more;
	}
	spare = lives->list[lives->count].coverage;
	et_coverage_clear(&spare);
	memmove(&lives->list[at + 1], &lives->list[at], (lives->count - at) * sizeof(*lives->list));
	lives->count++;
	lives->list[at] = (struct et_lives_aggregate){
		.aggregate = row->aggregate,
		.family = et_kind_info(row->kind)->family,
		.coverage = spare,
	};
	return &lives->list[at];
}

static bool
is_same(const struct et_lives *lives, const struct et_row *row)
{
	return lives->has_last && lives->last.event_time_ns == row->event_time_ns &&
	       lives->last.version == row->version &&
	       et_uuid_compare(&lives->last.aggregate, &row->aggregate) == 0;
}

/* A snapshot of a version that was there a moment before: one that was put back for its event. */
static bool
is_put_back(const struct et_lives_aggregate *one, const struct et_row *row)
{
	const struct et_span *span = et_coverage_at(&one->coverage, row->version);
	/* Of a version inside the span: it was not later than the last one. */
	int64_t at_ns = row->version == span->first ? span->first_time_ns : span->last_time_ns;
	int64_t since;

	return et_kind_info(row->kind)->snapshot &&
	       !__builtin_sub_overflow(row->event_time_ns, at_ns, &since) &&
	       since <= ET_CLOCKS_APART_NS;
}

static bool
is_since(int64_t time_ns, int64_t since_ns)
{
	int64_t from;

	return __builtin_sub_overflow(since_ns, ET_CLOCKS_APART_NS, &from) || time_ns >= from;
}

/* The hub writes a device's metadata and links before anything of its resources, but where it lost
 * the device's documents and went on at version 0. So this parts the oldest epoch, of which the
 * beginning may be missing; another one only where nothing has begun at 0 again, and the device was
 * registered a moment before: a store that went back began it, in the life before. */
static bool
is_onboarding(const struct et_lives *lives, const struct et_lives_aggregate *one,
	      const struct et_row *row)
{
	if ((row->flags & ET_ROW_NO_TIME) != 0 || row->version != 0 ||
	    !et_family_is_own(one->family) || one->coverage.count > 0 || !lives->has_resource ||
	    is_since(lives->resource_ns, row->event_time_ns))
		return false;
	return lives->number == 0 || (!lives->restarted && lives->registered_ns != ET_TIME_NONE &&
				      is_since(lives->registered_ns, row->event_time_ns));
}

static void
note_resource(struct et_lives *lives, const struct et_lives_aggregate *one, int64_t time_ns)
{
	if (et_family_is_own(one->family) || (lives->has_resource && lives->resource_ns <= time_ns))
		return;
	lives->has_resource = true;
	lives->resource_ns = time_ns;
}

enum step { BELONGS, REPEATS, BEGINS };

static enum step
step_of(const struct et_lives *lives, const struct et_lives_aggregate *one,
	const struct et_row *row)
{
	switch (et_coverage_fit(&one->coverage, row->version, row->event_time_ns)) {
	case ET_FIT_SAME:
		return REPEATS;
	case ET_FIT_REPEATED:
		/* Without a time of its own it says nothing about when. */
		if ((row->flags & ET_ROW_NO_TIME) != 0 || is_same(lives, row) ||
		    is_put_back(one, row))
			return REPEATS;
		return BEGINS;
	case ET_FIT_MISPLACED:
		return (row->flags & ET_ROW_NO_TIME) != 0 ? BELONGS : BEGINS;
	case ET_FIT_NEW:
		break;
	}
	return is_onboarding(lives, one, row) ? BEGINS : BELONGS;
}

static int
hand_out(struct et_lives *lives, struct et_error *err)
{
	const struct et_epoch epoch = {
		.number = lives->number,
		.start_ns = lives->start_ns,
		.last_ns = lives->last_ns,
		.start_seq = lives->start_seq,
		.aggregates = lives->list,
		.count = lives->count,
	};

	return lives->hook(lives->cookie, &epoch, err);
}

static void
clear(struct et_lives *lives)
{
	for (size_t i = 0; i < lives->count; i++) {
		struct et_lives_aggregate *one = &lives->list[i];

		if (one->coverage.count > 0) {
			const struct et_span *last = &one->coverage.spans[one->coverage.count - 1];

			if (!one->known || last->last > one->highest)
				one->highest = last->last;
			one->known = true;
		}
		et_coverage_clear(&one->coverage);
		one->messages = one->duplicates = 0;
	}
	lives->begun = lives->has_resource = lives->restarted = false;
}

/* Nothing of the aggregate in the epoch that ends is older than its last moments, and what there is
 * begins at 0, or was used before. */
static bool
is_newborn(const struct et_lives_aggregate *one, const struct et_row *row)
{
	return one->coverage.count == 1 &&
	       (one->coverage.spans[0].first == 0 ||
		(one->known && one->coverage.spans[0].last <= one->highest)) &&
	       is_since(one->coverage.spans[0].first_time_ns, row->event_time_ns) &&
	       et_uuid_compare(&one->aggregate, &row->aggregate) != 0;
}

static int64_t
last_of(const struct et_lives *lives)
{
	int64_t last_ns = INT64_MIN;

	for (size_t i = 0; i < lives->count; i++)
		if (lives->list[i].messages > 0 && lives->list[i].last_ns > last_ns)
			last_ns = lives->list[i].last_ns;
	return last_ns;
}

/* What is as new as the epoch belongs to it: the first number that comes again need not be the
 * first event of a life. It is taken out of the epoch that ends, and comes back in the new one. */
static int
begin(struct et_lives *lives, const struct et_row *row, struct et_error *err)
{
	struct et_lives_aggregate *newborn = NULL;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < lives->count && !is_since(lives->start_ns, row->event_time_ns);
	     i++) {
		struct et_lives_aggregate *one = &lives->list[i];

		if (!is_newborn(one, row))
			continue;
		newborn = et_realloc_array(newborn, count + 1, sizeof(*newborn));
		newborn[count++] = *one;
		one->coverage = (struct et_coverage){ 0 };
		one->messages = one->duplicates = 0;
	}
	lives->last_ns = last_of(lives);
	r = hand_out(lives, err);
	clear(lives);
	lives->number++;
	for (size_t i = 0; i < count; i++) {
		struct et_lives_aggregate *one =
			&lives->list[place_of(lives, &newborn[i].aggregate)];
		const struct et_span *span = &newborn[i].coverage.spans[0];

		et_coverage_done(&one->coverage);
		*one = newborn[i];
		if (!lives->begun || span->first_time_ns < lives->start_ns) {
			lives->start_ns = span->first_time_ns;
			lives->start_seq = span->first_seq;
			lives->begun = true;
		}
		note_resource(lives, one, span->first_time_ns);
		lives->restarted |= one->known && span->first == 0;
	}
	free(newborn);
	return r;
}

int
et_lives_add(struct et_lives *lives, const struct et_row *row, struct et_error *err)
{
	struct et_lives_aggregate *one = aggregate_of(lives, row);
	enum step step = step_of(lives, one, row);
	int r;

	if (step == BEGINS) {
		r = begin(lives, row, err);
		if (r < 0)
			return r;
		one = &lives->list[place_of(lives, &row->aggregate)];
	}
	if (!lives->begun) {
		lives->start_ns = row->event_time_ns;
		lives->start_seq = row->seq;
		lives->begun = true;
	}
	lives->last_ns = row->event_time_ns;
	note_resource(lives, one, row->event_time_ns);
	lives->restarted |= one->known && row->version == 0;
	one->messages++;
	one->last_ns = row->event_time_ns;
	if (!et_coverage_add(&one->coverage, row->version, row->event_time_ns, row->seq))
		one->duplicates++;
	lives->last = *row;
	lives->has_last = true;
	return 0;
}

void
et_lives_registered(struct et_lives *lives, int64_t time_ns)
{
	lives->registered_ns = time_ns;
}

int
et_lives_end(struct et_lives *lives, struct et_error *err)
{
	int r = lives->begun ? hand_out(lives, err) : 0;

	clear(lives);
	lives->count = 0;
	lives->number = 0;
	lives->has_last = false;
	lives->registered_ns = ET_TIME_NONE;
	return r;
}
