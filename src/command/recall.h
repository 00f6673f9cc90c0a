/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records back out of the state's archives, for the few questions of an audit
 * that the catalog does not answer: an href, a device's links, correlation
 * ids. A few archives stay open.
 */
#ifndef ET_COMMAND_RECALL_H
#define ET_COMMAND_RECALL_H

#include "audit/judge.h"
#include "command/state.h"
#include "event/envelope.h"

struct et_recall;
struct et_recall *et_recall_new(struct et_state *state);
void et_recall_free(struct et_recall *recall);
ET_CLEANUP_DEFINE(et_recall, et_recall_free);

/* A record by position (catalog.h). ET_GONE; it borrows until the next call. */
ET_CHECKED int et_recall_record(struct et_recall *recall, uint64_t position, struct et_record *ret,
				struct et_error *err);

/* An event of the stream, opened: envelope, kind, decompressed protobuf, common fields. */
struct et_recalled {
	int64_t time_ns; /* the event's own; when it has none, the stream's */
	struct et_envelope envelope;
	enum et_kind kind;
	struct et_slice protobuf;
	struct et_payload payload;
};
/* ET_CORRUPT when the record is no event that can be read. */
ET_CHECKED int et_recall_event(struct et_recall *recall, uint64_t position, struct et_recalled *ret,
			       struct et_error *err);

/* Appends what the device's links events on the stream say of an href, in no order. What cannot be
 * read is left out: by its number it is missing then. */
struct et_link_events {
	struct et_link_event *list;
	size_t count;
	size_t capacity;
};
ET_CHECKED int et_recall_links(struct et_recall *recall, const struct et_uuid *device,
			       struct et_slice href, struct et_link_events *ret,
			       struct et_error *err);

/* Appends the confirmations of an aggregate whose correlation id no pending of it has. Those later
 * than until_ns (event time) are left out: their pendings may still come. */
struct et_orphans {
	bool young; /* some were left out */
	struct et_orphan *list;
	size_t count;
	size_t capacity;
};
ET_CHECKED int et_recall_orphans(struct et_recall *recall, const struct et_uuid *device,
				 const struct et_uuid *aggregate, int64_t until_ns,
				 struct et_orphans *ret, struct et_error *err);

#endif
