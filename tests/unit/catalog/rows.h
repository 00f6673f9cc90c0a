/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of a few rows for the tests of the catalog, and its coverage in words. */
#ifndef ET_CATALOG_TEST_ROWS_H
#define ET_CATALOG_TEST_ROWS_H

#include "../et_test.h"

#include "base/clock.h"
#include "catalog/catalog.h"
#include "event/kind.h"

static inline struct et_catalog *
open_catalog(void **state)
{
	struct et_catalog *catalog = NULL;
	struct et_error err = { 0 };

	assert_ok(et_catalog_open(*state, false, &catalog, &err), &err);
	return catalog;
}

static inline struct et_uuid
uuid(uint8_t last)
{
	struct et_uuid made = { { 0xaa } };

	made.bytes[15] = last;
	return made;
}

static inline struct et_row
event(uint8_t device, uint8_t aggregate, uint64_t version, int64_t time_ns, uint64_t seq,
      enum et_kind kind)
{
	return (struct et_row){ .device = uuid(device),
				.aggregate = uuid(aggregate),
				.version = version,
				.event_time_ns = time_ns,
				.seq = seq,
				.row_class = ET_ROW_EVENT,
				.kind = (uint8_t)kind };
}

static inline struct et_row
registration(uint8_t device, int64_t time_ns, uint64_t seq)
{
	return (struct et_row){ .device = uuid(device),
				.event_time_ns = time_ns,
				.seq = seq,
				.row_class = ET_ROW_REGISTRATION,
				.kind = ET_KIND_DEVICES_REGISTERED };
}

/* Takes an archive of an identity, its rows in any order. */
static inline void
take_watched(struct et_catalog *catalog, const char *identity, uint64_t first, uint64_t last,
	     const struct et_row *rows, size_t count, et_touched_hook *hook, void *cookie)
{
	struct et_archive_entry entry = {
		.first_seq = first, .last_seq = last, .messages = count, .events = count
	};
	ET_CLEAN(et_take) struct et_take *take = NULL;
	struct et_rows sorted = { 0 };
	struct et_error err = { 0 };

	(void)snprintf(entry.identity, sizeof(entry.identity), "%s", identity);
	for (size_t i = 0; i < count; i++)
		et_rows_add(&sorted, &rows[i]);
	et_rows_sort(&sorted);
	assert_ok(et_take_open(catalog, &entry, NULL, 0, &take, &err), &err);
	if (hook != NULL)
		et_take_watch(take, hook, cookie);
	/* in two portions */
	assert_ok(et_take_rows(take, sorted.rows, count / 2, &err), &err);
	assert_ok(et_take_rows(take, sorted.rows + count / 2, count - count / 2, &err), &err);
	assert_ok(et_take_finish(take, &err), &err);
	et_rows_done(&sorted);
}

static inline void
take(struct et_catalog *catalog, uint64_t first, uint64_t last, const struct et_row *rows,
     size_t count)
{
	take_watched(catalog, "A", first, last, rows, count, NULL, NULL);
}

static inline struct et_device
device_of(struct et_catalog *catalog, uint8_t device)
{
	struct et_uuid key = uuid(device);
	struct et_device facts = { 0 };
	struct et_error err = { 0 };

	assert_code(1, et_catalog_device(catalog, &key, &facts, &err), &err);
	return facts;
}

static inline bool
is_waiting(struct et_catalog *catalog, uint8_t device)
{
	return device_of(catalog, device).rebuild;
}

/* Walks every device that waits, out of all rows there are. */
static inline void
rebuild(struct et_catalog *catalog, const struct et_row *rows, size_t count)
{
	ET_CLEAN(et_rebuild) struct et_rebuild *rebuilding = NULL;
	struct et_uuid devices[16];
	size_t wanted = 0;
	struct et_error err = { 0 };

	assert_ok(et_rebuild_wanted(catalog, devices, ET_COUNT(devices), &wanted, &err), &err);
	assert_ok(et_rebuild_open(catalog, &rebuilding, &err), &err);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < wanted; k++)
			if (et_uuid_compare(&rows[i].device, &devices[k]) == 0)
				assert_ok(et_rebuild_add(rebuilding, &rows[i], 0, &err), &err);
	assert_ok(et_rebuild_finish(rebuilding, devices, wanted, &err), &err);
	assert_ok(et_rebuild_wanted(catalog, devices, ET_COUNT(devices), &wanted, &err), &err);
	assert_int_equal(wanted, 0);
}

/* The coverage of an aggregate as "epoch: first-last first-last; …". */
static inline const char *
shown(struct et_catalog *catalog, uint8_t aggregate)
{
	static char text[256];
	struct et_coverage coverage = { 0 };
	struct et_cover_list *list = NULL;
	struct et_uuid key = uuid(aggregate);
	struct et_cover cover;
	size_t at = 0;

	text[0] = '\0';
	assert_int_equal(et_cover_list_of(catalog, &key, &list, NULL), 0);
	while (et_cover_list_next(list, &cover, NULL) > 0) {
		assert_int_equal(et_coverage_decode(cover.spans, &coverage, NULL), 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u:", at > 0 ? "; " : "",
				       cover.epoch);
		for (size_t i = 0; i < coverage.count; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %d-%d",
					       (int)coverage.spans[i].first,
					       (int)coverage.spans[i].last);
		if (cover.duplicates > 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " dup %d",
					       (int)cover.duplicates);
	}
	et_cover_list_free(list);
	et_coverage_done(&coverage);
	return text;
}

#endif
