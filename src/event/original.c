// SPDX-License-Identifier: Apache-2.0
#include "event/original.h"

#include "base/alloc.h"

#define WIRE_BYTES 2

/* Which field of which snapshot is which event: proto/resourceaggregate.proto. */
static const struct {
	enum et_kind snapshot;
	unsigned field;
	enum et_kind kind;
} embedded[] = {
	{ ET_KIND_RESOURCE_SNAPSHOT, 2, ET_KIND_RESOURCE_CHANGED },
	{ ET_KIND_RESOURCE_SNAPSHOT, 3, ET_KIND_CREATE_PENDING },
	{ ET_KIND_RESOURCE_SNAPSHOT, 4, ET_KIND_RETRIEVE_PENDING },
	{ ET_KIND_RESOURCE_SNAPSHOT, 5, ET_KIND_UPDATE_PENDING },
	{ ET_KIND_RESOURCE_SNAPSHOT, 6, ET_KIND_DELETE_PENDING },
	{ ET_KIND_METADATA_SNAPSHOT, 2, ET_KIND_METADATA_UPDATED },
	{ ET_KIND_METADATA_SNAPSHOT, 3, ET_KIND_METADATA_UPDATE_PENDING },
};

static enum et_kind
kind_of(enum et_kind snapshot, unsigned field)
{
	for (size_t i = 0; i < ET_COUNT(embedded); i++)
		if (embedded[i].snapshot == snapshot && embedded[i].field == field)
			return embedded[i].kind;
	return ET_KIND_UNKNOWN;
}

struct et_original_walk
et_original_walk_of(enum et_kind snapshot, struct et_slice protobuf)
{
	struct et_original_walk walk = { .snapshot = snapshot };

	if (snapshot == ET_KIND_RESOURCE_SNAPSHOT || snapshot == ET_KIND_METADATA_SNAPSHOT)
		walk.cursor = et_cursor_of(protobuf.data, protobuf.size);
	return walk;
}

int
et_original_next(struct et_original_walk *walk, struct et_original *ret, struct et_error *err)
{
	struct et_field field;

	while (et_cursor_field(&walk->cursor, &field)) {
		struct et_original original = {
			.kind = kind_of(walk->snapshot, field.number),
			.bytes = field.bytes,
		};
		int r;

		if (field.wire != WIRE_BYTES || original.kind == ET_KIND_UNKNOWN)
			continue;
		r = et_payload_read(original.kind, original.bytes, &original.payload, err);
		if (r < 0)
			return et_error_wrap(err, r, "read what a %s embeds",
					     et_kind_info(walk->snapshot)->name);
		*ret = original;
		return 1;
	}
	if (walk->cursor.bad)
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message",
				    et_kind_info(walk->snapshot)->name);
	return 0;
}
