/* SPDX-License-Identifier: Apache-2.0 */
/* One event as the hub's gateway tells it: without an envelope. Pure. */
#ifndef ET_STORE_GATEWAY_EVENT_H
#define ET_STORE_GATEWAY_EVENT_H

#include "base/cursor.h"
#include "base/error.h"
#include "event/kind.h"

/* One event of an answer. */
struct et_gateway_event {
	enum et_kind kind; /* ET_KIND_UNKNOWN: a type that is not known here */
	struct et_slice protobuf;
};
/* Called for each event of an answer, which it borrows; a negative result ends the answer. */
typedef int et_gateway_sink(void *cookie, const struct et_gateway_event *event,
			    struct et_error *err);

/* The kind that a field of grpcgateway.pb.GetEventsResponse holds; ET_KIND_UNKNOWN. */
enum et_kind et_gateway_kind(unsigned field);
/* A protobuf GetEventsResponse. ET_GARBLED. */
ET_CHECKED int et_gateway_event_read(struct et_slice message, struct et_gateway_event *ret,
				     struct et_error *err);

#endif
