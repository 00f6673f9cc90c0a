/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON text, driven by the protobuf-c descriptors made from proto/:
 * field names as in the .proto files, enums by name, int64 as strings like
 * protojson, bytes as base64, maps sorted by key, unknown fields kept under
 * "unknown" by number. Hostile input: nesting is bounded by the descriptors.
 */
#ifndef ET_EVENT_JSON_H
#define ET_EVENT_JSON_H

#include "base/buf.h"
#include "event/envelope.h"
#include "event/record.h"

/* The event's protobuf (decompressed) as one JSON object. ET_CORRUPT; ET_GONE for an unknown kind. */
ET_CHECKED int et_json_event(enum et_kind kind, struct et_slice protobuf, struct et_buf *out,
			     struct et_error *err);
/* A whole record: sequence, time, subject, headers, and the decoded body ("envelope" and "event",
 * or "registration"); what cannot be decoded stands as "body" in base64 with "error". */
void et_json_record(const struct et_record *record, struct et_buf *out);
/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void et_json_text(struct et_buf *out, struct et_slice text);
void et_json_base64(struct et_buf *out, struct et_slice bytes);

#endif
