// SPDX-License-Identifier: Apache-2.0
#include "store/dumpindex.h"

#include <string.h>

#include "base/arena.h"
#include "base/uuid5.h"
#include "store/document.h"
#include "store/driver.h"

/* A version that is not there. Larger ones make a row odd. */
#define VERSION_NONE UINT32_MAX

/* 16 bytes of a canonical UUID, else the address of a text. No alignment: 17 bytes. */
struct id {
	struct et_uuid uuid;
	bool is_text;
};

struct place {
	struct id id;
	bool odd;
	uint32_t bytes;
	uint32_t latest_version;
	uint32_t first_version;
	uint64_t offset;
};
_Static_assert(sizeof(struct place) == 40, "memory of a dump is 40 bytes a document");

struct et_dumpindex {
	struct place *places;
	size_t count;
	size_t capacity;
	struct id *devices; /* sorted and once each only at the end */
	size_t device_count;
	size_t device_capacity;
	struct et_arena texts;
};

struct et_dumpindex *
et_dumpindex_new(void)
{
	struct et_dumpindex *index = et_calloc(1, sizeof(*index));

	et_arena_init(&index->texts, 0);
	return index;
}

void
et_dumpindex_free(struct et_dumpindex *index)
{
	if (index == NULL)
		return;
	free(index->places);
	free(index->devices);
	et_arena_done(&index->texts);
	free(index);
}

size_t
et_dumpindex_count(const struct et_dumpindex *index)
{
	return index->count;
}

/* ---- ids ---- */

static struct id
id_of_text(const char *text)
{
	struct id id = { .is_text = true };

	memcpy(id.uuid.bytes, &text, sizeof(text));
	return id;
}

/* Borrows the text. */
static struct id
id_of(const char *text)
{
	struct id id = { .is_text = false };

	return et_uuid_parse_canonical(text, strlen(text), &id.uuid) ? id : id_of_text(text);
}

static struct id
keep_id(struct et_dumpindex *index, struct et_slice text)
{
	const char *chars = (const char *)text.data;
	struct id id = { .is_text = false };

	if (text.size == 0)
		return id_of_text("");
	if (et_uuid_parse_canonical(chars, text.size, &id.uuid))
		return id;
	return id_of_text(et_arena_strndup(&index->texts, chars, text.size));
}

static const char *
text_of(const struct id *id, char buf[ET_UUID_TEXT_BYTES])
{
	const char *text;

	if (!id->is_text) {
		et_uuid_format(&id->uuid, buf);
		return buf;
	}
	memcpy(&text, id->uuid.bytes, sizeof(text));
	return text;
}

/* The order of the texts. */
static int
compare_ids(const struct id *a, const struct id *b)
{
	char a_buf[ET_UUID_TEXT_BYTES];
	char b_buf[ET_UUID_TEXT_BYTES];

	if (!a->is_text && !b->is_text)
		return et_uuid_compare(&a->uuid, &b->uuid);
	return strcmp(text_of(a, a_buf), text_of(b, b_buf));
}

static int
compare_devices(const void *a, const void *b)
{
	return compare_ids(a, b);
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *one = a;
	const struct place *other = b;
	int order = compare_ids(&one->id, &other->id);

	return order != 0 ? order : (one->offset > other->offset) - (one->offset < other->offset);
}

/* ---- to add ---- */

static void
sort_devices(struct et_dumpindex *index)
{
	size_t kept = 0;

	if (index->device_count == 0)
		return;
	qsort(index->devices, index->device_count, sizeof(*index->devices), compare_devices);
	for (size_t i = 1; i < index->device_count; i++)
		if (compare_ids(&index->devices[kept], &index->devices[i]) != 0)
			index->devices[++kept] = index->devices[i];
	index->device_count = kept + 1;
}

static void
note_device(struct et_dumpindex *index, struct et_slice text)
{
	char buf[ET_UUID_TEXT_BYTES];

	/* Documents of one device often lie together. */
	if (index->device_count > 0 &&
	    et_slice_equals(text, text_of(&index->devices[index->device_count - 1], buf)))
		return;
	/* Repeated ones make room first. */
	if (index->device_count == index->device_capacity) {
		sort_devices(index);
		if (index->device_count >= index->device_capacity / 2) {
			index->device_capacity =
				index->device_capacity > 0 ? index->device_capacity * 2 : 1024;
			index->devices = et_realloc_array(index->devices, index->device_capacity,
							  sizeof(*index->devices));
		}
	}
	index->devices[index->device_count++] = keep_id(index, text);
}

static void
note_versions(struct place *place, const struct et_headrow *row)
{
	uint64_t latest = row->has_latest ? row->latest_version : 0;
	uint64_t first = row->has_first ? row->first_version : 0;

	place->odd = latest >= VERSION_NONE || first >= VERSION_NONE;
	place->latest_version = row->has_latest ? (uint32_t)latest : VERSION_NONE;
	place->first_version = row->has_first ? (uint32_t)first : VERSION_NONE;
}

void
et_dumpindex_add(struct et_dumpindex *index, uint64_t offset, struct et_slice document)
{
	struct place place = { .offset = offset, .bytes = (uint32_t)document.size, .odd = true };
	char words[ET_STORE_WORDS_BYTES];
	struct et_headrow row;
	struct et_slice id;

	if (et_headrow_parse(document.data, document.size, &row, words) == 0) {
		id = row.aggregate_id;
		note_versions(&place, &row);
	} else if (!et_bson_text(document.data, document.size, "aggregateid", &id)) {
		id = (struct et_slice){ .size = 0 };
	}
	place.id = keep_id(index, id);
	if (index->count == index->capacity) {
		index->capacity = index->capacity > 0 ? index->capacity * 2 : 1024;
		index->places =
			et_realloc_array(index->places, index->capacity, sizeof(*index->places));
	}
	index->places[index->count++] = place;
	if (et_bson_text(document.data, document.size, "groupid", &id))
		note_device(index, id);
}

bool
et_dumpindex_end(struct et_dumpindex *index)
{
	char buf[ET_UUID_TEXT_BYTES];

	sort_devices(index);
	if (index->count == 0)
		return false;
	qsort(index->places, index->count, sizeof(*index->places), compare_places);
	return text_of(&index->places[index->count - 1].id, buf)[0] != '\0';
}

/* ---- to ask ---- */

size_t
et_dumpindex_find(const struct et_dumpindex *index, const char *aggregate_id, bool above)
{
	struct id id = id_of(aggregate_id);
	size_t low = 0;
	size_t high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_ids(&index->places[middle].id, &id);

		if (order < 0 || (above && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
et_dumpindex_place(const struct et_dumpindex *index, size_t at, uint64_t *ret_offset,
		   uint32_t *ret_bytes)
{
	*ret_offset = index->places[at].offset;
	*ret_bytes = index->places[at].bytes;
}

bool
et_dumpindex_row(const struct et_dumpindex *index, size_t at, struct et_buf *row)
{
	const struct place *place = &index->places[at];
	char buf[ET_UUID_TEXT_BYTES];
	bson_t bson;

	if (place->odd)
		return false;
	bson_init(&bson);
	bson_append_utf8(&bson, "aggregateid", -1, text_of(&place->id, buf), -1);
	if (place->latest_version != VERSION_NONE)
		bson_append_int64(&bson, "latestversion", -1, place->latest_version);
	if (place->first_version != VERSION_NONE)
		bson_append_int64(&bson, "firstversion", -1, place->first_version);
	et_buf_reset(row);
	et_buf_put(row, bson_get_data(&bson), bson.len);
	bson_destroy(&bson);
	return true;
}

bool
et_dumpindex_has_device(const struct et_dumpindex *index, const char *device_id)
{
	struct id id = id_of(device_id);

	return index->device_count > 0 && bsearch(&id, index->devices, index->device_count,
						  sizeof(id), compare_devices) != NULL;
}
