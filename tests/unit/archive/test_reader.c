// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "archive/format.h"

static struct et_reader *
open_reader(const char *path)
{
	struct et_reader *reader = NULL;
	struct et_error err = { 0 };

	assert_ok(et_reader_open(path, &reader, &err), &err);
	return reader;
}

static void
assert_same_record(const struct et_record *record, uint64_t seq)
{
	struct et_record want;
	struct et_buf memory;

	et_buf_init(&memory, 4096);
	want = sample_record(seq, &memory);
	assert_int_equal(record->seq, seq);
	assert_true(record->time_ns == want.time_ns);
	assert_int_equal(record->subject.size, want.subject.size);
	assert_memory_equal(record->subject.data, want.subject.data, want.subject.size);
	assert_int_equal(record->headers.size, want.headers.size);
	if (want.headers.size > 0)
		assert_memory_equal(record->headers.data, want.headers.data, want.headers.size);
	assert_int_equal(record->body.size, want.body.size);
	assert_memory_equal(record->body.data, want.body.data, want.body.size);
	et_buf_done(&memory);
}

static void
any_range_gives_its_records_in_order(void **state)
{
	static const uint64_t ranges[][2] = {
		{ 0, UINT64_MAX }, { 1, 3000 }, { 1, 1 },      { 3000, 3000 },
		{ 49, 60 },        { 50, 59 },  { 777, 1234 }, { 2999, 9999 },
		{ 3001, 9999 },    { 0, 0 },    { 100, 99 },
	};
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	ET_CLEAN(et_reader) struct et_reader *reader = open_reader(path);

	assert_string_equal(et_reader_path(reader), path);
	for (size_t i = 0; i < ET_COUNT(ranges); i++) {
		uint64_t first = ranges[i][0] > 0 ? ranges[i][0] : 1;
		struct et_record record;
		struct et_slice leaf;
		struct et_error err = { 0 };

		et_reader_seek(reader, ranges[i][0], ranges[i][1]);
		for (uint64_t seq = first; seq <= ranges[i][1] && seq <= 3000; seq++) {
			if (sample_is_hole(seq))
				continue;
			assert_code(1, et_reader_next(reader, &record, &leaf, &err), &err);
			assert_same_record(&record, seq);
			assert_int_equal(leaf.size, et_record_size(&record));
		}
		assert_code(0, et_reader_next(reader, &record, &leaf, &err), &err);
		assert_code(0, et_reader_next(reader, &record, NULL, &err), &err);
	}
}

static void
one_record_is_found_or_its_hole_is_named(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 1000);
	ET_CLEAN(et_reader) struct et_reader *reader = open_reader(path);

	for (uint64_t seq = 0; seq <= 1001; seq += 7) {
		struct et_record record;
		struct et_error err = { 0 };
		int r = et_reader_record(reader, seq, &record, NULL, &err);

		if (seq == 0 || seq > 1000 || sample_is_hole(seq)) {
			assert_code(ET_GONE, r, &err);
			assert_words(&err, "has no sequence");
			if (seq > 0 && seq <= 1000)
				assert_words(&err, et_hole_type_name(seq / 100 % 4));
		} else {
			assert_ok(r, &err);
			assert_same_record(&record, seq);
		}
	}
}

static bool
wanted(const struct et_row *row, const struct et_uuid *device, const struct et_uuid *aggregate)
{
	return (device == NULL || et_uuid_compare(&row->device, device) == 0) &&
	       (aggregate == NULL || et_uuid_compare(&row->aggregate, aggregate) == 0);
}

static void
assert_rows(struct et_reader *reader, const struct et_rows *all, const struct et_uuid *device,
	    const struct et_uuid *aggregate)
{
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_error err = { 0 };
	struct et_row row;

	assert_ok(et_reader_rows_open(reader, device, aggregate, &walk, &err), &err);
	for (size_t i = 0; i < all->count; i++) {
		if (!wanted(&all->rows[i], device, aggregate))
			continue;
		assert_code(1, et_reader_rows_next(walk, &row, &err), &err);
		assert_int_equal(et_row_compare(&row, &all->rows[i]), 0);
		assert_int_equal(row.row_class, all->rows[i].row_class);
	}
	assert_code(0, et_reader_rows_next(walk, &row, &err), &err);
}

static void
rows_are_found_by_device_and_aggregate(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 20000);
	ET_CLEAN(et_reader) struct et_reader *reader = open_reader(path);
	struct et_reader_rows *walk = NULL;
	struct et_rows all = { 0 };
	struct et_error err = { 0 };
	struct et_uuid none = { 0 };
	struct et_buf memory;

	et_buf_init(&memory, 4096);
	for (uint64_t seq = 1; seq <= 20000; seq++) {
		struct et_record record = sample_record(seq, &memory);

		if (!sample_is_hole(seq))
			(void)sample_rows(NULL, &record, &all);
	}
	et_rows_sort(&all);
	assert_rows(reader, &all, NULL, NULL);
	assert_rows(reader, &all, &none, NULL);
	for (uint8_t d = 0; d < 9; d++) {
		struct et_uuid device = { .bytes = { [0] = d, [15] = 1 } };

		assert_rows(reader, &all, &device, NULL);
		for (uint8_t a = 0; a < 5; a++) {
			struct et_uuid aggregate = { .bytes = { [7] = a } };

			assert_rows(reader, &all, &device, &aggregate);
		}
	}
	assert_code(ET_USAGE, et_reader_rows_open(reader, NULL, &none, &walk, &err), &err);
	et_rows_done(&all);
	et_buf_done(&memory);
}

static void
a_damaged_frame_is_named_and_the_walk_goes_on_behind_it(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	struct et_frame_entry frame = { 0 };
	struct et_reader *reader = open_reader(path);
	const struct et_manifest *manifest = et_reader_manifest(reader);
	uint64_t seen = 0;
	uint64_t lost = 0;
	unsigned damages = 0;
	struct et_record record;
	struct et_error err = { 0 };
	uint64_t first = 0;
	uint64_t last = 0;
	size_t count;
	int r;

	for (size_t i = 0; i < manifest->frame_count; i++)
		if (manifest->frames[i].kind == ET_FRAME_RECORDS &&
		    manifest->frames[i].first_seq > 1000)
			frame = manifest->frames[i];
	et_reader_free(reader);
	bytes = sample_read_file(path, &count);
	bytes[frame.offset + frame.packed_bytes / 2] ^= 4;
	sample_write_file(path, bytes, count);

	reader = open_reader(path);
	while ((r = et_reader_next(reader, &record, NULL, &err)) != 0) {
		if (r > 0) {
			seen++;
			continue;
		}
		assert_code(ET_CORRUPT, r, &err);
		assert_words(&err, "records/00");
		assert_words(&err, path);
		et_reader_damage(reader, &first, &last);
		assert_int_equal(first, frame.first_seq);
		assert_int_equal(last, frame.last_seq);
		lost += frame.count;
		damages++;
	}
	assert_int_equal(damages, 1);
	assert_int_equal(seen + lost, 2700);
	assert_code(ET_CORRUPT, et_reader_record(reader, frame.first_seq, &record, NULL, &err),
		    &err);
	assert_ok(et_reader_record(reader, frame.first_seq - 1, &record, NULL, &err), &err);
	et_reader_free(reader);
}

static void
a_file_that_is_no_whole_archive_is_refused(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 300);
	ET_CLEAN_MEM char *gone = et_test_path(state, "gone");
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	struct et_reader *reader = NULL;
	struct et_error err = { 0 };
	size_t count;

	assert_code(ET_GONE, et_reader_open(gone, &reader, &err), &err);
	assert_code(ET_IO, et_reader_open(*state, &reader, &err), &err);
	bytes = sample_read_file(path, &count);
	for (size_t cut = 0; cut < count; cut += cut < 100 ? 1 : 37) {
		sample_write_file(path, bytes, cut);
		assert_code(ET_CORRUPT, et_reader_open(path, &reader, &err), &err);
		assert_words(&err, path);
	}
	et_reader_free(NULL);
}

static void
any_changed_byte_near_the_end_is_an_error_or_harmless_but_no_crash(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 300);
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	struct et_error err = { 0 };
	size_t count;

	bytes = sample_read_file(path, &count);
	for (size_t at = count > 3000 ? count - 3000 : 0; at < count; at++) {
		ET_CLEAN(et_reader) struct et_reader *reader = NULL;
		int r;

		bytes[at] ^= 0x41;
		sample_write_file(path, bytes, count);
		r = et_reader_open(path, &reader, &err);
		assert_true(r == 0 || r == ET_CORRUPT || r == ET_LIMIT || r == ET_CONFIG);
		bytes[at] ^= 0x41;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(any_range_gives_its_records_in_order),
		et_test_with_dir(one_record_is_found_or_its_hole_is_named),
		et_test_with_dir(rows_are_found_by_device_and_aggregate),
		et_test_with_dir(a_damaged_frame_is_named_and_the_walk_goes_on_behind_it),
		et_test_with_dir(a_file_that_is_no_whole_archive_is_refused),
		et_test_with_dir(
			any_changed_byte_near_the_end_is_an_error_or_harmless_but_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
