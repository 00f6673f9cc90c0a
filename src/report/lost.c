// SPDX-License-Identifier: Apache-2.0
/* The tables of findings in a report. */
#include <inttypes.h>

#include "base/clock.h"
#include "report/table.h"
#include "report/text.h"

#define DEVICES_SHOWN 10u
#define OTHERS_SHOWN 10u

static int64_t
earliest(const struct et_finding *finding)
{
	return finding->time_ns != ET_TIME_NONE ? finding->time_ns : finding->after_ns;
}

static int64_t
latest(const struct et_finding *finding)
{
	return finding->time_ns != ET_TIME_NONE ? finding->time_ns : finding->before_ns;
}

static void
add_lost(struct libscols_table *table, const struct et_report_finding *reported, unsigned width)
{
	const struct et_finding *finding = &reported->finding;
	struct libscols_line *line = et_table_row(table);
	const char *recoverable = et_recoverable_name(finding->recoverable);
	char text[ET_TABLE_RANGE_BYTES];

	et_table_id(line, 0, reported->device_id, width);
	et_table_clean(line, 1, reported->href);
	et_table_number(line, 2, finding->version);
	et_table_kind(line, 3, finding->kind, width);
	et_table_cell(line, 4, et_table_range(earliest(finding), latest(finding), text));
	et_table_cell(line, 5, finding->reason == ET_REASON_LOST ? recoverable : "in a hole");
}

/* Of these standings. All but the new ones are told by what is left: a report that knows nothing of
 * earlier ones counts none. */
static uint64_t
count_lost(const struct et_report *report, unsigned standings)
{
	uint64_t lost = report->tally.reasons[ET_REASON_LOST] +
			report->tally.reasons[ET_REASON_LOST_IN_GAP];

	if (standings == ET_STANDING_BIT(ET_STANDING_NEW))
		return report->lost[ET_STANDING_NEW];
	for (unsigned i = 0; i < ET_STANDING_COUNT; i++)
		if ((standings & ET_STANDING_BIT(i)) == 0)
			lost -= report->lost[i];
	return lost;
}

static bool
is_wanted(const struct et_report_finding *finding, unsigned standings)
{
	return (standings & ET_STANDING_BIT(finding->standing)) != 0;
}

/* What can still be recovered stands first: it is what somebody has to hurry for. */
void
et_text_lost_table(const struct et_report *report, FILE *out, unsigned width, unsigned standings,
		   const char *which)
{
	static const struct et_table_column columns[] = {
		{ "DEVICE", 0 },           { "RESOURCE", ET_TABLE_TRUNC },
		{ "VER", ET_TABLE_RIGHT }, { "EVENT", 0 },
		{ "TIME (UTC)", 0 },       { "RECOVERABLE", 0 },
	};
	struct libscols_table *table;
	char shown[ET_TEXT_NUMBER_BYTES];
	char all[ET_TEXT_NUMBER_BYTES];
	uint64_t rows = 0;
	bool hurry = false;

	table = et_table_new(out, width, columns, ET_COUNT(columns));
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < report->finding_count && rows < ET_TEXT_LISTED; i++) {
			const struct et_report_finding *finding = &report->findings[i];

			if (!et_report_is_lost(finding) || !is_wanted(finding, standings) ||
			    et_text_is_recoverable(finding) != (turn == 0))
				continue;
			hurry |= turn == 0;
			add_lost(table, finding, width);
			rows++;
		}
	if (rows == 0) {
		et_table_drop(table);
		return;
	}
	(void)fprintf(out, "\n%slost events, %s of %s\n", which, et_text_number(rows, shown),
		      et_text_number(count_lost(report, standings), all));
	et_table_print(table);
	if (hurry)
		(void)fputs(
			"exact, rebuilt, snapshot: only until the next event of this resource\n",
			out);
}

/* ---- by device ---- */

struct device {
	struct et_uuid key;
	const char *id;
	uint64_t lost;
	uint64_t recoverable;
	int64_t from_ns; /* ET_TIME_NONE: an open end */
	int64_t to_ns;
};

static int
by_key(const void *a, const void *b)
{
	return et_uuid_compare(&((const struct device *)a)->key, &((const struct device *)b)->key);
}

static int
by_loss(const void *a, const void *b)
{
	const struct device *x = a;
	const struct device *y = b;

	if (x->lost != y->lost)
		return x->lost > y->lost ? -1 : 1;
	return by_key(a, b);
}

static void
device_join(struct device *into, const struct device *more)
{
	into->lost += more->lost;
	into->recoverable += more->recoverable;
	if (more->from_ns < into->from_ns) /* ET_TIME_NONE is less than every time */
		into->from_ns = more->from_ns;
	if (into->to_ns != ET_TIME_NONE &&
	    (more->to_ns == ET_TIME_NONE || more->to_ns > into->to_ns))
		into->to_ns = more->to_ns;
}

/* One row per device, worst first. */
static size_t
group_by_device(const struct et_report *report, struct device *devices)
{
	size_t count = 0;
	size_t kept = 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct et_report_finding *reported = &report->findings[i];

		if (et_report_is_lost(reported) && is_wanted(reported, ET_STANDINGS_OPEN))
			devices[count++] =
				(struct device){ .key = reported->finding.device,
						 .id = reported->device_id,
						 .lost = 1,
						 .recoverable = et_text_is_recoverable(reported),
						 .from_ns = earliest(&reported->finding),
						 .to_ns = latest(&reported->finding) };
	}
	if (count > 0)
		qsort(devices, count, sizeof(*devices), by_key);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && by_key(&devices[kept - 1], &devices[i]) == 0)
			device_join(&devices[kept - 1], &devices[i]);
		else
			devices[kept++] = devices[i];
	}
	if (kept > 0)
		qsort(devices, kept, sizeof(*devices), by_loss);
	return kept;
}

void
et_text_device_table(const struct et_report *report, FILE *out, unsigned width)
{
	static const struct et_table_column columns[] = { { "DEVICE", ET_TABLE_TRUNC },
							  { "LOST", ET_TABLE_RIGHT },
							  { "RECOVERABLE", ET_TABLE_RIGHT },
							  { "TIME (UTC)", 0 } };
	ET_CLEAN_MEM struct device *devices = NULL;
	struct libscols_table *table;
	char number[ET_TEXT_NUMBER_BYTES];
	char text[ET_TABLE_RANGE_BYTES];
	size_t count;

	if (count_lost(report, ET_STANDINGS_OPEN) <= ET_TEXT_LISTED || report->finding_count == 0)
		return;
	devices = et_calloc(report->finding_count, sizeof(*devices));
	count = group_by_device(report, devices);
	if (report->findings_total > report->finding_count)
		(void)fprintf(out, "\nlost events by device (of the first %s findings)\n",
			      et_text_number(report->finding_count, number));
	else
		(void)fputs("\nlost events by device\n", out);
	table = et_table_new(out, width, columns, ET_COUNT(columns));
	for (size_t i = 0; i < count && i < DEVICES_SHOWN; i++) {
		struct libscols_line *line = et_table_row(table);

		et_table_clean(line, 0, devices[i].id);
		et_table_number(line, 1, devices[i].lost);
		et_table_number(line, 2, devices[i].recoverable);
		et_table_cell(line, 3, et_table_range(devices[i].from_ns, devices[i].to_ns, text));
	}
	et_table_print(table);
	if (count > DEVICES_SHOWN)
		(void)fprintf(out, "and %s more devices\n",
			      et_text_number(count - DEVICES_SHOWN, number));
}

/* ---- the rest ---- */

void
et_text_other_table(const struct et_report *report, FILE *out, unsigned width, unsigned standings,
		    const char *which)
{
	static const struct et_table_column columns[] = { { "CODE", 0 },
							  { "DEVICE", 0 },
							  { "RESOURCE", ET_TABLE_TRUNC },
							  { "VERSION", ET_TABLE_RIGHT },
							  { "SEQUENCE", ET_TABLE_RIGHT } };
	struct libscols_table *table = et_table_new(out, width, columns, ET_COUNT(columns));
	char number[ET_TEXT_NUMBER_BYTES];
	uint64_t rows = 0;
	uint64_t more = 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct et_report_finding *reported = &report->findings[i];
		const struct et_finding *finding = &reported->finding;
		struct libscols_line *line;

		if (et_report_is_lost(reported) || !is_wanted(reported, standings))
			continue;
		if (rows == OTHERS_SHOWN) {
			more++;
			continue;
		}
		line = et_table_row(table);
		et_table_cell(line, 0, et_report_code(reported));
		et_table_id(line, 1, reported->device_id, width);
		et_table_clean(line, 2, reported->href);
		if (finding->reason == ET_REASON_MALFORMED_MESSAGE)
			et_table_cell(line, 3, "-");
		else
			et_table_number(line, 3, finding->version);
		if (finding->seq > 0)
			et_table_number(line, 4, finding->seq);
		else
			et_table_cell(line, 4, "-");
		rows++;
	}
	if (rows == 0) {
		et_table_drop(table);
		return;
	}
	(void)fprintf(out, "\n%sother findings\n", which);
	et_table_print(table);
	if (more > 0)
		(void)fprintf(out, "and %s more\n", et_text_number(more, number));
}
