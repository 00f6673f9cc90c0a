// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "report/explain.h"
#include "report/json_part.h"

static json_t *
seconds_of(int64_t duration_ns)
{
	return json_real((double)duration_ns / (double)ET_NS_PER_SECOND);
}

/* identity and sequence, into the object that is there. */
static void
put_place(json_t *object, const struct et_explained_place *at)
{
	et_json_put(object, "identity", at->seq > 0 ? et_json_of_text(at->identity) : json_null());
	et_json_put(object, "sequence", at->seq > 0 ? et_json_number(at->seq) : json_null());
}

static json_t *
kind_of(enum et_kind kind)
{
	return kind != ET_KIND_UNKNOWN ? json_string(et_kind_info(kind)->name) : json_null();
}

static json_t *
message_of(const struct et_explained_message *message)
{
	json_t *object;

	if (message->at.seq == 0)
		return json_null();
	object = json_object();
	put_place(object, &message->at);
	et_json_put(object, "version", et_json_number(message->version));
	et_json_put(object, "life", json_integer(message->life));
	et_json_put(object, "event_type", kind_of(message->kind));
	et_json_put(object, "event_time", et_json_of_time(message->event_time_ns));
	et_json_put(object, "stream_time", et_json_of_time(message->time_ns));
	return object;
}

static json_t *
messages_of(const struct et_explained_messages *messages)
{
	json_t *array = json_array();

	for (size_t i = 0; i < messages->count; i++)
		et_json_append(array, message_of(&messages->list[i]));
	return array;
}

static json_t *
range_of(uint64_t first, uint64_t last)
{
	json_t *pair = json_array();

	et_json_append(pair, et_json_number(first));
	et_json_append(pair, et_json_number(last));
	return pair;
}

/* ---- the verdict ---- */

static json_t *
rule_of(enum et_rule rule)
{
	const struct et_rule_info *info = et_rule_info(rule);
	json_t *object = json_object();

	et_json_put(object, "name", json_string(info->name));
	et_json_put(object, "section", json_string(info->section));
	et_json_put(object, "words", json_string(info->words));
	return object;
}

static json_t *
gap_of(const struct et_explained *story)
{
	const struct et_question *question = &story->question;
	const struct et_finding *finding = &question->finding;
	json_t *object;

	if (!question->missing || story->rule == ET_RULE_SERVICE)
		return json_null();
	object = json_object();
	et_json_put(object, "versions", range_of(question->gap_first, question->gap_last));
	et_json_put(object, "hidden_by_holes", et_json_number(question->hidden));
	et_json_put(object, "time_after", et_json_of_time(finding->after_ns));
	et_json_put(object, "time_before", et_json_of_time(finding->before_ns));
	et_json_put(object, "before", message_of(&story->before));
	et_json_put(object, "behind", message_of(&story->behind));
	return object;
}

static void
put_verdict(json_t *object, const struct et_explained *story)
{
	enum et_recoverable recoverable = story->has_reason && story->reason == ET_REASON_LOST
						  ? story->question.finding.recoverable
						  : ET_RECOVERABLE_NOT_SAID;

	et_json_put(object, "code",
		    story->has_reason ? json_string(et_reason_info(story->reason)->name)
				      : json_null());
	et_json_put(object, "rule", rule_of(story->rule));
	et_json_put(object, "recoverable",
		    recoverable != ET_RECOVERABLE_NOT_SAID
			    ? json_string(et_recoverable_name(recoverable))
			    : json_null());
	et_json_put(object, "gap", gap_of(story));
}

static void
put_key(json_t *object, const struct et_explained *story)
{
	static const char *const families[] = {
		[ET_FAMILY_RESOURCE] = "resource",         [ET_FAMILY_LINKS] = "links",
		[ET_FAMILY_METADATA] = "metadata",         [ET_FAMILY_SERVICE] = "service",
		[ET_FAMILY_REGISTRATION] = "registration",
	};

	et_json_put(object, "aggregate_id", et_json_of_text(story->aggregate_id));
	et_json_put(object, "version", et_json_number(story->question.version));
	et_json_put(object, "life", json_integer(story->question.life));
	et_json_put(object, "newest_life", json_integer(story->newest_life));
	et_json_put(object, "device_id", et_json_of_text(story->device_id));
	et_json_put(object, "href", et_json_of_text(story->href));
	et_json_put(object, "family", et_json_of_text(families[story->family]));
}

/* ---- the sides ---- */

static json_t *
copy_of(const struct et_explained_copy *copy)
{
	json_t *object;

	if (copy->form == ET_RECOVERABLE_NOT_SAID)
		return json_null();
	object = json_object();
	et_json_put(object, "form", json_string(et_recoverable_name(copy->form)));
	et_json_put(object, "event_type", kind_of(copy->kind));
	et_json_put(object, "event_time", et_json_of_time(copy->time_ns));
	et_json_put(object, "in_version", et_json_number(copy->where));
	return object;
}

static json_t *
store_of(const struct et_explained *story)
{
	json_t *object = json_object();
	json_t *stored = json_array();

	et_json_put(object, "address", et_json_of_text(story->store));
	et_json_put(object, "documents", et_json_number(story->documents));
	et_json_put(object, "ghosts", et_json_number(story->ghosts));
	et_json_put(object, "latest_version",
		    story->documents > 0 ? et_json_number(story->latest_version) : json_null());
	et_json_put(object, "latest_time", et_json_of_time(story->latest_time_ns));
	for (size_t i = 0; i < story->stored.count; i++)
		et_json_append(stored, range_of(story->stored.ranges[i].first,
						story->stored.ranges[i].last));
	et_json_put(object, "stored", stored);
	et_json_put(object, "snapshots", et_json_number(story->snapshots));
	et_json_put(object, "device_in_store", json_boolean(story->device_in_store));
	et_json_put(object, "device_owned", json_boolean(story->device_owned));
	et_json_put(object, "copy", copy_of(&story->copy));
	return object;
}

static json_t *
rescue_of(const struct et_explained *story)
{
	json_t *object = json_object();
	json_t *documents = json_array();

	for (size_t i = 0; i < story->rescued_count; i++) {
		json_t *one = json_object();

		et_json_put(one, "latest_version",
			    et_json_number(story->rescued[i].latest_version));
		et_json_put(one, "saved", et_json_of_time(story->rescued[i].saved_ns));
		et_json_append(documents, one);
	}
	et_json_put(object, "documents", documents);
	et_json_put(object, "documents_total", et_json_number(story->rescued_total));
	et_json_put(object, "copy", copy_of(&story->rescued_copy));
	return object;
}

static json_t *
holes_of(const struct et_explained *story)
{
	json_t *array = json_array();

	for (size_t i = 0; i < story->hole_count; i++) {
		json_t *hole = json_object();

		et_json_put(hole, "identity", et_json_of_text(story->holes[i].first.identity));
		et_json_put(hole, "first_seq", et_json_number(story->holes[i].first.seq));
		et_json_put(hole, "last_seq", et_json_number(story->holes[i].last_seq));
		et_json_append(array, hole);
	}
	return array;
}

static json_t *
blind_of(const struct et_blind *blind)
{
	json_t *object;

	if (blind == NULL)
		return json_null();
	object = json_object();
	et_json_put(object, "from", et_json_of_time(blind->from_ns));
	et_json_put(object, "to", et_json_of_time(blind->to_ns));
	return object;
}

static json_t *
malformed_of(const struct et_explained *story)
{
	json_t *object;

	if (story->malformed_first.seq == 0)
		return json_null();
	object = json_object();
	et_json_put(object, "first_seq", et_json_number(story->malformed_first.seq));
	et_json_put(object, "last_seq", et_json_number(story->malformed_last.seq));
	return object;
}

static json_t *
stream_of(const struct et_explained *story)
{
	json_t *object = json_object();
	json_t *seen = json_array();

	et_json_put(object, "messages", messages_of(&story->messages));
	et_json_put(object, "messages_total", et_json_number(story->messages.total));
	for (size_t i = 0; story->seen != NULL && i < story->seen->count; i++)
		et_json_append(seen,
			       range_of(story->seen->spans[i].first, story->seen->spans[i].last));
	et_json_put(object, "seen", seen);
	et_json_put(object, "end_time", et_json_of_time(story->cut->time_ns));
	et_json_put(object, "settle_seconds", seconds_of(story->asked_settle_ns));
	et_json_put(object, "clock_behind_seconds",
		    story->cut->has_lag ? seconds_of(story->cut->lag_ns) : json_null());
	et_json_put(object, "holes", holes_of(story));
	et_json_put(object, "holes_total", et_json_number(story->hole_total));
	et_json_put(object, "unseen", blind_of(story->blind));
	et_json_put(object, "malformed", malformed_of(story));
	return object;
}

/* ---- the device ---- */

static json_t *
group_of(const struct et_explained_group *group)
{
	json_t *object = json_object();

	et_json_put(object, "links", json_boolean(group->links));
	et_json_put(object, "metadata", json_boolean(group->metadata));
	et_json_put(object, "others", json_integer(group->resources));
	return object;
}

static json_t *
epochs_of(const struct et_explained *story)
{
	json_t *array = json_array();

	for (size_t i = 0; i < story->epoch_count; i++) {
		const struct et_explained_epoch *epoch = &story->epochs[i];
		json_t *object = json_object();

		et_json_put(object, "number", json_integer(epoch->number));
		et_json_put(object, "life", json_integer(epoch->life));
		et_json_put(object, "beginning", json_string(et_beginning_name(epoch->beginning)));
		et_json_put(object, "start_time", et_json_of_time(epoch->start_ns));
		put_place(object, &epoch->start);
		et_json_put(object, "registered", json_boolean(epoch->registered));
		et_json_put(object, "restarts", group_of(&epoch->restarts));
		et_json_put(object, "reuses", group_of(&epoch->reuses));
		et_json_put(object, "goes_on", group_of(&epoch->goes_on));
		et_json_append(array, object);
	}
	return array;
}

static json_t *
links_of(const struct et_explained *story)
{
	json_t *object;
	json_t *changes;

	if (!story->links_asked)
		return json_null();
	object = json_object();
	changes = json_array();
	et_json_put(object, "known", json_boolean(story->links_known));
	et_json_put(object, "complete", json_boolean(story->links_complete));
	et_json_put(object, "linked_in_store", json_boolean(story->linked_in_store));
	for (size_t i = 0; i < story->link_count; i++) {
		json_t *one = json_object();

		put_place(one, &story->links[i].at);
		et_json_put(one, "time", et_json_of_time(story->links[i].time_ns));
		et_json_put(one, "linked", json_boolean(story->links[i].linked));
		et_json_append(changes, one);
	}
	et_json_put(object, "changes", changes);
	et_json_put(object, "changes_total", et_json_number(story->link_total));
	et_json_put(object, "answers_without_command", messages_of(&story->orphans));
	return object;
}

/* ---- earlier audits ---- */

static json_t *
notes_of(const struct et_explained_note *notes, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		et_json_put(object, "time", et_json_of_time(notes[i].time_ns));
		et_json_put(object, "version", et_json_number(notes[i].version));
		et_json_append(array, object);
	}
	return array;
}

static json_t *
finding_of(const struct et_explained_finding *finding)
{
	bool open = finding->resolved_run == 0;
	json_t *object = json_object();

	et_json_put(object, "code", et_json_of_text(finding->code));
	et_json_put(object, "version", et_json_number(finding->version));
	et_json_put(object, "life", json_integer(finding->life));
	et_json_put(object, "first_time", et_json_of_time(finding->first_ns));
	et_json_put(object, "first_run", json_integer(finding->first_run));
	et_json_put(object, "recoverable_then",
		    finding->first_recoverable != ET_RECOVERABLE_NOT_SAID
			    ? json_string(et_recoverable_name(finding->first_recoverable))
			    : json_null());
	et_json_put(object, "last_time", et_json_of_time(finding->last_ns));
	et_json_put(object, "last_run", json_integer(finding->last_run));
	et_json_put(object, "resolution",
		    open ? json_null() : et_json_of_text(finding->resolution));
	et_json_put(object, "resolved_time",
		    open ? json_null() : et_json_of_time(finding->resolved_ns));
	et_json_put(object, "resolved_run",
		    open ? json_null() : json_integer(finding->resolved_run));
	et_json_put(object, "delay_seconds",
		    finding->delay_ns > 0 ? seconds_of(finding->delay_ns) : json_null());
	return object;
}

static json_t *
audits_of(const struct et_explained *story)
{
	json_t *object = json_object();
	json_t *findings = json_array();

	for (size_t i = 0; i < story->finding_count; i++)
		et_json_append(findings, finding_of(&story->findings[i]));
	et_json_put(object, "findings", findings);
	et_json_put(object, "latest_version", notes_of(story->latest, story->latest_count));
	et_json_put(object, "ahead", notes_of(story->ahead, story->ahead_count));
	return object;
}

int
et_explain_json(const struct et_explained *story, FILE *out, struct et_error *err)
{
	json_t *object = json_object();
	json_t *tool = json_object();
	json_t *notes = json_array();

	et_json_put(tool, "name", json_string("evtrail"));
	et_json_put(tool, "version", et_json_of_text(story->tool_version));
	et_json_put(object, "tool", tool);
	et_json_put(object, "command", json_string("audit"));
	et_json_put(object, "verdict", json_string(story->status));
	et_json_put(object, "exit_status", json_integer(story->exit_status));
	put_key(object, story);
	put_verdict(object, story);
	et_json_put(object, "store", store_of(story));
	et_json_put(object, "rescue", rescue_of(story));
	et_json_put(object, "stream", stream_of(story));
	et_json_put(object, "epochs", epochs_of(story));
	et_json_put(object, "born", json_boolean(story->born));
	et_json_put(object, "epochs_total", et_json_number(story->epoch_total));
	et_json_put(object, "registrations", messages_of(&story->registrations));
	et_json_put(object, "registrations_total", et_json_number(story->registrations.total));
	et_json_put(object, "links", links_of(story));
	et_json_put(object, "audits", audits_of(story));
	for (size_t i = 0; i < story->note_count; i++)
		et_json_append(notes, et_json_of_text(story->notes[i]));
	et_json_put(object, "notes", notes);
	return et_json_write(object, JSON_INDENT(1), true, out, err);
}
