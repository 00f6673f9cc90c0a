// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "stream/info.h"

#define STATE_EMPTY                                                                          \
	"{\"messages\":0,\"bytes\":0,\"first_seq\":0,\"first_ts\":\"0001-01-01T00:00:00Z\"," \
	"\"last_seq\":0}"
#define CREATED "\"created\":\"2026-11-25T02:57:05.696783913Z\""

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ .data = (const uint8_t *)text, .size = strlen(text) };
}

static void
all_fields_are_read_and_the_configuration_kept(void **state ET_UNUSED)
{
	struct et_stream_info info;
	struct et_error err;

	assert_ok(et_stream_info_parse(
			  slice_of("{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\","
				   "\"config\":{\"name\":\"EVENTS\",\"unheard_of\":{\"a\":[1]}}"
				   "," CREATED ","
				   "\"ts\":\"2026-11-25T03:00:00.5Z\",\"state\":{\"messages\":90,"
				   "\"bytes\":4096,"
				   "\"first_seq\":11,\"first_ts\":\"2026-11-25T02:58:00Z\",\"last_"
				   "seq\":105,"
				   "\"last_ts\":\"2026-11-25T02:59:00Z\",\"num_deleted\":5}}"),
			  &info, &err),
		  &err);
	assert_string_equal(info.name, "EVENTS");
	assert_string_equal(info.identity, "20261125T025705.696783913Z");
	assert_int_equal(info.messages, 90);
	assert_int_equal(info.bytes, 4096);
	assert_int_equal(info.first_seq, 11);
	assert_int_equal(info.last_seq, 105);
	assert_int_equal(info.num_deleted, 5);
	assert_int_equal(info.last_time_ns - info.first_time_ns, 60 * ET_NS_PER_SECOND);
	assert_true(info.server_time_ns > info.last_time_ns);
	assert_string_equal(info.config_json, "{\"name\":\"EVENTS\",\"unheard_of\":{\"a\":[1]}}");
	et_stream_info_done(&info);
	et_stream_info_done(&info);
}

static void
an_empty_stream_begins_behind_its_end(void **state ET_UNUSED)
{
	struct et_stream_info info;
	struct et_error err;

	assert_ok(et_stream_info_parse(slice_of("{\"config\":{\"name\":\"E\"}," CREATED
						",\"state\":" STATE_EMPTY "}"),
				       &info, &err),
		  &err);
	assert_int_equal(info.first_seq, 1);
	assert_int_equal(info.last_seq, 0);
	assert_true(info.first_time_ns == ET_TIME_NONE && info.server_time_ns == ET_TIME_NONE);
	et_stream_info_done(&info);
}

static void
errors_have_their_codes_and_words(void **state ET_UNUSED)
{
	static const struct {
		const char *json;
		int code;
		const char *words;
	} rows[] = {
		{ "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not "
		  "found\"}}",
		  ET_GONE, "stream not found" },
		{ "{\"error\":{\"code\":503,\"err_code\":10039,\"description\":\"jetstream not "
		  "enabled for "
		  "account\"}}",
		  ET_UNAVAILABLE, "not enabled" },
		{ "{\"error\":{\"code\":403,\"description\":\"no\"}}", ET_DENIED, "403" },
		{ "{\"error\":{\"code\":401}}", ET_DENIED, "no words" },
		{ "{\"error\":{\"code\":400,\"description\":\"bad\"}}", ET_CONFLICT, "bad" },
		{ "{\"error\":{\"code\":408,\"description\":\"slow\"}}", ET_TIMEOUT, "slow" },
		{ "{\"error\":true}", ET_CONFLICT, "no words" },
		{ "[]", ET_GARBLED, "no JSON object" },
		{ "{", ET_GARBLED, "no JSON object" },
		{ "", ET_GARBLED, "no JSON object" },
		{ "{}", ET_GARBLED, "'config'" },
		{ "{\"config\":{}}", ET_GARBLED, "'name'" },
		{ "{\"config\":{\"name\":\"E\"},\"state\":" STATE_EMPTY "}", ET_GARBLED,
		  "'created'" },
		{ "{\"config\":{\"name\":\"E\"},\"created\":\"yesterday\",\"state\":{}}",
		  ET_GARBLED, "'created'" },
		{ "{\"config\":{\"name\":\"E\"},\"created\":5,\"state\":{}}", ET_GARBLED,
		  "'created'" },
		{ "{\"config\":{\"name\":\"E\"}," CREATED "}", ET_GARBLED, "'state'" },
		{ "{\"config\":{\"name\":\"E\"}," CREATED ",\"state\":{\"messages\":-1}}",
		  ET_GARBLED, "'messages'" },
		{ "{\"config\":{\"name\":\"E\"}," CREATED ",\"state\":{\"last_seq\":\"9\"}}",
		  ET_GARBLED, "'last_seq'" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_stream_info info = { .name = NULL };
		struct et_error err = { .code = 0 };

		assert_code(rows[i].code, et_stream_info_parse(slice_of(rows[i].json), &info, &err),
			    &err);
		assert_words(&err, rows[i].words);
		assert_null(info.name);
	}
	assert_int_equal(et_api_reply_error(slice_of("{\"ok\":true}"), NULL), 0);
}

static void
a_single_message_is_read(void **state ET_UNUSED)
{
	struct et_record record;
	struct et_header_walk walk;
	struct et_header header;
	struct et_buf out;
	struct et_error err;

	et_buf_init(&out, 1024);
	/* hdrs: NATS/1.0, B: 2, A: 1; data: "hi" */
	assert_ok(
		et_stream_get_parse(
			slice_of("{\"message\":{\"subject\":\"a.b\",\"seq\":7,"
				 "\"hdrs\":\"TkFUUy8xLjANCkI6IDINCkE6IDENCg0K\",\"data\":\"aGk=\","
				 "\"time\":\"2026-11-25T02:57:05Z\"}}"),
			&out, &record, &err),
		&err);
	assert_int_equal(record.seq, 7);
	assert_true(et_slice_equals(record.subject, "a.b"));
	assert_true(et_slice_equals(record.body, "hi"));
	walk = et_header_walk_of(&record);
	assert_int_equal(et_header_next(&walk, &header), 1);
	assert_true(et_slice_equals(header.name, "A") && et_slice_equals(header.value, "1"));
	assert_int_equal(et_header_next(&walk, &header), 1);
	assert_true(et_slice_equals(header.name, "B") && et_slice_equals(header.value, "2"));
	assert_int_equal(et_header_next(&walk, &header), 0);
	et_buf_done(&out);
}

static void
a_damaged_message_is_refused(void **state ET_UNUSED)
{
	static const char *const rows[] = {
		"{}",
		"{\"message\":{\"subject\":\"a\",\"seq\":7}}",
		"{\"message\":{\"subject\":\"a\",\"time\":\"2026-11-25T02:57:05Z\"}}",
		"{\"message\":{\"seq\":7,\"time\":\"2026-11-25T02:57:05Z\"}}",
		"{\"message\":{\"subject\":\"a\",\"seq\":7,\"time\":\"2026-11-25T02:57:05Z\","
		"\"data\":\"aGk\"}}",
		"{\"message\":{\"subject\":\"a\",\"seq\":7,\"time\":\"2026-11-25T02:57:05Z\","
		"\"data\":\"a*k=\"}}",
		"{\"message\":{\"subject\":\"a\",\"seq\":7,\"time\":\"2026-11-25T02:57:05Z\","
		"\"data\":7}}",
		"{\"message\":{\"subject\":\"a\",\"seq\":7,\"time\":\"2026-11-25T02:57:05Z\","
		"\"hdrs\":\"aGk=\"}}",
	};
	struct et_record record = { .seq = 1 };
	struct et_buf out;
	struct et_error err;

	et_buf_init(&out, 1024);
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_code(ET_GARBLED, et_stream_get_parse(slice_of(rows[i]), &out, &record, &err),
			    &err);
	assert_int_equal(record.seq, 1);
	et_buf_done(&out);
}

static void
names_that_would_change_a_subject_are_refused(void **state ET_UNUSED)
{
	static const char *const bad[] = { "",    "a.b",  "a b",  "a*",  ">",
					   "a/b", "a\\b", "a\"b", "a\tb" };

	for (size_t i = 0; i < ET_COUNT(bad); i++)
		assert_false(et_stream_name_ok(bad[i]));
	assert_false(et_stream_name_ok(NULL));
	assert_true(et_stream_name_ok("EVENTS"));
	assert_true(et_stream_name_ok("plgd-events_2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_are_read_and_the_configuration_kept),
		cmocka_unit_test(an_empty_stream_begins_behind_its_end),
		cmocka_unit_test(errors_have_their_codes_and_words),
		cmocka_unit_test(a_single_message_is_read),
		cmocka_unit_test(a_damaged_message_is_refused),
		cmocka_unit_test(names_that_would_change_a_subject_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
