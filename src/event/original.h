/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published events inside a stored snapshot (docs/plgd.md, What a snapshot
 * holds): an embedded event is the original of its own
 * event_metadata.version. Bytes are slices of the decompressed snapshot: byte
 * for byte what was published before snappy.
 */
#ifndef ET_EVENT_ORIGINAL_H
#define ET_EVENT_ORIGINAL_H

#include "event/envelope.h"

struct et_original {
	enum et_kind kind;
	struct et_slice bytes;
	struct et_payload payload; /* its own version, time, audit context */
};

/* Walks what is embedded: 1, 0 at the end (and for kinds that embed nothing), ET_CORRUPT. */
struct et_original_walk {
	enum et_kind snapshot;
	struct et_cursor cursor;
};
struct et_original_walk et_original_walk_of(enum et_kind snapshot, struct et_slice protobuf);
ET_CHECKED int et_original_next(struct et_original_walk *walk, struct et_original *ret,
				struct et_error *err);

#endif
