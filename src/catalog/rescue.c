// SPDX-License-Identifier: Apache-2.0
/* Which rescue copies lie where (command/rescue.h). */
#include "catalog/db.h"

#include "base/clock.h"

int
et_catalog_rescue_file_add(struct et_catalog *catalog, const char *name, uint64_t bytes,
			   struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RESCUE_FILE_ADD, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	et_bind_u64(statement, 2, bytes);
	return et_db_run(catalog, statement, "note a rescue file", err);
}

int
et_catalog_rescue_file_drop(struct et_catalog *catalog, const char *name, uint64_t *ret_copies,
			    struct et_error *err)
{
	static const enum et_statement steps[] = { ET_SQL_RESCUE_DROP_IN, ET_SQL_RESCUE_FILE_DROP };
	uint64_t copies = 0;

	for (size_t i = 0; i < ET_COUNT(steps); i++) {
		sqlite3_stmt *statement = NULL;
		int r = et_db_statement(catalog, steps[i], &statement, err);

		if (r < 0)
			return r;
		(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
		r = et_db_run(catalog, statement, "drop a rescue file", err);
		if (r < 0)
			return r;
		if (i == 0)
			copies = (uint64_t)sqlite3_changes(catalog->db);
	}
	if (ret_copies != NULL)
		*ret_copies = copies;
	return 0;
}

int
et_catalog_rescue_files(struct et_catalog *catalog, struct et_rescue_file_list *ret,
			struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	ret->count = 0;
	r = et_db_statement(catalog, ET_SQL_RESCUE_FILES, &statement, err);
	if (r < 0)
		return r;
	while ((r = et_db_step(catalog, statement, "list rescue files", err)) > 0) {
		struct et_rescue_file *file;

		if (ret->count == ret->capacity) {
			ret->capacity = ret->capacity > 0 ? ret->capacity * 2 : 16;
			ret->items =
				et_realloc_array(ret->items, ret->capacity, sizeof(*ret->items));
		}
		file = &ret->items[ret->count++];
		et_column_text(statement, 0, file->name, sizeof(file->name));
		file->bytes = et_column_u64(statement, 1);
		file->copies = et_column_u64(statement, 2);
		file->copy_bytes = et_column_u64(statement, 3);
	}
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_rescue_add(struct et_catalog *catalog, const struct et_rescued *copy,
		      struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RESCUE_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &copy->aggregate);
	(void)sqlite3_bind_blob(statement, 2, copy->sha256.bytes, ET_SHA256_BYTES, SQLITE_STATIC);
	et_bind_u64(statement, 3, copy->latest_version);
	(void)sqlite3_bind_text(statement, 4, copy->file, -1, SQLITE_STATIC);
	et_bind_u64(statement, 5, copy->start);
	et_bind_u64(statement, 6, copy->bytes);
	(void)sqlite3_bind_int64(statement, 7, copy->saved_ns);
	return et_db_run(catalog, statement, "note a rescue copy", err);
}

int
et_catalog_rescue_has(struct et_catalog *catalog, const struct et_uuid *aggregate,
		      const struct et_sha256 *sha256, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RESCUE_HAS, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	(void)sqlite3_bind_blob(statement, 2, sha256->bytes, ET_SHA256_BYTES, SQLITE_STATIC);
	r = et_db_step(catalog, statement, "look for a rescue copy", err);
	(void)sqlite3_reset(statement);
	return r;
}

/* The rows of a bound statement; it is reset. */
static int
list_copies(struct et_catalog *catalog, sqlite3_stmt *statement, struct et_rescued_list *ret,
	    struct et_error *err)
{
	int r;

	ret->count = 0;
	while ((r = et_db_step(catalog, statement, "list rescue copies", err)) > 0) {
		struct et_slice sha256 = et_column_blob(statement, 1);
		struct et_rescued *copy;

		if (ret->count == ret->capacity) {
			ret->capacity = ret->capacity > 0 ? ret->capacity * 2 : 16;
			ret->items =
				et_realloc_array(ret->items, ret->capacity, sizeof(*ret->items));
		}
		copy = &ret->items[ret->count++];
		*copy = (struct et_rescued){ .aggregate = et_column_uuid(statement, 0),
					     .latest_version = et_column_u64(statement, 2),
					     .start = et_column_u64(statement, 4),
					     .bytes = et_column_u64(statement, 5),
					     .saved_ns = sqlite3_column_int64(statement, 6) };
		if (sha256.size == ET_SHA256_BYTES)
			memcpy(copy->sha256.bytes, sha256.data, ET_SHA256_BYTES);
		et_column_text(statement, 3, copy->file, sizeof(copy->file));
	}
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_rescued_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
		      struct et_rescued_list *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	ret->count = 0;
	r = et_db_statement(catalog, ET_SQL_RESCUE_OF, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	return list_copies(catalog, statement, ret, err);
}

int
et_catalog_rescued_in(struct et_catalog *catalog, const char *file, struct et_rescued_list *ret,
		      struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	ret->count = 0;
	r = et_db_statement(catalog, ET_SQL_RESCUE_IN, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
	return list_copies(catalog, statement, ret, err);
}

int
et_catalog_rescue_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
		       const struct et_sha256 *sha256, uint64_t *ret_copies, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, sha256 != NULL ? ET_SQL_RESCUE_DROP : ET_SQL_RESCUE_DROP_ALL,
			    &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	if (sha256 != NULL)
		(void)sqlite3_bind_blob(statement, 2, sha256->bytes, ET_SHA256_BYTES,
					SQLITE_STATIC);
	r = et_db_run(catalog, statement, "drop a rescue copy", err);
	if (r == 0)
		*ret_copies = (uint64_t)sqlite3_changes(catalog->db);
	return r;
}

int
et_catalog_rescue_next(struct et_catalog *catalog, const struct et_uuid *after, struct et_uuid *ret,
		       struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RESCUE_NEXT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, after);
	r = et_db_step(catalog, statement, "find the next rescue copy", err);
	if (r > 0)
		*ret = et_column_uuid(statement, 0);
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_rescue_totals(struct et_catalog *catalog, struct et_rescue_totals *ret,
			 struct et_error *err)
{
	struct et_rescue_totals totals = { .oldest_ns = ET_TIME_NONE };
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_RESCUE_TOTALS, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "count rescue copies", err);
	if (r < 0)
		return r;
	totals.copies = et_column_u64(statement, 0);
	totals.bytes = et_column_u64(statement, 1);
	if (totals.copies > 0)
		totals.oldest_ns = sqlite3_column_int64(statement, 2);
	(void)sqlite3_reset(statement);
	r = et_db_statement(catalog, ET_SQL_RESCUE_FILE_TOTALS, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "count rescue files", err);
	if (r < 0)
		return r;
	totals.files = et_column_u64(statement, 0);
	totals.file_bytes = et_column_u64(statement, 1);
	(void)sqlite3_reset(statement);
	*ret = totals;
	return 0;
}

bool
et_catalog_in_transaction(const struct et_catalog *catalog)
{
	return catalog->depth > 0;
}

int
et_catalog_harden(struct et_catalog *catalog, struct et_error *err)
{
	int code;

	/* A checkpoint flushes the log before anything else. It waits for nobody: what a reader
	 * holds up is made up for by the next one. */
	code = sqlite3_wal_checkpoint_v2(catalog->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return code == SQLITE_OK || code == SQLITE_BUSY ? 0 : et_db_failed(catalog, err, "flush");
}
