// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/uuid5.h"

static void
names_give_the_uuids_of_python(void **state ET_UNUSED)
{
	/* python3: uuid.uuid5(uuid.NAMESPACE_URL, name) */
	static const struct {
		const char *name;
		const char *uuid;
	} rows[] = {
		{ "", "1b4db7eb-4057-5ddf-91e0-36dec72071f5" },
		{ "a", "e1407479-3136-56c0-9908-bb02fb0339e2" },
		{ "https://example.com/", "dd2c1780-811a-5296-81c5-178a0ef488bc" },
		{ "9f1c-owner", "82e691e4-c331-5a11-a9f1-617fb7e9b415" },
		{ "/oic/d", "7cd3e969-b4f7-5130-bc74-51ca4b70fe9f" },
		{ "\xc3\xa4\xc3\xb6", "0a56b45c-7794-5800-957d-969e9513bf6b" },
	};
	char text[ET_UUID_TEXT_BYTES];
	struct et_uuid uuid;

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		uuid = et_uuid_v5_url(rows[i].name, strlen(rows[i].name));
		et_uuid_format(&uuid, text);
		assert_string_equal(text, rows[i].uuid);
	}
	uuid = et_uuid_v5_url(NULL, 0);
	et_uuid_format(&uuid, text);
	assert_string_equal(text, rows[0].uuid);
}

static void
a_long_name_counts_to_its_last_byte(void **state ET_UNUSED)
{
	char name[1000];
	char text[ET_UUID_TEXT_BYTES];
	struct et_uuid uuid;

	memset(name, 'x', sizeof(name));
	uuid = et_uuid_v5_url(name, sizeof(name));
	et_uuid_format(&uuid, text);
	assert_string_equal(text, "68491f23-75a7-557d-943b-00881c13ae1e");
}

static void
canonical_text_round_trips(void **state ET_UNUSED)
{
	const char want[] = "0123abcd-4567-89ef-fedc-ba9876543210";
	char text[ET_UUID_TEXT_BYTES];
	struct et_uuid uuid;

	assert_true(et_uuid_parse_canonical(want, 36, &uuid));
	assert_int_equal(uuid.bytes[0], 0x01);
	assert_int_equal(uuid.bytes[15], 0x10);
	et_uuid_format(&uuid, text);
	assert_string_equal(text, want);
}

static void
only_the_canonical_form_is_read(void **state ET_UNUSED)
{
	static const char *const rows[] = {
		"",
		"0123abcd",
		"0123ABCD-4567-89ef-fedc-ba9876543210",
		"0123abcd-4567-89ef-fedc-ba987654321",
		"0123abcd-4567-89ef-fedc-ba98765432100",
		"0123abcd-4567-89ef-fedc-ba987654321g",
		"0123abcd-4567-89ef-fedc-ba98765432 0",
		"0123abcd-4567-89ef-fedcfba9876543210",
		"0123abcd04567-89ef-fedc-ba9876543210",
		"0123abcd-45-7-89ef-fedc-ba9876543210",
		"0123abcd-4567-89ef-fedc-ba98765432:0",
		"{123abcd-4567-89ef-fedc-ba987654321}",
		"0123abcd456789effedcba98765432100000",
	};
	struct et_uuid uuid = { { 77 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_false(et_uuid_parse_canonical(rows[i], strlen(rows[i]), &uuid));
	assert_int_equal(uuid.bytes[0], 77);
}

static void
uuids_sort_like_their_texts(void **state ET_UNUSED)
{
	struct et_uuid a = et_uuid_v5_url("a", 1);
	char a_text[ET_UUID_TEXT_BYTES];

	et_uuid_format(&a, a_text);
	for (char c = 'b'; c <= 'z'; c++) {
		struct et_uuid b = et_uuid_v5_url(&c, 1);
		char b_text[ET_UUID_TEXT_BYTES];

		et_uuid_format(&b, b_text);
		assert_true((et_uuid_compare(&a, &b) < 0) == (strcmp(a_text, b_text) < 0));
	}
	assert_int_equal(et_uuid_compare(&a, &a), 0);
	/* whatever stands behind the first byte that differs */
	for (size_t i = 0; i < sizeof(a.bytes); i++) {
		struct et_uuid low = a;
		struct et_uuid high = a;

		memset(low.bytes + i, 0xff, sizeof(low.bytes) - i);
		memset(high.bytes + i, 0, sizeof(high.bytes) - i);
		low.bytes[i] = 0x7f;
		high.bytes[i] = 0x80;
		assert_true(et_uuid_compare(&low, &high) < 0);
		assert_true(et_uuid_compare(&high, &low) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_give_the_uuids_of_python),
		cmocka_unit_test(a_long_name_counts_to_its_last_byte),
		cmocka_unit_test(canonical_text_round_trips),
		cmocka_unit_test(only_the_canonical_form_is_read),
		cmocka_unit_test(uuids_sort_like_their_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
