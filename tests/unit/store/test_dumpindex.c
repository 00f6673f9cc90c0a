// SPDX-License-Identifier: Apache-2.0
/* The index of a dump: order, rows as the documents say them, devices once each. */
#include "et_test.h"

#include "store/document.h"
#include "store/driver.h"
#include "store/dumpindex.h"

#define UUID_1 "11111111-aaaa-4bbb-8ccc-000000000001"
#define UUID_2 "11111111-aaaa-4bbb-8ccc-000000000002"
#define UUID_F "ffffffff-ffff-ffff-ffff-ffffffffffff"

static void
add(struct et_dumpindex *index, uint64_t offset, bson_t *document)
{
	et_dumpindex_add(index, offset,
			 (struct et_slice){ bson_get_data(document), document->len });
	bson_destroy(document);
}

static uint64_t
offset_at(const struct et_dumpindex *index, size_t at)
{
	uint64_t offset;
	uint32_t bytes;

	et_dumpindex_place(index, at, &offset, &bytes);
	assert_true(bytes > 4);
	return offset;
}

static void
canonical_ids_and_others_come_in_the_order_of_their_texts(void **state ET_UNUSED)
{
	/* Capital letters sort below small ones; what is longer, behind what it begins with. */
	static const char *const ids[] = {
		UUID_F, UUID_1, "zz",   UUID_1 "x", "11111111-AAAA-4bbb-8ccc-000000000002",
		UUID_2, "",     UUID_1, "1",
	};
	static const uint64_t wanted[] = { 6, 8, 4, 1, 7, 3, 5, 0, 2 };
	ET_CLEAN(et_dumpindex) struct et_dumpindex *index = et_dumpindex_new();

	for (size_t i = 0; i < ET_COUNT(ids); i++)
		add(index, i, BCON_NEW("aggregateid", BCON_UTF8(ids[i])));
	assert_true(et_dumpindex_end(index));
	assert_int_equal(et_dumpindex_count(index), ET_COUNT(ids));
	for (size_t i = 0; i < ET_COUNT(wanted); i++)
		assert_int_equal(offset_at(index, i), wanted[i]);
	assert_int_equal(et_dumpindex_find(index, "", false), 0);
	assert_int_equal(et_dumpindex_find(index, "", true), 1);
	assert_int_equal(et_dumpindex_find(index, UUID_1, false), 3);
	assert_int_equal(et_dumpindex_find(index, UUID_1, true), 5);
	assert_int_equal(et_dumpindex_find(index, UUID_1 "x", false), 5);
	assert_int_equal(et_dumpindex_find(index, UUID_F, true), 8);
	assert_int_equal(et_dumpindex_find(index, "zz", false), 8);
	assert_int_equal(et_dumpindex_find(index, "zzz", false), 9);
}

/* A row says the same as its document; or that it is odd, and then whoever asks reads that. */
static void
a_row_says_what_its_document_says(void **state ET_UNUSED)
{
	const int64_t edge = UINT32_MAX;
	struct {
		bson_t *document;
		bool odd;
	} rows[] = {
		{ BCON_NEW("aggregateid", BCON_UTF8(UUID_1), "firstversion", BCON_INT64(3),
			   "latestversion", BCON_INT64(7)),
		  false },
		{ BCON_NEW("latestversion", BCON_INT32(7), "aggregateid", BCON_UTF8(UUID_1)),
		  false },
		{ BCON_NEW("aggregateid", BCON_UTF8("x"), "firstversion", BCON_NULL), false },
		{ BCON_NEW("aggregateid", BCON_UTF8(UUID_1), "latestversion", BCON_INT64(edge - 1)),
		  false },
		{ BCON_NEW("aggregateid", BCON_UTF8(UUID_1), "latestversion", BCON_INT64(edge)),
		  true },
		{ BCON_NEW("aggregateid", BCON_UTF8(UUID_1), "firstversion", BCON_INT64(edge)),
		  true },
		{ BCON_NEW("aggregateid", BCON_UTF8(UUID_1), "latestversion", BCON_INT64(-1)),
		  true },
		{ BCON_NEW("aggregateid", BCON_INT32(1), "latestversion", BCON_INT64(1)), true },
		{ BCON_NEW("latestversion", BCON_INT64(1)), true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN(et_dumpindex) struct et_dumpindex *index = et_dumpindex_new();
		const uint8_t *data = bson_get_data(rows[i].document);
		struct et_slice document = { data, rows[i].document->len };
		char words[ET_STORE_WORDS_BYTES];
		struct et_headrow wanted;
		struct et_headrow got;
		struct et_buf buf;

		et_buf_init(&buf, 4096);
		et_dumpindex_add(index, 0, document);
		(void)et_dumpindex_end(index);
		assert_true(et_dumpindex_row(index, 0, &buf) != rows[i].odd);
		if (!rows[i].odd) {
			assert_int_equal(et_headrow_parse(data, document.size, &wanted, words), 0);
			assert_int_equal(et_headrow_parse(buf.data, buf.size, &got, words), 0);
			assert_true(got.has_latest == wanted.has_latest &&
				    got.has_first == wanted.has_first &&
				    got.latest_version == wanted.latest_version &&
				    got.first_version == wanted.first_version);
			assert_int_equal(got.aggregate_id.size, wanted.aggregate_id.size);
			assert_memory_equal(got.aggregate_id.data, wanted.aggregate_id.data,
					    got.aggregate_id.size);
		}
		et_buf_done(&buf);
		bson_destroy(rows[i].document);
	}
}

static void
a_damaged_document_keeps_the_id_that_can_be_read(void **state ET_UNUSED)
{
	ET_CLEAN(et_dumpindex) struct et_dumpindex *index = et_dumpindex_new();

	add(index, 0, BCON_NEW("aggregateid", BCON_UTF8(UUID_2), "latestversion", BCON_UTF8("?")));
	assert_true(et_dumpindex_end(index));
	assert_int_equal(et_dumpindex_find(index, UUID_2, false), 0);
	assert_int_equal(et_dumpindex_find(index, UUID_2, true), 1);
}

/* More than there is room for at first, and the same ones again and again, near and far. */
static void
devices_are_found_however_often_they_come(void **state ET_UNUSED)
{
	ET_CLEAN(et_dumpindex) struct et_dumpindex *index = et_dumpindex_new();
	char id[64];

	for (unsigned i = 0; i < 20000; i++) {
		unsigned number = i < 4000 ? i % 100 : i % 5000;

		(void)snprintf(id, sizeof(id),
			       i % 3 > 0 ? "00000000-0000-4000-8000-%012x" : "device %x", number);
		add(index, i, BCON_NEW("groupid", BCON_UTF8(id)));
	}
	assert_false(et_dumpindex_end(index));
	for (unsigned number = 0; number < 6000; number++) {
		(void)snprintf(id, sizeof(id), "device %x", number);
		assert_true(et_dumpindex_has_device(index, id) == (number < 5000));
		(void)snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012x", number);
		assert_true(et_dumpindex_has_device(index, id) == (number < 5000));
	}
	assert_false(et_dumpindex_has_device(index, ""));
}

static void
without_documents_nothing_is_found(void **state ET_UNUSED)
{
	ET_CLEAN(et_dumpindex) struct et_dumpindex *index = et_dumpindex_new();

	assert_false(et_dumpindex_end(index));
	assert_int_equal(et_dumpindex_count(index), 0);
	assert_int_equal(et_dumpindex_find(index, UUID_1, false), 0);
	assert_false(et_dumpindex_has_device(index, UUID_1));
	et_dumpindex_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_ids_and_others_come_in_the_order_of_their_texts),
		cmocka_unit_test(a_row_says_what_its_document_says),
		cmocka_unit_test(a_damaged_document_keeps_the_id_that_can_be_read),
		cmocka_unit_test(devices_are_found_however_often_they_come),
		cmocka_unit_test(without_documents_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
