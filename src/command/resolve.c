/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of earlier runs that this one did not see any more. */
#include "command/audit.h"

/* Of so many the delay is looked up. */
#define DELAYS_MOST 1000u

/* Is the version on the stream by now, in any life? */
static int
turned_up(struct et_catalog *catalog, const struct et_noted_finding *finding,
	  struct et_uuid *ret_device, bool *ret, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_coverage coverage = { 0 };
	struct et_cover cover;
	int r;

	r = et_cover_list_of(catalog, &finding->aggregate, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		r = et_coverage_decode(cover.spans, &coverage, err);
		if (r == 0 && et_coverage_has(&coverage, finding->version)) {
			*ret = true;
			*ret_device = cover.device;
		}
	}
	et_coverage_done(&coverage);
	return r;
}

/* Stream time less event time of the newest message of that version. */
static int
delay_of(struct et_audit *audit, const struct et_uuid *device,
	 const struct et_noted_finding *finding, int64_t *ret_ns, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		ET_CLEAN(et_reader) struct et_reader *reader = NULL;
		ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
		struct et_record record;
		struct et_row found = { 0 };
		struct et_row row;

		r = et_state_open_archive(audit->state, &entry, &reader, err);
		if (r == 0)
			r = et_reader_rows_open(reader, device, &finding->aggregate, &walk, err);
		while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
			if (row.row_class == ET_ROW_EVENT && row.version == finding->version)
				found = row;
			r = 0;
		}
		et_reader_rows_free(ET_STEAL(walk));
		if (r == 0 && found.seq != 0)
			r = et_reader_record(reader, found.seq, &record, NULL, err);
		if (r == 0 && found.seq != 0 &&
		    __builtin_sub_overflow(record.time_ns, found.event_time_ns, ret_ns))
			*ret_ns = ET_TIME_NONE;
	}
	return r < 0 ? r : 0;
}

static bool
is_missing(const char *code)
{
	enum et_reason reason;

	return et_reason_of(code, &reason) &&
	       (reason == ET_REASON_LOST || reason == ET_REASON_LOST_IN_GAP ||
		reason == ET_REASON_UNDECIDED || reason == ET_REASON_UNVERIFIABLE_GAP);
}

static int
resolve_one(struct et_audit *audit, const struct et_noted_finding *finding, struct et_error *err)
{
	struct et_resolved *resolved = &audit->resolved;
	int64_t delay_ns = ET_TIME_NONE;
	struct et_uuid device;
	bool late = false;
	int r = 0;

	if (is_missing(finding->code))
		r = turned_up(audit->state->catalog, finding, &device, &late, err);
	if (r == 0 && late && resolved->late < DELAYS_MOST)
		r = delay_of(audit, &device, finding, &delay_ns, err);
	if (r < 0)
		return r;
	if (delay_ns > resolved->late_delay_ns)
		resolved->late_delay_ns = delay_ns;
	*(late ? &resolved->late : &resolved->changed) += 1;
	return et_catalog_resolve(audit->state->catalog, audit->run, finding,
				  late ? "late" : "changed",
				  delay_ns != ET_TIME_NONE ? delay_ns : 0, err);
}

int
et_audit_resolve(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_catalog *catalog = audit->state->catalog;
	struct et_noted_finding finding;
	int r;

	audit->resolved.late_delay_ns = ET_TIME_NONE;
	r = et_catalog_findings_known(catalog, audit->run, err);
	if (r == 0)
		r = et_finding_list_gone(catalog, audit->run, &list, err);
	while (r == 0 && (r = et_finding_list_next(list, &finding, err)) > 0)
		r = resolve_one(audit, &finding, err);
	return r < 0 ? r : 0;
}
