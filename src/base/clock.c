// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define TEXT_SHOWN 64 /* of a text that is wrong, in the words about it */

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		abort(); /* GCOVR_EXCL_LINE: both clocks exist on every Linux */
	return (int64_t)now.tv_sec * ET_NS_PER_SECOND + now.tv_nsec;
}

int64_t
et_clock_now_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
et_clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

struct civil {
	int64_t year;
	unsigned month;
	unsigned day;
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned ns;
};

/*
 * Days since 1970-01-01 and back, in the proleptic Gregorian calendar. Years are counted from
 * March, so that the leap day is the last of its year; 400 years are 146097 days.
 */
static int64_t
days_of(const struct civil *c)
{
	int64_t year = c->month > 2 ? c->year : c->year - 1;
	int64_t month = c->month > 2 ? c->month - 3 : c->month + 9;
	int64_t era = year / 400; /* texts have no years below 0 */
	int64_t of_era = year - era * 400;
	int64_t day_of_year = (153 * month + 2) / 5 + c->day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719468;
}

static void
date_of(int64_t days, struct civil *ret)
{
	int64_t day = days + 719468; /* positive for every int64_t of nanoseconds */
	int64_t era = day / 146097;
	int64_t of_era = day - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t day_of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	ret->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	ret->month = (unsigned)(month < 10 ? month + 3 : month - 9);
	ret->year = year + era * 400 + (ret->month <= 2 ? 1 : 0);
}

static struct civil
civil_of(int64_t time_ns)
{
	struct civil c;
	int64_t seconds = time_ns / ET_NS_PER_SECOND;
	int64_t ns = time_ns % ET_NS_PER_SECOND;
	int64_t days;
	int64_t rest;

	if (ns < 0) {
		ns += ET_NS_PER_SECOND;
		seconds--;
	}
	days = seconds / SECONDS_PER_DAY;
	rest = seconds % SECONDS_PER_DAY;
	if (rest < 0) {
		rest += SECONDS_PER_DAY;
		days--;
	}
	date_of(days, &c);
	c.hour = (unsigned)(rest / 3600);
	c.minute = (unsigned)(rest / 60 % 60);
	c.second = (unsigned)(rest % 60);
	c.ns = (unsigned)ns;
	return c;
}

static char *
put_digits(char *at, unsigned value, unsigned width)
{
	for (unsigned i = width; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + width;
}

/* The separators go where they are not NUL. */
static char *
put_civil(char *at, const struct civil *c, char date_mark, char time_mark)
{
	const struct {
		unsigned value;
		unsigned width;
		char mark;
	} parts[] = {
		{ (unsigned)c->year, 4, date_mark },
		{ c->month, 2, date_mark },
		{ c->day, 2, 'T' },
		{ c->hour, 2, time_mark },
		{ c->minute, 2, time_mark },
		{ c->second, 2, '\0' },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		at = put_digits(at, parts[i].value, parts[i].width);
		if (parts[i].mark != '\0')
			*at++ = parts[i].mark;
	}
	return at;
}

static const char *
put_none(char *text)
{
	text[0] = '-';
	text[1] = '\0';
	return text;
}

const char *
et_time_format(int64_t time_ns, char text[ET_TIME_TEXT_BYTES])
{
	struct civil c;
	char *at;

	if (time_ns == ET_TIME_NONE)
		return put_none(text);
	c = civil_of(time_ns);
	at = put_civil(text, &c, '-', ':');
	if (c.ns > 0) {
		*at++ = '.';
		at = put_digits(at, c.ns, 9);
		while (at[-1] == '0')
			at--;
	}
	*at++ = 'Z';
	*at = '\0';
	return text;
}

const char *
et_time_format_compact(int64_t time_ns, char text[ET_TIME_TEXT_BYTES])
{
	struct civil c;
	char *at;

	if (time_ns == ET_TIME_NONE)
		return put_none(text);
	c = civil_of(time_ns);
	at = put_civil(text, &c, '\0', '\0');
	*at++ = '.';
	at = put_digits(at, c.ns, 9);
	*at++ = 'Z';
	*at = '\0';
	return text;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly `width` digits, low..high; moves the text on. */
static bool
take_number(const char **text, unsigned width, unsigned low, unsigned high, unsigned *ret)
{
	unsigned value = 0;

	for (unsigned i = 0; i < width; i++) {
		if (!is_digit(**text))
			return false;
		value = value * 10 + (unsigned)(*(*text)++ - '0');
	}
	if (value < low || value > high)
		return false;
	*ret = value;
	return true;
}

static bool
take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static unsigned
days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
take_date(const char **text, struct civil *ret)
{
	unsigned year;

	if (!take_number(text, 4, 0, 9999, &year) || !take_char(text, '-') ||
	    !take_number(text, 2, 1, 12, &ret->month) || !take_char(text, '-') ||
	    !take_number(text, 2, 1, days_in(year, ret->month), &ret->day))
		return false;
	ret->year = year;
	return true;
}

/* 1 to 9 digits behind the point. */
static bool
take_fraction(const char **text, unsigned *ret_ns)
{
	unsigned ns = 0;
	unsigned digits = 0;

	while (is_digit(**text) && digits < 9) {
		ns = ns * 10 + (unsigned)(*(*text)++ - '0');
		digits++;
	}
	if (digits == 0)
		return false;
	for (; digits < 9; digits++)
		ns *= 10;
	*ret_ns = ns;
	return true;
}

/* No second 60: it has no number of its own since 1970. */
static bool
take_clock(const char **text, struct civil *ret)
{
	if (!take_number(text, 2, 0, 23, &ret->hour) || !take_char(text, ':') ||
	    !take_number(text, 2, 0, 59, &ret->minute) || !take_char(text, ':') ||
	    !take_number(text, 2, 0, 59, &ret->second))
		return false;
	ret->ns = 0;
	return !take_char(text, '.') || take_fraction(text, &ret->ns);
}

/* "Z" or "+HH:MM" or "-HH:MM", in seconds east of Greenwich. */
static bool
take_offset(const char **text, int64_t *ret_seconds)
{
	bool west;
	unsigned hour;
	unsigned minute;

	if (take_char(text, 'Z') || take_char(text, 'z')) {
		*ret_seconds = 0;
		return true;
	}
	west = **text == '-';
	if ((!take_char(text, '-') && !take_char(text, '+')) ||
	    !take_number(text, 2, 0, 23, &hour) || !take_char(text, ':') ||
	    !take_number(text, 2, 0, 59, &minute))
		return false;
	*ret_seconds = (int64_t)(hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

/* False where an int64_t cannot hold it, or where it would be ET_TIME_NONE. */
static bool
join_ns(int64_t seconds, unsigned ns, int64_t *ret)
{
	int64_t fraction = ns;
	int64_t time_ns;

	/* The first second of the range begins before it: count from its end. */
	if (seconds < 0) {
		seconds++;
		fraction -= ET_NS_PER_SECOND;
	}
	if (__builtin_mul_overflow(seconds, ET_NS_PER_SECOND, &time_ns) ||
	    __builtin_add_overflow(time_ns, fraction, &time_ns) || time_ns == ET_TIME_NONE)
		return false;
	*ret = time_ns;
	return true;
}

int
et_time_parse(const char *text, int64_t *ret_ns, struct et_error *err)
{
	const char *at = text;
	struct civil c;
	int64_t offset;
	int64_t seconds;

	if (!take_date(&at, &c) || (!take_char(&at, 'T') && !take_char(&at, 't')) ||
	    !take_clock(&at, &c) || !take_offset(&at, &offset) || *at != '\0')
		return et_error_set(err, ET_USAGE,
				    "\"%.*s\" is not a time like 2026-11-25T02:57:05Z", TEXT_SHOWN,
				    text);
	seconds = days_of(&c) * SECONDS_PER_DAY + (int64_t)c.hour * 3600 + (int64_t)c.minute * 60 +
		  c.second - offset;
	if (!join_ns(seconds, c.ns, ret_ns))
		return et_error_set(err, ET_USAGE, "\"%.*s\" is not between 1678 and 2262",
				    TEXT_SHOWN, text);
	return 0;
}

int
et_time_parse_point(const char *text, int64_t now_ns, int64_t *ret_ns, struct et_error *err)
{
	int64_t duration;
	int64_t time_ns;
	int r;

	if (text[0] != '-')
		return et_time_parse(text, ret_ns, err);
	r = et_duration_parse(text + 1, &duration, err);
	if (r < 0)
		return r;
	if (__builtin_sub_overflow(now_ns, duration, &time_ns) || time_ns == ET_TIME_NONE)
		return et_error_set(err, ET_USAGE, "\"%.*s\" is too long ago", TEXT_SHOWN, text);
	*ret_ns = time_ns;
	return 0;
}

/* From the largest to the smallest, the order in which they may follow each other. */
static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "d", 86400 * ET_NS_PER_SECOND },
	{ "h", 3600 * ET_NS_PER_SECOND },
	{ "m", 60 * ET_NS_PER_SECOND },
	{ "s", ET_NS_PER_SECOND },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* The unit at `text` up to the next digit, from units[from] on; UNIT_COUNT when there is none. */
static size_t
find_unit(const char *text, size_t from)
{
	size_t count = strcspn(text, "0123456789");

	while (from < UNIT_COUNT &&
	       (strlen(units[from].name) != count || strncmp(text, units[from].name, count) != 0))
		from++;
	return from;
}

int
et_duration_parse(const char *text, int64_t *ret_ns, struct et_error *err)
{
	const char *at = text;
	size_t unit = 0;
	int64_t total = 0;

	do {
		bool large = false;
		bool empty = !is_digit(*at);
		int64_t value = 0;

		for (; is_digit(*at); at++)
			large = large || __builtin_mul_overflow(value, 10, &value) ||
				__builtin_add_overflow(value, *at - '0', &value);
		unit = find_unit(at, unit);
		if (empty || unit == UNIT_COUNT)
			return et_error_set(err, ET_USAGE,
					    "\"%.*s\" is not a duration like 45s or 1h30m",
					    TEXT_SHOWN, text);
		if (large || __builtin_mul_overflow(value, units[unit].ns, &value) ||
		    __builtin_add_overflow(total, value, &total))
			return et_error_set(err, ET_USAGE, "\"%.*s\" is longer than 292 years",
					    TEXT_SHOWN, text);
		at += strlen(units[unit].name);
		unit++;
	} while (*at != '\0');
	*ret_ns = total;
	return 0;
}

const char *
et_duration_format(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES])
{
	uint64_t rest = duration_ns < 0 ? -(uint64_t)duration_ns : (uint64_t)duration_ns;
	size_t used = 0;

	if (duration_ns < 0)
		text[used++] = '-';
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		uint64_t unit_ns = (uint64_t)units[i].ns;
		int count;

		if (rest < unit_ns)
			continue;
		/* At most "-106751d23h47m16s854ms775us808ns": always fits. */
		count = snprintf(text + used, ET_TIME_TEXT_BYTES - used, "%u%s",
				 (unsigned)(rest / unit_ns), units[i].name);
		used += (size_t)count;
		rest %= unit_ns;
	}
	if (used == 0)
		(void)snprintf(text, ET_TIME_TEXT_BYTES, "0s");
	return text;
}
