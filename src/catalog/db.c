/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/db.h"

static const char *const texts[ET_SQL_COUNT] = {
	[ET_SQL_GET] = "SELECT value FROM note WHERE key = ?1",
	[ET_SQL_SET] = "INSERT INTO note (key, value) VALUES (?1, ?2) "
		       "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[ET_SQL_ARCHIVE_ADD] =
		"INSERT INTO archive (identity, first_seq, last_seq, name, messages, events, "
		"registrations,"
		" foreign_messages, malformed, raw_bytes, bytes, first_time, last_time, tree_size)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[ET_SQL_ARCHIVE_DROP] =
		"DELETE FROM archive WHERE identity = ?1 AND first_seq >= ?2 AND last_seq <= ?3",
	[ET_SQL_ARCHIVE_LAST] =
		"SELECT * FROM archive WHERE identity = ?1 ORDER BY first_seq DESC LIMIT 1",
	[ET_SQL_ARCHIVE_AT] =
		"SELECT * FROM archive WHERE identity = ?1 AND first_seq <= ?2 AND last_seq >= ?2"
		" ORDER BY first_seq DESC LIMIT 1",
	[ET_SQL_IDENTITY_LAST] = "SELECT identity FROM identity ORDER BY ordinal DESC LIMIT 1",
	[ET_SQL_IDENTITY_ADD] = "INSERT INTO identity (identity, start, shift) VALUES (?1, ?2, ?3)",
	[ET_SQL_IDENTITY_SHIFT] = "SELECT shift FROM identity WHERE identity = ?1",
	[ET_SQL_IDENTITY_END] = "SELECT max(last_seq + shift) FROM archive JOIN identity USING "
				"(identity)",
	[ET_SQL_IDENTITY_AT] = "SELECT identity, shift FROM identity WHERE start <= ?1 "
			       "ORDER BY start DESC LIMIT 1",
	[ET_SQL_HOLE_ADD] = "INSERT OR REPLACE INTO hole (identity, first_seq, last_seq, type) "
			    "VALUES (?1, ?2, ?3, ?4)",
	[ET_SQL_HOLES] = "SELECT identity, first_seq, last_seq, type, shift FROM hole "
			 "JOIN identity USING (identity) ORDER BY ordinal, first_seq",
	[ET_SQL_TOTALS] = "SELECT count(*), count(DISTINCT identity), sum(messages), sum(events), "
			  "sum(registrations),"
			  " sum(foreign_messages), sum(malformed), sum(raw_bytes), sum(bytes), "
			  "min(CASE WHEN messages > 0 THEN first_time END), "
			  "max(CASE WHEN messages > 0 THEN last_time END)"
			  " FROM archive",
	[ET_SQL_TOTALS_NEWEST] = "SELECT min(first_seq), max(last_seq) FROM archive"
				 " WHERE identity = (SELECT identity FROM identity ORDER BY "
				 "ordinal DESC LIMIT 1)",
	[ET_SQL_TOTALS_HOLES] = "SELECT count(*), sum(last_seq - first_seq + 1) FROM hole",
	[ET_SQL_COVER_GET] = "SELECT messages, duplicates, spans FROM coverage"
			     " WHERE aggregate = ?1 AND device = ?2 AND epoch = ?3",
	[ET_SQL_COVER_PUT] = "INSERT OR REPLACE INTO coverage (aggregate, device, epoch, family, "
			     "whole_last, messages, duplicates,"
			     " spans) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[ET_SQL_COVER_DROP] = "DELETE FROM coverage WHERE device = ?1",
	[ET_SQL_COVER_OLD] =
		"UPDATE coverage SET whole_last = NULL WHERE device = ?1 AND epoch < ?2",
	[ET_SQL_DEVICE_GET] = "SELECT registered, first_event, born, malformed_first, "
			      "malformed_last, last, epoch, epoch_start, rebuild, own"
			      " FROM device WHERE device = ?1",
	[ET_SQL_DEVICE_PUT] =
		"INSERT OR REPLACE INTO device (device, registered, first_event, born, "
		"malformed_first, malformed_last, last, epoch, epoch_start, rebuild, own)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[ET_SQL_DEVICE_REBUILD] =
		"SELECT device FROM device WHERE rebuild ORDER BY device LIMIT ?1",
	[ET_SQL_DEVICES] = "SELECT device FROM device WHERE device > ?1 ORDER BY device LIMIT ?2",
	[ET_SQL_EPOCH_DROP] = "DELETE FROM epoch WHERE device = ?1",
	[ET_SQL_EPOCH_ADD] = "INSERT INTO epoch (device, number, start, start_position, registered)"
			     " VALUES (?1, ?2, ?3, ?4, ?5)",
	[ET_SQL_LINKS_ADD] = "INSERT OR REPLACE INTO links_event (device, position, version) "
			     "VALUES (?1, ?2, ?3)",
	[ET_SQL_WALK_ADD] =
		"INSERT OR IGNORE INTO temp.walk (device, time, aggregate, version, position, "
		"class, kind, flags) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[ET_SQL_FINDING_NOTE] =
		"INSERT INTO finding (aggregate, life, version, code, first_run, first_time, "
		"first_recoverable, last_run, body, part)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, ?8, ?9)"
		" ON CONFLICT (aggregate, life, version, code) DO UPDATE SET body = excluded.body,"
		" last_run = excluded.last_run, told = CASE resolved WHEN 0 THEN told ELSE 0 END,"
		" ack_time = CASE resolved WHEN 0 THEN ack_time ELSE 0 END, resolved = 0, "
		"resolution = '', delay = 0"
		" RETURNING first_time, told, ack_time, ack_until, ack_by, ack_reason",
	[ET_SQL_NOTED_ADD] = "INSERT OR REPLACE INTO noted (aggregate, what, time, version)"
			     " VALUES (?1, ?2, ?3, ?4)",
	[ET_SQL_NOTED_AT] = "SELECT time, version FROM noted WHERE aggregate = ?1 AND what = ?2"
			    " AND time <= ?3 ORDER BY time DESC LIMIT 1",
	[ET_SQL_NOTED_SETTLED] =
		"DELETE FROM noted WHERE aggregate = ?1 AND what = ?2 AND time < (SELECT max(time) "
		"FROM noted WHERE aggregate = ?1 AND what = ?2 AND time <= ?3)",
	[ET_SQL_NOTED_DROP] = "DELETE FROM noted WHERE aggregate = ?1 AND what = ?2",
	[ET_SQL_FINDING_RESOLVE] =
		"UPDATE finding SET resolved = ?5, resolution = ?6, delay = ?7 WHERE aggregate = ?1"
		" AND life = ?2 AND version = ?3 AND code = ?4",
	[ET_SQL_FINDING_ACKNOWLEDGE] =
		"UPDATE finding SET ack_time = ?5, ack_until = ?6, ack_by = ?7, ack_reason = ?8"
		" WHERE aggregate = ?1 AND life = ?2 AND version = ?3 AND code = ?4 "
		"AND resolved = 0",
	[ET_SQL_LOSS_ADD] = "INSERT INTO temp.loss (before, after, number, device, kind, flags, "
			    "after_position, before_position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
			    "?8)",
	[ET_SQL_FINDING_LOST] = "SELECT max(version) FROM finding WHERE aggregate = ?1 AND "
				"life = ?2 AND code = 'lost' AND resolved = 0",
	[ET_SQL_VERDICT_PUT] =
		"INSERT OR REPLACE INTO verdict (aggregate, in_store, latest, first, device, alive,"
		" tally, run, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
		" ifnull((SELECT last FROM device WHERE device = ?5), 0))",
	[ET_SQL_VERDICT_GET] = "SELECT tally FROM verdict WHERE aggregate = ?1",
	[ET_SQL_VERDICT_DROP] = "DELETE FROM verdict WHERE aggregate = ?1",
	[ET_SQL_RUN_BEGIN] = "INSERT INTO run (command, started) VALUES (?1, ?2)",
	[ET_SQL_RUN_END] = "UPDATE run SET ended = ?2, exit_status = ?3, verdict = ?4, last_seq = "
			   "?5, messages = ?6,"
			   " findings = ?7 WHERE id = ?1",
	[ET_SQL_RUNS] = "SELECT id, command, started, ended, exit_status, verdict, last_seq, "
			"messages, findings"
			" FROM run ORDER BY id DESC LIMIT ?1",
	[ET_SQL_RUN_GET] = "SELECT id, command, started, ended, exit_status, verdict, last_seq, "
			   "messages, findings FROM run WHERE id = ?1",
	[ET_SQL_SUSPECT_ADD] = "INSERT INTO temp.suspect (aggregate, id, in_store, latest, first) "
			       "VALUES (?1, ?2, ?3, ?4, ?5)"
			       " ON CONFLICT (aggregate) DO UPDATE SET id = excluded.id, in_store "
			       "= 1, latest = excluded.latest,"
			       " first = excluded.first WHERE excluded.in_store",
	[ET_SQL_SUSPECT_HAS] = "SELECT 1 FROM temp.suspect WHERE aggregate = ?1",
	[ET_SQL_SUSPECTS] = "SELECT aggregate, id, in_store, latest, first, known FROM "
			    "temp.suspect WHERE "
			    "aggregate > ?1"
			    " ORDER BY aggregate LIMIT ?2",
	[ET_SQL_SUSPECT_COUNT] = "SELECT count(*), total(known) FROM temp.suspect",
	[ET_SQL_RESCUE_FILE_ADD] = "INSERT OR REPLACE INTO rescue_file (name, bytes) "
				   "VALUES (?1, ?2)",
	[ET_SQL_RESCUE_FILE_DROP] = "DELETE FROM rescue_file WHERE name = ?1",
	[ET_SQL_RESCUE_FILES] = "SELECT name, rescue_file.bytes, count(rescue.file), "
				"coalesce(sum(rescue.bytes), 0) FROM rescue_file LEFT JOIN rescue "
				"ON file = name GROUP BY name ORDER BY name",
	[ET_SQL_RESCUE_ADD] = "INSERT OR REPLACE INTO rescue (aggregate, sha256, latest, file, "
			      "start, bytes, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[ET_SQL_RESCUE_HAS] = "SELECT 1 FROM rescue WHERE aggregate = ?1 AND sha256 = ?2",
	[ET_SQL_RESCUE_OF] = "SELECT aggregate, sha256, latest, file, start, bytes, time FROM "
			     "rescue WHERE aggregate = ?1 ORDER BY time DESC, latest DESC, sha256",
	[ET_SQL_RESCUE_IN] = "SELECT aggregate, sha256, latest, file, start, bytes, time FROM "
			     "rescue WHERE file = ?1 ORDER BY start",
	[ET_SQL_RESCUE_DROP] = "DELETE FROM rescue WHERE aggregate = ?1 AND sha256 = ?2",
	[ET_SQL_RESCUE_DROP_ALL] = "DELETE FROM rescue WHERE aggregate = ?1",
	[ET_SQL_RESCUE_DROP_IN] = "DELETE FROM rescue WHERE file = ?1",
	[ET_SQL_RESCUE_NEXT] = "SELECT aggregate FROM rescue WHERE aggregate > ?1 "
			       "ORDER BY aggregate LIMIT 1",
	[ET_SQL_RESCUE_TOTALS] = "SELECT count(*), sum(bytes), min(time) FROM rescue",
	[ET_SQL_RESCUE_FILE_TOTALS] = "SELECT count(*), sum(bytes) FROM rescue_file",
};

int
et_db_failed(struct et_catalog *catalog, struct et_error *err, const char *doing)
{
	int code;

	switch (sqlite3_errcode(catalog->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ET_BUSY;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ET_CORRUPT;
		break;
	case SQLITE_CONSTRAINT:
		code = ET_CONFLICT;
		break;
	case SQLITE_CANTOPEN:
		code = ET_GONE;
		break;
	default:
		code = ET_IO;
	}
	et_error_set(err, code, "catalog '%s': %s: %s", catalog->path, doing,
		     sqlite3_errmsg(catalog->db));
	if (code == ET_CORRUPT)
		et_error_hint(
			err,
			"move the catalog away and run `evtrail reindex`: coverage is made again "
			"from the archives");
	return code;
}

int
et_db_prepare(struct et_catalog *catalog, const char *sql, sqlite3_stmt **ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v3(catalog->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
	    SQLITE_OK)
		return et_db_failed(catalog, err, "prepare");
	*ret = statement;
	return 0;
}

int
et_db_statement(struct et_catalog *catalog, enum et_statement which, sqlite3_stmt **ret,
		struct et_error *err)
{
	sqlite3_stmt **slot = &catalog->statements[which];
	int r;

	if (*slot == NULL) {
		r = et_db_prepare(catalog, texts[which], slot, err);
		if (r < 0)
			return r;
	}
	(void)sqlite3_reset(*slot);
	(void)sqlite3_clear_bindings(*slot);
	*ret = *slot;
	return 0;
}

int
et_db_step(struct et_catalog *catalog, sqlite3_stmt *statement, const char *doing,
	   struct et_error *err)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return et_db_failed(catalog, err, doing);
	}
}

int
et_db_run(struct et_catalog *catalog, sqlite3_stmt *statement, const char *doing,
	  struct et_error *err)
{
	int r = et_db_step(catalog, statement, doing, err);

	(void)sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

int
et_db_exec(struct et_catalog *catalog, const char *sql, struct et_error *err)
{
	if (sqlite3_exec(catalog->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return et_db_failed(catalog, err, "execute");
	return 0;
}

int
et_db_list_open(struct et_catalog *catalog, const char *sql, struct et_db_list *ret,
		struct et_error *err)
{
	*ret = (struct et_db_list){ .catalog = catalog };
	return et_db_prepare(catalog, sql, &ret->statement, err);
}

int
et_db_list_next(struct et_db_list *list, const char *doing, struct et_error *err)
{
	int r;

	if (list->ended)
		return 0;
	r = et_db_step(list->catalog, list->statement, doing, err);
	list->ended = r <= 0;
	return r;
}

void
et_db_list_done(struct et_db_list *list)
{
	(void)sqlite3_finalize(list->statement);
}

void
et_bind_uuid(sqlite3_stmt *statement, int index, const struct et_uuid *uuid)
{
	(void)sqlite3_bind_blob(statement, index, uuid->bytes, sizeof(uuid->bytes), SQLITE_STATIC);
}

struct et_slice
et_column_blob(sqlite3_stmt *statement, int index)
{
	const void *bytes = sqlite3_column_blob(statement, index);
	int size = sqlite3_column_bytes(statement, index);

	return (struct et_slice){ .data = bytes, .size = size > 0 ? (size_t)size : 0 };
}

struct et_uuid
et_column_uuid(sqlite3_stmt *statement, int index)
{
	struct et_slice blob = et_column_blob(statement, index);
	struct et_uuid uuid = { { 0 } };

	if (blob.size == sizeof(uuid.bytes))
		memcpy(uuid.bytes, blob.data, sizeof(uuid.bytes));
	return uuid;
}

void
et_column_text(sqlite3_stmt *statement, int index, char *out, size_t room)
{
	const char *text = (const char *)sqlite3_column_text(statement, index);

	(void)snprintf(out, room, "%s", text != NULL ? text : "");
}
