/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit --full, inside (docs/audit.md, Contents): every stored event against
 * its archived counterpart, the rules of the data over all documents and
 * messages, and versions out of order. Reads everything once; memory is bounded
 * by a batch of documents.
 */
#ifndef ET_COMMAND_CONTENTS_H
#define ET_COMMAND_CONTENTS_H

#include "audit/contents.h"
#include "audit/datarule.h"
#include "command/audit.h"
#include "command/progress.h"

/* Where something was found. */
struct et_found_at {
	struct et_uuid device;
	struct et_uuid aggregate;
	struct et_slice device_id; /* as the hub writes it */
	struct et_slice aggregate_id;
	uint64_t version;
	enum et_kind kind;
	int64_t time_ns;
	uint64_t position; /* 0: none */
};

/* One finding for each rule that is broken there. */
ET_CHECKED int et_audit_found_broken(struct et_audit *audit, const struct et_found_at *at,
				     const struct et_broken_rules *rules, struct et_error *err);
/* One for an event that differs. */
ET_CHECKED int et_audit_found_different(struct et_audit *audit, const struct et_found_at *at,
					const char *where, const struct et_differences *differences,
					struct et_error *err);
/* The rules over all archived messages, in their order. */
ET_CHECKED int et_audit_messages(struct et_audit *audit, struct et_error *err);

/* ---- the batch in hand ---- */

/* A claim and where its counterpart is. */
struct wanted {
	struct et_uuid device;
	struct et_uuid aggregate;
	const struct et_document *document;
	struct et_claim claim;
	uint64_t position; /* 0: the stream has shown nothing of it */
	int64_t time_ns;   /* of the row */
	enum et_kind kind; /* likewise */
};

/* A links event in the index. */
struct link_row {
	struct et_uuid aggregate;
	uint64_t version;
	uint64_t position;
	int64_t time_ns;
};

struct et_contents_batch {
	struct et_audit *audit;
	struct et_documents *documents;
	struct et_arena arena; /* of the batch */
	struct wanted *list;
	size_t count;
	size_t capacity;
	struct link_row *links;
	size_t link_count;
	size_t link_capacity;
	struct et_claims claims; /* scratch */
	struct et_buf plain;     /* scratch */
	struct et_linkset *set;
	uint64_t compared;
	uint64_t apart; /* events of other times: of another life, or branch */
	struct et_progress progress;
	uint64_t done;
};

static inline struct et_found_at
et_contents_place(const struct wanted *wanted)
{
	return (struct et_found_at){
		.device = wanted->device,
		.aggregate = wanted->aggregate,
		.device_id = wanted->document->group_id,
		.aggregate_id = wanted->document->aggregate_id,
		.version = wanted->claim.version,
		.kind = wanted->kind,
		.time_ns = wanted->time_ns,
		.position = wanted->position,
	};
}

/* More than the clocks of two replicas can tell: another event. */
bool et_contents_far_apart(int64_t a, int64_t b);
/* A snapshot of links that was not published. */
bool et_contents_sums_links(const struct wanted *wanted);
void et_contents_note_link(struct et_contents_batch *contents, const struct et_row *row,
			   uint64_t position);
/* Before any of these are compared. */
void et_contents_sort_links(struct et_contents_batch *contents);
/* Says nothing where there is a doubt. */
ET_CHECKED int et_contents_compare_links(struct et_contents_batch *contents,
					 const struct wanted *wanted, struct et_error *err);

#endif
