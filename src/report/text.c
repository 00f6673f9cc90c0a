// SPDX-License-Identifier: Apache-2.0
#include "report/text.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/clock.h"
#include "report/clean.h"

#define HOLES_SHOWN 5u

bool
et_text_is_lost(const struct et_report_finding *finding)
{
	return finding->finding.reason == ET_REASON_LOST ||
	       finding->finding.reason == ET_REASON_LOST_IN_GAP;
}

bool
et_text_is_recoverable(const struct et_report_finding *finding)
{
	enum et_recoverable recoverable = finding->finding.recoverable;

	return recoverable != ET_RECOVERABLE_NOT_SAID && recoverable != ET_RECOVERABLE_SUPERSEDED;
}

/* ---- the verdict ---- */

static uint64_t
recoverable_count(const struct et_tally *tally)
{
	return tally->recoverable[ET_RECOVERABLE_EXACT] +
	       tally->recoverable[ET_RECOVERABLE_REBUILT] +
	       tally->recoverable[ET_RECOVERABLE_SNAPSHOT];
}

static uint64_t
lost_count(const struct et_tally *tally)
{
	return tally->reasons[ET_REASON_LOST] + tally->reasons[ET_REASON_LOST_IN_GAP];
}

/* "112 events were stored and never published (10 can be recovered now)" */
static char *
lost_words(const struct et_tally *tally)
{
	char number[ET_TEXT_NUMBER_BYTES];
	char among[ET_TEXT_NUMBER_BYTES];
	uint64_t lost = lost_count(tally);
	uint64_t recoverable = recoverable_count(tally);
	const char *which = et_text_number(recoverable, among);

	if (recoverable == 0)
		which = "none";
	else if (recoverable == lost)
		which = lost == 1 ? "it" : "all";
	return et_format("%s %s stored and never published (%s can be recovered%s)",
			 et_text_number(lost, number), lost == 1 ? "event was" : "events were",
			 which, recoverable > 0 ? " now" : "");
}

/* Findings without a lost event: the most frequent kind of them. */
static char *
other_words(const struct et_tally *tally)
{
	char number[ET_TEXT_NUMBER_BYTES];
	unsigned most = ET_REASON_COUNT;

	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		if (et_reason_info((enum et_reason)i)->is_finding && tally->reasons[i] > 0 &&
		    (most == ET_REASON_COUNT || tally->reasons[i] > tally->reasons[most]))
			most = i;
	if (most == ET_REASON_COUNT)
		return et_strdup("something is wrong: see the notes");
	return et_format("%s %s: %s", et_text_number(tally->reasons[most], number),
			 et_reason_info((enum et_reason)most)->name,
			 et_reason_info((enum et_reason)most)->words);
}

static char *
clean_words(const struct et_tally *tally)
{
	char number[ET_TEXT_NUMBER_BYTES];
	char among[ET_TEXT_NUMBER_BYTES];
	uint64_t covered = et_tally_covered(tally);

	if (tally->expected == 0)
		return et_strdup("nothing was stored that had to be published");
	if (covered == tally->expected)
		return et_format("every one of %s stored events was published",
				 et_text_number(covered, number));
	return et_format("no event is known to be lost: %s of %s were published",
			 et_text_number(covered, number), et_text_number(tally->expected, among));
}

/* Of a run that did not come to its end. */
static const char *
failed_words(const struct et_report *report)
{
	static const struct {
		const char *verdict;
		const char *words;
	} known[] = {
		{ "unreachable", "a source could not be read: nothing is cleared" },
		{ "damaged", "an archive, its chain or a signature is damaged" },
		{ "busy", "another run holds the lock" },
		{ "usage", "the options or the configuration are wrong" },
	};

	if (strcmp(report->verdict, "incomplete") == 0)
		return report->compared_last == 0 ? "nothing was compared"
						  : "only a part was compared";
	for (size_t i = 0; i < ET_COUNT(known); i++)
		if (strcmp(report->verdict, known[i].verdict) == 0)
			return known[i].words;
	return "the run failed";
}

static char *
headline(const struct et_report *report)
{
	const struct et_tally *tally = &report->tally;
	char number[ET_TEXT_NUMBER_BYTES];
	uint64_t lost = lost_count(tally);

	if (strcmp(report->verdict, "clean") == 0)
		return clean_words(tally);
	if (strcmp(report->verdict, "findings") == 0)
		return lost > 0 ? lost_words(tally) : other_words(tally);
	if (lost == 0)
		return et_strdup(failed_words(report));
	return et_format("%s; %s lost so far: %s", failed_words(report),
			 lost == 1 ? "event" : "events", et_text_number(lost, number));
}

static void
put_verdict(const struct et_report *report, FILE *out, bool colour, const char *end)
{
	ET_CLEAN_MEM char *words = headline(report);
	ET_CLEAN_MEM char *verdict = et_clean_ascii(report->verdict);
	const char *paint = "33";

	for (char *at = verdict; *at != '\0'; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	if (strcmp(verdict, "CLEAN") == 0)
		paint = "32";
	else if (strcmp(verdict, "INCOMPLETE") != 0 && strcmp(verdict, "BUSY") != 0)
		paint = "31";
	if (colour)
		(void)fprintf(out, "\033[1;%sm%s\033[0m  %s%s\n", paint, verdict, words, end);
	else
		(void)fprintf(out, "%s  %s%s\n", verdict, words, end);
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
	if (seq > 0)
		et_text_put(out, "", width,
			    "evtrail cat %" PRIu64 " shows the stream at the first of them", seq);
}

void
et_report_line(const struct et_report *report, FILE *out, bool colour)
{
	char since[ET_TIME_TEXT_BYTES];
	ET_CLEAN_MEM char *end = et_format("; nothing new since %s, -v shows the report",
					   et_text_time(report->same_since_ns, since));

	put_verdict(report, out, colour, end);
}

void
et_report_text(const struct et_report *report, FILE *out, bool colour, unsigned width)
{
	width = et_text_width(width);
	put_verdict(report, out, colour, "");
	(void)fputc('\n', out);
	put_compared(report, out, width);
	if (report->compared_last > 0) {
		put_counts(report, out);
		put_sums(report, out, width);
	}
	et_text_lost_table(report, out, width);
	et_text_device_table(report, out, width);
	et_text_other_table(report, out, width);
	put_recovery(report, out, width);
	put_next(report, out, width);
}
