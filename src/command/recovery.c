/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the losses that are open: seen in time, or too late. */
#include "command/audit.h"

/* The superseded ones of one gap: they come one after the other, and share its neighbours. */
struct gap {
	struct et_finding first;
	uint64_t last_version;
	uint64_t count;
};

struct walk {
	struct et_arena texts;
	struct et_windows windows;
	struct et_recovery recovery;
	struct gap gap;
};

static bool
is_same_gap(const struct et_finding *a, const struct et_finding *b)
{
	return et_uuid_compare(&a->aggregate, &b->aggregate) == 0 && a->life == b->life &&
	       a->after_seq == b->after_seq && a->before_seq == b->before_seq &&
	       a->after_ns == b->after_ns;
}

/* What lies between two superseded versions of a gap is missing there, too. */
static void
end_gap(struct walk *walk)
{
	const struct gap *gap = &walk->gap;

	et_windows_add(&walk->windows, gap->first.after_ns, gap->first.before_ns,
		       gap->last_version - gap->first.version + 1, gap->count);
	walk->gap = (struct gap){ .count = 0 };
}

static int
take_superseded(struct walk *walk, const struct et_noted_finding *noted, struct et_error *err)
{
	struct et_report_finding reported = { .device_id = NULL };
	const struct et_finding *finding = &reported.finding;
	struct gap *gap = &walk->gap;
	int r;

	et_arena_reset(&walk->texts);
	r = et_finding_decode(noted->body, &walk->texts, &reported, err);
	if (r < 0)
		return r;
	if (gap->count > 0 && !is_same_gap(&gap->first, finding))
		end_gap(walk);
	if (gap->count == 0)
		gap->first = *finding;
	gap->last_version = finding->version;
	gap->count++;
	return 0;
}

static int
take(struct walk *walk, const struct et_noted_finding *noted, struct et_error *err)
{
	if (strcmp(noted->code, et_reason_info(ET_REASON_LOST)->name) != 0)
		return 0;
	switch (noted->first_recoverable) {
	case ET_RECOVERABLE_EXACT:
	case ET_RECOVERABLE_REBUILT:
	case ET_RECOVERABLE_SNAPSHOT:
		walk->recovery.recoverable++;
		return 0;
	case ET_RECOVERABLE_SUPERSEDED:
		walk->recovery.too_late++;
		return take_superseded(walk, noted, err);
	default:
		return 0;
	}
}

int
et_audit_recovery(struct et_audit *audit, struct et_recovery *ret, struct et_error *err)
{
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct walk walk = { .gap = { .count = 0 } };
	struct et_noted_finding noted;
	int r;

	et_arena_init(&walk.texts, 0);
	r = et_finding_list_open(audit->state->catalog, &list, err);
	while (r == 0 && (r = et_finding_list_next(list, &noted, err)) > 0)
		r = take(&walk, &noted, err);
	et_arena_done(&walk.texts);
	if (r < 0)
		return r;
	end_gap(&walk);
	walk.recovery.estimated = walk.windows.known;
	walk.recovery.schedule_count = et_windows_schedules(&walk.windows, walk.recovery.schedules);
	*ret = walk.recovery;
	return 0;
}
