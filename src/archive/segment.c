// SPDX-License-Identifier: Apache-2.0
#include "archive/segment.h"

#include "archive/format.h"

#define RECORD_FRAME_BYTES \
	64 /* keys, lengths, sequence and time of a record, and its prefix: at most */
#define KEEP_BYTES (3U * ET_SEGMENT_BYTES / 2)

int
et_packing_new(int level, const struct et_row_hooks *rows, struct et_packing **ret,
	       struct et_error *err)
{
	ET_CLEAN(et_packing) struct et_packing *packing = et_calloc(1, sizeof(*packing));
	int r;

	et_buf_init(&packing->back, ET_FRAME_PACKED_MAX);
	r = et_frame_packer_new(level, &packing->packer, err);
	if (r < 0)
		return r;
	packing->unpacker = et_frame_unpacker_new();
	packing->hasher = et_hasher_new();
	packing->maker = rows->maker_new != NULL ? rows->maker_new(rows->cookie) : NULL;
	packing->maker_free = rows->maker_free;
	*ret = ET_STEAL(packing);
	return 0;
}

void
et_packing_free(struct et_packing *packing)
{
	if (packing == NULL)
		return;
	et_frame_packer_free(packing->packer);
	et_frame_unpacker_free(packing->unpacker);
	et_hasher_free(packing->hasher);
	if (packing->maker_free != NULL)
		packing->maker_free(packing->maker);
	et_buf_done(&packing->back);
	free(packing);
}

void
et_segment_init(struct et_segment *segment)
{
	*segment = (struct et_segment){ 0 };
	/* One record more than a member's aim, however large that record is. */
	et_buf_init(&segment->raw, ET_SEGMENT_BYTES + ET_RECORD_BYTES_MAX + RECORD_FRAME_BYTES);
	et_buf_init(&segment->packed, (size_t)2 * ET_FRAME_PACKED_MAX);
}

void
et_segment_done(struct et_segment *segment)
{
	et_buf_done(&segment->raw);
	et_buf_done(&segment->packed);
	et_rows_done(&segment->rows);
	free(segment->frames);
	free(segment->leaves);
	*segment = (struct et_segment){ 0 };
}

void
et_segment_reset(struct et_segment *segment)
{
	if (segment->raw.capacity > KEEP_BYTES)
		et_buf_done(&segment->raw);
	if (segment->packed.capacity > KEEP_BYTES)
		et_buf_done(&segment->packed);
	et_buf_reset(&segment->raw);
	et_buf_reset(&segment->packed);
	segment->frame_count = 0;
	segment->count = 0;
	segment->rows.count = 0;
	segment->counts = (struct et_archive_counts){ 0 };
	segment->around_count = 0;
}

size_t
et_segment_need(const struct et_record *record)
{
	return record->subject.size + record->headers.size + record->body.size + RECORD_FRAME_BYTES;
}

static struct et_frame_entry *
begin_frame(struct et_segment *segment, const struct et_record *record)
{
	struct et_frame_entry *frame;

	if (segment->frame_count == segment->frame_capacity) {
		segment->frame_capacity =
			segment->frame_capacity > 0 ? segment->frame_capacity * 2 : 64;
		segment->frames = et_realloc_array(segment->frames, segment->frame_capacity,
						   sizeof(*segment->frames));
	}
	frame = &segment->frames[segment->frame_count++];
	*frame = (struct et_frame_entry){
		.kind = ET_FRAME_RECORDS,
		.first_seq = record->seq,
		.first_time_ns = record->time_ns,
		.last_time_ns = record->time_ns,
	};
	return frame;
}

void
et_segment_append(struct et_segment *segment, const struct et_record *record, size_t frame_bytes)
{
	struct et_frame_entry *frame =
		segment->frame_count > 0 ? &segment->frames[segment->frame_count - 1] : NULL;
	size_t before = segment->raw.size;

	if (frame == NULL || frame->raw_bytes + et_segment_need(record) > frame_bytes)
		frame = begin_frame(segment, record);
	et_record_append(&segment->raw, record, NULL);
	frame->raw_bytes += segment->raw.size - before;
	frame->count++;
	frame->last_seq = record->seq;
	if (record->time_ns < frame->first_time_ns)
		frame->first_time_ns = record->time_ns;
	if (record->time_ns > frame->last_time_ns)
		frame->last_time_ns = record->time_ns;
	segment->last_record_time_ns = record->time_ns;
	segment->count++;
}

void
et_leaf_hash(struct et_hasher *hasher, struct et_slice leaf, struct et_sha256 *ret)
{
	static const uint8_t prefix = 0;

	et_hasher_begin(hasher);
	et_hasher_add(hasher, &prefix, sizeof(prefix));
	et_hasher_add(hasher, leaf.data, leaf.size);
	et_hasher_end(hasher, ret);
}

static void
count_class(struct et_archive_counts *counts, unsigned row_class)
{
	counts->messages++;
	switch (row_class) {
	case ET_ROW_EVENT:
		counts->events++;
		break;
	case ET_ROW_REGISTRATION:
		counts->registrations++;
		break;
	case ET_ROW_FOREIGN:
		counts->foreign++;
		break;
	default:
		counts->malformed++;
	}
}

/* Hash and rows of each record of a frame. */
static int
digest_records(struct et_segment *segment, struct et_slice raw, struct et_packing *packing,
	       const struct et_row_hooks *rows, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(raw.data, raw.size);
	struct et_slice leaf;
	int r;

	while ((r = et_record_next(&cursor, &leaf, err)) > 0) {
		struct et_record record;
		size_t before = segment->rows.count;

		et_leaf_hash(packing->hasher, leaf, &segment->leaves[segment->counts.messages]);
		r = et_record_read(leaf, &record, err);
		if (r < 0)
			return r;
		(void)rows->make(packing->maker, &record,
				 &segment->rows); /* a malformed one has its row */
		if (segment->rows.count == before)
			return et_error_set(err, ET_USAGE, "a record without a row");
		count_class(&segment->counts, segment->rows.rows[before].row_class);
	}
	return r;
}

int
et_segment_pack(struct et_segment *segment, struct et_packing *packing,
		const struct et_row_hooks *rows, struct et_error *err)
{
	size_t at = 0;

	if (segment->leaf_capacity < segment->count) {
		segment->leaves =
			et_realloc_array(segment->leaves, segment->count, sizeof(*segment->leaves));
		segment->leaf_capacity = segment->count;
	}
	for (size_t i = 0; i < segment->frame_count; i++) {
		struct et_frame_entry *frame = &segment->frames[i];
		struct et_slice raw = { segment->raw.data + at, frame->raw_bytes };
		int r = digest_records(segment, raw, packing, rows, err);

		frame->offset = segment->packed.size;
		if (r == 0)
			r = et_frame_pack(packing->packer, raw, &segment->packed, err);
		if (r < 0)
			return r;
		frame->packed_bytes = segment->packed.size - frame->offset;
		et_hasher_once(packing->hasher, segment->packed.data + frame->offset,
			       frame->packed_bytes, &frame->sha256);
		at += frame->raw_bytes;
	}
	segment->counts.rows = segment->rows.count;
	et_rows_sort(&segment->rows);
	return 0;
}
