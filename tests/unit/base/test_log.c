// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/log.h"

static int
setup(void **state)
{
	et_log_set_level(ET_LOG_NOTICE);
	(void)unsetenv("JOURNAL_STREAM");
	return et_test_dir_setup(state);
}

#define with_log(function) cmocka_unit_test_setup_teardown(function, setup, et_test_dir_teardown)

static const enum et_log_level levels[] = { ET_LOG_ERROR, ET_LOG_WARNING, ET_LOG_NOTICE,
					    ET_LOG_INFO, ET_LOG_DEBUG };

/* One line at each level, as one text. */
static char *
say_at_each_level(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");
	int old = et_test_stderr_begin(path);

	for (size_t i = 0; i < ET_COUNT(levels); i++)
		et_log(levels[i], "line %zu", i);
	return et_test_stderr_end(old, path);
}

static void
a_notice_is_the_last_thing_said_by_default(void **state)
{
	ET_CLEAN_MEM char *text = say_at_each_level(state);

	assert_int_equal(et_log_level_now(), ET_LOG_NOTICE);
	assert_string_equal(text, "evtrail: line 0\nevtrail: line 1\nevtrail: line 2\n");
}

static void
the_level_decides_what_is_said(void **state)
{
	for (size_t i = 0; i < ET_COUNT(levels); i++) {
		ET_CLEAN_MEM char *text = NULL;
		size_t lines = 0;

		et_log_set_level(levels[i]);
		assert_int_equal(et_log_level_now(), levels[i]);
		text = say_at_each_level(state);
		for (const char *p = text; *p != '\0'; p++)
			lines += *p == '\n';
		assert_int_equal(lines, i + 1);
	}
}

static void
a_journal_gets_priorities(void **state)
{
	ET_CLEAN_MEM char *text = NULL;

	assert_int_equal(setenv("JOURNAL_STREAM", "8:1234", 1), 0);
	et_log_set_level(ET_LOG_DEBUG);
	text = say_at_each_level(state);
	assert_string_equal(text, "<3>evtrail: line 0\n<4>evtrail: line 1\n<5>evtrail: line 2\n"
				  "<6>evtrail: line 3\n<7>evtrail: line 4\n");
}

static void
an_empty_journal_variable_is_none(void **state)
{
	ET_CLEAN_MEM char *text = NULL;

	assert_int_equal(setenv("JOURNAL_STREAM", "", 1), 0);
	text = say_at_each_level(state);
	assert_memory_equal(text, "evtrail: ", 9);
}

static char *
fail_with(void **state, const struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");
	int old = et_test_stderr_begin(path);

	et_log_failure(err);
	return et_test_stderr_end(old, path);
}

static void
a_failure_has_its_hint_on_a_second_line(void **state)
{
	const struct et_error err = { .code = ET_GONE, .text = "no file", .hint = "make one" };
	ET_CLEAN_MEM char *text = fail_with(state, &err);

	assert_string_equal(text, "evtrail: no file\nhint: make one\n");
}

static void
a_failure_without_hint_is_one_line(void **state)
{
	const struct et_error err = { .code = ET_GONE, .text = "no file" };
	ET_CLEAN_MEM char *text = fail_with(state, &err);

	assert_string_equal(text, "evtrail: no file\n");
}

static void
a_failure_without_words_says_its_code(void **state)
{
	const struct et_error err = { .code = ET_TIMEOUT };
	ET_CLEAN_MEM char *text = fail_with(state, &err);

	assert_string_equal(text, "evtrail: timeout\n");
}

static void
foreign_line_breaks_make_no_lines(void **state)
{
	const struct et_error err = { .code = ET_GONE,
				      .text = "a\nevtrail: \x1b[31mb\x7f\xc3\xa4",
				      .hint = "c\r\nd" };
	ET_CLEAN_MEM char *text = fail_with(state, &err);

	assert_string_equal(text, "evtrail: a?evtrail: ?[31mb?\xc3\xa4\nhint: c??d\n");
}

static void
a_long_line_is_cut(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");
	ET_CLEAN_MEM char *text = NULL;
	int old = et_test_stderr_begin(path);

	et_log(ET_LOG_ERROR, "%05000d", 1);
	text = et_test_stderr_end(old, path);
	assert_true(strlen(text) > 2000 && strlen(text) < 2100);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_log(a_notice_is_the_last_thing_said_by_default),
		with_log(the_level_decides_what_is_said),
		with_log(a_journal_gets_priorities),
		with_log(an_empty_journal_variable_is_none),
		with_log(a_failure_has_its_hint_on_a_second_line),
		with_log(a_failure_without_hint_is_one_line),
		with_log(a_failure_without_words_says_its_code),
		with_log(foreign_line_breaks_make_no_lines),
		with_log(a_long_line_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
