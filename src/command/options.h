/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options from their four sources, later ones winning: defaults, configuration
 * file, environment (EVTRAIL_NATS_URL for --nats-url), command line. The table
 * is options.def. All texts are owned by the struct.
 */
#ifndef ET_COMMAND_OPTIONS_H
#define ET_COMMAND_OPTIONS_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"

enum et_verb {
	ET_VERB_NONE = -1,
#define VERB(constant, name, arguments, most, line, examples) ET_VERB_##constant,
#include "command/verbs.def"
#undef VERB
	ET_VERB_COUNT
};

struct et_options {
#define HEADING(text)
#define OPTION(field, name, type, argument, fallback, verbs, help) ET_OPTION_##type(field)
#define ET_OPTION_TEXT(field) char *field;
#define ET_OPTION_PATH(field) char *field;
#define ET_OPTION_FLAG(field) bool field;
#define ET_OPTION_NUMBER(field) uint64_t field;
#define ET_OPTION_SIZE(field) uint64_t field;
#define ET_OPTION_DURATION(field) int64_t field;
#define ET_OPTION_POINT(field) int64_t field; /* ET_TIME_NONE: not given */
#include "command/options.def"
#undef OPTION
#undef HEADING
	enum et_verb verb;
	bool help;        /* --help */
	bool version;     /* --version */
	char **arguments; /* behind the verb; borrowed from argv */
	size_t argument_count;
};

/* Reads all four sources. ET_USAGE (command line) or ET_CONFIG (file, environment), with a hint.
 * With --help or --version only argv is read. */
ET_CHECKED int et_options_read(int argc, char **argv, struct et_options *ret, struct et_error *err);
void et_options_done(struct et_options *options);

const char *et_verb_name(enum et_verb verb);
/* ET_USAGE when --from-seq, --from-time, --to-seq and --to-time contradict each other. */
ET_CHECKED int et_options_check_range(const struct et_options *options, struct et_error *err);
/* --fail-on: ET_USAGE when it is neither any nor new. */
ET_CHECKED int et_options_check_fail_on(const struct et_options *options, struct et_error *err);
bool et_options_fail_on_new(const struct et_options *options);
/* The state's directory: --state, or the usual place. Free with free(). */
char *et_options_state_dir(const struct et_options *options);
/* The general help (verb ET_VERB_NONE) or that of one verb; at most 80 columns. */
void et_options_help(enum et_verb verb, FILE *out);

/* For the fuzzer and tests: reads INI text as the configuration file of that name. */
ET_CHECKED int et_options_parse_config(const char *name, const char *text,
				       struct et_options *options, struct et_error *err);
/* 256MiB, 1GiB, 4096, 10kB is refused: KiB MiB GiB TiB only. */
ET_CHECKED int et_size_parse(const char *text, uint64_t *ret, struct et_error *err);
ET_CHECKED int et_number_parse(const char *text, uint64_t *ret, struct et_error *err);

#endif
