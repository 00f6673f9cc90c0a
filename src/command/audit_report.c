/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an audit: what was counted and noted, as report.h wants it. */
#include <inttypes.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "command/audit.h"

#define NOTES_MAX 50u
#define LINES_OF_HOLES 100u
/* The catalog's note of the last report: its digest, and since when reports say the same. */
#define LAST_REPORT "last_report"

void
et_audit_note(struct et_audit *audit, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (audit->note_count >= NOTES_MAX)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	et_buf_put(&audit->notes, text, strlen(text) + 1);
	audit->note_count++;
}

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) == 0)
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static int
print(const struct et_report *report, const struct et_options *options, struct et_error *err)
{
	unsigned width = terminal_width();
	bool colour = width > 0 && getenv("NO_COLOR") == NULL;

	if (options->json)
		return et_report_json(report, stdout, err);
	if (options->quiet && report->exit_status == ET_STATUS_CLEAN)
		return 0;
	if (report->same_since_ns != ET_TIME_NONE && !options->verbose && options->findings == NULL)
		et_report_line(report, stdout, colour);
	else
		et_report_text(report, stdout, colour, width);
	return 0;
}

/* ---- the same again ---- */

static void
fingerprint(struct et_audit *audit, const struct et_report *report, struct et_sha256 *ret)
{
	struct et_hasher *hasher = audit->fingerprint;
	const uint64_t numbers[] = {
		(uint64_t)report->exit_status, report->compared_first,
		report->compared_last,         report->documents,
		audit->options->split,         (uint64_t)audit->options->settle
	};

	et_hasher_add(hasher, PACKAGE_VERSION, sizeof(PACKAGE_VERSION));
	et_hasher_add(hasher, audit->identity, sizeof(audit->identity));
	et_hasher_add(hasher, numbers, sizeof(numbers));
	et_hasher_add(hasher, &report->tally, sizeof(report->tally));
	et_hasher_add(hasher, audit->notes.data, audit->notes.size);
	et_hasher_end(hasher, ret);
}

/* Since when reports say this: *ret_ns is ET_TIME_NONE when the last one said anything else. */
static int
seen_before(struct et_audit *audit, const struct et_report *report, int64_t *ret_ns,
	    struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	ET_CLEAN_MEM char *note = NULL;
	char hex[ET_SHA256_HEX_BYTES];
	char since[ET_TIME_TEXT_BYTES];
	struct et_sha256 digest;
	struct et_buf noted;
	int r;

	*ret_ns = ET_TIME_NONE;
	fingerprint(audit, report, &digest);
	et_sha256_hex(&digest, hex);
	et_buf_init(&noted, 2 * sizeof(hex));
	r = et_catalog_get(catalog, LAST_REPORT, &noted, err);
	if (r > 0 && strncmp(et_buf_cstr(&noted), hex, sizeof(hex) - 1) == 0 &&
	    et_time_parse(et_buf_cstr(&noted) + sizeof(hex) - 1, ret_ns, NULL) < 0)
		*ret_ns = ET_TIME_NONE;
	et_buf_done(&noted);
	/* What only a program has read is new to people. */
	if (r < 0 || *ret_ns != ET_TIME_NONE || audit->options->json)
		return r < 0 ? r : 0;
	note = et_format("%s%s", hex, et_time_format(audit->started_ns, since));
	return et_catalog_set(catalog, LAST_REPORT, note, err);
}

static size_t
point_at_notes(const struct et_audit *audit, const char *notes[NOTES_MAX])
{
	const char *at = (const char *)audit->notes.data;

	for (unsigned i = 0; i < audit->note_count; i++) {
		notes[i] = at;
		at += strlen(at) + 1;
	}
	return audit->note_count;
}

int
et_audit_report(struct et_audit *audit, struct et_error *err)
{
	struct et_noted_hole noted[LINES_OF_HOLES];
	struct et_report_hole holes[LINES_OF_HOLES];
	const char *notes[NOTES_MAX];
	struct et_tally *tally = &audit->tally;
	struct et_report report = {
		.tool_version = PACKAGE_VERSION,
		.command = "audit",
		.verdict = et_status_word(audit->status),
		.exit_status = (int)audit->status,
		.notes = notes,
		.stream = audit->options->stream,
		.identity = audit->identity,
		.first_seq = audit->conn != NULL ? audit->stream_first : audit->totals.first_seq,
		.last_seq = audit->conn != NULL ? audit->stream_last : audit->totals.last_seq,
		.cut_time_ns = audit->cut.time_ns,
		.requested_first = audit->totals.first_seq,
		.requested_last = audit->conn != NULL ? audit->stream_last : audit->totals.last_seq,
		.compared_first = audit->compared ? audit->totals.first_seq : 0,
		.compared_last = audit->compared ? audit->totals.last_seq : 0,
		.holes = holes,
		.documents = audit->documents,
		.aggregates = tally->aggregates,
		.effort = audit->effort,
		.resolved = audit->resolved,
		.events = tally->expected + tally->reasons[ET_REASON_NEVER_PUBLISHED],
		.tally = *tally,
		.split = audit->cut.split,
		.verbose = audit->options->verbose,
		.findings = audit->findings,
		.finding_count = audit->finding_count,
		.findings_total = audit->findings_total,
		.findings_file = audit->options->findings,
		.duration_ns = et_clock_now_ns() - audit->started_ns,
		.new_messages = audit->new_messages,
	};
	uint64_t total = 0;
	int r;

	report.effort.suspects = audit->suspects;
	report.effort.known = audit->known;
	r = et_catalog_holes(audit->state->catalog, noted, LINES_OF_HOLES, &report.hole_count,
			     &total, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < report.hole_count; i++)
		holes[i] = (struct et_report_hole){ noted[i].first_seq, noted[i].last_seq,
						    noted[i].type };
	report.sums_hold = et_tally_holds(tally, audit->cut.split, &report.sums_broken);
	report.note_count = point_at_notes(audit, notes);
	if (audit->compared) {
		r = et_audit_recovery(audit, &report.recovery, err);
		if (r < 0)
			return r;
	}
	r = seen_before(audit, &report, &report.same_since_ns, err);
	if (r < 0)
		return r;
	return print(&report, audit->options, err);
}
