// SPDX-License-Identifier: Apache-2.0
#include "report/json_part.h"

#include <errno.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/clean.h"

/* A failed small allocation aborts (base/alloc.h); the keys are ours and valid. */
void
et_json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

void
et_json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		abort(); /* GCOVR_EXCL_LINE: memory */
}

struct json_t *
et_json_of_text(const char *text)
{
	ET_CLEAN_MEM char *clean = NULL;

	if (text == NULL)
		return json_null();
	clean = et_clean_utf8(text);
	return json_string(clean);
}

struct json_t *
et_json_number_or_null(uint64_t number)
{
	return number > 0 ? et_json_number(number) : json_null();
}

struct json_t *
et_json_of_time(int64_t time_ns)
{
	char text[ET_TIME_TEXT_BYTES];

	return time_ns != ET_TIME_NONE ? json_string(et_time_format(time_ns, text)) : json_null();
}

int
et_json_write(json_t *object, size_t flags, bool flush, FILE *out, struct et_error *err)
{
	bool failed = json_dumpf(object, out, flags) < 0 || fputc('\n', out) == EOF;

	if (!failed && flush)
		failed = fflush(out) != 0;
	json_decref(object);
	return failed ? et_error_errno(err, errno, "write JSON") : 0;
}
