// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "event/kind.h"

static struct sample sample;

static char *
json_of(void)
{
	struct et_error err = { 0 };
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_ok(et_report_json(&sample.report, out, &err), &err);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *
line_of(size_t at)
{
	struct et_error err = { 0 };
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_ok(et_report_finding_line(&sample.findings[at], out, &err), &err);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
assert_line(size_t at, const char *want)
{
	ET_CLEAN_MEM char *line = line_of(at);

	assert_string_equal(line, want);
}

static void
assert_json_holds(const char *piece)
{
	ET_CLEAN_MEM char *text = json_of();

	if (strstr(text, piece) == NULL)
		fail_msg("no %s in %s", piece, text);
}

static void
a_clean_run_has_all_its_keys(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	text = json_of();
	assert_golden(text, "clean.json");
}

static void
findings_holes_and_notes_stand_in_it(void **state ET_UNUSED)
{
	static const char *const notes[] = { "why \"this\" is so", "and that" };
	static const struct et_report_hole holes[] = { { 2, 3, "expired" }, { 5, 9, NULL } };
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_SUPERSEDED);
	(void)sample_lose(&sample, 1, 1, 5, ET_RECOVERABLE_REBUILT);
	sample.report.tally.reasons[ET_REASON_LOST]++;
	sample.report.tally.lost_deleted = 1;
	sample.report.tally.recoverable[ET_RECOVERABLE_SUPERSEDED]++;
	sample.report.tally.deleted[ET_REASON_UNDECIDED] = 8;
	sample.report.notes = notes;
	sample.report.note_count = 2;
	sample.report.holes = holes;
	sample.report.hole_count = 2;
	sample.report.sums_hold = false;
	sample.report.requested_last = 20;
	text = json_of();
	assert_golden(text, "findings.json");
}

static void
what_it_took_and_what_became_of_earlier_findings_stand_in_it(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.effort = (struct et_effort){
		.queries = 1, .documents = 2, .bytes = 3, .suspects = 4, .known = 5
	};
	sample.report.resolved =
		(struct et_resolved){ .late = 6, .late_delay_ns = 7900000000, .changed = 8 };
	assert_json_holds("\"examined\": {\n   \"suspects\": 4,\n   \"known\": 5,\n"
			  "   \"queries\": 1,\n   \"documents\": 2,\n   \"bytes\": 3\n  }");
	assert_json_holds("\"resolved\": {\n  \"late\": 6,\n  \"late_delay_seconds\": 7,\n"
			  "  \"changed\": 8\n }");
	sample.report.resolved.late_delay_ns = ET_TIME_NONE;
	assert_json_holds("\"late\": 6,\n  \"late_delay_seconds\": null,");
}

static void
a_finding_says_of_which_life_it_is_and_of_which_versions(void **state ET_UNUSED)
{
	struct et_finding *finding;
	ET_CLEAN_MEM char *line = NULL;

	sample_clean(&sample);
	finding = sample_lose(&sample, 1, 2, 4, ET_RECOVERABLE_SUPERSEDED);
	finding->reason = ET_REASON_STORE_LOST;
	finding->last_version = 9;
	finding->older = true; /* the oldest life has the number 0 */
	line = line_of(0);
	assert_non_null(strstr(line, "\"version\":4,\"last_version\":9,\"life\":0,"));
}

static void
what_is_missing_of_deleted_devices_is_counted_by_reason(void **state ET_UNUSED)
{
	static const enum et_reason reasons[] = {
		ET_REASON_IN_FLIGHT,   ET_REASON_BEFORE_HORIZON, ET_REASON_UNVERIFIABLE_GAP,
		ET_REASON_LOST_IN_GAP, ET_REASON_UNANNOUNCED,    ET_REASON_UNDECIDED
	};

	for (unsigned i = 0; i < ET_COUNT(reasons); i++) {
		ET_CLEAN_MEM char *want =
			et_format("\"%s_deleted\": %u,", et_reason_info(reasons[i])->name, 70 + i);

		sample_clean(&sample);
		sample.report.tally.deleted[reasons[i]] = 70 + i;
		assert_json_holds(want);
	}
}

static void
without_the_split_only_covered_is_known(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.split = false;
	sample.report.tally.reasons[ET_REASON_COVERED] = 10;
	sample.report.tally.reasons[ET_REASON_MATCHED] = 0;
	sample.report.tally.reasons[ET_REASON_TRUNCATED] = 0;
	assert_json_holds("\"matched\": null,\n  \"truncated\": null,\n  \"covered\": 10,\n");
}

static void
where_nothing_was_compared_the_range_is_null(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.compared_first = 0;
	sample.report.compared_last = 0;
	sample.report.cut_time_ns = ET_TIME_NONE;
	sample.report.identity = NULL;
	assert_json_holds("\"compared\": null,");
	assert_json_holds("\"cut_time\": null");
	assert_json_holds("\"identity\": null,");
}

static void
a_line_has_the_fields_of_a_finding(void **state ET_UNUSED)
{
	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 2, 4, ET_RECOVERABLE_SUPERSEDED);
	assert_line(
		0,
		"{\"code\":\"lost\",\"key\":\"02a90000-0000-0000-0000-000000000000@4\","
		"\"recoverable\":\"superseded\","
		"\"device_id\":\"0001de00-0000-0000-0000-000000000000\","
		"\"aggregate_id\":\"02a90000-0000-0000-0000-000000000000\",\"href\":\"/light/1\","
		"\"version\":4,\"last_version\":4,\"life\":null,\"event_type\":null,\"event_time\":"
		"null,"
		"\"time_after\":\"2025-11-25T02:59:59Z\",\"time_before\":\"2025-11-25T03:30:00Z\","
		"\"sequence\":null,\"sequence_after\":104,\"sequence_before\":204,\"lost_deleted\":"
		"false,\"state\":\"new\",\"first_seen\":null,\"last_seen\":null,"
		"\"acknowledged\":null}\n");
	(void)sample_lose(&sample, 1, 2, 0, ET_RECOVERABLE_EXACT);
	sample.findings[1].href = NULL;
	sample.findings[1].finding.after_seq = 0;
	sample.findings[1].finding.lost_deleted = true;
	assert_line(1, "{\"code\":\"lost\",\"key\":\"02a90000-0000-0000-0000-000000000000@0\","
		       "\"recoverable\":\"exact\","
		       "\"device_id\":\"0001de00-0000-0000-0000-000000000000\","
		       "\"aggregate_id\":\"02a90000-0000-0000-0000-000000000000\",\"href\":null,"
		       "\"version\":0,\"last_version\":0,\"life\":null,\"event_type\":"
		       "\"resourcechanged\",\"event_time\":\"2025-11-"
		       "25T03:00:00Z\","
		       "\"time_after\":null,\"time_before\":null,"
		       "\"sequence\":null,\"sequence_after\":null,\"sequence_before\":200,\"lost_"
		       "deleted\":true,\"state\":\"new\",\"first_seen\":null,"
		       "\"last_seen\":null,\"acknowledged\":null}\n");
}

static void
of_a_message_that_cannot_be_read_only_the_sequence_is_known(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.findings[0] = (struct et_report_finding){
		.finding = { .reason = ET_REASON_MALFORMED_MESSAGE,
			     .time_ns = ET_TIME_NONE,
			     .after_ns = ET_TIME_NONE,
			     .before_ns = ET_TIME_NONE,
			     .seq = 4711 },
		.device_id = "00000000-0000-0000-0000-000000000000",
		.aggregate_id = "",
	};
	assert_line(
		0, "{\"code\":\"malformed_message\",\"key\":\"message@4711\","
		   "\"recoverable\":null,\"device_id\":null,"
		   "\"aggregate_id\":null,\"href\":null,\"version\":null,\"last_version\":null,"
		   "\"life\":null,\"event_type\":null,"
		   "\"event_time\":null,\"time_after\":null,\"time_before\":null,\"sequence\":4711,"
		   "\"sequence_after\":null,\"sequence_before\":null,\"lost_deleted\":false,"
		   "\"state\":\"new\",\"first_seen\":null,\"last_seen\":null,"
		   "\"acknowledged\":null}\n");
}

static void
numbers_beyond_a_signed_integer_are_strings(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.tally.messages = INT64_MAX;
	sample.report.tally.registrations = (uint64_t)INT64_MAX + 1;
	sample.report.tally.expected = UINT64_MAX;
	assert_json_holds("\"messages\": 9223372036854775807");
	assert_json_holds("\"registrations\": \"9223372036854775808\"");
	assert_json_holds("\"expected\": \"18446744073709551615\"");
}

static void
text_that_is_no_utf8_is_replaced_byte_by_byte(void **state ET_UNUSED)
{
#define BAD "\xef\xbf\xbd"
	static const struct {
		const char *href;
		const char *want;
	} rows[] = {
		{ "/caf\xc3\xa9", "/caf\xc3\xa9" },
		{ "\xe2\x82\xac \xf0\x9f\x92\xa1 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
		  "\xe2\x82\xac \xf0\x9f\x92\xa1 \xed\x9f\xbf \xf4\x8f\xbf\xbf" },
		{ "\xe0\xa0\x80\xf0\x90\x80\x80\xee\x80\x80",
		  "\xe0\xa0\x80\xf0\x90\x80\x80\xee\x80\x80" },
		{ "a\x80z", "a" BAD "z" }, /* a continuation alone */
		{ "a\xc3", "a" BAD },      /* cut off */
		{ "a\xe2\x82", "a" BAD BAD },
		{ "\xe2\x82z", BAD BAD "z" },
		{ "\xf0\x9f\x92", BAD BAD BAD },
		{ "\xc0\xaf", BAD BAD }, /* overlong */
		{ "\xe0\x9f\xbf", BAD BAD BAD },
		{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
		{ "\xed\xa0\x80", BAD BAD BAD },         /* a surrogate */
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* beyond U+10FFFF */
		{ "\xf5\xff", BAD BAD },
		{ "\033[31m\n", "\\u001B[31m\\n" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *want = et_format("\"href\":\"%s\",", rows[i].want);
		ET_CLEAN_MEM char *line = NULL;

		sample_clean(&sample);
		(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_REBUILT);
		sample.findings[0].href = rows[i].href;
		line = line_of(0);
		if (strstr(line, want) == NULL)
			fail_msg("row %zu: no %s in %s", i, want, line);
	}
}

static size_t
count_of(const char *text, const char *piece)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, piece)) != NULL; at++)
		count++;
	return count;
}

static void
at_most_a_thousand_findings_stand_in_it(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	ET_CLEAN_MEM char *more = NULL;

	sample_clean(&sample);
	for (unsigned i = 0; i < 1000; i++)
		(void)sample_lose(&sample, i, i, i, ET_RECOVERABLE_SUPERSEDED);
	text = json_of();
	assert_int_equal(count_of(text, "\"code\""), 1000);
	assert_int_equal(count_of(text, "\"findings_truncated\": false"), 1);
	(void)sample_lose(&sample, 1, 1, 1, ET_RECOVERABLE_SUPERSEDED);
	more = json_of();
	assert_int_equal(count_of(more, "\"code\""), 1000);
	assert_int_equal(count_of(more, "\"findings_truncated\": true"), 1);
	assert_int_equal(count_of(more, "\"findings_total\": 1001"), 1);
}

static void
a_full_disk_is_an_error(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	FILE *out = fopen("/dev/full", "we");

	assert_non_null(out);
	sample_clean(&sample);
	assert_code(ET_IO, et_report_json(&sample.report, out, &err), &err);
	assert_words(&err, "write JSON: ");
	(void)fclose(out);
	out = fopen("/dev/full", "we");
	assert_non_null(out);
	setbuf(out, NULL);
	(void)sample_lose(&sample, 1, 1, 1, ET_RECOVERABLE_SUPERSEDED);
	assert_code(ET_IO, et_report_finding_line(&sample.findings[0], out, &err), &err);
	(void)fclose(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_run_has_all_its_keys),
		cmocka_unit_test(findings_holes_and_notes_stand_in_it),
		cmocka_unit_test(what_it_took_and_what_became_of_earlier_findings_stand_in_it),
		cmocka_unit_test(a_finding_says_of_which_life_it_is_and_of_which_versions),
		cmocka_unit_test(what_is_missing_of_deleted_devices_is_counted_by_reason),
		cmocka_unit_test(without_the_split_only_covered_is_known),
		cmocka_unit_test(where_nothing_was_compared_the_range_is_null),
		cmocka_unit_test(a_line_has_the_fields_of_a_finding),
		cmocka_unit_test(of_a_message_that_cannot_be_read_only_the_sequence_is_known),
		cmocka_unit_test(numbers_beyond_a_signed_integer_are_strings),
		cmocka_unit_test(text_that_is_no_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(at_most_a_thousand_findings_stand_in_it),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
