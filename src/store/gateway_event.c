// SPDX-License-Identifier: Apache-2.0
#include "store/gateway_event.h"

#include "base/alloc.h"

#define WIRE_BYTES 2u

/* By the numbers of proto/gateway.proto. */
static const enum et_kind kinds[] = {
	[1] = ET_KIND_LINKS_PUBLISHED,    [2] = ET_KIND_LINKS_UNPUBLISHED,
	[3] = ET_KIND_LINKS_SNAPSHOT,     [4] = ET_KIND_RESOURCE_CHANGED,
	[5] = ET_KIND_UPDATE_PENDING,     [6] = ET_KIND_UPDATED,
	[7] = ET_KIND_RETRIEVE_PENDING,   [8] = ET_KIND_RETRIEVED,
	[9] = ET_KIND_DELETE_PENDING,     [10] = ET_KIND_DELETED,
	[11] = ET_KIND_CREATE_PENDING,    [12] = ET_KIND_CREATED,
	[13] = ET_KIND_RESOURCE_SNAPSHOT, [14] = ET_KIND_METADATA_UPDATE_PENDING,
	[15] = ET_KIND_METADATA_UPDATED,  [16] = ET_KIND_METADATA_SNAPSHOT,
};

enum et_kind
et_gateway_kind(unsigned field)
{
	return field < ET_COUNT(kinds) ? kinds[field] : ET_KIND_UNKNOWN;
}

int
et_gateway_event_read(struct et_slice message, struct et_gateway_event *ret, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(message.data, message.size);
	struct et_gateway_event event = { .kind = ET_KIND_UNKNOWN };
	struct et_field field;

	/* The last one of a oneof counts. */
	while (et_cursor_field(&cursor, &field))
		if (field.wire == WIRE_BYTES)
			event = (struct et_gateway_event){ et_gateway_kind(field.number),
							   field.bytes };
	if (cursor.bad)
		return et_error_set(err, ET_GARBLED, "what came is no event of the gateway");
	*ret = event;
	return 0;
}
