/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event types of plgd hub (docs/plgd.md, Event types) as one table. The
 * numbers stand in archive indexes: they are never reused.
 */
#ifndef ET_EVENT_KIND_H
#define ET_EVENT_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

enum et_kind {
	ET_KIND_UNKNOWN = 0, /* judged by its envelope */
	ET_KIND_LINKS_PUBLISHED = 1,
	ET_KIND_LINKS_UNPUBLISHED = 2,
	ET_KIND_LINKS_SNAPSHOT = 3,
	ET_KIND_METADATA_UPDATE_PENDING = 4,
	ET_KIND_METADATA_UPDATED = 5,
	ET_KIND_METADATA_SNAPSHOT = 6,
	ET_KIND_RESOURCE_CHANGED = 7,
	ET_KIND_CREATE_PENDING = 8,
	ET_KIND_CREATED = 9,
	ET_KIND_RETRIEVE_PENDING = 10,
	ET_KIND_RETRIEVED = 11,
	ET_KIND_UPDATE_PENDING = 12,
	ET_KIND_UPDATED = 13,
	ET_KIND_DELETE_PENDING = 14,
	ET_KIND_DELETED = 15,
	ET_KIND_RESOURCE_SNAPSHOT = 16,
	ET_KIND_SERVICE_UPDATED = 17,
	ET_KIND_SERVICE_SNAPSHOT = 18,
	ET_KIND_DEVICES_REGISTERED = 19,
	ET_KIND_DEVICES_UNREGISTERED = 20,
	ET_KIND_COUNT
};

/* Which aggregate an event belongs to. */
enum et_family {
	ET_FAMILY_UNKNOWN = 0,
	ET_FAMILY_RESOURCE,
	ET_FAMILY_LINKS,    /* href /plgd/res */
	ET_FAMILY_METADATA, /* href /plgd/s */
	ET_FAMILY_SERVICE,  /* href /plgd/services: never published */
	ET_FAMILY_REGISTRATION,
};

/* One that every device has from its beginning. */
static inline bool
et_family_is_own(enum et_family family)
{
	return family == ET_FAMILY_LINKS || family == ET_FAMILY_METADATA;
}

struct et_kind_info {
	const char *name;   /* as in subjects and envelopes, lower case: "resourcechanged" */
	uint8_t name_bytes; /* its length */
	enum et_family family;
	bool published;         /* false: the hub never publishes it */
	bool snapshot;          /* a ...snapshottaken event */
	bool withholdable;      /* create/update/delete pending: may be a forced command */
	bool confirms;          /* created/updated/deleted: answers a pending by correlation id */
	uint8_t metadata_field; /* number of event_metadata; 0: none, or another message */
	uint8_t audit_field;    /* audit_context */
	uint8_t resource_field; /* resource_id; 0: device_id is field 1 */
};

/* The row of a kind; that of ET_KIND_UNKNOWN for anything out of range. */
const struct et_kind_info *et_kind_info(unsigned kind);
/* By name, letter case ignored (the two service types are CamelCase in the store). */
enum et_kind et_kind_of(struct et_slice name);

#endif
