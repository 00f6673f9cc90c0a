/* SPDX-License-Identifier: Apache-2.0 */
/* What audits note: versions with their times, and the runs themselves. */
#include "catalog/db.h"

/* Notes that are younger than `settle` are of use once they have settled; of the others only the
 * newest is. */
static int
drop_settled(struct et_catalog *catalog, const struct et_uuid *aggregate, enum et_noted what,
	     int64_t until_ns, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_NOTED_SETTLED, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int(statement, 2, (int)what);
	(void)sqlite3_bind_int64(statement, 3, until_ns);
	return et_db_run(catalog, statement, "drop old notes", err);
}

int
et_catalog_note(struct et_catalog *catalog, const struct et_uuid *aggregate, enum et_noted what,
		int64_t now_ns, int64_t settle_ns, uint64_t version, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	struct et_note last = { 0 };
	int r;

	r = et_catalog_noted(catalog, aggregate, what, INT64_MAX, &last, err);
	if (r < 0 || (r > 0 && last.version == version) ||
	    (r > 0 && last.time_ns > now_ns - settle_ns / ET_NOTES_MOST))
		return r < 0 ? r : 0;
	r = drop_settled(catalog, aggregate, what, now_ns - settle_ns, err);
	if (r == 0)
		r = et_db_statement(catalog, ET_SQL_NOTED_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int(statement, 2, (int)what);
	(void)sqlite3_bind_int64(statement, 3, now_ns);
	et_bind_u64(statement, 4, version);
	return et_db_run(catalog, statement, "note a version", err);
}

int
et_catalog_noted(struct et_catalog *catalog, const struct et_uuid *aggregate, enum et_noted what,
		 int64_t until_ns, struct et_note *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_NOTED_AT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int(statement, 2, (int)what);
	(void)sqlite3_bind_int64(statement, 3, until_ns);
	r = et_db_step(catalog, statement, "look for a note", err);
	if (r > 0)
		*ret = (struct et_note){ sqlite3_column_int64(statement, 0),
					 et_column_u64(statement, 1) };
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_note_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
		     enum et_noted what, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_NOTED_DROP, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int(statement, 2, (int)what);
	return et_db_run(catalog, statement, "drop notes", err);
}

int
et_catalog_notes_sweep(struct et_catalog *catalog, struct et_error *err)
{
	return et_db_exec(catalog,
			  "DELETE FROM noted WHERE aggregate NOT IN "
			  "(SELECT aggregate FROM temp.suspect)",
			  err);
}

int
et_catalog_run_begin(struct et_catalog *catalog, const char *command, int64_t now_ns,
		     int64_t *ret_run, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RUN_BEGIN, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, command, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 2, now_ns);
	r = et_db_run(catalog, statement, "begin a run", err);
	if (r == 0)
		*ret_run = sqlite3_last_insert_rowid(catalog->db);
	return r;
}

int
et_catalog_run_end(struct et_catalog *catalog, const struct et_run *run, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RUN_END, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, run->id);
	(void)sqlite3_bind_int64(statement, 2, run->ended_ns);
	(void)sqlite3_bind_int(statement, 3, run->exit_status);
	(void)sqlite3_bind_text(statement, 4, run->verdict, -1, SQLITE_STATIC);
	et_bind_u64(statement, 5, run->last_seq);
	et_bind_u64(statement, 6, run->messages);
	et_bind_u64(statement, 7, run->findings);
	return et_db_run(catalog, statement, "end a run", err);
}

static void
read_run(sqlite3_stmt *statement, struct et_run *run)
{
	run->id = sqlite3_column_int64(statement, 0);
	et_column_text(statement, 1, run->command, sizeof(run->command));
	run->started_ns = sqlite3_column_int64(statement, 2);
	run->ended_ns = sqlite3_column_int64(statement, 3);
	run->exit_status = sqlite3_column_int(statement, 4);
	et_column_text(statement, 5, run->verdict, sizeof(run->verdict));
	run->last_seq = et_column_u64(statement, 6);
	run->messages = et_column_u64(statement, 7);
	run->findings = et_column_u64(statement, 8);
}

int
et_catalog_run(struct et_catalog *catalog, int64_t id, struct et_run *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RUN_GET, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, id);
	r = et_db_step(catalog, statement, "read a run", err);
	if (r > 0)
		read_run(statement, ret);
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_runs(struct et_catalog *catalog, struct et_run *runs, size_t room, size_t *ret_count,
		struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	size_t count = 0;
	int r;

	r = et_db_statement(catalog, ET_SQL_RUNS, &statement, err);
	if (r < 0)
		return r;
	et_bind_u64(statement, 1, room);
	while (count < room && (r = et_db_step(catalog, statement, "list runs", err)) > 0)
		read_run(statement, &runs[count++]);
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	*ret_count = count;
	return 0;
}
