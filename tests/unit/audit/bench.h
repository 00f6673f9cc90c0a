/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the decision table share: one aggregate, in memory, with
 * all that its case borrows, judged and compared with the sums.
 */
#ifndef ET_TEST_AUDIT_BENCH_H
#define ET_TEST_AUDIT_BENCH_H

#include "../et_test.h"

#include "audit/judge.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND
#define CUT_S 100000
#define SETTLE_S 600
#define START_S 1000
#define LISTED_MAX 64
#define LIVES_MAX 4
#define LINK_EVENTS_MAX 8
#define NEXT_LIFE_S 20000

/* What the sink was told. */
struct told {
	struct et_finding list[LISTED_MAX];
	uint64_t count;
	uint64_t stop_at; /* 0: never */
};

static inline int
sink(void *cookie, const struct et_finding *finding)
{
	struct told *told = cookie;

	if (told->count < LISTED_MAX)
		told->list[told->count] = *finding;
	told->count++;
	return told->stop_at > 0 && told->count == told->stop_at ? ET_CANCELED : 0;
}

/* A case with all that it borrows. Times of versions: version v at START + 10000 + v seconds,
 * sequence 100 + v; in each life that follows 20000 s and 1000 sequences later. */
struct bench {
	struct et_cut cut;
	struct et_life life; /* the newest */
	struct et_life lives[LIVES_MAX];
	struct et_device_epoch forks[2];
	struct et_turn turns[2];
	struct et_copy copy_list[8];
	struct et_copies copies;
	struct et_link_event link_events[LINK_EVENTS_MAX];
	struct et_orphan orphan;
	struct et_facts facts;
	struct et_case one;
	bool apart; /* the document written last is not that with the highest version */
	struct et_tally tally;
	struct told told;
};

static inline int64_t
time_in(unsigned life, uint64_t version)
{
	return (START_S + 10000 + NEXT_LIFE_S * (int64_t)life + (int64_t)version) * S;
}

static inline int64_t
time_of(uint64_t version)
{
	return time_in(0, version);
}

static inline void
see(struct bench *bench, uint64_t version)
{
	unsigned life = bench->life.number;

	assert_true(et_coverage_add(&bench->life.coverage, version, time_in(life, version),
				    1000 * life + 100 + version));
}

static inline void
see_all(struct bench *bench, const char *seen)
{
	for (uint64_t i = 0; seen[i] != '\0'; i++)
		if (seen[i] == '#')
			see(bench, i);
}

/* The device's links in all its lives, and in the store, which ends with the newest of them. */
static inline void
set_link_events(struct bench *bench, const struct et_link_event *events, size_t count, bool linked)
{
	const struct et_link_event *last = &events[count - 1];

	assert_in_range(count, 1, LINK_EVENTS_MAX);
	memcpy(bench->link_events, events, count * sizeof(*events));
	bench->facts.links = (struct et_links){ .events = bench->link_events,
						.event_count = count,
						.stored = true,
						.linked = linked,
						.latest_version = last->version,
						.latest_ns = last->time_ns };
}

/* A resource in the store, latest version 9, of which the stream shows what the text says: '#'
 * seen, '.' not. Its device was not born inside, its href has been linked before (sequence 10). The
 * clocks agree. */
static inline void
set_up(struct bench *bench, const char *seen)
{
	static const struct et_link_event added = { 10, START_S * S, 0, ET_LINK_ADDED };

	*bench = (struct bench){
		.cut = { .start_time_ns = START_S * S,
			 .time_ns = CUT_S * S,
			 .has_lag = true,
			 .settle_ns = SETTLE_S * S },
		.life = { .start_ns = ET_TIME_NONE, .end_ns = ET_TIME_NONE },
		.facts = { .device_in_store = true, .href_known = true },
		.one = { .device = { { 1 } },
			 .aggregate = { { 2 } },
			 .family = ET_FAMILY_RESOURCE,
			 .in_store = true,
			 .latest_version = 9,
			 .first_version = 9,
			 .latest_time_ns = time_of(9),
			 .life_count = 1 },
	};
	see_all(bench, seen);
	set_link_events(bench, &added, 1, true);
	bench->copies.list = bench->copy_list;
	bench->facts.orphans = &bench->orphan;
	bench->life.forks = bench->forks;
	bench->life.turns = bench->turns;
	bench->one.lives = bench->lives;
	bench->one.copies = &bench->copies;
	bench->one.facts = &bench->facts;
}

/* The device was deleted and onboarded again, at the time and position that its version 0 would
 * have; the store's newest document is of this life, and so are its links: linked, or not, as
 * before. */
static inline void
next_life(struct bench *bench, const char *seen)
{
	unsigned number = bench->life.number + 1;
	struct et_life *older = &bench->lives[bench->one.life_count - 1];
	struct et_links *links = &bench->facts.links;

	assert_true(number < LIVES_MAX && links->event_count < LINK_EVENTS_MAX);
	bench->link_events[links->event_count] =
		(struct et_link_event){ .seq = 1000 * number + 90,
					.time_ns = time_in(number, 0),
					.effect = links->linked ? ET_LINK_ADDED : ET_LINK_OTHER };
	links->event_count++;
	links->latest_version = 0;
	links->latest_ns = time_in(number, 0);
	*older = bench->life;
	older->end_ns = time_in(number, 0);
	bench->one.life_count++;
	bench->life = (struct et_life){ .number = number,
					.start_ns = time_in(number, 0),
					.start = 1000 * number + 100,
					.end_ns = ET_TIME_NONE,
					.forks = bench->forks,
					.turns = bench->turns };
	bench->one.latest_time_ns = time_in(number, bench->one.latest_version);
	see_all(bench, seen);
}

/* The device's epoch in which the store went back, or may have, begins with this version's time. */
static inline struct et_life *
fork_at(struct bench *bench, enum et_beginning beginning, uint64_t version)
{
	bench->forks[bench->life.fork_count++] =
		(struct et_device_epoch){ .number = 1,
					  .start_ns = time_in(bench->life.number, version),
					  .start = 1000 * bench->life.number + 100 + version,
					  .beginning = beginning };
	return &bench->life;
}

/* The store went back at the time of version 5: it took 5 ... 9 back, and used them again. */
static inline void
set_up_fork(struct bench *b, enum et_beginning beginning)
{
	struct et_life *life;

	set_up(b, "##########");
	life = fork_at(b, beginning, 5);
	if (beginning == ET_BEGINNING_FORK) {
		life->forked = 3;
		life->forked_first = 5;
		life->forked_last = 8;
	} else {
		life->replaced = 3;
	}
}

static inline void
copy(struct bench *bench, uint64_t version, enum et_recoverable form, enum et_kind kind,
     int64_t time_ns)
{
	bench->copy_list[bench->copies.count++] = (struct et_copy){
		.version = version, .form = form, .kind = kind, .time_ns = time_ns
	};
}

static inline void
orphan(struct bench *bench, uint64_t version)
{
	bench->orphan = (struct et_orphan){ .seq = 100 + version,
					    .time_ns = time_of(version),
					    .version = version,
					    .kind = ET_KIND_UPDATED };
	bench->facts.orphan_count = 1;
}

/* Its href was never linked. */
static inline void
unlinked(struct bench *bench)
{
	static const struct et_link_event other = { 10, START_S * S, 0, ET_LINK_OTHER };

	set_link_events(bench, &other, 1, false);
}

static inline uint64_t
messages_of(const struct et_life *life)
{
	return et_coverage_count(&life->coverage, 0, UINT64_MAX) + life->forked + life->replaced;
}

/* What the case borrows is as the test left it. */
static inline void
complete(struct bench *bench)
{
	bench->lives[bench->one.life_count - 1] = bench->life;
	if (!bench->apart)
		bench->one.written_version = bench->one.latest_version;
}

static inline int
judge_only(struct bench *bench, et_finding_sink *listener)
{
	complete(bench);
	return et_judge(&bench->cut, &bench->one, &bench->tally, listener, &bench->told);
}

static inline void
clean_up(struct bench *bench)
{
	for (size_t i = 0; i + 1 < bench->one.life_count; i++)
		et_coverage_done(&bench->lives[i].coverage);
	et_coverage_done(&bench->life.coverage);
}

/* ---- explanations ---- */

#define EXPLAINED_MAX 40 /* versions */

static inline struct et_question
ask(struct bench *bench, unsigned life, uint64_t version)
{
	struct et_question question = { .life = life, .version = version };

	complete(bench);
	et_judge_explain(&bench->cut, &bench->one, &question);
	assert_int_equal(question.life, life);
	assert_int_equal(question.version, version);
	return question;
}

/* What is explained is what was told. */
static inline void
assert_told(const struct told *told, const struct et_finding *want)
{
	for (uint64_t i = 0; i < told->count && i < LISTED_MAX; i++) {
		const struct et_finding *one = &told->list[i];

		if (one->reason == want->reason && one->life == want->life &&
		    one->version == want->version && one->last_version == want->last_version &&
		    one->older == want->older && one->recoverable == want->recoverable &&
		    one->kind == want->kind && one->time_ns == want->time_ns &&
		    one->after_ns == want->after_ns && one->before_ns == want->before_ns &&
		    one->after_seq == want->after_seq && one->before_seq == want->before_seq &&
		    one->lost_deleted == want->lost_deleted)
			return;
	}
	fail_msg("version %ju is %s for the one who asks, and was not told so",
		 (uintmax_t)want->version, et_reason_info(want->reason)->name);
}

static inline void
explain_life(struct bench *bench, const struct et_life *life, uint64_t counts[ET_REASON_COUNT])
{
	for (uint64_t v = 0; v < EXPLAINED_MAX; v++) {
		struct et_question question = ask(bench, life->number, v);

		assert_int_equal(question.seen, et_coverage_has(&life->coverage, v));
		if (question.seen)
			counts[question.seen_reason]++;
		if (!question.missing)
			continue;
		counts[question.finding.reason]++;
		assert_in_range(v, question.gap_first, question.gap_last);
		assert_true(question.hidden <= question.gap_last - question.gap_first + 1);
		if (et_reason_info(question.finding.reason)->listed)
			assert_told(&bench->told, &question.finding);
	}
}

/* Whoever asks for each version of an aggregate gets the counts that the verdict has. */
static inline void
assert_explained(struct bench *bench)
{
	uint64_t counts[ET_REASON_COUNT] = { 0 };
	uint64_t taken = 0; /* messages that no version of any life stands for */
	const struct et_tally *tally = &bench->tally;

	for (size_t i = 0; i < bench->one.life_count; i++) {
		const struct et_life *life = &bench->lives[i];

		if (et_coverage_count(&life->coverage, EXPLAINED_MAX, UINT64_MAX) > 0)
			return;
		explain_life(bench, life, counts);
		taken += life->forked + life->replaced;
	}
	for (unsigned i = ET_REASON_LOST; i < ET_REASON_NEVER_PUBLISHED; i++)
		assert_int_equal(counts[i], tally->reasons[i] + tally->deleted[i]);
	assert_int_equal(counts[ET_REASON_STORE_LOST], tally->reasons[ET_REASON_STORE_LOST]);
	assert_int_equal(counts[ET_REASON_MATCHED] + counts[ET_REASON_TRUNCATED],
			 et_tally_covered(tally));
	if (bench->cut.split)
		assert_int_equal(counts[ET_REASON_MATCHED], tally->reasons[ET_REASON_MATCHED]);
	assert_int_equal(counts[ET_REASON_AHEAD] + counts[ET_REASON_DELETED_DEVICE] + taken +
				 bench->one.elsewhere,
			 tally->reasons[ET_REASON_AHEAD] + tally->reasons[ET_REASON_FORKED] +
				 tally->reasons[ET_REASON_DELETED_DEVICE]);
}

/* A tally is added to: judged once more, every number is there twice. */
static inline void
assert_added(struct bench *bench)
{
	struct et_tally twice = bench->tally;
	struct et_tally want = bench->tally;

	et_tally_add(&want, &bench->tally);
	assert_int_equal(et_judge(&bench->cut, &bench->one, &twice, NULL, NULL), 0);
	assert_memory_equal(&twice, &want, sizeof(want));
}

/* Judges: every sum holds, and every version is explained as it was judged. */
static inline void
judge(struct bench *bench)
{
	uint64_t older = 0;

	assert_int_equal(judge_only(bench, sink), 0);
	assert_added(bench);
	for (size_t i = 0; i + 1 < bench->one.life_count; i++)
		older += messages_of(&bench->lives[i]);
	bench->tally.messages =
		older + messages_of(&bench->life) + bench->one.elsewhere + bench->one.duplicates;
	assert_int_equal(bench->tally.older_life, older);
	assert_true(et_tally_holds(&bench->tally, bench->cut.split, NULL));
	if (bench->one.family != ET_FAMILY_SERVICE &&
	    (!bench->one.in_store || bench->one.latest_version < EXPLAINED_MAX))
		assert_explained(bench);
	clean_up(bench);
}

/* Judges; `count` versions have the reason. */
static inline void
expect(struct bench *bench, enum et_reason reason, uint64_t count)
{
	judge(bench);
	assert_int_equal(bench->tally.reasons[reason], count);
}

#endif
