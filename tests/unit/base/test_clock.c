// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <time.h>

#include "base/clock.h"

#define S ET_NS_PER_SECOND

static void
clocks_go_forward(void **state ET_UNUSED)
{
	int64_t a = et_clock_monotonic_ns();
	int64_t b = et_clock_monotonic_ns();

	assert_true(b >= a);
	/* Between 2020 and 2200. */
	assert_true(et_clock_now_ns() > 1577836800 * S && et_clock_now_ns() < 7258118400 * S);
}

static void
times_are_those_of_gnu_date(void **state ET_UNUSED)
{
	/* date -u -d TEXT +%s, GNU coreutils 9.1 */
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "2026-11-25T02:57:05Z", 1795575425 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "1999-12-31T23:59:59Z", 946684799 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "1900-03-01T00:00:00Z", -2203891200 },
		{ "2026-11-25T02:57:05+05:30", 1795555625 },
		{ "2026-11-25T02:57:05-08:00", 1795604225 },
		{ "1678-01-01T00:00:00Z", -9214560000 },
		{ "2262-04-11T23:47:16Z", 9223372036 },
		{ "2100-02-28T12:00:00Z", 4107499200 },
		{ "2024-02-29T00:00:00+23:59", 1709078460 },
		{ "2016-01-01T00:00:00-00:00", 1451606400 },
		{ "2016-01-01t00:00:00z", 1451606400 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err;
		int64_t ns;

		assert_ok(et_time_parse(rows[i].text, &ns, &err), &err);
		assert_true(ns == rows[i].seconds * S);
	}
}

static void
fractions_have_one_to_nine_digits(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *again;
	} rows[] = {
		{ "2026-11-25T02:57:05.696783913Z", 1795575425696783913, NULL },
		{ "1970-01-01T00:00:00.5Z", 500000000, NULL },
		{ "1970-01-01T00:00:00.000000001Z", 1, NULL },
		{ "1970-01-01T00:00:00.120000Z", 120000000, "1970-01-01T00:00:00.12Z" },
		{ "1970-01-01T00:00:00.0Z", 0, "1970-01-01T00:00:00Z" },
		{ "1969-12-31T23:59:59.999999999Z", -1, NULL },
		{ "1969-12-31T23:59:59.5Z", -500000000, NULL },
		{ "2262-04-11T23:47:16.854775807Z", INT64_MAX, NULL },
		{ "1677-09-21T00:12:43.145224193Z", INT64_MIN + 1, NULL },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		char text[ET_TIME_TEXT_BYTES];
		struct et_error err;
		int64_t ns;

		assert_ok(et_time_parse(rows[i].text, &ns, &err), &err);
		assert_true(ns == rows[i].ns);
		assert_string_equal(et_time_format(ns, text),
				    rows[i].again != NULL ? rows[i].again : rows[i].text);
	}
}

static void
what_is_not_a_time_is_refused(void **state ET_UNUSED)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-11-25",
		"2026-11-25T02:57:05",
		"2026-11-25 02:57:05Z",
		"2026-11-25T02:57Z",
		"2026-11-25T02:57:05Zx",
		" 2026-11-25T02:57:05Z",
		"2026-11-25T02:57:05Z ",
		"26-11-25T02:57:05Z",
		"+2026-11-25T02:57:05Z",
		"2026/11/25T02:57:05Z",
		"2026-11/25T02:57:05Z",
		"2026-1-25T02:57:05Z",
		"2026-00-25T02:57:05Z",
		"2026-13-25T02:57:05Z",
		"2026-11-00T02:57:05Z",
		"2026-11-31T02:57:05Z",
		"2026-02-29T02:57:05Z",
		"1900-02-29T02:57:05Z",
		"2026-11-25T24:00:00Z",
		"2026-11-25T02:60:05Z",
		"2026-11-25T02:57:60Z",
		"2026-11-25T02-57:05Z",
		"2026-11-25T02:57-05Z",
		"2026-11-25T02:57:05.Z",
		"2026-11-25T02:57:05,5Z",
		"2026-11-25T02:57:05.1234567890Z",
		"2026-11-25T02:57:05+24:00",
		"2026-11-25T02:57:05+05:60",
		"2026-11-25T02:57:05+0530",
		"2026-11-25T02:57:05+05",
		"2026-11-25T02:57:05 05:30",
		"2026-11-25T-2:57:05Z",
		"now",
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err;
		int64_t ns = 77;

		assert_code(ET_USAGE, et_time_parse(rows[i], &ns, &err), &err);
		assert_words(&err, "is not a time");
		assert_true(ns == 77);
	}
}

static void
times_beyond_an_int64_are_refused(void **state ET_UNUSED)
{
	static const char *const rows[] = {
		"0000-01-01T00:00:00Z",           "0001-01-01T00:00:00Z",
		"1677-09-21T00:12:43.145224192Z", /* would be ET_TIME_NONE */
		"1677-09-21T00:12:43Z",           "1677-09-21T00:12:42Z",
		"2262-04-11T23:47:16.854775808Z", "2262-04-11T23:47:17Z",
		"9999-12-31T23:59:59Z",
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err;
		int64_t ns = 77;

		assert_code(ET_USAGE, et_time_parse(rows[i], &ns, &err), &err);
		assert_words(&err, "is not between");
		assert_true(ns == 77);
	}
}

static void
no_time_is_a_dash(void **state ET_UNUSED)
{
	char text[ET_TIME_TEXT_BYTES];

	assert_string_equal(et_time_format(ET_TIME_NONE, text), "-");
	assert_string_equal(et_time_format_compact(ET_TIME_NONE, text), "-");
}

static void
compact_times_have_one_length(void **state ET_UNUSED)
{
	char text[ET_TIME_TEXT_BYTES];

	assert_string_equal(et_time_format_compact(1795575425696783913, text),
			    "20261125T025705.696783913Z");
	assert_string_equal(et_time_format_compact(0, text), "19700101T000000.000000000Z");
	assert_string_equal(et_time_format_compact(-1, text), "19691231T235959.999999999Z");
}

/* The oracle is the C library. */
static void
random_times_match_the_c_library(void **state ET_UNUSED)
{
	uint64_t seed = 3;

	for (int i = 0; i < 100000; i++) {
		char text[ET_TIME_TEXT_BYTES];
		char want[ET_TIME_TEXT_BYTES];
		struct et_error err;
		struct tm tm;
		int64_t ns;
		int64_t again;
		time_t seconds;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		ns = (int64_t)seed;
		seconds = ns / S - (ns % S < 0 ? 1 : 0);
		assert_non_null(gmtime_r(&seconds, &tm));
		assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm) > 0);
		assert_memory_equal(et_time_format(ns, text), want, strlen(want));
		assert_ok(et_time_parse(text, &again, &err), &err);
		assert_true(again == ns);
	}
}

static void
durations_are_read(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "0s", 0 },
		{ "0d", 0 },
		{ "1ns", 1 },
		{ "2us", 2000 },
		{ "250ms", 250000000 },
		{ "45s", 45 * S },
		{ "10m", 600 * S },
		{ "24h", 86400 * S },
		{ "7d", 7 * (86400 * S) },
		{ "400d", 400 * (86400 * S) },
		{ "007s", 7 * S },
		{ "90m", 5400 * S },
		{ "106751d", 106751 * (86400 * S) },
		{ "106751d23h47m16s854ms775us807ns", INT64_MAX },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err;
		int64_t ns;

		assert_ok(et_duration_parse(rows[i].text, &ns, &err), &err);
		assert_true(ns == rows[i].ns);
	}
}

static void
a_duration_with_two_units_adds_up(void **state ET_UNUSED)
{
	struct et_error err;
	int64_t ns;

	assert_ok(et_duration_parse("1h30m", &ns, &err), &err);
	assert_true(ns == 5400 * S);
	assert_ok(et_duration_parse("1d2h3m4s5ms", &ns, &err), &err);
	assert_true(ns == 93784 * S + 5000000);
}

static void
what_is_not_a_duration_is_refused(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		const char *words;
	} rows[] = {
		{ "", "is not a duration" },
		{ "s", "is not a duration" },
		{ "5", "is not a duration" },
		{ "-5s", "is not a duration" },
		{ "+5s", "is not a duration" },
		{ "5 s", "is not a duration" },
		{ "5s ", "is not a duration" },
		{ "1.5h", "is not a duration" },
		{ "5w", "is not a duration" },
		{ "5S", "is not a duration" },
		{ "5sec", "is not a duration" },
		{ "30m1h", "is not a duration" },
		{ "1h1h", "is not a duration" },
		{ "1h30", "is not a duration" },
		{ "106752d", "is longer than" },
		{ "106751d24h", "is longer than" },
		{ "9223372036854775808ns", "is longer than" },
		{ "99999999999999999999s", "is longer than" },
		{ "92233720368547758070s", "is longer than" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err;
		int64_t ns = 77;

		assert_code(ET_USAGE, et_duration_parse(rows[i].text, &ns, &err), &err);
		assert_words(&err, rows[i].words);
		assert_true(ns == 77);
	}
}

static void
durations_are_written_with_their_units(void **state ET_UNUSED)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 250000000, "250ms" },
		{ 45 * S, "45s" },
		{ 5400 * S, "1h30m" },
		{ 86400 * S, "1d" },
		{ -5 * S, "-5s" },
		{ INT64_MAX, "106751d23h47m16s854ms775us807ns" },
		{ INT64_MIN, "-106751d23h47m16s854ms775us808ns" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		char text[ET_TIME_TEXT_BYTES];

		assert_string_equal(et_duration_format(rows[i].ns, text), rows[i].text);
	}
}

static void
a_point_in_time_may_be_relative(void **state ET_UNUSED)
{
	struct et_error err;
	int64_t ns = 77;

	assert_ok(et_time_parse_point("-24h", 100000 * S, &ns, &err), &err);
	assert_true(ns == 13600 * S);
	assert_ok(et_time_parse_point("1970-01-01T00:00:01Z", 5, &ns, &err), &err);
	assert_true(ns == S);
	assert_code(ET_USAGE, et_time_parse_point("-1x", 5, &ns, &err), &err);
	assert_code(ET_USAGE, et_time_parse_point("--1s", 5, &ns, &err), &err);
	assert_code(ET_USAGE, et_time_parse_point("24h", 5, &ns, &err), &err);
	assert_code(ET_USAGE, et_time_parse_point("-106751d", -86400 * S, &ns, &err), &err);
	assert_words(&err, "is too long ago");
	assert_code(ET_USAGE, et_time_parse_point("-1ns", INT64_MIN + 1, &ns, &err), &err);
	assert_true(ns == S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_go_forward),
		cmocka_unit_test(times_are_those_of_gnu_date),
		cmocka_unit_test(fractions_have_one_to_nine_digits),
		cmocka_unit_test(what_is_not_a_time_is_refused),
		cmocka_unit_test(times_beyond_an_int64_are_refused),
		cmocka_unit_test(no_time_is_a_dash),
		cmocka_unit_test(compact_times_have_one_length),
		cmocka_unit_test(random_times_match_the_c_library),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(a_duration_with_two_units_adds_up),
		cmocka_unit_test(what_is_not_a_duration_is_refused),
		cmocka_unit_test(durations_are_written_with_their_units),
		cmocka_unit_test(a_point_in_time_may_be_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
