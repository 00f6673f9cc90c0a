// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "stream/incoming.h"
#include "stream/rawheaders.h"

/* "name=value;" of each pair in the encoded order. */
static const char *
walk_of(const char *block, struct et_buf *text)
{
	struct et_record record = { .seq = 1 };
	struct et_header_walk walk;
	struct et_header header;
	struct et_buf out;
	struct et_error err;

	et_buf_init(&out, 1u << 20);
	et_buf_reset(text);
	assert_ok(et_rawheaders_encode((struct et_slice){ .data = (const uint8_t *)block,
							  .size = strlen(block) },
				       &out, &err),
		  &err);
	record.headers = (struct et_slice){ .data = out.data, .size = out.size };
	walk = et_header_walk_of(&record);
	while (et_header_next(&walk, &header) > 0) {
		et_buf_put(text, header.name.data, header.name.size);
		et_buf_text(text, "=");
		et_buf_put(text, header.value.data, header.value.size);
		et_buf_text(text, ";");
	}
	et_buf_done(&out);
	return et_buf_cstr(text);
}

static void
blocks_become_sorted_pairs(void **state ET_UNUSED)
{
	static const char *const rows[][2] = {
		{ "NATS/1.0\r\n\r\n", "" },
		{ "NATS/1.0\r\nB: 2\r\nA:1\r\n\r\n", "A=1;B=2;" },
		{ "NATS/1.0\r\nA: x\r\nA:  y z \r\n\r\n", "A=x;A=y z;" },
		/* The client library takes "B: 2" for the value of A. */
		{ "NATS/1.0\r\nA:\r\nB: 2\r\n\r\n", "A=;B=2;" },
		{ "NATS/1.0\r\nUrl: http://x:1/\r\n\r\n", "Url=http://x:1/;" },
		{ "NATS/1.0\r\nno colon\r\nB: 2\r\n\r\n", "=no colon;B=2;" },
		{ "NATS/1.0 100 Idle Heartbeat\r\n\r\n", "Description=Idle Heartbeat;Status=100;" },
		{ "NATS/1.0 503\r\n\r\n", "Status=503;" },
		{ "NATS/1.0\r\nA: unfinished", "A=unfinished;" },
	};
	struct et_buf text;

	et_buf_init(&text, 4096);
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_string_equal(walk_of(rows[i][0], &text), rows[i][1]);
	et_buf_done(&text);
}

static void
other_bytes_are_refused(void **state ET_UNUSED)
{
	struct et_slice block = { .data = (const uint8_t *)"HTTP/1.1\r\n\r\n", .size = 12 };
	struct et_buf out;
	struct et_error err;

	et_buf_init(&out, 64);
	assert_code(ET_GARBLED, et_rawheaders_encode(block, &out, &err), &err);
	block.size = 0;
	assert_code(ET_GARBLED, et_rawheaders_encode(block, &out, &err), &err);
	assert_int_equal(out.size, 0);
	et_buf_done(&out);
}

static void
more_headers_than_the_limit_are_refused(void **state ET_UNUSED)
{
	struct et_buf block;
	struct et_buf out;
	struct et_error err;

	et_buf_init(&block, 1u << 20);
	et_buf_init(&out, 1u << 20);
	et_buf_text(&block, "NATS/1.0\r\n");
	for (unsigned i = 0; i <= ET_RAWHEADERS_MAX; i++)
		et_buf_text(&block, "A:b\r\n");
	assert_code(ET_LIMIT,
		    et_rawheaders_encode((struct et_slice){ block.data, block.size }, &out, &err),
		    &err);
	et_buf_done(&block);
	et_buf_done(&out);
}

static void
values_that_may_be_a_swallowed_line_are_doubtful(void **state ET_UNUSED)
{
	assert_true(et_incoming_doubtful("B: 2"));
	assert_true(et_incoming_doubtful("12:00"));
	assert_false(et_incoming_doubtful(""));
	assert_false(et_incoming_doubtful("plain"));
	assert_false(et_incoming_doubtful("two words: x"));
	assert_false(et_incoming_doubtful(":x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_become_sorted_pairs),
		cmocka_unit_test(other_bytes_are_refused),
		cmocka_unit_test(more_headers_than_the_limit_are_refused),
		cmocka_unit_test(values_that_may_be_a_swallowed_line_are_doubtful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
