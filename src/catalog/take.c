/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How index rows become coverage. Rows come grouped by device and aggregate.
 * What goes on where coverage ends, or fills a hole of it, is added to the
 * device's newest epoch. Anything else (a version that comes again, an event
 * older than the epoch) can move the bounds of the device's lives: then the
 * device is left to be walked anew from all of its rows (rebuild.c).
 */
#include "catalog/take.h"

#include <inttypes.h>

#include "base/clock.h"
#include "catalog/db.h"

struct et_take {
	struct et_catalog *catalog;
	uint64_t shift; /* of the identity: positions are sequences and this */
	et_touched_hook *touched;
	void *touched_cookie;
	struct et_rows pending;   /* rows of the device in hand */
	int64_t snapshot_time_ns; /* of the newest snapshot that the hub itself published */
	bool finished;
	struct et_coverage coverage; /* of the aggregate in hand, in the newest epoch */
	struct et_cover cover;
	struct et_row *ordered; /* the group in the order of time */
	size_t ordered_capacity;
	uint64_t repeated; /* duplicates of the group in hand */
	/* Of the device in hand: event time of the first resource event of this archive; INT64_MIN
	 * when an earlier archive had any event. */
	int64_t resource_ns;
	struct et_buf spans;
	struct et_device device;
};

static int
load_cover(struct et_take *take, const struct et_row *row, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	et_coverage_clear(&take->coverage);
	take->cover = (struct et_cover){ .aggregate = row->aggregate,
					 .device = row->device,
					 .family = et_kind_info(row->kind)->family,
					 .epoch = take->device.epoch };
	r = et_db_statement(take->catalog, ET_SQL_COVER_GET, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &row->aggregate);
	et_bind_uuid(statement, 2, &row->device);
	(void)sqlite3_bind_int64(statement, 3, take->device.epoch);
	r = et_db_step(take->catalog, statement, "read coverage", err);
	if (r > 0) {
		take->cover.messages = et_column_u64(statement, 0);
		take->cover.duplicates = et_column_u64(statement, 1);
		r = et_coverage_decode(et_column_blob(statement, 2), &take->coverage, err);
	}
	(void)sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

int
et_cover_put(struct et_catalog *catalog, const struct et_cover *cover,
	     const struct et_coverage *coverage, struct et_buf *spans, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	et_buf_reset(spans);
	et_coverage_encode(coverage, spans);
	r = et_buf_check(spans, "the coverage of an aggregate", err);
	if (r == 0)
		r = et_db_statement(catalog, ET_SQL_COVER_PUT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &cover->aggregate);
	et_bind_uuid(statement, 2, &cover->device);
	(void)sqlite3_bind_int64(statement, 3, cover->epoch);
	(void)sqlite3_bind_int(statement, 4, (int)cover->family);
	if (coverage->count == 1 && coverage->spans[0].first == 0)
		et_bind_u64(statement, 5, coverage->spans[0].last);
	et_bind_u64(statement, 6, cover->messages);
	et_bind_u64(statement, 7, cover->duplicates);
	(void)sqlite3_bind_blob(statement, 8, spans->data, (int)spans->size, SQLITE_STATIC);
	return et_db_run(catalog, statement, "write coverage", err);
}

/* Which of the events around the beginning of an epoch belong to it hangs on all of them. */
static bool
is_of_newest(const struct et_device *device, int64_t time_ns)
{
	int64_t since;

	return device->epoch == 0 ||
	       (time_ns > device->epoch_start_ns &&
		(__builtin_sub_overflow(time_ns, device->epoch_start_ns, &since) ||
		 since > ET_CLOCKS_APART_NS));
}

/* False: the device is to be walked anew. */
static bool
take_event(struct et_take *take, const struct et_row *row)
{
	enum et_fit fit = et_coverage_fit(&take->coverage, row->version, row->event_time_ns);

	/* As et_lives_add has it: this may be an onboarding. */
	if (row->version == 0 && et_family_is_own(take->cover.family) && fit == ET_FIT_NEW &&
	    take->resource_ns < row->event_time_ns)
		return false;
	if (row->event_time_ns < take->device.own_ns && !et_family_is_own(take->cover.family))
		return false;
	if (!is_of_newest(&take->device, row->event_time_ns) ||
	    (fit != ET_FIT_NEW && fit != ET_FIT_SAME))
		return false;
	take->cover.messages++;
	if (!et_coverage_add(&take->coverage, row->version, row->event_time_ns, row->seq))
		take->repeated++;
	return true;
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
note_links(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (et_kind_info(rows[i].kind)->family != ET_FAMILY_LINKS)
			continue;
		r = et_db_statement(take->catalog, ET_SQL_LINKS_ADD, &statement, err);
		if (r < 0)
			return r;
		et_bind_uuid(statement, 1, &rows[i].device);
		et_bind_u64(statement, 2, rows[i].seq);
		et_bind_u64(statement, 3, rows[i].version);
		r = et_db_run(take->catalog, statement, "note a links event", err);
	}
	return r;
}

/* A head is proved by version 0 of the links or metadata aggregate as the first of that aggregate,
 * behind the registration; `fresh`: nothing of the aggregate was seen before this group. */
static void
look_for_birth(struct et_take *take, const struct et_row *rows, size_t count, bool fresh)
{
	const struct et_row *first = rows;
	enum et_family family = et_kind_info(rows[0].kind)->family;

	if (!fresh || take->device.epoch > 0 ||
	    (family != ET_FAMILY_LINKS && family != ET_FAMILY_METADATA))
		return;
	for (size_t i = 1; i < count; i++)
		if (rows[i].seq < first->seq)
			first = &rows[i];
	if (first->version == 0 && take->device.registered != 0 &&
	    take->device.registered < first->seq &&
	    take->device.registered < take->device.first_event)
		take->device.born_ns = first->event_time_ns > take->device.born_ns
					       ? first->event_time_ns
					       : take->device.born_ns;
}

/* An older hub makes a snapshot with the event below it, in one command. One that somebody put in
 * the place of an event follows the event below by as long as that one did. */
static void
look_at_snapshot(struct et_take *take, const struct et_row *row, uint64_t below, int64_t below_ns)
{
	int64_t since;

	if (et_kind_info(row->kind)->snapshot && row->version > 0 && row->version - 1 == below &&
	    !__builtin_sub_overflow(row->event_time_ns, below_ns, &since) &&
	    since < ET_NS_PER_SECOND && row->event_time_ns > take->snapshot_time_ns)
		take->snapshot_time_ns = row->event_time_ns;
}

/* The event below may stand in an earlier archive. */
static void
look_for_snapshots(struct et_take *take, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct et_row *row = &take->ordered[i];
		const struct et_span *span =
			row->version > 0 ? et_coverage_at(&take->coverage, row->version - 1) : NULL;

		if (i > 0 && !et_kind_info(row[-1].kind)->snapshot)
			look_at_snapshot(take, row, row[-1].version, row[-1].event_time_ns);
		if (span != NULL && span->first < row->version)
			look_at_snapshot(take, row, span->last, span->last_time_ns);
	}
}

/* 1, or 0: the device is to be walked anew. */
static int
cover_group(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	int r = load_cover(take, &rows[0], err);

	if (r < 0)
		return r;
	look_for_birth(take, rows, count, take->coverage.count == 0);
	look_for_snapshots(take, count);
	for (size_t i = 0; i < count; i++)
		if (!take_event(take, &take->ordered[i]))
			return 0;
	take->cover.duplicates += take->repeated;
	r = et_cover_put(take->catalog, &take->cover, &take->coverage, &take->spans, err);
	return r < 0 ? r : 1;
}

static void
order(struct et_take *take, const struct et_row *rows, size_t count)
{
	if (count > take->ordered_capacity) {
		take->ordered = et_realloc_array(take->ordered, count, sizeof(*rows));
		take->ordered_capacity = count;
	}
	memcpy(take->ordered, rows, count * sizeof(*rows));
	qsort(take->ordered, count, sizeof(*rows), by_time);
}

static int
take_group(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	int r;

	take->repeated = 0;
	order(take, rows, count);
	r = note_links(take, rows, count, err);
	if (r == 0 && take->device.rebuild) {
		et_coverage_clear(&take->coverage);
		look_for_snapshots(take, count);
	} else if (r == 0) {
		r = cover_group(take, rows, count, err);
		take->device.rebuild = r == 0;
	}
	if (take->device.rebuild)
		take->repeated = 0;
	if (r >= 0 && take->touched != NULL)
		r = take->touched(take->touched_cookie, &rows[0].aggregate, count - take->repeated,
				  take->repeated, err);
	return r < 0 ? r : 0;
}

static void
note_least(uint64_t *noted, uint64_t position)
{
	if (*noted == 0 || position < *noted)
		*noted = position;
}

static void
note_positions(struct et_device *device, const struct et_row *row)
{
	if (row->seq > device->last)
		device->last = row->seq;
	if (row->row_class == ET_ROW_EVENT) {
		note_least(&device->first_event, row->seq);
	} else if (row->row_class == ET_ROW_MALFORMED) {
		note_least(&device->malformed_first, row->seq);
		if (row->seq > device->malformed_last)
			device->malformed_last = row->seq;
	} else if (row->kind == ET_KIND_DEVICES_REGISTERED) {
		note_least(&device->registered, row->seq);
	}
}

/* Whether the device was registered when its newest epoch began, or an event in it that may be an
 * onboarding came, is a part of what that is. */
static bool
moves_registration(const struct et_device *device, const struct et_row *row)
{
	int64_t until_ns = device->epoch_start_ns;

	if (device->own_ns > until_ns)
		until_ns = device->own_ns;
	return row->row_class == ET_ROW_REGISTRATION && device->epoch > 0 &&
	       row->kind == ET_KIND_DEVICES_REGISTERED &&
	       (__builtin_add_overflow(until_ns, ET_CLOCKS_APART_NS, &until_ns) ||
		row->event_time_ns <= until_ns);
}

int
et_device_put(struct et_catalog *catalog, const struct et_uuid *uuid,
	      const struct et_device *device, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(catalog, ET_SQL_DEVICE_PUT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, uuid);
	et_bind_u64(statement, 2, device->registered);
	et_bind_u64(statement, 3, device->first_event);
	(void)sqlite3_bind_int64(statement, 4, device->born_ns);
	et_bind_u64(statement, 5, device->malformed_first);
	et_bind_u64(statement, 6, device->malformed_last);
	et_bind_u64(statement, 7, device->last);
	(void)sqlite3_bind_int64(statement, 8, device->epoch);
	(void)sqlite3_bind_int64(statement, 9, device->epoch_start_ns);
	(void)sqlite3_bind_int(statement, 10, device->rebuild);
	(void)sqlite3_bind_int64(statement, 11, device->own_ns);
	return et_db_run(catalog, statement, "write a device", err);
}

/* What the rows say of the device before any of them is taken. */
static void
note_rows(struct et_take *take, const struct et_row *rows, size_t count)
{
	take->resource_ns = take->device.first_event != 0 ? INT64_MIN : INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		note_positions(&take->device, &rows[i]);
		take->device.rebuild |= moves_registration(&take->device, &rows[i]);
		if (rows[i].row_class == ET_ROW_EVENT &&
		    !et_family_is_own(et_kind_info(rows[i].kind)->family) &&
		    rows[i].event_time_ns < take->resource_ns)
			take->resource_ns = rows[i].event_time_ns;
	}
}

/* ... and when all of them were. */
static void
note_own(struct et_device *device, const struct et_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].row_class == ET_ROW_EVENT && rows[i].version == 0 &&
		    et_family_is_own(et_kind_info(rows[i].kind)->family) &&
		    rows[i].event_time_ns > device->own_ns)
			device->own_ns = rows[i].event_time_ns;
}

/* All rows of one device. */
static int
take_device(struct et_take *take, const struct et_row *rows, size_t count, struct et_error *err)
{
	size_t first = 0;
	int r;

	take->device = (struct et_device){ .born_ns = ET_TIME_NONE, .own_ns = ET_TIME_NONE };
	r = et_catalog_device(take->catalog, &rows[0].device, &take->device, err);
	if (r < 0)
		return r;
	note_rows(take, rows, count);
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
	note_own(&take->device, rows, count);
	return et_device_put(take->catalog, &rows[0].device, &take->device, err);
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
	et_buf_init(&take->spans, 256u << 20);
	r = et_catalog_begin(catalog, err);
	if (r == 0)
		r = et_catalog_add_archive(catalog, entry, holes, hole_count, err);
	if (r == 0)
		r = et_catalog_shift(catalog, entry->identity, &take->shift, err);
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
		struct et_row row = rows[i];

		if (take->pending.count > 0 &&
		    et_uuid_compare(&row.device, &take->pending.rows[0].device) != 0) {
			r = flush(take, err);
			if (r < 0)
				return r;
		}
		row.seq += take->shift;
		if (et_uuid_compare(&row.device, &nobody) != 0)
			et_rows_add(&take->pending, &row);
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
	et_coverage_done(&take->coverage);
	free(take->ordered);
	et_rows_done(&take->pending);
	et_buf_done(&take->spans);
	free(take);
}
