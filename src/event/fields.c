// SPDX-License-Identifier: Apache-2.0
#include "event/fields_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/identitystore.pb-c.h"
#include "proto/resourceaggregate.pb-c.h"

#define RA(noun) (&resourceaggregate__pb__##noun##__descriptor)

static const ProtobufCMessageDescriptor *const descriptors[ET_KIND_COUNT] = {
	[ET_KIND_LINKS_PUBLISHED] = RA(resource_links_published),
	[ET_KIND_LINKS_UNPUBLISHED] = RA(resource_links_unpublished),
	[ET_KIND_LINKS_SNAPSHOT] = RA(resource_links_snapshot_taken),
	[ET_KIND_METADATA_UPDATE_PENDING] = RA(device_metadata_update_pending),
	[ET_KIND_METADATA_UPDATED] = RA(device_metadata_updated),
	[ET_KIND_METADATA_SNAPSHOT] = RA(device_metadata_snapshot_taken),
	[ET_KIND_RESOURCE_CHANGED] = RA(resource_changed),
	[ET_KIND_CREATE_PENDING] = RA(resource_create_pending),
	[ET_KIND_CREATED] = RA(resource_created),
	[ET_KIND_RETRIEVE_PENDING] = RA(resource_retrieve_pending),
	[ET_KIND_RETRIEVED] = RA(resource_retrieved),
	[ET_KIND_UPDATE_PENDING] = RA(resource_update_pending),
	[ET_KIND_UPDATED] = RA(resource_updated),
	[ET_KIND_DELETE_PENDING] = RA(resource_delete_pending),
	[ET_KIND_DELETED] = RA(resource_deleted),
	[ET_KIND_RESOURCE_SNAPSHOT] = RA(resource_state_snapshot_taken),
	[ET_KIND_SERVICE_UPDATED] = RA(service_metadata_updated),
	[ET_KIND_SERVICE_SNAPSHOT] = RA(service_metadata_snapshot_taken),
	[ET_KIND_DEVICES_REGISTERED] = &identitystore__pb__event__descriptor,
	[ET_KIND_DEVICES_UNREGISTERED] = &identitystore__pb__event__descriptor,
};

const ProtobufCMessageDescriptor *
et_fields_message(enum et_kind kind)
{
	return (unsigned)kind < ET_COUNT(descriptors) ? descriptors[kind] : NULL;
}

static unsigned
wire_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return ET_WIRE_BYTES;
	default: /* proto/ has no fixed numbers, and no numbers that are repeated */
		return ET_WIRE_VARINT;
	}
}

bool
et_fields_is(const ProtobufCFieldDescriptor *descriptor, const struct et_field *field)
{
	return descriptor->id == field->number && wire_of(descriptor) == field->wire;
}

bool
et_fields_knows(const ProtobufCMessageDescriptor *message, const struct et_field *field)
{
	const ProtobufCFieldDescriptor *known =
		protobuf_c_message_descriptor_get_field(message, field->number);

	return known != NULL && et_fields_is(known, field);
}

/* protobuf-c does not say what was a map; nothing else of ours is a repeated (key, value). */
bool
et_fields_is_map(const ProtobufCFieldDescriptor *descriptor)
{
	const ProtobufCMessageDescriptor *entry = descriptor->descriptor;

	return descriptor->type == PROTOBUF_C_TYPE_MESSAGE && entry->n_fields == 2 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0;
}

static bool
same_oneof(const ProtobufCFieldDescriptor *a, const ProtobufCFieldDescriptor *b)
{
	return (a->flags & b->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
	       a->quantifier_offset == b->quantifier_offset;
}

bool
et_fields_readable(struct et_slice bytes)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;

	while (et_cursor_field(&cursor, &field))
		;
	return !cursor.bad;
}

/* The value of a field that is not repeated, while its message is walked. */
struct finding {
	const ProtobufCFieldDescriptor *wanted;
	struct et_buf *joined;
	bool found;
	bool broken; /* what was found is no protobuf: it stays, to be complained of */
};

/* The last one counts; messages are put one behind the other, which is how protobuf merges. */
static void
take(struct finding *finding, const struct et_field *field, struct et_field *ret)
{
	bool merge = finding->found && finding->wanted->type == PROTOBUF_C_TYPE_MESSAGE;

	if (finding->broken)
		return;
	if (finding->wanted->type == PROTOBUF_C_TYPE_MESSAGE)
		finding->broken = !et_fields_readable(field->bytes);
	if (merge && !finding->broken) {
		if (finding->joined->size == 0)
			et_buf_put(finding->joined, ret->bytes.data, ret->bytes.size);
		et_buf_put(finding->joined, field->bytes.data, field->bytes.size);
		ret->bytes = (struct et_slice){ finding->joined->data, finding->joined->size };
	} else {
		*ret = *field;
	}
	finding->found = true;
}

/* A field of the same oneof undoes what was found. */
static void
undo(struct finding *finding, const ProtobufCMessageDescriptor *message,
     const struct et_field *field)
{
	const ProtobufCFieldDescriptor *other;

	if ((finding->wanted->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return;
	other = protobuf_c_message_descriptor_get_field(message, field->number);
	if (other == NULL || !et_fields_is(other, field) || !same_oneof(other, finding->wanted))
		return;
	finding->found = finding->broken;
	if (!finding->broken)
		et_buf_reset(finding->joined);
}

bool
et_fields_find(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *wanted,
	       struct et_slice bytes, struct et_buf *joined, struct et_field *ret)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct finding finding = { .wanted = wanted, .joined = joined };
	struct et_field field;

	while (et_cursor_field(&cursor, &field)) {
		if (et_fields_is(wanted, &field))
			take(&finding, &field, ret);
		else
			undo(&finding, message, &field);
	}
	return finding.found;
}

static int
compare_items(const void *a, const void *b)
{
	const struct et_fields_item *left = a;
	const struct et_fields_item *right = b;
	size_t common = left->key.size < right->key.size ? left->key.size : right->key.size;
	int order = common > 0 ? memcmp(left->key.data, right->key.data, common) : 0;

	if (left->field.number != right->field.number)
		return left->field.number < right->field.number ? -1 : 1;
	if (order != 0)
		return order;
	if (left->key.size != right->key.size)
		return left->key.size < right->key.size ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static bool
same_key(const struct et_fields_item *a, const struct et_fields_item *b)
{
	return a->key.size == b->key.size &&
	       (a->key.size == 0 || memcmp(a->key.data, b->key.data, a->key.size) == 0);
}

static int
items_add(struct et_fields_items *items, struct et_slice key, const struct et_field *field,
	  struct et_error *err)
{
	if (items->count == ET_FIELDS_ITEMS_MAX)
		return et_error_set(err, ET_LIMIT, "a message has more than %u entries to sort",
				    ET_FIELDS_ITEMS_MAX);
	if (items->count == items->capacity) {
		items->capacity = items->capacity > 0 ? 2 * items->capacity : 8;
		items->list = et_realloc_array(items->list, items->capacity, sizeof(*items->list));
	}
	items->list[items->count] =
		(struct et_fields_item){ .key = key, .field = *field, .order = items->count };
	items->count++;
	return 0;
}

static void
items_sort(struct et_fields_items *items)
{
	if (items->count > 1)
		qsort(items->list, items->count, sizeof(*items->list), compare_items);
}

int
et_fields_entries(const ProtobufCFieldDescriptor *map, struct et_slice bytes,
		  struct et_fields_items *ret, struct et_error *err)
{
	const ProtobufCMessageDescriptor *entry = map->descriptor;
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;
	int r = 0;

	while (r == 0 && et_cursor_field(&cursor, &field)) {
		struct et_field key = { 0 };

		if (!et_fields_is(map, &field))
			continue;
		(void)et_fields_find(entry, &entry->fields[0], field.bytes, NULL, &key);
		r = items_add(ret, key.bytes, &field, err);
	}
	items_sort(ret);
	return r;
}

int
et_fields_unknown(const ProtobufCMessageDescriptor *message, struct et_slice bytes,
		  struct et_fields_items *ret, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;
	int r = 0;

	while (r == 0 && et_cursor_field(&cursor, &field))
		if (message == NULL || !et_fields_knows(message, &field))
			r = items_add(ret, (struct et_slice){ 0 }, &field, err);
	items_sort(ret);
	return r;
}

bool
et_fields_counts(const struct et_fields_items *entries, size_t i)
{
	return i + 1 == entries->count || !same_key(&entries->list[i], &entries->list[i + 1]);
}
