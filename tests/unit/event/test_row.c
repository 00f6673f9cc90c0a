// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "build.h"
#include "event/ident.h"
#include "samples.h"

#define OWNER "plgd.owners.145935bc-7155-43c7-a764-90c3e0aa0b6a"
#define DEVICE "c26e0765-3c4b-493a-9ff7-cf95f416df18"
#define OTHER "71e6a35a-30f6-4c26-9f3f-c5aa1d2eb579"
#define AGGREGATE "caf94169-684d-5207-8186-a3d6b2b7d8c5"
#define UPDATED OWNER ".devices." DEVICE ".metadata.devicemetadataupdated"

/* Rows of one message, with time 1000 and sequence 9. */
static int
make(struct et_rows *rows, const char *subject, struct et_slice body, struct et_error *err)
{
	struct et_row_maker *maker = et_row_maker_new();
	struct et_record record = {
		.seq = 9, .time_ns = 1000, .subject = text_slice(subject), .body = body
	};
	int r = et_row_make(maker, &record, rows, err);

	et_row_maker_free(maker);
	return r;
}

static void
assert_uuid(const struct et_uuid *uuid, const char *text)
{
	char got[ET_UUID_TEXT_BYTES];

	et_uuid_format(uuid, got);
	assert_string_equal(got, text[0] != '\0' ? text : "00000000-0000-0000-0000-000000000000");
}

static void
messages_of_the_hub_give_one_row(void **state ET_UNUSED)
{
	ET_CLEAN(et_row_maker) struct et_row_maker *maker = et_row_maker_new();

	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		const struct sample *sample = &samples[i];
		uint8_t *data;
		struct et_record record = {
			.seq = sample->seq,
			.time_ns = sample->time_ns,
			.subject = text_slice(sample->subject),
			.body = sample_slice(sample->body, &data),
		};
		struct et_error err = { 0 };
		struct et_rows rows = { 0 };
		bool suffix = strstr(sample->subject, ".leadrt") != NULL;

		assert_ok(et_row_make(maker, &record, &rows, &err), &err);
		assert_int_equal(rows.count, 1);
		assert_int_equal(rows.rows[0].row_class, sample->row_class);
		assert_string_equal(et_kind_info(rows.rows[0].kind)->name, sample->kind);
		assert_uuid(&rows.rows[0].device, sample->device);
		assert_uuid(&rows.rows[0].aggregate, sample->aggregate);
		assert_int_equal(rows.rows[0].version, sample->version);
		assert_int_equal(rows.rows[0].event_time_ns, sample->event_time_ns);
		assert_int_equal(rows.rows[0].seq, sample->seq);
		assert_int_equal(rows.rows[0].flags, suffix ? ET_ROW_SUFFIX : 0);
		et_rows_done(&rows);
		free(data);
	}
}

static void
a_subject_that_is_not_the_hubs_is_foreign(void **state ET_UNUSED)
{
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };

	assert_ok(make(&rows, "other.subject", text_slice("\xff"), &err), &err);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.rows[0].row_class, ET_ROW_FOREIGN);
	assert_int_equal(rows.rows[0].flags, ET_ROW_NO_TIME);
	assert_int_equal(rows.rows[0].event_time_ns, 1000);
	assert_uuid(&rows.rows[0].device, "");
	et_rows_done(&rows);
}

struct event_case {
	const char *name;
	const char *subject;
	const char *type, *group, *aggregate;
	uint64_t version;         /* of the envelope */
	uint64_t payload_version; /* of event_metadata, as field 5 */
	int64_t time_ns;
	const char *data; /* in place of the payload */
	enum et_row_class row_class;
	const char *device; /* of the row */
	enum et_kind kind;
	unsigned flags;
	const char *words;
};

/* Every named device here is the UUIDv5 of "1" (Python). */
#define NAMED "b80c8fef-a677-5340-85fb-2c162d75df03"

static const struct event_case event_cases[] = {
	{ .name = "an event is one row", .time_ns = 5, .row_class = ET_ROW_EVENT },
	{ .name = "event_metadata without a time",
	  .row_class = ET_ROW_EVENT,
	  .flags = ET_ROW_NO_TIME },
	{ .name = "no event_metadata at all",
	  .data = "00",
	  .row_class = ET_ROW_EVENT,
	  .flags = ET_ROW_NO_TIME },
	{ .name = "the envelope rules where it and the subject differ",
	  .time_ns = 5,
	  .group = OTHER,
	  .device = OTHER,
	  .type = "resourceupdated",
	  .kind = ET_KIND_UPDATED,
	  .row_class = ET_ROW_EVENT },
	{ .name = "a device id that is no UUID",
	  .time_ns = 5,
	  .group = "1",
	  .device = NAMED,
	  .row_class = ET_ROW_EVENT,
	  .flags = ET_ROW_DEVICE_NAMED },
	{ .name = "a device id of the subject that is no UUID",
	  .time_ns = 5,
	  .subject = OWNER ".devices.1.metadata.devicemetadataupdated",
	  .row_class = ET_ROW_EVENT },
	{ .name = "an unknown type, with data that cannot be read",
	  .type = "later",
	  .data = "ff",
	  .row_class = ET_ROW_EVENT,
	  .flags = ET_ROW_NO_TIME },
	{ .name = "a suffix on any subject of a device",
	  .time_ns = 5,
	  .subject = UPDATED ".leadrt.x",
	  .row_class = ET_ROW_EVENT,
	  .flags = ET_ROW_SUFFIX },
	{ .name = "no type",
	  .type = "",
	  .kind = ET_KIND_METADATA_UPDATED,
	  .words = "no event type" },
	{ .name = "no group", .group = "", .words = "no group" },
	{ .name = "no group, and a device id of the subject that is no UUID",
	  .group = "",
	  .subject = OWNER ".devices.1.metadata.devicemetadataupdated",
	  .device = NAMED,
	  .flags = ET_ROW_DEVICE_NAMED,
	  .words = "no group" },
	{ .name = "no aggregate", .aggregate = "", .words = "no aggregate" },
	{ .name = "data that is no snappy", .data = "ff", .words = "not compressed" },
	{ .name = "data that is no protobuf", .data = "01000b", .words = "no protobuf" },
	{ .name = "another version behind snappy",
	  .payload_version = 4,
	  .time_ns = 5,
	  .words = "the envelope says version 3 and the event 4" },
	{ .name = "a registration in an envelope",
	  .type = "devicesregistered",
	  .kind = ET_KIND_DEVICES_REGISTERED,
	  .words = "on the subject of a device" },
};

static void
check_event_case(const struct event_case *c)
{
	const char *type = c->type != NULL ? c->type : "devicemetadataupdated";
	const char *aggregate = c->aggregate != NULL ? c->aggregate : AGGREGATE;
	bool malformed = c->words != NULL;
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };
	struct et_buf data;
	struct et_buf body;

	et_buf_init(&data, 1000);
	et_buf_init(&body, 1000);
	if (c->data != NULL) {
		uint8_t *bytes;
		struct et_slice slice = sample_slice(c->data, &bytes);

		et_buf_put(&data, slice.data, slice.size);
		free(bytes);
	} else {
		build_payload(&data, 5, c->payload_version > 0 ? c->payload_version : 3,
			      c->time_ns);
	}
	build_envelope(&body, type, c->group != NULL ? c->group : DEVICE, aggregate, 3, &data);
	assert_code(
		malformed ? ET_CORRUPT : 0,
		make(&rows, c->subject != NULL ? c->subject : UPDATED, build_slice(&body), &err),
		&err);
	if (malformed) {
		assert_words(&err, c->words);
		assert_words(&err, "message 9: ");
	}
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.rows[0].row_class, malformed ? ET_ROW_MALFORMED : c->row_class);
	assert_uuid(&rows.rows[0].device, c->device != NULL ? c->device : DEVICE);
	assert_uuid(&rows.rows[0].aggregate, aggregate);
	assert_int_equal(rows.rows[0].version, 3);
	assert_int_equal(rows.rows[0].kind,
			 c->kind != ET_KIND_UNKNOWN ? c->kind : et_kind_of(text_slice(type)));
	assert_int_equal(rows.rows[0].flags, c->flags | (malformed ? ET_ROW_NO_TIME : 0u));
	assert_int_equal(rows.rows[0].event_time_ns,
			 malformed || c->time_ns == 0 ? 1000 : c->time_ns);
	et_rows_done(&rows);
	et_buf_done(&body);
	et_buf_done(&data);
}

static void
an_event_is_what_its_envelope_says_or_malformed(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(event_cases); i++) {
		print_message("  %s\n", event_cases[i].name);
		check_event_case(&event_cases[i]);
	}
}

static void
an_aggregate_that_is_no_uuid_is_named(void **state ET_UNUSED)
{
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };
	struct et_buf body;

	et_buf_init(&body, 1000);
	build_envelope(&body, "later", DEVICE, "1", 3, NULL);
	assert_ok(make(&rows, UPDATED, build_slice(&body), &err), &err);
	assert_uuid(&rows.rows[0].aggregate, NAMED);
	assert_int_equal(rows.rows[0].flags, ET_ROW_AGGREGATE_NAMED | ET_ROW_NO_TIME);
	et_rows_done(&rows);
	et_buf_done(&body);
}

static void
a_broken_envelope_is_malformed_with_what_it_told(void **state ET_UNUSED)
{
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };
	struct et_buf body;

	et_buf_init(&body, 1000);
	build_envelope(&body, "resourcechanged", OTHER, AGGREGATE, 3, NULL);
	body.size--;
	assert_code(ET_CORRUPT, make(&rows, UPDATED, build_slice(&body), &err), &err);
	assert_words(&err, "message 9: the envelope is no protobuf message");
	assert_int_equal(rows.rows[0].row_class, ET_ROW_MALFORMED);
	assert_uuid(&rows.rows[0].device, OTHER);
	assert_uuid(&rows.rows[0].aggregate, "");
	assert_int_equal(rows.rows[0].version, 3);
	assert_int_equal(rows.rows[0].kind, ET_KIND_RESOURCE_CHANGED);
	et_rows_done(&rows);
	assert_code(ET_CORRUPT, make(&rows, UPDATED, text_slice("\xff"), NULL), NULL);
	assert_uuid(&rows.rows[0].device, DEVICE);
	assert_int_equal(rows.rows[0].kind, ET_KIND_METADATA_UPDATED);
	et_rows_done(&rows);
	et_buf_done(&body);
}

static void
a_registration_gives_a_row_for_every_device(void **state ET_UNUSED)
{
	static const char *const devices[] = { DEVICE, "1", OTHER };
	static const unsigned flags[] = { 0, ET_ROW_FURTHER | ET_ROW_DEVICE_NAMED, ET_ROW_FURTHER };
	struct et_rows rows = { 0 };
	struct et_error err = { 0 };
	struct et_buf list;
	struct et_buf event;
	struct et_buf body;

	et_buf_init(&list, 1000);
	et_buf_init(&event, 1000);
	et_buf_init(&body, 1000);
	for (size_t i = 0; i < ET_COUNT(devices); i++)
		et_buf_field_text(&list, 2, devices[i]);
	et_buf_field_i64(&list, 3, 77);
	et_buf_field_message(&event, 2, list.data, list.size);
	build_snappy(&body, build_slice(&event));
	assert_ok(make(&rows, OWNER ".registrations.devicesunregistered", build_slice(&body), &err),
		  &err);
	assert_int_equal(rows.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(rows.rows[i].row_class, ET_ROW_REGISTRATION);
		assert_int_equal(rows.rows[i].kind, ET_KIND_DEVICES_UNREGISTERED);
		assert_int_equal(rows.rows[i].event_time_ns, 77);
		assert_int_equal(rows.rows[i].seq, 9);
		assert_int_equal(rows.rows[i].flags, flags[i]);
		assert_uuid(&rows.rows[i].device, i == 1 ? NAMED : devices[i]);
		assert_uuid(&rows.rows[i].aggregate, "");
	}
	et_rows_done(&rows);
	et_buf_done(&body);
	et_buf_done(&event);
	et_buf_done(&list);
}

static void
registrations_without_devices_or_sense(void **state ET_UNUSED)
{
	static const struct {
		const char *type, *body;
		int result;
		enum et_row_class row_class;
		enum et_kind kind;
	} cases[] = {
		{ "devicesunregistered", "02041200", 0, ET_ROW_REGISTRATION,
		  ET_KIND_DEVICES_UNREGISTERED },
		{ "devicesregistered", "02041200", ET_CORRUPT, ET_ROW_MALFORMED,
		  ET_KIND_DEVICES_REGISTERED },
		{ "devicesregistered", "00", ET_CORRUPT, ET_ROW_MALFORMED,
		  ET_KIND_DEVICES_REGISTERED },
		{ "devicesregistered", "02040a05", ET_CORRUPT, ET_ROW_MALFORMED,
		  ET_KIND_DEVICES_REGISTERED },
		{ "devicesregistered", "ff", ET_CORRUPT, ET_ROW_MALFORMED,
		  ET_KIND_DEVICES_REGISTERED },
		{ "deviceslater", "02041a00", 0, ET_ROW_REGISTRATION, ET_KIND_UNKNOWN },
		{ "deviceslater", "02040a00", ET_CORRUPT, ET_ROW_MALFORMED, ET_KIND_UNKNOWN },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		char *subject = et_format(OWNER ".registrations.%s", cases[i].type);
		struct et_rows rows = { 0 };
		struct et_error err = { 0 };
		uint8_t *data;
		struct et_slice body = sample_slice(cases[i].body, &data);

		assert_code(cases[i].result, make(&rows, subject, body, &err), &err);
		assert_int_equal(rows.count, 1);
		assert_int_equal(rows.rows[0].row_class, cases[i].row_class);
		assert_int_equal(rows.rows[0].kind, cases[i].kind);
		assert_int_equal(rows.rows[0].flags, ET_ROW_NO_TIME);
		assert_uuid(&rows.rows[0].device, "");
		et_rows_done(&rows);
		free(data);
		free(subject);
	}
}

static void
rows_are_sorted_by_device_aggregate_version_sequence(void **state ET_UNUSED)
{
	/* Already in order, one step each. */
	static const struct et_row sorted[] = {
		{ .seq = 9 },
		{ .seq = 10 },
		{ .seq = 10, .flags = ET_ROW_FURTHER },
		{ .version = 1, .seq = 3 },
		{ .version = 2, .seq = 1 },
		{ .aggregate = { { 0, 1 } }, .seq = 8 },
		{ .aggregate = { { 1 } }, .seq = 2 },
		{ .device = { { 1 } }, .seq = 1 },
		{ .device = { { 2 } }, .seq = 1 },
	};
	struct et_rows rows = { 0 };

	et_rows_sort(&rows);
	for (size_t round = 0; round < 50; round++)
		for (size_t i = ET_COUNT(sorted); i > 0; i--)
			et_rows_add(&rows, &sorted[i - 1]);
	et_rows_sort(&rows);
	assert_int_equal(rows.count, 50 * ET_COUNT(sorted));
	for (size_t i = 0; i < rows.count; i++)
		assert_memory_equal(&rows.rows[i], &sorted[i / 50], sizeof(rows.rows[i]));
	for (size_t i = 0; i < ET_COUNT(sorted); i++)
		for (size_t k = 0; k < ET_COUNT(sorted); k++)
			assert_int_equal((et_row_compare(&sorted[i], &sorted[k]) > 0) -
						 (et_row_compare(&sorted[i], &sorted[k]) < 0),
					 (i > k) - (i < k));
	et_rows_done(&rows);
}

static void
no_maker_is_freed_too(void **state ET_UNUSED)
{
	et_row_maker_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_the_hub_give_one_row),
		cmocka_unit_test(a_subject_that_is_not_the_hubs_is_foreign),
		cmocka_unit_test(an_event_is_what_its_envelope_says_or_malformed),
		cmocka_unit_test(an_aggregate_that_is_no_uuid_is_named),
		cmocka_unit_test(a_broken_envelope_is_malformed_with_what_it_told),
		cmocka_unit_test(a_registration_gives_a_row_for_every_device),
		cmocka_unit_test(registrations_without_devices_or_sense),
		cmocka_unit_test(rows_are_sorted_by_device_aggregate_version_sequence),
		cmocka_unit_test(no_maker_is_freed_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
