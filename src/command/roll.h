/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings that a report shows: of any number the first
 * ET_REPORT_FINDINGS_MAX, new ones before known ones before acknowledged ones.
 * Texts are copied.
 */
#ifndef ET_COMMAND_ROLL_H
#define ET_COMMAND_ROLL_H

#include "base/arena.h"
#include "catalog/findings.h"
#include "report/report.h"

struct et_roll {
	struct et_arena texts;
	struct et_report_finding *list;
	size_t count;
	uint64_t total;
	uint64_t standings[ET_STANDING_COUNT]; /* of all that were added */
	uint64_t kept[ET_STANDING_COUNT];      /* of those in the list */
};

void et_roll_init(struct et_roll *roll);
void et_roll_done(struct et_roll *roll);
void et_roll_add(struct et_roll *roll, const struct et_report_finding *finding);
/* By standing; of one standing in the order in which they came. */
void et_roll_sort(struct et_roll *roll);

/* Where a finding of the catalog stands, and since when; last_told: the run whose report counts as
 * the last one (0: all that was ever told was told before). It borrows the texts. */
void et_roll_stand(const struct et_noted_finding *noted, int64_t last_told, int64_t now_ns,
		   struct et_report_finding *ret, bool *ret_expired);

#endif
