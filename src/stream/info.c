// SPDX-License-Identifier: Apache-2.0
#include "stream/info.h"

#include <inttypes.h>
#include <string.h>

#include "stream/apijson.h"
#include "stream/rawheaders.h"

#define NAMES_MAX 100000u

bool
et_stream_name_ok(const char *name)
{
	return name != NULL && name[0] != '\0' && strlen(name) <= 255 &&
	       strcspn(name, " \t\r\n\f.*>/\\\"") == strlen(name);
}

static int
read_state(const json_t *answer, struct et_stream_info *info, struct et_error *err)
{
	const json_t *state = json_object_get(answer, "state");
	int r;

	if (!json_is_object(state))
		return et_error_set(err, ET_GARBLED, "'state' is missing in JetStream's answer");
	r = et_apijson_u64(state, "messages", &info->messages, err);
	if (r == 0)
		r = et_apijson_u64(state, "bytes", &info->bytes, err);
	if (r == 0)
		r = et_apijson_u64(state, "first_seq", &info->first_seq, err);
	if (r == 0)
		r = et_apijson_u64(state, "last_seq", &info->last_seq, err);
	if (r == 0)
		r = et_apijson_u64(state, "num_deleted", &info->num_deleted, err);
	info->first_time_ns = ET_TIME_NONE;
	info->last_time_ns = ET_TIME_NONE;
	/* Of an empty stream the server says the year 1, or when it was purged. */
	if (r == 0 && info->messages > 0)
		r = et_apijson_time(state, "first_ts", &info->first_time_ns, err);
	if (r == 0 && info->messages > 0)
		r = et_apijson_time(state, "last_ts", &info->last_time_ns, err);
	/* A stream that never had a message says 0 and 0. */
	if (r == 0 && info->messages == 0 && info->first_seq <= info->last_seq)
		info->first_seq = info->last_seq + 1;
	return r;
}

static int
read_info(const json_t *answer, struct et_stream_info *info, struct et_error *err)
{
	const json_t *config = json_object_get(answer, "config");
	const char *name = NULL;
	int r;

	if (!json_is_object(config))
		return et_error_set(err, ET_GARBLED, "'config' is missing in JetStream's answer");
	r = et_apijson_text(config, "name", &name, err);
	if (r == 0)
		r = et_apijson_time(answer, "created", &info->created_ns, err);
	if (r == 0 && info->created_ns == ET_TIME_NONE)
		r = et_error_set(err, ET_GARBLED, "'created' is missing in JetStream's answer");
	if (r == 0)
		r = et_apijson_time(answer, "ts", &info->server_time_ns, err);
	if (r == 0)
		r = read_state(answer, info, err);
	if (r < 0)
		return r;
	(void)et_time_format_compact(info->created_ns, info->identity);
	info->name = et_strdup(name);
	info->config_json = json_dumps(config, JSON_COMPACT);
	return info->config_json != NULL ? 0
					 : et_error_set(err, ET_GARBLED, "'config' cannot be kept");
}

void
et_stream_info_done(struct et_stream_info *info)
{
	free(info->name);
	free(info->config_json);
	*info = (struct et_stream_info){ .name = NULL };
}

int
et_stream_info_parse(struct et_slice text, struct et_stream_info *ret, struct et_error *err)
{
	ET_CLEAN_JSON json_t *json = NULL;
	struct et_stream_info info = { .name = NULL };
	int r;

	r = et_apijson_read(text, &json, err);
	if (r == 0)
		r = read_info(json, &info, err);
	if (r < 0) {
		et_stream_info_done(&info);
		return r;
	}
	*ret = info;
	return 0;
}

/* The words of a missing stream: which there are. */
static void
hint_streams(struct et_conn *conn, struct et_error *err)
{
	struct et_buf names;
	size_t count = 0;

	et_buf_init(&names, 1u << 20);
	if (et_stream_names(conn, &names, &count, NULL) < 0)
		et_error_hint(err, "check the name of the stream");
	else if (count == 0)
		et_error_hint(
			err,
			"there is no stream at all: is it the right server, account and domain?");
	else
		et_error_hint(err, "streams there: %s", et_buf_cstr(&names));
	et_buf_done(&names);
}

int
et_stream_info_read(struct et_conn *conn, const char *stream, struct et_stream_info *ret,
		    struct et_error *err)
{
	ET_CLEAN_MEM char *subject = NULL;
	struct et_buf reply;
	int r;

	if (!et_stream_name_ok(stream))
		return et_error_set(err, ET_USAGE, "'%s' is no name of a stream", stream);
	et_buf_init(&reply, ET_STREAM_REPLY_BYTES_MAX);
	subject = et_format("STREAM.INFO.%s", stream);
	r = et_conn_api(conn, subject, NULL, &reply, err);
	if (r == 0)
		r = et_stream_info_parse((struct et_slice){ reply.data, reply.size }, ret, err);
	et_buf_done(&reply);
	if (r == ET_GONE) {
		et_error_set(err, ET_GONE, "there is no stream '%s' on %s", stream,
			     et_conn_address(conn));
		hint_streams(conn, err);
		return r;
	}
	return r < 0 ? et_error_wrap(err, r, "stream '%s' on %s", stream, et_conn_address(conn))
		     : 0;
}

/* One page of names into the array; *ret_total: how many there are in all. */
static int
read_names(struct et_conn *conn, json_t *names, uint64_t *ret_total, struct et_error *err)
{
	ET_CLEAN_MEM char *request = et_format("{\"offset\":%zu}", json_array_size(names));
	ET_CLEAN_JSON json_t *json = NULL;
	struct et_buf reply;
	json_t *page;
	int r;

	et_buf_init(&reply, ET_STREAM_REPLY_BYTES_MAX);
	r = et_conn_api(conn, "STREAM.NAMES", request, &reply, err);
	if (r == 0)
		r = et_apijson_read((struct et_slice){ reply.data, reply.size }, &json, err);
	if (r == 0)
		r = et_apijson_u64(json, "total", ret_total, err);
	et_buf_done(&reply);
	if (r < 0)
		return r;
	page = json_object_get(json, "streams");
	if (json_array_size(page) == 0)
		*ret_total = json_array_size(names);
	else
		json_array_extend(names, page);
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
et_stream_names(struct et_conn *conn, struct et_buf *out, size_t *ret_count, struct et_error *err)
{
	ET_CLEAN_JSON json_t *names = json_array();
	ET_CLEAN_MEM const char **sorted = NULL;
	uint64_t total = 0;
	size_t count;
	int r;

	do {
		r = read_names(conn, names, &total, err);
		if (r < 0)
			return et_error_wrap(err, r, "list the streams on %s",
					     et_conn_address(conn));
	} while (json_array_size(names) < total && json_array_size(names) < NAMES_MAX);
	count = json_array_size(names);
	sorted = et_calloc(count + 1, sizeof(*sorted));
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		sorted[i] = name != NULL ? name : "?";
	}
	qsort(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < count; i++)
		et_buf_format(out, "%s%s", i > 0 ? ", " : "", sorted[i]);
	if (ret_count != NULL)
		*ret_count = count;
	return 0;
}
