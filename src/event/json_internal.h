/* SPDX-License-Identifier: Apache-2.0 */
/* What the .c files of json share. */
#ifndef ET_EVENT_JSON_INTERNAL_H
#define ET_EVENT_JSON_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/cursor.h"

/* A comma, but for the first of its object; then the name and a colon. */
void et_json_name(struct et_buf *out, const char *name);
/* The message as one JSON object; the field number `without` (0: none) is left out. ET_CORRUPT,
 * ET_LIMIT; failing it appends nothing. */
ET_CHECKED int et_json_message(struct et_buf *out, const ProtobufCMessageDescriptor *message,
			       struct et_slice bytes, unsigned without, struct et_error *err);

#endif
