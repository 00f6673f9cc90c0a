// SPDX-License-Identifier: Apache-2.0
#include "event/json.h"

#include "event/fields_internal.h"
#include "event/json_internal.h"

int
et_json_event(enum et_kind kind, struct et_slice protobuf, struct et_buf *out, struct et_error *err)
{
	const ProtobufCMessageDescriptor *message = et_fields_message(kind);
	int r;

	if (message == NULL)
		return et_error_set(err, ET_GONE, "the event type is not known");
	r = et_json_message(out, message, protobuf, 0, err);
	if (r < 0)
		return r;
	return et_buf_check(out, "the event as JSON", err);
}
