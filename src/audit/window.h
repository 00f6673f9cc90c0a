/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which schedule of audits would have saved what came too late. A lost event
 * can be saved from its own save on until the hub overwrites it with the
 * aggregate's next one: its window. Of a superseded one that is estimated from
 * its gap: m missing versions part the time between their neighbours into
 * m + 1 windows. Pure.
 */
#ifndef ET_AUDIT_WINDOW_H
#define ET_AUDIT_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#define ET_SCHEDULES 5u

struct et_windows {
	uint64_t known;              /* events whose window can be estimated */
	double caught[ET_SCHEDULES]; /* of them, to be expected; by the ladder of window.c */
};

struct et_schedule {
	uint64_t every_seconds;
	double share; /* of what came too late, 0 to 1 */
};

/* `count` superseded events of a gap with so many missing versions, between two times (one of them
 * ET_TIME_NONE: not known, nothing is added). Audits at a fixed period hit a window with
 * probability min(1, window / period). */
void et_windows_add(struct et_windows *windows, int64_t after_ns, int64_t before_ns,
		    uint64_t missing, uint64_t count);
/* The schedules worth naming, the rarest first: each catches at least one in a hundred more than
 * the one before it. Returns how many; 0 when no window is known. */
size_t et_windows_schedules(const struct et_windows *windows,
			    struct et_schedule schedules[ET_SCHEDULES]);

#endif
