// SPDX-License-Identifier: Apache-2.0
/* What is new, known, acknowledged, resolved: in a report, and in the list of findings. */
#include "sample.h"

#include "event/kind.h"

#define NIGHT (INT64_C(86400) * ET_NS_PER_SECOND)

static struct sample sample;
static struct et_report_listing listing;

/* The next finding of the sample, seen first so many nights ago. */
static struct et_report_finding *
found(enum et_standing standing, unsigned nights, enum et_recoverable recoverable)
{
	size_t at = sample.report.finding_count;

	(void)sample_lose(&sample, (unsigned)at % 7, (unsigned)at, at, recoverable);
	sample.findings[at].standing = standing;
	sample.findings[at].first_seen_ns = SAMPLE_TIME_NS - nights * NIGHT;
	sample.findings[at].last_seen_ns = SAMPLE_TIME_NS;
	sample.report.standings[standing]++;
	sample.report.lost[standing]++;
	listing.standings[standing]++;
	return &sample.findings[at];
}

static struct et_report_finding *
acknowledged(int64_t until_ns)
{
	enum et_standing standing = until_ns != ET_TIME_NONE && until_ns <= SAMPLE_TIME_NS
					    ? ET_STANDING_KNOWN
					    : ET_STANDING_ACKNOWLEDGED;
	struct et_report_finding *finding = found(standing, 9, ET_RECOVERABLE_SUPERSEDED);

	finding->acknowledged = (struct et_report_acknowledgement){ .time_ns = SAMPLE_TIME_NS - 1,
								    .until_ns = until_ns,
								    .by = "alice",
								    .reason = "a test device" };
	return finding;
}

static char *
text_of(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	et_report_text(&sample.report, out, false, 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *
line_of(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	et_report_line(&sample.report, out, false);
	assert_int_equal(fclose(out), 0);
	return text;
}

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

static void
assert_holds(const char *text, const char *piece)
{
	if (strstr(text, piece) == NULL)
		fail_msg("no \"%s\" in %s", piece, text);
}

static void
assert_first_line(const char *want)
{
	ET_CLEAN_MEM char *text = text_of();

	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, want);
}

static void
assert_line(const char *want)
{
	ET_CLEAN_MEM char *text = line_of();

	assert_string_equal(text, want);
}

/* ---- a report ---- */

static void
what_is_new_stands_first(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	struct et_report_finding *finding;

	sample_clean(&sample);
	finding = found(ET_STANDING_NEW, 0, ET_RECOVERABLE_REBUILT);
	finding = found(ET_STANDING_NEW, 0, ET_RECOVERABLE_REBUILT);
	finding->finding.reason = ET_REASON_UNDECIDED;
	finding->finding.recoverable = ET_RECOVERABLE_NOT_SAID;
	sample.report.lost[ET_STANDING_NEW]--;
	for (unsigned i = 0; i < 30; i++)
		(void)found(ET_STANDING_KNOWN, 3, ET_RECOVERABLE_SUPERSEDED);
	finding = found(ET_STANDING_KNOWN, 3, ET_RECOVERABLE_SUPERSEDED);
	finding->finding.reason = ET_REASON_UNDECIDED;
	finding->finding.recoverable = ET_RECOVERABLE_NOT_SAID;
	sample.report.lost[ET_STANDING_KNOWN]--;
	(void)acknowledged(ET_TIME_NONE);
	(void)acknowledged(SAMPLE_TIME_NS + NIGHT);
	sample.report.tally.reasons[ET_REASON_LOST] -= 2;
	sample.report.tally.reasons[ET_REASON_UNDECIDED] = 2;
	sample.report.tally.lost_in_store -= 2;
	text = text_of();
	assert_golden(text, "baseline.txt");
}

static void
the_first_line_counts_what_is_not_all_new(void **state ET_UNUSED)
{
	sample_clean(&sample);
	(void)found(ET_STANDING_NEW, 0, ET_RECOVERABLE_SUPERSEDED);
	assert_first_line(
		"FINDINGS  1 event was stored and never published (none can be recovered)");
	(void)found(ET_STANDING_KNOWN, 1, ET_RECOVERABLE_SUPERSEDED);
	assert_first_line(
		"FINDINGS  1 new, 1 known: 2 events were stored and never published (none "
		"can be recovered)");
	(void)acknowledged(SAMPLE_TIME_NS - 1);
	sample.report.expired = 1;
	assert_first_line("FINDINGS  1 new, 2 known (1 acknowledgement has expired): 3 events were "
			  "stored and never published (none can be recovered)");
}

static void
a_clean_run_with_alarms_says_why_it_is_clean(void **state ET_UNUSED)
{
	sample_clean(&sample);
	(void)acknowledged(ET_TIME_NONE);
	sample.report.verdict = "clean";
	sample.report.same_since_ns = ET_TIME_NONE;
	assert_first_line("CLEAN  1 acknowledged: every finding is acknowledged");
	assert_line("CLEAN  every finding is acknowledged; nothing new: 1 acknowledged, -v shows "
		    "the report\n");
	/* --fail-on new */
	(void)found(ET_STANDING_KNOWN, 1, ET_RECOVERABLE_SUPERSEDED);
	sample.report.verdict = "clean";
	assert_first_line("CLEAN  1 known, 1 acknowledged: no finding is new");
}

static void
a_quiet_night_is_one_line(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.same_since_ns = ET_TIME_NONE;
	assert_line("CLEAN  every one of 10 stored events was published; nothing new, -v shows the "
		    "report\n");
	(void)found(ET_STANDING_KNOWN, 1, ET_RECOVERABLE_SUPERSEDED);
	for (unsigned i = 0; i < 2; i++)
		(void)acknowledged(SAMPLE_TIME_NS);
	sample.report.expired = 2;
	assert_line(
		"FINDINGS  3 events were stored and never published (none can be recovered); "
		"nothing new: 3 known (2 acknowledgements have expired), -v shows the report\n");
	sample.report.same_since_ns = SAMPLE_TIME_NS;
	assert_line("FINDINGS  3 events were stored and never published (none can be recovered); "
		    "nothing new since 2025-11-25T04:00:00Z: 3 known (2 acknowledgements have "
		    "expired), -v shows the report\n");
}

static void
the_json_counts_them_and_says_of_each_where_it_stands(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	(void)found(ET_STANDING_NEW, 0, ET_RECOVERABLE_SUPERSEDED);
	(void)found(ET_STANDING_KNOWN, 2, ET_RECOVERABLE_SUPERSEDED);
	(void)acknowledged(ET_TIME_NONE);
	(void)acknowledged(SAMPLE_TIME_NS + 1);
	sample.findings[0].code = "document_first_version_wrong";
	sample.findings[0].details = "firstversion is 3, the first event has 2";
	sample.findings[1].finding.older = true;
	sample.findings[1].finding.life = 4;
	sample.report.standings[ET_STANDING_RESOLVED] = 5;
	text = json_of();
	assert_holds(text, "\"new\": 1,\n  \"known\": 1,\n  \"acknowledged\": 2,\n"
			   "  \"resolved\": 5\n");
	assert_holds(text, "\"code\": \"document_first_version_wrong\"");
	assert_holds(text, "\"details\": \"firstversion is 3, the first event has 2\",\n"
			   "   \"state\": \"new\",\n   \"first_seen\": \"2025-11-25T04:00:00Z\"");
	assert_holds(text, "\"key\": \"01a90000-0000-0000-0000-000000000000@1~4\"");
	assert_holds(text, "\"state\": \"known\",\n   \"first_seen\": \"2025-11-23T04:00:00Z\",\n"
			   "   \"last_seen\": \"2025-11-25T04:00:00Z\",\n"
			   "   \"acknowledged\": null\n");
	assert_holds(text, "\"state\": \"acknowledged\"");
	assert_holds(text, "\"by\": \"alice\",\n    \"reason\": \"a test device\",\n"
			   "    \"time\": \"2025-11-25T03:59:59.999999999Z\",\n"
			   "    \"expires\": null\n");
	assert_holds(text, "\"expires\": \"2025-11-25T04:00:00.000000001Z\"");
}

/* ---- incidents ---- */

static struct et_incident incidents[12];
static struct et_report_incident reported[12];
static struct et_incident_hour hours[14];

/* The most important ones first: newest last. */
static void
make_incidents(size_t count)
{
	static const char *const owners[] = { "8ef67b3e-b3e9-4b9b-9e2a-3d4f8c2a7a51", "another" };

	for (size_t i = 0; i < count; i++) {
		struct et_incident *one = &incidents[i];

		*one = (struct et_incident){
			.start_ns = SAMPLE_TIME_NS + (int64_t)i * 7200 * ET_NS_PER_SECOND,
			.bounds = (enum et_incident_bounds)(i % 3),
			.lost = 2000 - i,
			.certain = 1000,
			.new_ones = i,
			.recoverable = 1,
			.devices = 2,
			.named = { { .key = { { 1 } } }, { .key = { { 2 } } } },
			.kinds = { [ET_KIND_UNKNOWN] = 5,
				   [ET_KIND_RESOURCE_CHANGED] = 1990 - i,
				   [ET_KIND_CREATED] = 5 },
		};
		one->end_ns = one->start_ns + 120 * ET_NS_PER_SECOND;
		reported[i] = (struct et_report_incident){ one, owners, i % 3 };
	}
	for (size_t i = 0; i < ET_COUNT(hours); i++)
		hours[i] = (struct et_incident_hour){
			SAMPLE_TIME_NS + (int64_t)i * 3600 * ET_NS_PER_SECOND, i * 1000
		};
	sample.report.incidents = (struct et_report_incidents){ .list = reported,
								.count = count,
								.total = count + 5,
								.hours = hours,
								.hour_count = ET_COUNT(hours),
								.earlier = 77 };
}

static void
incidents_say_when_it_was(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	make_incidents(12);
	incidents[1].start_ns = incidents[2].start_ns;
	incidents[1].end_ns = incidents[2].end_ns;
	incidents[0].start_ns = ET_TIME_NONE;
	text = text_of();
	assert_golden(text, "incidents.txt");
}

static void
an_hour_alone_needs_no_line(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	make_incidents(1);
	sample.report.incidents.total = 1;
	sample.report.incidents.hour_count = 1;
	text = text_of();
	assert_holds(text, "incidents, 1 of 1");
	assert_null(strstr(text, "per hour"));
	assert_null(strstr(text, "smaller ones"));
	assert_null(strstr(text, "bracket:"));
}

static void
incidents_stand_in_the_json_the_newest_first(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	const char *newest;

	sample_clean(&sample);
	make_incidents(3);
	incidents[0].more_devices = true;
	text = json_of();
	assert_holds(text,
		     "\"incidents\": [\n  {\n   \"start\": \"2025-11-25T08:00:00Z\",\n"
		     "   \"end\": \"2025-11-25T08:02:00Z\",\n   \"bounds\": \"silence\",\n"
		     "   \"lost\": 1998,\n   \"certain\": 1000,\n   \"new\": 2,\n"
		     "   \"recoverable\": 1,\n"
		     "   \"types\": {\n    \"unknown\": 5,\n    \"resourcechanged\": 1988,\n"
		     "    \"resourcecreated\": 5\n   },\n   \"devices\": 2,\n"
		     "   \"more_devices\": false,\n   \"device_ids\": [\n"
		     "    \"01000000-0000-0000-0000-000000000000\",\n"
		     "    \"02000000-0000-0000-0000-000000000000\"\n   ],\n   \"owners\": [\n"
		     "    \"8ef67b3e-b3e9-4b9b-9e2a-3d4f8c2a7a51\",\n    \"another\"\n   ]\n");
	assert_holds(text, "\"bounds\": \"span\"");
	assert_holds(text, "\"more_devices\": true");
	assert_holds(text, "\"incidents_total\": 8,");
	newest = strstr(text, "\"per_hour\": [");
	assert_non_null(newest);
	assert_holds(newest, "\"per_hour\": [\n  {\n   \"hour\": \"2025-11-25T17:00:00Z\",\n"
			     "   \"lost\": 13000\n  },\n");
	assert_holds(newest, "\"per_hour_earlier\": 77");
}

/* ---- the list ---- */

static char *
list_text(unsigned width)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	listing.findings = sample.findings;
	listing.finding_count = sample.report.finding_count;
	if (listing.findings_total < listing.finding_count)
		listing.findings_total = listing.finding_count;
	et_report_listing_text(&listing, out, width);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
start_list(unsigned wanted)
{
	sample_clean(&sample);
	listing = (struct et_report_listing){ .tool_version = "0.1", .wanted = wanted };
}

static void
the_list_says_what_there_is_and_what_to_do(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	struct et_report_finding *finding;

	start_list(ET_STANDINGS_ALL);
	(void)found(ET_STANDING_NEW, 0, ET_RECOVERABLE_REBUILT);
	finding = found(ET_STANDING_KNOWN, 2, ET_RECOVERABLE_SUPERSEDED);
	finding->finding.older = true;
	finding->finding.life = 1;
	finding->last_seen_ns = ET_TIME_NONE;
	finding = found(ET_STANDING_KNOWN, 2, ET_RECOVERABLE_NOT_SAID);
	finding->finding.reason = ET_REASON_MALFORMED_MESSAGE;
	finding->finding.seq = 4711;
	finding->device_id = NULL;
	finding->href = NULL;
	finding = found(ET_STANDING_KNOWN, 2, ET_RECOVERABLE_NOT_SAID);
	finding->finding.reason = ET_REASON_DIFFERS;
	finding->details = "status: stored 1, archived 2";
	(void)acknowledged(ET_TIME_NONE);
	(void)acknowledged(SAMPLE_TIME_NS + NIGHT);
	(void)acknowledged(SAMPLE_TIME_NS - NIGHT);
	finding = found(ET_STANDING_RESOLVED, 5, ET_RECOVERABLE_SUPERSEDED);
	finding->resolution = "late";
	finding->delay_ns = 90 * ET_NS_PER_SECOND;
	finding = found(ET_STANDING_RESOLVED, 5, ET_RECOVERABLE_SUPERSEDED);
	finding->resolution = "changed";
	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		listing.reasons[i] = et_reason_info((enum et_reason)i)->listed;
	listing.findings_total = 1234;
	text = list_text(0);
	assert_golden(text, "listing.txt");
}

static void
what_was_not_asked_for_is_counted(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	ET_CLEAN_MEM char *none = NULL;

	start_list(ET_STANDINGS_OPEN);
	listing.standings[ET_STANDING_ACKNOWLEDGED] = 1234;
	listing.standings[ET_STANDING_RESOLVED] = 5;
	text = list_text(100);
	assert_string_equal(text, "findings  0 new, 0 known; not shown: 1,234 acknowledged, 5 "
				  "resolved (--state all)\n");
	start_list(ET_STANDINGS_OPEN);
	none = list_text(80);
	assert_string_equal(none, "findings  0 new, 0 known\n");
}

static void
a_terminal_gets_its_page(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	start_list(ET_STANDINGS_ALL);
	(void)found(ET_STANDING_KNOWN, 2, ET_RECOVERABLE_SUPERSEDED);
	listing.reasons[ET_REASON_MALFORMED_MESSAGE] = 1;
	sample.findings[0].finding.reason = ET_REASON_MALFORMED_MESSAGE;
	text = list_text(100);
	for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 100);
	/* Of a message there is no story. */
	assert_null(strstr(text, "--explain"));
	assert_holds(text, "evtrail findings ack message@0 --reason TEXT");
}

static void
what_is_resolved_asks_for_nothing(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	start_list(ET_STANDING_BIT(ET_STANDING_RESOLVED));
	found(ET_STANDING_RESOLVED, 5, ET_RECOVERABLE_SUPERSEDED)->resolution = "changed";
	text = list_text(0);
	assert_holds(text, "findings  1 resolved\n");
	assert_null(strstr(text, "what to do"));
}

static int
write_list(FILE *out, struct et_error *err)
{
	int r = et_report_listing_begin(&listing, out, err);

	for (size_t i = 0; r == 0 && i < sample.report.finding_count; i++)
		r = et_report_listing_finding(&sample.findings[i], i == 0, out, err);
	listing.findings_total = sample.report.finding_count;
	return r == 0 ? et_report_listing_end(&listing, out, err) : r;
}

static void
the_list_is_one_json_object(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_report_finding *finding;
	ET_CLEAN_MEM char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	start_list(ET_STANDINGS_ALL);
	(void)found(ET_STANDING_NEW, 0, ET_RECOVERABLE_SUPERSEDED);
	finding = found(ET_STANDING_RESOLVED, 5, ET_RECOVERABLE_SUPERSEDED);
	finding->resolution = "late";
	finding->resolved_ns = SAMPLE_TIME_NS;
	finding->delay_ns = 90 * ET_NS_PER_SECOND;
	finding = found(ET_STANDING_RESOLVED, 5, ET_RECOVERABLE_SUPERSEDED);
	finding->resolution = "changed";
	finding->resolved_ns = ET_TIME_NONE;
	assert_ok(write_list(out, &err), &err);
	assert_int_equal(fclose(out), 0);
	assert_golden(text, "listing.json");
}

static void
a_list_on_a_full_disk_is_an_error(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	FILE *out = fopen("/dev/full", "we");

	assert_non_null(out);
	start_list(ET_STANDINGS_ALL);
	(void)found(ET_STANDING_NEW, 0, ET_RECOVERABLE_SUPERSEDED);
	assert_code(ET_IO, write_list(out, &err), &err);
	assert_words(&err, "write JSON: ");
	(void)fclose(out);
	out = fopen("/dev/full", "we");
	assert_non_null(out);
	setbuf(out, NULL);
	assert_code(ET_IO, et_report_listing_begin(&listing, out, &err), &err);
	assert_code(ET_IO, et_report_listing_finding(&sample.findings[0], true, out, &err), &err);
	(void)fclose(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_stands_first),
		cmocka_unit_test(the_first_line_counts_what_is_not_all_new),
		cmocka_unit_test(a_clean_run_with_alarms_says_why_it_is_clean),
		cmocka_unit_test(a_quiet_night_is_one_line),
		cmocka_unit_test(the_json_counts_them_and_says_of_each_where_it_stands),
		cmocka_unit_test(incidents_say_when_it_was),
		cmocka_unit_test(an_hour_alone_needs_no_line),
		cmocka_unit_test(incidents_stand_in_the_json_the_newest_first),
		cmocka_unit_test(the_list_says_what_there_is_and_what_to_do),
		cmocka_unit_test(what_was_not_asked_for_is_counted),
		cmocka_unit_test(a_terminal_gets_its_page),
		cmocka_unit_test(what_is_resolved_asks_for_nothing),
		cmocka_unit_test(the_list_is_one_json_object),
		cmocka_unit_test(a_list_on_a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
