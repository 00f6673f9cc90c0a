/* SPDX-License-Identifier: Apache-2.0 */
/* audit --explain KEY: the verdict on one version, by the audit's own code. */
#include "command/explain.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "event/ident.h"

#define NOTES_MOST 50u

struct key {
	char *aggregate_id;
	uint64_t version;
	bool has_life;
	uint64_t life;
};

/* ---- the key ---- */

static int
no_key(const char *text, struct et_error *err)
{
	int r = et_error_set(err, ET_USAGE, "--explain: '%s' is no key", text);

	et_error_hint(err, "AGGREGATE@VERSION, for an older life of the device "
			   "AGGREGATE@VERSION~LIFE (0 is the oldest); `evtrail id aggregate "
			   "DEVICE HREF` tells the aggregate");
	return r;
}

static int
parse_key(const char *text, struct key *ret, struct et_error *err)
{
	const char *at = strrchr(text, '@');
	ET_CLEAN_MEM char *version = NULL;
	char *life;

	if (at == NULL || at == text)
		return no_key(text, err);
	version = et_strdup(at + 1);
	life = strchr(version, '~');
	if (life != NULL)
		*life++ = '\0';
	if (et_number_parse(version, &ret->version, NULL) < 0 ||
	    (life != NULL && et_number_parse(life, &ret->life, NULL) < 0))
		return no_key(text, err);
	ret->has_life = life != NULL;
	ret->aggregate_id = et_strndup(text, (size_t)(at - text));
	return 0;
}

/* ---- the suspect ---- */

static int
open_sources(struct et_audit *audit, const struct key *key, struct et_error *err)
{
	struct et_slice id = { (const uint8_t *)key->aggregate_id, strlen(key->aggregate_id) };
	struct et_uuid aggregate = et_ident_key(id, NULL);
	int r = et_state_open(audit->options, ET_STATE_READ, &audit->state, err);

	if (r == 0)
		r = et_connect_store(audit->options, &audit->source, err);
	if (r == 0)
		r = et_audit_tell_device_of(audit, &aggregate, err);
	if (r == 0)
		r = et_audit_look_before(audit, err);
	if (r >= 0)
		r = et_audit_set_cut(audit, err);
	if (r < 0)
		return r;
	/* The documents are read, so it can be told. */
	audit->cut.split = true;
	audit->recall = et_recall_new(audit->state);
	return et_rescue_open(audit->state, 0, 0, &audit->rescue, err);
}

/* As if the scan had brought it: whatever its number is, the documents tell. */
static int
fill(struct explainer *explainer, const struct key *key, struct et_error *err)
{
	struct batch *batch = &explainer->batch;
	struct et_slice id = { (const uint8_t *)key->aggregate_id, strlen(key->aggregate_id) };

	et_suspects_init(batch, explainer->audit, 1);
	batch->arena.limit_bytes = 0; /* one is bounded by what a document may hold */
	batch->look = et_explain_document;
	batch->look_cookie = explainer;
	et_buf_init(&batch->from.ids, id.size + 1);
	batch->from.list = et_calloc(1, sizeof(*batch->from.list));
	batch->from.count = 1;
	batch->from.list[0] = (struct et_suspect){
		.aggregate = et_ident_key(id, NULL),
		.aggregate_id = id,
		.in_store = true,
		.latest_version = UINT64_MAX,
	};
	explainer->suspect = &batch->list[0];
	explainer->story.question.version = key->version;
	return et_batch_fill(batch, 1, err);
}

static int
check_known(const struct explainer *explainer, const struct key *key, struct et_error *err)
{
	const struct suspect *suspect = explainer->suspect;
	const struct et_explained *story = &explainer->story;
	bool seen = suspect->elsewhere > 0;
	int r;

	for (size_t i = 0; i < suspect->life_count; i++)
		seen |= suspect->lives[i].coverage.count + suspect->lives[i].forked +
				suspect->lives[i].replaced >
			0;
	if (seen || story->documents + story->ghosts + story->rescued_total > 0)
		return 0;
	r = et_error_set(err, ET_USAGE,
			 "neither the store nor the archives know the aggregate '%s'",
			 key->aggregate_id);
	et_error_hint(err, "`evtrail id aggregate DEVICE HREF` tells the aggregate");
	return r;
}

/* ---- the life ---- */

static unsigned
newest_life(const struct explainer *explainer)
{
	const struct suspect *suspect = explainer->suspect;

	return suspect->lives[suspect->life_count - 1].number;
}

static void
ask(struct explainer *explainer, unsigned life)
{
	struct et_question *question = &explainer->story.question;

	question->life = life;
	et_judge_explain(&explainer->audit->cut, &explainer->one.one, question);
}

static bool
is_answered(const struct et_question *question)
{
	return question->missing || question->seen || question->forked;
}

/* Without a life in the key: the newest in which anything is to be said of the version. */
static int
choose_life(struct explainer *explainer, const struct key *key, struct et_error *err)
{
	const struct suspect *suspect = explainer->suspect;
	struct et_question *question = &explainer->story.question;
	unsigned newest = newest_life(explainer);

	explainer->story.newest_life = newest;
	if (key->has_life && key->life > newest)
		return et_error_set(err, ET_USAGE,
				    "--explain: the newest life of the device is %u, 0 the oldest",
				    newest);
	if (key->has_life)
		ask(explainer, (unsigned)key->life);
	for (size_t i = suspect->life_count; !key->has_life && i-- > 0;) {
		ask(explainer, suspect->lives[i].number);
		if (is_answered(question))
			break;
	}
	if (!key->has_life && !is_answered(question))
		ask(explainer, newest);
	for (size_t i = 0; i < suspect->life_count; i++)
		if (suspect->lives[i].number == question->life)
			explainer->life = &suspect->lives[i];
	return 0;
}

unsigned
et_explain_life_at(const struct explainer *explainer, int64_t event_time_ns)
{
	const struct suspect *suspect = explainer->suspect;
	unsigned life = 0;

	for (size_t i = 1; i < suspect->epoch_count; i++)
		if (suspect->epochs[i].beginning == ET_BEGINNING_LIFE &&
		    suspect->epochs[i].start_ns <= event_time_ns)
			life++;
	return life;
}

/* ---- the verdict ---- */

/* A number that was used again is a finding, whatever became of it since. */
static void
settle_verdict(struct explainer *explainer)
{
	struct et_audit *audit = explainer->audit;
	struct et_explained *story = &explainer->story;
	const struct et_question *question = &story->question;

	story->has_reason = is_answered(question);
	if (question->missing) {
		story->reason = question->finding.reason;
		story->rule = question->rule;
	} else if (question->seen) {
		story->reason = question->seen_reason;
		story->rule = question->seen_rule;
	}
	if (question->forked &&
	    (!question->missing || !et_reason_info(story->reason)->is_finding)) {
		story->reason = ET_REASON_FORKED;
		story->rule = ET_RULE_FORKED;
	}
	if (!story->has_reason)
		return;
	if (et_reason_info(story->reason)->is_finding)
		et_audit_worsen(audit, ET_STATUS_FINDINGS);
	if (story->reason == ET_REASON_UNVERIFIABLE_GAP)
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
}

/* Its coverage is as of the last audit: only an audit can make it anew. */
static int
check_rebuilt(struct explainer *explainer, struct et_error *err)
{
	struct et_audit *audit = explainer->audit;
	struct et_device device;
	int r;

	r = et_catalog_device(audit->state->catalog, &explainer->suspect->device, &device, err);
	if (r > 0 && device.rebuild) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit,
			      "messages of the device that came since the last audit may belong to "
			      "another life of it: `evtrail audit --no-snapshot` sorts them in, "
			      "ask again after it");
	}
	return r < 0 ? r : 0;
}

static void
describe(struct explainer *explainer)
{
	const struct et_audit *audit = explainer->audit;
	const struct suspect *suspect = explainer->suspect;
	struct et_explained *story = &explainer->story;

	story->aggregate_id = suspect->id;
	story->device_id = suspect->device_id;
	story->href = suspect->href;
	story->family = suspect->family;
	story->cut = &audit->cut;
	story->asked_settle_ns = audit->options->settle;
	story->store = et_source_address(audit->source);
	story->latest_version = suspect->latest_version;
	story->latest_time_ns = suspect->latest_time_ns;
	story->device_in_store = explainer->one.facts.device_in_store;
	story->device_owned = explainer->one.facts.device_owned;
	story->born = explainer->one.facts.born;
	story->seen = explainer->life != NULL ? &explainer->life->coverage : NULL;
	et_explain_copies(explainer);
}

/* ---- the story ---- */

static int
gather(struct explainer *explainer, const struct key *key, struct et_error *err)
{
	int r;

	r = fill(explainer, key, err);
	if (r == 0)
		r = et_explain_rescued(explainer, err);
	if (r == 0)
		r = check_known(explainer, key, err);
	if (r == 0)
		r = et_suspect_case(&explainer->batch, explainer->suspect, &explainer->one, err);
	if (r == 0)
		r = choose_life(explainer, key, err);
	if (r == 0)
		r = check_rebuilt(explainer, err);
	if (r < 0)
		return r;
	settle_verdict(explainer);
	describe(explainer);
	r = et_explain_messages(explainer, err);
	if (r == 0)
		r = et_explain_epochs(explainer, err);
	if (r == 0)
		r = et_explain_blanks(explainer, err);
	if (r == 0)
		r = et_explain_links(explainer, err);
	return r == 0 ? et_explain_audits(explainer, err) : r;
}

static int
print(struct explainer *explainer, struct et_error *err)
{
	struct et_audit *audit = explainer->audit;
	struct et_explained *story = &explainer->story;
	bool terminal = isatty(STDOUT_FILENO) != 0;
	const char *notes[NOTES_MOST];
	const char *at = (const char *)audit->notes.data;
	struct winsize size = { .ws_col = 0 };

	for (; story->note_count < audit->note_count && story->note_count < NOTES_MOST;
	     at += strlen(at) + 1)
		notes[story->note_count++] = at;
	story->notes = notes;
	story->tool_version = PACKAGE_VERSION;
	story->status = et_status_word(audit->status);
	story->exit_status = (int)audit->status;
	if (audit->options->json)
		return et_explain_json(story, stdout, err);
	if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		size.ws_col = 0;
	et_explain_text(story, stdout, terminal && getenv("NO_COLOR") == NULL, size.ws_col);
	return 0;
}

int
et_audit_explain(struct et_audit *audit, struct et_error *err)
{
	struct explainer *explainer = et_calloc(1, sizeof(*explainer));
	struct key key = { .aggregate_id = NULL };
	int r;

	explainer->audit = audit;
	et_arena_init(&explainer->texts, 0);
	et_seqset_init(&explainer->story.stored);
	r = parse_key(audit->options->explain, &key, err);
	if (r == 0)
		r = open_sources(audit, &key, err);
	if (r == 0) {
		r = gather(explainer, &key, err);
		if (r == 0)
			r = print(explainer, err);
		et_suspect_case_done(&explainer->one);
		et_suspects_done(&explainer->batch, 1);
	}
	et_seqset_done(&explainer->story.stored);
	et_arena_done(&explainer->texts);
	free(key.aggregate_id);
	free(explainer);
	return r;
}
