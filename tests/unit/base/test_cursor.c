// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "base/buf.h"
#include "base/cursor.h"

static void
numbers_are_little_endian(void **state ET_UNUSED)
{
	const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d";
	struct et_cursor c = et_cursor_of(bytes, sizeof(bytes) - 1);
	uint8_t u8;
	uint32_t u32;
	uint64_t u64;

	assert_true(et_cursor_u8(&c, &u8));
	assert_int_equal(u8, 1);
	assert_true(et_cursor_le32(&c, &u32));
	assert_int_equal(u32, 0x05040302);
	assert_true(et_cursor_le64(&c, &u64));
	assert_int_equal(u64, 0x0d0c0b0a09080706);
	assert_int_equal(et_cursor_left(&c), 0);
	assert_false(c.bad);
}

static void
a_read_that_does_not_fit_is_bad_for_ever(void **state ET_UNUSED)
{
	uint8_t u8 = 77;
	uint32_t u32 = 77;
	uint64_t u64 = 77;
	struct et_slice slice = { .size = 77 };
	struct et_field field = { .number = 77 };

	for (int kind = 0; kind < 5; kind++) {
		struct et_cursor c = et_cursor_of("\x80\x80\x80", 3);
		bool good = kind == 0   ? et_cursor_le32(&c, &u32)
			    : kind == 1 ? et_cursor_le64(&c, &u64)
			    : kind == 2 ? et_cursor_varint(&c, &u64)
			    : kind == 3 ? et_cursor_bytes(&c, 4, &slice)
					: et_cursor_delimited(&c, &slice);

		assert_false(good);
		assert_true(c.bad);
		assert_int_equal(et_cursor_left(&c), 0);
		assert_false(et_cursor_u8(&c, &u8));
		assert_false(et_cursor_bytes(&c, 0, &slice));
		assert_false(et_cursor_field(&c, &field));
		assert_true(c.bad);
	}
	assert_true(u8 == 77 && u32 == 77 && u64 == 77 && slice.size == 77 && field.number == 77);
}

static void
no_bytes_at_all_are_an_end_and_not_bad(void **state ET_UNUSED)
{
	struct et_cursor c = et_cursor_of(NULL, 0);
	struct et_field field;
	struct et_slice slice;

	assert_false(et_cursor_field(&c, &field));
	assert_true(et_cursor_bytes(&c, 0, &slice));
	assert_int_equal(slice.size, 0);
	assert_false(c.bad);
}

static void
varints_round_trip(void **state ET_UNUSED)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		for (int less = 0; less < 2; less++) {
			uint64_t value = (UINT64_C(1) << shift) - (uint64_t)less;
			uint64_t got;
			uint8_t out[10];
			struct et_cursor c = et_cursor_of(out, et_varint_write(out, value));

			assert_true(et_cursor_varint(&c, &got));
			assert_int_equal(got, value);
			assert_int_equal(et_cursor_left(&c), 0);
		}
	}
}

static void
only_varints_of_64_bits_are_good(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes;
		size_t count;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true, UINT64_MAX },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false, 0 },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10, false, 0 },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false, 0 },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, true, 0 },
		{ "\x81\x00", 2, true, 1 }, /* longer than needed: protobuf reads it */
		{ "\x80", 1, false, 0 },
		{ "", 0, false, 0 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_cursor c = et_cursor_of(rows[i].bytes, rows[i].count);
		uint64_t value = 0;

		assert_int_equal(et_cursor_varint(&c, &value), rows[i].good);
		assert_int_equal(c.bad, !rows[i].good);
		assert_int_equal(value, rows[i].value);
	}
}

static void
delimited_bytes_are_borrowed(void **state ET_UNUSED)
{
	const char bytes[] = "\x03"
			     "abc\x00z";
	struct et_cursor c = et_cursor_of(bytes, 6);
	struct et_slice slice;

	assert_true(et_cursor_delimited(&c, &slice));
	assert_ptr_equal(slice.data, bytes + 1);
	assert_true(et_slice_equals(slice, "abc"));
	assert_false(et_slice_equals(slice, "ab"));
	assert_false(et_slice_equals(slice, "abd"));
	assert_true(et_cursor_delimited(&c, &slice));
	assert_true(et_slice_equals(slice, ""));
	assert_true(et_slice_equals((struct et_slice){ 0 }, ""));
	assert_true(et_cursor_bytes(&c, 1, &slice));
	assert_true(et_slice_equals(slice, "z"));
	assert_false(et_cursor_delimited(&c, &slice));
}

static void
a_length_beyond_the_end_is_bad(void **state ET_UNUSED)
{
	/* 2^64 - 1: a sum would wrap. */
	struct et_cursor c = et_cursor_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xx", 12);
	struct et_slice slice;

	assert_false(et_cursor_delimited(&c, &slice));
	assert_true(c.bad);
}

static void
fields_of_each_wire_type_are_read(void **state ET_UNUSED)
{
	const char bytes[] = "\x08\x96\x01"                         /* 1: varint 150 */
			     "\x11\x01\x02\x03\x04\x05\x06\x07\x08" /* 2: fixed64 */
			     "\x1a\x02hi"                           /* 3: bytes */
			     "\x25\x01\x02\x03\x84"                 /* 4: fixed32 */
			     "\xf8\xff\xff\xff\x0f\x05";            /* 2^29 - 1: varint */
	static const struct et_field want[] = {
		{ .number = 1, .wire = 0, .value = 150 },
		{ .number = 2, .wire = 1, .value = 0x0807060504030201 },
		{ .number = 3, .wire = 2, .bytes = { .size = 2 } },
		{ .number = 4, .wire = 5, .value = 0x84030201 },
		{ .number = (1U << 29) - 1, .wire = 0, .value = 5 },
	};
	struct et_cursor c = et_cursor_of(bytes, sizeof(bytes) - 1);
	struct et_field field;

	for (size_t i = 0; i < ET_COUNT(want); i++) {
		assert_true(et_cursor_field(&c, &field));
		assert_int_equal(field.number, want[i].number);
		assert_int_equal(field.wire, want[i].wire);
		assert_int_equal(field.value, want[i].value);
		assert_int_equal(field.bytes.size, want[i].bytes.size);
	}
	assert_false(et_cursor_field(&c, &field));
	assert_false(c.bad);
}

static void
broken_fields_are_bad(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes;
		size_t count;
	} rows[] = {
		{ "\x00\x01", 2 },                 /* field 0 */
		{ "\x0b", 1 },                     /* group begins */
		{ "\x0c", 1 },                     /* group ends */
		{ "\x0e\x01", 2 },                 /* wire 6 */
		{ "\x0f\x01", 2 },                 /* wire 7 */
		{ "\x80\x80\x80\x80\x10\x01", 6 }, /* field 2^29 */
		{ "\x80", 1 },                     /* half a key */
		{ "\x08", 1 },                     /* no value */
		{ "\x09\x01\x02\x03\x04\x05\x06\x07", 8 },
		{ "\x0a\x02x", 3 },
		{ "\x0d\x01\x02\x03", 4 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		/* On the heap, so that a read behind the end is seen. */
		ET_CLEAN_MEM uint8_t *bytes = et_memdup(rows[i].bytes, rows[i].count);
		struct et_cursor c = et_cursor_of(bytes, rows[i].count);
		struct et_field field = { .number = 77 };

		assert_false(et_cursor_field(&c, &field));
		assert_true(c.bad);
		assert_int_equal(field.number, 77);
	}
}

static void
what_the_writer_writes_the_reader_reads(void **state ET_UNUSED)
{
	struct et_buf buf;
	struct et_cursor c;
	struct et_field field;

	et_buf_init(&buf, 1 << 16);
	for (int64_t i = -500; i < 500; i++)
		et_buf_field_sint(&buf, 7, i * i * i * 1000003);
	c = et_cursor_of(buf.data, buf.size);
	for (int64_t i = -500; i < 500; i++) {
		if (i == 0)
			continue;
		assert_true(et_cursor_field(&c, &field));
		assert_true(et_zigzag(field.value) == i * i * i * 1000003);
	}
	assert_int_equal(et_cursor_left(&c), 0);
	et_buf_done(&buf);
}

/* No oracle but the sanitizers: whatever the bytes, reads stay inside and come to an end. */
static void
random_bytes_do_no_harm(void **state ET_UNUSED)
{
	uint64_t seed = 42;

	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)round % 40;
		ET_CLEAN_MEM uint8_t *bytes = et_alloc(size);
		struct et_cursor c = et_cursor_of(bytes, size);
		struct et_field field;
		size_t fields = 0;

		for (size_t i = 0; i < size; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			bytes[i] = (uint8_t)(seed >> 56);
		}
		while (et_cursor_field(&c, &field))
			fields++;
		assert_true(fields <= size / 2);
		assert_true(c.bad || c.at == bytes + size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(a_read_that_does_not_fit_is_bad_for_ever),
		cmocka_unit_test(no_bytes_at_all_are_an_end_and_not_bad),
		cmocka_unit_test(varints_round_trip),
		cmocka_unit_test(only_varints_of_64_bits_are_good),
		cmocka_unit_test(delimited_bytes_are_borrowed),
		cmocka_unit_test(a_length_beyond_the_end_is_bad),
		cmocka_unit_test(fields_of_each_wire_type_are_read),
		cmocka_unit_test(broken_fields_are_bad),
		cmocka_unit_test(what_the_writer_writes_the_reader_reads),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
