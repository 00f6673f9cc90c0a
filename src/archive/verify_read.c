// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "archive/pipeline.h"
#include "archive/verify_batch.h"
#include "base/cancel.h"

#define BATCH_RAW_BYTES (4U << 20)
#define BATCH_PIECES 256
#define BATCHES_MAX 64

static int
stage_new(void *cookie, void **ret, struct et_error *err)
{
	static const struct et_row_hooks none;
	const struct et_verify *v = cookie;
	struct et_packing *packing;
	int r = et_packing_new(1, v->options->rows != NULL ? v->options->rows : &none, &packing,
			       err);

	if (r == 0)
		*ret = packing;
	return r;
}

static void
stage_free(void *worker)
{
	et_packing_free(worker);
}

static int
stage_work(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_verify *v = cookie;

	return et_batch_read(v, &v->batches[slot], worker, err);
}

/* first … last are not among the records. */
static void
commit_gap(struct et_verify *v, uint64_t first, uint64_t last, const struct et_piece *piece)
{
	char text[160];

	if (v->gap_at < v->gap_count && v->gaps[v->gap_at].first == first &&
	    v->gaps[v->gap_at].last == last) {
		v->gap_at++;
		return;
	}
	(void)snprintf(text, sizeof(text),
		       "sequences %" PRIu64 " to %" PRIu64
		       " are missing, and that is no hole of the manifest",
		       first, last);
	et_verify_say(v, ET_DAMAGE_SEQUENCE, piece, first, last, text);
	while (v->gap_at < v->gap_count && v->gaps[v->gap_at].first <= last)
		v->gap_at++;
}

static void
commit_span(struct et_verify *v, const struct et_span *span)
{
	const struct et_piece *piece = &v->pieces[span->piece];

	v->lost |= span->lost;
	if (span->lost && span->unknown) {
		v->resync = true;
		return;
	}
	if (span->lost && span->first > span->last)
		return; /* it broke behind its last record */
	if (v->resync) {
		while (v->gap_at < v->gap_count && v->gaps[v->gap_at].first < span->first)
			v->gap_at++;
	} else if (span->first < v->next_seq) {
		et_verify_say(v, ET_DAMAGE_SEQUENCE, piece, span->first, span->last,
			      "sequences out of order, or out of the range");
	} else if (span->first > v->next_seq) {
		commit_gap(v, v->next_seq, span->first - 1, piece);
	}
	v->resync = false;
	v->next_seq = span->last + 1;
	while (span->lost && v->gap_at < v->gap_count && v->gaps[v->gap_at].last <= span->last)
		v->gap_at++;
}

static void
commit_rows(struct et_verify *v, const struct et_index_span *span)
{
	if (v->has_row && et_row_compare(&v->last_row, &span->first) > 0)
		et_verify_say(v, ET_DAMAGE_INDEX, &v->pieces[span->piece], 0, 0,
			      "its rows belong in front of those before it");
	v->last_row = span->last;
	v->has_row = true;
}

static void
add_sum(struct et_row_sum *to, const struct et_row_sum *more)
{
	to->count += more->count;
	to->a += more->a;
	to->b += more->b;
}

static int
stage_commit(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_verify *v = cookie;
	struct et_batch *batch = &v->batches[slot];
	const struct et_tree_hooks *tree = v->options->tree;

	(void)worker;
	(void)err;
	et_hasher_add(v->file_hasher, batch->bytes.data, batch->bytes.size);
	for (size_t i = 0; i < batch->found_count; i++) {
		const struct et_found *found = &batch->found[i];

		et_verify_say(v, found->code, &v->pieces[found->piece], found->first_seq,
			      found->last_seq, found->text);
		v->index_lost |= v->pieces[found->piece].kind == ET_FRAME_INDEX;
	}
	for (size_t i = 0; i < batch->span_count; i++)
		commit_span(v, &batch->spans[i]);
	for (size_t i = 0; i < batch->index_count; i++)
		commit_rows(v, &batch->indexes[i]);
	if (tree != NULL && batch->leaf_count > 0 && !v->lost)
		tree->push(tree->cookie, batch->leaves, batch->leaf_count);
	v->counts.messages += batch->counts.messages;
	v->counts.events += batch->counts.events;
	v->counts.registrations += batch->counts.registrations;
	v->counts.foreign += batch->counts.foreign;
	v->counts.malformed += batch->counts.malformed;
	add_sum(&v->made, &batch->made);
	add_sum(&v->indexed, &batch->indexed);
	v->result->raw_bytes += batch->raw_bytes;
	if (batch->first_time_ns < v->first_time_ns)
		v->first_time_ns = batch->first_time_ns;
	if (batch->last_time_ns > v->last_time_ns)
		v->last_time_ns = batch->last_time_ns;
	return 0;
}

static int
stage_after(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_verify *v = cookie;

	(void)worker;
	(void)err;
	et_batch_reset(&v->batches[slot]);
	return 0;
}

/* The next batch, from *at on. */
static void
cut_batch(const struct et_verify *v, size_t *at, struct et_batch *batch)
{
	uint64_t raw = 0;

	batch->first = *at;
	batch->count = 0;
	while (*at < v->piece_count && batch->count < BATCH_PIECES) {
		const struct et_frame_extent *extent = &v->pieces[*at].extent;
		uint64_t size = extent->raw_bytes > extent->packed_bytes ? extent->raw_bytes
									 : extent->packed_bytes;

		if (batch->count > 0 && raw + size > BATCH_RAW_BYTES)
			break;
		raw += size;
		batch->count++;
		(*at)++;
	}
}

static int
read_all(struct et_verify *v, struct et_pipeline *pipeline, struct et_error *err)
{
	size_t at = 0;
	int r = 0;

	while (at < v->piece_count && r == 0) {
		unsigned slot;

		r = et_cancel_check(err);
		if (r == 0)
			r = et_pipeline_take(pipeline, &slot, err);
		if (r == 0) {
			cut_batch(v, &at, &v->batches[slot]);
			et_pipeline_put(pipeline, slot);
		}
	}
	return r < 0 ? r : et_pipeline_drain(pipeline, err);
}

int
et_verify_read(struct et_verify *v, struct et_error *err)
{
	static const struct et_pipeline_stages stages = {
		.worker_new = stage_new,
		.worker_free = stage_free,
		.work = stage_work,
		.commit = stage_commit,
		.after = stage_after,
	};
	unsigned jobs = v->options->jobs;
	unsigned slots = jobs == 0 ? 1 : jobs + 2 < BATCHES_MAX ? jobs + 2 : BATCHES_MAX;
	struct et_pipeline *pipeline = NULL;
	int r;

	v->batches = et_calloc(slots, sizeof(*v->batches));
	for (unsigned i = 0; i < slots; i++)
		et_batch_init(&v->batches[i]);
	r = et_pipeline_new(&stages, v, jobs, slots, &pipeline, err);
	if (r == 0)
		r = read_all(v, pipeline, err);
	et_pipeline_free(pipeline);
	for (unsigned i = 0; i < slots; i++)
		et_batch_done(&v->batches[i]);
	free(v->batches);
	v->batches = NULL;
	return r;
}
