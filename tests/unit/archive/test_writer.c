// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "archive/format.h"
#include "base/clock.h"

/* How many names there are in a directory. */
static unsigned
count_names(const char *dir)
{
	unsigned count = 0;
	DIR *handle = opendir(dir);

	assert_non_null(handle);
	while (readdir(handle) != NULL)
		count++;
	(void)closedir(handle);
	return count - 2;
}

static int
run(const char *command, const char *path)
{
	ET_CLEAN_MEM char *line = et_format("%s '%s' >/dev/null 2>&1", command, path);

	return system(line);
}

static void
any_number_of_workers_writes_the_same_bytes(void **state)
{
	static const unsigned jobs[] = { 0, 1, 2, 5 };
	ET_CLEAN_MEM uint8_t *want = NULL;
	size_t want_bytes = 0;

	for (size_t i = 0; i < ET_COUNT(jobs); i++) {
		ET_CLEAN_MEM char *dir = et_format("%s/%u/deep", (const char *)*state, jobs[i]);
		struct sample *sample = sample_new(dir, jobs[i]);
		struct et_archive_summary summary = sample_write(sample, 5000);
		ET_CLEAN_MEM uint8_t *bytes = NULL;
		size_t count;

		bytes = sample_read_file(summary.path, &count);
		assert_int_equal(summary.packed_bytes, count);
		if (i == 0) {
			want = ET_STEAL(bytes);
			want_bytes = count;
		} else {
			assert_int_equal(count, want_bytes);
			assert_memory_equal(bytes, want, count);
		}
		assert_int_equal(count_names(dir), 2);
		et_archive_summary_done(&summary);
		sample_free(sample);
	}
}

static void
the_summary_says_what_went_in(void **state)
{
	struct sample *sample = sample_new(*state, 2);
	struct et_archive_summary summary = sample_write(sample, 1000);

	assert_string_equal(summary.name,
			    "EVENTS-00000000000000000001-00000000000000001000.tar.zst");
	assert_int_equal(summary.first_seq, 1);
	assert_int_equal(summary.last_seq, 1000);
	assert_int_equal(summary.counts.messages, 900);
	assert_int_equal(summary.counts.events + summary.counts.registrations +
				 summary.counts.foreign + summary.counts.malformed,
			 900);
	assert_int_equal(summary.hole_count, 10);
	assert_int_equal(summary.hole_seqs, 100);
	assert_true(summary.first_time_ns == SAMPLE_TIME_NS + 1000);
	assert_true(summary.last_time_ns == SAMPLE_TIME_NS + 1000000);
	assert_int_equal(summary.before.size, 0);
	assert_int_equal(summary.after.size, 900);
	et_archive_summary_done(&summary);
	summary = sample_write(sample, 2000);
	assert_int_equal(summary.before.size, 900);
	assert_int_equal(summary.after.size, 1800);
	et_archive_summary_done(&summary);
	sample_free(sample);
}

static void
the_usual_tools_read_an_archive(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	ET_CLEAN_MEM char *line = NULL;

	if (run("command -v zstd && command -v tar", "") != 0)
		skip();
	assert_int_equal(run("zstd -t", path), 0);
	assert_int_equal(run("tar --zstd -tf", path), 0);
	assert_int_equal(run("bsdtar -tf", path), 0);
	line = et_format("cd '%s' && sha256sum --strict -c *.sha256 >/dev/null",
			 (const char *)*state);
	assert_int_equal(system(line), 0);
}

static void
a_range_without_any_record_is_an_archive_too(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	assert_ok(et_writer_open(&sample->options, 7, &writer, &err), &err);
	assert_ok(et_writer_hole(writer, 7, UINT64_MAX, ET_HOLE_NOT_REQUESTED, &err), &err);
	assert_code(ET_USAGE, et_writer_hole(writer, 0, 0, ET_HOLE_ABSENT, &err), &err);
	assert_ok(et_writer_finish(writer, UINT64_MAX, &summary, &err), &err);
	assert_int_equal(summary.counts.messages, 0);
	assert_true(summary.first_time_ns == ET_TIME_NONE);
	assert_int_equal(sample_verify(summary.path, 1, false).count, 0);
	et_archive_summary_done(&summary);
	sample_free(sample);
}

static void
the_range_is_filled_in_order_and_to_its_end(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };
	struct et_record record;
	struct et_buf memory;

	et_buf_init(&memory, 4096);
	record = sample_record(12, &memory);
	assert_ok(et_writer_open(&sample->options, 10, &writer, &err), &err);
	assert_code(ET_USAGE, et_writer_append(writer, &record, &err), &err);
	assert_words(&err, "sequence 12 where 10 belongs");
	assert_code(ET_USAGE, et_writer_hole(writer, 11, 12, ET_HOLE_ABSENT, &err), &err);
	assert_code(ET_USAGE, et_writer_hole(writer, 10, 9, ET_HOLE_ABSENT, &err), &err);
	assert_code(ET_USAGE, et_writer_hole(writer, 10, 11, ET_HOLE_TYPE_COUNT, &err), &err);
	assert_ok(et_writer_hole(writer, 10, 11, ET_HOLE_ABSENT, &err), &err);
	assert_int_equal(et_writer_next_seq(writer), 12);
	assert_ok(et_writer_append(writer, &record, &err), &err);
	assert_code(ET_USAGE, et_writer_append(writer, &record, &err), &err);
	assert_int_equal(et_writer_count(writer), 1);
	assert_int_equal(et_writer_raw_bytes(writer),
			 et_record_size(&record) + et_varint_size(et_record_size(&record)));
	assert_code(ET_USAGE, et_writer_finish(writer, 13, &summary, &err), &err);
	assert_code(ET_USAGE, et_writer_finish(writer, 11, &summary, &err), &err);
	assert_false(et_writer_full(writer));
	assert_ok(et_writer_finish(writer, 12, &summary, &err), &err);
	assert_code(ET_USAGE, et_writer_finish(writer, 12, &summary, &err), &err);
	record = sample_record(13, &memory);
	assert_code(ET_USAGE, et_writer_append(writer, &record, &err), &err);
	et_archive_summary_done(&summary);
	et_buf_done(&memory);
	sample_free(sample);
}

static void
a_writer_that_is_given_up_leaves_nothing(void **state)
{
	struct sample *sample = sample_new(*state, 2);

	for (uint64_t last = 0; last < 4000; last += 1333) {
		struct et_writer *writer = NULL;
		struct et_error err = { 0 };

		assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
		assert_ok(sample_fill(writer, 1, last, &err), &err);
		et_writer_free(writer);
		assert_int_equal(count_names(*state), 0);
	}
	et_writer_free(NULL);
	sample_free(sample);
}

/* What comes back from the disk: the flip-th read of a frame (0: none) is changed in this bit. */
static struct {
	unsigned at;
	size_t byte;
	uint8_t bit;
} flip;

ssize_t
pread(int fd, void *bytes, size_t count, off_t offset)
{
	ssize_t n = syscall(SYS_pread64, fd, bytes, count, offset);
	uint8_t *to = bytes;

	if (flip.at > 0 && n > 8 && memcmp(to, "\x28\xb5\x2f\xfd", 4) == 0 && --flip.at == 0)
		to[flip.byte < (size_t)n ? flip.byte : (size_t)n - 1] ^= flip.bit;
	return n;
}

static void
what_comes_back_otherwise_than_it_was_written_gets_no_name(void **state)
{
	static const struct {
		unsigned at;
		size_t byte;
		uint8_t bit;
	} rows[] = {
		{ 1, 4, 0x10 },  { 3, 4, 0x10 }, /* a bit of the frame's header that zstd ignores */
		{ 1, 40, 0x01 }, { 5, 40, 0x80 }, /* content */
		{ 2, 9999, 1 },                   /* the checksum at the end */
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct sample *sample = sample_new(*state, (unsigned)(i % 3));
		struct et_archive_summary summary = { 0 };
		struct et_writer *writer = NULL;
		struct et_error err = { 0 };
		int r;

		flip.at = rows[i].at;
		flip.byte = rows[i].byte;
		flip.bit = rows[i].bit;
		assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
		r = sample_fill(writer, 1, 999, &err);
		if (r == 0)
			r = et_writer_finish(writer, 999, &summary, &err);
		assert_code(ET_CORRUPT, r, &err);
		assert_non_null(strstr(err.text, "read back"));
		et_writer_free(writer);
		assert_int_equal(flip.at, 0);
		assert_int_equal(count_names(*state), 0);
		sample_free(sample);
	}
}

static void
an_archive_that_is_there_already_stays_as_it_is(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 100);
	ET_CLEAN_MEM char *sidecar = et_format("%s.sha256", path);
	struct sample *sample = sample_new(*state, 1);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	et_test_write(path, "mine");
	et_test_write(sidecar, "too");
	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_ok(sample_fill(writer, 1, 100, &err), &err);
	assert_code(ET_CONFLICT, et_writer_finish(writer, 100, &summary, &err), &err);
	et_writer_free(ET_STEAL(writer));
	{
		ET_CLEAN_MEM char *text = et_test_read(path);
		ET_CLEAN_MEM char *other = et_test_read(sidecar);

		assert_string_equal(text, "mine");
		assert_string_equal(other, "too");
	}
	assert_int_equal(count_names(*state), 2);
	sample_free(sample);
}

struct taken {
	struct et_rows rows;
	int result;
};

static int
take(void *cookie, const struct et_row *rows, size_t count, struct et_error *err)
{
	struct taken *taken = cookie;

	for (size_t i = 0; i < count; i++)
		et_rows_add(&taken->rows, &rows[i]);
	return taken->result < 0 ? et_error_set(err, taken->result, "no more") : 0;
}

static void
the_rows_are_handed_out_sorted_and_all_of_them(void **state)
{
	struct sample *sample = sample_new(*state, 2);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct taken taken = { 0 };
	struct et_rows want = { 0 };
	struct et_error err = { 0 };
	struct et_buf memory;

	et_buf_init(&memory, 4096);
	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_ok(sample_fill(writer, 1, 5000, &err), &err);
	assert_code(ET_USAGE, et_writer_each_row(writer, take, &taken, &err), &err);
	assert_ok(et_writer_finish(writer, 5000, &summary, &err), &err);
	assert_ok(et_writer_each_row(writer, take, &taken, &err), &err);
	for (uint64_t seq = 1; seq <= 5000; seq++) {
		struct et_record record = sample_record(seq, &memory);

		if (!sample_is_hole(seq))
			(void)sample_rows(NULL, &record, &want);
	}
	et_rows_sort(&want);
	assert_int_equal(taken.rows.count, want.count);
	assert_int_equal(summary.counts.rows, want.count);
	for (size_t i = 0; i < want.count; i++) {
		assert_int_equal(et_row_compare(&taken.rows.rows[i], &want.rows[i]), 0);
		assert_true(taken.rows.rows[i].event_time_ns == want.rows[i].event_time_ns);
	}
	taken.result = ET_LIMIT;
	assert_code(ET_LIMIT, et_writer_each_row(writer, take, &taken, &err), &err);
	et_rows_done(&taken.rows);
	et_rows_done(&want);
	et_buf_done(&memory);
	et_archive_summary_done(&summary);
	sample_free(sample);
}

static void
the_next_archive_may_be_filled_while_the_last_one_finishes(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	struct et_writer *writer = NULL;
	struct et_writer *next = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_ok(sample_fill(writer, 1, 1000, &err), &err);
	assert_ok(et_writer_drain(writer, &err), &err);
	assert_ok(et_writer_drain(writer, &err), &err);
	assert_ok(et_writer_open(&sample->options, 1001, &next, &err), &err);
	assert_ok(sample_fill(next, 1001, 2000, &err), &err);
	assert_ok(et_writer_drain(next, &err), &err);
	assert_ok(et_writer_finish(writer, 1000, &summary, &err), &err);
	assert_int_equal(summary.after.size, 900);
	assert_int_equal(sample_verify(summary.path, 2, false).count, 0);
	et_archive_summary_done(&summary);
	assert_ok(et_writer_finish(next, 2000, &summary, &err), &err);
	assert_int_equal(summary.before.size, 900);
	assert_int_equal(sample_verify(summary.path, 2, false).count, 0);
	et_archive_summary_done(&summary);
	et_writer_free(writer);
	et_writer_free(next);
	sample_free(sample);
}

static void
records_larger_than_a_frame_or_a_segment_have_their_own(void **state)
{
	static const size_t sizes[] = { 1, 5000, 40000, 3000000, 10 };
	struct sample *sample = sample_new(*state, 2);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	ET_CLEAN_MEM uint8_t *body = et_calloc(1, ET_RECORD_BYTES_MAX);
	struct et_record record = { .body = { body, ET_RECORD_BYTES_MAX }, .seq = 1 };
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_code(ET_LIMIT, et_writer_append(writer, &record, &err), &err);
	for (size_t i = 0; i < ET_COUNT(sizes); i++) {
		record.seq = i + 1;
		record.body.size = sizes[i];
		assert_ok(et_writer_append(writer, &record, &err), &err);
	}
	assert_ok(et_writer_finish(writer, ET_COUNT(sizes), &summary, &err), &err);
	assert_int_equal(sample_verify(summary.path, 1, false).count, 0);
	et_archive_summary_done(&summary);
	sample_free(sample);
}

static int
no_rows(void *maker ET_UNUSED, const struct et_record *record ET_UNUSED,
	struct et_rows *rows ET_UNUSED)
{
	return 0;
}

static void
hooks_that_do_not_do_their_part_are_named(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	sample->options.rows.make = no_rows;
	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_ok(sample_fill(writer, 1, 10, &err), &err);
	assert_code(ET_USAGE, et_writer_finish(writer, 10, &summary, &err), &err);
	assert_words(&err, "a record without a row");
	et_writer_free(writer);
	assert_int_equal(count_names(*state), 0);
	sample_free(sample);
}

static void
wrong_options_are_refused(void **state)
{
	static const char *const names[] = { NULL, "", "a/b", "..", "a b", "a\nb", ".x" };
	struct sample *sample = sample_new(*state, 1);
	struct et_writer *writer = NULL;
	struct et_error err = { 0 };

	for (size_t i = 0; i < ET_COUNT(names); i++) {
		struct et_archive_options options = sample->options;

		options.stream = names[i];
		assert_code(ET_USAGE, et_writer_open(&options, 1, &writer, &err), &err);
		options = sample->options;
		options.identity = names[i];
		assert_code(ET_USAGE, et_writer_open(&options, 1, &writer, &err), &err);
	}
	assert_code(ET_USAGE, et_writer_open(&sample->options, 0, &writer, &err), &err);
	sample->options.level = 99;
	assert_code(ET_USAGE, et_writer_open(&sample->options, 1, &writer, &err), &err);
	sample->options.level = 1;
	sample->options.tree.push = NULL;
	assert_code(ET_USAGE, et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_int_equal(count_names(*state), 0);
	sample_free(sample);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(any_number_of_workers_writes_the_same_bytes),
		et_test_with_dir(the_summary_says_what_went_in),
		et_test_with_dir(the_usual_tools_read_an_archive),
		et_test_with_dir(a_range_without_any_record_is_an_archive_too),
		et_test_with_dir(the_range_is_filled_in_order_and_to_its_end),
		et_test_with_dir(a_writer_that_is_given_up_leaves_nothing),
		et_test_with_dir(what_comes_back_otherwise_than_it_was_written_gets_no_name),
		et_test_with_dir(an_archive_that_is_there_already_stays_as_it_is),
		et_test_with_dir(the_rows_are_handed_out_sorted_and_all_of_them),
		et_test_with_dir(the_next_archive_may_be_filled_while_the_last_one_finishes),
		et_test_with_dir(records_larger_than_a_frame_or_a_segment_have_their_own),
		et_test_with_dir(hooks_that_do_not_do_their_part_are_named),
		et_test_with_dir(wrong_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
