/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hub's HTTP gateway answers, as protobuf's JSON form: one object a
 * line, {"result": {TYPE: EVENT}}, or {"error": {code, message}} where the
 * stream fails behind its beginning. Pure.
 */
#ifndef ET_STORE_GATEWAY_JSON_H
#define ET_STORE_GATEWAY_JSON_H

#include "base/buf.h"
#include "store/gateway_event.h"

#define ET_GATEWAY_LINE_BYTES_MAX (32u << 20) /* 4 MiB in base64, with all that may be escaped */
#define ET_GATEWAY_EVENT_BYTES_MAX (4u << 20) /* as protobuf: the hub's own limit */

/* Lines out of pieces of any size. */
struct et_gateway_lines {
	struct et_buf line;  /* the one in hand */
	struct et_buf event; /* scratch */
	uint64_t count;      /* lines read */
};
void et_gateway_lines_init(struct et_gateway_lines *lines);
void et_gateway_lines_reset(struct et_gateway_lines *lines);
void et_gateway_lines_done(struct et_gateway_lines *lines);
/* ET_GARBLED; what an {"error"} says (et_grpc_fail); or what the sink says. */
ET_CHECKED int et_gateway_lines_feed(struct et_gateway_lines *lines, const void *bytes,
				     size_t count, et_gateway_sink *sink, void *cookie,
				     struct et_error *err);
/* ET_UNAVAILABLE when the last line is not whole; what it says when it is an error. */
ET_CHECKED int et_gateway_lines_end(struct et_gateway_lines *lines, struct et_error *err);

/* Sets the error of an answer that is refused as a whole: a status of HTTP other than 200, and its
 * body, perhaps {code, message}. ET_DENIED, ET_TIMEOUT, ET_UNAVAILABLE, ET_GARBLED. */
int et_gateway_refused(struct et_error *err, long status, struct et_slice body);

#endif
