/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspects, inside: one batch of them, with what the catalog, the store and
 * the archives say of each. Documents are thinned as they come (only what a
 * missing version could be recovered from is kept), so that memory is bounded
 * by the batch, not by what a document holds.
 */
#ifndef ET_COMMAND_SUSPECTS_H
#define ET_COMMAND_SUSPECTS_H

#include "command/audit.h"

/* Stores without an index on the aggregate id read all that they have for each batch. */
#define ET_BATCH ET_SOURCE_IDS_MAX
#define ET_BATCH_BYTES_MAX (48u << 20) /* of documents; beyond it the batch is made smaller */
#define ET_SUSPECT_DOCUMENTS_MAX 64u

struct suspect {
	const struct et_suspect *from;
	char *id; /* aggregate id as text */
	struct et_uuid device;
	char *device_id; /* in the batch's arena; "" while not known */
	enum et_family family;
	struct et_coverage coverage;
	unsigned epochs;
	uint64_t older_versions;
	uint64_t duplicates;
	struct et_document *documents[ET_SUSPECT_DOCUMENTS_MAX];
	size_t document_count;   /* ghosts apart: 0 is not stored */
	uint64_t left_out;       /* beyond the limit: what they hold is not known */
	uint64_t latest_version; /* of the documents, ghosts apart */
	uint64_t first_version;
	int64_t latest_time_ns;
	bool device_in_store;
	char *href; /* NULL: not known */
};

/* The links aggregate of a device, from the store. */
struct stored_links {
	struct et_uuid aggregate;
	struct et_document *document; /* NULL: not there */
};

struct batch {
	struct et_audit *audit;
	struct et_suspect_batch from;
	struct suspect *list;
	size_t count;
	struct stored_links *links; /* sorted by aggregate */
	size_t link_count;
	struct et_arena arena;
	struct et_buf protobuf;
	struct suspect *in_hand; /* for the sink */
};

static inline uint64_t
et_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Coverage, documents, links and devices of the first `count` suspects of batch->from. ET_LIMIT
 * when they do not fit into the batch's memory. */
ET_CHECKED int et_batch_fill(struct batch *batch, size_t count, struct et_error *err);
/* The links documents of the devices whose resources are missing something; part of filling. */
ET_CHECKED int et_batch_links(struct batch *batch, struct et_error *err);

/* Looks for the suspect's href: by its family, in its documents, in its newest event. */
void et_suspect_href(struct batch *batch, struct suspect *suspect);
/* What the store and the stream say of the href's links. The lists are the caller's to free. */
ET_CHECKED int et_suspect_links(struct batch *batch, struct suspect *suspect,
				struct et_facts *facts, struct et_link_changes *changes,
				struct et_orphans *orphans, struct et_error *err);

#endif
