// SPDX-License-Identifier: Apache-2.0
#include "report/table.h"

#include <libsmartcols/libsmartcols.h>

#include "base/clock.h"
#include "report/clean.h"
#include "report/text.h"

#define WIDTH_OF_WHOLE_IDS 120u
#define WIDTH_OF_WHOLE_NAMES 100u
#define ID_SHORT 8 /* the first group of a UUID */
#define NAME_SHORT 15

struct libscols_table *
et_table_new(FILE *out, unsigned width, const struct et_table_column *columns, size_t count)
{
	static const int flags[] = {
		[ET_TABLE_LEFT] = 0,
		[ET_TABLE_RIGHT] = SCOLS_FL_RIGHT,
		[ET_TABLE_TRUNC] = SCOLS_FL_TRUNC,
	};
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		abort(); /* GCOVR_EXCL_LINE: memory */
	(void)scols_table_set_stream(table, out);
	(void)scols_table_set_termforce(
		table, SCOLS_TERMFORCE_ALWAYS); /* cut to the width also in a file */
	(void)scols_table_set_termwidth(table, width);
	for (size_t i = 0; i < count; i++)
		if (scols_table_new_column(table, columns[i].name, 0, flags[columns[i].form]) ==
		    NULL)
			abort(); /* GCOVR_EXCL_LINE: memory */
	return table;
}

struct libscols_line *
et_table_row(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (line == NULL)
		abort(); /* GCOVR_EXCL_LINE: memory */
	return line;
}

void
et_table_cell(struct libscols_line *line, size_t column, const char *text)
{
	if (scols_line_set_data(line, column, text) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

void
et_table_clean(struct libscols_line *line, size_t column, const char *text)
{
	ET_CLEAN_MEM char *clean = text != NULL && text[0] != '\0' ? et_clean_ascii(text) : NULL;

	et_table_cell(line, column, clean != NULL ? clean : "-");
}

void
et_table_id(struct libscols_line *line, size_t column, const char *id, unsigned width)
{
	ET_CLEAN_MEM char *shown = NULL;

	if (id == NULL || width >= WIDTH_OF_WHOLE_IDS || strlen(id) != ET_UUID_TEXT_BYTES - 1) {
		et_table_clean(line, column, id);
		return;
	}
	shown = et_strndup(id, ID_SHORT);
	et_table_clean(line, column, shown);
}

void
et_table_number(struct libscols_line *line, size_t column, uint64_t number)
{
	char text[ET_TEXT_NUMBER_BYTES];

	et_table_cell(line, column, et_text_number(number, text));
}

void
et_table_kind(struct libscols_line *line, size_t column, enum et_kind kind, unsigned width)
{
	char text[64];

	(void)snprintf(text, width < WIDTH_OF_WHOLE_NAMES ? NAME_SHORT + 1 : sizeof(text), "%s",
		       kind != ET_KIND_UNKNOWN ? et_kind_info(kind)->name : "-");
	et_table_cell(line, column, text);
}

void
et_table_print(struct libscols_table *table)
{
	(void)scols_print_table(table);
	scols_unref_table(table);
}

void
et_table_drop(struct libscols_table *table)
{
	scols_unref_table(table);
}

const char *
et_table_range(int64_t from_ns, int64_t to_ns, char text[ET_TABLE_RANGE_BYTES])
{
	char from[ET_TIME_TEXT_BYTES];
	char to[ET_TIME_TEXT_BYTES];

	(void)et_time_format(from_ns, from);
	(void)et_time_format(to_ns, to);
	if (from_ns == ET_TIME_NONE && to_ns == ET_TIME_NONE)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "-");
	else if (from_ns == ET_TIME_NONE)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "before %.5s %.8s", to + 5, to + 11);
	else if (to_ns == ET_TIME_NONE)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "after %.5s %.8s", from + 5, from + 11);
	else if (memcmp(from, to, 19) == 0)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "%.10s %.8s", from, from + 11);
	else if (memcmp(from, to, 10) == 0)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "%.5s %.8s-%.8s", from + 5, from + 11,
			       to + 11);
	else if (memcmp(from, to, 4) == 0)
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "%.5s %.5s-%.5s %.5s", from + 5,
			       from + 11, to + 5, to + 11);
	else
		(void)snprintf(text, ET_TABLE_RANGE_BYTES, "%.10s-%.10s", from, to);
	return text;
}
