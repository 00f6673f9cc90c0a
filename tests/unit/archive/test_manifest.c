// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "archive/format.h"
#include "archive/manifest.h"

static void
add_frame(struct et_manifest *manifest, enum et_frame_kind kind, uint64_t raw, uint64_t first,
	  uint64_t last)
{
	struct et_frame_entry entry = { .kind = kind, .packed_bytes = 50, .raw_bytes = raw };

	if (manifest->frame_count > 0)
		entry.offset = manifest->frames[manifest->frame_count - 1].offset + 50;
	entry.sha256.bytes[0] = (uint8_t)manifest->frame_count;
	if (kind == ET_FRAME_RECORDS) {
		entry.first_seq = first;
		entry.last_seq = last;
		entry.count = 2;
		entry.first_time_ns = -5;
		entry.last_time_ns = INT64_C(1764039425696783913);
	} else if (kind == ET_FRAME_INDEX) {
		entry.count = 3;
		entry.first_key.device.bytes[0] = 7;
		entry.last_key = entry.first_key;
		entry.last_key.version = UINT64_MAX;
	}
	et_manifest_add_frame(manifest, &entry);
}

static struct et_manifest *
make(void)
{
	struct et_manifest *manifest = et_manifest_new();
	struct et_statement *st = &manifest->statement;

	st->stream = et_strdup("EVENTS");
	st->identity = et_strdup("20261125T025705.696783913Z.2");
	st->first_seq = 10;
	st->last_seq = UINT64_C(1) << 60;
	st->counts = (struct et_archive_counts){ 2, 1, 1, 0, 0, 3 };
	st->first_time_ns = -5;
	st->last_time_ns = INT64_C(1764039425696783913);
	st->raw_bytes = 400;
	st->before.size = 5;
	st->before.edge_count = 2;
	st->after.size = 7;
	st->after.edge_count = 3;
	st->after.root.bytes[31] = 9;
	st->after.edge[2].bytes[1] = 8;
	et_statement_add_hole(st, 10, 11, ET_HOLE_EXPIRED_BEFORE);
	et_statement_add_hole(st, 12, 12, ET_HOLE_ABSENT);
	et_statement_add_hole(st, 13, 13, ET_HOLE_ABSENT);
	et_statement_add_hole(st, 15, 99, ET_HOLE_EXPIRED_WHILE_READING);
	et_statement_add_hole(st, 101, UINT64_C(1) << 60, ET_HOLE_NOT_REQUESTED);
	(void)et_manifest_add_member(manifest, "header.json", 90);
	add_frame(manifest, ET_FRAME_TAR, 512, 0, 0);
	add_frame(manifest, ET_FRAME_HEADER, 90, 0, 0);
	(void)et_manifest_add_member(manifest, "records/000000.pb", 400);
	add_frame(manifest, ET_FRAME_TAR, 934, 0, 0);
	add_frame(manifest, ET_FRAME_RECORDS, 400, 14, 100);
	(void)et_manifest_add_member(manifest, "index/0000.pb", 40);
	add_frame(manifest, ET_FRAME_TAR, 624, 0, 0);
	add_frame(manifest, ET_FRAME_INDEX, 40, 0, 0);
	return manifest;
}

static char *
encode(const struct et_manifest *manifest)
{
	struct et_error err = { 0 };
	struct et_buf text;
	char *copy;

	et_buf_init(&text, 1 << 20);
	assert_ok(et_manifest_encode(manifest, &text, &err), &err);
	copy = et_strdup(et_buf_cstr(&text));
	et_buf_done(&text);
	return copy;
}

static int
decode(const char *text, struct et_manifest **ret, struct et_error *err)
{
	return et_manifest_decode((struct et_slice){ (const uint8_t *)text, strlen(text) }, ret,
				  err);
}

static void
a_manifest_comes_back_as_it_was_written(void **state ET_UNUSED)
{
	ET_CLEAN(et_manifest) struct et_manifest *manifest = make();
	ET_CLEAN(et_manifest) struct et_manifest *back = NULL;
	ET_CLEAN_MEM char *text = encode(manifest);
	ET_CLEAN_MEM char *again = NULL;
	struct et_error err = { 0 };

	assert_ok(decode(text, &back, &err), &err);
	again = encode(back);
	assert_string_equal(text, again);
	assert_int_equal(back->statement.hole_count, 4); /* two were joined */
	assert_int_equal(back->statement.holes[1].last, 13);
	assert_true(et_tree_head_equals(&back->statement.after, &manifest->statement.after));
	assert_int_equal(back->member_count, 3);
	assert_int_equal(back->frame_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_memory_equal(&back->frames[i], &manifest->frames[i],
				    sizeof(back->frames[i]));
}

static void
numbers_beyond_2_to_the_53_are_text(void **state ET_UNUSED)
{
	ET_CLEAN(et_manifest) struct et_manifest *manifest = make();
	ET_CLEAN_MEM char *text = encode(manifest);

	assert_non_null(strstr(text, "\"last_seq\": \"1152921504606846976\""));
	assert_non_null(strstr(text, ",14,100,-5,\"1764039425696783913\"]"));
	assert_non_null(strstr(text, "\"18446744073709551615\"]"));
	assert_non_null(strstr(text, "\"first_time\": \"1969-12-31T23:59:59.999999995Z\""));
}

/* The text with the first `from` replaced by `to`. */
static char *
replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return et_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void
a_manifest_that_lies_is_refused_with_the_words(void **state ET_UNUSED)
{
	static const struct {
		const char *from;
		const char *to;
		const char *words;
		int code;
	} lies[] = {
		{ "{\"statement\"", "[\"statement\"", "no JSON object", ET_CORRUPT },
		{ "\"statement\"", "\"statemend\"", "no version", ET_CORRUPT },
		{ "evtrail-archive", "evtrail-archiv", "no evtrail-archive", ET_CORRUPT },
		{ "\"version\": 1", "\"version\": 2", "version 2", ET_CONFIG },
		{ "\"version\": 1", "\"version\": -1", "no version", ET_CORRUPT },
		{ "\"stream\": \"EVENTS\"", "\"stream\": 5", "no stream", ET_CORRUPT },
		{ "\"identity\"", "\"identitx\"", "no identity", ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": 0", "range", ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": 11", "holes out of", ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": 9", "do not fill", ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": \"1x\"", "no first_seq", ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": \"99999999999999999999\"", "no first_seq",
		  ET_CORRUPT },
		{ "\"first_seq\": 10", "\"first_seq\": 1.5", "no first_seq", ET_CORRUPT },
		{ "\"holes\"", "\"hole\"", "no holes", ET_CORRUPT },
		{ "\"absent\"", "\"absend\"", "unknown type", ET_CORRUPT },
		{ "{\"first\": 15", "{\"first\": 13", "holes out of", ET_CORRUPT },
		{ "{\"first\": 15", "{\"first\": 100", "holes out of", ET_CORRUPT },
		{ "{\"first\": 15", "{\"first\": 16", "do not fill", ET_CORRUPT },
		{ "\"messages\": 2", "\"messages\": 3", "add up", ET_CORRUPT },
		{ "\"rows\": 3", "\"rows\": 1", "add up", ET_CORRUPT },
		{ "\"rows\": 3", "\"rows\": 4", "add up", ET_CORRUPT },
		{ "\"raw_bytes\": 400", "\"raw_bytes\": 401", "add up", ET_CORRUPT },
		{ "\"first_time\": \"1969-12-31T23:59:59.999999995Z\"", "\"first_time\": null",
		  "times", ET_CORRUPT },
		{ "\"first_time\": \"19", "\"first_time\": \"x", "no first_time", ET_CORRUPT },
		{ "\"first_time\": \"1969", "\"first_time\": \"2069", "times", ET_CORRUPT },
		{ "\"size_before\": 5", "\"size_before\": 6", "does not grow", ET_CORRUPT },
		{ "\"size_before\": 5", "\"size_before\": 7", "edge", ET_CORRUPT },
		{ "\"root_before\": \"0", "\"root_before\": \"A", "no root", ET_CORRUPT },
		{ "\"edge_before\": [\"0", "\"edge_before\": [\"x", "no digest", ET_CORRUPT },
		{ "\"files\": [", "\"filez\": [", "no files", ET_CORRUPT },
		{ "\"member\": \"header.json\"", "\"member\": \"\"", "good name", ET_CORRUPT },
		{ "\"bytes\": 90", "\"bytes\": 91", "sum of its frames", ET_CORRUPT },
		{ "[50,50,90", "[51,50,90", "follow each other", ET_CORRUPT },
		{ "[50,50,90", "[50,0,90", "follow each other", ET_CORRUPT },
		{ "[50,50,90", "[50,51,90", "follow each other", ET_CORRUPT },
		{ "[50,50,90", "[50,50,99999999", "follow each other", ET_CORRUPT },
		{ "[50,50,90", "[[50],50,90", "offset", ET_CORRUPT },
		{ ",14,100,-5", ",9,100,-5", "records out of order", ET_CORRUPT },
		{ ",14,100,-5", ",101,100,-5", "records out of order", ET_CORRUPT },
		{ ",14,100,-5", ",14,100", "list of its values", ET_CORRUPT },
		{ ",2,14,100", ",0,14,100", "records out of order", ET_CORRUPT },
		{ ",14,100,-5", ",14,100,\"9223372036854775808\"", "first time", ET_CORRUPT },
		{ ",\"07000000", ",\"08000000", "index out of order", ET_CORRUPT },
		{ ",\"07000000-0000", ",\"07000000+0000", "device", ET_CORRUPT },
		{ ",\"18446744073709551615\"]", ",\"18446744073709551616\"]", "version",
		  ET_CORRUPT },
	};
	ET_CLEAN(et_manifest) struct et_manifest *manifest = make();
	ET_CLEAN_MEM char *text = encode(manifest);

	for (size_t i = 0; i < ET_COUNT(lies); i++) {
		ET_CLEAN_MEM char *lie = replace(text, lies[i].from, lies[i].to);
		struct et_manifest *back = NULL;
		struct et_error err = { 0 };

		assert_code(lies[i].code, decode(lie, &back, &err), &err);
		assert_words(&err, lies[i].words);
		assert_words(&err, "manifest.json: ");
		assert_null(back);
	}
}

static void
unknown_keys_and_further_values_are_ignored(void **state ET_UNUSED)
{
	static const char *const news[][2] = {
		{ "\"version\": 1", "\"version\": 1, \"later\": {\"x\": [1]}" },
		{ "{\"statement\"", "{\"signature\": \"abc\", \"statement\"" },
		{ "\"type\": \"absent\"", "\"type\": \"absent\", \"why\": 1" },
	};
	ET_CLEAN(et_manifest) struct et_manifest *manifest = make();
	ET_CLEAN_MEM char *text = encode(manifest);

	for (size_t i = 0; i < ET_COUNT(news); i++) {
		ET_CLEAN_MEM char *later = replace(text, news[i][0], news[i][1]);
		ET_CLEAN(et_manifest) struct et_manifest *back = NULL;
		struct et_error err = { 0 };

		assert_ok(decode(later, &back, &err), &err);
	}
}

static void
text_cut_at_any_byte_is_corrupt(void **state ET_UNUSED)
{
	ET_CLEAN(et_manifest) struct et_manifest *manifest = make();
	ET_CLEAN_MEM char *text = encode(manifest);

	for (size_t cut = 0; cut + 2 < strlen(text); cut++) {
		struct et_manifest *back = NULL;
		struct et_error err = { 0 };

		assert_code(ET_CORRUPT,
			    et_manifest_decode((struct et_slice){ (const uint8_t *)text, cut },
					       &back, &err),
			    &err);
	}
}

static void
a_header_is_read_only_when_all_that_it_requires_is_known(void **state ET_UNUSED)
{
	static const struct {
		const char *from;
		const char *to;
		int code;
		const char *words;
	} headers[] = {
		{ "1", "1", ET_OK, "" },
		{ "\"version\": 1", "\"version\": 1, \"new\": 2", ET_OK, "" },
		{ "\"version\": 1", "\"version\": 2", ET_CONFIG, "version 2" },
		{ "[]", "[\"age\"]", ET_CONFIG, "'age'" },
		{ "[]", "[5]", ET_CONFIG, "'?'" },
		{ "[]", "5", ET_CORRUPT, "requirements" },
		{ "EVENTS", "EVENTZ", ET_CORRUPT, "stream or identity" },
		{ "\"2026", "\"2027", ET_CORRUPT, "stream or identity" },
		{ "evtrail-archive", "evtrail", ET_CORRUPT, "no evtrail-archive" },
		{ "{", "", ET_CORRUPT, "no JSON" },
	};
	struct et_buf text;

	et_buf_init(&text, 1 << 10);
	et_archive_header_encode("EVENTS", "2026", &text);
	for (size_t i = 0; i < ET_COUNT(headers); i++) {
		ET_CLEAN_MEM char *changed =
			replace(et_buf_cstr(&text), headers[i].from, headers[i].to);
		const struct et_slice slice = { (const uint8_t *)changed, strlen(changed) };
		struct et_error err = { 0 };

		assert_code(headers[i].code, et_archive_header_check(slice, "EVENTS", "2026", &err),
			    &err);
		assert_words(&err, headers[i].words);
	}
	et_buf_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_comes_back_as_it_was_written),
		cmocka_unit_test(numbers_beyond_2_to_the_53_are_text),
		cmocka_unit_test(a_manifest_that_lies_is_refused_with_the_words),
		cmocka_unit_test(unknown_keys_and_further_values_are_ignored),
		cmocka_unit_test(text_cut_at_any_byte_is_corrupt),
		cmocka_unit_test(a_header_is_read_only_when_all_that_it_requires_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
