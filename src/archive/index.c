// SPDX-License-Identifier: Apache-2.0
#include "archive/index.h"

#include "archive/format.h"

enum {
	GROUP_DEVICE = 1,
	GROUP_AGGREGATE,
	GROUP_COUNT,
	GROUP_VERSIONS,
	GROUP_TIMES,
	GROUP_SEQS,
	GROUP_CLASSES,
	GROUP_KINDS,
	GROUP_FLAGS,
};

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* A group's fixed cost at most: its length, both ids, count, the keys and lengths of six
 * columns. */
#define GROUP_BYTES_MAX 96
/* A row's at most: three varints of ten bytes and three single bytes. */
#define ROW_BYTES_MAX 33

struct et_index_encoder {
	size_t frame_bytes;
	struct et_buf frame; /* groups that are done */
	struct et_buf group;
	struct et_buf versions;
	struct et_buf times;
	struct et_buf seqs;
	struct et_buf classes;
	struct et_buf kinds;
	struct et_buf flags;
	struct et_row last; /* of the group in hand */
	uint64_t group_count;
	uint64_t count; /* of the frame */
	struct et_index_key first_key;
};

int
et_index_key_compare(const struct et_index_key *a, const struct et_index_key *b)
{
	int order = et_uuid_compare(&a->device, &b->device);

	if (order == 0)
		order = et_uuid_compare(&a->aggregate, &b->aggregate);
	if (order != 0)
		return order;
	return (a->version > b->version) - (a->version < b->version);
}

struct et_index_key
et_index_key_of(const struct et_row *row)
{
	return (struct et_index_key){ row->device, row->aggregate, row->version };
}

struct et_index_encoder *
et_index_encoder_new(size_t frame_bytes)
{
	struct et_index_encoder *encoder = et_calloc(1, sizeof(*encoder));
	struct et_buf *columns[] = { &encoder->frame, &encoder->group, &encoder->versions,
				     &encoder->times, &encoder->seqs,  &encoder->classes,
				     &encoder->kinds, &encoder->flags };

	/* A frame takes one row in any case. */
	encoder->frame_bytes = frame_bytes > GROUP_BYTES_MAX + ROW_BYTES_MAX
				       ? frame_bytes
				       : GROUP_BYTES_MAX + ROW_BYTES_MAX;
	for (size_t i = 0; i < ET_COUNT(columns); i++)
		et_buf_init(columns[i], encoder->frame_bytes);
	return encoder;
}

void
et_index_encoder_free(struct et_index_encoder *encoder)
{
	if (encoder == NULL)
		return;
	et_buf_done(&encoder->frame);
	et_buf_done(&encoder->group);
	et_buf_done(&encoder->versions);
	et_buf_done(&encoder->times);
	et_buf_done(&encoder->seqs);
	et_buf_done(&encoder->classes);
	et_buf_done(&encoder->kinds);
	et_buf_done(&encoder->flags);
	free(encoder);
}

static uint64_t
zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static size_t
group_bytes(const struct et_index_encoder *e)
{
	return e->group_count == 0 ? 0
				   : GROUP_BYTES_MAX + e->versions.size + e->times.size +
					     e->seqs.size + 3 * (size_t)e->group_count;
}

/* One byte a row; one for all when they are equal; nothing when they are all zero. */
static void
put_marks(struct et_buf *group, unsigned field, struct et_buf *marks)
{
	bool equal = true;

	for (size_t i = 1; i < marks->size && equal; i++)
		equal = marks->data[i] == marks->data[0];
	if (!equal)
		et_buf_field_bytes(group, field, marks->data, marks->size);
	else if (marks->data[0] != 0)
		et_buf_field_bytes(group, field, marks->data, 1);
	et_buf_reset(marks);
}

/* Zeros only: left out. */
static void
put_column(struct et_buf *group, unsigned field, struct et_buf *column)
{
	bool zero = true;

	for (size_t i = 0; i < column->size && zero; i++)
		zero = column->data[i] == 0;
	if (!zero)
		et_buf_field_bytes(group, field, column->data, column->size);
	et_buf_reset(column);
}

static void
put_id(struct et_buf *group, unsigned field, const struct et_uuid *id)
{
	static const struct et_uuid none;

	if (et_uuid_compare(id, &none) != 0)
		et_buf_field_bytes(group, field, id->bytes, sizeof(id->bytes));
}

static void
end_group(struct et_index_encoder *e)
{
	if (e->group_count == 0)
		return;
	et_buf_reset(&e->group);
	put_id(&e->group, GROUP_DEVICE, &e->last.device);
	put_id(&e->group, GROUP_AGGREGATE, &e->last.aggregate);
	et_buf_field_u64(&e->group, GROUP_COUNT, e->group_count);
	put_column(&e->group, GROUP_VERSIONS, &e->versions);
	put_column(&e->group, GROUP_TIMES, &e->times);
	put_column(&e->group, GROUP_SEQS, &e->seqs);
	put_marks(&e->group, GROUP_CLASSES, &e->classes);
	put_marks(&e->group, GROUP_KINDS, &e->kinds);
	put_marks(&e->group, GROUP_FLAGS, &e->flags);
	et_buf_varint(&e->frame, e->group.size);
	et_buf_put(&e->frame, e->group.data, e->group.size);
	e->group_count = 0;
}

bool
et_index_encoder_add(struct et_index_encoder *e, const struct et_row *row)
{
	bool same = e->group_count > 0 && et_uuid_compare(&e->last.device, &row->device) == 0 &&
		    et_uuid_compare(&e->last.aggregate, &row->aggregate) == 0;
	struct et_row zero = { 0 };
	const struct et_row *last = same ? &e->last : &zero;
	size_t more = ROW_BYTES_MAX + (same ? 0 : GROUP_BYTES_MAX);

	if (e->frame.size + group_bytes(e) + more > e->frame_bytes)
		return false;
	if (!same)
		end_group(e);
	et_buf_varint(&e->versions, row->version - last->version);
	et_buf_varint(&e->times,
		      zigzag((uint64_t)row->event_time_ns - (uint64_t)last->event_time_ns));
	et_buf_varint(&e->seqs, zigzag(row->seq - last->seq));
	et_buf_put_u8(&e->classes, row->row_class);
	et_buf_put_u8(&e->kinds, row->kind);
	et_buf_put_u8(&e->flags, row->flags);
	if (e->count == 0)
		e->first_key = et_index_key_of(row);
	e->last = *row;
	e->group_count++;
	e->count++;
	return true;
}

struct et_slice
et_index_encoder_take(struct et_index_encoder *e, struct et_frame_entry *ret)
{
	struct et_slice raw;

	end_group(e);
	raw = (struct et_slice){ e->frame.data, e->frame.size };
	*ret = (struct et_frame_entry){
		.kind = ET_FRAME_INDEX,
		.raw_bytes = raw.size,
		.count = e->count,
		.first_key = e->first_key,
		.last_key = et_index_key_of(&e->last),
	};
	et_buf_reset(&e->frame);
	e->count = 0;
	return raw;
}

struct group {
	struct et_uuid device;
	struct et_uuid aggregate;
	uint64_t count;
	struct et_slice columns[GROUP_FLAGS + 1]; /* by field */
};

static int
corrupt(struct et_error *err, const char *what)
{
	return et_error_set(err, ET_CORRUPT, "index: %s", what);
}

static int
read_group(struct et_slice bytes, struct group *ret, struct et_error *err)
{
	struct et_cursor c = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;

	*ret = (struct group){ 0 };
	while (et_cursor_field(&c, &field)) {
		if (field.number > GROUP_FLAGS)
			continue;
		if (field.wire != (field.number == GROUP_COUNT ? WIRE_VARINT : WIRE_BYTES))
			return corrupt(err, "a field of the wrong type");
		if (field.number == GROUP_COUNT)
			ret->count = field.value;
		else
			ret->columns[field.number] = field.bytes;
	}
	for (unsigned id = GROUP_DEVICE; id <= GROUP_AGGREGATE; id++) {
		struct et_uuid *to = id == GROUP_DEVICE ? &ret->device : &ret->aggregate;

		if (ret->columns[id].size == sizeof(to->bytes))
			memcpy(to->bytes, ret->columns[id].data, sizeof(to->bytes));
		else if (ret->columns[id].size != 0)
			return corrupt(err, "an id that has not 16 bytes");
	}
	if (c.bad || ret->count == 0)
		return corrupt(err, "a group that cannot be read");
	return 0;
}

/* The next of a column; an empty column is all zeros. */
static uint64_t
next_of(struct et_cursor *column, bool empty)
{
	uint64_t value = 0;

	if (!empty)
		(void)et_cursor_varint(column, &value);
	return value;
}

static uint8_t
mark_of(struct et_slice marks, uint64_t i)
{
	if (marks.size == 0)
		return 0;
	return marks.data[marks.size == 1 ? 0 : i];
}

static int
read_rows(const struct group *g, struct et_rows *out, struct et_error *err)
{
	struct et_cursor columns[3];
	struct et_row row = { .device = g->device, .aggregate = g->aggregate };

	for (unsigned i = 0; i < 3; i++) {
		struct et_slice marks = g->columns[GROUP_CLASSES + i];

		columns[i] = et_cursor_of(g->columns[GROUP_VERSIONS + i].data,
					  g->columns[GROUP_VERSIONS + i].size);
		if (marks.size > 1 && marks.size != g->count)
			return corrupt(err, "a column of the wrong length");
	}
	for (uint64_t i = 0; i < g->count; i++) {
		row.version += next_of(&columns[0], g->columns[GROUP_VERSIONS].size == 0);
		row.event_time_ns =
			(int64_t)((uint64_t)row.event_time_ns +
				  (uint64_t)et_zigzag(
					  next_of(&columns[1], g->columns[GROUP_TIMES].size == 0)));
		row.seq +=
			(uint64_t)et_zigzag(next_of(&columns[2], g->columns[GROUP_SEQS].size == 0));
		row.row_class = mark_of(g->columns[GROUP_CLASSES], i);
		row.kind = mark_of(g->columns[GROUP_KINDS], i);
		row.flags = mark_of(g->columns[GROUP_FLAGS], i);
		et_rows_add(out, &row);
	}
	for (unsigned i = 0; i < 3; i++)
		if (columns[i].bad || et_cursor_left(&columns[i]) > 0)
			return corrupt(err, "a column of the wrong length");
	return 0;
}

int
et_index_decode(struct et_slice raw, struct et_rows *out, struct et_error *err)
{
	struct et_cursor c = et_cursor_of(raw.data, raw.size);
	size_t before = out->count;
	int r = 0;

	if (raw.size > ET_INDEX_FRAME_BYTES)
		return et_error_set(err, ET_LIMIT, "index: a frame of %zu bytes, the limit is %u",
				    raw.size, ET_INDEX_FRAME_BYTES);
	while (r == 0 && et_cursor_left(&c) > 0) {
		struct et_slice bytes = { 0 };
		struct group group;

		if (!et_cursor_delimited(&c, &bytes))
			r = corrupt(err, "a group that goes on behind the end of its frame");
		if (r == 0)
			r = read_group(bytes, &group, err);
		/* Each row costs its sequence a byte; without this, columns left out are a bomb. */
		if (r == 0 && group.count > ET_INDEX_FRAME_BYTES - (out->count - before))
			r = corrupt(err, "more rows than bytes");
		if (r == 0)
			r = read_rows(&group, out, err);
	}
	if (r < 0)
		out->count = before;
	return r;
}
