/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hub's gateway tells of one device, event by event, put together to
 * documents in the form of the EventStore. Pure.
 *
 * Events come without an envelope: the version is that of event_metadata, the
 * aggregate is computed, and nothing says what belonged to one document. Inside
 * a document versions are contiguous, and so they are sent; so a document ends
 * where the next event of the aggregate does not go on with the next version.
 */
#ifndef ET_STORE_GATEWAY_ANSWER_H
#define ET_STORE_GATEWAY_ANSWER_H

#include "base/buf.h"
#include "base/uuid5.h"
#include "store/driver.h"
#include "store/gateway_event.h"

#define ET_GATEWAY_EVENTS_MAX 1000000u       /* of one device */
#define ET_GATEWAY_BODIES_BYTES (512u << 20) /* of what is kept of one device */

struct et_gateway_item {
	struct et_uuid aggregate;
	bool malformed; /* nothing is known of it but perhaps the aggregate */
	bool has_aggregate;
	enum et_kind kind;
	uint64_t version;
	int64_t time_ns;
	size_t start; /* in bodies */
	size_t bytes;
	size_t number; /* in the order in which they came */
};

/* One device's answer. */
struct et_gateway_answer {
	char device_id[ET_UUID_TEXT_BYTES];
	bool keep; /* the events themselves too, not only their versions */
	struct et_gateway_item *items;
	size_t count;
	size_t capacity;
	struct et_buf bodies;
	struct et_buf scratch;
};
void et_gateway_answer_init(struct et_gateway_answer *answer);
void et_gateway_answer_done(struct et_gateway_answer *answer);
/* For a new answer, or the same one again. device_id may be the answer's own. */
void et_gateway_answer_begin(struct et_gateway_answer *answer, const char *device_id, bool keep);
/* An et_gateway_sink. An event that cannot be read is a malformed item; one of another device is
 * ET_GARBLED: then the filter was not heeded. */
ET_CHECKED int et_gateway_answer_add(void *answer, const struct et_gateway_event *event,
				     struct et_error *err);
/* All came: sorts them by aggregate, then as they came. */
void et_gateway_answer_end(struct et_gateway_answer *answer);

/* Items that make one document. */
struct et_gateway_part {
	const struct et_gateway_item *first;
	size_t count;
	bool malformed;
};
/* The next document, *at being 0 at first; false at the end. */
bool et_gateway_part_next(const struct et_gateway_answer *answer, size_t *at,
			  struct et_gateway_part *ret);
/* As the EventStore would hold it; a malformed one lacks its latestversion. To be destroyed. Only
 * of an answer that keeps. */
bson_t *et_gateway_part_bson(struct et_gateway_answer *answer, const struct et_gateway_part *part);

#endif
