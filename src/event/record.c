// SPDX-License-Identifier: Apache-2.0
#include "event/record.h"

#include <string.h>

#define KEY(field, wire) ((uint8_t)((field) << 3 | (wire)))

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { RECORD_SEQ = 1, RECORD_TIME, RECORD_SUBJECT, RECORD_HEADERS, RECORD_BODY };
enum { HEADER_NAME = 1, HEADER_VALUE };

static int
compare_names(const struct et_header *a, const struct et_header *b)
{
	size_t common = a->name.size < b->name.size ? a->name.size : b->name.size;
	int order = common > 0 ? memcmp(a->name.data, b->name.data, common) : 0;

	if (order != 0)
		return order;
	return (a->name.size > b->name.size) - (a->name.size < b->name.size);
}

/* Merges the neighbours [first, middle) and [middle, last) of `from` into `to`. */
static void
merge(const struct et_header *from, struct et_header *to, size_t first, size_t middle, size_t last)
{
	size_t a = first;
	size_t b = middle;

	for (size_t i = first; i < last; i++) {
		if (a < middle && (b >= last || compare_names(&from[a], &from[b]) <= 0))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

/* Stable, as qsort is not; hostile headers may be many, so no insertion. */
static void
sort_by_name(struct et_header *pairs, size_t count)
{
	ET_CLEAN_MEM struct et_header *spare = NULL;
	struct et_header *from = pairs;
	struct et_header *to;
	size_t sorted = 1;

	while (sorted < count && compare_names(&pairs[sorted - 1], &pairs[sorted]) <= 0)
		sorted++;
	if (sorted >= count)
		return;
	spare = et_realloc_array(NULL, count, sizeof(*spare));
	to = spare;
	for (size_t width = 1; width < count; width *= 2) {
		struct et_header *merged = to;

		for (size_t i = 0; i < count; i += 2 * width) {
			size_t middle = count - i > width ? i + width : count;
			size_t last = count - i > 2 * width ? i + 2 * width : count;

			merge(from, to, i, middle, last);
		}
		to = from;
		from = merged;
	}
	if (from != pairs)
		memcpy(pairs, from, count * sizeof(*pairs));
}

static size_t
bytes_size(size_t count)
{
	return 1 + et_varint_size(count) + count;
}

void
et_headers_encode(struct et_buf *out, struct et_header *pairs, size_t count)
{
	size_t last;

	sort_by_name(pairs, count);
	for (size_t first = 0; first < count; first = last) {
		const struct et_slice *name = &pairs[first].name;
		size_t bytes = name->size > 0 ? bytes_size(name->size) : 0;

		for (last = first; last < count; last++) {
			if (compare_names(&pairs[first], &pairs[last]) != 0)
				break;
			bytes += bytes_size(pairs[last].value.size);
		}
		et_buf_put_u8(out, KEY(RECORD_HEADERS, WIRE_BYTES));
		et_buf_varint(out, bytes);
		et_buf_field_bytes(out, HEADER_NAME, name->data, name->size);
		/* An empty element of a repeated field is written all the same. */
		for (size_t i = first; i < last; i++)
			et_buf_field_message(out, HEADER_VALUE, pairs[i].value.data,
					     pairs[i].value.size);
	}
}

struct et_header_walk
et_header_walk_of(const struct et_record *record)
{
	return (struct et_header_walk){
		.entries = et_cursor_of(record->headers.data, record->headers.size),
	};
}

/* Opens the next entry: true, or false at the end and when bad. */
static bool
next_entry(struct et_header_walk *walk)
{
	struct et_field field;
	struct et_cursor name;

	if (!et_cursor_field(&walk->entries, &field))
		return false;
	if (field.number != RECORD_HEADERS || field.wire != WIRE_BYTES) {
		walk->entries.bad = true;
		return false;
	}
	walk->values = et_cursor_of(field.bytes.data, field.bytes.size);
	walk->name = (struct et_slice){ 0 };
	/* The name comes first in canonical form; what is no name is left to the values. */
	name = walk->values;
	if (et_cursor_field(&name, &field) && field.number == HEADER_NAME &&
	    field.wire == WIRE_BYTES) {
		walk->name = field.bytes;
		walk->values = name;
	}
	return true;
}

int
et_header_next(struct et_header_walk *walk, struct et_header *ret)
{
	struct et_field field;

	do {
		while (et_cursor_field(&walk->values, &field)) {
			if (field.number < HEADER_VALUE || field.wire != WIRE_BYTES)
				return ET_CORRUPT;
			if (field.number != HEADER_VALUE)
				continue;
			*ret = (struct et_header){ .name = walk->name, .value = field.bytes };
			return 1;
		}
		if (walk->values.bad)
			return ET_CORRUPT;
	} while (next_entry(walk));
	return walk->entries.bad ? ET_CORRUPT : 0;
}

size_t
et_record_size(const struct et_record *record)
{
	size_t bytes = record->headers.size;

	if (record->seq != 0)
		bytes += 1 + et_varint_size(record->seq);
	if (record->time_ns != 0)
		bytes += 1 + et_varint_size((uint64_t)record->time_ns);
	if (record->subject.size > 0)
		bytes += bytes_size(record->subject.size);
	if (record->body.size > 0)
		bytes += bytes_size(record->body.size);
	return bytes;
}

static uint8_t *
write_number(uint8_t *to, unsigned field, uint64_t value)
{
	if (value == 0)
		return to;
	*to++ = KEY(field, WIRE_VARINT);
	return to + et_varint_write(to, value);
}

static uint8_t *
write_slice(uint8_t *to, struct et_slice slice)
{
	if (slice.size > 0)
		memcpy(to, slice.data, slice.size);
	return to + slice.size;
}

static uint8_t *
write_bytes(uint8_t *to, unsigned field, struct et_slice slice)
{
	if (slice.size == 0)
		return to;
	*to++ = KEY(field, WIRE_BYTES);
	to += et_varint_write(to, slice.size);
	return write_slice(to, slice);
}

void
et_record_append(struct et_buf *out, const struct et_record *record, size_t *ret_leaf)
{
	size_t bytes = et_record_size(record);
	uint8_t *start = et_buf_reserve(out, et_varint_size(bytes) + bytes);
	uint8_t *to;

	if (start == NULL)
		return;
	to = start + et_varint_write(start, bytes);
	if (ret_leaf != NULL)
		*ret_leaf = out->size + (size_t)(to - start);
	to = write_number(to, RECORD_SEQ, record->seq);
	to = write_number(to, RECORD_TIME, (uint64_t)record->time_ns);
	to = write_bytes(to, RECORD_SUBJECT, record->subject);
	to = write_slice(to, record->headers);
	to = write_bytes(to, RECORD_BODY, record->body);
	et_buf_commit(out, (size_t)(to - start));
}

/* False for a field that is not of the type it should be. */
static bool
take_field(struct et_record *record, const struct et_field *field, const uint8_t *begin,
	   const uint8_t *end)
{
	if (field->number <= RECORD_TIME) {
		if (field->number == RECORD_SEQ)
			record->seq = field->value;
		else
			record->time_ns = (int64_t)field->value;
		return field->wire == WIRE_VARINT;
	}
	if (field->number > RECORD_BODY)
		return true;
	if (field->number == RECORD_SUBJECT)
		record->subject = field->bytes;
	else if (field->number == RECORD_BODY)
		record->body = field->bytes;
	else if (record->headers.size == 0)
		record->headers = (struct et_slice){ .data = begin, .size = (size_t)(end - begin) };
	else
		record->headers.size = (size_t)(end - record->headers.data);
	return field->wire == WIRE_BYTES;
}

int
et_record_read(struct et_slice bytes, struct et_record *ret, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	const uint8_t *begin = cursor.at;
	struct et_record record = { 0 };
	struct et_field field;
	unsigned last = 0;

	/* The headers are one slice because canonical form has the fields in number order. */
	while (et_cursor_field(&cursor, &field)) {
		if (field.number < last ||
		    (field.number == last && last <= RECORD_BODY && last != RECORD_HEADERS))
			return et_error_set(err, ET_CORRUPT, "field %u of a record is out of order",
					    field.number);
		if (!take_field(&record, &field, begin, cursor.at))
			return et_error_set(err, ET_CORRUPT,
					    "field %u of a record has a wrong type", field.number);
		last = field.number;
		begin = cursor.at;
	}
	if (cursor.bad)
		return et_error_set(err, ET_CORRUPT, "a record is no protobuf message");
	*ret = record;
	return 0;
}

int
et_record_next(struct et_cursor *cursor, struct et_slice *ret_leaf, struct et_error *err)
{
	struct et_slice leaf;

	if (et_cursor_left(cursor) == 0 && !cursor->bad)
		return 0;
	if (!et_cursor_delimited(cursor, &leaf))
		return et_error_set(err, ET_CORRUPT, "a record breaks off");
	if (leaf.size > ET_RECORD_BYTES_MAX)
		return et_error_set(err, ET_CORRUPT, "a record is larger than %u bytes",
				    ET_RECORD_BYTES_MAX);
	*ret_leaf = leaf;
	return 1;
}
