// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/clean.h"
#include "report/report.h"

/* A failed small allocation aborts (base/alloc.h); the keys are ours and valid. */
static void
put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

static void
append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

static json_t *
text_of(const char *text)
{
	ET_CLEAN_MEM char *clean = NULL;

	if (text == NULL)
		return json_null();
	clean = et_clean_utf8(text);
	return json_string(clean);
}

static json_t *
number_or_null(uint64_t number)
{
	return number > 0 ? et_json_number(number) : json_null();
}

static json_t *
time_of(int64_t time_ns)
{
	char text[ET_TIME_TEXT_BYTES];

	return time_ns != ET_TIME_NONE ? json_string(et_time_format(time_ns, text)) : json_null();
}

static json_t *
interval_of(uint64_t first, uint64_t last)
{
	json_t *pair;

	if (first == 0 && last == 0)
		return json_null();
	pair = json_array();
	append(pair, et_json_number(first));
	append(pair, et_json_number(last));
	return pair;
}

/* The text of an id; null for one that is not known, be it that the caller wrote out a zero key. */
static json_t *
id_of(const char *text, const struct et_uuid *key)
{
	static const struct et_uuid none;

	if (text == NULL || text[0] == '\0' || et_uuid_compare(key, &none) == 0)
		return json_null();
	return text_of(text);
}

static json_t *
finding_of(const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;
	bool exact = finding->time_ns != ET_TIME_NONE;
	json_t *object = json_object();

	put(object, "code", json_string(et_reason_info(finding->reason)->name));
	put(object, "recoverable",
	    finding->recoverable != ET_RECOVERABLE_NOT_SAID
		    ? json_string(et_recoverable_name(finding->recoverable))
		    : json_null());
	put(object, "device_id", id_of(reported->device_id, &finding->device));
	put(object, "aggregate_id", id_of(reported->aggregate_id, &finding->aggregate));
	put(object, "href", text_of(reported->href));
	/* What cannot be read has no version. */
	put(object, "version",
	    finding->reason == ET_REASON_MALFORMED_MESSAGE ? json_null()
							   : et_json_number(finding->version));
	put(object, "event_type",
	    finding->kind != ET_KIND_UNKNOWN ? json_string(et_kind_info(finding->kind)->name)
					     : json_null());
	put(object, "event_time", time_of(finding->time_ns));
	put(object, "time_after", exact ? json_null() : time_of(finding->after_ns));
	put(object, "time_before", exact ? json_null() : time_of(finding->before_ns));
	put(object, "sequence", number_or_null(finding->seq));
	put(object, "sequence_after", number_or_null(finding->after_seq));
	put(object, "sequence_before", number_or_null(finding->before_seq));
	put(object, "lost_deleted", json_boolean(finding->lost_deleted));
	return object;
}

static json_t *
counts_of(const struct et_report *report)
{
	/* Missing, of aggregates that the store does not have: beside the sum of what is
	 * expected. */
	static const enum et_reason beside[] = { ET_REASON_IN_FLIGHT, ET_REASON_BEFORE_HORIZON,
						 ET_REASON_UNANNOUNCED, ET_REASON_UNDECIDED };
	const struct et_tally *tally = &report->tally;
	json_t *object = json_object();
	char key[64];

	put(object, "expected", et_json_number(tally->expected));
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
		put(object, et_reason_info(reason)->name, value);
	}
	put(object, "lost_in_store", et_json_number(tally->lost_in_store));
	put(object, "lost_deleted", et_json_number(tally->lost_deleted));
	for (unsigned i = ET_RECOVERABLE_EXACT; i < ET_RECOVERABLE_COUNT; i++) {
		(void)snprintf(key, sizeof(key), "recoverable_%s",
			       et_recoverable_name((enum et_recoverable)i));
		put(object, key, et_json_number(tally->recoverable[i]));
	}
	for (size_t i = 0; i < ET_COUNT(beside); i++) {
		(void)snprintf(key, sizeof(key), "%s_deleted", et_reason_info(beside[i])->name);
		put(object, key, et_json_number(tally->deleted[beside[i]]));
	}
	put(object, "registrations", et_json_number(tally->registrations));
	put(object, "messages", et_json_number(tally->messages));
	return object;
}

static json_t *
stream_of(const struct et_report *report)
{
	json_t *object = json_object();

	put(object, "name", text_of(report->stream));
	put(object, "identity", text_of(report->identity));
	put(object, "first_seq", et_json_number(report->first_seq));
	put(object, "last_seq", et_json_number(report->last_seq));
	put(object, "cut_time", time_of(report->cut_time_ns));
	return object;
}

static json_t *
range_of(const struct et_report *report)
{
	json_t *object = json_object();
	json_t *holes = json_array();

	put(object, "requested", interval_of(report->requested_first, report->requested_last));
	put(object, "compared", interval_of(report->compared_first, report->compared_last));
	for (size_t i = 0; i < report->hole_count; i++) {
		json_t *hole = json_object();

		put(hole, "first_seq", et_json_number(report->holes[i].first_seq));
		put(hole, "last_seq", et_json_number(report->holes[i].last_seq));
		put(hole, "type", text_of(report->holes[i].type));
		append(holes, hole);
	}
	put(object, "holes", holes);
	return object;
}

static json_t *
store_of(const struct et_report *report)
{
	json_t *object = json_object();

	put(object, "documents", et_json_number(report->documents));
	put(object, "aggregates", et_json_number(report->aggregates));
	put(object, "events", et_json_number(report->events));
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

	put(tool, "name", json_string("evtrail"));
	put(tool, "version", text_of(report->tool_version));
	put(object, "tool", tool);
	put(object, "command", text_of(report->command));
	put(object, "verdict", text_of(report->verdict));
	put(object, "exit_status", json_integer(report->exit_status));
	put(object, "stream", stream_of(report));
	put(object, "range", range_of(report));
	put(object, "store", store_of(report));
	put(object, "counts", counts_of(report));
	put(object, "sums_hold", json_boolean(report->sums_hold));
	put(object, "findings_total", et_json_number(report->findings_total));
	for (size_t i = 0; i < shown; i++)
		append(findings, finding_of(&report->findings[i]));
	put(object, "findings", findings);
	put(object, "findings_truncated", json_boolean(report->findings_total > shown));
	for (size_t i = 0; i < report->note_count; i++)
		append(notes, text_of(report->notes[i]));
	put(object, "notes", notes);
	return object;
}

static int
write_line(json_t *object, size_t flags, bool flush, FILE *out, struct et_error *err)
{
	bool failed = json_dumpf(object, out, flags) < 0 || fputc('\n', out) == EOF;

	if (!failed && flush)
		failed = fflush(out) != 0;
	json_decref(object);
	return failed ? et_error_errno(err, errno, "write JSON") : 0;
}

int
et_report_json(const struct et_report *report, FILE *out, struct et_error *err)
{
	return write_line(report_of(report), JSON_INDENT(1), true, out, err);
}

int
et_report_finding_line(const struct et_report_finding *finding, FILE *out, struct et_error *err)
{
	return write_line(finding_of(finding), JSON_COMPACT, false, out, err);
}
