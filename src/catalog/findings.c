/* SPDX-License-Identifier: Apache-2.0 */
/* Findings outlive their run: when each was first seen, and how it ended. */
#include "catalog/db.h"

struct et_finding_list {
	struct et_db_list rows;
};

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
	(void)sqlite3_bind_int64(statement, 2, finding->life);
	et_bind_u64(statement, 3, finding->version);
	(void)sqlite3_bind_text(statement, 4, finding->code, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 5, run);
	(void)sqlite3_bind_int64(statement, 6, finding->first_time_ns);
	(void)sqlite3_bind_int(statement, 7, (int)finding->first_recoverable);
	(void)sqlite3_bind_blob(statement, 8, finding->body.data, (int)finding->body.size,
				SQLITE_STATIC);
	return et_db_run(catalog, statement, "note a finding", err);
}

int
et_catalog_findings_known(struct et_catalog *catalog, int64_t run, struct et_error *err)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE finding SET last_run = %lld WHERE resolved = 0 AND code <> "
		       "'malformed_message' AND last_run >= (SELECT run FROM verdict AS v JOIN "
		       "temp.suspect AS s USING (aggregate) WHERE known AND aggregate = "
		       "finding.aggregate)",
		       (long long)run);
	return et_db_exec(catalog, sql, err);
}

static int
open_list(struct et_catalog *catalog, const char *where, struct et_finding_list **ret,
	  struct et_error *err)
{
	ET_CLEAN_MEM char *sql = et_format(
		"SELECT aggregate, life, version, code, first_run, first_time, first_recoverable, "
		"last_run, resolved, resolution, delay, body FROM finding WHERE %s "
		"ORDER BY aggregate, life, version, code",
		where);
	struct et_finding_list *list = et_calloc(1, sizeof(*list));
	int r = et_db_list_open(catalog, sql, &list->rows, err);

	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	return 0;
}

int
et_finding_list_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
		   struct et_finding_list **ret, struct et_error *err)
{
	int r = open_list(catalog,
			  "aggregate = ?1 AND resolved = 0 AND code <> 'malformed_message' "
			  "AND last_run >= ifnull((SELECT run FROM verdict WHERE "
			  "aggregate = ?1), 0)",
			  ret, err);

	if (r == 0)
		(void)sqlite3_bind_blob((*ret)->rows.statement, 1, aggregate->bytes,
					sizeof(aggregate->bytes), SQLITE_TRANSIENT);
	return r;
}

int
et_finding_list_gone(struct et_catalog *catalog, int64_t run, struct et_finding_list **ret,
		     struct et_error *err)
{
	int r = open_list(catalog, "resolved = 0 AND last_run <> ?1", ret, err);

	if (r == 0)
		(void)sqlite3_bind_int64((*ret)->rows.statement, 1, run);
	return r;
}

int
et_finding_list_open(struct et_catalog *catalog, struct et_finding_list **ret, struct et_error *err)
{
	return open_list(catalog, "resolved = 0", ret, err);
}

int
et_finding_list_about(struct et_catalog *catalog, const struct et_uuid *aggregate, uint64_t version,
		      struct et_finding_list **ret, struct et_error *err)
{
	int r = open_list(catalog,
			  "aggregate = ?1 AND code <> 'malformed_message' AND (version = ?2 OR "
			  "code IN ('forked', 'store_lost'))",
			  ret, err);

	if (r < 0)
		return r;
	(void)sqlite3_bind_blob((*ret)->rows.statement, 1, aggregate->bytes,
				sizeof(aggregate->bytes), SQLITE_TRANSIENT);
	et_bind_u64((*ret)->rows.statement, 2, version);
	return 0;
}

int
et_finding_list_next(struct et_finding_list *list, struct et_noted_finding *ret,
		     struct et_error *err)
{
	sqlite3_stmt *row = list->rows.statement;
	int r = et_db_list_next(&list->rows, "list findings", err);

	if (r <= 0)
		return r;
	*ret = (struct et_noted_finding){
		.aggregate = et_column_uuid(row, 0),
		.life = (unsigned)sqlite3_column_int(row, 1),
		.version = et_column_u64(row, 2),
		.code = (const char *)sqlite3_column_text(row, 3),
		.first_run = sqlite3_column_int64(row, 4),
		.first_time_ns = sqlite3_column_int64(row, 5),
		.first_recoverable = (unsigned)sqlite3_column_int(row, 6),
		.last_run = sqlite3_column_int64(row, 7),
		.resolved = sqlite3_column_int64(row, 8),
		.resolution = (const char *)sqlite3_column_text(row, 9),
		.delay_ns = sqlite3_column_int64(row, 10),
		.body = et_column_blob(row, 11),
	};
	return 1;
}

void
et_finding_list_free(struct et_finding_list *list)
{
	if (list == NULL)
		return;
	et_db_list_done(&list->rows);
	free(list);
}

int
et_catalog_resolve(struct et_catalog *catalog, int64_t run, const struct et_noted_finding *finding,
		   const char *resolution, int64_t delay_ns, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_FINDING_RESOLVE, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &finding->aggregate);
	(void)sqlite3_bind_int64(statement, 2, finding->life);
	et_bind_u64(statement, 3, finding->version);
	(void)sqlite3_bind_text(statement, 4, finding->code, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 5, run);
	(void)sqlite3_bind_text(statement, 6, resolution, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 7, delay_ns);
	return et_db_run(catalog, statement, "resolve a finding", err);
}

int
et_catalog_lost(struct et_catalog *catalog, const struct et_uuid *aggregate, unsigned life,
		uint64_t *ret_version, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_FINDING_LOST, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_int64(statement, 2, life);
	r = et_db_step(catalog, statement, "look for a loss", err);
	if (r > 0 && sqlite3_column_type(statement, 0) == SQLITE_NULL)
		r = 0;
	if (r > 0)
		*ret_version = et_column_u64(statement, 0);
	(void)sqlite3_reset(statement);
	return r;
}
