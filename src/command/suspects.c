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

static int
device_facts(struct batch *batch, const struct suspect *suspect, struct et_facts *facts,
	     struct et_error *err)
{
	struct et_device device;
	int r;

	r = et_catalog_device(batch->audit->state->catalog, &suspect->device, &device, err);
	if (r > 0) {
		facts->born = device.born;
		facts->malformed_in_device = device.malformed_first_seq != 0;
		facts->malformed_first_seq = device.malformed_first_seq;
		facts->malformed_last_seq = device.malformed_last_seq;
	}
	facts->device_in_store = suspect->document_count > 0 || suspect->device_in_store;
	return r < 0 ? r : 0;
}

static int
judge_one(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	struct et_link_changes changes = { 0 };
	struct et_orphans orphans = { 0 };
	struct et_copies copies = { 0 };
	struct et_facts facts = { 0 };
	struct et_case one = {
		.device = suspect->device,
		.aggregate = suspect->from->aggregate,
		.family = suspect->family,
		.in_store = suspect->document_count > 0,
		/* What was stored since the scan may be published behind the cut: the scan's
		 * number counts. */
		.latest_version = et_least(suspect->latest_version, suspect->from->latest_version),
		.first_version = suspect->first_version != UINT64_MAX ? suspect->first_version : 0,
		.latest_time_ns = suspect->latest_time_ns,
		.coverage = &suspect->coverage,
		.older_epochs = suspect->epochs > 0 ? suspect->epochs - 1 : 0,
		.older_versions = suspect->older_versions,
		.duplicates = suspect->duplicates,
		.copies = &copies,
		.facts = &facts,
	};
	int r;

	if (suspect->left_out > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "%s has %" PRIu64 " documents more than are looked at",
			      suspect->id, suspect->left_out);
	}
	et_suspect_href(batch, suspect);
	r = device_facts(batch, suspect, &facts, err);
	facts.href_known = suspect->href != NULL;
	if (r == 0 && suspect->href != NULL && suspect->family == ET_FAMILY_RESOURCE &&
	    suspect->device_id != NULL)
		r = et_suspect_links(batch, suspect, &facts, &changes, &orphans, err);
	if (r == 0) {
		et_copies_of((const struct et_document *const *)suspect->documents,
			     suspect->document_count, snapshots_published(audit, suspect), &copies);
		batch->in_hand = suspect;
		r = et_judge(&audit->cut, &one, &audit->tally, sink, batch);
		if (r < 0 && err != NULL)
			*err = audit->sink_error;
	}
	if (r == 0 && one.in_store)
		r = et_catalog_note_latest(audit->state->catalog, &one.aggregate, audit->started_ns,
					   one.latest_version, err);
	et_copies_done(&copies);
	free(changes.list);
	free(orphans.list);
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
			r = judge_one(batch, &batch->list[i], err);
			done++;
			et_progress_at(&progress, done,
				       (double)done / (double)batch->audit->suspects);
		}
		if (r < 0)
			break;
		after = batch->list[batch->count - 1].from->aggregate;
	}
	et_progress_end(&progress);
	return r;
}

int
et_audit_judge_suspects(struct et_audit *audit, struct et_error *err)
{
	struct batch batch = { .audit = audit };
	int r;

	if (audit->suspects == 0)
		return 0;
	et_arena_init(&batch.arena, ET_BATCH_BYTES_MAX);
	et_buf_init(&batch.protobuf, ET_PAYLOAD_BYTES_MAX);
	batch.list = et_calloc(ET_BATCH, sizeof(*batch.list));
	batch.links = et_calloc(ET_BATCH, sizeof(*batch.links));
	r = et_catalog_begin(audit->state->catalog, err);
	if (r == 0)
		r = judge_batches(&batch, err);
	if (r == 0)
		r = et_catalog_commit(audit->state->catalog, err);
	else
		et_catalog_rollback(audit->state->catalog);
	for (size_t i = 0; i < ET_BATCH; i++)
		et_coverage_done(&batch.list[i].coverage);
	free(batch.list);
	free(batch.links);
	et_suspect_batch_done(&batch.from);
	et_arena_done(&batch.arena);
	et_buf_done(&batch.protobuf);
	return r;
}
