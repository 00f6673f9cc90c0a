// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "archive/format.h"
#include "archive/seektable.h"

static void
encode(size_t count, struct et_buf *out)
{
	struct et_seektable table = { 0 };
	struct et_error err = { 0 };

	for (size_t i = 0; i < count; i++)
		et_seektable_add(&table, 100 + i, 1000 + i, (uint32_t)(i * 77));
	et_buf_init(out, 1 << 20);
	assert_ok(et_seektable_encode(&table, out, &err), &err);
	et_seektable_done(&table);
}

static void
a_table_comes_back_as_it_was_written(void **state ET_UNUSED)
{
	static const size_t counts[] = { 0, 1, 2, 500 };

	for (size_t c = 0; c < ET_COUNT(counts); c++) {
		struct et_seektable back;
		struct et_error err = { 0 };
		uint64_t offset = 0;
		struct et_buf out;

		encode(counts[c], &out);
		assert_int_equal(out.size, 17 + 12 * counts[c]);
		assert_ok(et_seektable_decode((struct et_slice){ out.data, out.size }, &back, &err),
			  &err);
		assert_int_equal(back.count, counts[c]);
		for (size_t i = 0; i < back.count; i++) {
			assert_int_equal(back.frames[i].offset, offset);
			assert_int_equal(back.frames[i].packed_bytes, 100 + i);
			assert_int_equal(back.frames[i].raw_bytes, 1000 + i);
			assert_int_equal(back.frames[i].checksum, i * 77);
			offset += 100 + i;
		}
		assert_int_equal(back.offset, offset);
		et_seektable_done(&back);
		et_buf_done(&out);
	}
}

static void
the_bytes_are_those_of_the_seekable_format(void **state ET_UNUSED)
{
	static const uint8_t want[] = {
		0x5e, 0x2a, 0x4d, 0x18, 21, 0, 0, 0, 100, 0,    0,    0,    0xe8, 3,    0,
		0,    0,    0,    0,    0,  1, 0, 0, 0,   0x80, 0xb1, 0xea, 0x92, 0x8f,
	};
	struct et_buf out;

	encode(1, &out);
	assert_int_equal(out.size, sizeof(want));
	assert_memory_equal(out.data, want, sizeof(want));
	et_buf_done(&out);
}

static void
a_table_without_checksums_is_read(void **state ET_UNUSED)
{
	static const uint8_t bytes[] = {
		0x5e, 0x2a, 0x4d, 0x18, 17, 0, 0, 0, 100,  0,    0,    0,    0xe8,
		3,    0,    0,    1,    0,  0, 0, 0, 0xb1, 0xea, 0x92, 0x8f,
	};
	struct et_seektable back;
	struct et_error err = { 0 };

	assert_ok(et_seektable_decode((struct et_slice){ bytes, sizeof(bytes) }, &back, &err),
		  &err);
	assert_int_equal(back.count, 1);
	assert_int_equal(back.frames[0].checksum, 0);
	et_seektable_done(&back);
}

static void
every_bit_but_those_of_the_entries_must_be_right(void **state ET_UNUSED)
{
	struct et_buf out;

	encode(3, &out);
	for (size_t bit = 0; bit < out.size * 8; bit++) {
		struct et_seektable back;
		struct et_error err = { 0 };
		size_t byte = bit / 8;
		int r;

		if (byte >= 8 && byte < 8 + 3 * 12)
			continue;
		out.data[byte] ^= (uint8_t)(1 << bit % 8);
		r = et_seektable_decode((struct et_slice){ out.data, out.size }, &back, &err);
		assert_true(r == ET_CORRUPT || r == ET_LIMIT);
		out.data[byte] ^= (uint8_t)(1 << bit % 8);
	}
	et_buf_done(&out);
}

static void
sizes_that_no_frame_can_have_are_refused(void **state ET_UNUSED)
{
	static const uint64_t sizes[][2] = {
		{ 0, 1 },
		{ 1, 0 },
		{ ET_FRAME_PACKED_MAX + 1, 1 },
		{ 1, ET_FRAME_RAW_MAX + 1 },
	};

	for (size_t i = 0; i < ET_COUNT(sizes); i++) {
		struct et_seektable table = { 0 };
		struct et_seektable back;
		struct et_error err = { 0 };
		struct et_buf out;

		et_buf_init(&out, 1 << 10);
		et_seektable_add(&table, sizes[i][0], sizes[i][1], 0);
		assert_ok(et_seektable_encode(&table, &out, &err), &err);
		assert_code(
			ET_CORRUPT,
			et_seektable_decode((struct et_slice){ out.data, out.size }, &back, &err),
			&err);
		et_seektable_done(&table);
		et_buf_done(&out);
	}
}

static void
the_frames_must_fill_the_file_up_to_the_table(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "table");

	for (int more = -1; more <= 1; more++) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		uint64_t frames = (uint64_t)(100 + 101 + more);
		struct et_seektable back;
		struct et_error err = { 0 };
		struct et_buf out;

		encode(2, &out);
		assert_int_equal(pwrite(fd, out.data, out.size, (off_t)frames), out.size);
		assert_code(more == 0 ? 0 : ET_CORRUPT,
			    et_seektable_read(fd, frames + out.size, &back, &err), &err);
		if (more == 0)
			et_seektable_done(&back);
		assert_code(ET_CORRUPT, et_seektable_read(fd, 5, &back, &err), &err);
		assert_code(ET_CORRUPT, et_seektable_read(fd, 0, &back, &err), &err);
		et_buf_done(&out);
		(void)close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_comes_back_as_it_was_written),
		cmocka_unit_test(the_bytes_are_those_of_the_seekable_format),
		cmocka_unit_test(a_table_without_checksums_is_read),
		cmocka_unit_test(every_bit_but_those_of_the_entries_must_be_right),
		cmocka_unit_test(sizes_that_no_frame_can_have_are_refused),
		et_test_with_dir(the_frames_must_fill_the_file_up_to_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
