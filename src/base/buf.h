/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer, born with a ceiling, and the protobuf wire writer on
 * top of it (the few field kinds that our own formats use).
 *
 * A write beyond the ceiling does not happen and marks the buffer `overflow`:
 * write a whole message, then ask et_buf_check once. Zero-initialised with
 * et_buf_init; et_buf_done gives the memory back.
 */
#ifndef ET_BASE_BUF_H
#define ET_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct et_buf {
	uint8_t *data;
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
	size_t ceiling;  /* never more than this */
	bool overflow;   /* a write was refused since the last reset */
};

void et_buf_init(struct et_buf *buf, size_t ceiling);
void et_buf_reset(struct et_buf *buf); /* size 0, memory kept */
void et_buf_done(struct et_buf *buf);
/* Makes room for `more` bytes and returns where they go, or NULL beyond the ceiling. The
 * bytes count only after et_buf_commit. */
uint8_t *et_buf_reserve(struct et_buf *buf, size_t more);
void et_buf_commit(struct et_buf *buf, size_t more);
void et_buf_put(struct et_buf *buf, const void *bytes, size_t count);
void et_buf_put_u8(struct et_buf *buf, uint8_t value);
void et_buf_put_le32(struct et_buf *buf, uint32_t value);
void et_buf_text(struct et_buf *buf, const char *text);
void et_buf_format(struct et_buf *buf, const char *format, ...) ET_PRINTF(2, 3);
/* A NUL behind the bytes (not counted in size); returns data as text. "" when empty. */
const char *et_buf_cstr(struct et_buf *buf);
/* ET_LIMIT "`what` is larger than N bytes" when a write was refused, else 0. */
ET_CHECKED int et_buf_check(const struct et_buf *buf, const char *what, struct et_error *err);

/* Protobuf wire. Fields with a zero or empty value are left out, as proto3 does. */
void et_buf_varint(struct et_buf *buf, uint64_t value);
void et_buf_field_u64(struct et_buf *buf, unsigned field, uint64_t value);
void et_buf_field_i64(struct et_buf *buf, unsigned field,
		      int64_t value); /* int64: two's complement */
void et_buf_field_sint(struct et_buf *buf, unsigned field, int64_t value); /* sint64: zigzag */
void et_buf_field_bytes(struct et_buf *buf, unsigned field, const void *bytes, size_t count);
void et_buf_field_text(struct et_buf *buf, unsigned field, const char *text);
/* A nested message or any length-delimited field, also when empty. */
void et_buf_field_message(struct et_buf *buf, unsigned field, const void *bytes, size_t count);
size_t et_varint_size(uint64_t value);
/* Writes at most 10 bytes to `out`, returns how many. */
size_t et_varint_write(uint8_t *out, uint64_t value);

#endif
