/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people: libsmartcols without its failures, which can only be those
 * of memory. Inside the room.
 */
#ifndef ET_REPORT_TABLE_H
#define ET_REPORT_TABLE_H

#include <stdio.h>

#include "report/text.h"

struct libscols_table;
struct libscols_line;

enum et_table_form {
	ET_TABLE_LEFT = 0,
	ET_TABLE_RIGHT,
	ET_TABLE_TRUNC, /* to the left, and cut where there is no room */
};
struct et_table_column {
	const char *name;
	enum et_table_form form;
};

struct libscols_table *et_table_new(FILE *out, unsigned width,
				    const struct et_table_column *columns, size_t count);
struct libscols_line *et_table_row(struct libscols_table *table);
/* A cell: a text of ours, text from outside, a number, an id (a table in 80 columns has no room for
 * UUIDs; the first group tells devices of one table apart), a type of event (in a narrow table the
 * beginning of the name tells enough: "resourceupdatep"). */
void et_table_cell(struct libscols_line *line, size_t column, const char *text);
void et_table_clean(struct libscols_line *line, size_t column, const char *text);
void et_table_number(struct libscols_line *line, size_t column, uint64_t number);
void et_table_id(struct libscols_line *line, size_t column, const char *id, unsigned width);
void et_table_kind(struct libscols_line *line, size_t column, enum et_kind kind, unsigned width);
/* Both end the table. */
void et_table_print(struct libscols_table *table);
void et_table_drop(struct libscols_table *table);

#define ET_TABLE_RANGE_BYTES 40
/* "11-25 03:10:01-03:12:44", as short as the two times allow; one end may be open. */
const char *et_table_range(int64_t from_ns, int64_t to_ns, char text[ET_TABLE_RANGE_BYTES]);

#endif
