// SPDX-License-Identifier: Apache-2.0
/* What the catalog notes of rescue copies; the files are tests/unit/command/test_rescue.c's. */
#include "et_test.h"

#include "base/clock.h"
#include "catalog/catalog.h"

static struct et_catalog *
open_catalog(void **state, bool read_only)
{
	struct et_catalog *catalog = NULL;
	struct et_error err = { 0 };

	assert_ok(et_catalog_open(*state, read_only, &catalog, &err), &err);
	return catalog;
}

static struct et_rescued
copy(uint8_t aggregate, uint8_t digest, const char *file, uint64_t start, int64_t saved_ns)
{
	struct et_rescued made = { .aggregate = { { aggregate } },
				   .sha256 = { { digest } },
				   .latest_version = UINT64_MAX - digest,
				   .start = start,
				   .bytes = 100,
				   .saved_ns = saved_ns };

	(void)snprintf(made.file, sizeof(made.file), "%s", file);
	return made;
}

/* Two files: "a" holds copies 1 and 2 of aggregate 1 and copy 3 of aggregate 2; "b" holds 4 of
 * aggregate 1. */
static void
fill(struct et_catalog *catalog)
{
	const struct et_rescued rows[] = { copy(1, 1, "a", 200, 10), copy(1, 2, "a", 0, 30),
					   copy(2, 3, "a", 100, 5), copy(1, 4, "b", 0, 20) };
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescue_file_add(catalog, "b", 150, &err), &err);
	assert_ok(et_catalog_rescue_file_add(catalog, "a", 300, &err), &err);
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_ok(et_catalog_rescue_add(catalog, &rows[i], &err), &err);
}

/* "FILE START" of each, with a comma between. */
static const char *
places(struct et_rescued_list *list)
{
	static char text[256];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %d", i > 0 ? ", " : "",
				       list->items[i].file, (int)list->items[i].start);
	free(list->items);
	*list = (struct et_rescued_list){ .items = NULL };
	return text;
}

static const char *
places_of(struct et_catalog *catalog, uint8_t aggregate)
{
	struct et_uuid key = { { aggregate } };
	struct et_rescued_list list = { .items = NULL };
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescued_of(catalog, &key, &list, &err), &err);
	return places(&list);
}

static const char *
places_in(struct et_catalog *catalog, const char *file)
{
	struct et_rescued_list list = { .items = NULL };
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescued_in(catalog, file, &list, &err), &err);
	return places(&list);
}

static void
a_copy_comes_back_as_it_was_noted(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	struct et_rescued one = copy(7, 9, "0000000001-000001.bson", UINT64_MAX, -5);
	struct et_rescued_list list = { .items = NULL };
	struct et_sha256 other = { { 8 } };
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescue_add(catalog, &one, &err), &err);
	assert_ok(et_catalog_rescued_of(catalog, &one.aggregate, &list, &err), &err);
	assert_int_equal(list.count, 1);
	assert_int_equal(et_uuid_compare(&list.items[0].aggregate, &one.aggregate), 0);
	assert_memory_equal(&list.items[0].sha256, &one.sha256, sizeof(one.sha256));
	assert_true(list.items[0].latest_version == one.latest_version);
	assert_string_equal(list.items[0].file, one.file);
	assert_true(list.items[0].start == UINT64_MAX && list.items[0].bytes == 100);
	assert_int_equal(list.items[0].saved_ns, -5);
	assert_int_equal(et_catalog_rescue_has(catalog, &one.aggregate, &one.sha256, &err), 1);
	assert_int_equal(et_catalog_rescue_has(catalog, &one.aggregate, &other, &err), 0);
	free(list.items);
}

static void
copies_are_listed_newest_first_and_in_files_by_place(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);

	fill(catalog);
	assert_string_equal(places_of(catalog, 1), "a 0, b 0, a 200");
	assert_string_equal(places_of(catalog, 2), "a 100");
	assert_string_equal(places_of(catalog, 3), "");
	assert_string_equal(places_in(catalog, "a"), "a 0, a 100, a 200");
	assert_string_equal(places_in(catalog, "c"), "");
}

static void
the_same_bytes_have_one_place(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	struct et_rescued moved = copy(1, 1, "b", 50, 10);
	struct et_error err = { 0 };

	fill(catalog);
	assert_ok(et_catalog_rescue_add(catalog, &moved, &err), &err);
	assert_string_equal(places_in(catalog, "a"), "a 0, a 100");
	assert_string_equal(places_in(catalog, "b"), "b 0, b 50");
}

static void
totals_are_those_of_copies_and_of_files(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	struct et_rescue_file_list files = { .items = NULL };
	struct et_rescue_totals totals;
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescue_totals(catalog, &totals, &err), &err);
	assert_true(totals.copies == 0 && totals.files == 0 && totals.bytes == 0);
	assert_true(totals.oldest_ns == ET_TIME_NONE);
	fill(catalog);
	assert_ok(et_catalog_rescue_totals(catalog, &totals, &err), &err);
	assert_true(totals.copies == 4 && totals.bytes == 400 && totals.oldest_ns == 5);
	assert_true(totals.files == 2 && totals.file_bytes == 450);
	assert_ok(et_catalog_rescue_files(catalog, &files, &err), &err);
	assert_int_equal(files.count, 2);
	assert_string_equal(files.items[0].name, "a");
	assert_true(files.items[0].bytes == 300 && files.items[0].copies == 3 &&
		    files.items[0].copy_bytes == 300);
	assert_string_equal(files.items[1].name, "b");
	assert_true(files.items[1].bytes == 150 && files.items[1].copies == 1 &&
		    files.items[1].copy_bytes == 100);
	free(files.items);
}

static void
a_file_is_listed_when_its_last_copy_was_dropped(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	struct et_rescue_file_list files = { .items = NULL };
	struct et_uuid aggregate = { { 1 } };
	struct et_sha256 digest = { { 4 } };
	struct et_error err = { 0 };
	uint64_t dropped = 0;

	fill(catalog);
	assert_ok(et_catalog_rescue_drop(catalog, &aggregate, &digest, &dropped, &err), &err);
	assert_int_equal(dropped, 1);
	assert_ok(et_catalog_rescue_drop(catalog, &aggregate, &digest, &dropped, &err), &err);
	assert_int_equal(dropped, 0);
	assert_ok(et_catalog_rescue_files(catalog, &files, &err), &err);
	assert_true(files.count == 2 && files.items[1].copies == 0 &&
		    files.items[1].copy_bytes == 0);
	assert_ok(et_catalog_rescue_drop(catalog, &aggregate, NULL, &dropped, &err), &err);
	assert_int_equal(dropped, 2);
	assert_ok(et_catalog_rescue_file_drop(catalog, "a", &dropped, &err), &err);
	assert_int_equal(dropped, 1);
	assert_ok(et_catalog_rescue_file_drop(catalog, "b", NULL, &err), &err);
	assert_ok(et_catalog_rescue_files(catalog, &files, &err), &err);
	assert_int_equal(files.count, 0);
	free(files.items);
}

static void
what_is_made_again_from_the_archives_leaves_copies_alone(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	struct et_error err = { 0 };

	fill(catalog);
	assert_ok(et_catalog_forget_coverage(catalog, &err), &err);
	assert_string_equal(places_of(catalog, 1), "a 0, b 0, a 200");
}

static void
what_was_committed_can_be_hardened(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state, false);
	ET_CLEAN(et_catalog) struct et_catalog *reader = NULL;
	ET_CLEAN_MEM char *path = et_test_path(state, "catalog.db");
	struct et_error err = { 0 };
	struct stat before;
	struct stat after;

	assert_false(et_catalog_in_transaction(catalog));
	assert_ok(et_catalog_begin(catalog, &err), &err);
	assert_true(et_catalog_in_transaction(catalog));
	fill(catalog);
	for (uint64_t i = 0; i < 5000; i++) {
		struct et_rescued row = copy(5, 0, "a", i, 0);

		memcpy(row.sha256.bytes + 8, &i, sizeof(i));
		assert_ok(et_catalog_rescue_add(catalog, &row, &err), &err);
	}
	assert_ok(et_catalog_commit(catalog, &err), &err);
	assert_int_equal(stat(path, &before), 0);
	assert_ok(et_catalog_harden(catalog, &err), &err);
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size > before.st_size);
	reader = open_catalog(state, true);
	assert_string_equal(places_of(reader, 2), "a 100");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_copy_comes_back_as_it_was_noted),
		et_test_with_dir(copies_are_listed_newest_first_and_in_files_by_place),
		et_test_with_dir(the_same_bytes_have_one_place),
		et_test_with_dir(totals_are_those_of_copies_and_of_files),
		et_test_with_dir(a_file_is_listed_when_its_last_copy_was_dropped),
		et_test_with_dir(what_is_made_again_from_the_archives_leaves_copies_alone),
		et_test_with_dir(what_was_committed_can_be_hardened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
