/* SPDX-License-Identifier: Apache-2.0 */
/* Findings outlive their run: when each was first seen, who knows of it, and how it ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/db.h"

#define LAST_TOLD "last_told"

struct et_finding_list {
	struct et_db_list rows;
};

static struct et_acknowledgement
read_acknowledgement(sqlite3_stmt *row, int first)
{
	return (struct et_acknowledgement){
		.time_ns = sqlite3_column_int64(row, first),
		.until_ns = sqlite3_column_int64(row, first + 1),
		.by = (const char *)sqlite3_column_text(row, first + 2),
		.reason = (const char *)sqlite3_column_text(row, first + 3),
	};
}

/* The texts outlive the statement: a row that is still being read is in the way of a commit. */
static void
keep_texts(struct et_buf *texts, struct et_acknowledgement *acknowledged)
{
	size_t by = strlen(acknowledged->by) + 1;

	et_buf_reset(texts);
	et_buf_put(texts, acknowledged->by, by);
	et_buf_put(texts, acknowledged->reason, strlen(acknowledged->reason) + 1);
	acknowledged->by = (const char *)texts->data;
	acknowledged->reason = (const char *)texts->data + by;
}

static void
bind_key(sqlite3_stmt *statement, const struct et_noted_finding *finding)
{
	et_bind_uuid(statement, 1, &finding->aggregate);
	(void)sqlite3_bind_int64(statement, 2, finding->life);
	et_bind_u64(statement, 3, finding->version);
	(void)sqlite3_bind_text(statement, 4, finding->code, -1, SQLITE_STATIC);
}

int
et_catalog_note_finding(struct et_catalog *catalog, int64_t run,
			const struct et_noted_finding *finding, struct et_noted_finding *ret,
			struct et_error *err)
{
	struct et_noted_finding standing = *finding;
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_FINDING_NOTE, &statement, err);
	if (r < 0)
		return r;
	bind_key(statement, finding);
	(void)sqlite3_bind_int64(statement, 5, run);
	(void)sqlite3_bind_int64(statement, 6, finding->first_time_ns);
	(void)sqlite3_bind_int(statement, 7, (int)finding->first_recoverable);
	(void)sqlite3_bind_blob(statement, 8, finding->body.data, (int)finding->body.size,
				SQLITE_STATIC);
	(void)sqlite3_bind_int(statement, 9, (int)finding->part);
	r = et_db_step(catalog, statement, "note a finding", err);
	if (r > 0) {
		standing.first_time_ns = sqlite3_column_int64(statement, 0);
		standing.told = sqlite3_column_int64(statement, 1);
		standing.acknowledged = read_acknowledgement(statement, 2);
		keep_texts(&catalog->texts, &standing.acknowledged);
		r = et_db_step(catalog, statement, "note a finding", err);
	}
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	if (ret != NULL)
		*ret = standing;
	return 0;
}

int
et_catalog_findings_known(struct et_catalog *catalog, int64_t run, struct et_error *err)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE finding SET last_run = %" PRId64
		       " WHERE resolved = 0 AND part = %d AND last_run >= (SELECT run FROM verdict "
		       "AS v JOIN temp.suspect AS s USING (aggregate) WHERE known AND aggregate = "
		       "finding.aggregate)",
		       run, ET_PART_VERDICT);
	return et_db_exec(catalog, sql, err);
}

int
et_catalog_findings_told(struct et_catalog *catalog, int64_t run, struct et_error *err)
{
	char sql[128];
	char text[24];
	int r;

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE finding SET told = %" PRId64
		       " WHERE told = 0 AND last_run = %" PRId64,
		       run, run);
	(void)snprintf(text, sizeof(text), "%" PRId64, run);
	r = et_catalog_begin(catalog, err);
	if (r == 0)
		r = et_db_exec(catalog, sql, err);
	if (r == 0)
		r = et_catalog_set(catalog, LAST_TOLD, text, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0)
		et_catalog_rollback(catalog);
	return r;
}

/* What cannot be read is no run. */
static int64_t
run_of(const char *text)
{
	char *end = NULL;
	long long run;

	errno = 0;
	run = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? (int64_t)run : 0;
}

int
et_catalog_last_told(struct et_catalog *catalog, int64_t *ret, struct et_error *err)
{
	struct et_buf text;
	int r;

	et_buf_init(&text, 64);
	r = et_catalog_get(catalog, LAST_TOLD, &text, err);
	if (r >= 0)
		*ret = r > 0 ? run_of(et_buf_cstr(&text)) : 0;
	et_buf_done(&text);
	return r < 0 ? r : 0;
}

static int
open_list(struct et_catalog *catalog, const char *where, struct et_finding_list **ret,
	  struct et_error *err)
{
	ET_CLEAN_MEM char *sql = et_format(
		"SELECT aggregate, life, version, code, first_run, first_time, first_recoverable, "
		"last_run, resolved, resolution, delay, body, part, told, ack_time, ack_until, "
		"ack_by, ack_reason, (SELECT started FROM run WHERE id = last_run), "
		"(SELECT started FROM run WHERE id = resolved) FROM finding WHERE %s "
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
			  "aggregate = ?1 AND resolved = 0 AND part = 0 AND last_run >= ifnull("
			  "(SELECT run FROM verdict WHERE aggregate = ?1), 0)",
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
et_finding_list_all(struct et_catalog *catalog, struct et_finding_list **ret, struct et_error *err)
{
	return open_list(catalog, "1", ret, err);
}

int
et_finding_list_about(struct et_catalog *catalog, const struct et_uuid *aggregate, uint64_t version,
		      struct et_finding_list **ret, struct et_error *err)
{
	int r = open_list(catalog,
			  "aggregate = ?1 AND part <> 1 AND (version = ?2 OR code IN ('forked', "
			  "'store_lost'))",
			  ret, err);

	if (r < 0)
		return r;
	(void)sqlite3_bind_blob((*ret)->rows.statement, 1, aggregate->bytes,
				sizeof(aggregate->bytes), SQLITE_TRANSIENT);
	et_bind_u64((*ret)->rows.statement, 2, version);
	return 0;
}

static int64_t
time_or_none(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? ET_TIME_NONE
							       : sqlite3_column_int64(row, column);
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
		.part = (enum et_finding_part)sqlite3_column_int(row, 12),
		.told = sqlite3_column_int64(row, 13),
		.acknowledged = read_acknowledgement(row, 14),
		.last_time_ns = time_or_none(row, 18),
		.resolved_ns = time_or_none(row, 19),
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
	bind_key(statement, finding);
	(void)sqlite3_bind_int64(statement, 5, run);
	(void)sqlite3_bind_text(statement, 6, resolution, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 7, delay_ns);
	return et_db_run(catalog, statement, "resolve a finding", err);
}

int
et_catalog_acknowledge(struct et_catalog *catalog, const struct et_noted_finding *finding,
		       const struct et_acknowledgement *acknowledgement, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	bool taken_back = acknowledgement->time_ns == 0;
	int r = et_db_statement(catalog, ET_SQL_FINDING_ACKNOWLEDGE, &statement, err);

	if (r < 0)
		return r;
	bind_key(statement, finding);
	(void)sqlite3_bind_int64(statement, 5, acknowledgement->time_ns);
	(void)sqlite3_bind_int64(statement, 6, taken_back ? 0 : acknowledgement->until_ns);
	(void)sqlite3_bind_text(statement, 7, taken_back ? "" : acknowledgement->by, -1,
				SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 8, taken_back ? "" : acknowledgement->reason, -1,
				SQLITE_STATIC);
	return et_db_run(catalog, statement, "acknowledge a finding", err);
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
