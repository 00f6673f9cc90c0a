/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs. Each returns its exit status (et_status) or a negative ET_* code
 * with its words; reports go to stdout, talk to stderr.
 */
#ifndef ET_COMMAND_VERBS_H
#define ET_COMMAND_VERBS_H

#include "command/options.h"

struct json_t;

#define VERB(constant, name, arguments, most, line, examples) \
	int et_verb_##name(const struct et_options *options, struct et_error *err);
#include "command/verbs.def"
#undef VERB

/* Prints a JSON value and a newline on stdout, sorted keys, and lets it go. */
void et_print_json(struct json_t *value);
/* As et_print_json with the verdict of a run that failed: what --json prints then. */
void et_print_failure(const char *command, int status, const struct et_error *err);

/* The program. */
int et_command_main(int argc, char **argv);

#endif
