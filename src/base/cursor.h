/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds-checked reader: every byte that comes from outside is read
 * through one of these. It never reads past its end: a read that does not fit
 * returns false (or 0) and makes the cursor `bad` for ever, so a parser may
 * read a whole message and ask once at the end.
 *
 * It borrows the bytes; nothing is copied.
 */
#ifndef ET_BASE_CURSOR_H
#define ET_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et_slice {
	const uint8_t *data; /* may be NULL when size is 0 */
	size_t size;
};

struct et_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

/* One field of a protobuf message. */
struct et_field {
	unsigned number;
	unsigned wire;         /* 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32 */
	uint64_t value;        /* wire 0, 1, 5 */
	struct et_slice bytes; /* wire 2 */
};

static inline struct et_cursor
et_cursor_of(const void *data, size_t size)
{
	const uint8_t *p = data;

	return (struct et_cursor){ .at = p, .end = size > 0 ? p + size : p, .bad = false };
}

static inline size_t
et_cursor_left(const struct et_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

bool et_cursor_u8(struct et_cursor *cursor, uint8_t *ret);
bool et_cursor_le32(struct et_cursor *cursor, uint32_t *ret);
bool et_cursor_le64(struct et_cursor *cursor, uint64_t *ret);
/* At most 10 bytes, and nothing above 64 bits. */
bool et_cursor_varint(struct et_cursor *cursor, uint64_t *ret);
bool et_cursor_bytes(struct et_cursor *cursor, size_t count, struct et_slice *ret);
/* A varint length and that many bytes. */
bool et_cursor_delimited(struct et_cursor *cursor, struct et_slice *ret);
/* The next protobuf field: true, or false at the end and when bad. Groups (wire 3, 4) and field
 * number 0 are bad. */
bool et_cursor_field(struct et_cursor *cursor, struct et_field *ret);

static inline int64_t
et_zigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline bool
et_slice_equals(struct et_slice slice, const char *text)
{
	return slice.size == __builtin_strlen(text) &&
	       (slice.size == 0 || __builtin_memcmp(slice.data, text, slice.size) == 0);
}

#endif
