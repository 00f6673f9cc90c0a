// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include <unistd.h>

#include "archive/reader.h"

static void
a_name_is_read_as_it_is_written(void **state ET_UNUSED)
{
	static const uint64_t ranges[][2] = { { 1, 1 }, { 1, 100 }, { 5, UINT64_MAX } };

	for (size_t i = 0; i < ET_COUNT(ranges); i++) {
		ET_CLEAN_MEM char *name =
			et_archive_name_format("EVENTS-2", ranges[i][0], ranges[i][1]);
		uint64_t first;
		uint64_t last;

		assert_true(et_archive_name_parse(name, &first, &last));
		assert_true(first == ranges[i][0] && last == ranges[i][1]);
	}
}

static void
other_names_are_none_of_ours(void **state ET_UNUSED)
{
	static const char *const names[] = {
		"",
		"EVENTS",
		"EVENTS-00000000000000000001-00000000000000000002.tar",
		"EVENTS-00000000000000000001-00000000000000000002.tar.zst.sha256",
		"EVENTS-0000000000000000001-00000000000000000002.tar.zst",
		"EVENTS-00000000000000000003-00000000000000000002.tar.zst",
		"EVENTS-99999999999999999999-99999999999999999999.tar.zst",
		"EVENTS-0000000000000000000x-00000000000000000002.tar.zst",
		"EVENTS_00000000000000000001-00000000000000000002.tar.zst",
		"-00000000000000000001-00000000000000000002.tar.zst",
		".EVENTS-00000000000000000001-00000000000000000002.tar.zst",
		".EVENTS-00000000000000000001.tmp",
	};

	for (size_t i = 0; i < ET_COUNT(names); i++) {
		uint64_t first;
		uint64_t last;

		assert_false(et_archive_name_parse(names[i], &first, &last));
	}
}

static void
a_directory_is_listed_by_sequence_without_what_else_is_there(void **state)
{
	static const char *const names[] = {
		"EVENTS-00000000000000000101-00000000000000000200.tar.zst",
		"EVENTS-00000000000000000101-00000000000000000200.tar.zst.sha256",
		"EVENTS-00000000000000000001-00000000000000000100.tar.zst",
		"EVENTS-00000000000000000101-00000000000000000150.tar.zst",
		".EVENTS-00000000000000000201.tmp",
		"notes.txt",
	};
	ET_CLEAN_MEM char *gone = et_test_path(state, "gone");
	ET_CLEAN_MEM char *file = et_test_path(state, names[0]);
	struct et_archive_list list;
	struct et_error err = { 0 };

	for (size_t i = 0; i < ET_COUNT(names); i++) {
		ET_CLEAN_MEM char *path = et_test_path(state, names[i]);

		et_test_write(path, "");
	}
	assert_ok(et_archive_list_read(*state, &list, &err), &err);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].first_seq, 1);
	assert_int_equal(list.items[1].last_seq, 200);
	assert_string_equal(list.items[1].path, file);
	assert_int_equal(list.items[2].last_seq, 150);
	assert_null(list.items[0].within);
	assert_null(list.items[1].within);
	assert_ptr_equal(list.items[2].within, &list.items[1]);
	et_archive_list_done(&list);
	assert_ok(et_archive_list_read(gone, &list, &err), &err);
	assert_int_equal(list.count, 0);
	et_archive_list_done(&list);
	assert_code(ET_IO, et_archive_list_read(file, &list, &err), &err);
}

#define NAME(first, last) "EVENTS-000000000000000000" first "-000000000000000000" last ".tar.zst"

static void
a_sweep_leaves_the_sidecars_of_what_is_there_or_was_taken_away(void **state)
{
	static const struct {
		const char *name;
		bool stays;
	} files[] = {
		{ NAME("01", "10"), true },
		{ NAME("01", "10") ".sha256", true },
		{ NAME("11", "20") ".sha256", true }, /* the archive was taken away */
		{ NAME("21", "30"), true },
		{ NAME("21", "30") ".sha256", true },
		{ NAME("01", "05") ".sha256", false },  /* merged */
		{ NAME("06", "10") ".sha256", false },  /* merged, up to the same end */
		{ NAME("01", "30") ".sha256", false },  /* a merge that was not finished */
		{ NAME("31", "40") ".sha256", false },  /* never got its name */
		{ "." NAME("31", "40") ".tmp", false }, /* was never finished */
		{ ".sha256", true },
		{ "notes.sha256", true },
		{ "notes.txt", true },
	};
	ET_CLEAN_MEM char *gone = et_test_path(state, "gone");
	struct et_archive_list list = { 0 };
	struct et_error err = { 0 };

	for (size_t i = 0; i < ET_COUNT(files); i++) {
		ET_CLEAN_MEM char *path = et_test_path(state, files[i].name);

		et_test_write(path, "");
	}
	assert_ok(et_archive_list_read(*state, &list, &err), &err);
	assert_ok(et_archive_sweep(*state, &list, &err), &err);
	for (size_t i = 0; i < ET_COUNT(files); i++) {
		ET_CLEAN_MEM char *path = et_test_path(state, files[i].name);

		assert_int_equal(access(path, F_OK) == 0, files[i].stays);
	}
	assert_code(ET_GONE, et_archive_sweep(gone, &list, &err), &err);
	et_archive_list_done(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_read_as_it_is_written),
		cmocka_unit_test(other_names_are_none_of_ours),
		et_test_with_dir(a_directory_is_listed_by_sequence_without_what_else_is_there),
		et_test_with_dir(a_sweep_leaves_the_sidecars_of_what_is_there_or_was_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
