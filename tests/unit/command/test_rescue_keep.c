// SPDX-License-Identifier: Apache-2.0
/* Keeping no more rescue copies than are needed, and losing none that is. */
#include "rescue.h"

#define FIRST "0000000007-000001.bson"
#define SECOND "0000000007-000002.bson"

/* Versions that are still missing, up to a zero. */
static bool
is_needed(void *cookie, uint64_t version, int64_t time_ns ET_UNUSED)
{
	for (const uint64_t *one = cookie; *one != 0; one++)
		if (*one == version)
			return true;
	return false;
}

/* Prunes what gives back none of the versions; no version: prunes all, unread. */
#define prune(bench, aggregate, ...) \
	prune_versions((bench), (aggregate), (uint64_t[]){ __VA_ARGS__, 0 })
static void
prune_versions(struct bench *bench, const char *aggregate, uint64_t *versions)
{
	struct et_uuid key = key_of(aggregate);
	struct et_error err = { 0 };

	bench_begin(bench);
	assert_ok(et_rescue_prune(bench->rescue, &key, versions[0] != 0 ? is_needed : NULL,
				  versions, &err),
		  &err);
	bench_commit(bench);
}

static void
sweep(struct bench *bench)
{
	struct et_error err = { 0 };

	assert_ok(et_rescue_sweep(bench->rescue, &err), &err);
}

static void
a_copy_stays_as_long_as_one_of_its_events_is_needed(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1), PLAIN(2));
	keep(&bench);
	save(&bench, A, PLAIN(3), PLAIN(4));
	save(&bench, B, PLAIN(3));
	keep(&bench);
	prune(&bench, A, 2, 3);
	assert_string_equal(copies(&bench, A), "3 4 | 1 2");
	prune(&bench, A, 4, 9);
	assert_string_equal(copies(&bench, A), "3 4");
	prune(&bench, A, 9);
	assert_string_equal(copies(&bench, A), "");
	assert_string_equal(copies(&bench, B), "3");
	assert_int_equal(et_rescue_counts(bench.rescue)->pruned, 2);
	bench_close(&bench);
}

static void
an_event_inside_a_snapshot_is_one_of_them(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, SNAPSHOT_WITH(5, 3));
	keep(&bench);
	prune(&bench, A, 3);
	assert_string_equal(copies(&bench, A), "5");
	prune(&bench, A, 5);
	assert_string_equal(copies(&bench, A), "5");
	prune(&bench, A, 4);
	assert_string_equal(copies(&bench, A), "");
	bench_close(&bench);
}

static void
a_copy_goes_when_a_newer_one_has_the_same_needed_events(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	for (uint64_t last = 3; last < 8; last++) {
		const struct event events[] = { PLAIN(2), PLAIN(last) };

		save_document(&bench, A, 0, events, 2);
		keep(&bench);
	}
	save(&bench, A, SNAPSHOT_WITH(9, 2));
	keep(&bench);
	/* Inside the snapshot it is of another form: less good, and kept beside it. */
	prune(&bench, A, 2, 5);
	assert_string_equal(copies(&bench, A), "9 | 2 7 | 2 5");
	bench_close(&bench);
}

static void
versions_used_again_with_another_content_are_both_kept(void **state)
{
	const struct event first[] = { PLAIN(2), SNAPSHOT(3) };
	const struct event second[] = { PLAIN(2), SNAPSHOT_WITH(3, 1) };
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save_document(&bench, A, 0, first, 2);
	save_document(&bench, A, 0, second, 2);
	keep(&bench);
	prune(&bench, A, 3);
	assert_string_equal(copies(&bench, A), "2 3 | 2 3");
	prune(&bench, A, 2);
	assert_string_equal(copies(&bench, A), "2 3");
	bench_close(&bench);
}

static void
what_cannot_be_read_stays_while_anything_is_needed(void **state)
{
	ET_CLEAN_MEM char *talk = NULL;
	struct bench bench;
	int old;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	harm(state, FIRST, file_size(state, FIRST) - 40, false);
	old = et_test_stderr_begin(bench.stderr_path);
	prune(&bench, A, 9);
	talk = et_test_stderr_end(old, bench.stderr_path);
	assert_non_null(strstr(talk, "is no good"));
	assert_int_equal(copies_noted(&bench), 1);
	prune(&bench, A, 0);
	assert_int_equal(copies_noted(&bench), 0);
	bench_close(&bench);
}

static void
aggregates_with_copies_are_walked_in_order(void **state)
{
	static const char *const expected[] = { A, B, C };
	struct et_uuid after = { { 0 } };
	struct et_error err = { 0 };
	struct et_uuid next;
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, C, PLAIN(1));
	save(&bench, A, PLAIN(1));
	save(&bench, A, PLAIN(2));
	save(&bench, B, PLAIN(1));
	assert_int_equal(et_rescue_next(bench.rescue, &after, &next, &err), 0);
	keep(&bench);
	for (size_t i = 0; i < ET_COUNT(expected); i++) {
		struct et_uuid key = key_of(expected[i]);

		assert_int_equal(et_rescue_next(bench.rescue, &after, &next, &err), 1);
		assert_int_equal(et_uuid_compare(&next, &key), 0);
		after = next;
	}
	assert_int_equal(et_rescue_next(bench.rescue, &after, &next, &err), 0);
	bench_close(&bench);
}

/* ---- files ---- */

static void
a_file_goes_with_its_last_copy_and_only_when_it_is_swept(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	save(&bench, B, PLAIN(1));
	keep(&bench);
	prune(&bench, A, 0);
	assert_string_equal(names(state), FIRST " " SECOND);
	sweep(&bench);
	assert_string_equal(names(state), SECOND);
	assert_string_equal(copies(&bench, B), "1");
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	bench_close(&bench);
}

static void
killed_before_the_sweep_nothing_pruned_comes_back(void **state)
{
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	prune(&bench, A, 0);
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	assert_string_equal(copies(&bench, A), "");
	sweep(&bench);
	assert_string_equal(names(state), "");
	bench_close(&bench);
}

static void
pruning_that_is_not_committed_changes_nothing(void **state)
{
	struct et_uuid key = key_of(A);
	struct et_error err = { 0 };
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	bench_begin(&bench);
	assert_ok(et_rescue_prune(bench.rescue, &key, NULL, NULL, &err), &err);
	assert_code(ET_USAGE, et_rescue_sweep(bench.rescue, &err), &err);
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	sweep(&bench);
	assert_string_equal(copies(&bench, A), "1");
	bench_close(&bench);
}

static void
a_file_that_is_mostly_pruned_is_written_anew(void **state)
{
	struct bench bench;
	off_t before;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	save(&bench, A, PLAIN(2));
	save(&bench, B, PLAIN(3));
	save(&bench, A, PLAIN(4));
	keep(&bench);
	before = file_size(state, FIRST);
	prune(&bench, A, 1, 4);
	sweep(&bench);
	assert_string_equal(names(state), FIRST);
	prune(&bench, A, 0);
	sweep(&bench);
	assert_string_equal(names(state), SECOND);
	assert_string_equal(documents_in(state, SECOND), "2");
	assert_true(file_size(state, SECOND) < before / 2);
	assert_string_equal(copies(&bench, B), "3");
	bench_close(&bench);
	bench_open(&bench, state, 8, MANY_BYTES);
	assert_string_equal(bench.talk, "");
	assert_string_equal(copies(&bench, B), "3");
	bench_close(&bench);
}

static void
copy_file(const char *from, const char *to)
{
	struct et_error err = { 0 };
	char *dir = et_strdup(to);
	char *bytes = NULL;
	size_t size = 0;

	*strrchr(dir, '/') = '\0';
	assert_ok(et_file_read(from, 64u << 20, &bytes, &size, &err), &err);
	assert_ok(et_file_write(dir, strrchr(to, '/') + 1, bytes, size, true, &err), &err);
	free(bytes);
	free(dir);
}

/* As after a power cut that took the last commits. */
static void
an_older_catalog_finds_the_copies_in_their_new_file(void **state)
{
	ET_CLEAN_MEM char *catalog = et_test_path(state, "catalog.db");
	ET_CLEAN_MEM char *older = et_test_path(state, "older.db");
	struct bench bench;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1), PLAIN(2), PLAIN(3));
	save(&bench, B, PLAIN(3));
	keep(&bench);
	bench_close(&bench);
	copy_file(catalog, older);
	bench_open(&bench, state, 8, MANY_BYTES);
	prune(&bench, A, 0);
	sweep(&bench);
	assert_string_equal(names(state), "0000000008-000001.bson");
	bench_close(&bench);
	copy_file(older, catalog);
	bench_open(&bench, state, 9, MANY_BYTES);
	assert_non_null(strstr(bench.talk, "took 1 rescue copy in"));
	assert_non_null(strstr(bench.talk, "is gone, and 1 rescue cop"));
	assert_string_equal(copies(&bench, B), "3");
	assert_string_equal(copies(&bench, A), "");
	bench_close(&bench);
}

static void
what_cannot_be_read_is_not_thrown_away_with_its_file(void **state)
{
	struct bench bench;
	off_t size;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, B, PLAIN(3));
	save(&bench, C, PLAIN(4));
	for (uint64_t version = 1; version < 6; version++) {
		const struct event one = PLAIN(version);

		save_document(&bench, A, 0, &one, 1);
	}
	keep(&bench);
	size = file_size(state, FIRST);
	harm(state, FIRST, size / 7 - 40, false);
	prune(&bench, A, 0);
	{
		ET_CLEAN_MEM char *talk = NULL;
		int old = et_test_stderr_begin(bench.stderr_path);

		sweep(&bench);
		talk = et_test_stderr_end(old, bench.stderr_path);
		assert_non_null(strstr(talk, "the rescue copy of " B));
	}
	assert_string_equal(names(state), FIRST " " SECOND);
	assert_string_equal(documents_in(state, SECOND), "3");
	assert_int_equal(copies_noted(&bench), 2);
	assert_string_equal(copies(&bench, C), "4");
	bench_close(&bench);
}

static void
many_small_files_become_one(void **state)
{
	struct bench bench;
	char expected[512] = "";

	bench_open(&bench, state, 7, MANY_BYTES);
	for (uint64_t version = 1; version <= 64; version++) {
		const struct event one = PLAIN(version);

		save_document(&bench, A, 0, &one, 1);
		keep(&bench);
	}
	sweep(&bench);
	assert_int_equal(strlen(names(state)), 64 * sizeof(FIRST) - 1);
	(void)snprintf(expected, sizeof(expected), "%s", copies(&bench, A));
	save(&bench, B, PLAIN(1));
	keep(&bench);
	sweep(&bench);
	assert_string_equal(names(state), "0000000007-000066.bson");
	assert_string_equal(copies(&bench, A), expected);
	assert_string_equal(copies(&bench, B), "1");
	bench_close(&bench);
}

static void
what_is_swept_makes_room_below_the_limit(void **state)
{
	struct bench bench;
	uint64_t limit;

	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, A, PLAIN(1));
	keep(&bench);
	limit = (uint64_t)file_size(state, FIRST);
	bench_close(&bench);
	bench_open(&bench, state, 8, limit);
	save(&bench, A, PLAIN(2));
	assert_int_equal(et_rescue_counts(bench.rescue)->turned_away, 1);
	prune(&bench, A, 0);
	sweep(&bench);
	save(&bench, A, PLAIN(3));
	assert_int_equal(et_rescue_counts(bench.rescue)->turned_away, 1);
	keep(&bench);
	assert_string_equal(copies(&bench, A), "3");
	bench_close(&bench);
}

#ifdef ET_FAULTS

/* ---- every place where it can fail ---- */

/* As an audit does it: C is matched by now; A and B miss version 3. */
static int
run(struct bench *bench, struct et_error *err)
{
	const struct event events[] = { PLAIN(3), PLAIN(5) };
	struct et_catalog *catalog = bench->state.catalog;
	bson_t *bson = build_document(A, events, 2, 0);
	struct et_uuid matched = key_of(C);
	struct et_uuid missing = key_of(A);
	uint64_t versions[] = { 3, 0 };
	int r;

	r = et_catalog_begin(catalog, err);
	if (r == 0)
		r = save_bson(bench, bson, err);
	if (r == 0)
		r = et_rescue_flush(bench->rescue, err);
	if (r == 0)
		r = et_rescue_prune(bench->rescue, &matched, NULL, NULL, err);
	if (r == 0)
		r = et_rescue_prune(bench->rescue, &missing, is_needed, versions, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r == 0)
		r = et_rescue_sweep(bench->rescue, err);
	bson_destroy(bson);
	return r;
}

/* In a child: a point that fails is to end like a point that kills. */
static void
open_and_run(void *argument)
{
	struct et_error err = { 0 };
	struct bench bench;
	int r;

	bench_open(&bench, argument, 8, MANY_BYTES);
	r = run(&bench, &err);
	bench_close(&bench);
	if (r < 0)
		_exit(3);
}

static void
begin_anew(void **state)
{
	assert_int_equal(nftw(*state, et_test_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

/* One file with B's copy and more of C, so that the sweep has to move B's; one file of A. */
static void
prepare(void **state)
{
	struct bench bench;

	begin_anew(state);
	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, B, PLAIN(3), PLAIN(4));
	save(&bench, C, PLAIN(5), PLAIN(6));
	save(&bench, C, PLAIN(6), PLAIN(7));
	keep(&bench);
	save(&bench, A, PLAIN(3), PLAIN(4));
	keep(&bench);
	bench_close(&bench);
}

/* Whether the catalog, before anybody looks after it, knows what the run pruned. */
static bool
has_committed(void **state)
{
	struct et_catalog *catalog = NULL;
	struct et_uuid pruned = key_of(C);
	struct et_rescued_list rows = { .items = NULL };
	struct et_error err = { 0 };

	assert_ok(et_catalog_open(*state, false, &catalog, &err), &err);
	assert_ok(et_catalog_rescued_of(catalog, &pruned, &rows, &err), &err);
	et_catalog_free(catalog);
	free(rows.items);
	return rows.count == 0;
}

/* The next run finds whole files, all that is needed, and nothing that was pruned for good; and it
 * ends as if nothing had been. */
static void
check_next_run(void **state)
{
	bool committed = has_committed(state);
	struct et_error err = { 0 };
	struct bench bench;

	bench_open(&bench, state, 9, MANY_BYTES);
	assert_null(strstr(bench.talk, "damaged"));
	assert_null(strstr(bench.talk, "gone"));
	assert_null(strstr(names(state), ".tmp"));
	assert_string_equal(copies(&bench, B), "3 4");
	assert_non_null(strstr(copies(&bench, A), "3 "));
	if (committed)
		assert_string_equal(copies(&bench, C), "");
	assert_ok(run(&bench, &err), &err);
	assert_string_equal(copies(&bench, A), "3 5");
	assert_string_equal(copies(&bench, B), "3 4");
	assert_string_equal(copies(&bench, C), "");
	assert_int_equal(copies_noted(&bench), 2);
	assert_int_equal(et_rescue_counts(bench.rescue)->unreadable, 0);
	bench_close(&bench);
}

/* A file that was cut, and one that the catalog does not know. */
static void
prepare_damage(void **state)
{
	struct et_error err = { 0 };
	struct bench bench;

	begin_anew(state);
	bench_open(&bench, state, 7, MANY_BYTES);
	save(&bench, B, PLAIN(3), PLAIN(4));
	save(&bench, C, PLAIN(5), PLAIN(6));
	keep(&bench);
	bench_begin(&bench);
	save(&bench, A, PLAIN(3), PLAIN(4));
	assert_ok(et_rescue_flush(bench.rescue, &err), &err);
	bench_close(&bench);
	harm(state, FIRST, file_size(state, FIRST) - 1, true);
}

static void
open_only(void *argument)
{
	struct bench bench = { .state = { .dir = *(void **)argument } };
	struct et_error err = { 0 };
	int r;

	bench.state.lock_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_ok(et_catalog_open(bench.state.dir, false, &bench.state.catalog, &err), &err);
	r = et_rescue_open(&bench.state, 8, MANY_BYTES, &bench.rescue, &err);
	bench_close(&bench);
	if (r < 0)
		_exit(3);
}

static void
check_damage(void **state)
{
	struct bench bench;

	for (int64_t number = 8; number < 10; number++) {
		bench_open(&bench, state, number, MANY_BYTES);
		assert_null(strstr(bench.talk, "gone"));
		assert_string_equal(copies(&bench, A), "3 4");
		assert_string_equal(copies(&bench, B), "3 4");
		assert_int_equal(copies_noted(&bench), 2);
		sweep(&bench);
		assert_int_equal(et_rescue_counts(bench.rescue)->unreadable, 0);
		if (number == 9)
			assert_string_equal(bench.talk, "");
		bench_close(&bench);
	}
	assert_non_null(strstr(names(state), FIRST ".damaged"));
}

static unsigned long
count_of(const char *path)
{
	ET_CLEAN_MEM char *text = et_test_read(path);

	return strtoul(text, NULL, 10);
}

/* How many points there are. One that fails ends the run, but for a copy that cannot be read. */
static unsigned
try_every_point(void **state, const char *how, void (*prepare_it)(void **state),
		void (*in_child)(void *), void (*check)(void **state))
{
	ET_CLEAN_MEM char *count_path = et_format("%s-count", (const char *)*state);
	unsigned points = 0;
	bool reached = true;

	assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", count_path, 1), 0);
	while (reached) {
		ET_CLEAN_MEM char *fault = NULL;
		unsigned long number;
		int status;

		prepare_it(state);
		number = count_of(count_path) + points + 1;
		fault = et_format("%lu%s", number, how);
		assert_int_equal(setenv("EVTRAIL_FAULT", fault, 1), 0);
		status = et_test_fork(in_child, state);
		assert_int_equal(unsetenv("EVTRAIL_FAULT"), 0);
		reached = count_of(count_path) >= number;
		if (reached && how[0] != '\0')
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
							  (reached && WEXITSTATUS(status) == 3)));
		check(state);
		points += reached;
	}
	assert_int_equal(unsetenv("EVTRAIL_FAULT_COUNT"), 0);
	assert_int_equal(unlink(count_path), 0);
	return points;
}

/* Two files written, four points each; three copies read, two files removed, the folder flushed. */
#define POINTS (2 * 4 + 3 + 2 + 1)

static void
at_every_point_of_a_run_no_copy_is_lost(void **state)
{
	assert_int_equal(try_every_point(state, "", prepare, open_and_run, check_next_run), POINTS);
	assert_int_equal(try_every_point(state, ":kill", prepare, open_and_run, check_next_run),
			 POINTS);
}

static void
at_every_point_of_taking_in_no_copy_is_lost(void **state)
{
	/* A file written, another renamed. */
	assert_int_equal(try_every_point(state, "", prepare_damage, open_only, check_damage),
			 4 + 1);
	assert_int_equal(try_every_point(state, ":kill", prepare_damage, open_only, check_damage),
			 4 + 1);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_copy_stays_as_long_as_one_of_its_events_is_needed),
		et_test_with_dir(an_event_inside_a_snapshot_is_one_of_them),
		et_test_with_dir(a_copy_goes_when_a_newer_one_has_the_same_needed_events),
		et_test_with_dir(versions_used_again_with_another_content_are_both_kept),
		et_test_with_dir(what_cannot_be_read_stays_while_anything_is_needed),
		et_test_with_dir(aggregates_with_copies_are_walked_in_order),
		et_test_with_dir(a_file_goes_with_its_last_copy_and_only_when_it_is_swept),
		et_test_with_dir(killed_before_the_sweep_nothing_pruned_comes_back),
		et_test_with_dir(pruning_that_is_not_committed_changes_nothing),
		et_test_with_dir(a_file_that_is_mostly_pruned_is_written_anew),
		et_test_with_dir(an_older_catalog_finds_the_copies_in_their_new_file),
		et_test_with_dir(what_cannot_be_read_is_not_thrown_away_with_its_file),
		et_test_with_dir(many_small_files_become_one),
		et_test_with_dir(what_is_swept_makes_room_below_the_limit),
#ifdef ET_FAULTS
		et_test_with_dir(at_every_point_of_a_run_no_copy_is_lost),
		et_test_with_dir(at_every_point_of_taking_in_no_copy_is_lost),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
