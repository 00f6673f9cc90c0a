/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts that hold until something changes: kept, and recalled with their findings. */
#include <inttypes.h>

#include "command/suspects.h"

/* A tally is a row of counters: kept as varints, most of them 0. */
#define COUNTERS (sizeof(struct et_tally) / sizeof(uint64_t))
_Static_assert(sizeof(struct et_tally) % sizeof(uint64_t) == 0, "a tally is made of counters");

static void
encode(const struct et_tally *tally, struct et_buf *out)
{
	uint64_t counters[COUNTERS];

	memcpy(counters, tally, sizeof(counters));
	et_buf_reset(out);
	for (size_t i = 0; i < COUNTERS; i++)
		et_buf_varint(out, counters[i]);
}

static bool
decode(struct et_slice bytes, struct et_tally *ret)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	uint64_t counters[COUNTERS];

	for (size_t i = 0; i < COUNTERS; i++)
		if (!et_cursor_varint(&cursor, &counters[i]))
			return false;
	memcpy(ret, counters, sizeof(counters));
	return et_cursor_left(&cursor) == 0;
}

/* What time alone, or a second sight, can change. */
static bool
is_settled(const struct et_cut *cut, const struct suspect *suspect, const struct et_tally *tally)
{
	/* Of a document from the future, too. */
	if (suspect->latest_time_ns != ET_TIME_NONE && suspect->latest_time_ns > cut->time_ns)
		return false;
	return !suspect->unsettled && tally->reasons[ET_REASON_IN_FLIGHT] == 0 &&
	       tally->deleted[ET_REASON_IN_FLIGHT] == 0 && tally->reasons[ET_REASON_AHEAD] == 0 &&
	       suspect->left_out == 0;
}

int
et_verdict_keep(struct batch *batch, const struct suspect *suspect, const struct et_tally *tally,
		struct et_error *err)
{
	struct et_catalog *catalog = batch->audit->state->catalog;
	const struct et_suspect *from = suspect->from;
	struct et_verdict verdict = {
		.aggregate = from->aggregate,
		.device = suspect->device,
		.in_store = from->in_store,
		.latest_version = from->latest_version,
		.first_version = from->first_version,
		.run = batch->audit->run,
		.alive = suspect->document_count > 0 || suspect->device_in_store,
	};

	/* Read anew it was another one than at the scan. */
	if (!is_settled(&batch->audit->cut, suspect, tally) ||
	    (from->in_store && suspect->latest_version != from->latest_version))
		return et_catalog_verdict_drop(catalog, &from->aggregate, err);
	encode(tally, &batch->encoded);
	verdict.tally = (struct et_slice){ batch->encoded.data, batch->encoded.size };
	return et_catalog_verdict_put(catalog, &verdict, err);
}

int
et_verdict_recall(struct batch *batch, const struct et_suspect *suspect, struct et_error *err)
{
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_audit *audit = batch->audit;
	struct et_catalog *catalog = audit->state->catalog;
	struct et_noted_finding noted;
	struct et_tally tally;
	int r;

	r = et_catalog_verdict_tally(catalog, &suspect->aggregate, &batch->encoded, err);
	if (r < 0)
		return r;
	if (r == 0 ||
	    !decode((struct et_slice){ batch->encoded.data, batch->encoded.size }, &tally)) {
		r = et_error_set(err, ET_CORRUPT, "a verdict in the catalog cannot be read");
		et_error_hint(err, "run `evtrail reindex`: it forgets the verdicts");
		return r;
	}
	et_tally_add(&audit->tally, &tally);
	r = et_finding_list_of(catalog, &suspect->aggregate, &list, err);
	while (r == 0 && (r = et_finding_list_next(list, &noted, err)) > 0)
		r = et_audit_recall_finding(audit, &noted, err);
	return r;
}

/* ---- what a verdict depends on, beside its aggregate ---- */

/* Changed when a rule changes. */
#define RULES 3

int
et_audit_check_ground(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	const struct et_totals *totals = &audit->totals;
	ET_CLEAN_MEM char *ground = et_format(
		"%d %s %" PRId64 " %" PRId64 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 "%s", RULES,
		PACKAGE_VERSION, totals->first_time_ns, audit->options->settle,
		(int)audit->options->split, totals->identities, totals->hole_count,
		totals->hole_sequences, et_source_is_partial(audit->source) ? " partial" : "");
	struct et_buf noted;
	bool same;
	int r;

	et_buf_init(&noted, 4096);
	r = et_catalog_get(catalog, "verdict_ground", &noted, err);
	same = r > 0 && strcmp(et_buf_cstr(&noted), ground) == 0;
	et_buf_done(&noted);
	if (r < 0 || same)
		return r < 0 ? r : 0;
	r = et_catalog_verdicts_forget(catalog, err);
	return r == 0 ? et_catalog_set(catalog, "verdict_ground", ground, err) : r;
}
