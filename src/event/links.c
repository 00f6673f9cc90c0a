// SPDX-License-Identifier: Apache-2.0
#include "event/links.h"

#define WIRE_BYTES 2
#define HREFS_FIELD 2 /* of all three events: resources, hrefs, resources by href */

enum et_links_act
et_links_act_of(enum et_kind kind)
{
	if (kind == ET_KIND_LINKS_SNAPSHOT)
		return ET_LINKS_REPLACE;
	return kind == ET_KIND_LINKS_UNPUBLISHED ? ET_LINKS_REMOVE : ET_LINKS_ADD;
}

struct et_links_walk
et_links_walk_of(enum et_kind kind, struct et_slice protobuf)
{
	struct et_links_walk walk = { .kind = kind };

	if (et_kind_info(kind)->family == ET_FAMILY_LINKS)
		walk.cursor = et_cursor_of(protobuf.data, protobuf.size);
	return walk;
}

/* Field 1 of a Resource is its href, and so is the key of a map's entry. */
static bool
read_href(struct et_slice bytes, struct et_slice *ret)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_slice href = { 0 };
	struct et_field field;

	while (et_cursor_field(&cursor, &field))
		if (field.number == 1 && field.wire == WIRE_BYTES)
			href = field.bytes;
	if (cursor.bad)
		return false;
	*ret = href;
	return true;
}

int
et_links_next(struct et_links_walk *walk, struct et_slice *ret_href, struct et_error *err)
{
	struct et_field field;

	while (et_cursor_field(&walk->cursor, &field)) {
		if (field.number != HREFS_FIELD || field.wire != WIRE_BYTES)
			continue;
		if (walk->kind == ET_KIND_LINKS_UNPUBLISHED)
			*ret_href = field.bytes;
		else if (!read_href(field.bytes, ret_href))
			return et_error_set(err, ET_CORRUPT, "a link is no protobuf message");
		return 1;
	}
	if (walk->cursor.bad)
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message",
				    et_kind_info(walk->kind)->name);
	return 0;
}
