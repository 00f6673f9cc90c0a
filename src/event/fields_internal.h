/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire beside the descriptors, for what reads whole events (json, compare).
 * Not protobuf-c's decoder: that one ends a text at its first NUL, and hands out
 * some hundred bytes of memory for a message of two. What is nested ends with
 * the descriptors, none of which contains itself.
 */
#ifndef ET_EVENT_FIELDS_INTERNAL_H
#define ET_EVENT_FIELDS_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "event/kind.h"

/* Entries of one map, or unknown fields of one message: they are sorted. */
#define ET_FIELDS_ITEMS_MAX 262144u

enum {
	ET_WIRE_VARINT = 0,
	ET_WIRE_FIXED64 = 1,
	ET_WIRE_BYTES = 2,
	ET_WIRE_FIXED32 = 5,
};

/* The message of an event, behind snappy; NULL for an unknown kind. */
const ProtobufCMessageDescriptor *et_fields_message(enum et_kind kind);
bool et_fields_readable(struct et_slice bytes); /* as a protobuf message, one level deep */
/* The number and the wire type are those of the descriptor. */
bool et_fields_is(const ProtobufCFieldDescriptor *descriptor, const struct et_field *field);
/* The message has such a field, of this wire type. */
bool et_fields_knows(const ProtobufCMessageDescriptor *message, const struct et_field *field);
bool et_fields_is_map(const ProtobufCFieldDescriptor *descriptor);
/* The value of a field that is not repeated, false when there is none: the last one counts, split
 * messages are put together, of a oneof the last one undoes the others. *ret may lie in `joined`,
 * which only a message needs. A message that cannot be read stays, to be complained of. */
bool et_fields_find(const ProtobufCMessageDescriptor *message,
		    const ProtobufCFieldDescriptor *wanted, struct et_slice bytes,
		    struct et_buf *joined, struct et_field *ret);

/* What has to be sorted: entries of a map by key, or unknown fields by number; then by arrival. */
struct et_fields_item {
	struct et_slice key;
	struct et_field field;
	size_t order;
};

struct et_fields_items {
	struct et_fields_item *list; /* the caller frees it */
	size_t count;
	size_t capacity;
};

/* Both append, and leave the list sorted. ET_LIMIT. */
ET_CHECKED int et_fields_entries(const ProtobufCFieldDescriptor *map, struct et_slice bytes,
				 struct et_fields_items *ret, struct et_error *err);
/* Of what the message does not know; message may be NULL: it knows nothing. */
ET_CHECKED int et_fields_unknown(const ProtobufCMessageDescriptor *message, struct et_slice bytes,
				 struct et_fields_items *ret, struct et_error *err);
/* Entry i of a map is the one that counts: the last with its key. */
bool et_fields_counts(const struct et_fields_items *entries, size_t i);

#endif
