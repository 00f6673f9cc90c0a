// SPDX-License-Identifier: Apache-2.0
#include "event/compare_internal.h"

#include <inttypes.h>

#include "base/digest.h"
#include "event/fields_internal.h"
#include "event/json.h"

#define TEXT_BYTES 48u  /* of the value itself */
#define QUOTED_BYTES 64 /* with what escapes make of it */
#define HEX_BYTES 24u
#define DIGEST_DIGITS 16

static void
put_digest(struct et_buf *out, struct et_slice bytes)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	char text[ET_SHA256_HEX_BYTES];
	struct et_sha256 digest;

	et_hasher_once(hasher, bytes.data, bytes.size, &digest);
	et_sha256_hex(&digest, text);
	et_buf_format(out, "%zu bytes, sha256 %.*s", bytes.size, DIGEST_DIGITS, text);
}

static void
put_cut(struct et_buf *out, struct et_slice bytes)
{
	et_buf_text(out, "... (");
	put_digest(out, bytes);
	et_buf_put_u8(out, ')');
}

static bool
continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* In quotes; as much of it as has room. */
static void
put_text(struct et_buf *out, struct et_slice text)
{
	struct et_slice piece = { text.data, text.size < TEXT_BYTES ? text.size : TEXT_BYTES };
	size_t size = out->size;

	for (;;) {
		/* Not in the middle of a character. */
		while (piece.size < text.size && piece.size > 0 && continues(text.data[piece.size]))
			piece.size--;
		et_json_text(out, piece);
		if (out->size - size <= QUOTED_BYTES)
			break;
		out->size = size;
		piece.size /= 2;
	}
	if (piece.size < text.size)
		put_cut(out, text);
}

static void
put_bytes(struct et_buf *out, struct et_slice bytes)
{
	size_t shown = bytes.size < HEX_BYTES ? bytes.size : HEX_BYTES;

	et_buf_text(out, "0x");
	for (size_t i = 0; i < shown; i++)
		et_buf_format(out, "%02x", bytes.data[i]);
	if (shown < bytes.size)
		put_cut(out, bytes);
}

uint64_t
et_compare_number(const ProtobufCFieldDescriptor *field, uint64_t value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return value != 0;
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
		return (uint64_t)(int64_t)(int32_t)value;
	default:
		return value;
	}
}

static void
put_enum(struct et_buf *out, const ProtobufCFieldDescriptor *field, int value)
{
	const ProtobufCEnumValue *name =
		protobuf_c_enum_descriptor_get_value(field->descriptor, value);

	if (name != NULL)
		et_buf_text(out, name->name);
	else
		et_buf_format(out, "%d", value);
}

void
et_compare_put_value(struct et_buf *out, const ProtobufCFieldDescriptor *field,
		     const struct et_field *value, bool hidden)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		et_buf_text(out, "message of ");
		put_digest(out, value->bytes);
		break;
	case PROTOBUF_C_TYPE_STRING:
		hidden ? put_digest(out, value->bytes) : put_text(out, value->bytes);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		hidden ? put_digest(out, value->bytes) : put_bytes(out, value->bytes);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		et_buf_text(out, value->value != 0 ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(out, field, (int)(int32_t)value->value);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		et_buf_format(out, "%" PRIu64, value->value);
		break;
	default:
		et_buf_format(out, "%" PRId64, (int64_t)et_compare_number(field, value->value));
		break;
	}
}

void
et_compare_put_unknown(struct et_buf *out, const struct et_field *value, bool hidden)
{
	static const char *const names[] = {
		[ET_WIRE_VARINT] = "varint",
		[ET_WIRE_FIXED64] = "fixed64",
		[ET_WIRE_FIXED32] = "fixed32",
	};

	if (value->wire != ET_WIRE_BYTES)
		et_buf_format(out, "%s %" PRIu64, names[value->wire], value->value);
	else if (hidden)
		put_digest(out, value->bytes);
	else
		put_bytes(out, value->bytes);
}

void
et_compare_put_key(struct et_buf *out, struct et_slice key)
{
	et_buf_put_u8(out, '[');
	put_text(out, key);
	et_buf_put_u8(out, ']');
}
