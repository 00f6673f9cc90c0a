// SPDX-License-Identifier: Apache-2.0
#include "event/kind.h"

#include <string.h>

#include "base/alloc.h"

#define NAME(text) .name = (text), .name_bytes = sizeof(text) - 1
#define FIELDS(metadata, audit, resource) \
	.metadata_field = (metadata), .audit_field = (audit), .resource_field = (resource)

/* Numbers of fields: proto/resourceaggregate.proto. event_metadata of a registration is another
 * message: hub_id. */
static const struct et_kind_info kinds[ET_KIND_COUNT] = {
	[ET_KIND_UNKNOWN] = { NAME("unknown"), .family = ET_FAMILY_UNKNOWN, .published = true },
	[ET_KIND_LINKS_PUBLISHED] = { NAME("resourcelinkspublished"), .family = ET_FAMILY_LINKS,
				      .published = true, FIELDS(4, 3, 0) },
	[ET_KIND_LINKS_UNPUBLISHED] = { NAME("resourcelinksunpublished"), .family = ET_FAMILY_LINKS,
					.published = true, FIELDS(4, 3, 0) },
	[ET_KIND_LINKS_SNAPSHOT] = { NAME("resourcelinkssnapshottaken"), .family = ET_FAMILY_LINKS,
				     .published = true, .snapshot = true, FIELDS(3, 4, 0) },
	[ET_KIND_METADATA_UPDATE_PENDING] = { NAME("devicemetadataupdatepending"),
					      .family = ET_FAMILY_METADATA, .published = true,
					      FIELDS(4, 3, 0) },
	[ET_KIND_METADATA_UPDATED] = { NAME("devicemetadataupdated"), .family = ET_FAMILY_METADATA,
				       .published = true, FIELDS(5, 4, 0) },
	[ET_KIND_METADATA_SNAPSHOT] = { NAME("devicemetadatasnapshottaken"),
					.family = ET_FAMILY_METADATA, .published = true,
					.snapshot = true, FIELDS(4, 0, 0) },
	[ET_KIND_RESOURCE_CHANGED] = { NAME("resourcechanged"), .family = ET_FAMILY_RESOURCE,
				       .published = true, FIELDS(5, 4, 1) },
	[ET_KIND_CREATE_PENDING] = { NAME("resourcecreatepending"), .family = ET_FAMILY_RESOURCE,
				     .published = true, .withholdable = true, FIELDS(4, 3, 1) },
	[ET_KIND_CREATED] = { NAME("resourcecreated"), .family = ET_FAMILY_RESOURCE,
			      .published = true, .confirms = true, FIELDS(5, 4, 1) },
	[ET_KIND_RETRIEVE_PENDING] = { NAME("resourceretrievepending"),
				       .family = ET_FAMILY_RESOURCE, .published = true,
				       FIELDS(4, 3, 1) },
	[ET_KIND_RETRIEVED] = { NAME("resourceretrieved"), .family = ET_FAMILY_RESOURCE,
				.published = true, FIELDS(5, 4, 1) },
	[ET_KIND_UPDATE_PENDING] = { NAME("resourceupdatepending"), .family = ET_FAMILY_RESOURCE,
				     .published = true, .withholdable = true, FIELDS(5, 4, 1) },
	[ET_KIND_UPDATED] = { NAME("resourceupdated"), .family = ET_FAMILY_RESOURCE,
			      .published = true, .confirms = true, FIELDS(5, 4, 1) },
	[ET_KIND_DELETE_PENDING] = { NAME("resourcedeletepending"), .family = ET_FAMILY_RESOURCE,
				     .published = true, .withholdable = true, FIELDS(3, 2, 1) },
	[ET_KIND_DELETED] = { NAME("resourcedeleted"), .family = ET_FAMILY_RESOURCE,
			      .published = true, .confirms = true, FIELDS(5, 4, 1) },
	[ET_KIND_RESOURCE_SNAPSHOT] = { NAME("resourcestatesnapshottaken"),
					.family = ET_FAMILY_RESOURCE, .published = true,
					.snapshot = true, FIELDS(8, 7, 1) },
	[ET_KIND_SERVICE_UPDATED] = { NAME("servicemetadataupdated"), .family = ET_FAMILY_SERVICE,
				      FIELDS(2, 3, 0) },
	[ET_KIND_SERVICE_SNAPSHOT] = { NAME("servicemetadatasnapshottaken"),
				       .family = ET_FAMILY_SERVICE, .snapshot = true,
				       FIELDS(2, 0, 0) },
	[ET_KIND_DEVICES_REGISTERED] = { NAME("devicesregistered"),
					 .family = ET_FAMILY_REGISTRATION, .published = true,
					 FIELDS(0, 4, 0) },
	[ET_KIND_DEVICES_UNREGISTERED] = { NAME("devicesunregistered"),
					   .family = ET_FAMILY_REGISTRATION, .published = true,
					   FIELDS(0, 4, 0) },
};

const struct et_kind_info *
et_kind_info(unsigned kind)
{
	return &kinds[kind < ET_COUNT(kinds) ? kind : ET_KIND_UNKNOWN];
}

/* The names are letters only: setting the bit of lower case makes no other byte a letter. */
static bool
same_letters(const uint8_t *text, const char *name, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((text[i] | 0x20) != (uint8_t)name[i])
			return false;
	return true;
}

enum et_kind
et_kind_of(struct et_slice name)
{
	for (unsigned i = ET_KIND_UNKNOWN + 1; i < ET_KIND_COUNT; i++) {
		if (kinds[i].name_bytes != name.size)
			continue;
		if (same_letters(name.data, kinds[i].name, name.size))
			return (enum et_kind)i;
	}
	return ET_KIND_UNKNOWN;
}
