/* SPDX-License-Identifier: Apache-2.0 */
/* --help, made from the tables. */
#include <string.h>

#include "command/option_table.h"

static void
print_wrapped(FILE *out, int column, const char *text)
{
	int at = column;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (at > column && at + (int)word + 1 > 79) {
			(void)fprintf(out, "\n%*s", column, "");
			at = column;
		}
		at += fprintf(out, "%s%.*s", at > column ? " " : "", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

static void
print_option(FILE *out, const struct et_option_row *row)
{
	int width = fprintf(out, "  --%s%s%s", row->name, row->argument != NULL ? " " : "",
			    row->argument != NULL ? row->argument : "");

	if (width > 29)
		(void)fprintf(out, "\n%*s", 31, "");
	else
		(void)fprintf(out, "%*s", 31 - width, "");
	if (row->fallback != NULL && strcmp(row->fallback, "0") != 0) {
		ET_CLEAN_MEM char *text = et_format("%s [%s]", row->help, row->fallback);

		print_wrapped(out, 31, text);
	} else {
		print_wrapped(out, 31, row->help);
	}
}

/* Headings are printed before the first of their options that is shown. */
static void
print_options(FILE *out, int verbs, bool shared)
{
	const char *heading = NULL;

	for (size_t i = 0; i < et_option_row_count; i++) {
		if (et_option_rows[i].name == NULL) {
			heading = et_option_rows[i].help;
			continue;
		}
		if ((et_option_rows[i].verbs == ET_VERBS_ALL) != shared ||
		    (et_option_rows[i].verbs & verbs) == 0)
			continue;
		if (heading != NULL && shared)
			(void)fprintf(out, "\n%s:\n", heading);
		heading = NULL;
		print_option(out, &et_option_rows[i]);
	}
}

static void
print_general(FILE *out)
{
	(void)fputs("evtrail finds the events of plgd hub that were stored in MongoDB and never\n"
		    "published on NATS JetStream, and archives the stream.\n\n"
		    "usage: evtrail [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n",
		    out);
	for (size_t i = 0; i < ET_VERB_COUNT; i++)
		(void)fprintf(out, "  %-10s %s\n", et_verb_rows[i].name, et_verb_rows[i].line);
	(void)fputs("\n`evtrail COMMAND --help` shows its options and examples; --version the "
		    "version.\n",
		    out);
	print_options(out, ET_VERBS_ALL, true);
	(void)fputs(
		"\nEvery option can stand in the configuration file (nats-url = ...) and in the\n"
		"environment (EVTRAIL_NATS_URL=...); the command line wins, then the "
		"environment.\n\n"
		"Exit status: 0 clean, 1 findings, 2 usage, 3 unreachable, 4 damaged,\n"
		"5 incomplete, 6 busy, 7 error.\n",
		out);
}

void
et_options_help(enum et_verb verb, FILE *out)
{
	const struct et_verb_row *row;
	bool any = false;
	int column;

	if (verb == ET_VERB_NONE) {
		print_general(out);
		return;
	}
	row = &et_verb_rows[verb];
	(void)fprintf(out, "evtrail %s: %s\n\n", row->name, row->line);
	column = fprintf(out, "usage: evtrail [OPTION]... %s%s", row->name,
			 row->arguments[0] != '\0' ? " " : "");
	print_wrapped(out, column, row->arguments);
	for (size_t i = 0; i < et_option_row_count; i++)
		any |= et_option_rows[i].name != NULL && et_option_rows[i].verbs != ET_VERBS_ALL &&
		       (et_option_rows[i].verbs & (1 << verb)) != 0;
	if (any) {
		(void)fputs("\nOptions:\n", out);
		print_options(out, 1 << verb, false);
	}
	(void)fprintf(out, "\nExamples:\n%s\nGeneral options: evtrail --help\n", row->examples);
}
