// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "base/digest.h"
#include "build.h"
#include "event/original.h"
#include "samples.h"

static void
assert_digest(struct et_slice bytes, const char *wanted)
{
	struct et_hasher *hasher = et_hasher_new();
	char text[ET_SHA256_HEX_BYTES];
	struct et_sha256 digest;

	et_hasher_once(hasher, bytes.data, bytes.size, &digest);
	et_sha256_hex(&digest, text);
	assert_string_equal(text, wanted);
	et_hasher_free(hasher);
}

static void
snapshots_hold_the_published_events_byte_for_byte(void **state ET_UNUSED)
{
	struct et_buf plain;

	et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		const struct stored_sample *sample = &stored_samples[i];
		const struct sample_original *wanted = sample->originals;
		struct et_original_walk walk;
		struct et_original original;
		struct et_error err = { 0 };
		uint8_t *data;

		assert_ok(et_unsnappy(sample_slice(sample->data, &data), &plain, &err), &err);
		walk = et_original_walk_of(et_kind_of(text_slice(sample->type)),
					   build_slice(&plain));
		for (; wanted->kind != NULL; wanted++) {
			assert_int_equal(et_original_next(&walk, &original, &err), 1);
			assert_string_equal(et_kind_info(original.kind)->name, wanted->kind);
			assert_int_equal(original.payload.version, wanted->version);
			assert_int_equal(original.payload.timestamp_ns, wanted->time_ns);
			assert_digest(original.bytes, wanted->sha256);
		}
		assert_int_equal(et_original_next(&walk, &original, &err), 0);
		free(data);
	}
	et_buf_done(&plain);
}

static void
every_list_of_a_snapshot_is_walked(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind snapshot;
		unsigned field;
		enum et_kind kind;
	} cases[] = {
		{ ET_KIND_RESOURCE_SNAPSHOT, 2, ET_KIND_RESOURCE_CHANGED },
		{ ET_KIND_RESOURCE_SNAPSHOT, 3, ET_KIND_CREATE_PENDING },
		{ ET_KIND_RESOURCE_SNAPSHOT, 4, ET_KIND_RETRIEVE_PENDING },
		{ ET_KIND_RESOURCE_SNAPSHOT, 5, ET_KIND_UPDATE_PENDING },
		{ ET_KIND_RESOURCE_SNAPSHOT, 6, ET_KIND_DELETE_PENDING },
		{ ET_KIND_METADATA_SNAPSHOT, 2, ET_KIND_METADATA_UPDATED },
		{ ET_KIND_METADATA_SNAPSHOT, 3, ET_KIND_METADATA_UPDATE_PENDING },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		unsigned metadata = et_kind_info(cases[i].kind)->metadata_field;
		struct et_original_walk walk;
		struct et_original original;
		struct et_error err = { 0 };
		struct et_buf event;
		struct et_buf snapshot;

		et_buf_init(&event, 1000);
		et_buf_init(&snapshot, 1000);
		et_buf_field_message(&event, metadata, "\x08\x07", 2);
		et_buf_field_u64(&snapshot, cases[i].field, 1); /* not of its wire type */
		et_buf_field_message(&snapshot, cases[i].field, event.data, event.size);
		walk = et_original_walk_of(cases[i].snapshot, build_slice(&snapshot));
		assert_int_equal(et_original_next(&walk, &original, &err), 1);
		assert_int_equal(original.kind, cases[i].kind);
		assert_int_equal(original.payload.version, 7);
		assert_int_equal(et_original_next(&walk, &original, &err), 0);
		et_buf_done(&snapshot);
		et_buf_done(&event);
	}
}

static void
other_kinds_embed_nothing(void **state ET_UNUSED)
{
	static const enum et_kind kinds[] = { ET_KIND_UNKNOWN, ET_KIND_LINKS_SNAPSHOT,
					      ET_KIND_SERVICE_SNAPSHOT, ET_KIND_RESOURCE_CHANGED };

	for (size_t i = 0; i < ET_COUNT(kinds); i++) {
		struct et_original_walk walk =
			et_original_walk_of(kinds[i], text_slice("\x12\x01\xff"));
		struct et_original original;
		struct et_error err = { 0 };

		assert_int_equal(et_original_next(&walk, &original, &err), 0);
	}
}

static void
damaged_snapshots_are_corrupt(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes, *words;
	} cases[] = {
		{ "1202", "a resourcestatesnapshottaken is no protobuf message" },
		{ "12010b",
		  "read what a resourcestatesnapshottaken embeds: a resourcechanged is no" },
		{ "22020a05",
		  "read what a resourcestatesnapshottaken embeds: a resourceretrievepending" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_original_walk walk;
		struct et_original original;
		struct et_error err = { 0 };
		uint8_t *data;

		walk = et_original_walk_of(ET_KIND_RESOURCE_SNAPSHOT,
					   sample_slice(cases[i].bytes, &data));
		assert_code(ET_CORRUPT, et_original_next(&walk, &original, &err), &err);
		assert_words(&err, cases[i].words);
		free(data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_hold_the_published_events_byte_for_byte),
		cmocka_unit_test(every_list_of_a_snapshot_is_walked),
		cmocka_unit_test(other_kinds_embed_nothing),
		cmocka_unit_test(damaged_snapshots_are_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
