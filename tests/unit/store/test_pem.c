// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "store/conn.h"
#include "store/pem.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"
#define KEY "-----BEGIN PRIVATE KEY-----\nBB==\n-----END PRIVATE KEY-----\n"

static void
two_files_become_one_in_memory(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *cert = et_format("%s/tls.crt", dir);
	ET_CLEAN_MEM char *key = et_format("%s/tls.key", dir);
	ET_CLEAN_MEM char *text = NULL;
	ET_CLEAN_FD int fd = -1;
	char path[ET_PEM_PATH_BYTES];
	struct et_error err;
	size_t bytes;

	assert_ok(et_file_write(dir, "tls.crt", CERTIFICATE, strlen(CERTIFICATE), true, &err),
		  &err);
	assert_ok(et_file_write(dir, "tls.key", KEY, strlen(KEY), true, &err), &err);
	assert_ok(et_pem_join(cert, key, &fd, path, &err), &err);
	assert_ok(et_file_read(path, 4096, &text, &bytes, &err), &err);
	assert_string_equal(text, CERTIFICATE "\n" KEY "\n");
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void
one_file_may_hold_both(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *both = et_format("%s/both.pem", dir);
	ET_CLEAN_FD int fd = -1;
	char path[ET_PEM_PATH_BYTES];
	struct et_error err;

	assert_ok(et_file_write(dir, "both.pem", KEY CERTIFICATE, strlen(KEY CERTIFICATE), true,
				&err),
		  &err);
	assert_ok(et_pem_join(both, NULL, &fd, path, &err), &err);
}

static void
what_is_missing_is_named(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *cert = et_format("%s/tls.crt", dir);
	char path[ET_PEM_PATH_BYTES];
	struct et_error err;
	int fd = -1;

	assert_ok(et_file_write(dir, "tls.crt", CERTIFICATE, strlen(CERTIFICATE), true, &err),
		  &err);
	assert_code(ET_CONFIG, et_pem_join(cert, NULL, &fd, path, &err), &err);
	assert_words(&err, "key");
	assert_code(ET_CONFIG, et_pem_join(cert, cert, &fd, path, &err), &err);
	assert_words(&err, "no key in");
	assert_true(et_pem_join(cert, "/nonexistent.key", &fd, path, &err) < 0);
	assert_words(&err, "/nonexistent.key");
	assert_int_equal(fd, -1);
}

static void
addresses_show_no_secret(void **state ET_UNUSED)
{
	static const char *const rows[][2] = {
		{ "mongodb://h:27017/?replicaSet=rs0", "mongodb://h:27017/?replicaSet=rs0" },
		{ "mongodb://me:pw@h1,h2/db?tls=true", "mongodb://***@h1,h2/db?tls=true" },
		{ "mongodb://me:p@w@h", "mongodb://***@h" },
		{ "mongodb://me:p?w@h/?a=b", "mongodb://***@h/?a=b" },
		{ "mongodb://h/?tlsCertificateKeyFilePassword=x&a=b",
		  "mongodb://h/?tlsCertificateKeyFilePassword=***&a=b" },
		{ "mongodb://h/?a=b&authMechanismProperties=TOKEN:x",
		  "mongodb://h/?a=b&authMechanismProperties=***" },
		{ "", "" },
		{ "h", "h" },
	};
	struct et_buf out;

	et_buf_init(&out, 4096);
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		et_buf_reset(&out);
		et_store_redact(&out, rows[i][0]);
		assert_string_equal(et_buf_cstr(&out), rows[i][1]);
	}
	et_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_files_become_one_in_memory, et_test_dir_setup,
						et_test_dir_teardown),
		cmocka_unit_test_setup_teardown(one_file_may_hold_both, et_test_dir_setup,
						et_test_dir_teardown),
		cmocka_unit_test_setup_teardown(what_is_missing_is_named, et_test_dir_setup,
						et_test_dir_teardown),
		cmocka_unit_test(addresses_show_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
