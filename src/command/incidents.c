/* SPDX-License-Identifier: Apache-2.0 */
/* When something broke (audit/incidents.h): the losses of this run by time, what the archives say
 * of that time, and whose devices these are. */
#include "base/cancel.h"
#include "command/audit.h"
#include "event/subject.h"

#define LOOKED_INTO 10u    /* incidents whose silence is looked for */
#define STRETCH_MOST 4096u /* records that are read for it */
#define OWNERS_ASKED 200u  /* devices whose owner is looked up */
#define OWNERS_NAMED 20u   /* of one incident */

typedef void incidents_step(struct et_incidents *incidents, const struct et_loss *loss);

/* The losses of this run, by the upper ends of what is known of their times. */
static int
walk_losses(struct et_audit *audit, incidents_step *step, struct et_error *err)
{
	ET_CLEAN(et_loss_list) struct et_loss_list *list = NULL;
	struct et_noted_loss noted;
	int r;

	r = et_loss_list_open(audit->state->catalog, &list, err);
	while (r == 0 && (r = et_loss_list_next(list, &noted, err)) > 0) {
		const struct et_loss loss = {
			.after_ns = noted.after_ns,
			.before_ns = noted.before_ns,
			.device = noted.device,
			.kind = noted.kind < ET_KIND_COUNT ? (enum et_kind)noted.kind
							   : ET_KIND_UNKNOWN,
			.recoverable = (noted.flags & ET_LOSS_RECOVERABLE) != 0,
			.is_new = (noted.flags & ET_LOSS_NEW) != 0,
			.after_position = noted.after_position,
			.before_position = noted.before_position,
		};

		step(audit->incidents, &loss);
		r = et_cancel_check(err);
	}
	return r;
}

/* ---- silence ---- */

/* Registrations, foreign messages and holes tell no time. */
static bool
is_no_event(int r)
{
	return r == ET_CORRUPT || r == ET_GONE;
}

static int
look_for_silence(struct et_audit *audit, struct et_incident *incident, struct et_error *err)
{
	uint64_t first = incident->after_position;
	uint64_t last = incident->before_position;
	struct et_pauses pauses = { .count = 0 };
	int64_t from_ns;
	int64_t to_ns;

	if (first == 0 || last <= first || last - first > STRETCH_MOST)
		return 0;
	for (uint64_t at = first; at <= last; at++) {
		struct et_recalled event;
		int r = et_recall_event(audit->recall, at, &event, err);

		if (r == 0)
			et_pauses_add(&pauses, event.time_ns);
		else if (!is_no_event(r))
			return r;
		et_error_clear(err);
	}
	if (et_pauses_silence(&pauses, &from_ns, &to_ns))
		et_incident_was_silent(incident, from_ns, to_ns);
	return 0;
}

int
et_audit_incidents(struct et_audit *audit, struct et_error *err)
{
	struct et_incident *list;
	size_t count = 0;
	int r;

	r = walk_losses(audit, et_incidents_find, err);
	if (r < 0)
		return r;
	list = et_incidents_settle(audit->incidents, &count);
	for (size_t i = 0; r == 0 && i < count && i < LOOKED_INTO; i++)
		r = look_for_silence(audit, &list[i], err);
	if (r == 0)
		r = walk_losses(audit, et_incidents_weigh, err);
	return r == 0 ? walk_losses(audit, et_incidents_count, err) : r;
}

/* ---- owners ---- */

struct known_owner {
	struct et_uuid device;
	const char *owner; /* NULL: not known */
};

struct owners {
	struct et_audit *audit;
	struct known_owner known[OWNERS_ASKED];
	size_t count;
};

/* By the subject of a message beside the loss. NULL: not known. */
static int
owner_of(struct owners *owners, const struct et_incident_device *device, const char **ret,
	 struct et_error *err)
{
	struct et_audit *audit = owners->audit;
	struct et_record record;
	int r;

	*ret = NULL;
	for (size_t i = 0; i < owners->count; i++)
		if (et_uuid_compare(&owners->known[i].device, &device->key) == 0) {
			*ret = owners->known[i].owner;
			return 0;
		}
	if (owners->count == OWNERS_ASKED || device->position == 0)
		return 0;
	r = et_recall_record(audit->recall, device->position, &record, err);
	if (r == 0) {
		struct et_slice owner = et_subject_read(record.subject).owner;

		if (owner.size > 0)
			*ret = et_arena_strndup(&audit->shown.texts, (const char *)owner.data,
						owner.size);
	} else if (!is_no_event(r)) {
		return r;
	}
	et_error_clear(err);
	owners->known[owners->count++] = (struct known_owner){ device->key, *ret };
	return 0;
}

static bool
is_named(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int
name_owners(struct owners *owners, struct et_report_incident *incident, struct et_error *err)
{
	const struct et_incident *from = incident->incident;
	const char **names = et_calloc(OWNERS_NAMED, sizeof(*names));
	int r = 0;

	incident->owners = names;
	for (size_t i = 0; r == 0 && i < from->devices && i < ET_INCIDENT_DEVICES; i++) {
		const char *owner = NULL;

		r = owner_of(owners, &from->named[i], &owner, err);
		if (r == 0 && owner != NULL && incident->owner_count < OWNERS_NAMED &&
		    !is_named(names, incident->owner_count, owner))
			names[incident->owner_count++] = owner;
	}
	return r;
}

int
et_audit_report_incidents(struct et_audit *audit, struct et_report_incidents *ret,
			  struct et_error *err)
{
	struct owners *owners = et_calloc(1, sizeof(*owners));
	const struct et_incident *from = et_incidents_list(audit->incidents, &ret->count);
	struct et_report_incident *list = et_calloc(ret->count + 1, sizeof(*list));
	int r = 0;

	ret->list = list;
	ret->total = et_incidents_total(audit->incidents);
	ret->hours = et_incidents_hours(audit->incidents, &ret->hour_count, &ret->earlier);
	owners->audit = audit;
	for (size_t i = 0; i < ret->count; i++) {
		list[i].incident = &from[i];
		if (r == 0)
			r = name_owners(owners, &list[i], err);
	}
	free(owners);
	return r;
}

void
et_audit_incidents_done(struct et_report_incidents *incidents)
{
	for (size_t i = 0; i < incidents->count; i++)
		free((void *)(uintptr_t)incidents->list[i].owners);
	free((void *)(uintptr_t)incidents->list);
	*incidents = (struct et_report_incidents){ .count = 0 };
}
