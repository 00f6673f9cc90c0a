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
	char *device_id; /* in the batch's arena; NULL while not known */
	enum et_family family;
	struct et_device_epoch *epochs; /* of the device; in the batch's arena */
	size_t epoch_count;
	struct et_life *lives; /* of the aggregate, the device's newest one last */
	size_t life_count;     /* 0: the stream has shown nothing of it yet */
	uint64_t elsewhere;    /* versions of another device's messages */
	uint64_t duplicates;
	struct et_document *documents[ET_SUSPECT_DOCUMENTS_MAX];
	size_t document_count;   /* ghosts apart: 0 is not stored */
	size_t rescued_count;    /* behind them: copies that were saved earlier */
	uint64_t left_out;       /* beyond the limit: what they hold is not known */
	uint64_t latest_version; /* of the documents, ghosts apart */
	uint64_t first_version;
	int64_t latest_time_ns;
	uint64_t written_version; /* latestversion of the document with that time */
	bool device_in_store;
	bool device_owned; /* the identity store knows the device */
	bool unsettled;    /* something of it waits for messages that may still come */
	char *href;        /* NULL: not known */
};

/* What the stream has shown of it in the newest life. */
static inline const struct et_coverage *
et_suspect_coverage(const struct suspect *suspect)
{
	static const struct et_coverage nothing = { 0 };

	return suspect->life_count > 0 ? &suspect->lives[suspect->life_count - 1].coverage
				       : &nothing;
}

/* The links aggregate of a device, from the store. */
struct stored_links {
	struct et_uuid aggregate;
	struct et_document *document; /* NULL: not there */
};

/* Called for each document of a suspect, whole, before it is thinned. */
typedef void et_document_look(void *cookie, const struct et_source_document *row);

struct batch {
	struct et_audit *audit;
	et_document_look *look; /* NULL: nobody wants to see them */
	void *look_cookie;
	struct et_suspect_batch from;
	struct suspect *list;
	size_t count;
	struct stored_links *links; /* sorted by aggregate */
	size_t link_count;
	struct et_arena arena;
	struct et_buf protobuf;
	struct suspect *in_hand; /* for the sink */
	struct et_buf encoded;   /* scratch for verdicts and findings */
};

static inline uint64_t
et_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The epochs of a device with what began each, into the arena; one epoch when nothing is known. */
ET_CHECKED int et_device_epochs(struct et_catalog *catalog, const struct et_uuid *device,
				struct et_arena *arena, struct et_device_epoch **ret,
				size_t *ret_count, struct et_error *err);
/* What the catalog knows of the suspect's coverage, by lives of its device. */
ET_CHECKED int et_suspect_lives(struct batch *batch, struct suspect *suspect, struct et_error *err);
/* The same for one of which the stream has shown nothing, once a document told the device. */
ET_CHECKED int et_suspect_no_lives(struct batch *batch, struct suspect *suspect,
				   struct et_error *err);
void et_suspect_done(struct suspect *suspect);

/* Coverage, documents, links and devices of the first `count` suspects of batch->from. ET_LIMIT
 * when they do not fit into the batch's memory. */
ET_CHECKED int et_batch_fill(struct batch *batch, size_t count, struct et_error *err);
/* The links documents of the devices whose resources are missing something; part of filling. */
ET_CHECKED int et_batch_links(struct batch *batch, struct et_error *err);

/* Looks for the suspect's href: by its family, in its documents, in its newest event. */
void et_suspect_href(struct batch *batch, struct suspect *suspect);
/* The store's links document of the suspect's device; NULL: none was read. */
const struct et_document *et_suspect_links_document(struct batch *batch,
						    const struct suspect *suspect);
/* Whether the store's links are of another life of the device than the newest on the stream. */
ET_CHECKED int et_suspect_moved_on(struct batch *batch, const struct suspect *suspect, bool *ret,
				   struct et_error *err);
/* What the store and the stream say of the href's links; they borrow the events, whose list is the
 * caller's to free. */
ET_CHECKED int et_suspect_links(struct batch *batch, struct suspect *suspect, struct et_links *ret,
				struct et_link_events *events, struct et_error *err);
/* The aggregate's orphans that have settled. The list is the caller's to free. */
ET_CHECKED int et_suspect_orphans(struct batch *batch, struct suspect *suspect,
				  struct et_orphans *ret, struct et_error *err);

/* A suspect as et_judge wants it. It points into itself, the batch and the suspect. */
struct suspect_case {
	struct et_case one;
	struct et_facts facts;
	struct et_copies copies;
	struct et_link_events links;
	struct et_orphans orphans;
	bool snapshots_published; /* by the hub that wrote its documents */
};
/* Gathers it; changes nothing in the state. Ends with et_suspect_case_done, also on failure. */
ET_CHECKED int et_suspect_case(struct batch *batch, struct suspect *suspect,
			       struct suspect_case *ret, struct et_error *err);
void et_suspect_case_done(struct suspect_case *one);

/* What a batch needs to be filled, with room for that many suspects. */
void et_suspects_init(struct batch *batch, struct et_audit *audit, size_t room);
void et_suspects_done(struct batch *batch, size_t room);

/* A verdict that holds: its counts and findings as they were. */
ET_CHECKED int et_verdict_recall(struct batch *batch, const struct et_suspect *suspect,
				 struct et_error *err);
/* Keeps a verdict for the next audits, where nothing of it is in flight. */
ET_CHECKED int et_verdict_keep(struct batch *batch, const struct suspect *suspect,
			       const struct et_tally *tally, struct et_error *err);

#endif
