/* SPDX-License-Identifier: Apache-2.0 */
#include "command/places.h"

struct archive {
	struct et_archive_entry entry;
	uint64_t shift;
};

/* A record of the frame in hand. */
struct mark {
	uint64_t position;
	int64_t time_ns;
};

struct et_places {
	struct et_state *state;
	struct archive *archives; /* those with messages, by position */
	size_t count;
	size_t capacity;
	uint64_t first_seq;
	struct et_reader *reader; /* of archive `open` */
	size_t open;
	size_t frame; /* index into the manifest's */
	struct mark *marks;
	size_t mark_count;
	size_t mark_capacity;
};

static int
list_archives(struct et_places *places, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(places->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		struct archive *one;

		r = 0;
		if (places->first_seq == 0)
			places->first_seq = entry.first_seq;
		if (entry.messages == 0)
			continue;
		if (places->count == places->capacity) {
			places->capacity = places->capacity * 2 + 16;
			places->archives = et_realloc_array(places->archives, places->capacity,
							    sizeof(*places->archives));
		}
		one = &places->archives[places->count++];
		*one = (struct archive){ .entry = entry };
		r = et_catalog_shift(places->state->catalog, entry.identity, &one->shift, err);
		r = r < 0 ? r : 0;
	}
	return r;
}

int
et_places_open(struct et_state *state, struct et_places **ret, struct et_error *err)
{
	ET_CLEAN(et_places) struct et_places *places = et_calloc(1, sizeof(*places));
	int r;

	places->state = state;
	places->open = SIZE_MAX;
	r = list_archives(places, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(places);
	return 0;
}

void
et_places_free(struct et_places *places)
{
	if (places == NULL)
		return;
	et_reader_free(places->reader);
	free(places->archives);
	free(places->marks);
	free(places);
}

size_t
et_places_count(const struct et_places *places)
{
	return places->count;
}

const struct et_archive_entry *
et_places_entry(const struct et_places *places, size_t index)
{
	return &places->archives[index].entry;
}

uint64_t
et_places_first_seq(const struct et_places *places)
{
	return places->first_seq;
}

/* ---- one frame ---- */

static int
open_archive(struct et_places *places, size_t index, struct et_error *err)
{
	if (places->open == index)
		return 0;
	et_reader_free(places->reader);
	places->reader = NULL;
	places->open = SIZE_MAX;
	places->mark_count = 0;
	places->frame = SIZE_MAX;
	return et_state_open_archive(places->state, &places->archives[index].entry, &places->reader,
				     err);
}

/* The records of a frame of the archive that is open; what cannot be read is left out. */
static int
read_frame(struct et_places *places, size_t index, size_t frame, struct et_error *err)
{
	const struct et_frame_entry *entry = &et_reader_manifest(places->reader)->frames[frame];
	struct et_record record;
	int r;

	if (places->frame == frame)
		return 0;
	places->frame = frame;
	places->mark_count = 0;
	et_reader_seek(places->reader, entry->first_seq, entry->last_seq);
	while ((r = et_reader_next(places->reader, &record, NULL, err)) != 0) {
		if (r == ET_CORRUPT) {
			et_error_clear(err);
			continue;
		}
		if (r < 0)
			return r;
		if (places->mark_count == places->mark_capacity) {
			places->mark_capacity = places->mark_capacity * 2 + 256;
			places->marks = et_realloc_array(places->marks, places->mark_capacity,
							 sizeof(*places->marks));
		}
		places->marks[places->mark_count++] =
			(struct mark){ record.seq + places->archives[index].shift, record.time_ns };
	}
	return 0;
}

/* In one archive: 1, or 0. */
static int
find_in(struct et_places *places, size_t index, uint64_t from, int64_t time_ns, struct mark *ret,
	struct et_error *err)
{
	const struct et_manifest *manifest;
	uint64_t shift = places->archives[index].shift;
	int r;

	r = open_archive(places, index, err);
	if (r < 0)
		return r;
	places->open = index;
	manifest = et_reader_manifest(places->reader);
	for (size_t i = 0; i < manifest->frame_count; i++) {
		const struct et_frame_entry *frame = &manifest->frames[i];

		if (frame->kind != ET_FRAME_RECORDS || frame->last_seq + shift < from ||
		    frame->last_time_ns < time_ns)
			continue;
		r = read_frame(places, index, i, err);
		for (size_t k = 0; r == 0 && k < places->mark_count; k++) {
			*ret = places->marks[k];
			if (ret->position >= from && ret->time_ns >= time_ns)
				return 1;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int
et_places_at(struct et_places *places, uint64_t from, int64_t time_ns, uint64_t *ret_position,
	     int64_t *ret_time_ns, struct et_error *err)
{
	struct mark mark;

	for (size_t i = 0; i < places->count; i++) {
		const struct archive *one = &places->archives[i];
		int r;

		if (one->entry.last_seq + one->shift < from || one->entry.last_time_ns < time_ns)
			continue;
		r = find_in(places, i, from, time_ns, &mark, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*ret_position = mark.position;
		if (ret_time_ns != NULL)
			*ret_time_ns = mark.time_ns;
		return 1;
	}
	return 0;
}

int
et_places_before(struct et_places *places, uint64_t position, int64_t *ret_time_ns,
		 struct et_error *err)
{
	for (size_t i = places->count; i-- > 0;) {
		const struct archive *one = &places->archives[i];
		const struct et_manifest *manifest;
		int r;

		if (one->entry.first_seq + one->shift >= position)
			continue;
		r = open_archive(places, i, err);
		if (r < 0)
			return r;
		places->open = i;
		manifest = et_reader_manifest(places->reader);
		for (size_t f = manifest->frame_count; f-- > 0;) {
			const struct et_frame_entry *frame = &manifest->frames[f];

			if (frame->kind != ET_FRAME_RECORDS ||
			    frame->first_seq + one->shift >= position)
				continue;
			r = read_frame(places, i, f, err);
			if (r < 0)
				return r;
			for (size_t k = places->mark_count; k-- > 0;)
				if (places->marks[k].position < position) {
					*ret_time_ns = places->marks[k].time_ns;
					return 1;
				}
		}
	}
	return 0;
}
