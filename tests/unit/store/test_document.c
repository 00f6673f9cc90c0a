// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "base/clock.h"
#include "store/document.h"
#include "store/driver.h"

#define DATA BCON_BIN(BSON_SUBTYPE_BINARY, (const uint8_t *)"snappy", 6)
#define EVENT(number)                                                                      \
	"{", "version", BCON_INT64(number), "data", DATA, "eventtype",                     \
		BCON_UTF8("resourcechanged"), "issnapshot", BCON_BOOL(false), "timestamp", \
		BCON_INT64(1000 + (number)), "}"

static struct et_document_scratch scratch;
static char words[ET_STORE_WORDS_BYTES];

/* Takes the BSON over; the parsed slices borrow from a copy that lives until the next call. */
static int
parse(bson_t *bson, struct et_document *ret)
{
	static uint8_t *kept;
	size_t size = bson->len;
	int r;

	free(kept);
	kept = et_memdup(bson_get_data(bson), size);
	bson_destroy(bson);
	r = et_document_parse(kept, size, ret, &scratch, words);
	/* Any cut is a malformed document, never a wrong read. */
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = et_memdup(kept, cut + 1);
		struct et_document_scratch other = { .events = NULL };
		struct et_document ignored;
		char more[ET_STORE_WORDS_BYTES];

		assert_int_equal(et_document_parse(copy, cut, &ignored, &other, more), ET_CORRUPT);
		et_document_scratch_done(&other);
		free(copy);
	}
	return r;
}

static void
a_document_is_read_by_name_in_any_order(void **state ET_UNUSED)
{
	struct et_document d;
	int r = parse(BCON_NEW("events", "[", EVENT(3), EVENT(4), "]", "isactive", BCON_BOOL(true),
			       "types", "[", BCON_UTF8("oic.r.switch"), "]", "latestetag",
			       BCON_NULL, "latestversion", BCON_INT64(4), "unheard_of",
			       BCON_INT32(1), "aggregateid", BCON_UTF8("a-1"), "latesttimestamp",
			       BCON_INT64(99), "groupid", BCON_UTF8("dev-1"), "_id",
			       BCON_UTF8("a-1.3"), "firstversion", BCON_INT64(3)),
		      &d);

	assert_int_equal(r, 0);
	assert_true(et_slice_equals(d.aggregate_id, "a-1") && et_slice_equals(d.group_id, "dev-1"));
	assert_true(d.first_version == 3 && d.latest_version == 4 && d.latest_timestamp_ns == 99);
	assert_true(d.is_active && !d.ghost && d.event_count == 2);
	assert_true(d.events[1].version == 4 && d.events[1].timestamp_ns == 1004);
	assert_int_equal(d.events[1].kind, ET_KIND_RESOURCE_CHANGED);
	assert_true(et_slice_equals(d.events[0].data, "snappy"));
	assert_false(d.events[0].is_snapshot);
}

static void
whole_numbers_come_in_three_types(void **state ET_UNUSED)
{
	struct et_document d;
	int r = parse(BCON_NEW("aggregateid", BCON_UTF8("a"), "groupid", BCON_UTF8("g"),
			       "firstversion", BCON_INT32(1), "latestversion", BCON_DOUBLE(7.0),
			       "latesttimestamp", BCON_INT32(-5)),
		      &d);

	assert_int_equal(r, 0);
	assert_true(d.first_version == 1 && d.latest_version == 7 && d.latest_timestamp_ns == -5);
	assert_int_equal(d.event_count, 0);
}

static void
a_lost_race_leaves_a_ghost(void **state ET_UNUSED)
{
	struct et_document d;
	bson_oid_t oid;
	int r;

	bson_oid_init(&oid, NULL);
	r = parse(BCON_NEW("_id", BCON_OID(&oid), "aggregateid", BCON_UTF8("a"), "latestversion",
			   BCON_INT64(7), "isactive", BCON_BOOL(true)),
		  &d);
	assert_int_equal(r, 0);
	assert_true(d.ghost && d.latest_version == 7 && d.group_id.size == 0);
	assert_true(d.latest_timestamp_ns == ET_TIME_NONE);
}

static void
without_first_version_the_first_event_tells(void **state ET_UNUSED)
{
	struct et_document d;

	assert_int_equal(parse(BCON_NEW("aggregateid", BCON_UTF8("a"), "groupid", BCON_UTF8("g"),
					"latestversion", BCON_INT64(4), "events", "[", EVENT(3),
					EVENT(4), "]"),
			       &d),
			 0);
	assert_int_equal(d.first_version, 3);
	assert_int_equal(parse(BCON_NEW("aggregateid", BCON_UTF8("a"), "groupid", BCON_UTF8("g"),
					"latestversion", BCON_INT64(4)),
			       &d),
			 0);
	assert_int_equal(d.first_version, 4);
}

#define IDS "aggregateid", BCON_UTF8("a"), "groupid", BCON_UTF8("g")
#define VERSIONS "firstversion", BCON_INT64(0), "latestversion", BCON_INT64(1)

static void
malformed_documents_have_words_and_their_ids(void **state ET_UNUSED)
{
	const struct {
		bson_t *bson;
		const char *words;
		bool ids;
	} rows[] = {
		{ BCON_NEW("groupid", BCON_UTF8("g"), VERSIONS), "'aggregateid' is missing",
		  false },
		{ BCON_NEW("aggregateid", BCON_UTF8(""), "groupid", BCON_UTF8("g"), VERSIONS),
		  "'aggregateid'", false },
		{ BCON_NEW("aggregateid", BCON_INT32(5), VERSIONS), "'aggregateid' has a type",
		  false },
		{ BCON_NEW("aggregateid", BCON_UTF8("a"), VERSIONS), "'groupid' is missing",
		  false },
		{ BCON_NEW(IDS, "firstversion", BCON_INT64(0)), "'latestversion' is missing",
		  true },
		{ BCON_NEW(IDS, "latestversion", BCON_NULL), "'latestversion' is missing", true },
		{ BCON_NEW("latestversion", BCON_UTF8("1"), IDS), "'latestversion'", true },
		{ BCON_NEW("latestversion", BCON_INT64(-1), IDS), "'latestversion'", true },
		{ BCON_NEW("latestversion", BCON_DOUBLE(1.5), IDS), "'latestversion'", true },
		{ BCON_NEW("latestversion", BCON_DOUBLE(1e300), IDS), "'latestversion'", true },
		{ BCON_NEW("latestversion", BCON_DOUBLE(0.0 / 0.0), IDS), "'latestversion'", true },
		{ BCON_NEW(IDS, "firstversion", BCON_INT64(5), "latestversion", BCON_INT64(4)),
		  "above", true },
		{ BCON_NEW("isactive", BCON_INT32(1), IDS, VERSIONS), "'isactive'", true },
		{ BCON_NEW("events", BCON_UTF8("none"), IDS, VERSIONS), "'events'", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", EVENT(0), BCON_INT32(1), "]"),
		  "event 1 is no document", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "version", BCON_INT64(1), "}", "]"),
		  "event 0 lacks", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "data", BCON_UTF8("x"), "}", "]"),
		  "'data'", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "version", BCON_BOOL(true), "}", "]"),
		  "'version'", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "issnapshot", BCON_INT32(1), "}",
			   "]"),
		  "'issnapshot'", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "timestamp", BCON_UTF8("1"), "}",
			   "]"),
		  "'timestamp'", true },
		{ BCON_NEW(IDS, VERSIONS, "events", "[", "{", "eventtype", BCON_INT32(1), "}", "]"),
		  "'eventtype'", true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_document d;

		assert_int_equal(parse(rows[i].bson, &d), ET_CORRUPT);
		if (strstr(words, rows[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", rows[i].words, words);
		assert_int_equal(d.event_count, 0);
		if (rows[i].ids)
			assert_true(et_slice_equals(d.aggregate_id, "a") &&
				    et_slice_equals(d.group_id, "g"));
	}
}

static void
an_id_with_a_nul_is_none(void **state ET_UNUSED)
{
	struct et_document d;
	bson_t *bson = BCON_NEW("groupid", BCON_UTF8("g"), VERSIONS);

	assert_true(bson_append_utf8(bson, "aggregateid", -1, "a\0b", 3));
	assert_int_equal(parse(bson, &d), ET_CORRUPT);
	assert_int_equal(d.aggregate_id.size, 0);
}

static void
damage_inside_is_noticed(void **state ET_UNUSED)
{
	bson_t *bson = BCON_NEW(IDS, VERSIONS, "events", "[", EVENT(0), EVENT(1), "]");
	size_t size = bson->len;
	uint8_t *bytes = et_memdup(bson_get_data(bson), size);
	struct et_document d;

	bson_destroy(bson);
	/* Whatever one flipped byte does: no crash, and slices inside the bytes. */
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0xFF;
		if (et_document_parse(bytes, size, &d, &scratch, words) == 0) {
			for (size_t k = 0; k < d.event_count; k++)
				assert_true(d.events[k].data.data >= bytes &&
					    d.events[k].data.data + d.events[k].data.size <=
						    bytes + size);
		} else {
			assert_true(words[0] != '\0');
		}
		bytes[i] ^= 0xFF;
	}
	free(bytes);
}

static int
head(bson_t *bson, struct et_headrow *row)
{
	int r = et_headrow_parse(bson_get_data(bson), bson->len, row, words);

	row->aggregate_id.data = NULL;
	bson_destroy(bson);
	return r;
}

static void
rows_of_a_scan_are_read(void **state ET_UNUSED)
{
	struct et_headrow row;

	assert_int_equal(
		head(BCON_NEW("aggregateid", BCON_UTF8("ab"), "latestversion", BCON_INT64(3)),
		     &row),
		0);
	assert_true(row.aggregate_id.size == 2 && row.has_latest && row.latest_version == 3 &&
		    !row.has_first);
	assert_int_equal(
		head(BCON_NEW("firstversion", BCON_NULL, "aggregateid", BCON_UTF8("ab")), &row), 0);
	assert_true(!row.has_latest && !row.has_first);
	assert_int_equal(head(BCON_NEW("firstversion", BCON_INT32(0), "latestversion",
				       BCON_INT32(1), "aggregateid", BCON_UTF8("ab")),
			      &row),
			 0);
	assert_true(row.has_latest && row.has_first && row.first_version == 0);
	assert_int_equal(head(BCON_NEW("latestversion", BCON_INT32(1)), &row), ET_CORRUPT);
	assert_int_equal(head(BCON_NEW("aggregateid", BCON_NULL), &row), ET_CORRUPT);
	assert_int_equal(
		head(BCON_NEW("aggregateid", BCON_UTF8("a"), "latestversion", BCON_UTF8("1")),
		     &row),
		ET_CORRUPT);
	assert_non_null(strstr(words, "'latestversion'"));
	assert_int_equal(et_headrow_parse((const uint8_t *)"\5\0\0", 3, &row, words), ET_CORRUPT);
}

static void
one_text_can_be_asked_for(void **state ET_UNUSED)
{
	bson_t *bson = BCON_NEW("a", BCON_INT32(1), "b", BCON_UTF8("text"));
	struct et_slice text;

	assert_true(et_bson_text(bson_get_data(bson), bson->len, "b", &text));
	assert_true(et_slice_equals(text, "text"));
	assert_false(et_bson_text(bson_get_data(bson), bson->len, "a", &text));
	assert_false(et_bson_text(bson_get_data(bson), bson->len, "c", &text));
	bson_destroy(bson);
}

static int
free_scratch(void **state ET_UNUSED)
{
	et_document_scratch_done(&scratch);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_read_by_name_in_any_order),
		cmocka_unit_test(whole_numbers_come_in_three_types),
		cmocka_unit_test(a_lost_race_leaves_a_ghost),
		cmocka_unit_test(without_first_version_the_first_event_tells),
		cmocka_unit_test(malformed_documents_have_words_and_their_ids),
		cmocka_unit_test(an_id_with_a_nul_is_none),
		cmocka_unit_test(damage_inside_is_noticed),
		cmocka_unit_test(rows_of_a_scan_are_read),
		cmocka_unit_test(one_text_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, free_scratch);
}
