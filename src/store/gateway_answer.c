// SPDX-License-Identifier: Apache-2.0
#include "store/gateway_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/envelope.h"
#include "event/ident.h"

/* A document stays below MongoDB's limit: events of 4 MiB at most are added up to here. */
#define PART_BYTES_MAX (8u << 20)

void
et_gateway_answer_init(struct et_gateway_answer *answer)
{
	*answer = (struct et_gateway_answer){ .keep = false };
	et_buf_init(&answer->bodies, ET_GATEWAY_BODIES_BYTES);
	et_buf_init(&answer->scratch, ET_PAYLOAD_BYTES_MAX);
}

void
et_gateway_answer_done(struct et_gateway_answer *answer)
{
	free(answer->items);
	et_buf_done(&answer->bodies);
	et_buf_done(&answer->scratch);
}

void
et_gateway_answer_begin(struct et_gateway_answer *answer, const char *device_id, bool keep)
{
	if (device_id != answer->device_id)
		(void)snprintf(answer->device_id, sizeof(answer->device_id), "%s", device_id);
	answer->keep = keep;
	answer->count = 0;
	et_buf_reset(&answer->bodies);
}

static struct et_slice
href_of(enum et_kind kind, const struct et_payload *payload)
{
	const char *fixed = NULL;

	switch (et_kind_info(kind)->family) {
	case ET_FAMILY_LINKS:
		fixed = ET_HREF_LINKS;
		break;
	case ET_FAMILY_METADATA:
		fixed = ET_HREF_METADATA;
		break;
	default:
		return payload->href;
	}
	return (struct et_slice){ (const uint8_t *)fixed, strlen(fixed) };
}

static int
other_device(const struct et_gateway_answer *answer, struct et_error *err)
{
	int r = et_error_set(err, ET_GARBLED,
			     "asked for device %s, the gateway tells of another one",
			     answer->device_id);

	et_error_hint(err, "a proxy between that drops the filter of the question?");
	return r;
}

static struct et_gateway_item *
new_item(struct et_gateway_answer *answer)
{
	if (answer->count == answer->capacity) {
		answer->capacity = answer->capacity * 2 + 64;
		answer->items =
			et_realloc_array(answer->items, answer->capacity, sizeof(*answer->items));
	}
	answer->items[answer->count] = (struct et_gateway_item){ .number = answer->count };
	return &answer->items[answer->count++];
}

/* Where the event belongs, as far as it says. */
static void
place(const struct et_gateway_event *event, const struct et_payload *payload,
      struct et_gateway_item *item)
{
	struct et_slice href = href_of(event->kind, payload);

	item->kind = event->kind;
	item->has_aggregate = href.size > 0 && payload->device_id.size > 0;
	item->malformed = !item->has_aggregate || !payload->has_metadata;
	if (item->has_aggregate)
		item->aggregate = et_ident_aggregate(payload->device_id, href);
	item->version = payload->version;
	item->time_ns = payload->timestamp_ns;
}

static int
keep_body(struct et_gateway_answer *answer, struct et_slice protobuf, struct et_gateway_item *item,
	  struct et_error *err)
{
	item->start = answer->bodies.size;
	item->bytes = protobuf.size;
	et_buf_put(&answer->bodies, protobuf.data, protobuf.size);
	return et_buf_check(&answer->bodies, "what the gateway tells of one device", err);
}

int
et_gateway_answer_add(void *cookie, const struct et_gateway_event *event, struct et_error *err)
{
	struct et_gateway_answer *answer = cookie;
	struct et_payload payload = { .has_metadata = false };
	struct et_gateway_item *item;
	int r;

	if (answer->count == ET_GATEWAY_EVENTS_MAX)
		return et_error_set(err, ET_GARBLED, "more than %u events of one device",
				    ET_GATEWAY_EVENTS_MAX);
	r = et_payload_read(event->kind, event->protobuf, &payload, NULL);
	if (r == 0 && payload.device_id.size > 0 &&
	    !et_slice_equals(payload.device_id, answer->device_id))
		return other_device(answer, err);
	item = new_item(answer);
	if (r < 0)
		payload = (struct et_payload){ .has_metadata = false };
	place(event, &payload, item);
	if (!answer->keep || item->malformed)
		return 0;
	r = keep_body(answer, event->protobuf, item, err);
	return r < 0 ? et_error_wrap(err, ET_GARBLED, "device %s", answer->device_id) : 0;
}

/* What has no aggregate comes first. */
static int
compare_items(const void *a, const void *b)
{
	const struct et_gateway_item *left = a;
	const struct et_gateway_item *right = b;
	int order;

	if (left->has_aggregate != right->has_aggregate)
		return left->has_aggregate ? 1 : -1;
	order = et_uuid_compare(&left->aggregate, &right->aggregate);
	return order != 0 ? order : left->number < right->number ? -1 : 1;
}

void
et_gateway_answer_end(struct et_gateway_answer *answer)
{
	if (answer->count > 1)
		qsort(answer->items, answer->count, sizeof(*answer->items), compare_items);
}

/* ---- documents ---- */

static bool
goes_on(const struct et_gateway_item *last, const struct et_gateway_item *next)
{
	return !last->malformed && !next->malformed &&
	       et_uuid_compare(&last->aggregate, &next->aggregate) == 0 &&
	       last->version < UINT64_MAX && next->version == last->version + 1;
}

bool
et_gateway_part_next(const struct et_gateway_answer *answer, size_t *at,
		     struct et_gateway_part *ret)
{
	const struct et_gateway_item *first;
	size_t bytes;
	size_t count = 1;

	if (*at == answer->count)
		return false;
	first = &answer->items[*at];
	bytes = first->bytes;
	while (*at + count < answer->count && goes_on(&first[count - 1], &first[count]) &&
	       bytes < PART_BYTES_MAX)
		bytes += first[count++].bytes;
	*ret = (struct et_gateway_part){ first, count, first->malformed };
	*at += count;
	return true;
}

static void
put_event(struct et_gateway_answer *answer, const struct et_gateway_item *item, bson_t *list,
	  const char *key)
{
	const struct et_kind_info *kind = et_kind_info(item->kind);
	struct et_slice body = { answer->bodies.data + item->start, item->bytes };
	bson_t event;

	et_snappy(body, &answer->scratch);
	BSON_APPEND_DOCUMENT_BEGIN(list, key, &event);
	BSON_APPEND_INT64(&event, "version", (int64_t)item->version);
	BSON_APPEND_BINARY(&event, "data", BSON_SUBTYPE_BINARY, answer->scratch.data,
			   (uint32_t)answer->scratch.size);
	BSON_APPEND_UTF8(&event, "eventtype", kind->name);
	BSON_APPEND_BOOL(&event, "issnapshot", kind->snapshot);
	BSON_APPEND_INT64(&event, "timestamp", item->time_ns);
	bson_append_document_end(list, &event);
}

bson_t *
et_gateway_part_bson(struct et_gateway_answer *answer, const struct et_gateway_part *part)
{
	const struct et_gateway_item *last = &part->first[part->count - 1];
	char id[ET_UUID_TEXT_BYTES] = "";
	bson_t *bson = bson_new();
	char room[16];
	bson_t list;

	if (part->first->has_aggregate)
		et_uuid_format(&part->first->aggregate, id);
	BSON_APPEND_UTF8(bson, "groupid", answer->device_id);
	BSON_APPEND_UTF8(bson, "aggregateid", id);
	if (part->malformed)
		return bson;
	BSON_APPEND_INT64(bson, "firstversion", (int64_t)part->first->version);
	BSON_APPEND_INT64(bson, "latestversion", (int64_t)last->version);
	BSON_APPEND_INT64(bson, "latesttimestamp", last->time_ns);
	BSON_APPEND_BOOL(bson, "isactive", true);
	BSON_APPEND_ARRAY_BEGIN(bson, "events", &list);
	for (size_t i = 0; i < part->count; i++) {
		const char *key;

		(void)bson_uint32_to_string((uint32_t)i, &key, room, sizeof(room));
		put_event(answer, &part->first[i], &list, key);
	}
	bson_append_array_end(bson, &list);
	return bson;
}
