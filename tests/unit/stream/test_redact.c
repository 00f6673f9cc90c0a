// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "stream/redact.h"

static void
addresses_lose_their_users(void **state ET_UNUSED)
{
	static const char *const rows[][2] = {
		{ "nats://host:4222", "nats://host:4222" },
		{ "host", "host" },
		{ "", "" },
		{ "nats://me:secret@host:4222", "nats://***@host:4222" },
		{ "nats://token@host", "nats://***@host" },
		{ "me:p@ss@host", "***@host" },
		{ "tls://[::1]:4222", "tls://[::1]:4222" },
		{ "tls://[::1]", "tls://[::1]" },
		{ "nats://host:4222/path", "nats://host:4222/path" },
		{ "nats://a:b@h1,nats://c:d@h2:1,h3", "nats://***@h1,nats://***@h2:1,h3" },
		/* The comma is of the password. */
		{ "nats://me:se,cret@host", "nats://***,***@host" },
		{ "nats://host:word", "nats://***" },
	};
	struct et_buf out;

	et_buf_init(&out, 4096);
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		et_buf_reset(&out);
		et_conn_redact(&out, rows[i][0]);
		assert_string_equal(et_buf_cstr(&out), rows[i][1]);
	}
	et_buf_done(&out);
}

static void
words_with_a_secret_are_known(void **state ET_UNUSED)
{
	struct et_stream_options options = { .password = "hush", .token = "" };

	assert_true(et_redact_needed(&options, "say hush now"));
	assert_true(et_redact_needed(&options, "nats://me:other@host"));
	assert_false(et_redact_needed(&options, "connection refused"));
	options.token = "tok";
	assert_true(et_redact_needed(&options, "a token"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_lose_their_users),
		cmocka_unit_test(words_with_a_secret_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
