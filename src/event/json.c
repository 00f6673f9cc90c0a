// SPDX-License-Identifier: Apache-2.0
#include "event/json.h"

#include <inttypes.h>

#include "event/fields_internal.h"
#include "event/json_internal.h"

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
	wanted = et_fields_find(message, field, bytes, &joined, &value);
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

		if (!et_fields_is(field, &value))
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
	(void)et_fields_find(entry, &entry->fields[1], bytes, &joined, &value);
	r = put_value(out, &entry->fields[1], &value, err);
	et_buf_done(&joined);
	return r;
}

static int
put_map(struct et_buf *out, const ProtobufCFieldDescriptor *map, struct et_slice bytes,
	struct et_error *err)
{
	struct et_fields_items items = { 0 };
	ET_CLEAN_MEM struct et_fields_item *list = NULL;
	bool first = true;
	int r = et_fields_entries(map, bytes, &items, err);

	list = items.list;
	if (r < 0 || items.count == 0)
		return r;
	et_json_name(out, map->name);
	et_buf_put_u8(out, '{');
	for (size_t i = 0; r == 0 && i < items.count; i++) {
		if (!et_fields_counts(&items, i))
			continue;
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
		[ET_WIRE_VARINT] = "varint",
		[ET_WIRE_FIXED64] = "fixed64",
		[ET_WIRE_FIXED32] = "fixed32",
	};

	if (field->wire == ET_WIRE_BYTES) {
		et_buf_text(out, "{\"bytes\":");
		et_json_base64(out, field->bytes);
		et_buf_put_u8(out, '}');
	} else {
		et_buf_format(out, "{\"%s\":\"%" PRIu64 "\"}", names[field->wire], field->value);
	}
}

static void
put_unknown_list(struct et_buf *out, const struct et_fields_item *list, size_t count)
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
	struct et_fields_items items = { 0 };
	ET_CLEAN_MEM struct et_fields_item *list = NULL;
	int r = et_fields_unknown(message, bytes, &items, err);

	list = items.list;
	if (r == 0 && items.count > 0)
		put_unknown_list(out, list, items.count);
	return r;
}

/* A pass over the bytes for every field: nothing has to be kept, whatever the input. */
static int
put_message(struct et_buf *out, const ProtobufCMessageDescriptor *message, struct et_slice bytes,
	    unsigned without, struct et_error *err)
{
	int r = 0;

	if (!et_fields_readable(bytes))
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message",
				    message->short_name);
	et_buf_put_u8(out, '{');
	for (unsigned i = 0; r == 0 && i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];

		if (field->id == without)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			r = put_single(out, message, field, bytes, err);
		else if (et_fields_is_map(field))
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
