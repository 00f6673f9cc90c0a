/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coverage of devices, made anew from all of their rows: these are put
 * into a temporary table in the order of event/lives.h, and each device is
 * walked in it.
 */
#include "base/clock.h"
#include "catalog/db.h"
#include "catalog/take.h"
#include "event/lives.h"

/* The lowest position of a device's links or metadata events. */
struct first_event {
	uint64_t position; /* 0: none */
	uint64_t version;
	int64_t time_ns;
	unsigned epoch;
};

struct et_rebuild {
	struct et_catalog *catalog;
	struct et_lives *lives;
	struct et_buf spans;
	bool finished;
	/* The device in hand. */
	struct et_uuid uuid;
	struct et_device device;
	struct et_noted_epoch *epochs; /* with number 0, too */
	int64_t *ends_ns;              /* event time of the last event of each */
	size_t epoch_count;
	size_t epoch_capacity;
	int64_t *registrations_ns;
	size_t registration_count;
	size_t registration_capacity;
	struct first_event links;
	struct first_event metadata;
};

static int
put_epoch(void *cookie, const struct et_epoch *epoch, struct et_error *err)
{
	struct et_rebuild *rebuild = cookie;
	int r = 0;

	if (rebuild->epoch_count == rebuild->epoch_capacity) {
		size_t more = rebuild->epoch_capacity + 8;

		rebuild->epochs = et_realloc_array(rebuild->epochs, more, sizeof(*rebuild->epochs));
		rebuild->ends_ns =
			et_realloc_array(rebuild->ends_ns, more, sizeof(*rebuild->ends_ns));
		rebuild->epoch_capacity = more;
	}
	rebuild->ends_ns[rebuild->epoch_count] = epoch->last_ns;
	rebuild->epochs[rebuild->epoch_count++] = (struct et_noted_epoch){
		.number = epoch->number, .start_ns = epoch->start_ns, .start = epoch->start_seq
	};
	for (size_t i = 0; r == 0 && i < epoch->count; i++) {
		const struct et_lives_aggregate *one = &epoch->aggregates[i];
		const struct et_cover cover = {
			.aggregate = one->aggregate,
			.device = rebuild->uuid,
			.family = one->family,
			.epoch = epoch->number,
			.messages = one->messages,
			.duplicates = one->duplicates,
		};

		if (one->messages > 0)
			r = et_cover_put(rebuild->catalog, &cover, &one->coverage, &rebuild->spans,
					 err);
	}
	return r;
}

int
et_rebuild_wanted(struct et_catalog *catalog, struct et_uuid *devices, size_t room,
		  size_t *ret_count, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	size_t count = 0;
	int r;

	r = et_db_statement(catalog, ET_SQL_DEVICE_REBUILD, &statement, err);
	if (r < 0)
		return r;
	et_bind_u64(statement, 1, room);
	while (count < room && (r = et_db_step(catalog, statement, "list devices", err)) > 0)
		devices[count++] = et_column_uuid(statement, 0);
	(void)sqlite3_reset(statement);
	*ret_count = count;
	return r < 0 ? r : 0;
}

int
et_rebuild_open(struct et_catalog *catalog, struct et_rebuild **ret, struct et_error *err)
{
	ET_CLEAN(et_rebuild) struct et_rebuild *rebuild = et_calloc(1, sizeof(*rebuild));
	int r;

	rebuild->catalog = catalog;
	rebuild->lives = et_lives_new(put_epoch, rebuild);
	et_buf_init(&rebuild->spans, 256u << 20);
	r = et_catalog_begin(catalog, err);
	if (r == 0)
		r = et_db_exec(catalog, "DELETE FROM temp.walk", err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(rebuild);
	return 0;
}

int
et_rebuild_add(struct et_rebuild *rebuild, const struct et_row *row, uint64_t shift,
	       struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	if (row->row_class != ET_ROW_EVENT && row->row_class != ET_ROW_REGISTRATION)
		return 0;
	r = et_db_statement(rebuild->catalog, ET_SQL_WALK_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &row->device);
	(void)sqlite3_bind_int64(statement, 2, row->event_time_ns);
	et_bind_uuid(statement, 3, &row->aggregate);
	et_bind_u64(statement, 4, row->version);
	et_bind_u64(statement, 5, row->seq + shift);
	(void)sqlite3_bind_int(statement, 6, row->row_class);
	(void)sqlite3_bind_int(statement, 7, row->kind);
	(void)sqlite3_bind_int(statement, 8, row->flags);
	return et_db_run(rebuild->catalog, statement, "note a row", err);
}

/* ---- one device ---- */

static void
note_registration(struct et_rebuild *rebuild, const struct et_row *row)
{
	if (row->kind != ET_KIND_DEVICES_REGISTERED)
		return;
	if (rebuild->device.registered == 0 || row->seq < rebuild->device.registered)
		rebuild->device.registered = row->seq;
	if (rebuild->registration_count == rebuild->registration_capacity) {
		rebuild->registration_capacity = rebuild->registration_capacity * 2 + 8;
		rebuild->registrations_ns =
			et_realloc_array(rebuild->registrations_ns, rebuild->registration_capacity,
					 sizeof(*rebuild->registrations_ns));
	}
	rebuild->registrations_ns[rebuild->registration_count++] = row->event_time_ns;
	et_lives_registered(rebuild->lives, row->event_time_ns);
}

static void
note_event(struct et_rebuild *rebuild, const struct et_row *row)
{
	enum et_family family = et_kind_info(row->kind)->family;
	struct first_event *first = family == ET_FAMILY_LINKS      ? &rebuild->links
				    : family == ET_FAMILY_METADATA ? &rebuild->metadata
								   : NULL;

	if (first != NULL && row->version == 0)
		rebuild->device.own_ns = row->event_time_ns; /* in the order of time */
	if (rebuild->device.first_event == 0 || row->seq < rebuild->device.first_event)
		rebuild->device.first_event = row->seq;
	if (first != NULL && (first->position == 0 || row->seq < first->position))
		/* The epochs that ended are as many as its number. */
		*first = (struct first_event){ row->seq, row->version, row->event_time_ns,
					       (unsigned)rebuild->epoch_count };
}

static bool
proves_birth(const struct et_device *device, const struct first_event *first)
{
	return first->position != 0 && first->version == 0 && first->epoch == 0 &&
	       device->registered != 0 && device->registered < first->position &&
	       device->registered < device->first_event;
}

/* Was the device registered between the epoch and the one before it? The clocks of two services
 * may differ. */
static bool
registered_between(const struct et_rebuild *rebuild, size_t epoch)
{
	int64_t until_ns;

	if (__builtin_add_overflow(rebuild->epochs[epoch].start_ns, ET_CLOCKS_APART_NS, &until_ns))
		until_ns = INT64_MAX;
	for (size_t i = 0; i < rebuild->registration_count; i++)
		if (rebuild->registrations_ns[i] > rebuild->ends_ns[epoch - 1] &&
		    rebuild->registrations_ns[i] <= until_ns)
			return true;
	return false;
}

static int
drop(struct et_rebuild *rebuild, enum et_statement which, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(rebuild->catalog, which, &statement, err);

	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &rebuild->uuid);
	return et_db_run(rebuild->catalog, statement, "forget a device's coverage", err);
}

static int
put_epochs(struct et_rebuild *rebuild, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	for (size_t i = 1; r == 0 && i < rebuild->epoch_count; i++) {
		const struct et_noted_epoch *epoch = &rebuild->epochs[i];

		r = et_db_statement(rebuild->catalog, ET_SQL_EPOCH_ADD, &statement, err);
		if (r < 0)
			return r;
		et_bind_uuid(statement, 1, &rebuild->uuid);
		(void)sqlite3_bind_int64(statement, 2, epoch->number);
		(void)sqlite3_bind_int64(statement, 3, epoch->start_ns);
		et_bind_u64(statement, 4, epoch->start);
		(void)sqlite3_bind_int(statement, 5, registered_between(rebuild, i));
		r = et_db_run(rebuild->catalog, statement, "write an epoch", err);
	}
	if (r < 0 || rebuild->epoch_count < 2)
		return r;
	r = et_db_statement(rebuild->catalog, ET_SQL_COVER_OLD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &rebuild->uuid);
	(void)sqlite3_bind_int64(statement, 2, rebuild->epochs[rebuild->epoch_count - 1].number);
	return et_db_run(rebuild->catalog, statement, "close older epochs", err);
}

static int
begin_device(struct et_rebuild *rebuild, const struct et_uuid *uuid, struct et_error *err)
{
	struct et_device *device = &rebuild->device;
	int r;

	rebuild->uuid = *uuid;
	rebuild->epoch_count = rebuild->registration_count = 0;
	rebuild->links = rebuild->metadata = (struct first_event){ 0 };
	*device = (struct et_device){ .born_ns = ET_TIME_NONE, .own_ns = ET_TIME_NONE };
	r = et_catalog_device(rebuild->catalog, uuid, device, err);
	if (r < 0)
		return r;
	device->registered = device->first_event = 0;
	device->born_ns = device->own_ns = ET_TIME_NONE;
	r = drop(rebuild, ET_SQL_COVER_DROP, err);
	return r == 0 ? drop(rebuild, ET_SQL_EPOCH_DROP, err) : r;
}

static int
end_device(struct et_rebuild *rebuild, struct et_error *err)
{
	struct et_device *device = &rebuild->device;
	int r = et_lives_end(rebuild->lives, err);

	if (r == 0)
		r = put_epochs(rebuild, err);
	if (r < 0)
		return r;
	if (proves_birth(device, &rebuild->links))
		device->born_ns = rebuild->links.time_ns;
	if (proves_birth(device, &rebuild->metadata) && rebuild->metadata.time_ns > device->born_ns)
		device->born_ns = rebuild->metadata.time_ns;
	device->epoch =
		rebuild->epoch_count > 0 ? rebuild->epochs[rebuild->epoch_count - 1].number : 0;
	device->epoch_start_ns =
		device->epoch > 0 ? rebuild->epochs[rebuild->epoch_count - 1].start_ns : 0;
	device->rebuild = false;
	return et_device_put(rebuild->catalog, &rebuild->uuid, device, err);
}

static int
walk_device(struct et_rebuild *rebuild, const struct et_uuid *uuid, struct et_error *err)
{
	struct et_db_list rows = { 0 };
	int r;

	r = begin_device(rebuild, uuid, err);
	if (r == 0)
		r = et_db_list_open(rebuild->catalog,
				    "SELECT time, aggregate, version, position, class, kind, flags "
				    "FROM temp.walk WHERE device = ?1 "
				    "ORDER BY time, aggregate, version, position",
				    &rows, err);
	if (r < 0)
		return r;
	et_bind_uuid(rows.statement, 1, uuid);
	while ((r = et_db_list_next(&rows, "walk a device", err)) > 0) {
		const struct et_row row = {
			.device = *uuid,
			.aggregate = et_column_uuid(rows.statement, 1),
			.version = et_column_u64(rows.statement, 2),
			.event_time_ns = sqlite3_column_int64(rows.statement, 0),
			.seq = et_column_u64(rows.statement, 3),
			.row_class = (uint8_t)sqlite3_column_int(rows.statement, 4),
			.kind = (uint8_t)sqlite3_column_int(rows.statement, 5),
			.flags = (uint8_t)sqlite3_column_int(rows.statement, 6),
		};

		if (row.row_class == ET_ROW_REGISTRATION) {
			note_registration(rebuild, &row);
			continue;
		}
		r = et_lives_add(rebuild->lives, &row, err);
		if (r < 0)
			break;
		note_event(rebuild, &row);
	}
	et_db_list_done(&rows);
	return r < 0 ? r : end_device(rebuild, err);
}

int
et_rebuild_finish(struct et_rebuild *rebuild, const struct et_uuid *devices, size_t count,
		  struct et_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = walk_device(rebuild, &devices[i], err);
	if (r == 0)
		r = et_db_exec(rebuild->catalog, "DELETE FROM temp.walk", err);
	if (r == 0)
		r = et_catalog_commit(rebuild->catalog, err);
	rebuild->finished = r == 0;
	return r;
}

void
et_rebuild_free(struct et_rebuild *rebuild)
{
	if (rebuild == NULL)
		return;
	if (!rebuild->finished)
		et_catalog_rollback(rebuild->catalog);
	et_lives_free(rebuild->lives);
	et_buf_done(&rebuild->spans);
	free(rebuild->epochs);
	free(rebuild->ends_ns);
	free(rebuild->registrations_ns);
	free(rebuild);
}
