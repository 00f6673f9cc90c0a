/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How index rows become coverage. Rows come grouped by device and aggregate.
 * Inside a group they are walked in the order of the events' own times, so
 * that a second life of an aggregate (the same versions again, later) opens an
 * epoch of its own instead of covering the first one's holes (docs/audit.md,
 * What is on it).
 */
#include "catalog/take.h"

#include <inttypes.h>

#include "base/clock.h"
#include "catalog/db.h"

struct epoch {
	struct et_coverage coverage;
	unsigned number;
	uint64_t messages;
	uint64_t duplicates;
	bool changed;
};

struct et_take {
	struct et_catalog *catalog;
	char identity[ET_IDENTITY_TEXT_BYTES];
	et_touched_hook *touched;
	void *touched_cookie;
	struct et_rows pending;   /* rows of the device in hand */
	int64_t snapshot_time_ns; /* of the newest snapshot event */
	bool finished;
	struct epoch *epochs; /* of the aggregate in hand, oldest first */
	size_t epoch_count;
	size_t epoch_capacity;
	struct et_row *ordered; /* the group in the order of time */
	size_t ordered_capacity;
	uint64_t repeated; /* duplicates of the group in hand */
	struct et_buf spans;
	struct et_device device;
};

static struct epoch *
add_epoch(struct et_take *take, unsigned number)
{
	struct epoch *epoch;

	if (take->epoch_count == take->epoch_capacity) {
		size_t more = take->epoch_capacity + 4;

		take->epochs = et_realloc_array(take->epochs, more, sizeof(*take->epochs));
		memset(&take->epochs[take->epoch_capacity], 0, 4 * sizeof(*take->epochs));
		take->epoch_capacity = more;
	}
	epoch = &take->epochs[take->epoch_count++];
	et_coverage_clear(&epoch->coverage);
	epoch->number = number;
	epoch->messages = epoch->duplicates = 0;
	epoch->changed = false;
	return epoch;
}

static int
load_epochs(struct et_take *take, const struct et_uuid *aggregate, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	take->epoch_count = 0;
	r = et_db_statement(take->catalog, ET_SQL_COVER_EPOCHS, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	while ((r = et_db_step(take->catalog, statement, "read coverage", err)) > 0) {
		struct epoch *epoch = add_epoch(take, (unsigned)sqlite3_column_int(statement, 0));

		epoch->messages = et_column_u64(statement, 2);
		epoch->duplicates = et_column_u64(statement, 3);
		r = et_coverage_decode(et_column_blob(statement, 4), &epoch->coverage, err);
		if (r < 0)
			break;
	}
	(void)sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

static int
save_epoch(struct et_take *take, const struct et_row *row, const struct epoch *epoch,
	   struct et_error *err)
{
	const struct et_coverage *coverage = &epoch->coverage;
	sqlite3_stmt *statement = NULL;
	int r;

	et_buf_reset(&take->spans);
	et_coverage_encode(coverage, &take->spans);
	r = et_buf_check(&take->spans, "the coverage of an aggregate", err);
	if (r == 0)
		r = et_db_statement(take->catalog, ET_SQL_COVER_PUT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &row->aggregate);
	(void)sqlite3_bind_int64(statement, 2, epoch->number);
	et_bind_uuid(statement, 3, &row->device);
	(void)sqlite3_bind_int(statement, 4, (int)et_kind_info(row->kind)->family);
	if (coverage->count == 1 && coverage->spans[0].first == 0)
		et_bind_u64(statement, 5, coverage->spans[0].last);
	et_bind_u64(statement, 6, epoch->messages);
	et_bind_u64(statement, 7, epoch->duplicates);
	(void)sqlite3_bind_blob(statement, 8, take->spans.data, (int)take->spans.size,
				SQLITE_STATIC);
	return et_db_run(take->catalog, statement, "write coverage", err);
}

/* The epoch whose time the event fits: the newest one that began before it. */
static struct epoch *
epoch_of(struct et_take *take, int64_t time_ns)
{
	for (size_t i = take->epoch_count; i-- > 1;) {
		const struct et_coverage *coverage = &take->epochs[i].coverage;

		if (coverage->count > 0 && coverage->spans[0].first_time_ns <= time_ns)
			return &take->epochs[i];
	}
	return take->epoch_count > 0 ? &take->epochs[0] : add_epoch(take, 0);
}

static void
take_event(struct et_take *take, const struct et_row *row)
{
	struct epoch *epoch = epoch_of(take, row->event_time_ns);
	enum et_coverage_add added =
		et_coverage_add(&epoch->coverage, row->version, row->event_time_ns, row->seq);

	if (added == ET_COVERAGE_LATER) {
		epoch = add_epoch(take, take->epochs[take->epoch_count - 1].number + 1);
		added = et_coverage_add(&epoch->coverage, row->version, row->event_time_ns,
					row->seq);
	}
	epoch->messages++;
	epoch->duplicates += added != ET_COVERAGE_NEW;
	take->repeated += added != ET_COVERAGE_NEW;
	epoch->changed = true;
}

static int
by_time(const void *a, const void *b)
{
	const struct et_row *x = a;
	const struct et_row *y = b;

	if (x->event_time_ns != y->event_time_ns)
		return x->event_time_ns < y->event_time_ns ? -1 : 1;
	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int
note_links(struct et_take *take, const struct et_row *row, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(take->catalog, ET_SQL_LINKS_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &row->device);
	(void)sqlite3_bind_text(statement, 2, take->identity, -1, SQLITE_STATIC);
	et_bind_u64(statement, 3, row->seq);
	et_bind_u64(statement, 4, row->version);
	return et_db_run(take->catalog, statement, "note a links event", err);
}

/* A head is proved by version 0 of the links or metadata aggregate as the first of that aggregate,
 * behind the registration; `fresh`: nothing of the aggregate was seen before this group. */
static void
look_for_birth(struct et_take *take, const struct et_row *rows, size_t count, bool fresh)
{
	const struct et_row *first = rows;
	enum et_family family = et_kind_info(rows[0].kind)->family;

	if (!fresh || (family != ET_FAMILY_LINKS && family != ET_FAMILY_METADATA))
		return;
	for (size_t i = 1; i < count; i++)
		if (rows[i].seq < first->seq)
			first = &rows[i];
	if (first->version == 0 && take->device.registered_seq != 0 &&
	    take->device.registered_seq < first->seq &&
	    take->device.registered_seq < take->device.first_event_seq)
		take->device.born = true;
}

static int
take_group(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	int r;

	r = load_epochs(take, &rows[0].aggregate, err);
	if (r < 0)
		return r;
	take->repeated = 0;
	look_for_birth(take, rows, count, take->epoch_count == 0);
	if (count > take->ordered_capacity) {
		take->ordered = et_realloc_array(take->ordered, count, sizeof(*rows));
		take->ordered_capacity = count;
	}
	memcpy(take->ordered, rows, count * sizeof(*rows));
	qsort(take->ordered, count, sizeof(*rows), by_time);
	for (size_t i = 0; i < count; i++) {
		take_event(take, &take->ordered[i]);
		if (et_kind_info(take->ordered[i].kind)->family == ET_FAMILY_LINKS)
			r = note_links(take, &take->ordered[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; r == 0 && i < take->epoch_count; i++)
		if (take->epochs[i].changed)
			r = save_epoch(take, &rows[0], &take->epochs[i], err);
	if (r == 0 && take->touched != NULL)
		r = take->touched(take->touched_cookie, &rows[0].aggregate, count - take->repeated,
				  take->repeated, err);
	return r;
}

static void
note_sequences(struct et_device *device, const struct et_row *row)
{
	uint64_t seq = row->seq;

	if (row->row_class == ET_ROW_EVENT) {
		if (device->first_event_seq == 0 || seq < device->first_event_seq)
			device->first_event_seq = seq;
	} else if (row->row_class == ET_ROW_MALFORMED) {
		if (device->malformed_first_seq == 0 || seq < device->malformed_first_seq)
			device->malformed_first_seq = seq;
		if (seq > device->malformed_last_seq)
			device->malformed_last_seq = seq;
	} else if (row->kind == ET_KIND_DEVICES_REGISTERED) {
		if (device->registered_seq == 0 || seq < device->registered_seq)
			device->registered_seq = seq;
	} else if (row->kind == ET_KIND_DEVICES_UNREGISTERED && seq > device->unregistered_seq) {
		device->unregistered_seq = seq;
	}
}

static int
save_device(struct et_take *take, const struct et_uuid *uuid, struct et_error *err)
{
	const struct et_device *device = &take->device;
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(take->catalog, ET_SQL_DEVICE_PUT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, uuid);
	et_bind_u64(statement, 2, device->registered_seq);
	et_bind_u64(statement, 3, device->unregistered_seq);
	et_bind_u64(statement, 4, device->first_event_seq);
	(void)sqlite3_bind_int(statement, 5, device->born);
	et_bind_u64(statement, 6, device->malformed_first_seq);
	et_bind_u64(statement, 7, device->malformed_last_seq);
	return et_db_run(take->catalog, statement, "write a device", err);
}

/* All rows of one device. */
static int
take_device(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	size_t first = 0;
	int r;

	take->device = (struct et_device){ 0 };
	r = et_catalog_device(take->catalog, &rows[0].device, &take->device, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		note_sequences(&take->device, &rows[i]);
	while (first < count) {
		size_t end = first + 1;

		while (end < count &&
		       et_uuid_compare(&rows[end].aggregate, &rows[first].aggregate) == 0 &&
		       rows[end].row_class == rows[first].row_class)
			end++;
		if (rows[first].row_class == ET_ROW_EVENT) {
			r = take_group(take, &rows[first], end - first, err);
			if (r < 0)
				return r;
		}
		first = end;
	}
	return save_device(take, &rows[0].device, err);
}

static const struct et_uuid nobody;

static int
flush(struct et_take *take, struct et_error *err)
{
	int r = 0;

	if (take->pending.count > 0 && et_uuid_compare(&take->pending.rows[0].device, &nobody) != 0)
		r = take_device(take, take->pending.rows, take->pending.count, err);
	take->pending.count = 0;
	return r;
}

int
et_take_open(struct et_catalog *catalog, const struct et_archive_entry *entry,
	     const struct et_noted_hole *holes, size_t hole_count, struct et_take **ret,
	     struct et_error *err)
{
	ET_CLEAN(et_take) struct et_take *take = et_calloc(1, sizeof(*take));
	int r;

	take->catalog = catalog;
	take->snapshot_time_ns = ET_TIME_NONE;
	(void)snprintf(take->identity, sizeof(take->identity), "%s", entry->identity);
	et_buf_init(&take->spans, 256u << 20);
	r = et_catalog_begin(catalog, err);
	if (r == 0)
		r = et_catalog_add_archive(catalog, entry, holes, hole_count, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(take);
	return 0;
}

void
et_take_watch(struct et_take *take, et_touched_hook *hook, void *cookie)
{
	take->touched = hook;
	take->touched_cookie = cookie;
}

int
et_take_rows(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	int r;

	for (size_t i = 0; i < count; i++) {
		if (take->pending.count > 0 &&
		    et_uuid_compare(&rows[i].device, &take->pending.rows[0].device) != 0) {
			r = flush(take, err);
			if (r < 0)
				return r;
		}
		if (rows[i].row_class == ET_ROW_EVENT && et_kind_info(rows[i].kind)->snapshot &&
		    rows[i].event_time_ns > take->snapshot_time_ns)
			take->snapshot_time_ns = rows[i].event_time_ns;
		if (et_uuid_compare(&rows[i].device, &nobody) != 0)
			et_rows_add(&take->pending, &rows[i]);
	}
	return 0;
}

static int
note_snapshot_time(struct et_take *take, struct et_error *err)
{
	char text[32];
	int64_t known = ET_TIME_NONE;
	int r;

	r = et_catalog_last_snapshot_time(take->catalog, &known, err);
	if (r < 0 || take->snapshot_time_ns <= known)
		return r;
	(void)snprintf(text, sizeof(text), "%" PRId64, take->snapshot_time_ns);
	return et_catalog_set(take->catalog, "last_snapshot_time_ns", text, err);
}

int
et_take_finish(struct et_take *take, struct et_error *err)
{
	int r;

	r = flush(take, err);
	if (r == 0)
		r = note_snapshot_time(take, err);
	if (r == 0)
		r = et_catalog_commit(take->catalog, err);
	if (r == 0)
		take->finished = true;
	return r;
}

void
et_take_free(struct et_take *take)
{
	if (take == NULL)
		return;
	if (!take->finished)
		et_catalog_rollback(take->catalog);
	for (size_t i = 0; i < take->epoch_capacity; i++)
		et_coverage_done(&take->epochs[i].coverage);
	free(take->epochs);
	free(take->ordered);
	et_rows_done(&take->pending);
	et_buf_done(&take->spans);
	free(take);
}
