// SPDX-License-Identifier: Apache-2.0
/*
 * The decision table (docs/audit.md, Rules). An aggregate's missing versions
 * are taken life by life, gap by gap (a run of versions between two spans of
 * the coverage), and a gap piece by piece: a version that the store still has
 * a copy of is a piece of its own, the versions between two copies are one.
 * All versions of a piece share every fact that a rule looks at, so that one
 * verdict holds for all of them, however many a latestversion claims.
 */
#include "audit/judge.h"

#include "audit/forced.h"
#include "audit/holes.h"
#include "audit/verdict.h"
#include "base/clock.h"

/* More than the clocks of a hub and of a server may differ. */
#define CLOCKS_APART_NS (3600 * ET_NS_PER_SECOND)

/* The end of what is young, and of what may still be before the horizon. Times are hostile
 * input. */
int64_t
et_time_plus(int64_t time_ns, int64_t delta_ns)
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
	const struct et_cut *cut = verdict->cut;
	int64_t start_ns = cut->start_time_ns;

	/* A hub whose clock is ahead stamps all too late. */
	if (start_ns == ET_TIME_NONE || !cut->has_lag)
		return;
	start_ns = et_time_plus(start_ns, cut->settle_ns - (cut->lag_ns < 0 ? cut->lag_ns : 0));
	for (size_t i = 0; i < copies->count; i++) {
		if (copies->list[i].time_ns > start_ns &&
		    et_copy_belongs(verdict->life, &copies->list[i])) {
			verdict->has_inside = true;
			verdict->inside = copies->list[i].version;
			return;
		}
	}
}

/* Both conditions: a busy aggregate's old losses are not young for ever, and what the store showed
 * long ago is not young for a late time. */
static bool
is_young(const struct verdict *verdict, const struct et_gap *gap, uint64_t version)
{
	const struct et_case *one = verdict->one;
	const struct et_cut *cut = verdict->cut;
	int64_t limit_ns = et_time_plus(cut->time_ns, -cut->settle_ns);
	bool late = limit_ns != ET_TIME_NONE && gap->before_ns > limit_ns;

	return (late || (cut->all_waited && cut->settle_ns > 0)) &&
	       !(verdict->stored && one->has_noted && version <= one->noted_latest);
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
	int64_t limit_ns = et_time_plus(verdict->cut->time_ns, verdict->cut->settle_ns);

	return limit_ns != ET_TIME_NONE && gap->before_ns > et_time_plus(limit_ns, CLOCKS_APART_NS);
}

/* Around the time at which the store went back, what is missing may have been taken back. */
static bool
meets_fork(const struct et_life *life, const struct et_gap *gap)
{
	for (size_t i = 0; i < life->fork_count; i++) {
		const struct et_device_epoch *fork = &life->forks[i];
		bool before = gap->before_ns != ET_TIME_NONE &&
			      gap->before_ns < et_time_plus(fork->start_ns, -ET_CLOCKS_APART_NS);
		bool behind = gap->after_ns != ET_TIME_NONE &&
			      gap->after_ns > et_time_plus(fork->start_ns, ET_CLOCKS_APART_NS);

		if (fork->beginning != ET_BEGINNING_FIRST && !before &&
		    (!behind || fork->beginning == ET_BEGINNING_UNCLEAR))
			return true;
	}
	return false;
}

static bool
is_before_horizon(const struct verdict *verdict, const struct et_gap *gap, uint64_t version)
{
	/* Of a later life nothing can be older than the archives. */
	return gap->head && verdict->life->start_ns == ET_TIME_NONE && !verdict->doubtful &&
	       !verdict->facts->born && !(verdict->has_inside && version >= verdict->inside);
}

/* The first rule that fits: docs/audit.md, Rules, has them in this order. Holes are asked by the
 * caller: how many they excuse depends on the whole gap. */
static enum et_reason
decide(const struct verdict *verdict, const struct et_gap *gap, uint64_t version,
       const struct et_copy *copy, enum et_rule *ret_rule)
{
	const struct et_case *one = verdict->one;
	const struct et_missing missing = {
		.gap = gap,
		.version = version,
		.answered = version < verdict->answer,
		.copy = copy,
	};

	*ret_rule = ET_RULE_HEAD;
	if (is_before_horizon(verdict, gap, version))
		return ET_REASON_BEFORE_HORIZON;
	*ret_rule = ET_RULE_ABSURD_TIME;
	if (is_ahead_of_time(verdict, gap))
		return ET_REASON_UNDECIDED;
	*ret_rule = ET_RULE_YOUNG;
	if (is_young(verdict, gap, version))
		return ET_REASON_IN_FLIGHT;
	*ret_rule = ET_RULE_MALFORMED;
	if (has_malformed(verdict->facts, gap))
		return ET_REASON_UNDECIDED;
	*ret_rule = ET_RULE_STORE_ELSEWHERE;
	if (verdict->doubtful || (verdict->stored && version > one->written_version))
		return ET_REASON_UNDECIDED;
	*ret_rule = ET_RULE_LIFE_BEGINS;
	if (gap->head && verdict->life->head_doubtful)
		return ET_REASON_UNDECIDED;
	*ret_rule = ET_RULE_STORE_WENT_BACK;
	if (meets_fork(verdict->life, gap))
		return ET_REASON_UNDECIDED;
	*ret_rule = ET_RULE_MISSING;
	if (!verdict->facts->older_hub &&
	    (one->family == ET_FAMILY_RESOURCE || one->family == ET_FAMILY_UNKNOWN))
		return et_forced_judge(verdict->facts, verdict->links, &missing, ret_rule);
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

	if (reason == ET_REASON_LOST) {
		tally->reasons[reason] += versions;
		tally->recoverable[recoverable_of(copy)] += versions;
		*(verdict->stored ? &tally->lost_in_store : &tally->lost_deleted) += versions;
	} else {
		(verdict->stored ? tally->reasons : tally->deleted)[reason] += versions;
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
		.life = verdict->life->number,
		.older = verdict->older,
		.kind = ET_KIND_UNKNOWN,
		.time_ns = ET_TIME_NONE,
		.after_ns = gap->after_ns,
		.before_ns = gap->before_ns,
		.after_seq = gap->after_seq,
		.before_seq = gap->open ? 0 : gap->before_seq,
		.lost_deleted = reason == ET_REASON_LOST && !verdict->stored,
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

/* A piece of missing versions, which share their verdict. */
struct piece {
	uint64_t first;
	uint64_t last;
	const struct et_copy *copy;
};

static void
answer(struct verdict *verdict, const struct et_gap *gap, enum et_reason reason,
       const struct piece *piece)
{
	struct et_question *question = verdict->question;

	if (!et_verdict_is_asked(verdict, piece->first, piece->last))
		return;
	question->missing = true;
	question->rule = verdict->rule;
	question->finding = finding_of(verdict, gap, reason, piece->copy);
	question->finding.version = question->finding.last_version = question->version;
}

static int
tell(struct verdict *verdict, const struct et_gap *gap, enum et_reason reason,
     const struct piece *piece)
{
	struct et_finding finding;
	int r = 0;

	answer(verdict, gap, reason, piece);
	count(verdict, reason, piece->copy, piece->last - piece->first + 1);
	if (!et_reason_info(reason)->listed || verdict->sink == NULL)
		return 0;
	finding = finding_of(verdict, gap, reason, piece->copy);
	for (finding.version = piece->first; verdict->told < ET_JUDGE_LISTED_MAX;
	     finding.version++) {
		finding.last_version = finding.version;
		verdict->told++;
		r = verdict->sink(verdict->cookie, &finding);
		if (r < 0 || finding.version == piece->last)
			break;
	}
	return r < 0 ? r : 0;
}

/* Holes hide as many of the lost ones as they have sequences, nobody knows which. */
static int
tell_hidden(struct verdict *verdict, const struct et_gap *gap, struct piece piece)
{
	enum et_reason reason =
		verdict->all_hidden ? ET_REASON_UNVERIFIABLE_GAP : ET_REASON_LOST_IN_GAP;
	struct piece hidden = piece;
	int r = 0;

	verdict->rule = verdict->all_hidden ? ET_RULE_ALL_IN_HOLES : ET_RULE_SOME_IN_HOLES;
	if (!verdict->all_hidden && verdict->hidden > 0) {
		uint64_t most = piece.last - piece.first;

		hidden.last =
			piece.first + (verdict->hidden - 1 < most ? verdict->hidden - 1 : most);
		verdict->hidden -= hidden.last - hidden.first + 1;
		r = tell(verdict, gap, ET_REASON_UNVERIFIABLE_GAP, &hidden);
		if (r < 0 || hidden.last == piece.last)
			return r;
		piece.first = hidden.last + 1;
	}
	return tell(verdict, gap, reason, &piece);
}

static int
judge_piece(struct verdict *verdict, const struct et_gap *gap, const struct piece *piece)
{
	enum et_reason reason = decide(verdict, gap, piece->first, piece->copy, &verdict->rule);

	verdict->wants_orphans |= verdict->rule == ET_RULE_LIKELY_LINKED ||
				  verdict->rule == ET_RULE_LINKED_FOR_A_PART ||
				  verdict->rule == ET_RULE_NOT_LINKED;
	if (verdict->counting) {
		if (reason == ET_REASON_LOST)
			verdict->lost_in_gap += piece->last - piece->first + 1;
		return 0;
	}
	if (reason == ET_REASON_LOST && (verdict->all_hidden || verdict->in_gap))
		return tell_hidden(verdict, gap, *piece);
	return tell(verdict, gap, reason, piece);
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

/* Below these other rules hold than above: what an audit noted long ago, and where the document
 * that was written last ends. */
static int
judge_run(struct verdict *verdict, const struct et_gap *gap, uint64_t first, uint64_t last)
{
	const struct et_case *one = verdict->one;
	const struct {
		bool known;
		uint64_t version;
	} bounds[] = { { verdict->stored && one->has_noted, one->noted_latest },
		       { verdict->stored, one->written_version } };
	int r;

	for (;;) {
		struct piece piece = { first, last, NULL };

		for (size_t i = 0; i < ET_COUNT(bounds); i++)
			if (bounds[i].known && bounds[i].version >= first &&
			    bounds[i].version < piece.last)
				piece.last = bounds[i].version;
		r = judge_piece(verdict, gap, &piece);
		if (r < 0 || piece.last == last)
			return r;
		first = piece.last + 1;
	}
}

static int
judge_pieces(struct verdict *verdict, const struct et_gap *gap, uint64_t first, uint64_t last)
{
	const struct et_copies *copies = verdict->one->copies;
	uint64_t next = first; /* the first version without a verdict */
	int r = 0;

	for (size_t i = find_copy(copies, first); i < copies->count; i++) {
		const struct et_copy *copy = &copies->list[i];
		const struct piece piece = { copy->version, copy->version, copy };

		if (copy->version > last)
			break;
		if (copy->version < next || !et_copy_belongs(verdict->life, copy))
			continue;
		if (copy->version > next)
			r = judge_run(verdict, gap, next, copy->version - 1);
		if (r == 0)
			r = judge_piece(verdict, gap, &piece);
		if (r < 0 || copy->version == last)
			return r;
		next = copy->version + 1;
	}
	return judge_run(verdict, gap, next, last);
}

/* A stored snapshot that embeds no event of its own version took the place of an answer: those are
 * what is never embedded (docs/plgd.md, What a snapshot holds). */
static uint64_t
find_answer(const struct verdict *verdict, uint64_t first, uint64_t last)
{
	const struct et_copies *copies = verdict->one->copies;
	uint64_t answer = 0;

	for (size_t i = find_copy(copies, first);
	     i < copies->count && copies->list[i].version <= last; i++)
		if (copies->list[i].form == ET_RECOVERABLE_SNAPSHOT &&
		    copies->list[i].kind == ET_KIND_RESOURCE_SNAPSHOT &&
		    et_copy_belongs(verdict->life, &copies->list[i]))
			answer = copies->list[i].version;
	return answer;
}

static int
judge_gap(struct verdict *verdict, const struct et_gap *gap, uint64_t first, uint64_t last)
{
	uint64_t hidden = et_hidden_in(verdict->cut, gap, last - first + 1);
	int r;

	if (et_verdict_is_asked(verdict, first, last)) {
		verdict->question->gap_first = first;
		verdict->question->gap_last = last;
		verdict->question->hidden = hidden;
	}
	verdict->all_hidden = verdict->in_gap = false;
	verdict->answer = find_answer(verdict, first, last);
	if (hidden > 0) {
		verdict->counting = true;
		verdict->lost_in_gap = 0;
		(void)judge_pieces(verdict, gap, first, last);
		verdict->counting = false;
		verdict->all_hidden = hidden >= verdict->lost_in_gap;
		verdict->in_gap = !verdict->all_hidden;
		verdict->hidden = hidden;
	}
	r = judge_pieces(verdict, gap, first, last);
	verdict->all_hidden = verdict->in_gap = false;
	return r;
}

/* Saved before the archives begin, and published late: what came behind it may have been on the
 * stream before them. */
static bool
is_from_before(const struct verdict *verdict, const struct et_span *below)
{
	const struct et_cut *cut = verdict->cut;

	return verdict->life->start_ns == ET_TIME_NONE && cut->has_lag && cut->starts_late &&
	       cut->start_time_ns != ET_TIME_NONE &&
	       et_time_plus(below->last_time_ns, cut->clocks_ns) < cut->start_time_ns;
}

/* What is known of the gap between two neighbours (NULL: none). */
static struct et_gap
gap_between(const struct verdict *verdict, const struct et_span *below, const struct et_span *above)
{
	struct et_gap gap = {
		.lowest = below == NULL,
		.head = below == NULL || is_from_before(verdict, below),
		.open = above == NULL,
		.after_ns = below != NULL ? below->last_time_ns : verdict->life->start_ns,
		/* Nothing behind it on the stream: the store says when it last wrote. */
		.before_ns = above != NULL ? above->first_time_ns : verdict->one->latest_time_ns,
		.after_seq = below != NULL ? below->last_seq : verdict->life->start,
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
judge_gaps(struct verdict *verdict, const struct et_coverage *coverage, uint64_t last)
{
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

int
et_verdict_judge(struct verdict *verdict, const struct et_coverage *coverage, uint64_t last)
{
	find_inside(verdict);
	return judge_gaps(verdict, coverage, last);
}
