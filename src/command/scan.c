/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual pass (docs/audit.md, Order of reading): the store's
 * {aggregateid, latestversion} and the catalog's coverage, both in the order
 * of the aggregate id, walked side by side. What is covered is counted and
 * forgotten; only the rest becomes a suspect.
 */
#include <inttypes.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/audit.h"
#include "command/progress.h"
#include "event/ident.h"

/* All epochs of one aggregate. */
struct group {
	struct et_uuid aggregate;
	struct et_uuid device; /* of the newest epoch */
	unsigned epochs;
	bool whole; /* the newest epoch is one span from 0 … */
	uint64_t whole_last;
	uint64_t messages; /* duplicates included */
	uint64_t duplicates;
	enum et_family family;
};

struct scan {
	struct et_audit *audit;
	struct et_heads *heads;
	struct et_cover_list *covers;
	struct et_cover ahead; /* read, not yet in a group */
	bool has_ahead;
	struct group group;
	bool has_group;
	struct et_uuid key; /* of the row in hand */
	struct et_progress progress;
};

static int
next_group(struct scan *scan, struct et_error *err)
{
	struct group *group = &scan->group;
	int r = 1;

	scan->has_group = false;
	while (true) {
		if (!scan->has_ahead) {
			r = et_cover_list_next(scan->covers, &scan->ahead, err);
			if (r < 0)
				return r;
			scan->has_ahead = r > 0;
		}
		if (!scan->has_ahead ||
		    (scan->has_group &&
		     et_uuid_compare(&scan->ahead.aggregate, &group->aggregate) != 0))
			return 0;
		if (!scan->has_group)
			*group = (struct group){ .aggregate = scan->ahead.aggregate };
		scan->has_group = true;
		scan->has_ahead = false;
		group->epochs++;
		group->whole = scan->ahead.whole;
		group->whole_last = scan->ahead.whole_last;
		group->messages += scan->ahead.messages;
		group->duplicates += scan->ahead.duplicates;
		group->device = scan->ahead.device;
		group->family = scan->ahead.family;
	}
}

static int
suspect_in_store(struct scan *scan, const struct et_head *head, const struct et_uuid *key,
		 struct et_error *err)
{
	struct et_suspect suspect = {
		.aggregate = *key,
		.aggregate_id = head->aggregate_id,
		.in_store = true,
		.latest_version = head->latest_version,
		.first_version = head->first_version,
	};

	return et_catalog_suspect_add(scan->audit->state->catalog, &suspect, err);
}

/* Of a device that the source does not show: be it there or not, nothing is to be said of it. */
static void
count_not_shown(struct scan *scan)
{
	const struct group *group = &scan->group;
	uint64_t *reasons = scan->audit->tally.reasons;

	reasons[ET_REASON_NOT_JUDGED] += group->messages - group->duplicates;
	reasons[ET_REASON_DUPLICATE] += group->duplicates;
	scan->audit->not_shown++;
}

static int
suspect_unstored(struct scan *scan, struct et_error *err)
{
	char text[ET_UUID_TEXT_BYTES];
	struct et_suspect suspect = {
		.aggregate = scan->group.aggregate,
		.aggregate_id = { (const uint8_t *)text, ET_UUID_TEXT_BYTES - 1 },
	};

	if (!et_source_shows(scan->audit->source, &scan->group.device)) {
		count_not_shown(scan);
		return 0;
	}
	et_uuid_format(&scan->group.aggregate, text);
	return et_catalog_suspect_add(scan->audit->state->catalog, &suspect, err);
}

static bool
covered(const struct group *group, const struct et_source_head *row, bool split)
{
	return group->epochs == 1 && group->whole &&
	       group->whole_last == row->head.latest_version &&
	       group->family != ET_FAMILY_SERVICE && (!split || row->first_known);
}

static int
join_row(struct scan *scan, const struct et_source_head *row, struct et_error *err)
{
	struct et_audit *audit = scan->audit;
	const struct et_head *head = &row->head;
	struct et_uuid key;
	bool named = false;
	int order = 1;
	int r = 0;

	key = et_ident_key(head->aggregate_id, &named);
	scan->key = key;
	if (named) /* out of the order of keys: looked up when it is judged */
		return suspect_in_store(scan, head, &key, err);
	while (r == 0 && scan->has_group &&
	       (order = et_uuid_compare(&scan->group.aggregate, &key)) < 0) {
		r = suspect_unstored(scan, err);
		if (r == 0)
			r = next_group(scan, err);
	}
	if (r < 0)
		return r;
	if (!scan->has_group || order != 0)
		return suspect_in_store(scan, head, &key, err);
	if (covered(&scan->group, row, audit->cut.split)) {
		et_judge_covered(head->latest_version, head->first_version, audit->cut.split,
				 &audit->tally);
		audit->tally.reasons[ET_REASON_DUPLICATE] += scan->group.duplicates;
	} else {
		r = suspect_in_store(scan, head, &key, err);
	}
	return r < 0 ? r : next_group(scan, err);
}

static int
walk(struct scan *scan, struct et_error *err)
{
	struct et_audit *audit = scan->audit;
	struct et_source_head row;
	uint64_t rows = 0;
	int r;

	r = next_group(scan, err);
	if (r < 0)
		return r;
	while ((r = et_heads_next(scan->heads, &row, err)) > 0) {
		et_progress_at(&scan->progress, rows, et_progress_of_id(&scan->key));
		if (++rows % 1024 == 0) {
			r = et_cancel_check(err);
			if (r < 0)
				return r;
		}
		audit->documents += row.documents;
		if (row.malformed) {
			audit->tally.reasons[ET_REASON_MALFORMED_DOCUMENT]++;
			et_audit_note(audit, "a document of the store cannot be read: %.*s: %s",
				      (int)(row.head.aggregate_id.size < 64
						    ? row.head.aggregate_id.size
						    : 64),
				      (const char *)row.head.aggregate_id.data, row.words);
			continue;
		}
		r = join_row(scan, &row, err);
		if (r < 0)
			return r;
	}
	while (r == 0 && scan->has_group) {
		r = suspect_unstored(scan, err);
		if (r == 0)
			r = next_group(scan, err);
	}
	return r;
}

int
et_audit_scan(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	struct scan scan = { .audit = audit };
	int r;

	r = et_catalog_begin(catalog, err); /* thousands of suspects in one transaction */
	if (r < 0)
		return r;
	r = et_catalog_suspects_clear(catalog, err);
	et_progress_begin(&scan.progress, audit->options, "reading the EventStore", "aggregates");
	if (r == 0)
		r = et_source_heads(audit->source, NULL, NULL, audit->cut.split, &scan.heads, err);
	if (r == 0)
		r = et_cover_list_open(catalog, &scan.covers, err);
	if (r == 0)
		r = walk(&scan, err);
	et_progress_end(&scan.progress);
	et_heads_free(scan.heads);
	et_cover_list_free(scan.covers);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0) {
		et_catalog_rollback(catalog);
		return r;
	}
	return 0;
}
