// SPDX-License-Identifier: Apache-2.0
#include "archive/index.h"
#include "archive/reader_part.h"

struct et_reader_rows {
	struct et_reader *reader;
	bool by_device;
	bool by_aggregate;
	struct et_uuid device;
	struct et_uuid aggregate;
	size_t frame; /* into the reader's index: the next to load */
	struct et_rows rows;
	size_t at;
};

/* Less than, equal to or greater than what is wanted. */
static int
compare_wanted(const struct et_reader_rows *walk, const struct et_uuid *device,
	       const struct et_uuid *aggregate)
{
	int order = walk->by_device ? et_uuid_compare(device, &walk->device) : 0;

	if (order == 0 && walk->by_aggregate)
		order = et_uuid_compare(aggregate, &walk->aggregate);
	return order;
}

int
et_reader_rows_open(struct et_reader *reader, const struct et_uuid *device,
		    const struct et_uuid *aggregate, struct et_reader_rows **ret,
		    struct et_error *err)
{
	struct et_reader_rows *walk;
	size_t high = reader->index_count;

	if (device == NULL && aggregate != NULL)
		return et_error_set(err, ET_USAGE, "an aggregate without its device");
	walk = et_calloc(1, sizeof(*walk));
	walk->reader = reader;
	walk->by_device = device != NULL;
	walk->by_aggregate = aggregate != NULL;
	if (device != NULL)
		walk->device = *device;
	if (aggregate != NULL)
		walk->aggregate = *aggregate;
	while (walk->frame <
	       high) { /* the first frame that ends with what is wanted or behind it */
		size_t middle = walk->frame + (high - walk->frame) / 2;
		const struct et_index_key *last =
			&reader->manifest->frames[reader->index[middle]].last_key;

		if (compare_wanted(walk, &last->device, &last->aggregate) < 0)
			walk->frame = middle + 1;
		else
			high = middle;
	}
	*ret = walk;
	return 0;
}

void
et_reader_rows_free(struct et_reader_rows *walk)
{
	if (walk == NULL)
		return;
	et_rows_done(&walk->rows);
	free(walk);
}

/* 1, or 0 when no further frame can hold a wanted row. */
static int
load(struct et_reader_rows *walk, struct et_error *err)
{
	struct et_reader *reader = walk->reader;
	const struct et_frame_entry *entry;
	struct et_slice raw;
	int r;

	if (walk->frame == reader->index_count)
		return 0;
	entry = &reader->manifest->frames[reader->index[walk->frame]];
	if (compare_wanted(walk, &entry->first_key.device, &entry->first_key.aggregate) > 0)
		return 0;
	walk->rows.count = 0;
	walk->at = 0;
	walk->frame++; /* the frame behind a damaged one can still be read */
	reader->loaded = false;
	r = et_reader_entry(reader, entry, &raw, err);
	if (r < 0)
		return r;
	r = et_index_decode(raw, &walk->rows, err);
	if (r == 0 && walk->rows.count != entry->count)
		r = et_error_set(err, ET_CORRUPT, "%zu rows and not as many as announced",
				 walk->rows.count);
	if (r < 0)
		return et_error_wrap(err, r, "%s: %s", reader->path,
				     reader->manifest->members[entry->member].name);
	return 1;
}

int
et_reader_rows_next(struct et_reader_rows *walk, struct et_row *ret, struct et_error *err)
{
	for (;;) {
		while (walk->at < walk->rows.count) {
			const struct et_row *row = &walk->rows.rows[walk->at++];
			int order = compare_wanted(walk, &row->device, &row->aggregate);

			if (order > 0)
				return 0;
			if (order == 0) {
				*ret = *row;
				return 1;
			}
		}
		int r = load(walk, err);

		if (r <= 0)
			return r;
	}
}
