// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "build.h"
#include "event/json.h"
#include "proto/resourceaggregate.pb-c.h"
#include "samples.h"

#define FOREIGN "{\"sequence\":1,\"time\":\"1970-01-01T00:00:00Z\",\"subject\":\"s\""

static void
messages_of_the_hub_become_what_python_makes_of_them(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		uint8_t *data;
		struct et_record record = {
			.seq = samples[i].seq,
			.time_ns = samples[i].time_ns,
			.subject = text_slice(samples[i].subject),
			.body = sample_slice(samples[i].body, &data),
		};
		char *start = et_format("{\"sequence\":%u,\"time\":\"20", (unsigned)record.seq);
		char *end =
			et_format("\",\"subject\":\"%s\"%s}", samples[i].subject, samples[i].json);
		struct et_buf out;
		const char *text;

		et_buf_init(&out, 1 << 20);
		et_json_record(&record, &out);
		text = et_buf_cstr(&out);
		assert_memory_equal(text, start, strlen(start));
		assert_true(out.size > strlen(end));
		assert_string_equal(text + out.size - strlen(end), end);
		et_buf_done(&out);
		free(end);
		free(start);
		free(data);
	}
}

static void
stored_events_too(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		struct et_error err = { 0 };
		struct et_buf plain;
		struct et_buf out;
		uint8_t *data;

		et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
		et_buf_init(&out, 1 << 20);
		assert_ok(et_unsnappy(sample_slice(stored_samples[i].data, &data), &plain, &err),
			  &err);
		assert_ok(et_json_event(et_kind_of(text_slice(stored_samples[i].type)),
					build_slice(&plain), &out, &err),
			  &err);
		assert_string_equal(et_buf_cstr(&out), stored_samples[i].json);
		et_buf_done(&out);
		et_buf_done(&plain);
		free(data);
	}
}

static void
texts_are_escaped(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		size_t bytes;
		const char *json;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
		{ "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
		{ "a\0b\x1f\x7f", 5, "\"a\\u0000b\\u001f\x7f\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
		{ "a\xc3", 2, "\"a\xef\xbf\xbd\"" },               /* breaks off */
		{ "\xc3(", 2, "\"\xef\xbf\xbd(\"" },               /* no second byte */
		{ "\xc1\xbf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, /* overlong */
		{ "\xe0\x9f\xbf", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* a surrogate */
		{ "\xe2\x82(", 3, "\"\xef\xbf\xbd\xef\xbf\xbd(\"" },
		{ "\xf4\x90\x80\x80", 4,
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* above U+10FFFF */
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_buf out;

		et_buf_init(&out, 1000);
		et_json_text(&out,
			     (struct et_slice){ (const uint8_t *)cases[i].text, cases[i].bytes });
		assert_string_equal(et_buf_cstr(&out), cases[i].json);
		et_buf_done(&out);
	}
}

static void
bytes_become_base64(void **state ET_UNUSED)
{
	/* RFC 4648, section 10. */
	static const char *const cases[][2] = {
		{ "", "\"\"" },
		{ "f", "\"Zg==\"" },
		{ "fo", "\"Zm8=\"" },
		{ "foo", "\"Zm9v\"" },
		{ "foob", "\"Zm9vYg==\"" },
		{ "fooba", "\"Zm9vYmE=\"" },
		{ "foobar", "\"Zm9vYmFy\"" },
		{ "\xfb\xff\xbf", "\"+/+/\"" },
	};
	struct et_buf out;

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		et_buf_init(&out, 1000);
		et_json_base64(&out, text_slice(cases[i][0]));
		assert_string_equal(et_buf_cstr(&out), cases[i][1]);
		et_buf_done(&out);
	}
	et_buf_init(&out, 5);
	et_json_base64(&out, text_slice("foo"));
	assert_int_equal(out.size, 0);
	assert_true(out.overflow);
	et_buf_done(&out);
}

/* What protobuf allows and the hub would not write. */
static void
odd_messages_are_read_as_protobuf_says(void **state ET_UNUSED)
{
	static const struct {
		const char *what;
		enum et_kind kind;
		const char *event, *json;
	} cases[] = {
		{ "nothing", ET_KIND_UPDATED, "", "{}" },
		{ "zero values", ET_KIND_METADATA_UPDATED,
		  "0a00"
		  "3000"
		  "4000",
		  "{}" },
		{ "an empty message is there", ET_KIND_UPDATED, "0a00", "{\"resource_id\":{}}" },
		{ "the last scalar counts", ET_KIND_UPDATED,
		  "1001"
		  "1002",
		  "{\"status\":\"BAD_REQUEST\"}" },
		{ "the last one may be zero", ET_KIND_UPDATED,
		  "1001"
		  "1000",
		  "{}" },
		{ "an enum without a name", ET_KIND_UPDATED, "1063", "{\"status\":99}" },
		{ "a negative enum", ET_KIND_UPDATED, "10ffffffffffffffffff01", "{\"status\":-1}" },
		{ "messages are merged", ET_KIND_UPDATED,
		  "0a030a0161"
		  "0a03120162"
		  "0a030a0163",
		  "{\"resource_id\":{\"device_id\":\"c\",\"href\":\"b\"}}" },
		{ "merged with an empty one", ET_KIND_UPDATED,
		  "0a00"
		  "0a03120162"
		  "0a00",
		  "{\"resource_id\":{\"href\":\"b\"}}" },
		{ "a negative int32", ET_KIND_UPDATED, "1a0b18ffffffffffffffffff01",
		  "{\"content\":{\"coap_content_format\":-1}}" },
		{ "a negative int64", ET_KIND_UPDATED, "2a0b10ffffffffffffffffff01",
		  "{\"event_metadata\":{\"timestamp\":\"-1\"}}" },
		{ "a text with a NUL", ET_KIND_UPDATED, "3203610062",
		  "{\"resource_types\":[\"a\\u0000b\"]}" },
		{ "empty elements of a list", ET_KIND_UPDATED,
		  "3200"
		  "320161",
		  "{\"resource_types\":[\"\",\"a\"]}" },
		{ "a member of a oneof shows its zero", ET_KIND_METADATA_UPDATE_PENDING, "3000",
		  "{\"twin_enabled\":false}" },
		{ "the last member of a oneof counts", ET_KIND_METADATA_UPDATE_PENDING,
		  "3001"
		  "3801",
		  "{\"twin_force_synchronization\":true}" },
		{ "another member of another wire type does not", ET_KIND_METADATA_UPDATE_PENDING,
		  "3001"
		  "3a0161"
		  "0a0164",
		  "{\"device_id\":\"d\",\"twin_enabled\":true,\"unknown\":{\"7\":[{\"bytes\":\"YQ=="
		  "\"}]}}" },
		{ "a oneof of messages", ET_KIND_DEVICES_REGISTERED,
		  "0a030a0161"
		  "0a030a0162"
		  "1200"
		  "0a021809",
		  "{\"devices_registered\":{\"timestamp\":\"9\"}}" },
		{ "a map is sorted, its last value counts", ET_KIND_UPDATED,
		  "a206060a0162120131"
		  "a206060a0161120132"
		  "a206060a0162120133",
		  "{\"open_telemetry_carrier\":{\"a\":\"2\",\"b\":\"3\"}}" },
		{ "a map with gaps", ET_KIND_UPDATED,
		  "a20600"
		  "a206030a0161"
		  "a20603120162"
		  "a206040a026161",
		  "{\"open_telemetry_carrier\":{\"\":\"b\",\"a\":\"\",\"aa\":\"\"}}" },
		{ "a map of messages, merged", ET_KIND_LINKS_SNAPSHOT,
		  "120d"
		  "0a0161"
		  "12030a0178"
		  "1203120179",
		  "{\"resources\":{\"a\":{\"href\":\"x\",\"device_id\":\"y\"}}}" },
		{ "a map of messages without a value", ET_KIND_LINKS_SNAPSHOT, "12030a0161",
		  "{\"resources\":{\"a\":{}}}" },
		{ "unknown fields by number", ET_KIND_UPDATED,
		  "f80701"
		  "4801"
		  "f20701ff"
		  "4802"
		  "490100000000000000"
		  "4d02000000"
		  "120178"
		  "08ffffffffffffffffff01",
		  "{\"unknown\":{\"1\":[{\"varint\":\"18446744073709551615\"}],\"2\":[{\"bytes\":"
		  "\"eA==\"}],"
		  "\"9\":[{\"varint\":\"1\"},{\"varint\":\"2\"},{\"fixed64\":\"1\"},{\"fixed32\":"
		  "\"2\"}],"
		  "\"126\":[{\"bytes\":\"/w==\"}],\"127\":[{\"varint\":\"1\"}]}}" },
		{ "an unknown field in what is nested", ET_KIND_UPDATED, "0a021801",
		  "{\"resource_id\":{\"unknown\":{\"3\":[{\"varint\":\"1\"}]}}}" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_error err = { 0 };
		struct et_buf out;
		uint8_t *data;

		print_message("  %s\n", cases[i].what);
		et_buf_init(&out, 10000);
		assert_ok(et_json_event(cases[i].kind, sample_slice(cases[i].event, &data), &out,
					&err),
			  &err);
		assert_string_equal(et_buf_cstr(&out), cases[i].json);
		et_buf_done(&out);
		free(data);
	}
}

static void
what_cannot_be_read_leaves_nothing(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind kind;
		const char *event;
		int code;
		const char *words;
	} cases[] = {
		{ ET_KIND_UNKNOWN, "", ET_GONE, "not known" },
		{ ET_KIND_COUNT, "", ET_GONE, "not known" },
		{ ET_KIND_UPDATED, "0b", ET_CORRUPT, "a ResourceUpdated is no protobuf" },
		{ ET_KIND_UPDATED, "10010a010b", ET_CORRUPT, "a ResourceId is no protobuf" },
		{ ET_KIND_UPDATED, "0a020a020a0161", ET_CORRUPT, "a ResourceId is no protobuf" },
		{ ET_KIND_UPDATED, "0a030a01610a010b0a030a0161", ET_CORRUPT,
		  "a ResourceId is no protobuf" },
		{ ET_KIND_DEVICES_REGISTERED, "0a010b1200", ET_CORRUPT, "DevicesRegistered is no" },
		{ ET_KIND_LINKS_PUBLISHED, "120452020a05", ET_CORRUPT,
		  "a EndpointInformation is no protobuf" },
		{ ET_KIND_LINKS_SNAPSHOT, "120312010b", ET_CORRUPT, "a Resource is no protobuf" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_error err = { 0 };
		struct et_buf out;
		uint8_t *data;

		et_buf_init(&out, 10000);
		et_buf_text(&out, "before");
		assert_code(cases[i].code,
			    et_json_event(cases[i].kind, sample_slice(cases[i].event, &data), &out,
					  &err),
			    &err);
		assert_words(&err, cases[i].words);
		assert_string_equal(et_buf_cstr(&out), "before");
		et_buf_done(&out);
		free(data);
	}
}

static void
a_ceiling_is_a_limit(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_buf out;

	et_buf_init(&out, 10);
	assert_code(ET_LIMIT, et_json_event(ET_KIND_UPDATED, text_slice("\x10\x01"), &out, &err),
		    &err);
	et_buf_done(&out);
}

static void
too_many_things_to_sort_are_refused(void **state ET_UNUSED)
{
	static const char *const entries[] = { "\xa2\x06\x02\x0a" /* and a zero */, "\x48\x01" };

	for (size_t which = 0; which < ET_COUNT(entries); which++) {
		struct et_error err = { 0 };
		struct et_buf event;
		struct et_buf out;

		et_buf_init(&event, 4 << 20);
		et_buf_init(&out, 64 << 20);
		for (size_t i = 0; i < 262145; i++) {
			et_buf_text(&event, entries[which]);
			if (which == 0)
				et_buf_put_u8(&event, 0);
		}
		assert_code(ET_LIMIT,
			    et_json_event(ET_KIND_UPDATED, build_slice(&event), &out, &err), &err);
		assert_words(&err, "entries to sort");
		event.size -= which == 0 ? 5 : 2;
		assert_ok(et_json_event(ET_KIND_UPDATED, build_slice(&event), &out, &err), &err);
		et_buf_done(&out);
		et_buf_done(&event);
	}
}

static void
foreign_messages_stand_as_they_are(void **state ET_UNUSED)
{
	struct et_header pairs[] = { { text_slice("B"), text_slice("2") },
				     { text_slice("A"), text_slice("\"") },
				     { text_slice("B"), text_slice("") } };
	struct et_record record = { .seq = 1,
				    .subject = text_slice("s"),
				    .body = text_slice("foo") };
	struct et_buf headers;
	struct et_buf out;

	et_buf_init(&headers, 1000);
	et_buf_init(&out, 1000);
	et_json_record(&record, &out);
	assert_string_equal(et_buf_cstr(&out), FOREIGN ",\"body\":\"Zm9v\"}");
	et_headers_encode(&headers, pairs, ET_COUNT(pairs));
	record.headers = build_slice(&headers);
	et_buf_reset(&out);
	et_json_record(&record, &out);
	assert_string_equal(et_buf_cstr(&out),
			    FOREIGN ",\"headers\":{\"A\":[\"\\\"\"],\"B\":[\"2\",\"\"]},"
				    "\"body\":\"Zm9v\"}");
	record.headers.size--;
	et_buf_reset(&out);
	et_json_record(&record, &out);
	assert_string_equal(et_buf_cstr(&out),
			    FOREIGN ",\"headers\":{\"A\":[\"\\\"\"]},"
				    "\"headers_error\":\"the headers are damaged\","
				    "\"body\":\"Zm9v\"}");
	et_buf_done(&out);
	et_buf_done(&headers);
}

static void
broken_messages_stand_as_they_are_with_an_error(void **state ET_UNUSED)
{
	static const struct {
		const char *subject, *type, *data, *json;
	} cases[] = {
		{ "plgd.owners.o.registrations.devicesregistered", NULL, "ff",
		  "\"body\":\"/w==\",\"error\":\"the data is not compressed with snappy\"}" },
		{ "plgd.owners.o.registrations.devicesregistered", NULL, "01000b",
		  "\"body\":\"AQAL\",\"error\":\"a Event is no protobuf message\"}" },
		{ "plgd.owners.o.registrations.later", NULL, "00",
		  "\"body\":\"AA==\",\"error\":\"the event type is not known\"}" },
		{ "plgd.owners.o.devices.d.metadata.later", NULL, "ff",
		  "\"body\":\"/w==\",\"error\":\"the envelope is no protobuf message\"}" },
		{ "plgd.owners.o.devices.d.metadata.later", "t", "00",
		  "\"envelope\":{\"event_type\":\"t\",\"group_id\":\"g\",\"aggregate_id\":\"a\"},"
		  "\"body\":\"EgF0GgFnIgFhKgEA\",\"error\":\"the event type is not known\"}" },
		{ "plgd.owners.o.devices.d.metadata.later", "resourceupdated", "ff",
		  "\"envelope\":{\"event_type\":\"resourceupdated\",\"group_id\":\"g\",\"aggregate_"
		  "id\":\"a\"},"
		  "\"body\":\"Eg9yZXNvdXJjZXVwZGF0ZWQaAWciAWEqAf8=\","
		  "\"error\":\"the data is not compressed with snappy\"}" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_record record = { .seq = 1, .subject = text_slice(cases[i].subject) };
		char *start = et_format(
			"{\"sequence\":1,\"time\":\"1970-01-01T00:00:00Z\",\"subject\":\"%s\",%s",
			cases[i].subject, cases[i].json);
		struct et_buf body;
		struct et_buf data;
		struct et_buf out;
		uint8_t *bytes;
		struct et_slice slice = sample_slice(cases[i].data, &bytes);

		et_buf_init(&body, 1000);
		et_buf_init(&data, 1000);
		et_buf_init(&out, 10000);
		et_buf_put(&data, slice.data, slice.size);
		if (cases[i].type != NULL)
			build_envelope(&body, cases[i].type, "g", "a", 0, &data);
		record.body = build_slice(cases[i].type != NULL ? &body : &data);
		et_json_record(&record, &out);
		assert_string_equal(et_buf_cstr(&out), start);
		et_buf_done(&out);
		et_buf_done(&data);
		et_buf_done(&body);
		free(bytes);
		free(start);
	}
}

/* An envelope that is fine on top, and whose own fields cannot be more than unknown. */
static void
an_envelope_with_too_much_to_sort_stands_as_it_is(void **state ET_UNUSED)
{
	struct et_record record = { .seq = 1,
				    .subject =
					    text_slice("plgd.owners.o.devices.d.metadata.later") };
	struct et_buf body;
	struct et_buf out;

	et_buf_init(&body, 4 << 20);
	et_buf_init(&out, 8 << 20);
	build_envelope(&body, "t", "g", "a", 0, NULL);
	for (size_t i = 0; i < 262145; i++)
		et_buf_text(&body, "\x48\x01");
	record.body = build_slice(&body);
	et_json_record(&record, &out);
	assert_non_null(strstr(et_buf_cstr(&out), "\"body\":\"EgF0"));
	assert_non_null(
		strstr(et_buf_cstr(&out), "\"error\":\"a message has more than 262144 entries"));
	et_buf_done(&out);
	et_buf_done(&body);
}

static void
walk_down(const ProtobufCMessageDescriptor *message, unsigned depth)
{
	assert_true(depth < 8);
	for (unsigned i = 0; i < message->n_fields; i++)
		if (message->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			walk_down(message->fields[i].descriptor, depth + 1);
}

static void
no_message_contains_itself(void **state ET_UNUSED)
{
	walk_down(&resourceaggregate__pb__resource_state_snapshot_taken__descriptor, 0);
	walk_down(&resourceaggregate__pb__device_metadata_snapshot_taken__descriptor, 0);
	walk_down(&resourceaggregate__pb__service_metadata_snapshot_taken__descriptor, 0);
	walk_down(&resourceaggregate__pb__resource_links_snapshot_taken__descriptor, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_the_hub_become_what_python_makes_of_them),
		cmocka_unit_test(stored_events_too),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(bytes_become_base64),
		cmocka_unit_test(odd_messages_are_read_as_protobuf_says),
		cmocka_unit_test(what_cannot_be_read_leaves_nothing),
		cmocka_unit_test(a_ceiling_is_a_limit),
		cmocka_unit_test(too_many_things_to_sort_are_refused),
		cmocka_unit_test(foreign_messages_stand_as_they_are),
		cmocka_unit_test(broken_messages_stand_as_they_are_with_an_error),
		cmocka_unit_test(an_envelope_with_too_much_to_sort_stands_as_it_is),
		cmocka_unit_test(no_message_contains_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
