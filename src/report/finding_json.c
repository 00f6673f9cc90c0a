// SPDX-License-Identifier: Apache-2.0
/* A finding, and the list of findings, for programs. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/json_part.h"

const char *
et_report_code(const struct et_report_finding *finding)
{
	return finding->code != NULL && finding->code[0] != '\0'
		       ? finding->code
		       : et_reason_info(finding->finding.reason)->name;
}

char *
et_report_key(const struct et_report_finding *finding)
{
	const struct et_finding *one = &finding->finding;
	char aggregate[ET_UUID_TEXT_BYTES];

	if (one->reason == ET_REASON_MALFORMED_MESSAGE)
		return et_format("message@%" PRIu64, one->seq);
	et_uuid_format(&one->aggregate, aggregate);
	if (one->older)
		return et_format("%s@%" PRIu64 "~%u", aggregate, one->version, one->life);
	return et_format("%s@%" PRIu64, aggregate, one->version);
}

bool
et_report_is_lost(const struct et_report_finding *finding)
{
	return finding->finding.reason == ET_REASON_LOST ||
	       finding->finding.reason == ET_REASON_LOST_IN_GAP;
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
seen_at(int64_t time_ns)
{
	return time_ns != 0 ? et_json_of_time(time_ns) : json_null();
}

static void
put_identity(json_t *object, const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;
	bool has_version = finding->reason != ET_REASON_MALFORMED_MESSAGE;
	ET_CLEAN_MEM char *key = et_report_key(reported);

	et_json_put(object, "code", json_string(et_report_code(reported)));
	et_json_put(object, "key", json_string(key));
	et_json_put(object, "recoverable",
		    finding->recoverable != ET_RECOVERABLE_NOT_SAID
			    ? json_string(et_recoverable_name(finding->recoverable))
			    : json_null());
	et_json_put(object, "device_id", id_of(reported->device_id, &finding->device));
	et_json_put(object, "aggregate_id", id_of(reported->aggregate_id, &finding->aggregate));
	et_json_put(object, "href", et_json_of_text(reported->href));
	/* What cannot be read has no version. */
	et_json_put(object, "version",
		    has_version ? et_json_number(finding->version) : json_null());
	et_json_put(object, "last_version",
		    has_version ? et_json_number(finding->last_version) : json_null());
	/* null: the newest life of the device */
	et_json_put(object, "life", finding->older ? json_integer(finding->life) : json_null());
	et_json_put(object, "event_type",
		    finding->kind != ET_KIND_UNKNOWN
			    ? json_string(et_kind_info(finding->kind)->name)
			    : json_null());
}

static void
put_standing(json_t *object, const struct et_report_finding *reported)
{
	const struct et_report_acknowledgement *known = &reported->acknowledged;
	json_t *acknowledged = known->time_ns != 0 ? json_object() : json_null();

	et_json_put(object, "state", json_string(et_standing_name(reported->standing)));
	et_json_put(object, "first_seen", seen_at(reported->first_seen_ns));
	et_json_put(object, "last_seen", seen_at(reported->last_seen_ns));
	if (known->time_ns != 0) {
		et_json_put(acknowledged, "by", et_json_of_text(known->by));
		et_json_put(acknowledged, "reason", et_json_of_text(known->reason));
		et_json_put(acknowledged, "time", et_json_of_time(known->time_ns));
		et_json_put(acknowledged, "expires", et_json_of_time(known->until_ns));
	}
	et_json_put(object, "acknowledged", acknowledged);
	if (reported->standing != ET_STANDING_RESOLVED)
		return;
	et_json_put(object, "resolution", et_json_of_text(reported->resolution));
	et_json_put(object, "resolved", seen_at(reported->resolved_ns));
	et_json_put(object, "delay_seconds",
		    reported->delay_ns > 0
			    ? json_integer((json_int_t)(reported->delay_ns / ET_NS_PER_SECOND))
			    : json_null());
}

json_t *
et_json_finding(const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;
	bool exact = finding->time_ns != ET_TIME_NONE;
	json_t *object = json_object();

	put_identity(object, reported);
	et_json_put(object, "event_time", et_json_of_time(finding->time_ns));
	et_json_put(object, "time_after", exact ? json_null() : et_json_of_time(finding->after_ns));
	et_json_put(object, "time_before",
		    exact ? json_null() : et_json_of_time(finding->before_ns));
	et_json_put(object, "sequence", et_json_number_or_null(finding->seq));
	et_json_put(object, "sequence_after", et_json_number_or_null(finding->after_seq));
	et_json_put(object, "sequence_before", et_json_number_or_null(finding->before_seq));
	et_json_put(object, "lost_deleted", json_boolean(finding->lost_deleted));
	if (reported->details != NULL && reported->details[0] != '\0')
		et_json_put(object, "details", et_json_of_text(reported->details));
	put_standing(object, reported);
	return object;
}

int
et_report_finding_line(const struct et_report_finding *finding, FILE *out, struct et_error *err)
{
	return et_json_write(et_json_finding(finding), JSON_COMPACT, false, out, err);
}

void
et_json_standings(json_t *object, const uint64_t standings[ET_STANDING_COUNT])
{
	for (unsigned i = 0; i < ET_STANDING_COUNT; i++)
		et_json_put(object, et_standing_name((enum et_standing)i),
			    et_json_number(standings[i]));
}

/* ---- the list ---- */

/* "name": VALUE; the value is released. */
static bool
dump(FILE *out, const char *before, json_t *value)
{
	bool done = fputs(before, out) != EOF &&
		    json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;

	json_decref(value);
	return done;
}

static int
written(bool done, struct et_error *err)
{
	return done ? 0 : et_error_errno(err, errno, "write JSON");
}

int
et_report_listing_begin(const struct et_report_listing *listing, FILE *out, struct et_error *err)
{
	json_t *tool = json_object();

	et_json_put(tool, "name", json_string("evtrail"));
	et_json_put(tool, "version", et_json_of_text(listing->tool_version));
	return written(dump(out, "{\n \"tool\": ", tool) &&
			       fputs(",\n \"command\": \"findings\",\n \"verdict\": \"clean\",\n"
				     " \"exit_status\": 0,\n \"findings\": [",
				     out) != EOF,
		       err);
}

int
et_report_listing_finding(const struct et_report_finding *finding, bool first, FILE *out,
			  struct et_error *err)
{
	return written(dump(out, first ? "\n  " : ",\n  ", et_json_finding(finding)), err);
}

int
et_report_listing_end(const struct et_report_listing *listing, FILE *out, struct et_error *err)
{
	json_t *counts = json_object();

	et_json_standings(counts, listing->standings);
	return written(dump(out, "\n ],\n \"findings_total\": ",
			    et_json_number(listing->findings_total)) &&
			       dump(out, ",\n \"counts\": ", counts) &&
			       fputs("\n}\n", out) != EOF && fflush(out) == 0,
		       err);
}
