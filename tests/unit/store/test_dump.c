// SPDX-License-Identifier: Apache-2.0
/* The whole interface of a source, over a dump file. */
#include "et_test.h"

#include "store/driver.h"
#include "store/source.h"

static void
add(struct et_buf *file, bson_t *document)
{
	et_buf_put(file, bson_get_data(document), document->len);
	bson_destroy(document);
}

#define DOCUMENT(id, group, low, high)                                                      \
	BCON_NEW("groupid", BCON_UTF8(group), "aggregateid", BCON_UTF8(id), "firstversion", \
		 BCON_INT64(low), "latestversion", BCON_INT64(high))

static struct et_source *
open_dump(const char *dir, const struct et_buf *file)
{
	ET_CLEAN_MEM char *path = et_format("%s/devices_events.bson", dir);
	struct et_source *source = NULL;
	struct et_error err;

	assert_ok(et_file_write(dir, "devices_events.bson", file->data, file->size, true, &err),
		  &err);
	assert_ok(et_source_open_dump(path, &source, &err), &err);
	assert_string_equal(et_source_address(source), path);
	return source;
}

static struct et_source *
open_sample(const char *dir)
{
	struct et_source *source;
	struct et_buf file;

	et_buf_init(&file, 1u << 20);
	add(&file, DOCUMENT("c", "g2", 0, 5));
	add(&file, DOCUMENT("a", "g1", 4, 7));
	add(&file, BCON_NEW("hostile", BCON_INT32(1)));
	add(&file, DOCUMENT("b", "g1", 1, 1));
	add(&file, DOCUMENT("a", "g1", 0, 3));
	source = open_dump(dir, &file);
	et_buf_done(&file);
	return source;
}

static unsigned
count_heads(struct et_source *source, const char *after, const char *until, unsigned *ret_malformed)
{
	ET_CLEAN(et_heads) struct et_heads *heads = NULL;
	struct et_source_head row;
	struct et_error err;
	unsigned count = 0;
	int r;

	*ret_malformed = 0;
	assert_ok(et_source_heads(source, after, until, true, &heads, &err), &err);
	assert_false(et_heads_index_only(heads));
	while ((r = et_heads_next(heads, &row, &err)) > 0) {
		if (row.malformed)
			(*ret_malformed)++;
		else
			count++;
		if (!row.malformed && et_slice_equals(row.head.aggregate_id, "a"))
			assert_true(row.head.first_version == 0 && row.head.latest_version == 7 &&
				    row.documents == 2);
	}
	assert_ok(r, &err);
	return count;
}

static void
heads_come_in_order_and_in_ranges(void **state)
{
	ET_CLEAN(et_source) struct et_source *source = open_sample(*state);
	struct et_source_facts facts;
	struct et_error err;
	unsigned malformed;

	assert_ok(et_source_probe(source, &facts, &err), &err);
	assert_true(facts.exists && facts.documents == 5 && !facts.has_owners && !facts.secondary);
	assert_int_equal(count_heads(source, NULL, NULL, &malformed), 3);
	assert_int_equal(malformed, 1);
	assert_int_equal(count_heads(source, "a", NULL, &malformed), 2);
	assert_int_equal(count_heads(source, "a", "b", &malformed), 1);
	assert_int_equal(count_heads(source, NULL, "b", &malformed), 2);
	assert_int_equal(malformed, 0);
	assert_int_equal(count_heads(source, "b", "a", &malformed), 0);
	assert_int_equal(count_heads(source, "x", NULL, &malformed), 0);
}

static void
documents_and_devices_are_found(void **state)
{
	ET_CLEAN(et_source) struct et_source *source = open_sample(*state);
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	ET_CLEAN(et_documents) struct et_documents *all = NULL;
	ET_CLEAN(et_documents) struct et_documents *none = NULL;
	const char *ids[] = { "nope", "a", "c" };
	const char *devices[] = { "g1", "g3", "g2" };
	bool found[3] = { false, true, false };
	struct et_source_document row;
	struct et_error err;
	unsigned count = 0;

	assert_ok(et_source_documents(source, ids, 3, &documents, &err), &err);
	while (et_documents_next(documents, &row, &err) > 0) {
		assert_false(row.malformed);
		count++;
	}
	assert_int_equal(count, 3);
	assert_ok(et_source_all(source, &all, &err), &err);
	for (count = 0; et_documents_next(all, &row, &err) > 0; count++) {
		assert_true(row.malformed == (row.document.aggregate_id.size == 0));
		/* The whole document: BSON begins with its length and ends in a zero. */
		assert_true(row.raw.size > 4 && row.raw.data[0] == row.raw.size &&
			    row.raw.data[row.raw.size - 1] == 0);
	}
	assert_int_equal(count, 5);
	assert_ok(et_source_documents(source, ids, 0, &none, &err), &err);
	assert_int_equal(et_documents_next(none, &row, &err), 0);
	assert_ok(et_source_devices(source, devices, 3, found, &err), &err);
	assert_true(found[0] && !found[1] && found[2]);
	assert_code(ET_GONE, et_source_owners(source, devices, 3, found, &err), &err);
	assert_code(ET_LIMIT,
		    et_source_devices(source, devices, ET_SOURCE_IDS_MAX + 1, found, &err), &err);
}

static void
an_empty_file_is_an_empty_store(void **state)
{
	struct et_buf file = { .data = (uint8_t[]){ 0 } };
	ET_CLEAN(et_source) struct et_source *source = open_dump(*state, &file);
	const char *devices[] = { "g1" };
	bool found[1] = { true };
	unsigned malformed;

	assert_int_equal(count_heads(source, NULL, NULL, &malformed), 0);
	assert_ok(et_source_devices(source, devices, 1, found, NULL), NULL);
	assert_false(found[0]);
}

static void
what_is_no_dump_is_refused(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *path = et_format("%s/x.bson", dir);
	static const char *const contents[] = {
		"abc", "\5\0\0\0", "\4\0\0\0", "\377\377\377\177", "\5\0\0\0\0\6\0\0\0\0",
	};
	static const size_t sizes[] = { 3, 4, 4, 4, 10 };
	struct et_source *source = NULL;
	struct et_error err;

	for (size_t i = 0; i < ET_COUNT(contents); i++) {
		assert_ok(et_file_write(dir, "x.bson", contents[i], sizes[i], true, &err), &err);
		assert_code(ET_GARBLED, et_source_open_dump(path, &source, &err), &err);
	}
	/* Documents of another collection. */
	assert_ok(et_file_write(dir, "x.bson", "\5\0\0\0\0\5\0\0\0\0", 10, true, &err), &err);
	assert_code(ET_GARBLED, et_source_open_dump(path, &source, &err), &err);
	assert_true(et_source_open_dump("/nonexistent.bson", &source, &err) < 0);
	assert_code(ET_USAGE, et_source_open_dump(dir, &source, &err), &err);
	assert_null(source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(heads_come_in_order_and_in_ranges,
						et_test_dir_setup, et_test_dir_teardown),
		cmocka_unit_test_setup_teardown(documents_and_devices_are_found, et_test_dir_setup,
						et_test_dir_teardown),
		cmocka_unit_test_setup_teardown(an_empty_file_is_an_empty_store, et_test_dir_setup,
						et_test_dir_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_dump_is_refused, et_test_dir_setup,
						et_test_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
