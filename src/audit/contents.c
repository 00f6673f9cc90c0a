// SPDX-License-Identifier: Apache-2.0
#include "audit/contents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/original.h"

#define STORED "stored"

void
et_claims_done(struct et_claims *claims)
{
	free(claims->list);
	*claims = (struct et_claims){ 0 };
}

static void
claims_add(struct et_claims *claims, struct et_claim claim)
{
	if (claims->count == claims->capacity) {
		claims->capacity = claims->capacity > 0 ? claims->capacity * 2 : 8;
		claims->list =
			et_realloc_array(claims->list, claims->capacity, sizeof(*claims->list));
	}
	claims->list[claims->count++] = claim;
}

/* The name of the field that embeds it (proto/resourceaggregate.proto). */
static const char *
field_of(enum et_kind embedded)
{
	switch (embedded) {
	case ET_KIND_RESOURCE_CHANGED:
		return "latest_resource_change";
	case ET_KIND_CREATE_PENDING:
		return "resource_create_pendings";
	case ET_KIND_RETRIEVE_PENDING:
		return "resource_retrieve_pendings";
	case ET_KIND_UPDATE_PENDING:
		return "resource_update_pendings";
	case ET_KIND_DELETE_PENDING:
		return "resource_delete_pendings";
	case ET_KIND_METADATA_UPDATED:
		return "device_metadata_updated";
	default:
		return "update_pendings";
	}
}

static int
add_embedded(struct et_claims *claims, const struct et_stored_event *event,
	     struct et_slice protobuf)
{
	struct et_original_walk walk = et_original_walk_of(event->kind, protobuf);
	struct et_original original;
	int r;

	while ((r = et_original_next(&walk, &original, NULL)) > 0) {
		const struct et_payload *payload = &original.payload;

		/* The snapshot of a resource that never changed embeds an empty one. */
		if (payload->version == 0 && payload->timestamp_ns == 0)
			continue;
		claims_add(claims, (struct et_claim){
					   .version = payload->version,
					   .kind = original.kind,
					   .time_ns = payload->timestamp_ns,
					   .where = field_of(original.kind),
					   .event = event,
					   .offset = (size_t)(original.bytes.data - protobuf.data),
					   .size = original.bytes.size,
				   });
	}
	return r;
}

static int
add_event(struct et_claims *claims, const struct et_stored_event *event, struct et_buf *scratch)
{
	struct et_payload payload;
	struct et_slice protobuf;
	int r;

	r = et_unsnappy(event->data, scratch, NULL);
	if (r < 0)
		return r;
	protobuf = (struct et_slice){ scratch->data, scratch->size };
	r = et_payload_read(event->kind, protobuf, &payload, NULL);
	if (r == 0)
		r = add_embedded(claims, event, protobuf);
	if (r < 0)
		return r;
	claims_add(claims, (struct et_claim){ .version = event->version,
					      .kind = event->kind,
					      .time_ns = payload.timestamp_ns,
					      .where = STORED,
					      .event = event,
					      .size = protobuf.size });
	return 0;
}

void
et_claims_of(const struct et_document *document, struct et_buf *scratch, struct et_claims *ret)
{
	ret->count = 0;
	ret->unreadable = 0;
	for (size_t i = 0; i < document->event_count; i++) {
		const struct et_stored_event *event = &document->events[i];
		size_t before = ret->count;

		if (et_kind_info(event->kind)->family == ET_FAMILY_SERVICE)
			continue;
		if (add_event(ret, event, scratch) < 0) {
			ret->count = before; /* nothing out of a damaged snapshot */
			ret->unreadable++;
		}
	}
}

/* ---- one claim ---- */

static int
open_claim(const struct et_claim *claim, struct et_buf *scratch, struct et_slice *ret,
	   struct et_error *err)
{
	int r;

	r = et_unsnappy(claim->event->data, scratch, err);
	if (r == 0)
		*ret = (struct et_slice){ scratch->data + claim->offset, claim->size };
	return r;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
same_type(struct et_slice a, struct et_slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

#define TYPE_BYTES 64

/* Of what is not known as much of the name as is plain. */
static void
put_type(char to[TYPE_BYTES], enum et_kind kind, struct et_slice type)
{
	size_t size = type.size < TYPE_BYTES - 1 ? type.size : TYPE_BYTES - 1;

	if (kind != ET_KIND_UNKNOWN) {
		(void)snprintf(to, TYPE_BYTES, "%s", et_kind_info(kind)->name);
		return;
	}
	for (size_t i = 0; i < size; i++)
		to[i] = type.data[i] > ' ' && type.data[i] < 0x7f ? (char)type.data[i] : '?';
	to[size] = '\0';
}

static void
differ_in_type(const struct et_claim *claim, const struct et_counterpart *archived,
	       struct et_differences *ret)
{
	char stored[TYPE_BYTES];
	char published[TYPE_BYTES];

	ret->count = 0;
	ret->total = 0;
	put_type(stored, claim->kind, claim->event->type);
	put_type(published, archived->kind, archived->type);
	et_differences_add(ret, "event_type", stored, published);
}

static bool
is_stored(const struct et_claim *claim)
{
	return strcmp(claim->where, STORED) == 0;
}

int
et_claim_compare(const struct et_claim *claim, const struct et_counterpart *archived,
		 enum et_reveal reveal, struct et_buf *scratch, struct et_differences *ret,
		 struct et_error *err)
{
	bool same = claim->kind == archived->kind;
	bool snapshot;
	struct et_slice protobuf;
	int r;

	if (claim->kind == ET_KIND_UNKNOWN && same)
		same = same_type(claim->event->type, archived->type);
	snapshot = et_kind_info(claim->kind)->snapshot || et_kind_info(archived->kind)->snapshot;
	if (claim->kind == ET_KIND_UNKNOWN && is_stored(claim))
		snapshot |= claim->event->is_snapshot;
	if (!same && snapshot)
		return 0;
	if (!same) {
		differ_in_type(claim, archived, ret);
		return 1;
	}
	r = open_claim(claim, scratch, &protobuf, err);
	if (r == 0)
		r = et_compare(archived->kind, protobuf, archived->protobuf, reveal, ret, err);
	return r < 0 ? r : 1;
}
