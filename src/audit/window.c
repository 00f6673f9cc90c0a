// SPDX-License-Identifier: Apache-2.0
#include "audit/window.h"

#include "base/clock.h"

static const uint64_t ladder[ET_SCHEDULES] = { 86400, 3600, 900, 300, 60 };

#define WORTH_NAMING 0.01

void
et_windows_add(struct et_windows *windows, int64_t after_ns, int64_t before_ns, uint64_t missing,
	       uint64_t count)
{
	double window;

	if (after_ns == ET_TIME_NONE || before_ns == ET_TIME_NONE || count == 0)
		return;
	/* Clocks of two replicas can swap the neighbours. */
	window = ((double)before_ns - (double)after_ns) / (double)ET_NS_PER_SECOND /
		 ((double)missing + 1);
	windows->known += count;
	for (size_t i = 0; window > 0 && i < ET_SCHEDULES; i++) {
		double hit = window / (double)ladder[i];

		windows->caught[i] += (double)count * (hit < 1 ? hit : 1);
	}
}

size_t
et_windows_schedules(const struct et_windows *windows, struct et_schedule schedules[ET_SCHEDULES])
{
	double best = 0;
	size_t count = 0;

	for (size_t i = 0; windows->known > 0 && i < ET_SCHEDULES; i++) {
		double share = windows->caught[i] / (double)windows->known;

		if (share < best + WORTH_NAMING)
			continue;
		best = share;
		schedules[count++] = (struct et_schedule){ ladder[i], share };
	}
	return count;
}
