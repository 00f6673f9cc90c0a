/* SPDX-License-Identifier: Apache-2.0 */
/* Options out of the configuration file and the environment. */
#include <ini.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "command/option_table.h"

#define CONFIG_BYTES_MAX (1u << 20)
#define CONFIG_DEFAULT "/etc/evtrail.conf"

/* inih takes lines of this length and cuts longer ones in two without a word. */
#define LINE_CHARS_MAX 198u

struct config_walk {
	const char *file;
	struct et_options *options;
	struct et_error *err;
	int result;
	const char *text;
};

/* The line that holds the key, for the message. */
static int
line_of(const char *text, const char *key)
{
	size_t length = strlen(key);
	int line = 1;

	for (const char *at = text; *at != '\0'; line++) {
		const char *start = at + strspn(at, " \t");
		const char *end = strchr(at, '\n');

		if (strncmp(start, key, length) == 0 && strchr(" \t=:", start[length]) != NULL)
			return line;
		if (end == NULL)
			break;
		at = end + 1;
	}
	return 0;
}

static int
on_key(void *cookie, const char *section, const char *key, const char *value)
{
	struct config_walk *walk = cookie;
	const struct et_option_row *row = et_option_find(key);
	int line = line_of(walk->text, key);
	int r;

	if (section[0] != '\0' && strcmp(section, "evtrail") != 0)
		r = et_error_set(walk->err, ET_CONFIG, "%s:%d: unknown section [%s]", walk->file,
				 line, section);
	else if (strcmp(key, "config") == 0) {
		r = et_error_set(walk->err, ET_CONFIG, "%s:%d: 'config' cannot stand in the file",
				 walk->file, line);
		et_error_hint(walk->err, "name the file by --config or EVTRAIL_CONFIG");
	} else if (row == NULL) {
		r = et_error_set(walk->err, ET_CONFIG, "%s:%d: unknown key '%s'", walk->file, line,
				 key);
		et_option_hint(walk->err, key, true, "");
	} else if (value[0] == '\0') {
		r = et_error_set(walk->err, ET_CONFIG, "%s:%d: %s is empty", walk->file, line, key);
		et_error_hint(walk->err, "leave the line out for the default");
	} else {
		r = et_option_set(row, value, walk->options, walk->err);
		if (r < 0)
			r = et_error_wrap(walk->err, ET_CONFIG, "%s:%d: %s", walk->file, line, key);
	}
	if (r < 0 && walk->result == 0)
		walk->result = ET_CONFIG;
	return r < 0 ? 0 : 1;
}

/* The first line that the parser would cut; 0: none. */
static int
long_line(const char *text)
{
	for (int line = 1; *text != '\0'; line++) {
		size_t length = strcspn(text, "\n");

		if (length > LINE_CHARS_MAX)
			return line;
		text += length + (text[length] == '\n');
	}
	return 0;
}

int
et_options_parse_config(const char *name, const char *text, struct et_options *options,
			struct et_error *err)
{
	struct config_walk walk = { .file = name, .options = options, .err = err, .text = text };
	int line = long_line(text);

	if (line > 0) {
		(void)et_error_set(err, ET_CONFIG, "%s:%d: longer than %u characters", name, line,
				   LINE_CHARS_MAX);
		et_error_hint(err, "longer values fit into the environment: EVTRAIL_NATS_URL=... "
				   "and so on");
		return ET_CONFIG;
	}
	line = ini_parse_string(text, on_key, &walk);
	if (walk.result < 0)
		return walk.result;
	if (line != 0)
		return et_error_set(err, ET_CONFIG, "%s:%d: neither 'key = value' nor a comment",
				    name, line);
	return 0;
}

int
et_options_read_config(const char *given, struct et_options *options, struct et_error *err)
{
	const char *noted = getenv("EVTRAIL_CONFIG");
	const char *file = given != NULL ? given : noted != NULL && noted[0] != '\0' ? noted : NULL;
	ET_CLEAN_MEM char *text = NULL;
	size_t bytes = 0;
	int r;

	if (file == NULL && access(CONFIG_DEFAULT, R_OK) != 0)
		return 0;
	if (file == NULL)
		file = CONFIG_DEFAULT;
	r = et_file_read(file, CONFIG_BYTES_MAX, &text, &bytes, err);
	if (r < 0)
		return et_error_wrap(err, ET_CONFIG, "configuration");
	if (strlen(text) != bytes)
		return et_error_set(err, ET_CONFIG, "%s: holds a zero byte", file);
	return et_options_parse_config(file, text, options, err);
}

int
et_options_read_environment(struct et_options *options, struct et_error *err)
{
	int r;

	for (char **entry = environ; *entry != NULL; entry++) {
		const char *equals = strchr(*entry, '=');

		/* An empty variable counts as not set. */
		if (equals == NULL || equals[1] == '\0' || strncmp(*entry, "EVTRAIL_", 8) != 0)
			continue;
		for (size_t i = 0; i < et_option_row_count; i++) {
			if (et_option_rows[i].name == NULL ||
			    strlen(et_option_rows[i].name) != (size_t)(equals - *entry) - 8 ||
			    !et_option_is(et_option_rows[i].name, *entry + 8,
					  (size_t)(equals - *entry) - 8, '_'))
				continue;
			r = et_option_set(&et_option_rows[i], equals + 1, options, err);
			if (r < 0)
				return et_error_wrap(err, ET_CONFIG, "environment %.*s",
						     (int)(equals - *entry), *entry);
		}
	}
	return 0;
}
