// SPDX-License-Identifier: Apache-2.0
/* Documents of a dump file, whatever it is packed in; what is wrong with it, or with the disk. */
#include "et_test.h"

#include <dirent.h>
#include <sys/resource.h>

#include "base/cancel.h"
#include "store/document.h"
#include "store/driver.h"
#include "store/dumpfile.h"
#include "store/packed.h"

#define COUNT 500
#define CEILING (4u << 20)
/* 1f 8b 08 00, little endian: what a gzip member begins with. */
#define LENGTH_LIKE_GZIP 559903

static const enum et_packing packings[] = { ET_PACKING_NONE, ET_PACKING_GZIP, ET_PACKING_ZSTD };

static void
put(struct et_buf *raw, bson_t *document)
{
	et_buf_put(raw, bson_get_data(document), document->len);
	bson_destroy(document);
}

/* Documents of many sizes: number N has N bytes of text. */
static void
put_documents(struct et_buf *raw)
{
	static char text[COUNT + 1];

	memset(text, 'x', COUNT);
	for (int i = 0; i < COUNT; i++) {
		bson_t *document = bson_new();

		bson_append_int32(document, "_id", -1, i);
		bson_append_utf8(document, "text", -1, text, i);
		put(raw, document);
	}
}

/* DIR/dump, without a name that would tell what is in it. To be freed. */
static char *
write_packed(void **state, enum et_packing packing, const struct et_buf *raw, unsigned parts)
{
	struct et_error err = { 0 };
	struct et_buf packed;

	et_buf_init(&packed, CEILING);
	packed_put(&packed, packing, raw->data, raw->size, parts);
	assert_ok(et_file_write(*state, "dump", packed.data, packed.size, true, &err), &err);
	et_buf_done(&packed);
	return et_test_path(state, "dump");
}

struct listed {
	uint64_t offsets[COUNT];
	uint32_t sizes[COUNT];
	unsigned count;
};

static int
list_all(struct et_dumpfile *file, struct et_buf *all, struct listed *listed, struct et_error *err)
{
	ET_CLEAN(et_dumpfile_pass) struct et_dumpfile_pass *pass = NULL;
	struct et_slice document;
	uint64_t offset;
	int r;

	et_buf_reset(all);
	listed->count = 0;
	r = et_dumpfile_pass_open(file, &pass, err);
	while (r == 0 && (r = et_dumpfile_pass_next(pass, &offset, &document, err)) > 0) {
		assert_int_equal(offset, all->size);
		assert_true(listed->count < COUNT);
		listed->offsets[listed->count] = offset;
		listed->sizes[listed->count++] = (uint32_t)document.size;
		et_buf_put(all, document.data, document.size);
		r = 0;
	}
	return r;
}

static int
list_file(const char *path, struct et_buf *all, struct listed *listed, struct et_error *err)
{
	ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;
	int r = et_dumpfile_open(path, &file, err);

	return r == 0 ? list_all(file, all, listed, err) : r;
}

static unsigned
files_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static void
a_pass_gives_all_documents_and_each_is_found_at_its_place(void **state)
{
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;
	struct et_buf one;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	et_buf_init(&one, CEILING);
	put_documents(&raw);
	assert_int_equal(setenv("TMPDIR", *state, 1), 0);
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 3);
		ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;

		assert_ok(et_dumpfile_open(path, &file, &err), &err);
		assert_string_equal(et_dumpfile_path(file), path);
		assert_ok(list_all(file, &all, &listed, &err), &err);
		assert_int_equal(listed.count, COUNT);
		assert_int_equal(all.size, raw.size);
		assert_memory_equal(all.data, raw.data, raw.size);
		/* In no order of the file. */
		for (unsigned i = 0; i < COUNT; i++) {
			unsigned n = i * 7 % COUNT;

			assert_ok(et_dumpfile_document(file, listed.offsets[n], listed.sizes[n],
						       &one, &err),
				  &err);
			assert_int_equal(one.size, listed.sizes[n]);
			assert_memory_equal(one.data, raw.data + listed.offsets[n], one.size);
		}
		/* What was unpacked has no name, and does not disturb a pass. */
		assert_int_equal(files_in(*state), 1);
		assert_ok(list_all(file, &all, &listed, &err), &err);
		assert_int_equal(listed.count, COUNT);
	}
	assert_int_equal(unsetenv("TMPDIR"), 0);
	et_buf_done(&raw);
	et_buf_done(&all);
	et_buf_done(&one);
}

static void
an_empty_file_holds_no_documents_packed_or_not(void **state)
{
	struct et_buf raw = { .data = (uint8_t[]){ 0 } };
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf all;

	et_buf_init(&all, CEILING);
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 2);

		assert_ok(list_file(path, &all, &listed, &err), &err);
		assert_int_equal(listed.count, 0);
	}
	et_buf_done(&all);
}

/* Through the whole file, so that it is cut in the middle of documents, of lengths, and of
 * whatever a member or frame consists of. */
static void
a_file_that_is_cut_off_is_garbled(void **state)
{
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	for (int i = 0; i < 5; i++)
		put(&raw, BCON_NEW("_id", BCON_INT32(i)));
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 1);
		struct stat status;

		assert_int_equal(stat(path, &status), 0);
		for (off_t size = status.st_size - 1; size > 0; size--) {
			int r;

			assert_int_equal(truncate(path, size), 0);
			r = list_file(path, &all, &listed, &err);
			/* Nobody can see that a whole document is missing at the end. */
			if (packings[p] == ET_PACKING_NONE && size % 14 == 0)
				assert_true(r == 0 && listed.count == (unsigned)size / 14);
			else
				assert_code(ET_GARBLED, r, &err);
		}
	}
	et_buf_done(&raw);
	et_buf_done(&all);
}

static void
errors_name_the_file_how_it_is_packed_and_the_place(void **state)
{
	static const uint8_t no_dump[] = "sequence,time\n1,2\n";
	struct et_buf raw = { .data = (uint8_t *)(uintptr_t)no_dump, .size = sizeof(no_dump) };
	static const char *const words[] = {
		"dump' is no dump: at byte 0 begins no document",
		"dump' is no dump: at byte 0 of what it holds begins no document",
		"dump' is no dump: at byte 0 of what it holds begins no document",
	};
	static const char *const packed_words[] = { "", "(gzip)", "(zstd)" };
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf all;
	struct stat status;

	et_buf_init(&all, CEILING);
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 1);

		assert_code(ET_GARBLED, list_file(path, &all, &listed, &err), &err);
		assert_words(&err, words[p]);
		assert_words(&err, path);
	}
	et_buf_init(&raw, CEILING);
	put_documents(&raw);
	for (size_t p = 1; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 1);
		FILE *file;

		assert_int_equal(stat(path, &status), 0);
		file = fopen(path, "ae");
		assert_non_null(file);
		assert_true(fputs("garbage", file) >= 0);
		assert_int_equal(fclose(file), 0);
		assert_code(ET_GARBLED, list_file(path, &all, &listed, &err), &err);
		assert_words(&err, "unpack '");
		assert_words(&err, packed_words[p]);
		assert_int_equal(truncate(path, status.st_size - 1), 0);
		assert_code(ET_GARBLED, list_file(path, &all, &listed, &err), &err);
		assert_words(&err, "is cut off");
		assert_words(&err, packed_words[p]);
		assert_words(&err, path);
	}
	et_buf_done(&raw);
	et_buf_done(&all);
}

/* The length of the first document, by a filler of that many bytes. */
static void
put_document_like_gzip(struct et_buf *raw, const char *first_field)
{
	ET_CLEAN_MEM uint8_t *filler = et_calloc(LENGTH_LIKE_GZIP, 1);
	bson_t *document = bson_new();
	uint32_t rest;

	bson_append_utf8(document, first_field, -1, "1", -1);
	/* Type, name, length, subtype. */
	rest = LENGTH_LIKE_GZIP - document->len - 1 - (uint32_t)sizeof("filler") - 4 - 1;
	memset(filler, 'x', rest);
	bson_append_binary(document, "filler", -1, BSON_SUBTYPE_BINARY, filler, rest);
	assert_int_equal(document->len, LENGTH_LIKE_GZIP);
	put(raw, document);
}

static void
a_document_that_begins_like_gzip_is_one(void **state)
{
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	put_document_like_gzip(&raw, "_id");
	assert_memory_equal(raw.data, "\x1f\x8b\x08\0", 4);
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN_MEM char *path = write_packed(state, packings[p], &raw, 1);

		assert_ok(list_file(path, &all, &listed, &err), &err);
		assert_int_equal(listed.count, 1);
		assert_int_equal(all.size, LENGTH_LIKE_GZIP);
	}
	/* No server writes a document without _id in front: then it is damaged gzip. */
	et_buf_reset(&raw);
	put_document_like_gzip(&raw, "what");
	{
		ET_CLEAN_MEM char *path = write_packed(state, ET_PACKING_NONE, &raw, 1);

		assert_code(ET_GARBLED, list_file(path, &all, &listed, &err), &err);
		assert_words(&err, "gzip");
	}
	et_buf_done(&raw);
	et_buf_done(&all);
}

/* Rewritten in its place, as `cp` does it. */
static void
a_file_that_changes_while_it_is_read_is_garbled(void **state)
{
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;
	struct et_buf one;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	et_buf_init(&one, CEILING);
	for (size_t p = 0; p < ET_COUNT(packings); p++) {
		ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;
		ET_CLEAN_MEM char *path = NULL;
		struct et_buf packed;
		FILE *other;

		et_buf_reset(&raw);
		put_documents(&raw);
		path = write_packed(state, packings[p], &raw, 1);
		assert_ok(et_dumpfile_open(path, &file, &err), &err);
		assert_ok(list_all(file, &all, &listed, &err), &err);
		et_buf_init(&packed, CEILING);
		packed_put(&packed, packings[p], raw.data, listed.offsets[COUNT - 2], 1);
		other = fopen(path, "we");
		assert_non_null(other);
		assert_int_equal(fwrite(packed.data, 1, packed.size, other), packed.size);
		assert_int_equal(fclose(other), 0);
		assert_code(ET_GARBLED,
			    et_dumpfile_document(file, listed.offsets[COUNT - 1],
						 listed.sizes[COUNT - 1], &one, &err),
			    &err);
		assert_words(&err, "changed while it was read");
		/* Of a packed one all is unpacked, or nothing. */
		if (packings[p] != ET_PACKING_NONE)
			assert_code(ET_GARBLED,
				    et_dumpfile_document(file, 0, listed.sizes[0], &one, &err),
				    &err);
		assert_code(ET_GARBLED, list_all(file, &all, &listed, &err), &err);
		assert_words(&err, "changed while it was read");
		et_buf_done(&packed);
	}
	et_buf_done(&raw);
	et_buf_done(&all);
	et_buf_done(&one);
}

static void
a_folder_that_cannot_take_what_is_unpacked_is_named(void **state)
{
	ET_CLEAN_MEM char *folder = et_test_path(state, "none");
	ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;
	ET_CLEAN_MEM char *path = NULL;
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	put_documents(&raw);
	path = write_packed(state, ET_PACKING_ZSTD, &raw, 1);
	assert_ok(et_dumpfile_open(path, &file, &err), &err);
	assert_ok(list_all(file, &all, &listed, &err), &err);
	assert_int_equal(setenv("TMPDIR", folder, 1), 0);
	assert_code(ET_IO, et_dumpfile_document(file, 0, listed.sizes[0], &all, &err), &err);
	assert_words(&err, folder);
	assert_non_null(strstr(err.hint, "TMPDIR"));
	/* None that is named: one that is there. */
	assert_int_equal(setenv("TMPDIR", "", 1), 0);
	assert_ok(et_dumpfile_document(file, 0, listed.sizes[0], &all, &err), &err);
	assert_int_equal(all.size, listed.sizes[0]);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	et_buf_done(&raw);
	et_buf_done(&all);
}

/* As on a disk without room: files must not become larger than that. */
static void
room_that_is_missing_is_known_before_anything_is_unpacked(void **state)
{
	ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;
	ET_CLEAN_MEM char *path = NULL;
	struct rlimit old;
	struct rlimit small;
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;
	int r;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	put_documents(&raw);
	path = write_packed(state, ET_PACKING_GZIP, &raw, 1);
	assert_ok(et_dumpfile_open(path, &file, &err), &err);
	assert_ok(list_all(file, &all, &listed, &err), &err);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ .rlim_cur = raw.size - 1, .rlim_max = old.rlim_max };
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = et_dumpfile_document(file, 0, listed.sizes[0], &all, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_code(ET_IO, r, &err);
	{
		ET_CLEAN_MEM char *words = et_format("%zu bytes: ", raw.size);

		assert_words(&err, words);
	}
	assert_words(&err, "/var/tmp");
	assert_non_null(strstr(err.hint, "TMPDIR"));
	assert_ok(et_dumpfile_document(file, 0, listed.sizes[0], &all, &err), &err);
	et_buf_done(&raw);
	et_buf_done(&all);
}

static void
a_document_larger_than_its_buffer_is_a_limit(void **state)
{
	ET_CLEAN(et_dumpfile) struct et_dumpfile *file = NULL;
	ET_CLEAN_MEM char *path = NULL;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf one;

	et_buf_init(&raw, CEILING);
	et_buf_init(&one, 10);
	put_documents(&raw);
	path = write_packed(state, ET_PACKING_NONE, &raw, 1);
	assert_ok(et_dumpfile_open(path, &file, &err), &err);
	assert_code(ET_LIMIT, et_dumpfile_document(file, 0, 11, &one, &err), &err);
	assert_words(&err, path);
	et_buf_done(&raw);
	et_buf_done(&one);
}

static void
a_signal_ends_a_pass(void **state)
{
	ET_CLEAN_MEM char *path = NULL;
	struct listed listed;
	struct et_error err = { 0 };
	struct et_buf raw;
	struct et_buf all;

	et_buf_init(&raw, CEILING);
	et_buf_init(&all, CEILING);
	put_documents(&raw);
	path = write_packed(state, ET_PACKING_GZIP, &raw, 1);
	et_cancel_set(true);
	assert_code(ET_CANCELED, list_file(path, &all, &listed, &err), &err);
	et_cancel_set(false);
	et_buf_done(&raw);
	et_buf_done(&all);
}

static void
what_is_no_regular_file_is_refused(void **state)
{
	struct et_dumpfile *file = NULL;
	struct et_error err = { 0 };

	assert_code(ET_USAGE, et_dumpfile_open(*state, &file, &err), &err);
	assert_code(ET_IO, et_dumpfile_open("/nonexistent.bson", &file, &err), &err);
	assert_null(file);
	et_dumpfile_free(NULL);
	et_dumpfile_pass_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_pass_gives_all_documents_and_each_is_found_at_its_place),
		et_test_with_dir(an_empty_file_holds_no_documents_packed_or_not),
		et_test_with_dir(a_file_that_is_cut_off_is_garbled),
		et_test_with_dir(errors_name_the_file_how_it_is_packed_and_the_place),
		et_test_with_dir(a_document_that_begins_like_gzip_is_one),
		et_test_with_dir(a_file_that_changes_while_it_is_read_is_garbled),
		et_test_with_dir(a_folder_that_cannot_take_what_is_unpacked_is_named),
		et_test_with_dir(room_that_is_missing_is_known_before_anything_is_unpacked),
		et_test_with_dir(a_document_larger_than_its_buffer_is_a_limit),
		et_test_with_dir(a_signal_ends_a_pass),
		et_test_with_dir(what_is_no_regular_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
