// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/json_part.h"
#include "report/report.h"

static json_t *
interval_of(uint64_t first, uint64_t last)
{
	json_t *pair;

	if (first == 0 && last == 0)
		return json_null();
	pair = json_array();
	et_json_append(pair, et_json_number(first));
	et_json_append(pair, et_json_number(last));
	return pair;
}

static json_t *
counts_of(const struct et_report *report)
{
	/* Missing, of aggregates that the store does not have: beside the sum of what is
	 * expected. */
	static const enum et_reason beside[] = {
		ET_REASON_IN_FLIGHT,   ET_REASON_BEFORE_HORIZON, ET_REASON_UNVERIFIABLE_GAP,
		ET_REASON_LOST_IN_GAP, ET_REASON_UNANNOUNCED,    ET_REASON_UNDECIDED
	};
	const struct et_tally *tally = &report->tally;
	json_t *object = json_object();
	char key[64];

	et_json_put(object, "expected", et_json_number(tally->expected));
	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		enum et_reason reason = (enum et_reason)i;
		json_t *value = et_json_number(tally->reasons[i]);

		if (reason == ET_REASON_COVERED) {
			json_decref(value);
			value = et_json_number(et_tally_covered(tally));
		} else if (!report->split &&
			   (reason == ET_REASON_MATCHED || reason == ET_REASON_TRUNCATED)) {
			json_decref(value);
			value = json_null();
		}
		et_json_put(object, et_reason_info(reason)->name, value);
	}
	et_json_put(object, "lost_in_store", et_json_number(tally->lost_in_store));
	et_json_put(object, "lost_deleted", et_json_number(tally->lost_deleted));
	for (unsigned i = ET_RECOVERABLE_EXACT; i < ET_RECOVERABLE_COUNT; i++) {
		(void)snprintf(key, sizeof(key), "recoverable_%s",
			       et_recoverable_name((enum et_recoverable)i));
		et_json_put(object, key, et_json_number(tally->recoverable[i]));
	}
	for (size_t i = 0; i < ET_COUNT(beside); i++) {
		(void)snprintf(key, sizeof(key), "%s_deleted", et_reason_info(beside[i])->name);
		et_json_put(object, key, et_json_number(tally->deleted[beside[i]]));
	}
	et_json_put(object, "registrations", et_json_number(tally->registrations));
	et_json_put(object, "messages", et_json_number(tally->messages));
	et_json_standings(object, report->standings);
	return object;
}

static json_t *
stream_of(const struct et_report *report)
{
	json_t *object = json_object();

	et_json_put(object, "name", et_json_of_text(report->stream));
	et_json_put(object, "identity", et_json_of_text(report->identity));
	et_json_put(object, "first_seq", et_json_number(report->first_seq));
	et_json_put(object, "last_seq", et_json_number(report->last_seq));
	et_json_put(object, "cut_time", et_json_of_time(report->cut_time_ns));
	return object;
}

static json_t *
range_of(const struct et_report *report)
{
	json_t *object = json_object();
	json_t *holes = json_array();

	et_json_put(object, "requested",
		    interval_of(report->requested_first, report->requested_last));
	et_json_put(object, "compared", interval_of(report->compared_first, report->compared_last));
	for (size_t i = 0; i < report->hole_count; i++) {
		json_t *hole = json_object();

		et_json_put(hole, "first_seq", et_json_number(report->holes[i].first_seq));
		et_json_put(hole, "last_seq", et_json_number(report->holes[i].last_seq));
		et_json_put(hole, "type", et_json_of_text(report->holes[i].type));
		et_json_append(holes, hole);
	}
	et_json_put(object, "holes", holes);
	return object;
}

static json_t *
store_of(const struct et_report *report)
{
	json_t *object = json_object();
	json_t *examined = json_object();

	et_json_put(object, "documents", et_json_number(report->documents));
	et_json_put(object, "aggregates", et_json_number(report->aggregates));
	et_json_put(object, "events", et_json_number(report->events));
	et_json_put(examined, "suspects", et_json_number(report->effort.suspects));
	et_json_put(examined, "known", et_json_number(report->effort.known));
	et_json_put(examined, "queries", et_json_number(report->effort.queries));
	et_json_put(examined, "documents", et_json_number(report->effort.documents));
	et_json_put(examined, "bytes", et_json_number(report->effort.bytes));
	et_json_put(object, "examined", examined);
	return object;
}

static json_t *
resolved_of(const struct et_report *report)
{
	const struct et_resolved *resolved = &report->resolved;
	json_t *object = json_object();

	et_json_put(object, "late", et_json_number(resolved->late));
	et_json_put(object, "late_delay_seconds",
		    resolved->late > 0 && resolved->late_delay_ns != ET_TIME_NONE
			    ? json_integer((json_int_t)(resolved->late_delay_ns / ET_NS_PER_SECOND))
			    : json_null());
	et_json_put(object, "changed", et_json_number(resolved->changed));
	return object;
}

static json_t *
recovery_of(const struct et_recovery *recovery)
{
	json_t *object = json_object();
	json_t *schedules = json_array();

	et_json_put(object, "recoverable_when_first_seen", et_json_number(recovery->recoverable));
	et_json_put(object, "too_late", et_json_number(recovery->too_late));
	for (size_t i = 0; i < recovery->schedule_count; i++) {
		json_t *schedule = json_object();

		et_json_put(schedule, "every_seconds",
			    et_json_number(recovery->schedules[i].every_seconds));
		et_json_put(schedule, "caught_share", json_real(recovery->schedules[i].share));
		et_json_append(schedules, schedule);
	}
	et_json_put(object, "schedules", schedules);
	return object;
}

static json_t *
report_of(const struct et_report *report)
{
	size_t shown = report->finding_count < ET_REPORT_FINDINGS_MAX ? report->finding_count
								      : ET_REPORT_FINDINGS_MAX;
	json_t *object = json_object();
	json_t *tool = json_object();
	json_t *findings = json_array();
	json_t *notes = json_array();

	et_json_put(tool, "name", json_string("evtrail"));
	et_json_put(tool, "version", et_json_of_text(report->tool_version));
	et_json_put(object, "tool", tool);
	et_json_put(object, "command", et_json_of_text(report->command));
	et_json_put(object, "verdict", et_json_of_text(report->verdict));
	et_json_put(object, "exit_status", json_integer(report->exit_status));
	et_json_put(object, "stream", stream_of(report));
	et_json_put(object, "range", range_of(report));
	et_json_put(object, "store", store_of(report));
	et_json_put(object, "counts", counts_of(report));
	et_json_put(object, "sums_hold", json_boolean(report->sums_hold));
	et_json_put(object, "resolved", resolved_of(report));
	/* Only where something is lost. */
	if (report->recovery.recoverable + report->recovery.too_late > 0)
		et_json_put(object, "recovery", recovery_of(&report->recovery));
	et_json_put(object, "findings_total", et_json_number(report->findings_total));
	for (size_t i = 0; i < shown; i++)
		et_json_append(findings, et_json_finding(&report->findings[i]));
	et_json_put(object, "findings", findings);
	et_json_put(object, "findings_truncated", json_boolean(report->findings_total > shown));
	et_json_incidents(object, &report->incidents);
	for (size_t i = 0; i < report->note_count; i++)
		et_json_append(notes, et_json_of_text(report->notes[i]));
	et_json_put(object, "notes", notes);
	return object;
}

int
et_report_json(const struct et_report *report, FILE *out, struct et_error *err)
{
	return et_json_write(report_of(report), JSON_INDENT(1), true, out, err);
}
