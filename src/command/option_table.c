/* SPDX-License-Identifier: Apache-2.0 */
#include "command/option_table.h"

#include <stddef.h>

enum verbs {
#define VERB(constant, name, arguments, most, line, examples) constant = 1 << ET_VERB_##constant,
#include "command/verbs.def"
#undef VERB
	ALL = ET_VERBS_ALL
};

const struct et_option_row et_option_rows[] = {
#define HEADING(text) { .help = (text) },
#define OPTION(field, name, type, argument, fallback, verbs, help) \
	{ name, type, offsetof(struct et_options, field), argument, fallback, verbs, help },
#include "command/options.def"
#undef OPTION
#undef HEADING
};
const size_t et_option_row_count = ET_COUNT(et_option_rows);

const struct et_verb_row et_verb_rows[ET_VERB_COUNT] = {
#define VERB(constant, name, arguments, most, line, examples) \
	{ #name, arguments, most, line, examples },
#include "command/verbs.def"
#undef VERB
};
