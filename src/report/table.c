// SPDX-License-Identifier: Apache-2.0
#include "report/text.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>

#include "base/clock.h"
#include "report/clean.h"

#define WIDTH_OF_WHOLE_IDS 120u
#define DEVICES_SHOWN 10u
#define OTHERS_SHOWN 10u
#define WIDTH_OF_WHOLE_NAMES 100u
#define ID_SHORT 8 /* the first group of a UUID */
#define NAME_SHORT 15
#define TIME_RANGE_BYTES 40

struct column {
	const char *name;
	int flags;
};

static struct libscols_table *
table_new(FILE *out, unsigned width, const struct column *columns, size_t count)
{
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		abort(); /* GCOVR_EXCL_LINE: memory */
	(void)scols_table_set_stream(table, out);
	(void)scols_table_set_termforce(
		table, SCOLS_TERMFORCE_ALWAYS); /* cut to the width also in a file */
	(void)scols_table_set_termwidth(table, width);
	for (size_t i = 0; i < count; i++)
		if (scols_table_new_column(table, columns[i].name, 0, columns[i].flags) == NULL)
			abort(); /* GCOVR_EXCL_LINE: memory */
	return table;
}

static struct libscols_line *
row_new(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (line == NULL)
		abort(); /* GCOVR_EXCL_LINE: memory */
	return line;
}

static void
cell(struct libscols_line *line, size_t column, const char *text)
{
	if (scols_line_set_data(line, column, text) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

/* Text from outside. */
static void
cell_clean(struct libscols_line *line, size_t column, const char *text)
{
	ET_CLEAN_MEM char *clean = text != NULL && text[0] != '\0' ? et_clean_ascii(text) : NULL;

	cell(line, column, clean != NULL ? clean : "-");
}

/* A table in 80 columns has no room for UUIDs; the first group tells devices of one table apart. */
static void
cell_id(struct libscols_line *line, size_t column, const char *id, unsigned width)
{
	ET_CLEAN_MEM char *shown = NULL;

	if (id == NULL || width >= WIDTH_OF_WHOLE_IDS || strlen(id) != ET_UUID_TEXT_BYTES - 1) {
		cell_clean(line, column, id);
		return;
	}
	shown = et_strndup(id, ID_SHORT);
	cell_clean(line, column, shown);
}

static void
cell_number(struct libscols_line *line, size_t column, uint64_t number)
{
	char text[ET_TEXT_NUMBER_BYTES];

	cell(line, column, et_text_number(number, text));
}

/* In a narrow table the beginning of the name tells enough: "resourceupdatep". */
static void
cell_kind(struct libscols_line *line, size_t column, enum et_kind kind, unsigned width)
{
	char text[64];

	(void)snprintf(text, width < WIDTH_OF_WHOLE_NAMES ? NAME_SHORT + 1 : sizeof(text), "%s",
		       kind != ET_KIND_UNKNOWN ? et_kind_info(kind)->name : "-");
	cell(line, column, text);
}

static void
print_table(struct libscols_table *table)
{
	(void)scols_print_table(table);
	scols_unref_table(table);
}

/* "11-25 03:10:01-03:12:44", as short as the two times allow; one end may be open. */
static const char *
time_range(int64_t from_ns, int64_t to_ns, char text[TIME_RANGE_BYTES])
{
	char from[ET_TIME_TEXT_BYTES];
	char to[ET_TIME_TEXT_BYTES];

	(void)et_time_format(from_ns, from);
	(void)et_time_format(to_ns, to);
	if (from_ns == ET_TIME_NONE && to_ns == ET_TIME_NONE)
		(void)snprintf(text, TIME_RANGE_BYTES, "-");
	else if (from_ns == ET_TIME_NONE)
		(void)snprintf(text, TIME_RANGE_BYTES, "before %.5s %.8s", to + 5, to + 11);
	else if (to_ns == ET_TIME_NONE)
		(void)snprintf(text, TIME_RANGE_BYTES, "after %.5s %.8s", from + 5, from + 11);
	else if (memcmp(from, to, 19) == 0)
		(void)snprintf(text, TIME_RANGE_BYTES, "%.10s %.8s", from, from + 11);
	else if (memcmp(from, to, 10) == 0)
		(void)snprintf(text, TIME_RANGE_BYTES, "%.5s %.8s-%.8s", from + 5, from + 11,
			       to + 11);
	else if (memcmp(from, to, 4) == 0)
		(void)snprintf(text, TIME_RANGE_BYTES, "%.5s %.5s-%.5s %.5s", from + 5, from + 11,
			       to + 5, to + 11);
	else
		(void)snprintf(text, TIME_RANGE_BYTES, "%.10s-%.10s", from, to);
	return text;
}

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
	struct libscols_line *line = row_new(table);
	const char *recoverable = et_recoverable_name(finding->recoverable);
	char text[TIME_RANGE_BYTES];

	cell_id(line, 0, reported->device_id, width);
	cell_clean(line, 1, reported->href);
	cell_number(line, 2, finding->version);
	cell_kind(line, 3, finding->kind, width);
	cell(line, 4, time_range(earliest(finding), latest(finding), text));
	cell(line, 5, finding->reason == ET_REASON_LOST ? recoverable : "in a hole");
}

static uint64_t
count_lost(const struct et_report *report)
{
	return report->tally.reasons[ET_REASON_LOST] + report->tally.reasons[ET_REASON_LOST_IN_GAP];
}

/* What can still be recovered stands first: it is what somebody has to hurry for. */
void
et_text_lost_table(const struct et_report *report, FILE *out, unsigned width)
{
	static const struct column columns[] = {
		{ "DEVICE", 0 },           { "RESOURCE", SCOLS_FL_TRUNC },
		{ "VER", SCOLS_FL_RIGHT }, { "EVENT", 0 },
		{ "TIME (UTC)", 0 },       { "RECOVERABLE", 0 },
	};
	struct libscols_table *table;
	char shown[ET_TEXT_NUMBER_BYTES];
	char all[ET_TEXT_NUMBER_BYTES];
	uint64_t rows = 0;
	bool hurry = false;

	table = table_new(out, width, columns, ET_COUNT(columns));
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < report->finding_count && rows < ET_TEXT_LISTED; i++) {
			const struct et_report_finding *finding = &report->findings[i];

			if (!et_text_is_lost(finding) ||
			    et_text_is_recoverable(finding) != (turn == 0))
				continue;
			hurry |= turn == 0;
			add_lost(table, finding, width);
			rows++;
		}
	if (rows == 0) {
		scols_unref_table(table);
		return;
	}
	(void)fprintf(out, "\nlost events, %s of %s\n", et_text_number(rows, shown),
		      et_text_number(count_lost(report), all));
	print_table(table);
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

		if (et_text_is_lost(reported))
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
	static const struct column columns[] = { { "DEVICE", SCOLS_FL_TRUNC },
						 { "LOST", SCOLS_FL_RIGHT },
						 { "RECOVERABLE", SCOLS_FL_RIGHT },
						 { "TIME (UTC)", 0 } };
	ET_CLEAN_MEM struct device *devices = NULL;
	struct libscols_table *table;
	char number[ET_TEXT_NUMBER_BYTES];
	char text[TIME_RANGE_BYTES];
	size_t count;

	if (count_lost(report) <= ET_TEXT_LISTED || report->finding_count == 0)
		return;
	devices = et_calloc(report->finding_count, sizeof(*devices));
	count = group_by_device(report, devices);
	if (report->findings_total > report->finding_count)
		(void)fprintf(out, "\nlost events by device (of the first %s findings)\n",
			      et_text_number(report->finding_count, number));
	else
		(void)fputs("\nlost events by device\n", out);
	table = table_new(out, width, columns, ET_COUNT(columns));
	for (size_t i = 0; i < count && i < DEVICES_SHOWN; i++) {
		struct libscols_line *line = row_new(table);

		cell_clean(line, 0, devices[i].id);
		cell_number(line, 1, devices[i].lost);
		cell_number(line, 2, devices[i].recoverable);
		cell(line, 3, time_range(devices[i].from_ns, devices[i].to_ns, text));
	}
	print_table(table);
	if (count > DEVICES_SHOWN)
		(void)fprintf(out, "and %s more devices\n",
			      et_text_number(count - DEVICES_SHOWN, number));
}

/* ---- the rest ---- */

void
et_text_other_table(const struct et_report *report, FILE *out, unsigned width)
{
	static const struct column columns[] = { { "CODE", 0 },
						 { "DEVICE", 0 },
						 { "RESOURCE", SCOLS_FL_TRUNC },
						 { "VERSION", SCOLS_FL_RIGHT },
						 { "SEQUENCE", SCOLS_FL_RIGHT } };
	struct libscols_table *table = table_new(out, width, columns, ET_COUNT(columns));
	char number[ET_TEXT_NUMBER_BYTES];
	uint64_t rows = 0;
	uint64_t more = 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct et_report_finding *reported = &report->findings[i];
		const struct et_finding *finding = &reported->finding;
		struct libscols_line *line;

		if (et_text_is_lost(reported))
			continue;
		if (rows == OTHERS_SHOWN) {
			more++;
			continue;
		}
		line = row_new(table);
		cell(line, 0, et_reason_info(finding->reason)->name);
		cell_id(line, 1, reported->device_id, width);
		cell_clean(line, 2, reported->href);
		if (finding->reason == ET_REASON_MALFORMED_MESSAGE)
			cell(line, 3, "-");
		else
			cell_number(line, 3, finding->version);
		if (finding->seq > 0)
			cell_number(line, 4, finding->seq);
		else
			cell(line, 4, "-");
		rows++;
	}
	if (rows == 0) {
		scols_unref_table(table);
		return;
	}
	(void)fputs("\nother findings\n", out);
	print_table(table);
	if (more > 0)
		(void)fprintf(out, "and %s more\n", et_text_number(more, number));
}
