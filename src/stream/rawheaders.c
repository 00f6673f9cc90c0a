// SPDX-License-Identifier: Apache-2.0
#include "stream/rawheaders.h"

#include <string.h>

#define VERSION_LINE "NATS/1.0"
#define STATUS_CHARACTERS 3

struct pairs {
	struct et_header *pairs;
	size_t count;
	size_t capacity;
};

/* isspace depends on the locale. */
static bool
is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static struct et_slice
trim(struct et_slice text)
{
	while (text.size > 0 && is_space(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 && is_space(text.data[text.size - 1]))
		text.size--;
	return text;
}

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ .data = (const uint8_t *)text, .size = strlen(text) };
}

static void
add(struct pairs *list, struct et_slice name, struct et_slice value)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity > 0 ? list->capacity * 2 : 8;
		list->pairs = et_realloc_array(list->pairs, list->capacity, sizeof(*list->pairs));
	}
	list->pairs[list->count++] = (struct et_header){ .name = name, .value = value };
}

/* The text up to the next CRLF, which is skipped; the last line may lack it. */
static struct et_slice
next_line(struct et_cursor *cursor)
{
	size_t left = et_cursor_left(cursor);
	const uint8_t *end = left > 0 ? memmem(cursor->at, left, "\r\n", 2) : NULL;
	struct et_slice line = { .data = cursor->at, .size = left };

	if (end != NULL)
		line.size = (size_t)(end - cursor->at);
	cursor->at += line.size + (end != NULL ? 2 : 0);
	return line;
}

static void
add_line(struct pairs *list, struct et_slice line)
{
	const uint8_t *colon = memchr(line.data, ':', line.size);
	struct et_slice name = { .data = NULL, .size = 0 };

	if (colon != NULL) {
		name = (struct et_slice){ .data = line.data, .size = (size_t)(colon - line.data) };
		line.size -= name.size + 1;
		line.data = colon + 1;
	}
	add(list, name, trim(line));
}

static void
add_status(struct pairs *list, struct et_slice rest)
{
	struct et_slice status = trim(rest);
	struct et_slice words;

	if (status.size == 0)
		return;
	words = status;
	if (status.size > STATUS_CHARACTERS) {
		status.size = STATUS_CHARACTERS;
		words.data += STATUS_CHARACTERS;
		words.size -= STATUS_CHARACTERS;
		words = trim(words);
		if (words.size > 0)
			add(list, slice_of("Description"), words);
	}
	add(list, slice_of("Status"), status);
}

int
et_rawheaders_encode(struct et_slice block, struct et_buf *out, struct et_error *err)
{
	struct et_cursor cursor = et_cursor_of(block.data, block.size);
	ET_CLEAN_MEM struct et_header *owned = NULL;
	struct pairs list = { .pairs = NULL };
	struct et_slice line = next_line(&cursor);
	size_t version = strlen(VERSION_LINE);

	if (line.size < version || memcmp(line.data, VERSION_LINE, version) != 0)
		return et_error_set(err, ET_GARBLED,
				    "message headers do not begin with " VERSION_LINE);
	add_status(&list,
		   (struct et_slice){ .data = line.data + version, .size = line.size - version });
	while (et_cursor_left(&cursor) > 0 && list.count < ET_RAWHEADERS_MAX) {
		line = next_line(&cursor);
		if (line.size > 0)
			add_line(&list, line);
	}
	owned = list.pairs;
	if (list.count >= ET_RAWHEADERS_MAX)
		return et_error_set(err, ET_LIMIT, "more than %u message headers",
				    ET_RAWHEADERS_MAX);
	et_headers_encode(out, list.pairs, list.count);
	return 0;
}
