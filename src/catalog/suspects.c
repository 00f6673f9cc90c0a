/* SPDX-License-Identifier: Apache-2.0 */
/* The suspects of the run in hand, and the verdicts of earlier ones that still hold. */
#include "catalog/db.h"

#define SUSPECT_IDS_BYTES_MAX (64u << 20)

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
			.known = sqlite3_column_int(statement, 5) != 0,
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
et_catalog_suspect_count(struct et_catalog *catalog, uint64_t *ret, uint64_t *ret_known,
			 struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_SUSPECT_COUNT, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "count suspects", err);
	if (r > 0) {
		*ret = et_column_u64(statement, 0);
		*ret_known = et_column_u64(statement, 1);
	}
	(void)sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

int
et_catalog_suspects_known(struct et_catalog *catalog, struct et_error *err)
{
	/* A device of which nothing was seen has no row: 0 then as now. */
	return et_db_exec(
		catalog,
		"UPDATE temp.suspect AS s SET known = EXISTS (SELECT 1 FROM verdict AS v "
		"LEFT JOIN device AS d ON d.device = v.device WHERE v.aggregate = s.aggregate "
		"AND v.in_store = s.in_store AND v.latest = s.latest AND v.first = s.first "
		"AND v.last = ifnull(d.last, 0));"
		/* The devices of what the store does not have that are there with anything else. */
		"DELETE FROM temp.alive;"
		"INSERT INTO temp.alive SELECT device FROM (SELECT DISTINCT device FROM "
		"temp.suspect JOIN coverage USING (aggregate) WHERE NOT in_store) AS gone WHERE "
		"EXISTS (SELECT 1 FROM coverage AS other WHERE other.device = gone.device AND "
		"NOT EXISTS (SELECT 1 FROM temp.suspect AS s WHERE s.aggregate = other.aggregate "
		"AND NOT s.in_store));"
		"UPDATE temp.suspect AS s SET known = 0 WHERE known AND NOT in_store AND "
		"(SELECT v.alive <> (v.device IN temp.alive) FROM verdict AS v WHERE v.aggregate = "
		"s.aggregate)",
		err);
}

int
et_catalog_verdict_put(struct et_catalog *catalog, const struct et_verdict *verdict,
		       struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_VERDICT_PUT, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &verdict->aggregate);
	(void)sqlite3_bind_int(statement, 2, verdict->in_store);
	et_bind_u64(statement, 3, verdict->latest_version);
	et_bind_u64(statement, 4, verdict->first_version);
	et_bind_uuid(statement, 5, &verdict->device);
	(void)sqlite3_bind_int(statement, 6, verdict->alive);
	(void)sqlite3_bind_blob(statement, 7, verdict->tally.data, (int)verdict->tally.size,
				SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 8, verdict->run);
	return et_db_run(catalog, statement, "keep a verdict", err);
}

int
et_catalog_verdict_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
			struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_VERDICT_DROP, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	return et_db_run(catalog, statement, "drop a verdict", err);
}

int
et_catalog_verdict_tally(struct et_catalog *catalog, const struct et_uuid *aggregate,
			 struct et_buf *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_VERDICT_GET, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	r = et_db_step(catalog, statement, "read a verdict", err);
	if (r > 0) {
		struct et_slice tally = et_column_blob(statement, 0);

		et_buf_reset(ret);
		et_buf_put(ret, tally.data, tally.size);
	}
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_verdicts_forget(struct et_catalog *catalog, struct et_error *err)
{
	return et_db_exec(catalog, "DELETE FROM verdict", err);
}
