// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/buf.h"

static void
assert_bytes(const struct et_buf *buf, const void *bytes, size_t count)
{
	assert_int_equal(buf->size, count);
	assert_false(buf->overflow);
	if (count > 0)
		assert_memory_equal(buf->data, bytes, count);
}

static void
what_is_put_stands_one_behind_the_other(void **state ET_UNUSED)
{
	struct et_buf buf;

	et_buf_init(&buf, 1000);
	et_buf_put(&buf, "ab", 2);
	et_buf_put(&buf, NULL, 0);
	et_buf_put_u8(&buf, 'c');
	et_buf_put_le32(&buf, 0x44332211);
	et_buf_text(&buf, "xyz");
	et_buf_format(&buf, "%d", 42);
	assert_bytes(&buf, "abc\x11\x22\x33\x44xyz42", 12);
	et_buf_done(&buf);
	assert_null(buf.data);
	et_buf_text(&buf, "again");
	assert_string_equal(et_buf_cstr(&buf), "again");
	et_buf_done(&buf);
}

static void
an_empty_buffer_is_an_empty_text(void **state ET_UNUSED)
{
	struct et_buf buf;

	et_buf_init(&buf, 0);
	assert_string_equal(et_buf_cstr(&buf), "");
	assert_ok(et_buf_check(&buf, "x", NULL), NULL);
	et_buf_format(&buf, "%s", "");
	assert_string_equal(et_buf_cstr(&buf), "");
	assert_false(buf.overflow);
	et_buf_done(&buf);
}

static void
a_long_format_grows_the_buffer(void **state ET_UNUSED)
{
	struct et_buf buf;

	et_buf_init(&buf, 10000);
	for (int i = 0; i < 20; i++)
		et_buf_format(&buf, "%0*d", i * 10, i);
	assert_int_equal(buf.size, 1901);
	assert_int_equal(strlen(et_buf_cstr(&buf)), 1901);
	et_buf_done(&buf);
}

static void
growth_keeps_the_bytes_and_stops_at_the_ceiling(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_buf buf;

	et_buf_init(&buf, 1000);
	for (int i = 0; i < 1000; i++)
		et_buf_put_u8(&buf, (uint8_t)i);
	assert_false(buf.overflow);
	assert_int_equal(buf.capacity, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf.data[i], (uint8_t)i);
	assert_int_equal(strlen(et_buf_cstr(&buf) + 1000), 0);
	et_buf_put_u8(&buf, 1);
	assert_int_equal(buf.size, 1000);
	assert_code(ET_LIMIT, et_buf_check(&buf, "the record", &err), &err);
	assert_string_equal(err.text, "the record is larger than 1000 bytes");
	et_buf_reset(&buf);
	assert_int_equal(buf.size, 0);
	assert_ok(et_buf_check(&buf, "the record", &err), &err);
	et_buf_done(&buf);
}

static void
each_kind_of_write_is_refused_beyond_the_ceiling(void **state ET_UNUSED)
{
	struct et_buf buf;

	for (int kind = 0; kind < 6; kind++) {
		et_buf_init(&buf, 2);
		et_buf_put(&buf, "x", 1);
		switch (kind) {
		case 0:
			et_buf_put(&buf, "yz", 2);
			break;
		case 1:
			et_buf_put_le32(&buf, 1);
			break;
		case 2:
			et_buf_format(&buf, "%d", 12);
			break;
		case 3:
			et_buf_varint(&buf, 128);
			break;
		case 4:
			assert_null(et_buf_reserve(&buf, SIZE_MAX));
			break;
		default:
			et_buf_text(&buf, "yz");
		}
		assert_true(buf.overflow);
		assert_int_equal(buf.size, 1);
		assert_string_equal(et_buf_cstr(&buf), "x");
		et_buf_done(&buf);
	}
}

static void
reserved_bytes_count_after_a_commit(void **state ET_UNUSED)
{
	struct et_buf buf;
	uint8_t *to;

	et_buf_init(&buf, 100);
	to = et_buf_reserve(&buf, 100);
	assert_non_null(to);
	memcpy(to, "abc", 3);
	assert_int_equal(buf.size, 0);
	et_buf_commit(&buf, 3);
	assert_string_equal(et_buf_cstr(&buf), "abc");
	assert_ptr_equal(et_buf_reserve(&buf, 97), buf.data + 3);
	assert_null(et_buf_reserve(&buf, 98));
	et_buf_done(&buf);
}

/* protobuf's own examples, and the edges. */
static const struct {
	uint64_t value;
	const char *bytes;
	size_t count;
} varints[] = {
	{ 0, "\x00", 1 },
	{ 1, "\x01", 1 },
	{ 127, "\x7f", 1 },
	{ 128, "\x80\x01", 2 },
	{ 150, "\x96\x01", 2 },
	{ 300, "\xac\x02", 2 },
	{ 16383, "\xff\x7f", 2 },
	{ 16384, "\x80\x80\x01", 3 },
	{ UINT32_MAX, "\xff\xff\xff\xff\x0f", 5 },
	{ (UINT64_C(1) << 63) - 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9 },
	{ UINT64_C(1) << 63, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10 },
	{ UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 },
};

static void
varints_are_those_of_protobuf(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(varints); i++) {
		/* With room to spare, and with exactly as much as it needs. */
		for (size_t room = varints[i].count; room <= 64; room += 64 - varints[i].count) {
			struct et_buf buf;

			et_buf_init(&buf, room);
			(void)et_buf_reserve(&buf, room);
			et_buf_varint(&buf, varints[i].value);
			assert_bytes(&buf, varints[i].bytes, varints[i].count);
			et_buf_done(&buf);
		}
	}
}

static void
the_size_of_a_varint_is_what_is_written(void **state ET_UNUSED)
{
	uint8_t out[10];

	for (unsigned shift = 0; shift < 64; shift++) {
		uint64_t power = UINT64_C(1) << shift;

		assert_int_equal(et_varint_size(power), et_varint_write(out, power));
		assert_int_equal(et_varint_size(power - 1), et_varint_write(out, power - 1));
	}
	assert_int_equal(et_varint_size(UINT64_MAX), 10);
}

static void
fields_are_those_of_protobuf(void **state ET_UNUSED)
{
	struct et_buf buf;

	et_buf_init(&buf, 1000);
	et_buf_field_u64(&buf, 1, 150);
	assert_bytes(&buf, "\x08\x96\x01", 3);
	et_buf_reset(&buf);
	et_buf_field_text(&buf, 2, "testing");
	assert_bytes(&buf, "\x12\x07testing", 9);
	et_buf_reset(&buf);
	et_buf_field_message(&buf, 3, "\x08\x96\x01", 3);
	assert_bytes(&buf, "\x1a\x03\x08\x96\x01", 5);
	et_buf_reset(&buf);
	et_buf_field_i64(&buf, 1, -2);
	assert_bytes(&buf, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	et_buf_reset(&buf);
	et_buf_field_bytes(&buf, 2000, "\x00\xff", 2);
	assert_bytes(&buf, "\x82\x7d\x02\x00\xff", 5);
	et_buf_done(&buf);
}

static void
zigzag_folds_the_sign(void **state ET_UNUSED)
{
	static const struct {
		int64_t value;
		uint64_t folded;
	} rows[] = {
		{ -1, 1 },
		{ 1, 2 },
		{ -2, 3 },
		{ 2147483647, 4294967294 },
		{ -2147483648, 4294967295 },
		{ INT64_MAX, UINT64_MAX - 1 },
		{ INT64_MIN, UINT64_MAX },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_buf folded;
		struct et_buf plain;

		et_buf_init(&folded, 100);
		et_buf_init(&plain, 100);
		et_buf_field_sint(&folded, 1, rows[i].value);
		et_buf_field_u64(&plain, 1, rows[i].folded);
		assert_bytes(&folded, plain.data, plain.size);
		et_buf_done(&folded);
		et_buf_done(&plain);
	}
}

static void
zero_and_empty_fields_are_left_out_but_not_messages(void **state ET_UNUSED)
{
	struct et_buf buf;

	et_buf_init(&buf, 100);
	et_buf_field_u64(&buf, 1, 0);
	et_buf_field_i64(&buf, 1, 0);
	et_buf_field_sint(&buf, 1, 0);
	et_buf_field_bytes(&buf, 1, NULL, 0);
	et_buf_field_text(&buf, 1, "");
	assert_bytes(&buf, "", 0);
	et_buf_field_message(&buf, 1, NULL, 0);
	assert_bytes(&buf, "\x0a\x00", 2);
	et_buf_done(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_stands_one_behind_the_other),
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(a_long_format_grows_the_buffer),
		cmocka_unit_test(growth_keeps_the_bytes_and_stops_at_the_ceiling),
		cmocka_unit_test(each_kind_of_write_is_refused_beyond_the_ceiling),
		cmocka_unit_test(reserved_bytes_count_after_a_commit),
		cmocka_unit_test(varints_are_those_of_protobuf),
		cmocka_unit_test(the_size_of_a_varint_is_what_is_written),
		cmocka_unit_test(fields_are_those_of_protobuf),
		cmocka_unit_test(zigzag_folds_the_sign),
		cmocka_unit_test(zero_and_empty_fields_are_left_out_but_not_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
