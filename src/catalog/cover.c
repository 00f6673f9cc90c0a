/* SPDX-License-Identifier: Apache-2.0 */
/* Reading coverage, device facts and links events. */
#include <errno.h>

#include "base/clock.h"
#include "catalog/db.h"

struct et_cover_list {
	struct et_db_list rows;
};

struct et_links_list {
	struct et_db_list rows;
};

#define COVER_COLUMNS                                                                            \
	"SELECT aggregate, epoch, device, family, whole_last, messages, duplicates, spans FROM " \
	"coverage"

static int
open_list(struct et_catalog *catalog, const char *sql, const struct et_uuid *key,
	  struct et_cover_list **ret, struct et_error *err)
{
	struct et_cover_list *list = et_calloc(1, sizeof(*list));
	int r;

	r = et_db_list_open(catalog, sql, &list->rows, err);
	if (r < 0) {
		free(list);
		return r;
	}
	if (key != NULL)
		(void)sqlite3_bind_blob(list->rows.statement, 1, key->bytes, sizeof(key->bytes),
					SQLITE_TRANSIENT);
	*ret = list;
	return 0;
}

int
et_cover_list_open(struct et_catalog *catalog, struct et_cover_list **ret, struct et_error *err)
{
	return open_list(catalog, COVER_COLUMNS " ORDER BY aggregate, device, epoch", NULL, ret,
			 err);
}

int
et_cover_list_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
		 struct et_cover_list **ret, struct et_error *err)
{
	return open_list(catalog, COVER_COLUMNS " WHERE aggregate = ?1 ORDER BY device, epoch",
			 aggregate, ret, err);
}

int
et_cover_list_device(struct et_catalog *catalog, const struct et_uuid *device,
		     struct et_cover_list **ret, struct et_error *err)
{
	return open_list(catalog, COVER_COLUMNS " WHERE device = ?1 ORDER BY aggregate, epoch",
			 device, ret, err);
}

int
et_cover_list_next(struct et_cover_list *list, struct et_cover *ret, struct et_error *err)
{
	sqlite3_stmt *row = list->rows.statement;
	int r = et_db_list_next(&list->rows, "read coverage", err);

	if (r <= 0)
		return r;
	ret->aggregate = et_column_uuid(row, 0);
	ret->epoch = (unsigned)sqlite3_column_int(row, 1);
	ret->device = et_column_uuid(row, 2);
	ret->family = (enum et_family)sqlite3_column_int(row, 3);
	ret->whole = sqlite3_column_type(row, 4) != SQLITE_NULL;
	ret->whole_last = et_column_u64(row, 4);
	ret->messages = et_column_u64(row, 5);
	ret->duplicates = et_column_u64(row, 6);
	ret->spans = et_column_blob(row, 7);
	return 1;
}

void
et_cover_list_free(struct et_cover_list *list)
{
	if (list == NULL)
		return;
	et_db_list_done(&list->rows);
	free(list);
}

static int64_t
read_ns(const char *text)
{
	char *end = NULL;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? (int64_t)value : ET_TIME_NONE;
}

int
et_catalog_last_snapshot_time(struct et_catalog *catalog, int64_t *ret, struct et_error *err)
{
	struct et_buf text;
	int r;

	et_buf_init(&text, 64);
	r = et_catalog_get(catalog, "last_snapshot_time_ns", &text, err);
	if (r >= 0)
		*ret = r > 0 ? read_ns(et_buf_cstr(&text)) : ET_TIME_NONE;
	et_buf_done(&text);
	return r < 0 ? r : 0;
}

int
et_catalog_device(struct et_catalog *catalog, const struct et_uuid *device, struct et_device *ret,
		  struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_DEVICE_GET, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, device);
	r = et_db_step(catalog, statement, "read a device", err);
	if (r > 0)
		*ret = (struct et_device){
			.registered = et_column_u64(statement, 0),
			.first_event = et_column_u64(statement, 1),
			.born_ns = sqlite3_column_int64(statement, 2),
			.malformed_first = et_column_u64(statement, 3),
			.malformed_last = et_column_u64(statement, 4),
			.last = et_column_u64(statement, 5),
			.epoch = (unsigned)sqlite3_column_int(statement, 6),
			.epoch_start_ns = sqlite3_column_int64(statement, 7),
			.rebuild = sqlite3_column_int(statement, 8) != 0,
			.own_ns = sqlite3_column_int64(statement, 9),
		};
	(void)sqlite3_reset(statement);
	return r;
}

int
et_catalog_devices(struct et_catalog *catalog, const struct et_uuid *after, struct et_uuid *devices,
		   size_t room, size_t *ret_count, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	size_t count = 0;
	int r;

	r = et_db_statement(catalog, ET_SQL_DEVICES, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, after);
	et_bind_u64(statement, 2, room);
	while (count < room && (r = et_db_step(catalog, statement, "list devices", err)) > 0)
		devices[count++] = et_column_uuid(statement, 0);
	(void)sqlite3_reset(statement);
	*ret_count = count;
	return r < 0 ? r : 0;
}

int
et_catalog_epochs(struct et_catalog *catalog, const struct et_uuid *device,
		  struct et_noted_epoch **ret, size_t *ret_count, struct et_error *err)
{
	struct et_db_list rows = { 0 };
	struct et_noted_epoch *list = NULL;
	size_t count = 0;
	int r;

	r = et_db_list_open(catalog,
			    "SELECT number, start, start_position, registered FROM epoch "
			    "WHERE device = ?1 ORDER BY number",
			    &rows, err);
	if (r < 0)
		return r;
	et_bind_uuid(rows.statement, 1, device);
	while ((r = et_db_list_next(&rows, "read epochs", err)) > 0) {
		if (count % 8 == 0)
			list = et_realloc_array(list, count + 8, sizeof(*list));
		list[count++] = (struct et_noted_epoch){
			.number = (unsigned)sqlite3_column_int(rows.statement, 0),
			.start_ns = sqlite3_column_int64(rows.statement, 1),
			.start = et_column_u64(rows.statement, 2),
			.registered = sqlite3_column_int(rows.statement, 3) != 0,
		};
	}
	et_db_list_done(&rows);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

int
et_links_list_open(struct et_catalog *catalog, const struct et_uuid *device,
		   struct et_links_list **ret, struct et_error *err)
{
	struct et_links_list *list = et_calloc(1, sizeof(*list));
	int r;

	r = et_db_list_open(catalog,
			    "SELECT position, version FROM links_event WHERE device = ?1 "
			    "ORDER BY position",
			    &list->rows, err);
	if (r < 0) {
		free(list);
		return r;
	}
	(void)sqlite3_bind_blob(list->rows.statement, 1, device->bytes, sizeof(device->bytes),
				SQLITE_TRANSIENT);
	*ret = list;
	return 0;
}

int
et_links_list_next(struct et_links_list *list, struct et_links_event *ret, struct et_error *err)
{
	sqlite3_stmt *row = list->rows.statement;
	int r = et_db_list_next(&list->rows, "list links events", err);

	if (r > 0) {
		ret->position = et_column_u64(row, 0);
		ret->version = et_column_u64(row, 1);
	}
	return r;
}

void
et_links_list_free(struct et_links_list *list)
{
	if (list == NULL)
		return;
	et_db_list_done(&list->rows);
	free(list);
}
