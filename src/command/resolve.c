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

/* Holes of the archives make every run incomplete. There nothing ends but what is on the stream by
 * now, and what this run has seen under another name that is as loud. */
static int
is_replaced(struct et_audit *audit, const struct et_noted_finding *finding, bool *ret,
	    struct et_error *err)
{
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_noted_finding other;
	enum et_reason was;
	enum et_reason is;
	int r;

	r = et_finding_list_about(audit->state->catalog, &finding->aggregate, finding->version,
				  &list, err);
	while (r == 0 && !*ret && (r = et_finding_list_next(list, &other, err)) > 0) {
		r = 0;
		*ret = other.last_run == audit->run && other.life == finding->life &&
		       other.part == finding->part && et_reason_of(finding->code, &was) &&
		       et_reason_of(other.code, &is) &&
		       et_reason_info(is)->is_finding >= et_reason_info(was)->is_finding;
	}
	return r < 0 ? r : 0;
}

/* NULL: it goes on. */
static int
how_it_ended(struct et_audit *audit, const struct et_noted_finding *finding, bool has_holes,
	     const char **ret, int64_t *ret_delay_ns, struct et_error *err)
{
	struct et_uuid device;
	bool replaced = !has_holes;
	bool late = false;
	int r = 0;

	*ret_delay_ns = ET_TIME_NONE;
	if (is_missing(finding->code))
		r = turned_up(audit->state->catalog, finding, &device, &late, err);
	if (r == 0 && late && audit->resolved.late < DELAYS_MOST)
		r = delay_of(audit, &device, finding, ret_delay_ns, err);
	if (r == 0 && !late && !replaced)
		r = is_replaced(audit, finding, &replaced, err);
	*ret = late ? "late" : replaced ? "changed" : NULL;
	return r;
}

static int
resolve_one(struct et_audit *audit, const struct et_noted_finding *finding, bool has_holes,
	    struct et_error *err)
{
	struct et_resolved *resolved = &audit->resolved;
	const char *how = NULL;
	int64_t delay_ns;
	int r;

	r = how_it_ended(audit, finding, has_holes, &how, &delay_ns, err);
	if (r < 0 || how == NULL)
		return r;
	if (delay_ns > resolved->late_delay_ns)
		resolved->late_delay_ns = delay_ns;
	*(strcmp(how, "late") == 0 ? &resolved->late : &resolved->changed) += 1;
	return et_catalog_resolve(audit->state->catalog, audit->run, finding, how,
				  delay_ns != ET_TIME_NONE ? delay_ns : 0, err);
}

/* Whether this run would have seen it again. Not what it did not look for, nor what an evtrail that
 * knows more has found; nor anything of a device that the source does not show. */
static int
is_judged(const struct et_audit *audit, const struct et_noted_finding *finding, bool *ret,
	  struct et_error *err)
{
	struct et_report_finding reported;
	struct et_arena texts;
	int r;

	*ret = (audit->looked_for & (1u << finding->part)) != 0;
	if (!*ret || !et_source_is_partial(audit->source))
		return 0;
	et_arena_init(&texts, 0);
	r = et_finding_decode(finding->body, &texts, &reported, err);
	if (r == 0)
		*ret = et_source_shows(audit->source, &reported.finding.device);
	et_arena_done(&texts);
	return r;
}

int
et_audit_resolve(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_catalog *catalog = audit->state->catalog;
	struct et_noted_finding finding;
	bool has_holes = audit->totals.hole_count > 0 || audit->blind_count > 0 ||
			 audit->status == ET_STATUS_INCOMPLETE;
	bool judged;
	int r;

	audit->resolved.late_delay_ns = ET_TIME_NONE;
	r = et_catalog_findings_known(catalog, audit->run, err);
	/* A run that did not see all of both sides ends nothing. */
	if (r < 0 || audit->unsure)
		return r;
	r = et_finding_list_gone(catalog, audit->run, &list, err);
	while (r == 0 && (r = et_finding_list_next(list, &finding, err)) > 0) {
		r = is_judged(audit, &finding, &judged, err);
		if (r == 0 && judged)
			r = resolve_one(audit, &finding, has_holes, err);
	}
	return r < 0 ? r : 0;
}
