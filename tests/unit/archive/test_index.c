// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "archive/format.h"
#include "archive/index.h"

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Rows of all kinds and extremes, sorted. */
static void
make_rows(struct et_rows *rows, size_t count)
{
	uint64_t state = 88172645463325252ULL;

	for (size_t i = 0; i < count; i++) {
		uint64_t dice = next_random(&state);
		struct et_row row = {
			.version = dice % 3 == 0 ? i : next_random(&state),
			.event_time_ns = dice % 5 == 0 ? (int64_t)next_random(&state)
						       : SAMPLE_TIME_NS + (int64_t)i,
			.seq = dice % 7 == 0 ? next_random(&state) : i + 1,
			.row_class = (uint8_t)(dice >> 8 & 3),
			.kind = (uint8_t)(dice >> 16 & 15),
			.flags = dice % 11 == 0 ? (uint8_t)(dice >> 24) : 0,
		};

		row.device.bytes[3] = (uint8_t)(dice >> 32 & 7);
		row.aggregate.bytes[5] = (uint8_t)(dice >> 40 & 7);
		et_rows_add(rows, &row);
	}
	et_rows_sort(rows);
}

static void
assert_same_rows(const struct et_row *a, const struct et_row *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(et_uuid_compare(&a[i].device, &b[i].device), 0);
		assert_int_equal(et_uuid_compare(&a[i].aggregate, &b[i].aggregate), 0);
		assert_true(a[i].version == b[i].version);
		assert_true(a[i].event_time_ns == b[i].event_time_ns);
		assert_true(a[i].seq == b[i].seq);
		assert_int_equal(a[i].row_class, b[i].row_class);
		assert_int_equal(a[i].kind, b[i].kind);
		assert_int_equal(a[i].flags, b[i].flags);
	}
}

static size_t
take_frame(struct et_index_encoder *encoder, size_t limit, const struct et_rows *rows,
	   struct et_rows *back)
{
	struct et_frame_entry entry;
	struct et_index_key key;
	struct et_error err = { 0 };
	struct et_slice raw = et_index_encoder_take(encoder, &entry);
	size_t before = back->count;

	if (raw.size == 0)
		return 0;
	assert_true(raw.size <= limit);
	assert_ok(et_index_decode(raw, back, &err), &err);
	assert_int_equal(entry.count, back->count - before);
	key = et_index_key_of(&rows->rows[before]);
	assert_int_equal(et_index_key_compare(&key, &entry.first_key), 0);
	key = et_index_key_of(&rows->rows[back->count - 1]);
	assert_int_equal(et_index_key_compare(&key, &entry.last_key), 0);
	return 1;
}

static void
every_row_comes_back_in_frames_of_any_size(void **state ET_UNUSED)
{
	static const size_t limits[] = { 129, 200, 1000, ET_INDEX_FRAME_BYTES };

	for (size_t l = 0; l < ET_COUNT(limits); l++) {
		ET_CLEAN(et_index_encoder)
		struct et_index_encoder *encoder = et_index_encoder_new(limits[l]);
		struct et_rows rows = { 0 };
		struct et_rows back = { 0 };
		size_t frames = 0;

		make_rows(&rows, 20000);
		for (size_t i = 0; i < rows.count; i++) {
			if (et_index_encoder_add(encoder, &rows.rows[i]))
				continue;
			frames += take_frame(encoder, limits[l], &rows, &back);
			assert_true(et_index_encoder_add(encoder, &rows.rows[i]));
		}
		frames += take_frame(encoder, limits[l], &rows, &back);
		assert_true(frames > 1);
		assert_int_equal(back.count, rows.count);
		assert_same_rows(rows.rows, back.rows, rows.count);
		et_rows_done(&rows);
		et_rows_done(&back);
	}
}

static void
a_frame_of_nothing_is_empty(void **state ET_UNUSED)
{
	ET_CLEAN(et_index_encoder) struct et_index_encoder *encoder = et_index_encoder_new(0);
	struct et_frame_entry entry;
	struct et_row zero = { 0 };
	struct et_rows back = { 0 };
	struct et_error err = { 0 };
	struct et_slice raw;

	assert_int_equal(et_index_encoder_take(encoder, &entry).size, 0);
	assert_true(et_index_encoder_add(encoder, &zero));
	raw = et_index_encoder_take(encoder, &entry);
	assert_int_equal(raw.size, 3);
	assert_memory_equal(raw.data, "\2\x18\1", 3);
	assert_ok(et_index_decode(raw, &back, &err), &err);
	assert_same_rows(&zero, back.rows, 1);
	et_rows_done(&back);
}

static void
broken_frames_are_corrupt_and_add_no_rows(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes;
		size_t count;
	} bad[] = {
		{ "\5\x18\1", 3 }, /* longer than the frame */
		{ "\0", 1 },       /* no count */
		{ "\2\x18\0", 3 },
		{ "\4\x0a\2xy\x18\1", 6 },           /* a short group, then rubbish */
		{ "\6\x0a\2xy\x18\1", 7 },           /* a device of two bytes */
		{ "\3\x1a\1\1", 4 },                 /* count as bytes */
		{ "\4\x18\1\x20\1", 5 },             /* versions as a number */
		{ "\6\x18\1\x22\2\1\1", 7 },         /* two versions for a row */
		{ "\5\x18\2\x22\1\1", 6 },           /* one version for two rows */
		{ "\6\x18\3\x3a\2\1\2", 7 },         /* two classes for three rows */
		{ "\4\x18\x81\x80\x04", 5 },         /* 65537 rows in three bytes */
		{ "\2\x18\1\4\x18\x80\x80\x04", 8 }, /* and one row in front of 65536 */
	};

	for (size_t i = 0; i < ET_COUNT(bad); i++) {
		struct et_rows rows = { 0 };
		struct et_error err = { 0 };

		assert_code(ET_CORRUPT,
			    et_index_decode((struct et_slice){ (const uint8_t *)bad[i].bytes,
							       bad[i].count },
					    &rows, &err),
			    &err);
		assert_int_equal(rows.count, 0);
		et_rows_done(&rows);
	}
}

static void
a_frame_beyond_the_limit_is_refused_and_unknown_fields_are_skipped(void **state ET_UNUSED)
{
	ET_CLEAN_MEM uint8_t *large = et_calloc(1, ET_INDEX_FRAME_BYTES + 1);
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };

	assert_code(
		ET_LIMIT,
		et_index_decode((struct et_slice){ large, ET_INDEX_FRAME_BYTES + 1 }, &rows, &err),
		&err);
	assert_ok(et_index_decode((struct et_slice){ (const uint8_t *)"\4\x18\1\x50\7", 5 }, &rows,
				  &err),
		  &err);
	assert_int_equal(rows.count, 1);
	et_rows_done(&rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_comes_back_in_frames_of_any_size),
		cmocka_unit_test(a_frame_of_nothing_is_empty),
		cmocka_unit_test(broken_frames_are_corrupt_and_add_no_rows),
		cmocka_unit_test(
			a_frame_beyond_the_limit_is_refused_and_unknown_fields_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
