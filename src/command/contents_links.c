/* SPDX-License-Identifier: Apache-2.0 */
/* A stored snapshot of a device's links against the sum of its archived links events. */
#include "command/contents.h"
#include "event/coverage.h"

#define LINKS_VERSIONS_MAX 4096u /* of a device; beyond it its links are not summed up */

bool
et_contents_far_apart(int64_t a, int64_t b)
{
	int64_t between = 0;

	return __builtin_sub_overflow(a, b, &between) || between > ET_CLOCKS_APART_NS ||
	       between < -ET_CLOCKS_APART_NS;
}

bool
et_contents_sums_links(const struct wanted *wanted)
{
	return wanted->claim.kind == ET_KIND_LINKS_SNAPSHOT &&
	       wanted->claim.version < LINKS_VERSIONS_MAX;
}

void
et_contents_note_link(struct et_contents_batch *contents, const struct et_row *row,
		      uint64_t position)
{
	if (contents->link_count == contents->link_capacity) {
		contents->link_capacity = contents->link_capacity * 2 + 256;
		contents->links = et_realloc_array(contents->links, contents->link_capacity,
						   sizeof(*contents->links));
	}
	contents->links[contents->link_count++] =
		(struct link_row){ row->aggregate, row->version, position, row->event_time_ns };
}

static int
by_version(const void *a, const void *b)
{
	const struct link_row *x = a;
	const struct link_row *y = b;
	int order = et_uuid_compare(&x->aggregate, &y->aggregate);

	if (order != 0)
		return order;
	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

/* The same event once more says nothing new. */
static void
drop_duplicates(struct et_contents_batch *contents)
{
	struct link_row *rows = contents->links;
	size_t kept = 0;

	for (size_t i = 0; i < contents->link_count; i++) {
		if (kept > 0 && rows[i].version == rows[kept - 1].version &&
		    rows[i].time_ns == rows[kept - 1].time_ns &&
		    et_uuid_compare(&rows[i].aggregate, &rows[kept - 1].aggregate) == 0)
			continue;
		rows[kept++] = rows[i];
	}
	contents->link_count = kept;
}

/* The links events of an aggregate, each version from 0 to the snapshot's exactly once, in the
 * order of their times, the last one made with the snapshot; else NULL: there is a doubt. */
static const struct link_row *
links_of(const struct et_contents_batch *contents, const struct wanted *wanted)
{
	const struct link_row *rows = contents->links;
	size_t low = 0;
	size_t high = contents->link_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (et_uuid_compare(&rows[middle].aggregate, &wanted->aggregate) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i <= wanted->claim.version; i++) {
		const struct link_row *row = &rows[low + i];

		if (low + i >= contents->link_count ||
		    et_uuid_compare(&row->aggregate, &wanted->aggregate) != 0 ||
		    row->version != i || (i > 0 && row->time_ns < row[-1].time_ns))
			return NULL;
	}
	if (et_contents_far_apart(rows[low + wanted->claim.version].time_ns, wanted->claim.time_ns))
		return NULL;
	/* A later one with the same number: which is it? */
	if (low + wanted->claim.version + 1 < contents->link_count &&
	    et_uuid_compare(&rows[low + wanted->claim.version + 1].aggregate, &wanted->aggregate) ==
		    0 &&
	    rows[low + wanted->claim.version + 1].version == wanted->claim.version)
		return NULL;
	return &rows[low];
}

int
et_contents_compare_links(struct et_contents_batch *contents, const struct wanted *wanted,
			  struct et_error *err)
{
	const struct link_row *rows = links_of(contents, wanted);
	struct et_found_at at = et_contents_place(wanted);
	struct et_differences differences;
	struct et_recalled event;
	int r = 0;

	if (rows == NULL)
		return 0;
	et_linkset_clear(contents->set);
	for (uint64_t i = 0; r == 0 && i <= wanted->claim.version; i++) {
		r = et_recall_event(contents->audit->recall, rows[i].position, &event, err);
		/* What is no links event after all says nothing of them: no sum. */
		if (r == 0 && et_kind_info(event.kind)->family != ET_FAMILY_LINKS)
			return 0;
		if (r == 0)
			r = et_linkset_add(contents->set, event.kind, event.protobuf, err);
	}
	if (r == ET_LIMIT || r == ET_CORRUPT) {
		et_error_clear(err);
		return 0;
	}
	if (r == 0)
		r = et_linkset_compare(contents->set, &wanted->claim, ET_REVEAL_DIGESTS,
				       &contents->plain, &differences, err);
	if (r < 0)
		return r;
	contents->compared++;
	at.kind = wanted->claim.kind;
	return differences.total == 0
		       ? 0
		       : et_audit_found_different(contents->audit, &at, "links", &differences, err);
}

void
et_contents_sort_links(struct et_contents_batch *contents)
{
	if (contents->link_count > 0)
		qsort(contents->links, contents->link_count, sizeof(*contents->links), by_version);
	drop_duplicates(contents);
}
