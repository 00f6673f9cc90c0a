// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/ident.h"
#include "samples.h"

static const char *
text_of(struct et_uuid uuid)
{
	static char text[ET_UUID_TEXT_BYTES];

	et_uuid_format(&uuid, text);
	return text;
}

static void
an_owner_is_kept_as_written_or_named(void **state ET_UNUSED)
{
	/* Kept: whatever Go's uuid.Parse (google/uuid 1.6.0) takes. Named: Python's uuid.uuid5. */
	static const struct {
		const char *claim;
		const char *owner; /* NULL: as written */
	} cases[] = {
		{ "145935bc-7155-43c7-a764-90c3e0aa0b6a", NULL },
		{ "145935BC-7155-43C7-A764-90C3E0AA0B6A", NULL },
		{ "145935bc715543c7a76490c3e0aa0b6a", NULL },
		{ "urn:uuid:145935bc-7155-43c7-a764-90c3e0aa0b6a", NULL },
		{ "URN:uuid:145935bc-7155-43c7-a764-90c3e0aa0b6A", NULL },
		{ "{145935bc-7155-43c7-a764-90c3e0aa0b6a}", NULL },
		{ "(145935bc-7155-43c7-a764-90c3e0aa0b6a)", NULL },
		{ "1", "b80c8fef-a677-5340-85fb-2c162d75df03" },
		{ "", "1b4db7eb-4057-5ddf-91e0-36dec72071f5" },
		{ "not a uuid", "27adbbd5-52b8-5654-aaae-03f7f54959f1" },
		{ "žluťoučký", "4ef51b4d-66b5-533f-8396-cde7d4660e82" },
		{ "00000000-0000-0000-0000-000000000000", "65171a0a-d3d6-5e08-af78-824e18d8e85f" },
		{ "145935bc-7155-43c7-a764-90c3e0aa0b6", "6b69a316-33ae-5604-86a1-b54545c3ebd9" },
		{ "145935bc_7155-43c7-a764-90c3e0aa0b6a", "6710ea17-8a22-5032-9a6f-f2ed0c1d7556" },
		{ "145935bc-7155-43c7-a764-90c3e0aa0b6g", "c3e8bb43-886e-583e-ab2c-a399268efc2b" },
		{ "145935bc715543c7a76490c3e0aa0b6-", "4e0e1aa0-8672-5cf9-9e70-6f4c43287b12" },
		{ "urn-uuid:145935bc-7155-43c7-a764-90c3e0aa0b6a",
		  "14b9100d-8f2e-5537-b8ed-c9b4a5c800ac" },
		{ "00000000000000000000000000000000", "e987ac9a-40a6-5111-a5e6-3389c9591dfe" },
		{ "{00000000-0000-0000-0000-000000000000}",
		  "a0bb1a8e-b616-544b-a541-8673ed4a95e4" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		const char *owner = cases[i].owner != NULL ? cases[i].owner : cases[i].claim;
		struct et_buf out;

		et_buf_init(&out, 1000);
		et_ident_owner(&out, text_slice(cases[i].claim));
		assert_string_equal(et_buf_cstr(&out), owner);
		et_buf_done(&out);
	}
}

static void
an_href_is_named(void **state ET_UNUSED)
{
	assert_string_equal(text_of(et_ident_href(text_slice(ET_HREF_LINKS))),
			    "8795ea2e-d3e4-56df-9ab1-263335d85356");
	assert_string_equal(text_of(et_ident_href(text_slice("/light/1"))),
			    "78baefb2-dcdc-50c3-bb55-5ff4c5e4c8b2");
}

static void
an_aggregate_is_named_by_device_and_href(void **state ET_UNUSED)
{
	const struct et_slice device = text_slice("c26e0765-3c4b-493a-9ff7-cf95f416df18");

	assert_string_equal(text_of(et_ident_aggregate(device, text_slice(ET_HREF_METADATA))),
			    "caf94169-684d-5207-8186-a3d6b2b7d8c5");
	assert_string_equal(text_of(et_ident_aggregate(text_slice("not a "), text_slice("uuid"))),
			    "27adbbd5-52b8-5654-aaae-03f7f54959f1");
	assert_string_equal(text_of(et_ident_aggregate(text_slice(""), text_slice(""))),
			    "1b4db7eb-4057-5ddf-91e0-36dec72071f5");
}

static void
only_a_canonical_uuid_is_its_own_key(void **state ET_UNUSED)
{
	bool named = true;

	assert_string_equal(
		text_of(et_ident_key(text_slice("145935bc-7155-43c7-a764-90c3e0aa0b6a"), &named)),
		"145935bc-7155-43c7-a764-90c3e0aa0b6a");
	assert_false(named);
	assert_string_equal(
		text_of(et_ident_key(text_slice("145935BC-7155-43C7-A764-90C3E0AA0B6A"), &named)),
		"41fe1ff5-240a-5488-9db5-af7912d18fb9");
	assert_true(named);
	assert_string_equal(text_of(et_ident_key(text_slice("1"), NULL)),
			    "b80c8fef-a677-5340-85fb-2c162d75df03");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_is_kept_as_written_or_named),
		cmocka_unit_test(an_href_is_named),
		cmocka_unit_test(an_aggregate_is_named_by_device_and_href),
		cmocka_unit_test(only_a_canonical_uuid_is_its_own_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
