// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/digest.h"

/* FIPS 180-2, appendix B. */
static const struct {
	const char *text;
	const char *hex;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
digests_are_those_of_the_standard(void **state ET_UNUSED)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();

	for (size_t i = 0; i < ET_COUNT(vectors); i++) {
		char hex[ET_SHA256_HEX_BYTES];
		struct et_sha256 digest;

		et_hasher_once(hasher, vectors[i].text, strlen(vectors[i].text), &digest);
		et_sha256_hex(&digest, hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

static void
a_million_bytes_in_uneven_pieces(void **state ET_UNUSED)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	char hex[ET_SHA256_HEX_BYTES];
	struct et_sha256 digest;
	char piece[1000];

	memset(piece, 'a', sizeof(piece));
	et_hasher_begin(hasher);
	for (size_t left = 1000000, next = 1; left > 0; next = next % 997 + 1) {
		size_t count = next < left ? next : left;

		et_hasher_add(hasher, piece, count);
		left -= count;
	}
	et_hasher_end(hasher, &digest);
	et_sha256_hex(&digest, hex);
	assert_string_equal(hex,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void
a_begin_forgets_an_unfinished_digest(void **state ET_UNUSED)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	char hex[ET_SHA256_HEX_BYTES];
	struct et_sha256 digest;

	et_hasher_begin(hasher);
	et_hasher_add(hasher, "junk", 4);
	et_hasher_once(hasher, "abc", 3, &digest);
	et_sha256_hex(&digest, hex);
	assert_string_equal(hex, vectors[1].hex);
}

static void
two_hashers_do_not_mix(void **state ET_UNUSED)
{
	ET_CLEAN(et_hasher) struct et_hasher *a = et_hasher_new();
	ET_CLEAN(et_hasher) struct et_hasher *b = et_hasher_new();
	struct et_sha256 a_digest;
	struct et_sha256 b_digest;

	et_hasher_begin(a);
	et_hasher_begin(b);
	et_hasher_add(a, "ab", 2);
	et_hasher_add(b, "abc", 3);
	et_hasher_add(a, "c", 1);
	et_hasher_end(a, &a_digest);
	et_hasher_end(b, &b_digest);
	assert_memory_equal(&a_digest, &b_digest, sizeof(a_digest));
	et_hasher_free(NULL);
}

static void
hex_round_trips(void **state ET_UNUSED)
{
	char hex[ET_SHA256_HEX_BYTES];
	struct et_sha256 digest;

	for (size_t i = 0; i < ET_COUNT(vectors); i++) {
		assert_true(et_sha256_parse(vectors[i].hex, &digest));
		et_sha256_hex(&digest, hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

static void
only_64_lower_case_digits_are_a_digest(void **state ET_UNUSED)
{
	const char *good = vectors[0].hex;
	struct et_sha256 digest = { { 77 } };
	char text[80];

	for (size_t at = 0; at < 64; at++) {
		static const char wrong[] = { '\0', 'A', 'g', '/', ':', '`', ' ' };

		for (size_t i = 0; i < ET_COUNT(wrong); i++) {
			memcpy(text, good, 65);
			text[at] = wrong[i];
			assert_false(et_sha256_parse(text, &digest));
		}
	}
	(void)snprintf(text, sizeof(text), "%s0", good);
	assert_false(et_sha256_parse(text, &digest));
	assert_int_equal(digest.bytes[0], 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(a_million_bytes_in_uneven_pieces),
		cmocka_unit_test(a_begin_forgets_an_unfinished_digest),
		cmocka_unit_test(two_hashers_do_not_mix),
		cmocka_unit_test(hex_round_trips),
		cmocka_unit_test(only_64_lower_case_digits_are_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
