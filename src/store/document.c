// SPDX-License-Identifier: Apache-2.0
#include "store/document.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "store/driver.h"

#define DOUBLE_EXACT 9007199254740992.0 /* 2^53: beyond it a double names no single number */

enum field {
	FIELD_OTHER,
	FIELD_AGGREGATE,
	FIELD_GROUP,
	FIELD_FIRST,
	FIELD_LATEST,
	FIELD_LATEST_TIME,
	FIELD_ACTIVE,
	FIELD_EVENTS,
	FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_OTHER] = "",
	[FIELD_AGGREGATE] = "aggregateid",
	[FIELD_GROUP] = "groupid",
	[FIELD_FIRST] = "firstversion",
	[FIELD_LATEST] = "latestversion",
	[FIELD_LATEST_TIME] = "latesttimestamp",
	[FIELD_ACTIVE] = "isactive",
	[FIELD_EVENTS] = "events",
};

/* What one document says; its events are walked when all fields are known. */
struct reader {
	struct et_document *document;
	struct et_document_scratch *scratch;
	char *words;
	bool seen[FIELD_COUNT];
	bson_iter_t events;
};

static int ET_PRINTF(2, 3) malformed(char *words, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(words, ET_STORE_WORDS_BYTES, format, args);
	va_end(args);
	return ET_CORRUPT;
}

void
et_document_scratch_done(struct et_document_scratch *scratch)
{
	free(scratch->events);
	*scratch = (struct et_document_scratch){ .events = NULL };
}

static bool
read_text(const bson_iter_t *iter, struct et_slice *ret)
{
	uint32_t bytes = 0;
	const char *text;

	if (!BSON_ITER_HOLDS_UTF8(iter))
		return false;
	text = bson_iter_utf8(iter, &bytes);
	*ret = (struct et_slice){ .data = (const uint8_t *)text, .size = bytes };
	return true;
}

/* Ids are handed on as C strings too: one with a NUL in it is none. */
static bool
read_id(const bson_iter_t *iter, struct et_slice *ret)
{
	struct et_slice id;

	if (!read_text(iter, &id) || memchr(id.data, '\0', id.size) != NULL)
		return false;
	*ret = id;
	return true;
}

static bool
read_whole(const bson_iter_t *iter, int64_t *ret)
{
	double value;

	switch (bson_iter_type(iter)) {
	case BSON_TYPE_INT32:
		*ret = bson_iter_int32(iter);
		return true;
	case BSON_TYPE_INT64:
		*ret = bson_iter_int64(iter);
		return true;
	case BSON_TYPE_DOUBLE:
		value = bson_iter_double(iter);
		/* Not so for NaN either. */
		if (!(value >= -DOUBLE_EXACT && value <= DOUBLE_EXACT) ||
		    value != (double)(int64_t)value)
			return false;
		*ret = (int64_t)value;
		return true;
	default:
		return false;
	}
}

static bool
read_version(const bson_iter_t *iter, uint64_t *ret)
{
	int64_t value;

	if (!read_whole(iter, &value) || value < 0)
		return false;
	*ret = (uint64_t)value;
	return true;
}

static bool
read_bool(const bson_iter_t *iter, bool *ret)
{
	if (!BSON_ITER_HOLDS_BOOL(iter))
		return false;
	*ret = bson_iter_bool(iter);
	return true;
}

static enum field
field_of(const char *key)
{
	for (unsigned i = FIELD_OTHER + 1; i < FIELD_COUNT; i++)
		if (strcmp(key, field_names[i]) == 0)
			return (enum field)i;
	return FIELD_OTHER;
}

static bool
read_field(struct reader *reader, enum field field, const bson_iter_t *iter)
{
	struct et_document *document = reader->document;

	switch (field) {
	case FIELD_AGGREGATE:
		return read_id(iter, &document->aggregate_id);
	case FIELD_GROUP:
		return read_id(iter, &document->group_id);
	case FIELD_FIRST:
		return read_version(iter, &document->first_version);
	case FIELD_LATEST:
		return read_version(iter, &document->latest_version);
	case FIELD_LATEST_TIME:
		return read_whole(iter, &document->latest_timestamp_ns);
	case FIELD_ACTIVE:
		return read_bool(iter, &document->is_active);
	case FIELD_EVENTS:
		return BSON_ITER_HOLDS_ARRAY(iter) && bson_iter_recurse(iter, &reader->events);
	default:
		return true;
	}
}

/* All fields of the top level; the first that is wrong ends in words, but the rest is still read,
 * so that the ids are known. */
static int
read_fields(struct reader *reader, bson_iter_t *iter)
{
	int r = 0;

	while (bson_iter_next(iter)) {
		enum field field = field_of(bson_iter_key(iter));

		if (field == FIELD_OTHER || BSON_ITER_HOLDS_NULL(iter))
			continue;
		if (read_field(reader, field, iter))
			reader->seen[field] = true;
		else if (r == 0)
			r = malformed(reader->words, "'%s' has a type or value that it cannot have",
				      field_names[field]);
	}
	if (r == 0 && iter->err_off != 0)
		r = malformed(reader->words, "broken BSON at byte %u", iter->err_off);
	return r;
}

static struct et_stored_event *
next_event(struct reader *reader)
{
	struct et_document_scratch *scratch = reader->scratch;
	struct et_document *document = reader->document;

	if (document->event_count == scratch->capacity) {
		scratch->capacity = scratch->capacity > 0 ? scratch->capacity * 2 : 16;
		scratch->events = et_realloc_array(scratch->events, scratch->capacity,
						   sizeof(*scratch->events));
	}
	return &scratch->events[document->event_count];
}

static bool
read_event_field(struct et_stored_event *event, const char *key, const bson_iter_t *iter)
{
	const uint8_t *bytes = NULL;
	uint32_t count = 0;

	if (strcmp(key, "version") == 0)
		return read_version(iter, &event->version);
	if (strcmp(key, "eventtype") == 0)
		return read_text(iter, &event->type);
	if (strcmp(key, "issnapshot") == 0)
		return read_bool(iter, &event->is_snapshot);
	if (strcmp(key, "timestamp") == 0)
		return read_whole(iter, &event->timestamp_ns);
	if (strcmp(key, "data") != 0)
		return true;
	if (!BSON_ITER_HOLDS_BINARY(iter))
		return false;
	bson_iter_binary(iter, NULL, &count, &bytes);
	if (bytes == NULL)
		return false;
	event->data = (struct et_slice){ .data = bytes, .size = count };
	return true;
}

/* One element of the array. */
static int
read_event(struct reader *reader, size_t number)
{
	struct et_stored_event *event = next_event(reader);
	bool has_version = false;
	bson_iter_t iter;

	*event = (struct et_stored_event){ .timestamp_ns = ET_TIME_NONE };
	if (!BSON_ITER_HOLDS_DOCUMENT(&reader->events) ||
	    !bson_iter_recurse(&reader->events, &iter))
		return malformed(reader->words, "event %zu is no document", number);
	while (bson_iter_next(&iter)) {
		const char *key = bson_iter_key(&iter);

		if (BSON_ITER_HOLDS_NULL(&iter))
			continue;
		if (!read_event_field(event, key, &iter))
			return malformed(
				reader->words,
				"'%.32s' of event %zu has a type or value that it cannot have", key,
				number);
		has_version = has_version || strcmp(key, "version") == 0;
	}
	if (iter.err_off != 0)
		return malformed(reader->words, "broken BSON in event %zu", number);
	if (!has_version || event->data.data == NULL || event->type.size == 0)
		return malformed(reader->words, "event %zu lacks its version, data or type",
				 number);
	event->kind = et_kind_of(event->type);
	reader->document->event_count++;
	return 0;
}

static int
read_events(struct reader *reader)
{
	size_t number = 0;
	int r;

	while (bson_iter_next(&reader->events)) {
		if (number == ET_DOCUMENT_EVENTS_MAX)
			return malformed(reader->words, "more than %u events",
					 ET_DOCUMENT_EVENTS_MAX);
		r = read_event(reader, number++);
		if (r < 0)
			return r;
	}
	if (reader->events.err_off != 0)
		return malformed(reader->words, "broken BSON in the array of events");
	reader->document->events = reader->scratch->events;
	return 0;
}

/* Is what must be there there? Names what is missing. */
static int
check_document(struct reader *reader)
{
	struct et_document *document = reader->document;
	const bool *seen = reader->seen;

	if (!seen[FIELD_AGGREGATE] || document->aggregate_id.size == 0)
		return malformed(reader->words, "'aggregateid' is missing");
	if (!seen[FIELD_LATEST])
		return malformed(reader->words, "'latestversion' is missing");
	document->ghost = !seen[FIELD_GROUP] && !seen[FIELD_EVENTS] && !seen[FIELD_FIRST];
	if (document->ghost)
		return 0;
	if (!seen[FIELD_GROUP] || document->group_id.size == 0)
		return malformed(reader->words, "'groupid' is missing");
	if (!seen[FIELD_FIRST])
		document->first_version = document->event_count > 0 ? document->events[0].version
								    : document->latest_version;
	if (document->first_version > document->latest_version)
		return malformed(reader->words, "'firstversion' is above 'latestversion'");
	return 0;
}

static bool
open_bson(const uint8_t *bson, size_t size, bson_t *document, bson_iter_t *iter)
{
	return size <= ET_STORE_DOCUMENT_BYTES_MAX && bson_init_static(document, bson, size) &&
	       bson_iter_init(iter, document);
}

int
et_document_parse(const uint8_t *bson, size_t size, struct et_document *ret,
		  struct et_document_scratch *scratch, char words[ET_STORE_WORDS_BYTES])
{
	struct reader reader = { .document = ret, .scratch = scratch, .words = words };
	bson_iter_t iter;
	bson_t document;
	int r;

	words[0] = '\0';
	*ret = (struct et_document){ .latest_timestamp_ns = ET_TIME_NONE };
	if (!open_bson(bson, size, &document, &iter))
		return malformed(words, "no BSON document of up to %u bytes",
				 ET_STORE_DOCUMENT_BYTES_MAX);
	r = read_fields(&reader, &iter);
	if (r == 0 && reader.seen[FIELD_EVENTS])
		r = read_events(&reader);
	if (r == 0)
		r = check_document(&reader);
	if (r < 0) {
		ret->events = NULL;
		ret->event_count = 0;
	}
	return r;
}

int
et_headrow_parse(const uint8_t *bson, size_t size, struct et_headrow *ret,
		 char words[ET_STORE_WORDS_BYTES])
{
	bson_iter_t iter;
	bson_t document;
	int r = 0;

	*ret = (struct et_headrow){ .has_latest = false };
	if (!open_bson(bson, size, &document, &iter))
		return malformed(words, "no BSON document");
	while (bson_iter_next(&iter)) {
		const char *key = bson_iter_key(&iter);
		bool good = true;

		if (BSON_ITER_HOLDS_NULL(&iter))
			continue;
		if (strcmp(key, field_names[FIELD_AGGREGATE]) == 0)
			good = read_id(&iter, &ret->aggregate_id);
		else if (strcmp(key, field_names[FIELD_LATEST]) == 0)
			good = ret->has_latest = read_version(&iter, &ret->latest_version);
		else if (strcmp(key, field_names[FIELD_FIRST]) == 0)
			good = ret->has_first = read_version(&iter, &ret->first_version);
		if (!good)
			r = malformed(words, "'%.32s' has a type or value that it cannot have",
				      key);
	}
	if (r == 0 && iter.err_off != 0)
		r = malformed(words, "broken BSON");
	if (r == 0 && ret->aggregate_id.size == 0)
		r = malformed(words, "'aggregateid' is missing");
	return r;
}

bool
et_bson_text(const uint8_t *bson, size_t size, const char *key, struct et_slice *ret)
{
	bson_iter_t iter;
	bson_t document;

	return open_bson(bson, size, &document, &iter) && bson_iter_find(&iter, key) &&
	       read_text(&iter, ret);
}
