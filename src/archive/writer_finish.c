// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "archive/index.h"
#include "archive/reader.h"
#include "archive/writer_part.h"
#include "base/fault.h"

#define BATCH_ROWS 1024

/* A run that is being merged. */
struct run {
	uint32_t at;
	uint32_t end;
};

/* Rows that are equal keep the order of their runs: the same input gives the same bytes. */
static bool
run_before(const struct et_row *rows, const struct run *a, const struct run *b)
{
	int order = et_row_compare(&rows[a->at], &rows[b->at]);

	return order < 0 || (order == 0 && a->at < b->at);
}

static void
sift_down(const struct et_row *rows, struct run *heap, size_t count, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct run moved = heap[at];

		if (child >= count)
			return;
		if (child + 1 < count && run_before(rows, &heap[child + 1], &heap[child]))
			child++;
		if (run_before(rows, &heap[at], &heap[child]))
			return;
		heap[at] = heap[child];
		heap[child] = moved;
		at = child;
	}
}

/* Merges the sorted runs into w->order. O(rows log runs). */
static void
order_rows(struct et_writer *w)
{
	const struct et_row *rows = w->rows.rows;
	ET_CLEAN_MEM struct run *heap = et_calloc(w->run_count + 1, sizeof(*heap));
	size_t count = w->run_count;

	w->order = et_realloc_array(NULL, w->rows.count + 1, sizeof(*w->order));
	for (size_t i = 0; i < count; i++)
		heap[i] = (struct run){
			.at = (uint32_t)w->runs[i],
			.end = (uint32_t)(i + 1 < count ? w->runs[i + 1] : w->rows.count),
		};
	for (size_t i = count; i-- > 0;)
		sift_down(rows, heap, count, i);
	for (size_t i = 0; i < w->rows.count; i++) {
		w->order[i] = heap[0].at++;
		if (heap[0].at == heap[0].end)
			heap[0] = heap[--count];
		sift_down(rows, heap, count, 0);
	}
}

int
et_writer_each_row(const struct et_writer *w,
		   int (*take)(void *cookie, const struct et_row *rows, size_t count,
			       struct et_error *err),
		   void *cookie, struct et_error *err)
{
	ET_CLEAN_MEM struct et_row *batch = et_calloc(BATCH_ROWS, sizeof(*batch));
	size_t count = 0;
	int r = 0;

	if (!w->finished)
		return et_error_set(err, ET_USAGE, "the archive is not finished");
	for (size_t i = 0; i < w->rows.count && r >= 0; i++) {
		batch[count++] = w->rows.rows[w->order[i]];
		if (count == BATCH_ROWS || i + 1 == w->rows.count) {
			r = take(cookie, batch, count, err);
			count = 0;
		}
	}
	return r < 0 ? r : 0;
}

/* An index member on its way: frames are packed as they fill, written when the size is known. */
struct index_member {
	size_t number;
	struct et_buf raw;
	struct et_buf packed;
	struct et_frame_entry *frames;
	size_t frame_count;
	size_t frame_capacity;
};

static int
add_index_frame(struct et_writer *w, struct index_member *member, struct et_index_encoder *encoder,
		struct et_error *err)
{
	struct et_frame_entry entry;
	struct et_slice raw = et_index_encoder_take(encoder, &entry);
	int r;

	if (raw.size == 0)
		return 0;
	entry.offset = member->packed.size;
	r = et_frame_pack(w->own->packer, raw, &member->packed, err);
	if (r < 0)
		return r;
	entry.packed_bytes = member->packed.size - entry.offset;
	et_hasher_once(w->own->hasher, member->packed.data + entry.offset, entry.packed_bytes,
		       &entry.sha256);
	et_buf_put(&member->raw, raw.data, raw.size);
	if (member->frame_count == member->frame_capacity) {
		member->frame_capacity =
			member->frame_capacity > 0 ? member->frame_capacity * 2 : 64;
		member->frames = et_realloc_array(member->frames, member->frame_capacity,
						  sizeof(*member->frames));
	}
	member->frames[member->frame_count++] = entry;
	return et_buf_check(&member->raw, "an index member", err);
}

static int
write_index_member(struct et_writer *w, struct index_member *member, struct et_error *err)
{
	char name[ET_MEMBER_NAME_MAX + 1];
	struct et_frame_entry tar;
	uint64_t base;
	int r;

	if (member->frame_count == 0)
		return 0;
	(void)snprintf(name, sizeof(name), ET_ARCHIVE_INDEX, member->number++);
	r = et_writer_member(w, w->own, name, member->raw.size, w->manifest->statement.last_time_ns,
			     &tar, err);
	if (r == 0)
		r = et_tar_data(w->tar, (struct et_slice){ member->raw.data, member->raw.size },
				err);
	if (r < 0)
		return r;
	base = w->offset;
	for (size_t i = 0; i < member->frame_count; i++) {
		struct et_frame_entry entry = member->frames[i];

		entry.offset += base;
		et_writer_note(w, &entry,
			       (struct et_slice){ member->packed.data + member->frames[i].offset,
						  entry.packed_bytes });
	}
	r = et_writer_put(w, (struct et_slice){ member->packed.data, member->packed.size }, err);
	et_buf_reset(&member->raw);
	et_buf_reset(&member->packed);
	member->frame_count = 0;
	return r;
}

static int
write_rows(struct et_writer *w, struct index_member *member, struct et_index_encoder *encoder,
	   struct et_error *err)
{
	int r = 0;

	for (size_t i = 0; i < w->rows.count && r == 0; i++) {
		const struct et_row *row = &w->rows.rows[w->order[i]];

		if (et_index_encoder_add(encoder, row))
			continue;
		r = add_index_frame(w, member, encoder, err);
		if (r == 0 && member->raw.size + ET_INDEX_FRAME_BYTES > ET_INDEX_MEMBER_BYTES)
			r = write_index_member(w, member, err);
		(void)et_index_encoder_add(encoder, row); /* an empty frame takes any row */
	}
	if (r == 0)
		r = add_index_frame(w, member, encoder, err);
	if (r == 0)
		r = write_index_member(w, member, err);
	return r;
}

static int
write_index(struct et_writer *w, struct et_error *err)
{
	ET_CLEAN(et_index_encoder)
	struct et_index_encoder *encoder = et_index_encoder_new(ET_INDEX_FRAME_BYTES);
	struct index_member member = { 0 };
	int r;

	et_buf_init(&member.raw, ET_INDEX_MEMBER_BYTES);
	et_buf_init(&member.packed, (size_t)2 * ET_INDEX_MEMBER_BYTES);
	r = write_rows(w, &member, encoder, err);
	et_buf_done(&member.raw);
	et_buf_done(&member.packed);
	free(member.frames);
	return r;
}

/* The manifest with the tar header in front of it, which it cannot list: it is taken out again. */
static int
write_manifest(struct et_writer *w, struct et_frame_entry *ret_tar, struct et_error *err)
{
	struct et_slice blocks;
	struct et_slice raw;
	struct et_buf text;
	int r;

	et_buf_init(&text, ET_MANIFEST_BYTES_MAX);
	r = et_manifest_encode(w->manifest, &text, err);
	raw = (struct et_slice){ text.data, text.size };
	if (r == 0)
		r = et_tar_member(w->tar, ET_ARCHIVE_MANIFEST, raw.size,
				  w->manifest->statement.last_time_ns, &blocks, err);
	*ret_tar = (struct et_frame_entry){ .kind = ET_FRAME_END };
	if (r == 0)
		r = et_writer_put_frame(w, w->own, blocks, ret_tar, err);
	w->ends[0] = (struct et_frame_entry){ .kind = ET_FRAME_MANIFEST };
	if (r == 0)
		r = et_tar_data(w->tar, raw, err);
	if (r == 0)
		r = et_writer_put_frame(w, w->own, raw, &w->ends[0], err);
	w->ends[1] = (struct et_frame_entry){ .kind = ET_FRAME_END };
	if (r == 0)
		r = et_tar_end(w->tar, &blocks, err);
	if (r == 0)
		r = et_writer_put_frame(w, w->own, blocks, &w->ends[1], err);
	et_buf_done(&text);
	return r;
}

/* The seek table, and the same bytes read back. */
static int
write_seektable(struct et_writer *w, struct et_error *err)
{
	ET_CLEAN_MEM uint8_t *back = NULL;
	uint64_t offset = w->offset;
	struct et_buf table;
	int r;

	et_buf_init(&table, (size_t)16 * ET_FRAME_COUNT_MAX);
	r = et_seektable_encode(&w->seektable, &table, err);
	if (r == 0)
		r = et_writer_put(w, (struct et_slice){ table.data, table.size }, err);
	if (r == 0) {
		back = et_alloc(table.size);
		r = et_frame_read(w->back_fd, offset, UINT64_MAX, back, table.size, err);
	}
	if (r == 0 && memcmp(back, table.data, table.size) != 0)
		r = et_error_set(err, ET_CORRUPT, "read back %s: seek table differs",
				 et_atomicfile_temporary_path(w->file));
	et_buf_done(&table);
	return r;
}

/* Everything behind the last record. */
static int
write_rest(struct et_writer *w, struct et_error *err)
{
	struct et_frame_entry header[2];
	struct et_frame_entry tar;
	size_t from = w->manifest->frame_count;
	int r = 0;

	if (w->manifest->member_count == 0)
		r = et_writer_header(w, w->own, 0, header, err);
	if (r == 0) {
		order_rows(w);
		r = write_index(w, err);
	}
	if (r == 0)
		r = write_manifest(w, &tar, err);
	if (r == 0)
		r = write_seektable(w, err);
	if (r == 0)
		r = et_atomicfile_sync(w->file, err);
	for (size_t i = from; i < w->manifest->frame_count && r == 0; i++)
		r = et_writer_check(w, w->own, &w->manifest->frames[i], NULL, err);
	if (r == 0)
		r = et_writer_check(w, w->own, &tar, NULL, err);
	if (r == 0)
		r = et_writer_check(w, w->own, &w->ends[0], NULL, err);
	if (r == 0)
		r = et_writer_check(w, w->own, &w->ends[1], NULL, err);
	return r;
}

static int
rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(from, to) < 0 ? -1 : unlink(from);
}

static int
write_sidecar(const struct et_writer *w, const struct et_archive_summary *summary,
	      struct et_error *err)
{
	ET_CLEAN_MEM char *name = et_format("%s%s", summary->name, ET_ARCHIVE_SIDECAR_SUFFIX);
	ET_CLEAN_MEM char *text = NULL;
	char hex[ET_SHA256_HEX_BYTES];

	et_sha256_hex(&summary->sha256, hex);
	text = et_format("%s  %s\n", hex, summary->name);
	return et_file_write(w->options.dir, name, text, strlen(text), true, err);
}

/*
 * The last sequence, and so the name, was not known when the file was opened:
 * it is moved here and not by et_atomicfile_commit. The sidecar goes first: an
 * archive never stands without one, and a sidecar without archive is written
 * over by the next run.
 */
static int
give_name(struct et_writer *w, const struct et_archive_summary *summary, struct et_error *err)
{
	ET_CLEAN_MEM char *sidecar = et_format("%s%s", summary->path, ET_ARCHIVE_SIDECAR_SUFFIX);
	int error;
	int r;

	if (access(summary->path, F_OK) == 0)
		return et_error_set(err, ET_CONFLICT, "%s exists already", summary->path);
	r = write_sidecar(w, summary, err);
	if (r == 0)
		r = et_fault_point("rename", err);
	if (r < 0) {
		(void)unlink(sidecar);
		return r;
	}
	if (rename_new(et_atomicfile_temporary_path(w->file), summary->path) < 0) {
		error = errno;
		/* Of somebody else's archive the sidecar is his. */
		if (error == EEXIST)
			return et_error_set(err, ET_CONFLICT, "%s exists already", summary->path);
		(void)unlink(sidecar);
		return et_error_errno(err, error, "rename to %s", summary->path);
	}
	return et_dir_sync(w->options.dir, err);
}

static void
summarise(struct et_writer *w, struct et_archive_summary *ret)
{
	const struct et_statement *st = &w->manifest->statement;

	*ret = (struct et_archive_summary){
		.name = et_archive_name_format(st->stream, st->first_seq, st->last_seq),
		.first_seq = st->first_seq,
		.last_seq = st->last_seq,
		.counts = st->counts,
		.hole_count = st->hole_count,
		.first_time_ns = st->first_time_ns,
		.last_time_ns = st->last_time_ns,
		.raw_bytes = st->raw_bytes,
		.packed_bytes = w->offset,
		.before = st->before,
		.after = st->after,
	};
	ret->path = et_format("%s/%s", w->options.dir, ret->name);
	for (size_t i = 0; i < st->hole_count; i++)
		ret->hole_seqs += st->holes[i].last - st->holes[i].first + 1;
	et_hasher_end(w->file_hasher, &ret->sha256);
}

void
et_archive_summary_done(struct et_archive_summary *summary)
{
	free(summary->path);
	free(summary->name);
	*summary = (struct et_archive_summary){ 0 };
}

/* The segments' memory is not needed any more, and the index wants some. */
static void
release_segments(struct et_writer *w)
{
	et_pipeline_free(w->pipeline);
	w->pipeline = NULL;
	for (unsigned i = 0; i < w->segment_count; i++)
		et_segment_done(&w->segments[i]);
	w->segment_count = 0;
}

int
et_writer_finish(struct et_writer *w, uint64_t last_seq, struct et_archive_summary *ret,
		 struct et_error *err)
{
	struct et_statement *st = &w->manifest->statement;
	struct et_archive_summary summary;
	int r;

	if (w->finished || w->pipeline == NULL)
		return et_error_set(err, ET_USAGE, "the archive is finished");
	if (last_seq < st->first_seq || w->next_seq != last_seq + 1)
		return et_error_set(err, ET_USAGE,
				    "the range ends at %" PRIu64 ", but %" PRIu64 " comes next",
				    last_seq, w->next_seq);
	r = et_writer_drain(w, err);
	if (r < 0)
		return r;
	release_segments(w);
	st->last_seq = last_seq;
	if (st->after.size != st->before.size + st->counts.messages)
		return et_error_set(err, ET_USAGE,
				    "the tree has %" PRIu64
				    " leaves after the archive, not %" PRIu64,
				    st->after.size, st->before.size + st->counts.messages);
	r = write_rest(w, err);
	if (r < 0)
		return r;
	summarise(w, &summary);
	r = give_name(w, &summary, err);
	if (r < 0) {
		et_archive_summary_done(&summary);
		return et_error_wrap(err, r, "finish an archive");
	}
	w->finished = true;
	*ret = summary;
	return 0;
}
