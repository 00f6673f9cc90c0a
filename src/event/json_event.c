// SPDX-License-Identifier: Apache-2.0
#include "event/json.h"

#include "event/json_internal.h"
#include "proto/identitystore.pb-c.h"
#include "proto/resourceaggregate.pb-c.h"

#define RA(noun) (&resourceaggregate__pb__##noun##__descriptor)

static const ProtobufCMessageDescriptor *const descriptors[ET_KIND_COUNT] = {
	[ET_KIND_LINKS_PUBLISHED] = RA(resource_links_published),
	[ET_KIND_LINKS_UNPUBLISHED] = RA(resource_links_unpublished),
	[ET_KIND_LINKS_SNAPSHOT] = RA(resource_links_snapshot_taken),
	[ET_KIND_METADATA_UPDATE_PENDING] = RA(device_metadata_update_pending),
	[ET_KIND_METADATA_UPDATED] = RA(device_metadata_updated),
	[ET_KIND_METADATA_SNAPSHOT] = RA(device_metadata_snapshot_taken),
	[ET_KIND_RESOURCE_CHANGED] = RA(resource_changed),
	[ET_KIND_CREATE_PENDING] = RA(resource_create_pending),
	[ET_KIND_CREATED] = RA(resource_created),
	[ET_KIND_RETRIEVE_PENDING] = RA(resource_retrieve_pending),
	[ET_KIND_RETRIEVED] = RA(resource_retrieved),
	[ET_KIND_UPDATE_PENDING] = RA(resource_update_pending),
	[ET_KIND_UPDATED] = RA(resource_updated),
	[ET_KIND_DELETE_PENDING] = RA(resource_delete_pending),
	[ET_KIND_DELETED] = RA(resource_deleted),
	[ET_KIND_RESOURCE_SNAPSHOT] = RA(resource_state_snapshot_taken),
	[ET_KIND_SERVICE_UPDATED] = RA(service_metadata_updated),
	[ET_KIND_SERVICE_SNAPSHOT] = RA(service_metadata_snapshot_taken),
	[ET_KIND_DEVICES_REGISTERED] = &identitystore__pb__event__descriptor,
	[ET_KIND_DEVICES_UNREGISTERED] = &identitystore__pb__event__descriptor,
};

int
et_json_event(enum et_kind kind, struct et_slice protobuf, struct et_buf *out, struct et_error *err)
{
	const ProtobufCMessageDescriptor *message;
	int r;

	message = (unsigned)kind < ET_COUNT(descriptors) ? descriptors[kind] : NULL;
	if (message == NULL)
		return et_error_set(err, ET_GONE, "the event type is not known");
	r = et_json_message(out, message, protobuf, 0, err);
	if (r < 0)
		return r;
	return et_buf_check(out, "the event as JSON", err);
}
