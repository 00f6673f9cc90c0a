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

struct json_t;
/* Both take the value over. Keys are ours and valid. */
void et_json_put(struct json_t *object, const char *key, struct json_t *value);
void et_json_append(struct json_t *array, struct json_t *value);
/* Clean UTF-8; null for NULL. */
struct json_t *et_json_of_text(const char *text);
/* null for ET_TIME_NONE */
struct json_t *et_json_of_time(int64_t time_ns);
/* Writes and releases the object, with a line end behind it. ET_IO. */
ET_CHECKED int et_json_write(struct json_t *object, size_t flags, bool flush, FILE *out,
			     struct et_error *err);

#endif
