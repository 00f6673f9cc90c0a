/* SPDX-License-Identifier: Apache-2.0 */
/* What the archives say of the version, its neighbours, and its device. */
#include "base/cancel.h"
#include "base/log.h"
#include "command/explain.h"
#include "command/progress.h"

static int
place_of(struct explainer *explainer, uint64_t position, struct et_explained_place *ret,
	 struct et_error *err)
{
	int r;

	*ret = (struct et_explained_place){ .seq = 0 };
	if (position == 0)
		return 0;
	r = et_catalog_position(explainer->audit->state->catalog, position, ret->identity,
				&ret->seq, err);
	ret->newest = strcmp(ret->identity, explainer->audit->identity) == 0;
	return r < 0 ? r : 0;
}

/* ---- messages ---- */

/* One archive in hand. */
struct looking {
	struct explainer *explainer;
	const struct et_archive_entry *entry;
	struct et_reader *reader;
	bool has_before; /* versions whose neighbours the one asked for is, with their times */
	bool has_behind;
	struct et_span before;
	struct et_span behind;
};

static struct et_explained_message
message_of(const struct looking *looking, const struct et_row *row)
{
	struct et_explained_message message = {
		.at = { .seq = row->seq,
			.newest = strcmp(looking->entry->identity,
					 looking->explainer->audit->identity) == 0 },
		.version = row->version,
		.life = et_explain_life_at(looking->explainer, row->event_time_ns),
		.kind = (enum et_kind)row->kind,
		.time_ns = ET_TIME_NONE,
		.event_time_ns = row->event_time_ns,
	};

	(void)snprintf(message.at.identity, sizeof(message.at.identity), "%s",
		       looking->entry->identity);
	return message;
}

static void
add_message(const struct looking *looking, struct et_explained_messages *into,
	    const struct et_row *row)
{
	into->total++;
	if (into->count < ET_EXPLAINED_MOST)
		into->list[into->count++] = message_of(looking, row);
}

static void
look_at_row(const struct looking *looking, const struct et_row *row)
{
	struct et_explained *story = &looking->explainer->story;

	if (row->row_class != ET_ROW_EVENT)
		return;
	if (row->version == story->question.version)
		add_message(looking, &story->messages, row);
	else if (looking->has_before && story->before.at.seq == 0 &&
		 row->version == looking->before.last &&
		 row->event_time_ns == looking->before.last_time_ns)
		story->before = message_of(looking, row);
	else if (looking->has_behind && story->behind.at.seq == 0 &&
		 row->version == looking->behind.first &&
		 row->event_time_ns == looking->behind.first_time_ns)
		story->behind = message_of(looking, row);
}

static int
read_rows(const struct looking *looking, const struct et_uuid *aggregate, bool registrations,
	  struct et_error *err)
{
	struct explainer *explainer = looking->explainer;
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_row row;
	int r;

	r = et_reader_rows_open(looking->reader, &explainer->suspect->device, aggregate, &walk,
				err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		if (!registrations)
			look_at_row(looking, &row);
		else if (row.row_class == ET_ROW_REGISTRATION)
			add_message(looking, &explainer->story.registrations, &row);
		r = 0;
	}
	return r;
}

/* The stream's times of what this archive gave; not mixed with the walks over its rows. */
static int
read_times(const struct looking *looking, size_t from, struct et_error *err)
{
	struct et_explained_messages *messages = &looking->explainer->story.messages;
	struct et_record record;
	int r = 0;

	for (size_t i = from; r == 0 && i < messages->count; i++) {
		r = et_reader_record(looking->reader, messages->list[i].at.seq, &record, NULL, err);
		if (r == 0)
			messages->list[i].time_ns = record.time_ns;
	}
	return r;
}

static int
look_into(struct looking *looking, struct et_error *err)
{
	static const struct et_uuid none;
	struct explainer *explainer = looking->explainer;
	size_t count = explainer->story.messages.count;
	int r;

	r = et_state_open_archive(explainer->audit->state, looking->entry, &looking->reader, err);
	if (r == 0)
		r = read_rows(looking, &explainer->suspect->from->aggregate, false, err);
	if (r == 0)
		r = read_rows(looking, &none, true, err);
	if (r == 0)
		r = read_times(looking, count, err);
	et_reader_free(looking->reader);
	looking->reader = NULL;
	return r;
}

static void
find_neighbours(struct looking *looking)
{
	const struct et_coverage *seen = looking->explainer->story.seen;
	uint64_t version = looking->explainer->story.question.version;

	for (size_t i = 0; seen != NULL && i < seen->count; i++) {
		const struct et_span *span = &seen->spans[i];

		if (span->last < version) {
			looking->has_before = true;
			looking->before = *span;
		} else if (span->first > version && !looking->has_behind) {
			looking->has_behind = true;
			looking->behind = *span;
		}
	}
}

int
et_explain_messages(struct explainer *explainer, struct et_error *err)
{
	struct et_audit *audit = explainer->audit;
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct looking looking = { .explainer = explainer };
	struct et_archive_entry entry;
	struct et_progress progress;
	uint64_t done = 0;
	int r;

	looking.entry = &entry;
	find_neighbours(&looking);
	et_progress_begin(&progress, audit->options, "reading indexes", "archives");
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		r = et_cancel_check(err);
		if (r == 0)
			r = look_into(&looking, err);
		if (r == ET_CORRUPT) {
			/* What the others say is worth more than none of it. */
			et_audit_worsen(audit, ET_STATUS_DAMAGED);
			et_audit_note(audit, "%s: what it holds of the version is not told",
				      err->text);
			et_error_clear(err);
			r = 0;
		}
		done++;
		et_progress_at(&progress, done, (double)done / (double)audit->totals.archives);
	}
	et_progress_end(&progress);
	return r;
}

/* ---- epochs ---- */

static void
add_to(struct et_explained_group *group, enum et_family family)
{
	group->links |= family == ET_FAMILY_LINKS;
	group->metadata |= family == ET_FAMILY_METADATA;
	group->resources += !et_family_is_own(family);
}

/* One aggregate of the device, as it is walked epoch by epoch. */
struct walking {
	struct et_uuid aggregate;
	bool known;
	unsigned life;    /* in which it was seen last */
	uint64_t highest; /* in that life */
};

/* Against what was there before in the same life, the beginning of a life against the life before:
 * as et_beginnings_find has it. */
static void
compare_part(struct explainer *explainer, struct walking *walking, const struct et_cover *cover,
	     const struct et_coverage *coverage)
{
	bool begins = explainer->suspect->epochs[cover->epoch].beginning == ET_BEGINNING_LIFE;
	unsigned life = explainer->lives_of_epochs[cover->epoch];
	struct et_explained *story = &explainer->story;
	size_t left_out = (size_t)(story->epoch_total - story->epoch_count);
	uint64_t last = coverage->spans[coverage->count - 1].last;
	uint64_t first = coverage->spans[0].first;

	if (walking->known && walking->life == (begins ? life - 1 : life) &&
	    cover->epoch >= left_out) {
		struct et_explained_epoch *epoch = &story->epochs[cover->epoch - left_out];
		struct et_explained_group *group =
			first <= walking->highest ? &epoch->reuses : &epoch->goes_on;

		add_to(first == 0 ? &epoch->restarts : group, cover->family);
	}
	if (!walking->known || walking->life != life || last > walking->highest)
		walking->highest = last;
	walking->known = true;
	walking->life = life;
}

static int
compare_parts(struct explainer *explainer, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_coverage coverage = { 0 };
	struct walking walking = { .known = false };
	struct et_cover cover;
	int r;

	r = et_cover_list_device(explainer->audit->state->catalog, &explainer->suspect->device,
				 &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		if (et_uuid_compare(&walking.aggregate, &cover.aggregate) != 0)
			walking = (struct walking){ .aggregate = cover.aggregate };
		r = et_coverage_decode(cover.spans, &coverage, err);
		if (r == 0 && coverage.count > 0 && cover.epoch < explainer->suspect->epoch_count)
			compare_part(explainer, &walking, &cover, &coverage);
	}
	et_coverage_done(&coverage);
	return r;
}

int
et_explain_epochs(struct explainer *explainer, struct et_error *err)
{
	const struct suspect *suspect = explainer->suspect;
	struct et_explained *story = &explainer->story;
	unsigned life = 0;
	int r = 0;

	explainer->lives_of_epochs = et_arena_alloc(
		&explainer->texts, suspect->epoch_count * sizeof(*explainer->lives_of_epochs));
	story->epoch_total = suspect->epoch_count;
	story->epoch_count =
		suspect->epoch_count < ET_EXPLAINED_MOST ? suspect->epoch_count : ET_EXPLAINED_MOST;
	for (size_t i = 0; r == 0 && i < suspect->epoch_count; i++) {
		const struct et_device_epoch *epoch = &suspect->epochs[i];
		size_t left_out = suspect->epoch_count - story->epoch_count;

		life += epoch->beginning == ET_BEGINNING_LIFE;
		explainer->lives_of_epochs[i] = life;
		if (i < left_out)
			continue;
		story->epochs[i - left_out] = (struct et_explained_epoch){
			.number = epoch->number,
			.life = life,
			.beginning = epoch->beginning,
			.start_ns = epoch->start_ns,
			.registered = epoch->registered,
		};
		r = place_of(explainer, epoch->start, &story->epochs[i - left_out].start, err);
	}
	return r == 0 && suspect->epoch_count > 1 ? compare_parts(explainer, err) : r;
}

/* ---- what the archives cannot tell ---- */

static int
list_holes(struct explainer *explainer, uint64_t first, uint64_t last, struct et_error *err)
{
	const struct et_cut *cut = &explainer->audit->cut;
	struct et_explained *story = &explainer->story;
	struct et_seqset holes;
	int r;

	et_seqset_init(&holes);
	r = et_catalog_hole_set(explainer->audit->state->catalog, &holes, err);
	/* A zone is what a hole may have touched. */
	for (size_t i = 0; r == 0 && i < holes.count && i < cut->zone_count; i++) {
		struct et_explained_hole *hole = &story->holes[story->hole_count];

		if (cut->zones[i].last < first || cut->zones[i].first > last)
			continue;
		story->hole_total++;
		if (story->hole_count == ET_EXPLAINED_MOST)
			continue;
		story->hole_count++;
		r = place_of(explainer, holes.ranges[i].first, &hole->first, err);
		hole->last_seq = hole->first.seq + (holes.ranges[i].last - holes.ranges[i].first);
	}
	et_seqset_done(&holes);
	return r;
}

int
et_explain_blanks(struct explainer *explainer, struct et_error *err)
{
	const struct et_facts *facts = &explainer->one.facts;
	struct et_explained *story = &explainer->story;
	const struct et_question *question = &story->question;
	const struct et_finding *finding = &question->finding;
	int r = 0;

	if (facts->malformed_in_device) {
		r = place_of(explainer, facts->malformed_first_seq, &story->malformed_first, err);
		if (r == 0)
			r = place_of(explainer, facts->malformed_last_seq, &story->malformed_last,
				     err);
	}
	if (r < 0 || !question->missing || story->rule == ET_RULE_SERVICE)
		return r;
	story->blind = et_blind_at(&explainer->audit->cut, finding->after_ns, finding->before_ns);
	return list_holes(explainer, finding->after_seq,
			  finding->before_seq > 0 ? finding->before_seq : UINT64_MAX, err);
}

/* ---- links ---- */

static bool
is_of_life(const struct explainer *explainer, int64_t time_ns)
{
	const struct et_life *life = explainer->life;

	return life == NULL || ((life->start_ns == ET_TIME_NONE || time_ns >= life->start_ns) &&
				(life->end_ns == ET_TIME_NONE || time_ns < life->end_ns));
}

/* Whether it says something of the href, in that life. */
static bool
tells(const struct explainer *explainer, const struct et_link_event *event)
{
	return event->effect != ET_LINK_OTHER && is_of_life(explainer, event->time_ns);
}

static int
by_time(const void *a, const void *b)
{
	const struct et_link_event *x = a;
	const struct et_link_event *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static int
list_changes(struct explainer *explainer, struct et_error *err)
{
	struct et_explained *story = &explainer->story;
	const struct et_link_events *events = &explainer->one.links;
	int r = 0;

	if (events->count > 0)
		qsort(events->list, events->count, sizeof(*events->list), by_time);
	for (size_t i = 0; i < events->count; i++)
		story->link_total += tells(explainer, &events->list[i]);
	for (size_t i = 0, at = 0; r == 0 && i < events->count; i++) {
		const struct et_link_event *event = &events->list[i];
		struct et_explained_link *link = &story->links[story->link_count];

		if (!tells(explainer, event) || story->link_total - at++ > ET_EXPLAINED_MOST)
			continue;
		story->link_count++;
		*link = (struct et_explained_link){ .time_ns = event->time_ns,
						    .linked = event->effect == ET_LINK_ADDED };
		r = place_of(explainer, event->seq, &link->at, err);
	}
	return r;
}

/* No links event of the life is missing. */
static bool
is_complete(const struct explainer *explainer)
{
	const struct et_life *life = explainer->life;
	struct et_linked_life span = { .from_ns = ET_TIME_NONE, .to_ns = ET_TIME_NONE };
	struct et_linked_line line;
	bool complete;

	if (life != NULL) {
		span.from_ns = life->start_ns;
		span.to_ns = life->end_ns;
	}
	et_linked_line_of(&explainer->one.facts.links, &span, &line);
	complete = line.complete;
	et_linked_line_done(&line);
	return complete;
}

static int
list_orphans(struct explainer *explainer, struct et_error *err)
{
	const struct et_orphans *orphans = &explainer->one.orphans;
	struct et_explained_messages *into = &explainer->story.orphans;
	int r = 0;

	for (size_t i = 0; r == 0 && i < orphans->count; i++) {
		struct et_explained_message *message = &into->list[into->count];

		if (orphans->list[i].version <= explainer->story.question.version ||
		    !is_of_life(explainer, orphans->list[i].time_ns))
			continue;
		into->total++;
		if (into->count == ET_EXPLAINED_MOST)
			continue;
		into->count++;
		*message =
			(struct et_explained_message){ .version = orphans->list[i].version,
						       .kind = orphans->list[i].kind,
						       .life = explainer->story.question.life,
						       .time_ns = ET_TIME_NONE,
						       .event_time_ns = orphans->list[i].time_ns };
		r = place_of(explainer, orphans->list[i].seq, &message->at, err);
	}
	return r;
}

int
et_explain_links(struct explainer *explainer, struct et_error *err)
{
	const struct et_facts *facts = &explainer->one.facts;
	struct et_explained *story = &explainer->story;
	int r;

	if (story->rule < ET_RULE_NO_COMMAND || story->rule > ET_RULE_LINKS_UNKNOWN)
		return 0;
	story->links_asked = true;
	story->links_known = facts->links.stored || facts->links.event_count > 0;
	story->links_complete = is_complete(explainer);
	story->linked_in_store = facts->links.linked;
	r = list_changes(explainer, err);
	return r == 0 ? list_orphans(explainer, err) : r;
}
