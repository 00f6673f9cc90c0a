// SPDX-License-Identifier: Apache-2.0
/* Documents and messages as the hub writes them break no rule; each single thing that is changed
 * breaks the rule that is about it, and no other. What Python's uuid says of the ids is written
 * down here. */
#include "et_test.h"

#include "audit/datarule.h"
#include "event/build.h"
#include "event/samples.h"

#define DEVICE "387f4d30-1f95-4e2c-a850-f5a2dfa58cb2"
#define SWITCH "fe65a52b-e63e-5ec5-aa22-231899635139"      /* of DEVICE and /switch/1 */
#define SWITCH_HREF "d3731547-7ae4-5460-923f-cd0aa7df7ab0" /* of /switch/1 */
#define OWNER "b80c8fef-a677-5340-85fb-2c162d75df03"       /* of "1" */
#define OTHER "00000000-0000-4000-8000-000000000001"

static struct et_buf scratch;

static int
setup(void **state ET_UNUSED)
{
	et_buf_init(&scratch, ET_PAYLOAD_BYTES_MAX);
	return 0;
}

static int
teardown(void **state ET_UNUSED)
{
	et_buf_done(&scratch);
	return 0;
}

/* What an event says; nothing is left out but what is NULL or 0. */
struct words {
	enum et_kind kind;
	const char *device;
	const char *href;
	const char *owner;
	uint64_t version;
	int64_t time_ns;
};

static void
put_words(struct et_buf *out, const struct words *words)
{
	const struct et_kind_info *info = et_kind_info(words->kind);
	struct et_buf part;

	et_buf_init(&part, 1000);
	if (words->device != NULL)
		et_buf_field_text(&part, 1, words->device);
	if (info->resource_field != 0) {
		et_buf_field_text(&part, 2, words->href);
		et_buf_field_message(out, info->resource_field, part.data, part.size);
	} else if (info->family != ET_FAMILY_SERVICE) {
		et_buf_put(out, part.data, part.size);
	}
	et_buf_reset(&part);
	if (words->owner != NULL && info->audit_field != 0) {
		et_buf_field_text(&part, 3, words->owner);
		et_buf_field_message(out, info->audit_field, part.data, part.size);
	}
	et_buf_reset(&part);
	et_buf_field_u64(&part, 1, words->version);
	et_buf_field_i64(&part, 2, words->time_ns);
	et_buf_field_message(out, info->metadata_field, part.data, part.size);
	et_buf_done(&part);
}

static void
assert_broken(const struct et_broken_rules *rules, const char *name, const char *wanted,
	      const char *found)
{
	for (size_t i = name != NULL; i < rules->count; i++)
		print_error("%s: wanted %s, found %s\n",
			    et_datarule_info(rules->list[i].rule)->name, rules->list[i].wanted,
			    rules->list[i].found);
	assert_int_equal(rules->count, name != NULL);
	if (name == NULL)
		return;
	assert_string_equal(et_datarule_info(rules->list[0].rule)->name, name);
	assert_string_equal(rules->list[0].wanted, wanted);
	assert_string_equal(rules->list[0].found, found);
	assert_int_equal(rules->list[0].times, 1);
}

/* ---- messages ---- */

static void
check_event(const char *subject, const char *group, const char *aggregate, uint64_t version,
	    const char *type, struct et_slice protobuf, struct et_broken_rules *ret)
{
	struct et_envelope envelope = {
		.version = version,
		.event_type = text_slice(type),
		.group_id = text_slice(group),
		.aggregate_id = text_slice(aggregate),
	};

	et_datarules_event(text_slice(subject), &envelope, protobuf, ret);
}

static void
messages_of_the_hub_break_no_rule(void **state ET_UNUSED)
{
	size_t events = 0;

	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		struct et_broken_rules rules;
		struct et_registration registration;
		struct et_envelope envelope;
		struct et_buf plain;
		uint8_t *data;
		struct et_slice body = sample_slice(samples[i].body, &data);

		et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
		if (samples[i].row_class == ET_ROW_REGISTRATION) {
			assert_int_equal(et_unsnappy(body, &plain, NULL), 0);
			assert_int_equal(
				et_registration_read(build_slice(&plain), &registration, NULL), 0);
			et_datarules_registration(text_slice(samples[i].subject), &registration,
						  &rules);
		} else {
			assert_int_equal(et_envelope_read(body, &envelope, NULL), 0);
			assert_int_equal(et_unsnappy(envelope.data, &plain, NULL), 0);
			et_datarules_event(text_slice(samples[i].subject), &envelope,
					   build_slice(&plain), &rules);
			events++;
		}
		assert_broken(&rules, NULL, NULL, NULL);
		et_buf_done(&plain);
		free(data);
	}
	assert_true(events > 10);
}

static void
subject_envelope_and_event_have_to_agree(void **state ET_UNUSED)
{
#define RESOURCE(owner, device, id, type) \
	"plgd.owners." owner ".devices." device ".resources." id "." type
	static const char plain[] = RESOURCE(OWNER, DEVICE, SWITCH_HREF, "resourcechanged");
	static const char uuid[] = "B80C8FEF-A677-5340-85FB-2C162D75DF03";
	static const struct {
		const char *subject, *group, *aggregate, *type;
		uint64_t version;
		const char *device, *href, *owner;
		const char *name, *wanted, *found; /* NULL: nothing is broken */
	} cases[] = {
		{ plain, DEVICE, SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", "1", NULL, NULL,
		  NULL },
		/* the aggregate's id, as before v2.8.0; a suffix; no owner, as before v2.12 */
		{ RESOURCE(OWNER, DEVICE, SWITCH, "resourcechanged"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", "1", NULL, NULL, NULL },
		{ RESOURCE(OWNER, DEVICE, SWITCH_HREF, "resourcechanged.leadrt.oic.r.switch"),
		  DEVICE, SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", "1", NULL, NULL,
		  NULL },
		{ RESOURCE("anything", DEVICE, SWITCH_HREF, "resourcechanged"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", NULL, NULL, NULL, NULL },
		/* a claim that is a UUID, as written; and its UUIDv5, as before v2.4.8 */
		{ RESOURCE("B80C8FEF-A677-5340-85FB-2C162D75DF03", DEVICE, SWITCH_HREF,
			   "resourcechanged"),
		  DEVICE, SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", uuid, NULL, NULL,
		  NULL },
		{ RESOURCE("57e525e6-6d58-539f-9324-9ec295f86a5c", DEVICE, SWITCH_HREF,
			   "resourcechanged"),
		  DEVICE, SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", uuid, NULL, NULL,
		  NULL },
		{ RESOURCE("b80c8fef-a677-5340-85fb-2c162d75df03", DEVICE, SWITCH_HREF,
			   "resourcechanged"),
		  DEVICE, SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", uuid,
		  "subject_owner_differs", uuid, "b80c8fef-a677-5340-85fb-2c162d75df03" },
		{ RESOURCE(OTHER, DEVICE, SWITCH_HREF, "resourcechanged"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", "1", "subject_owner_differs", OWNER,
		  OTHER },
		{ RESOURCE(OWNER, OTHER, SWITCH_HREF, "resourcechanged"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", "1", "envelope_device_differs", OTHER,
		  DEVICE },
		{ plain, DEVICE, SWITCH, "resourcechanged", 7, OTHER, "/switch/1", "1",
		  "event_device_differs", DEVICE, OTHER },
		{ plain, DEVICE, OTHER, "resourcechanged", 7, DEVICE, "/switch/1", "1",
		  "envelope_aggregate_not_uuid5", SWITCH, OTHER },
		{ RESOURCE(OWNER, DEVICE, OTHER, "resourcechanged"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", "1", "subject_href_differs",
		  SWITCH_HREF, OTHER },
		{ RESOURCE(OWNER, DEVICE, SWITCH_HREF, "resourceupdated"), DEVICE, SWITCH,
		  "resourcechanged", 7, DEVICE, "/switch/1", "1", "subject_kind_differs",
		  "resourcechanged", "resourceupdated" },
		{ plain, DEVICE, SWITCH, "resourcechanged", 8, DEVICE, "/switch/1", "1",
		  "event_version_differs", "8", "7" },
		/* the right type on another branch */
		{ "plgd.owners." OWNER ".devices." DEVICE ".metadata.resourcechanged", DEVICE,
		  SWITCH, "resourcechanged", 7, DEVICE, "/switch/1", "1", "subject_kind_differs",
		  "resourcechanged", "resourcechanged" },
		/* of a type that is not known only subject and envelope say something */
		{ RESOURCE(OWNER, DEVICE, OTHER, "novelty"), DEVICE, OTHER, "novelty", 9, OTHER,
		  "/x", "2", NULL, NULL, NULL },
		{ RESOURCE(OWNER, OTHER, OTHER, "novelty"), DEVICE, OTHER, "novelty", 9, OTHER,
		  "/x", "2", "envelope_device_differs", OTHER, DEVICE },
		/* a snapshot has the owner of an earlier event */
		{ RESOURCE(OTHER, DEVICE, SWITCH_HREF, "resourcestatesnapshottaken"), DEVICE,
		  SWITCH, "resourcestatesnapshottaken", 7, DEVICE, "/switch/1", "1", NULL, NULL,
		  NULL },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		enum et_kind kind = et_kind_of(text_slice(cases[i].type));
		const struct words words = { kind != ET_KIND_UNKNOWN ? kind
								     : ET_KIND_RESOURCE_CHANGED,
					     cases[i].device,
					     cases[i].href,
					     cases[i].owner,
					     7,
					     1 };
		struct et_broken_rules rules;
		struct et_buf event;

		et_buf_init(&event, 4000);
		put_words(&event, &words);
		check_event(cases[i].subject, cases[i].group, cases[i].aggregate, cases[i].version,
			    cases[i].type, build_slice(&event), &rules);
		assert_broken(&rules, cases[i].name, cases[i].wanted, cases[i].found);
		et_buf_done(&event);
	}
}

static void
links_and_metadata_have_hrefs_of_their_own(void **state ET_UNUSED)
{
	static const struct {
		const char *branch, *aggregate;
		enum et_kind kind;
	} cases[] = {
		{ "metadata", "bdc27f3c-36c0-5044-b848-c8242808945a", ET_KIND_METADATA_UPDATED },
		{ "resource-links", "b571db77-c475-5b3f-97c8-762c70df6a11",
		  ET_KIND_LINKS_PUBLISHED },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		const struct words words = { cases[i].kind, DEVICE, NULL, "1", 7, 1 };
		const char *type = et_kind_info(cases[i].kind)->name;
		char *subject = et_format("plgd.owners." OWNER ".devices." DEVICE ".%s.%s",
					  cases[i].branch, type);
		const char *aggregate = cases[i].aggregate;
		struct et_broken_rules rules;
		struct et_buf event;

		et_buf_init(&event, 4000);
		put_words(&event, &words);
		check_event(subject, DEVICE, aggregate, 7, type, build_slice(&event), &rules);
		assert_broken(&rules, NULL, NULL, NULL);
		check_event(subject, DEVICE, SWITCH, 7, type, build_slice(&event), &rules);
		assert_broken(&rules, "envelope_aggregate_not_uuid5", aggregate, SWITCH);
		et_buf_done(&event);
		free(subject);
	}
}

static void
an_event_that_cannot_be_read_is_judged_by_its_envelope(void **state ET_UNUSED)
{
	struct et_broken_rules rules;

	check_event("plgd.owners." OWNER ".devices." DEVICE ".metadata.devicemetadataupdated",
		    DEVICE, OTHER, 3, "devicemetadataupdated", text_slice("\x0a"), &rules);
	assert_broken(&rules, NULL, NULL, NULL);
}

static void
registrations_have_an_owner_and_a_type(void **state ET_UNUSED)
{
#define REGISTRATION(owner, type) "plgd.owners." owner ".registrations." type
	static const struct {
		const char *subject, *owner, *name, *wanted, *found;
	} cases[] = {
		{ REGISTRATION(OWNER, "devicesregistered"), "1", NULL, NULL, NULL },
		{ REGISTRATION(OTHER, "devicesregistered"), "1", "subject_owner_differs", OWNER,
		  OTHER },
		{ REGISTRATION(OTHER, "devicesregistered"), "", NULL, NULL, NULL },
		{ REGISTRATION(OWNER, "devicesunregistered"), "1", "subject_kind_differs",
		  "devicesregistered", "devicesunregistered" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_registration registration = { .kind = ET_KIND_DEVICES_REGISTERED,
							.owner = text_slice(cases[i].owner) };
		struct et_broken_rules rules;

		et_datarules_registration(text_slice(cases[i].subject), &registration, &rules);
		assert_broken(&rules, cases[i].name, cases[i].wanted, cases[i].found);
	}
}

/* ---- documents ---- */

#define EVENTS 3u

/* Versions 5, 6, 7 of the switch, the last one a snapshot that embeds version 6. */
struct shelf {
	struct et_stored_event events[EVENTS];
	struct et_buf data[EVENTS];
	struct et_document document;
};

static void
put_data(struct shelf *shelf, size_t at, const struct words *words, uint64_t embedded)
{
	struct et_buf event;
	struct et_buf inner;

	et_buf_init(&event, 4000);
	et_buf_init(&inner, 4000);
	if (embedded > 0) {
		const struct words change = {
			ET_KIND_RESOURCE_CHANGED, words->device, words->href, "1", embedded, 60
		};

		put_words(&inner, &change);
		et_buf_field_message(&event, 2, inner.data, inner.size);
	}
	put_words(&event, words);
	et_buf_reset(&shelf->data[at]);
	build_snappy(&shelf->data[at], build_slice(&event));
	shelf->events[at].data = build_slice(&shelf->data[at]);
	et_buf_done(&inner);
	et_buf_done(&event);
}

static void
fill(struct shelf *shelf)
{
	*shelf = (struct shelf){ 0 };
	for (size_t i = 0; i < EVENTS; i++) {
		enum et_kind kind =
			i < EVENTS - 1 ? ET_KIND_RESOURCE_CHANGED : ET_KIND_RESOURCE_SNAPSHOT;
		const struct words words = { kind, DEVICE, "/switch/1",
					     "1",  5 + i,  50 + 10 * (int64_t)i };

		et_buf_init(&shelf->data[i], 10000);
		shelf->events[i] = (struct et_stored_event){
			.version = 5 + i,
			.type = text_slice(et_kind_info(kind)->name),
			.kind = kind,
			.is_snapshot = et_kind_info(kind)->snapshot,
			.timestamp_ns = 50 + 10 * (int64_t)i,
		};
		put_data(shelf, i, &words, i < EVENTS - 1 ? 0 : 6);
	}
	shelf->document = (struct et_document){
		.aggregate_id = text_slice(SWITCH),
		.group_id = text_slice(DEVICE),
		.first_version = 5,
		.latest_version = 7,
		.latest_timestamp_ns = 70,
		.events = shelf->events,
		.event_count = EVENTS,
	};
}

static void
empty(struct shelf *shelf)
{
	for (size_t i = 0; i < EVENTS; i++)
		et_buf_done(&shelf->data[i]);
}

static void
change_nothing(struct shelf *shelf ET_UNUSED)
{
}

static void
make_ghost(struct shelf *shelf)
{
	shelf->document.ghost = true;
	shelf->document.event_count = 0;
	shelf->document.first_version = 99;
}

static void
take_all_events(struct shelf *shelf)
{
	shelf->document.event_count = 0;
}

static void
leave_out_one(struct shelf *shelf)
{
	shelf->events[1] = shelf->events[2];
	shelf->document.event_count = 2;
}

static void
change_first_version(struct shelf *shelf)
{
	shelf->document.first_version = 4;
}

static void
change_latest_version(struct shelf *shelf)
{
	shelf->document.latest_version = 8;
}

static void
change_latest_time(struct shelf *shelf)
{
	shelf->document.latest_timestamp_ns = -71;
}

static void
change_device(struct shelf *shelf)
{
	const struct words words = { ET_KIND_RESOURCE_CHANGED, DEVICE, "/switch/1", "1", 5, 50 };

	/* One event is enough to tell. */
	put_data(shelf, 0, &words, 0);
	shelf->document.event_count = 1;
	shelf->document.latest_version = 5;
	shelf->document.latest_timestamp_ns = 50;
	shelf->document.group_id = text_slice(OTHER);
}

static void
change_aggregate(struct shelf *shelf)
{
	change_device(shelf);
	shelf->document.group_id = text_slice(DEVICE);
	shelf->document.aggregate_id = text_slice(OTHER);
}

static void
damage_snappy(struct shelf *shelf)
{
	shelf->events[1].data = text_slice("no snappy");
}

static void
damage_what_is_embedded(struct shelf *shelf)
{
	et_buf_reset(&shelf->data[2]);
	build_snappy(&shelf->data[2], text_slice("\x12\x02\x2a\x05"));
	shelf->events[2].data = build_slice(&shelf->data[2]);
}

static void
change_version_of_the_event(struct shelf *shelf)
{
	const struct words words = { ET_KIND_RESOURCE_CHANGED, DEVICE, "/switch/1", "1", 9, 60 };

	put_data(shelf, 1, &words, 0);
}

static void
change_stored_time(struct shelf *shelf)
{
	shelf->events[1].timestamp_ns = 61;
}

static void
flag_the_event(struct shelf *shelf)
{
	shelf->events[1].is_snapshot = true;
}

static void
take_the_flag(struct shelf *shelf)
{
	shelf->events[2].is_snapshot = false;
}

static void
embed_the_future(struct shelf *shelf)
{
	const struct words words = { ET_KIND_RESOURCE_SNAPSHOT, DEVICE, "/switch/1", "1", 7, 70 };

	put_data(shelf, 2, &words, 8);
}

static void
make_unknown(struct shelf *shelf)
{
	const struct words words = { ET_KIND_RESOURCE_CHANGED, OTHER, "/x", "1", 1, 1 };

	put_data(shelf, 1, &words, 0);
	shelf->events[1].kind = ET_KIND_UNKNOWN;
}

static void
make_service(struct shelf *shelf)
{
	const struct words words = { ET_KIND_SERVICE_SNAPSHOT, NULL, NULL, NULL, 5, 50 };

	put_data(shelf, 0, &words, 0);
	shelf->events[0].kind = ET_KIND_SERVICE_SNAPSHOT;
	shelf->events[0].is_snapshot = true;
	shelf->document.event_count = 1;
	shelf->document.latest_version = 5;
	shelf->document.latest_timestamp_ns = 50;
	/* of DEVICE and /plgd/services */
	shelf->document.aggregate_id = text_slice("f2afe0ea-bc0b-5417-942c-dd7f9dc3daab");
}

static void
each_thing_that_is_changed_breaks_its_rule(void **state ET_UNUSED)
{
	static const struct {
		void (*change)(struct shelf *shelf);
		const char *name, *wanted, *found;
		uint64_t version;
	} cases[] = {
		{ change_nothing, NULL, NULL, NULL, 0 },
		{ make_ghost, NULL, NULL, NULL, 0 },
		{ make_unknown, NULL, NULL, NULL, 0 },
		{ make_service, NULL, NULL, NULL, 0 },
		{ take_all_events, "document_without_events", "events", "none", 7 },
		{ leave_out_one, "document_versions_not_contiguous", "6", "7", 7 },
		{ change_first_version, "document_first_version_wrong", "5", "4", 5 },
		{ change_latest_version, "document_latest_version_wrong", "7", "8", 7 },
		{ change_latest_time, "document_latest_time_wrong", "70", "-71", 7 },
		{ change_device, "document_device_differs", DEVICE, OTHER, 5 },
		{ change_aggregate, "document_aggregate_not_uuid5", SWITCH, OTHER, 5 },
		{ damage_snappy, "stored_event_unreadable", "resourcechanged", "damaged bytes", 6 },
		{ damage_what_is_embedded, "stored_event_unreadable", "resourcestatesnapshottaken",
		  "damaged bytes", 7 },
		{ change_version_of_the_event, "stored_version_differs", "9", "6", 6 },
		{ change_stored_time, "stored_time_differs", "60", "61", 6 },
		{ flag_the_event, "stored_snapshot_flag_wrong", "false", "true", 6 },
		{ take_the_flag, "stored_snapshot_flag_wrong", "true", "false", 7 },
		{ embed_the_future, "snapshot_embeds_later_version", "7", "8", 7 },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_broken_rules rules;
		struct shelf shelf;

		fill(&shelf);
		cases[i].change(&shelf);
		et_datarules_document(&shelf.document, &scratch, &rules);
		assert_broken(&rules, cases[i].name, cases[i].wanted, cases[i].found);
		if (cases[i].name != NULL)
			assert_int_equal(rules.list[0].version, cases[i].version);
		empty(&shelf);
	}
}

static void
a_rule_that_is_broken_often_is_told_once_and_counted(void **state ET_UNUSED)
{
	struct et_broken_rules rules;
	struct shelf shelf;

	fill(&shelf);
	shelf.document.aggregate_id = text_slice(OTHER);
	shelf.document.group_id = text_slice(OTHER);
	for (size_t i = 0; i < EVENTS; i++) {
		shelf.events[i].version = 100 - 5 * i;
		shelf.events[i].timestamp_ns = (int64_t)i;
		shelf.events[i].is_snapshot = !shelf.events[i].is_snapshot;
	}
	et_datarules_document(&shelf.document, &scratch, &rules);
	assert_int_equal(rules.count, 9);
	for (size_t i = 0; i < rules.count; i++) {
		const struct et_broken *broken = &rules.list[i];
		bool pairs = broken->rule == ET_DATARULE_DOCUMENT_VERSIONS_NOT_CONTIGUOUS;
		bool whole = broken->rule < ET_DATARULE_DOCUMENT_DEVICE_DIFFERS && !pairs;

		assert_int_equal(broken->times, whole ? 1 : pairs ? 2 : EVENTS);
		assert_string_not_equal(broken->wanted, broken->found);
	}
	empty(&shelf);
}

static void
what_the_hub_stored_breaks_no_rule(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		const struct stored_sample *sample = &stored_samples[i];
		enum et_kind kind = et_kind_of(text_slice(sample->type));
		struct et_broken_rules rules;
		struct et_payload payload;
		struct et_document document = { .event_count = 1 };
		struct et_stored_event event = { .version = sample->version,
						 .kind = kind,
						 .is_snapshot = et_kind_info(kind)->snapshot };
		char aggregate[ET_UUID_TEXT_BYTES];
		struct et_uuid uuid;
		struct et_buf plain;
		struct et_buf name;
		uint8_t *data;

		event.data = sample_slice(sample->data, &data);
		et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
		et_buf_init(&name, 1000);
		assert_int_equal(et_unsnappy(event.data, &plain, NULL), 0);
		assert_int_equal(et_payload_read(kind, build_slice(&plain), &payload, NULL), 0);
		event.timestamp_ns = payload.timestamp_ns;
		document.group_id = et_kind_info(kind)->family == ET_FAMILY_SERVICE
					    ? payload.hub_id
					    : payload.device_id;
		et_buf_put(&name, document.group_id.data, document.group_id.size);
		if (et_kind_info(kind)->family == ET_FAMILY_LINKS)
			et_buf_text(&name, "/plgd/res");
		else if (et_kind_info(kind)->family == ET_FAMILY_METADATA)
			et_buf_text(&name, "/plgd/s");
		else if (et_kind_info(kind)->family == ET_FAMILY_SERVICE)
			et_buf_text(&name, "/plgd/services");
		else
			et_buf_put(&name, payload.href.data, payload.href.size);
		uuid = et_uuid_v5_url(name.data, name.size);
		et_uuid_format(&uuid, aggregate);
		document.aggregate_id = text_slice(aggregate);
		document.first_version = document.latest_version = sample->version;
		document.latest_timestamp_ns = payload.timestamp_ns;
		document.events = &event;
		et_datarules_document(&document, &scratch, &rules);
		assert_broken(&rules, NULL, NULL, NULL);
		et_buf_done(&name);
		et_buf_done(&plain);
		free(data);
	}
}

static void
long_values_are_cut(void **state ET_UNUSED)
{
	struct et_registration registration = { .kind = ET_KIND_DEVICES_REGISTERED,
						.owner = text_slice("1") };
	struct et_broken_rules rules;
	char subject[600];
	char owner[500];

	memset(owner, '\x01', sizeof(owner) - 1);
	owner[sizeof(owner) - 1] = '\0';
	(void)snprintf(subject, sizeof(subject), "plgd.owners.%s.registrations.devicesregistered",
		       owner);
	et_datarules_registration(text_slice(subject), &registration, &rules);
	assert_int_equal(rules.count, 1);
	assert_int_equal(strlen(rules.list[0].found), ET_DATARULE_VALUE_BYTES - 1);
	assert_memory_equal(rules.list[0].found, "\\u0001\\u0001", 12);
}

static void
rules_have_names_and_words(void **state ET_UNUSED)
{
	for (unsigned i = 0; i < ET_DATARULE_COUNT; i++) {
		const struct et_datarule_info *info = et_datarule_info((enum et_datarule)i);
		enum et_datarule rule = ET_DATARULE_COUNT;

		assert_true(strlen(info->words) > 10);
		assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(info->name));
		assert_true(et_datarule_of(info->name, &rule));
		assert_int_equal(rule, i);
	}
	assert_false(et_datarule_of("novelty", &(enum et_datarule){ 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_the_hub_break_no_rule),
		cmocka_unit_test(subject_envelope_and_event_have_to_agree),
		cmocka_unit_test(links_and_metadata_have_hrefs_of_their_own),
		cmocka_unit_test(an_event_that_cannot_be_read_is_judged_by_its_envelope),
		cmocka_unit_test(registrations_have_an_owner_and_a_type),
		cmocka_unit_test(each_thing_that_is_changed_breaks_its_rule),
		cmocka_unit_test(a_rule_that_is_broken_often_is_told_once_and_counted),
		cmocka_unit_test(what_the_hub_stored_breaks_no_rule),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(rules_have_names_and_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
