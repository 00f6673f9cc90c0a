// SPDX-License-Identifier: Apache-2.0
#include "audit/incidents.h"

#include <stdlib.h>

#include "base/alloc.h"

#define HOUR_NS (3600 * ET_NS_PER_SECOND)
#define SET_FILL (ET_INCIDENT_SET / 4 * 3)
#define UNLIKE_OTHERS 20 /* times the average pause */
#define CANDIDATES 64u

/* What the first look makes of an incident. In the order of time, and none meets another. */
struct span {
	int64_t from_ns; /* the least upper end */
	int64_t to_ns;   /* what it is known to reach */
	int64_t greatest_lower_ns;
	int64_t first_own_ns;
	int64_t last_own_ns;
	uint64_t after_position;  /* the greatest */
	uint64_t before_position; /* the least; UINT64_MAX: none */
	uint64_t lost;
	uint64_t new_ones;
	uint64_t own;   /* that can be of no other */
	uint64_t given; /* of those that can */
	bool bracketed; /* a loss of it has no time of its own */
	unsigned kept;  /* its number in the list, and one; 0: it is not in it */
};

struct et_incidents {
	struct span *spans;
	size_t span_count;
	size_t span_room;
	uint64_t total;
	struct et_incident kept[ET_INCIDENTS_KEPT];
	size_t kept_count;
	uint64_t *set; /* of devices; 0: free */
	size_t set_count;
	struct et_incident_hour hours[ET_INCIDENT_HOURS + 1];
	size_t hour_count;
	uint64_t earlier;
};

const char *
et_incident_bounds_name(enum et_incident_bounds bounds)
{
	static const char *const names[] = { "span", "bracket", "silence" };

	return names[bounds];
}

struct et_incidents *
et_incidents_new(void)
{
	return et_calloc(1, sizeof(struct et_incidents));
}

void
et_incidents_free(struct et_incidents *incidents)
{
	if (incidents == NULL)
		return;
	free(incidents->spans);
	free(incidents->set);
	free(incidents);
}

/* The clocks of two replicas can swap the neighbours. */
static int64_t
lower_end(const struct et_loss *loss)
{
	return loss->after_ns < loss->before_ns ? loss->after_ns : loss->before_ns;
}

/* Absurd times come, too. */
static bool
is_apart(int64_t from_ns, int64_t to_ns)
{
	int64_t apart_ns;

	return __builtin_sub_overflow(to_ns, from_ns, &apart_ns) || apart_ns > ET_INCIDENT_APART;
}

/* ---- find ---- */

/* When there is no room, the earlier half goes: what happened lately matters more. */
static struct span *
add_span(struct et_incidents *incidents)
{
	incidents->total++;
	if (incidents->span_count == ET_INCIDENT_SPANS) {
		incidents->span_count /= 2;
		memmove(incidents->spans, incidents->spans + incidents->span_count,
			incidents->span_count * sizeof(*incidents->spans));
	}
	if (incidents->span_count == incidents->span_room) {
		incidents->span_room = incidents->span_room > 0 ? 2 * incidents->span_room : 16;
		incidents->spans = et_realloc_array(incidents->spans, incidents->span_room,
						    sizeof(*incidents->spans));
	}
	return &incidents->spans[incidents->span_count++];
}

static void
look_at_own_time(struct span *span, const struct et_loss *loss)
{
	if (loss->after_ns != loss->before_ns) {
		span->bracketed = true;
		return;
	}
	if (span->first_own_ns == ET_TIME_NONE)
		span->first_own_ns = loss->before_ns; /* they come in this order */
	span->last_own_ns = loss->before_ns;
}

void
et_incidents_find(struct et_incidents *incidents, const struct et_loss *loss)
{
	int64_t lower_ns = lower_end(loss);
	struct span *span =
		incidents->span_count > 0 ? &incidents->spans[incidents->span_count - 1] : NULL;

	if (span == NULL || (lower_ns > span->to_ns && is_apart(span->to_ns, loss->before_ns))) {
		span = add_span(incidents);
		*span = (struct span){ .from_ns = loss->before_ns,
				       .to_ns = loss->before_ns,
				       .greatest_lower_ns = lower_ns,
				       .first_own_ns = ET_TIME_NONE,
				       .last_own_ns = ET_TIME_NONE,
				       .before_position = UINT64_MAX };
	}
	if (lower_ns > span->to_ns)
		span->to_ns = lower_ns;
	if (lower_ns > span->greatest_lower_ns)
		span->greatest_lower_ns = lower_ns;
	if (loss->after_position > span->after_position)
		span->after_position = loss->after_position;
	if (loss->before_position > 0 && loss->before_position < span->before_position)
		span->before_position = loss->before_position;
	look_at_own_time(span, loss);
	span->lost++;
	span->new_ones += loss->is_new;
}

/* ---- settle ---- */

static int
by_importance(const void *a, const void *b)
{
	const struct span *x = *(const struct span *const *)a;
	const struct span *y = *(const struct span *const *)b;

	if ((x->new_ones > 0) != (y->new_ones > 0))
		return x->new_ones > 0 ? -1 : 1;
	if (x->lost != y->lost)
		return x->lost > y->lost ? -1 : 1;
	return x->from_ns > y->from_ns ? -1 : x->from_ns < y->from_ns;
}

static struct et_incident
incident_of(const struct span *span)
{
	bool overlap = span->greatest_lower_ns < span->from_ns;
	struct et_incident incident = {
		.start_ns = overlap ? span->greatest_lower_ns : span->from_ns,
		.end_ns = overlap ? span->from_ns : span->greatest_lower_ns,
		.bounds = overlap ? ET_INCIDENT_BRACKET : ET_INCIDENT_SPAN,
		.first_own_ns = span->first_own_ns,
		.last_own_ns = span->last_own_ns,
	};

	if (span->bracketed && span->before_position != UINT64_MAX) {
		incident.after_position = span->after_position;
		incident.before_position = span->before_position;
	}
	return incident;
}

struct et_incident *
et_incidents_settle(struct et_incidents *incidents, size_t *ret_count)
{
	size_t count = incidents->span_count;
	struct span **order = et_calloc(count + 1, sizeof(struct span *));

	for (size_t i = 0; i < count; i++)
		order[i] = &incidents->spans[i];
	if (count > 0)
		qsort(order, count, sizeof(struct span *), by_importance);
	for (size_t i = 0; i < count && i < ET_INCIDENTS_KEPT; i++) {
		order[i]->kept = (unsigned)i + 1;
		incidents->kept[i] = incident_of(order[i]);
		incidents->kept_count = i + 1;
	}
	free(order);
	*ret_count = incidents->kept_count;
	return incidents->kept;
}

/* ---- weigh, count ---- */

/* The first span that reaches `time_ns`. */
static size_t
first_reaching(const struct et_incidents *incidents, int64_t time_ns)
{
	size_t low = 0;
	size_t high = incidents->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (incidents->spans[middle].to_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first span that begins behind `time_ns`. */
static size_t
first_behind(const struct et_incidents *incidents, int64_t time_ns)
{
	size_t low = 0;
	size_t high = incidents->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (incidents->spans[middle].from_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The spans that the loss can be of: *ret_low ... *ret_high - 1. */
static void
spans_of(const struct et_incidents *incidents, const struct et_loss *loss, size_t *ret_low,
	 size_t *ret_high)
{
	*ret_low = first_reaching(incidents, lower_end(loss));
	*ret_high = first_behind(incidents, loss->before_ns);
	/* A bracket of weeks: the latest ones will do. */
	if (*ret_high > *ret_low + CANDIDATES)
		*ret_low = *ret_high - CANDIDATES;
}

void
et_incidents_weigh(struct et_incidents *incidents, const struct et_loss *loss)
{
	size_t low;
	size_t high;

	spans_of(incidents, loss, &low, &high);
	if (low + 1 == high)
		incidents->spans[low].own++;
}

/* NULL: its incident was forgotten. */
static struct span *
span_of(struct et_incidents *incidents, const struct et_loss *loss, bool *ret_certain)
{
	struct span *best = NULL;
	size_t low;
	size_t high;

	spans_of(incidents, loss, &low, &high);
	*ret_certain = low + 1 == high;
	for (size_t i = low; i < high; i++) {
		struct span *span = &incidents->spans[i];

		/* Whom more is due; of two alike the later. */
		if (best == NULL || (double)span->own / (double)(span->given + 1) >=
					    (double)best->own / (double)(best->given + 1))
			best = span;
	}
	if (best != NULL && !*ret_certain)
		best->given++;
	return best;
}

static uint64_t
mixed(const struct et_uuid *device, size_t incident)
{
	uint64_t words[2];
	uint64_t mix;

	memcpy(words, device->bytes, sizeof(words));
	mix = words[0] ^ (words[1] * UINT64_C(0x9e3779b97f4a7c15)) ^
	      ((uint64_t)incident * UINT64_C(0xc2b2ae3d27d4eb4f));
	mix = (mix ^ (mix >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
	mix ^= mix >> 29;
	return mix != 0 ? mix : 1;
}

/* 1: seen for the first time in that incident; 0: not; -1: there is no room to tell. */
static int
add_device(struct et_incidents *incidents, const struct et_uuid *device, size_t incident)
{
	uint64_t key = mixed(device, incident);
	size_t at = (size_t)key & (ET_INCIDENT_SET - 1);

	if (incidents->set == NULL)
		incidents->set = et_calloc(ET_INCIDENT_SET, sizeof(*incidents->set));
	for (; incidents->set[at] != 0; at = (at + 1) & (ET_INCIDENT_SET - 1))
		if (incidents->set[at] == key)
			return 0;
	if (incidents->set_count == SET_FILL)
		return -1;
	incidents->set[at] = key;
	incidents->set_count++;
	return 1;
}

static void
count_in(struct et_incidents *incidents, size_t number, const struct et_loss *loss, bool certain)
{
	struct et_incident *incident = &incidents->kept[number];
	int seen = add_device(incidents, &loss->device, number);

	incident->lost++;
	incident->certain += certain;
	incident->new_ones += loss->is_new;
	incident->recoverable += loss->recoverable;
	incident->kinds[loss->kind < ET_KIND_COUNT ? loss->kind : ET_KIND_UNKNOWN]++;
	incident->more_devices |= seen < 0;
	if (seen <= 0)
		return;
	if (incident->devices < ET_INCIDENT_DEVICES)
		incident->named[incident->devices] = (struct et_incident_device){
			loss->device,
			loss->after_position > 0 ? loss->after_position : loss->before_position,
		};
	incident->devices++;
}

static int64_t
hour_of(int64_t time_ns)
{
	int64_t into_ns = time_ns % HOUR_NS;
	int64_t start_ns;

	if (into_ns < 0)
		into_ns += HOUR_NS;
	return __builtin_sub_overflow(time_ns, into_ns, &start_ns) ? INT64_MIN : start_ns;
}

static void
count_hour(struct et_incidents *incidents, int64_t time_ns)
{
	struct et_incident_hour *hours = incidents->hours;
	int64_t start_ns = hour_of(time_ns);
	size_t low = 0;
	size_t high = incidents->hour_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hours[middle].start_ns < start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < incidents->hour_count && hours[low].start_ns == start_ns) {
		hours[low].lost++;
		return;
	}
	memmove(hours + low + 1, hours + low, (incidents->hour_count - low) * sizeof(*hours));
	hours[low] = (struct et_incident_hour){ start_ns, 1 };
	if (incidents->hour_count < ET_INCIDENT_HOURS) {
		incidents->hour_count++;
		return;
	}
	incidents->earlier += hours[0].lost;
	memmove(hours, hours + 1, incidents->hour_count * sizeof(*hours));
}

/* The middle of what the incident leaves of the bracket. */
static int64_t
time_in(const struct et_incidents *incidents, const struct span *span, const struct et_loss *loss)
{
	int64_t from_ns = lower_end(loss);
	int64_t to_ns = loss->before_ns;
	int64_t start_ns = span->from_ns;
	int64_t end_ns = span->to_ns;

	if (span->kept > 0) {
		start_ns = incidents->kept[span->kept - 1].start_ns;
		end_ns = incidents->kept[span->kept - 1].end_ns;
	}
	if (from_ns < start_ns)
		from_ns = start_ns < to_ns ? start_ns : to_ns;
	if (to_ns > end_ns)
		to_ns = end_ns > from_ns ? end_ns : from_ns;
	/* An open beginning. */
	return from_ns == ET_TIME_NONE ? to_ns : from_ns + (to_ns - from_ns) / 2;
}

void
et_incidents_count(struct et_incidents *incidents, const struct et_loss *loss)
{
	bool certain;
	const struct span *span = span_of(incidents, loss, &certain);

	count_hour(incidents, span != NULL ? time_in(incidents, span, loss) : loss->before_ns);
	if (span != NULL && span->kept > 0)
		count_in(incidents, span->kept - 1, loss, certain);
}

const struct et_incident *
et_incidents_list(const struct et_incidents *incidents, size_t *ret_count)
{
	*ret_count = incidents->kept_count;
	return incidents->kept;
}

uint64_t
et_incidents_total(const struct et_incidents *incidents)
{
	return incidents->total;
}

const struct et_incident_hour *
et_incidents_hours(const struct et_incidents *incidents, size_t *ret_count, uint64_t *ret_earlier)
{
	*ret_count = incidents->hour_count;
	*ret_earlier = incidents->earlier;
	return incidents->hours;
}

/* ---- silence ---- */

void
et_pauses_add(struct et_pauses *pauses, int64_t event_ns)
{
	int64_t pause_ns = 0;

	/* One that came late says nothing, nor does an absurd time. */
	if (pauses->has_last && (event_ns <= pauses->last_ns ||
				 __builtin_sub_overflow(event_ns, pauses->last_ns, &pause_ns)))
		return;
	if (pauses->has_last) {
		pauses->count++;
		pauses->sum_ns += (double)pause_ns;
		if (pause_ns > pauses->longest_ns) {
			pauses->longest_ns = pause_ns;
			pauses->from_ns = pauses->last_ns;
			pauses->to_ns = event_ns;
		}
	}
	pauses->has_last = true;
	pauses->last_ns = event_ns;
}

bool
et_pauses_silence(const struct et_pauses *pauses, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
	double longest = (double)pauses->longest_ns;

	if (pauses->count == 0 ||
	    (pauses->count > 1 &&
	     longest * (double)(pauses->count - 1) < UNLIKE_OTHERS * (pauses->sum_ns - longest)))
		return false;
	*ret_from_ns = pauses->from_ns;
	*ret_to_ns = pauses->to_ns;
	return true;
}

void
et_incident_was_silent(struct et_incident *incident, int64_t from_ns, int64_t to_ns)
{
	if (incident->first_own_ns != ET_TIME_NONE &&
	    (incident->first_own_ns < from_ns || incident->last_own_ns > to_ns))
		return;
	incident->start_ns = from_ns;
	incident->end_ns = to_ns;
	incident->bounds = ET_INCIDENT_SILENCE;
}
