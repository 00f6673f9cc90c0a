/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message of the stream as it is archived: the protobuf message
 * evtrail.Record (proto/archive.proto), written and read by hand because
 * millions of them pass per run.
 *
 *	1 sequence u64 | 2 time_ns i64 | 3 subject bytes | 4 headers repeated | 5 body bytes
 *	Header: 1 name bytes | 2 value bytes, repeated
 *
 * Canonical form: fields in number order, zero values left out, header names
 * sorted bytewise, the values of a name in the order of arrival. The bytes
 * after the length prefix are the leaf of the Merkle tree: written once, never
 * re-encoded.
 *
 * All slices borrow the bytes that they were read from.
 */
#ifndef ET_EVENT_RECORD_H
#define ET_EVENT_RECORD_H

#include "base/buf.h"
#include "base/cursor.h"

#define ET_RECORD_BYTES_MAX (72u << 20) /* NATS's hard max_payload is 64 MiB, and headers */

struct et_record {
	uint64_t seq;
	int64_t time_ns; /* the stream's */
	struct et_slice subject;
	struct et_slice headers; /* the encoded field 4 entries; walk with et_header_next */
	struct et_slice body;
};

struct et_header {
	struct et_slice name;
	struct et_slice value;
};

/* Sorts the pairs in place (by name, stable) and appends them as field 4 entries. */
void et_headers_encode(struct et_buf *out, struct et_header *pairs, size_t count);
/* The next (name, value) pair: 1, 0 at the end, ET_CORRUPT. */
struct et_header_walk {
	struct et_cursor entries; /* what is left of the entries */
	struct et_cursor values;  /* what is left of the entry in hand */
	struct et_slice name;
};
struct et_header_walk et_header_walk_of(const struct et_record *record);
ET_CHECKED int et_header_next(struct et_header_walk *walk, struct et_header *ret);

/* Exact size of the encoded record, length prefix not included. */
size_t et_record_size(const struct et_record *record);
/* Appends the length prefix (varint) and the record; nothing beyond the ceiling. ret_leaf (may be
 * NULL) is the offset in the buffer at which the record begins behind its prefix. */
void et_record_append(struct et_buf *out, const struct et_record *record, size_t *ret_leaf);
/* Reads the bytes of one record (without prefix). Fields have to be in number order; unknown ones
 * behind 5 are skipped. */
ET_CHECKED int et_record_read(struct et_slice bytes, struct et_record *ret, struct et_error *err);
/* The next length-delimited record of a buffer: 1 and *ret_leaf, 0 at the end, ET_CORRUPT. */
ET_CHECKED int et_record_next(struct et_cursor *cursor, struct et_slice *ret_leaf,
			      struct et_error *err);

#endif
