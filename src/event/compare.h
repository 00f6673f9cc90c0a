/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two bodies of one event type compared as protobuf means them (docs/audit.md,
 * Contents): by decoded fields, so that equal events may differ in bytes. Equal
 * are a zero and nothing (but in a oneof), entries of a map in any order, fields
 * in any order, messages that were split; the last one counts of what may stand
 * once. Lists are compared element by element. Unknown fields count: those of
 * one number as a set in which a value can be more than once.
 *
 * The input may be hostile: nesting ends with the descriptors, what has to be
 * sorted has a limit, what is told is cut. Pure.
 */
#ifndef ET_EVENT_COMPARE_H
#define ET_EVENT_COMPARE_H

#include "base/cursor.h"
#include "base/error.h"
#include "event/kind.h"

#define ET_DIFFERENCES_MAX 16u
#define ET_DIFFERENCE_PATH_BYTES 224u
#define ET_DIFFERENCE_VALUE_BYTES 128u

/* Payload contents (`content.data`), users (`user_id`, `owner`) and bytes whose meaning is not
 * known are private. */
enum et_reveal {
	ET_REVEAL_DIGESTS = 0, /* of what is private only size and digest; all else as it is */
	ET_REVEAL_VALUES,
};

/* Names are always shown: "content.data", "resource_types[2]", "open_telemetry_carrier[\"x\"]",
 * "audit_context.#77" for what is not known. */
struct et_difference {
	char path[ET_DIFFERENCE_PATH_BYTES];
	/* "absent" for what is not there, and for a zero that is as good as that; what is long is
	 * cut, with its size and the first digits of its SHA-256. */
	char left[ET_DIFFERENCE_VALUE_BYTES];
	char right[ET_DIFFERENCE_VALUE_BYTES];
};

struct et_differences {
	struct et_difference list[ET_DIFFERENCES_MAX];
	size_t count;   /* of the list */
	uint64_t total; /* all of them; 0: equal */
};

/* The protobuf (decompressed) of two events of this kind; of an unknown kind every field is
 * unknown. In order of the descriptors, then of the numbers. ET_CORRUPT when they differ in bytes
 * and one of them cannot be read; ET_LIMIT. */
ET_CHECKED int et_compare(enum et_kind kind, struct et_slice left, struct et_slice right,
			  enum et_reveal reveal, struct et_differences *ret, struct et_error *err);
/* Adds one that is none of a body: the type, for example. */
void et_differences_add(struct et_differences *differences, const char *path, const char *left,
			const char *right);

#endif
