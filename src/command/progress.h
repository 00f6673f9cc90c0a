/* SPDX-License-Identifier: Apache-2.0 */
/* One line on a terminal that says how far a run is; nothing anywhere else. */
#ifndef ET_COMMAND_PROGRESS_H
#define ET_COMMAND_PROGRESS_H

#include "base/uuid5.h"
#include "command/options.h"

struct et_progress {
	const char *what; /* "archiving" */
	const char *unit; /* "messages" */
	int64_t started_ns;
	int64_t shown_ns;
	bool on;
};

/* On when stderr is a terminal and neither --quiet nor --json was given. */
void et_progress_begin(struct et_progress *progress, const struct et_options *options,
		       const char *what, const char *unit);
/* So many units are done, that share (0 to 1) of the whole. Prints at most five times a second. */
void et_progress_at(struct et_progress *progress, uint64_t count, double share);
/* Takes the line away, for other words; the next et_progress_at brings it back. */
void et_progress_clear(const struct et_progress *progress);
void et_progress_end(struct et_progress *progress);

/* How far a walk in the order of ids has come: they are digests, so they lie evenly. */
double et_progress_of_id(const struct et_uuid *id);

#endif
