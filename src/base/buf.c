// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 64
#define VARINT_BYTES 10

enum { WIRE_VARINT = 0, WIRE_DELIMITED = 2 };

void
et_buf_init(struct et_buf *buf, size_t ceiling)
{
	*buf = (struct et_buf){ .ceiling = ceiling };
}

void
et_buf_reset(struct et_buf *buf)
{
	buf->size = 0;
	buf->overflow = false;
}

void
et_buf_done(struct et_buf *buf)
{
	free(buf->data);
	et_buf_init(buf, buf->ceiling);
}

/* One byte more than the capacity is allocated: the NUL of et_buf_cstr always has room. */
static uint8_t *
grow(struct et_buf *buf, size_t more)
{
	size_t need;
	size_t capacity;

	if (more > buf->ceiling - buf->size) {
		buf->overflow = true;
		return NULL;
	}
	need = buf->size + more;
	capacity = buf->capacity > 0 ? buf->capacity : FIRST_BYTES;
	if (capacity < need)
		capacity = capacity > SIZE_MAX / 2 || capacity * 2 < need ? need : capacity * 2;
	if (capacity > buf->ceiling)
		capacity = buf->ceiling;
	buf->data = et_realloc(buf->data, capacity + 1);
	buf->capacity = capacity;
	return buf->data + buf->size;
}

uint8_t *
et_buf_reserve(struct et_buf *buf, size_t more)
{
	if (__builtin_expect(buf->data != NULL && more <= buf->capacity - buf->size, 1))
		return buf->data + buf->size;
	return grow(buf, more);
}

void
et_buf_commit(struct et_buf *buf, size_t more)
{
	assert(more <= buf->capacity - buf->size);
	buf->size += more;
}

void
et_buf_put(struct et_buf *buf, const void *bytes, size_t count)
{
	uint8_t *to;

	if (count == 0)
		return;
	to = et_buf_reserve(buf, count);
	if (to == NULL)
		return;
	memcpy(to, bytes, count);
	buf->size += count;
}

void
et_buf_put_u8(struct et_buf *buf, uint8_t value)
{
	et_buf_put(buf, &value, 1);
}

void
et_buf_put_le32(struct et_buf *buf, uint32_t value)
{
	const uint8_t bytes[4] = {
		(uint8_t)value,
		(uint8_t)(value >> 8),
		(uint8_t)(value >> 16),
		(uint8_t)(value >> 24),
	};

	et_buf_put(buf, bytes, sizeof(bytes));
}

void
et_buf_text(struct et_buf *buf, const char *text)
{
	et_buf_put(buf, text, strlen(text));
}

void
et_buf_format(struct et_buf *buf, const char *format, ...)
{
	uint8_t *to = et_buf_reserve(buf, 0);
	size_t room = buf->capacity - buf->size;
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf((char *)to, room + 1, format, args);
	va_end(args);
	if (count > 0 && (size_t)count > room) {
		to = et_buf_reserve(buf, (size_t)count);
		if (to == NULL)
			return;
		va_start(args, format);
		count = vsnprintf((char *)to, (size_t)count + 1, format, args);
		va_end(args);
	}
	if (count > 0)
		et_buf_commit(buf, (size_t)count);
}

const char *
et_buf_cstr(struct et_buf *buf)
{
	if (buf->data == NULL)
		return "";
	buf->data[buf->size] = '\0';
	return (const char *)buf->data;
}

int
et_buf_check(const struct et_buf *buf, const char *what, struct et_error *err)
{
	if (!buf->overflow)
		return 0;
	return et_error_set(err, ET_LIMIT, "%s is larger than %zu bytes", what, buf->ceiling);
}

size_t
et_varint_size(uint64_t value)
{
	/* 7 bits a byte: (bits + 6) / 7, as a multiplication that is exact up to 64 bits. */
	unsigned bits = 64U - (unsigned)__builtin_clzll(value | 1);

	return (bits * 9 + 64) / 64;
}

size_t
et_varint_write(uint8_t *out, uint64_t value)
{
	uint8_t *at = out;

	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return (size_t)(at - out);
}

void
et_buf_varint(struct et_buf *buf, uint64_t value)
{
	uint8_t bytes[VARINT_BYTES];

	if (__builtin_expect(buf->capacity - buf->size >= VARINT_BYTES, 1))
		buf->size += et_varint_write(buf->data + buf->size, value);
	else
		et_buf_put(buf, bytes, et_varint_write(bytes, value));
}

static void
put_key(struct et_buf *buf, unsigned field, unsigned wire)
{
	et_buf_varint(buf, (uint64_t)field << 3 | wire);
}

void
et_buf_field_u64(struct et_buf *buf, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	put_key(buf, field, WIRE_VARINT);
	et_buf_varint(buf, value);
}

void
et_buf_field_i64(struct et_buf *buf, unsigned field, int64_t value)
{
	et_buf_field_u64(buf, field, (uint64_t)value);
}

void
et_buf_field_sint(struct et_buf *buf, unsigned field, int64_t value)
{
	et_buf_field_u64(buf, field, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void
et_buf_field_bytes(struct et_buf *buf, unsigned field, const void *bytes, size_t count)
{
	if (count > 0)
		et_buf_field_message(buf, field, bytes, count);
}

void
et_buf_field_text(struct et_buf *buf, unsigned field, const char *text)
{
	et_buf_field_bytes(buf, field, text, strlen(text));
}

void
et_buf_field_message(struct et_buf *buf, unsigned field, const void *bytes, size_t count)
{
	put_key(buf, field, WIRE_DELIMITED);
	et_buf_varint(buf, count);
	et_buf_put(buf, bytes, count);
}
