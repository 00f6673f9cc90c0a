/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How index rows become coverage. Rows come grouped by device and aggregate.
 * Inside a group they are walked in the order of the events' own times, so
 * that a second life of an aggregate (the same versions again, later) opens an
 * epoch of its own instead of covering the first one's holes (design 5).
 */
#include "catalog/take.h"

#include "catalog/db.h"

struct epoch {
	struct et_coverage coverage;
	unsigned number;
	uint64_t messages;
	uint64_t duplicates;
	bool changed;
};

struct taker {
	struct et_catalog *catalog;
	const char *identity;
	struct epoch *epochs; /* of the aggregate in hand, oldest first */
	size_t epoch_count;
	size_t epoch_capacity;
	struct et_row *ordered; /* the group in the order of time */
	size_t ordered_capacity;
	struct et_buf spans;
	struct et_device device;
};

static void
taker_done(struct taker *taker)
{
	for (size_t i = 0; i < taker->epoch_capacity; i++)
		et_coverage_done(&taker->epochs[i].coverage);
	free(taker->epochs);
	free(taker->ordered);
	et_buf_done(&taker->spans);
}

static struct epoch *
add_epoch(struct taker *taker, unsigned number)
{
	struct epoch *epoch;

	if (taker->epoch_count == taker->epoch_capacity) {
		size_t more = taker->epoch_capacity + 4;

		taker->epochs = et_realloc_array(taker->epochs, more, sizeof(*taker->epochs));
		memset(&taker->epochs[taker->epoch_capacity], 0, 4 * sizeof(*taker->epochs));
		taker->epoch_capacity = more;
	}
	epoch = &taker->epochs[taker->epoch_count++];
	et_coverage_clear(&epoch->coverage);
	epoch->number = number;
	epoch->messages = epoch->duplicates = 0;
	epoch->changed = false;
	return epoch;
}

static int
load_epochs(struct taker *taker, const struct et_uuid *aggregate, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	taker->epoch_count = 0;
	r = et_db_statement(taker->catalog, ET_SQL_COVER_EPOCHS, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, aggregate);
	while ((r = et_db_step(taker->catalog, statement, "read coverage", err)) > 0) {
		struct epoch *epoch = add_epoch(taker, (unsigned)sqlite3_column_int(statement, 0));

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
save_epoch(struct taker *taker, const struct et_row *row, const struct epoch *epoch, struct et_error *err)
{
	const struct et_coverage *coverage = &epoch->coverage;
	sqlite3_stmt *statement = NULL;
	int r;

	et_buf_reset(&taker->spans);
	et_coverage_encode(coverage, &taker->spans);
	r = et_buf_check(&taker->spans, "the coverage of an aggregate", err);
	if (r == 0)
		r = et_db_statement(taker->catalog, ET_SQL_COVER_PUT, &statement, err);
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
	(void)sqlite3_bind_blob(statement, 8, taker->spans.data, (int)taker->spans.size, SQLITE_STATIC);
	return et_db_run(taker->catalog, statement, "write coverage", err);
}

/* The epoch whose time the event fits: the newest one that began before it. */
static struct epoch *
epoch_of(struct taker *taker, int64_t time_ns)
{
	for (size_t i = taker->epoch_count; i-- > 1;) {
		const struct et_coverage *coverage = &taker->epochs[i].coverage;

		if (coverage->count > 0 && coverage->spans[0].first_time_ns <= time_ns)
			return &taker->epochs[i];
	}
	return taker->epoch_count > 0 ? &taker->epochs[0] : add_epoch(taker, 0);
}

static void
take_event(struct taker *taker, const struct et_row *row)
{
	struct epoch *epoch = epoch_of(taker, row->event_time_ns);
	enum et_coverage_add added = et_coverage_add(&epoch->coverage, row->version, row->event_time_ns, row->seq);

	if (added == ET_COVERAGE_LATER) {
		epoch = add_epoch(taker, taker->epochs[taker->epoch_count - 1].number + 1);
		added = et_coverage_add(&epoch->coverage, row->version, row->event_time_ns, row->seq);
	}
	epoch->messages++;
	epoch->duplicates += added != ET_COVERAGE_NEW;
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
note_links(struct taker *taker, const struct et_row *row, struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(taker->catalog, ET_SQL_LINKS_ADD, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, &row->device);
	(void)sqlite3_bind_text(statement, 2, taker->identity, -1, SQLITE_STATIC);
	et_bind_u64(statement, 3, row->seq);
	et_bind_u64(statement, 4, row->version);
	return et_db_run(taker->catalog, statement, "note a links event", err);
}

/* A head is proved by version 0 of the links or metadata aggregate as the first of that aggregate,
 * behind the registration; `fresh`: nothing of the aggregate was seen before this group. */
static void
look_for_birth(struct taker *taker, const struct et_row *rows, size_t count, bool fresh)
{
	const struct et_row *first = rows;
	enum et_family family = et_kind_info(rows[0].kind)->family;

	if (!fresh || (family != ET_FAMILY_LINKS && family != ET_FAMILY_METADATA))
		return;
	for (size_t i = 1; i < count; i++)
		if (rows[i].seq < first->seq)
			first = &rows[i];
	if (first->version == 0 && taker->device.registered_seq != 0 &&
	    taker->device.registered_seq < first->seq && taker->device.registered_seq < taker->device.first_event_seq)
		taker->device.born = true;
}

static int
take_group(struct taker *taker, const struct et_row *rows, size_t count, struct et_error *err)
{
	int r;

	r = load_epochs(taker, &rows[0].aggregate, err);
	if (r < 0)
		return r;
	look_for_birth(taker, rows, count, taker->epoch_count == 0);
	if (count > taker->ordered_capacity) {
		taker->ordered = et_realloc_array(taker->ordered, count, sizeof(*rows));
		taker->ordered_capacity = count;
	}
	memcpy(taker->ordered, rows, count * sizeof(*rows));
	qsort(taker->ordered, count, sizeof(*rows), by_time);
	for (size_t i = 0; i < count; i++) {
		take_event(taker, &taker->ordered[i]);
		if (et_kind_info(taker->ordered[i].kind)->family == ET_FAMILY_LINKS)
			r = note_links(taker, &taker->ordered[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; r == 0 && i < taker->epoch_count; i++)
		if (taker->epochs[i].changed)
			r = save_epoch(taker, &rows[0], &taker->epochs[i], err);
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
save_device(struct taker *taker, const struct et_uuid *uuid, struct et_error *err)
{
	const struct et_device *device = &taker->device;
	sqlite3_stmt *statement = NULL;
	int r;

	r = et_db_statement(taker->catalog, ET_SQL_DEVICE_PUT, &statement, err);
	if (r < 0)
		return r;
	et_bind_uuid(statement, 1, uuid);
	et_bind_u64(statement, 2, device->registered_seq);
	et_bind_u64(statement, 3, device->unregistered_seq);
	et_bind_u64(statement, 4, device->first_event_seq);
	(void)sqlite3_bind_int(statement, 5, device->born);
	et_bind_u64(statement, 6, device->malformed_first_seq);
	et_bind_u64(statement, 7, device->malformed_last_seq);
	return et_db_run(taker->catalog, statement, "write a device", err);
}

/* All rows of one device. */
static int
take_device(struct taker *taker, const struct et_row *rows, size_t count, struct et_error *err)
{
	size_t first = 0;
	int r;

	taker->device = (struct et_device){ 0 };
	r = et_catalog_device(taker->catalog, &rows[0].device, &taker->device, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		note_sequences(&taker->device, &rows[i]);
	while (first < count) {
		size_t end = first + 1;

		while (end < count && et_uuid_compare(&rows[end].aggregate, &rows[first].aggregate) == 0 &&
		       rows[end].row_class == rows[first].row_class)
			end++;
		if (rows[first].row_class == ET_ROW_EVENT) {
			r = take_group(taker, &rows[first], end - first, err);
			if (r < 0)
				return r;
		}
		first = end;
	}
	return save_device(taker, &rows[0].device, err);
}

int
et_catalog_take_rows(struct et_catalog *catalog, const char *identity, const struct et_row *rows, size_t count,
		     struct et_error *err)
{
	static const struct et_uuid nobody;
	struct taker taker = { .catalog = catalog, .identity = identity };
	size_t first = 0;
	int r = 0;

	et_buf_init(&taker.spans, 256u << 20);
	while (r == 0 && first < count) {
		size_t end = first + 1;

		while (end < count && et_uuid_compare(&rows[end].device, &rows[first].device) == 0)
			end++;
		if (et_uuid_compare(&rows[first].device, &nobody) != 0)
			r = take_device(&taker, &rows[first], end - first, err);
		first = end;
	}
	taker_done(&taker);
	return r;
}
