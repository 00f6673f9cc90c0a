// SPDX-License-Identifier: Apache-2.0
#include "archive/verify_batch.h"

#include <inttypes.h>

#include "archive/format.h"
#include "archive/index.h"
#include "archive/tar.h"

__extension__ typedef unsigned __int128 wide;

void
et_batch_init(struct et_batch *batch)
{
	*batch = (struct et_batch){ 0 };
	et_buf_init(&batch->bytes, (size_t)2 * ET_FRAME_PACKED_MAX);
	et_batch_reset(batch);
}

void
et_batch_reset(struct et_batch *batch)
{
	for (size_t i = 0; i < batch->found_count; i++)
		free(batch->found[i].text);
	et_buf_reset(&batch->bytes);
	batch->found_count = 0;
	batch->span_count = 0;
	batch->index_count = 0;
	batch->leaf_count = 0;
	batch->rows.count = 0;
	batch->counts = (struct et_archive_counts){ 0 };
	batch->made = batch->indexed = (struct et_row_sum){ 0 };
	batch->raw_bytes = 0;
	batch->first_time_ns = INT64_MAX;
	batch->last_time_ns = INT64_MIN;
}

void
et_batch_done(struct et_batch *batch)
{
	et_batch_reset(batch);
	et_buf_done(&batch->bytes);
	et_rows_done(&batch->rows);
	free(batch->spans);
	free(batch->found);
	free(batch->indexes);
	free(batch->leaves);
}

/* Room for one more item of an array that grows by doubling. */
#define MORE(list, count, capacity)                                                     \
	do {                                                                            \
		if ((count) == (capacity)) {                                            \
			(capacity) = (capacity) > 0 ? (capacity)*2 : 64;                \
			(list) = et_realloc_array((list), (capacity), sizeof(*(list))); \
		}                                                                       \
	} while (0)

static void
find(struct et_batch *batch, enum et_damage_code code, size_t piece, uint64_t first, uint64_t last,
     const char *text)
{
	MORE(batch->found, batch->found_count, batch->found_capacity);
	batch->found[batch->found_count++] =
		(struct et_found){ code, piece, first, last, et_strdup(text) };
}

static void
add_seq(struct et_batch *batch, size_t piece, uint64_t seq)
{
	struct et_span *end = batch->span_count > 0 ? &batch->spans[batch->span_count - 1] : NULL;

	if (end != NULL && end->piece == piece && !end->lost && end->last + 1 == seq) {
		end->last = seq;
		return;
	}
	MORE(batch->spans, batch->span_count, batch->span_capacity);
	batch->spans[batch->span_count++] =
		(struct et_span){ .first = seq, .last = seq, .piece = piece };
}

/* What a damaged frame held, from `from` on (0: all of it). */
static void
lose(const struct et_verify *v, struct et_batch *batch, size_t at, uint64_t from)
{
	const struct et_piece *piece = &v->pieces[at];
	struct et_span span = { .lost = true, .piece = at, .unknown = !piece->listed };

	if (piece->sorted && piece->kind != ET_FRAME_RECORDS)
		return;
	span.first = from > piece->entry.first_seq ? from : piece->entry.first_seq;
	span.last = piece->entry.last_seq;
	MORE(batch->spans, batch->span_count, batch->span_capacity);
	batch->spans[batch->span_count++] = span;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
row_hash(const uint64_t words[8], const uint64_t *keys)
{
	uint64_t hash = keys[8];

	for (unsigned i = 0; i < 8; i += 2)
		hash = mix(words[i] ^ keys[i] ^ hash, words[i + 1] ^ keys[i + 1]);
	return mix(hash ^ keys[9], keys[10]);
}

/*
 * Index and records hold the same rows in another order, and neither fits into
 * memory. So each row is hashed under keys that are new in every run, and the
 * hashes are added up: nobody can prepare two sets of rows with the same sum.
 */
static void
add_row(const struct et_verify *v, struct et_row_sum *sum, const struct et_row *row)
{
	uint64_t words[8];

	memcpy(&words[0], row->device.bytes, 16);
	memcpy(&words[2], row->aggregate.bytes, 16);
	words[4] = row->version;
	words[5] = (uint64_t)row->event_time_ns;
	words[6] = row->seq;
	words[7] = row->row_class | (uint64_t)row->kind << 8 | (uint64_t)row->flags << 16;
	sum->count++;
	sum->a += row_hash(words, v->keys);
	sum->b += row_hash(words, v->keys + ET_ROW_SUM_KEYS / 2);
}

static void
count_class(struct et_archive_counts *counts, unsigned row_class)
{
	counts->messages++;
	counts->events += row_class == ET_ROW_EVENT;
	counts->registrations += row_class == ET_ROW_REGISTRATION;
	counts->foreign += row_class == ET_ROW_FOREIGN;
	counts->malformed += row_class == ET_ROW_MALFORMED;
}

static void
make_rows(const struct et_verify *v, struct et_batch *batch, struct et_packing *packing,
	  const struct et_record *record)
{
	const struct et_row_hooks *hooks = v->options->rows;

	if (hooks == NULL) {
		batch->counts.messages++;
		return;
	}
	batch->rows.count = 0;
	(void)hooks->make(packing->maker, record, &batch->rows);
	for (size_t i = 0; i < batch->rows.count; i++)
		add_row(v, &batch->made, &batch->rows.rows[i]);
	count_class(&batch->counts,
		    batch->rows.count > 0 ? batch->rows.rows[0].row_class : ET_ROW_MALFORMED);
}

/* Are they the same bytes when they are written again? */
static bool
headers_are_canonical(const struct et_record *record)
{
	struct et_header_walk walk = et_header_walk_of(record);
	ET_CLEAN_MEM struct et_header *pairs = NULL;
	struct et_buf again;
	size_t capacity = 0;
	size_t count = 0;
	bool same;
	int r;

	if (record->headers.size == 0)
		return true;
	do {
		MORE(pairs, count, capacity);
		r = et_header_next(&walk, &pairs[count]);
		count += r > 0;
	} while (r > 0);
	et_buf_init(&again, record->headers.size);
	if (r == 0)
		et_headers_encode(&again, pairs, count);
	same = !again.overflow && again.size == record->headers.size &&
	       memcmp(again.data, record->headers.data, again.size) == 0;
	et_buf_done(&again);
	return same;
}

/* What was seen of a frame of records, to be compared with the manifest. */
struct seen {
	uint64_t count;
	uint64_t first_seq;
	uint64_t last_seq;
	int64_t first_time_ns;
	int64_t last_time_ns;
};

static int
read_record(const struct et_verify *v, struct et_batch *batch, size_t at,
	    struct et_packing *packing, struct et_slice leaf, struct seen *seen,
	    struct et_error *err)
{
	struct et_record record;
	int r = et_record_read(leaf, &record, err);

	if (r < 0)
		return r;
	if (et_record_size(&record) != leaf.size || !headers_are_canonical(&record))
		return et_error_set(err, ET_CORRUPT,
				    "sequence %" PRIu64 " is not in canonical form", record.seq);
	if (seen->count > 0 && record.seq <= seen->last_seq)
		return et_error_set(err, ET_CORRUPT, "sequence %" PRIu64 " behind %" PRIu64,
				    record.seq, seen->last_seq);
	if (seen->count == 0) {
		seen->first_seq = record.seq;
		seen->first_time_ns = seen->last_time_ns = record.time_ns;
	}
	seen->count++;
	seen->last_seq = record.seq;
	if (record.time_ns < seen->first_time_ns)
		seen->first_time_ns = record.time_ns;
	if (record.time_ns > seen->last_time_ns)
		seen->last_time_ns = record.time_ns;
	add_seq(batch, at, record.seq);
	MORE(batch->leaves, batch->leaf_count, batch->leaf_capacity);
	if (v->options->tree != NULL)
		et_leaf_hash(packing->hasher, leaf, &batch->leaves[batch->leaf_count++]);
	make_rows(v, batch, packing, &record);
	return 0;
}

static void
widen_times(struct et_batch *batch, const struct seen *seen)
{
	if (seen->count > 0 && seen->first_time_ns < batch->first_time_ns)
		batch->first_time_ns = seen->first_time_ns;
	if (seen->count > 0 && seen->last_time_ns > batch->last_time_ns)
		batch->last_time_ns = seen->last_time_ns;
}

static bool
seen_as_listed(const struct seen *seen, const struct et_frame_entry *entry)
{
	return seen->count == entry->count && seen->first_seq == entry->first_seq &&
	       seen->last_seq == entry->last_seq && seen->first_time_ns == entry->first_time_ns &&
	       seen->last_time_ns == entry->last_time_ns;
}

static void
read_records(const struct et_verify *v, struct et_batch *batch, size_t at,
	     struct et_packing *packing, struct et_slice raw)
{
	const struct et_frame_entry *entry = &v->pieces[at].entry;
	struct et_cursor cursor = et_cursor_of(raw.data, raw.size);
	struct et_error why = { 0 };
	struct et_slice leaf;
	struct seen seen = { 0 };
	int r;

	while ((r = et_record_next(&cursor, &leaf, &why)) > 0) {
		r = read_record(v, batch, at, packing, leaf, &seen, &why);
		if (r < 0)
			break;
	}
	batch->raw_bytes += raw.size;
	if (r < 0) {
		uint64_t from = seen.count > 0 ? seen.last_seq + 1 : 0;

		find(batch, ET_DAMAGE_RECORD, at, from > 0 ? from : entry->first_seq,
		     entry->last_seq, why.text);
		lose(v, batch, at, from);
		return;
	}
	widen_times(batch, &seen);
	if (v->pieces[at].listed && !seen_as_listed(&seen, entry))
		find(batch, ET_DAMAGE_COUNT, at, entry->first_seq, entry->last_seq,
		     "count, sequences or times are not those that the manifest says");
}

static void
read_index(const struct et_verify *v, struct et_batch *batch, size_t at, struct et_slice raw)
{
	const struct et_piece *piece = &v->pieces[at];
	struct et_error why = { 0 };
	struct et_rows *rows = &batch->rows;
	struct et_index_key first;
	struct et_index_key last;

	rows->count = 0;
	if (et_index_decode(raw, rows, &why) < 0 || rows->count == 0) {
		find(batch, ET_DAMAGE_INDEX, at, 0, 0, why.text);
		return;
	}
	for (size_t i = 0; i < rows->count; i++) {
		add_row(v, &batch->indexed, &rows->rows[i]);
		if (i > 0 && et_row_compare(&rows->rows[i - 1], &rows->rows[i]) > 0) {
			find(batch, ET_DAMAGE_INDEX, at, rows->rows[i].seq, rows->rows[i].seq,
			     "rows out of order");
			break;
		}
	}
	first = et_index_key_of(&rows->rows[0]);
	last = et_index_key_of(&rows->rows[rows->count - 1]);
	if (piece->listed && (piece->entry.count != rows->count ||
			      et_index_key_compare(&first, &piece->entry.first_key) != 0 ||
			      et_index_key_compare(&last, &piece->entry.last_key) != 0))
		find(batch, ET_DAMAGE_COUNT, at, 0, 0,
		     "count or keys are not those that the manifest says");
	MORE(batch->indexes, batch->index_count, batch->index_capacity);
	batch->indexes[batch->index_count++] =
		(struct et_index_span){ at, rows->rows[0], rows->rows[rows->count - 1] };
}

static void
read_tar(const struct et_verify *v, struct et_batch *batch, size_t at, struct et_slice raw)
{
	const struct et_piece *piece = &v->pieces[at];
	struct et_tar_header header = { 0 };
	struct et_error why = { 0 };
	int r;

	if (piece->kind == ET_FRAME_END)
		r = et_tar_read_end(raw, piece->padding, &why);
	else
		r = et_tar_read(raw, piece->padding, &header, &why);
	if (r == 0 && piece->kind == ET_FRAME_TAR &&
	    (strcmp(header.name, piece->member) != 0 || header.bytes != piece->member_bytes))
		r = et_error_set(&why, ET_CORRUPT, "the tar header says '%s', %" PRIu64 " bytes",
				 header.name, header.bytes);
	if (r < 0)
		find(batch, ET_DAMAGE_TAR, at, 0, 0, why.text);
}

static int
read_content(const struct et_verify *v, struct et_batch *batch, size_t at,
	     struct et_packing *packing, struct et_slice raw, struct et_error *err)
{
	const struct et_statement *st =
		v->reader->manifest != NULL ? &v->reader->manifest->statement : NULL;
	int r;

	if (!v->pieces[at].sorted)
		return 0;
	switch (v->pieces[at].kind) {
	case ET_FRAME_RECORDS:
		read_records(v, batch, at, packing, raw);
		break;
	case ET_FRAME_INDEX:
		read_index(v, batch, at, raw);
		break;
	case ET_FRAME_TAR:
	case ET_FRAME_END:
		read_tar(v, batch, at, raw);
		break;
	case ET_FRAME_HEADER:
		if (strcmp(v->pieces[at].member, ET_ARCHIVE_HEADER) != 0) {
			find(batch, ET_DAMAGE_TAR, at, 0, 0, "a member that does not belong here");
			break;
		}
		r = et_archive_header_check(raw, st != NULL ? st->stream : NULL,
					    st != NULL ? st->identity : NULL, err);
		if (r == ET_CONFIG)
			return r;
		if (r < 0)
			find(batch, ET_DAMAGE_HEADER, at, 0, 0,
			     err != NULL ? err->text : "unreadable");
		break;
	case ET_FRAME_MANIFEST: /* was read before all others */
		break;
	}
	return 0;
}

static int
read_piece(const struct et_verify *v, struct et_batch *batch, size_t at, struct et_packing *packing,
	   struct et_slice packed, struct et_error *err)
{
	const struct et_piece *piece = &v->pieces[at];
	struct et_error why = { 0 };
	struct et_sha256 digest;
	struct et_slice raw;

	if (!piece->sound) {
		if (piece->listed) {
			find(batch, ET_DAMAGE_DIGEST, at, piece->entry.first_seq,
			     piece->entry.last_seq,
			     "the frame that the manifest lists here is destroyed");
			lose(v, batch, at, 0);
		}
		return 0;
	}
	if (piece->listed) {
		et_hasher_once(packing->hasher, packed.data, packed.size, &digest);
		if (memcmp(&digest, &piece->entry.sha256, sizeof(digest)) != 0)
			find(batch, ET_DAMAGE_DIGEST, at, piece->entry.first_seq,
			     piece->entry.last_seq, "digest differs from the manifest's");
	}
	if (et_frame_unpack(packing->unpacker, packed, ET_FRAME_RAW_MAX, &raw, &why) < 0) {
		find(batch, ET_DAMAGE_FRAME, at, piece->entry.first_seq, piece->entry.last_seq,
		     why.text);
		lose(v, batch, at, 0);
		return 0;
	}
	return read_content(v, batch, at, packing, raw, err);
}

int
et_batch_read(const struct et_verify *v, struct et_batch *batch, struct et_packing *packing,
	      struct et_error *err)
{
	const struct et_frame_extent *first = &v->pieces[batch->first].extent;
	const struct et_frame_extent *last = &v->pieces[batch->first + batch->count - 1].extent;
	size_t bytes = (size_t)(last->offset + last->packed_bytes - first->offset);
	uint8_t *to = et_buf_reserve(&batch->bytes, bytes);
	int r;

	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "%s: a frame of %zu bytes", v->path, bytes);
	r = et_frame_read(v->reader->fd, first->offset, v->reader->file_bytes, to, bytes, err);
	if (r < 0) /* a file that shrinks under us is no finding, it is somebody's mistake */
		return et_error_wrap(err, ET_IO, "%s", v->path);
	et_buf_commit(&batch->bytes, bytes);
	for (size_t i = 0; i < batch->count && r == 0; i++) {
		const struct et_piece *piece = &v->pieces[batch->first + i];

		r = read_piece(v, batch, batch->first + i, packing,
			       (struct et_slice){ to + (piece->extent.offset - first->offset),
						  piece->extent.packed_bytes },
			       err);
	}
	return r;
}
