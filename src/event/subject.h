/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subjects of plgd hub (docs/plgd.md, Subjects) taken apart, built, and matched
 * against NATS patterns. Slices borrow.
 */
#ifndef ET_EVENT_SUBJECT_H
#define ET_EVENT_SUBJECT_H

#include "base/buf.h"
#include "base/cursor.h"
#include "event/kind.h"

enum et_subject_branch {
	ET_SUBJECT_FOREIGN = 0,
	ET_SUBJECT_REGISTRATIONS,
	ET_SUBJECT_LINKS,
	ET_SUBJECT_METADATA,
	ET_SUBJECT_RESOURCES,
};

struct et_subject {
	enum et_subject_branch branch;
	struct et_slice owner;    /* ownerID */
	struct et_slice device;   /* device id; empty for registrations */
	struct et_slice resource; /* hrefID, or the aggregate id before v2.8.0 */
	struct et_slice type;     /* event type */
	struct et_slice suffix;   /* "leadrt..." without the leading dot; empty: none */
	enum et_kind kind;        /* of `type`; ET_KIND_UNKNOWN: one that we do not know */
};

/* Never fails: what does not look like the hub's is ET_SUBJECT_FOREIGN. */
struct et_subject et_subject_read(struct et_slice subject);
/* Appends the subject of an event: owner as ownerID; resource only in the resources branch; without
 * a type, the name of the kind. Nothing for a foreign one. */
void et_subject_build(struct et_buf *out, const struct et_subject *parts);
/* True for a well-formed NATS pattern: tokens not empty, * alone, > alone and last. */
bool et_subject_pattern_ok(struct et_slice pattern);
/* The pattern has to be a well-formed one. */
bool et_subject_matches(struct et_slice pattern, struct et_slice subject);

#endif
