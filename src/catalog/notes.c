/* SPDX-License-Identifier: Apache-2.0 */
/* What audits note, and the suspects of the run in hand. */
#include "catalog/db.h"

#define SUSPECT_IDS_BYTES_MAX (64u << 20)

int
et_catalog_note_finding(struct et_catalog *catalog, int64_t run,
			const struct et_noted_finding *finding, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_FINDING_NOTE, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &finding->aggregate);
	(void)sqlite3_bind_int64(statement, 2, finding->epoch);
	et_bind_u64(statement, 3, finding->version);
	et_bind_uuid(statement, 4, &finding->device);
	(void)sqlite3_bind_text(statement, 5, finding->code, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 6, finding->recoverable, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 7, run);
	return et_db_run(catalog, statement, "note a finding", err);
}

int
et_catalog_note_latest(struct et_catalog *catalog, const struct et_uuid *aggregate, int64_t now_ns,
		       uint64_t latest_version, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_LATEST_NOTE, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int64(statement, 2, now_ns);
	et_bind_u64(statement, 3, latest_version);
	return et_db_run(catalog, statement, "note a latestversion", err);
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
	while (count < room && (r = et_db_step(catalog, statement, "list runs", err)) > 0) {
		struct et_run *run = &runs[count++];

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
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	*ret_count = count;
	return 0;
}

int
et_catalog_suspect_add(struct et_catalog *catalog, const struct et_suspect *suspect,
		       struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_SUSPECT_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &suspect->aggregate);
	(void)sqlite3_bind_text(statement, 2, (const char *)suspect->aggregate_id.data,
				(int)suspect->aggregate_id.size, SQLITE_STATIC);
	(void)sqlite3_bind_int(statement, 3, suspect->in_store);
	et_bind_u64(statement, 4, suspect->latest_version);
	et_bind_u64(statement, 5, suspect->first_version);
	return et_db_run(catalog, statement, "add a suspect", err);
}

int
et_catalog_is_suspect(struct et_catalog *catalog, const struct et_uuid *aggregate, bool *ret,
		      struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_SUSPECT_HAS, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	r = et_db_step(catalog, statement, "look for a suspect", err);
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	*ret = r > 0;
	return 0;
}

int
et_catalog_suspects_clear(struct et_catalog *catalog, struct et_error *err)
{
	return et_db_exec(catalog, "DELETE FROM temp.suspect", err);
}

void
et_suspect_batch_done(struct et_suspect_batch *batch)
{
	free(batch->list);
	et_buf_done(&batch->ids);
	*batch = (struct et_suspect_batch){ 0 };
}

/* Ids are collected first and pointed at last: the buffer moves while it grows. */
static void
point_at_ids(struct et_suspect_batch *batch)
{
	size_t at = 0;

	for (size_t i = 0; i < batch->count; i++) {
		batch->list[i].aggregate_id.data = batch->ids.data + at;
		at += batch->list[i].aggregate_id.size;
	}
}

int
et_catalog_suspects(struct et_catalog *catalog, const struct et_uuid *after, size_t room,
		    struct et_suspect_batch *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	if (ret->list == NULL) {
		ret->list = et_calloc(room, sizeof(*ret->list));
		et_buf_init(&ret->ids, SUSPECT_IDS_BYTES_MAX);
	}
	ret->count = 0;
	et_buf_reset(&ret->ids);
	r = et_db_statement(catalog, ET_SQL_SUSPECTS, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, after);
	et_bind_u64(statement, 2, room);
	while (ret->count < room &&
	       (r = et_db_step(catalog, statement, "list suspects", err)) > 0) {
		struct et_suspect *suspect = &ret->list[ret->count++];
		struct et_slice id = et_column_blob(statement, 1);

		*suspect = (struct et_suspect){
			.aggregate = et_column_uuid(statement, 0),
			.aggregate_id = { .data = NULL, .size = id.size },
			.in_store = sqlite3_column_int(statement, 2) != 0,
			.latest_version = et_column_u64(statement, 3),
			.first_version = et_column_u64(statement, 4),
		};
		et_buf_put(&ret->ids, id.data, id.size);
	}
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	r = et_buf_check(&ret->ids, "the ids of a batch", err);
	if (r == 0)
		point_at_ids(ret);
	return r;
}

int
et_catalog_suspect_count(struct et_catalog *catalog, uint64_t *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_SUSPECT_COUNT, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "count suspects", err);
	if (r > 0)
		*ret = et_column_u64(statement, 0);
	(void)sqlite3_reset(statement);
	return r < 0 ? r : 0;
}
