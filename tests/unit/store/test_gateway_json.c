// SPDX-License-Identifier: Apache-2.0
/* What the HTTP gateway answers, line by line: results, errors, cuts, and what is none of these. */
#include "et_test.h"

#include "event/envelope.h"
#include "store/gateway_json.h"

#define CHANGED                                                                                  \
	"{\"result\":{\"resourceChanged\":{\"resourceId\":{\"deviceId\":\"d\",\"href\":\"/a\"}," \
	"\"eventMetadata\":{\"version\":\"7\",\"timestamp\":\"9\"}}}}\n"
#define UNPUBLISHED                                                                           \
	"{\"result\":{\"resourceChanged\":null,\"resource_links_unpublished\":{\"deviceId\":" \
	"\"d\",\"hrefs\":[\"/a\"],\"eventMetadata\":{\"version\":\"8\"}}}}\r\n"

/* What was told: "KIND VERSION|" of each event. */
struct told {
	char text[1024];
	unsigned count;
	int answer;
};

static int
tell(void *cookie, const struct et_gateway_event *event, struct et_error *err)
{
	struct told *told = cookie;
	struct et_payload payload;
	size_t used = strlen(told->text);

	assert_ok(et_payload_read(event->kind, event->protobuf, &payload, err), err);
	(void)snprintf(told->text + used, sizeof(told->text) - used, "%s %d|",
		       et_kind_info(event->kind)->name, (int)payload.version);
	told->count++;
	return told->answer < 0 ? et_error_set(err, told->answer, "enough") : 0;
}

static int
read_all(const char *text, size_t bytes, size_t piece, struct told *told, struct et_error *err)
{
	struct et_gateway_lines lines;
	int r = 0;

	et_gateway_lines_init(&lines);
	for (size_t at = 0; r == 0 && at < bytes; at += piece)
		r = et_gateway_lines_feed(&lines, text + at,
					  bytes - at < piece ? bytes - at : piece, tell, told, err);
	if (r == 0)
		r = et_gateway_lines_end(&lines, err);
	et_gateway_lines_done(&lines);
	return r;
}

static int
read_text(const char *text, struct told *told, struct et_error *err)
{
	return read_all(text, strlen(text), strlen(text) + 1, told, err);
}

static void
results_come_one_a_line_however_they_are_cut(void **state ET_UNUSED)
{
	static const char text[] = CHANGED "\n \t\r\n" UNPUBLISHED CHANGED;

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct told told = { .count = 0 };
		struct et_error err = { 0 };

		assert_ok(read_all(text, sizeof(text) - 1, piece, &told, &err), &err);
		assert_string_equal(told.text, "resourcechanged 7|resourcelinksunpublished 8|"
					       "resourcechanged 7|");
	}
}

static void
an_empty_answer_is_one(void **state ET_UNUSED)
{
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	assert_ok(read_text("", &told, &err), &err);
	assert_ok(read_text("\n", &told, &err), &err);
	assert_int_equal(told.count, 0);
}

static void
lines_can_be_read_again_from_the_start(void **state ET_UNUSED)
{
	struct et_gateway_lines lines;
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	et_gateway_lines_init(&lines);
	assert_ok(et_gateway_lines_feed(&lines, CHANGED, 10, tell, &told, &err), &err);
	et_gateway_lines_reset(&lines);
	assert_ok(et_gateway_lines_feed(&lines, CHANGED, strlen(CHANGED), tell, &told, &err), &err);
	assert_ok(et_gateway_lines_end(&lines, &err), &err);
	assert_int_equal(told.count, 1);
	assert_int_equal(lines.count, 2);
	et_gateway_lines_done(&lines);
}

static void
an_answer_that_is_cut_anywhere_in_a_line_is_noticed(void **state ET_UNUSED)
{
	static const char text[] = CHANGED CHANGED;

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct told told = { .count = 0 };
		struct et_error err = { 0 };

		if (cut == strlen(CHANGED))
			continue; /* between two lines: the transfer tells that */
		assert_code(ET_UNAVAILABLE, read_all(text, cut, sizeof(text), &told, &err), &err);
		assert_words(&err, "in the middle of a line");
		assert_int_equal(told.count, cut / strlen(CHANGED));
	}
}

static void
a_whole_event_without_its_line_end_was_cut(void **state ET_UNUSED)
{
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	assert_code(ET_UNAVAILABLE, read_all(CHANGED, strlen(CHANGED) - 1, 1000, &told, &err),
		    &err);
	assert_words(&err, "in the middle of a line");
	assert_int_equal(told.count, 0);
}

static void
an_error_in_the_stream_ends_it(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		int result;
		const char *words;
	} rows[] = {
		{ CHANGED "{\"error\":{\"code\":13,\"message\":\"lost\\n\",\"details\":[]}}\n",
		  ET_UNAVAILABLE, "line 2: the gateway says INTERNAL (13): lost?" },
		/* Older gateways do not end its line. */
		{ CHANGED "{\"error\":{\"code\":16,\"message\":\"no\"}}", ET_DENIED,
		  "UNAUTHENTICATED (16): no" },
		{ CHANGED "{\"error\":{\"code\":-5}}\n", ET_UNAVAILABLE, "UNKNOWN" },
		{ CHANGED "{\"error\":{\"code\":4294967296,\"message\":7}}\n", ET_UNAVAILABLE,
		  "UNKNOWN" },
		{ CHANGED "{\"error\":\"gone\"}\n", ET_UNAVAILABLE, "but not how" },
		{ CHANGED "{\"error\":{\"code\":\"x\"}}\n", ET_UNAVAILABLE, "but not how" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct told told = { .count = 0 };
		struct et_error err = { 0 };

		assert_code(rows[i].result, read_text(rows[i].text, &told, &err), &err);
		assert_words(&err, rows[i].words);
		assert_int_equal(told.count, 1);
	}
}

static void
what_is_no_result_is_refused(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		const char *words;
		const char *hint;
	} rows[] = {
		{ "<!DOCTYPE html>\n", "line 1: what came is no line of JSON", "--gateway-url" },
		{ "[1]\n", "no line of JSON", "--gateway-url" },
		{ "\0\n", "no line of JSON", "--gateway-url" },
		{ "{\"result\":{}} x\n", "no line of JSON", "--gateway-url" },
		{ "{\"result\":{},\"result\":{}}\n", "no line of JSON", "--gateway-url" },
		{ "{}\n", "a result is no JSON object", "--gateway-url" },
		{ "{\"result\":7}\n", "a result is no JSON object", "--gateway-url" },
		{ "{\"error\":null}\n", "a result is no JSON object", "--gateway-url" },
		{ "{\"result\":{\"resourceChanged\":7}}\n", "'resource_changed': no JSON object",
		  "application/protojson" },
		/* The form for browsers, which decodes what devices sent. */
		{ "{\"result\":{\"resourceChanged\":{\"content\":{\"state\":true}}}}\n",
		  "'resource_changed': 'content': no Content", "application/protojson" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct told told = { .count = 0 };
		struct et_error err = { 0 };
		size_t bytes = rows[i].text[0] == '\0' ? 2 : strlen(rows[i].text);

		assert_code(ET_GARBLED, read_all(rows[i].text, bytes, 100, &told, &err), &err);
		assert_words(&err, rows[i].words);
		assert_non_null(strstr(err.hint, rows[i].hint));
		assert_int_equal(told.count, 0);
	}
}

static void
a_type_that_is_not_known_is_told_as_unknown(void **state ET_UNUSED)
{
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	assert_ok(read_text("{\"result\":{\"ofANewerHub\":{}}}\n{\"result\":{}}\n", &told, &err),
		  &err);
	assert_string_equal(told.text, "unknown 0|unknown 0|");
}

static void
what_the_sink_says_ends_the_reading(void **state ET_UNUSED)
{
	struct told told = { .answer = ET_CONFLICT };
	struct et_error err = { 0 };

	assert_code(ET_CONFLICT, read_text(CHANGED CHANGED, &told, &err), &err);
	assert_int_equal(told.count, 1);
}

static void
an_event_above_the_hubs_limit_is_refused(void **state ET_UNUSED)
{
	static const char begin[] = "{\"result\":{\"resourceChanged\":{\"etag\":\"";
	static const char end[] = "\"}}}\n";
	/* A quarter more than fits: base64 has four characters for three bytes. */
	size_t digits = ET_GATEWAY_EVENT_BYTES_MAX / 3 * 4 + 1024;
	ET_CLEAN_MEM char *text = et_calloc(digits + 100, 1);
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	memcpy(text, begin, strlen(begin));
	memset(text + strlen(begin), 'A', digits);
	memcpy(text + strlen(begin) + digits, end, strlen(end));
	assert_code(ET_GARBLED, read_text(text, &told, &err), &err);
	assert_words(&err, "larger than 4194304 bytes");
	assert_int_equal(told.count, 0);
}

static void
a_line_without_end_is_refused_before_it_fills_the_memory(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = et_calloc(ET_GATEWAY_LINE_BYTES_MAX + 1, 1);
	struct told told = { .count = 0 };
	struct et_error err = { 0 };

	memset(text, ' ', ET_GATEWAY_LINE_BYTES_MAX + 1);
	assert_code(ET_GARBLED, read_all(text, ET_GATEWAY_LINE_BYTES_MAX + 1, 65536, &told, &err),
		    &err);
	assert_words(&err, "larger than 33554432 bytes");
}

static void
a_status_of_http_says_what_can_be_done(void **state ET_UNUSED)
{
	static const struct {
		long status;
		const char *body;
		int result;
		const char *words;
		const char *hint;
	} rows[] = {
		{ 401, "{\"code\":16,\"message\":\"cannot get owner\"}", ET_DENIED,
		  "status 401: cannot get owner", "--gateway-token-file" },
		{ 403, "", ET_DENIED, "status 403", "--gateway-token-file" },
		{ 404, "Not Found", ET_GARBLED, "status 404", "--gateway-url" },
		{ 501, "", ET_GARBLED, "status 501", "--gateway-url" },
		{ 302, "", ET_GARBLED, "status 302", "--gateway-url" },
		{ 408, "", ET_TIMEOUT, "status 408", "" },
		{ 504, "", ET_TIMEOUT, "status 504", "" },
		{ 429, "", ET_UNAVAILABLE, "status 429", "" },
		{ 500, "{\"error\":{\"code\":13,\"message\":\"lost\"}}", ET_UNAVAILABLE,
		  "status 500: lost", "" },
		{ 503, "<html>", ET_UNAVAILABLE, "status 503", "" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_slice body = { (const uint8_t *)rows[i].body, strlen(rows[i].body) };
		struct et_error err = { 0 };

		assert_code(rows[i].result, et_gateway_refused(&err, rows[i].status, body), &err);
		assert_words(&err, rows[i].words);
		assert_int_equal(err.hint[0] == '\0', rows[i].hint[0] == '\0');
		assert_non_null(strstr(err.hint, rows[i].hint));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_one_a_line_however_they_are_cut),
		cmocka_unit_test(an_empty_answer_is_one),
		cmocka_unit_test(lines_can_be_read_again_from_the_start),
		cmocka_unit_test(an_answer_that_is_cut_anywhere_in_a_line_is_noticed),
		cmocka_unit_test(a_whole_event_without_its_line_end_was_cut),
		cmocka_unit_test(an_error_in_the_stream_ends_it),
		cmocka_unit_test(what_is_no_result_is_refused),
		cmocka_unit_test(a_type_that_is_not_known_is_told_as_unknown),
		cmocka_unit_test(what_the_sink_says_ends_the_reading),
		cmocka_unit_test(an_event_above_the_hubs_limit_is_refused),
		cmocka_unit_test(a_line_without_end_is_refused_before_it_fills_the_memory),
		cmocka_unit_test(a_status_of_http_says_what_can_be_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
