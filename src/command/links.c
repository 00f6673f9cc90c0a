/* SPDX-License-Identifier: Apache-2.0 */
/* Which href a suspect has, and when it was linked: what the rule on forced commands asks. */
#include "command/suspects.h"
#include "event/ident.h"
#include "event/links.h"

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

	for (size_t i = suspect->life_count; suspect->href == NULL && i-- > 0;) {
		const struct et_coverage *coverage = &suspect->lives[i].coverage;

		if (coverage->count > 0 &&
		    et_recall_event(batch->audit->recall, coverage->spans[0].last_seq, &event,
				    NULL) == 0 &&
		    et_slice_equals(event.envelope.aggregate_id, suspect->id))
			set_href(batch, suspect, &event.payload);
	}
}

void
et_suspect_href(struct batch *batch, struct suspect *suspect)
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

/* Which links documents the batch asks for; several suspects of one device share theirs. */
static void
list_links(struct batch *batch)
{
	batch->link_count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct suspect *suspect = &batch->list[i];

		if (!suspect->from->known && suspect->device_id != NULL &&
		    (suspect->document_count > 0 || suspect->device_in_store))
			batch->links[batch->link_count++] =
				(struct stored_links){ links_aggregate(suspect), NULL };
	}
	qsort(batch->links, batch->link_count, sizeof(*batch->links), by_aggregate);
}

static int
take_links(struct batch *batch, const struct et_source_document *row, struct et_error *err)
{
	struct et_uuid key = et_ident_key(row->document.aggregate_id, NULL);
	struct stored_links *links = find_links(batch, &key);
	struct et_document *copy;

	if (row->malformed || links == NULL || row->document.ghost || !row->document.is_active)
		return 0;
	copy = et_document_copy(&batch->arena, &row->document);
	if (copy == NULL)
		return et_error_set(err, ET_LIMIT, "the documents of a batch");
	while (links > batch->links && et_uuid_compare(&links[-1].aggregate, &key) == 0)
		links--;
	for (; links < batch->links + batch->link_count &&
	       et_uuid_compare(&links->aggregate, &key) == 0;
	     links++)
		links->document = copy;
	return 0;
}

int
et_batch_links(struct batch *batch, struct et_error *err)
{
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	char texts[ET_BATCH][ET_UUID_TEXT_BYTES];
	const char *ids[ET_BATCH];
	struct et_source_document row;
	int r;

	list_links(batch);
	if (batch->link_count == 0)
		return 0;
	for (size_t i = 0; i < batch->link_count; i++) {
		et_uuid_format(&batch->links[i].aggregate, texts[i]);
		ids[i] = texts[i];
	}
	r = et_source_documents(batch->audit->source, ids, batch->link_count, &documents, err);
	batch->audit->effort.queries++;
	while (r == 0 && (r = et_documents_next(documents, &row, err)) > 0) {
		et_audit_examined(batch->audit, &row);
		r = take_links(batch, &row, err);
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

const struct et_document *
et_suspect_links_document(struct batch *batch, const struct suspect *suspect)
{
	struct et_uuid aggregate;
	const struct stored_links *links;

	if (suspect->device_id == NULL)
		return NULL;
	aggregate = links_aggregate(suspect);
	links = find_links(batch, &aggregate);
	return links != NULL ? links->document : NULL;
}

/* The epoch with which the newest life of the device began. */
static unsigned
newest_life(const struct suspect *suspect)
{
	unsigned number = 0;

	for (size_t i = 0; i < suspect->epoch_count; i++)
		if (suspect->epochs[i].beginning == ET_BEGINNING_LIFE)
			number = suspect->epochs[i].number;
	return number;
}

/* Are the store's links of another life than the newest one on the stream: was a number of theirs
 * used again, or are they older than that life, because the store was restored? */
int
et_suspect_moved_on(struct batch *batch, const struct suspect *suspect, bool *ret,
		    struct et_error *err)
{
	const struct et_document *links = et_suspect_links_document(batch, suspect);
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_coverage coverage = { 0 };
	struct et_uuid aggregate;
	struct et_cover cover;
	int r;

	*ret = false;
	if (links == NULL)
		return 0;
	aggregate = links_aggregate(suspect);
	r = et_cover_list_of(batch->audit->state->catalog, &aggregate, &list, err);
	/* The newest comes last. */
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0)
		r = cover.epoch >= newest_life(suspect)
			    ? et_coverage_decode(cover.spans, &coverage, err)
			    : 0;
	if (r == 0)
		*ret = et_stored_elsewhere(&suspect->lives[suspect->life_count - 1], &coverage,
					   links->latest_version, links->latest_timestamp_ns);
	et_coverage_done(&coverage);
	return r;
}

int
et_suspect_links(struct batch *batch, struct suspect *suspect, struct et_links *ret,
		 struct et_link_events *events, struct et_error *err)
{
	const struct et_document *document = et_suspect_links_document(batch, suspect);
	struct et_slice href = { (const uint8_t *)suspect->href, strlen(suspect->href) };
	int r;

	r = et_recall_links(batch->audit->recall, &suspect->device, href, events, err);
	*ret = (struct et_links){ .events = events->list,
				  .event_count = events->count,
				  .latest_ns = ET_TIME_NONE };
	if (document == NULL)
		return r;
	ret->stored = true;
	ret->linked = linked_in(batch, document, suspect->href);
	ret->latest_version = document->latest_version;
	ret->latest_ns = document->latest_timestamp_ns;
	return r;
}

int
et_suspect_orphans(struct batch *batch, struct suspect *suspect, struct et_orphans *ret,
		   struct et_error *err)
{
	const struct et_cut *cut = &batch->audit->cut;
	int64_t until_ns = INT64_MAX;
	int r;

	if (cut->time_ns != ET_TIME_NONE && cut->settle_ns > 0)
		until_ns = cut->time_ns - cut->settle_ns;
	r = et_recall_orphans(batch->audit->recall, &suspect->device, &suspect->from->aggregate,
			      until_ns, ret, err);
	suspect->unsettled |= ret->young;
	return r;
}
