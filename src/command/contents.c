/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's documents in batches: what each claims of published events, and
 * the row of the archives' indexes that has the counterpart. Both in the order
 * of device, aggregate, version: one pass over the indexes for each batch. Then
 * the records are read in the order of the archives.
 */
#include "command/contents.h"

#include <inttypes.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "command/progress.h"
#include "event/coverage.h"
#include "event/ident.h"

#define BATCH_BYTES_MAX (32u << 20) /* of documents; the store's largest has 16 MiB */
#define BATCH_CLAIMS_MAX 131072u

/* ---- a batch ---- */

static void
want(struct et_contents_batch *contents, const struct et_document *document,
     const struct et_claim *claim)
{
	if (contents->count == contents->capacity) {
		contents->capacity = contents->capacity * 2 + 1024;
		contents->list = et_realloc_array(contents->list, contents->capacity,
						  sizeof(*contents->list));
	}
	contents->list[contents->count++] = (struct wanted){
		.device = et_ident_key(document->group_id, NULL),
		.aggregate = et_ident_key(document->aggregate_id, NULL),
		.document = document,
		.claim = *claim,
	};
}

static int
check_rules(struct et_contents_batch *contents, const struct et_document *document,
	    struct et_error *err)
{
	struct et_broken_rules rules;
	const struct et_found_at at = {
		.device = et_ident_key(document->group_id, NULL),
		.aggregate = et_ident_key(document->aggregate_id, NULL),
		.device_id = document->group_id,
		.aggregate_id = document->aggregate_id,
	};

	/* The gateway has events and no documents: these are made of them. */
	if (et_source_is_partial(contents->audit->source))
		return 0;
	et_datarules_document(document, &contents->plain, &rules);
	return et_audit_found_broken(contents->audit, &at, &rules, err);
}

/* 1, or 0 when it does not fit into the batch any more. */
static int
take(struct et_contents_batch *contents, const struct et_document *document, struct et_error *err)
{
	struct et_document *copy = et_document_copy(&contents->arena, document);
	int r;

	if (copy == NULL)
		return 0;
	r = check_rules(contents, copy, err);
	if (r < 0)
		return r;
	et_claims_of(copy, &contents->plain, &contents->claims);
	for (size_t i = 0; i < contents->claims.count; i++)
		want(contents, copy, &contents->claims.list[i]);
	return 1;
}

/* ---- the indexes ---- */

static int
by_key(const void *a, const void *b)
{
	const struct wanted *x = a;
	const struct wanted *y = b;
	int order = et_uuid_compare(&x->device, &y->device);

	if (order == 0)
		order = et_uuid_compare(&x->aggregate, &y->aggregate);
	if (order != 0)
		return order;
	return (x->claim.version > y->claim.version) - (x->claim.version < y->claim.version);
}

static int
compare_to_row(const struct wanted *wanted, const struct et_row *row)
{
	int order = et_uuid_compare(&wanted->device, &row->device);

	if (order == 0)
		order = et_uuid_compare(&wanted->aggregate, &row->aggregate);
	if (order != 0)
		return order;
	return (wanted->claim.version > row->version) - (wanted->claim.version < row->version);
}

/* The very event, else the newest one: of the newest life. */
static void
offer(struct wanted *wanted, const struct et_row *row, uint64_t position)
{
	bool better = wanted->position == 0 || (wanted->time_ns != wanted->claim.time_ns &&
						(row->event_time_ns == wanted->claim.time_ns ||
						 row->event_time_ns > wanted->time_ns));

	if (!better)
		return;
	wanted->position = position;
	wanted->time_ns = row->event_time_ns;
	wanted->kind = (enum et_kind)row->kind;
}

/* Rows come in the order of the list; *at is where the last one was. */
static void
join(struct et_contents_batch *contents, const struct et_row *row, uint64_t shift, size_t *at)
{
	struct wanted *list = contents->list;

	while (*at < contents->count && compare_to_row(&list[*at], row) < 0)
		(*at)++;
	/* Links events stand below the snapshot that is their sum. */
	if (et_kind_info(row->kind)->family == ET_FAMILY_LINKS)
		for (size_t i = *at; i < contents->count &&
				     et_uuid_compare(&list[i].aggregate, &row->aggregate) == 0;
		     i++)
			if (et_contents_sums_links(&list[i])) {
				et_contents_note_link(contents, row, row->seq + shift);
				break;
			}
	for (size_t i = *at; i < contents->count && compare_to_row(&list[i], row) == 0; i++)
		offer(&list[i], row, row->seq + shift);
}

static int
join_archive(struct et_contents_batch *contents, const struct et_archive_entry *entry,
	     struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_audit *audit = contents->audit;
	struct et_row row;
	uint64_t shift = 0;
	size_t at = 0;
	int r;

	r = et_catalog_shift(audit->state->catalog, entry->identity, &shift, err);
	if (r >= 0)
		r = et_state_open_archive(audit->state, entry, &reader, err);
	if (r == 0)
		r = et_reader_rows_open(reader, NULL, NULL, &walk, err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		r = 0;
		if (row.row_class == ET_ROW_EVENT)
			join(contents, &row, shift, &at);
	}
	return r < 0 ? r : et_cancel_check(err);
}

static int
join_archives(struct et_contents_batch *contents, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(contents->audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0)
		r = join_archive(contents, &entry, err);
	return r;
}

/* ---- comparing ---- */

/* Bytes that differ, and no way to tell in what. */
static int
differ_unread(struct et_differences *ret, struct et_error *err)
{
	ret->count = 0;
	ret->total = 0;
	et_differences_add(ret, "event", "and archived cannot be compared", err->text);
	et_error_clear(err);
	return 1;
}

static int
compare_one(struct et_contents_batch *contents, const struct wanted *wanted, struct et_error *err)
{
	struct et_audit *audit = contents->audit;
	const struct et_claim *claim = &wanted->claim;
	const struct et_found_at at = et_contents_place(wanted);
	struct et_differences differences;
	struct et_counterpart archived;
	struct et_recalled event;
	int r;

	/* A stored snapshot says of another event only what it embeds. */
	if (et_kind_info(claim->kind)->snapshot && claim->kind != wanted->kind)
		return 0;
	/* A number that was used again is another event: the verdict on the aggregate says so. */
	if (claim->time_ns != 0 && et_contents_far_apart(claim->time_ns, wanted->time_ns)) {
		contents->apart++;
		return 0;
	}
	r = et_recall_event(audit->recall, wanted->position, &event, err);
	if (r < 0)
		return r;
	archived = (struct et_counterpart){ event.kind, event.envelope.event_type, event.protobuf };
	r = et_claim_compare(claim, &archived, ET_REVEAL_DIGESTS, &contents->plain, &differences,
			     err);
	if (r == ET_CORRUPT || r == ET_LIMIT)
		r = differ_unread(&differences, err);
	if (r == 0)
		return 0;
	contents->compared++;
	return differences.total == 0
		       ? 0
		       : et_audit_found_different(audit, &at, claim->where, &differences, err);
}

static int
by_position(const void *a, const void *b)
{
	const struct wanted *x = a;
	const struct wanted *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return by_key(a, b);
}

static int
by_pointer(const void *a, const void *b)
{
	const struct et_stored_event *const *x = a;
	const struct et_stored_event *const *y = b;

	return (*x > *y) - (*x < *y);
}

/* A snapshot that was published is compared as a whole: what it embeds need not be told twice. */
static void
drop_parts(struct et_contents_batch *contents)
{
	const struct et_stored_event **whole =
		et_calloc(contents->count + 1, sizeof(const struct et_stored_event *));
	size_t count = 0;

	for (size_t i = 0; i < contents->count; i++) {
		const struct wanted *wanted = &contents->list[i];

		if (wanted->position != 0 && wanted->kind == wanted->claim.kind &&
		    et_kind_info(wanted->kind)->snapshot)
			whole[count++] = wanted->claim.event;
	}
	if (count > 0)
		qsort(whole, count, sizeof(const struct et_stored_event *), by_pointer);
	for (size_t i = 0; count > 0 && i < contents->count; i++) {
		struct wanted *wanted = &contents->list[i];

		if (!et_kind_info(wanted->claim.kind)->snapshot &&
		    bsearch(&wanted->claim.event, whole, count,
			    sizeof(const struct et_stored_event *), by_pointer) != NULL)
			wanted->position = 0;
	}
	free(whole);
}

static int
compare_batch(struct et_contents_batch *contents, struct et_error *err)
{
	int r;

	if (contents->count > 0)
		qsort(contents->list, contents->count, sizeof(*contents->list), by_key);
	r = join_archives(contents, err);
	drop_parts(contents);
	if (contents->count > 0)
		qsort(contents->list, contents->count, sizeof(*contents->list), by_position);
	et_contents_sort_links(contents);
	for (size_t i = 0; r == 0 && i < contents->count; i++) {
		const struct wanted *wanted = &contents->list[i];

		if (wanted->position == 0)
			continue;
		r = compare_one(contents, wanted, err);
		if (r == 0 && et_contents_sums_links(wanted))
			r = et_contents_compare_links(contents, wanted, err);
	}
	contents->count = 0;
	contents->link_count = 0;
	et_arena_reset(&contents->arena);
	return r;
}

/* ---- all of them ---- */

static int
walk(struct et_contents_batch *contents, struct et_error *err)
{
	struct et_audit *audit = contents->audit;
	struct et_source_document row;
	int r;

	while ((r = et_documents_next(contents->documents, &row, err)) > 0) {
		et_audit_examined(audit, &row);
		contents->done++;
		et_progress_at(&contents->progress, contents->done,
			       (double)contents->done / (double)(audit->documents + 1));
		/* A malformed one the scan has seen, or the verdict on its aggregate. */
		if (row.malformed || row.document.ghost)
			continue;
		r = contents->count < BATCH_CLAIMS_MAX ? take(contents, &row.document, err) : 0;
		if (r == 0) {
			r = compare_batch(contents, err);
			if (r == 0)
				r = take(contents, &row.document, err);
			if (r == 0)
				return et_error_set(err, ET_LIMIT, "a document is too large");
		}
		if (r < 0)
			return r;
	}
	return r == 0 ? compare_batch(contents, err) : r;
}

int
et_audit_contents(struct et_audit *audit, struct et_error *err)
{
	struct et_contents_batch contents = { .audit = audit, .set = et_linkset_new() };
	int r;

	et_arena_init(&contents.arena, BATCH_BYTES_MAX);
	et_buf_init(&contents.plain, ET_PAYLOAD_BYTES_MAX);
	et_progress_begin(&contents.progress, audit->options, "comparing contents", "documents");
	r = et_source_all(audit->source, &contents.documents, err);
	audit->effort.queries++;
	if (r == 0)
		r = walk(&contents, err);
	et_progress_end(&contents.progress);
	if (r == 0 && contents.apart > 0)
		et_audit_note(audit,
			      "%" PRIu64 " stored events were not compared: those archived under "
			      "their numbers are of another time",
			      contents.apart);
	et_documents_free(contents.documents);
	et_linkset_free(contents.set);
	et_claims_done(&contents.claims);
	et_buf_done(&contents.plain);
	et_arena_done(&contents.arena);
	free(contents.list);
	free(contents.links);
	return r == 0 ? et_audit_messages(audit, err) : r;
}
