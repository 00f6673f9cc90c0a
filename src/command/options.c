/* SPDX-License-Identifier: Apache-2.0 */
#include "command/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <unistd.h>

#include "audit/standing.h"
#include "base/atomicfile.h"
#include "command/option_table.h"

#define ROWS_MAX 128u

const char *
et_verb_name(enum et_verb verb)
{
	return verb >= 0 && verb < ET_VERB_COUNT ? et_verb_rows[verb].name : "";
}

int
et_number_parse(const char *text, uint64_t *ret, struct et_error *err)
{
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0)
		return et_error_set(err, ET_USAGE, "'%s' is no number", text);
	*ret = value;
	return 0;
}

int
et_size_parse(const char *text, uint64_t *ret, struct et_error *err)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 } };
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && errno == 0)
		for (size_t i = 0; i < ET_COUNT(units); i++)
			if (strcmp(end, units[i].unit) == 0 &&
			    value <= UINT64_MAX >> units[i].shift) {
				*ret = (uint64_t)value << units[i].shift;
				return 0;
			}
	return et_error_set(err, ET_USAGE, "'%s' is no size (4096, 64KiB, 256MiB, 1GiB)", text);
}

bool
et_option_is(const char *name, const char *given, size_t length, char dash)
{
	for (size_t i = 0; i < length; i++) {
		char c = name[i] == '-' ? dash
			 : dash == '_'  ? (char)toupper((unsigned char)name[i])
					: name[i];

		if (c != given[i])
			return false;
	}
	return name[length] == '\0';
}

const struct et_option_row *
et_option_find(const char *name)
{
	for (size_t i = 0; i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL &&
		    et_option_is(et_option_rows[i].name, name, strlen(name), '-'))
			return &et_option_rows[i];
	return NULL;
}

static int
parse_flag(const char *text, bool *ret, struct et_error *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < ET_COUNT(yes); i++)
		if (strcmp(text, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
	for (size_t i = 0; i < ET_COUNT(no); i++)
		if (strcmp(text, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	return et_error_set(err, ET_USAGE, "'%s' is neither true nor false", text);
}

int
et_option_set(const struct et_option_row *row, const char *text, struct et_options *options,
	      struct et_error *err)
{
	void *field = (char *)options + row->offset;

	switch (row->type) {
	case TEXT:
	case PATH:
		free(*(char **)field);
		*(char **)field = et_strdup(text);
		return 0;
	case FLAG:
		return parse_flag(text, field, err);
	case NUMBER:
		return et_number_parse(text, field, err);
	case SIZE:
		return et_size_parse(text, field, err);
	case DURATION:
		return et_duration_parse(text, field, err);
	case POINT:
		return et_time_parse_point(text, et_clock_now_ns(), field, err);
	}
	return 0;
}

static int
set_defaults(struct et_options *options, struct et_error *err)
{
	int r = 0;

	*options = (struct et_options){ .verb = ET_VERB_NONE };
	for (size_t i = 0; r == 0 && i < et_option_row_count; i++) {
		if (et_option_rows[i].name == NULL)
			continue;
		if (et_option_rows[i].type == POINT)
			*(int64_t *)(void *)((char *)options + et_option_rows[i].offset) =
				ET_TIME_NONE;
		if (et_option_rows[i].fallback != NULL)
			r = et_option_set(&et_option_rows[i], et_option_rows[i].fallback, options,
					  err);
	}
	return r;
}

void
et_options_done(struct et_options *options)
{
	for (size_t i = 0; i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL &&
		    (et_option_rows[i].type == TEXT || et_option_rows[i].type == PATH)) {
			char **field =
				(char **)(void *)((char *)options + et_option_rows[i].offset);

			free(*field);
			*field = NULL;
		}
}

/* ---- what was meant ---- */

/* Changes (insert, delete, replace) between two short words; both are cut at 31 characters. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t bl = strnlen(b, 31);

	for (unsigned j = 0; j <= bl; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0' && i < 32; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= bl; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[bl];
}

void
et_option_hint(struct et_error *err, const char *word, bool options_wanted, const char *dashes)
{
	const char *best = NULL;
	unsigned least = 4;

	for (size_t i = 0; options_wanted && i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL &&
		    distance(word, et_option_rows[i].name) < least) {
			best = et_option_rows[i].name;
			least = distance(word, best);
		}
	for (size_t i = 0; !options_wanted && i < ET_VERB_COUNT; i++)
		if (distance(word, et_verb_rows[i].name) < least) {
			best = et_verb_rows[i].name;
			least = distance(word, best);
		}
	if (best != NULL)
		et_error_hint(err, "did you mean %s%s?", dashes, best);
	else
		et_error_hint(err, "see evtrail --help");
}

/* ---- command line ---- */

#define LONG_BASE 256
enum { LONG_HELP = LONG_BASE + (int)ROWS_MAX, LONG_VERSION };

static void
fill_long_options(struct option *list)
{
	size_t n = 0;

	for (size_t i = 0; i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL)
			list[n++] =
				(struct option){ et_option_rows[i].name,
						 et_option_rows[i].type == FLAG ? no_argument
										: required_argument,
						 NULL, LONG_BASE + (int)i };
	list[n++] = (struct option){ "help", no_argument, NULL, LONG_HELP };
	list[n++] = (struct option){ "version", no_argument, NULL, LONG_VERSION };
	list[n] = (struct option){ 0 };
}

static int
find_verb(const char *word, enum et_verb *ret, struct et_error *err)
{
	for (int i = 0; i < ET_VERB_COUNT; i++)
		if (strcmp(word, et_verb_rows[i].name) == 0) {
			*ret = (enum et_verb)i;
			return 0;
		}
	(void)et_error_set(err, ET_USAGE, "unknown command '%s'", word);
	et_option_hint(err, word, false, "");
	return ET_USAGE;
}

struct given {
	const char *values[ROWS_MAX]; /* NULL: not given */
	/* Of --state: the last directory, and the last one that names states of findings. */
	const char *directory;
	const char *standings;
};

/* `findings --state new` means the findings, `--state DIR` the directory, and both can be given. A
 * directory of such a name is written ./new there. */
static void
tell_states_apart(struct given *given, const struct et_options *options)
{
	const char **words = &given->values[et_option_find("finding-state") - et_option_rows];

	if (options->verb != ET_VERB_FINDINGS)
		return;
	given->values[et_option_find("state") - et_option_rows] = given->directory;
	if (*words == NULL)
		*words = given->standings;
}

static void
take_value(struct given *given, const struct et_option_row *row, const char *text)
{
	given->values[row - et_option_rows] = text != NULL ? text : "";
	if (text != NULL && strcmp(row->name, "state") == 0)
		*(et_standings_of(text) != 0 ? &given->standings : &given->directory) = text;
}

static int
bad_option(int what, char **argv, struct et_error *err)
{
	const char *word = argv[optind - 1];

	if (what == ':') {
		(void)et_error_set(err, ET_USAGE, "option '%s' needs a value", word);
		et_error_hint(err, "see evtrail --help");
		return ET_USAGE;
	}
	if (optopt != 0 && optopt < LONG_BASE)
		(void)et_error_set(err, ET_USAGE, "unknown option '-%c'", optopt);
	else if (optopt >= LONG_BASE)
		(void)et_error_set(err, ET_USAGE, "option '%s' takes no value", word);
	else
		(void)et_error_set(err, ET_USAGE, "unknown option '%s'", word);
	et_option_hint(err, word + strspn(word, "-"), true, "--");
	return ET_USAGE;
}

static int
scan(int argc, char **argv, struct given *given, struct et_options *options, struct et_error *err)
{
	struct option list[ROWS_MAX + 3];
	int what;

	fill_long_options(list);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((what = getopt_long(argc, argv, ":qvh", list, NULL)) != -1) {
		if (what == ':' || what == '?')
			return bad_option(what, argv, err);
		if (what == LONG_HELP || what == 'h')
			options->help = true;
		else if (what == LONG_VERSION)
			options->version = true;
		else if (what == 'q')
			options->quiet = true;
		else if (what == 'v')
			options->verbose = true;
		else if (optarg != NULL && optarg[0] == '\0')
			return et_error_set(err, ET_USAGE, "--%s is empty",
					    et_option_rows[what - LONG_BASE].name);
		else
			take_value(given, &et_option_rows[what - LONG_BASE], optarg);
	}
	if (optind < argc) {
		bool help = strcmp(argv[optind], "help") == 0;

		options->help |= help;
		optind += help;
	}
	if (optind < argc) {
		int r = find_verb(argv[optind], &options->verb, err);

		if (r < 0)
			return r;
		options->arguments = &argv[optind + 1];
		options->argument_count = (size_t)(argc - optind - 1);
	}
	tell_states_apart(given, options);
	return 0;
}

static int
apply(const struct given *given, struct et_options *options, struct et_error *err)
{
	int r;

	for (size_t i = 0; i < et_option_row_count; i++) {
		if (given->values[i] == NULL)
			continue;
		if ((et_option_rows[i].verbs & (1 << options->verb)) == 0) {
			(void)et_error_set(err, ET_USAGE, "'%s' does not take --%s",
					   et_verb_name(options->verb), et_option_rows[i].name);
			et_error_hint(err, "see evtrail %s --help", et_verb_name(options->verb));
			return ET_USAGE;
		}
		r = et_option_set(&et_option_rows[i], given->values[i], options, err);
		if (r < 0) {
			(void)et_error_wrap(err, ET_USAGE, "--%s", et_option_rows[i].name);
			return ET_USAGE;
		}
	}
	return 0;
}

/* An argument that nobody reads was meant as something. */
static int
check_arguments(const struct et_options *options, struct et_error *err)
{
	const struct et_verb_row *row = &et_verb_rows[options->verb];

	if (options->argument_count <= row->most)
		return 0;
	(void)et_error_set(err, ET_USAGE,
			   row->most == 0 ? "'%s' takes no argument: '%s'"
					  : "'%s' takes no such argument: '%s'",
			   row->name, options->arguments[row->most]);
	et_error_hint(err, "see evtrail %s --help", row->name);
	return ET_USAGE;
}

static int
read_all(int argc, char **argv, struct et_options *options, struct et_error *err)
{
	struct given given = { .directory = NULL };
	bool quiet;
	bool verbose;
	int r;

	r = scan(argc, argv, &given, options, err);
	if (r < 0 || options->help || options->version)
		return r;
	if (options->verb == ET_VERB_NONE) {
		(void)et_error_set(err, ET_USAGE, "no command given");
		et_error_hint(err, "see evtrail --help; the main one is `evtrail audit`");
		return ET_USAGE;
	}
	r = check_arguments(options, err);
	if (r < 0)
		return r;
	quiet = options->quiet;
	verbose = options->verbose;
	r = et_options_read_config(given.values[et_option_find("config") - et_option_rows], options,
				   err);
	if (r == 0)
		r = et_options_read_environment(options, err);
	if (r == 0)
		r = apply(&given, options, err);
	options->quiet |= quiet;
	options->verbose |= verbose;
	return r;
}

int
et_options_read(int argc, char **argv, struct et_options *ret, struct et_error *err)
{
	struct et_options options;
	int r;

	r = set_defaults(&options, err);
	if (r == 0)
		r = read_all(argc, argv, &options, err);
	if (r < 0) {
		et_options_done(&options);
		return r;
	}
	*ret = options;
	return 0;
}

/* ---- what several options say together ---- */

int
et_options_check_range(const struct et_options *options, struct et_error *err)
{
	bool from_time = options->from_time != ET_TIME_NONE;

	if (options->from_seq > 0 && from_time)
		return et_error_set(err, ET_USAGE,
				    "--from-seq and --from-time contradict: give one of them");
	if (options->to_seq > 0 && options->from_seq > options->to_seq)
		return et_error_set(err, ET_USAGE,
				    "--from-seq %" PRIu64 " is behind --to-seq %" PRIu64,
				    options->from_seq, options->to_seq);
	if (from_time && options->to_time != ET_TIME_NONE && options->from_time >= options->to_time)
		return et_error_set(err, ET_USAGE, "--from-time is not before --to-time");
	return 0;
}

int
et_options_check_fail_on(const struct et_options *options, struct et_error *err)
{
	if (strcmp(options->fail_on, "any") == 0 || et_options_fail_on_new(options))
		return 0;
	return et_error_set(err, ET_USAGE, "--fail-on %s: any or new", options->fail_on);
}

bool
et_options_fail_on_new(const struct et_options *options)
{
	return strcmp(options->fail_on, "new") == 0;
}

char *
et_options_state_dir(const struct et_options *options)
{
	const char *home = getenv("HOME");
	const char *xdg = getenv("XDG_STATE_HOME");

	if (options->state != NULL && options->state[0] != '\0')
		return et_strdup(options->state);
	if (geteuid() == 0)
		return et_strdup("/var/lib/evtrail");
	if (xdg != NULL && xdg[0] == '/')
		return et_format("%s/evtrail", xdg);
	return et_format("%s/.local/state/evtrail", home != NULL ? home : "");
}
