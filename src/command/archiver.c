/* SPDX-License-Identifier: Apache-2.0 */
#include "command/archiver.h"

#include <pthread.h>

#include "base/cancel.h"
#include "command/convert.h"
#include "command/progress.h"

struct holes {
	struct et_noted_hole *list;
	size_t count;
	size_t capacity;
};

/* An archive that is being finished. */
struct finishing {
	const struct et_archiver_range *range;
	struct et_writer *writer;
	uint64_t last_seq;
	struct holes holes;
	struct et_archived done; /* added up over all archives */
	pthread_t thread;
	bool running;
	int result;
	struct et_error error;
};

struct archiver {
	const struct et_archiver_range *range;
	struct et_writer *writer; /* in hand; NULL between archives */
	struct holes holes;       /* of it */
	uint64_t next_seq;
	uint64_t raw_before; /* of the archives before the one in hand */
	struct finishing finishing;
	struct et_progress progress;
	bool partial;
};

/* ---- finishing, on a thread of its own ---- */

static int
take_rows(void *cookie, const struct et_row *rows, size_t count, struct et_error *err)
{
	return et_take_rows(cookie, rows, count, err);
}

static struct et_archive_entry
entry_of(const struct et_archiver_range *range, const struct et_archive_summary *summary)
{
	struct et_archive_entry entry = {
		.first_seq = summary->first_seq,
		.last_seq = summary->last_seq,
		.messages = summary->counts.messages,
		.events = summary->counts.events,
		.registrations = summary->counts.registrations,
		.foreign = summary->counts.foreign,
		.malformed = summary->counts.malformed,
		.raw_bytes = summary->raw_bytes,
		.bytes = summary->packed_bytes,
		.first_time_ns = summary->first_time_ns,
		.last_time_ns = summary->last_time_ns,
		.tree_size = summary->after.size,
	};

	(void)snprintf(entry.identity, sizeof(entry.identity), "%s", range->identity);
	(void)snprintf(entry.name, sizeof(entry.name), "%s", summary->name);
	return entry;
}

static int
note_archive(struct finishing *finishing, const struct et_archive_summary *summary)
{
	const struct et_archiver_range *range = finishing->range;
	struct et_archive_entry entry = entry_of(range, summary);
	ET_CLEAN(et_take) struct et_take *take = NULL;
	struct et_error *err = &finishing->error;
	int r;

	if (range->state == NULL)
		return 0;
	r = et_take_open(range->state->catalog, &entry, finishing->holes.list,
			 finishing->holes.count, &take, err);
	if (r < 0)
		return r;
	if (range->touched != NULL)
		et_take_watch(take, range->touched, range->touched_cookie);
	r = et_writer_each_row(finishing->writer, take_rows, take, err);
	if (r == 0)
		r = et_take_finish(take, err);
	return r;
}

static void *
finish_main(void *cookie)
{
	struct finishing *finishing = cookie;
	struct et_archive_summary summary = { 0 };
	struct et_archived *done = &finishing->done;
	int r;

	r = et_writer_finish(finishing->writer, finishing->last_seq, &summary, &finishing->error);
	if (r == 0) {
		r = note_archive(finishing, &summary);
		done->archives++;
		done->messages += summary.counts.messages;
		done->raw_bytes += summary.raw_bytes;
		done->bytes += summary.packed_bytes;
		done->hole_seqs += summary.hole_seqs;
		done->last_seq = summary.last_seq;
		if (done->first_seq == 0)
			done->first_seq = summary.first_seq;
		et_archive_summary_done(&summary);
	}
	et_writer_free(finishing->writer);
	finishing->writer = NULL;
	finishing->result = r;
	return NULL;
}

static int
join_finishing(struct archiver *archiver, struct et_error *err)
{
	struct finishing *finishing = &archiver->finishing;

	if (finishing->running)
		(void)pthread_join(finishing->thread, NULL);
	finishing->running = false;
	if (finishing->result < 0 && err != NULL)
		*err = finishing->error;
	return finishing->result;
}

/* Hands the archive in hand over: at most one is being finished at a time, so that memory stays
 * bounded. */
static int
hand_over(struct archiver *archiver, struct et_error *err)
{
	struct finishing *finishing = &archiver->finishing;
	struct holes spare;
	int r;

	r = et_writer_drain(archiver->writer, err);
	if (r < 0)
		return r;
	r = join_finishing(archiver, err);
	if (r < 0)
		return r;
	spare = finishing->holes;
	archiver->raw_before += et_writer_raw_bytes(archiver->writer);
	finishing->writer = ET_STEAL(archiver->writer);
	finishing->last_seq = archiver->next_seq - 1;
	finishing->holes = archiver->holes;
	spare.count = 0;
	archiver->holes = spare;
	if (pthread_create(&finishing->thread, NULL, finish_main, finishing) != 0) {
		(void)finish_main(finishing); /* no thread to be had: then here */
		return join_finishing(archiver, err);
	}
	finishing->running = true;
	return 0;
}

/* ---- filling ---- */

static int
open_writer(struct archiver *archiver, struct et_error *err)
{
	const struct et_archiver_range *range = archiver->range;
	struct et_archive_options options = {
		.dir = range->dir,
		.stream = range->options->stream,
		.identity = range->identity,
		.level = (int)range->options->level,
		.jobs = et_jobs(range->options),
		.rows = et_row_hooks_of_event(),
		.tree = et_tree_hooks_of(range->tree),
	};

	return et_writer_open(&options, archiver->next_seq, &archiver->writer, err);
}

static int
add_hole(struct archiver *archiver, uint64_t first, uint64_t last, enum et_hole_type type,
	 struct et_error *err)
{
	struct holes *holes = &archiver->holes;
	struct et_noted_hole *hole;
	int r;

	if (first > last)
		return 0;
	r = et_writer_hole(archiver->writer, first, last, type, err);
	if (r < 0)
		return r;
	if (holes->count == holes->capacity) {
		holes->capacity = holes->capacity * 2 + 8;
		holes->list = et_realloc_array(holes->list, holes->capacity, sizeof(*holes->list));
	}
	hole = &holes->list[holes->count++];
	(void)snprintf(hole->identity, sizeof(hole->identity), "%s", archiver->range->identity);
	hole->first_seq = first;
	hole->last_seq = last;
	(void)snprintf(hole->type, sizeof(hole->type), "%s", et_hole_type_name(type));
	if (type != ET_HOLE_ABSENT)
		archiver->finishing.done.expired_seqs += last - first + 1;
	archiver->next_seq = last + 1;
	return 0;
}

/* The sequences from next_seq up to `before` were not delivered: expired when the stream now
 * begins behind them. */
static int
skip_to(struct archiver *archiver, struct et_pull *pull, uint64_t before, struct et_error *err)
{
	uint64_t stream_first = et_pull_state(pull).stream_first_seq;
	uint64_t expired_to = stream_first > before ? before : stream_first;
	int r;

	r = add_hole(archiver, archiver->next_seq, expired_to - 1, ET_HOLE_EXPIRED_WHILE_READING,
		     err);
	if (r == 0)
		r = add_hole(archiver, archiver->next_seq, before - 1, ET_HOLE_ABSENT, err);
	return r;
}

static bool
rotate_now(const struct archiver *archiver)
{
	return et_writer_full(archiver->writer) ||
	       et_writer_raw_bytes(archiver->writer) >= archiver->range->options->archive_bytes;
}

static bool
enough(const struct archiver *archiver)
{
	uint64_t limit = archiver->range->options->max_bytes;

	return limit > 0 && archiver->writer != NULL &&
	       archiver->raw_before + et_writer_raw_bytes(archiver->writer) >= limit;
}

static double
share_of(const struct et_archiver_range *range, uint64_t seq)
{
	return (double)(seq - range->first_seq + 1) /
	       (double)(range->last_seq - range->first_seq + 1);
}

static int
take_record(struct archiver *archiver, struct et_pull *pull, const struct et_record *record,
	    struct et_error *err)
{
	int r = 0;

	if (archiver->writer == NULL)
		r = open_writer(archiver, err);
	if (r == 0 && record->seq > archiver->next_seq)
		r = skip_to(archiver, pull, record->seq, err);
	if (r == 0)
		r = et_writer_append(archiver->writer, record, err);
	if (r < 0)
		return r;
	archiver->next_seq = record->seq + 1;
	et_progress_at(&archiver->progress, record->seq - archiver->range->first_seq + 1,
		       share_of(archiver->range, record->seq));
	return rotate_now(archiver) ? hand_over(archiver, err) : 0;
}

/* 0 at the end of the range, negative on failure. */
static int
fill(struct archiver *archiver, struct et_pull *pull, struct et_error *err)
{
	const struct et_archiver_range *range = archiver->range;
	struct et_record record;
	int r;

	while ((r = et_pull_next(pull, &record, err)) > 0) {
		if (range->from_time_ns != ET_TIME_NONE && record.time_ns < range->from_time_ns) {
			if (archiver->writer == NULL)
				archiver->next_seq = record.seq + 1;
			continue;
		}
		if (range->to_time_ns != ET_TIME_NONE && record.time_ns >= range->to_time_ns)
			return 0;
		r = take_record(archiver, pull, &record, err);
		if (r < 0)
			return r;
		if (enough(archiver)) {
			archiver->partial = true;
			return 0;
		}
	}
	if (r < 0)
		return r;
	/* The last messages of the range may be deleted ones. */
	if (archiver->next_seq <= range->last_seq && range->to_time_ns == ET_TIME_NONE) {
		if (archiver->writer == NULL)
			r = open_writer(archiver, err);
		if (r == 0)
			r = skip_to(archiver, pull, range->last_seq + 1, err);
	}
	return r;
}

static int
begin(struct archiver *archiver, struct et_error *err)
{
	const struct et_archiver_range *range = archiver->range;
	int r;

	if (range->expired_to < range->first_seq)
		return 0;
	r = open_writer(archiver, err);
	if (r == 0)
		r = add_hole(archiver, range->first_seq, range->expired_to, ET_HOLE_EXPIRED_BEFORE,
			     err);
	return r;
}

/* Whatever ended the read: what was read so far becomes an archive. */
static int
wind_up(struct archiver *archiver, int r, struct et_error *err)
{
	int finished = 0;

	if (archiver->writer != NULL &&
	    (et_writer_count(archiver->writer) > 0 || archiver->holes.count > 0))
		finished = hand_over(archiver, r < 0 ? NULL : err);
	et_writer_free(archiver->writer);
	archiver->writer = NULL;
	if (finished == 0)
		finished = join_finishing(archiver, r < 0 ? NULL : err);
	else
		(void)join_finishing(archiver, NULL);
	return r < 0 ? r : finished;
}

int
et_archive_range(struct et_conn *conn, const struct et_archiver_range *range,
		 struct et_archived *ret, struct et_error *err)
{
	uint64_t first =
		range->expired_to >= range->first_seq ? range->expired_to + 1 : range->first_seq;
	ET_CLEAN(et_pull) struct et_pull *pull = NULL;
	struct archiver archiver = { .range = range,
				     .next_seq = range->first_seq,
				     .finishing = { .range = range } };
	int r;

	r = et_pull_open(conn, range->options->stream, first, range->last_seq, &pull, err);
	if (r < 0)
		return r;
	et_progress_begin(&archiver.progress, range->options, "archiving", "messages");
	r = begin(&archiver, err);
	if (r == 0)
		r = fill(&archiver, pull, err);
	et_progress_end(&archiver.progress);
	if (r == ET_CANCELED) {
		archiver.partial = true;
		r = 0;
	}
	r = wind_up(&archiver, r, err);
	*ret = archiver.finishing.done;
	ret->partial = archiver.partial;
	free(archiver.holes.list);
	free(archiver.finishing.holes.list);
	return r;
}
