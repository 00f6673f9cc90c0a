// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/record.h"
#include "samples.h"

static struct et_header
header(const char *name, const char *value)
{
	return (struct et_header){ text_slice(name), text_slice(value) };
}

static void
assert_header(const struct et_header *got, const char *name, const char *value)
{
	assert_int_equal(got->name.size, strlen(name));
	assert_int_equal(got->value.size, strlen(value));
	if (got->name.size > 0)
		assert_memory_equal(got->name.data, name, got->name.size);
	if (got->value.size > 0)
		assert_memory_equal(got->value.data, value, got->value.size);
}

/* Appends behind `before` bytes of something else and gives the leaf. */
static struct et_slice
append(struct et_buf *out, const struct et_record *record, size_t before)
{
	size_t leaf = SIZE_MAX;

	for (size_t i = 0; i < before; i++)
		et_buf_put_u8(out, 'x');
	et_record_append(out, record, &leaf);
	assert_int_equal(out->size - leaf, et_record_size(record));
	return (struct et_slice){ out->data + leaf, out->size - leaf };
}

static void
messages_of_the_hub_are_written_as_python_writes_them(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		uint8_t *body;
		uint8_t *wanted;
		struct et_record record = {
			.seq = samples[i].seq,
			.time_ns = samples[i].time_ns,
			.subject = text_slice(samples[i].subject),
			.body = sample_slice(samples[i].body, &body),
		};
		struct et_slice want = sample_slice(samples[i].record, &wanted);
		struct et_error err = { 0 };
		struct et_record again;
		struct et_slice leaf;
		struct et_buf out;

		et_buf_init(&out, 1 << 20);
		leaf = append(&out, &record, i);
		assert_int_equal(leaf.size, want.size);
		assert_memory_equal(leaf.data, want.data, want.size);
		assert_ok(et_record_read(leaf, &again, &err), &err);
		assert_int_equal(again.seq, record.seq);
		assert_int_equal(again.time_ns, record.time_ns);
		assert_int_equal(again.subject.size, record.subject.size);
		assert_memory_equal(again.subject.data, record.subject.data, record.subject.size);
		assert_int_equal(again.body.size, record.body.size);
		assert_memory_equal(again.body.data, record.body.data, record.body.size);
		assert_int_equal(again.headers.size, 0);
		et_buf_done(&out);
		free(wanted);
		free(body);
	}
}

static void
headers_and_extreme_numbers_too(void **state ET_UNUSED)
{
	static const char python[] = "08ffffffffffffffffff0110ffffffffffffffffff011a03612e62"
				     "2203120178"
				     "22060a014112013122"
				     "0b0a014212013212001201312a0200ff";
	struct et_header pairs[] = { header("B", "2"), header("A", "1"), header("B", ""),
				     header("", "x"), header("B", "1") };
	struct et_record record = { .seq = UINT64_MAX,
				    .time_ns = -1,
				    .subject = text_slice("a.b"),
				    .body = { (const uint8_t *)"\0\xff", 2 } };
	struct et_error err = { 0 };
	struct et_record again;
	struct et_slice leaf;
	struct et_slice want;
	struct et_buf headers;
	struct et_buf out;
	uint8_t *data;

	et_buf_init(&headers, 1000);
	et_buf_init(&out, 1000);
	et_headers_encode(&headers, pairs, ET_COUNT(pairs));
	record.headers = (struct et_slice){ headers.data, headers.size };
	leaf = append(&out, &record, 0);
	want = sample_slice(python, &data);
	assert_int_equal(leaf.size, want.size);
	assert_memory_equal(leaf.data, want.data, want.size);
	assert_ok(et_record_read(leaf, &again, &err), &err);
	assert_int_equal(again.headers.size, headers.size);
	assert_memory_equal(again.headers.data, headers.data, headers.size);
	assert_true(again.seq == UINT64_MAX && again.time_ns == -1);
	free(data);
	et_buf_done(&out);
	et_buf_done(&headers);
}

static void
headers_are_walked_by_name_in_order_of_arrival(void **state ET_UNUSED)
{
	static const char *const wanted[][2] = { { "", "x" },  { "A", "1" }, { "AB", "" },
						 { "B", "2" }, { "B", "" },  { "B", "1" } };
	struct et_header pairs[] = { header("B", "2"), header("A", "1"), header("B", ""),
				     header("", "x"),  header("B", "1"), header("AB", "") };
	struct et_record record = { 0 };
	struct et_header_walk walk;
	struct et_header got;
	struct et_buf out;

	et_buf_init(&out, 1000);
	et_headers_encode(&out, pairs, ET_COUNT(pairs));
	record.headers = (struct et_slice){ out.data, out.size };
	walk = et_header_walk_of(&record);
	for (size_t i = 0; i < ET_COUNT(wanted); i++) {
		assert_int_equal(et_header_next(&walk, &got), 1);
		assert_header(&got, wanted[i][0], wanted[i][1]);
	}
	assert_int_equal(et_header_next(&walk, &got), 0);
	assert_int_equal(et_header_next(&walk, &got), 0);
	et_buf_done(&out);
}

static void
a_message_without_headers_has_none(void **state ET_UNUSED)
{
	struct et_record record = { 0 };
	struct et_header_walk walk = et_header_walk_of(&record);
	struct et_header got;
	struct et_buf out;

	et_buf_init(&out, 1000);
	et_headers_encode(&out, NULL, 0);
	assert_int_equal(out.size, 0);
	assert_int_equal(et_header_next(&walk, &got), 0);
	et_buf_done(&out);
}

static void
many_headers_are_sorted_and_stay_in_order(void **state ET_UNUSED)
{
	enum { COUNT = 1000 };
	static char names[COUNT][8];
	static struct et_header pairs[COUNT];
	uint32_t random = 7;

	for (size_t count = 0; count <= COUNT; count = count * 2 + 1) {
		struct et_buf out;

		for (size_t i = 0; i < count; i++) {
			random = random * 1664525 + 1013904223;
			(void)snprintf(names[i], sizeof(names[i]), "%u", random >> 27);
			pairs[i] = (struct et_header){ text_slice(names[i]),
						       { (const uint8_t *)&names[i], i % 8 } };
		}
		et_buf_init(&out, 1 << 20);
		et_headers_encode(&out, pairs, count);
		for (size_t i = 1; i < count; i++) {
			int order = strcmp((const char *)pairs[i - 1].name.data,
					   (const char *)pairs[i].name.data);

			assert_true(order <= 0);
			if (order == 0)
				assert_true(pairs[i - 1].name.data < pairs[i].name.data);
		}
		et_buf_done(&out);
	}
}

static void
damaged_headers_are_corrupt(void **state ET_UNUSED)
{
	static const struct {
		const char *headers;
		int results[3];
	} cases[] = {
		{ "2a03120178", { ET_CORRUPT } },          /* field 5 */
		{ "2000", { ET_CORRUPT } },                /* a varint */
		{ "2204120178", { ET_CORRUPT } },          /* breaks off */
		{ "2202120178", { ET_CORRUPT } },          /* its value breaks off */
		{ "22061201780a0141", { 1, ET_CORRUPT } }, /* the name behind the value */
		{ "22021000", { ET_CORRUPT } },            /* a value that is a varint */
		{ "22021a00", { 0 } },                     /* an unknown field */
		{ "2200", { 0 } },
		{ "22030a0141", { 0 } }, /* a name without values */
		{ "22020801", { ET_CORRUPT } },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		uint8_t *data;
		struct et_record record = { .headers = sample_slice(cases[i].headers, &data) };
		struct et_header_walk walk = et_header_walk_of(&record);
		struct et_header got;

		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(et_header_next(&walk, &got), cases[i].results[k]);
			if (cases[i].results[k] <= 0)
				break;
		}
		free(data);
	}
}

static void
an_empty_record_is_no_bytes(void **state ET_UNUSED)
{
	struct et_record record = { 0 };
	struct et_error err = { 0 };
	struct et_record again = { .seq = 9 };
	struct et_buf out;

	et_buf_init(&out, 1000);
	et_record_append(&out, &record, NULL);
	assert_int_equal(out.size, 1);
	assert_int_equal(out.data[0], 0);
	assert_ok(et_record_read((struct et_slice){ 0 }, &again, &err), &err);
	assert_int_equal(again.seq, 0);
	et_buf_done(&out);
}

static void
a_record_that_does_not_fit_is_not_begun(void **state ET_UNUSED)
{
	struct et_record record = { .seq = 1, .subject = text_slice("subject") };
	size_t leaf = 77;
	struct et_buf out;

	et_buf_init(&out, et_record_size(&record));
	et_record_append(&out, &record, &leaf);
	assert_int_equal(out.size, 0);
	assert_true(out.overflow);
	assert_int_equal(leaf, 77);
	et_buf_done(&out);
}

static void
a_record_out_of_form_is_corrupt(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes, *words;
	} cases[] = {
		{ "10010801", "out of order" },
		{ "08010802", "out of order" },
		{ "1a01611a0162", "out of order" },
		{ "2a0161220012", "out of order" },
		{ "0a0161", "wrong type" },
		{ "120161", "wrong type" },
		{ "1801", "wrong type" },
		{ "2001", "wrong type" },
		{ "2d01000000", "wrong type" },
		{ "1a0561", "no protobuf" },
		{ "0b", "no protobuf" },
		{ "32003a00320012", "out of order" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_record record = { .seq = 5 };
		struct et_error err = { 0 };
		uint8_t *data;
		struct et_slice bytes = sample_slice(cases[i].bytes, &data);

		assert_code(ET_CORRUPT, et_record_read(bytes, &record, &err), &err);
		assert_words(&err, cases[i].words);
		assert_int_equal(record.seq, 5);
		free(data);
	}
}

static void
unknown_fields_behind_the_body_are_skipped(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_record record;
	uint8_t *data;
	struct et_slice bytes = sample_slice("08052a01783001320161320162", &data);

	assert_ok(et_record_read(bytes, &record, &err), &err);
	assert_int_equal(record.seq, 5);
	assert_int_equal(record.body.size, 1);
	free(data);
}

static void
records_follow_one_another(void **state ET_UNUSED)
{
	struct et_record record = { .seq = 1, .subject = text_slice("subject") };
	struct et_error err = { 0 };
	struct et_cursor cursor;
	struct et_slice leaf;
	struct et_buf out;

	et_buf_init(&out, 1000);
	for (record.seq = 1; record.seq <= 3; record.seq++)
		et_record_append(&out, &record, NULL);
	cursor = et_cursor_of(out.data, out.size);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		assert_int_equal(et_record_next(&cursor, &leaf, &err), 1);
		assert_ok(et_record_read(leaf, &record, &err), &err);
		assert_int_equal(record.seq, seq);
	}
	assert_int_equal(et_record_next(&cursor, &leaf, &err), 0);
	cursor = et_cursor_of(out.data, out.size - 1);
	assert_int_equal(et_record_next(&cursor, &leaf, &err), 1);
	assert_int_equal(et_record_next(&cursor, &leaf, &err), 1);
	for (int i = 0; i < 2; i++) {
		assert_code(ET_CORRUPT, et_record_next(&cursor, &leaf, &err), &err);
		assert_words(&err, "breaks off");
	}
	et_buf_done(&out);
}

static void
a_giant_record_is_corrupt(void **state ET_UNUSED)
{
	const size_t bytes = ET_RECORD_BYTES_MAX + 1;
	uint8_t *data = calloc(1, bytes + 10);
	struct et_error err = { 0 };
	struct et_cursor cursor;
	struct et_slice leaf;

	assert_non_null(data);
	cursor = et_cursor_of(data, et_varint_write(data, bytes) + bytes);
	assert_code(ET_CORRUPT, et_record_next(&cursor, &leaf, &err), &err);
	assert_words(&err, "larger than");
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_the_hub_are_written_as_python_writes_them),
		cmocka_unit_test(headers_and_extreme_numbers_too),
		cmocka_unit_test(headers_are_walked_by_name_in_order_of_arrival),
		cmocka_unit_test(a_message_without_headers_has_none),
		cmocka_unit_test(many_headers_are_sorted_and_stay_in_order),
		cmocka_unit_test(damaged_headers_are_corrupt),
		cmocka_unit_test(an_empty_record_is_no_bytes),
		cmocka_unit_test(a_record_that_does_not_fit_is_not_begun),
		cmocka_unit_test(a_record_out_of_form_is_corrupt),
		cmocka_unit_test(unknown_fields_behind_the_body_are_skipped),
		cmocka_unit_test(records_follow_one_another),
		cmocka_unit_test(a_giant_record_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
