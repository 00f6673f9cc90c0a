// SPDX-License-Identifier: Apache-2.0
/* The list of findings, for people: a table, and what to do. */
#include <inttypes.h>

#include "base/clock.h"
#include "report/clean.h"
#include "report/table.h"

#define WIDTH_OF_A_FILE 220u /* nothing is cut there: keys are to be copied */

/* What somebody should do about it. */
static const char *
advice(enum et_reason reason)
{
	static const char *const words[ET_REASON_COUNT] = {
		[ET_REASON_LOST] = "consumers never saw them: look when it was, keep rescue/",
		[ET_REASON_LOST_IN_GAP] = "as lost: keep the stream longer than runs are apart",
		[ET_REASON_UNVERIFIABLE_GAP] =
			"cannot be told: keep the stream longer than runs are apart",
		[ET_REASON_UNDECIDED] = "no alarm: --explain says which signs disagree",
		[ET_REASON_FORKED] = "the store went back: the archives have what it lost",
		[ET_REASON_STORE_LOST] =
			"the store lost them: the archives have them (evtrail cat)",
		[ET_REASON_DIFFERS] = "the two sides disagree: find out who else writes there",
		[ET_REASON_BROKEN_RULE] =
			"not as the hub writes it: find out who else writes there",
		[ET_REASON_MALFORMED_MESSAGE] =
			"evtrail cat SEQUENCE shows it: find out who published it",
	};

	return words[reason] != NULL ? words[reason] : "--explain says more";
}

/* "2026-11-25 03:10" */
static void
cell_time(struct libscols_line *line, size_t column, int64_t time_ns)
{
	char text[ET_TIME_TEXT_BYTES];

	if (time_ns == 0 || time_ns == ET_TIME_NONE) {
		et_table_cell(line, column, "-");
		return;
	}
	(void)et_time_format(time_ns, text);
	text[10] = ' ';
	text[16] = '\0';
	et_table_cell(line, column, text);
}

/* Why it is not an alarm; of one that counts again, who knew of it. */
static char *
remark(const struct et_report_finding *reported)
{
	const struct et_report_acknowledgement *known = &reported->acknowledged;
	char took[ET_TIME_TEXT_BYTES];
	char until[ET_TIME_TEXT_BYTES];

	if (reported->standing == ET_STANDING_RESOLVED)
		return reported->delay_ns > 0
			       ? et_format("%s, by %s", reported->resolution,
					   et_text_duration(reported->delay_ns, took))
			       : et_strdup(reported->resolution);
	if (known->time_ns == 0)
		return et_strdup(reported->details != NULL ? reported->details : "");
	if (known->until_ns == ET_TIME_NONE)
		return et_format("%s: %s", known->by, known->reason);
	(void)et_text_time(known->until_ns, until);
	until[10] = ' ';
	return et_format("%s, %s %.16s: %s", known->by,
			 reported->standing == ET_STANDING_ACKNOWLEDGED ? "until" : "expired",
			 until, known->reason);
}

static void
put_row(struct libscols_table *table, const struct et_report_finding *reported, unsigned width)
{
	ET_CLEAN_MEM char *key = et_report_key(reported);
	ET_CLEAN_MEM char *words = remark(reported);
	struct libscols_line *line = et_table_row(table);

	et_table_cell(line, 0, key);
	et_table_cell(line, 1, et_standing_name(reported->standing));
	et_table_cell(line, 2, et_report_code(reported));
	cell_time(line, 3, reported->first_seen_ns);
	cell_time(line, 4, reported->last_seen_ns);
	et_table_id(line, 5, reported->device_id, width);
	et_table_clean(line, 6, reported->href);
	et_table_clean(line, 7, words);
}

static void
put_table(const struct et_report_listing *listing, FILE *out, unsigned width)
{
	static const struct et_table_column columns[] = {
		{ "KEY", ET_TABLE_LEFT },
		{ "STATE", ET_TABLE_LEFT },
		{ "CODE", ET_TABLE_LEFT },
		{ "FIRST SEEN (UTC)", ET_TABLE_TRUNC },
		{ "LAST SEEN (UTC)", ET_TABLE_TRUNC },
		{ "DEVICE", ET_TABLE_TRUNC },
		{ "RESOURCE", ET_TABLE_TRUNC },
		{ "REMARK", ET_TABLE_TRUNC },
	};
	struct libscols_table *table = et_table_new(out, width, columns, ET_COUNT(columns));
	char number[ET_TEXT_NUMBER_BYTES];

	(void)fputc('\n', out);
	for (size_t i = 0; i < listing->finding_count; i++)
		put_row(table, &listing->findings[i], width);
	et_table_print(table);
	if (listing->findings_total > listing->finding_count)
		(void)fprintf(
			out, "and %s more: --json lists all\n",
			et_text_number(listing->findings_total - listing->finding_count, number));
}

/* "3 new, 110 known; not shown: 2 acknowledged, 5 resolved" */
static void
put_counts(const struct et_report_listing *listing, FILE *out, unsigned width)
{
	struct et_buf words;
	bool any = false;

	et_buf_init(&words, 1024);
	for (int turn = 0; turn < 2; turn++) {
		bool first = true;

		for (unsigned i = 0; i < ET_STANDING_COUNT; i++) {
			bool wanted = (listing->wanted & ET_STANDING_BIT(i)) != 0;
			char number[ET_TEXT_NUMBER_BYTES];

			if (wanted != (turn == 0) || (turn == 1 && listing->standings[i] == 0))
				continue;
			et_buf_format(&words, "%s%s %s",
				      !first     ? ", "
				      : turn > 0 ? "; not shown: "
						 : "",
				      et_text_number(listing->standings[i], number),
				      et_standing_name((enum et_standing)i));
			first = false;
			any |= turn == 1;
		}
	}
	if (any)
		et_buf_text(&words, " (--state all)");
	et_text_put(out, "findings", width, "%s", et_buf_cstr(&words));
	et_buf_done(&words);
}

/* Lines to be copied are not wrapped. */
static void
put_advice(const struct et_report_listing *listing, FILE *out)
{
	const struct et_report_finding *first = &listing->findings[0];
	ET_CLEAN_MEM char *key = et_report_key(first);
	bool any = false;

	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		const char *name = et_reason_info((enum et_reason)i)->name;

		if (listing->reasons[i] == 0)
			continue;
		(void)fputs(any ? "" : "\nwhat to do\n", out);
		any = true;
		(void)fprintf(out, "  %-18s %s\n", name, advice((enum et_reason)i));
	}
	if (!any)
		return;
	if (first->finding.reason != ET_REASON_MALFORMED_MESSAGE)
		(void)fprintf(out, "why it is one\n  evtrail audit --explain %s\n", key);
	(void)fprintf(out,
		      "when somebody knows of it, and it is no alarm any more\n"
		      "  evtrail findings ack %s --reason TEXT\n",
		      key);
}

void
et_report_listing_text(const struct et_report_listing *listing, FILE *out, unsigned width)
{
	unsigned page = et_text_width(width);

	put_counts(listing, out, page);
	if (listing->finding_count == 0)
		return;
	put_table(listing, out, width == 0 ? WIDTH_OF_A_FILE : width);
	put_advice(listing, out);
}
