// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/json_part.h"
#include "report/report.h"

static json_t *
number_or_null(uint64_t number)
{
	return number > 0 ? et_json_number(number) : json_null();
}

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

/* The text of an id; null for one that is not known, be it that the caller wrote out a zero key. */
static json_t *
id_of(const char *text, const struct et_uuid *key)
{
	static const struct et_uuid none;

	if (text == NULL || text[0] == '\0' || et_uuid_compare(key, &none) == 0)
		return json_null();
	return et_json_of_text(text);
}

static json_t *
finding_of(const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;
	bool exact = finding->time_ns != ET_TIME_NONE;
	json_t *object = json_object();

	et_json_put(object, "code", json_string(et_reason_info(finding->reason)->name));
	et_json_put(object, "recoverable",
		    finding->recoverable != ET_RECOVERABLE_NOT_SAID
			    ? json_string(et_recoverable_name(finding->recoverable))
			    : json_null());
	et_json_put(object, "device_id", id_of(reported->device_id, &finding->device));
	et_json_put(object, "aggregate_id", id_of(reported->aggregate_id, &finding->aggregate));
	et_json_put(object, "href", et_json_of_text(reported->href));
	/* What cannot be read has no version. */
	et_json_put(object, "version",
		    finding->reason == ET_REASON_MALFORMED_MESSAGE
			    ? json_null()
			    : et_json_number(finding->version));
	et_json_put(object, "last_version",
		    finding->reason == ET_REASON_MALFORMED_MESSAGE
			    ? json_null()
			    : et_json_number(finding->last_version));
	/* null: the newest life of the device */
	et_json_put(object, "life", finding->older ? json_integer(finding->life) : json_null());
	et_json_put(object, "event_type",
		    finding->kind != ET_KIND_UNKNOWN
			    ? json_string(et_kind_info(finding->kind)->name)
			    : json_null());
	et_json_put(object, "event_time", et_json_of_time(finding->time_ns));
	et_json_put(object, "time_after", exact ? json_null() : et_json_of_time(finding->after_ns));
	et_json_put(object, "time_before",
		    exact ? json_null() : et_json_of_time(finding->before_ns));
	et_json_put(object, "sequence", number_or_null(finding->seq));
	et_json_put(object, "sequence_after", number_or_null(finding->after_seq));
	et_json_put(object, "sequence_before", number_or_null(finding->before_seq));
	et_json_put(object, "lost_deleted", json_boolean(finding->lost_deleted));
	return object;
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
		et_json_append(findings, finding_of(&report->findings[i]));
	et_json_put(object, "findings", findings);
	et_json_put(object, "findings_truncated", json_boolean(report->findings_total > shown));
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

int
et_report_finding_line(const struct et_report_finding *finding, FILE *out, struct et_error *err)
{
	return et_json_write(finding_of(finding), JSON_COMPACT, false, out, err);
}
