/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/db.h"

#define SCHEMA_VERSION 3

/* WITHOUT ROWID where the key is the way in: the audit walks `coverage` in the order of its key. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE archive (identity TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq "
	"INTEGER NOT NULL,"
	" name TEXT NOT NULL, messages INTEGER NOT NULL, events INTEGER NOT NULL, registrations "
	"INTEGER NOT NULL,"
	" foreign_messages INTEGER NOT NULL, malformed INTEGER NOT NULL, raw_bytes INTEGER NOT "
	"NULL,"
	" bytes INTEGER NOT NULL, first_time INTEGER, last_time INTEGER, tree_size INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (identity, first_seq)) WITHOUT ROWID;"
	"CREATE TABLE hole (identity TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER "
	"NOT NULL,"
	" type TEXT NOT NULL, PRIMARY KEY (identity, first_seq)) WITHOUT ROWID;"
	/* Positions: sequences of all identities on one line (et_catalog_position). */
	"CREATE TABLE identity (ordinal INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,"
	" start INTEGER NOT NULL, shift INTEGER NOT NULL);"
	/* whole_last: the last version when the device has no later epoch and coverage is one span
	 * from 0, else NULL. */
	"CREATE TABLE coverage (aggregate BLOB NOT NULL, device BLOB NOT NULL, epoch INTEGER NOT "
	"NULL,"
	" family INTEGER NOT NULL, whole_last INTEGER, messages INTEGER NOT NULL, duplicates "
	"INTEGER NOT NULL,"
	" spans BLOB NOT NULL, PRIMARY KEY (aggregate, device, epoch)) WITHOUT ROWID;"
	"CREATE INDEX coverage_device ON coverage (device);"
	/* epoch: the number of the newest one. rebuild: coverage is to be made again. */
	"CREATE TABLE device (device BLOB PRIMARY KEY, registered INTEGER NOT NULL,"
	" first_event INTEGER NOT NULL, born INTEGER NOT NULL, malformed_first INTEGER NOT NULL,"
	" malformed_last INTEGER NOT NULL, last INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" epoch_start INTEGER NOT NULL, own INTEGER NOT NULL,"
	" rebuild INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX device_rebuild ON device (device) WHERE rebuild;"
	"CREATE TABLE epoch (device BLOB NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL,"
	" start_position INTEGER NOT NULL, registered INTEGER NOT NULL,"
	" PRIMARY KEY (device, number)) WITHOUT ROWID;"
	"CREATE TABLE links_event (device BLOB NOT NULL, position INTEGER NOT NULL, version "
	"INTEGER NOT NULL, PRIMARY KEY (device, position)) WITHOUT ROWID;"
	/* what: enum et_noted. time: by our own clock. */
	"CREATE TABLE noted (aggregate BLOB NOT NULL, what INTEGER NOT NULL, time INTEGER NOT NULL,"
	" version INTEGER NOT NULL, PRIMARY KEY (aggregate, what, time)) WITHOUT ROWID;"
	"CREATE TABLE verdict (aggregate BLOB PRIMARY KEY, in_store INTEGER NOT NULL, latest "
	"INTEGER NOT NULL, first INTEGER NOT NULL, device BLOB NOT NULL, last INTEGER NOT NULL,"
	" alive INTEGER NOT NULL, run INTEGER NOT NULL, tally BLOB NOT NULL) WITHOUT ROWID;"
	/* version: of a malformed message its position. life: 0 is the oldest. part: enum
	 * et_finding_part. told: the run that first reported it. ack_time 0: nobody knows of it. */
	"CREATE TABLE finding (aggregate BLOB NOT NULL, life INTEGER NOT NULL, version INTEGER "
	"NOT NULL, code TEXT NOT NULL, first_run INTEGER NOT NULL, first_time INTEGER NOT NULL,"
	" first_recoverable INTEGER NOT NULL, last_run INTEGER NOT NULL, resolved INTEGER NOT NULL "
	"DEFAULT 0, resolution TEXT NOT NULL DEFAULT '', delay INTEGER NOT NULL DEFAULT 0,"
	" body BLOB NOT NULL, part INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0,"
	" ack_time INTEGER NOT NULL DEFAULT 0, ack_until INTEGER NOT NULL DEFAULT 0, ack_by TEXT "
	"NOT NULL DEFAULT '', ack_reason TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY (aggregate, life, version, code)) WITHOUT ROWID;"
	"CREATE INDEX finding_open ON finding (aggregate, life, version, code) WHERE resolved = 0;"
	"CREATE INDEX finding_untold ON finding (last_run) WHERE told = 0;"
	"CREATE TABLE rescue (aggregate BLOB NOT NULL, sha256 BLOB NOT NULL, latest INTEGER NOT "
	"NULL, file TEXT NOT NULL, start INTEGER NOT NULL, bytes INTEGER NOT NULL, time INTEGER "
	"NOT NULL, PRIMARY KEY (aggregate, sha256)) WITHOUT ROWID;"
	"CREATE INDEX rescue_of_file ON rescue (file);"
	/* Files that are known. Without copies: to be removed. */
	"CREATE TABLE rescue_file (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, command TEXT NOT NULL, started "
	"INTEGER NOT NULL,"
	" ended INTEGER NOT NULL DEFAULT 0, exit_status INTEGER NOT NULL DEFAULT 7,"
	" verdict TEXT NOT NULL DEFAULT 'interrupted', last_seq INTEGER NOT NULL DEFAULT 0,"
	" messages INTEGER NOT NULL DEFAULT 0, findings INTEGER NOT NULL DEFAULT 0);";

/* Of schema 1 only the notes and the runs are kept: the archives tell all the rest again. */
static const char forget_schema_1[] =
	"DROP TABLE archive; DROP TABLE hole; DROP TABLE coverage; DROP TABLE device;"
	"DROP TABLE links_event; DROP TABLE noted_latest; DROP TABLE finding; DROP TABLE rescue;";

/* All of schema 2 stays. What its audits found they have told. */
static const char from_schema_2[] =
	"ALTER TABLE finding ADD COLUMN part INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE finding ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE finding ADD COLUMN ack_time INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE finding ADD COLUMN ack_until INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE finding ADD COLUMN ack_by TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE finding ADD COLUMN ack_reason TEXT NOT NULL DEFAULT '';"
	"UPDATE finding SET told = first_run, part = (code = 'malformed_message');"
	"CREATE INDEX finding_untold ON finding (last_run) WHERE told = 0;";

static int
read_schema_version(struct et_catalog *catalog, int *ret, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_prepare(catalog, "PRAGMA user_version", &statement, err);
	if (r < 0)
		return r;
	r = et_db_step(catalog, statement, "read the schema version", err);
	if (r > 0)
		*ret = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement);
	return r < 0 ? r : 0;
}

/* A reader changes nothing. */
static int
refuse_schema(struct et_catalog *catalog, int version, struct et_error *err)
{
	int r;

	if (version == 0)
		return et_error_set(err, ET_GONE, "catalog '%s' is empty", catalog->path);
	r = et_error_set(err, ET_CONFIG, "catalog '%s' is of an older evtrail, with schema %d",
			 catalog->path, version);
	et_error_hint(err, "the next `evtrail audit` or `evtrail snapshot` brings it up to date");
	return r;
}

static int
migrate(struct et_catalog *catalog, bool read_only, struct et_error *err)
{
	char pragma[64];
	int version = 0;
	int r;

	r = read_schema_version(catalog, &version, err);
	if (r < 0)
		return r;
	if (version > SCHEMA_VERSION) {
		r = et_error_set(err, ET_CONFIG,
				 "catalog '%s' has schema %d; this evtrail knows %d", catalog->path,
				 version, SCHEMA_VERSION);
		et_error_hint(err, "use the newer evtrail that wrote it");
		return r;
	}
	if (version == SCHEMA_VERSION)
		return 0;
	if (read_only)
		return refuse_schema(catalog, version, err);
	r = et_catalog_begin(catalog, err);
	if (r < 0)
		return r;
	if (version == 1)
		r = et_db_exec(catalog, forget_schema_1, err);
	if (r == 0)
		r = et_db_exec(catalog, version == 2 ? from_schema_2 : schema, err);
	if (r < 0)
		return r;
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", SCHEMA_VERSION);
	r = et_db_exec(catalog, pragma, err);
	if (r < 0)
		return r;
	return et_catalog_commit(catalog, err);
}

/* SQLite makes new files 0644 & ~umask; ours are 0600. */
static int
touch_private(const char *path, struct et_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return et_error_errno(err, errno, "create '%s'", path);
	(void)close(fd);
	return 0;
}

static int
set_up(struct et_catalog *catalog, bool read_only, struct et_error *err)
{
	int r;

	(void)sqlite3_busy_timeout(catalog->db, 5000);
	/* The archives are the truth: after a power cut a catalog that lags is caught up from
	 * them. */
	r = et_db_exec(catalog,
		       read_only ? "PRAGMA query_only = 1; PRAGMA cache_size = -16384;"
				 : "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA "
				   "cache_size = -16384;"
				   "PRAGMA temp_store = FILE; PRAGMA wal_autocheckpoint = 4000;",
		       err);
	if (r < 0)
		return r;
	r = migrate(catalog, read_only, err);
	if (r < 0)
		return r;
	if (read_only)
		return 0;
	return et_db_exec(catalog,
			  "CREATE TEMP TABLE suspect (aggregate BLOB PRIMARY KEY, id TEXT NOT NULL,"
			  " in_store INTEGER NOT NULL, latest INTEGER NOT NULL, first INTEGER NOT "
			  "NULL, known INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
			  "CREATE TEMP TABLE alive (device BLOB PRIMARY KEY) WITHOUT ROWID;"
			  "CREATE TEMP TABLE loss (before INTEGER NOT NULL, after INTEGER NOT NULL,"
			  " number INTEGER NOT NULL, device BLOB NOT NULL, kind INTEGER NOT NULL, "
			  "flags INTEGER NOT NULL, after_position INTEGER NOT NULL, "
			  "before_position INTEGER NOT NULL, PRIMARY KEY (before, after, number)) "
			  "WITHOUT ROWID;"
			  /* the order of event/lives.h */
			  "CREATE TEMP TABLE walk (device BLOB NOT NULL, time INTEGER NOT NULL, "
			  "aggregate BLOB NOT NULL, version INTEGER NOT NULL, position INTEGER NOT "
			  "NULL, class INTEGER NOT NULL, kind INTEGER NOT NULL, flags INTEGER NOT "
			  "NULL, PRIMARY KEY (device, time, aggregate, version, position, class)) "
			  "WITHOUT ROWID",
			  err);
}

/* True when nothing waits in the write-ahead log: then the catalog's file is all there is. */
static bool
has_no_log(const struct et_catalog *catalog)
{
	ET_CLEAN_MEM char *path = et_format("%s-wal", catalog->path);
	struct stat info;

	return stat(path, &info) == 0 ? info.st_size == 0 : errno == ENOENT;
}

/* A reader makes files beside the catalog, too: not on a full disk, nor in another's folder.
 * Without a log it can do without them. */
static int
reopen_immutable(struct et_catalog *catalog, int code, struct et_error *err)
{
	int reason = sqlite3_errcode(catalog->db) & 0xff;
	struct et_buf uri;
	int r;

	if (reason != SQLITE_READONLY && reason != SQLITE_CANTOPEN && reason != SQLITE_IOERR &&
	    reason != SQLITE_FULL)
		return code;
	if (!has_no_log(catalog)) {
		et_error_hint(err,
			      "make room there, or run it as the state's owner where the folder "
			      "can be written");
		return code;
	}
	(void)sqlite3_close_v2(catalog->db);
	catalog->db = NULL;
	et_buf_init(&uri, SIZE_MAX / 2);
	et_buf_text(&uri, "file:");
	for (const char *c = catalog->path; *c != '\0'; c++)
		if (*c == '?' || *c == '#' || *c == '%')
			et_buf_format(&uri, "%%%02x", (unsigned char)*c);
		else
			et_buf_put_u8(&uri, (uint8_t)*c);
	et_buf_text(&uri, "?immutable=1");
	r = sqlite3_open_v2(et_buf_cstr(&uri), &catalog->db,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	et_buf_done(&uri);
	return r == SQLITE_OK ? set_up(catalog, true, err) : et_db_failed(catalog, err, "open");
}

int
et_catalog_open(const char *dir, bool read_only, struct et_catalog **ret, struct et_error *err)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = et_calloc(1, sizeof(*catalog));
	int flags = read_only ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int r;

	et_buf_init(&catalog->texts, 1u << 20);
	catalog->path = et_format("%s/catalog.db", dir);
	if (read_only && access(catalog->path, F_OK) != 0)
		return et_error_set(err, ET_GONE, "no catalog in '%s'", dir);
	if (!read_only) {
		r = touch_private(catalog->path, err);
		if (r < 0)
			return r;
	}
	if (read_only && access(catalog->path, W_OK) != 0)
		flags = SQLITE_OPEN_READONLY;
	if (sqlite3_open_v2(catalog->path, &catalog->db, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return et_db_failed(catalog, err, "open");
	r = set_up(catalog, read_only, err);
	if (r < 0 && read_only)
		r = reopen_immutable(catalog, r, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(catalog);
	return 0;
}

void
et_catalog_free(struct et_catalog *catalog)
{
	if (catalog == NULL)
		return;
	for (size_t i = 0; i < ET_SQL_COUNT; i++)
		(void)sqlite3_finalize(catalog->statements[i]);
	(void)sqlite3_close_v2(catalog->db);
	et_buf_done(&catalog->texts);
	free(catalog->path);
	free(catalog);
}

int
et_catalog_begin(struct et_catalog *catalog, struct et_error *err)
{
	int r = 0;

	if (catalog->depth == 0)
		r = et_db_exec(catalog, "BEGIN IMMEDIATE", err);
	if (r == 0)
		catalog->depth++;
	return r;
}

int
et_catalog_commit(struct et_catalog *catalog, struct et_error *err)
{
	int r = 0;

	if (catalog->depth == 1)
		r = et_db_exec(catalog, "COMMIT", err);
	if (r == 0)
		catalog->depth--;
	return r;
}

void
et_catalog_rollback(struct et_catalog *catalog)
{
	if (catalog->depth > 0)
		(void)sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
	catalog->depth = 0;
}

int
et_catalog_get(struct et_catalog *catalog, const char *key, struct et_buf *out,
	       struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_GET, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	r = et_db_step(catalog, statement, "read a note", err);
	if (r > 0) {
		struct et_slice value = et_column_blob(statement, 0);

		et_buf_reset(out);
		et_buf_put(out, value.data, value.size);
		(void)et_buf_cstr(out);
	}
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_set(struct et_catalog *catalog, const char *key, const char *value, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_SET, &statement, err);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
	return et_db_run(catalog, statement, "write a note", err);
}
