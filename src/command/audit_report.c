/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an audit: what was counted and noted, as report.h wants it. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "command/audit.h"

#define NOTES_MAX 50u
#define LINES_OF_HOLES 100u
/* The catalog's notes of the last report to people: its digest, and since when reports say the
 * same; what it noted, as a digest; and when it was. */
#define LAST_REPORT "last_report"
#define LAST_NOTES "last_notes"
#define LAST_READ "last_read"

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
print(const struct et_report *report, const struct et_options *options, bool brief,
      struct et_error *err)
{
	unsigned width = terminal_width();
	bool colour = width > 0 && getenv("NO_COLOR") == NULL;

	if (options->json)
		return et_report_json(report, stdout, err);
	if (options->quiet && report->exit_status == ET_STATUS_CLEAN)
		return 0;
	if (brief)
		et_report_line(report, stdout, colour);
	else
		et_report_text(report, stdout, colour, width);
	return fflush(stdout) == 0 ? 0 : et_error_errno(err, errno, "write the report");
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

/* ---- nothing new ---- */

int
et_audit_recall_report(struct et_audit *audit, struct et_error *err)
{
	struct et_buf noted;
	int r;

	audit->read_ns = ET_TIME_NONE;
	et_buf_init(&noted, 256);
	r = et_catalog_get(audit->state->catalog, LAST_READ, &noted, err);
	if (r > 0 && et_time_parse(et_buf_cstr(&noted), &audit->read_ns, NULL) < 0)
		audit->read_ns = ET_TIME_NONE;
	et_buf_done(&noted);
	return r < 0 ? r : 0;
}

static void
digest_notes(const struct et_audit *audit, char hex[ET_SHA256_HEX_BYTES])
{
	struct et_hasher *hasher = et_hasher_new();
	struct et_sha256 digest;

	et_hasher_once(hasher, audit->notes.data, audit->notes.size, &digest);
	et_hasher_free(hasher);
	et_sha256_hex(&digest, hex);
}

/* People have seen all that there is, and nothing ended. */
static int
is_quiet(const struct et_audit *audit, bool *ret, struct et_error *err)
{
	char hex[ET_SHA256_HEX_BYTES];
	struct et_buf noted;
	int r;

	*ret = false;
	if (!audit->compared || audit->read_ns == ET_TIME_NONE || audit->unread > 0 ||
	    audit->shown.standings[ET_STANDING_NEW] > 0 ||
	    audit->resolved.late + audit->resolved.changed > 0 ||
	    (audit->status != ET_STATUS_CLEAN && audit->status != ET_STATUS_FINDINGS))
		return 0;
	digest_notes(audit, hex);
	et_buf_init(&noted, 256);
	r = et_catalog_get(audit->state->catalog, LAST_NOTES, &noted, err);
	*ret = r > 0 && strcmp(et_buf_cstr(&noted), hex) == 0;
	et_buf_done(&noted);
	return r < 0 ? r : 0;
}

/* What was printed is told; what people have read they need not read again. */
static int
note_told(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	char time[ET_TIME_TEXT_BYTES];
	char hex[ET_SHA256_HEX_BYTES];
	int r = 0;

	if (!audit->compared)
		return 0;
	if (!audit->options->json) {
		digest_notes(audit, hex);
		r = et_catalog_set(catalog, LAST_NOTES, hex, err);
		if (r == 0)
			r = et_catalog_set(catalog, LAST_READ,
					   et_time_format(audit->started_ns, time), err);
	}
	return r == 0 ? et_catalog_findings_told(catalog, audit->run, err) : r;
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

/* What the comparison has shown, without lists. */
static struct et_report
report_of(const struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;
	struct et_report report = {
		.tool_version = PACKAGE_VERSION,
		.command = "audit",
		.verdict = et_status_word(audit->status),
		.exit_status = (int)audit->status,
		.stream = audit->options->stream,
		.identity = audit->identity,
		.first_seq = audit->conn != NULL ? audit->stream_first : audit->totals.first_seq,
		.last_seq = audit->conn != NULL ? audit->stream_last : audit->totals.last_seq,
		.cut_time_ns = audit->cut.time_ns,
		.requested_first = audit->totals.first_seq,
		.requested_last = audit->conn != NULL ? audit->stream_last : audit->totals.last_seq,
		.compared_first = audit->compared ? audit->totals.first_seq : 0,
		.compared_last = audit->compared ? audit->totals.last_seq : 0,
		.documents = audit->documents,
		.aggregates = tally->aggregates,
		.effort = audit->effort,
		.resolved = audit->resolved,
		.events = tally->expected + tally->reasons[ET_REASON_NEVER_PUBLISHED],
		.tally = *tally,
		.split = audit->cut.split,
		.verbose = audit->options->verbose,
		.findings = audit->shown.list,
		.finding_count = audit->shown.count,
		.findings_total = audit->shown.total,
		.expired = audit->expired,
		.findings_file = audit->options->findings,
		.duration_ns = et_clock_now_ns() - audit->started_ns,
		.new_messages = audit->new_messages,
	};

	memcpy(report.standings, audit->shown.standings, sizeof(report.standings));
	report.standings[ET_STANDING_RESOLVED] = audit->resolved.late + audit->resolved.changed;
	memcpy(report.lost, audit->lost, sizeof(report.lost));
	report.effort.suspects = audit->suspects;
	report.effort.known = audit->known;
	report.sums_hold = et_tally_holds(tally, audit->cut.split, &report.sums_broken);
	return report;
}

/* What only the whole report tells. */
static int
look_closer(struct et_audit *audit, struct et_report *report, struct et_error *err)
{
	int r = 0;

	et_roll_sort(&audit->shown);
	if (!audit->compared)
		return 0;
	r = et_audit_recovery(audit, &report->recovery, err);
	if (r == 0)
		r = et_audit_incidents(audit, err);
	return r == 0 ? et_audit_report_incidents(audit, &report->incidents, err) : r;
}

int
et_audit_report(struct et_audit *audit, struct et_error *err)
{
	const struct et_options *options = audit->options;
	struct et_noted_hole noted[LINES_OF_HOLES];
	struct et_report_hole holes[LINES_OF_HOLES];
	const char *notes[NOTES_MAX];
	struct et_report report = report_of(audit);
	uint64_t total = 0;
	bool brief = false;
	int r;

	report.notes = notes;
	report.note_count = point_at_notes(audit, notes);
	report.holes = holes;
	r = et_catalog_holes(audit->state->catalog, noted, LINES_OF_HOLES, &report.hole_count,
			     &total, err);
	for (size_t i = 0; r == 0 && i < report.hole_count; i++)
		holes[i] = (struct et_report_hole){ noted[i].first_seq, noted[i].last_seq,
						    noted[i].type };
	if (r == 0)
		r = is_quiet(audit, &brief, err);
	if (r == 0)
		r = seen_before(audit, &report, &report.same_since_ns, err);
	brief |= report.same_since_ns != ET_TIME_NONE;
	brief &= !options->json && !options->verbose;
	if (r == 0 && !brief)
		r = look_closer(audit, &report, err);
	if (r == 0)
		r = print(&report, options, brief, err);
	et_audit_incidents_done(&report.incidents);
	return r == 0 ? note_told(audit, err) : r;
}
