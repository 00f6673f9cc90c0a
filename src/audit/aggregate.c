// SPDX-License-Identifier: Apache-2.0
/*
 * One aggregate: what the stream has shown of it, life by life (docs/audit.md,
 * What the store does not have). What is missing is judge.c's.
 */
#include "audit/verdict.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

/* A snapshot that takes an event's place is made microseconds after it. */
#define SAME_SAVE_NS ET_NS_PER_SECOND

void
et_judge_covered(uint64_t latest_version, uint64_t first_version, bool split,
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
}

static uint64_t
seen_above(const struct et_coverage *coverage, uint64_t version)
{
	return version < UINT64_MAX ? et_coverage_count(coverage, version + 1, UINT64_MAX) : 0;
}

/* These versions, as far as they were seen. */
static void
answer_seen(const struct verdict *verdict, uint64_t first, uint64_t last, enum et_reason reason,
	    enum et_rule rule)
{
	struct et_question *question = verdict->question;

	if (!et_verdict_is_asked(verdict, first, last) ||
	    !et_coverage_has(&verdict->life->coverage, question->version))
		return;
	question->seen = true;
	question->seen_reason = reason;
	question->seen_rule = rule;
}

/* A finding about a run of versions that were seen. */
static int
tell_run(struct verdict *verdict, enum et_reason reason, uint64_t first, uint64_t last,
	 const struct et_span *at)
{
	const struct et_finding finding = {
		.reason = reason,
		.device = verdict->one->device,
		.aggregate = verdict->one->aggregate,
		.life = verdict->life->number,
		.older = verdict->older,
		.version = first,
		.last_version = last,
		.kind = ET_KIND_UNKNOWN,
		.time_ns = at != NULL && at->first == first ? at->first_time_ns : ET_TIME_NONE,
		.after_ns = at != NULL ? at->first_time_ns : ET_TIME_NONE,
		.before_ns = at != NULL ? at->last_time_ns : ET_TIME_NONE,
		.after_seq = at != NULL ? at->first_seq : 0,
		.before_seq = at != NULL ? at->last_seq : 0,
	};

	if (verdict->sink == NULL || verdict->told >= ET_JUDGE_LISTED_MAX)
		return 0;
	verdict->told++;
	return verdict->sink(verdict->cookie, &finding);
}

/* What the store had when an earlier audit saw it, and has no more. */
static int
tell_store_lost(struct verdict *verdict, uint64_t first, uint64_t last)
{
	const struct et_coverage *coverage = &verdict->life->coverage;
	int r = 0;

	for (size_t i = 0; r == 0 && i < coverage->count; i++) {
		const struct et_span *span = &coverage->spans[i];

		if (span->last >= first && span->first <= last)
			r = tell_run(verdict, ET_REASON_STORE_LOST,
				     span->first > first ? span->first : first,
				     span->last < last ? span->last : last, span);
	}
	return r;
}

/* Versions that were seen above `first` (inclusive), which the store does not have: newer than what
 * it showed, or lost by it. */
static int
count_ahead(struct verdict *verdict, uint64_t first)
{
	const struct et_case *one = verdict->one;
	const struct et_coverage *coverage = &verdict->life->coverage;
	uint64_t *reasons = verdict->tally->reasons;
	uint64_t ahead = et_coverage_count(coverage, first, UINT64_MAX);
	uint64_t lost = 0;

	answer_seen(verdict, first, UINT64_MAX, ET_REASON_AHEAD, ET_RULE_AHEAD);
	if (one->has_ahead && one->ahead_until >= first) {
		lost = et_coverage_count(coverage, first, one->ahead_until);
		answer_seen(verdict, first, one->ahead_until, ET_REASON_STORE_LOST,
			    ET_RULE_STORE_LOST);
	}
	reasons[ET_REASON_STORE_LOST] += lost;
	reasons[ET_REASON_AHEAD] += ahead - lost;
	return lost > 0 ? tell_store_lost(verdict, first, one->ahead_until) : 0;
}

/* Of a life that has just begun only a part may be there yet: that would look like a fork. */
static bool
is_young_fork(const struct verdict *verdict)
{
	const struct et_life *life = verdict->life;
	const struct et_cut *cut = verdict->cut;

	return cut->time_ns != ET_TIME_NONE && cut->settle_ns > 0 &&
	       life->forks[life->fork_count - 1].start_ns >
		       et_time_plus(cut->time_ns, -cut->settle_ns);
}

static int
count_forked(struct verdict *verdict)
{
	const struct et_life *life = verdict->life;

	verdict->tally->reasons[ET_REASON_DELETED_DEVICE] += life->replaced;
	if (life->forked == 0)
		return 0;
	if (is_young_fork(verdict)) {
		verdict->tally->reasons[ET_REASON_AHEAD] += life->forked;
		return 0;
	}
	verdict->tally->reasons[ET_REASON_FORKED] += life->forked;
	if (et_verdict_is_asked(verdict, life->forked_first, life->forked_last))
		verdict->question->forked = true;
	return tell_run(verdict, ET_REASON_FORKED, life->forked_first, life->forked_last, NULL);
}

/* The device was deleted: where its aggregates ended nobody can say any more, so holes are judged
 * up to the last version seen. */
static int
judge_ended(struct verdict *verdict)
{
	const struct et_coverage *coverage = &verdict->life->coverage;
	uint64_t seen = et_coverage_count(coverage, 0, UINT64_MAX);

	verdict->stored = false;
	seen += verdict->life->forked + verdict->life->replaced;
	answer_seen(verdict, 0, UINT64_MAX, ET_REASON_DELETED_DEVICE,
		    verdict->older ? ET_RULE_OLDER_LIFE : ET_RULE_DEVICE_GONE);
	verdict->tally->reasons[ET_REASON_DELETED_DEVICE] += seen;
	if (verdict->older)
		verdict->tally->older_life += seen;
	return coverage->count > 0 ? et_verdict_judge(verdict, coverage,
						      coverage->spans[coverage->count - 1].last)
				   : 0;
}

static void
count_seen(const struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	const struct et_coverage *coverage = &verdict->life->coverage;
	uint64_t *reasons = verdict->tally->reasons;
	uint64_t seen = et_coverage_count(coverage, 0, one->latest_version);
	uint64_t below = 0;

	answer_seen(verdict, 0, one->latest_version, ET_REASON_TRUNCATED, ET_RULE_TRUNCATED);
	answer_seen(verdict, one->first_version, one->latest_version, ET_REASON_MATCHED,
		    ET_RULE_ON_BOTH);
	if (verdict->cut->split) {
		if (one->first_version > one->latest_version)
			below = seen;
		else if (one->first_version > 0)
			below = et_coverage_count(coverage, 0, one->first_version - 1);
		reasons[ET_REASON_TRUNCATED] += below;
		reasons[ET_REASON_MATCHED] += seen - below;
	} else {
		reasons[ET_REASON_COVERED] += seen;
	}
}

static int
judge_service(struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	const struct et_coverage *coverage = &verdict->life->coverage;
	uint64_t *reasons = verdict->tally->reasons;

	/* docs/plgd.md, Service metadata: it is never published; should one be seen after all, the
	 * message has to stand in the sums. */
	if (et_verdict_is_asked(verdict, 0, one->latest_version)) {
		verdict->question->missing = true;
		verdict->question->rule = ET_RULE_SERVICE;
		verdict->question->finding = (struct et_finding){
			.reason = ET_REASON_NEVER_PUBLISHED,
			.time_ns = ET_TIME_NONE,
			.after_ns = ET_TIME_NONE,
			.before_ns = ET_TIME_NONE,
		};
	}
	answer_seen(verdict, 0, UINT64_MAX, ET_REASON_AHEAD, ET_RULE_AHEAD);
	reasons[ET_REASON_NEVER_PUBLISHED] +=
		one->latest_version + 1 - et_coverage_count(coverage, 0, one->latest_version);
	reasons[ET_REASON_AHEAD] += et_coverage_count(coverage, 0, UINT64_MAX) +
				    verdict->life->forked + verdict->life->replaced;
	return 0;
}

bool
et_stored_elsewhere(const struct et_life *life, const struct et_coverage *coverage,
		    uint64_t version, int64_t time_ns)
{
	const struct et_span *at = et_coverage_at(coverage, version);

	if (time_ns == ET_TIME_NONE)
		return false;
	if (life->start_ns != ET_TIME_NONE &&
	    time_ns < et_time_plus(life->start_ns, -ET_CLOCKS_APART_NS))
		return true;
	return at != NULL && time_ns > et_time_plus(at->last_time_ns, ET_CLOCKS_APART_NS);
}

/* Nothing of the aggregate was seen in the newest life, and what the store has of it may be of the
 * one before: the very event with which that one ended, or one that goes on from there. */
static bool
may_be_older(const struct et_case *one)
{
	const struct et_life *life = &one->lives[one->life_count - 1];
	const struct et_coverage *before;
	const struct et_span *last;
	int64_t apart;

	if (one->life_count < 2 || life->coverage.count > 0)
		return false;
	before = &one->lives[one->life_count - 2].coverage;
	if (before->count == 0)
		return false;
	last = &before->spans[before->count - 1];
	return (one->latest_version > last->last && !life->announced) ||
	       (one->latest_version == last->last &&
		!__builtin_sub_overflow(one->latest_time_ns, last->last_time_ns, &apart) &&
		apart <= SAME_SAVE_NS && apart >= -SAME_SAVE_NS);
}

/* The store is in another life, or on another branch, than the stream. */
static bool
is_elsewhere(const struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	const struct et_life *life = verdict->life;
	static const struct et_coverage nothing = { 0 };
	/* Numbers were used again where some are above the store's, or where others of the device
	 * were. */
	bool reused = seen_above(&life->coverage, one->latest_version) > 0 || life->fork_count > 0;

	return may_be_older(one) || et_stored_elsewhere(life, reused ? &life->coverage : &nothing,
							one->written_version, one->latest_time_ns);
}

static int
judge_elsewhere(struct verdict *verdict)
{
	static const struct et_coverage nothing = { 0 };
	const struct et_coverage *coverage = &verdict->life->coverage;

	verdict->tally->reasons[ET_REASON_DELETED_DEVICE] +=
		et_coverage_count(coverage, 0, UINT64_MAX) + verdict->life->forked +
		verdict->life->replaced;
	answer_seen(verdict, 0, UINT64_MAX, ET_REASON_DELETED_DEVICE, ET_RULE_STORE_ELSEWHERE);
	verdict->doubtful = true;
	return et_verdict_judge(verdict, &nothing, verdict->one->latest_version);
}

static int
judge_stored(struct verdict *verdict)
{
	const struct et_case *one = verdict->one;
	int r;

	verdict->tally->aggregates++;
	verdict->stored = true;
	if (one->family == ET_FAMILY_SERVICE)
		return judge_service(verdict);
	verdict->tally->expected += one->latest_version + 1;
	if (is_elsewhere(verdict))
		return judge_elsewhere(verdict);
	verdict->doubtful = one->facts->device_moved_on;
	count_seen(verdict);
	r = one->latest_version < UINT64_MAX ? count_ahead(verdict, one->latest_version + 1) : 0;
	if (r == 0)
		r = count_forked(verdict);
	return r < 0 ? r : et_verdict_judge(verdict, &verdict->life->coverage, one->latest_version);
}

/* In the newest life of a device that lives the aggregate was there a moment ago. */
static int
judge_gone(struct verdict *verdict)
{
	const struct et_coverage *coverage = &verdict->life->coverage;
	int r;

	verdict->stored = false;
	r = count_ahead(verdict, 0);
	if (r == 0)
		r = count_forked(verdict);
	return r < 0 || coverage->count == 0
		       ? r
		       : et_verdict_judge(verdict, coverage,
					  coverage->spans[coverage->count - 1].last);
}

static int
judge_newest(struct verdict *verdict)
{
	const struct et_facts *facts = verdict->one->facts;

	if (verdict->one->in_store)
		return judge_stored(verdict);
	if (!facts->device_moved_on && (facts->device_in_store || facts->device_owned))
		return judge_gone(verdict);
	return judge_ended(verdict);
}

/* ---- lives ---- */

/* What the facts say of one life: the device's links in it, and the aggregate's confirmations. */
struct life_facts {
	struct et_facts facts;
	struct et_linked_line links;
	struct et_orphan *orphans;
};

static void
select_facts(const struct verdict *verdict, struct life_facts *ret)
{
	const struct et_facts *all = verdict->one->facts;
	const struct et_life *life = verdict->life;
	bool oldest = life->start_ns == ET_TIME_NONE;
	const struct et_linked_life span = {
		.from_ns = life->start_ns,
		.to_ns = life->end_ns,
		.begins_unseen = oldest && verdict->cut->starts_late,
	};
	struct et_facts *facts = &ret->facts;

	*facts = *all;
	facts->born = all->born && oldest;
	et_linked_line_of(&all->links, &span, &ret->links);
	ret->orphans = et_calloc(all->orphan_count + 1, sizeof(*ret->orphans));
	facts->orphans = ret->orphans;
	facts->orphan_count = 0;
	for (size_t i = 0; i < all->orphan_count; i++) {
		const struct et_orphan *orphan = &all->orphans[i];

		if ((oldest || orphan->time_ns >= life->start_ns) &&
		    (life->end_ns == ET_TIME_NONE || orphan->time_ns < life->end_ns))
			ret->orphans[facts->orphan_count++] = *orphan;
	}
}

/* Whether the device lives, and what was saved of it, is not known. */
static void
count_not_shown(const struct verdict *verdict)
{
	const struct et_life *life = verdict->life;

	verdict->tally->reasons[ET_REASON_NOT_JUDGED] +=
		et_coverage_count(&life->coverage, 0, UINT64_MAX) + life->forked + life->replaced;
	/* Seen or not, nothing else is said of it. */
	if (et_verdict_is_asked(verdict, 0, UINT64_MAX)) {
		verdict->question->seen = true;
		verdict->question->seen_reason = ET_REASON_NOT_JUDGED;
		verdict->question->seen_rule = ET_RULE_NOT_SHOWN;
	}
}

static int
judge_life(struct verdict *verdict, size_t index)
{
	const struct et_case *one = verdict->one;
	struct life_facts mine;
	int r;

	verdict->life = &one->lives[index];
	verdict->older = index + 1 < one->life_count;
	if (one->facts->not_shown) {
		count_not_shown(verdict);
		return 0;
	}
	verdict->has_inside = verdict->doubtful = verdict->stored = false;
	select_facts(verdict, &mine);
	verdict->facts = &mine.facts;
	verdict->links = &mine.links;
	r = verdict->older ? judge_ended(verdict) : judge_newest(verdict);
	et_linked_line_done(&mine.links);
	free(mine.orphans);
	return r;
}

static int
judge_lives(struct verdict *verdict)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < verdict->one->life_count; i++)
		r = judge_life(verdict, i);
	return r;
}

void
et_judge_explain(const struct et_cut *cut, const struct et_case *one, struct et_question *question)
{
	struct et_tally tally = { 0 };
	struct verdict verdict = { .cut = cut, .one = one, .tally = &tally, .question = question };

	*question = (struct et_question){ .life = question->life, .version = question->version };
	(void)judge_lives(&verdict); /* without a sink nobody can end it */
}

int
et_judge(const struct et_cut *cut, const struct et_case *one, struct et_tally *tally,
	 et_finding_sink *sink, void *cookie)
{
	struct verdict verdict = {
		.cut = cut, .one = one, .tally = tally, .sink = sink, .cookie = cookie
	};

	tally->reasons[ET_REASON_DUPLICATE] += one->duplicates;
	tally->reasons[one->facts->not_shown ? ET_REASON_NOT_JUDGED : ET_REASON_DELETED_DEVICE] +=
		one->elsewhere;
	return judge_lives(&verdict);
}

bool
et_judge_wants_orphans(const struct et_cut *cut, const struct et_case *one)
{
	struct et_tally tally = { 0 };
	struct verdict verdict = { .cut = cut, .one = one, .tally = &tally };

	(void)judge_lives(&verdict); /* without a sink nobody can end it */
	return verdict.wants_orphans;
}
