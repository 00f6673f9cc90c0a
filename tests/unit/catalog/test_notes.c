// SPDX-License-Identifier: Apache-2.0
/* What audits note in the catalog: versions with their times, and the runs themselves. */
#include "rows.h"

#define S ET_NS_PER_SECOND
#define SETTLE (800 * S)

/* ---- versions ---- */

static void
see(struct et_catalog *catalog, enum et_noted what, int64_t now_s, uint64_t version)
{
	struct et_uuid aggregate = uuid(1);
	struct et_error err = { 0 };

	assert_ok(et_catalog_note(catalog, &aggregate, what, now_s * S, SETTLE, version, &err),
		  &err);
}

/* The version noted at that second or before; -1: none. */
static int
noted_of(struct et_catalog *catalog, uint8_t which, enum et_noted what, int64_t until_s)
{
	struct et_uuid aggregate = uuid(which);
	struct et_note note = { 0 };
	struct et_error err = { 0 };
	int r = et_catalog_noted(catalog, &aggregate, what, until_s * S, &note, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	assert_true(r == 0 || note.time_ns <= until_s * S);
	return r > 0 ? (int)note.version : -1;
}

static int
noted(struct et_catalog *catalog, enum et_noted what, int64_t until_s)
{
	return noted_of(catalog, 1, what, until_s);
}

static void
the_newest_note_of_a_time_is_found(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	static const struct {
		int64_t until_s;
		int version;
	} rows[] = { { 0, -1 },   { 999, -1 }, { 1000, 3 }, { 1199, 3 },
		     { 1200, 7 }, { 1399, 7 }, { 1400, 5 }, { 9999, 5 } };

	see(catalog, ET_NOTED_LATEST, 1000, 3);
	see(catalog, ET_NOTED_LATEST, 1200, 7);
	see(catalog, ET_NOTED_LATEST, 1400, 5); /* the store went back */
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_int_equal(noted(catalog, ET_NOTED_LATEST, rows[i].until_s), rows[i].version);
	assert_int_equal(noted(catalog, ET_NOTED_AHEAD, 9999), -1);
	assert_int_equal(noted_of(catalog, 2, ET_NOTED_LATEST, 9999), -1);
}

static void
a_version_that_stays_keeps_its_first_time(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_uuid aggregate = uuid(1);
	struct et_note note = { 0 };

	for (int64_t now_s = 1000; now_s < 9000; now_s += 500)
		see(catalog, ET_NOTED_AHEAD, now_s, UINT64_MAX);
	assert_int_equal(
		et_catalog_noted(catalog, &aggregate, ET_NOTED_AHEAD, INT64_MAX, &note, NULL), 1);
	assert_int_equal(note.time_ns, 1000 * S);
	assert_true(note.version == UINT64_MAX);
}

/* An audit a second: an eighth of settle lies between two notes at least. */
static void
notes_do_not_grow_with_the_audits(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	unsigned kept = 0;
	int last = -1;

	for (int64_t now_s = 1; now_s <= 4000; now_s++) {
		see(catalog, ET_NOTED_LATEST, now_s, (uint64_t)now_s);
		/* What settled is known, and no older than by the distance of two notes. */
		if (now_s > 901)
			assert_in_range(noted(catalog, ET_NOTED_LATEST, now_s - 800), now_s - 901,
					now_s - 800);
	}
	for (int64_t until_s = 0; until_s <= 4000; until_s++) {
		int version = noted(catalog, ET_NOTED_LATEST, until_s);

		kept += version != last;
		last = version;
	}
	assert_in_range(kept, 2, ET_NOTES_MOST + 1);
}

static void
without_settle_every_version_is_noted(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_uuid aggregate = uuid(1);
	struct et_error err = { 0 };

	for (uint64_t i = 1; i < 5; i++) {
		int64_t now_ns = (int64_t)i * S;

		assert_ok(et_catalog_note(catalog, &aggregate, ET_NOTED_LATEST, now_ns, 0, i, &err),
			  &err);
		assert_int_equal(noted(catalog, ET_NOTED_LATEST, (int64_t)i), i);
	}
}

static void
what_is_dropped_was_never_noted(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_suspect suspect = { .aggregate = uuid(1),
					    .aggregate_id = { (const uint8_t *)"1", 1 } };
	struct et_uuid aggregate = uuid(1);
	struct et_uuid other = uuid(2);
	struct et_error err = { 0 };

	see(catalog, ET_NOTED_LATEST, 1000, 3);
	see(catalog, ET_NOTED_AHEAD, 1000, 8);
	assert_ok(et_catalog_note(catalog, &other, ET_NOTED_LATEST, S, SETTLE, 4, &err), &err);
	assert_ok(et_catalog_note_drop(catalog, &aggregate, ET_NOTED_AHEAD, &err), &err);
	assert_int_equal(noted(catalog, ET_NOTED_AHEAD, 9999), -1);
	assert_int_equal(noted(catalog, ET_NOTED_LATEST, 9999), 3);
	/* what is no suspect any more */
	assert_ok(et_catalog_suspect_add(catalog, &suspect, &err), &err);
	assert_ok(et_catalog_notes_sweep(catalog, &err), &err);
	assert_int_equal(noted(catalog, ET_NOTED_LATEST, 9999), 3);
	assert_int_equal(noted_of(catalog, 2, ET_NOTED_LATEST, 9999), -1);
	/* what is made again from the archives leaves it alone */
	assert_ok(et_catalog_forget_coverage(catalog, &err), &err);
	assert_int_equal(noted(catalog, ET_NOTED_LATEST, 9999), 3);
}

/* ---- runs ---- */

static void
runs_are_listed_newest_first(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_run run = { .ended_ns = 30,
			      .exit_status = 1,
			      .verdict = "findings",
			      .last_seq = UINT64_MAX,
			      .messages = 7,
			      .findings = 2 };
	struct et_run runs[3];
	struct et_error err = { 0 };
	size_t count = 9;

	assert_ok(et_catalog_runs(catalog, runs, 3, &count, &err), &err);
	assert_int_equal(count, 0);
	for (int64_t i = 1; i < 4; i++) {
		assert_ok(et_catalog_run_begin(catalog, "audit", 10 * i, &run.id, &err), &err);
		if (i == 2)
			assert_ok(et_catalog_run_end(catalog, &run, &err), &err);
	}
	assert_ok(et_catalog_runs(catalog, runs, 2, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_int_equal(runs[0].started_ns, 30);
	assert_int_equal(runs[0].ended_ns, 0);
	assert_string_equal(runs[0].verdict, "interrupted");
	assert_string_equal(runs[1].command, "audit");
	assert_string_equal(runs[1].verdict, "findings");
	assert_true(runs[1].ended_ns == 30 && runs[1].exit_status == 1 &&
		    runs[1].last_seq == UINT64_MAX && runs[1].messages == 7 &&
		    runs[1].findings == 2);
	assert_code(1, et_catalog_run(catalog, 2, &run, &err), &err);
	assert_true(run.id == 2 && run.started_ns == 20 && run.ended_ns == 30);
	assert_ok(et_catalog_run(catalog, 4, &run, &err), &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(the_newest_note_of_a_time_is_found),
		et_test_with_dir(a_version_that_stays_keeps_its_first_time),
		et_test_with_dir(notes_do_not_grow_with_the_audits),
		et_test_with_dir(without_settle_every_version_is_noted),
		et_test_with_dir(what_is_dropped_was_never_noted),
		et_test_with_dir(runs_are_listed_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
