/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of each suspect, gathered in batches, and its verdict. Documents
 * are thinned as they come (only what a missing version could be recovered
 * from is kept), so that memory is bounded by the batch, not by what a
 * document holds.
 */
#include <inttypes.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/audit.h"
#include "event/ident.h"
#include "event/links.h"

#define BATCH 128u
#define KEPT_BYTES_MAX \
	(48u << 20) /* of one batch's documents; beyond it the batch is made smaller */
#define DOCUMENTS_PER_SUSPECT 64u

struct suspect {
	const struct et_suspect *from;
	char *id; /* aggregate id as text */
	struct et_uuid device;
	char *device_id; /* in the batch's arena; "" while not known */
	enum et_family family;
	struct et_coverage coverage;
	unsigned epochs;
	uint64_t older_versions;
	uint64_t duplicates;
	struct et_document *documents[DOCUMENTS_PER_SUSPECT];
	size_t document_count;
	uint64_t latest_version; /* of the documents, ghosts apart */
	uint64_t first_version;
	int64_t latest_time_ns;
	bool device_in_store;
	char *href; /* NULL: not known */
};

/* The links aggregate of a device, from the store. */
struct stored_links {
	struct et_uuid aggregate;
	struct et_document *document;
	bool found;
};

struct batch {
	struct et_audit *audit;
	struct et_suspect_batch from;
	struct suspect *list;
	size_t count;
	struct stored_links *links; /* sorted by aggregate */
	size_t link_count;
	struct et_arena arena;
	struct et_buf protobuf;
	struct suspect *in_hand; /* for the sink */
};

/* ---- coverage ---- */

static int
load_coverage(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_cover cover;
	int r;

	r = et_cover_list_of(batch->audit->state->catalog, &suspect->from->aggregate, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		if (suspect->epochs > 0)
			suspect->older_versions +=
				et_coverage_count(&suspect->coverage, 0, UINT64_MAX);
		r = et_coverage_decode(cover.spans, &suspect->coverage, err);
		suspect->epochs++;
		suspect->device = cover.device;
		suspect->family = cover.family;
		suspect->duplicates += cover.duplicates;
	}
	if (suspect->epochs > 0) {
		char text[ET_UUID_TEXT_BYTES];

		et_uuid_format(&suspect->device, text);
		suspect->device_id = et_arena_strndup(&batch->arena, text, ET_UUID_TEXT_BYTES - 1);
	}
	return r < 0 ? r : 0;
}

/* ---- documents ---- */

static struct suspect *
find_suspect(struct batch *batch, struct et_slice aggregate_id)
{
	struct et_uuid key = et_ident_key(aggregate_id, NULL);
	size_t low = 0;
	size_t high = batch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = et_uuid_compare(&batch->list[middle].from->aggregate, &key);

		if (order == 0)
			return &batch->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static uint64_t
first_missing(const struct et_coverage *coverage)
{
	return coverage->count > 0 && coverage->spans[0].first == 0 ? coverage->spans[0].last + 1
								    : 0;
}

/* What a missing version could be recovered from: itself, or a snapshot at or above it; and the newest event,
 * which tells the hub's generation. */
static struct et_document *
keep(struct batch *batch, const struct et_document *document, const struct et_coverage *coverage)
{
	struct et_document thin = *document;
	uint64_t missing = first_missing(coverage);
	struct et_document *kept;

	thin.events = et_calloc(document->event_count + 1, sizeof(*thin.events));
	thin.event_count = 0;
	for (size_t i = 0; i < document->event_count; i++) {
		const struct et_stored_event *event = &document->events[i];
		bool snapshot = event->is_snapshot || et_kind_info(event->kind)->snapshot;

		if (!et_coverage_has(coverage, event->version) ||
		    event->version == document->latest_version ||
		    (snapshot && event->version >= missing))
			thin.events[thin.event_count++] = *event;
	}
	kept = et_document_copy(&batch->arena, &thin);
	free(thin.events);
	return kept;
}

static enum et_family
family_of(struct suspect *suspect, const struct et_document *document)
{
	struct et_slice id = document->aggregate_id;
	static const struct {
		const char *href;
		enum et_family family;
	} known[] = { { ET_HREF_LINKS, ET_FAMILY_LINKS },
		      { ET_HREF_METADATA, ET_FAMILY_METADATA },
		      { ET_HREF_SERVICES, ET_FAMILY_SERVICE } };
	struct et_uuid key = et_ident_key(id, NULL);

	for (size_t i = 0; i < document->event_count; i++) {
		enum et_family family = et_kind_info(document->events[i].kind)->family;

		if (family != ET_FAMILY_UNKNOWN)
			return family;
	}
	for (size_t i = 0; i < ET_COUNT(known); i++) {
		struct et_slice href = { (const uint8_t *)known[i].href, strlen(known[i].href) };
		struct et_uuid one = et_ident_aggregate(document->group_id, href);

		if (et_uuid_compare(&one, &key) == 0)
			return known[i].family;
	}
	return suspect->family;
}

/* ET_LIMIT when the batch's memory is full. */
static int
take_document(struct batch *batch, struct suspect *suspect, const struct et_document *document,
	      struct et_error *err)
{
	struct et_document *kept;

	if (suspect->document_count == DOCUMENTS_PER_SUSPECT)
		return 0;
	kept = keep(batch, document, &suspect->coverage);
	if (kept == NULL)
		return et_error_set(err, ET_LIMIT, "the documents of a batch");
	suspect->documents[suspect->document_count++] = kept;
	if (document->ghost)
		return 0;
	if (suspect->document_count == 1 || document->latest_version > suspect->latest_version)
		suspect->latest_version = document->latest_version;
	if (document->first_version < suspect->first_version)
		suspect->first_version = document->first_version;
	if (document->latest_timestamp_ns > suspect->latest_time_ns)
		suspect->latest_time_ns = document->latest_timestamp_ns;
	suspect->family = family_of(suspect, document);
	if (suspect->device_id == NULL && document->group_id.size > 0) {
		suspect->device = et_ident_key(document->group_id, NULL);
		suspect->device_id =
			et_arena_strndup(&batch->arena, (const char *)document->group_id.data,
					 document->group_id.size);
	}
	return 0;
}

static int
load_documents(struct batch *batch, struct et_error *err)
{
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	const char *ids[BATCH];
	struct et_source_document row;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->list[i].from->in_store)
			ids[count++] = batch->list[i].id;
	if (count == 0)
		return 0;
	r = et_source_documents(batch->audit->source, ids, count, &documents, err);
	while (r == 0 && (r = et_documents_next(documents, &row, err)) > 0) {
		struct suspect *suspect = find_suspect(batch, row.document.aggregate_id);

		r = 0;
		if (row.malformed) {
			batch->audit->tally.reasons[ET_REASON_MALFORMED_DOCUMENT]++;
			et_audit_note(batch->audit,
				      "a document of the store cannot be read: %.36s: %s",
				      suspect != NULL ? suspect->id : "?", row.words);
		} else if (suspect != NULL) {
			r = take_document(batch, suspect, &row.document, err);
		}
	}
	return r < 0 ? r : 0;
}

/* ---- hrefs and links ---- */

static void
set_href(struct batch *batch, struct suspect *suspect, const struct et_payload *payload)
{
	if (suspect->href == NULL && payload->href.size > 0)
		suspect->href = et_arena_strndup(&batch->arena, (const char *)payload->href.data,
						 payload->href.size);
}

static void
href_from_documents(struct batch *batch, struct suspect *suspect)
{
	struct et_payload payload;

	for (size_t i = 0; suspect->href == NULL && i < suspect->document_count; i++)
		for (size_t k = 0; suspect->href == NULL && k < suspect->documents[i]->event_count;
		     k++) {
			const struct et_stored_event *event = &suspect->documents[i]->events[k];
			struct et_slice body;

			if (et_unsnappy(event->data, &batch->protobuf, NULL) < 0)
				continue;
			body = (struct et_slice){ batch->protobuf.data, batch->protobuf.size };
			if (et_payload_read(event->kind, body, &payload, NULL) == 0)
				set_href(batch, suspect, &payload);
		}
}

static void
href_from_stream(struct batch *batch, struct suspect *suspect)
{
	struct et_recalled event;

	if (suspect->href == NULL && suspect->coverage.count > 0 &&
	    et_recall_event(batch->audit->recall, NULL, suspect->coverage.spans[0].last_seq, &event,
			    NULL) == 0 &&
	    et_slice_equals(event.envelope.aggregate_id, suspect->id))
		set_href(batch, suspect, &event.payload);
}

static void
find_href(struct batch *batch, struct suspect *suspect)
{
	static const char *const fixed[] = { [ET_FAMILY_LINKS] = ET_HREF_LINKS,
					     [ET_FAMILY_METADATA] = ET_HREF_METADATA,
					     [ET_FAMILY_SERVICE] = ET_HREF_SERVICES };

	if (suspect->family < ET_COUNT(fixed) && fixed[suspect->family] != NULL)
		suspect->href = et_arena_strndup(&batch->arena, fixed[suspect->family],
						 strlen(fixed[suspect->family]));
	href_from_documents(batch, suspect);
	href_from_stream(batch, suspect);
}

static int
by_aggregate(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct et_uuid));
}

static struct stored_links *
find_links(struct batch *batch, const struct et_uuid *aggregate)
{
	return batch->link_count == 0 ? NULL
				      : bsearch(aggregate, batch->links, batch->link_count,
						sizeof(*batch->links), by_aggregate);
}

static struct et_uuid
links_aggregate(const struct suspect *suspect)
{
	struct et_slice device = { (const uint8_t *)suspect->device_id,
				   strlen(suspect->device_id) };
	struct et_slice href = { (const uint8_t *)ET_HREF_LINKS, strlen(ET_HREF_LINKS) };

	return et_ident_aggregate(device, href);
}

/* The links documents of the devices whose resources are missing something. */
static int
load_links(struct batch *batch, struct et_error *err)
{
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	char texts[BATCH][ET_UUID_TEXT_BYTES];
	const char *ids[BATCH];
	struct et_source_document row;
	int r;

	batch->link_count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct suspect *suspect = &batch->list[i];

		if (suspect->document_count > 0 && suspect->device_id != NULL &&
		    (suspect->family == ET_FAMILY_RESOURCE || suspect->family == ET_FAMILY_UNKNOWN))
			batch->links[batch->link_count++] =
				(struct stored_links){ links_aggregate(suspect), NULL, false };
	}
	if (batch->link_count == 0)
		return 0;
	qsort(batch->links, batch->link_count, sizeof(*batch->links), by_aggregate);
	for (size_t i = 0; i < batch->link_count; i++) {
		et_uuid_format(&batch->links[i].aggregate, texts[i]);
		ids[i] = texts[i];
	}
	r = et_source_documents(batch->audit->source, ids, batch->link_count, &documents, err);
	while (r == 0 && (r = et_documents_next(documents, &row, err)) > 0) {
		struct et_uuid key = et_ident_key(row.document.aggregate_id, NULL);
		struct stored_links *links = find_links(batch, &key);

		r = 0;
		if (row.malformed || links == NULL || row.document.ghost || !row.document.is_active)
			continue;
		while (links > batch->links && et_uuid_compare(&links[-1].aggregate, &key) == 0)
			links--;
		/* Several suspects of one device share the document. */
		struct et_document *copy = et_document_copy(&batch->arena, &row.document);

		if (copy == NULL)
			return et_error_set(err, ET_LIMIT, "the documents of a batch");
		for (; links < batch->links + batch->link_count &&
		       et_uuid_compare(&links->aggregate, &key) == 0;
		     links++) {
			links->document = copy;
			links->found = true;
		}
	}
	return r < 0 ? r : 0;
}

/* Whether the stored links hold the href: its events in the order of versions. */
static bool
linked_in(struct batch *batch, const struct et_document *document, const char *href)
{
	bool linked = false;
	uint64_t next = 0;

	for (size_t done = 0; done < document->event_count; done++) {
		const struct et_stored_event *event = NULL;
		struct et_links_walk walk;
		struct et_slice one;
		bool named = false;
		bool any = false;

		for (size_t i = 0; i < document->event_count; i++)
			if (document->events[i].version >= next &&
			    (event == NULL || document->events[i].version < event->version))
				event = &document->events[i];
		if (event == NULL)
			break;
		next = event->version + 1;
		if (et_unsnappy(event->data, &batch->protobuf, NULL) < 0)
			continue;
		walk = et_links_walk_of(event->kind, (struct et_slice){ batch->protobuf.data,
									batch->protobuf.size });
		while (et_links_next(&walk, &one, NULL) > 0) {
			any = true;
			named |= et_slice_equals(one, href);
		}
		switch (et_links_act_of(event->kind)) {
		case ET_LINKS_ADD:
			linked |= named;
			break;
		case ET_LINKS_REMOVE:
			linked = linked && !named && any;
			break;
		case ET_LINKS_REPLACE:
			linked = named;
		}
	}
	return linked;
}

/* Every version 0 ... latest of the device's links aggregate was seen on the stream. */
static int
links_complete(struct batch *batch, const struct et_uuid *aggregate, uint64_t latest_version,
	       bool *ret, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_cover cover;
	int r;

	*ret = false;
	r = et_cover_list_of(batch->audit->state->catalog, aggregate, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		*ret = cover.whole && cover.whole_last >= latest_version;
		r = 0;
	}
	return r;
}

static int
gather_links(struct batch *batch, struct suspect *suspect, struct et_facts *facts,
	     struct et_link_changes *changes, struct et_orphans *orphans, struct et_error *err)
{
	struct et_uuid aggregate = links_aggregate(suspect);
	const struct stored_links *links = find_links(batch, &aggregate);
	struct et_slice href = { (const uint8_t *)suspect->href, strlen(suspect->href) };
	bool complete = true;
	bool doubtful;
	int r = 0;

	if (links != NULL && links->found) {
		facts->links_known = true;
		facts->linked_in_store = linked_in(batch, links->document, suspect->href);
		r = links_complete(batch, &aggregate, links->document->latest_version,
				   &facts->links_complete, err);
	}
	if (r == 0)
		r = et_recall_links(batch->audit->recall, &suspect->device, href, changes,
				    &complete, err);
	if (r < 0)
		return r;
	facts->links_known |= changes->count > 0;
	facts->links_complete = facts->links_complete && complete;
	facts->changes = changes->list;
	facts->change_count = changes->count;
	/* Orphans are asked for only where the href was not linked throughout. */
	doubtful = changes->count == 0 && !facts->linked_in_store;
	for (size_t i = 0; i < changes->count; i++)
		doubtful |= !changes->list[i].linked || i == 0;
	if (doubtful && suspect->coverage.count > 0)
		r = et_recall_orphans(batch->audit->recall, &suspect->device,
				      &suspect->from->aggregate, orphans, err);
	facts->orphans = orphans->list;
	facts->orphan_count = orphans->count;
	return r;
}

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

/* Older hubs published their snapshots; current ones put one in the place of the event. The signs, measured on
 * data of both: the older one's documents end in a plain event nearly always, and its snapshots are no younger than
 * the last one that the stream has shown. */
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

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int
judge_one(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	struct et_audit *audit = batch->audit;
	bool ghosts_only = suspect->document_count > 0 && suspect->latest_time_ns == ET_TIME_NONE &&
			   suspect->documents[0]->ghost;
	struct et_link_changes changes = { 0 };
	struct et_orphans orphans = { 0 };
	struct et_copies copies = { 0 };
	struct et_facts facts = { 0 };
	struct et_case one = {
		.device = suspect->device,
		.aggregate = suspect->from->aggregate,
		.family = suspect->family,
		.in_store = suspect->document_count > 0,
		/* What was stored since the scan may be published behind the cut: the scan's number counts. */
		.latest_version =
			ghosts_only ? suspect->from->latest_version
				    : least(suspect->latest_version, suspect->from->latest_version),
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

	find_href(batch, suspect);
	r = device_facts(batch, suspect, &facts, err);
	facts.href_known = suspect->href != NULL;
	if (r == 0 && suspect->href != NULL && suspect->family == ET_FAMILY_RESOURCE &&
	    suspect->device_id != NULL)
		r = gather_links(batch, suspect, &facts, &changes, &orphans, err);
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

static int
ask_devices(struct batch *batch, struct et_error *err)
{
	const char *ids[BATCH];
	bool found[BATCH] = { false };
	size_t which[BATCH];
	size_t count = 0;
	int r;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->list[i].document_count == 0 && batch->list[i].device_id != NULL) {
			which[count] = i;
			ids[count++] = batch->list[i].device_id;
		}
	if (count == 0)
		return 0;
	r = et_source_devices(batch->audit->source, ids, count, found, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		batch->list[which[i]].device_in_store = found[i];
	return r;
}

static int
fill(struct batch *batch, size_t count, struct et_error *err)
{
	int r = 0;

	et_arena_reset(&batch->arena);
	batch->count = count;
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct suspect *suspect = &batch->list[i];
		const struct et_suspect *from = &batch->from.list[i];
		struct et_coverage coverage = suspect->coverage;

		et_coverage_clear(&coverage);
		*suspect = (struct suspect){ .from = from,
					     .coverage = coverage,
					     .first_version = UINT64_MAX,
					     .latest_time_ns = ET_TIME_NONE };
		suspect->id = et_arena_strndup(&batch->arena, (const char *)from->aggregate_id.data,
					       from->aggregate_id.size);
		if (suspect->id == NULL)
			return et_error_set(err, ET_LIMIT, "the ids of a batch");
		r = load_coverage(batch, suspect, err);
	}
	if (r == 0)
		r = load_documents(batch, err);
	if (r == 0)
		r = load_links(batch, err);
	if (r == 0)
		r = ask_devices(batch, err);
	return r;
}

/* Fills with as many suspects as fit into memory, at least one. */
static int
fill_what_fits(struct batch *batch, struct et_error *err)
{
	size_t count = batch->from.count;
	int r;

	while ((r = fill(batch, count, err)) == ET_LIMIT && count > 1) {
		et_error_clear(err);
		count /= 2;
		if (count == 1)
			batch->arena.limit_bytes =
				0; /* one suspect alone is bounded by what a document may hold */
	}
	batch->arena.limit_bytes = KEPT_BYTES_MAX;
	return r;
}

static int
judge_batches(struct batch *batch, struct et_error *err)
{
	struct et_catalog *catalog = batch->audit->state->catalog;
	struct et_uuid after = { { 0 } };
	int r;

	while ((r = et_catalog_suspects(catalog, &after, BATCH, &batch->from, err)) == 0 &&
	       batch->from.count > 0) {
		r = et_cancel_check(err);
		if (r == 0)
			r = fill_what_fits(batch, err);
		for (size_t i = 0; r == 0 && i < batch->count; i++)
			r = judge_one(batch, &batch->list[i], err);
		if (r < 0)
			return r;
		after = batch->list[batch->count - 1].from->aggregate;
	}
	return r;
}

int
et_audit_judge_suspects(struct et_audit *audit, struct et_error *err)
{
	struct batch batch = { .audit = audit };
	int r;

	if (audit->suspects == 0)
		return 0;
	et_arena_init(&batch.arena, KEPT_BYTES_MAX);
	et_buf_init(&batch.protobuf, ET_PAYLOAD_BYTES_MAX);
	batch.list = et_calloc(BATCH, sizeof(*batch.list));
	batch.links = et_calloc(BATCH, sizeof(*batch.links));
	r = et_catalog_begin(audit->state->catalog, err);
	if (r == 0)
		r = judge_batches(&batch, err);
	if (r == 0)
		r = et_catalog_commit(audit->state->catalog, err);
	else
		et_catalog_rollback(audit->state->catalog);
	for (size_t i = 0; i < BATCH; i++)
		et_coverage_done(&batch.list[i].coverage);
	free(batch.list);
	free(batch.links);
	et_suspect_batch_done(&batch.from);
	et_arena_done(&batch.arena);
	et_buf_done(&batch.protobuf);
	return r;
}
