/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which findings of the catalog are meant: by keys (AGGREGATE@VERSION, ~LIFE
 * behind it for an older life of the device, message@SEQUENCE for a message
 * that cannot be read) and by the options of `findings`.
 */
#ifndef ET_COMMAND_PICK_H
#define ET_COMMAND_PICK_H

#include "command/roll.h"
#include "command/state.h"

/* One that is meant, as it stands now. */
struct et_picked {
	struct et_noted_finding noted;
	struct et_report_finding reported; /* sequences, not positions */
	bool wanted;                       /* its standing is one that was asked for */
};

struct et_pick;
/* Reads the options and the keys (borrowed). ET_USAGE. */
ET_CHECKED int et_pick_open(struct et_state *state, const struct et_options *options,
			    char *const *keys, size_t key_count, struct et_pick **ret,
			    struct et_error *err);
/* 1 and the next that fits keys, codes, device and time; 0: there is no further one. What it holds
 * ends with the next call. */
ET_CHECKED int et_pick_next(struct et_pick *pick, struct et_picked *ret, struct et_error *err);
/* The standings that were asked for, ET_STANDING_BITs. */
unsigned et_pick_wanted(const struct et_pick *pick);
/* The first key that fits no open finding so far; NULL: each does. */
const char *et_pick_missed(const struct et_pick *pick);
void et_pick_free(struct et_pick *pick);
ET_CLEANUP_DEFINE(et_pick, et_pick_free);

#endif
