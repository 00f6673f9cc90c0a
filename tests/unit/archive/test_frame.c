// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "archive/format.h"
#include "archive/frame.h"

/* Bytes that compress, but not to nothing. */
static void
fill(uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(i * i >> 5);
}

static void
packed_bytes_come_back_and_the_frame_is_as_long_as_measured(void **state)
{
	static const size_t sizes[] = { 1,     2,     255,   256,    257,    512,
					65535, 65791, 65792, 262144, 5000000 };

	for (size_t i = 0; i < ET_COUNT(sizes); i++) {
		ET_CLEAN(et_frame_packer) struct et_frame_packer *packer = NULL;
		ET_CLEAN(et_frame_unpacker)
		struct et_frame_unpacker *unpacker = et_frame_unpacker_new();
		ET_CLEAN_MEM char *path = et_test_path(state, "frame");
		ET_CLEAN_MEM uint8_t *raw = et_alloc(sizes[i]);
		struct et_frame_extent extent;
		struct et_error err = { 0 };
		struct et_slice back;
		struct et_buf out;
		int fd;

		fill(raw, sizes[i]);
		et_buf_init(&out, 16 << 20);
		assert_ok(et_frame_packer_new(i % 2 == 0 ? 1 : -3, &packer, &err), &err);
		assert_ok(et_frame_pack(packer, (struct et_slice){ raw, sizes[i] }, &out, &err),
			  &err);
		assert_ok(et_frame_unpack(unpacker, (struct et_slice){ out.data, out.size },
					  sizes[i], &back, &err),
			  &err);
		assert_int_equal(back.size, sizes[i]);
		assert_memory_equal(back.data, raw, sizes[i]);
		assert_code(ET_LIMIT,
			    et_frame_unpack(unpacker, (struct et_slice){ out.data, out.size },
					    sizes[i] - 1, &back, &err),
			    &err);

		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(pwrite(fd, out.data, out.size, 7), out.size);
		assert_ok(et_frame_measure(fd, 7, 7 + out.size, &extent, &err), &err);
		assert_int_equal(extent.packed_bytes, out.size);
		assert_int_equal(extent.raw_bytes, sizes[i]);
		assert_int_equal(extent.offset, 7);
		assert_memory_equal(&extent.checksum, out.data + out.size - 4, 4);
		assert_code(ET_CORRUPT, et_frame_measure(fd, 7, 7 + out.size - 1, &extent, &err),
			    &err);
		assert_code(ET_CORRUPT, et_frame_measure(fd, 8, 7 + out.size, &extent, &err), &err);
		assert_code(ET_CORRUPT,
			    et_frame_measure(fd, 7 + out.size, 7 + out.size, &extent, &err), &err);
		(void)close(fd);
		et_buf_done(&out);
	}
}

static void
a_level_that_zstd_does_not_have_is_refused(void **state ET_UNUSED)
{
	struct et_frame_packer *packer;
	struct et_error err;

	assert_code(ET_USAGE, et_frame_packer_new(20, &packer, &err), &err);
	assert_code(ET_USAGE, et_frame_packer_new(-8, &packer, &err), &err);
}

static void
a_buffer_that_is_full_takes_no_frame(void **state ET_UNUSED)
{
	ET_CLEAN(et_frame_packer) struct et_frame_packer *packer = NULL;
	struct et_error err;
	struct et_buf out;

	et_buf_init(&out, 16);
	assert_ok(et_frame_packer_new(1, &packer, &err), &err);
	assert_code(ET_LIMIT,
		    et_frame_pack(packer,
				  (struct et_slice){ (const uint8_t *)"0123456789abcdef", 16 },
				  &out, &err),
		    &err);
	assert_int_equal(out.size, 0);
	et_buf_done(&out);
}

static void
what_is_no_frame_of_ours_is_corrupt(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
	} bad[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "abcdefghijklmnop", 16 },
		{ "\x50\x2a\x4d\x18\x04\0\0\0abcd", 12 },                /* skippable */
		{ "\x28\xb5\x2f\xfd\x20\x01\x09\0\0a", 10 },             /* without checksum */
		{ "\x28\xb5\x2f\xfd\x24\x00\x01\0\0\0\0\0\0", 13 },      /* of no bytes */
		{ "\x28\xb5\x2f\xfd\x2c\x01\x09\0\0a\0\0\0\0", 14 },     /* the reserved bit */
		{ "\x28\xb5\x2f\xfd\x24\x01\x0f\0\0a\0\0\0\0", 14 },     /* a reserved block type */
		{ "\x28\xb5\x2f\xfd\x25\x07\x01\x09\0\0a\0\0\0\0", 15 }, /* with a dictionary */
		{ "\x28\xb5\x2f\xfd\xe4\xff\xff\xff\xff\xff\xff\xff\xff\x09\0\0a",
		  17 }, /* too large */
		{ "\x28\xb5\x2f\xfd\x24\x01\xfd\xff\xff", 9 },
	};
	ET_CLEAN(et_frame_unpacker) struct et_frame_unpacker *unpacker = et_frame_unpacker_new();
	ET_CLEAN_MEM char *path = et_test_path(state, "frame");

	for (size_t i = 0; i < ET_COUNT(bad); i++) {
		struct et_frame_extent extent;
		struct et_error err = { 0 };
		struct et_slice raw;
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_int_equal(pwrite(fd, bad[i].bytes, bad[i].count, 0), bad[i].count);
		assert_true(et_frame_unpack(unpacker,
					    (struct et_slice){ (const uint8_t *)bad[i].bytes,
							       bad[i].count },
					    ET_FRAME_RAW_MAX, &raw, &err) < 0);
		if (i != 3)
			assert_code(ET_CORRUPT,
				    et_frame_measure(fd, 0, bad[i].count, &extent, &err), &err);
		(void)close(fd);
	}
}

static void
a_skippable_frame_is_measured_as_one(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "frame");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct et_frame_extent extent;
	struct et_error err = { 0 };

	assert_int_equal(pwrite(fd, "\x5e\x2a\x4d\x18\x04\0\0\0abcd", 12, 0), 12);
	assert_ok(et_frame_measure(fd, 0, 12, &extent, &err), &err);
	assert_true(extent.skippable);
	assert_int_equal(extent.packed_bytes, 12);
	assert_int_equal(extent.raw_bytes, 0);
	assert_code(ET_CORRUPT, et_frame_measure(fd, 0, 11, &extent, &err), &err);
	(void)close(fd);
}

static void
a_changed_byte_of_the_content_is_noticed(void **state ET_UNUSED)
{
	ET_CLEAN(et_frame_packer) struct et_frame_packer *packer = NULL;
	ET_CLEAN(et_frame_unpacker) struct et_frame_unpacker *unpacker = et_frame_unpacker_new();
	uint8_t raw[3000];
	struct et_error err = { 0 };
	struct et_slice back;
	struct et_buf out;

	fill(raw, sizeof(raw));
	et_buf_init(&out, 1 << 20);
	assert_ok(et_frame_packer_new(1, &packer, &err), &err);
	assert_ok(et_frame_pack(packer, (struct et_slice){ raw, sizeof(raw) }, &out, &err), &err);
	out.data[out.size - 1] ^= 1;
	assert_code(ET_CORRUPT,
		    et_frame_unpack(unpacker, (struct et_slice){ out.data, out.size }, sizeof(raw),
				    &back, &err),
		    &err);
	out.data[out.size - 1] ^= 1;
	et_buf_put_u8(&out, 0);
	assert_code(ET_CORRUPT,
		    et_frame_unpack(unpacker, (struct et_slice){ out.data, out.size }, sizeof(raw),
				    &back, &err),
		    &err);
	et_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(packed_bytes_come_back_and_the_frame_is_as_long_as_measured),
		cmocka_unit_test(a_level_that_zstd_does_not_have_is_refused),
		cmocka_unit_test(a_buffer_that_is_full_takes_no_frame),
		et_test_with_dir(what_is_no_frame_of_ours_is_corrupt),
		et_test_with_dir(a_skippable_frame_is_measured_as_one),
		cmocka_unit_test(a_changed_byte_of_the_content_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
