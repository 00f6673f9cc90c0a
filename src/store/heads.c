// SPDX-License-Identifier: Apache-2.0
/*
 * Scans: many raw rows to one row per aggregate (store/source.h). Up to two
 * lanes of sorted rows run side by side; each is grouped by aggregate id, and
 * the groups are joined.
 */
#include <stdio.h>
#include <string.h>

#include "store/source_internal.h"

#define ID_SHOWN 64

/* One lane and the group of rows that is being put together. */
struct grouping {
	struct et_lane lane;
	struct et_headrow row; /* the next row, when there is one in hand */
	bool has_row;
	bool row_malformed;
	bool open;        /* a group is being filled */
	struct et_buf id; /* of the group; after that, of the last one: the order is checked */
	uint64_t latest_version;
	uint64_t first_version;
	bool has_first;
	uint32_t documents;
};

struct et_heads {
	struct grouping main;
	struct grouping first;
	bool split;
	bool index_only;
	bool first_ready; /* `first` holds a group that was not yet joined */
	bool first_ended;
};

static void
grouping_init(struct grouping *grouping, struct et_lane lane)
{
	grouping->lane = lane;
	et_buf_init(&grouping->id, ET_STORE_DOCUMENT_BYTES_MAX);
}

struct et_heads *
et_heads_new(struct et_lane main, struct et_lane first, bool split, bool index_only)
{
	struct et_heads *heads = et_calloc(1, sizeof(*heads));

	grouping_init(&heads->main, main);
	grouping_init(&heads->first, first);
	heads->split = split;
	heads->index_only = index_only;
	heads->first_ended = first.next == NULL;
	return heads;
}

bool
et_heads_index_only(const struct et_heads *heads)
{
	return heads->index_only;
}

static void
grouping_done(struct grouping *grouping)
{
	if (grouping->lane.free != NULL)
		grouping->lane.free(grouping->lane.feed);
	et_buf_done(&grouping->id);
}

void
et_heads_free(struct et_heads *heads)
{
	if (heads == NULL)
		return;
	grouping_done(&heads->main);
	grouping_done(&heads->first);
	free(heads);
}

static int
compare_ids(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	size_t common = a_size < b_size ? a_size : b_size;
	int order = common > 0 ? memcmp(a, b, common) : 0;

	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int
fetch_row(struct grouping *grouping, bool needs_latest, char words[ET_STORE_WORDS_BYTES],
	  struct et_error *err)
{
	struct et_slice bson;
	int r;

	r = grouping->lane.next(grouping->lane.feed, &bson, err);
	if (r <= 0)
		return r;
	grouping->row_malformed = et_headrow_parse(bson.data, bson.size, &grouping->row, words) < 0;
	if (!grouping->row_malformed && needs_latest && !grouping->row.has_latest) {
		(void)snprintf(words, ET_STORE_WORDS_BYTES, "'latestversion' is missing");
		grouping->row_malformed = true;
	}
	grouping->has_row = true;
	return 1;
}

static void
add_row(struct grouping *grouping)
{
	const struct et_headrow *row = &grouping->row;

	if (row->latest_version > grouping->latest_version)
		grouping->latest_version = row->latest_version;
	if (row->has_first &&
	    (!grouping->has_first || row->first_version < grouping->first_version)) {
		grouping->first_version = row->first_version;
		grouping->has_first = true;
	}
	grouping->documents++;
	grouping->has_row = false;
}

static int
start_group(struct grouping *grouping, struct et_error *err)
{
	const struct et_slice *id = &grouping->row.aggregate_id;

	if (grouping->id.size > 0 &&
	    compare_ids(id->data, id->size, grouping->id.data, grouping->id.size) <= 0) {
		int r = et_error_set(
			err, ET_GARBLED,
			"the store does not keep the order that was asked for: "
			"'%.*s' comes after '%.*s'",
			id->size > ID_SHOWN ? ID_SHOWN : (int)id->size, (const char *)id->data,
			grouping->id.size > ID_SHOWN ? ID_SHOWN : (int)grouping->id.size,
			(const char *)grouping->id.data);

		et_error_hint(err,
			      "is the default collation of the collection another than binary?");
		return r;
	}
	et_buf_reset(&grouping->id);
	et_buf_put(&grouping->id, id->data, id->size);
	grouping->latest_version = 0;
	grouping->first_version = 0;
	grouping->has_first = false;
	grouping->documents = 0;
	grouping->open = true;
	add_row(grouping);
	return 0;
}

static bool
row_belongs(const struct grouping *grouping)
{
	return grouping->open && grouping->row.aggregate_id.size == grouping->id.size &&
	       memcmp(grouping->row.aggregate_id.data, grouping->id.data, grouping->id.size) == 0;
}

enum group { GROUP_END = 0, GROUP_WHOLE = 1, GROUP_MALFORMED = 2 };

/* The next whole group, or a malformed row (which may come in the middle of one), or the end. */
static int
next_group(struct grouping *grouping, bool needs_latest, char words[ET_STORE_WORDS_BYTES],
	   struct et_error *err)
{
	int r;

	for (;;) {
		if (!grouping->has_row) {
			r = fetch_row(grouping, needs_latest, words, err);
			if (r < 0)
				return r;
			if (r == 0) {
				r = grouping->open ? GROUP_WHOLE : GROUP_END;
				grouping->open = false;
				return r;
			}
		}
		if (grouping->row_malformed) {
			grouping->has_row = false;
			return GROUP_MALFORMED;
		}
		if (row_belongs(grouping)) {
			add_row(grouping);
			continue;
		}
		if (grouping->open) {
			grouping->open = false;
			return GROUP_WHOLE;
		}
		r = start_group(grouping, err);
		if (r < 0)
			return r;
	}
}

/* Brings the lane of first versions up to the aggregate of the main lane. What is malformed there
 * is left out: it leaves the first version unknown, and the document itself will tell. */
static int
join_first(struct et_heads *heads, struct et_source_head *ret, struct et_error *err)
{
	const struct grouping *main = &heads->main;
	struct grouping *first = &heads->first;
	char words[ET_STORE_WORDS_BYTES];
	int order;
	int r;

	while (!heads->first_ended) {
		if (!heads->first_ready) {
			r = next_group(first, false, words, err);
			if (r < 0)
				return r;
			heads->first_ended = r == GROUP_END;
			heads->first_ready = r == GROUP_WHOLE;
			continue;
		}
		order = compare_ids(first->id.data, first->id.size, main->id.data, main->id.size);
		if (order > 0)
			return 0;
		heads->first_ready = false;
		if (order < 0) /* deleted between the two scans, or passed by */
			continue;
		ret->head.first_version = first->first_version;
		ret->first_known = first->has_first;
		return 0;
	}
	return 0;
}

int
et_heads_next(struct et_heads *heads, struct et_source_head *ret, struct et_error *err)
{
	struct grouping *main = &heads->main;
	int r;

	r = next_group(main, true, ret->words, err);
	if (r < 0)
		return et_error_wrap(err, r, "scan the store");
	if (r == GROUP_END)
		return 0;
	ret->malformed = r == GROUP_MALFORMED;
	ret->first_known = false;
	ret->documents = 0;
	if (ret->malformed) {
		ret->head = (struct et_head){ .aggregate_id = main->row.aggregate_id };
		return 1;
	}
	ret->words[0] = '\0';
	ret->documents = main->documents;
	ret->head = (struct et_head){
		.aggregate_id = { .data = main->id.data, .size = main->id.size },
		.latest_version = main->latest_version,
	};
	if (!heads->split)
		return 1;
	ret->head.first_version = main->first_version;
	ret->first_known = main->has_first;
	r = join_first(heads, ret, err);
	return r < 0 ? et_error_wrap(err, r, "scan the store") : 1;
}
