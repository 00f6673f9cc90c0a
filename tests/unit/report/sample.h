/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports for the tests of text and JSON, and their comparison with golden
 * files. EVTRAIL_UPDATE_GOLDEN=1 writes the files instead: read the difference
 * before keeping it.
 */
#ifndef ET_TEST_REPORT_SAMPLE_H
#define ET_TEST_REPORT_SAMPLE_H

#include "../et_test.h"

#include "base/clock.h"
#include "report/report.h"

#ifndef TEST_SRCDIR
#define TEST_SRCDIR "."
#endif

#define SAMPLE_FINDINGS 1200u
#define SAMPLE_TIME_NS (INT64_C(1764043200) * ET_NS_PER_SECOND) /* 2025-11-25T04:00:00Z */

struct sample {
	struct et_report report;
	struct et_report_finding findings[SAMPLE_FINDINGS];
	char devices[SAMPLE_FINDINGS][ET_UUID_TEXT_BYTES];
	char aggregates[SAMPLE_FINDINGS][ET_UUID_TEXT_BYTES];
};

/* A clean run: 10 versions, all there. */
static inline void
sample_clean(struct sample *sample)
{
	*sample = (struct sample){ 0 };
	sample->report = (struct et_report){
		.tool_version = "0.1",
		.command = "audit",
		.verdict = "clean",
		.stream = "EVENTS",
		.identity = "20251125T025705.696783913Z",
		.first_seq = 1,
		.last_seq = 13,
		.cut_time_ns = SAMPLE_TIME_NS,
		.requested_first = 1,
		.requested_last = 13,
		.compared_first = 1,
		.compared_last = 13,
		.documents = 3,
		.aggregates = 3,
		.events = 10,
		.tally = { .expected = 10,
			   .aggregates = 3,
			   .reasons = { [ET_REASON_MATCHED] = 3, [ET_REASON_TRUNCATED] = 7 },
			   .messages = 13,
			   .registrations = 3 },
		.split = true,
		.sums_hold = true,
		.findings = sample->findings,
		.duration_ns = 1250000000,
		.new_messages = 13,
	};
}

/* One more lost event; the caller changes what it wants. */
static inline struct et_finding *
sample_lose(struct sample *sample, unsigned device, unsigned aggregate, uint64_t version,
	    enum et_recoverable recoverable)
{
	size_t at = sample->report.finding_count++;
	struct et_finding *finding = &sample->findings[at].finding;
	bool superseded = recoverable == ET_RECOVERABLE_SUPERSEDED;
	bool known = recoverable == ET_RECOVERABLE_EXACT || recoverable == ET_RECOVERABLE_REBUILT;

	*finding = (struct et_finding){
		.reason = ET_REASON_LOST,
		.recoverable = recoverable,
		.version = version,
		.last_version = version,
		.kind = known ? ET_KIND_RESOURCE_CHANGED : ET_KIND_UNKNOWN,
		.time_ns = known ? SAMPLE_TIME_NS - 3600 * ET_NS_PER_SECOND : ET_TIME_NONE,
		.after_ns = SAMPLE_TIME_NS - 3601 * ET_NS_PER_SECOND,
		.before_ns = SAMPLE_TIME_NS - (superseded ? 1800 : 3600) * ET_NS_PER_SECOND,
		.after_seq = 100 + version,
		.before_seq = 200 + version,
	};
	finding->device.bytes[0] = (uint8_t)(device >> 8);
	finding->device.bytes[1] = (uint8_t)device;
	finding->device.bytes[2] = 0xde;
	finding->aggregate.bytes[0] = (uint8_t)aggregate;
	finding->aggregate.bytes[1] = 0xa9;
	et_uuid_format(&finding->device, sample->devices[at]);
	et_uuid_format(&finding->aggregate, sample->aggregates[at]);
	sample->findings[at].device_id = sample->devices[at];
	sample->findings[at].aggregate_id = sample->aggregates[at];
	sample->findings[at].href = "/light/1";
	sample->report.verdict = "findings";
	sample->report.exit_status = 1;
	sample->report.findings_total++;
	sample->report.tally.expected++;
	sample->report.tally.reasons[ET_REASON_LOST]++;
	sample->report.tally.lost_in_store++;
	sample->report.tally.recoverable[recoverable]++;
	return finding;
}

/* The text is what the file TEST_SRCDIR/golden/NAME holds. */
static inline void
assert_golden(const char *text, const char *name)
{
	ET_CLEAN_MEM char *path = et_format("%s/golden/%s", TEST_SRCDIR, name);
	ET_CLEAN_MEM char *want = NULL;

	if (getenv("EVTRAIL_UPDATE_GOLDEN") != NULL)
		et_test_write(path, text);
	want = et_test_read(path);
	assert_string_equal(text, want);
}

#endif
