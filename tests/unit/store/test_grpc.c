// SPDX-License-Identifier: Apache-2.0
/* gRPC's frames, trailers and codes, as pieces of any size bring them. */
#include "et_test.h"

#include "store/grpc.h"

#define LIMIT 64u

/* The messages that came, each with a '|' behind it. */
struct heard {
	char text[1024];
	unsigned count;
	int answer; /* of the sink */
};

static int
hear(void *cookie, struct et_slice message, struct et_error *err)
{
	struct heard *heard = cookie;

	heard->count++;
	assert_true(strlen(heard->text) + message.size + 2 < sizeof(heard->text));
	(void)snprintf(heard->text + strlen(heard->text), sizeof(heard->text) - strlen(heard->text),
		       "%.*s|", (int)message.size,
		       message.data != NULL ? (const char *)message.data : "");
	return heard->answer < 0 ? et_error_set(err, heard->answer, "enough") : 0;
}

static void
put(struct et_buf *out, const char *message)
{
	et_grpc_request(out, (struct et_slice){ (const uint8_t *)message, strlen(message) });
}

static void
messages_come_whole_however_they_are_cut(void **state ET_UNUSED)
{
	struct et_grpc_frames frames;
	struct et_buf bytes;

	et_buf_init(&bytes, 4096);
	put(&bytes, "first");
	put(&bytes, "");
	put(&bytes, "the third one");
	et_grpc_frames_init(&frames, LIMIT);
	for (size_t piece = 1; piece <= bytes.size; piece++) {
		struct heard heard = { .count = 0 };
		struct et_error err = { 0 };

		et_grpc_frames_reset(&frames);
		for (size_t at = 0; at < bytes.size; at += piece) {
			size_t left = bytes.size - at;

			assert_ok(et_grpc_frames_feed(&frames, bytes.data + at,
						      left < piece ? left : piece, hear, &heard,
						      &err),
				  &err);
		}
		assert_ok(et_grpc_frames_end(&frames, &err), &err);
		assert_string_equal(heard.text, "first||the third one|");
		assert_int_equal(heard.count, 3);
	}
	et_grpc_frames_done(&frames);
	et_buf_done(&bytes);
}

static void
a_message_that_is_cut_anywhere_is_noticed(void **state ET_UNUSED)
{
	struct et_grpc_frames frames;
	struct et_buf bytes;

	et_buf_init(&bytes, 4096);
	put(&bytes, "a message");
	et_grpc_frames_init(&frames, LIMIT);
	assert_ok(et_grpc_frames_end(&frames, NULL), NULL);
	for (size_t cut = 1; cut < bytes.size; cut++) {
		struct heard heard = { .count = 0 };
		struct et_error err = { 0 };

		et_grpc_frames_reset(&frames);
		assert_ok(et_grpc_frames_feed(&frames, bytes.data, cut, hear, &heard, &err), &err);
		assert_code(ET_UNAVAILABLE, et_grpc_frames_end(&frames, &err), &err);
		assert_words(&err, "in the middle of a message");
		assert_int_equal(heard.count, 0);
	}
	et_grpc_frames_done(&frames);
	et_buf_done(&bytes);
}

static int
feed(const uint8_t *bytes, size_t count, size_t limit, struct heard *heard, struct et_error *err)
{
	struct et_grpc_frames frames;
	int r;

	et_grpc_frames_init(&frames, limit);
	r = et_grpc_frames_feed(&frames, bytes, count, hear, heard, err);
	et_grpc_frames_done(&frames);
	return r;
}

static void
a_message_of_the_limit_is_taken_and_a_larger_one_is_not(void **state ET_UNUSED)
{
	uint8_t bytes[ET_GRPC_PREFIX_BYTES + LIMIT + 1] = { 0, 0, 0, 0, LIMIT };
	struct heard heard = { .count = 0 };
	struct et_error err = { 0 };

	memset(bytes + ET_GRPC_PREFIX_BYTES, 'x', LIMIT);
	assert_ok(feed(bytes, sizeof(bytes) - 1, LIMIT, &heard, &err), &err);
	assert_int_equal(heard.count, 1);
	bytes[4]++;
	assert_code(ET_GARBLED, feed(bytes, sizeof(bytes), LIMIT, &heard, &err), &err);
	assert_words(&err, "65 bytes");
	assert_words(&err, "the limit is 64");
	assert_int_equal(heard.count, 1);
	/* What a length claims takes no memory. */
	memset(bytes + 1, 0xff, 4);
	assert_code(ET_GARBLED, feed(bytes, sizeof(bytes), ET_GRPC_MESSAGE_BYTES_MAX, &heard, &err),
		    &err);
	assert_words(&err, "4294967295 bytes");
}

static void
what_is_no_frame_is_refused(void **state ET_UNUSED)
{
	const uint8_t compressed[] = { 1, 0, 0, 0, 1, 'x' };
	const char page[] = "<html>";
	struct heard heard = { .count = 0 };
	struct et_error err = { 0 };

	assert_code(ET_GARBLED, feed(compressed, sizeof(compressed), LIMIT, &heard, &err), &err);
	assert_words(&err, "compressed");
	assert_code(ET_GARBLED, feed((const uint8_t *)page, sizeof(page) - 1, LIMIT, &heard, &err),
		    &err);
	assert_words(&err, "no gRPC message");
	assert_int_equal(heard.count, 0);
}

static void
what_the_sink_says_ends_the_reading(void **state ET_UNUSED)
{
	struct heard heard = { .answer = ET_CONFLICT };
	struct et_error err = { 0 };
	struct et_buf bytes;

	et_buf_init(&bytes, 4096);
	put(&bytes, "one");
	put(&bytes, "two");
	assert_code(ET_CONFLICT, feed(bytes.data, bytes.size, LIMIT, &heard, &err), &err);
	assert_string_equal(heard.text, "one|");
	et_buf_done(&bytes);
}

/* ---- the end ---- */

static struct et_grpc_end
end_of(const char *const *lines, size_t count)
{
	struct et_grpc_end end = { .has_status = false };

	for (size_t i = 0; i < count; i++)
		et_grpc_end_line(&end, lines[i], strlen(lines[i]));
	return end;
}

static void
the_status_is_found_among_the_headers(void **state ET_UNUSED)
{
	static const char *const good[] = { "content-type: application/grpc\r\n",
					    "grpc-status:0\r\n", "grpc-status-details-bin: AA\r\n",
					    "\r\n", "" };
	static const char *const bad[] = { "Grpc-Status: 13 \r\n",
					   "GRPC-MESSAGE: lost%20the%0Aline%20%C3%A4\r\n" };
	struct et_grpc_end end = end_of(good, ET_COUNT(good));
	struct et_error err = { 0 };

	assert_ok(et_grpc_end_check(&end, &err), &err);
	end = end_of(bad, ET_COUNT(bad));
	assert_code(ET_UNAVAILABLE, et_grpc_end_check(&end, &err), &err);
	assert_words(&err, "INTERNAL (13): lost the?line ??");
	end = end_of(NULL, 0);
	assert_code(ET_UNAVAILABLE, et_grpc_end_check(&end, &err), &err);
	assert_words(&err, "without a status");
}

static void
what_is_no_percent_code_stays(void **state ET_UNUSED)
{
	static const struct {
		const char *line;
		const char *words;
	} rows[] = {
		{ "grpc-message: 100%25 %zz %2", "100% %zz %2" },
		{ "grpc-message: %41%4a%4A%", "AJJ%" },
		{ "grpc-message: %G1%1G", "%G1%1G" },
		{ "grpc-message:", "" },
		{ "grpc-message: \x1b[31m", "?[31m" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_grpc_end end = end_of(&rows[i].line, 1);

		assert_string_equal(end.words, rows[i].words);
		assert_false(end.has_status);
	}
}

static void
words_are_cut_and_never_overrun(void **state ET_UNUSED)
{
	struct et_grpc_end end = { .has_status = false };
	char line[4000] = "grpc-message: ";
	char room[4];

	memset(line + strlen(line), '%', sizeof(line) - strlen(line));
	et_grpc_end_line(&end, line, sizeof(line));
	assert_int_equal(strlen(end.words), ET_GRPC_WORDS_BYTES - 1);
	et_grpc_printable((struct et_slice){ (const uint8_t *)"a\nbcd", 5 }, room, sizeof(room));
	assert_string_equal(room, "a?b");
}

static void
a_status_that_is_no_number_is_unknown_and_never_ok(void **state ET_UNUSED)
{
	static const char *const lines[] = { "grpc-status:", "grpc-status: ok", "grpc-status: -1",
					     "grpc-status: 0x0", "grpc-status: 0000" };

	for (size_t i = 0; i < ET_COUNT(lines); i++) {
		struct et_grpc_end end = end_of(&lines[i], 1);
		struct et_error err = { 0 };

		assert_true(end.has_status);
		assert_code(ET_UNAVAILABLE, et_grpc_end_check(&end, &err), &err);
		assert_words(&err, "UNKNOWN (2)");
	}
}

static void
every_code_says_what_can_be_done(void **state ET_UNUSED)
{
	static const struct {
		unsigned code;
		const char *name;
		int result;
		const char *hint;
	} rows[] = {
		{ 0, "UNKNOWN", ET_UNAVAILABLE, "" }, /* whoever calls it a failure errs */
		{ 1, "CANCELLED", ET_UNAVAILABLE, "" },
		{ 4, "DEADLINE_EXCEEDED", ET_TIMEOUT, "--gateway-timeout" },
		{ 5, "NOT_FOUND", ET_GARBLED, "" },
		{ 7, "PERMISSION_DENIED", ET_DENIED, "--gateway-token-file" },
		{ 12, "UNIMPLEMENTED", ET_GARBLED, "--gateway-url" },
		{ 14, "UNAVAILABLE", ET_UNAVAILABLE, "" },
		{ 16, "UNAUTHENTICATED", ET_DENIED, "--gateway-token-file" },
		{ 17, "UNKNOWN", ET_UNAVAILABLE, "" },
		{ UINT32_MAX, "UNKNOWN", ET_UNAVAILABLE, "" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err = { 0 };

		assert_code(rows[i].result, et_grpc_fail(&err, rows[i].code, ""), &err);
		assert_words(&err, rows[i].name);
		assert_null(strstr(err.text, "): "));
		assert_non_null(strstr(err.hint, rows[i].hint));
		assert_int_equal(err.hint[0] == '\0', rows[i].hint[0] == '\0');
	}
	assert_string_equal(et_grpc_code_name(0), "OK");
	assert_string_equal(et_grpc_code_name(99), "UNKNOWN");
}

/* ---- requests ---- */

static void
a_request_is_one_frame(void **state ET_UNUSED)
{
	static const uint8_t wanted[] = { 0, 0, 0, 1, 4 };
	uint8_t message[260];
	struct et_buf out;

	memset(message, 7, sizeof(message));
	et_buf_init(&out, 4096);
	et_grpc_request(&out, (struct et_slice){ message, sizeof(message) });
	assert_int_equal(out.size, sizeof(wanted) + sizeof(message));
	assert_memory_equal(out.data, wanted, sizeof(wanted));
	assert_memory_equal(out.data + sizeof(wanted), message, sizeof(message));
	et_buf_done(&out);
}

static void
a_timeout_has_at_most_eight_digits(void **state ET_UNUSED)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ INT64_C(60000000000), "60000m" },
		{ 1, "1m" },
		{ 0, "1m" },
		{ INT64_C(99999999) * 1000000, "99999999m" },
		{ INT64_C(100000000) * 1000000, "100000S" },
		{ INT64_MAX, "99999999S" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		char text[ET_GRPC_TIMEOUT_BYTES];

		et_grpc_timeout(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole_however_they_are_cut),
		cmocka_unit_test(a_message_that_is_cut_anywhere_is_noticed),
		cmocka_unit_test(a_message_of_the_limit_is_taken_and_a_larger_one_is_not),
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(what_the_sink_says_ends_the_reading),
		cmocka_unit_test(the_status_is_found_among_the_headers),
		cmocka_unit_test(what_is_no_percent_code_stays),
		cmocka_unit_test(words_are_cut_and_never_overrun),
		cmocka_unit_test(a_status_that_is_no_number_is_unknown_and_never_ok),
		cmocka_unit_test(every_code_says_what_can_be_done),
		cmocka_unit_test(a_request_is_one_frame),
		cmocka_unit_test(a_timeout_has_at_most_eight_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
