// SPDX-License-Identifier: Apache-2.0
/*
 * The decision table (docs/audit.md, Rules). An aggregate's missing versions
 * are taken gap by gap (a run of versions between two spans of the coverage),
 * and a gap piece by piece: a version that the store still has a copy of is a
 * piece of its own, the versions between two copies are one. All versions of a
 * piece share every fact that a rule looks at, so that one verdict holds for
 * all of them, however many a latestversion claims.
 */
#include "audit/judge.h"

#include "audit/forced.h"
#include "base/clock.h"

/* More than the clocks of a hub and of a server may differ. */
#define CLOCKS_APART_NS (3600 * ET_NS_PER_SECOND)

struct verdict {
	const struct et_cut *cut;
	const struct et_case *one;
	struct et_tally *tally;
	et_finding_sink *sink;
	void *cookie;
	uint64_t told; /* findings */
	/* The earliest version with a copy whose time proves that it was published inside the
	 * coverage. */
	bool has_inside;
	uint64_t inside;
};

/* The end of what is young, and of what may still be before the horizon. Times are hostile
 * input. */
static int64_t
time_plus(int64_t time_ns, int64_t delta_ns)
{
	int64_t sum;

	if (time_ns == ET_TIME_NONE)
		return ET_TIME_NONE;
	if (__builtin_add_overflow(time_ns, delta_ns, &sum))
		return delta_ns > 0 ? INT64_MAX : ET_TIME_NONE;
	return sum;
}

/* The lowest version that a copy proves to have been published inside the coverage: its own time
 * is later than the start, by settle, because a publish follows its save by that much. Versions
 * above it were saved later still. */
static void
find_inside(struct verdict *verdict)
{
	const struct et_copies *copies = verdict->one->copies;
	int64_t start_ns = verdict->cut->start_time_ns;

	if (start_ns == ET_TIME_NONE)
		return;
	start_ns = time_plus(start_ns, verdict->cut->settle_ns);
	for (size_t i = 0; i < copies->count; i++) {
		if (copies->list[i].time_ns > start_ns) {
			verdict->has_inside = true;
			verdict->inside = copies->list[i].version;
			return;
		}
	}
}

static bool
is_young(const struct verdict *verdict, const struct et_gap *gap)
{
	int64_t limit_ns = time_plus(verdict->cut->time_ns, -verdict->cut->settle_ns);

	return limit_ns != ET_TIME_NONE && gap->before_ns > limit_ns;
}

static bool
has_malformed(const struct et_facts *facts, const struct et_gap *gap)
{
	return facts->malformed_in_device && facts->malformed_last_seq > gap->after_seq &&
	       facts->malformed_first_seq < gap->before_seq;
}

/* The store claims a time that no clock of a hub can have had: nothing follows from it. */
static bool
is_ahead_of_time(const struct verdict *verdict, const struct et_gap *gap)
{
	int64_t limit_ns = time_plus(verdict->cut->time_ns, verdict->cut->settle_ns);

	return limit_ns != ET_TIME_NONE && gap->before_ns > time_plus(limit_ns, CLOCKS_APART_NS);
}

/* What is missing may have been in a hole, or published while nobody looked. */
static bool
meets_hole(const struct et_cut *cut, const struct et_gap *gap)
{
	for (size_t i = 0; i < cut->blind_count; i++) {
		const struct et_blind *blind = &cut->blinds[i];

		if ((gap->after_ns == ET_TIME_NONE ||
		     gap->after_ns <= time_plus(blind->to_ns, cut->settle_ns)) &&
		    (gap->before_ns == ET_TIME_NONE ||
		     gap->before_ns >= time_plus(blind->from_ns, -cut->settle_ns)))
			return true;
	}
	return cut->holes != NULL && et_seqset_meets(cut->holes, gap->after_seq, gap->before_seq);
}

/* The first rule that fits: docs/audit.md, Rules, has them in this order. */
static enum et_reason
decide(const struct verdict *verdict, const struct et_gap *gap, uint64_t version,
       const struct et_copy *copy)
{
	const struct et_case *one = verdict->one;

	if (gap->head && !one->facts->born && one->older_epochs == 0 &&
	    !(verdict->has_inside && version >= verdict->inside))
		return ET_REASON_BEFORE_HORIZON;
	if (is_ahead_of_time(verdict, gap))
		return ET_REASON_UNDECIDED;
	if (is_young(verdict, gap))
		return ET_REASON_IN_FLIGHT;
	if (meets_hole(verdict->cut, gap))
		return ET_REASON_UNVERIFIABLE_GAP;
	if (has_malformed(one->facts, gap))
		return ET_REASON_UNDECIDED;
	/* Where an older life ends and whether a number belongs to it is not told apart yet. */
	if (one->older_epochs > 0)
		return ET_REASON_UNDECIDED;
	if (one->family == ET_FAMILY_RESOURCE || one->family == ET_FAMILY_UNKNOWN)
		return et_forced_judge(one->facts, gap, version, copy);
	return ET_REASON_LOST;
}

static enum et_recoverable
recoverable_of(const struct et_copy *copy)
{
	return copy != NULL ? copy->form : ET_RECOVERABLE_SUPERSEDED;
}

static void
count(const struct verdict *verdict, enum et_reason reason, const struct et_copy *copy,
      uint64_t versions)
{
	struct et_tally *tally = verdict->tally;
	bool in_store = verdict->one->in_store;

	if (reason == ET_REASON_LOST) {
		tally->reasons[reason] += versions;
		tally->recoverable[recoverable_of(copy)] += versions;
		*(in_store ? &tally->lost_in_store : &tally->lost_deleted) += versions;
	} else {
		(in_store ? tally->reasons : tally->deleted)[reason] += versions;
	}
}

static struct et_finding
finding_of(const struct verdict *verdict, const struct et_gap *gap, enum et_reason reason,
	   const struct et_copy *copy)
{
	struct et_finding finding = {
		.reason = reason,
		.device = verdict->one->device,
		.aggregate = verdict->one->aggregate,
		.kind = ET_KIND_UNKNOWN,
		.time_ns = ET_TIME_NONE,
		.after_ns = gap->after_ns,
		.before_ns = gap->before_ns,
		.after_seq = gap->after_seq,
		.before_seq = gap->open ? 0 : gap->before_seq,
		.lost_deleted = reason == ET_REASON_LOST && !verdict->one->in_store,
	};

	if (reason == ET_REASON_LOST)
		finding.recoverable = recoverable_of(copy);
	if (copy == NULL)
		return finding;
	if (copy->form != ET_RECOVERABLE_SNAPSHOT) {
		finding.kind = copy->kind;
		finding.time_ns = copy->time_ns;
	} else if (copy->time_ns != ET_TIME_NONE &&
		   (finding.before_ns == ET_TIME_NONE || copy->time_ns < finding.before_ns)) {
		/* The snapshot that took the event's place was made microseconds after it. */
		finding.before_ns = copy->time_ns;
	}
	return finding;
}

static int
judge_piece(struct verdict *verdict, const struct et_gap *gap, uint64_t first, uint64_t last,
	    const struct et_copy *copy)
{
	enum et_reason reason = decide(verdict, gap, first, copy);
	struct et_finding finding;
	int r = 0;

	count(verdict, reason, copy, last - first + 1);
	if (!et_reason_info(reason)->listed || verdict->sink == NULL)
		return 0;
	finding = finding_of(verdict, gap, reason, copy);
	for (finding.version = first; verdict->told < ET_JUDGE_LISTED_MAX; finding.version++) {
		verdict->told++;
		r = verdict->sink(verdict->cookie, &finding);
		if (r < 0 || finding.version == last)
			break;
	}
	return r < 0 ? r : 0;
}

/* The first copy at `version` or above; the count when there is none. */
static size_t
find_copy(const struct et_copies *copies, uint64_t version)
{
	size_t low = 0;
	size_t high = copies->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (copies->list[middle].version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
judge_gap(struct verdict *verdict, const struct et_gap *gap, uint64_t first, uint64_t last)
{
	const struct et_copies *copies = verdict->one->copies;
	uint64_t next = first; /* the first version without a verdict */
	int r = 0;

	for (size_t i = find_copy(copies, first); i < copies->count; i++) {
		const struct et_copy *copy = &copies->list[i];

		if (copy->version > last)
			break;
		if (copy->version > next)
			r = judge_piece(verdict, gap, next, copy->version - 1, NULL);
		if (r == 0)
			r = judge_piece(verdict, gap, copy->version, copy->version, copy);
		if (r < 0 || copy->version == last)
			return r;
		next = copy->version + 1;
	}
	return judge_piece(verdict, gap, next, last, NULL);
}

/* What is known of the gap between two neighbours (NULL: none). */
static struct et_gap
gap_between(const struct verdict *verdict, const struct et_span *below, const struct et_span *above)
{
	struct et_gap gap = {
		.head = below == NULL,
		.open = above == NULL,
		.after_ns = below != NULL ? below->last_time_ns : ET_TIME_NONE,
		/* Nothing behind it on the stream: the store says when it last wrote. */
		.before_ns = above != NULL ? above->first_time_ns : verdict->one->latest_time_ns,
		.after_seq = below != NULL ? below->last_seq : 0,
		.before_seq = above != NULL ? above->first_seq : UINT64_MAX,
	};

	/* Two replicas publish out of order: v6 may stand on the stream before v5. */
	if (gap.after_seq > gap.before_seq) {
		uint64_t seq = gap.after_seq;

		gap.after_seq = gap.before_seq;
		gap.before_seq = seq;
	}
	return gap;
}

/* Every gap of 0 ... last. */
static int
judge_gaps(struct verdict *verdict, uint64_t last)
{
	const struct et_coverage *coverage = verdict->one->coverage;
	const struct et_span *below = NULL;
	uint64_t next = 0;
	int r = 0;

	for (size_t i = 0; i < coverage->count && next <= last; i++) {
		const struct et_span *span = &coverage->spans[i];

		if (span->first > next) {
			struct et_gap gap = gap_between(verdict, below, span);
			uint64_t end = span->first - 1 < last ? span->first - 1 : last;

			r = judge_gap(verdict, &gap, next, end);
			if (r < 0)
				return r;
		}
		if (span->last >= last)
			return 0;
		below = span;
		next = span->last + 1;
	}
	if (next <= last) {
		struct et_gap gap = gap_between(verdict, below, NULL);

		r = judge_gap(verdict, &gap, next, last);
	}
	return r;
}

void
et_judge_covered(uint64_t latest_version, uint64_t first_version, uint64_t seen_last, bool split,
		 struct et_tally *tally)
{
	/* By range: a document's versions are contiguous, first_version ... latest_version. */
	uint64_t below = first_version <= latest_version ? first_version : latest_version + 1;

	tally->aggregates++;
	tally->expected += latest_version + 1;
	if (split) {
		tally->reasons[ET_REASON_TRUNCATED] += below;
		tally->reasons[ET_REASON_MATCHED] += latest_version + 1 - below;
	} else {
		tally->reasons[ET_REASON_COVERED] += latest_version + 1;
	}
	tally->reasons[ET_REASON_AHEAD] += seen_last - latest_version;
}

/* What is on the stream, of an aggregate that the store has. */
static void
count_seen(const struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	uint64_t *reasons = verdict->tally->reasons;
	uint64_t seen = et_coverage_count(one->coverage, 0, one->latest_version);
	uint64_t below = 0;

	verdict->tally->expected += one->latest_version + 1;
	if (verdict->cut->split) {
		if (one->first_version > one->latest_version)
			below = seen;
		else if (one->first_version > 0)
			below = et_coverage_count(one->coverage, 0, one->first_version - 1);
		reasons[ET_REASON_TRUNCATED] += below;
		reasons[ET_REASON_MATCHED] += seen - below;
	} else {
		reasons[ET_REASON_COVERED] += seen;
	}
	/* Newer than what the store showed: saved and published since, or lost by the store. */
	if (one->latest_version < UINT64_MAX)
		reasons[ET_REASON_AHEAD] +=
			et_coverage_count(one->coverage, one->latest_version + 1, UINT64_MAX);
}

static int
judge_stored(struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	struct et_tally *tally = verdict->tally;
	uint64_t seen;

	tally->aggregates++;
	if (one->family == ET_FAMILY_SERVICE) {
		/* docs/plgd.md, Service metadata: it is never published; should one be seen
		 * after all, the message has to stand in the sums. */
		seen = et_coverage_count(one->coverage, 0, one->latest_version);
		tally->reasons[ET_REASON_NEVER_PUBLISHED] += one->latest_version + 1 - seen;
		tally->reasons[ET_REASON_AHEAD] += et_coverage_count(one->coverage, 0, UINT64_MAX);
		return 0;
	}
	count_seen(verdict);
	return judge_gaps(verdict, one->latest_version);
}

/* On the stream only. Where it ended nobody can say any more: holes are judged up to the last
 * version seen. */
static int
judge_unstored(struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	const struct et_coverage *coverage = one->coverage;
	enum et_reason reason =
		one->facts->device_in_store ? ET_REASON_AHEAD : ET_REASON_DELETED_DEVICE;

	if (coverage->count == 0)
		return 0;
	verdict->tally->reasons[reason] += et_coverage_count(coverage, 0, UINT64_MAX);
	return judge_gaps(verdict, coverage->spans[coverage->count - 1].last);
}

int
et_judge(const struct et_cut *cut, const struct et_case *one, struct et_tally *tally,
	 et_finding_sink *sink, void *cookie)
{
	struct verdict verdict = {
		.cut = cut, .one = one, .tally = tally, .sink = sink, .cookie = cookie
	};

	tally->reasons[ET_REASON_DUPLICATE] += one->duplicates;
	/* An older life was ended by the deletion of its device. */
	tally->reasons[ET_REASON_DELETED_DEVICE] += one->older_versions;
	tally->older_life += one->older_versions;
	find_inside(&verdict);
	return one->in_store ? judge_stored(&verdict) : judge_unstored(&verdict);
}
