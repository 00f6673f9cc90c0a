// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

static void
neighbours_become_one_with_the_same_records_and_tree(void **state)
{
	ET_CLEAN_MEM char *out = et_format("%s/out", (const char *)*state);
	ET_CLEAN_MEM char *whole = et_format("%s/whole", (const char *)*state);
	ET_CLEAN_MEM char *direct = sample_archive(whole, 3000);
	struct sample *sample = sample_new(*state, 1);
	struct sample *merge = sample_new(out, 2);
	struct et_archive_summary parts[4];
	struct et_archive_summary merged;
	struct et_error err = { 0 };
	const char *paths[4];
	ET_CLEAN_MEM uint8_t *a = NULL;
	ET_CLEAN_MEM uint8_t *b = NULL;
	size_t a_bytes;
	size_t b_bytes;

	for (size_t i = 0; i < 4; i++) {
		parts[i] = sample_write(sample, i < 3 ? 777 * (i + 1) : 3000);
		paths[i] = parts[i].path;
	}
	merge->options.stream = merge->options.identity = NULL;
	assert_ok(et_archive_compact(paths, 4, &merge->options, &merged, &err), &err);
	assert_int_equal(sample_verify(merged.path, 2, false).count, 0);
	assert_true(et_tree_head_equals(&merged.after, &parts[3].after));
	/* The same as if it had been written at once. */
	a = sample_read_file(merged.path, &a_bytes);
	b = sample_read_file(direct, &b_bytes);
	assert_int_equal(a_bytes, b_bytes);
	assert_memory_equal(a, b, a_bytes);
	et_archive_summary_done(&merged);
	for (size_t i = 0; i < 4; i++)
		et_archive_summary_done(&parts[i]);
	sample_free(sample);
	sample_free(merge);
}

static void
the_later_ones_can_be_merged_without_the_first(void **state)
{
	ET_CLEAN_MEM char *out = et_format("%s/out", (const char *)*state);
	struct sample *sample = sample_new(*state, 1);
	struct sample *merge = sample_new(out, 0);
	struct et_archive_summary parts[3];
	struct et_archive_summary merged;
	struct et_error err = { 0 };
	const char *paths[2];

	for (size_t i = 0; i < 3; i++)
		parts[i] = sample_write(sample, 555 * (i + 1));
	paths[0] = parts[1].path;
	paths[1] = parts[2].path;
	assert_ok(et_archive_compact(paths, 2, &merge->options, &merged, &err), &err);
	assert_true(et_tree_head_equals(&merged.before, &parts[0].after));
	assert_int_equal(sample_verify(merged.path, 1, false).count, 0);
	et_archive_summary_done(&merged);
	for (size_t i = 0; i < 3; i++)
		et_archive_summary_done(&parts[i]);
	sample_free(sample);
	sample_free(merge);
}

static void
what_does_not_fit_together_is_not_merged(void **state)
{
	ET_CLEAN_MEM char *out = et_format("%s/out", (const char *)*state);
	struct sample *sample = sample_new(*state, 1);
	struct sample *merge = sample_new(out, 1);
	struct et_archive_summary one = sample_write(sample, 300);
	struct et_archive_summary two;
	struct et_archive_summary three;
	struct et_archive_summary merged;
	struct et_error err = { 0 };
	const char *paths[2] = { one.path, NULL };
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	size_t count;

	two = sample_write(sample, 600);
	sample->options.identity = "other";
	three = sample_write(sample, 900);
	paths[1] = one.path;
	assert_code(ET_CONFLICT, et_archive_compact(paths, 2, &merge->options, &merged, &err),
		    &err);
	assert_words(&err, "begins at 1, not at 301");
	paths[0] = two.path;
	paths[1] = three.path;
	assert_code(ET_CONFLICT, et_archive_compact(paths, 2, &merge->options, &merged, &err),
		    &err);
	assert_words(&err, "other");
	paths[0] = one.path;
	paths[1] = "/nowhere";
	assert_code(ET_GONE, et_archive_compact(paths, 2, &merge->options, &merged, &err), &err);
	assert_code(ET_USAGE, et_archive_compact(paths, 0, &merge->options, &merged, &err), &err);
	bytes = sample_read_file(two.path, &count);
	bytes[count / 3] ^= 1;
	sample_write_file(two.path, bytes, count);
	paths[1] = two.path;
	assert_code(ET_CORRUPT, et_archive_compact(paths, 2, &merge->options, &merged, &err), &err);
	et_archive_summary_done(&one);
	et_archive_summary_done(&two);
	et_archive_summary_done(&three);
	sample_free(sample);
	sample_free(merge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(neighbours_become_one_with_the_same_records_and_tree),
		et_test_with_dir(the_later_ones_can_be_merged_without_the_first),
		et_test_with_dir(what_does_not_fit_together_is_not_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
