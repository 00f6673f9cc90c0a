// SPDX-License-Identifier: Apache-2.0
/*
 * What an aggregate's documents still hold of what was published (docs/plgd.md,
 * What a snapshot holds; docs/audit.md, Recoverable).
 */
#include "audit/judge.h"

#include <stdlib.h>

#include "audit/verdict.h"
#include "base/clock.h"
#include "event/envelope.h"
#include "event/original.h"

void
et_copies_done(struct et_copies *copies)
{
	free(copies->list);
	*copies = (struct et_copies){ 0 };
}

static void
copies_add(struct et_copies *copies, struct et_copy copy)
{
	if (copies->count == copies->capacity) {
		copies->capacity = copies->capacity > 0 ? copies->capacity * 2 : 8;
		copies->list =
			et_realloc_array(copies->list, copies->capacity, sizeof(copies->list[0]));
	}
	copies->list[copies->count++] = copy;
}

/* The embedded events of a snapshot: each is the original of its own version. */
static int
add_embedded(struct et_copies *copies, enum et_kind snapshot, struct et_slice protobuf)
{
	struct et_original_walk walk = et_original_walk_of(snapshot, protobuf);
	struct et_original original;
	int r;

	while ((r = et_original_next(&walk, &original, NULL)) > 0) {
		/* An empty latest_resource_change stands in snapshots of resources that never
		 * changed. */
		if (!original.payload.has_metadata || original.payload.timestamp_ns == 0)
			continue;
		copies_add(copies, (struct et_copy){ .version = original.payload.version,
						     .form = ET_RECOVERABLE_REBUILT,
						     .kind = original.kind,
						     .time_ns = original.payload.timestamp_ns });
	}
	return r;
}

static int
add_event(struct et_copies *copies, const struct et_stored_event *event, struct et_buf *scratch)
{
	const struct et_kind_info *info = et_kind_info(event->kind);
	/* A type that we do not know: the store says whether it is a snapshot. */
	bool snapshot = event->kind == ET_KIND_UNKNOWN ? event->is_snapshot : info->snapshot;
	struct et_copy copy = { .version = event->version, .kind = event->kind };
	struct et_payload payload;
	struct et_slice body;
	int r;

	r = et_unsnappy(event->data, scratch, NULL);
	if (r < 0)
		return r;
	body = (struct et_slice){ scratch->data, scratch->size };
	r = et_payload_read(event->kind, body, &payload, NULL);
	if (r < 0)
		return r;
	if (snapshot) {
		r = add_embedded(copies, event->kind, body);
		if (r < 0)
			return r;
	}
	copy.form = snapshot ? ET_RECOVERABLE_SNAPSHOT : ET_RECOVERABLE_EXACT;
	if (payload.timestamp_ns != 0)
		copy.time_ns = payload.timestamp_ns;
	else
		copy.time_ns = event->timestamp_ns != 0 ? event->timestamp_ns : ET_TIME_NONE;
	copies_add(copies, copy);
	return 0;
}

static int
copy_compare(const void *a, const void *b)
{
	const struct et_copy *x = a;
	const struct et_copy *y = b;

	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	if (x->form != y->form)
		return x->form < y->form ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Is a copy of the same event, in no worse a form, among the first `kept`? A number that was used
 * again is another event, at another time. */
static bool
is_there(struct et_copies *copies, size_t kept, const struct et_copy *copy)
{
	for (size_t i = kept; i-- > 0 && copies->list[i].version == copy->version;) {
		struct et_copy *there = &copies->list[i];
		int64_t between = 0;
		bool same = there->time_ns == ET_TIME_NONE || copy->time_ns == ET_TIME_NONE ||
			    (!__builtin_sub_overflow(there->time_ns, copy->time_ns, &between) &&
			     between <= ET_CLOCKS_APART_NS && between >= -ET_CLOCKS_APART_NS);

		if (same) {
			there->rescued = there->rescued && copy->rescued;
			return true;
		}
	}
	return false;
}

void
et_copies_of(const struct et_document *const *documents, size_t count, size_t rescued,
	     bool snapshots_published, struct et_copies *ret)
{
	struct et_buf scratch;
	size_t kept = 0;

	ret->count = 0;
	ret->malformed = 0;
	et_buf_init(&scratch, ET_PAYLOAD_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; !documents[i]->ghost && k < documents[i]->event_count; k++) {
			size_t before = ret->count;

			if (add_event(ret, &documents[i]->events[k], &scratch) < 0) {
				ret->count = before; /* nothing out of a damaged snapshot */
				ret->malformed++;
			}
			for (; before < ret->count; before++)
				ret->list[before].rescued = i >= count - rescued;
		}
	}
	et_buf_done(&scratch);
	if (ret->count > 1)
		qsort(ret->list, ret->count, sizeof(ret->list[0]), copy_compare);
	for (size_t i = 0; i < ret->count; i++) {
		if (!is_there(ret, kept, &ret->list[i]))
			ret->list[kept++] = ret->list[i];
	}
	ret->count = kept;
	/* What is still a snapshot now embeds no event of its own version. The older hub gave its
	 * snapshots versions of their own and published them. */
	for (size_t i = 0; snapshots_published && i < kept; i++) {
		if (ret->list[i].form == ET_RECOVERABLE_SNAPSHOT)
			ret->list[i].form = ET_RECOVERABLE_EXACT;
	}
}

bool
et_copy_belongs(const struct et_life *life, const struct et_copy *copy)
{
	if (copy->time_ns == ET_TIME_NONE)
		return life->start_ns == ET_TIME_NONE && life->end_ns == ET_TIME_NONE &&
		       life->turn_count == 0;
	if (life->end_ns != ET_TIME_NONE && copy->time_ns >= life->end_ns)
		return false;
	if (life->start_ns != ET_TIME_NONE &&
	    copy->time_ns < et_time_plus(life->start_ns, -ET_CLOCKS_APART_NS))
		return false;
	for (size_t i = 0; copy->rescued && i < life->turn_count; i++)
		if (copy->version >= life->turns[i].first &&
		    copy->time_ns < life->turns[i].start_ns)
			return false;
	return true;
}
