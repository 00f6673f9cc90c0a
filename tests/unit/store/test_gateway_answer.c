// SPDX-License-Identifier: Apache-2.0
/* Events of one device, put together to documents in the form of the EventStore. */
#include "et_test.h"

#include "event/envelope.h"
#include "event/ident.h"
#include "store/document.h"
#include "store/gateway_answer.h"

#define DEVICE "6a1c9b5e-0d6b-4b4e-9d5e-2f3a4b5c6d7e"
#define OTHER "00000000-0000-4000-8000-000000000000"

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ (const uint8_t *)text, strlen(text) };
}

/* An event with resource_id, or for a NULL href device_id, and event_metadata, into `out`. */
static struct et_slice
make_event(struct et_buf *out, enum et_kind kind, const char *device, const char *href,
	   uint64_t version, int64_t time_ns)
{
	const struct et_kind_info *info = et_kind_info(kind);
	struct et_buf part;

	et_buf_reset(out);
	et_buf_init(&part, 4096);
	if (info->resource_field != 0) {
		et_buf_field_text(&part, 1, device);
		et_buf_field_text(&part, 2, href);
		et_buf_field_message(out, info->resource_field, part.data, part.size);
	} else {
		et_buf_field_text(out, 1, device);
	}
	et_buf_reset(&part);
	et_buf_field_u64(&part, 1, version);
	et_buf_field_i64(&part, 2, time_ns);
	et_buf_field_message(out, info->metadata_field, part.data, part.size);
	et_buf_done(&part);
	return (struct et_slice){ out->data, out->size };
}

static int
add(struct et_gateway_answer *answer, enum et_kind kind, const char *device, const char *href,
    uint64_t version, int64_t time_ns, struct et_error *err)
{
	struct et_gateway_event event = { .kind = kind };
	struct et_buf out;
	int r;

	et_buf_init(&out, 65536);
	event.protobuf = make_event(&out, kind, device, href, version, time_ns);
	r = et_gateway_answer_add(answer, &event, err);
	et_buf_done(&out);
	return r;
}

static void
must_add(struct et_gateway_answer *answer, enum et_kind kind, const char *href, uint64_t version)
{
	struct et_error err = { 0 };

	assert_ok(add(answer, kind, DEVICE, href, version, (int64_t)version * 1000, &err), &err);
}

/* "FIRST-LAST " of each document of the aggregate, "! " of a malformed one. */
static void
expect_parts(const struct et_gateway_answer *answer, const char *href, const char *wanted)
{
	struct et_uuid aggregate = et_ident_aggregate(slice_of(DEVICE), slice_of(href));
	struct et_gateway_part part;
	char text[256] = "";
	size_t at = 0;

	while (et_gateway_part_next(answer, &at, &part)) {
		size_t used = strlen(text);

		if (et_uuid_compare(&part.first->aggregate, &aggregate) != 0)
			continue;
		if (part.malformed)
			(void)snprintf(text + used, sizeof(text) - used, "! ");
		else
			(void)snprintf(text + used, sizeof(text) - used, "%d-%d ",
				       (int)part.first->version,
				       (int)part.first[part.count - 1].version);
	}
	assert_string_equal(text, wanted);
}

static void
each_field_of_the_response_is_one_kind(void **state ET_UNUSED)
{
	bool seen[ET_KIND_COUNT] = { false };

	for (unsigned field = 1; field <= 16; field++) {
		enum et_kind kind = et_gateway_kind(field);

		assert_int_not_equal(kind, ET_KIND_UNKNOWN);
		assert_false(seen[kind]);
		seen[kind] = true;
	}
	for (unsigned kind = 1; kind < ET_KIND_COUNT; kind++) {
		enum et_family family = et_kind_info(kind)->family;

		assert_int_equal(seen[kind],
				 family != ET_FAMILY_SERVICE && family != ET_FAMILY_REGISTRATION);
	}
	assert_int_equal(et_gateway_kind(0), ET_KIND_UNKNOWN);
	assert_int_equal(et_gateway_kind(17), ET_KIND_UNKNOWN);
}

static void
a_response_is_read_by_its_field(void **state ET_UNUSED)
{
	const uint8_t changed[] = { 0x22, 2, 0x12, 0 };
	const uint8_t strange[] = { 0x08, 7, 0xa2, 0x06, 1, 'x' };
	const uint8_t broken[] = { 0x22, 9, 0 };
	struct et_gateway_event event;
	struct et_error err = { 0 };

	assert_ok(
		et_gateway_event_read((struct et_slice){ changed, sizeof(changed) }, &event, &err),
		&err);
	assert_int_equal(event.kind, ET_KIND_RESOURCE_CHANGED);
	assert_int_equal(event.protobuf.size, 2);
	assert_ok(
		et_gateway_event_read((struct et_slice){ strange, sizeof(strange) }, &event, &err),
		&err);
	assert_int_equal(event.kind, ET_KIND_UNKNOWN);
	assert_ok(et_gateway_event_read((struct et_slice){ NULL, 0 }, &event, &err), &err);
	assert_int_equal(event.kind, ET_KIND_UNKNOWN);
	assert_code(
		ET_GARBLED,
		et_gateway_event_read((struct et_slice){ broken, sizeof(broken) }, &event, &err),
		&err);
	assert_words(&err, "no event of the gateway");
}

static void
contiguous_versions_are_one_document_and_a_gap_begins_another(void **state ET_UNUSED)
{
	struct et_gateway_answer answer;
	struct et_gateway_part part;
	size_t at = 0;

	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, false);
	et_gateway_answer_end(&answer);
	assert_false(et_gateway_part_next(&answer, &at, &part));
	/* Aggregates mixed; of /a a document with 5 to 7, and one that went before: 0 to 2. */
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 5);
	must_add(&answer, ET_KIND_METADATA_UPDATED, NULL, 9);
	must_add(&answer, ET_KIND_UPDATE_PENDING, "/a", 6);
	must_add(&answer, ET_KIND_RESOURCE_SNAPSHOT, "/a", 7);
	must_add(&answer, ET_KIND_RESOURCE_SNAPSHOT, "/a", 0);
	must_add(&answer, ET_KIND_LINKS_SNAPSHOT, NULL, 3);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 1);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 2);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/b", 4);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/b", 4);
	et_gateway_answer_end(&answer);
	expect_parts(&answer, "/a", "5-7 0-2 ");
	expect_parts(&answer, ET_HREF_METADATA, "9-9 ");
	expect_parts(&answer, ET_HREF_LINKS, "3-3 ");
	expect_parts(&answer, "/b", "4-4 4-4 ");
	/* The same answer once more, after a question that broke off. */
	et_gateway_answer_begin(&answer, answer.device_id, false);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", UINT64_MAX);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 0);
	et_gateway_answer_end(&answer);
	assert_int_equal(answer.count, 2);
	expect_parts(&answer, "/a", "-1--1 0-0 ");
	et_gateway_answer_done(&answer);
}

static void
another_devices_event_says_that_the_filter_was_not_heeded(void **state ET_UNUSED)
{
	struct et_gateway_answer answer;
	struct et_error err = { 0 };

	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, false);
	assert_code(ET_GARBLED, add(&answer, ET_KIND_RESOURCE_CHANGED, OTHER, "/a", 0, 0, &err),
		    &err);
	assert_words(&err, "another one");
	assert_code(ET_GARBLED, add(&answer, ET_KIND_METADATA_UPDATED, OTHER, NULL, 0, 0, &err),
		    &err);
	assert_int_equal(answer.count, 0);
	et_gateway_answer_done(&answer);
}

static void
what_cannot_be_read_is_a_malformed_document(void **state ET_UNUSED)
{
	const uint8_t broken[] = { 0x0a, 0xff };
	const struct et_gateway_event events[] = {
		{ ET_KIND_RESOURCE_CHANGED, { broken, sizeof(broken) } },
		{ ET_KIND_RESOURCE_CHANGED, { NULL, 0 } },
		{ ET_KIND_UNKNOWN, { broken, sizeof(broken) } },
	};
	struct et_gateway_answer answer;
	struct et_gateway_part part;
	struct et_error err = { 0 };
	struct et_buf out;
	size_t at = 0;

	et_buf_init(&out, 4096);
	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, true);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 0);
	for (size_t i = 0; i < ET_COUNT(events); i++)
		assert_ok(et_gateway_answer_add(&answer, &events[i], &err), &err);
	/* One that says where it belongs, and no version. */
	et_buf_field_message(&out, 1, "\x0a\x24" DEVICE "\x12\x02/a", 42);
	assert_ok(et_gateway_answer_add(&answer,
					&(struct et_gateway_event){ ET_KIND_RESOURCE_CHANGED,
								    { out.data, out.size } },
					&err),
		  &err);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 1);
	et_gateway_answer_end(&answer);
	expect_parts(&answer, "/a", "0-0 ! 1-1 ");
	/* What has no aggregate comes first. */
	for (size_t i = 0; i < ET_COUNT(events); i++) {
		assert_true(et_gateway_part_next(&answer, &at, &part));
		assert_true(part.malformed);
		assert_false(part.first->has_aggregate);
	}
	et_gateway_answer_done(&answer);
	et_buf_done(&out);
}

/* ---- BSON ---- */

static void
a_document_reads_like_one_of_the_store(void **state ET_UNUSED)
{
	struct et_uuid aggregate = et_ident_aggregate(slice_of(DEVICE), slice_of("/a"));
	struct et_document_scratch scratch = { 0 };
	char words[ET_STORE_WORDS_BYTES];
	char id[ET_UUID_TEXT_BYTES];
	struct et_gateway_answer answer;
	struct et_gateway_part part;
	struct et_document document;
	struct et_payload payload;
	struct et_error err = { 0 };
	struct et_buf plain;
	size_t at = 0;
	bson_t *bson;

	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, true);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", 6);
	must_add(&answer, ET_KIND_RESOURCE_SNAPSHOT, "/a", 7);
	et_gateway_answer_end(&answer);
	assert_true(et_gateway_part_next(&answer, &at, &part));
	bson = et_gateway_part_bson(&answer, &part);
	assert_ok(et_document_parse(bson_get_data(bson), bson->len, &document, &scratch, words),
		  NULL);
	et_uuid_format(&aggregate, id);
	assert_true(et_slice_equals(document.aggregate_id, id));
	assert_true(et_slice_equals(document.group_id, DEVICE));
	assert_int_equal(document.first_version, 6);
	assert_int_equal(document.latest_version, 7);
	assert_int_equal(document.latest_timestamp_ns, 7000);
	assert_true(document.is_active);
	assert_false(document.ghost);
	assert_int_equal(document.event_count, 2);
	assert_int_equal(document.events[0].kind, ET_KIND_RESOURCE_CHANGED);
	assert_false(document.events[0].is_snapshot);
	assert_int_equal(document.events[1].kind, ET_KIND_RESOURCE_SNAPSHOT);
	assert_true(document.events[1].is_snapshot);
	assert_int_equal(document.events[1].version, 7);
	assert_int_equal(document.events[1].timestamp_ns, 7000);
	et_buf_init(&plain, 65536);
	assert_ok(et_unsnappy(document.events[1].data, &plain, &err), &err);
	assert_ok(et_payload_read(ET_KIND_RESOURCE_SNAPSHOT,
				  (struct et_slice){ plain.data, plain.size }, &payload, &err),
		  &err);
	assert_int_equal(payload.version, 7);
	et_buf_done(&plain);
	et_document_scratch_done(&scratch);
	bson_destroy(bson);
	et_gateway_answer_done(&answer);
}

/* The words of a document that cannot be read. */
static void
expect_malformed(struct et_gateway_answer *answer, const char *wanted)
{
	struct et_document_scratch scratch = { 0 };
	char words[ET_STORE_WORDS_BYTES];
	struct et_gateway_part part;
	struct et_document document;
	size_t at = 0;
	bson_t *bson;

	et_gateway_answer_end(answer);
	assert_true(et_gateway_part_next(answer, &at, &part));
	bson = et_gateway_part_bson(answer, &part);
	assert_true(et_document_parse(bson_get_data(bson), bson->len, &document, &scratch, words) <
		    0);
	assert_string_equal(words, wanted);
	bson_destroy(bson);
	et_document_scratch_done(&scratch);
}

static void
a_malformed_document_says_what_is_missing(void **state ET_UNUSED)
{
	const struct et_gateway_event unknown = { .kind = ET_KIND_UNKNOWN };
	struct et_gateway_answer answer;
	struct et_error err = { 0 };
	struct et_buf out;

	et_buf_init(&out, 4096);
	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, true);
	assert_ok(et_gateway_answer_add(&answer, &unknown, &err), &err);
	expect_malformed(&answer, "'aggregateid' is missing");
	et_gateway_answer_begin(&answer, DEVICE, true);
	et_buf_field_text(&out, 1, DEVICE);
	assert_ok(et_gateway_answer_add(&answer,
					&(struct et_gateway_event){ ET_KIND_METADATA_UPDATED,
								    { out.data, out.size } },
					&err),
		  &err);
	expect_malformed(&answer, "'latestversion' is missing");
	/* No store holds such a number. */
	et_gateway_answer_begin(&answer, DEVICE, true);
	must_add(&answer, ET_KIND_RESOURCE_CHANGED, "/a", UINT64_MAX);
	expect_malformed(&answer, "'firstversion' has a type or value that it cannot have");
	et_gateway_answer_done(&answer);
	et_buf_done(&out);
}

/* ---- limits ---- */

static void
large_events_are_parted_into_documents_below_the_stores_limit(void **state ET_UNUSED)
{
	struct et_gateway_event event = { .kind = ET_KIND_RESOURCE_CHANGED };
	ET_CLEAN_MEM uint8_t *noise = et_alloc(3u << 20);
	struct et_gateway_answer answer;
	struct et_gateway_part part;
	struct et_error err = { 0 };
	uint32_t random = 1;
	unsigned parts = 0;
	size_t events = 0;
	struct et_buf out;
	size_t at = 0;
	bson_t *bson;

	for (size_t i = 0; i < (3u << 20); i++) {
		random = random * 1664525 + 1013904223;
		noise[i] = (uint8_t)(random >> 24);
	}
	et_buf_init(&out, 4u << 20);
	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, true);
	for (uint64_t version = 0; version < 9; version++) {
		(void)make_event(&out, event.kind, DEVICE, "/a", version, 1);
		et_buf_field_bytes(&out, 6, noise, 3u << 20);
		event.protobuf = (struct et_slice){ out.data, out.size };
		assert_ok(et_gateway_answer_add(&answer, &event, &err), &err);
	}
	et_gateway_answer_end(&answer);
	while (et_gateway_part_next(&answer, &at, &part)) {
		assert_int_equal(part.first->version, events);
		bson = et_gateway_part_bson(&answer, &part);
		assert_true(bson->len < 16u << 20);
		bson_destroy(bson);
		events += part.count;
		parts++;
	}
	assert_int_equal(events, 9);
	assert_int_equal(parts, 3);
	et_gateway_answer_done(&answer);
	et_buf_done(&out);
}

static void
a_device_of_too_many_events_or_bytes_is_refused(void **state ET_UNUSED)
{
	struct et_gateway_answer answer;
	struct et_error err = { 0 };
	int r = 0;

	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, false);
	answer.count = ET_GATEWAY_EVENTS_MAX; /* as if they had come */
	assert_code(ET_GARBLED, add(&answer, ET_KIND_RESOURCE_CHANGED, DEVICE, "/a", 0, 0, &err),
		    &err);
	assert_words(&err, "more than 1000000 events");
	et_gateway_answer_begin(&answer, DEVICE, true);
	answer.bodies.ceiling = 1000;
	for (uint64_t version = 0; r == 0 && version < 100; version++)
		r = add(&answer, ET_KIND_RESOURCE_CHANGED, DEVICE, "/a", version, 1, &err);
	assert_code(ET_GARBLED, r, &err);
	assert_words(&err, "device " DEVICE ": what the gateway tells of one device is larger");
	et_gateway_answer_done(&answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_of_the_response_is_one_kind),
		cmocka_unit_test(a_response_is_read_by_its_field),
		cmocka_unit_test(contiguous_versions_are_one_document_and_a_gap_begins_another),
		cmocka_unit_test(another_devices_event_says_that_the_filter_was_not_heeded),
		cmocka_unit_test(what_cannot_be_read_is_a_malformed_document),
		cmocka_unit_test(a_document_reads_like_one_of_the_store),
		cmocka_unit_test(a_malformed_document_says_what_is_missing),
		cmocka_unit_test(large_events_are_parted_into_documents_below_the_stores_limit),
		cmocka_unit_test(a_device_of_too_many_events_or_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
