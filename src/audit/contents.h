/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the EventStore says of published events, against what the stream has
 * shown (docs/audit.md, Contents). Each event that a document stores, and each
 * one that a stored snapshot embeds, is a claim about one version; its
 * counterpart is the archived event of that version, in the same life, which
 * the caller finds. Pure.
 *
 * A stored snapshot of the links embeds no event: it is the sum of all links
 * events up to its version, and that can be told where all of them are archived.
 */
#ifndef ET_AUDIT_CONTENTS_H
#define ET_AUDIT_CONTENTS_H

#include "base/buf.h"
#include "event/compare.h"
#include "event/document.h"
#include "event/envelope.h"

struct et_claim {
	uint64_t version;  /* that it is about */
	enum et_kind kind; /* of the published event */
	int64_t time_ns;   /* the event's own; 0: none */
	const char *where; /* "stored", or a snapshot's field: "latest_resource_change" */
	const struct et_stored_event *event; /* the document's */
	size_t offset;                       /* of its protobuf, in that of the stored event */
	size_t size;
};

/* Zero-initialise; the list is used again. */
struct et_claims {
	struct et_claim *list;
	size_t count;
	size_t capacity;
	size_t unreadable; /* stored events that make none, because they cannot be read */
};
void et_claims_done(struct et_claims *claims);
/* Replaces what is in ret; the claims borrow the document. Of service metadata there are none: it
 * is never published. In order of the events; of a snapshot the embedded ones first. */
void et_claims_of(const struct et_document *document, struct et_buf *scratch,
		  struct et_claims *ret);

/* An event of the archives. */
struct et_counterpart {
	enum et_kind kind;
	struct et_slice type; /* as in its envelope */
	struct et_slice protobuf;
};

/* 1 and the differences, stored left and archived right (none: equal); 0 when the claim says
 * nothing of this event: a stored snapshot in the place of the event that was published, or a
 * snapshot that was published later in the place of its event. ET_CORRUPT, ET_LIMIT. */
ET_CHECKED int et_claim_compare(const struct et_claim *claim, const struct et_counterpart *archived,
				enum et_reveal reveal, struct et_buf *scratch,
				struct et_differences *ret, struct et_error *err);

/* The links of a device, summed up from its links events in the order of their versions. */
struct et_linkset;
struct et_linkset *et_linkset_new(void);
void et_linkset_free(struct et_linkset *set);
void et_linkset_clear(struct et_linkset *set);
/* ET_CORRUPT; ET_LIMIT for too much of it. Another kind of event says nothing of links. */
ET_CHECKED int et_linkset_add(struct et_linkset *set, enum et_kind kind, struct et_slice protobuf,
			      struct et_error *err);
/* The links of a stored snapshot (left) against the sum (right): only these, no other field. */
ET_CHECKED int et_linkset_compare(struct et_linkset *set, const struct et_claim *claim,
				  enum et_reveal reveal, struct et_buf *scratch,
				  struct et_differences *ret, struct et_error *err);

ET_CLEANUP_DEFINE(et_linkset, et_linkset_free);

#endif
