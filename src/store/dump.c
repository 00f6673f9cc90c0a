// SPDX-License-Identifier: Apache-2.0
/*
 * A source that reads a .bson file of mongodump (store/source.h): documents
 * one after the other, each beginning with its length. One pass notes where
 * each document lies and its aggregate id, sorted; documents are read again
 * when they are asked for. The devices are noted as a sorted list.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fault.h"
#include "store/source_internal.h"

#define LENGTH_BYTES 4
#define DOCUMENT_BYTES_LEAST 5
#define CANCEL_CHECK_EVERY 1024u

struct place {
	const char *aggregate_id; /* in the arena; "" when it cannot be read */
	uint64_t offset;
	uint32_t bytes;
};

struct dump {
	struct et_source source;
	int fd;
	char *path;
	struct place *places;
	size_t count;
	size_t capacity;
	const char **devices;
	size_t device_count;
	size_t device_capacity;
	struct et_arena texts;
};

static struct dump *
dump_of(struct et_source *source)
{
	return (struct dump *)source;
}

/* All of the bytes, or ET_GARBLED at the end of the file. */
static int
read_at(const struct dump *dump, uint64_t offset, void *to, size_t count, struct et_error *err)
{
	uint8_t *at = to;
	int r = et_fault_point("read", err);

	while (r == 0 && count > 0) {
		ssize_t got = pread(dump->fd, at, count, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return et_error_errno(err, errno, "read '%s'", dump->path);
		if (got == 0)
			return et_error_set(err, ET_GARBLED, "'%s' ends inside a document",
					    dump->path);
		at += got;
		offset += (uint64_t)got;
		count -= (size_t)got;
	}
	return r;
}

static int
read_document(const struct dump *dump, uint64_t offset, size_t bytes, struct et_buf *buf,
	      struct et_error *err)
{
	uint8_t *to;
	int r;

	et_buf_reset(buf);
	to = et_buf_reserve(buf, bytes);
	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "a document of %zu bytes in '%s'", bytes,
				    dump->path);
	r = read_at(dump, offset, to, bytes, err);
	if (r == 0)
		et_buf_commit(buf, bytes);
	return r;
}

static void
note_device(struct dump *dump, struct et_slice device)
{
	const char *last = dump->device_count > 0 ? dump->devices[dump->device_count - 1] : NULL;

	/* Documents of one device often lie together. */
	if (last != NULL && et_slice_equals(device, last))
		return;
	if (dump->device_count == dump->device_capacity) {
		dump->device_capacity = dump->device_capacity > 0 ? dump->device_capacity * 2 : 64;
		dump->devices = et_realloc_array(dump->devices, dump->device_capacity,
						 sizeof(*dump->devices));
	}
	dump->devices[dump->device_count++] =
		et_arena_strndup(&dump->texts, (const char *)device.data, device.size);
}

static void
note_document(struct dump *dump, uint64_t offset, const struct et_buf *buf)
{
	struct et_slice id = { .data = NULL, .size = 0 };
	struct et_slice device;

	if (dump->count == dump->capacity) {
		dump->capacity = dump->capacity > 0 ? dump->capacity * 2 : 1024;
		dump->places =
			et_realloc_array(dump->places, dump->capacity, sizeof(*dump->places));
	}
	if (!et_bson_text(buf->data, buf->size, "aggregateid", &id))
		id.size = 0;
	dump->places[dump->count++] = (struct place){
		.aggregate_id =
			id.size > 0 ? et_arena_strndup(&dump->texts, (const char *)id.data, id.size)
				    : "",
		.offset = offset,
		.bytes = (uint32_t)buf->size,
	};
	if (et_bson_text(buf->data, buf->size, "groupid", &device))
		note_device(dump, device);
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *one = a;
	const struct place *other = b;
	int order = strcmp(one->aggregate_id, other->aggregate_id);

	return order != 0 ? order : (one->offset > other->offset) - (one->offset < other->offset);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
sort(struct dump *dump, struct et_error *err)
{
	if (dump->count == 0)
		return 0;
	qsort(dump->places, dump->count, sizeof(*dump->places), compare_places);
	/* Documents without a key can be damaged; all of them are of another collection. */
	if (dump->places[dump->count - 1].aggregate_id[0] == '\0')
		return et_error_set(err, ET_GARBLED,
				    "'%s' is no dump of devices_events: no document has an "
				    "aggregateid",
				    dump->path);
	if (dump->device_count > 0)
		qsort(dump->devices, dump->device_count, sizeof(*dump->devices), compare_texts);
	return 0;
}

static int
read_file(struct dump *dump, uint64_t file_bytes, struct et_error *err)
{
	struct et_buf buf;
	uint64_t offset = 0;
	int r = 0;

	et_buf_init(&buf, ET_STORE_DOCUMENT_BYTES_MAX);
	while (r == 0 && offset < file_bytes) {
		uint8_t head[LENGTH_BYTES];
		uint32_t bytes;

		if (dump->count % CANCEL_CHECK_EVERY == 0)
			r = et_cancel_check(err);
		if (r == 0)
			r = read_at(dump, offset, head, sizeof(head), err);
		if (r < 0)
			break;
		bytes = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
			(uint32_t)head[3] << 24;
		if (bytes < DOCUMENT_BYTES_LEAST || bytes > ET_STORE_DOCUMENT_BYTES_MAX ||
		    bytes > file_bytes - offset)
			r = et_error_set(err, ET_GARBLED,
					 "'%s' is no dump: at byte %" PRIu64 " begins no document",
					 dump->path, offset);
		if (r == 0)
			r = read_document(dump, offset, bytes, &buf, err);
		if (r == 0)
			note_document(dump, offset, &buf);
		offset += bytes;
	}
	et_buf_done(&buf);
	return r < 0 ? r : sort(dump, err);
}

/* Walks places [at, end) of the sorted list, or those of a list of ids. */
struct walk {
	struct dump *dump;
	struct et_buf buf;
	size_t at;
	size_t end;
	char **ids; /* NULL: one stretch only */
	size_t id_count;
	size_t id_next;
};

/* The first place with an id >= (or, `above`, > ) the text. */
static size_t
find_place(const struct dump *dump, const char *id, bool above)
{
	size_t low = 0;
	size_t high = dump->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(dump->places[middle].aggregate_id, id);

		if (order < 0 || (above && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
walk_next(struct walk *walk, struct et_slice *ret_bson, struct et_error *err)
{
	const struct place *place;
	int r;

	while (walk->at == walk->end) {
		const char *id;

		if (walk->id_next >= walk->id_count)
			return 0;
		id = walk->ids[walk->id_next++];
		walk->at = find_place(walk->dump, id, false);
		walk->end = find_place(walk->dump, id, true);
	}
	place = &walk->dump->places[walk->at++];
	r = read_document(walk->dump, place->offset, place->bytes, &walk->buf, err);
	if (r < 0)
		return r;
	*ret_bson = (struct et_slice){ .data = walk->buf.data, .size = walk->buf.size };
	return 1;
}

static void
walk_init(struct walk *walk, struct dump *dump, size_t at, size_t end)
{
	*walk = (struct walk){ .dump = dump, .at = at, .end = end };
	et_buf_init(&walk->buf, ET_STORE_DOCUMENT_BYTES_MAX);
}

static void
walk_done(struct walk *walk)
{
	for (size_t i = 0; i < walk->id_count; i++)
		free(walk->ids[i]);
	free(walk->ids);
	et_buf_done(&walk->buf);
}

static int
lane_next(void *feed, struct et_slice *ret_bson, struct et_error *err)
{
	struct walk *walk = feed;

	if (walk->at % CANCEL_CHECK_EVERY == 0) {
		int r = et_cancel_check(err);

		if (r < 0)
			return r;
	}
	return walk_next(walk, ret_bson, err);
}

static void
lane_free(void *feed)
{
	walk_done(feed);
	free(feed);
}

static int
dump_heads(struct et_source *source, const char *after, const char *until, bool split,
	   struct et_heads **ret, struct et_error *err ET_UNUSED)
{
	struct dump *dump = dump_of(source);
	struct walk *walk = et_calloc(1, sizeof(*walk));
	/* As on MongoDB, what has no aggregate id comes only without bounds. */
	size_t at = after != NULL   ? find_place(dump, after, true)
		    : until != NULL ? find_place(dump, "", true)
				    : 0;
	size_t end = until != NULL ? find_place(dump, until, true) : dump->count;

	walk_init(walk, dump, at, end > at ? end : at);
	*ret = et_heads_new((struct et_lane){ .next = lane_next, .free = lane_free, .feed = walk },
			    (struct et_lane){ .next = NULL }, split, false);
	return 0;
}

struct dump_documents {
	struct et_documents documents;
	struct walk walk;
};

static int
documents_next(struct et_documents *documents, struct et_slice *ret_bson, struct et_error *err)
{
	return walk_next(&((struct dump_documents *)documents)->walk, ret_bson, err);
}

static void
documents_free(struct et_documents *documents)
{
	walk_done(&((struct dump_documents *)documents)->walk);
	free(documents);
}

static int
dump_documents(struct et_source *source, const char *const *ids, size_t count,
	       struct et_documents **ret, struct et_error *err ET_UNUSED)
{
	struct dump *dump = dump_of(source);
	struct dump_documents *documents = et_calloc(1, sizeof(*documents));
	struct walk *walk = &documents->walk;

	documents->documents.next = documents_next;
	documents->documents.free = documents_free;
	walk_init(walk, dump, 0, count > 0 ? 0 : dump->count);
	walk->ids = et_calloc(count + 1, sizeof(*walk->ids));
	walk->id_count = count;
	for (size_t i = 0; i < count; i++)
		walk->ids[i] = et_strdup(ids[i]);
	*ret = &documents->documents;
	return 0;
}

static int
dump_devices(struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
	     struct et_error *err ET_UNUSED)
{
	const struct dump *dump = dump_of(source);

	for (size_t i = 0; i < count; i++)
		ret_found[i] = dump->device_count > 0 &&
			       bsearch(&ids[i], dump->devices, dump->device_count,
				       sizeof(*dump->devices), compare_texts) != NULL;
	return 0;
}

static int
dump_owners(struct et_source *source, const char *const *ids ET_UNUSED, size_t count ET_UNUSED,
	    bool *ret_found ET_UNUSED, struct et_error *err)
{
	return et_error_set(err, ET_GONE, "'%s' holds no identity store", dump_of(source)->path);
}

static int
dump_probe(struct et_source *source, struct et_source_facts *ret, struct et_error *err ET_UNUSED)
{
	ret->exists = true;
	ret->documents = dump_of(source)->count;
	(void)snprintf(ret->server, sizeof(ret->server), "dump");
	return 0;
}

static const char *
dump_address(const struct et_source *source)
{
	return ((const struct dump *)source)->path;
}

static void
dump_free(struct et_source *source)
{
	struct dump *dump = dump_of(source);

	et_fd_cleanup(&dump->fd);
	free(dump->path);
	free(dump->places);
	free(dump->devices);
	et_arena_done(&dump->texts);
	free(dump);
}

static const struct et_source_ops dump_ops = {
	.probe = dump_probe,
	.heads = dump_heads,
	.documents = dump_documents,
	.devices = dump_devices,
	.owners = dump_owners,
	.address = dump_address,
	.free = dump_free,
};

int
et_source_open_dump(const char *path, struct et_source **ret, struct et_error *err)
{
	struct dump *dump = et_calloc(1, sizeof(*dump));
	ET_CLEAN(et_source) struct et_source *source = &dump->source;
	struct stat status;
	int r;

	dump->source.ops = &dump_ops;
	dump->path = et_strdup(path);
	et_arena_init(&dump->texts, 0);
	dump->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (dump->fd < 0 || fstat(dump->fd, &status) < 0)
		return et_error_errno(err, errno, "open '%s'", path);
	if (!S_ISREG(status.st_mode))
		return et_error_set(err, ET_USAGE, "'%s' is no file", path);
	r = read_file(dump, (uint64_t)status.st_size, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the dump");
	*ret = ET_STEAL(source);
	return 0;
}
