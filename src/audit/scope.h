/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a narrowed audit is about: devices, aggregates, owners, event types, a
 * subject pattern, a time. What is not known of an aggregate or of a missing
 * event could be in the scope, and so it is: a narrowed audit would rather say
 * too much than pass over a loss. Pure.
 */
#ifndef ET_AUDIT_SCOPE_H
#define ET_AUDIT_SCOPE_H

#include "audit/judge.h"
#include "base/cursor.h"

/* Of each list one has to fit; an empty one asks for nothing. */
struct et_scope {
	const struct et_uuid *devices; /* keys (et_ident_key), sorted */
	size_t device_count;
	const struct et_uuid *aggregates; /* likewise */
	size_t aggregate_count;
	const struct et_slice *owners; /* as they stand in subjects */
	size_t owner_count;
	uint64_t kinds;          /* bits of enum et_kind */
	struct et_slice pattern; /* a well-formed NATS pattern */
	int64_t from_ns;         /* inclusive; ET_TIME_NONE: open */
	int64_t to_ns;           /* exclusive; ET_TIME_NONE: open */
};
bool et_scope_is_narrow(const struct et_scope *scope);

/* One aggregate, as far as it is known. */
struct et_scope_aggregate {
	const struct et_uuid *aggregate;
	const struct et_uuid *device; /* NULL: not known */
	enum et_family family;
	/* As they stand in subjects; empty: not known. */
	struct et_slice device_id;
	struct et_slice owner;
	struct et_slice resource; /* hrefID */
};

/* Can any event of the aggregate be in the scope? */
bool et_scope_has_aggregate(const struct et_scope *scope, const struct et_scope_aggregate *one);
/* Can this event of it? from_ns and to_ns: its own time, or between which it was (ET_TIME_NONE:
 * open). */
bool et_scope_has_event(const struct et_scope *scope, const struct et_scope_aggregate *one,
			enum et_kind kind, int64_t from_ns, int64_t to_ns);

#endif
