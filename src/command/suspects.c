/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on every suspect, batch by batch. */
#include "command/suspects.h"

#include <inttypes.h>

#include "base/cancel.h"
#include "command/progress.h"

/* ---- the verdict ---- */

static int
sink(void *cookie, const struct et_finding *finding)
{
	struct batch *batch = cookie;
	struct suspect *suspect = batch->in_hand;
	struct et_slice href = { (const uint8_t *)suspect->href,
				 suspect->href != NULL ? strlen(suspect->href) : 0 };

	return et_audit_found(batch->audit, finding,
			      suspect->device_id != NULL ? suspect->device_id : "", suspect->id,
			      href, &batch->audit->sink_error);
}

/* Older hubs published their snapshots; current ones put one in the place of the event. The signs,
 * measured on data of both: the older one's documents end in a plain event nearly always, and its
 * snapshots are no younger than the last one that the stream has shown. */
static bool
snapshots_published(const struct et_audit *audit, const struct suspect *suspect)
{
	const struct et_stored_event *newest = NULL;

	if (audit->last_snapshot_time_ns == ET_TIME_NONE)
		return false;
	for (size_t i = 0; i < suspect->document_count; i++)
		for (size_t k = 0; k < suspect->documents[i]->event_count; k++)
			if (newest == NULL ||
			    suspect->documents[i]->events[k].version >= newest->version)
				newest = &suspect->documents[i]->events[k];
	if (newest == NULL)
		return false;
	return !(newest->is_snapshot || et_kind_info(newest->kind)->snapshot) ||
	       newest->timestamp_ns <= audit->last_snapshot_time_ns;
}

/* The event that proves the birth must not have waited since before the archives begin. */
static bool
is_born_inside(const struct et_cut *cut, const struct et_device *device)
{
	int64_t saved_ns;

	if (device->born_ns == ET_TIME_NONE)
		return false;
	return !cut->has_lag || !cut->starts_late ||
	       __builtin_add_overflow(device->born_ns, cut->clocks_ns, &saved_ns) ||
	       saved_ns >= cut->start_time_ns;
}

static int
device_facts(struct batch *batch, const struct suspect *suspect, struct et_facts *facts,
	     struct et_error *err)
{
	struct et_device device;
	int r;

	r = et_catalog_device(batch->audit->state->catalog, &suspect->device, &device, err);
	if (r > 0) {
		facts->born = is_born_inside(&batch->audit->cut, &device);
		facts->born_ns = device.born_ns;
		facts->malformed_in_device = device.malformed_first != 0;
		facts->malformed_first_seq = device.malformed_first;
		facts->malformed_last_seq = device.malformed_last;
	}
	facts->device_in_store = suspect->document_count > 0 || suspect->device_in_store;
	facts->device_owned = suspect->device_owned;
	facts->not_shown = suspect->document_count == 0 &&
			   !et_source_shows(batch->audit->source, &suspect->device);
	return r < 0 ? r : et_suspect_moved_on(batch, suspect, &facts->device_moved_on, err);
}

/* A message that came late says by its place on the stream nothing about what was saved behind it:
 * that may stand before it. Only holes and malformed messages ask for places. */
static int
place_by_time(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	const struct et_cut *cut = &batch->audit->cut;
	int r = 0;

	for (size_t i = 0; i < suspect->life_count; i++) {
		struct et_coverage *coverage = &suspect->lives[i].coverage;

		for (size_t k = 0; r >= 0 && k < coverage->count; k++) {
			struct et_span *span = &coverage->spans[k];
			uint64_t position = 0;
			int64_t saved_ns;

			/* A hub whose clock is behind only makes this wider. */
			if (__builtin_add_overflow(span->last_time_ns,
						   cut->lag_ns < 0 ? cut->lag_ns : 0, &saved_ns))
				continue;
			r = et_places_at(batch->audit->places, 0, saved_ns, &position, NULL, err);
			if (r > 0 && position < span->last_seq)
				span->last_seq = position - 1;
		}
	}
	return r < 0 ? r : 0;
}

/* Whether the stream has shown a version that the store does not; the last one seen. */
static bool
is_ahead(const struct et_case *one, uint64_t *ret_last)
{
	const struct et_coverage *seen = &one->lives[one->life_count - 1].coverage;

	*ret_last = seen->count > 0 ? seen->spans[seen->count - 1].last : 0;
	return seen->count > 0 && (!one->in_store || *ret_last > one->latest_version);
}

/* What earlier audits saw of it. */
static int
recall_notes(struct batch *batch, struct et_case *one, struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	struct et_catalog *catalog = audit->state->catalog;
	int64_t settle_ns = audit->cut.settle_ns;
	int64_t seen_ns = audit->started_ns;
	struct et_note note;
	uint64_t found = 0;
	uint64_t last;
	int r;

	/* What the store showed after the archives end may be published behind their end. */
	if (audit->frozen_ns != ET_TIME_NONE && audit->frozen_ns < seen_ns)
		seen_ns = audit->frozen_ns;
	r = et_catalog_noted(catalog, &one->aggregate, ET_NOTED_LATEST, seen_ns - settle_ns, &note,
			     err);
	if (r > 0) {
		one->has_noted = true;
		one->noted_latest = note.version;
	}
	/* What was found lost is not in flight again because the aggregate was saved anew. */
	if (r >= 0)
		r = et_catalog_lost(catalog, &one->aggregate,
				    one->lives[one->life_count - 1].number, &found, err);
	if (r > 0 && (!one->has_noted || found > one->noted_latest)) {
		one->has_noted = true;
		one->noted_latest = found;
	}
	/* A dump shows no more than what was there when it was made, a gateway no more than what it
	 * can read. */
	if (r < 0 || !is_ahead(one, &last) || et_store_dump(audit->options) != NULL ||
	    et_source_is_partial(audit->source))
		return r < 0 ? r : 0;
	r = et_catalog_noted(catalog, &one->aggregate, ET_NOTED_AHEAD,
			     audit->started_ns - settle_ns, &note, err);
	if (r > 0) {
		one->has_ahead = true;
		one->ahead_until = note.version;
	}
	return r < 0 ? r : 0;
}

/* What this audit sees of it. */
static int
keep_notes(struct batch *batch, const struct et_case *one, struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	struct et_catalog *catalog = audit->state->catalog;
	int64_t settle_ns = audit->cut.settle_ns;
	uint64_t last;
	int r = 0;

	if (one->in_store)
		r = et_catalog_note(catalog, &one->aggregate, ET_NOTED_LATEST, audit->started_ns,
				    settle_ns, one->latest_version, err);
	if (r < 0)
		return r;
	return is_ahead(one, &last)
		       ? et_catalog_note(catalog, &one->aggregate, ET_NOTED_AHEAD,
					 audit->started_ns, settle_ns, last, err)
		       : et_catalog_note_drop(catalog, &one->aggregate, ET_NOTED_AHEAD, err);
}

/* A copy can still give it back: it is missing in the life, and on the branch, that it is of. Of
 * an older life nothing is expected above what was seen. */
static bool
is_needed(void *cookie, uint64_t version, int64_t time_ns)
{
	const struct et_case *one = cookie;
	const struct et_copy copy = { .version = version, .time_ns = time_ns, .rescued = true };

	for (size_t i = 0; i < one->life_count; i++) {
		const struct et_life *life = &one->lives[i];
		const struct et_span *above = et_coverage_at(&life->coverage, version);
		bool newest = i + 1 == one->life_count;

		if (et_copy_belongs(life, &copy) && !et_coverage_has(&life->coverage, version) &&
		    (newest || above != NULL))
			return true;
	}
	return false;
}

static int
judge_facts(struct batch *batch, struct suspect *suspect, const struct et_case *one,
	    struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	struct et_tally tally = { 0 };
	int r;

	/* Shown when it was scanned, and no more: nothing is known of it. */
	suspect->unsettled |= one->facts->not_shown;
	audit->not_shown += one->facts->not_shown;
	r = one->facts->not_shown ? 0 : keep_notes(batch, one, err);
	if (r < 0)
		return r;
	batch->in_hand = suspect;
	r = et_judge(&audit->cut, one, &tally, sink, batch);
	if (r < 0 && err != NULL)
		*err = audit->sink_error;
	et_tally_add(&audit->tally, &tally);
	if (r == 0)
		r = et_verdict_keep(batch, suspect, &tally, err);
	if (r == 0)
		r = et_rescue_prune(audit->rescue, &one->aggregate, is_needed,
				    (void *)(uintptr_t)one, err);
	return r;
}

void
et_suspect_case_done(struct suspect_case *one)
{
	et_copies_done(&one->copies);
	free(one->links.list);
	free(one->orphans.list);
}

static int
gather_facts(struct batch *batch, struct suspect *suspect, struct suspect_case *ret,
	     struct et_error *err)
{
	const struct et_cut *cut = &batch->audit->cut;
	struct et_facts *facts = &ret->facts;
	int r;

	et_suspect_href(batch, suspect);
	r = device_facts(batch, suspect, facts, err);
	facts->href_known = suspect->href != NULL;
	if (r == 0 && suspect->href != NULL && suspect->family == ET_FAMILY_RESOURCE &&
	    suspect->device_id != NULL)
		r = et_suspect_links(batch, suspect, &facts->links, &ret->links, err);
	if (r == 0 && cut->has_lag && (cut->zone_count > 0 || facts->malformed_in_device))
		r = place_by_time(batch, suspect, err);
	return r;
}

int
et_suspect_case(struct batch *batch, struct suspect *suspect, struct suspect_case *ret,
		struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	struct et_facts *facts = &ret->facts;
	int r;

	*ret = (struct suspect_case){
		.snapshots_published = snapshots_published(audit, suspect),
	};
	ret->one = (struct et_case){
		.device = suspect->device,
		.aggregate = suspect->from->aggregate,
		.family = suspect->family,
		.in_store = suspect->document_count > 0,
		/* What was stored since the scan may be published behind the cut: the scan's
		 * number counts. */
		.latest_version = et_least(suspect->latest_version, suspect->from->latest_version),
		.first_version = suspect->first_version != UINT64_MAX ? suspect->first_version : 0,
		.latest_time_ns = suspect->latest_time_ns,
		.written_version = suspect->written_version,
		.lives = suspect->lives,
		.life_count = suspect->life_count,
		.elsewhere = suspect->elsewhere,
		.duplicates = suspect->duplicates,
		.copies = &ret->copies,
		.facts = facts,
	};
	if (suspect->left_out > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "%s has %" PRIu64 " documents more than are looked at",
			      suspect->id, suspect->left_out);
	}
	r = gather_facts(batch, suspect, ret, err);
	if (r == 0)
		r = recall_notes(batch, &ret->one, err);
	if (r < 0)
		return r;
	et_copies_of((const struct et_document *const *)suspect->documents,
		     suspect->document_count + suspect->rescued_count, suspect->rescued_count,
		     ret->snapshots_published, &ret->copies);
	facts->older_hub = ret->snapshots_published;
	if (facts->href_known && suspect->device_id != NULL &&
	    et_judge_wants_orphans(&audit->cut, &ret->one))
		r = et_suspect_orphans(batch, suspect, &ret->orphans, err);
	facts->orphans = ret->orphans.list;
	facts->orphan_count = ret->orphans.count;
	return r;
}

static int
judge_one(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	struct suspect_case one;
	int r = et_suspect_case(batch, suspect, &one, err);

	if (r == 0)
		r = judge_facts(batch, suspect, &one.one, err);
	et_suspect_case_done(&one);
	return r;
}

/* ---- batches ---- */

/* Fills with as many suspects as fit into memory, at least one. */
static int
fill_what_fits(struct batch *batch, struct et_error *err)
{
	size_t count = batch->from.count;
	int r;

	while ((r = et_batch_fill(batch, count, err)) == ET_LIMIT && count > 1) {
		et_error_clear(err);
		count /= 2;
		if (count == 1)
			/* One suspect alone is bounded by what a document may hold. */
			batch->arena.limit_bytes = 0;
	}
	batch->arena.limit_bytes = ET_BATCH_BYTES_MAX;
	return r;
}

static int
judge_batches(struct batch *batch, struct et_error *err)
{
	struct et_catalog *catalog = batch->audit->state->catalog;
	struct et_uuid after = { { 0 } };
	struct et_progress progress;
	uint64_t done = 0;
	int r;

	et_progress_begin(&progress, batch->audit->options, "looking into what is missing",
			  "aggregates");
	while ((r = et_catalog_suspects(catalog, &after, ET_BATCH, &batch->from, err)) == 0 &&
	       batch->from.count > 0) {
		r = et_cancel_check(err);
		if (r == 0)
			r = fill_what_fits(batch, err);
		for (size_t i = 0; r == 0 && i < batch->count; i++) {
			struct suspect *suspect = &batch->list[i];

			r = suspect->from->known ? et_verdict_recall(batch, suspect->from, err)
						 : judge_one(batch, suspect, err);
			done++;
			et_progress_at(&progress, done,
				       (double)done / (double)batch->audit->suspects);
		}
		/* The file first, its rows second: a kill between them costs nothing. */
		if (r == 0)
			r = et_rescue_flush(batch->audit->rescue, err);
		if (r == 0)
			r = et_catalog_commit(catalog, err);
		if (r == 0)
			r = et_catalog_begin(catalog, err);
		if (r < 0)
			break;
		after = batch->list[batch->count - 1].from->aggregate;
	}
	et_progress_end(&progress);
	return r;
}

void
et_suspects_init(struct batch *batch, struct et_audit *audit, size_t room)
{
	*batch = (struct batch){ .audit = audit };
	et_arena_init(&batch->arena, ET_BATCH_BYTES_MAX);
	et_buf_init(&batch->protobuf, ET_PAYLOAD_BYTES_MAX);
	et_buf_init(&batch->encoded, ET_PAYLOAD_BYTES_MAX);
	batch->list = et_calloc(room, sizeof(*batch->list));
	batch->links = et_calloc(room, sizeof(*batch->links));
}

void
et_suspects_done(struct batch *batch, size_t room)
{
	for (size_t i = 0; i < room; i++)
		et_suspect_done(&batch->list[i]);
	free(batch->list);
	free(batch->links);
	et_suspect_batch_done(&batch->from);
	et_arena_done(&batch->arena);
	et_buf_done(&batch->protobuf);
	et_buf_done(&batch->encoded);
}

int
et_audit_judge_suspects(struct et_audit *audit, struct et_error *err)
{
	struct batch batch;
	int r;

	if (audit->suspects == 0)
		return 0;
	et_suspects_init(&batch, audit, ET_BATCH);
	r = et_catalog_begin(audit->state->catalog, err);
	if (r == 0)
		r = judge_batches(&batch, err);
	if (r == 0)
		r = et_catalog_commit(audit->state->catalog, err);
	else
		et_catalog_rollback(audit->state->catalog);
	et_suspects_done(&batch, ET_BATCH);
	return r;
}
