// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "stream/delivery.h"

#define LARGEST "18446744073709551615"

static void
a_reply_of_nine_tokens_is_read(void **state ET_UNUSED)
{
	struct et_delivery d;

	assert_true(et_delivery_parse("$JS.ACK.EVENTS.c0.1.42.7.1795570625696783913.99", &d));
	assert_int_equal(d.stream_seq, 42);
	assert_int_equal(d.consumer_seq, 7);
	assert_int_equal(d.time_ns, 1795570625696783913);
	assert_int_equal(d.pending, 99);
}

static void
domain_and_account_are_passed_over(void **state ET_UNUSED)
{
	static const char *const replies[] = {
		"$JS.ACK.hub.ACCHASH.EVENTS.c0.1.42.7.5.99",
		"$JS.ACK._.ACCHASH.EVENTS.c0.1.42.7.5.99.rand",
		"$JS.ACK._.ACCHASH.EVENTS.c0.1.42.7.5.99.rand.more.to.come",
	};
	struct et_delivery d;

	for (size_t i = 0; i < ET_COUNT(replies); i++) {
		assert_true(et_delivery_parse(replies[i], &d));
		assert_int_equal(d.stream_seq, 42);
		assert_int_equal(d.pending, 99);
	}
}

static void
the_largest_numbers_fit(void **state ET_UNUSED)
{
	struct et_delivery d;

	assert_true(et_delivery_parse(
		"$JS.ACK.S.C.1." LARGEST "." LARGEST ".9223372036854775807." LARGEST, &d));
	assert_true(d.stream_seq == UINT64_MAX && d.pending == UINT64_MAX);
	assert_true(d.time_ns == INT64_MAX);
}

static void
anything_else_is_refused(void **state ET_UNUSED)
{
	static const char *const replies[] = {
		"",
		"$JS.ACK.",
		"$JS.ACK",
		"$JS.FC.S.C.x",
		"_INBOX.a.b",
		"$JS.ACK.S.C.1.42.7.5",
		"$JS.ACK.S.C.1.42.7.5.9.9",
		"$JS.ACK.S.C.1.42.7.5.",
		"$JS.ACK.S.C.1..7.5.9",
		"$JS.ACK.S.C.1.4x.7.5.9",
		"$JS.ACK.S.C.1.-4.7.5.9",
		"$JS.ACK.S.C.1.0.7.5.9",
		"$JS.ACK.S.C.1.42.0.5.9",
		"$JS.ACK.S.C.1.18446744073709551616.7.5.9",
		"$JS.ACK.S.C.1.42.7.9223372036854775808.9",
		"$JS.ACK.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5",
	};
	struct et_delivery d = { .stream_seq = 1 };

	assert_false(et_delivery_parse(NULL, &d));
	for (size_t i = 0; i < ET_COUNT(replies); i++)
		if (et_delivery_parse(replies[i], &d))
			fail_msg("taken: %s", replies[i]);
	assert_int_equal(d.stream_seq, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_of_nine_tokens_is_read),
		cmocka_unit_test(domain_and_account_are_passed_over),
		cmocka_unit_test(the_largest_numbers_fit),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
