/* SPDX-License-Identifier: Apache-2.0 */
#include "command/progress.h"

#include <inttypes.h>
#include <unistd.h>

#define SHOW_EVERY_NS (ET_NS_PER_SECOND / 5)

void
et_progress_begin(struct et_progress *progress, const struct et_options *options, const char *what,
		  const char *unit)
{
	*progress = (struct et_progress){
		.what = what,
		.unit = unit,
		.started_ns = et_clock_monotonic_ns(),
		.on = isatty(STDERR_FILENO) != 0 && !options->quiet && !options->json,
	};
	if (!progress->on)
		return;
	(void)fprintf(stderr, "\r%s ...\033[K", what);
	(void)fflush(stderr);
}

static void
show(const struct et_progress *progress, uint64_t count, double share, int64_t now)
{
	double seconds = (double)(now - progress->started_ns) / 1e9;
	char left[ET_TIME_TEXT_BYTES];
	int64_t rest;

	if (seconds <= 0 || share <= 0)
		return;
	rest = share < 1 ? (int64_t)(seconds / share * (1 - share)) : 0;
	(void)fprintf(stderr, "\r%s %3.0f %%  %" PRIu64 " %s  %.0f/s  %s left\033[K",
		      progress->what, 100.0 * share, count, progress->unit, (double)count / seconds,
		      et_duration_format(rest * ET_NS_PER_SECOND, left));
	(void)fflush(stderr);
}

void
et_progress_at(struct et_progress *progress, uint64_t count, double share)
{
	int64_t now;

	if (!progress->on)
		return;
	now = et_clock_monotonic_ns();
	if (now - progress->shown_ns < SHOW_EVERY_NS)
		return;
	progress->shown_ns = now;
	show(progress, count, share, now);
}

void
et_progress_clear(const struct et_progress *progress)
{
	if (!progress->on)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
}

void
et_progress_end(struct et_progress *progress)
{
	et_progress_clear(progress);
	progress->on = false;
}

double
et_progress_of_id(const struct et_uuid *id)
{
	return ((double)id->bytes[0] * 256 + id->bytes[1]) / 65536;
}
