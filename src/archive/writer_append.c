// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <unistd.h>

#include "archive/writer_part.h"

static void
put_segment(struct et_writer *w)
{
	if (w->filling == NULL)
		return;
	w->filling = NULL;
	et_pipeline_put(w->pipeline, w->filling_slot);
}

static int
take_segment(struct et_writer *w, struct et_error *err)
{
	int r = et_pipeline_take(w->pipeline, &w->filling_slot, err);

	if (r < 0)
		return r;
	w->filling = &w->segments[w->filling_slot];
	(void)et_buf_reserve(&w->filling->raw,
			     w->options.segment_bytes); /* at once, not by doubling */
	return 0;
}

static void
step(struct et_writer *w, uint64_t last)
{
	w->overrun = last == UINT64_MAX;
	w->next_seq = last + 1;
}

static int
check_next(const struct et_writer *w, uint64_t seq, const char *what, struct et_error *err)
{
	if (w->finished || w->pipeline == NULL)
		return et_error_set(err, ET_USAGE, "the archive is finished");
	if (w->overrun || seq != w->next_seq)
		return et_error_set(err, ET_USAGE,
				    "%s at sequence %" PRIu64 " where %" PRIu64 " belongs", what,
				    seq, w->next_seq);
	return 0;
}

int
et_writer_append(struct et_writer *w, const struct et_record *record, struct et_error *err)
{
	size_t need = et_segment_need(record);
	int r = check_next(w, record->seq, "a record", err);

	if (r < 0)
		return r;
	if (need > ET_RECORD_BYTES_MAX)
		return et_error_set(err, ET_LIMIT,
				    "sequence %" PRIu64 ": a record of %zu bytes, the limit is %u",
				    record->seq, need, ET_RECORD_BYTES_MAX);
	if (w->filling != NULL && (w->filling->raw.size + need > w->options.segment_bytes ||
				   w->filling->count == ET_SEGMENT_RECORDS))
		put_segment(w);
	if (w->filling == NULL) {
		r = take_segment(w, err);
		if (r < 0)
			return r;
	}
	w->raw_bytes -= w->filling->raw.size;
	et_segment_append(w->filling, record, w->options.frame_bytes);
	w->raw_bytes += w->filling->raw.size;
	w->count++;
	w->drained = false;
	step(w, record->seq);
	return 0;
}

int
et_writer_hole(struct et_writer *w, uint64_t first, uint64_t last, enum et_hole_type type,
	       struct et_error *err)
{
	int r = check_next(w, first, "a hole", err);

	if (r < 0)
		return r;
	if (last < first || (unsigned)type >= ET_HOLE_TYPE_COUNT)
		return et_error_set(err, ET_USAGE, "a hole from %" PRIu64 " to %" PRIu64, first,
				    last);
	if (w->manifest->statement.hole_count >= ET_HOLE_COUNT_MAX)
		return et_error_set(err, ET_LIMIT, "more than %u holes in one archive",
				    ET_HOLE_COUNT_MAX);
	et_statement_add_hole(&w->manifest->statement, first, last, type);
	step(w, last);
	return 0;
}

uint64_t
et_writer_next_seq(const struct et_writer *w)
{
	return w->next_seq;
}

uint64_t
et_writer_raw_bytes(const struct et_writer *w)
{
	return w->raw_bytes;
}

uint64_t
et_writer_count(const struct et_writer *w)
{
	return w->count;
}

bool
et_writer_full(const struct et_writer *w)
{
	return w->raw_bytes >= ET_ARCHIVE_RAW_BYTES || w->count >= ET_ARCHIVE_ROWS ||
	       atomic_load(&w->rows_seen) >= ET_ARCHIVE_ROWS ||
	       w->manifest->statement.hole_count >= ET_ARCHIVE_HOLES;
}

/* The head is taken here and not at the finish: the next archive may push its leaves by then. */
int
et_writer_drain(struct et_writer *w, struct et_error *err)
{
	int r;

	if (w->drained)
		return 0;
	put_segment(w);
	r = et_pipeline_drain(w->pipeline, err);
	if (r < 0)
		return r;
	w->options.tree.head(w->options.tree.cookie, &w->manifest->statement.after);
	w->drained = true;
	return 0;
}

void
et_writer_free(struct et_writer *w)
{
	if (w == NULL)
		return;
	et_pipeline_free(w->pipeline);
	for (unsigned i = 0; i < w->segment_count; i++)
		et_segment_done(&w->segments[i]);
	free(w->segments);
	et_tar_free(w->tar);
	et_packing_free(w->own);
	et_hasher_free(w->file_hasher);
	if (w->back_fd >= 0)
		(void)close(w->back_fd);
	et_atomicfile_free(w->file);
	et_manifest_free(w->manifest);
	et_seektable_done(&w->seektable);
	et_buf_done(&w->scratch);
	et_rows_done(&w->rows);
	free(w->runs);
	free(w->order);
	free((char *)(uintptr_t)w->options.dir);
	free((char *)(uintptr_t)w->options.stream);
	free((char *)(uintptr_t)w->options.identity);
	free(w);
}
