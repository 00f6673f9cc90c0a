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
	size_t most; /* arguments that it takes */
	const char *line;
	const char *examples;
};

#define ET_VERBS_ALL 0xffff
#define ET_ARGUMENTS_ANY SIZE_MAX

extern const struct et_option_row et_option_rows[];
extern const size_t et_option_row_count;
extern const struct et_verb_row et_verb_rows[ET_VERB_COUNT];

/* `given` (of that length) is the name, with this character in the place of dashes ('_' in the
 * environment, where names are in capitals). */
bool et_option_is(const char *name, const char *given, size_t length, char dash);
const struct et_option_row *et_option_find(const char *name); /* NULL: none */
/* Parses the text into the option's field. ET_USAGE. */
ET_CHECKED int et_option_set(const struct et_option_row *row, const char *text,
			     struct et_options *options, struct et_error *err);
/* "did you mean": the nearest name of an option, or of a command. */
void et_option_hint(struct et_error *err, const char *word, bool options_wanted,
		    const char *dashes);

/* The file given by --config (NULL: $EVTRAIL_CONFIG, or the usual one if it is there).
 * ET_CONFIG. */
ET_CHECKED int et_options_read_config(const char *given, struct et_options *options,
				      struct et_error *err);
ET_CHECKED int et_options_read_environment(struct et_options *options, struct et_error *err);

#endif
