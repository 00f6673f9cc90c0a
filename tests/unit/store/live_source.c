// SPDX-License-Identifier: Apache-2.0
/*
 * The store room against a real server that speaks MongoDB's protocol.
 * MONGO_URI says which; without it the result is 77 (skipped).
 *
 *	live_source               fills a database of its own, tries everything, drops it
 *	live_source compare DUMP  the database MONGO_DB against the dump that it was loaded from
 *	live_source bench         the scan of MONGO_DB against a bare cursor, three times each
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/driver.h"
#include "store/source.h"

#define DB "et_live_source"
#define AGGREGATES 1200u
#define ROUNDS 3
#define SKIPPED 77

static struct et_error err;

static void
fail(const char *where, int code)
{
	fprintf(stderr, "live_source: %s: %s: %s\n", where, et_code_name(code), err.text);
	if (err.hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", err.hint);
	exit(1);
}

static void
check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "live_source: not so: %s (%s)\n", what, err.text);
	exit(1);
}

static struct et_store_options
options_of_environment(const char *db)
{
	return (struct et_store_options){
		.uri = getenv("MONGO_URI"),
		.db = db,
		.tls_ca_file = getenv("MONGO_CA"),
		.tls_cert_file = getenv("MONGO_CERT"),
		.tls_key_file = getenv("MONGO_KEY"),
	};
}

static struct et_source *
open_source(const char *db)
{
	struct et_store_options options = options_of_environment(db);
	struct et_source *source = NULL;
	int r = et_source_open_mongo(&options, &source, &err);

	if (r < 0)
		fail("open", r);
	return source;
}

static void
insert(mongoc_collection_t *collection, bson_t *document)
{
	bson_error_t error;

	if (!mongoc_collection_insert_one(collection, document, NULL, NULL, &error)) {
		fprintf(stderr, "live_source: insert: %s\n", error.message);
		exit(1);
	}
	bson_destroy(document);
}

/* Aggregate i: latest version i, in two documents when split(i); now and then a ghost. */
static bool
is_split(unsigned i)
{
	return i > 0 && i % 10 == 0;
}

static void
fill(mongoc_collection_t *collection)
{
	for (unsigned i = 0; i < AGGREGATES; i++) {
		char id[40];
		char key[64];
		char device[40];
		unsigned first = is_split(i) ? i / 2 + 1 : i;

		(void)snprintf(id, sizeof(id), "aggregate-%08u", (i * 7919) % AGGREGATES);
		(void)snprintf(device, sizeof(device), "device-%04u", i % 40);
		(void)snprintf(key, sizeof(key), "%s.%u", id, first);
		insert(collection,
		       BCON_NEW("_id", BCON_UTF8(key), "latestversion", BCON_INT64(i), "groupid",
				BCON_UTF8(device), "firstversion", BCON_INT64(first), "aggregateid",
				BCON_UTF8(id), "latesttimestamp", BCON_INT64(1000 + i), "isactive",
				BCON_BOOL(true), "events", "[", "{", "version", BCON_INT64(i),
				"data", BCON_BIN(BSON_SUBTYPE_BINARY, (const uint8_t *)"x", 1),
				"eventtype", BCON_UTF8("resourcechanged"), "issnapshot",
				BCON_BOOL(false), "timestamp", BCON_INT64(1000 + i), "}", "]"));
		if (is_split(i))
			insert(collection, BCON_NEW("groupid", BCON_UTF8(device), "aggregateid",
						    BCON_UTF8(id), "firstversion", BCON_INT32(0),
						    "latestversion", BCON_DOUBLE(i / 2), "isactive",
						    BCON_BOOL(false), "events", "[", "]"));
		if (i % 100 == 5)
			insert(collection, BCON_NEW("aggregateid", BCON_UTF8(id), "latestversion",
						    BCON_INT64(i), "isactive", BCON_BOOL(true)));
	}
}

static void
fill_hostile(mongoc_collection_t *collection)
{
	insert(collection, BCON_NEW("latestversion", BCON_INT32(3)));
	insert(collection, BCON_NEW("aggregateid", BCON_INT32(3), "latestversion", BCON_INT32(3)));
	insert(collection,
	       BCON_NEW("aggregateid", BCON_UTF8("hostile-a"), "groupid", BCON_UTF8("h"),
			"latestversion", BCON_UTF8("three"), "firstversion", BCON_INT32(0)));
	insert(collection, BCON_NEW("aggregateid", BCON_UTF8("hostile-b"), "groupid",
				    BCON_UTF8("h"), "latestversion", BCON_INT32(3), "firstversion",
				    BCON_INT32(0), "events", "[", BCON_INT32(1), "]"));
}

struct sums {
	uint64_t rows;
	uint64_t malformed;
	uint64_t latest;
	uint64_t first;
	uint64_t documents;
};

static struct sums
scan(struct et_source *source, const char *after, const char *until, bool split)
{
	struct sums sums = { .rows = 0 };
	struct et_source_head row;
	struct et_heads *heads = NULL;
	int r;

	r = et_source_heads(source, after, until, split, &heads, &err);
	if (r < 0)
		fail("heads", r);
	while ((r = et_heads_next(heads, &row, &err)) > 0) {
		if (row.malformed) {
			sums.malformed++;
			check(row.words[0] != '\0', "words of a malformed row");
			continue;
		}
		sums.rows++;
		sums.latest += row.head.latest_version;
		sums.documents += row.documents;
		if (row.first_known)
			sums.first += row.head.first_version + 1;
	}
	if (r < 0)
		fail("heads_next", r);
	check(et_heads_next(heads, &row, &err) == 0, "the end stays the end");
	et_heads_free(heads);
	return sums;
}

static void
try_scans(struct et_source *source)
{
	uint64_t all = (uint64_t)AGGREGATES * (AGGREGATES - 1) / 2;
	struct sums sums = scan(source, NULL, NULL, false);
	struct sums low;
	struct sums high;

	check(sums.rows == AGGREGATES && sums.latest == all && sums.malformed == 0,
	      "one row per aggregate");
	check(sums.documents == AGGREGATES + AGGREGATES / 10 - 1 + AGGREGATES / 100,
	      "rows are merged");
	sums = scan(source, NULL, NULL, true);
	/* The first version of a split aggregate is 0, of any other the latest; 1 added to each. */
	check(sums.rows == AGGREGATES && sums.first == all + AGGREGATES - 10 * (119 * 120 / 2),
	      "first versions");
	low = scan(source, NULL, "aggregate-00000599", false);
	high = scan(source, "aggregate-00000599", NULL, true);
	check(low.rows == 600 && high.rows == AGGREGATES - 600 && low.latest + high.latest == all,
	      "ranges meet without overlap");
	check(scan(source, "aggregate-00000010", "aggregate-00000010", false).rows == 0,
	      "an empty range");
	check(scan(source, "zzz", NULL, true).rows == 0, "a range behind all");
}

static void
try_lookups(struct et_source *source)
{
	const char *ids[] = { "aggregate-00001190", "aggregate-00000001", "none" };
	const char *devices[] = { "device-0001", "device-9999", "device-0039" };
	struct et_documents *documents = NULL;
	struct et_source_document row;
	bool found[3] = { false };
	unsigned count = 0;
	int r;

	r = et_source_documents(source, ids, 3, &documents, &err);
	if (r < 0)
		fail("documents", r);
	while ((r = et_documents_next(documents, &row, &err)) > 0) {
		check(!row.malformed, "well-formed");
		count++;
	}
	check(r == 0 && count == 3, "two documents of the split aggregate and one of the other");
	check(et_documents_next(documents, &row, &err) == 0, "the end stays the end");
	et_documents_free(documents);
	check(et_source_documents(source, ids, 0, &documents, &err) == 0, "no ids");
	check(et_documents_next(documents, &row, &err) == 0, "no documents");
	et_documents_free(documents);
	check(et_source_devices(source, devices, 3, found, &err) == 0, "devices");
	check(found[0] && !found[1] && found[2], "which devices are there");
	check(et_source_documents(source, ids, ET_SOURCE_IDS_MAX + 1, &documents, &err) == ET_LIMIT,
	      "limit");
	r = et_source_owners(source, devices, 3, found, &err);
	check(r == 0 || r == ET_GONE, "owners");
}

static void
try_hostile(struct et_source *source)
{
	const char *ids[] = { "hostile-a", "hostile-b" };
	struct et_documents *documents = NULL;
	struct et_source_document row;
	struct sums sums = scan(source, NULL, NULL, false);
	unsigned malformed = 0;
	int r;

	check(sums.rows == AGGREGATES + 1 && sums.malformed == 3,
	      "malformed rows do not end the scan");
	r = et_source_documents(source, ids, 2, &documents, &err);
	if (r < 0)
		fail("documents", r);
	while ((r = et_documents_next(documents, &row, &err)) > 0) {
		check(row.malformed && et_slice_equals(row.document.group_id, "h"),
		      "malformed, with its device");
		malformed++;
	}
	check(r == 0 && malformed == 2, "two malformed documents");
	et_documents_free(documents);
}

static void
try_failures(void)
{
	struct et_store_options options = options_of_environment("et_no_such_db");
	struct et_source *source = open_source("et_no_such_db");
	struct et_source_facts facts;

	check(et_source_probe(source, &facts, &err) == 0 && !facts.exists && facts.documents == 0,
	      "a wrong name is seen");
	check(scan(source, NULL, NULL, true).rows == 0, "and has no rows");
	et_source_free(source);
	options.uri = "mongodb://me:secret@127.0.0.1:1/?authSource=admin";
	options.connect_timeout_ns = ET_NS_PER_SECOND;
	check(et_source_open_mongo(&options, &source, &err) == ET_UNAVAILABLE, "nobody there");
	check(strstr(err.text, "127.0.0.1:1") != NULL && strstr(err.text, "secret") == NULL,
	      "the address");
	options.uri = "mongodb://me:sec@ret:x/@";
	check(et_source_open_mongo(&options, &source, &err) == ET_CONFIG, "no address");
	check(strstr(err.text, "sec") == NULL, "nothing secret");
}

static int
compare(const char *path)
{
	struct et_source *source = open_source(getenv("MONGO_DB"));
	struct et_source *dump = NULL;
	struct et_source_facts facts;
	struct sums one;
	struct sums other;
	int r;

	r = et_source_open_dump(path, &dump, &err);
	if (r < 0)
		fail("dump", r);
	r = et_source_probe(source, &facts, &err);
	if (r < 0)
		fail("probe", r);
	one = scan(source, NULL, NULL, true);
	other = scan(dump, NULL, NULL, true);
	printf("%s: %" PRIu64 " documents on %s, owners %d; %" PRIu64 " aggregates, latest %" PRIu64
	       ", first %" PRIu64 ", malformed %" PRIu64 "\n",
	       et_source_address(source), facts.documents, facts.server, facts.has_owners, one.rows,
	       one.latest, one.first, one.malformed);
	check(memcmp(&one, &other, sizeof(one)) == 0, "server and dump agree");
	et_source_free(source);
	et_source_free(dump);
	return 0;
}

/* What the scan is measured against: the same rows, counted. */
static double
bare_scan(void)
{
	const char *db = getenv("MONGO_DB");
	mongoc_client_t *client = mongoc_client_new(getenv("MONGO_URI"));
	mongoc_collection_t *collection = mongoc_client_get_collection(
		client, db != NULL ? db : "eventStore_db", "devices_events");
	bson_t *options = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "aggregateid",
				   BCON_INT32(1), "latestversion", BCON_INT32(1), "}", "sort", "{",
				   "aggregateid", BCON_INT32(1), "latestversion", BCON_INT32(1),
				   "}", "batchSize", BCON_INT32(10000));
	bson_t *filter = bson_new();
	int64_t began_ns = et_clock_monotonic_ns();
	mongoc_cursor_t *cursor =
		mongoc_collection_find_with_opts(collection, filter, options, NULL);
	const bson_t *row;
	uint64_t rows = 0;

	while (mongoc_cursor_next(cursor, &row))
		rows++;
	printf("bare %" PRIu64 " rows ", rows);
	mongoc_cursor_destroy(cursor);
	bson_destroy(filter);
	bson_destroy(options);
	mongoc_collection_destroy(collection);
	mongoc_client_destroy(client);
	return (double)(et_clock_monotonic_ns() - began_ns) / 1e9;
}

static int
bench(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct et_source *source = open_source(getenv("MONGO_DB"));
		int64_t began_ns;
		struct sums sums;

		printf("%.3f s; ", bare_scan());
		began_ns = et_clock_monotonic_ns();
		sums = scan(source, NULL, NULL, false);
		printf("heads %" PRIu64 " rows %.3f s; ", sums.rows,
		       (double)(et_clock_monotonic_ns() - began_ns) / 1e9);
		began_ns = et_clock_monotonic_ns();
		(void)scan(source, NULL, NULL, true);
		printf("split %.3f s\n", (double)(et_clock_monotonic_ns() - began_ns) / 1e9);
		et_source_free(source);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct et_source *source;
	struct et_source_facts facts;
	mongoc_client_t *client;
	mongoc_collection_t *collection;

	if (getenv("MONGO_URI") == NULL) {
		puts("skipped: MONGO_URI is not set");
		return SKIPPED;
	}
	if (getenv("DEBUG") != NULL)
		et_log_set_level(ET_LOG_DEBUG);
	if (argc == 3 && strcmp(argv[1], "compare") == 0)
		return compare(argv[2]);
	if (argc == 2 && strcmp(argv[1], "bench") == 0)
		return bench();
	source = open_source(DB);
	client = mongoc_client_new(getenv("MONGO_URI"));
	collection = mongoc_client_get_collection(client, DB, "devices_events");
	(void)mongoc_collection_drop(collection, NULL);
	fill(collection);
	check(et_source_probe(source, &facts, &err) == 0 && facts.exists && !facts.secondary,
	      "the facts");
	printf("%s, %s\n", et_source_address(source), facts.server);
	try_scans(source);
	try_lookups(source);
	fill_hostile(collection);
	try_hostile(source);
	try_failures();
	(void)mongoc_collection_drop(collection, NULL);
	mongoc_collection_destroy(collection);
	mongoc_client_destroy(client);
	et_source_free(source);
	puts("ok");
	return 0;
}
