// SPDX-License-Identifier: Apache-2.0
#include "store/gateway_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "proto/gateway.pb-c.h"
#include "store/grpc.h"
#include "store/protojson.h"

#define HINT_FORM \
	"the question asks for Accept: application/protojson; does a proxy drop that header?"
#define HINT_TOKEN "is the token in --gateway-token-file the right one, and still valid?"
#define HINT_SERVICE "is --gateway-url the hub's HTTP gateway? Its gRPC gateway is --store gateway"

static void
json_cleanup(json_t **json)
{
	json_decref(*json);
}
#define ET_CLEAN_JSON __attribute__((cleanup(json_cleanup)))

void
et_gateway_lines_init(struct et_gateway_lines *lines)
{
	*lines = (struct et_gateway_lines){ .count = 0 };
	et_buf_init(&lines->line, ET_GATEWAY_LINE_BYTES_MAX);
	et_buf_init(&lines->event, ET_GATEWAY_EVENT_BYTES_MAX);
}

void
et_gateway_lines_reset(struct et_gateway_lines *lines)
{
	et_buf_reset(&lines->line);
	lines->count = 0;
}

void
et_gateway_lines_done(struct et_gateway_lines *lines)
{
	et_buf_done(&lines->line);
	et_buf_done(&lines->event);
}

/* ---- errors ---- */

/* {code, message} of gRPC. False when it is none. */
static bool
read_status(const json_t *status, unsigned *ret_code, char words[ET_GRPC_WORDS_BYTES])
{
	const json_t *code = json_object_get(status, "code");
	const json_t *message = json_object_get(status, "message");

	if (!json_is_integer(code))
		return false;
	*ret_code = json_integer_value(code) >= 0 && json_integer_value(code) <= INT32_MAX
			    ? (unsigned)json_integer_value(code)
			    : UINT32_MAX;
	et_grpc_printable((struct et_slice){ (const uint8_t *)json_string_value(message),
					     json_string_length(message) },
			  words, ET_GRPC_WORDS_BYTES);
	return true;
}

static int
fail_by(const json_t *error, struct et_error *err)
{
	char words[ET_GRPC_WORDS_BYTES];
	unsigned code = 0;

	if (!read_status(error, &code, words))
		return et_error_set(err, ET_UNAVAILABLE,
				    "the gateway says that it failed, but not how");
	return et_grpc_fail(err, code, words);
}

static int
result_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ET_DENIED;
	case 408:
	case 504:
		return ET_TIMEOUT;
	case 429:
		return ET_UNAVAILABLE;
	case 501:
		return ET_GARBLED;
	default:
		return status >= 500 ? ET_UNAVAILABLE : ET_GARBLED;
	}
}

int
et_gateway_refused(struct et_error *err, long status, struct et_slice body)
{
	ET_CLEAN_JSON json_t *json = json_loadb((const char *)body.data, body.size, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	char words[ET_GRPC_WORDS_BYTES] = "";
	int r = result_of(status);
	unsigned code = 0;

	(void)read_status(error != NULL ? error : json, &code, words);
	et_error_set(err, r, "the gateway answers with status %ld%s%s", status,
		     words[0] != '\0' ? ": " : "", words);
	if (r == ET_DENIED)
		et_error_hint(err, "%s", HINT_TOKEN);
	else if (r == ET_GARBLED)
		et_error_hint(err, "%s", HINT_SERVICE);
	return r;
}

/* ---- events ---- */

/* "resourceChanged" or "resource_changed": the member that is there. NULL: none that is known. */
static const ProtobufCFieldDescriptor *
find_type(const json_t *result, const json_t **ret_event)
{
	const ProtobufCMessageDescriptor *message =
		&grpcgateway__pb__get_events_response__descriptor;

	for (unsigned i = 0; i < message->n_fields; i++) {
		const json_t *event = et_protojson_get(result, message->fields[i].name);

		if (event != NULL && !json_is_null(event)) {
			*ret_event = event;
			return &message->fields[i];
		}
	}
	return NULL;
}

static int
garbled(struct et_error *err, const char *what)
{
	int r = et_error_set(err, ET_GARBLED, "%s", what);

	et_error_hint(err, "%s", HINT_SERVICE);
	return r;
}

static int
take_result(struct et_gateway_lines *lines, const json_t *result, et_gateway_sink *sink,
	    void *cookie, struct et_error *err)
{
	struct et_gateway_event event = { .kind = ET_KIND_UNKNOWN };
	const ProtobufCFieldDescriptor *field;
	const json_t *json = NULL;
	int r = 0;

	if (!json_is_object(result))
		return garbled(err, "a result is no JSON object");
	field = find_type(result, &json);
	et_buf_reset(&lines->event);
	if (field != NULL) {
		event.kind = et_gateway_kind(field->id);
		r = et_protojson_read(field->descriptor, json, &lines->event, err);
		if (r == 0)
			r = et_buf_check(&lines->event, "an event", err);
		if (r < 0) {
			r = et_error_wrap(err, ET_GARBLED, "'%s'", field->name);
			et_error_hint(err, "%s", HINT_FORM);
			return r;
		}
	}
	event.protobuf = (struct et_slice){ lines->event.data, lines->event.size };
	return sink(cookie, &event, err);
}

static int
take_line(struct et_gateway_lines *lines, et_gateway_sink *sink, void *cookie, struct et_error *err)
{
	const struct et_buf *line = &lines->line;
	ET_CLEAN_JSON json_t *json = NULL;
	const json_t *error;
	json_error_t where;

	json = json_loadb((const char *)line->data, line->size,
			  JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(json))
		return garbled(err, "what came is no line of JSON");
	error = json_object_get(json, "error");
	if (error != NULL && !json_is_null(error))
		return fail_by(error, err);
	return take_result(lines, json_object_get(json, "result"), sink, cookie, err);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Its end came. */
static int
end_line(struct et_gateway_lines *lines, et_gateway_sink *sink, void *cookie, struct et_error *err)
{
	const struct et_buf *line = &lines->line;
	size_t blanks = 0;
	int r = 0;

	while (blanks < line->size && is_blank(line->data[blanks]))
		blanks++;
	lines->count++;
	if (blanks < line->size)
		r = take_line(lines, sink, cookie, err);
	et_buf_reset(&lines->line);
	return r < 0 ? et_error_wrap(err, r, "line %" PRIu64, lines->count) : r;
}

int
et_gateway_lines_feed(struct et_gateway_lines *lines, const void *bytes, size_t count,
		      et_gateway_sink *sink, void *cookie, struct et_error *err)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + count;
	int r = 0;

	while (r == 0 && at < end) {
		const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
		const uint8_t *to = line_end != NULL ? line_end : end;

		et_buf_put(&lines->line, at, (size_t)(to - at));
		r = et_buf_check(&lines->line, "a line of the gateway's answer", err);
		if (r < 0)
			return et_error_wrap(err, ET_GARBLED, "read the gateway's answer");
		if (line_end == NULL)
			break;
		at = line_end + 1;
		r = end_line(lines, sink, cookie, err);
	}
	return r;
}

/* A whole event would have had its line end. */
static int
no_event(void *cookie, const struct et_gateway_event *event, struct et_error *err)
{
	(void)cookie;
	(void)event;
	return et_error_set(err, ET_UNAVAILABLE, "the answer ends in the middle of a line");
}

int
et_gateway_lines_end(struct et_gateway_lines *lines, struct et_error *err)
{
	int r = end_line(lines, no_event, NULL, err);

	/* What was cut is no JSON. */
	return r == ET_GARBLED ? no_event(NULL, NULL, err) : r;
}
