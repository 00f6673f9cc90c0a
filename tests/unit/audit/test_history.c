// SPDX-License-Identifier: Apache-2.0
/*
 * Generated histories: an aggregate saves, its hub publishes, loses, repeats,
 * swaps and truncates, the stream forgets its beginning, the device may go.
 * The verdict is compared, version by version, with an oracle that knows the
 * rules in their plainest form, and with what really happened.
 */
#include "../et_test.h"

#include "audit/judge.h"
#include "base/clock.h"

#define HISTORIES 30000
#define VERSIONS_MAX 12
#define S ET_NS_PER_SECOND
#define SETTLE_S 100
#define CUT_S 5000

struct history {
	unsigned count; /* versions 0 ... count - 1 were saved */
	bool published[VERSIONS_MAX];
	bool archived[VERSIONS_MAX]; /* published, and not expired before the first archive */
	bool stored[VERSIONS_MAX];
	int64_t time_s[VERSIONS_MAX];
	uint64_t seq[VERSIONS_MAX];
	unsigned duplicates;
	unsigned beyond; /* versions saved after the store was read */
	bool in_store;
	bool born;
	bool has_noted;
	unsigned noted; /* latestversion, long ago */
	bool late;      /* the first archive is not the beginning of the stream */
	int64_t start_s;
};

static uint64_t
roll(uint64_t *seed, uint64_t sides)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % sides;
}

static struct history
generate(uint64_t *seed)
{
	struct history h = { .count = 1 + (unsigned)roll(seed, VERSIONS_MAX) };
	unsigned expired = roll(seed, 2) == 0 ? (unsigned)roll(seed, h.count + 1) : 0;
	unsigned truncated = (unsigned)roll(seed, h.count + 1);
	unsigned loss = (unsigned)roll(seed, 10);
	int64_t step_s = 1 + (int64_t)roll(seed, 500);

	h.in_store = roll(seed, 4) > 0;
	h.beyond = h.in_store && h.count > 1 ? (unsigned)roll(seed, 2) : 0;
	h.start_s = 100 + step_s * expired;
	for (unsigned i = 0; i < h.count; i++) {
		h.time_s[i] = 100 + step_s * i + 1;
		h.seq[i] = 1 + 2 * i;
		h.published[i] = roll(seed, 10) >= loss;
		h.archived[i] = h.published[i] && i >= expired;
		h.stored[i] = i >= truncated;
		if (h.archived[i])
			h.duplicates += roll(seed, 8) == 0;
	}
	for (unsigned i = expired; i + 1 < h.count; i++) {
		/* two replicas: the later one is published first */
		if (roll(seed, 8) == 0) {
			uint64_t seq = h.seq[i];

			h.seq[i] = h.seq[i + 1];
			h.seq[i + 1] = seq;
		}
	}
	h.has_noted = roll(seed, 3) == 0;
	h.noted = (unsigned)roll(seed, h.count - h.beyond);
	h.late = expired > 0;
	h.born = expired == 0 && roll(seed, 2) == 0;
	return h;
}

/* ---- the oracle ---- */

static enum et_reason
reason_of(const struct history *h, unsigned version)
{
	unsigned top = h->count - h->beyond;
	unsigned above = version + 1;
	bool proved = h->born;
	int64_t upper_s;

	if (h->archived[version])
		return version < top ? ET_REASON_COVERED : ET_REASON_AHEAD;
	for (unsigned i = 0; i <= version; i++) {
		proved |= h->archived[i]; /* something below was seen */
		proved |= h->in_store && h->stored[i] && h->time_s[i] > h->start_s + SETTLE_S;
	}
	while (above < h->count && !h->archived[above])
		above++;
	if (!h->in_store && above == h->count)
		return ET_REASON_COUNT; /* nobody can know of it */
	if (version >= top)
		return ET_REASON_COUNT; /* the store did not show it yet */
	if (!proved)
		return ET_REASON_BEFORE_HORIZON;
	upper_s = above < h->count ? h->time_s[above] : h->time_s[top - 1];
	/* what was noted is of the store */
	if (h->in_store && h->has_noted && version <= h->noted)
		return ET_REASON_LOST;
	return upper_s > CUT_S - SETTLE_S ? ET_REASON_IN_FLIGHT : ET_REASON_LOST;
}

/* ---- the comparison ---- */

struct check {
	const struct history *history;
	unsigned lost;
};

static int
sink(void *cookie, const struct et_finding *finding)
{
	struct check *check = cookie;
	const struct history *h = check->history;

	assert_int_equal(finding->reason, ET_REASON_LOST);
	assert_in_range(finding->version, 0, h->count - 1);
	assert_false(h->published[finding->version]); /* no false alarm */
	assert_int_equal(reason_of(h, (unsigned)finding->version), ET_REASON_LOST);
	assert_int_equal(finding->recoverable, h->in_store && h->stored[finding->version]
						       ? ET_RECOVERABLE_EXACT
						       : ET_RECOVERABLE_SUPERSEDED);
	assert_int_equal(finding->lost_deleted, !h->in_store);
	/* it happened in its bracket */
	if (finding->time_ns != ET_TIME_NONE)
		assert_int_equal(finding->time_ns, h->time_s[finding->version] * S);
	assert_true(finding->after_ns < h->time_s[finding->version] * S);
	assert_true(finding->before_ns >= h->time_s[finding->version] * S);
	check->lost++;
	return 0;
}

/* Whoever asks gets the oracle's reason. */
static void
assert_explained(const struct history *h, const struct et_cut *cut, const struct et_case *one,
		 unsigned version)
{
	struct et_question question = { .version = version };
	enum et_reason want = version < h->count ? reason_of(h, version) : ET_REASON_COUNT;

	et_judge_explain(cut, one, &question);
	assert_int_equal(question.seen, version < h->count && h->archived[version]);
	assert_int_equal(question.missing, !question.seen && want != ET_REASON_COUNT);
	if (question.missing)
		assert_int_equal(question.finding.reason, want);
	else if (question.seen && !h->in_store)
		assert_int_equal(question.seen_reason, ET_REASON_DELETED_DEVICE);
	else if (question.seen && want == ET_REASON_AHEAD)
		assert_int_equal(question.seen_reason, ET_REASON_AHEAD);
	else if (question.seen)
		assert_int_equal(question.seen_reason, ET_REASON_MATCHED); /* first_version is 0 */
}

static void
judge(const struct history *h, struct et_tally *tally, struct check *check)
{
	const struct et_cut cut = { .start_time_ns = h->start_s * S,
				    .starts_late = h->late,
				    .time_ns = CUT_S * S,
				    .has_lag = true,
				    .settle_ns = SETTLE_S * S };
	const struct et_link_event added = { .effect = ET_LINK_ADDED };
	const struct et_facts facts = { .born = h->born,
					.href_known = true,
					.links = { .events = &added,
						   .event_count = 1,
						   .stored = h->in_store,
						   .linked = true } };
	struct et_copy list[VERSIONS_MAX];
	struct et_copies copies = { .list = list };
	struct et_life life = { .start_ns = ET_TIME_NONE, .end_ns = ET_TIME_NONE };
	struct et_case one = { .family = ET_FAMILY_RESOURCE,
			       .in_store = h->in_store,
			       .latest_version = h->count - h->beyond - 1,
			       .latest_time_ns = h->time_s[h->count - h->beyond - 1] * S,
			       .written_version = h->count - h->beyond - 1,
			       .lives = &life,
			       .life_count = 1,
			       .duplicates = h->duplicates,
			       .has_noted = h->has_noted,
			       .noted_latest = h->noted,
			       .copies = &copies,
			       .facts = &facts };

	for (unsigned i = 0; i < h->count; i++) {
		if (h->archived[i])
			(void)et_coverage_add(&life.coverage, i, h->time_s[i] * S, h->seq[i]);
		if (h->in_store && h->stored[i])
			list[copies.count++] = (struct et_copy){ .version = i,
								 .form = ET_RECOVERABLE_EXACT,
								 .kind = ET_KIND_RESOURCE_CHANGED,
								 .time_ns = h->time_s[i] * S };
	}
	assert_int_equal(et_judge(&cut, &one, tally, sink, check), 0);
	for (unsigned i = 0; i < VERSIONS_MAX; i++)
		assert_explained(h, &cut, &one, i);
	et_coverage_done(&life.coverage);
}

static void
every_version_of_every_history_gets_its_reason(void **state ET_UNUSED)
{
	uint64_t seed = 20261125;
	struct et_tally sum = { 0 };

	for (unsigned n = 0; n < HISTORIES; n++) {
		const struct history h = generate(&seed);
		struct check check = { .history = &h };
		uint64_t want[ET_REASON_COUNT + 1] = { [ET_REASON_DUPLICATE] = h.duplicates };
		struct et_tally tally = { 0 };

		for (unsigned i = 0; i < h.count; i++) {
			enum et_reason reason = reason_of(&h, i);

			if (reason == ET_REASON_COVERED && !h.in_store)
				reason = ET_REASON_DELETED_DEVICE;
			want[reason]++;
			tally.messages += h.archived[i];
		}
		tally.messages += h.duplicates;
		judge(&h, &tally, &check);
		assert_int_equal(check.lost, want[ET_REASON_LOST]);
		assert_true(et_tally_holds(&tally, false, NULL));
		for (unsigned i = 0; i < ET_REASON_COUNT; i++)
			if (tally.reasons[i] + tally.deleted[i] != want[i])
				fail_msg("history %u: %s is %ju, not %ju", n,
					 et_reason_info((enum et_reason)i)->name,
					 (uintmax_t)(tally.reasons[i] + tally.deleted[i]),
					 (uintmax_t)want[i]);
		et_tally_add(&sum, &tally);
	}
	/* They were histories worth the trouble. */
	assert_true(et_tally_holds(&sum, false, NULL));
	assert_true(sum.lost_in_store > HISTORIES / 10 && sum.lost_deleted > HISTORIES / 100);
	assert_true(sum.reasons[ET_REASON_IN_FLIGHT] > HISTORIES / 100);
	assert_true(sum.reasons[ET_REASON_BEFORE_HORIZON] > HISTORIES / 100);
	assert_true(sum.deleted[ET_REASON_BEFORE_HORIZON] > HISTORIES / 100);
	assert_true(sum.reasons[ET_REASON_AHEAD] > HISTORIES / 100);
	assert_true(sum.recoverable[ET_RECOVERABLE_EXACT] > HISTORIES / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_of_every_history_gets_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
