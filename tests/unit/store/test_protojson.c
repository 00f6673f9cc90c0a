// SPDX-License-Identifier: Apache-2.0
/* JSON back to protobuf: each kind of field in each of its forms, and events of real hubs. */
#include "et_test.h"

#include "event/envelope.h"
#include "event/json.h"
#include "proto/gateway.pb-c.h"
#include "proto/resourceaggregate.pb-c.h"
#include "store/gateway_event.h"
#include "store/protojson.h"
#include "store/source.h"

#define CEILING (4u << 20)

#define RA(noun) (&resourceaggregate__pb__##noun##__descriptor)

/* Reads text as `message`. */
static int
read_text(const ProtobufCMessageDescriptor *message, const char *text, struct et_buf *out,
	  struct et_error *err)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int r;

	assert_non_null(json);
	et_buf_init(out, CEILING);
	r = et_protojson_read(message, json, out, err);
	json_decref(json);
	return r;
}

static void
expect(enum et_kind kind, const ProtobufCMessageDescriptor *message, const char *text,
       const char *wanted)
{
	struct et_error err = { 0 };
	struct et_buf bytes;
	struct et_buf again;

	assert_ok(read_text(message, text, &bytes, &err), &err);
	et_buf_init(&again, CEILING);
	assert_ok(et_json_event(kind, (struct et_slice){ bytes.data, bytes.size }, &again, &err),
		  &err);
	assert_string_equal(et_buf_cstr(&again), wanted);
	et_buf_done(&again);
	et_buf_done(&bytes);
}

static void
expect_changed(const char *text, const char *wanted)
{
	expect(ET_KIND_RESOURCE_CHANGED, RA(resource_changed), text, wanted);
}

static void
names_are_in_camel_case_or_as_in_the_proto_file(void **state ET_UNUSED)
{
	expect_changed("{\"resourceId\":{\"deviceId\":\"d\",\"href\":\"/a\"}}",
		       "{\"resource_id\":{\"device_id\":\"d\",\"href\":\"/a\"}}");
	expect_changed("{\"resource_id\":{\"device_id\":\"d\"}}",
		       "{\"resource_id\":{\"device_id\":\"d\"}}");
}

static void
numbers_are_texts_or_numbers(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		const char *wanted;
	} rows[] = {
		{ "{\"version\":\"18446744073709551615\"}",
		  "{\"version\":\"18446744073709551615\"}" },
		{ "{\"version\":7}", "{\"version\":\"7\"}" },
		{ "{\"timestamp\":\"-9223372036854775808\"}",
		  "{\"timestamp\":\"-9223372036854775808\"}" },
		{ "{\"timestamp\":-1}", "{\"timestamp\":\"-1\"}" },
		{ "{\"version\":\"0\",\"timestamp\":0,\"sequence\":null}", "{}" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *text = et_format("{\"eventMetadata\":%s}", rows[i].text);
		ET_CLEAN_MEM char *wanted = et_format("{\"event_metadata\":%s}", rows[i].wanted);

		expect_changed(text, wanted);
	}
	expect_changed("{\"content\":{\"coapContentFormat\":-1}}",
		       "{\"content\":{\"coap_content_format\":-1}}");
}

static void
enums_are_names_or_numbers_and_strange_names_are_left_out(void **state ET_UNUSED)
{
	expect_changed("{\"status\":\"NOT_FOUND\"}", "{\"status\":\"NOT_FOUND\"}");
	expect_changed("{\"status\":5}", "{\"status\":\"NOT_FOUND\"}");
	expect_changed("{\"status\":77}", "{\"status\":77}");
	expect_changed("{\"status\":\"OF_A_NEWER_HUB\"}", "{}");
}

static void
bytes_are_base64_of_either_alphabet(void **state ET_UNUSED)
{
	static const char *const rows[][2] = {
		{ "AA==", "AA==" },       { "AA", "AA==" },         { "AAE=", "AAE=" },
		{ "AAEC", "AAEC" },       { "+/+/", "+/+/" },       { "-_-_", "+/+/" },
		{ "AAECAw", "AAECAw==" }, { "azAZ09", "azAZ0w==" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *text = et_format("{\"etag\":\"%s\"}", rows[i][0]);
		ET_CLEAN_MEM char *wanted = et_format("{\"etag\":\"%s\"}", rows[i][1]);

		expect_changed(text, wanted);
	}
	expect_changed("{\"etag\":\"\"}", "{}");
}

static void
lists_and_maps_keep_what_is_empty(void **state ET_UNUSED)
{
	expect_changed(
		"{\"resourceTypes\":[\"a\",\"\",\"b\"],\"openTelemetryCarrier\":{\"z\":\"1\","
		"\"\":\"\"}}",
		"{\"resource_types\":[\"a\",\"\",\"b\"],\"open_telemetry_carrier\":"
		"{\"\":\"\",\"z\":\"1\"}}");
	expect_changed("{\"resourceTypes\":[],\"openTelemetryCarrier\":{}}", "{}");
	expect(ET_KIND_RETRIEVE_PENDING, RA(resource_retrieve_pending),
	       "{\"etag\":[\"AA==\",\"\"]}", "{\"etag\":[\"AA==\",\"\"]}");
	expect(ET_KIND_LINKS_SNAPSHOT, RA(resource_links_snapshot_taken),
	       "{\"resources\":{\"/a\":{\"href\":\"/a\",\"policy\":{\"bitFlags\":3}},\"/b\":{}}}",
	       "{\"resources\":{\"/a\":{\"href\":\"/a\",\"policy\":{\"bit_flags\":3}},\"/b\":{}}}");
}

static void
what_is_set_in_a_oneof_stands_though_it_is_zero(void **state ET_UNUSED)
{
	expect(ET_KIND_METADATA_UPDATE_PENDING, RA(device_metadata_update_pending),
	       "{\"twinEnabled\":false}", "{\"twin_enabled\":false}");
	expect(ET_KIND_METADATA_UPDATED, RA(device_metadata_updated),
	       "{\"twinEnabled\":false,\"canceled\":true}", "{\"canceled\":true}");
}

static void
an_empty_message_is_there_and_null_is_not(void **state ET_UNUSED)
{
	expect_changed("{\"content\":{},\"auditContext\":null}", "{\"content\":{}}");
	expect_changed("{}", "{}");
}

static void
texts_keep_every_character(void **state ET_UNUSED)
{
	expect_changed("{\"resourceId\":{\"href\":\"/\\u0000\\u00e4\\\"\\n\"}}",
		       "{\"resource_id\":{\"href\":\"/\\u0000\xc3\xa4\\\"\\n\"}}");
}

static void
names_of_a_newer_hub_are_passed_over(void **state ET_UNUSED)
{
	expect_changed("{\"etag\":\"AA==\",\"ofANewerHub\":{\"x\":[1,2]}}", "{\"etag\":\"AA==\"}");
}

static void
what_is_not_of_the_form_is_refused_with_its_name(void **state ET_UNUSED)
{
	static const struct {
		const char *text;
		const char *words;
	} rows[] = {
		{ "[]", "no JSON object" },
		{ "7", "no JSON object" },
		{ "{\"content\":[1,2]}", "'content': no JSON object" },
		{ "{\"content\":\"decoded\"}", "'content': no JSON object" },
		{ "{\"content\":{\"state\":true,\"power\":3}}", "'content': no Content" },
		{ "{\"content\":{\"data\":{\"x\":1}}}", "'content': 'data' is no base64" },
		{ "{\"etag\":\"A\"}", "'etag' is no base64" },
		{ "{\"etag\":\"AAAAA\"}", "'etag' is no base64" },
		{ "{\"etag\":\"A A=\"}", "'etag' is no base64" },
		{ "{\"etag\":7}", "'etag' is no base64" },
		{ "{\"resourceId\":{\"href\":7}}", "'href' is no text" },
		{ "{\"resourceTypes\":\"a\"}", "'resource_types' is no list" },
		{ "{\"resourceTypes\":[null]}", "'resource_types' is no text" },
		{ "{\"openTelemetryCarrier\":[]}", "'open_telemetry_carrier' is no map" },
		{ "{\"openTelemetryCarrier\":{\"a\":1}}", "'value' is no text" },
		{ "{\"status\":1.5}", "'status' is no number" },
		{ "{\"status\":2147483648}", "'status' is no number" },
		{ "{\"status\":-2147483649}", "'status' is no number" },
		{ "{\"content\":{\"coapContentFormat\":\"2147483648\"}}", "is no number" },
		{ "{\"content\":{\"coapContentFormat\":true}}", "is no number" },
		{ "{\"eventMetadata\":{\"version\":-1}}", "'version' is no number" },
		{ "{\"eventMetadata\":{\"version\":\"-1\"}}", "'version' is no number" },
		{ "{\"eventMetadata\":{\"version\":\"18446744073709551616\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"version\":\"\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"version\":\"1\\u0000\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"version\":\" 1\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"version\":\"1-\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"timestamp\":\"-\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"timestamp\":\"9223372036854775808\"}}", "is no number" },
		{ "{\"eventMetadata\":{\"timestamp\":\"000000000000000000001\"}}", "is no number" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_error err = { 0 };
		struct et_buf bytes;

		print_message("%s\n", rows[i].text);
		assert_code(ET_GARBLED, read_text(RA(resource_changed), rows[i].text, &bytes, &err),
			    &err);
		assert_words(&err, rows[i].words);
		et_buf_done(&bytes);
	}
}

static void
a_flag_is_true_or_false(void **state ET_UNUSED)
{
	struct et_error err = { 0 };
	struct et_buf bytes;

	assert_code(ET_GARBLED,
		    read_text(RA(device_metadata_updated), "{\"canceled\":1}", &bytes, &err), &err);
	assert_words(&err, "'canceled' is no number of its kind");
	et_buf_done(&bytes);
}

static void
beyond_the_ceiling_nothing_is_written(void **state ET_UNUSED)
{
	static const char *const texts[] = {
		"{\"resourceId\":{\"href\":\"0123456789\"}}",
		"{\"openTelemetryCarrier\":{\"0123456789\":\"0123456789\"}}",
	};

	for (size_t i = 0; i < ET_COUNT(texts); i++) {
		json_t *json = json_loads(texts[i], 0, NULL);
		struct et_error err = { 0 };
		struct et_buf bytes;

		et_buf_init(&bytes, 8);
		assert_code(ET_GARBLED, et_protojson_read(RA(resource_changed), json, &bytes, &err),
			    &err);
		assert_words(&err, "larger than 8 bytes");
		assert_int_equal(bytes.size, 0);
		et_buf_done(&bytes);
		json_decref(json);
	}
}

/* ---- events of real hubs ---- */

static const ProtobufCMessageDescriptor *
message_of(enum et_kind kind)
{
	const ProtobufCMessageDescriptor *response =
		&grpcgateway__pb__get_events_response__descriptor;

	for (unsigned i = 0; i < response->n_fields; i++)
		if (et_gateway_kind(response->fields[i].id) == kind)
			return response->fields[i].descriptor;
	return NULL;
}

/* As JSON, back, and as JSON again: nothing may get lost. True for a kind that a gateway has. */
static bool
goes_round(const struct et_stored_event *event, struct et_buf *plain)
{
	const ProtobufCMessageDescriptor *message = message_of(event->kind);
	struct et_error err = { 0 };
	struct et_buf first;
	struct et_buf bytes;
	struct et_buf second;
	json_t *json;

	if (message == NULL)
		return false;
	assert_ok(et_unsnappy(event->data, plain, &err), &err);
	et_buf_init(&first, CEILING);
	et_buf_init(&bytes, CEILING);
	et_buf_init(&second, CEILING);
	assert_ok(et_json_event(event->kind, (struct et_slice){ plain->data, plain->size }, &first,
				&err),
		  &err);
	json = json_loadb((const char *)first.data, first.size, JSON_ALLOW_NUL, NULL);
	assert_ok(et_protojson_read(message, json, &bytes, &err), &err);
	json_decref(json);
	assert_ok(et_json_event(event->kind, (struct et_slice){ bytes.data, bytes.size }, &second,
				&err),
		  &err);
	assert_string_equal(et_buf_cstr(&first), et_buf_cstr(&second));
	et_buf_done(&first);
	et_buf_done(&bytes);
	et_buf_done(&second);
	return true;
}

static void
every_recorded_event_goes_round(void **state ET_UNUSED)
{
	static const char *const names[] = { "current", "current-kept", "older" };
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct et_error err = { 0 };
	struct et_buf plain;
	unsigned count = 0;
	int r = 0;

	et_buf_init(&plain, CEILING);
	for (size_t i = 0; i < ET_COUNT(names); i++) {
		ET_CLEAN_MEM char *path = et_format(
			"%s/tests/data/%s/eventStore_db.devices_events.bson", top, names[i]);
		ET_CLEAN(et_source) struct et_source *source = NULL;
		ET_CLEAN(et_documents) struct et_documents *documents = NULL;
		struct et_source_document row;

		assert_ok(et_source_open_dump(path, &source, &err), &err);
		assert_ok(et_source_all(source, &documents, &err), &err);
		while ((r = et_documents_next(documents, &row, &err)) > 0)
			for (size_t k = 0; k < row.document.event_count; k++)
				count += goes_round(&row.document.events[k], &plain);
		assert_ok(r, &err);
		et_documents_free(ET_STEAL(documents));
	}
	assert_true(count > 2000);
	et_buf_done(&plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_in_camel_case_or_as_in_the_proto_file),
		cmocka_unit_test(numbers_are_texts_or_numbers),
		cmocka_unit_test(enums_are_names_or_numbers_and_strange_names_are_left_out),
		cmocka_unit_test(bytes_are_base64_of_either_alphabet),
		cmocka_unit_test(lists_and_maps_keep_what_is_empty),
		cmocka_unit_test(what_is_set_in_a_oneof_stands_though_it_is_zero),
		cmocka_unit_test(an_empty_message_is_there_and_null_is_not),
		cmocka_unit_test(texts_keep_every_character),
		cmocka_unit_test(names_of_a_newer_hub_are_passed_over),
		cmocka_unit_test(what_is_not_of_the_form_is_refused_with_its_name),
		cmocka_unit_test(a_flag_is_true_or_false),
		cmocka_unit_test(beyond_the_ceiling_nothing_is_written),
		cmocka_unit_test(every_recorded_event_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
