/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the comparison of intervals takes for granted of the hub's data
 * (docs/audit.md, Rules of the data): documents are contiguous and say so, a
 * message's subject, envelope and event agree. Each rule has a code of its own;
 * the words are fixed once released. A broken one is a finding: the data were
 * changed by something that is not the hub, or the hub does what docs/plgd.md
 * does not know.
 *
 * Only what cannot be read is left out, and what a hub of any release leaves
 * empty. Pure.
 */
#ifndef ET_AUDIT_DATARULE_H
#define ET_AUDIT_DATARULE_H

#include "base/buf.h"
#include "event/document.h"
#include "event/envelope.h"
#include "event/record.h"

enum et_datarule {
	/* of a document */
	ET_DATARULE_DOCUMENT_WITHOUT_EVENTS,
	ET_DATARULE_DOCUMENT_VERSIONS_NOT_CONTIGUOUS,
	ET_DATARULE_DOCUMENT_FIRST_VERSION_WRONG,
	ET_DATARULE_DOCUMENT_LATEST_VERSION_WRONG,
	ET_DATARULE_DOCUMENT_LATEST_TIME_WRONG,
	ET_DATARULE_DOCUMENT_DEVICE_DIFFERS,
	ET_DATARULE_DOCUMENT_AGGREGATE_NOT_UUID5,
	/* of an event in it */
	ET_DATARULE_STORED_EVENT_UNREADABLE,
	ET_DATARULE_STORED_VERSION_DIFFERS,
	ET_DATARULE_STORED_TIME_DIFFERS,
	ET_DATARULE_STORED_SNAPSHOT_FLAG_WRONG,
	ET_DATARULE_SNAPSHOT_EMBEDS_LATER_VERSION,
	/* of a message */
	ET_DATARULE_ENVELOPE_DEVICE_DIFFERS,
	ET_DATARULE_ENVELOPE_AGGREGATE_NOT_UUID5,
	ET_DATARULE_EVENT_DEVICE_DIFFERS,
	ET_DATARULE_EVENT_VERSION_DIFFERS,
	ET_DATARULE_SUBJECT_KIND_DIFFERS,
	ET_DATARULE_SUBJECT_HREF_DIFFERS,
	ET_DATARULE_SUBJECT_OWNER_DIFFERS,
	ET_DATARULE_COUNT
};

struct et_datarule_info {
	const char *name; /* "document_first_version_wrong" */
	const char
		*words; /* what the two values are: "firstversion is {found}, ..." without them */
};
const struct et_datarule_info *et_datarule_info(enum et_datarule rule);
/* False for a word that is none. */
bool et_datarule_of(const char *name, enum et_datarule *ret);

#define ET_DATARULE_VALUE_BYTES 96u

/* A broken rule, at the first place where it is broken. */
struct et_broken {
	enum et_datarule rule;
	uint64_t version;
	uint64_t times;                       /* in this document; of a message once */
	char wanted[ET_DATARULE_VALUE_BYTES]; /* texts are cut */
	char found[ET_DATARULE_VALUE_BYTES];
};

/* Each rule at most once, in the order in which they were found. */
struct et_broken_rules {
	struct et_broken list[ET_DATARULE_COUNT];
	size_t count;
};

/* Of one document; ghosts break none. Events that cannot be read break one, and no other. */
void et_datarules_document(const struct et_document *document, struct et_buf *scratch,
			   struct et_broken_rules *ret);
/* Of one message: an event with its envelope and decompressed protobuf. Foreign and malformed
 * messages are the caller's. Of an unknown kind only what subject and envelope say. */
void et_datarules_event(struct et_slice subject, const struct et_envelope *envelope,
			struct et_slice protobuf, struct et_broken_rules *ret);
/* Of a registration. */
void et_datarules_registration(struct et_slice subject, const struct et_registration *registration,
			       struct et_broken_rules *ret);

#endif
