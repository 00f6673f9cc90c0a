// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "audit/contents.h"
#include "event/links.h"

#define BYTES_MAX (16u << 20)
#define LINKS_MAX 262144u /* a message of the hub has 4 MiB */
#define WIRE_BYTES 2
#define RESOURCES_FIELD 2 /* of what is published, and of the snapshot */

/* What an event said of an href; positions are of the bytes below. */
struct link {
	size_t href;
	size_t href_size;
	size_t resource;
	size_t resource_size;
	bool gone;
};

struct et_linkset {
	struct et_buf bytes;
	struct link *list; /* in the order of their events */
	size_t count;
	size_t capacity;
	struct et_buf left; /* two snapshots with nothing but their links */
	struct et_buf right;
};

struct et_linkset *
et_linkset_new(void)
{
	struct et_linkset *set = et_calloc(1, sizeof(*set));

	et_buf_init(&set->bytes, BYTES_MAX);
	et_buf_init(&set->left, ET_PAYLOAD_BYTES_MAX);
	et_buf_init(&set->right, ET_PAYLOAD_BYTES_MAX);
	return set;
}

void
et_linkset_free(struct et_linkset *set)
{
	if (set == NULL)
		return;
	et_buf_done(&set->right);
	et_buf_done(&set->left);
	et_buf_done(&set->bytes);
	free(set->list);
	free(set);
}

void
et_linkset_clear(struct et_linkset *set)
{
	et_buf_reset(&set->bytes);
	set->count = 0;
}

static int
add_link(struct et_linkset *set, struct et_slice href, const struct et_slice *resource,
	 struct et_error *err)
{
	struct link link = { .href = set->bytes.size, .href_size = href.size, .gone = true };

	if (set->count == LINKS_MAX)
		return et_error_set(err, ET_LIMIT, "a device has more than %u links", LINKS_MAX);
	et_buf_put(&set->bytes, href.data, href.size);
	if (resource != NULL) {
		link.gone = false;
		link.resource = set->bytes.size;
		link.resource_size = resource->size;
		et_buf_put(&set->bytes, resource->data, resource->size);
	}
	if (set->count == set->capacity) {
		set->capacity = set->capacity > 0 ? 2 * set->capacity : 64;
		set->list = et_realloc_array(set->list, set->capacity, sizeof(*set->list));
	}
	set->list[set->count++] = link;
	return et_buf_check(&set->bytes, "the sum of a device's links", err);
}

/* A Resource, or an entry of the snapshot's map: field 1 is the href of both. */
static bool
read_pair(struct et_slice bytes, struct et_slice *ret_href, struct et_slice *ret_value)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;

	*ret_href = *ret_value = (struct et_slice){ 0 };
	while (et_cursor_field(&cursor, &field)) {
		if (field.wire == WIRE_BYTES && field.number == 1)
			*ret_href = field.bytes;
		else if (field.wire == WIRE_BYTES && field.number == 2)
			*ret_value = field.bytes;
	}
	return !cursor.bad;
}

static int
add_resources(struct et_linkset *set, enum et_kind kind, struct et_slice protobuf,
	      struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(protobuf.data, protobuf.size);
	struct et_field field;
	int r = 0;

	while (r == 0 && et_cursor_field(&cursor, &field)) {
		struct et_slice href;
		struct et_slice value;

		if (field.number != RESOURCES_FIELD || field.wire != WIRE_BYTES)
			continue;
		if (!read_pair(field.bytes, &href, &value))
			return et_error_set(err, ET_CORRUPT, "a link is no protobuf message");
		if (kind == ET_KIND_LINKS_PUBLISHED)
			value = field.bytes;
		r = add_link(set, href, &value, err);
	}
	if (cursor.bad)
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message",
				    et_kind_info(kind)->name);
	return r;
}

static int
take_away(struct et_linkset *set, struct et_slice protobuf, struct et_error *err)
{
	struct et_links_walk walk = et_links_walk_of(ET_KIND_LINKS_UNPUBLISHED, protobuf);
	struct et_slice href;
	bool any = false;
	int r;

	while ((r = et_links_next(&walk, &href, err)) > 0) {
		any = true;
		r = add_link(set, href, NULL, err);
		if (r < 0)
			return r;
	}
	if (r == 0 && !any)
		et_linkset_clear(set);
	return r;
}

int
et_linkset_add(struct et_linkset *set, enum et_kind kind, struct et_slice protobuf,
	       struct et_error *err)
{
	switch (kind) {
	case ET_KIND_LINKS_SNAPSHOT:
		et_linkset_clear(set);
		return add_resources(set, kind, protobuf, err);
	case ET_KIND_LINKS_PUBLISHED:
		return add_resources(set, kind, protobuf, err);
	case ET_KIND_LINKS_UNPUBLISHED:
		return take_away(set, protobuf, err);
	default:
		return 0;
	}
}

/* ---- comparing ---- */

struct sorted {
	struct et_slice href;
	const struct link *link;
};

static int
compare_hrefs(const struct sorted *a, const struct sorted *b)
{
	if (a->href.size != b->href.size)
		return a->href.size < b->href.size ? -1 : 1;
	return a->href.size > 0 ? memcmp(a->href.data, b->href.data, a->href.size) : 0;
}

static int
by_href(const void *a, const void *b)
{
	const struct sorted *x = a;
	const struct sorted *y = b;
	int order = compare_hrefs(x, y);

	if (order != 0)
		return order;
	return x->link < y->link ? -1 : 1;
}

static void
put_entry(struct et_buf *out, struct et_slice href, struct et_slice resource)
{
	size_t size = 0;

	size += 1 + et_varint_size(href.size) + href.size;
	size += 1 + et_varint_size(resource.size) + resource.size;
	et_buf_varint(out, RESOURCES_FIELD << 3 | WIRE_BYTES);
	et_buf_varint(out, size);
	et_buf_field_message(out, 1, href.data, href.size);
	et_buf_field_message(out, 2, resource.data, resource.size);
}

static struct et_slice
slice_at(const struct et_linkset *set, size_t at, size_t size)
{
	return size > 0 ? (struct et_slice){ set->bytes.data + at, size } : (struct et_slice){ 0 };
}

/* The last word on each href. */
static void
put_sum(struct et_linkset *set)
{
	struct sorted *list;

	et_buf_reset(&set->right);
	if (set->count == 0)
		return;
	list = et_calloc(set->count, sizeof(*list));
	for (size_t i = 0; i < set->count; i++) {
		list[i].link = &set->list[i];
		list[i].href = slice_at(set, set->list[i].href, set->list[i].href_size);
	}
	qsort(list, set->count, sizeof(*list), by_href);
	for (size_t i = 0; i < set->count; i++) {
		const struct link *link = list[i].link;
		bool last = i + 1 == set->count || compare_hrefs(&list[i], &list[i + 1]) != 0;

		if (last && !link->gone)
			put_entry(&set->right, list[i].href,
				  slice_at(set, link->resource, link->resource_size));
	}
	free(list);
}

/* Only the entries of the map. What cannot be read makes et_compare complain. */
static void
put_links(struct et_buf *out, struct et_slice protobuf)
{
	struct et_cursor cursor = et_cursor_of(protobuf.data, protobuf.size);
	struct et_field field;

	et_buf_reset(out);
	while (et_cursor_field(&cursor, &field))
		if (field.number == RESOURCES_FIELD && field.wire == WIRE_BYTES)
			et_buf_field_message(out, RESOURCES_FIELD, field.bytes.data,
					     field.bytes.size);
}

int
et_linkset_compare(struct et_linkset *set, const struct et_claim *claim, enum et_reveal reveal,
		   struct et_buf *scratch, struct et_differences *ret, struct et_error *err)
{
	struct et_slice protobuf;
	int r;

	r = et_unsnappy(claim->event->data, scratch, err);
	if (r < 0)
		return r;
	protobuf = (struct et_slice){ scratch->data, scratch->size };
	put_links(&set->left, protobuf);
	put_sum(set);
	return et_compare(ET_KIND_LINKS_SNAPSHOT,
			  (struct et_slice){ set->left.data, set->left.size },
			  (struct et_slice){ set->right.data, set->right.size }, reveal, ret, err);
}
