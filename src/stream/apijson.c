// SPDX-License-Identifier: Apache-2.0
#include "stream/apijson.h"

#include <string.h>

#include "stream/info.h"

#define JETSTREAM_OFF 503
#define TEXT_SHOWN 300

int
et_apijson_u64(const json_t *object, const char *key, uint64_t *ret, struct et_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0))
		return et_error_set(err, ET_GARBLED, "'%s' in JetStream's answer is no such number",
				    key);
	*ret = value != NULL ? (uint64_t)json_integer_value(value) : 0;
	return 0;
}

int
et_apijson_text(const json_t *object, const char *key, const char **ret, struct et_error *err)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text == NULL)
		return et_error_set(err, ET_GARBLED, "'%s' is missing in JetStream's answer", key);
	*ret = text;
	return 0;
}

int
et_apijson_time(const json_t *object, const char *key, int64_t *ret_ns, struct et_error *err)
{
	const json_t *value = json_object_get(object, key);
	int r;

	if (value == NULL) {
		*ret_ns = ET_TIME_NONE;
		return 0;
	}
	if (!json_is_string(value))
		return et_error_set(err, ET_GARBLED, "'%s' in JetStream's answer is no time", key);
	r = et_time_parse(json_string_value(value), ret_ns, err);
	return r < 0 ? et_error_wrap(err, ET_GARBLED, "'%s' in JetStream's answer", key) : 0;
}

static int
code_of(json_int_t status)
{
	switch (status) {
	case 404:
		return ET_GONE;
	case 401:
	case 403:
		return ET_DENIED;
	case 408:
		return ET_TIMEOUT;
	case 500:
	case JETSTREAM_OFF:
		return ET_UNAVAILABLE;
	default:
		return ET_CONFLICT;
	}
}

static int
error_of(const json_t *answer, struct et_error *err)
{
	const json_t *error = json_object_get(answer, "error");
	const char *words;
	json_int_t status;
	int code;

	if (error == NULL)
		return 0;
	status = json_integer_value(json_object_get(error, "code"));
	words = json_string_value(json_object_get(error, "description"));
	code = code_of(status);
	et_error_set(err, code, "JetStream says %" JSON_INTEGER_FORMAT ": %.*s", status, TEXT_SHOWN,
		     words != NULL ? words : "no words");
	if (status == JETSTREAM_OFF)
		et_error_hint(err, "JetStream is off on that server or for this account, or it is "
				   "starting up");
	return code;
}

int
et_apijson_read(struct et_slice text, json_t **ret, struct et_error *err)
{
	ET_CLEAN_JSON json_t *json = NULL;
	json_error_t where;
	int r;

	json = json_loadb((const char *)text.data, text.size, 0, &where);
	if (!json_is_object(json))
		return et_error_set(err, ET_GARBLED, "JetStream's answer is no JSON object%s%s",
				    json == NULL ? ": " : "", json == NULL ? where.text : "");
	r = error_of(json, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(json);
	return 0;
}

int
et_api_reply_error(struct et_slice text, struct et_error *err)
{
	ET_CLEAN_JSON json_t *json = NULL;

	return et_apijson_read(text, &json, err);
}
