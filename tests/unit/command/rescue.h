/* SPDX-License-Identifier: Apache-2.0 */
/* A state with a rescue folder, and documents to put into it. What lies on the disk is read by the
 * driver's own reader of BSON files, not by ours. */
#ifndef ET_COMMAND_TEST_RESCUE_H
#define ET_COMMAND_TEST_RESCUE_H

#include "et_test.h"

#include <dirent.h>

#include "command/rescue.h"
#include "event/envelope.h"
#include "event/ident.h"
#include "store/document.h"
#include "store/driver.h"

#include "../event/build.h"

#define MANY_BYTES ((uint64_t)1 << 30)
#define A "11111111-1111-5111-8111-111111111111"
#define B "22222222-2222-5222-8222-222222222222"
#define C "33333333-3333-5333-8333-333333333333"

struct bench {
	struct et_state state;
	struct et_rescue *rescue;
	char *stderr_path;
	char *talk; /* of the last opening */
};

static inline void
bench_open(struct bench *bench, void **state, int64_t run, uint64_t limit)
{
	struct et_error err = { 0 };
	char *lock = et_test_path(state, "lock");
	int old;
	int r;

	*bench = (struct bench){ .state = { .dir = *state } };
	bench->stderr_path = et_test_path(state, "stderr");
	bench->state.lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(bench->state.lock_fd >= 0);
	free(lock);
	assert_ok(et_catalog_open(*state, false, &bench->state.catalog, &err), &err);
	old = et_test_stderr_begin(bench->stderr_path);
	r = et_rescue_open(&bench->state, run, limit, &bench->rescue, &err);
	bench->talk = et_test_stderr_end(old, bench->stderr_path);
	assert_ok(r, &err);
}

/* Without a commit: what was not committed is not. */
static inline void
bench_close(struct bench *bench)
{
	et_rescue_close(bench->rescue);
	et_catalog_free(bench->state.catalog);
	(void)close(bench->state.lock_fd);
	free(bench->stderr_path);
	free(bench->talk);
}

static inline void
bench_begin(struct bench *bench)
{
	struct et_error err = { 0 };

	assert_ok(et_catalog_begin(bench->state.catalog, &err), &err);
}

static inline void
bench_commit(struct bench *bench)
{
	struct et_error err = { 0 };

	assert_ok(et_catalog_commit(bench->state.catalog, &err), &err);
}

/* An event to be: plain, or (embeds is set) a snapshot with the original of another version. */
struct event {
	uint64_t version;
	bool snapshot;
	bool embeds;
	uint64_t embedded;
};
#define PLAIN(number)               \
	(struct event)              \
	{                           \
		.version = (number) \
	}
#define SNAPSHOT(number)                              \
	(struct event)                                \
	{                                             \
		.version = (number), .snapshot = true \
	}
#define SNAPSHOT_WITH(number, inside)                                                       \
	(struct event)                                                                      \
	{                                                                                   \
		.version = (number), .snapshot = true, .embeds = true, .embedded = (inside) \
	}

static inline void
put_metadata(struct et_buf *out, enum et_kind kind, uint64_t version)
{
	struct et_buf metadata;

	et_buf_init(&metadata, 100);
	et_buf_field_u64(&metadata, 1, version);
	et_buf_field_u64(&metadata, 2, 1000 + version);
	et_buf_field_message(out, et_kind_info(kind)->metadata_field, metadata.data, metadata.size);
	et_buf_done(&metadata);
}

static inline void
append_event(bson_t *events, uint32_t index, const struct event *event)
{
	enum et_kind kind = event->snapshot ? ET_KIND_RESOURCE_SNAPSHOT : ET_KIND_RESOURCE_CHANGED;
	struct et_buf protobuf;
	struct et_buf data;
	const char *key;
	char room[16];
	bson_t one;

	et_buf_init(&protobuf, 10000);
	et_buf_init(&data, 10000);
	if (event->embeds) {
		struct et_buf inside;

		et_buf_init(&inside, 1000);
		put_metadata(&inside, ET_KIND_RESOURCE_CHANGED, event->embedded);
		et_buf_field_message(&protobuf, 2, inside.data, inside.size);
		et_buf_done(&inside);
	}
	put_metadata(&protobuf, kind, event->version);
	build_snappy(&data, build_slice(&protobuf));
	(void)bson_uint32_to_string(index, &key, room, sizeof(room));
	assert_true(BSON_APPEND_DOCUMENT_BEGIN(events, key, &one));
	assert_true(BSON_APPEND_INT64(&one, "version", (int64_t)event->version));
	assert_true(BSON_APPEND_BINARY(&one, "data", BSON_SUBTYPE_BINARY, data.data,
				       (uint32_t)data.size));
	assert_true(BSON_APPEND_UTF8(&one, "eventtype", et_kind_info(kind)->name));
	assert_true(BSON_APPEND_BOOL(&one, "issnapshot", event->snapshot));
	assert_true(BSON_APPEND_INT64(&one, "timestamp", 1000 + (int64_t)event->version));
	assert_true(bson_append_document_end(events, &one));
	et_buf_done(&protobuf);
	et_buf_done(&data);
}

/* A document of these events; `filler` bytes more in a field that nobody knows. */
static inline bson_t *
build_document(const char *aggregate, const struct event *list, size_t count, size_t filler)
{
	bson_t *document = bson_new();
	uint8_t *more = et_calloc(filler + 1, 1);
	bson_t events;

	assert_true(BSON_APPEND_UTF8(document, "groupid", "device"));
	assert_true(BSON_APPEND_UTF8(document, "aggregateid", aggregate));
	assert_true(BSON_APPEND_INT64(document, "firstversion", (int64_t)list[0].version));
	assert_true(BSON_APPEND_INT64(document, "latestversion", (int64_t)list[count - 1].version));
	assert_true(BSON_APPEND_ARRAY_BEGIN(document, "events", &events));
	for (size_t i = 0; i < count; i++)
		append_event(&events, (uint32_t)i, &list[i]);
	assert_true(bson_append_array_end(document, &events));
	assert_true(BSON_APPEND_BINARY(document, "filler", BSON_SUBTYPE_BINARY, more,
				       (uint32_t)filler));
	free(more);
	return document;
}

/* The aggregate by its id. */
static inline struct et_uuid
key_of(const char *aggregate)
{
	return et_ident_key((struct et_slice){ (const uint8_t *)aggregate, strlen(aggregate) },
			    NULL);
}

/* Saves it as the audit would. */
static inline int
save_bson(struct bench *bench, const bson_t *bson, struct et_error *err)
{
	struct et_document_scratch scratch = { .events = NULL };
	struct et_slice raw = { bson_get_data(bson), bson->len };
	char words[ET_STORE_WORDS_BYTES];
	struct et_document document;
	struct et_uuid aggregate;
	int r;

	assert_int_equal(et_document_parse(raw.data, raw.size, &document, &scratch, words), 0);
	aggregate = et_ident_key(document.aggregate_id, NULL);
	r = et_rescue_save(bench->rescue, &aggregate, &document, raw, err);
	et_document_scratch_done(&scratch);
	return r;
}

#define save(bench, aggregate, ...)                                                   \
	save_document((bench), (aggregate), 0, (const struct event[]){ __VA_ARGS__ }, \
		      sizeof((const struct event[]){ __VA_ARGS__ }) / sizeof(struct event))
static inline void
save_document(struct bench *bench, const char *aggregate, size_t filler, const struct event *events,
	      size_t count)
{
	bson_t *bson = build_document(aggregate, events, count, filler);
	struct et_error err = { 0 };

	assert_ok(save_bson(bench, bson, &err), &err);
	bson_destroy(bson);
}

/* Flush and commit, as the audit does at its end. */
static inline void
keep(struct bench *bench)
{
	struct et_error err = { 0 };

	bench_begin(bench);
	assert_ok(et_rescue_flush(bench->rescue, &err), &err);
	bench_commit(bench);
}

static inline void
append_versions(char *text, size_t room, const struct et_document *document)
{
	size_t at = strlen(text);

	if (at > 0)
		at += (size_t)snprintf(text + at, room - at, " | ");
	for (size_t i = 0; i < document->event_count; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%d", i > 0 ? " " : "",
				       (int)document->events[i].version);
}

/* The versions that the copies of an aggregate hold, newest copy first: "4 5 | 2 3". */
static inline const char *
copies(struct bench *bench, const char *aggregate)
{
	static char text[512];
	struct et_document *list[64];
	struct et_error err = { 0 };
	struct et_uuid key = key_of(aggregate);
	struct et_arena arena;
	size_t count = 0;

	text[0] = '\0';
	et_arena_init(&arena, 0);
	assert_ok(et_rescue_load(bench->rescue, &key, &arena, list, ET_COUNT(list), &count, &err),
		  &err);
	for (size_t i = 0; i < count; i++) {
		assert_true(et_slice_equals(list[i]->aggregate_id, aggregate));
		append_versions(text, sizeof(text), list[i]);
	}
	et_arena_done(&arena);
	return text;
}

static inline char *
rescue_path(void **state, const char *name)
{
	return et_format("%s/rescue/%s", (const char *)*state, name);
}

static inline int
is_visible(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* The names in the rescue folder, by name, with a space between. */
static inline const char *
names(void **state)
{
	ET_CLEAN_MEM char *path = rescue_path(state, "");
	static char text[4096];
	struct dirent **list = NULL;
	int count = scandir(path, &list, is_visible, alphasort);
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? " " : "",
				       list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return text;
}

/* The aggregates of a file's documents, as the driver's reader sees them: "A B"; the file must be
 * read to its end. */
static inline const char *
documents_in(void **state, const char *name)
{
	ET_CLEAN_MEM char *path = rescue_path(state, name);
	bson_reader_t *reader = bson_reader_new_from_file(path, NULL);
	static char text[4096];
	const bson_t *document;
	bool at_end = false;
	size_t at = 0;

	assert_non_null(reader);
	text[0] = '\0';
	while ((document = bson_reader_read(reader, &at_end)) != NULL) {
		bson_iter_t iter;

		assert_true(bson_validate(document, BSON_VALIDATE_UTF8, NULL));
		assert_true(bson_iter_init_find(&iter, document, "aggregateid"));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.1s", at > 0 ? " " : "",
				       bson_iter_utf8(&iter, NULL));
	}
	assert_true(at_end);
	bson_reader_destroy(reader);
	return text;
}

/* Changes one byte of a file, or cuts it there. */
static inline void
harm(void **state, const char *name, off_t at, bool cut)
{
	ET_CLEAN_MEM char *path = rescue_path(state, name);
	ET_CLEAN_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte = 0;

	assert_true(fd >= 0);
	if (cut) {
		assert_int_equal(ftruncate(fd, at), 0);
		return;
	}
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static inline off_t
file_size(void **state, const char *name)
{
	ET_CLEAN_MEM char *path = rescue_path(state, name);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static inline uint64_t
copies_noted(struct bench *bench)
{
	struct et_rescue_totals totals;
	struct et_error err = { 0 };

	assert_ok(et_catalog_rescue_totals(bench->state.catalog, &totals, &err), &err);
	return totals.copies;
}

#endif
