// SPDX-License-Identifier: Apache-2.0
/* Opening a catalog: another schema, no catalog, none that can be read; and its transactions. */
#include <sqlite3.h>

#include "base/clock.h"
#include "rows.h"

/* Runs SQL on the file itself, as another program would. */
static void
change(void **state, const char *sql)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "catalog.db");
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
assert_open(int code, void **state, bool read_only, const char *words)
{
	struct et_catalog *catalog = NULL;
	struct et_error err = { 0 };

	assert_code(code, et_catalog_open(*state, read_only, &catalog, &err), &err);
	if (code < 0)
		assert_words(&err, words);
	et_catalog_free(catalog);
}

static void
a_reader_makes_no_catalog(void **state)
{
	assert_open(ET_GONE, state, true, "no catalog in");
	et_catalog_free(open_catalog(state));
	assert_open(0, state, true, "");
	et_catalog_free(NULL);
}

static void
a_catalog_of_a_newer_schema_is_left_alone(void **state)
{
	et_catalog_free(open_catalog(state));
	change(state, "PRAGMA user_version = 4");
	assert_open(ET_CONFIG, state, false, "has schema 4");
	assert_open(ET_CONFIG, state, true, "has schema 4");
}

static void
what_is_no_catalog_is_corrupt(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "catalog.db");
	char garbage[4096];

	memset(garbage, 'x', sizeof(garbage) - 1);
	garbage[sizeof(garbage) - 1] = '\0';
	et_test_write(path, garbage);
	assert_open(ET_CORRUPT, state, false, "catalog.db");
}

/* The archives tell all the rest again. */
static void
of_schema_1_the_notes_and_the_runs_are_kept(void **state)
{
	static const char schema_1[] =
		"CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
		"CREATE TABLE archive (identity TEXT); CREATE TABLE hole (identity TEXT);"
		"CREATE TABLE coverage (aggregate BLOB); CREATE TABLE device (device BLOB);"
		"CREATE TABLE links_event (device BLOB); CREATE TABLE noted_latest (a BLOB);"
		"CREATE TABLE finding (aggregate BLOB); CREATE TABLE rescue (aggregate BLOB);"
		"CREATE TABLE run (id INTEGER PRIMARY KEY, command TEXT NOT NULL, started INTEGER "
		"NOT NULL, ended INTEGER NOT NULL DEFAULT 0, exit_status INTEGER NOT NULL DEFAULT "
		"7, verdict TEXT NOT NULL DEFAULT 'interrupted', last_seq INTEGER NOT NULL DEFAULT "
		"0, messages INTEGER NOT NULL DEFAULT 0, findings INTEGER NOT NULL DEFAULT 0);"
		"INSERT INTO note VALUES ('stream', 'EVENTS');"
		"INSERT INTO run (command, started) VALUES ('audit', 5);"
		"INSERT INTO archive VALUES ('A'); PRAGMA user_version = 1";
	ET_CLEAN(et_catalog) struct et_catalog *catalog = NULL;
	const struct et_row row = event(1, 2, 0, 10, 1, ET_KIND_RESOURCE_CHANGED);
	struct et_totals totals;
	struct et_run run;
	struct et_error err = { 0 };
	struct et_buf value;
	size_t count = 0;

	change(state, schema_1);
	catalog = open_catalog(state);
	et_buf_init(&value, 100);
	assert_code(1, et_catalog_get(catalog, "stream", &value, &err), &err);
	assert_string_equal(et_buf_cstr(&value), "EVENTS");
	et_buf_done(&value);
	assert_ok(et_catalog_runs(catalog, &run, 1, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_string_equal(run.command, "audit");
	assert_ok(et_catalog_totals(catalog, &totals, &err), &err);
	assert_int_equal(totals.archives, 0);
	take(catalog, 1, 1, &row, 1);
	assert_string_equal(shown(catalog, 2), "0: 0-0");
}

/* What audits found is nowhere else. */
static void
of_schema_2_everything_is_kept(void **state)
{
	/* Back to what it was. */
	static const char schema_2[] =
		"INSERT INTO run (command, started) VALUES ('audit', 50), ('audit', 60);"
		"INSERT INTO finding (aggregate, life, version, code, first_run, first_time, "
		"first_recoverable, last_run, resolved, resolution, delay, body) VALUES "
		"(x'00000000000000000000000000000001', 0, 4, 'lost', 1, 55, 2, 2, 0, '', 0, x'aa'),"
		"(x'00000000000000000000000000000001', 0, 5, 'lost', 1, 55, 2, 1, 2, 'late', 7, "
		"x'bb'),"
		"(x'00000000000000000000000000000001', 0, 9, 'malformed_message', 2, 65, 0, 2, 0, "
		"'', 0, x'cc');"
		"INSERT INTO note VALUES ('stream', 'EVENTS');"
		"DROP INDEX finding_untold;"
		"ALTER TABLE finding DROP COLUMN part; ALTER TABLE finding DROP COLUMN told;"
		"ALTER TABLE finding DROP COLUMN ack_time; ALTER TABLE finding DROP COLUMN "
		"ack_until; ALTER TABLE finding DROP COLUMN ack_by; ALTER TABLE finding DROP "
		"COLUMN "
		"ack_reason; PRAGMA user_version = 2";
	static const struct {
		uint64_t version;
		enum et_finding_part part;
		int64_t told;
		int64_t resolved_ns;
		int64_t last_time_ns;
		uint8_t body;
	} wanted[] = {
		{ 4, ET_PART_VERDICT, 1, ET_TIME_NONE, 60, 0xaa },
		{ 5, ET_PART_VERDICT, 1, 60, 50, 0xbb },
		{ 9, ET_PART_MESSAGES, 2, ET_TIME_NONE, 60, 0xcc },
	};
	ET_CLEAN(et_catalog) struct et_catalog *catalog = NULL;
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	const struct et_row row = event(1, 2, 0, 10, 1, ET_KIND_RESOURCE_CHANGED);
	struct et_noted_finding one;
	struct et_totals totals;
	struct et_error err = { 0 };

	catalog = open_catalog(state);
	take(catalog, 1, 1, &row, 1);
	et_catalog_free(ET_STEAL(catalog));
	change(state, schema_2);
	assert_open(ET_CONFIG, state, true, "of an older evtrail, with schema 2");
	catalog = open_catalog(state);
	assert_ok(et_finding_list_all(catalog, &list, &err), &err);
	for (size_t i = 0; i < ET_COUNT(wanted); i++) {
		assert_code(1, et_finding_list_next(list, &one, &err), &err);
		assert_int_equal(one.version, wanted[i].version);
		assert_int_equal(one.part, wanted[i].part);
		assert_int_equal(one.told, wanted[i].told);
		assert_int_equal(one.resolved_ns, wanted[i].resolved_ns);
		assert_int_equal(one.last_time_ns, wanted[i].last_time_ns);
		assert_int_equal(one.body.data[0], wanted[i].body);
		assert_int_equal(one.acknowledged.time_ns, 0);
	}
	assert_ok(et_finding_list_next(list, &one, &err), &err);
	/* The coverage, too: nothing is read again. */
	assert_ok(et_catalog_totals(catalog, &totals, &err), &err);
	assert_int_equal(totals.archives, 1);
	assert_string_equal(shown(catalog, 2), "0: 0-0");
}

static void
notes_about_the_state_are_kept_when_they_are_committed(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_error err = { 0 };
	struct et_buf value;

	et_buf_init(&value, 100);
	assert_ok(et_catalog_get(catalog, "a", &value, &err), &err);
	assert_ok(et_catalog_set(catalog, "a", "1", &err), &err);
	assert_ok(et_catalog_begin(catalog, &err), &err);
	assert_ok(et_catalog_begin(catalog, &err), &err);
	assert_ok(et_catalog_set(catalog, "a", "2", &err), &err);
	assert_ok(et_catalog_commit(catalog, &err), &err); /* the inner one */
	et_catalog_rollback(catalog);
	assert_code(1, et_catalog_get(catalog, "a", &value, &err), &err);
	assert_string_equal(et_buf_cstr(&value), "1");
	assert_ok(et_catalog_begin(catalog, &err), &err);
	assert_ok(et_catalog_set(catalog, "a", "3", &err), &err);
	assert_ok(et_catalog_commit(catalog, &err), &err);
	et_catalog_rollback(catalog); /* there is nothing to take back */
	assert_code(1, et_catalog_get(catalog, "a", &value, &err), &err);
	assert_string_equal(et_buf_cstr(&value), "3");
	et_buf_done(&value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_reader_makes_no_catalog),
		et_test_with_dir(a_catalog_of_a_newer_schema_is_left_alone),
		et_test_with_dir(what_is_no_catalog_is_corrupt),
		et_test_with_dir(of_schema_1_the_notes_and_the_runs_are_kept),
		et_test_with_dir(of_schema_2_everything_is_kept),
		et_test_with_dir(notes_about_the_state_are_kept_when_they_are_committed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
