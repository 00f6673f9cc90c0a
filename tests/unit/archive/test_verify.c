// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "archive/format.h"

#define BIT(code) (1U << (code))

static void
a_sound_archive_has_no_damage(void **state)
{
	static const uint64_t lasts[] = { 1, 49, 55, 100, 3000, 20000 };

	for (size_t i = 0; i < ET_COUNT(lasts); i++) {
		ET_CLEAN_MEM char *dir = et_format("%s/%zu", (const char *)*state, i);
		ET_CLEAN_MEM char *path = sample_archive(dir, lasts[i]);

		for (unsigned jobs = 0; jobs < 4; jobs++) {
			struct sample_damage damage = sample_verify(path, jobs, false);

			if (damage.count > 0)
				print_error("%s\n", damage.first);
			assert_int_equal(damage.count, 0);
		}
		assert_int_equal(sample_verify(path, 0, true).count, 0);
	}
}

static void
what_was_read_is_counted(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	const struct et_verify_options options = { .jobs = 2 };
	struct et_verify_result result;
	struct et_error err = { 0 };

	assert_ok(et_verify_archive(path, &options, &result, &err), &err);
	assert_int_equal(result.damage_count, 0);
	assert_int_equal(result.records, 2700);
	assert_int_equal(result.rows, result.manifest->statement.counts.rows);
	assert_int_equal(result.raw_bytes, result.manifest->statement.raw_bytes);
	assert_int_equal(result.frames, result.manifest->frame_count + 4);
	et_verify_result_done(&result);
}

/* Random places, and every byte of the first and the last ones, where headers and tables are. */
static void
every_single_flipped_bit_is_found(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 1000);
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	uint64_t random = 88172645463325252ULL;
	size_t count;

	bytes = sample_read_file(path, &count);
	for (size_t i = 0; i < 600 + 400; i++) {
		size_t at = i < 250 ? i : i < 600 ? count - 1 - (i - 250) : 0;
		uint8_t bit;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		if (i >= 600)
			at = (size_t)(random >> 8) % count;
		bit = (uint8_t)(1U << (random & 7));
		bytes[at] ^= bit;
		sample_write_file(path, bytes, count);
		if (sample_verify(path, 1, false).count == 0)
			fail_msg("bit %02x of byte %zu of %zu", bit, at, count);
		bytes[at] ^= bit;
	}
}

static void
without_its_sidecar_an_archive_is_damaged_by_that_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000  x\n",
		"0000000000000000000000000000000000000000000000000000000000000000  "
		"EVENTS-00000000000000000001-00000000000000000300.tar.zst\n",
		"G000000000000000000000000000000000000000000000000000000000000000  "
		"EVENTS-00000000000000000001-00000000000000000300.tar.zst\n",
	};
	ET_CLEAN_MEM char *path = sample_archive(*state, 300);
	ET_CLEAN_MEM char *sidecar = et_format("%s.sha256", path);

	for (size_t i = 0; i < ET_COUNT(texts); i++) {
		struct sample_damage damage;

		et_test_write(sidecar, texts[i]);
		damage = sample_verify(path, 1, false);
		assert_int_equal(damage.count, 1);
		assert_int_equal(damage.codes, BIT(ET_DAMAGE_SIDECAR));
	}
	assert_int_equal(unlink(sidecar), 0);
	assert_int_equal(sample_verify(path, 1, false).codes, BIT(ET_DAMAGE_SIDECAR));
	assert_int_equal(sample_verify(path, 1, true).codes, BIT(ET_DAMAGE_SIDECAR));
}

static void
another_name_is_noticed(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 300);
	ET_CLEAN_MEM char *other =
		et_test_path(state, "EVENTS-00000000000000000001-00000000000000000301.tar.zst");

	assert_int_equal(rename(path, other), 0);
	assert_int_equal(sample_verify(other, 0, true).codes,
			 BIT(ET_DAMAGE_NAME) | BIT(ET_DAMAGE_SIDECAR));
}

static const struct et_frame_entry *
find_frame(const struct et_manifest *manifest, enum et_frame_kind kind, size_t nth)
{
	for (size_t i = 0; i < manifest->frame_count; i++)
		if (manifest->frames[i].kind == kind && nth-- == 0)
			return &manifest->frames[i];
	fail_msg("no such frame");
	return NULL;
}

/* One damage of each part: the codes that must be among those that are found. */
static void
damage_is_named_by_what_it_hits(void **state)
{
	static const struct {
		enum et_frame_kind kind;
		size_t nth;
		int at; /* from the start of the frame, or from its end when negative */
		unsigned codes;
	} places[] = {
		{ ET_FRAME_TAR, 0, 0, BIT(ET_DAMAGE_FRAME) | BIT(ET_DAMAGE_DIGEST) },
		{ ET_FRAME_TAR, 1, -3, BIT(ET_DAMAGE_DIGEST) | BIT(ET_DAMAGE_FRAME) },
		{ ET_FRAME_HEADER, 0, 20, BIT(ET_DAMAGE_DIGEST) | BIT(ET_DAMAGE_FRAME) },
		{ ET_FRAME_RECORDS, 2, 100, BIT(ET_DAMAGE_DIGEST) },
		{ ET_FRAME_RECORDS, 2, 2, BIT(ET_DAMAGE_FRAME) | BIT(ET_DAMAGE_DIGEST) },
		{ ET_FRAME_RECORDS, 3, -1,
		  BIT(ET_DAMAGE_FRAME) | BIT(ET_DAMAGE_DIGEST) | BIT(ET_DAMAGE_SEEKTABLE) },
		{ ET_FRAME_INDEX, 0, 30, BIT(ET_DAMAGE_DIGEST) },
	};
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	struct et_error err = { 0 };
	size_t count;

	assert_ok(et_reader_open(path, &reader, &err), &err);
	bytes = sample_read_file(path, &count);
	for (size_t i = 0; i < ET_COUNT(places); i++) {
		const struct et_frame_entry *frame =
			find_frame(et_reader_manifest(reader), places[i].kind, places[i].nth);
		size_t at = (size_t)(frame->offset + (places[i].at < 0 ? frame->packed_bytes : 0)) +
			    (size_t)places[i].at;
		struct sample_damage damage;

		bytes[at] ^= 0x10;
		sample_write_file(path, bytes, count);
		damage = sample_verify(path, 2, false);
		assert_int_equal(damage.codes & places[i].codes, places[i].codes);
		/* Lost records are said where they are, and not again as holes, counts, rows or
		 * tree. */
		assert_int_equal(damage.codes & (BIT(ET_DAMAGE_SEQUENCE) | BIT(ET_DAMAGE_COUNT)),
				 0);
		bytes[at] ^= 0x10;
	}
}

static void
a_file_that_is_cut_is_damaged_and_the_rest_is_read(void **state)
{
	ET_CLEAN_MEM char *path = sample_archive(*state, 3000);
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	size_t count;

	bytes = sample_read_file(path, &count);
	for (size_t cut = 0; cut < count; cut += 1 + cut / 5) {
		struct sample_damage damage;

		sample_write_file(path, bytes, cut);
		damage = sample_verify(path, 1, false);
		assert_true(damage.count > 0);
		assert_true((damage.codes & BIT(ET_DAMAGE_SEEKTABLE)) != 0);
		assert_true((damage.codes & BIT(ET_DAMAGE_MANIFEST)) != 0);
	}
}

static void
bytes_outside_of_frames_are_damage(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
	} more[] = {
		{ "x", 1 },
		{ "\x50\x2a\x4d\x18\x00\x00\x00\x00", 8 }, /* an empty skippable frame */
		{ "\x28\xb5\x2f\xfd\x24\x01\x09\0\0a\0\0\0\0", 14 },
	};
	ET_CLEAN_MEM char *path = sample_archive(*state, 300);
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	ET_CLEAN_MEM uint8_t *changed = NULL;
	size_t count;

	bytes = sample_read_file(path, &count);
	changed = et_calloc(1, count + 100);
	for (size_t i = 0; i < ET_COUNT(more); i++) {
		memcpy(changed, bytes, count);
		memcpy(changed + count, more[i].bytes, more[i].count);
		sample_write_file(path, changed, count + more[i].count);
		assert_true((sample_verify(path, 1, false).codes & BIT(ET_DAMAGE_SEEKTABLE)) != 0);
		memcpy(changed, more[i].bytes, more[i].count);
		memcpy(changed + more[i].count, bytes, count);
		sample_write_file(path, changed, count + more[i].count);
		assert_true(sample_verify(path, 1, false).count > 1);
	}
}

/* The archive is sound in itself, but says things that its records do not. */
static int
other_rows(void *maker, const struct et_record *record, struct et_rows *rows)
{
	int r = sample_rows(maker, record, rows);

	if (record->seq == 777)
		rows->rows[rows->count - 1].version ^= 1;
	return r;
}

static void
an_index_that_differs_in_one_row_is_found(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	struct et_archive_summary summary;

	sample->options.rows.make = other_rows;
	summary = sample_write(sample, 1000);
	assert_int_equal(sample_verify(summary.path, 2, false).codes, BIT(ET_DAMAGE_INDEX));
	et_archive_summary_done(&summary);
	sample_free(sample);
}

static void
push_other_leaves(void *cookie, const struct et_sha256 *leaves, size_t count)
{
	struct et_sha256 other = leaves[0];

	other.bytes[0] ^= 1;
	sample_tree_push(cookie, &other, 1);
	sample_tree_push(cookie, leaves + 1, count - 1);
}

static void
a_tree_over_other_leaves_is_found(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	struct et_archive_summary summary;

	sample->options.tree.push = push_other_leaves;
	summary = sample_write(sample, 1000);
	assert_int_equal(sample_verify(summary.path, 2, false).codes, BIT(ET_DAMAGE_TREE));
	et_archive_summary_done(&summary);
	sample_free(sample);
}

/* One record with these header entries, as if another program had written it. */
static struct sample_damage
verify_with_headers(const char *dir, const char *bytes, size_t count)
{
	struct sample *sample = sample_new(dir, 0);
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct sample_damage damage;
	struct et_error err = { 0 };
	struct et_record record = { .seq = 1, .headers = { (const uint8_t *)bytes, count } };

	assert_ok(et_writer_open(&sample->options, 1, &writer, &err), &err);
	assert_ok(et_writer_append(writer, &record, &err), &err);
	assert_ok(et_writer_finish(writer, 1, &summary, &err), &err);
	damage = sample_verify(summary.path, 0, false);
	et_archive_summary_done(&summary);
	sample_free(sample);
	return damage;
}

static void
headers_that_are_not_canonical_are_damage(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
		bool good;
	} headers[] = {
		{ "\x22\6\n\1a\x12\1v\x22\6\n\1b\x12\1w", 16, true },  /* as they should be */
		{ "\x22\5\n\1a\x12\0", 7, true },                      /* an empty value */
		{ "\x22\3\x12\1v", 5, true },                          /* of the empty name */
		{ "\x22\6\n\1b\x12\1w\x22\6\n\1a\x12\1v", 16, false }, /* not sorted */
		{ "\x22\6\n\1a\x12\1v\x22\6\n\1a\x12\1w", 16, false }, /* a name twice */
		{ "\x22\6\x12\1v\n\1a", 8, false },                    /* the value first */
		{ "\x22\3\n\1a", 5, false },                           /* no value */
		{ "\x22\0", 2, false },                                /* nothing */
		{ "\x22\5\n\0\x12\1v", 7, false },                     /* the empty name written */
		{ "\x22\7\n\1a\x12\1v\x1a", 9, false },                /* no protobuf */
	};

	for (size_t i = 0; i < ET_COUNT(headers); i++) {
		ET_CLEAN_MEM char *dir = et_format("%s/%zu", (const char *)*state, i);
		struct sample_damage damage =
			verify_with_headers(dir, headers[i].bytes, headers[i].count);

		if (headers[i].good)
			assert_int_equal(damage.count, 0);
		else
			assert_true((damage.codes & BIT(ET_DAMAGE_RECORD)) != 0);
	}
}

static void
neighbours_must_tile_and_go_on_with_the_tree(void **state)
{
	struct sample *sample = sample_new(*state, 1);
	struct et_archive_summary one = sample_write(sample, 500);
	struct et_archive_summary two = sample_write(sample, 900);
	struct et_archive_summary three = sample_write(sample, 1000);
	const struct et_archive_summary *all[] = { &one, &two, &three };
	struct et_reader *readers[3] = { NULL };
	struct sample_damage damage = { 0 };
	const struct et_verify_options options = { .damage = sample_on_damage, .cookie = &damage };
	struct et_error err = { 0 };

	for (size_t i = 0; i < 3; i++) {
		assert_ok(et_reader_open(all[i]->path, &readers[i], &err), &err);
		assert_int_equal(sample_verify(all[i]->path, 1, false).count, 0);
	}
	assert_int_equal(et_verify_link("x", et_reader_statement(readers[0]),
					et_reader_statement(readers[1]), &options),
			 0);
	assert_int_equal(et_verify_link("x", et_reader_statement(readers[1]),
					et_reader_statement(readers[2]), &options),
			 0);
	assert_int_equal(et_verify_link("x", et_reader_statement(readers[0]),
					et_reader_statement(readers[2]), &options),
			 2);
	assert_int_equal(damage.codes, BIT(ET_DAMAGE_LINK));
	for (size_t i = 0; i < 3; i++)
		et_reader_free(readers[i]);
	et_archive_summary_done(&one);
	et_archive_summary_done(&two);
	et_archive_summary_done(&three);
	sample_free(sample);
}

static void
every_code_has_a_name(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < ET_DAMAGE_CODE_COUNT; i++)
		assert_string_not_equal(et_damage_code_name(i), "?");
	assert_string_equal(et_damage_code_name(ET_DAMAGE_CODE_COUNT), "?");
	assert_string_equal(et_hole_type_name(ET_HOLE_TYPE_COUNT), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_sound_archive_has_no_damage),
		et_test_with_dir(what_was_read_is_counted),
		et_test_with_dir(every_single_flipped_bit_is_found),
		et_test_with_dir(without_its_sidecar_an_archive_is_damaged_by_that_alone),
		et_test_with_dir(another_name_is_noticed),
		et_test_with_dir(damage_is_named_by_what_it_hits),
		et_test_with_dir(a_file_that_is_cut_is_damaged_and_the_rest_is_read),
		et_test_with_dir(bytes_outside_of_frames_are_damage),
		et_test_with_dir(an_index_that_differs_in_one_row_is_found),
		et_test_with_dir(a_tree_over_other_leaves_is_found),
		et_test_with_dir(headers_that_are_not_canonical_are_damage),
		et_test_with_dir(neighbours_must_tile_and_go_on_with_the_tree),
		cmocka_unit_test(every_code_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
