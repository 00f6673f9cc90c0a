/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: options.def and verbs.def as tables. */
#ifndef ET_COMMAND_OPTION_TABLE_H
#define ET_COMMAND_OPTION_TABLE_H

#include "command/options.h"

enum et_option_type { TEXT, PATH, FLAG, NUMBER, SIZE, DURATION, POINT };

struct et_option_row {
	const char *name; /* NULL: a heading, the text in `help` */
	enum et_option_type type;
	size_t offset; /* in struct et_options */
	const char *argument;
	const char *fallback;
	int verbs; /* bits; ET_VERBS_ALL: global */
	const char *help;
};

struct et_verb_row {
	const char *name;
	const char *arguments;
	const char *line;
	const char *examples;
};

#define ET_VERBS_ALL 0xffff

extern const struct et_option_row et_option_rows[];
extern const size_t et_option_row_count;
extern const struct et_verb_row et_verb_rows[ET_VERB_COUNT];

#endif
