/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog and the store say of a batch of suspects. */
#include "command/suspects.h"
#include "event/ident.h"

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

/* In any life of the device. */
static bool
is_missing(const struct suspect *suspect, uint64_t version)
{
	for (size_t i = 0; i < suspect->life_count; i++)
		if (!et_coverage_has(&suspect->lives[i].coverage, version))
			return true;
	return suspect->life_count == 0;
}

static uint64_t
first_missing(const struct suspect *suspect)
{
	uint64_t first = suspect->life_count > 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < suspect->life_count; i++) {
		const struct et_coverage *coverage = &suspect->lives[i].coverage;
		bool from_zero = coverage->count > 0 && coverage->spans[0].first == 0;

		first = et_least(first, from_zero ? coverage->spans[0].last + 1 : 0);
	}
	return first;
}

/* What a missing version could be recovered from: itself, or a snapshot at or above it; and the
 * newest event, which tells the hub's generation. */
static struct et_document *
keep(struct batch *batch, const struct et_document *document, const struct suspect *suspect)
{
	struct et_document thin = *document;
	uint64_t missing = first_missing(suspect);
	struct et_document *kept;

	thin.events = et_calloc(document->event_count + 1, sizeof(*thin.events));
	thin.event_count = 0;
	for (size_t i = 0; i < document->event_count; i++) {
		const struct et_stored_event *event = &document->events[i];
		bool snapshot = event->is_snapshot || et_kind_info(event->kind)->snapshot;

		if (is_missing(suspect, event->version) ||
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

/* ET_LIMIT when the batch's memory is full. A ghost says nothing: its number was never saved, and
 * it stays when the device is deleted. */
static int
take_document(struct batch *batch, struct suspect *suspect, const struct et_document *document,
	      struct et_error *err)
{
	struct et_document *kept;

	if (document->ghost)
		return 0;
	if (suspect->document_count < ET_SUSPECT_DOCUMENTS_MAX) {
		kept = keep(batch, document, suspect);
		if (kept == NULL)
			return et_error_set(err, ET_LIMIT, "the documents of a batch");
		suspect->documents[suspect->document_count++] = kept;
	} else {
		suspect->left_out++;
	}
	if (document->latest_version > suspect->latest_version)
		suspect->latest_version = document->latest_version;
	if (document->first_version < suspect->first_version)
		suspect->first_version = document->first_version;
	if (document->latest_timestamp_ns > suspect->latest_time_ns ||
	    (document->latest_timestamp_ns == suspect->latest_time_ns &&
	     document->latest_version > suspect->written_version)) {
		suspect->latest_time_ns = document->latest_timestamp_ns;
		suspect->written_version = document->latest_version;
	}
	suspect->family = family_of(suspect, document);
	if (suspect->device_id == NULL && document->group_id.size > 0) {
		suspect->device = et_ident_key(document->group_id, NULL);
		suspect->device_id =
			et_arena_strndup(&batch->arena, (const char *)document->group_id.data,
					 document->group_id.size);
	}
	return 0;
}

/* Can the document give back what the stream has not? */
static bool
gives_missing(const struct et_document *document, const struct et_coverage *coverage)
{
	struct et_copies copies = { 0 };
	bool missing = false;

	et_copies_of(&document, 1, 0, false, &copies);
	for (size_t i = 0; i < copies.count && !missing; i++)
		missing = !et_coverage_has(coverage, copies.list[i].version);
	et_copies_done(&copies);
	return missing;
}

/* Before the hub overwrites it. */
static int
rescue(struct batch *batch, const struct suspect *suspect, const struct et_source_document *row,
       struct et_error *err)
{
	const struct et_coverage *coverage = et_suspect_coverage(suspect);

	if (batch->audit->options->explain != NULL || row->document.ghost ||
	    et_coverage_full(coverage, row->document.latest_version) ||
	    !gives_missing(&row->document, coverage))
		return 0;
	return et_rescue_save(batch->audit->rescue, &suspect->from->aggregate, &row->document,
			      row->raw, err);
}

struct rescued {
	struct batch *batch;
	struct suspect *suspect;
};

/* Thinned like the store's own: of a copy only what is missing is of use. */
static int
take_rescued(void *cookie, const struct et_document *document, struct et_error *err)
{
	struct rescued *one = cookie;
	struct suspect *suspect = one->suspect;
	size_t count = suspect->document_count + suspect->rescued_count;
	struct et_document *kept;

	if (count == ET_SUSPECT_DOCUMENTS_MAX)
		return 0;
	kept = keep(one->batch, document, suspect);
	if (kept == NULL)
		return et_error_set(err, ET_LIMIT, "the documents of a batch");
	suspect->documents[count] = kept;
	suspect->rescued_count++;
	return 0;
}

static int
load_rescued(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	struct rescued one = { batch, suspect };

	return et_rescue_visit(batch->audit->rescue, &suspect->from->aggregate, take_rescued, &one,
			       err);
}

static int
load_documents(struct batch *batch, struct et_error *err)
{
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	const char *ids[ET_BATCH];
	struct et_source_document row;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->list[i].from->in_store && !batch->list[i].from->known)
			ids[count++] = batch->list[i].id;
	if (count == 0)
		return 0;
	r = et_source_documents(batch->audit->source, ids, count, &documents, err);
	batch->audit->effort.queries++;
	while (r == 0 && (r = et_documents_next(documents, &row, err)) > 0) {
		struct suspect *suspect = find_suspect(batch, row.document.aggregate_id);

		et_audit_examined(batch->audit, &row);
		if (batch->look != NULL)
			batch->look(batch->look_cookie, &row);
		r = 0;
		if (row.malformed) {
			batch->audit->tally.reasons[ET_REASON_MALFORMED_DOCUMENT]++;
			if (suspect != NULL)
				suspect->unsettled = true;
			et_audit_note(batch->audit,
				      "a document of the store cannot be read: %.36s: %s",
				      suspect != NULL ? suspect->id : "?", row.words);
		} else if (suspect != NULL) {
			r = take_document(batch, suspect, &row.document, err);
			if (r == 0)
				r = rescue(batch, suspect, &row, err);
		}
	}
	return r < 0 ? r : 0;
}

/* ---- a batch ---- */

static int
ask_devices(struct batch *batch, struct et_error *err)
{
	const char *ids[ET_BATCH];
	bool found[ET_BATCH] = { false };
	size_t which[ET_BATCH];
	size_t count = 0;
	int r;

	for (size_t i = 0; i < batch->count; i++)
		if (!batch->list[i].from->known && batch->list[i].document_count == 0 &&
		    batch->list[i].device_id != NULL) {
			which[count] = i;
			ids[count++] = batch->list[i].device_id;
		}
	if (count == 0)
		return 0;
	r = et_source_devices(batch->audit->source, ids, count, found, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		batch->list[which[i]].device_in_store = found[i];
	if (r < 0)
		return r;
	memset(found, 0, sizeof(found));
	batch->audit->effort.queries += 2;
	r = et_source_owners(batch->audit->source, ids, count, found, err);
	/* It is an extra word: whoever may not ask does without. */
	if (r == ET_GONE || r == ET_DENIED) {
		et_error_clear(err);
		return 0;
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		batch->list[which[i]].device_owned = found[i];
	return r;
}

static int
begin_suspect(struct batch *batch, size_t index, struct et_error *err)
{
	struct suspect *suspect = &batch->list[index];
	const struct et_suspect *from = &batch->from.list[index];

	et_suspect_done(suspect);
	*suspect = (struct suspect){ .from = from,
				     .first_version = UINT64_MAX,
				     .latest_time_ns = ET_TIME_NONE };
	suspect->id = et_arena_strndup(&batch->arena, (const char *)from->aggregate_id.data,
				       from->aggregate_id.size);
	if (suspect->id == NULL)
		return et_error_set(err, ET_LIMIT, "the ids of a batch");
	return from->known ? 0 : et_suspect_lives(batch, suspect, err);
}

int
et_batch_fill(struct batch *batch, size_t count, struct et_error *err)
{
	int r = 0;

	et_arena_reset(&batch->arena);
	batch->count = count;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = begin_suspect(batch, i, err);
	if (r == 0)
		r = load_documents(batch, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (batch->list[i].from->known)
			continue;
		r = et_suspect_no_lives(batch, &batch->list[i], err);
		if (r == 0)
			r = load_rescued(batch, &batch->list[i], err);
	}
	if (r == 0)
		r = ask_devices(batch, err);
	if (r == 0)
		r = et_batch_links(batch, err);
	return r;
}
