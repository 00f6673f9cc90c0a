// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <errno.h>

static void
a_set_error_has_code_and_words(void **state ET_UNUSED)
{
	struct et_error err = { .code = ET_IO, .text = "old", .hint = "old hint" };

	assert_int_equal(et_error_set(&err, ET_CORRUPT, "record %d", 2), ET_CORRUPT);
	assert_int_equal(err.code, ET_CORRUPT);
	assert_string_equal(err.text, "record 2");
	assert_string_equal(err.hint, "");
}

static void
a_wrap_puts_words_in_front_and_keeps_the_hint(void **state ET_UNUSED)
{
	struct et_error err;

	(void)et_error_set(&err, ET_CORRUPT, "checksum differs");
	et_error_hint(&err, "restore the %s", "file");
	assert_int_equal(et_error_wrap(&err, ET_CORRUPT, "after record %d", 2), ET_CORRUPT);
	assert_int_equal(et_error_wrap(&err, ET_CONFIG, "count %s", "bad"), ET_CONFIG);
	assert_int_equal(err.code, ET_CONFIG);
	assert_string_equal(err.text, "count bad: after record 2: checksum differs");
	assert_string_equal(err.hint, "restore the file");
}

static void
a_wrap_of_nothing_has_no_colon(void **state ET_UNUSED)
{
	struct et_error err = { 0 };

	assert_int_equal(et_error_wrap(&err, ET_IO, "read"), ET_IO);
	assert_string_equal(err.text, "read");
}

static void
words_of_errno_stand_behind(void **state ET_UNUSED)
{
	struct et_error err;

	assert_int_equal(et_error_errno(&err, ENOSPC, "write %s", "f"), ET_IO);
	assert_string_equal(err.text, "write f: No space left on device");
	assert_int_equal(err.code, ET_IO);
	(void)et_error_errno(&err, 99999, "x");
	assert_words(&err, "99999");
}

static void
a_missing_error_is_no_harm(void **state ET_UNUSED)
{
	assert_int_equal(et_error_set(NULL, ET_GONE, "x"), ET_GONE);
	assert_int_equal(et_error_wrap(NULL, ET_GONE, "x"), ET_GONE);
	assert_int_equal(et_error_errno(NULL, ENOENT, "x"), ET_IO);
	et_error_hint(NULL, "x");
	et_error_clear(NULL);
}

static void
long_words_are_cut_and_never_overrun(void **state ET_UNUSED)
{
	struct {
		struct et_error err;
		char guard[8];
	} s = { .guard = "guarded" };
	char text[4096];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	(void)et_error_set(&s.err, ET_IO, "%s", text);
	assert_int_equal(strlen(s.err.text), ET_ERROR_TEXT_BYTES - 1);
	for (size_t cut = 0; cut < 4; cut++) {
		(void)et_error_set(&s.err, ET_IO, "old");
		(void)et_error_wrap(&s.err, ET_IO, "%s", text + sizeof(text) - 1022 - cut);
		assert_int_equal(strlen(s.err.text), ET_ERROR_TEXT_BYTES - 1);
	}
	(void)et_error_errno(&s.err, EIO, "%s", text);
	assert_int_equal(strlen(s.err.text), ET_ERROR_TEXT_BYTES - 1);
	et_error_hint(&s.err, "%s", text);
	assert_int_equal(strlen(s.err.hint), sizeof(s.err.hint) - 1);
	assert_string_equal(s.guard, "guarded");
}

static void
an_error_may_be_its_own_argument(void **state ET_UNUSED)
{
	struct et_error err;

	(void)et_error_set(&err, ET_IO, "disk");
	(void)et_error_set(&err, ET_IO, "(%s)", err.text);
	assert_string_equal(err.text, "(disk)");
	(void)et_error_wrap(&err, ET_IO, "%s", err.text);
	assert_string_equal(err.text, "(disk): (disk)");
}

static void
a_cleared_error_is_empty(void **state ET_UNUSED)
{
	struct et_error err;

	(void)et_error_set(&err, ET_IO, "x");
	et_error_hint(&err, "y");
	et_error_clear(&err);
	assert_int_equal(err.code, ET_OK);
	assert_string_equal(err.text, "");
	assert_string_equal(err.hint, "");
}

static void
each_code_has_its_name(void **state ET_UNUSED)
{
	static const struct {
		int code;
		const char *name;
	} rows[] = {
		{ ET_OK, "ok" },
		{ ET_USAGE, "usage" },
		{ ET_CONFIG, "config" },
		{ ET_UNAVAILABLE, "unavailable" },
		{ ET_TIMEOUT, "timeout" },
		{ ET_DENIED, "denied" },
		{ ET_GONE, "gone" },
		{ ET_CORRUPT, "corrupt" },
		{ ET_CONFLICT, "conflict" },
		{ ET_LIMIT, "limit" },
		{ ET_IO, "io" },
		{ ET_CANCELED, "canceled" },
		{ ET_BUSY, "busy" },
		{ ET_GARBLED, "garbled" },
		{ 1, "?" },
		{ ET_GARBLED - 1, "?" },
		{ INT32_MIN, "?" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_string_equal(et_code_name(rows[i].code), rows[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_error_has_code_and_words),
		cmocka_unit_test(a_wrap_puts_words_in_front_and_keeps_the_hint),
		cmocka_unit_test(a_wrap_of_nothing_has_no_colon),
		cmocka_unit_test(words_of_errno_stand_behind),
		cmocka_unit_test(a_missing_error_is_no_harm),
		cmocka_unit_test(long_words_are_cut_and_never_overrun),
		cmocka_unit_test(an_error_may_be_its_own_argument),
		cmocka_unit_test(a_cleared_error_is_empty),
		cmocka_unit_test(each_code_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
