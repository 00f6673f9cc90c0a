/* SPDX-License-Identifier: Apache-2.0 */
/* One line on a terminal that says how far a run is; nothing anywhere else. */
#ifndef ET_COMMAND_PROGRESS_H
#define ET_COMMAND_PROGRESS_H

#include "command/options.h"

struct et_progress {
	const char *what;
	uint64_t first;
	uint64_t last;
	int64_t started_ns;
	int64_t shown_ns;
	unsigned calls;
	bool on;
};

/* On when stderr is a terminal and neither --quiet nor --json was given. */
void et_progress_begin(struct et_progress *progress, const struct et_options *options,
		       const char *what, uint64_t first, uint64_t last);
/* Cheap: looks at the clock every 4096 calls, prints at most five times a second. */
void et_progress_at(struct et_progress *progress, uint64_t at);
void et_progress_end(struct et_progress *progress);

#endif
