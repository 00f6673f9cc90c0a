/* SPDX-License-Identifier: Apache-2.0 */
/* The devices whose lives are to be walked anew, out of the archives' indexes. */
#include "base/cancel.h"
#include "command/audit.h"

#define DEVICES_AT_ONCE 65536u
/* Up to so many devices are looked up one by one; for more the whole index is read. */
#define LOOKED_UP_MOST 64u

struct rebuilding {
	struct et_state *state;
	struct et_rebuild *rebuild;
	const struct et_uuid *devices; /* by id */
	size_t count;
};

static int
by_uuid(const void *a, const void *b)
{
	return et_uuid_compare(a, b);
}

static int
add_rows(const struct rebuilding *one, struct et_reader *reader, const struct et_uuid *device,
	 uint64_t shift, struct et_error *err)
{
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_row row;
	int r;

	r = et_reader_rows_open(reader, device, NULL, &walk, err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		bool wanted = device != NULL || bsearch(&row.device, one->devices, one->count,
							sizeof(*one->devices), by_uuid) != NULL;

		r = wanted ? et_rebuild_add(one->rebuild, &row, shift, err) : 0;
	}
	return r < 0 ? r : 0;
}

static int
add_archive(const struct rebuilding *one, const struct et_archive_entry *entry,
	    struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	uint64_t shift = 0;
	int r;

	r = et_cancel_check(err);
	if (r == 0)
		r = et_catalog_shift(one->state->catalog, entry->identity, &shift, err);
	if (r >= 0)
		r = et_state_open_archive(one->state, entry, &reader, err);
	if (r < 0 || one->count > LOOKED_UP_MOST)
		return r < 0 ? r : add_rows(one, reader, NULL, shift, err);
	for (size_t i = 0; r == 0 && i < one->count; i++)
		r = add_rows(one, reader, &one->devices[i], shift, err);
	return r;
}

static int
rebuild_some(struct et_state *state, const struct et_uuid *devices, size_t count,
	     struct et_error *err)
{
	ET_CLEAN(et_rebuild) struct et_rebuild *rebuild = NULL;
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct rebuilding one = { .state = state, .devices = devices, .count = count };
	struct et_archive_entry entry;
	int r;

	r = et_rebuild_open(state->catalog, &rebuild, err);
	if (r == 0)
		r = et_entry_list_open(state->catalog, NULL, &list, err);
	one.rebuild = rebuild;
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0)
		r = add_archive(&one, &entry, err);
	et_entry_list_free(ET_STEAL(list));
	return r == 0 ? et_rebuild_finish(rebuild, devices, count, err) : r;
}

int
et_audit_rebuild(struct et_state *state, struct et_error *err)
{
	ET_CLEAN_MEM struct et_uuid *devices = et_calloc(DEVICES_AT_ONCE, sizeof(*devices));
	size_t count = 0;
	int r;

	while ((r = et_rebuild_wanted(state->catalog, devices, DEVICES_AT_ONCE, &count, err)) ==
		       0 &&
	       count > 0) {
		r = rebuild_some(state, devices, count, err);
		if (r < 0)
			return r;
	}
	return r;
}
