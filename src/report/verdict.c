// SPDX-License-Identifier: Apache-2.0
/* The verdict for people: one line. */
#include "base/buf.h"
#include "base/clock.h"
#include "report/clean.h"
#include "report/text.h"

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

/* Of a clean run in which an alarm was raised all the same. */
static char *
unalarmed_words(const struct et_report *report)
{
	bool open = report->standings[ET_STANDING_KNOWN] > 0;

	return et_strdup(open ? "no finding is new" : "every finding is acknowledged");
}

static bool
has_alarms(const struct et_tally *tally)
{
	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		if (et_reason_info((enum et_reason)i)->is_finding &&
		    tally->reasons[i] + tally->deleted[i] > 0)
			return true;
	return false;
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
		return has_alarms(tally) ? unalarmed_words(report) : clean_words(tally);
	if (strcmp(report->verdict, "findings") == 0)
		return lost > 0 ? lost_words(tally) : other_words(tally);
	if (lost == 0)
		return et_strdup(failed_words(report));
	return et_format("%s; %s lost so far: %s", failed_words(report),
			 lost == 1 ? "event" : "events", et_text_number(lost, number));
}

/* "3 new, 110 known, 2 acknowledged"; empty when there is nothing of it. */
static char *
standing_words(const struct et_report *report)
{
	char number[ET_TEXT_NUMBER_BYTES];
	struct et_buf words;
	char *text;

	et_buf_init(&words, 1024);
	for (unsigned i = 0; i < ET_STANDING_RESOLVED; i++)
		if (report->standings[i] > 0)
			et_buf_format(&words, "%s%s %s", words.size > 0 ? ", " : "",
				      et_text_number(report->standings[i], number),
				      et_standing_name((enum et_standing)i));
	if (report->expired > 0)
		et_buf_format(&words, " (%s acknowledgement%s expired)",
			      et_text_number(report->expired, number),
			      report->expired == 1 ? " has" : "s have");
	text = et_strdup(et_buf_cstr(&words));
	et_buf_done(&words);
	return text;
}

void
et_text_verdict(const struct et_report *report, FILE *out, bool colour, bool with_standings,
		const char *end)
{
	ET_CLEAN_MEM char *standings = standing_words(report);
	ET_CLEAN_MEM char *core = headline(report);
	bool before = with_standings && standings[0] != '\0' &&
		      report->standings[ET_STANDING_NEW] < report->findings_total;
	ET_CLEAN_MEM char *words =
		et_format("%s%s%s", before ? standings : "", before ? ": " : "", core);
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

void
et_report_line(const struct et_report *report, FILE *out, bool colour)
{
	ET_CLEAN_MEM char *standings = standing_words(report);
	char since[ET_TIME_TEXT_BYTES];
	bool same = report->same_since_ns != ET_TIME_NONE;
	ET_CLEAN_MEM char *end =
		et_format("; nothing new%s%s%s%s, -v shows the report", same ? " since " : "",
			  same ? et_text_time(report->same_since_ns, since) : "",
			  standings[0] != '\0' ? ": " : "", standings);

	et_text_verdict(report, out, colour, false, end);
}
