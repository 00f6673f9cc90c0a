// SPDX-License-Identifier: Apache-2.0
/* A source that asks MongoDB (store/source.h). */
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/conn_internal.h"
#include "store/source_internal.h"

#define SCAN_BATCH 10000   /* rows of about 100 bytes */
#define DOCUMENT_BATCH 200 /* documents of a kilobyte, and now and then of 16 MiB */
#define LOOKUP_BATCH 10000
#define CANCEL_CHECK_EVERY 1024u

struct mongo {
	struct et_source source;
	struct et_store *store;
};

static struct mongo *
mongo_of(struct et_source *source)
{
	return (struct mongo *)source;
}

/* A query whose first document is fetched when it is opened: only then does the server say what it
 * does not take. */
struct query {
	struct et_store *store;
	mongoc_cursor_t *cursor;
	const bson_t *ahead; /* NULL: none in hand */
	uint64_t count;
};

static void
query_done(struct query *query)
{
	mongoc_cursor_destroy(query->cursor);
	query->cursor = NULL;
}

static int
query_fetch(struct query *query, struct et_error *err)
{
	bson_error_t error = { .code = 0 };
	int r;

	r = et_fault_point("cursor", err);
	if (r < 0)
		return r;
	if (query->count++ % CANCEL_CHECK_EVERY == 0) {
		r = et_cancel_check(err);
		if (r < 0)
			return r;
	}
	query->ahead = NULL;
	query->store->asked_ns = et_clock_monotonic_ns();
	if (mongoc_cursor_next(query->cursor, &query->ahead))
		return 1;
	query->ahead = NULL;
	if (mongoc_cursor_error(query->cursor, &error))
		return et_store_fail(query->store, err, &error, "read from");
	return 0;
}

/* That a question was refused is our own knowledge: outside, the server is of no use. */
static int
refused(int r, struct et_error *err)
{
	return r == ET_CONFLICT ? et_error_wrap(err, ET_UNAVAILABLE, "refused") : r;
}

static int
query_next(struct query *query, struct et_slice *ret_bson, struct et_error *err)
{
	int r;

	if (query->cursor == NULL)
		return 0;
	if (query->ahead == NULL) {
		r = query_fetch(query, err);
		if (r == 0) /* an ended cursor must not be asked again */
			query_done(query);
		if (r <= 0)
			return refused(r, err);
	}
	*ret_bson =
		(struct et_slice){ .data = bson_get_data(query->ahead), .size = query->ahead->len };
	query->ahead = NULL;
	return 1;
}

/* Takes filter and options over. */
static int
query_open(struct query *query, struct et_store *store, mongoc_collection_t *collection,
	   bson_t *filter, bson_t *options, struct et_error *err)
{
	int r;

	*query = (struct query){ .store = store };
	query->cursor = mongoc_collection_find_with_opts(collection, filter, options, NULL);
	bson_destroy(filter);
	bson_destroy(options);
	r = query_fetch(query, err);
	if (r < 0) {
		query_done(query);
		return r;
	}
	if (r == 0)
		query_done(query);
	return 0;
}

/* The same, and once more without the read concern when it is refused. */
static int
query_ask(struct query *query, struct et_store *store, mongoc_collection_t *collection,
	  bson_t *filter, bson_t *options, struct et_error *err)
{
	int r = query_open(query, store, collection, bson_copy(filter), bson_copy(options), err);

	if (r == ET_CONFLICT && store->majority) {
		et_store_set_majority(store, false);
		r = query_open(query, store, collection, bson_copy(filter), bson_copy(options),
			       err);
		if (r < 0)
			et_store_set_majority(store, true);
	}
	bson_destroy(filter);
	bson_destroy(options);
	return refused(r, err);
}

static int
lane_next(void *feed, struct et_slice *ret_bson, struct et_error *err)
{
	struct query *query = feed;

	return query_next(query, ret_bson, err);
}

static void
lane_free(void *feed)
{
	struct query *query = feed;

	query_done(query);
	free(query);
}

static bson_t *
range_filter(const char *after, const char *until)
{
	bson_t *filter = bson_new();
	bson_t range;

	if (after == NULL && until == NULL)
		return filter;
	BSON_APPEND_DOCUMENT_BEGIN(filter, "aggregateid", &range);
	if (after != NULL)
		BSON_APPEND_UTF8(&range, "$gt", after);
	if (until != NULL)
		BSON_APPEND_UTF8(&range, "$lte", until);
	bson_append_document_end(filter, &range);
	return filter;
}

/* From the best way to ask to the plainest. */
enum way {
	WAY_INDEX, /* by the index, named */
	WAY_DISK,  /* any plan, sorting on disk if need be */
	WAY_PLAIN, /* nothing but sort and projection */
	WAY_COUNT
};

static bson_t *
scan_options(enum way way, const char *field, const char *also)
{
	bson_t *options =
		BCON_NEW("projection", "{", "_id", BCON_INT32(0), "aggregateid", BCON_INT32(1),
			 field, BCON_INT32(1), "}", "sort", "{", "aggregateid", BCON_INT32(1),
			 field, BCON_INT32(1), "}", "batchSize", BCON_INT32(SCAN_BATCH));

	if (also != NULL) {
		bson_destroy(options);
		options = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "aggregateid",
				   BCON_INT32(1), field, BCON_INT32(1), also, BCON_INT32(1), "}",
				   "sort", "{", "aggregateid", BCON_INT32(1), "}", "batchSize",
				   BCON_INT32(SCAN_BATCH));
	}
	if (way == WAY_INDEX)
		BCON_APPEND(options, "hint", "{", "aggregateid", BCON_INT32(1), field,
			    BCON_INT32(1), "}");
	if (way == WAY_DISK)
		BCON_APPEND(options, "allowDiskUse", BCON_BOOL(true));
	return options;
}

static int
open_lane(struct mongo *mongo, const char *after, const char *until, bson_t *options,
	  struct et_lane *ret, struct et_error *err)
{
	struct query *query = et_calloc(1, sizeof(*query));
	int r;

	r = query_open(query, mongo->store, mongo->store->events, range_filter(after, until),
		       options, err);
	if (r < 0) {
		free(query);
		return r;
	}
	*ret = (struct et_lane){ .next = lane_next, .free = lane_free, .feed = query };
	return 0;
}

/* Both lanes in one way: two index-only scans, or one that reads the documents. */
static int
open_lanes(struct mongo *mongo, const char *after, const char *until, bool split, enum way way,
	   struct et_lane lanes[2], struct et_error *err)
{
	bool two = split && way == WAY_INDEX;
	int r;

	lanes[0] = lanes[1] = (struct et_lane){ .next = NULL };
	r = open_lane(mongo, after, until,
		      scan_options(way, "latestversion", split && !two ? "firstversion" : NULL),
		      &lanes[0], err);
	if (r == 0 && two) {
		r = open_lane(mongo, after, until, scan_options(way, "firstversion", NULL),
			      &lanes[1], err);
		if (r < 0)
			lanes[0].free(lanes[0].feed);
	}
	return r;
}

/* FerretDB takes a hint and reads all the same every document: one scan is the better way there. */
static bool
has_indexes(const struct mongo *mongo)
{
	return strncmp(mongo->store->server, "FerretDB", 8) != 0;
}

static int
mongo_heads(struct et_source *source, const char *after, const char *until, bool split,
	    struct et_heads **ret, struct et_error *err)
{
	struct mongo *mongo = mongo_of(source);
	enum way way = has_indexes(mongo) ? WAY_INDEX : WAY_PLAIN;
	bool majority = mongo->store->majority;
	struct et_lane lanes[2];
	int r;

	for (;;) {
		r = open_lanes(mongo, after, until, split, way, lanes, err);
		if (r != ET_CONFLICT || (way + 1 == WAY_COUNT && !mongo->store->majority))
			break;
		et_log(ET_LOG_DEBUG, "a scan is refused, asking in a plainer way: %s",
		       err != NULL ? err->text : "");
		if (way + 1 == WAY_COUNT)
			et_store_set_majority(mongo->store, false);
		else
			way++;
	}
	if (r == ET_CONFLICT)
		et_error_hint(err, "the server refuses a sorted find on this collection");
	if (r < 0) {
		et_store_set_majority(mongo->store, majority);
		return refused(r, err);
	}
	et_error_clear(err);
	*ret = et_heads_new(lanes[0], lanes[1], split, way == WAY_INDEX);
	return 0;
}

static bson_t *
ids_filter(const char *field, const char *const *ids, size_t count)
{
	bson_t *filter = bson_new();
	bson_t in;
	bson_t array;
	char key[16];

	if (count == 0)
		return filter;
	BSON_APPEND_DOCUMENT_BEGIN(filter, field, &in);
	BSON_APPEND_ARRAY_BEGIN(&in, "$in", &array);
	for (size_t i = 0; i < count; i++) {
		const char *name;
		size_t bytes = bson_uint32_to_string((uint32_t)i, &name, key, sizeof(key));

		bson_append_utf8(&array, name, (int)bytes, ids[i], -1);
	}
	bson_append_array_end(&in, &array);
	bson_append_document_end(filter, &in);
	return filter;
}

struct mongo_documents {
	struct et_documents documents;
	struct query query;
};

static int
documents_next(struct et_documents *documents, struct et_slice *ret_bson, struct et_error *err)
{
	return query_next(&((struct mongo_documents *)documents)->query, ret_bson, err);
}

static void
documents_free(struct et_documents *documents)
{
	query_done(&((struct mongo_documents *)documents)->query);
	free(documents);
}

static int
mongo_documents(struct et_source *source, const char *const *ids, size_t count,
		struct et_documents **ret, struct et_error *err)
{
	struct mongo *mongo = mongo_of(source);
	struct mongo_documents *documents = et_calloc(1, sizeof(*documents));
	int r;

	documents->documents.next = documents_next;
	documents->documents.free = documents_free;
	r = query_ask(&documents->query, mongo->store, mongo->store->events,
		      ids_filter("aggregateid", ids, count),
		      BCON_NEW("batchSize", BCON_INT32(DOCUMENT_BATCH)), err);
	if (r < 0) {
		free(documents);
		return r;
	}
	*ret = &documents->documents;
	return 0;
}

/* Which of the ids stand in `field` of any document of the collection. */
static int
look_up(struct mongo *mongo, mongoc_collection_t *collection, const char *field,
	const char *const *ids, size_t count, bool *found, struct et_error *err)
{
	bool is_id = strcmp(field, "_id") == 0;
	bson_t *options = bson_new();
	struct query query;
	struct et_slice bson = { .data = NULL, .size = 0 };
	struct et_slice text;
	size_t open_count = count;
	int r;

	if (is_id)
		BCON_APPEND(options, "projection", "{", "_id", BCON_INT32(1), "}");
	else
		BCON_APPEND(options, "projection", "{", "_id", BCON_INT32(0), field, BCON_INT32(1),
			    "}");
	BCON_APPEND(options, "batchSize", BCON_INT32(LOOKUP_BATCH));
	r = query_ask(&query, mongo->store, collection, ids_filter(field, ids, count), options,
		      err);
	while (r == 0 && open_count > 0 && (r = query_next(&query, &bson, err)) > 0) {
		if (et_bson_text(bson.data, bson.size, field, &text))
			et_source_mark(ids, count, text, found, &open_count);
		r = 0;
	}
	query_done(&query);
	return r;
}

static int
mongo_devices(struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
	      struct et_error *err)
{
	struct mongo *mongo = mongo_of(source);

	return look_up(mongo, mongo->store->events, "groupid", ids, count, ret_found, err);
}

static int
mongo_owners(struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
	     struct et_error *err)
{
	struct mongo *mongo = mongo_of(source);
	bson_error_t error = { .code = 0 };

	/* An identity store that is empty is the wrong one, or not on this server. */
	if (mongoc_collection_estimated_document_count(mongo->store->owners, NULL, NULL, NULL,
						       &error) == 0)
		return et_error_set(err, ET_GONE, "there is no identity store on %s",
				    mongo->store->address);
	return look_up(mongo, mongo->store->owners, "_id", ids, count, ret_found, err);
}

/* Whether the collection exists though it is empty; not being allowed to ask counts as no. */
static bool
is_listed(struct mongo *mongo)
{
	bson_t *options = BCON_NEW("filter", "{", "name", BCON_UTF8(mongo->store->collection), "}");
	mongoc_database_t *db = mongoc_client_get_database(mongo->store->client, mongo->store->db);
	mongoc_cursor_t *cursor = mongoc_database_find_collections_with_opts(db, options);
	const bson_t *found = NULL;
	bool listed = mongoc_cursor_next(cursor, &found);

	mongoc_cursor_destroy(cursor);
	mongoc_database_destroy(db);
	bson_destroy(options);
	return listed;
}

static int
count_documents(struct mongo *mongo, int64_t *ret, struct et_error *err)
{
	bson_error_t error = { .code = 0 };
	int64_t count;

	mongo->store->asked_ns = et_clock_monotonic_ns();
	count = mongoc_collection_estimated_document_count(mongo->store->events, NULL, NULL, NULL,
							   &error);
	if (count < 0)
		return et_store_fail(mongo->store, err, &error, "count documents of");
	*ret = count;
	return 0;
}

static int
mongo_probe(struct et_source *source, struct et_source_facts *ret, struct et_error *err)
{
	struct mongo *mongo = mongo_of(source);
	bson_error_t error = { .code = 0 };
	int64_t count = 0;
	int r;

	r = et_fault_point("fetch", err);
	if (r < 0)
		return r;
	r = count_documents(mongo, &count, err);
	if (r == ET_CONFLICT && mongo->store->majority) {
		et_store_set_majority(mongo->store, false);
		r = count_documents(mongo, &count, err);
		if (r < 0)
			et_store_set_majority(mongo->store, true);
	}
	if (r < 0)
		return refused(r, err);
	et_error_clear(err);
	ret->documents = (uint64_t)count;
	ret->exists = count > 0 || is_listed(mongo);
	ret->replica_set = mongo->store->replica_set;
	ret->majority = mongo->store->majority;
	ret->secondary = mongo->store->secondary;
	ret->has_owners = mongoc_collection_estimated_document_count(mongo->store->owners, NULL,
								     NULL, NULL, &error) > 0;
	memcpy(ret->server, mongo->store->server, sizeof(ret->server));
	return 0;
}

static const char *
mongo_address(const struct et_source *source)
{
	return et_store_address(((const struct mongo *)source)->store);
}

static void
mongo_free(struct et_source *source)
{
	et_store_free(mongo_of(source)->store);
	free(source);
}

static const struct et_source_ops mongo_ops = {
	.probe = mongo_probe,
	.heads = mongo_heads,
	.documents = mongo_documents,
	.devices = mongo_devices,
	.owners = mongo_owners,
	.address = mongo_address,
	.free = mongo_free,
};

int
et_source_open_mongo(const struct et_store_options *options, struct et_source **ret,
		     struct et_error *err)
{
	struct et_store *store = NULL;
	struct mongo *mongo;
	int r;

	r = et_store_open(options, &store, err);
	if (r < 0)
		return r;
	mongo = et_calloc(1, sizeof(*mongo));
	mongo->source.ops = &mongo_ops;
	mongo->store = store;
	*ret = &mongo->source;
	return 0;
}
