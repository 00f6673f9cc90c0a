/* SPDX-License-Identifier: Apache-2.0 */
/* What the store, the rescue copies and earlier audits say of the version. */
#include "command/explain.h"

/* ---- documents ---- */

/* Whether one stored event gives the version back: itself, or as a snapshot that embeds it. */
static void
look_into(const struct et_document *document, const struct et_stored_event *event, uint64_t version,
	  bool rescued, struct candidates *into)
{
	struct et_stored_event only = *event;
	struct et_document thin = *document;
	const struct et_document *list = &thin;
	struct et_copies copies = { 0 };

	if (event->version < version)
		return;
	thin.events = &only;
	thin.event_count = 1;
	et_copies_of(&list, 1, rescued ? 1 : 0, false, &copies);
	for (size_t i = 0; i < copies.count; i++)
		if (copies.list[i].version == version && into->count < ET_EXPLAIN_COPIES)
			into->list[into->count++] =
				(struct candidate){ copies.list[i], event->version };
	et_copies_done(&copies);
}

void
et_explain_document(void *cookie, const struct et_source_document *row)
{
	struct explainer *explainer = cookie;
	struct et_explained *story = &explainer->story;
	const struct et_document *document = &row->document;

	if (row->malformed)
		return; /* there is a note of it */
	if (document->ghost) {
		story->ghosts++;
		return;
	}
	story->documents++;
	for (size_t i = 0; i < document->event_count; i++) {
		const struct et_stored_event *event = &document->events[i];

		et_seqset_add(&story->stored, event->version, event->version);
		story->snapshots += event->is_snapshot || et_kind_info(event->kind)->snapshot;
		look_into(document, event, story->question.version, false, &explainer->stored);
	}
}

/* ---- rescue copies ---- */

static int
look_at_rescued(void *cookie, const struct et_document *document, struct et_error *err ET_UNUSED)
{
	struct explainer *explainer = cookie;
	uint64_t version = explainer->story.question.version;

	for (size_t i = 0; i < document->event_count; i++)
		look_into(document, &document->events[i], version, true, &explainer->rescued);
	return 0;
}

int
et_explain_rescued(struct explainer *explainer, struct et_error *err)
{
	const struct et_uuid *aggregate = &explainer->suspect->from->aggregate;
	struct et_explained *story = &explainer->story;
	struct et_rescued_list list = { 0 };
	int r;

	r = et_catalog_rescued_of(explainer->audit->state->catalog, aggregate, &list, err);
	for (size_t i = 0; i < list.count && story->rescued_count < ET_EXPLAINED_MOST; i++)
		story->rescued[story->rescued_count++] =
			(struct et_explained_rescued){ list.items[i].latest_version,
						       list.items[i].saved_ns };
	story->rescued_total = list.count;
	free(list.items);
	return r == 0 ? et_rescue_visit(explainer->audit->rescue, aggregate, look_at_rescued,
					explainer, err)
		      : r;
}

/* ---- the best copy ---- */

/* Of two alike the first. */
static struct et_explained_copy
best_of(const struct explainer *explainer, const struct candidates *candidates)
{
	struct et_explained_copy best = { .form = ET_RECOVERABLE_NOT_SAID };

	for (size_t i = 0; explainer->life != NULL && i < candidates->count; i++) {
		const struct candidate *one = &candidates->list[i];

		if (!et_copy_belongs(explainer->life, &one->copy) ||
		    (best.form != ET_RECOVERABLE_NOT_SAID && best.form <= one->copy.form))
			continue;
		best = (struct et_explained_copy){ .form = one->copy.form,
						   .kind = one->copy.kind,
						   .time_ns = one->copy.time_ns,
						   .where = one->where };
	}
	/* As et_copies_of has it. */
	if (best.form == ET_RECOVERABLE_SNAPSHOT && explainer->one.snapshots_published)
		best.form = ET_RECOVERABLE_EXACT;
	return best;
}

void
et_explain_copies(struct explainer *explainer)
{
	explainer->story.copy = best_of(explainer, &explainer->stored);
	explainer->story.rescued_copy = best_of(explainer, &explainer->rescued);
}

/* ---- earlier audits ---- */

static int
list_notes(struct explainer *explainer, enum et_noted what, struct et_explained_note *list,
	   size_t *ret_count, struct et_error *err)
{
	int64_t until_ns = INT64_MAX;
	struct et_note note;
	int r = 1;

	*ret_count = 0;
	while (*ret_count < ET_EXPLAINED_MOST &&
	       (r = et_catalog_noted(explainer->audit->state->catalog,
				     &explainer->suspect->from->aggregate, what, until_ns, &note,
				     err)) > 0) {
		list[(*ret_count)++] = (struct et_explained_note){ note.time_ns, note.version };
		until_ns = note.time_ns - 1;
	}
	return r < 0 ? r : 0;
}

/* When a run began; ET_TIME_NONE when it is not noted any more. */
static int
time_of_run(struct explainer *explainer, int64_t id, int64_t *ret_ns, struct et_error *err)
{
	struct et_run run = { .started_ns = ET_TIME_NONE };
	int r = et_catalog_run(explainer->audit->state->catalog, id, &run, err);

	*ret_ns = run.started_ns;
	return r < 0 ? r : 0;
}

/* A run of versions whose first one is another. */
static bool
is_about(struct explainer *explainer, const struct et_noted_finding *noted)
{
	uint64_t version = explainer->story.question.version;
	struct et_report_finding finding = { .device_id = NULL };

	return noted->version == version ||
	       (et_finding_decode(noted->body, &explainer->texts, &finding, NULL) == 0 &&
		finding.finding.version <= version && finding.finding.last_version >= version);
}

static int
take_finding(struct explainer *explainer, const struct et_noted_finding *noted,
	     struct et_error *err)
{
	struct et_explained *story = &explainer->story;
	struct et_explained_finding *one = &story->findings[story->finding_count];
	int r;

	if (!is_about(explainer, noted))
		return 0;
	*one = (struct et_explained_finding){
		.code = et_arena_strndup(&explainer->texts, noted->code, strlen(noted->code)),
		.version = noted->version,
		.life = noted->life,
		.first_ns = noted->first_time_ns,
		.first_run = noted->first_run,
		.first_recoverable = noted->first_recoverable < ET_RECOVERABLE_COUNT
					     ? (enum et_recoverable)noted->first_recoverable
					     : ET_RECOVERABLE_NOT_SAID,
		.last_run = noted->last_run,
		.resolved_run = noted->resolved,
		.resolved_ns = ET_TIME_NONE,
		.resolution = et_arena_strndup(&explainer->texts, noted->resolution,
					       strlen(noted->resolution)),
		.delay_ns = noted->delay_ns,
	};
	story->finding_count++;
	r = time_of_run(explainer, one->last_run, &one->last_ns, err);
	if (r == 0 && one->resolved_run != 0)
		r = time_of_run(explainer, one->resolved_run, &one->resolved_ns, err);
	return r;
}

int
et_explain_audits(struct explainer *explainer, struct et_error *err)
{
	struct et_explained *story = &explainer->story;
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_noted_finding noted;
	int r;

	r = list_notes(explainer, ET_NOTED_LATEST, story->latest, &story->latest_count, err);
	if (r == 0)
		r = list_notes(explainer, ET_NOTED_AHEAD, story->ahead, &story->ahead_count, err);
	if (r == 0)
		r = et_finding_list_about(explainer->audit->state->catalog,
					  &explainer->suspect->from->aggregate,
					  story->question.version, &list, err);
	while (r == 0 && story->finding_count < ET_EXPLAINED_MOST &&
	       (r = et_finding_list_next(list, &noted, err)) > 0)
		r = take_finding(explainer, &noted, err);
	return r < 0 ? r : 0;
}
