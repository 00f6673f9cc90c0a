// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "stream/nkey.h"

/* A pair made for this test and known to no server; a nats-server took another such pair. */
#define SEED "SUANQ5XUOYKPKTYRXH4QOAYHUEETMORKIK6XDWT27QF3DMSCGFXTQUTNLI"
#define PUBLIC "UABOELKCYTCFEIZJ6OLYBFJJII3GH4UNU5F2UOIXCWC3BSU2GAUFE5AW"

static void
the_public_key_follows_from_the_seed(void **state ET_UNUSED)
{
	char text[ET_NKEY_TEXT_BYTES];

	assert_true(et_nkey_public(SEED, text));
	assert_string_equal(text, PUBLIC);
}

static void
damaged_seeds_are_refused(void **state ET_UNUSED)
{
	char seed[] = SEED;
	char text[ET_NKEY_TEXT_BYTES] = "";

	seed[20] = seed[20] == 'A' ? 'B' : 'A';
	assert_false(et_nkey_public(seed, text));
	assert_false(et_nkey_public("", text));
	assert_false(et_nkey_public("SU", text));
	assert_false(et_nkey_public(PUBLIC "AA", text));
	assert_string_equal(text, "");
}

static void
a_seed_is_found_in_a_file_and_never_shown(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *path = et_format("%s/user.nk", dir);
	char text[ET_NKEY_TEXT_BYTES];
	struct et_error err;

	assert_ok(et_file_write(dir, "user.nk", "# SU\n" SEED "\n", strlen("# SU\n" SEED "\n"),
				true, &err),
		  &err);
	assert_ok(et_nkey_public_of_file(path, text, &err), &err);
	assert_string_equal(text, PUBLIC);
	assert_ok(et_file_write(dir, "user.nk", SEED, 40, true, &err), &err);
	assert_code(ET_CONFIG, et_nkey_public_of_file(path, text, &err), &err);
	assert_null(strstr(err.text, "SU"));
	assert_ok(et_file_write(dir, "user.nk", "", 0, true, &err), &err);
	assert_code(ET_CONFIG, et_nkey_public_of_file(path, text, &err), &err);
}

static void
a_missing_file_is_said(void **state ET_UNUSED)
{
	char text[ET_NKEY_TEXT_BYTES];
	struct et_error err;

	assert_true(et_nkey_public_of_file("/nonexistent/x.nk", text, &err) < 0);
	assert_words(&err, "/nonexistent/x.nk");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_key_follows_from_the_seed),
		cmocka_unit_test(damaged_seeds_are_refused),
		cmocka_unit_test_setup_teardown(a_seed_is_found_in_a_file_and_never_shown,
						et_test_dir_setup, et_test_dir_teardown),
		cmocka_unit_test(a_missing_file_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
