/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the stream room only: JSON answers of JetStream, checked. Numbers
 * that are negative where they cannot be, times and texts of another type:
 * ET_GARBLED with the name of the field.
 */
#ifndef ET_STREAM_APIJSON_H
#define ET_STREAM_APIJSON_H

#include <jansson.h>

#include "base/clock.h"
#include "base/cursor.h"

/* Cleanup for a document: ET_CLEAN_JSON json_t *json = NULL; */
static inline void
et_apijson_cleanup(json_t **json)
{
	json_decref(*json);
}
#define ET_CLEAN_JSON __attribute__((cleanup(et_apijson_cleanup)))

/* One JSON object, without error member. ET_GARBLED, or what the error means. */
ET_CHECKED int et_apijson_read(struct et_slice text, json_t **ret, struct et_error *err);
/* Absent: 0. */
ET_CHECKED int et_apijson_u64(const json_t *object, const char *key, uint64_t *ret,
			      struct et_error *err);
/* Absent: ET_TIME_NONE. */
ET_CHECKED int et_apijson_time(const json_t *object, const char *key, int64_t *ret_ns,
			       struct et_error *err);
/* Absent: ET_GARBLED. Borrows from the object. */
ET_CHECKED int et_apijson_text(const json_t *object, const char *key, const char **ret,
			       struct et_error *err);

#endif
