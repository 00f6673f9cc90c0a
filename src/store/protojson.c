// SPDX-License-Identifier: Apache-2.0
#include "store/protojson.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 64
#define DIGITS_MOST 20 /* of a 64-bit number, with its sign */

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* A message in the making. */
struct writer {
	struct et_buf *out;
	struct et_error *err;
};

static int
wrong(struct writer *writer, const ProtobufCFieldDescriptor *field, const char *what)
{
	return et_error_set(writer->err, ET_GARBLED, "'%s' is no %s", field->name, what);
}

/* "device_id" is "deviceId". */
static void
camel(const char *name, char ret[NAME_BYTES])
{
	size_t used = 0;
	bool upper = false;

	for (; *name != '\0' && used + 1 < NAME_BYTES; name++) {
		if (*name == '_') {
			upper = true;
			continue;
		}
		ret[used++] = upper ? (char)toupper((unsigned char)*name) : *name;
		upper = false;
	}
	ret[used] = '\0';
}

const json_t *
et_protojson_get(const json_t *object, const char *name)
{
	char text[NAME_BYTES];
	const json_t *value;

	camel(name, text);
	value = json_object_get(object, text);
	return value != NULL ? value : json_object_get(object, name);
}

static void
put_tag(struct et_buf *out, unsigned number, unsigned wire)
{
	et_buf_varint(out, (uint64_t)number << 3 | wire);
}

static void
put_bytes(struct et_buf *out, unsigned number, const void *bytes, size_t count)
{
	put_tag(out, number, WIRE_BYTES);
	et_buf_varint(out, count);
	et_buf_put(out, bytes, count);
}

/* ---- numbers ---- */

/* A number of JSON, or its digits in a text; negative ones as two's complement. */
static bool
read_number(const json_t *value, bool is_signed, uint64_t *ret)
{
	const char *text = json_string_value(value);
	char *end = NULL;

	if (json_is_integer(value)) {
		*ret = (uint64_t)json_integer_value(value);
		return is_signed || json_integer_value(value) >= 0;
	}
	if (text == NULL || strlen(text) != json_string_length(value) ||
	    strspn(text, "-0123456789") != strlen(text) || strlen(text) > DIGITS_MOST ||
	    text[0] == '\0' || (text[0] == '-' && !is_signed))
		return false;
	errno = 0;
	*ret = is_signed ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && end[-1] != '-';
}

static int
read_int32(const json_t *value, uint64_t *ret)
{
	int64_t number;

	if (!read_number(value, true, ret))
		return -1;
	number = (int64_t)*ret;
	return number >= INT32_MIN && number <= INT32_MAX ? 0 : -1;
}

/* A name that is not known counts as zero. */
static int
read_enum(const ProtobufCFieldDescriptor *field, const json_t *value, uint64_t *ret)
{
	const ProtobufCEnumValue *known;

	if (!json_is_string(value))
		return read_int32(value, ret);
	known = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor,
							     json_string_value(value));
	*ret = known != NULL ? (uint64_t)(int64_t)known->value : 0;
	return 0;
}

/* ---- bytes ---- */

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets, with or without the padding. Into `to`, which has room for 3/4 of the text. */
static bool
unbase64(const char *text, size_t count, uint8_t *to, size_t *ret_bytes)
{
	uint32_t bits = 0;
	size_t bytes = 0;
	size_t i;

	while (count > 0 && text[count - 1] == '=')
		count--;
	for (i = 0; i < count; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 == 0)
			continue;
		to[bytes++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*ret_bytes = bytes;
	return count % 4 != 1;
}

static int
put_base64(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
	   bool also_empty)
{
	size_t count = json_string_length(value);
	ET_CLEAN_MEM uint8_t *plain = et_alloc(count + 1);
	size_t bytes = 0;

	if (!json_is_string(value) || !unbase64(json_string_value(value), count, plain, &bytes))
		return wrong(writer, field, "base64");
	if (bytes > 0 || also_empty)
		put_bytes(writer->out, field->id, plain, bytes);
	return 0;
}

/* ---- fields ---- */

static int
put_message(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value)
{
	struct et_buf nested;
	int r;

	et_buf_init(&nested, writer->out->ceiling);
	r = et_protojson_read(field->descriptor, value, &nested, writer->err);
	if (r == 0)
		r = et_buf_check(&nested, "a message", writer->err);
	if (r == 0)
		put_bytes(writer->out, field->id, nested.data, nested.size);
	et_buf_done(&nested);
	return r < 0 ? et_error_wrap(writer->err, ET_GARBLED, "'%s'", field->name) : 0;
}

static int
put_string(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
	   bool also_empty)
{
	if (!json_is_string(value))
		return wrong(writer, field, "text");
	if (json_string_length(value) > 0 || also_empty)
		put_bytes(writer->out, field->id, json_string_value(value),
			  json_string_length(value));
	return 0;
}

static int
put_number(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
	   bool also_zero)
{
	uint64_t number = 0;
	bool good;

	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		good = json_is_boolean(value);
		number = json_is_true(value);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		good = read_enum(field, value, &number) == 0;
		break;
	case PROTOBUF_C_TYPE_INT32:
		good = read_int32(value, &number) == 0;
		break;
	default: /* proto/ has no others */
		good = read_number(value, field->type == PROTOBUF_C_TYPE_INT64, &number);
		break;
	}
	if (!good)
		return wrong(writer, field, "number of its kind");
	if (number != 0 || also_zero) {
		put_tag(writer->out, field->id, WIRE_VARINT);
		et_buf_varint(writer->out, number);
	}
	return 0;
}

/* also_empty: a zero, too, stands for itself (in lists, in a oneof). */
static int
put_value(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
	  bool also_empty)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return put_message(writer, field, value);
	case PROTOBUF_C_TYPE_STRING:
		return put_string(writer, field, value, also_empty);
	case PROTOBUF_C_TYPE_BYTES:
		return put_base64(writer, field, value, also_empty);
	default:
		return put_number(writer, field, value, also_empty);
	}
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

static int
put_entry(struct writer *writer, const ProtobufCFieldDescriptor *map, const char *key,
	  const json_t *value)
{
	const ProtobufCMessageDescriptor *entry = map->descriptor;
	struct et_buf bytes;
	struct writer inner = { &bytes, writer->err };
	int r;

	et_buf_init(&bytes, writer->out->ceiling);
	put_bytes(&bytes, entry->fields[0].id, key, strlen(key));
	r = put_value(&inner, &entry->fields[1], value, true);
	if (r == 0)
		r = et_buf_check(&bytes, "an entry of a map", writer->err);
	if (r == 0)
		put_bytes(writer->out, map->id, bytes.data, bytes.size);
	et_buf_done(&bytes);
	return r < 0 ? et_error_wrap(writer->err, ET_GARBLED, "'%s'", map->name) : 0;
}

static int
put_map(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *map)
{
	json_t *object = (json_t *)(uintptr_t)map; /* it is not changed */
	const char *key;
	json_t *value;
	int r = 0;

	if (!json_is_object(map))
		return wrong(writer, field, "map");
	json_object_foreach(object, key, value)
	{
		r = put_entry(writer, field, key, value);
		if (r < 0)
			break;
	}
	return r;
}

static int
put_list(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *list)
{
	int r = 0;

	if (!json_is_array(list))
		return wrong(writer, field, "list");
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = put_value(writer, field, json_array_get(list, i), true);
	return r;
}

static int
put_field(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value)
{
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return put_value(writer, field, value,
				 (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0);
	return is_map(field) ? put_map(writer, field, value) : put_list(writer, field, value);
}

int
et_protojson_read(const ProtobufCMessageDescriptor *message, const json_t *json, struct et_buf *out,
		  struct et_error *err)
{
	struct writer writer = { out, err };
	size_t known = 0;
	int r = 0;

	if (!json_is_object(json))
		return et_error_set(err, ET_GARBLED, "no JSON object");
	for (unsigned i = 0; r == 0 && i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];
		const json_t *value = et_protojson_get(json, field->name);

		known += value != NULL;
		if (value != NULL && !json_is_null(value))
			r = put_field(&writer, field, value);
	}
	/* What a device sent, decoded, in the place of the message that holds it. */
	if (r == 0 && known == 0 && json_object_size(json) > 0)
		return et_error_set(err, ET_GARBLED, "no %s: none of its names is one of those",
				    message->short_name);
	return r;
}
