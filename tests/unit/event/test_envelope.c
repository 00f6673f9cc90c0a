// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "build.h"
#include "event/envelope.h"
#include "samples.h"

static void
assert_slice(struct et_slice slice, const char *text)
{
	assert_int_equal(slice.size, strlen(text));
	if (slice.size > 0)
		assert_memory_equal(slice.data, text, slice.size);
}

static void
messages_of_the_hub_say_who_and_when(void **state ET_UNUSED)
{
	struct et_buf plain;

	et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		const struct sample *sample = &samples[i];
		struct et_error err = { 0 };
		struct et_envelope envelope;
		struct et_payload payload;
		uint8_t *data;
		struct et_slice body = sample_slice(sample->body, &data);

		if (sample->row_class == ET_ROW_EVENT) {
			assert_ok(et_envelope_read(body, &envelope, &err), &err);
			assert_slice(envelope.event_type, sample->kind);
			assert_slice(envelope.group_id, sample->device);
			assert_slice(envelope.aggregate_id, sample->aggregate);
			assert_int_equal(envelope.version, sample->version);
			assert_false(envelope.is_snapshot);
			assert_int_equal(envelope.timestamp_ns, 0);
			assert_ok(et_unsnappy(envelope.data, &plain, &err), &err);
			assert_ok(et_payload_read(et_kind_of(envelope.event_type),
						  build_slice(&plain), &payload, &err),
				  &err);
			assert_true(payload.has_metadata);
			assert_int_equal(payload.version, sample->version);
			assert_int_equal(payload.timestamp_ns, sample->event_time_ns);
			assert_slice(payload.device_id, sample->device);
			assert_int_equal(payload.hub_id.size, 36);
		}
		free(data);
	}
	et_buf_done(&plain);
}

static void
stored_events_have_their_version(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		const struct stored_sample *sample = &stored_samples[i];
		enum et_kind kind = et_kind_of(text_slice(sample->type));
		struct et_error err = { 0 };
		struct et_payload payload;
		struct et_buf plain;
		uint8_t *data;

		et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
		assert_ok(et_unsnappy(sample_slice(sample->data, &data), &plain, &err), &err);
		assert_ok(et_payload_read(kind, build_slice(&plain), &payload, &err), &err);
		assert_true(payload.has_metadata);
		assert_int_equal(payload.version, sample->version);
		assert_true(payload.timestamp_ns > 0);
		assert_true((payload.device_id.size == 36) ==
			    (et_kind_info(kind)->family != ET_FAMILY_SERVICE));
		assert_true((payload.href.size > 0) ==
			    (et_kind_info(kind)->family == ET_FAMILY_RESOURCE));
		free(data);
		et_buf_done(&plain);
	}
}

static void
all_fields_of_an_envelope_are_read(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_envelope envelope;
	struct et_buf out;

	et_buf_init(&out, 1000);
	build_envelope(&out, "t", "g", "a", 7, NULL);
	et_buf_field_u64(&out, 6, 2);
	et_buf_field_i64(&out, 7, -5);
	et_buf_field_u64(&out, 8, 9); /* nobody knows them */
	et_buf_field_text(&out, 9, "x");
	et_buf_field_u64(&out, 2, 9); /* wire types that are not theirs */
	et_buf_field_text(&out, 1, "x");
	et_buf_put(&out, "\x0d\1\2\3\4", 5);
	et_buf_field_u64(&out, 1, 8); /* the last one counts */
	assert_ok(et_envelope_read(build_slice(&out), &envelope, &err), &err);
	assert_int_equal(envelope.version, 8);
	assert_slice(envelope.event_type, "t");
	assert_true(envelope.is_snapshot);
	assert_int_equal(envelope.timestamp_ns, -5);
	assert_int_equal(envelope.data.size, 0);
	et_buf_done(&out);
}

static void
an_envelope_without_type_group_or_aggregate_is_corrupt(void **state ET_UNUSED)
{
	static const struct {
		const char *type, *group, *aggregate, *words;
	} cases[] = {
		{ "", "g", "a", "no event type" },
		{ "t", "", "a", "no group" },
		{ "t", "g", "", "no aggregate" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_envelope envelope = { .version = 99 };
		struct et_error err = { 0 };
		struct et_buf out;

		et_buf_init(&out, 1000);
		build_envelope(&out, cases[i].type, cases[i].group, cases[i].aggregate, 1, NULL);
		assert_code(ET_CORRUPT, et_envelope_read(build_slice(&out), &envelope, &err), &err);
		assert_words(&err, cases[i].words);
		assert_int_equal(envelope.version, 99);
		et_buf_done(&out);
	}
}

static void
a_broken_envelope_is_scanned_as_far_as_it_goes(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_envelope envelope;
	struct et_slice bytes;
	struct et_buf out;

	et_buf_init(&out, 1000);
	build_envelope(&out, "t", "group", "aggregate", 7, NULL);
	bytes = (struct et_slice){ out.data, out.size - 1 };
	assert_false(et_envelope_scan(bytes, &envelope));
	assert_int_equal(envelope.version, 7);
	assert_slice(envelope.group_id, "group");
	assert_int_equal(envelope.aggregate_id.size, 0);
	assert_code(ET_CORRUPT, et_envelope_read(bytes, &envelope, &err), &err);
	assert_words(&err, "no protobuf");
	et_buf_done(&out);
}

static void
damaged_snappy_data_is_corrupt(void **state ET_UNUSED)
{
	static const struct {
		const char *bytes, *words;
	} cases[] = {
		{ "", "not compressed" },           { "ff", "not compressed" },
		{ "ffffffffff", "not compressed" }, { "05", "damaged" },
		{ "0510616263", "damaged" },        { "ffff7f0061", "cannot hold" },
		{ "64fe0500", "damaged" }, /* a copy from before the start */
	};
	struct et_buf out;

	et_buf_init(&out, 1000);
	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_error err = { 0 };
		uint8_t *data;
		struct et_slice bytes = sample_slice(cases[i].bytes, &data);

		et_buf_text(&out, "old");
		assert_code(ET_CORRUPT, et_unsnappy(bytes, &out, &err), &err);
		assert_words(&err, cases[i].words);
		assert_int_equal(out.size, 0);
		free(data);
	}
	et_buf_done(&out);
}

static void
snappy_data_beyond_the_ceiling_is_refused(void **state ET_UNUSED)
{
	static const uint8_t zeros[5000];
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	et_buf_init(&packed, 10000);
	et_buf_init(&out, sizeof(zeros) - 1);
	build_snappy(&packed, (struct et_slice){ zeros, sizeof(zeros) });
	assert_code(ET_LIMIT, et_unsnappy(build_slice(&packed), &out, &err), &err);
	et_buf_done(&out);
	et_buf_init(&out, sizeof(zeros));
	assert_ok(et_unsnappy(build_slice(&packed), &out, &err), &err);
	assert_int_equal(out.size, sizeof(zeros));
	assert_memory_equal(out.data, zeros, sizeof(zeros));
	et_buf_done(&out);
	et_buf_done(&packed);
}

static void
what_is_compressed_comes_back(void **state ET_UNUSED)
{
	static const uint8_t zeros[5000];
	static const size_t sizes[] = { 0, 1, 60, 5000 };
	struct et_error err = { 0 };
	struct et_buf packed;
	struct et_buf out;

	et_buf_init(&packed, 10000);
	et_buf_init(&out, 10000);
	for (size_t i = 0; i < ET_COUNT(sizes); i++) {
		et_snappy((struct et_slice){ zeros, sizes[i] }, &packed);
		assert_ok(et_unsnappy(build_slice(&packed), &out, &err), &err);
		assert_int_equal(out.size, sizes[i]);
		assert_memory_equal(out.data, zeros, sizes[i]);
	}
	assert_true(packed.size < 500);
	et_buf_done(&packed);
	/* The room that might be needed must be there. */
	et_buf_init(&packed, 5000);
	et_snappy((struct et_slice){ zeros, sizeof(zeros) }, &packed);
	assert_int_equal(packed.size, 0);
	assert_true(packed.overflow);
	et_buf_done(&packed);
	et_buf_done(&out);
}

static void
nothing_behind_snappy_is_an_empty_event(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_payload payload = { .version = 5 };
	struct et_buf out;

	et_buf_init(&out, 1000);
	assert_ok(et_unsnappy((struct et_slice){ (const uint8_t *)"", 1 }, &out, &err), &err);
	assert_int_equal(out.size, 0);
	assert_ok(et_payload_read(ET_KIND_CREATED, build_slice(&out), &payload, &err), &err);
	assert_false(payload.has_metadata);
	assert_int_equal(payload.version, 0);
	et_buf_done(&out);
}

/* event_metadata 5 {1: 2, 2: 3, 3: "c", 4: 4, 5: "h"}, audit_context 4 {1 u, 2 c, 3 o},
 * resource_id 1 {1 d, 2 h}, with fields and wire types between that are not theirs. */
#define METADATA \
	"2a0e"   \
	"0802"   \
	"1003"   \
	"1a0163" \
	"2004"   \
	"2a0168" \
	"3000"
#define AUDIT    \
	"220b"   \
	"0a0175" \
	"120163" \
	"1a016f" \
	"2000"
#define RESOURCE   \
	"0a09"     \
	"0a0164"   \
	"12026868" \
	"0801"

static void
common_fields_of_an_event_are_read(void **state ET_UNUSED)
{
	static const char digits[] = METADATA "0801"
					      "2801" AUDIT RESOURCE "320178"
					      "2a020807";
	struct et_error err = { 0 };
	struct et_payload payload;
	uint8_t *data;
	struct et_slice bytes = sample_slice(digits, &data);

	assert_ok(et_payload_read(ET_KIND_UPDATED, bytes, &payload, &err), &err);
	assert_true(payload.has_metadata);
	assert_int_equal(payload.version, 7); /* messages that come twice are merged */
	assert_int_equal(payload.timestamp_ns, 3);
	assert_int_equal(payload.sequence, 4);
	assert_slice(payload.connection_id, "c");
	assert_slice(payload.hub_id, "h");
	assert_slice(payload.user_id, "u");
	assert_slice(payload.correlation_id, "c");
	assert_slice(payload.owner, "o");
	assert_slice(payload.device_id, "d");
	assert_slice(payload.href, "hh");
	free(data);
}

static void
damaged_events_are_corrupt(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind kind;
		const char *bytes, *words;
	} cases[] = {
		{ ET_KIND_UPDATED, "2a0108", "field 5 of a resourceupdated" },
		{ ET_KIND_UPDATED, "22010a", "field 4 of a resourceupdated" },
		{ ET_KIND_UPDATED, "0a010a", "field 1 of a resourceupdated" },
		{ ET_KIND_UPDATED, "0b", "a resourceupdated is no protobuf" },
		{ ET_KIND_LINKS_PUBLISHED, "0a0564", "a resourcelinkspublished is no protobuf" },
		{ ET_KIND_DEVICES_REGISTERED, "0a", "registration is no protobuf" },
		{ ET_KIND_DEVICES_REGISTERED, "0a010a", "registration is no protobuf" },
		{ ET_KIND_DEVICES_REGISTERED, "0a0322010a", "field 4 of a registration" },
		{ ET_KIND_DEVICES_REGISTERED, "0a032a010a", "field 5 of a registration" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_payload payload = { .version = 5 };
		struct et_error err = { 0 };
		uint8_t *data;
		struct et_slice bytes = sample_slice(cases[i].bytes, &data);

		assert_code(ET_CORRUPT, et_payload_read(cases[i].kind, bytes, &payload, &err),
			    &err);
		assert_words(&err, cases[i].words);
		assert_int_equal(payload.version, 5);
		free(data);
	}
}

static void
of_an_unknown_event_nothing_is_known(void **state ET_UNUSED)
{
	struct et_payload payload = { .version = 5 };
	struct et_error err = { 0 };

	assert_ok(et_payload_read(ET_KIND_UNKNOWN, text_slice("\x0b"), &payload, &err), &err);
	assert_int_equal(payload.version, 0);
}

/* owner o, device d, an empty one, device e, time 9, user u, hub h; a field that nobody knows. */
#define REGISTRATION \
	"0a016f"     \
	"120164"     \
	"1200"       \
	"120165"     \
	"1809"       \
	"22030a0175" \
	"2a030a0168" \
	"320178"     \
	"0801"

static void
a_registration_names_devices(void **state ET_UNUSED)
{
	static const char *const cases[] = { "0a1c" REGISTRATION, "121c" REGISTRATION,
					     "0a020a0012001a00121c" REGISTRATION };

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		enum et_kind kind =
			i == 0 ? ET_KIND_DEVICES_REGISTERED : ET_KIND_DEVICES_UNREGISTERED;
		struct et_registration registration;
		struct et_payload payload;
		struct et_error err = { 0 };
		struct et_slice device;
		uint8_t *data;
		struct et_slice bytes = sample_slice(cases[i], &data);

		assert_ok(et_registration_read(bytes, &registration, &err), &err);
		assert_int_equal(registration.kind, kind);
		assert_slice(registration.owner, "o");
		assert_int_equal(registration.timestamp_ns, 9);
		assert_slice(registration.user_id, "u");
		assert_slice(registration.hub_id, "h");
		assert_int_equal(registration.device_count, 2);
		assert_true(et_registration_next(&registration, &device));
		assert_slice(device, "d");
		assert_true(et_registration_next(&registration, &device));
		assert_slice(device, "e");
		assert_false(et_registration_next(&registration, &device));
		assert_ok(et_payload_read(kind, bytes, &payload, &err), &err);
		assert_false(payload.has_metadata);
		assert_int_equal(payload.timestamp_ns, 9);
		assert_slice(payload.owner, "o");
		free(data);
	}
}

static void
a_registration_of_another_kind_is_unknown(void **state ET_UNUSED)
{
	struct et_registration registration;
	struct et_error err = { 0 };
	struct et_slice device;

	assert_ok(et_registration_read(text_slice("\x1a\x01x"), &registration, &err), &err);
	assert_int_equal(registration.kind, ET_KIND_UNKNOWN);
	assert_false(et_registration_next(&registration, &device));
}

static void
a_registration_of_too_many_devices_is_refused(void **state ET_UNUSED)
{
	struct et_registration registration;
	struct et_error err = { 0 };
	struct et_buf devices;
	struct et_buf out;

	et_buf_init(&devices, 1 << 20);
	et_buf_init(&out, 1 << 20);
	for (unsigned i = 0; i < ET_REGISTRATION_DEVICES_MAX; i++)
		et_buf_field_text(&devices, 2, "d");
	et_buf_field_message(&out, 1, devices.data, devices.size);
	assert_ok(et_registration_read(build_slice(&out), &registration, &err), &err);
	assert_int_equal(registration.device_count, ET_REGISTRATION_DEVICES_MAX);
	et_buf_field_text(&devices, 2, "d");
	et_buf_reset(&out);
	et_buf_field_message(&out, 1, devices.data, devices.size);
	assert_code(ET_LIMIT, et_registration_read(build_slice(&out), &registration, &err), &err);
	et_buf_done(&out);
	et_buf_done(&devices);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_the_hub_say_who_and_when),
		cmocka_unit_test(stored_events_have_their_version),
		cmocka_unit_test(all_fields_of_an_envelope_are_read),
		cmocka_unit_test(an_envelope_without_type_group_or_aggregate_is_corrupt),
		cmocka_unit_test(a_broken_envelope_is_scanned_as_far_as_it_goes),
		cmocka_unit_test(damaged_snappy_data_is_corrupt),
		cmocka_unit_test(snappy_data_beyond_the_ceiling_is_refused),
		cmocka_unit_test(what_is_compressed_comes_back),
		cmocka_unit_test(nothing_behind_snappy_is_an_empty_event),
		cmocka_unit_test(common_fields_of_an_event_are_read),
		cmocka_unit_test(damaged_events_are_corrupt),
		cmocka_unit_test(of_an_unknown_event_nothing_is_known),
		cmocka_unit_test(a_registration_names_devices),
		cmocka_unit_test(a_registration_of_another_kind_is_unknown),
		cmocka_unit_test(a_registration_of_too_many_devices_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
