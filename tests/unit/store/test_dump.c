// SPDX-License-Identifier: Apache-2.0
/* The whole interface of a source, over a dump file: plain, gzip and zstd alike. */
#include "et_test.h"

#include "store/driver.h"
#include "store/packed.h"
#include "store/source.h"

#define FILE_BYTES_MAX (1u << 20)

static enum et_packing packing; /* of the test that runs */

static void
add(struct et_buf *file, bson_t *document)
{
	et_buf_put(file, bson_get_data(document), document->len);
	bson_destroy(document);
}

#define DOCUMENT(id, group, low, high)                                                      \
	BCON_NEW("groupid", BCON_UTF8(group), "aggregateid", BCON_UTF8(id), "firstversion", \
		 BCON_INT64(low), "latestversion", BCON_INT64(high))

static struct et_source *
open_dump(const char *dir, const struct et_buf *file)
{
	ET_CLEAN_MEM char *path = et_format("%s/devices_events.bson", dir);
	struct et_source *source = NULL;
	struct et_error err = { 0 };
	struct et_buf packed;

	et_buf_init(&packed, FILE_BYTES_MAX);
	packed_put(&packed, packing, file->data, file->size, 2);
	assert_ok(et_file_write(dir, "devices_events.bson", packed.data, packed.size, true, &err),
		  &err);
	et_buf_done(&packed);
	assert_ok(et_source_open_dump(path, &source, &err), &err);
	assert_string_equal(et_source_address(source), path);
	return source;
}

static struct et_source *
open_sample(const char *dir)
{
	struct et_source *source;
	struct et_buf file;

	et_buf_init(&file, FILE_BYTES_MAX);
	add(&file, DOCUMENT("c", "g2", 0, 5));
	add(&file, DOCUMENT("a", "g1", 4, 7));
	add(&file, BCON_NEW("hostile", BCON_INT32(1)));
	add(&file, DOCUMENT("b", "g1", 1, 1));
	add(&file, DOCUMENT("a", "g1", 0, 3));
	source = open_dump(dir, &file);
	et_buf_done(&file);
	return source;
}

static unsigned
count_heads(struct et_source *source, const char *after, const char *until, unsigned *ret_malformed)
{
	ET_CLEAN(et_heads) struct et_heads *heads = NULL;
	struct et_source_head row;
	struct et_error err;
	unsigned count = 0;
	int r;

	*ret_malformed = 0;
	assert_ok(et_source_heads(source, after, until, true, &heads, &err), &err);
	assert_false(et_heads_index_only(heads));
	while ((r = et_heads_next(heads, &row, &err)) > 0) {
		if (row.malformed)
			(*ret_malformed)++;
		else
			count++;
		if (!row.malformed && et_slice_equals(row.head.aggregate_id, "a"))
			assert_true(row.head.first_version == 0 && row.head.latest_version == 7 &&
				    row.documents == 2);
	}
	assert_ok(r, &err);
	return count;
}

static void
heads_come_in_order_and_in_ranges(void **state)
{
	ET_CLEAN(et_source) struct et_source *source = open_sample(*state);
	struct et_source_facts facts;
	struct et_error err;
	unsigned malformed;

	assert_ok(et_source_probe(source, &facts, &err), &err);
	assert_true(facts.exists && facts.documents == 5 && !facts.has_owners && !facts.secondary);
	assert_int_equal(count_heads(source, NULL, NULL, &malformed), 3);
	assert_int_equal(malformed, 1);
	assert_int_equal(count_heads(source, "a", NULL, &malformed), 2);
	assert_int_equal(count_heads(source, "a", "b", &malformed), 1);
	assert_int_equal(count_heads(source, NULL, "b", &malformed), 2);
	assert_int_equal(malformed, 0);
	assert_int_equal(count_heads(source, "b", "a", &malformed), 0);
	assert_int_equal(count_heads(source, "x", NULL, &malformed), 0);
}

static void
documents_and_devices_are_found(void **state)
{
	ET_CLEAN(et_source) struct et_source *source = open_sample(*state);
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	ET_CLEAN(et_documents) struct et_documents *all = NULL;
	ET_CLEAN(et_documents) struct et_documents *none = NULL;
	const char *ids[] = { "nope", "a", "c" };
	const char *devices[] = { "g1", "g3", "g2" };
	bool found[3] = { false, true, false };
	struct et_source_document row;
	struct et_error err;
	unsigned count = 0;

	assert_ok(et_source_documents(source, ids, 3, &documents, &err), &err);
	while (et_documents_next(documents, &row, &err) > 0) {
		assert_false(row.malformed);
		count++;
	}
	assert_int_equal(count, 3);
	assert_ok(et_source_all(source, &all, &err), &err);
	for (count = 0; et_documents_next(all, &row, &err) > 0; count++) {
		assert_true(row.malformed == (row.document.aggregate_id.size == 0));
		/* The whole document: BSON begins with its length and ends in a zero. */
		assert_true(row.raw.size > 4 && row.raw.data[0] == row.raw.size &&
			    row.raw.data[row.raw.size - 1] == 0);
	}
	assert_int_equal(count, 5);
	assert_ok(et_source_documents(source, ids, 0, &none, &err), &err);
	assert_int_equal(et_documents_next(none, &row, &err), 0);
	assert_ok(et_source_devices(source, devices, 3, found, &err), &err);
	assert_true(found[0] && !found[1] && found[2]);
	assert_code(ET_GONE, et_source_owners(source, devices, 3, found, &err), &err);
	assert_code(ET_LIMIT,
		    et_source_devices(source, devices, ET_SOURCE_IDS_MAX + 1, found, &err), &err);
}

static void
an_empty_file_is_an_empty_store(void **state)
{
	struct et_buf file = { .data = (uint8_t[]){ 0 } };
	ET_CLEAN(et_source) struct et_source *source = open_dump(*state, &file);
	const char *devices[] = { "g1" };
	bool found[1] = { true };
	unsigned malformed;

	assert_int_equal(count_heads(source, NULL, NULL, &malformed), 0);
	assert_ok(et_source_devices(source, devices, 1, found, NULL), NULL);
	assert_false(found[0]);
}

static void
what_is_no_dump_is_refused(void **state)
{
	const char *dir = *state;
	ET_CLEAN_MEM char *path = et_format("%s/x.bson", dir);
	static const char *const contents[] = {
		"abc",
		"\5\0\0\0",
		"\4\0\0\0",
		"\377\377\377\177",
		"\5\0\0\0\0\6\0\0\0\0",
		/* Documents of another collection. */
		"\5\0\0\0\0\5\0\0\0\0",
	};
	static const size_t sizes[] = { 3, 4, 4, 4, 10, 10 };
	struct et_source *source = NULL;
	struct et_error err = { 0 };
	struct et_buf packed;

	et_buf_init(&packed, FILE_BYTES_MAX);
	for (size_t i = 0; i < ET_COUNT(contents); i++) {
		et_buf_reset(&packed);
		packed_put(&packed, packing, (const uint8_t *)contents[i], sizes[i], 1);
		assert_ok(et_file_write(dir, "x.bson", packed.data, packed.size, true, &err), &err);
		assert_code(ET_GARBLED, et_source_open_dump(path, &source, &err), &err);
	}
	assert_words(&err, "no dump of devices_events");
	assert_code(ET_IO, et_source_open_dump("/nonexistent.bson", &source, &err), &err);
	assert_code(ET_USAGE, et_source_open_dump(dir, &source, &err), &err);
	assert_null(source);
	et_buf_done(&packed);
}

#ifdef ET_FAULTS
#define ALL_READ 40
#define FAILED 41

/* Opens, scans and reads all that there is. */
static int
read_once(const char *dir)
{
	ET_CLEAN_MEM char *path = et_format("%s/devices_events.bson", dir);
	ET_CLEAN(et_source) struct et_source *source = NULL;
	ET_CLEAN(et_heads) struct et_heads *heads = NULL;
	ET_CLEAN(et_documents) struct et_documents *documents = NULL;
	const char *ids[] = { "a", "c" };
	struct et_source_document row;
	struct et_source_head head;
	struct et_error err = { 0 };
	int r;

	r = et_source_open_dump(path, &source, &err);
	if (r == 0)
		r = et_source_heads(source, NULL, NULL, true, &heads, &err);
	while (r == 0 && (r = et_heads_next(heads, &head, &err)) > 0)
		r = 0;
	if (r == 0)
		r = et_source_documents(source, ids, 2, &documents, &err);
	while (r == 0 && (r = et_documents_next(documents, &row, &err)) > 0)
		r = 0;
	if (r < 0 && (r != ET_IO || strstr(err.text, "fault") == NULL))
		abort();
	return r < 0 ? FAILED : ALL_READ;
}

static void
read_in_child(void *argument)
{
	int status = read_once(argument);

#ifdef __SANITIZE_ADDRESS__
	_Exit(status);
#else
	exit(status); // NOLINT: a child that counts its coverage
#endif
}

/* Each read of the file, and each write of what is unpacked. */
static void
a_disk_that_fails_anywhere_is_an_error(void **state)
{
	ET_CLEAN_MEM char *count_path = et_test_path(state, "count");
	unsigned points = 0;
	int status;

	et_source_free(open_sample(*state));
	assert_int_equal(setenv("EVTRAIL_FAULT_COUNT", count_path, 1), 0);
	do {
		/* The child goes on counting where this process stands. */
		ET_CLEAN_MEM char *fault = NULL;
		ET_CLEAN_MEM char *before = NULL;

		assert_int_equal(setenv("EVTRAIL_FAULT", "0", 1), 0);
		et_source_free(open_sample(*state));
		before = et_test_read(count_path);
		fault = et_format("%lu", strtoul(before, NULL, 10) + points + 1);
		assert_int_equal(setenv("EVTRAIL_FAULT", fault, 1), 0);
		status = et_test_fork(read_in_child, *state);
		assert_true(WIFEXITED(status) &&
			    (WEXITSTATUS(status) == FAILED || WEXITSTATUS(status) == ALL_READ));
		points += WEXITSTATUS(status) == FAILED;
	} while (WEXITSTATUS(status) == FAILED);
	assert_int_equal(unsetenv("EVTRAIL_FAULT"), 0);
	assert_int_equal(unsetenv("EVTRAIL_FAULT_COUNT"), 0);
	assert_true(points >= (packing == ET_PACKING_NONE ? 6 : 9));
}
#endif

static int
set_up(void **state, enum et_packing of_test)
{
	packing = of_test;
	return et_test_dir_setup(state);
}

static int
plain(void **state)
{
	return set_up(state, ET_PACKING_NONE);
}

static int
gzip(void **state)
{
	return set_up(state, ET_PACKING_GZIP);
}

static int
zstd(void **state)
{
	return set_up(state, ET_PACKING_ZSTD);
}

#define ALONE(function, how)                                                   \
	{                                                                      \
#function ": " #how, function, how, et_test_dir_teardown, NULL \
	}
#define EACH(function) ALONE(function, plain), ALONE(function, gzip), ALONE(function, zstd)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(heads_come_in_order_and_in_ranges),      EACH(documents_and_devices_are_found),
		EACH(an_empty_file_is_an_empty_store),        EACH(what_is_no_dump_is_refused),
#ifdef ET_FAULTS
		EACH(a_disk_that_fails_anywhere_is_an_error),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
