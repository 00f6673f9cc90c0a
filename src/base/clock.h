/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: int64_t nanoseconds since 1970 UTC, everywhere. RFC 3339 text in and
 * out, strict; durations like 45s, 10m, 24h, 400d, 1h30m; points in time as
 * RFC 3339 with an offset, or "-24h" (that long before now).
 */
#ifndef ET_BASE_CLOCK_H
#define ET_BASE_CLOCK_H

#include <stdint.h>

#include "base/error.h"

#define ET_NS_PER_SECOND INT64_C(1000000000)
#define ET_TIME_TEXT_BYTES 40
#define ET_TIME_NONE INT64_MIN /* no time known */

int64_t et_clock_now_ns(void);       /* wall clock */
int64_t et_clock_monotonic_ns(void); /* for durations */

/* "2026-11-25T02:57:05.696783913Z": nine digits, or fewer where the rest are zeros; "-" for
 * ET_TIME_NONE. */
const char *et_time_format(int64_t time_ns, char text[ET_TIME_TEXT_BYTES]);
/* The same without colons and dashes: "20261125T025705.696783913Z", always nine digits: a file
 * name. */
const char *et_time_format_compact(int64_t time_ns, char text[ET_TIME_TEXT_BYTES]);
ET_CHECKED int et_time_parse(const char *text, int64_t *ret_ns, struct et_error *err);
/* RFC 3339, or "-DURATION" before now_ns. */
ET_CHECKED int et_time_parse_point(const char *text, int64_t now_ns, int64_t *ret_ns,
				   struct et_error *err);
/* 0s, 250ms, 45s, 10m, 24h, 7d, 1h30m; never negative. */
ET_CHECKED int et_duration_parse(const char *text, int64_t *ret_ns, struct et_error *err);
const char *et_duration_format(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES]);

#endif
