// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"

#include <endian.h>
#include <string.h>

#define VARINT_BYTES 10
#define KEY_MAX UINT32_MAX /* a field number has 29 bits, its wire type 3 */

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_DELIMITED = 2, WIRE_FIXED32 = 5 };

/* An empty rest makes every later read of a byte fail without a look at `bad`. */
static __attribute__((cold, noinline)) bool
fail(struct et_cursor *cursor)
{
	cursor->bad = true;
	cursor->end = cursor->at;
	return false;
}

static inline bool
read_le64(struct et_cursor *cursor, uint64_t *ret)
{
	uint64_t value;

	if (et_cursor_left(cursor) < sizeof(value))
		return fail(cursor);
	memcpy(&value, cursor->at, sizeof(value));
	cursor->at += sizeof(value);
	*ret = le64toh(value);
	return true;
}

static inline bool
read_le32(struct et_cursor *cursor, uint32_t *ret)
{
	uint32_t value;

	if (et_cursor_left(cursor) < sizeof(value))
		return fail(cursor);
	memcpy(&value, cursor->at, sizeof(value));
	cursor->at += sizeof(value);
	*ret = le32toh(value);
	return true;
}

static __attribute__((noinline)) bool
read_long_varint(struct et_cursor *cursor, uint64_t *ret)
{
	const uint8_t *at = cursor->at;
	size_t left = et_cursor_left(cursor);
	size_t most = left < VARINT_BYTES ? left : VARINT_BYTES;
	uint64_t value = 0;

	for (size_t i = 0; i < most; i++) {
		uint64_t byte = at[i];

		value |= (byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			if (i == VARINT_BYTES - 1 && byte > 1)
				break;
			cursor->at = at + i + 1;
			*ret = value;
			return true;
		}
	}
	return fail(cursor);
}

/* Most varints are keys and small lengths: one byte. */
static inline bool
read_varint(struct et_cursor *cursor, uint64_t *ret)
{
	const uint8_t *at = cursor->at;

	if (__builtin_expect(at != cursor->end && *at < 0x80, 1)) {
		*ret = *at;
		cursor->at = at + 1;
		return true;
	}
	return read_long_varint(cursor, ret);
}

static inline bool
read_bytes(struct et_cursor *cursor, uint64_t count, struct et_slice *ret)
{
	if (count > et_cursor_left(cursor))
		return fail(cursor);
	*ret = (struct et_slice){ .data = cursor->at, .size = (size_t)count };
	if (count > 0)
		cursor->at += count;
	return true;
}

bool
et_cursor_u8(struct et_cursor *cursor, uint8_t *ret)
{
	if (cursor->at == cursor->end)
		return fail(cursor);
	*ret = *cursor->at++;
	return true;
}

bool
et_cursor_le32(struct et_cursor *cursor, uint32_t *ret)
{
	return read_le32(cursor, ret);
}

bool
et_cursor_le64(struct et_cursor *cursor, uint64_t *ret)
{
	return read_le64(cursor, ret);
}

bool
et_cursor_varint(struct et_cursor *cursor, uint64_t *ret)
{
	return read_varint(cursor, ret);
}

bool
et_cursor_bytes(struct et_cursor *cursor, size_t count, struct et_slice *ret)
{
	/* Zero bytes are always there, but not in a cursor that is bad. */
	return !cursor->bad && read_bytes(cursor, count, ret);
}

bool
et_cursor_delimited(struct et_cursor *cursor, struct et_slice *ret)
{
	uint64_t count;

	return read_varint(cursor, &count) && read_bytes(cursor, count, ret);
}

bool
et_cursor_field(struct et_cursor *cursor, struct et_field *ret)
{
	struct et_slice bytes = { 0 };
	uint64_t value = 0;
	uint64_t key;
	uint32_t half = 0;
	bool good;

	if (cursor->at == cursor->end || !read_varint(cursor, &key))
		return false;
	if (key > KEY_MAX || key >> 3 == 0)
		return fail(cursor);
	switch (key & 7) {
	case WIRE_VARINT:
		good = read_varint(cursor, &value);
		break;
	case WIRE_FIXED64:
		good = read_le64(cursor, &value);
		break;
	case WIRE_DELIMITED:
		good = et_cursor_delimited(cursor, &bytes);
		break;
	case WIRE_FIXED32:
		good = read_le32(cursor, &half);
		value = half;
		break;
	default:
		return fail(cursor);
	}
	if (!good)
		return false;
	*ret = (struct et_field){
		.number = (unsigned)(key >> 3),
		.wire = (unsigned)(key & 7),
		.value = value,
		.bytes = bytes,
	};
	return true;
}
