// SPDX-License-Identifier: Apache-2.0
/* gzip and zstd as streams: what comes out is what went in, or an error; never only less of it. */
#include "et_test.h"

#include "store/packed.h"
#include "store/unpack.h"

#define CEILING (1u << 20)
#define RAW_BYTES 3000

/* An empty skippable frame, and one that holds three bytes. */
static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0,   0,   0x5f, 0x2a,
				     0x4d, 0x18, 3,    0,    0, 0, 'a', 'b', 'c' };

/* Neither all alike nor all different. */
static void
make_raw(uint8_t raw[RAW_BYTES])
{
	uint32_t seed = 1;

	for (size_t i = 0; i < RAW_BYTES; i++) {
		seed = seed * 1103515245u + 12345u;
		raw[i] = i % 64 < 40 ? (uint8_t)(i % 64) : (uint8_t)(seed >> 16);
	}
}

/* Unpacks all of it, given in pieces of `piece` bytes into rooms of `room` bytes. */
static int
unpack(enum et_packing packing, const struct et_buf *packed, size_t piece, size_t room,
       struct et_buf *out, struct et_error *err)
{
	ET_CLEAN(et_unpack) struct et_unpack *one = NULL;
	struct et_slice in = { .data = packed->data, .size = 0 };
	size_t given = 0;

	et_buf_reset(out);
	assert_ok(et_unpack_new(packing, &one, err), err);
	assert_true(et_unpack_may_end(one));
	for (;;) {
		uint8_t *to = et_buf_reserve(out, room);
		size_t got = 99;
		int r;

		assert_non_null(to);
		if (in.size == 0 && given < packed->size) {
			in.data = packed->data + given;
			in.size = packed->size - given < piece ? packed->size - given : piece;
			given += in.size;
		}
		r = et_unpack_step(one, &in, to, room, &got, err);
		if (r < 0)
			return r;
		assert_true(got <= room);
		et_buf_commit(out, got);
		if (got == 0 && in.size == 0 && given == packed->size)
			return et_unpack_may_end(one) ? 0 : ET_GONE;
	}
}

static bool
is_raw(const struct et_buf *out, const uint8_t *raw, size_t size)
{
	return out->size == size && memcmp(out->data, raw, size) == 0;
}

static void
what_is_packed_is_seen_by_its_first_bytes(void **state ET_UNUSED)
{
	static const struct {
		const char *head;
		size_t size;
		enum et_packing packing;
	} rows[] = {
		{ "", 0, ET_PACKING_NONE },
		{ "\x1f\x8b\x08", 3, ET_PACKING_NONE },
		{ "\x1f\x8b\x08\0", 4, ET_PACKING_GZIP },
		{ "\x1f\x8b\x08\x08", 4, ET_PACKING_GZIP },
		{ "\x1f\x8b\x07\0", 4, ET_PACKING_NONE },
		{ "\x28\xb5\x2f", 3, ET_PACKING_NONE },
		{ "\x28\xb5\x2f\xfd", 4, ET_PACKING_ZSTD },
		{ "\x50\x2a\x4d\x18", 4, ET_PACKING_ZSTD },
		{ "\x5f\x2a\x4d\x18", 4, ET_PACKING_ZSTD },
		{ "\x60\x2a\x4d\x18", 4, ET_PACKING_NONE },
		{ "\x50\x2a\x4d\x19", 4, ET_PACKING_NONE },
		{ "\x22\0\0\0\x02_id", 8, ET_PACKING_NONE },
		/* What mongodump --archive writes, and what bzip2 and xz do. */
		{ "\x6d\xe2\x99\x81", 4, ET_PACKING_NONE },
		{ "BZh9", 4, ET_PACKING_NONE },
		{ "\xfd\x37zX", 4, ET_PACKING_NONE },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_int_equal(et_unpack_detect((struct et_slice){ (const uint8_t *)rows[i].head,
								     rows[i].size }),
				 rows[i].packing);
	assert_string_equal(et_unpack_name(ET_PACKING_GZIP), "gzip");
	assert_string_equal(et_unpack_name(ET_PACKING_ZSTD), "zstd");
	et_unpack_free(NULL);
}

static void
parts_one_behind_the_other_are_one_stream_in_pieces_of_any_size(void **state ET_UNUSED)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 100, 4096 };
	uint8_t raw[RAW_BYTES];
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	make_raw(raw);
	et_buf_init(&packed, CEILING);
	et_buf_init(&out, CEILING);
	for (enum et_packing packing = ET_PACKING_GZIP; packing <= ET_PACKING_ZSTD; packing++)
		for (unsigned parts = 1; parts <= 5; parts += 2) {
			et_buf_reset(&packed);
			packed_put(&packed, packing, raw, sizeof(raw), parts);
			/* One that holds nothing. */
			packed_put(&packed, packing, raw, 0, 1);
			for (size_t i = 0; i < ET_COUNT(sizes); i++)
				for (size_t k = 0; k < ET_COUNT(sizes); k++) {
					assert_ok(unpack(packing, &packed, sizes[i], sizes[k], &out,
							 &err),
						  &err);
					assert_true(is_raw(&out, raw, sizeof(raw)));
				}
		}
	et_buf_done(&packed);
	et_buf_done(&out);
}

static void
what_is_cut_off_anywhere_is_not_taken_for_whole(void **state ET_UNUSED)
{
	uint8_t raw[RAW_BYTES];
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	make_raw(raw);
	et_buf_init(&packed, CEILING);
	et_buf_init(&out, CEILING);
	for (enum et_packing packing = ET_PACKING_GZIP; packing <= ET_PACKING_ZSTD; packing++) {
		struct et_buf cut;
		size_t border;

		et_buf_reset(&packed);
		packed_put(&packed, packing, raw, 1000, 1);
		border = packed.size;
		packed_put(&packed, packing, raw + 1000, sizeof(raw) - 1000, 1);
		for (size_t size = 1; size < packed.size; size++) {
			cut = packed;
			cut.size = size;
			/* Between two parts nobody can see that one is missing. */
			if (size == border)
				assert_ok(unpack(packing, &cut, 4096, 4096, &out, &err), &err);
			else
				assert_int_equal(unpack(packing, &cut, 4096, 4096, &out, &err),
						 ET_GONE);
		}
	}
	et_buf_done(&packed);
	et_buf_done(&out);
}

static void
a_bit_that_is_wrong_is_an_error_or_changes_nothing(void **state ET_UNUSED)
{
	uint8_t raw[RAW_BYTES];
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	make_raw(raw);
	et_buf_init(&packed, CEILING);
	et_buf_init(&out, CEILING);
	for (enum et_packing packing = ET_PACKING_GZIP; packing <= ET_PACKING_ZSTD; packing++) {
		unsigned harmless = 0;

		et_buf_reset(&packed);
		packed_put(&packed, packing, raw, sizeof(raw), 2);
		for (size_t bit = 0; bit < packed.size * 8; bit++) {
			packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (unpack(packing, &packed, 4096, 4096, &out, &err) == 0) {
				assert_true(is_raw(&out, raw, sizeof(raw)));
				harmless++;
			}
			packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		/* Times and the like in headers: a few bytes of each part. */
		assert_true(harmless <= 2 * 8 * 8);
	}
	et_buf_done(&packed);
	et_buf_done(&out);
}

static void
what_stands_behind_the_end_is_an_error(void **state ET_UNUSED)
{
	static const char *const behind[] = { "\0", "\n", "garbage", "\x1f\x8b", "\x28\xb5\x2f" };
	static const size_t sizes[] = { 1, 1, 7, 2, 3 };
	static const uint8_t raw[] = "something";
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	et_buf_init(&packed, CEILING);
	et_buf_init(&out, CEILING);
	for (enum et_packing packing = ET_PACKING_GZIP; packing <= ET_PACKING_ZSTD; packing++)
		for (size_t i = 0; i < ET_COUNT(behind); i++) {
			et_buf_reset(&packed);
			packed_put(&packed, packing, raw, sizeof(raw), 1);
			et_buf_put(&packed, behind[i], sizes[i]);
			assert_true(unpack(packing, &packed, 1, 4096, &out, &err) < 0);
			assert_true(unpack(packing, &packed, 4096, 1, &out, &err) < 0);
		}
	et_buf_done(&packed);
	et_buf_done(&out);
}

static void
skippable_frames_hold_nothing(void **state ET_UNUSED)
{
	static const uint8_t raw[] = "something";
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	et_buf_init(&packed, CEILING);
	et_buf_init(&out, CEILING);
	et_buf_put(&packed, skippable, sizeof(skippable));
	assert_ok(unpack(ET_PACKING_ZSTD, &packed, 1, 1, &out, &err), &err);
	assert_int_equal(out.size, 0);
	packed_put(&packed, ET_PACKING_ZSTD, raw, sizeof(raw), 1);
	et_buf_put(&packed, skippable, sizeof(skippable));
	for (size_t piece = 1; piece < packed.size + 1; piece++) {
		assert_ok(unpack(ET_PACKING_ZSTD, &packed, piece, 5, &out, &err), &err);
		assert_true(is_raw(&out, raw, sizeof(raw)));
	}
	packed.size--;
	assert_int_equal(unpack(ET_PACKING_ZSTD, &packed, 4096, 5, &out, &err), ET_GONE);
	et_buf_done(&packed);
	et_buf_done(&out);
}

/* A header, and one raw block that is empty and the last. */
static void
a_window_that_is_too_large_is_a_limit_and_says_what_to_do(void **state ET_UNUSED)
{
	static uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0 };
	const struct et_buf packed = { .data = frame, .size = sizeof(frame) };
	struct et_error err = { 0 };
	struct et_buf out;

	et_buf_init(&out, CEILING);
	frame[5] = (ET_UNPACK_WINDOW_LOG_MAX - 10) << 3;
	assert_ok(unpack(ET_PACKING_ZSTD, &packed, 4096, 1, &out, &err), &err);
	frame[5] = (ET_UNPACK_WINDOW_LOG_MAX + 1 - 10) << 3;
	assert_code(ET_LIMIT, unpack(ET_PACKING_ZSTD, &packed, 4096, 1, &out, &err), &err);
	assert_words(&err, "128 MiB");
	assert_non_null(strstr(err.hint, "--long"));
	et_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_seen_by_its_first_bytes),
		cmocka_unit_test(parts_one_behind_the_other_are_one_stream_in_pieces_of_any_size),
		cmocka_unit_test(what_is_cut_off_anywhere_is_not_taken_for_whole),
		cmocka_unit_test(a_bit_that_is_wrong_is_an_error_or_changes_nothing),
		cmocka_unit_test(what_stands_behind_the_end_is_an_error),
		cmocka_unit_test(skippable_frames_hold_nothing),
		cmocka_unit_test(a_window_that_is_too_large_is_a_limit_and_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
