/* SPDX-License-Identifier: Apache-2.0 */
#include "command/progress.h"

#include <inttypes.h>
#include <unistd.h>

#define SHOW_EVERY_NS (ET_NS_PER_SECOND / 5)
#define CALLS_BETWEEN 4096u

void
et_progress_begin(struct et_progress *progress, const struct et_options *options, const char *what,
		  uint64_t first, uint64_t last)
{
	*progress = (struct et_progress){
		.what = what,
		.first = first,
		.last = last,
		.started_ns = et_clock_monotonic_ns(),
		.on = isatty(STDERR_FILENO) != 0 && !options->quiet && !options->json,
	};
}

static void
show(struct et_progress *progress, uint64_t at, int64_t now)
{
	double seconds = (double)(now - progress->started_ns) / 1e9;
	double done = (double)(at - progress->first + 1);
	double all = (double)(progress->last - progress->first + 1);
	double rate = seconds > 0 ? done / seconds : 0;
	char left[ET_TIME_TEXT_BYTES] = "";

	if (rate > 0 && all >= done)
		(void)et_duration_format((int64_t)((all - done) / rate) * ET_NS_PER_SECOND, left);
	(void)fprintf(stderr, "\r%s %3.0f %%  %" PRIu64 "  %.0f/s  %s left\033[K", progress->what,
		      100.0 * done / all, at, rate, left);
	(void)fflush(stderr);
}

void
et_progress_at(struct et_progress *progress, uint64_t at)
{
	int64_t now;

	if (!progress->on || ++progress->calls % CALLS_BETWEEN != 0)
		return;
	now = et_clock_monotonic_ns();
	if (now - progress->shown_ns < SHOW_EVERY_NS)
		return;
	progress->shown_ns = now;
	show(progress, at, now);
}

void
et_progress_end(struct et_progress *progress)
{
	if (progress->on && progress->shown_ns != 0)
		(void)fputs("\r\033[K", stderr);
	progress->on = false;
}
