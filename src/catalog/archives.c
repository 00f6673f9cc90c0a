/* SPDX-License-Identifier: Apache-2.0 */
/* Which archives there are: entries, holes, totals. */
#include "catalog/db.h"

#include "base/clock.h"
#include "catalog/take.h"

struct et_entry_list {
	struct et_db_list rows;
};

static void
read_entry(sqlite3_stmt *row, struct et_archive_entry *ret)
{
	*ret = (struct et_archive_entry){
		.first_seq = et_column_u64(row, 1),
		.last_seq = et_column_u64(row, 2),
		.messages = et_column_u64(row, 4),
		.events = et_column_u64(row, 5),
		.registrations = et_column_u64(row, 6),
		.foreign = et_column_u64(row, 7),
		.malformed = et_column_u64(row, 8),
		.raw_bytes = et_column_u64(row, 9),
		.bytes = et_column_u64(row, 10),
		.first_time_ns = sqlite3_column_int64(row, 11),
		.last_time_ns = sqlite3_column_int64(row, 12),
		.tree_size = et_column_u64(row, 13),
	};
	et_column_text(row, 0, ret->identity, sizeof(ret->identity));
	et_column_text(row, 3, ret->name, sizeof(ret->name));
}

/* Identities come in the order of time; each begins far behind the end of the one before. */
static int
add_identity(struct et_catalog *catalog, const struct et_archive_entry *entry, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	uint64_t start = 0;
	uint64_t shift = 0;
	int r;

	r = et_catalog_shift(catalog, entry->identity, &shift, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = et_db_statement(catalog, ET_SQL_IDENTITY_END, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "find the last position", err);
	if (r > 0 && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
		start = et_column_u64(statement, 0) + ET_IDENTITIES_APART;
		shift = start - entry->first_seq;
	}
	(void)sqlite3_reset(statement);
	if (r >= 0)
		r = et_db_statement(catalog, ET_SQL_IDENTITY_ADD, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, entry->identity, -1, SQLITE_STATIC);
	et_bind_u64(statement, 2, start);
	et_bind_u64(statement, 3, shift);
	return et_db_run(catalog, statement, "add an identity", err);
}

static int
add_entry(struct et_catalog *catalog, const struct et_archive_entry *entry, struct et_error *err)
{
	const uint64_t numbers[] = { entry->messages, entry->events,    entry->registrations,
				     entry->foreign,  entry->malformed, entry->raw_bytes,
				     entry->bytes };
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_ARCHIVE_ADD, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, entry->identity, -1, SQLITE_STATIC);
	et_bind_u64(statement, 2, entry->first_seq);
	et_bind_u64(statement, 3, entry->last_seq);
	(void)sqlite3_bind_text(statement, 4, entry->name, -1, SQLITE_STATIC);
	for (int i = 0; i < (int)ET_COUNT(numbers); i++)
		et_bind_u64(statement, 5 + i, numbers[i]);
	(void)sqlite3_bind_int64(statement, 12, entry->first_time_ns);
	(void)sqlite3_bind_int64(statement, 13, entry->last_time_ns);
	et_bind_u64(statement, 14, entry->tree_size);
	return et_db_run(catalog, statement, "add an archive", err);
}

static int
add_hole(struct et_catalog *catalog, const struct et_noted_hole *hole, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_HOLE_ADD, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, hole->identity, -1, SQLITE_STATIC);
	et_bind_u64(statement, 2, hole->first_seq);
	et_bind_u64(statement, 3, hole->last_seq);
	(void)sqlite3_bind_text(statement, 4, hole->type, -1, SQLITE_STATIC);
	return et_db_run(catalog, statement, "add a hole", err);
}

int
et_catalog_add_archive(struct et_catalog *catalog, const struct et_archive_entry *entry,
		       const struct et_noted_hole *holes, size_t hole_count, struct et_error *err)
{
	int r;

	r = add_identity(catalog, entry, err);
	if (r == 0)
		r = add_entry(catalog, entry, err);
	for (size_t i = 0; r == 0 && i < hole_count; i++)
		r = add_hole(catalog, &holes[i], err);
	return r;
}

int
et_catalog_replace_archives(struct et_catalog *catalog, const struct et_archive_entry *entry,
			    struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_catalog_begin(catalog, err);
	if (r < 0)
		return r;
	r = et_db_statement(catalog, ET_SQL_ARCHIVE_DROP, &statement, err);
	if (r == 0) {
		(void)sqlite3_bind_text(statement, 1, entry->identity, -1, SQLITE_STATIC);
		et_bind_u64(statement, 2, entry->first_seq);
		et_bind_u64(statement, 3, entry->last_seq);
		r = et_db_run(catalog, statement, "drop merged archives", err);
	}
	if (r == 0)
		r = add_entry(catalog, entry, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0)
		et_catalog_rollback(catalog);
	return r;
}

int
et_entry_list_open(struct et_catalog *catalog, const char *identity, struct et_entry_list **ret,
		   struct et_error *err)
{
	struct et_entry_list *list = et_calloc(1, sizeof(*list));
	int r;

	r = et_db_list_open(
		catalog,
		identity == NULL ? "SELECT archive.* FROM archive JOIN identity USING (identity)"
				   " ORDER BY ordinal, first_seq"
				 : "SELECT * FROM archive WHERE identity = ?1 ORDER BY first_seq",
		&list->rows, err);
	if (r < 0) {
		free(list);
		return r;
	}
	if (identity != NULL)
		(void)sqlite3_bind_text(list->rows.statement, 1, identity, -1, SQLITE_TRANSIENT);
	*ret = list;
	return 0;
}

int
et_entry_list_next(struct et_entry_list *list, struct et_archive_entry *ret, struct et_error *err)
{
	int r = et_db_list_next(&list->rows, "list archives", err);

	if (r > 0)
		read_entry(list->rows.statement, ret);
	return r;
}

void
et_entry_list_free(struct et_entry_list *list)
{
	if (list == NULL)
		return;
	et_db_list_done(&list->rows);
	free(list);
}

static int
find_entry(struct et_catalog *catalog, enum et_statement which, const char *identity, uint64_t seq,
	   struct et_archive_entry *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, which, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, identity, -1, SQLITE_STATIC);
	if (which == ET_SQL_ARCHIVE_AT)
		et_bind_u64(statement, 2, seq);
	r = et_db_step(catalog, statement, "find an archive", err);
	if (r > 0)
		read_entry(statement, ret);
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_last_archive(struct et_catalog *catalog, const char *identity,
			struct et_archive_entry *ret, struct et_error *err)
{
	return find_entry(catalog, ET_SQL_ARCHIVE_LAST, identity, 0, ret, err);
}

int
et_catalog_archive_at(struct et_catalog *catalog, const char *identity, uint64_t seq,
		      struct et_archive_entry *ret, struct et_error *err)
{
	return find_entry(catalog, ET_SQL_ARCHIVE_AT, identity, seq, ret, err);
}

int
et_catalog_last_identity(struct et_catalog *catalog, char ret[ET_IDENTITY_TEXT_BYTES],
			 struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_IDENTITY_LAST, &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "find the newest identity", err);
	if (r > 0)
		et_column_text(statement, 0, ret, ET_IDENTITY_TEXT_BYTES);
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_shift(struct et_catalog *catalog, const char *identity, uint64_t *ret,
		 struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_IDENTITY_SHIFT, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, identity, -1, SQLITE_STATIC);
	r = et_db_step(catalog, statement, "find an identity", err);
	if (r > 0)
		*ret = et_column_u64(statement, 0);
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_position(struct et_catalog *catalog, uint64_t position,
		    char ret_identity[ET_IDENTITY_TEXT_BYTES], uint64_t *ret_seq,
		    struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_IDENTITY_AT, &statement, err);
	if (r < 0)
		return r;
	et_bind_u64(statement, 1, position);
	r = et_db_step(catalog, statement, "find an identity", err);
	if (r > 0) {
		et_column_text(statement, 0, ret_identity, ET_IDENTITY_TEXT_BYTES);
		*ret_seq = position - et_column_u64(statement, 1);
	}
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_holes(struct et_catalog *catalog, struct et_noted_hole *holes, size_t room,
		 size_t *ret_count, uint64_t *ret_total, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	uint64_t total = 0;
	int r;

	r = et_db_statement(catalog, ET_SQL_HOLES, &statement, err);
	if (r < 0)
		return r;
	while ((r = et_db_step(catalog, statement, "list holes", err)) > 0) {
		if (total < room) {
			struct et_noted_hole *hole = &holes[total];

			et_column_text(statement, 0, hole->identity, sizeof(hole->identity));
			hole->first_seq = et_column_u64(statement, 1);
			hole->last_seq = et_column_u64(statement, 2);
			et_column_text(statement, 3, hole->type, sizeof(hole->type));
		}
		total++;
	}
	(void)sqlite3_reset(statement);
	if (r < 0)
		return r;
	*ret_count = total < room ? (size_t)total : room;
	*ret_total = total;
	return 0;
}

int
et_catalog_hole_set(struct et_catalog *catalog, struct et_seqset *set, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_HOLES, &statement, err);
	if (r < 0)
		return r;
	while ((r = et_db_step(catalog, statement, "list holes", err)) > 0) {
		uint64_t shift = et_column_u64(statement, 4);

		et_seqset_add(set, et_column_u64(statement, 1) + shift,
			      et_column_u64(statement, 2) + shift);
	}
	(void)sqlite3_reset(statement);
	return r;
}

static int
one_row(struct et_catalog *catalog, enum et_statement which, sqlite3_stmt **ret,
	struct et_error *err)
{
	int r;

	r = et_db_statement(catalog, which, ret, err);
	if (r < 0)
		return r;
	return et_db_step(catalog, *ret, "count", err);
}

static int64_t
time_or_none(sqlite3_stmt *statement, int index)
{
	return sqlite3_column_type(statement, index) != SQLITE_NULL
		       ? sqlite3_column_int64(statement, index)
		       : ET_TIME_NONE;
}

int
et_catalog_totals(struct et_catalog *catalog, struct et_totals *ret, struct et_error *err)
{
	struct et_totals totals = { 0 };
	uint64_t *const sums[] = { &totals.archives,  &totals.identities,    &totals.messages,
				   &totals.events,    &totals.registrations, &totals.foreign,
				   &totals.malformed, &totals.raw_bytes,     &totals.bytes };
	sqlite3_stmt *statement = NULL;
	int r;

	r = one_row(catalog, ET_SQL_TOTALS, &statement, err);
	if (r < 0)
		return r;
	for (int i = 0; i < (int)ET_COUNT(sums); i++)
		*sums[i] = et_column_u64(statement, i);
	totals.first_time_ns = time_or_none(statement, 9);
	totals.last_time_ns = time_or_none(statement, 10);
	(void)sqlite3_reset(statement);
	r = one_row(catalog, ET_SQL_TOTALS_NEWEST, &statement, err);
	if (r < 0)
		return r;
	totals.first_seq = et_column_u64(statement, 0);
	totals.last_seq = et_column_u64(statement, 1);
	(void)sqlite3_reset(statement);
	r = one_row(catalog, ET_SQL_TOTALS_HOLES, &statement, err);
	if (r < 0)
		return r;
	totals.hole_count = et_column_u64(statement, 0);
	totals.hole_sequences = et_column_u64(statement, 1);
	(void)sqlite3_reset(statement);
	*ret = totals;
	return 0;
}

int
et_catalog_forget_coverage(struct et_catalog *catalog, struct et_error *err)
{
	return et_db_exec(
		catalog,
		"DELETE FROM archive; DELETE FROM hole; DELETE FROM coverage; DELETE FROM device;"
		"DELETE FROM epoch; DELETE FROM links_event; DELETE FROM identity;"
		"DELETE FROM verdict;",
		err);
}
