/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite with our errors; the only place that knows its result codes. */
#ifndef ET_CATALOG_DB_H
#define ET_CATALOG_DB_H

#include <sqlite3.h>

#include "catalog/catalog.h"

enum et_statement { /* the texts stand in db.c */
		    ET_SQL_GET,
		    ET_SQL_SET,
		    ET_SQL_ARCHIVE_ADD,
		    ET_SQL_ARCHIVE_DROP,
		    ET_SQL_ARCHIVE_LAST,
		    ET_SQL_ARCHIVE_AT,
		    ET_SQL_IDENTITY_LAST,
		    ET_SQL_IDENTITY_ADD,
		    ET_SQL_IDENTITY_SHIFT,
		    ET_SQL_IDENTITY_END,
		    ET_SQL_IDENTITY_AT,
		    ET_SQL_HOLE_ADD,
		    ET_SQL_HOLES,
		    ET_SQL_TOTALS,
		    ET_SQL_TOTALS_NEWEST,
		    ET_SQL_TOTALS_HOLES,
		    ET_SQL_COVER_GET,
		    ET_SQL_COVER_PUT,
		    ET_SQL_COVER_DROP,
		    ET_SQL_COVER_OLD,
		    ET_SQL_DEVICE_GET,
		    ET_SQL_DEVICE_PUT,
		    ET_SQL_DEVICE_REBUILD,
		    ET_SQL_DEVICES,
		    ET_SQL_EPOCH_DROP,
		    ET_SQL_EPOCH_ADD,
		    ET_SQL_LINKS_ADD,
		    ET_SQL_WALK_ADD,
		    ET_SQL_FINDING_NOTE,
		    ET_SQL_NOTED_ADD,
		    ET_SQL_NOTED_AT,
		    ET_SQL_NOTED_SETTLED,
		    ET_SQL_NOTED_DROP,
		    ET_SQL_FINDING_RESOLVE,
		    ET_SQL_FINDING_ACKNOWLEDGE,
		    ET_SQL_LOSS_ADD,
		    ET_SQL_FINDING_LOST,
		    ET_SQL_VERDICT_PUT,
		    ET_SQL_VERDICT_GET,
		    ET_SQL_VERDICT_DROP,
		    ET_SQL_RUN_BEGIN,
		    ET_SQL_RUN_END,
		    ET_SQL_RUNS,
		    ET_SQL_RUN_GET,
		    ET_SQL_SUSPECT_ADD,
		    ET_SQL_SUSPECT_HAS,
		    ET_SQL_SUSPECTS,
		    ET_SQL_SUSPECT_COUNT,
		    ET_SQL_RESCUE_FILE_ADD,
		    ET_SQL_RESCUE_FILE_DROP,
		    ET_SQL_RESCUE_FILES,
		    ET_SQL_RESCUE_ADD,
		    ET_SQL_RESCUE_HAS,
		    ET_SQL_RESCUE_OF,
		    ET_SQL_RESCUE_IN,
		    ET_SQL_RESCUE_DROP,
		    ET_SQL_RESCUE_DROP_ALL,
		    ET_SQL_RESCUE_DROP_IN,
		    ET_SQL_RESCUE_NEXT,
		    ET_SQL_RESCUE_TOTALS,
		    ET_SQL_RESCUE_FILE_TOTALS,
		    ET_SQL_COUNT
};

struct et_catalog {
	sqlite3 *db;
	sqlite3_stmt *statements[ET_SQL_COUNT]; /* prepared at first use */
	unsigned depth;                         /* open transactions */
	uint64_t losses;                        /* in temp.loss */
	struct et_buf texts;                    /* of et_catalog_note_finding */
	char *path;
};

/* The words of the last failure of the handle; returns the ET_* code. */
int et_db_failed(struct et_catalog *catalog, struct et_error *err, const char *doing);
/* A prepared statement, reset and unbound. Ends with et_db_done. */
ET_CHECKED int et_db_statement(struct et_catalog *catalog, enum et_statement which,
			       sqlite3_stmt **ret, struct et_error *err);
ET_CHECKED int et_db_prepare(struct et_catalog *catalog, const char *sql, sqlite3_stmt **ret,
			     struct et_error *err);
/* 1 a row, 0 done, negative. */
ET_CHECKED int et_db_step(struct et_catalog *catalog, sqlite3_stmt *statement, const char *doing,
			  struct et_error *err);
/* One step that gives no row, then reset. */
ET_CHECKED int et_db_run(struct et_catalog *catalog, sqlite3_stmt *statement, const char *doing,
			 struct et_error *err);
ET_CHECKED int et_db_exec(struct et_catalog *catalog, const char *sql, struct et_error *err);

/* The rows of a statement of its own, walked once: SQLite would begin anew behind the end. */
struct et_db_list {
	struct et_catalog *catalog;
	sqlite3_stmt *statement;
	bool ended;
};
ET_CHECKED int et_db_list_open(struct et_catalog *catalog, const char *sql, struct et_db_list *ret,
			       struct et_error *err);
/* 1 a row, 0 the end, and 0 from then on; negative, which ends it too. */
ET_CHECKED int et_db_list_next(struct et_db_list *list, const char *doing, struct et_error *err);
void et_db_list_done(struct et_db_list *list);

/* Sequences and versions are stored as SQLite integers: the same 64 bits, signed. */
static inline void
et_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
	(void)sqlite3_bind_int64(statement, index, (sqlite3_int64)value);
}

static inline uint64_t
et_column_u64(sqlite3_stmt *statement, int index)
{
	return (uint64_t)sqlite3_column_int64(statement, index);
}

void et_bind_uuid(sqlite3_stmt *statement, int index, const struct et_uuid *uuid);
struct et_uuid et_column_uuid(sqlite3_stmt *statement, int index);
struct et_slice et_column_blob(sqlite3_stmt *statement, int index);
void et_column_text(sqlite3_stmt *statement, int index, char *out, size_t room);

#endif
