// SPDX-License-Identifier: Apache-2.0
/* Single messages of a stream (stream/info.h). */
#include "stream/info.h"

#include <inttypes.h>
#include <string.h>

#include "stream/apijson.h"
#include "stream/rawheaders.h"

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard base64 with padding, appended to out. */
static bool
base64_append(struct et_buf *out, const char *text, size_t size)
{
	uint32_t held = 0;
	unsigned bits = 0;

	if (size % 4 != 0)
		return false;
	for (int i = 0; i < 2 && size > 0 && text[size - 1] == '='; i++)
		size--;
	for (size_t i = 0; i < size; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return false;
		held = held << 6 | (uint32_t)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			et_buf_put_u8(out, (uint8_t)(held >> bits));
		}
	}
	return true;
}

/* A member in base64, appended; absent: nothing. */
static int
append_member(const json_t *message, const char *key, struct et_buf *out, struct et_error *err)
{
	const json_t *value = json_object_get(message, key);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value) ||
	    !base64_append(out, json_string_value(value), json_string_length(value)))
		return et_error_set(err, ET_GARBLED, "'%s' of the message is no base64", key);
	return 0;
}

static int
append_headers(const json_t *message, struct et_buf *out, struct et_error *err)
{
	struct et_buf block;
	int r;

	et_buf_init(&block, ET_RECORD_BYTES_MAX);
	r = append_member(message, "hdrs", &block, err);
	if (r == 0 && block.size > 0)
		r = et_rawheaders_encode((struct et_slice){ block.data, block.size }, out, err);
	et_buf_done(&block);
	return r;
}

/* The slices are set at the end: the buffer moves while it grows. */
static int
read_message(const json_t *message, struct et_buf *out, struct et_record *ret, struct et_error *err)
{
	struct et_record record = { .seq = 0 };
	const char *subject = NULL;
	int r;

	r = et_apijson_text(message, "subject", &subject, err);
	if (r == 0)
		r = et_apijson_u64(message, "seq", &record.seq, err);
	if (r == 0)
		r = et_apijson_time(message, "time", &record.time_ns, err);
	if (r == 0 && (record.seq == 0 || record.time_ns == ET_TIME_NONE))
		r = et_error_set(err, ET_GARBLED, "sequence or time of the message is missing");
	if (r < 0)
		return r;
	et_buf_reset(out);
	et_buf_text(out, subject);
	record.subject.size = out->size;
	r = append_headers(message, out, err);
	record.headers.size = out->size - record.subject.size;
	if (r == 0)
		r = append_member(message, "data", out, err);
	if (r == 0)
		r = et_buf_check(out, "the message", err);
	if (r < 0)
		return r;
	record.subject.data = out->data;
	record.headers.data = out->data + record.subject.size;
	record.body.data = record.headers.data + record.headers.size;
	record.body.size = out->size - record.subject.size - record.headers.size;
	*ret = record;
	return 0;
}

int
et_stream_get_parse(struct et_slice text, struct et_buf *out, struct et_record *ret,
		    struct et_error *err)
{
	ET_CLEAN_JSON json_t *json = NULL;
	const json_t *message;
	int r;

	r = et_apijson_read(text, &json, err);
	if (r < 0)
		return r;
	message = json_object_get(json, "message");
	if (!json_is_object(message))
		return et_error_set(err, ET_GARBLED, "'message' is missing in JetStream's answer");
	return read_message(message, out, ret, err);
}

static int
ask(struct et_conn *conn, const char *stream, uint64_t seq, bool next, struct et_buf *out,
    struct et_record *ret, struct et_error *err)
{
	ET_CLEAN_MEM char *subject = NULL;
	ET_CLEAN_MEM char *request =
		et_format("{\"seq\":%" PRIu64 "%s}", seq, next ? ",\"next_by_subj\":\">\"" : "");
	struct et_record record;
	struct et_buf reply;
	int r;

	if (!et_stream_name_ok(stream))
		return et_error_set(err, ET_USAGE, "'%s' is no name of a stream", stream);
	subject = et_format("STREAM.MSG.GET.%s", stream);
	et_buf_init(&reply, ET_STREAM_REPLY_BYTES_MAX);
	r = et_conn_api(conn, subject, request, &reply, err);
	if (r == 0)
		r = et_stream_get_parse((struct et_slice){ reply.data, reply.size }, out, &record,
					err);
	et_buf_done(&reply);
	if (r == 0 && (next ? record.seq < seq : record.seq != seq))
		r = et_error_set(err, ET_GARBLED, "the server answered with message %" PRIu64,
				 record.seq);
	if (r < 0)
		return et_error_wrap(err, r, "read message %" PRIu64 " of stream '%s'", seq,
				     stream);
	*ret = record;
	return 0;
}

int
et_stream_get(struct et_conn *conn, const char *stream, uint64_t seq, struct et_buf *out,
	      struct et_record *ret, struct et_error *err)
{
	return ask(conn, stream, seq, false, out, ret, err);
}

int
et_stream_get_next(struct et_conn *conn, const char *stream, uint64_t seq, struct et_buf *out,
		   struct et_record *ret, struct et_error *err)
{
	return ask(conn, stream, seq, true, out, ret, err);
}
