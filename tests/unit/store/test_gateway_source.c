// SPDX-License-Identifier: Apache-2.0
/* The gateway as a source, without one: its options, what it says before and without an answer. The
 * live tests have the rest. */
#include "et_test.h"

#include "base/cancel.h"
#include "store/gateway.h"
#include "store/source.h"

#define NOBODY "https://127.0.0.1:1"

static int
open_with(const struct et_gateway_options *options, struct et_error *err)
{
	ET_CLEAN(et_source) struct et_source *source = NULL;
	int r = et_source_open_gateway(options, &source, err);

	assert_int_equal(source != NULL, r == 0);
	return r;
}

static struct et_source *
must_open(bool http)
{
	const struct et_gateway_options options = { .url = NOBODY, .token = "t0ken", .http = http };
	struct et_source *source = NULL;
	struct et_error err = { 0 };

	assert_ok(et_source_open_gateway(&options, &source, &err), &err);
	return source;
}

static void
an_address_is_one_of_https_and_nothing_more(void **state ET_UNUSED)
{
	static const char *const bad[] = { NULL,
					   "",
					   "127.0.0.1:1",
					   "http://127.0.0.1:1",
					   "https://",
					   "https://user@127.0.0.1:1",
					   "https://user:s3cret@127.0.0.1:1",
					   "https://127.0.0.1:1/?x=s3cret",
					   "https://127.0.0.1:1/#s3cret",
					   "https://127.0.0.1:s3cret" };
	static const char *const good[] = { NOBODY, "https://127.0.0.1:1/",
					    "HTTPS://gateway.example/api//", "https://[::1]:1" };

	for (size_t i = 0; i < ET_COUNT(bad); i++) {
		const struct et_gateway_options options = { .url = bad[i], .token = "t" };
		struct et_error err = { 0 };

		assert_code(ET_CONFIG, open_with(&options, &err), &err);
		assert_words(&err, "no address of a gateway");
		assert_null(strstr(err.text, "s3cret"));
	}
	for (size_t i = 0; i < ET_COUNT(good); i++) {
		const struct et_gateway_options options = { .url = good[i], .token = "t" };
		struct et_error err = { 0 };

		assert_ok(open_with(&options, &err), &err);
	}
}

static void
a_token_fits_into_one_header(void **state ET_UNUSED)
{
	static const char *const bad[] = { NULL, "", "a b", "a\nb", "a\r", "\xc3\xa4" };

	for (size_t i = 0; i < ET_COUNT(bad); i++) {
		const struct et_gateway_options options = { .url = NOBODY, .token = bad[i] };
		struct et_error err = { 0 };

		assert_code(ET_CONFIG, open_with(&options, &err), &err);
		assert_words(&err, "token");
	}
}

static void
files_that_cannot_be_read_are_named(void **state)
{
	ET_CLEAN_MEM char *there = et_test_path(state, "file");
	ET_CLEAN_MEM char *none = et_test_path(state, "none");
	const struct et_gateway_options rows[] = {
		{ .url = NOBODY, .token = "t", .ca_file = none },
		{ .url = NOBODY, .token = "t", .cert_file = none },
		{ .url = NOBODY, .token = "t", .cert_file = there, .key_file = none },
		{ .url = NOBODY, .token = "t", .key_file = there },
	};

	et_test_write(there, "x");
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err = { 0 };

		assert_code(ET_CONFIG, open_with(&rows[i], &err), &err);
		assert_words(&err, i < 3 ? none : "--gateway-cert");
	}
}

static void
without_devices_nobody_is_asked_and_nothing_is_there(void **state ET_UNUSED)
{
	static const char *const ids[] = { "6a1c9b5e-0d6b-4b4e-9d5e-2f3a4b5c6d7e", "no id" };
	ET_CLEAN(et_source) struct et_source *source = must_open(false);
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	ET_CLEAN(et_heads) struct et_heads *heads = NULL;
	const struct et_uuid device = { { 1 } };
	struct et_source_document row;
	struct et_source_head head;
	struct et_error err = { 0 };
	bool found[2] = { true, true };

	assert_true(et_source_is_partial(source));
	assert_false(et_source_shows(source, &device));
	assert_string_equal(et_source_address(source), NOBODY " (gRPC)");
	assert_ok(et_source_heads(source, "a", "b", true, &heads, &err), &err);
	assert_code(0, et_heads_next(heads, &head, &err), &err);
	assert_false(et_heads_index_only(heads));
	assert_ok(et_source_documents(source, ids, 2, &documents, &err), &err);
	assert_code(0, et_documents_next(documents, &row, &err), &err);
	et_documents_free(ET_STEAL(documents));
	assert_ok(et_source_all(source, &documents, &err), &err);
	assert_code(0, et_documents_next(documents, &row, &err), &err);
	assert_ok(et_source_devices(source, ids, 2, found, &err), &err);
	assert_false(found[0] || found[1]);
	assert_code(ET_GONE, et_source_owners(source, ids, 2, found, &err), &err);
}

static void
where_nobody_answers_it_is_unavailable(void **state ET_UNUSED)
{
	for (unsigned http = 0; http < 2; http++) {
		ET_CLEAN(et_source) struct et_source *source = must_open(http != 0);
		ET_CLEAN(et_documents) struct et_documents *documents = NULL;
		const struct et_uuid device = { { 1 } };
		const char *id = "6a1c9b5e-0d6b-4b4e-9d5e-2f3a4b5c6d7e";
		struct et_heads *heads = NULL;
		struct et_source_facts facts;
		struct et_source_document row;
		struct et_error err = { 0 };
		bool found = false;

		assert_code(ET_UNAVAILABLE, et_source_probe(source, &facts, &err), &err);
		assert_words(&err, NOBODY);
		assert_true(err.hint[0] != '\0');
		assert_null(strstr(err.text, "t0ken"));
		et_source_tell_devices(source, &device, 1);
		assert_code(ET_UNAVAILABLE,
			    et_source_heads(source, NULL, NULL, false, &heads, &err), &err);
		assert_words(&err, "device 01000000-");
		assert_null(heads);
		assert_code(ET_UNAVAILABLE, et_source_documents(source, &id, 1, &documents, &err),
			    &err);
		assert_code(ET_UNAVAILABLE, et_source_devices(source, &id, 1, &found, &err), &err);
		assert_ok(et_source_all(source, &documents, &err), &err);
		assert_code(ET_UNAVAILABLE, et_documents_next(documents, &row, &err), &err);
		assert_false(et_source_shows(source, &device));
	}
}

static void
a_signal_ends_the_asking(void **state ET_UNUSED)
{
	ET_CLEAN(et_source) struct et_source *source = must_open(false);
	const struct et_uuid devices[] = { { { 2 } }, { { 1 } } };
	struct et_source_facts facts;
	struct et_heads *heads = NULL;
	struct et_error err = { 0 };

	et_source_tell_devices(source, devices, 2);
	et_cancel_set(true);
	assert_code(ET_CANCELED, et_source_probe(source, &facts, &err), &err);
	assert_code(ET_CANCELED, et_source_heads(source, NULL, NULL, false, &heads, &err), &err);
	et_cancel_set(false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_one_of_https_and_nothing_more),
		cmocka_unit_test(a_token_fits_into_one_header),
		et_test_with_dir(files_that_cannot_be_read_are_named),
		cmocka_unit_test(without_devices_nobody_is_asked_and_nothing_is_there),
		cmocka_unit_test(where_nobody_answers_it_is_unavailable),
		cmocka_unit_test(a_signal_ends_the_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
