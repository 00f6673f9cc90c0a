/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document of the EventStore (docs/plgd.md, EventStore) as the store room
 * hands it on. Slices borrow from the store's cursor and end with its next
 * step; copy with et_document_copy. Several documents may belong to one
 * aggregate (split by size): they are joined by the audit.
 */
#ifndef ET_EVENT_DOCUMENT_H
#define ET_EVENT_DOCUMENT_H

#include "base/arena.h"
#include "base/cursor.h"
#include "event/kind.h"

#define ET_DOCUMENT_EVENTS_MAX 1000000u

struct et_stored_event {
	uint64_t version;
	struct et_slice data; /* snappy of the event's protobuf */
	struct et_slice type; /* as stored */
	enum et_kind kind;
	bool is_snapshot;
	int64_t timestamp_ns;
};

struct et_document {
	struct et_slice aggregate_id;
	struct et_slice group_id; /* the device id; empty in a ghost */
	uint64_t first_version;
	uint64_t latest_version;
	int64_t latest_timestamp_ns;
	bool is_active;
	bool ghost; /* the lost race: latestversion and nothing else */
	struct et_stored_event *events;
	size_t event_count;
};

/* Deep copy into the arena; NULL beyond its limit. */
struct et_document *et_document_copy(struct et_arena *arena, const struct et_document *document);

/* One row of the index-only scan. */
struct et_head {
	struct et_slice aggregate_id;
	uint64_t latest_version;
	uint64_t first_version; /* only with --split */
};

#endif
