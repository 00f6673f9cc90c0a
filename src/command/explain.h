/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit --explain, inside: one suspect in hand (suspects.h), its verdict, and
 * what the sources say of the version that is asked for. Nothing is written.
 */
#ifndef ET_COMMAND_EXPLAIN_H
#define ET_COMMAND_EXPLAIN_H

#include "command/suspects.h"
#include "report/explain.h"

#define ET_EXPLAIN_COPIES 256u /* more than can be told apart */

/* What might be a copy of the version, of whichever life. */
struct candidate {
	struct et_copy copy;
	uint64_t where; /* the version whose event, or snapshot, holds it */
};

struct candidates {
	struct candidate list[ET_EXPLAIN_COPIES];
	size_t count;
};

struct explainer {
	struct et_audit *audit;
	struct batch batch; /* of one */
	struct suspect *suspect;
	struct suspect_case one;
	const struct et_life *life; /* the one asked for; NULL: nothing of the aggregate in it */
	struct et_arena texts;
	unsigned *lives_of_epochs; /* of the device; in the arena */
	struct candidates stored;
	struct candidates rescued;
	struct et_explained story;
};

/* While the store's documents are read: the story's store (the batch's look). */
void et_explain_document(void *cookie, const struct et_source_document *row);
/* Afterwards: rescue copies; of all copies the best one of the life asked for; what earlier audits
 * noted and found. */
ET_CHECKED int et_explain_rescued(struct explainer *explainer, struct et_error *err);
void et_explain_copies(struct explainer *explainer);
ET_CHECKED int et_explain_audits(struct explainer *explainer, struct et_error *err);

/* The stream: messages of the version, its neighbours, registrations, out of the archives. */
ET_CHECKED int et_explain_messages(struct explainer *explainer, struct et_error *err);
/* The lives of the device, and what began each. */
ET_CHECKED int et_explain_epochs(struct explainer *explainer, struct et_error *err);
/* Holes, blind times and malformed messages that meet the bracket; links of the href. */
ET_CHECKED int et_explain_blanks(struct explainer *explainer, struct et_error *err);
ET_CHECKED int et_explain_links(struct explainer *explainer, struct et_error *err);
/* Which life of the device an event of that time is of. */
unsigned et_explain_life_at(const struct explainer *explainer, int64_t event_time_ns);

#endif
