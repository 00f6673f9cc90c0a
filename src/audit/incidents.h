/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents: lost events that are close in time are one, for the hub was cut
 * off once, not a hundred times (docs/audit.md, Incidents). Pure; memory is
 * bounded, whatever there is.
 *
 * Of a lost event with a time of its own that time counts. Of any other one
 * only a bracket is known: it was saved some time between its neighbours. The
 * losses come in order of the upper ends, three times.
 *
 * Find: an incident grows by what surely lies within ET_INCIDENT_APART of
 * what it is known to span, and begins where the next loss can be no part of
 * it. So as few incidents as can explain the losses are found, and brackets of
 * hours do not join two of them: a bracket that holds a point of an incident
 * adds nothing to what that spans.
 *
 * Then the caller may look whether the stream was silent between the neighbours
 * that all losses of an incident have in common. If it was, nothing got through
 * at all, and that silence is when it was (et_pauses).
 *
 * Weigh and count: a loss whose bracket meets one incident is of that one. Those
 * that can be of several are shared out in proportion to what is surely of each.
 */
#ifndef ET_AUDIT_INCIDENTS_H
#define ET_AUDIT_INCIDENTS_H

#include "audit/reason.h"
#include "base/clock.h"
#include "base/uuid5.h"
#include "event/kind.h"

#define ET_INCIDENT_APART (300 * ET_NS_PER_SECOND)
#define ET_INCIDENTS_KEPT 100u   /* the most important ones; the others are counted */
#define ET_INCIDENT_DEVICES 20u  /* named */
#define ET_INCIDENT_SPANS 16384u /* told apart; what is beyond them is counted */
#define ET_INCIDENT_HOURS 8784u  /* a year of them; earlier ones are summed up */
#define ET_INCIDENT_SET \
	((size_t)1 << 18) /* devices that are told apart, of all incidents together */

struct et_loss {
	int64_t after_ns;  /* both the event's own where that is known; ET_TIME_NONE: open */
	int64_t before_ns; /* never open: the cut, then */
	struct et_uuid device;
	enum et_kind kind;
	bool recoverable;
	bool is_new;
	uint64_t after_position; /* of the neighbours on the stream; 0: none */
	uint64_t before_position;
};

/* A device of an incident, and a message beside the loss. */
struct et_incident_device {
	struct et_uuid key;
	uint64_t position; /* 0: none */
};

/* What is known of start and end. */
enum et_incident_bounds {
	ET_INCIDENT_SPAN,    /* events were lost at both, and between */
	ET_INCIDENT_BRACKET, /* it was some time between them: all losses can be of one moment */
	ET_INCIDENT_SILENCE, /* from start to end nothing at all was published */
};

struct et_incident {
	int64_t start_ns;
	int64_t end_ns;
	enum et_incident_bounds bounds;
	uint64_t lost;
	uint64_t certain; /* of these: they can be of no other incident */
	uint64_t new_ones;
	uint64_t recoverable;
	uint64_t devices;
	bool more_devices; /* there are more than could be told apart */
	struct et_incident_device named[ET_INCIDENT_DEVICES];
	uint64_t kinds[ET_KIND_COUNT]; /* ET_KIND_UNKNOWN: only the version is known */
	/* Messages between which all its losses lie: where the stream was silent, if it was. Unless
	 * the first is the smaller one, and not 0, there is no such place, or it is not asked for:
	 * all losses have times of their own. */
	uint64_t after_position;
	uint64_t before_position;
	int64_t first_own_ns; /* the first and last of these; ET_TIME_NONE: there is none */
	int64_t last_own_ns;
};

const char *et_incident_bounds_name(enum et_incident_bounds bounds); /* "span" */

struct et_incident_hour {
	int64_t start_ns;
	uint64_t lost;
};

struct et_incidents;
struct et_incidents *et_incidents_new(void);
void et_incidents_free(struct et_incidents *incidents);
/* All losses, in order of before_ns. */
void et_incidents_find(struct et_incidents *incidents, const struct et_loss *loss);
/* What was found, the most important first (those with new losses, then by their number, then the
 * latest); at most ET_INCIDENTS_KEPT. They have bounds, and no counts yet. */
struct et_incident *et_incidents_settle(struct et_incidents *incidents, size_t *ret_count);
/* All losses once more, in any order; then a third time. */
void et_incidents_weigh(struct et_incidents *incidents, const struct et_loss *loss);
void et_incidents_count(struct et_incidents *incidents, const struct et_loss *loss);
/* The list of et_incidents_settle with all its counts, in the same order. The rest is empty. */
const struct et_incident *et_incidents_list(const struct et_incidents *incidents,
					    size_t *ret_count);
/* How many there are in all. */
uint64_t et_incidents_total(const struct et_incidents *incidents);
/* Losses per hour, the earliest first. A loss with a bracket stands in the middle of what its
 * incident leaves of it. *ret_earlier: before these. */
const struct et_incident_hour *et_incidents_hours(const struct et_incidents *incidents,
						  size_t *ret_count, uint64_t *ret_earlier);

/* Pauses between the events of a stretch of the stream, in its order. Zero-initialise. */
struct et_pauses {
	bool has_last;
	int64_t last_ns;
	uint64_t count;
	double sum_ns;
	int64_t longest_ns;
	int64_t from_ns; /* of the longest */
	int64_t to_ns;
};
void et_pauses_add(struct et_pauses *pauses, int64_t event_ns);
/* The longest of them, when it is no pause like others: the only one, or twenty times as long as
 * they are on average. False: there is none. */
bool et_pauses_silence(const struct et_pauses *pauses, int64_t *ret_from_ns, int64_t *ret_to_ns);
/* The incident was that silence, unless a loss is known to lie outside of it. */
void et_incident_was_silent(struct et_incident *incident, int64_t from_ns, int64_t to_ns);

#endif
