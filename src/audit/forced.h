/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forced commands (docs/audit.md, Rule 6). Inside the room: the piece of the
 * decision table that asks whether the hub withheld a pending event by its own
 * rule (docs/plgd.md, Forced commands).
 */
#ifndef ET_AUDIT_FORCED_H
#define ET_AUDIT_FORCED_H

#include "audit/judge.h"

/* A run of missing versions between two that were seen. */
struct et_gap {
	bool lowest;      /* none below it was seen */
	bool head;        /* the same, or it was saved before the archives begin */
	bool open;        /* none above */
	int64_t after_ns; /* ET_TIME_NONE at an open end */
	int64_t before_ns;
	uint64_t after_seq;  /* 0 when head */
	uint64_t before_seq; /* UINT64_MAX when open; never below after_seq (replicas swap) */
};

/* A missing version. */
struct et_missing {
	const struct et_gap *gap;
	uint64_t version;
	bool answered;              /* above it, in the gap, an answer to a command is missing */
	const struct et_copy *copy; /* of that version; NULL: none */
};

/* UNANNOUNCED, UNDECIDED, or LOST for "like any other". links, orphans: of the life. */
enum et_reason et_forced_judge(const struct et_facts *facts, const struct et_linked_line *links,
			       const struct et_missing *one, enum et_rule *ret_rule);

#endif
