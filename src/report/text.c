// SPDX-License-Identifier: Apache-2.0
#include "report/text.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/clock.h"
#include "report/clean.h"

#define HOLES_SHOWN 5u

bool
et_text_is_recoverable(const struct et_report_finding *finding)
{
	enum et_recoverable recoverable = finding->finding.recoverable;

	return recoverable != ET_RECOVERABLE_NOT_SAID && recoverable != ET_RECOVERABLE_SUPERSEDED;
}

/* ---- what was compared ---- */

static void
put_range(const struct et_report *report, FILE *out, unsigned width)
{
	char first[ET_TEXT_NUMBER_BYTES];
	char last[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];
	char type[ET_TEXT_NUMBER_BYTES];

	if (report->compared_last == 0)
		et_text_put(out, "compared", width, "nothing");
	else
		et_text_put(out, "compared", width, "sequences %s to %s, up to %s",
			    et_text_number(report->compared_first, first),
			    et_text_number(report->compared_last, last),
			    et_text_time(report->cut_time_ns, time));
	if (report->requested_first != report->compared_first ||
	    report->requested_last != report->compared_last)
		et_text_put(out, "", width, "of %s to %s that were asked for",
			    et_text_number(report->requested_first, first),
			    et_text_number(report->requested_last, last));
	for (size_t i = 0; i < report->hole_count && i < HOLES_SHOWN; i++)
		et_text_put(out, i == 0 ? "holes" : "", width, "%s to %s: %s",
			    et_text_number(report->holes[i].first_seq, first),
			    et_text_number(report->holes[i].last_seq, last), report->holes[i].type);
	if (report->hole_count > HOLES_SHOWN)
		et_text_put(out, "", width, "and %s more",
			    et_text_number(report->hole_count - HOLES_SHOWN, type));
}

/* What it took, for -v; and what became of earlier findings. */
static void
put_effort(const struct et_report *report, FILE *out, unsigned width)
{
	const struct et_resolved *resolved = &report->resolved;
	char suspects[ET_TEXT_NUMBER_BYTES];
	char known[ET_TEXT_NUMBER_BYTES];
	char number[ET_TEXT_NUMBER_BYTES];
	char took[ET_TIME_TEXT_BYTES];

	if (report->verbose)
		et_text_put(out, "examined", width,
			    "%s aggregates, %s known from earlier runs; %" PRIu64
			    " documents, %" PRIu64 " bytes, %" PRIu64 " queries behind the scan",
			    et_text_number(report->effort.suspects, suspects),
			    et_text_number(report->effort.known, known), report->effort.documents,
			    report->effort.bytes, report->effort.queries);
	if (resolved->late > 0 && resolved->late_delay_ns != ET_TIME_NONE)
		et_text_put(out, "late", width,
			    "%s of the earlier findings turned up, up to %s late",
			    et_text_number(resolved->late, number),
			    et_text_duration(resolved->late_delay_ns, took));
	else if (resolved->late > 0)
		et_text_put(out, "late", width, "%s of the earlier findings turned up",
			    et_text_number(resolved->late, number));
	if (resolved->changed > 0)
		et_text_put(out, "resolved", width,
			    "%s more of the earlier findings are none any more",
			    et_text_number(resolved->changed, number));
}

static void
put_compared(const struct et_report *report, FILE *out, unsigned width)
{
	char documents[ET_TEXT_NUMBER_BYTES];
	char aggregates[ET_TEXT_NUMBER_BYTES];
	char events[ET_TEXT_NUMBER_BYTES];
	char took[ET_TIME_TEXT_BYTES];

	if (report->identity[0] != '\0')
		et_text_put(out, "stream", width, "%s, created %s", report->stream,
			    report->identity);
	else
		et_text_put(out, "stream", width, "%s", report->stream);
	put_range(report, out, width);
	et_text_put(out, "store", width, "%s documents of %s aggregates with %s events",
		    et_text_number(report->documents, documents),
		    et_text_number(report->aggregates, aggregates),
		    et_text_number(report->events, events));
	et_text_put(out, "run", width, "%s, %s new messages archived",
		    et_text_duration(report->duration_ns, took),
		    et_text_number(report->new_messages, events));
	put_effort(report, out, width);
	for (size_t i = 0; i < report->note_count; i++)
		et_text_put(out, "note", width, "%s", report->notes[i]);
}

/* ---- the counts ---- */

static void
put_count(FILE *out, const char *name, uint64_t count, const char *words)
{
	char number[ET_TEXT_NUMBER_BYTES];

	if (count > 0)
		(void)fprintf(out, "  %-18s %13s  %s\n", name, et_text_number(count, number),
			      words);
}

/* The part of a reason that is a part of what is expected. */
static uint64_t
expected_count(const struct et_tally *tally, enum et_reason reason)
{
	return reason == ET_REASON_LOST ? tally->lost_in_store : tally->reasons[reason];
}

/* docs/audit.md, Sums: each of the expected versions has exactly one of these. */
static bool
is_expected(enum et_reason reason)
{
	return reason <= ET_REASON_UNDECIDED;
}

static void
put_counts(const struct et_report *report, FILE *out)
{
	const struct et_tally *tally = &report->tally;
	uint64_t beside = tally->lost_deleted + tally->registrations;
	char number[ET_TEXT_NUMBER_BYTES];

	(void)fprintf(out, "\nexpected on the stream: %s\n",
		      et_text_number(tally->expected, number));
	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		const struct et_reason_info *info = et_reason_info((enum et_reason)i);

		if (is_expected((enum et_reason)i))
			put_count(out, info->name, expected_count(tally, (enum et_reason)i),
				  info->words);
		else
			beside += tally->reasons[i];
		beside += tally->deleted[i];
	}
	if (beside == 0)
		return;
	(void)fputs("beside these:\n", out);
	put_count(out, "lost", tally->lost_deleted, "the same, gone from the store since");
	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		const struct et_reason_info *info = et_reason_info((enum et_reason)i);

		if (is_expected((enum et_reason)i))
			put_count(out, info->name, tally->deleted[i],
				  "missing, and gone from the store since");
		else
			put_count(out, info->name, tally->reasons[i], info->words);
	}
	put_count(out, "registrations", tally->registrations, "of devices, on the stream");
}

static void
put_sums(const struct et_report *report, FILE *out, unsigned width)
{
	char events[ET_TEXT_NUMBER_BYTES];
	char messages[ET_TEXT_NUMBER_BYTES];

	if (report->sums_hold)
		et_text_put(out, "sums", width, "hold: %s events and %s messages are accounted for",
			    et_text_number(report->tally.expected, events),
			    et_text_number(report->tally.messages, messages));
	else
		et_text_put(out, "sums", width, "DO NOT HOLD, which is a fault of evtrail: %s",
			    report->sums_broken != NULL ? report->sums_broken : "");
}

/* ---- what could be recovered, and when ---- */

/* ": an audit every 1h would have caught 20 % of these, every 5m 60 %" */
static void
put_schedules(const struct et_recovery *recovery, struct et_buf *out)
{
	char period[ET_TIME_TEXT_BYTES];

	for (size_t i = 0; i < recovery->schedule_count; i++) {
		const struct et_schedule *one = &recovery->schedules[i];
		int64_t period_ns = (int64_t)one->every_seconds * ET_NS_PER_SECOND;

		et_buf_format(out,
			      i == 0 ? ": an audit every %s would have caught %.0f %% of these"
				     : ", every %s %.0f %%",
			      et_duration_format(period_ns, period), one->share * 100);
	}
	if (recovery->schedule_count == 0 && recovery->estimated > 0)
		et_buf_text(out, ": too fast for an audit every minute");
}

static void
put_recovery(const struct et_report *report, FILE *out, unsigned width)
{
	const struct et_recovery *recovery = &report->recovery;
	char first[ET_TEXT_NUMBER_BYTES];
	char late[ET_TEXT_NUMBER_BYTES];
	struct et_buf schedules;

	if (recovery->recoverable + recovery->too_late == 0)
		return;
	et_buf_init(&schedules, 1024);
	put_schedules(recovery, &schedules);
	(void)fputc('\n', out);
	et_text_put(out, "recovery", width,
		    "when they were first seen, %s of the open losses could be recovered; %s came "
		    "too late%s",
		    et_text_number(recovery->recoverable, first),
		    et_text_number(recovery->too_late, late), et_buf_cstr(&schedules));
	et_buf_done(&schedules);
}

/* ---- what to do ---- */

static uint64_t
neighbour(const struct et_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct et_finding *finding = &report->findings[i].finding;

		if (finding->seq > 0)
			return finding->seq;
		if (finding->after_seq > 0 || finding->before_seq > 0)
			return finding->after_seq > 0 ? finding->after_seq : finding->before_seq;
	}
	return 0;
}

static void
put_next(const struct et_report *report, FILE *out, unsigned width)
{
	uint64_t seq = neighbour(report);
	char number[ET_TEXT_NUMBER_BYTES];

	if (report->findings_total == 0)
		return;
	(void)fputc('\n', out);
	if (report->findings_file != NULL)
		et_text_put(out, "next", width, "all %s findings, with whole ids, are in %s",
			    et_text_number(report->findings_total, number), report->findings_file);
	else
		et_text_put(out, "next", width,
			    "evtrail audit --json --findings FILE writes all %s, with whole ids",
			    et_text_number(report->findings_total, number));
	et_text_put(out, "", width,
		    "evtrail findings lists what is open, with keys and what to do");
	if (seq > 0)
		et_text_put(out, "", width,
			    "evtrail cat %" PRIu64 " shows the stream at the first of them", seq);
}

/* What somebody has acknowledged is no alarm: it is not listed. */
static void
put_acknowledged(const struct et_report *report, FILE *out, unsigned width)
{
	uint64_t count = report->standings[ET_STANDING_ACKNOWLEDGED];
	char number[ET_TEXT_NUMBER_BYTES];

	if (count == 0)
		return;
	(void)fputc('\n', out);
	et_text_put(out, "aside", width,
		    "%s acknowledged finding%s: evtrail findings --state acknowledged",
		    et_text_number(count, number), count == 1 ? "" : "s");
}

/* Something is new, and something else is not. */
static bool
is_mixed(const struct et_report *report)
{
	return report->standings[ET_STANDING_NEW] > 0 &&
	       report->standings[ET_STANDING_KNOWN] + report->standings[ET_STANDING_ACKNOWLEDGED] >
		       0;
}

void
et_report_text(const struct et_report *report, FILE *out, bool colour, unsigned width)
{
	const unsigned new_ones = ET_STANDING_BIT(ET_STANDING_NEW);
	unsigned rest = ET_STANDINGS_OPEN;

	width = et_text_width(width);
	et_text_verdict(report, out, colour, true, "");
	/* What is new first. */
	if (is_mixed(report)) {
		et_text_lost_table(report, out, width, new_ones, "new ");
		et_text_other_table(report, out, width, new_ones, "new ");
		rest &= ~new_ones;
	}
	(void)fputc('\n', out);
	put_compared(report, out, width);
	if (report->compared_last > 0) {
		put_counts(report, out);
		put_sums(report, out, width);
	}
	et_text_incidents(report, out, width);
	et_text_lost_table(report, out, width, rest, is_mixed(report) ? "known " : "");
	et_text_device_table(report, out, width);
	et_text_other_table(report, out, width, rest, is_mixed(report) ? "known " : "");
	put_acknowledged(report, out, width);
	put_recovery(report, out, width);
	put_next(report, out, width);
}
