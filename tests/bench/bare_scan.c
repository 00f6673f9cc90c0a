// SPDX-License-Identifier: Apache-2.0
/*
 * The peer of an audit when nothing changed: the same question to MongoDB by bare libmongoc. Reads
 * both fields of every row. Prints the number of rows and of events (versions 0 to the latest).
 * usage: bare_scan URI DATABASE
 */
#include <inttypes.h>
#include <stdio.h>

/* Their inline functions are not clean of conversion warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <mongoc/mongoc.h>
#pragma GCC diagnostic pop

struct sums {
	uint64_t rows;
	uint64_t events;
	uint64_t id_bytes; /* so that the ids are looked at, too */
};

static void
add_row(const bson_t *row, struct sums *sums)
{
	bson_iter_t field;
	uint32_t bytes = 0;

	if (bson_iter_init_find(&field, row, "aggregateid") && BSON_ITER_HOLDS_UTF8(&field)) {
		(void)bson_iter_utf8(&field, &bytes);
		sums->id_bytes += bytes;
	}
	if (bson_iter_init_find(&field, row, "latestversion"))
		sums->events += (uint64_t)bson_iter_as_int64(&field) + 1;
	sums->rows++;
}

static bool
scan(mongoc_collection_t *collection, struct sums *sums, bson_error_t *error)
{
	bson_t *filter = bson_new();
	bson_t *options = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "aggregateid",
				   BCON_INT32(1), "latestversion", BCON_INT32(1), "}", "sort", "{",
				   "aggregateid", BCON_INT32(1), "latestversion", BCON_INT32(1),
				   "}", "hint", "{", "aggregateid", BCON_INT32(1), "latestversion",
				   BCON_INT32(1), "}", "batchSize", BCON_INT32(10000));
	mongoc_cursor_t *cursor =
		mongoc_collection_find_with_opts(collection, filter, options, NULL);
	const bson_t *row;
	bool failed;

	while (mongoc_cursor_next(cursor, &row))
		add_row(row, sums);
	failed = mongoc_cursor_error(cursor, error);
	mongoc_cursor_destroy(cursor);
	bson_destroy(options);
	bson_destroy(filter);
	return !failed;
}

int
main(int argc, char **argv)
{
	struct sums sums = { .rows = 0 };
	bson_error_t error = { .message = "no such address" };
	mongoc_client_t *client;
	bool ok = false;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: %s URI DATABASE\n", argv[0]);
		return 2;
	}
	mongoc_init();
	client = mongoc_client_new(argv[1]);
	if (client != NULL) {
		mongoc_collection_t *collection =
			mongoc_client_get_collection(client, argv[2], "devices_events");

		ok = scan(collection, &sums, &error);
		mongoc_collection_destroy(collection);
		mongoc_client_destroy(client);
	}
	mongoc_cleanup();
	if (!ok) {
		(void)fprintf(stderr, "%s: %s\n", argv[0], error.message);
		return 1;
	}
	(void)printf("%" PRIu64 " %" PRIu64 "\n", sums.rows, sums.events);
	return sums.id_bytes > 0 ? 0 : 1;
}
