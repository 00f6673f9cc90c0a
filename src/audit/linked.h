/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an href was among its device's links, over time (docs/audit.md,
 * Rule 6). Told from the links events that the stream has shown, the numbers
 * of those that it has not, and from what the store's links say in the end. By
 * the events' own times: a links event that came late was in force before.
 * Pure.
 */
#ifndef ET_AUDIT_LINKED_H
#define ET_AUDIT_LINKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a links event says of the href. */
enum et_link_effect {
	ET_LINK_OTHER = 0, /* it is of other hrefs */
	ET_LINK_ADDED,
	ET_LINK_REMOVED, /* by name: it was there */
	ET_LINK_ABSENT,  /* all were removed, or a snapshot is without it */
};

struct et_link_event {
	uint64_t seq;
	int64_t time_ns;
	uint64_t version; /* of the links aggregate */
	enum et_link_effect effect;
};

/* Of one device, for one href. */
struct et_links {
	const struct et_link_event
		*events; /* of all its lives; those that cannot be read left out */
	size_t event_count;
	/* What the store has, of the newest life. */
	bool stored;
	bool linked; /* the href is among them */
	uint64_t latest_version;
	int64_t latest_ns; /* when that one was saved; ET_TIME_NONE */
};

enum et_linked {
	ET_LINKED_NOT_KNOWN = 0,
	ET_LINKED_PRESENT,
	ET_LINKED_LIKELY, /* as far as is known, but events that are missing could say otherwise */
	ET_LINKED_ABSENT,
	ET_LINKED_CHANGED, /* present for a part of the time, and for another perhaps not */
};

/* Stretches of time, each with what the href was then. */
struct et_linked_part {
	int64_t from_ns;   /* ends where the next one begins */
	uint64_t from_seq; /* of the links event with which it begins; UINT64_MAX: not known */
	enum et_linked state;
};
struct et_linked_line {
	struct et_linked_part *parts;
	size_t count;
	bool complete; /* no links event is missing */
	/* The first links event of the life, when that is version 0; else ET_TIME_NONE. */
	int64_t begin_ns;
	uint64_t begin_seq;
};

/* One life of the device: its events are in [from_ns, to_ns), ET_TIME_NONE: open. */
struct et_linked_life {
	int64_t from_ns;
	int64_t to_ns;
	bool begins_unseen; /* it may have begun before the archives */
};

/* Free it with et_linked_line_done. O(events log events). */
void et_linked_line_of(const struct et_links *links, const struct et_linked_life *life,
		       struct et_linked_line *ret);
void et_linked_line_done(struct et_linked_line *line);

/* A time in question: between two events of another aggregate. */
struct et_linked_time {
	int64_t from_ns; /* ET_TIME_NONE: an open end */
	int64_t to_ns;
	uint64_t from_seq;
	uint64_t to_seq;
};
/* Times less far apart than clocks of replicas may be tell an order only where the sequences tell
 * the same. */
enum et_linked et_linked_over(const struct et_linked_line *line, const struct et_linked_time *time);

#endif
