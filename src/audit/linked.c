// SPDX-License-Identifier: Apache-2.0
#include "audit/linked.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "event/coverage.h"

/* A links event, and what the href was just before and just behind it. */
struct mark {
	struct et_link_event event;
	enum et_linked before;
	enum et_linked after;
};

/* Between two marks this many links events are missing; UNTOLD: nobody can say. */
#define UNTOLD UINT64_MAX

static int
by_time(const void *a, const void *b)
{
	const struct et_link_event *x = &((const struct mark *)a)->event;
	const struct et_link_event *y = &((const struct mark *)b)->event;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool
is_of(const struct et_linked_life *life, int64_t time_ns)
{
	return (life->from_ns == ET_TIME_NONE || time_ns >= life->from_ns) &&
	       (life->to_ns == ET_TIME_NONE || time_ns < life->to_ns);
}

static int64_t
earlier(int64_t time_ns)
{
	return time_ns > INT64_MIN + ET_CLOCKS_APART_NS ? time_ns - ET_CLOCKS_APART_NS : INT64_MIN;
}

static int64_t
later(int64_t time_ns)
{
	return time_ns < INT64_MAX - ET_CLOCKS_APART_NS ? time_ns + ET_CLOCKS_APART_NS : INT64_MAX;
}

/* So many places at most: what two replicas write within seconds of each other. */
#define SWAPPED_MAX 64u

/* Two replicas with clocks that differ: their numbers tell what came first. */
static void
set_right(struct mark *marks, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct mark mark = marks[i];
		size_t at = i;

		while (at > 0 && i - at < SWAPPED_MAX &&
		       marks[at - 1].event.version > mark.event.version &&
		       marks[at - 1].event.time_ns >= earlier(mark.event.time_ns)) {
			marks[at] = marks[at - 1];
			at--;
		}
		marks[at] = mark;
	}
}

/* A duplicate, or a snapshot that was put in the event's place (docs/audit.md, Epochs). */
static bool
is_same(const struct et_link_event *one, const struct et_link_event *next)
{
	return one->version == next->version && one->time_ns >= earlier(next->time_ns);
}

/* The life's events, each once, in the order in which they were saved. */
static struct mark *
marks_of(const struct et_links *links, const struct et_linked_life *life, size_t *ret_count)
{
	struct mark *marks = et_calloc(links->event_count + 1, sizeof(*marks));
	size_t count = 0;
	size_t kept = 0;

	for (size_t i = 0; i < links->event_count; i++)
		if (is_of(life, links->events[i].time_ns))
			marks[count++].event = links->events[i];
	qsort(marks, count, sizeof(*marks), by_time);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !is_same(&marks[kept - 1].event, &marks[i].event))
			marks[kept++] = marks[i];
	set_right(marks, kept);
	*ret_count = kept;
	return marks;
}

static uint64_t
missing_before(const struct mark *marks, size_t index)
{
	uint64_t version = marks[index].event.version;
	uint64_t below;

	if (index == 0)
		return version;
	below = marks[index - 1].event.version;
	/* The store went back. */
	return version > below ? version - below - 1 : UNTOLD;
}

/* What an event says by itself. */
static void
take_effect(struct mark *mark)
{
	static const struct {
		enum et_linked before;
		enum et_linked after;
	} effects[] = {
		[ET_LINK_OTHER] = { ET_LINKED_NOT_KNOWN, ET_LINKED_NOT_KNOWN },
		[ET_LINK_ADDED] = { ET_LINKED_NOT_KNOWN, ET_LINKED_PRESENT },
		[ET_LINK_REMOVED] = { ET_LINKED_PRESENT, ET_LINKED_ABSENT },
		[ET_LINK_ABSENT] = { ET_LINKED_NOT_KNOWN, ET_LINKED_ABSENT },
	};

	mark->before = effects[mark->event.effect].before;
	mark->after = effects[mark->event.effect].after;
}

static void
learn(enum et_linked *unknown, enum et_linked known)
{
	if (*unknown == ET_LINKED_NOT_KNOWN)
		*unknown = known;
}

/* What is known on one side of an event of other hrefs, or of a time without events, holds on the
 * other side. No href was linked when the life began. */
static void
spread(struct mark *marks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (missing_before(marks, i) == 0)
			learn(&marks[i].before, i > 0 ? marks[i - 1].after : ET_LINKED_ABSENT);
		if (marks[i].event.effect == ET_LINK_OTHER)
			learn(&marks[i].after, marks[i].before);
	}
	for (size_t i = count; i-- > 0;) {
		if (marks[i].event.effect == ET_LINK_OTHER)
			learn(&marks[i].before, marks[i].after);
		if (i > 0 && missing_before(marks, i) == 0)
			learn(&marks[i - 1].after, marks[i].before);
	}
}

/* The time between two events of which so many are missing. */
static enum et_linked
between(enum et_linked after, enum et_linked before, uint64_t missing)
{
	if (after == ET_LINKED_ABSENT && before == ET_LINKED_PRESENT)
		return ET_LINKED_CHANGED;
	if (after == ET_LINKED_NOT_KNOWN || before != after)
		return ET_LINKED_NOT_KNOWN;
	/* One event cannot take it away and add it again. */
	if (missing <= 1)
		return after;
	return after == ET_LINKED_PRESENT ? ET_LINKED_LIKELY : ET_LINKED_NOT_KNOWN;
}

/* mark: with which it begins; NULL: with the life. */
static void
add_part(struct et_linked_line *line, const struct mark *mark, enum et_linked state)
{
	line->parts[line->count++] = (struct et_linked_part){
		.from_ns = mark != NULL ? mark->event.time_ns : INT64_MIN,
		.from_seq = mark != NULL ? mark->event.seq : 0,
		.state = state,
	};
}

/* Before the first event. What the archives do not reach back to is not missing. */
static enum et_linked
at_first(const struct mark *first, const struct et_linked_life *life)
{
	uint64_t missing = first->event.version;

	if (missing > 0 && life->begins_unseen)
		return first->before == ET_LINKED_PRESENT ? ET_LINKED_LIKELY : ET_LINKED_NOT_KNOWN;
	return between(ET_LINKED_ABSENT, first->before, missing);
}

/* Behind the last event, where the store does not tell of that life. Of a device that is gone
 * nothing is expected behind what was seen of an aggregate: of its links neither, as long as they
 * show no other loss. */
static void
end_open(struct et_linked_line *line, const struct mark *last)
{
	enum et_linked after = last != NULL ? last->after : ET_LINKED_NOT_KNOWN;

	if (after == ET_LINKED_PRESENT && !line->complete)
		after = ET_LINKED_LIKELY;
	line->complete = false;
	add_part(line, last, after != ET_LINKED_ABSENT ? after : ET_LINKED_NOT_KNOWN);
}

/* Behind the last event, or in a life without any, the store has newer ones. */
static void
end_newer(struct et_linked_line *line, const struct et_links *links, const struct mark *last,
	  enum et_linked after, enum et_linked stored)
{
	bool single = links->latest_version == (last != NULL ? last->event.version + 1 : 0);
	bool timed = links->latest_ns != ET_TIME_NONE;
	int64_t from_ns = links->latest_ns;

	/* A single one: nothing changed before it. */
	add_part(line, last, single && timed ? after : between(after, stored, single ? 1 : UNTOLD));
	if (!timed)
		return;
	if (last != NULL && last->event.time_ns > from_ns)
		from_ns = last->event.time_ns;
	line->parts[line->count++] = (struct et_linked_part){ from_ns, UINT64_MAX, stored };
}

/* Behind the last event, up to what the store has. */
static void
end_stored(struct et_linked_line *line, const struct et_links *links, const struct mark *last,
	   const struct et_linked_life *life)
{
	enum et_linked stored = links->linked ? ET_LINKED_PRESENT : ET_LINKED_ABSENT;
	enum et_linked first = life->begins_unseen ? ET_LINKED_NOT_KNOWN : ET_LINKED_ABSENT;
	enum et_linked after = last != NULL ? last->after : first;

	if (last != NULL && links->latest_version == last->event.version) {
		add_part(line, last, between(after, stored, 0));
		return;
	}
	line->complete = false;
	if (last == NULL || links->latest_version > last->event.version)
		end_newer(line, links, last, after, stored);
	else
		add_part(line, last, between(after, stored, UNTOLD));
}

void
et_linked_line_of(const struct et_links *links, const struct et_linked_life *life,
		  struct et_linked_line *ret)
{
	size_t count = 0;
	struct mark *marks = marks_of(links, life, &count);
	const struct mark *last = count > 0 ? &marks[count - 1] : NULL;
	bool stored = life->to_ns == ET_TIME_NONE && links->stored;

	*ret = (struct et_linked_line){ .parts = et_calloc(count + 3, sizeof(*ret->parts)),
					.complete = true,
					.begin_ns = ET_TIME_NONE };
	if (count > 0 && marks[0].event.version == 0) {
		ret->begin_ns = marks[0].event.time_ns;
		ret->begin_seq = marks[0].event.seq;
	}
	for (size_t i = 0; i < count; i++) {
		take_effect(&marks[i]);
		ret->complete = ret->complete && missing_before(marks, i) == 0;
	}
	if (last != NULL && stored && links->latest_version == last->event.version)
		learn(&marks[count - 1].after,
		      links->linked ? ET_LINKED_PRESENT : ET_LINKED_ABSENT);
	spread(marks, count);
	for (size_t i = 0; i < count; i++)
		add_part(ret, i > 0 ? &marks[i - 1] : NULL,
			 i > 0 ? between(marks[i - 1].after, marks[i].before,
					 missing_before(marks, i))
			       : at_first(&marks[0], life));
	if (stored)
		end_stored(ret, links, last, life);
	else
		end_open(ret, last);
	free(marks);
}

void
et_linked_line_done(struct et_linked_line *line)
{
	free(line->parts);
	*line = (struct et_linked_line){ .parts = NULL };
}

static bool
is_linked(enum et_linked state)
{
	return state == ET_LINKED_PRESENT || state == ET_LINKED_LIKELY;
}

static bool
was_linked(enum et_linked state)
{
	return is_linked(state) || state == ET_LINKED_CHANGED;
}

static enum et_linked
join(enum et_linked a, enum et_linked b)
{
	if (a == b)
		return a;
	if (!was_linked(a) && !was_linked(b))
		return ET_LINKED_NOT_KNOWN;
	if (is_linked(a) && is_linked(b))
		return ET_LINKED_LIKELY;
	return ET_LINKED_CHANGED;
}

/* The part begins before the time in question does, or when it has ended. */
static bool
is_before(const struct et_linked_part *part, const struct et_linked_time *time)
{
	return part->from_ns < earlier(time->from_ns) ||
	       (part->from_ns <= time->from_ns && part->from_seq < time->from_seq);
}

static bool
is_behind(const struct et_linked_part *part, const struct et_linked_time *time)
{
	return part->from_ns > later(time->to_ns) ||
	       (part->from_ns >= time->to_ns && part->from_seq > time->to_seq &&
		part->from_seq != UINT64_MAX);
}

enum et_linked
et_linked_over(const struct et_linked_line *line, const struct et_linked_time *asked)
{
	struct et_linked_time time = *asked;
	enum et_linked state;
	size_t first = 0;

	if (time.to_ns == ET_TIME_NONE)
		time.to_ns = INT64_MAX;
	/* Replicas with clocks that differ. */
	if (time.from_ns > time.to_ns) {
		time.from_ns = asked->to_ns;
		time.to_ns = asked->from_ns;
	}
	for (size_t i = 1; i < line->count; i++)
		if (is_before(&line->parts[i], &time))
			first = i;
	state = line->parts[first].state;
	for (size_t i = first + 1; i < line->count && !is_behind(&line->parts[i], &time); i++)
		state = join(state, line->parts[i].state);
	return state;
}
