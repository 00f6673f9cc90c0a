// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "archive/tar.h"
#include "base/clock.h"

/* A tar of one member: its header block, and the end behind it. */
static void
write_tar(const char *name, size_t bytes, int64_t mtime_ns, uint8_t header[ET_TAR_BLOCK],
	  struct et_buf *end)
{
	ET_CLEAN(et_tar) struct et_tar *tar = NULL;
	ET_CLEAN_MEM uint8_t *data = et_calloc(1, bytes + 1);
	struct et_error err = { 0 };
	struct et_slice blocks;

	assert_ok(et_tar_new(&tar, &err), &err);
	assert_ok(et_tar_member(tar, name, bytes, mtime_ns, &blocks, &err), &err);
	assert_int_equal(blocks.size, ET_TAR_BLOCK);
	memcpy(header, blocks.data, ET_TAR_BLOCK);
	assert_ok(et_tar_data(tar, (struct et_slice){ data, bytes }, &err), &err);
	assert_ok(et_tar_end(tar, &blocks, &err), &err);
	et_buf_put(end, blocks.data, blocks.size);
}

static void
a_header_comes_back_as_it_was_written(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		size_t bytes;
		int64_t mtime_ns;
	} members[] = {
		{ "header.json", 1, 0 },
		{ "records/000001.pb", 512, INT64_C(1764039425696783913) },
		{ "index/0000.pb", 511, -5 },
		{ "manifest.json", 1025, INT64_MAX } /* cut to what fits */,
	};

	for (size_t i = 0; i < ET_COUNT(members); i++) {
		size_t padding = et_tar_padding(members[i].bytes);
		uint8_t header[ET_TAR_BLOCK];
		struct et_tar_header back;
		struct et_error err = { 0 };
		struct et_buf end;

		et_buf_init(&end, 4096);
		write_tar(members[i].name, members[i].bytes, members[i].mtime_ns, header, &end);
		assert_ok(et_tar_read((struct et_slice){ header, sizeof(header) }, 0, &back, &err),
			  &err);
		assert_string_equal(back.name, members[i].name);
		assert_int_equal(back.bytes, members[i].bytes);
		assert_int_equal(end.size, padding + 1024);
		assert_ok(et_tar_read_end((struct et_slice){ end.data, end.size }, padding, &err),
			  &err);
		assert_code(
			ET_CORRUPT,
			et_tar_read_end((struct et_slice){ end.data, end.size }, padding + 1, &err),
			&err);
		end.data[end.size - 1] = 1;
		assert_code(ET_CORRUPT,
			    et_tar_read_end((struct et_slice){ end.data, end.size }, padding, &err),
			    &err);
		et_buf_done(&end);
	}
}

static void
every_changed_bit_of_a_header_is_noticed(void **state ET_UNUSED)
{
	uint8_t header[ET_TAR_BLOCK];
	struct et_tar_header back;
	struct et_error err = { 0 };
	struct et_buf end;

	et_buf_init(&end, 4096);
	write_tar("records/000001.pb", 100, INT64_C(1764039425696783913), header, &end);
	for (size_t bit = 0; bit < sizeof(header) * 8; bit++) {
		header[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (et_tar_read((struct et_slice){ header, sizeof(header) }, 0, &back, &err) == 0) {
			/* The two bytes that end the checksum may be other ones that end it. */
			assert_true(bit / 8 == 154 || bit / 8 == 155);
		}
		header[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	et_buf_done(&end);
}

static void
padding_must_be_there_and_be_zero(void **state ET_UNUSED)
{
	uint8_t blocks[10 + ET_TAR_BLOCK] = { 0 };
	struct et_tar_header back;
	struct et_error err = { 0 };
	struct et_buf end;

	et_buf_init(&end, 4096);
	write_tar("header.json", 100, 0, blocks + 10, &end);
	assert_ok(et_tar_read((struct et_slice){ blocks, sizeof(blocks) }, 10, &back, &err), &err);
	assert_code(ET_CORRUPT,
		    et_tar_read((struct et_slice){ blocks, sizeof(blocks) }, 9, &back, &err), &err);
	assert_code(ET_CORRUPT, et_tar_read((struct et_slice){ blocks, 5 }, 10, &back, &err), &err);
	blocks[3] = 1;
	assert_code(ET_CORRUPT,
		    et_tar_read((struct et_slice){ blocks, sizeof(blocks) }, 10, &back, &err),
		    &err);
	et_buf_done(&end);
}

static void
a_member_that_is_not_as_long_as_announced_fails(void **state ET_UNUSED)
{
	ET_CLEAN(et_tar) struct et_tar *tar = NULL;
	struct et_error err = { 0 };
	struct et_slice blocks;

	assert_ok(et_tar_new(&tar, &err), &err);
	assert_ok(et_tar_member(tar, "a", 2, 0, &blocks, &err), &err);
	assert_code(ET_IO, et_tar_data(tar, (struct et_slice){ (const uint8_t *)"abc", 3 }, &err),
		    &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_comes_back_as_it_was_written),
		cmocka_unit_test(every_changed_bit_of_a_header_is_noticed),
		cmocka_unit_test(padding_must_be_there_and_be_zero),
		cmocka_unit_test(a_member_that_is_not_as_long_as_announced_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
