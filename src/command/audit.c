/* SPDX-License-Identifier: Apache-2.0 */
#include "command/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/verbs.h"
#include "event/ident.h"

#define NOTES_BYTES_MAX 65536u
#define NOTES_MAX 50u
#define LINES_OF_HOLES 100u

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

static void
worsen(struct et_audit *audit, enum et_status status)
{
	audit->status = et_status_worse(audit->status, status);
}

/* ---- findings ---- */

static void
show_finding(struct et_audit *audit, const struct et_report_finding *finding)
{
	struct et_report_finding *shown;

	if (audit->finding_count == ET_REPORT_FINDINGS_MAX)
		return;
	shown = &audit->findings[audit->finding_count++];
	*shown = *finding;
	shown->device_id =
		et_arena_strndup(&audit->texts, finding->device_id, strlen(finding->device_id));
	shown->aggregate_id = et_arena_strndup(&audit->texts, finding->aggregate_id,
					       strlen(finding->aggregate_id));
	if (finding->href != NULL)
		shown->href = et_arena_strndup(&audit->texts, finding->href, strlen(finding->href));
}

int
et_audit_found(struct et_audit *audit, const struct et_finding *finding, const char *device_id,
	       const char *aggregate_id, struct et_slice href, struct et_error *err)
{
	ET_CLEAN_MEM char *text =
		href.size > 0 ? et_strndup((const char *)href.data, href.size) : NULL;
	struct et_report_finding reported = { .finding = *finding,
					      .device_id = device_id,
					      .aggregate_id = aggregate_id,
					      .href = text };
	struct et_noted_finding noted = {
		.aggregate = finding->aggregate,
		.device = finding->device,
		.version = finding->reason == ET_REASON_MALFORMED_MESSAGE ? finding->seq
									  : finding->version,
		.code = et_reason_info(finding->reason)->name,
		.recoverable = et_recoverable_name(finding->recoverable),
	};
	int r = 0;

	audit->findings_total++;
	show_finding(audit, &reported);
	if (audit->findings_file != NULL)
		r = et_report_finding_line(&reported, audit->findings_file, err);
	if (r == 0)
		r = et_catalog_note_finding(audit->state->catalog, audit->run, &noted, err);
	return r;
}

/* Malformed messages are rare: their rows are looked up only when an archive counts some. */
static int
list_malformed_of(struct et_audit *audit, const struct et_archive_entry *entry,
		  struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(audit->state, entry);
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_row row;
	int r;

	r = et_reader_open(path, &reader, err);
	if (r == 0)
		r = et_reader_rows_open(reader, NULL, NULL, &walk, err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		struct et_finding finding = {
			.reason = ET_REASON_MALFORMED_MESSAGE,
			.device = row.device,
			.aggregate = row.aggregate,
			.version = row.version,
			.kind = row.kind,
			.time_ns = row.event_time_ns,
			.after_ns = ET_TIME_NONE,
			.before_ns = ET_TIME_NONE,
			.seq = row.seq,
		};
		char device[ET_UUID_TEXT_BYTES];
		char aggregate[ET_UUID_TEXT_BYTES];

		r = 0;
		if (row.row_class != ET_ROW_MALFORMED)
			continue;
		et_uuid_format(&row.device, device);
		et_uuid_format(&row.aggregate, aggregate);
		r = et_audit_found(audit, &finding, device, aggregate, (struct et_slice){ NULL, 0 },
				   err);
	}
	return r < 0 ? r : 0;
}

static int
list_malformed(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	if (audit->totals.malformed == 0)
		return 0;
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0)
		r = entry.malformed > 0 ? list_malformed_of(audit, &entry, err) : 0;
	return r < 0 ? r : 0;
}

/* ---- the two snapshots ---- */

/* What the second snapshot brings for an aggregate that the scan found covered lies above what the store showed. */
static int
touched(void *cookie, const struct et_uuid *aggregate, uint64_t added, uint64_t duplicates,
	struct et_error *err)
{
	struct et_audit *audit = cookie;
	bool suspect = false;
	int r;

	r = et_catalog_is_suspect(audit->state->catalog, aggregate, &suspect, err);
	if (r == 0 && !suspect) {
		audit->tally.reasons[ET_REASON_AHEAD] += added;
		audit->tally.reasons[ET_REASON_DUPLICATE] += duplicates;
	}
	return r;
}

static int
take_snapshot(struct et_audit *audit, bool second, struct et_error *err)
{
	char notes[ET_SNAPSHOT_NOTES][256];
	struct et_snapshot snapshot;
	unsigned count;
	int r;

	if (audit->conn == NULL)
		return 0;
	r = et_snapshot_run(audit->state, audit->conn, second ? touched : NULL, audit, &snapshot,
			    err);
	if (r < 0)
		return r;
	audit->cut.time_ns = snapshot.cut_time_ns;
	audit->stream_first = snapshot.stream_first;
	audit->stream_last = snapshot.stream_last;
	audit->new_messages += snapshot.archived.messages;
	worsen(audit, et_snapshot_status(&snapshot));
	count = et_snapshot_notes(&snapshot, notes);
	for (unsigned i = 0; i < count; i++)
		et_audit_note(audit, "%s", notes[i]);
	return 0;
}

/* ---- before and after the comparison ---- */

static int
open_sources(struct et_audit *audit, struct et_error *err)
{
	const struct et_options *options = audit->options;
	int r;

	r = et_state_open(options, ET_STATE_WRITE, &audit->state, err);
	if (r == 0)
		r = et_catalog_run_begin(audit->state->catalog, "audit", audit->started_ns,
					 &audit->run, err);
	if (r == 0 && !options->no_snapshot)
		r = et_connect_stream(options, &audit->conn, err);
	if (r == 0)
		r = take_snapshot(audit, false, err);
	if (r < 0)
		return r;
	return et_connect_store(options, &audit->source, err);
}

/* 1 when there is something to compare; else the notes say why not. */
static int
look_before(struct et_audit *audit, struct et_error *err)
{
	struct et_source_facts facts;
	int r;

	r = et_source_probe(audit->source, &facts, err);
	if (r == 0)
		r = et_catalog_totals(audit->state->catalog, &audit->totals, err);
	if (r < 0)
		return r;
	if (facts.secondary) {
		worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"the URI asks for secondaries, which may lag: a verdict needs the primary");
	}
	if (!facts.exists || facts.documents == 0) {
		worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "nothing was compared: %s %s; check --mongo-db",
			      et_source_address(audit->source),
			      facts.exists ? "is empty" : "does not exist");
		return 0;
	}
	if (audit->totals.messages == 0) {
		worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"nothing was compared: no message of stream %s is archived; check --stream",
			audit->options->stream);
		return 0;
	}
	/* Only a store that holds something is worth noting as this state's own. */
	r = et_state_claim(audit->state, "store", audit->options->mongo_db, err);
	return r < 0 ? r : 1;
}

static int
set_cut(struct et_audit *audit, struct et_error *err)
{
	const struct et_totals *totals = &audit->totals;
	struct et_cut *cut = &audit->cut;
	int r;

	r = et_catalog_totals(audit->state->catalog, &audit->totals, err);
	if (r == 0)
		r = et_catalog_last_identity(audit->state->catalog, audit->identity, err);
	if (r >= 0)
		r = et_catalog_last_snapshot_time(audit->state->catalog,
						  &audit->last_snapshot_time_ns, err);
	if (r < 0)
		return r;
	cut->first_seq = totals->first_seq;
	cut->last_seq = totals->last_seq;
	cut->start_time_ns = totals->messages > 0 ? totals->first_time_ns : ET_TIME_NONE;
	cut->whole = totals->first_seq == 1;
	if (audit->conn == NULL)
		cut->time_ns = totals->last_time_ns; /* nothing newer is judged */
	return 0;
}

static int
compare(struct et_audit *audit, struct et_error *err)
{
	int r;

	r = look_before(audit, err);
	if (r <= 0)
		return r;
	r = et_audit_scan(audit, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the EventStore");
	if (audit->suspects > 0)
		r = take_snapshot(audit, true, err);
	if (r == 0)
		r = set_cut(audit, err);
	if (r == 0)
		r = et_audit_judge_suspects(audit, err);
	if (r == 0)
		r = list_malformed(audit, err);
	return r;
}

static void
settle_verdict(struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;

	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		if (tally->reasons[i] > 0 && et_reason_info((enum et_reason)i)->is_finding)
			worsen(audit, ET_STATUS_FINDINGS);
	if (audit->totals.hole_count > 0) {
		worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"%" PRIu64
			" sequences are holes in the archives: what they held cannot be judged",
			audit->totals.hole_sequences);
	}
}

/* ---- the report ---- */

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) == 0)
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void
print(const struct et_report *report, const struct et_options *options, struct et_error *err)
{
	if (options->json) {
		if (et_report_json(report, stdout, err) < 0)
			et_log_failure(err);
	} else if (!options->quiet || report->exit_status != ET_STATUS_CLEAN) {
		unsigned width = terminal_width();

		et_report_text(report, stdout, width > 0 && getenv("NO_COLOR") == NULL, width);
	}
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

static int
report(struct et_audit *audit, struct et_error *err)
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
		.compared_first = audit->totals.first_seq,
		.compared_last = audit->totals.last_seq,
		.holes = holes,
		.documents = audit->documents,
		.aggregates = tally->aggregates,
		.events = tally->expected + tally->reasons[ET_REASON_NEVER_PUBLISHED],
		.tally = *tally,
		.split = audit->cut.split,
		.findings = audit->findings,
		.finding_count = audit->finding_count,
		.findings_total = audit->findings_total,
		.findings_file = audit->options->findings,
		.duration_ns = et_clock_now_ns() - audit->started_ns,
		.new_messages = audit->new_messages,
	};
	uint64_t total = 0;
	int r;

	r = et_catalog_holes(audit->state->catalog, noted, LINES_OF_HOLES, &report.hole_count,
			     &total, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < report.hole_count; i++)
		holes[i] = (struct et_report_hole){ noted[i].first_seq, noted[i].last_seq,
						    noted[i].type };
	report.sums_hold = et_tally_holds(tally, audit->cut.split, &report.sums_broken);
	report.note_count = point_at_notes(audit, notes);
	print(&report, audit->options, err);
	return 0;
}

/* ---- the verb ---- */

static int
end_run(struct et_audit *audit, int r, struct et_error *err)
{
	enum et_status status = r < 0 ? et_status_of(r) : audit->status;
	struct et_run run = {
		.id = audit->run,
		.ended_ns = et_clock_now_ns(),
		.exit_status = (int)status,
		.last_seq = audit->totals.last_seq,
		.messages = audit->new_messages,
		.findings = audit->findings_total,
	};

	if (audit->state == NULL || audit->run == 0)
		return r;
	(void)snprintf(run.verdict, sizeof(run.verdict), "%s", et_status_word(status));
	if (et_catalog_run_end(audit->state->catalog, &run, r < 0 ? NULL : err) < 0 && r == 0)
		return ET_IO;
	return r;
}

static int
compare_and_report(struct et_audit *audit, struct et_error *err)
{
	struct et_tally *tally = &audit->tally;
	const char *broken = NULL;
	int r;

	r = compare(audit, err);
	if (r < 0)
		return r;
	tally->messages = audit->totals.messages;
	tally->registrations = audit->totals.registrations;
	tally->reasons[ET_REASON_FOREIGN] = audit->totals.foreign;
	tally->reasons[ET_REASON_MALFORMED_MESSAGE] = audit->totals.malformed;
	settle_verdict(audit);
	if (audit->tally.aggregates > 0 && !et_tally_holds(tally, audit->cut.split, &broken)) {
		worsen(audit, ET_STATUS_ERROR);
		et_audit_note(audit, "the sums do not hold (%s): please report this", broken);
	}
	return 0;
}

static int
open_findings(struct et_audit *audit, struct et_atomicfile **ret, struct et_error *err)
{
	const char *path = audit->options->findings;
	ET_CLEAN_MEM char *for_dir = NULL;
	ET_CLEAN_MEM char *for_base = NULL;
	int fd;
	int r;

	if (path == NULL)
		return 0;
	for_dir = et_strdup(path);
	for_base = et_strdup(path);
	r = et_atomicfile_open(dirname(for_dir), basename(for_base), ret, err);
	if (r < 0)
		return r;
	fd = dup(et_atomicfile_fd(*ret));
	audit->findings_file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (audit->findings_file == NULL)
		return et_error_errno(err, errno, "write '%s'", path);
	return 0;
}

static int
close_findings(struct et_audit *audit, struct et_atomicfile *file, struct et_error *err)
{
	FILE *stream = ET_STEAL(audit->findings_file);

	if (stream == NULL)
		return 0;
	if (fclose(stream) != 0)
		return et_error_errno(err, errno, "write '%s'", audit->options->findings);
	return et_atomicfile_commit(file, true, err);
}

static int
run(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_atomicfile) struct et_atomicfile *file = NULL;
	int r;

	r = open_sources(audit, err);
	if (r == 0)
		r = open_findings(audit, &file, err);
	if (r == 0) {
		audit->recall = et_recall_new(audit->state);
		r = compare_and_report(audit, err);
	}
	if (r == 0)
		r = close_findings(audit, file, err);
	if (r == 0)
		r = report(audit, err);
	if (audit->findings_file != NULL)
		(void)fclose(audit->findings_file);
	return end_run(audit, r, err);
}

int
et_verb_audit(const struct et_options *options, struct et_error *err)
{
	struct et_audit audit = {
		.options = options,
		.started_ns = et_clock_now_ns(),
		.cut = { .settle_ns = options->settle,
			 .split = options->split,
			 .time_ns = ET_TIME_NONE },
		.last_snapshot_time_ns = ET_TIME_NONE,
	};
	int r;

	if (options->settle < 45 * ET_NS_PER_SECOND && options->settle > 0)
		et_log(ET_LOG_WARNING,
		       "--settle is below 45s: the hub itself may be 35 s behind its saves");
	et_arena_init(&audit.texts, 0);
	et_buf_init(&audit.notes, NOTES_BYTES_MAX);
	audit.findings = et_calloc(ET_REPORT_FINDINGS_MAX, sizeof(*audit.findings));
	r = run(&audit, err);
	et_recall_free(audit.recall);
	et_source_free(audit.source);
	et_conn_free(audit.conn);
	et_state_free(audit.state);
	free(audit.findings);
	et_arena_done(&audit.texts);
	et_buf_done(&audit.notes);
	return r < 0 ? r : (int)audit.status;
}
