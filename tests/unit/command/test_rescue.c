// SPDX-License-Identifier: Apache-2.0
/* Saving rescue copies, and finding them again after whatever happened. */
#include "rescue.h"

#include "store/source.h"

#define FIRST "0000000007-000001.bson"
#define SECOND "0000000007-000002.bson"

static void
what_is_saved_is_a_file_as_of_mongodump(void **state)
{
	ET_CLEAN(et_source) struct et_source *dump = NULL;
	ET_CLEAN_MEM char *path = rescue_path(state, FIRST);
	ET_CLEAN_MEM char *dir = rescue_path(state, "");
	struct et_source_facts facts;
	struct et_error err = { 0 };
	struct bench bench;
	struct stat status;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, B, PLAIN(0), PLAIN(1));
	save(&bench, A, PLAIN(4), SNAPSHOT(5));
	save(&bench, C, PLAIN(9));
	assert_int_equal(access(dir, F_OK), -1);
	keep(&bench);
	assert_string_equal(names(state), FIRST);
	assert_string_equal(documents_in(state, FIRST), "2 1 3");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(dir, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_ok(et_source_open_dump(path, &dump, &err), &err);
	assert_ok(et_source_probe(dump, &facts, &err), &err);
	assert_int_equal(facts.documents, 3);
	assert_int_equal(et_rescue_counts(bench.rescue)->saved, 3);
	assert_int_equal(et_rescue_counts(bench.rescue)->saved_bytes, file_size(state, FIRST));
	bench_close(&bench);
}

static void
copies_come_back_newest_first(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1), PLAIN(2));
	keep(&bench);
	save(&bench, B, PLAIN(8));
	save(&bench, A, PLAIN(2), PLAIN(3));
	assert_string_equal(copies(&bench, A), "1 2");
	keep(&bench);
	assert_string_equal(copies(&bench, A), "2 3 | 1 2");
	assert_string_equal(copies(&bench, C), "");
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	assert_string_equal(copies(&bench, A), "2 3 | 1 2");
	assert_string_equal(copies(&bench, B), "8");
	bench_close(&bench);
}

static void
a_loaded_copy_is_whole_and_no_more_than_asked_for(void **state)
{
	const struct event events[] = { PLAIN(3), SNAPSHOT_WITH(4, 2) };
	bson_t *bson = build_document(A, events, 2, 0);
	struct et_document_scratch scratch = { .events = NULL };
	char words[ET_STORE_WORDS_BYTES];
	struct et_uuid key = key_of(A);
	struct et_document *list[1];
	struct et_document document;
	struct et_error err = { 0 };
	struct et_arena arena;
	struct bench bench;
	size_t count = 0;

	et_arena_init(&arena, 0);
	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	assert_ok(save_bson(&bench, bson, &err), &err);
	keep(&bench);
	assert_ok(et_rescue_load(bench.rescue, &key, &arena, list, 1, &count, &err), &err);
	bench_close(&bench);
	assert_int_equal(count, 1);
	assert_int_equal(
		et_document_parse(bson_get_data(bson), bson->len, &document, &scratch, words), 0);
	assert_int_equal(list[0]->event_count, 2);
	assert_int_equal(list[0]->latest_version, 4);
	assert_true(et_slice_equals(list[0]->group_id, "device"));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(list[0]->events[i].data.size, document.events[i].data.size);
		assert_memory_equal(list[0]->events[i].data.data, document.events[i].data.data,
				    document.events[i].data.size);
	}
	et_arena_done(&arena);
	et_document_scratch_done(&scratch);
	bson_destroy(bson);
}

static void
an_arena_that_is_full_is_a_limit(void **state)
{
	struct et_uuid key = key_of(A);
	struct et_document *list[4];
	struct et_error err = { 0 };
	struct et_arena arena;
	struct bench bench;
	size_t count = 0;

	et_arena_init(&arena, 16);
	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	assert_code(ET_LIMIT, et_rescue_load(bench.rescue, &key, &arena, list, 4, &count, &err),
		    &err);
	bench_close(&bench);
	et_arena_done(&arena);
}

static void
the_same_document_is_saved_once(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	save(&bench, B, PLAIN(1));
	save(&bench, A, PLAIN(1));
	keep(&bench);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	assert_string_equal(names(state), FIRST);
	assert_string_equal(documents_in(state, FIRST), "1 2");
	assert_int_equal(et_rescue_counts(bench.rescue)->saved, 0);
	save(&bench, A, PLAIN(1), PLAIN(2));
	keep(&bench);
	assert_string_equal(names(state), FIRST " 0000000008-000001.bson");
	bench_close(&bench);
}

static void
what_holds_no_event_is_not_saved(void **state)
{
	struct et_document ghost = { .latest_version = 7, .ghost = true };
	struct et_uuid key = key_of(A);
	struct et_error err = { 0 };
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	assert_ok(et_rescue_save(bench.rescue, &key, &ghost, (struct et_slice){ NULL, 0 }, &err),
		  &err);
	keep(&bench);
	assert_string_equal(names(state), "");
	bench_close(&bench);
}

static void
a_full_buffer_flushes_itself(void **state)
{
	struct bench bench;
	unsigned files = 0;

	bench_open(&bench, state, 7, MANY_BYTES);
	bench_begin(&bench);
	for (uint64_t version = 0; version < 20; version++) {
		const struct event one = PLAIN(version);

		save_document(&bench, A, (size_t)1 << 20, &one, 1);
	}
	bench_commit(&bench);
	keep(&bench);
	for (unsigned i = 1; i <= 3; i++) {
		ET_CLEAN_MEM char *name = et_format("0000000007-%06u.bson", i);

		assert_true(file_size(state, name) <= 8 << 20);
		files++;
	}
	assert_int_equal(strlen(names(state)), files * sizeof(FIRST) - 1);
	assert_int_equal(copies_noted(&bench), 20);
	assert_string_equal(copies(&bench, A), "19 | 18 | 17 | 16 | 15 | 14 | 13 | 12 | 11 | 10 | "
					       "9 | 8 | 7 | 6 | 5 | 4 | 3 | 2 | 1 | 0");
	bench_close(&bench);
}

static void
beyond_the_limit_nothing_more_is_saved_and_that_is_counted(void **state)
{
	struct bench bench;
	uint64_t limit;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	limit = 2 * (uint64_t)file_size(state, FIRST);
	bench_close(&bench);
	bench_open(&bench, state, 8, limit);
	save(&bench, A, PLAIN(2));
	save(&bench, A, PLAIN(3));
	save(&bench, A, PLAIN(4));
	save(&bench, A, PLAIN(3));
	assert_int_equal(et_rescue_counts(bench.rescue)->turned_away, 2);
	assert_int_equal(et_rescue_counts(bench.rescue)->saved, 1);
	keep(&bench);
	assert_string_equal(copies(&bench, A), "2 | 1");
	bench_close(&bench);
}

static void
a_limit_of_zero_switches_it_off(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, 0);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	assert_int_equal(et_rescue_counts(bench.rescue)->turned_away, 0);
	assert_string_equal(names(state), "");
	bench_close(&bench);
}

/* ---- after a crash ---- */

static void
a_file_whose_rows_were_never_committed_is_taken_in(void **state)
{
	struct et_error err = { 0 };
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	bench_begin(&bench);
	save(&bench, A, PLAIN(1), PLAIN(2));
	save(&bench, B, PLAIN(3));
	assert_ok(et_rescue_flush(bench.rescue, &err), &err);
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_non_null(strstr(bench.talk, "took 2 rescue copies in"));
	assert_string_equal(copies(&bench, A), "1 2");
	assert_string_equal(copies(&bench, B), "3");
	save(&bench, A, PLAIN(1), PLAIN(2));
	assert_int_equal(et_rescue_counts(bench.rescue)->saved, 0);
	bench_close(&bench);
	bench_open(&bench, state, 9, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	bench_close(&bench);
}

static void
a_catalog_made_anew_finds_all_files_and_takes_no_name_twice(void **state)
{
	ET_CLEAN_MEM char *catalog = et_test_path(state, "catalog.db");
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	save(&bench, B, PLAIN(2));
	keep(&bench);
	bench_close(&bench);
	assert_int_equal(unlink(catalog), 0);
	bench_open(&bench, state, 7, MANY_BYTES);
	assert_int_equal(copies_noted(&bench), 2);
	assert_string_equal(copies(&bench, B), "2");
	save(&bench, C, PLAIN(3));
	keep(&bench);
	assert_string_equal(names(state), FIRST " " SECOND " 0000000007-000003.bson");
	bench_close(&bench);
}

static void
what_was_half_written_is_removed_and_others_files_stay(void **state)
{
	static const char *const put[] = { "." FIRST ".tmp", "notes.txt", "1-1.bson",
					   "0000000007-000009.bson~" };
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	bench_close(&bench);
	for (size_t i = 0; i < ET_COUNT(put); i++) {
		ET_CLEAN_MEM char *path = rescue_path(state, put[i]);

		et_test_write(path, "half");
	}
	bench_open(&bench, state, 7, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	assert_string_equal(names(state), FIRST " 0000000007-000009.bson~ 1-1.bson notes.txt");
	assert_string_equal(copies(&bench, A), "1");
	bench_close(&bench);
}

static void
rows_of_a_file_that_is_gone_are_dropped(void **state)
{
	ET_CLEAN_MEM char *path = rescue_path(state, FIRST);
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	save(&bench, B, PLAIN(1));
	keep(&bench);
	bench_close(&bench);
	assert_int_equal(unlink(path), 0);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_non_null(strstr(bench.talk, FIRST "' is gone, and 2 rescue copies with it"));
	assert_int_equal(copies_noted(&bench), 0);
	assert_string_equal(copies(&bench, A), "");
	bench_close(&bench);
	bench_open(&bench, state, 9, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	bench_close(&bench);
}

/* ---- damage ---- */

/* Three copies of a size, then the harm; the catalog knows the file or does not. */
static off_t
harmed(void **state, bool known, off_t at, bool cut)
{
	ET_CLEAN_MEM char *catalog = et_test_path(state, "catalog.db");
	struct bench bench;
	off_t size;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	save(&bench, B, PLAIN(2));
	save(&bench, C, PLAIN(3));
	keep(&bench);
	bench_close(&bench);
	size = file_size(state, FIRST);
	assert_int_equal(size % 3, 0);
	harm(state, FIRST, at >= 0 ? at : size + at, cut);
	if (!known)
		assert_int_equal(unlink(catalog), 0);
	return size / 3;
}

static void
of_a_file_that_was_cut_the_whole_documents_are_kept(void **state)
{
	for (int known = 0; known < 2; known++) {
		struct bench bench;

		(void)harmed(state, known, -1, true);
		bench_open(&bench, state, 7, MANY_BYTES);
		assert_non_null(strstr(bench.talk, FIRST "' is damaged: 2 rescue copies "));
		assert_int_equal(strstr(bench.talk, " of 3 could be read") != NULL, known);
		assert_string_equal(names(state), FIRST ".damaged " SECOND);
		assert_string_equal(documents_in(state, SECOND), "1 2");
		assert_string_equal(copies(&bench, A), "1");
		assert_string_equal(copies(&bench, B), "2");
		assert_string_equal(copies(&bench, C), "");
		bench_close(&bench);
		bench_open(&bench, state, 8, MANY_BYTES);
		assert_string_equal(bench.talk, "");
		assert_int_equal(copies_noted(&bench), 2);
		bench_close(&bench);
		assert_int_equal(nftw(*state, et_test_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
		assert_int_equal(mkdir(*state, 0700), 0);
	}
}

static void
a_wrong_length_hides_only_its_own_document(void **state)
{
	struct bench bench;

	(void)harmed(state, false, 0, false);
	bench_open(&bench, state, 7, MANY_BYTES);
	assert_non_null(strstr(bench.talk, "is damaged: 2 rescue copies could be read"));
	assert_string_equal(documents_in(state, SECOND), "2 3");
	assert_string_equal(copies(&bench, C), "3");
	bench_close(&bench);
}

static void
a_file_without_one_readable_document_is_set_aside(void **state)
{
	struct bench bench;

	(void)harmed(state, true, 0, true);
	bench_open(&bench, state, 7, MANY_BYTES);
	assert_non_null(strstr(bench.talk, "is damaged: 0 rescue copies of 3 could be read"));
	assert_string_equal(names(state), FIRST ".damaged");
	assert_int_equal(copies_noted(&bench), 0);
	bench_close(&bench);
	/* Its name is not used again. */
	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	assert_string_equal(names(state), FIRST ".damaged " SECOND);
	bench_close(&bench);
}

static void
a_flipped_byte_is_told_by_the_digest_and_the_other_copies_are_good(void **state)
{
	struct et_rescue_counts counts;
	ET_CLEAN_MEM char *talk = NULL;
	struct bench bench;
	int old;

	(void)harmed(state, true, -40, false);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	old = et_test_stderr_begin(bench.stderr_path);
	assert_string_equal(copies(&bench, C), "");
	talk = et_test_stderr_end(old, bench.stderr_path);
	assert_non_null(strstr(talk, "the rescue copy of " C));
	assert_non_null(strstr(talk, "it has changed since it was saved"));
	assert_string_equal(copies(&bench, A), "1");
	assert_string_equal(copies(&bench, B), "2");
	counts = *et_rescue_counts(bench.rescue);
	assert_int_equal(counts.unreadable, 1);
	bench_close(&bench);
}

static void
a_file_that_cannot_be_read_is_left_as_it_is(void **state)
{
	ET_CLEAN_MEM char *path = rescue_path(state, FIRST);
	ET_CLEAN_MEM char *dir = rescue_path(state, "");
	struct bench bench;

	assert_int_equal(mkdir(dir, 0700), 0);
	et_test_write(path, "");
	assert_int_equal(truncate(path, (off_t)65 << 20), 0);
	bench_open(&bench, state, 7, MANY_BYTES);
	assert_non_null(strstr(bench.talk, "left as it is"));
	assert_string_equal(names(state), FIRST);
	bench_close(&bench);
}

static void
a_state_that_is_open_for_reading_can_only_be_read(void **state)
{
	const struct event one = PLAIN(1);
	bson_t *bson = build_document(A, &one, 1, 0);
	struct et_uuid key = key_of(A);
	struct et_error err = { 0 };
	struct bench reader;
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	reader = bench;
	reader.state.lock_fd = -1;
	assert_ok(et_rescue_open(&reader.state, 0, 0, &reader.rescue, &err), &err);
	assert_string_equal(copies(&reader, A), "1");
	assert_code(ET_USAGE, save_bson(&reader, bson, &err), &err);
	assert_code(ET_USAGE, et_rescue_prune(reader.rescue, &key, NULL, NULL, &err), &err);
	assert_code(ET_USAGE, et_rescue_sweep(reader.rescue, &err), &err);
	et_rescue_close(reader.rescue);
	bench_close(&bench);
	bson_destroy(bson);
}

/* ---- data that the hub wrote ---- */

struct digests {
	struct et_sha256 list[8192];
	size_t count;
};

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct et_sha256));
}

static bool
holds_events(const bson_t *document)
{
	bson_iter_t events;
	bson_iter_t first;

	return bson_iter_init_find(&events, document, "events") && BSON_ITER_HOLDS_ARRAY(&events) &&
	       bson_iter_recurse(&events, &first) && bson_iter_next(&first);
}

/* Of the documents that hold events, as the driver's reader sees them. */
static void
read_digests(const char *path, struct digests *ret)
{
	bson_reader_t *reader = bson_reader_new_from_file(path, NULL);
	struct et_hasher *hasher = et_hasher_new();
	const bson_t *document;
	bool at_end = false;

	assert_non_null(reader);
	ret->count = 0;
	while ((document = bson_reader_read(reader, &at_end)) != NULL)
		if (holds_events(document)) {
			assert_true(ret->count < ET_COUNT(ret->list));
			et_hasher_once(hasher, bson_get_data(document), document->len,
				       &ret->list[ret->count++]);
		}
	assert_true(at_end);
	qsort(ret->list, ret->count, sizeof(ret->list[0]), compare_digests);
	et_hasher_free(hasher);
	bson_reader_destroy(reader);
}

static void
a_recorded_store_is_saved_byte_for_byte_in_one_file(void **state)
{
	static const char recorded[] = TEST_DATA "/current/eventStore_db.devices_events.bson";
	ET_CLEAN_MEM char *path = rescue_path(state, FIRST);
	ET_CLEAN(et_source) struct et_source *source = NULL;
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	static struct digests expected;
	static struct digests saved;
	struct et_source_document row;
	struct et_error err = { 0 };
	struct bench bench;
	int r;

	bench_open(&bench, state, 7, MANY_BYTES);
	assert_ok(et_source_open_dump(recorded, &source, &err), &err);
	assert_ok(et_source_all(source, &documents, &err), &err);
	while ((r = et_documents_next(documents, &row, &err)) > 0) {
		struct et_uuid key = et_ident_key(row.document.aggregate_id, NULL);

		assert_false(row.malformed);
		assert_ok(et_rescue_save(bench.rescue, &key, &row.document, row.raw, &err), &err);
	}
	assert_ok(r, &err);
	keep(&bench);
	read_digests(recorded, &expected);
	read_digests(path, &saved);
	assert_true(expected.count > 100);
	assert_int_equal(saved.count, expected.count);
	assert_memory_equal(saved.list, expected.list, saved.count * sizeof(saved.list[0]));
	assert_string_equal(names(state), FIRST);
	assert_int_equal(copies_noted(&bench), expected.count);
	bench_close(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(what_is_saved_is_a_file_as_of_mongodump),
		et_test_with_dir(copies_come_back_newest_first),
		et_test_with_dir(a_loaded_copy_is_whole_and_no_more_than_asked_for),
		et_test_with_dir(an_arena_that_is_full_is_a_limit),
		et_test_with_dir(the_same_document_is_saved_once),
		et_test_with_dir(what_holds_no_event_is_not_saved),
		et_test_with_dir(a_full_buffer_flushes_itself),
		et_test_with_dir(beyond_the_limit_nothing_more_is_saved_and_that_is_counted),
		et_test_with_dir(a_limit_of_zero_switches_it_off),
		et_test_with_dir(a_file_whose_rows_were_never_committed_is_taken_in),
		et_test_with_dir(a_catalog_made_anew_finds_all_files_and_takes_no_name_twice),
		et_test_with_dir(what_was_half_written_is_removed_and_others_files_stay),
		et_test_with_dir(rows_of_a_file_that_is_gone_are_dropped),
		et_test_with_dir(of_a_file_that_was_cut_the_whole_documents_are_kept),
		et_test_with_dir(a_wrong_length_hides_only_its_own_document),
		et_test_with_dir(a_file_without_one_readable_document_is_set_aside),
		et_test_with_dir(
			a_flipped_byte_is_told_by_the_digest_and_the_other_copies_are_good),
		et_test_with_dir(a_file_that_cannot_be_read_is_left_as_it_is),
		et_test_with_dir(a_state_that_is_open_for_reading_can_only_be_read),
		et_test_with_dir(a_recorded_store_is_saved_byte_for_byte_in_one_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
