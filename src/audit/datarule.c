// SPDX-License-Identifier: Apache-2.0
#include "audit/datarule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event/ident.h"
#include "event/json.h"
#include "event/original.h"
#include "event/subject.h"

static const struct et_datarule_info infos[ET_DATARULE_COUNT] = {
	[ET_DATARULE_DOCUMENT_WITHOUT_EVENTS] = { "document_without_events",
						  "a document stores events" },
	[ET_DATARULE_DOCUMENT_VERSIONS_NOT_CONTIGUOUS] = { "document_versions_not_contiguous",
							   "each stored version is one more than "
							   "the one before it" },
	[ET_DATARULE_DOCUMENT_FIRST_VERSION_WRONG] = { "document_first_version_wrong",
						       "firstversion is the first one stored" },
	[ET_DATARULE_DOCUMENT_LATEST_VERSION_WRONG] = { "document_latest_version_wrong",
							"latestversion is the last one stored" },
	[ET_DATARULE_DOCUMENT_LATEST_TIME_WRONG] = { "document_latest_time_wrong",
						     "latesttimestamp is that of the last event" },
	[ET_DATARULE_DOCUMENT_DEVICE_DIFFERS] = { "document_device_differs",
						  "groupid is the device of the events" },
	[ET_DATARULE_DOCUMENT_AGGREGATE_NOT_UUID5] = { "document_aggregate_not_uuid5",
						       "aggregateid is the UUIDv5 of device and "
						       "href" },
	[ET_DATARULE_STORED_EVENT_UNREADABLE] = { "stored_event_unreadable",
						  "a stored event can be read" },
	[ET_DATARULE_STORED_VERSION_DIFFERS] = { "stored_version_differs",
						 "a stored event has the version that it is "
						 "stored under" },
	[ET_DATARULE_STORED_TIME_DIFFERS] = { "stored_time_differs",
					      "a stored event has the time that it is stored "
					      "under" },
	[ET_DATARULE_STORED_SNAPSHOT_FLAG_WRONG] = { "stored_snapshot_flag_wrong",
						     "issnapshot is true of snapshots only" },
	[ET_DATARULE_SNAPSHOT_EMBEDS_LATER_VERSION] = { "snapshot_embeds_later_version",
							"a snapshot embeds nothing newer than "
							"itself" },
	[ET_DATARULE_ENVELOPE_DEVICE_DIFFERS] = { "envelope_device_differs",
						  "the envelope names the subject's device" },
	[ET_DATARULE_ENVELOPE_AGGREGATE_NOT_UUID5] = { "envelope_aggregate_not_uuid5",
						       "the envelope's aggregate is the UUIDv5 of "
						       "device and href" },
	[ET_DATARULE_EVENT_DEVICE_DIFFERS] = { "event_device_differs",
					       "the event names the envelope's device" },
	[ET_DATARULE_EVENT_VERSION_DIFFERS] = { "event_version_differs",
						"the event has the envelope's version" },
	[ET_DATARULE_SUBJECT_KIND_DIFFERS] = { "subject_kind_differs",
					       "the subject names the type of the event" },
	[ET_DATARULE_SUBJECT_HREF_DIFFERS] = { "subject_href_differs",
					       "the subject names the event's href, or its "
					       "aggregate" },
	[ET_DATARULE_SUBJECT_OWNER_DIFFERS] = { "subject_owner_differs",
						"the subject names the event's owner" },
};

const struct et_datarule_info *
et_datarule_info(enum et_datarule rule)
{
	return &infos[rule];
}

bool
et_datarule_of(const char *name, enum et_datarule *ret)
{
	for (size_t i = 0; i < ET_COUNT(infos); i++) {
		if (strcmp(infos[i].name, name) == 0) {
			*ret = (enum et_datarule)i;
			return true;
		}
	}
	return false;
}

/* ---- what is broken ---- */

/* The entry to be filled in; NULL when the rule is broken again. */
static struct et_broken *
note(struct et_broken_rules *rules, enum et_datarule rule, uint64_t version)
{
	struct et_broken *broken;

	for (size_t i = 0; i < rules->count; i++) {
		if (rules->list[i].rule == rule) {
			rules->list[i].times++;
			return NULL;
		}
	}
	broken = &rules->list[rules->count++];
	*broken = (struct et_broken){ .rule = rule, .version = version, .times = 1 };
	return broken;
}

static void
note_numbers(struct et_broken_rules *rules, enum et_datarule rule, uint64_t version,
	     uint64_t wanted, uint64_t found)
{
	struct et_broken *broken = note(rules, rule, version);

	if (broken == NULL)
		return;
	(void)snprintf(broken->wanted, sizeof(broken->wanted), "%" PRIu64, wanted);
	(void)snprintf(broken->found, sizeof(broken->found), "%" PRIu64, found);
}

static void
note_times(struct et_broken_rules *rules, enum et_datarule rule, uint64_t version, int64_t wanted,
	   int64_t found)
{
	struct et_broken *broken = note(rules, rule, version);

	if (broken == NULL)
		return;
	(void)snprintf(broken->wanted, sizeof(broken->wanted), "%" PRId64, wanted);
	(void)snprintf(broken->found, sizeof(broken->found), "%" PRId64, found);
}

static void
put_text(char to[ET_DATARULE_VALUE_BYTES], struct et_slice text)
{
	struct et_buf out;

	et_buf_init(&out, 6 * ET_DATARULE_VALUE_BYTES + 2);
	if (text.size > ET_DATARULE_VALUE_BYTES)
		text.size = ET_DATARULE_VALUE_BYTES;
	et_json_text(&out, text);
	(void)snprintf(to, ET_DATARULE_VALUE_BYTES, "%.*s", (int)(out.size - 2),
		       et_buf_cstr(&out) + 1);
	et_buf_done(&out);
}

static void
note_texts(struct et_broken_rules *rules, enum et_datarule rule, uint64_t version,
	   struct et_slice wanted, struct et_slice found)
{
	struct et_broken *broken = note(rules, rule, version);

	if (broken == NULL)
		return;
	put_text(broken->wanted, wanted);
	put_text(broken->found, found);
}

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ (const uint8_t *)text, strlen(text) };
}

static bool
same(struct et_slice a, struct et_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The href that an event of this kind is about. */
static struct et_slice
href_of(enum et_kind kind, const struct et_payload *payload)
{
	switch (et_kind_info(kind)->family) {
	case ET_FAMILY_LINKS:
		return slice_of(ET_HREF_LINKS);
	case ET_FAMILY_METADATA:
		return slice_of(ET_HREF_METADATA);
	case ET_FAMILY_SERVICE:
		return slice_of(ET_HREF_SERVICES);
	default:
		return payload->href;
	}
}

static void
check_aggregate(struct et_broken_rules *rules, enum et_datarule rule, uint64_t version,
		struct et_slice device, struct et_slice href, struct et_slice aggregate)
{
	struct et_uuid uuid = et_ident_aggregate(device, href);
	char text[ET_UUID_TEXT_BYTES];

	et_uuid_format(&uuid, text);
	if (!et_slice_equals(aggregate, text))
		note_texts(rules, rule, version, slice_of(text), aggregate);
}

/* ---- documents ---- */

static void
check_embedded(const struct et_stored_event *event, struct et_slice protobuf,
	       struct et_broken_rules *rules)
{
	struct et_original_walk walk = et_original_walk_of(event->kind, protobuf);
	struct et_original original;

	while (et_original_next(&walk, &original, NULL) > 0)
		if (original.payload.version > event->version)
			note_numbers(rules, ET_DATARULE_SNAPSHOT_EMBEDS_LATER_VERSION,
				     event->version, event->version, original.payload.version);
}

static bool
embedded_readable(enum et_kind kind, struct et_slice protobuf)
{
	struct et_original_walk walk = et_original_walk_of(kind, protobuf);
	struct et_original original;
	int r;

	while ((r = et_original_next(&walk, &original, NULL)) > 0)
		;
	return r == 0;
}

static bool
open_stored(const struct et_stored_event *event, struct et_buf *scratch, struct et_slice *ret,
	    struct et_payload *ret_payload)
{
	if (et_unsnappy(event->data, scratch, NULL) < 0)
		return false;
	*ret = (struct et_slice){ scratch->data, scratch->size };
	return et_payload_read(event->kind, *ret, ret_payload, NULL) == 0 &&
	       embedded_readable(event->kind, *ret);
}

/* A service has no device: its group is the hub, which the event does not name. */
static void
check_stored_ids(const struct et_document *document, const struct et_stored_event *event,
		 const struct et_payload *payload, struct et_broken_rules *rules)
{
	struct et_slice device = et_kind_info(event->kind)->family == ET_FAMILY_SERVICE
					 ? document->group_id
					 : payload->device_id;

	if (!same(device, document->group_id))
		note_texts(rules, ET_DATARULE_DOCUMENT_DEVICE_DIFFERS, event->version, device,
			   document->group_id);
	check_aggregate(rules, ET_DATARULE_DOCUMENT_AGGREGATE_NOT_UUID5, event->version, device,
			href_of(event->kind, payload), document->aggregate_id);
}

static void
check_stored(const struct et_document *document, const struct et_stored_event *event,
	     struct et_buf *scratch, struct et_broken_rules *rules)
{
	struct et_slice protobuf = { 0 };
	struct et_payload payload;

	if (!open_stored(event, scratch, &protobuf, &payload)) {
		note_texts(rules, ET_DATARULE_STORED_EVENT_UNREADABLE, event->version,
			   slice_of(et_kind_info(event->kind)->name), slice_of("damaged bytes"));
		return;
	}
	if (event->kind == ET_KIND_UNKNOWN)
		return;
	if (payload.version != event->version)
		note_numbers(rules, ET_DATARULE_STORED_VERSION_DIFFERS, event->version,
			     payload.version, event->version);
	if (payload.timestamp_ns != event->timestamp_ns)
		note_times(rules, ET_DATARULE_STORED_TIME_DIFFERS, event->version,
			   payload.timestamp_ns, event->timestamp_ns);
	if (et_kind_info(event->kind)->snapshot != event->is_snapshot)
		note_texts(rules, ET_DATARULE_STORED_SNAPSHOT_FLAG_WRONG, event->version,
			   slice_of(event->is_snapshot ? "false" : "true"),
			   slice_of(event->is_snapshot ? "true" : "false"));
	check_stored_ids(document, event, &payload, rules);
	check_embedded(event, protobuf, rules);
}

void
et_datarules_document(const struct et_document *document, struct et_buf *scratch,
		      struct et_broken_rules *ret)
{
	const struct et_stored_event *events = document->events;
	const struct et_stored_event *last;

	ret->count = 0;
	if (document->ghost)
		return;
	if (document->event_count == 0) {
		note_texts(ret, ET_DATARULE_DOCUMENT_WITHOUT_EVENTS, document->latest_version,
			   slice_of("events"), slice_of("none"));
		return;
	}
	last = &events[document->event_count - 1];
	if (document->first_version != events[0].version)
		note_numbers(ret, ET_DATARULE_DOCUMENT_FIRST_VERSION_WRONG, events[0].version,
			     events[0].version, document->first_version);
	if (document->latest_version != last->version)
		note_numbers(ret, ET_DATARULE_DOCUMENT_LATEST_VERSION_WRONG, last->version,
			     last->version, document->latest_version);
	if (document->latest_timestamp_ns != last->timestamp_ns)
		note_times(ret, ET_DATARULE_DOCUMENT_LATEST_TIME_WRONG, last->version,
			   last->timestamp_ns, document->latest_timestamp_ns);
	for (size_t i = 0; i < document->event_count; i++) {
		if (i > 0 && events[i].version != events[i - 1].version + 1)
			note_numbers(ret, ET_DATARULE_DOCUMENT_VERSIONS_NOT_CONTIGUOUS,
				     events[i].version, events[i - 1].version + 1,
				     events[i].version);
		check_stored(document, &events[i], scratch, ret);
	}
}

/* ---- messages ---- */

static enum et_subject_branch
branch_of(enum et_family family)
{
	switch (family) {
	case ET_FAMILY_LINKS:
		return ET_SUBJECT_LINKS;
	case ET_FAMILY_METADATA:
		return ET_SUBJECT_METADATA;
	default:
		return ET_SUBJECT_RESOURCES;
	}
}

static void
check_kind(const struct et_subject *subject, const struct et_envelope *envelope, enum et_kind kind,
	   struct et_broken_rules *rules)
{
	bool right = same(subject->type, envelope->event_type);

	if (right && kind != ET_KIND_UNKNOWN)
		right = subject->branch == branch_of(et_kind_info(kind)->family);
	if (!right)
		note_texts(rules, ET_DATARULE_SUBJECT_KIND_DIFFERS, envelope->version,
			   envelope->event_type, subject->type);
}

/* The hrefID, or the aggregate's id as before v2.8.0. */
static void
check_href(const struct et_subject *subject, const struct et_envelope *envelope,
	   struct et_slice href, struct et_broken_rules *rules)
{
	struct et_uuid uuid = et_ident_href(href);
	char text[ET_UUID_TEXT_BYTES];

	et_uuid_format(&uuid, text);
	if (!et_slice_equals(subject->resource, text) &&
	    !same(subject->resource, envelope->aggregate_id))
		note_texts(rules, ET_DATARULE_SUBJECT_HREF_DIFFERS, envelope->version,
			   slice_of(text), subject->resource);
}

/* The claim as written, or its UUIDv5, which stood there for every claim before v2.4.8. Events have
 * an owner since v2.12. */
static void
check_owner(const struct et_subject *subject, struct et_slice claim, uint64_t version,
	    struct et_broken_rules *rules)
{
	char old[ET_UUID_TEXT_BYTES];
	struct et_uuid uuid;
	struct et_buf owner;
	struct et_slice wanted;

	if (claim.size == 0)
		return;
	uuid = et_uuid_v5_url(claim.data, claim.size);
	et_uuid_format(&uuid, old);
	et_buf_init(&owner, (size_t)2 * ET_UUID_TEXT_BYTES);
	et_ident_owner(&owner, claim);
	wanted = (struct et_slice){ owner.data, owner.size };
	if (!same(subject->owner, wanted) && !et_slice_equals(subject->owner, old))
		note_texts(rules, ET_DATARULE_SUBJECT_OWNER_DIFFERS, version, wanted,
			   subject->owner);
	et_buf_done(&owner);
}

static void
check_payload(const struct et_subject *subject, const struct et_envelope *envelope,
	      enum et_kind kind, const struct et_payload *payload, struct et_broken_rules *rules)
{
	uint64_t version = envelope->version;

	if (!same(payload->device_id, envelope->group_id))
		note_texts(rules, ET_DATARULE_EVENT_DEVICE_DIFFERS, version, envelope->group_id,
			   payload->device_id);
	if (payload->version != version)
		note_numbers(rules, ET_DATARULE_EVENT_VERSION_DIFFERS, version, version,
			     payload->version);
	check_aggregate(rules, ET_DATARULE_ENVELOPE_AGGREGATE_NOT_UUID5, version,
			envelope->group_id, href_of(kind, payload), envelope->aggregate_id);
	if (subject->branch == ET_SUBJECT_RESOURCES)
		check_href(subject, envelope, href_of(kind, payload), rules);
	/* A snapshot has the owner of an earlier event. */
	if (!et_kind_info(kind)->snapshot)
		check_owner(subject, payload->owner, version, rules);
}

void
et_datarules_event(struct et_slice subject, const struct et_envelope *envelope,
		   struct et_slice protobuf, struct et_broken_rules *ret)
{
	struct et_subject parts = et_subject_read(subject);
	enum et_kind kind = et_kind_of(envelope->event_type);
	struct et_payload payload;

	ret->count = 0;
	check_kind(&parts, envelope, kind, ret);
	if (!same(parts.device, envelope->group_id))
		note_texts(ret, ET_DATARULE_ENVELOPE_DEVICE_DIFFERS, envelope->version,
			   parts.device, envelope->group_id);
	if (kind != ET_KIND_UNKNOWN && et_payload_read(kind, protobuf, &payload, NULL) == 0)
		check_payload(&parts, envelope, kind, &payload, ret);
}

void
et_datarules_registration(struct et_slice subject, const struct et_registration *registration,
			  struct et_broken_rules *ret)
{
	struct et_subject parts = et_subject_read(subject);

	ret->count = 0;
	if (parts.kind != registration->kind)
		note_texts(ret, ET_DATARULE_SUBJECT_KIND_DIFFERS, 0,
			   slice_of(et_kind_info(registration->kind)->name), parts.type);
	check_owner(&parts, registration->owner, 0, ret);
}
