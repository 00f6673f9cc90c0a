// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/kind.h"
#include "samples.h"

static void
every_kind_is_found_by_its_name_in_any_letter_case(void **state ET_UNUSED)
{
	for (unsigned i = ET_KIND_UNKNOWN + 1; i < ET_KIND_COUNT; i++) {
		const struct et_kind_info *info = et_kind_info(i);
		char upper[64];

		assert_int_equal(info->name_bytes, strlen(info->name));
		assert_int_equal(et_kind_of(text_slice(info->name)), i);
		for (size_t k = 0; k <= info->name_bytes; k++)
			upper[k] = info->name[k] != '\0' ? (char)(info->name[k] - 0x20) : '\0';
		assert_int_equal(et_kind_of(text_slice(upper)), i);
	}
	assert_int_equal(et_kind_of(text_slice("ServiceMetadataSnapshotTaken")),
			 ET_KIND_SERVICE_SNAPSHOT);
}

static void
other_names_are_unknown(void **state ET_UNUSED)
{
	static const char *const names[] = {
		"",
		"unknown",
		"resourcechange",
		"resourcechangedx",
		"resourcechangeb",
		"resource\x03hanged",
	};

	for (size_t i = 0; i < ET_COUNT(names); i++)
		assert_int_equal(et_kind_of(text_slice(names[i])), ET_KIND_UNKNOWN);
	assert_int_equal(et_kind_of((struct et_slice){ 0 }), ET_KIND_UNKNOWN);
}

static void
a_number_out_of_range_is_the_unknown_kind(void **state ET_UNUSED)
{
	const struct et_kind_info *unknown = et_kind_info(ET_KIND_UNKNOWN);

	assert_ptr_equal(et_kind_info(ET_KIND_COUNT), unknown);
	assert_ptr_equal(et_kind_info(UINT32_MAX), unknown);
	assert_int_equal(unknown->metadata_field, 0);
}

static void
the_table_knows_the_rules_of_the_hub(void **state ET_UNUSED)
{
	static const unsigned withholdable[] = { ET_KIND_CREATE_PENDING, ET_KIND_UPDATE_PENDING,
						 ET_KIND_DELETE_PENDING };
	static const unsigned confirming[] = { ET_KIND_CREATED, ET_KIND_UPDATED, ET_KIND_DELETED };
	unsigned snapshots = 0;
	unsigned unpublished = 0;
	unsigned hidden = 0;
	unsigned answers = 0;

	for (unsigned i = 1; i < ET_KIND_COUNT; i++) {
		const struct et_kind_info *info = et_kind_info(i);

		assert_true(info->snapshot == (strstr(info->name, "snapshottaken") != NULL));
		assert_true(info->published == (strstr(info->name, "service") == NULL));
		assert_true((info->resource_field == 1) == (info->family == ET_FAMILY_RESOURCE));
		snapshots += info->snapshot;
		unpublished += !info->published;
		hidden += info->withholdable;
		answers += info->confirms;
	}
	assert_int_equal(snapshots, 4);
	assert_int_equal(unpublished, 2);
	assert_int_equal(hidden, ET_COUNT(withholdable));
	assert_int_equal(answers, ET_COUNT(confirming));
	for (size_t i = 0; i < ET_COUNT(withholdable); i++)
		assert_true(et_kind_info(withholdable[i])->withholdable);
	for (size_t i = 0; i < ET_COUNT(confirming); i++)
		assert_true(et_kind_info(confirming[i])->confirms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_found_by_its_name_in_any_letter_case),
		cmocka_unit_test(other_names_are_unknown),
		cmocka_unit_test(a_number_out_of_range_is_the_unknown_kind),
		cmocka_unit_test(the_table_knows_the_rules_of_the_hub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
