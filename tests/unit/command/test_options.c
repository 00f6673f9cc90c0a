/* SPDX-License-Identifier: Apache-2.0 */
#include "command/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command/status.h"

static int
read_line(const char *const *words, struct et_options *options, struct et_error *err)
{
	char *argv[16];
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	argv[argc] = NULL;
	return et_options_read(argc, argv, options, err);
}

static void
defaults_hold_where_nothing_is_given(void **state)
{
	const char *const words[] = { "evtrail", "audit", NULL };
	struct et_options options;

	(void)state;
	assert_int_equal(read_line(words, &options, NULL), 0);
	assert_int_equal(options.verb, ET_VERB_AUDIT);
	assert_string_equal(options.stream, "EVENTS");
	assert_int_equal(options.archive_bytes, 256u << 20);
	assert_int_equal(options.settle, 600 * ET_NS_PER_SECOND);
	assert_int_equal(options.to_time, ET_TIME_NONE);
	et_options_done(&options);
}

static void
the_command_line_wins_over_the_environment(void **state)
{
	const char *const words[] = { "evtrail", "--stream", "LINE", "snapshot", NULL };
	struct et_options options;

	(void)state;
	assert_int_equal(setenv("EVTRAIL_STREAM", "ENVIRONMENT", 1), 0);
	assert_int_equal(setenv("EVTRAIL_MONGO_DB", "other_db", 1), 0);
	assert_int_equal(read_line(words, &options, NULL), 0);
	assert_string_equal(options.stream, "LINE");
	assert_string_equal(options.mongo_db, "other_db");
	et_options_done(&options);
	assert_int_equal(unsetenv("EVTRAIL_STREAM") | unsetenv("EVTRAIL_MONGO_DB"), 0);
}

/* Of findings it names states, too. */
static void
a_state_is_a_directory_or_one_of_findings(void **state)
{
	static const struct {
		const char *words[8];
		const char *directory; /* NULL: not given */
		const char *standings;
	} table[] = {
		{ { "evtrail", "findings", "--state", "new,known" }, NULL, "new,known" },
		{ { "evtrail", "--state", "/a", "findings", "--state", "all" }, "/a", "all" },
		{ { "evtrail", "--state", "all", "findings", "--state", "/a" }, "/a", "all" },
		{ { "evtrail", "findings", "--state", "./new" }, "./new", NULL },
		{ { "evtrail", "findings", "--state", "/a", "--state", "/b" }, "/b", NULL },
		{ { "evtrail", "findings", "--state", "new", "--finding-state", "known" },
		  NULL,
		  "known" },
		{ { "evtrail", "audit", "--state", "new" }, "new", NULL },
		{ { "evtrail", "--state", "/a", "audit", "--state", "new" }, "new", NULL },
		{ { "evtrail", "--state", "new", "audit", "--state", "/a" }, "/a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ET_COUNT(table); i++) {
		struct et_options options;

		assert_int_equal(read_line(table[i].words, &options, NULL), 0);
		if (table[i].directory != NULL)
			assert_string_equal(options.state, table[i].directory);
		else
			assert_null(options.state);
		if (table[i].standings != NULL)
			assert_string_equal(options.finding_state, table[i].standings);
		else
			assert_null(options.finding_state);
		et_options_done(&options);
	}
}

static void
an_audit_fails_on_any_finding_or_on_new_ones(void **state)
{
	static const struct {
		const char *which;
		int result;
		bool on_new;
	} table[] = { { "any", 0, false }, { "new", 0, true }, { "known", ET_USAGE, false } };

	(void)state;
	for (size_t i = 0; i < ET_COUNT(table); i++) {
		const char *const words[] = { "evtrail", "audit", "--fail-on", table[i].which,
					      NULL };
		struct et_options options;

		assert_int_equal(read_line(words, &options, NULL), 0);
		assert_int_equal(et_options_check_fail_on(&options, NULL), table[i].result);
		assert_int_equal(et_options_fail_on_new(&options), table[i].on_new);
		et_options_done(&options);
	}
}

static void
what_is_wrong_is_named_with_what_was_meant(void **state)
{
	static const struct {
		const char *words[5];
		const char *text;
		const char *hint;
	} table[] = {
		{ { "evtrail", "audit", "--settel", "1s" },
		  "unknown option '--settel'",
		  "did you mean --settle?" },
		{ { "evtrail", "audti" }, "unknown command 'audti'", "did you mean audit?" },
		{ { "evtrail", "info", "--settle", "1s" },
		  "'info' does not take --settle",
		  "see evtrail info --help" },
		{ { "evtrail", "audit", "--settle" },
		  "option '--settle' needs a value",
		  "see evtrail --help" },
		{ { "evtrail" },
		  "no command given",
		  "see evtrail --help; the main one is `evtrail audit`" },
	};

	(void)state;
	for (size_t i = 0; i < ET_COUNT(table); i++) {
		struct et_error err = { 0 };
		struct et_options options;

		assert_int_equal(read_line(table[i].words, &options, &err), ET_USAGE);
		assert_string_equal(err.text, table[i].text);
		assert_string_equal(err.hint, table[i].hint);
	}
}

static void
a_configuration_names_file_and_line_of_what_it_does_not_know(void **state)
{
	struct et_options options = { .verb = ET_VERB_AUDIT };
	struct et_error err = { 0 };

	(void)state;
	assert_int_equal(et_options_parse_config("f.conf", "# a comment\nstream = X\nsettel = 1s\n",
						 &options, &err),
			 ET_CONFIG);
	assert_string_equal(err.text, "f.conf:3: unknown key 'settel'");
	assert_string_equal(options.stream, "X");
	et_options_done(&options);
}

static void
a_line_that_the_parser_would_cut_is_refused(void **state)
{
	struct et_options options = { .verb = ET_VERB_AUDIT };
	struct et_error err = { 0 };
	char text[512];

	(void)state;
	(void)snprintf(text, sizeof(text), "# a comment\nstream = %0189d\n", 0);
	assert_int_equal(et_options_parse_config("f.conf", text, &options, &err), 0);
	assert_int_equal(strlen(options.stream), 189);
	(void)snprintf(text, sizeof(text), "# a comment\nstream = %0190d\n", 0);
	assert_int_equal(et_options_parse_config("f.conf", text, &options, &err), ET_CONFIG);
	assert_string_equal(err.text, "f.conf:2: longer than 198 characters");
	et_options_done(&options);
}

static void
sizes_have_binary_units(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} table[] = { { "0", 0, 0 },           { "4096", 0, 4096 },
		      { "64KiB", 0, 65536 },   { "1GiB", 0, 1u << 30 },
		      { "10kB", ET_USAGE, 0 }, { "-1", ET_USAGE, 0 },
		      { "", ET_USAGE, 0 },     { "99999999TiB", ET_USAGE, 0 },
		      { "1 MiB", ET_USAGE, 0 } };

	(void)state;
	for (size_t i = 0; i < ET_COUNT(table); i++) {
		uint64_t value = 0;

		assert_int_equal(et_size_parse(table[i].text, &value, NULL), table[i].result);
		assert_int_equal(value, table[i].value);
	}
}

static void
the_worst_status_wins_in_the_order_7_4_3_5_1(void **state)
{
	static const enum et_status order[] = { ET_STATUS_ERROR,       ET_STATUS_DAMAGED,
						ET_STATUS_UNREACHABLE, ET_STATUS_INCOMPLETE,
						ET_STATUS_FINDINGS,    ET_STATUS_CLEAN };

	(void)state;
	for (size_t i = 0; i < ET_COUNT(order); i++)
		for (size_t k = i; k < ET_COUNT(order); k++) {
			assert_int_equal(et_status_worse(order[i], order[k]), order[i]);
			assert_int_equal(et_status_worse(order[k], order[i]), order[i]);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_where_nothing_is_given),
		cmocka_unit_test(the_command_line_wins_over_the_environment),
		cmocka_unit_test(a_state_is_a_directory_or_one_of_findings),
		cmocka_unit_test(an_audit_fails_on_any_finding_or_on_new_ones),
		cmocka_unit_test(what_is_wrong_is_named_with_what_was_meant),
		cmocka_unit_test(a_configuration_names_file_and_line_of_what_it_does_not_know),
		cmocka_unit_test(a_line_that_the_parser_would_cut_is_refused),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(the_worst_status_wins_in_the_order_7_4_3_5_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
