/* SPDX-License-Identifier: Apache-2.0 */
#include "command/recall.h"

#include "event/links.h"

#define OPEN_ARCHIVES 4u

struct open_archive {
	struct et_archive_entry entry;
	struct et_reader *reader;
	uint64_t used;
};

struct et_recall {
	struct et_state *state;
	struct open_archive open[OPEN_ARCHIVES];
	uint64_t clock;
	struct et_buf protobuf;
};

struct et_recall *
et_recall_new(struct et_state *state)
{
	struct et_recall *recall = et_calloc(1, sizeof(*recall));

	recall->state = state;
	et_buf_init(&recall->protobuf, ET_PAYLOAD_BYTES_MAX);
	return recall;
}

void
et_recall_free(struct et_recall *recall)
{
	if (recall == NULL)
		return;
	for (size_t i = 0; i < OPEN_ARCHIVES; i++)
		et_reader_free(recall->open[i].reader);
	et_buf_done(&recall->protobuf);
	free(recall);
}

static struct et_reader *
find_open(struct et_recall *recall, const char *identity, uint64_t seq)
{
	for (size_t i = 0; i < OPEN_ARCHIVES; i++) {
		struct open_archive *open = &recall->open[i];

		if (open->reader != NULL && seq >= open->entry.first_seq &&
		    seq <= open->entry.last_seq && strcmp(open->entry.identity, identity) == 0) {
			open->used = ++recall->clock;
			return open->reader;
		}
	}
	return NULL;
}

static int
open_entry(struct et_recall *recall, const struct et_archive_entry *entry, struct et_reader **ret,
	   struct et_error *err)
{
	struct open_archive *oldest = &recall->open[0];
	int r;

	*ret = find_open(recall, entry->identity, entry->first_seq);
	if (*ret != NULL)
		return 0;
	for (size_t i = 1; i < OPEN_ARCHIVES; i++)
		if (recall->open[i].used < oldest->used)
			oldest = &recall->open[i];
	et_reader_free(oldest->reader);
	*oldest = (struct open_archive){ 0 };
	r = et_state_open_archive(recall->state, entry, &oldest->reader, err);
	if (r < 0)
		return r;
	oldest->entry = *entry;
	oldest->used = ++recall->clock;
	*ret = oldest->reader;
	return 0;
}

static int
open_at(struct et_recall *recall, const char *identity, uint64_t seq, struct et_reader **ret,
	struct et_error *err)
{
	struct et_archive_entry entry;
	int r;

	*ret = find_open(recall, identity, seq);
	if (*ret != NULL)
		return 0;
	r = et_catalog_archive_at(recall->state->catalog, identity, seq, &entry, err);
	if (r < 0)
		return r;
	if (r == 0)
		return et_error_set(err, ET_GONE, "no archive holds sequence %llu",
				    (unsigned long long)seq);
	return open_entry(recall, &entry, ret, err);
}

int
et_recall_record(struct et_recall *recall, uint64_t position, struct et_record *ret,
		 struct et_error *err)
{
	char identity[ET_IDENTITY_TEXT_BYTES];
	struct et_reader *reader = NULL;
	uint64_t seq = 0;
	int r;

	r = et_catalog_position(recall->state->catalog, position, identity, &seq, err);
	if (r < 0)
		return r;
	if (r == 0)
		return et_error_set(err, ET_GONE, "nothing is archived");
	r = open_at(recall, identity, seq, &reader, err);
	if (r < 0)
		return r;
	return et_reader_record(reader, seq, ret, NULL, err);
}

static int
open_event(struct et_recall *recall, const struct et_record *record, struct et_recalled *ret,
	   struct et_error *err)
{
	int r;

	r = et_envelope_read(record->body, &ret->envelope, err);
	if (r == 0)
		r = et_unsnappy(ret->envelope.data, &recall->protobuf, err);
	if (r < 0)
		return r;
	ret->kind = et_kind_of(ret->envelope.event_type);
	ret->protobuf = (struct et_slice){ recall->protobuf.data, recall->protobuf.size };
	r = et_payload_read(ret->kind, ret->protobuf, &ret->payload, err);
	ret->time_ns = r == 0 && ret->payload.timestamp_ns != 0 ? ret->payload.timestamp_ns
								: record->time_ns;
	return r;
}

int
et_recall_event(struct et_recall *recall, uint64_t position, struct et_recalled *ret,
		struct et_error *err)
{
	struct et_record record;
	int r;

	r = et_recall_record(recall, position, &record, err);
	if (r < 0)
		return r;
	return open_event(recall, &record, ret, err);
}

/* ---- links ---- */

static int
effect_of(const struct et_recalled *event, struct et_slice href, enum et_link_effect *ret,
	  struct et_error *err)
{
	struct et_links_walk walk = et_links_walk_of(event->kind, event->protobuf);
	struct et_slice one;
	bool named = false;
	bool any = false;
	int r;

	while ((r = et_links_next(&walk, &one, err)) > 0) {
		any = true;
		named |= one.size == href.size && memcmp(one.data, href.data, href.size) == 0;
	}
	if (r < 0)
		return r;
	switch (et_links_act_of(event->kind)) {
	case ET_LINKS_ADD:
		*ret = named ? ET_LINK_ADDED : ET_LINK_OTHER;
		break;
	case ET_LINKS_REMOVE: /* no href at all: everything goes */
		*ret = named ? ET_LINK_REMOVED : any ? ET_LINK_OTHER : ET_LINK_ABSENT;
		break;
	case ET_LINKS_REPLACE:
		*ret = named ? ET_LINK_ADDED : ET_LINK_ABSENT;
		break;
	}
	return 0;
}

static void
add_link(struct et_link_events *links, const struct et_link_event *event)
{
	if (links->count == links->capacity) {
		links->capacity = links->capacity * 2 + 16;
		links->list = et_realloc_array(links->list, links->capacity, sizeof(*links->list));
	}
	links->list[links->count++] = *event;
}

int
et_recall_links(struct et_recall *recall, const struct et_uuid *device, struct et_slice href,
		struct et_link_events *ret, struct et_error *err)
{
	ET_CLEAN(et_links_list) struct et_links_list *list = NULL;
	enum et_link_effect effect = ET_LINK_OTHER;
	struct et_links_event at;
	struct et_recalled event;
	int r;

	r = et_links_list_open(recall->state->catalog, device, &list, err);
	while (r == 0 && (r = et_links_list_next(list, &at, err)) > 0) {
		r = et_recall_event(recall, at.position, &event, err);
		if (r == 0)
			r = effect_of(&event, href, &effect, err);
		if (r == 0) {
			const struct et_link_event link = { .seq = at.position,
							    .time_ns = event.time_ns,
							    .version = event.envelope.version,
							    .effect = effect };

			add_link(ret, &link);
		} else if (r == ET_CORRUPT || r == ET_GONE) {
			et_error_clear(err);
			r = 0;
		}
	}
	return r < 0 ? r : 0;
}

/* ---- orphans ---- */

struct correlation {
	struct et_sha256 id; /* of the correlation id's text: fixed size, whatever it is */
	uint64_t seq;
	int64_t time_ns;
	uint64_t version;
	enum et_kind kind;
};

struct correlations {
	struct correlation *list;
	size_t count;
	size_t capacity;
};

static void
add_correlation(struct correlations *into, struct et_hasher *hasher,
		const struct et_recalled *event, uint64_t seq)
{
	struct correlation *one;

	if (into->count == into->capacity) {
		into->capacity = into->capacity * 2 + 16;
		into->list = et_realloc_array(into->list, into->capacity, sizeof(*into->list));
	}
	one = &into->list[into->count++];
	et_hasher_once(hasher, event->payload.correlation_id.data,
		       event->payload.correlation_id.size, &one->id);
	one->seq = seq;
	one->time_ns = event->time_ns;
	one->version = event->envelope.version;
	one->kind = event->kind;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct et_sha256));
}

static int
collect_archive(struct et_recall *recall, const struct et_archive_entry *entry,
		const struct et_uuid *device, const struct et_uuid *aggregate, struct et_rows *rows,
		struct et_error *err)
{
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_reader *reader = NULL;
	struct et_row row;
	int r;

	r = open_entry(recall, entry, &reader, err);
	if (r == 0)
		r = et_reader_rows_open(reader, device, aggregate, &walk, err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		const struct et_kind_info *kind = et_kind_info(row.kind);

		if (row.row_class == ET_ROW_EVENT && (kind->withholdable || kind->confirms))
			et_rows_add(rows, &row);
		r = 0;
	}
	return r;
}

static void
find_orphans(struct correlations *pendings, const struct correlations *confirmations,
	     struct et_orphans *ret)
{
	if (pendings->count > 0)
		qsort(pendings->list, pendings->count, sizeof(*pendings->list), by_id);
	for (size_t i = 0; i < confirmations->count; i++) {
		const struct correlation *one = &confirmations->list[i];

		if (pendings->count > 0 &&
		    bsearch(one, pendings->list, pendings->count, sizeof(*one), by_id) != NULL)
			continue;
		if (ret->count == ret->capacity) {
			ret->capacity = ret->capacity * 2 + 8;
			ret->list = et_realloc_array(ret->list, ret->capacity, sizeof(*ret->list));
		}
		ret->list[ret->count++] = (struct et_orphan){
			.seq = one->seq,
			.time_ns = one->time_ns,
			.version = one->version,
			.kind = one->kind,
		};
	}
}

int
et_recall_orphans(struct et_recall *recall, const struct et_uuid *device,
		  const struct et_uuid *aggregate, int64_t until_ns, struct et_orphans *ret,
		  struct et_error *err)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct correlations pendings = { 0 };
	struct correlations confirmations = { 0 };
	struct et_rows rows = { 0 };
	struct et_archive_entry entry;
	struct et_recalled event;
	int r;

	r = et_entry_list_open(recall->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		uint64_t shift = 0;

		rows.count = 0;
		r = et_catalog_shift(recall->state->catalog, entry.identity, &shift, err);
		if (r >= 0)
			r = collect_archive(recall, &entry, device, aggregate, &rows, err);
		for (size_t i = 0; r == 0 && i < rows.count; i++) {
			uint64_t position = rows.rows[i].seq + shift;

			if (et_recall_event(recall, position, &event, err) < 0)
				continue; /* what cannot be read confirms nothing */
			if (et_kind_info(event.kind)->confirms && event.time_ns > until_ns) {
				ret->young = true;
				continue;
			}
			add_correlation(et_kind_info(event.kind)->withholdable ? &pendings
									       : &confirmations,
					hasher, &event, position);
		}
	}
	if (r >= 0)
		find_orphans(&pendings, &confirmations, ret);
	et_rows_done(&rows);
	free(pendings.list);
	free(confirmations.list);
	return r < 0 ? r : 0;
}
