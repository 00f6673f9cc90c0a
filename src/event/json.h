/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON text, driven by the protobuf-c descriptors made from proto/:
 * field names as in the .proto files, enums by name, int64 as strings like
 * protojson, bytes as base64, maps sorted by key, zero values left out, unknown
 * fields kept: "unknown":{"NUMBER":[{"varint":"1"},{"bytes":"AQ=="}]} (or
 * fixed32, fixed64). Hostile input: nesting is bounded by the descriptors, what
 * has to be sorted by a limit. All of it appends to `out`; beyond its ceiling
 * the buffer says so.
 */
#ifndef ET_EVENT_JSON_H
#define ET_EVENT_JSON_H

#include "base/buf.h"
#include "event/envelope.h"
#include "event/record.h"

/* The event's protobuf (decompressed; of a registration the whole identitystore.pb.Event) as one
 * JSON object. ET_CORRUPT; ET_GONE for an unknown kind; ET_LIMIT. Failing it appends nothing. */
ET_CHECKED int et_json_event(enum et_kind kind, struct et_slice protobuf, struct et_buf *out,
			     struct et_error *err);
/* A whole record: "sequence" (a number), "time", "subject", "headers" (lists of values by name),
 * and the decoded body: "envelope" (without its data) and "event", or "registration". What cannot
 * be decoded, or is foreign, stands as "body" in base64; in the first case with "error". */
void et_json_record(const struct et_record *record, struct et_buf *out);
/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void et_json_text(struct et_buf *out, struct et_slice text);
/* Likewise with its quotes. */
void et_json_base64(struct et_buf *out, struct et_slice bytes);

#endif
