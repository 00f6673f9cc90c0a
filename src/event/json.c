// SPDX-License-Identifier: Apache-2.0
/*
 * The wire is walked beside the descriptors, without protobuf-c's decoder: that one ends a text at
 * its first NUL, and hands out some hundred bytes of memory for a message of two. What is nested
 * ends with the descriptors, none of which contains itself.
 */
#include "event/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event/json_internal.h"

/* Entries of one map, or unknown fields of one message: they are sorted. */
#define ITEMS_MAX 262144u

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* What has to be sorted: entries of a map by key, or unknown fields by number; then by arrival. */
struct item {
	struct et_slice key;
	struct et_field field;
	size_t order;
};

struct items {
	struct item *list;
	size_t count;
	size_t capacity;
};

static int
compare_items(const void *a, const void *b)
{
	const struct item *left = a;
	const struct item *right = b;
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
same_key(const struct item *a, const struct item *b)
{
	return a->key.size == b->key.size &&
	       (a->key.size == 0 || memcmp(a->key.data, b->key.data, a->key.size) == 0);
}

static int
items_add(struct items *items, struct et_slice key, const struct et_field *field,
	  struct et_error *err)
{
	if (items->count == ITEMS_MAX)
		return et_error_set(err, ET_LIMIT, "a message has more than %u entries to sort",
				    ITEMS_MAX);
	if (items->count == items->capacity) {
		items->capacity = items->capacity > 0 ? 2 * items->capacity : 8;
		items->list = et_realloc_array(items->list, items->capacity, sizeof(*items->list));
	}
	items->list[items->count] =
		(struct item){ .key = key, .field = *field, .order = items->count };
	items->count++;
	return 0;
}

static void
items_sort(struct items *items)
{
	if (items->count > 1)
		qsort(items->list, items->count, sizeof(*items->list), compare_items);
}

static unsigned
wire_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_BYTES;
	default: /* proto/ has no fixed numbers, and no numbers that are repeated */
		return WIRE_VARINT;
	}
}

static bool
is_field(const ProtobufCFieldDescriptor *descriptor, const struct et_field *field)
{
	return descriptor->id == field->number && wire_of(descriptor) == field->wire;
}

/* protobuf-c does not say what was a map; nothing else of ours is a repeated (key, value). */
static bool
is_map(const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;

	return field->type == PROTOBUF_C_TYPE_MESSAGE && entry->n_fields == 2 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0;
}

static bool
same_oneof(const ProtobufCFieldDescriptor *a, const ProtobufCFieldDescriptor *b)
{
	return (a->flags & b->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
	       a->quantifier_offset == b->quantifier_offset;
}

static bool
is_protobuf(struct et_slice bytes)
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
		finding->broken = !is_protobuf(field->bytes);
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
	if (other == NULL || !is_field(other, field) || !same_oneof(other, finding->wanted))
		return;
	finding->found = finding->broken;
	if (!finding->broken)
		et_buf_reset(finding->joined);
}

/* *ret may lie in `joined`. */
static bool
find(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *wanted,
     struct et_slice bytes, struct et_buf *joined, struct et_field *ret)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct finding finding = { .wanted = wanted, .joined = joined };
	struct et_field field;

	while (et_cursor_field(&cursor, &field)) {
		if (is_field(wanted, &field))
			take(&finding, &field, ret);
		else
			undo(&finding, message, &field);
	}
	return finding.found;
}

static int put_message(struct et_buf *out, const ProtobufCMessageDescriptor *message,
		       struct et_slice bytes, unsigned without, struct et_error *err);

static int
put_value(struct et_buf *out, const ProtobufCFieldDescriptor *field, const struct et_field *value,
	  struct et_error *err)
{
	const ProtobufCEnumValue *name;

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return put_message(out, field->descriptor, value->bytes, 0, err);
	case PROTOBUF_C_TYPE_STRING:
		et_json_text(out, value->bytes);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		et_json_base64(out, value->bytes);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		et_buf_text(out, value->value != 0 ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		name = protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value->value);
		if (name != NULL)
			et_buf_format(out, "\"%s\"", name->name);
		else
			et_buf_format(out, "%d", (int)value->value);
		break;
	case PROTOBUF_C_TYPE_INT32:
		et_buf_format(out, "%" PRId32, (int32_t)value->value);
		break;
	case PROTOBUF_C_TYPE_INT64:
		et_buf_format(out, "\"%" PRId64 "\"", (int64_t)value->value);
		break;
	default:
		et_buf_format(out, "\"%" PRIu64 "\"", value->value);
		break;
	}
	return 0;
}

void
et_json_name(struct et_buf *out, const char *name)
{
	if (out->size > 0 && out->data[out->size - 1] != '{')
		et_buf_put_u8(out, ',');
	et_buf_format(out, "\"%s\":", name);
}

static void
put_comma(struct et_buf *out, bool first)
{
	if (!first)
		et_buf_put_u8(out, ',');
}

static int
put_single(struct et_buf *out, const ProtobufCMessageDescriptor *message,
	   const ProtobufCFieldDescriptor *field, struct et_slice bytes, struct et_error *err)
{
	struct et_field value = { 0 };
	struct et_buf joined;
	bool wanted;
	int r = 0;

	et_buf_init(&joined, bytes.size);
	wanted = find(message, field, bytes, &joined, &value);
	/* proto3 does not tell a zero from nothing, but in a oneof. */
	if (wanted && field->type != PROTOBUF_C_TYPE_MESSAGE &&
	    (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		wanted = value.value != 0 || value.bytes.size > 0;
	if (wanted) {
		et_json_name(out, field->name);
		r = put_value(out, field, &value, err);
	}
	et_buf_done(&joined);
	return r;
}

static int
put_list(struct et_buf *out, const ProtobufCFieldDescriptor *field, struct et_slice bytes,
	 struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field value;
	bool first = true;

	while (et_cursor_field(&cursor, &value)) {
		int r;

		if (!is_field(field, &value))
			continue;
		if (first) {
			et_json_name(out, field->name);
			et_buf_put_u8(out, '[');
		}
		put_comma(out, first);
		first = false;
		r = put_value(out, field, &value, err);
		if (r < 0)
			return r;
	}
	if (!first)
		et_buf_put_u8(out, ']');
	return 0;
}

/* The value of an entry; one that is missing is the empty one. */
static int
put_entry(struct et_buf *out, const ProtobufCMessageDescriptor *entry, struct et_slice bytes,
	  struct et_error *err)
{
	struct et_field value = { 0 };
	struct et_buf joined;
	int r;

	et_buf_init(&joined, bytes.size);
	(void)find(entry, &entry->fields[1], bytes, &joined, &value);
	r = put_value(out, &entry->fields[1], &value, err);
	et_buf_done(&joined);
	return r;
}

static int
collect_entries(const ProtobufCFieldDescriptor *map, struct et_slice bytes, struct items *items,
		struct et_error *err)
{
	const ProtobufCMessageDescriptor *entry = map->descriptor;
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;
	int r = 0;

	while (r == 0 && et_cursor_field(&cursor, &field)) {
		struct et_field key = { 0 };

		if (!is_field(map, &field))
			continue;
		(void)find(entry, &entry->fields[0], field.bytes, NULL, &key);
		r = items_add(items, key.bytes, &field, err);
	}
	return r;
}

static int
put_map(struct et_buf *out, const ProtobufCFieldDescriptor *map, struct et_slice bytes,
	struct et_error *err)
{
	struct items items = { 0 };
	ET_CLEAN_MEM struct item *list = NULL;
	bool first = true;
	int r = collect_entries(map, bytes, &items, err);

	list = items.list;
	if (r < 0 || items.count == 0)
		return r;
	items_sort(&items);
	et_json_name(out, map->name);
	et_buf_put_u8(out, '{');
	for (size_t i = 0; r == 0 && i < items.count; i++) {
		if (i + 1 < items.count && same_key(&list[i], &list[i + 1]))
			continue; /* the last one counts */
		put_comma(out, first);
		first = false;
		et_json_text(out, list[i].key);
		et_buf_put_u8(out, ':');
		r = put_entry(out, map->descriptor, list[i].field.bytes, err);
	}
	et_buf_put_u8(out, '}');
	return r;
}

static void
put_unknown_value(struct et_buf *out, const struct et_field *field)
{
	static const char *const names[] = {
		[WIRE_VARINT] = "varint",
		[WIRE_FIXED64] = "fixed64",
		[WIRE_FIXED32] = "fixed32",
	};

	if (field->wire == WIRE_BYTES) {
		et_buf_text(out, "{\"bytes\":");
		et_json_base64(out, field->bytes);
		et_buf_put_u8(out, '}');
	} else {
		et_buf_format(out, "{\"%s\":\"%" PRIu64 "\"}", names[field->wire], field->value);
	}
}

static void
put_unknown_list(struct et_buf *out, const struct item *list, size_t count)
{
	et_json_name(out, "unknown");
	et_buf_put_u8(out, '{');
	for (size_t i = 0; i < count; i++) {
		unsigned number = list[i].field.number;
		bool first = i == 0 || list[i - 1].field.number != number;

		put_comma(out, i == 0);
		if (first)
			et_buf_format(out, "\"%u\":[", number);
		put_unknown_value(out, &list[i].field);
		if (i + 1 == count || list[i + 1].field.number != number)
			et_buf_put_u8(out, ']');
	}
	et_buf_put_u8(out, '}');
}

/* Also fields that we know, with a wire type that is not theirs. */
static int
put_unknown(struct et_buf *out, const ProtobufCMessageDescriptor *message, struct et_slice bytes,
	    struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct items items = { 0 };
	ET_CLEAN_MEM struct item *list = NULL;
	struct et_field field;
	int r = 0;

	while (r == 0 && et_cursor_field(&cursor, &field)) {
		const ProtobufCFieldDescriptor *known =
			protobuf_c_message_descriptor_get_field(message, field.number);

		if (known == NULL || !is_field(known, &field))
			r = items_add(&items, (struct et_slice){ 0 }, &field, err);
	}
	list = items.list;
	if (r < 0 || items.count == 0)
		return r;
	items_sort(&items);
	put_unknown_list(out, list, items.count);
	return 0;
}

/* A pass over the bytes for every field: nothing has to be kept, whatever the input. */
static int
put_message(struct et_buf *out, const ProtobufCMessageDescriptor *message, struct et_slice bytes,
	    unsigned without, struct et_error *err)
{
	int r = 0;

	if (!is_protobuf(bytes))
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message",
				    message->short_name);
	et_buf_put_u8(out, '{');
	for (unsigned i = 0; r == 0 && i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];

		if (field->id == without)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			r = put_single(out, message, field, bytes, err);
		else if (is_map(field))
			r = put_map(out, field, bytes, err);
		else
			r = put_list(out, field, bytes, err);
	}
	if (r == 0)
		r = put_unknown(out, message, bytes, err);
	et_buf_put_u8(out, '}');
	return r;
}

int
et_json_message(struct et_buf *out, const ProtobufCMessageDescriptor *message,
		struct et_slice bytes, unsigned without, struct et_error *err)
{
	size_t size = out->size;
	int r;

	r = put_message(out, message, bytes, without, err);
	if (r < 0)
		out->size = size;
	return r;
}
