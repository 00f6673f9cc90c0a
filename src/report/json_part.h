/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reports for programs are made of: jansson without its failures,
 * which can only be those of memory. Inside the room.
 */
#ifndef ET_REPORT_JSON_PART_H
#define ET_REPORT_JSON_PART_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "report/clean.h"
#include "report/report.h"

struct json_t;
/* Both take the value over. Keys are ours and valid. */
void et_json_put(struct json_t *object, const char *key, struct json_t *value);
void et_json_append(struct json_t *array, struct json_t *value);
/* Clean UTF-8; null for NULL. */
struct json_t *et_json_of_text(const char *text);
/* null for ET_TIME_NONE */
struct json_t *et_json_of_time(int64_t time_ns);
/* 0: not known */
struct json_t *et_json_number_or_null(uint64_t number);
/* A finding, as it stands in reports, lists and files. */
struct json_t *et_json_finding(const struct et_report_finding *finding);
/* Into the object: how many findings are new, known, acknowledged and resolved. */
void et_json_standings(struct json_t *object, const uint64_t standings[ET_STANDING_COUNT]);
/* Into the object: incidents, incidents_total, per_hour, per_hour_earlier. */
void et_json_incidents(struct json_t *object, const struct et_report_incidents *incidents);
/* Writes and releases the object, with a line end behind it. ET_IO. */
ET_CHECKED int et_json_write(struct json_t *object, size_t flags, bool flush, FILE *out,
			     struct et_error *err);

#endif
