// SPDX-License-Identifier: Apache-2.0
/* The decision table, row by row: one aggregate each, in memory. */
#include "../et_test.h"

#include "audit/judge.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND
#define CUT_S 100000
#define SETTLE_S 600
#define START_S 1000
#define LISTED_MAX 64

/* What the sink was told. */
struct told {
	struct et_finding list[LISTED_MAX];
	uint64_t count;
	uint64_t stop_at; /* 0: never */
};

static int
sink(void *cookie, const struct et_finding *finding)
{
	struct told *told = cookie;

	if (told->count < LISTED_MAX)
		told->list[told->count] = *finding;
	told->count++;
	return told->stop_at > 0 && told->count == told->stop_at ? ET_CANCELED : 0;
}

/* A case with all that it borrows. Times of versions: version v at START + 10000 + v seconds,
 * sequence 100 + v. */
struct bench {
	struct et_cut cut;
	struct et_coverage coverage;
	struct et_copy copy_list[8];
	struct et_copies copies;
	struct et_link_change changes[4];
	struct et_orphan orphan;
	struct et_facts facts;
	struct et_case one;
	struct et_tally tally;
	struct told told;
};

static int64_t
time_of(uint64_t version)
{
	return (START_S + 10000 + (int64_t)version) * S;
}

static void
see(struct bench *bench, uint64_t version)
{
	assert_int_equal(
		et_coverage_add(&bench->coverage, version, time_of(version), 100 + version),
		ET_COVERAGE_NEW);
}

/* A resource in the store, latest version 9, of which the stream shows what the text says: '#'
 * seen, '.' not. Its device was not born inside, its href has been linked before (sequence 10). */
static void
set_up(struct bench *bench, const char *seen)
{
	*bench = (struct bench){
		.cut = { .start_time_ns = START_S * S,
			 .time_ns = CUT_S * S,
			 .settle_ns = SETTLE_S * S },
		.changes = { { .seq = 10, .time_ns = START_S * S, .linked = true } },
		.facts = { .device_in_store = true,
			   .href_known = true,
			   .links_known = true,
			   .links_complete = true,
			   .linked_in_store = true,
			   .change_count = 1 },
		.one = { .device = { { 1 } },
			 .aggregate = { { 2 } },
			 .family = ET_FAMILY_RESOURCE,
			 .in_store = true,
			 .latest_version = 9,
			 .first_version = 9,
			 .latest_time_ns = (START_S + 20000) * S },
	};
	for (uint64_t i = 0; seen[i] != '\0'; i++)
		if (seen[i] == '#')
			see(bench, i);
	bench->copies.list = bench->copy_list;
	bench->facts.changes = bench->changes;
	bench->facts.orphans = &bench->orphan;
	bench->one.coverage = &bench->coverage;
	bench->one.copies = &bench->copies;
	bench->one.facts = &bench->facts;
}

static void
copy(struct bench *bench, uint64_t version, enum et_recoverable form, enum et_kind kind,
     int64_t time_ns)
{
	bench->copy_list[bench->copies.count++] = (struct et_copy){
		.version = version, .form = form, .kind = kind, .time_ns = time_ns
	};
}

static void
orphan(struct bench *bench, uint64_t version)
{
	bench->orphan = (struct et_orphan){ .seq = 100 + version,
					    .version = version,
					    .kind = ET_KIND_UPDATED };
	bench->facts.orphan_count = 1;
}

static void
unlinked(struct bench *bench)
{
	bench->facts.change_count = 0;
	bench->facts.linked_in_store = false;
}

static void
judge(struct bench *bench)
{
	assert_int_equal(et_judge(&bench->cut, &bench->one, &bench->tally, sink, &bench->told), 0);
	bench->tally.messages = et_coverage_count(&bench->coverage, 0, UINT64_MAX) +
				bench->one.older_versions + bench->one.duplicates;
	if (bench->one.older_versions > 0)
		assert_int_equal(bench->tally.older_life, bench->one.older_versions);
	assert_true(et_tally_holds(&bench->tally, bench->cut.split, NULL));
	et_coverage_done(&bench->coverage);
}

/* Judges; `count` versions have the reason. */
static void
expect(struct bench *bench, enum et_reason reason, uint64_t count)
{
	judge(bench);
	assert_int_equal(bench->tally.reasons[reason], count);
}

/* ---- what is on the stream ---- */

static void
full_cover_is_covered(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	expect(&b, ET_REASON_COVERED, 10);
	assert_int_equal(b.tally.expected, 10);
	assert_int_equal(b.tally.aggregates, 1);
	assert_int_equal(b.told.count, 0);
}

static void
the_split_parts_what_is_stored_from_what_was_truncated(void **state ET_UNUSED)
{
	static const struct {
		uint64_t first_version;
		uint64_t matched;
		uint64_t truncated;
	} rows[] = { { 0, 9, 0 }, { 1, 8, 1 },  { 5, 5, 4 },
		     { 9, 1, 8 }, { 10, 0, 9 }, { UINT64_MAX, 0, 9 } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		b.cut.split = true;
		b.one.first_version = rows[i].first_version;
		expect(&b, ET_REASON_MATCHED, rows[i].matched);
		assert_int_equal(b.tally.reasons[ET_REASON_TRUNCATED], rows[i].truncated);
		assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 0);
	}
}

static void
the_short_way_counts_the_same(void **state ET_UNUSED)
{
	for (uint64_t first = 0; first < 12; first++) {
		for (int split = 0; split < 2; split++) {
			struct et_tally tally = { 0 };
			struct bench b;

			set_up(&b, "############");
			b.one.first_version = first;
			b.cut.split = split == 1;
			judge(&b);
			et_judge_covered(9, first, 11, split == 1, &tally);
			tally.messages = b.tally.messages;
			assert_memory_equal(&tally, &b.tally, sizeof(tally));
		}
	}
}

static void
what_is_newer_than_the_store_showed_is_ahead(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########.##");
	expect(&b, ET_REASON_AHEAD, 2);
	assert_int_equal(b.tally.reasons[ET_REASON_COVERED], 10);
	assert_int_equal(b.told.count, 0);
}

static void
duplicates_and_older_lives_are_counted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	b.one.duplicates = 3;
	b.one.older_epochs = 1;
	b.one.older_versions = 7;
	expect(&b, ET_REASON_DUPLICATE, 3);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 7);
}

static void
service_metadata_is_never_published_and_not_expected(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.one.family = ET_FAMILY_SERVICE;
	expect(&b, ET_REASON_NEVER_PUBLISHED, 10);
	assert_int_equal(b.tally.expected, 0);
	assert_int_equal(b.tally.aggregates, 1);
	set_up(&b, "#");
	b.one.family = ET_FAMILY_SERVICE;
	expect(&b, ET_REASON_AHEAD, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_NEVER_PUBLISHED], 9);
}

static void
the_last_possible_version_is_no_trap(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	see(&b, UINT64_MAX);
	b.one.latest_version = UINT64_MAX - 1;
	b.one.family = ET_FAMILY_METADATA;
	assert_int_equal(et_judge(&b.cut, &b.one, &b.tally, NULL, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], UINT64_MAX - 10);
	assert_int_equal(b.tally.reasons[ET_REASON_AHEAD], 1);
	b.tally = (struct et_tally){ 0 };
	b.one.latest_version = UINT64_MAX;
	assert_int_equal(et_judge(&b.cut, &b.one, &b.tally, NULL, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], UINT64_MAX - 10);
	et_coverage_done(&b.coverage);
}

/* ---- lost, and what can be recovered ---- */

static void
a_hole_between_two_seen_versions_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.tally.lost_in_store, 2);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 2);
	assert_int_equal(b.told.count, 2);
	for (uint64_t i = 0; i < 2; i++) {
		const struct et_finding *finding = &b.told.list[i];

		assert_int_equal(finding->reason, ET_REASON_LOST);
		assert_int_equal(finding->recoverable, ET_RECOVERABLE_SUPERSEDED);
		assert_int_equal(finding->device.bytes[0], 1);
		assert_int_equal(finding->aggregate.bytes[0], 2);
		assert_int_equal(finding->version, 3 + i);
		assert_int_equal(finding->kind, ET_KIND_UNKNOWN);
		assert_int_equal(finding->time_ns, ET_TIME_NONE);
		assert_int_equal(finding->after_ns, time_of(2));
		assert_int_equal(finding->before_ns, time_of(5));
		assert_int_equal(finding->after_seq, 102);
		assert_int_equal(finding->before_seq, 105);
		assert_int_equal(finding->seq, 0);
		assert_false(finding->lost_deleted);
	}
}

static void
versions_up_to_latestversion_are_lost_behind_the_last_one_seen(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.told.list[0].after_seq, 107);
	assert_int_equal(b.told.list[0].before_seq, 0);
	assert_int_equal(b.told.list[0].before_ns, (START_S + 20000) * S);
}

static void
the_time_of_a_tail_may_be_unknown(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#########.");
	b.one.latest_time_ns = ET_TIME_NONE;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.list[0].before_ns, ET_TIME_NONE);
}

static void
every_form_of_a_copy_is_told(void **state ET_UNUSED)
{
	static const struct {
		enum et_recoverable form;
		enum et_kind kind; /* as told */
		int64_t time_ns;
		int64_t before_ns;
	} rows[] = {
		{ ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 11004 * S, 11005 * S },
		{ ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, 11004 * S, 11005 * S },
		/* The snapshot says when at the latest; what it replaced is not known. */
		{ ET_RECOVERABLE_SNAPSHOT, ET_KIND_UNKNOWN, ET_TIME_NONE, 11004 * S },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		copy(&b, 4, rows[i].form, ET_KIND_RESOURCE_CHANGED, time_of(4));
		expect(&b, ET_REASON_LOST, 1);
		assert_int_equal(b.tally.recoverable[rows[i].form], 1);
		assert_int_equal(b.told.list[0].recoverable, rows[i].form);
		assert_int_equal(b.told.list[0].kind, rows[i].kind);
		assert_int_equal(b.told.list[0].time_ns, rows[i].time_ns);
		assert_int_equal(b.told.list[0].before_ns, rows[i].before_ns);
	}
}

static void
a_snapshot_younger_than_the_bracket_does_not_widen_it(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "####.#####");
	copy(&b, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(7));
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(5));
	set_up(&b, "#########.");
	b.one.latest_time_ns = ET_TIME_NONE;
	copy(&b, 9, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(9));
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(9));
	set_up(&b, "####.#####");
	copy(&b, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, ET_TIME_NONE);
	judge(&b);
	assert_int_equal(b.told.list[0].before_ns, time_of(5));
}

static void
each_version_of_a_hole_has_its_own_copy(void **state ET_UNUSED)
{
	struct bench b;

	/* versions 2 ... 7 are missing; copies of 1 (seen), 3, 4, 7, 8 (seen) */
	set_up(&b, "##......##");
	copy(&b, 1, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(1));
	copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(3));
	copy(&b, 4, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, time_of(4));
	copy(&b, 7, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(7));
	copy(&b, 8, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(8));
	expect(&b, ET_REASON_LOST, 6);
	assert_int_equal(b.told.count, 6);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(b.told.list[i].version, 2 + i);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_EXACT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_REBUILT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SNAPSHOT], 1);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 3);
}

static void
sequences_that_are_swapped_still_make_a_bracket(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	/* v2 was published before v0: two replicas */
	(void)et_coverage_add(&b.coverage, 0, time_of(0), 300);
	(void)et_coverage_add(&b.coverage, 2, time_of(2), 200);
	b.one.latest_version = 2;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.told.list[0].after_seq, 200);
	assert_int_equal(b.told.list[0].before_seq, 300);
}

static void
the_sink_can_end_it(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "#..#..#..#");
	b.told.stop_at = 3;
	assert_int_equal(et_judge(&b.cut, &b.one, &b.tally, sink, &b.told), ET_CANCELED);
	assert_int_equal(b.told.count, 3);
	/* ... in front of a copy, at one, and behind the last one */
	for (uint64_t stop = 1; stop < 4; stop++) {
		b.told = (struct told){ .stop_at = stop };
		b.copies.count = 0;
		copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(2));
		assert_int_equal(et_judge(&b.cut, &b.one, &b.tally, sink, &b.told), ET_CANCELED);
		assert_int_equal(b.told.count, stop);
	}
	et_coverage_done(&b.coverage);
}

static void
an_absurd_latestversion_is_counted_and_not_listed_for_ever(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##########");
	b.one.latest_version = INT64_MAX;
	expect(&b, ET_REASON_LOST, INT64_MAX - UINT64_C(9));
	assert_int_equal(b.told.count, ET_JUDGE_LISTED_MAX);
}

static void
nothing_is_told_where_nobody_listens(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "####.#####");
	assert_int_equal(et_judge(&b.cut, &b.one, &b.tally, NULL, NULL), 0);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], 1);
	et_coverage_done(&b.coverage);
}

/* ---- head ---- */

static void
below_the_first_version_seen_is_before_the_horizon(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "...#######");
	expect(&b, ET_REASON_BEFORE_HORIZON, 3);
	set_up(&b, "");
	expect(&b, ET_REASON_BEFORE_HORIZON, 10);
	assert_int_equal(b.told.count, 0);
}

static void
of_a_device_born_inside_the_head_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "...#######");
	b.facts.born = true;
	expect(&b, ET_REASON_LOST, 3);
	assert_int_equal(b.told.list[0].after_ns, ET_TIME_NONE);
	assert_int_equal(b.told.list[0].after_seq, 0);
	assert_int_equal(b.told.list[0].before_seq, 103);
}

static void
a_stored_copy_with_a_time_inside_proves_itself_and_what_is_above(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, ".....#####");
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, (START_S - 1) * S);
	copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, (START_S + SETTLE_S + 1) * S);
	expect(&b, ET_REASON_LOST, 3); /* 2, and 3 and 4 above it */
	assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], 2);
	assert_int_equal(b.told.list[0].version, 2);
}

static void
a_stored_copy_from_the_first_minutes_proves_nothing(void **state ET_UNUSED)
{
	static const int64_t times_s[] = { START_S - 1, START_S, START_S + 1, START_S + SETTLE_S };

	for (size_t i = 0; i < ET_COUNT(times_s); i++) {
		struct bench b;

		set_up(&b, ".....#####");
		copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, times_s[i] * S);
		expect(&b, ET_REASON_BEFORE_HORIZON, 5);
	}
}

static void
a_copy_of_a_version_that_was_seen_proves_what_is_above(void **state ET_UNUSED)
{
	struct bench b;

	/* an embedded event of version 0 with a time inside, and nothing at all on the stream */
	set_up(&b, "");
	copy(&b, 0, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, (START_S + SETTLE_S) * S + 1);
	expect(&b, ET_REASON_LOST, 10);
}

static void
where_nothing_is_archived_nothing_is_inside(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "");
	b.cut.start_time_ns = ET_TIME_NONE;
	copy(&b, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, time_of(2));
	expect(&b, ET_REASON_BEFORE_HORIZON, 10);
}

static void
absurd_times_do_not_overflow(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..########");
	b.cut.start_time_ns = INT64_MAX - 1;
	b.cut.settle_ns = INT64_MAX;
	b.cut.time_ns = INT64_MIN + 1;
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, INT64_MAX);
	expect(&b, ET_REASON_BEFORE_HORIZON, 2);
}

static void
without_a_time_of_the_cut_nothing_is_young(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.#######");
	b.cut.time_ns = ET_TIME_NONE;
	expect(&b, ET_REASON_LOST, 1);
}

/* ---- in flight ---- */

static void
a_hole_is_young_while_the_next_version_seen_is(void **state ET_UNUSED)
{
	static const struct {
		int64_t above_s;
		bool young;
	} rows[] = { { CUT_S - SETTLE_S - 1, false },
		     { CUT_S - SETTLE_S, false },
		     { CUT_S - SETTLE_S + 1, true } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###");
		(void)et_coverage_add(&b.coverage, 4, rows[i].above_s * S, 104);
		b.one.latest_version = 4;
		b.one.latest_time_ns = CUT_S * S; /* is not asked: the version above is older */
		expect(&b, ET_REASON_IN_FLIGHT, rows[i].young ? 1 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].young ? 0 : 1);
		assert_int_equal(b.told.count, rows[i].young ? 0 : 1);
	}
}

static void
a_tail_is_young_while_the_store_wrote_lately(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "########..");
	b.one.latest_time_ns = (CUT_S - SETTLE_S) * S + 1;
	expect(&b, ET_REASON_IN_FLIGHT, 2);
	set_up(&b, "########..");
	b.one.latest_time_ns = (CUT_S - SETTLE_S) * S;
	expect(&b, ET_REASON_LOST, 2);
}

static void
an_old_hole_below_a_young_tail_is_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.#####..");
	b.one.latest_time_ns = CUT_S * S;
	expect(&b, ET_REASON_LOST, 1);
	assert_int_equal(b.tally.reasons[ET_REASON_IN_FLIGHT], 2);
}

static void
what_is_in_flight_is_not_before_the_horizon(void **state ET_UNUSED)
{
	struct bench b;

	/* a new aggregate, its first version just stored */
	set_up(&b, "");
	b.one.latest_version = 0;
	b.one.latest_time_ns = CUT_S * S;
	copy(&b, 0, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, CUT_S * S);
	expect(&b, ET_REASON_IN_FLIGHT, 1);
}

/* ---- doubts ---- */

/* Versions 3 and 4 are missing between the sequences 102 and 105. */
static void
what_a_hole_of_the_archives_may_have_held_is_not_called_lost(void **state ET_UNUSED)
{
	static const struct {
		const char *seen;
		struct et_range hole;
		uint64_t versions;
		bool inside;
	} rows[] = {
		{ "###..#####", { 90, 101 }, 2, false }, { "###..#####", { 106, 200 }, 2, false },
		{ "###..#####", { 103, 103 }, 2, true }, { "###..#####", { 104, 104 }, 2, true },
		{ "###..#####", { 90, 500 }, 2, true },  { "########..", { 108, 108 }, 2, true },
		{ "########..", { 50, 106 }, 2, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_range range = rows[i].hole;
		struct et_seqset holes = { .ranges = &range, .count = 1, .capacity = 1 };
		struct bench b;

		set_up(&b, rows[i].seen);
		b.cut.holes = &holes;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].inside ? rows[i].versions : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST],
				 rows[i].inside ? 0 : rows[i].versions);
	}
}

/* Versions 3 and 4 are missing between the seconds START + 10002 and START + 10005. */
static void
what_nobody_watched_is_not_called_lost(void **state ET_UNUSED)
{
	static const struct {
		const char *seen;
		int64_t from_s;
		int64_t to_s;
		bool inside;
	} rows[] = {
		{ "###..#####", 0, 10001 - SETTLE_S, false },
		{ "###..#####", 0, 10002 - SETTLE_S, true },
		{ "###..#####", 10003, 10004, true },
		{ "###..#####", 10005 + SETTLE_S, 20000, true },
		{ "###..#####", 10006 + SETTLE_S, 20000, false },
		{ "########..", 10007, 10100, true },
		{ "########..", 0, 9000, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_blind blind = { (START_S + rows[i].from_s) * S,
						(START_S + rows[i].to_s) * S };
		struct bench b;

		set_up(&b, rows[i].seen);
		b.cut.blinds = &blind;
		b.cut.blind_count = 1;
		expect(&b, ET_REASON_UNVERIFIABLE_GAP, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
	}
}

static void
a_time_that_no_clock_has_had_decides_nothing(void **state ET_UNUSED)
{
	static const struct {
		int64_t latest_ns;
		enum et_reason reason;
	} rows[] = {
		{ (CUT_S + SETTLE_S + 3600) * S, ET_REASON_IN_FLIGHT },
		{ (CUT_S + SETTLE_S + 3601) * S, ET_REASON_UNDECIDED },
		{ INT64_MAX, ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "########..");
		b.one.latest_time_ns = rows[i].latest_ns;
		expect(&b, rows[i].reason, 2);
	}
}

static void
a_malformed_message_in_the_bracket_makes_it_undecided(void **state ET_UNUSED)
{
	static const struct {
		uint64_t first;
		uint64_t last;
		bool inside;
	} rows[] = {
		{ 50, 102, false }, { 50, 103, true },   { 103, 104, true },
		{ 104, 500, true }, { 105, 500, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		b.facts.malformed_in_device = true;
		b.facts.malformed_first_seq = rows[i].first;
		b.facts.malformed_last_seq = rows[i].last;
		expect(&b, ET_REASON_UNDECIDED, rows[i].inside ? 2 : 0);
		assert_int_equal(b.tally.reasons[ET_REASON_LOST], rows[i].inside ? 0 : 2);
		assert_int_equal(b.told.count, 2);
		assert_int_equal(b.told.list[0].recoverable, rows[i].inside
								     ? ET_RECOVERABLE_NOT_SAID
								     : ET_RECOVERABLE_SUPERSEDED);
	}
}

static void
of_a_later_life_what_is_missing_is_undecided(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..###.##..");
	b.one.older_epochs = 1;
	b.one.older_versions = 4;
	expect(&b, ET_REASON_UNDECIDED, 5);
	assert_int_equal(b.tally.reasons[ET_REASON_LOST], 0);
}

/* ---- forced commands ---- */

/* The link state of the href over the sequences 102 ... 105 (versions 3 and 4 are missing). */
enum links {
	LINKED,
	LINKED_STORE_ONLY,
	NOT_LINKED,
	GONE,
	UNKNOWN,
	LINKED_INSIDE,
	GONE_INSIDE,
	NO_HREF
};

static void
set_links(struct bench *b, enum links links)
{
	static const struct {
		size_t count;
		struct et_link_change changes[2];
		bool complete;
		bool linked_in_store;
	} rows[] = {
		[LINKED] = { 1, { { 10, 10 * S, true } }, true, true },
		[LINKED_STORE_ONLY] = { 0, { { 0 } }, false, true },
		[NOT_LINKED] = { 0, { { 0 } }, true, false },
		[GONE] = { 2, { { 10, 10 * S, true }, { 102, 20 * S, false } }, true, false },
		[UNKNOWN] = { 0, { { 0 } }, false, false },
		[LINKED_INSIDE] = { 1, { { 103, 30000 * S, true } }, true, true },
		[GONE_INSIDE] = { 2,
				  { { 10, 10 * S, true }, { 104, 30000 * S, false } },
				  true,
				  false },
		[NO_HREF] = { 0, { { 0 } }, true, false },
	};

	memcpy(b->changes, rows[links].changes, sizeof(rows[links].changes));
	b->facts.change_count = rows[links].count;
	b->facts.links_complete = rows[links].complete;
	b->facts.linked_in_store = rows[links].linked_in_store;
	b->facts.href_known = links != NO_HREF;
}

static void
without_a_copy_the_links_and_an_orphan_decide(void **state ET_UNUSED)
{
	static const struct {
		enum links links;
		bool orphan;
		enum et_reason reason;
	} rows[] = {
		{ LINKED, false, ET_REASON_LOST },
		{ LINKED, true, ET_REASON_LOST },
		{ LINKED_STORE_ONLY, false, ET_REASON_LOST },
		{ LINKED_STORE_ONLY, true, ET_REASON_LOST },
		{ NOT_LINKED, false, ET_REASON_UNDECIDED },
		{ NOT_LINKED, true, ET_REASON_UNANNOUNCED },
		{ GONE, false, ET_REASON_UNDECIDED },
		{ GONE, true, ET_REASON_UNANNOUNCED },
		{ UNKNOWN, false, ET_REASON_UNDECIDED },
		{ UNKNOWN, true, ET_REASON_UNDECIDED },
		{ LINKED_INSIDE, false, ET_REASON_LOST },
		{ LINKED_INSIDE, true, ET_REASON_UNDECIDED },
		{ GONE_INSIDE, false, ET_REASON_LOST },
		{ GONE_INSIDE, true, ET_REASON_UNDECIDED },
		{ NO_HREF, false, ET_REASON_UNDECIDED },
		{ NO_HREF, true, ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i].links);
		if (rows[i].orphan)
			orphan(&b, 5);
		judge(&b);
		if (b.tally.reasons[rows[i].reason] != 2)
			fail_msg("row %zu", i);
	}
}

static void
an_orphan_below_explains_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	set_links(&b, NOT_LINKED);
	orphan(&b, 2);
	expect(&b, ET_REASON_UNDECIDED, 2);
}

static void
a_stored_pending_is_judged_by_the_links_of_its_time(void **state ET_UNUSED)
{
	/* v4 was saved at 11004 s */
	static const struct {
		const char *name;
		size_t count;
		struct et_link_change changes[2];
		bool complete;
		bool linked_in_store;
		enum et_reason reason;
	} rows[] = {
		{ "linked before", 1, { { 10, 11004 * S, true } }, true, true, ET_REASON_LOST },
		{ "linked after",
		  1,
		  { { 10, 11004 * S + 1, true } },
		  true,
		  true,
		  ET_REASON_UNANNOUNCED },
		{ "linked after, links with a hole",
		  1,
		  { { 10, 11005 * S, true } },
		  false,
		  true,
		  ET_REASON_UNDECIDED },
		{ "unlinked before",
		  2,
		  { { 10, 1 * S, true }, { 11, 2 * S, false } },
		  true,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "unlinked after",
		  2,
		  { { 10, 1 * S, true }, { 11, 12000 * S, false } },
		  true,
		  false,
		  ET_REASON_LOST },
		{ "unlinked after, its add not seen",
		  1,
		  { { 10, 12000 * S, false } },
		  false,
		  false,
		  ET_REASON_LOST },
		{ "never linked", 0, { { 0 } }, true, false, ET_REASON_UNANNOUNCED },
		{ "in the store's links only", 0, { { 0 } }, true, true, ET_REASON_LOST },
		{ "never seen, links with a hole",
		  0,
		  { { 0 } },
		  false,
		  false,
		  ET_REASON_UNDECIDED },
	};
	static const enum et_kind pendings[] = { ET_KIND_CREATE_PENDING, ET_KIND_UPDATE_PENDING,
						 ET_KIND_DELETE_PENDING };
	static const enum et_recoverable forms[] = { ET_RECOVERABLE_EXACT, ET_RECOVERABLE_REBUILT };

	for (size_t i = 0; i < ET_COUNT(rows) * 6; i++) {
		size_t row = i / 6;
		struct bench b;

		set_up(&b, "####.#####");
		memcpy(b.changes, rows[row].changes, sizeof(rows[row].changes));
		b.facts.change_count = rows[row].count;
		b.facts.links_complete = rows[row].complete;
		b.facts.linked_in_store = rows[row].linked_in_store;
		copy(&b, 4, forms[i % 2], pendings[i / 2 % 3], time_of(4));
		judge(&b);
		if (b.tally.reasons[rows[row].reason] != 1)
			fail_msg("%s", rows[row].name);
	}
}

static void
a_stored_pending_without_a_time_is_judged_by_its_bracket(void **state ET_UNUSED)
{
	static const struct {
		enum links links;
		enum et_reason reason;
	} rows[] = { { LINKED, ET_REASON_LOST },
		     { GONE, ET_REASON_UNANNOUNCED },
		     { UNKNOWN, ET_REASON_UNDECIDED },
		     { GONE_INSIDE, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i].links);
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, ET_TIME_NONE);
		copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, ET_TIME_NONE);
		expect(&b, rows[i].reason, 2);
	}
}

static void
a_stored_event_that_is_no_such_pending_is_lost_whatever_the_links_say(void **state ET_UNUSED)
{
	static const struct {
		enum et_recoverable form;
		enum et_kind kind;
	} rows[] = {
		{ ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED },
		{ ET_RECOVERABLE_EXACT, ET_KIND_RETRIEVE_PENDING },
		{ ET_RECOVERABLE_EXACT, ET_KIND_UPDATED },
		{ ET_RECOVERABLE_EXACT, ET_KIND_UNKNOWN },
		{ ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED },
		/* a pending of that version would be embedded */
		{ ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		unlinked(&b);
		orphan(&b, 5);
		copy(&b, 4, rows[i].form, rows[i].kind, time_of(4));
		expect(&b, ET_REASON_LOST, 1);
	}
}

static void
only_resources_have_forced_commands(void **state ET_UNUSED)
{
	static const struct {
		enum et_family family;
		enum et_reason reason;
	} rows[] = { { ET_FAMILY_RESOURCE, ET_REASON_UNANNOUNCED },
		     { ET_FAMILY_UNKNOWN, ET_REASON_UNANNOUNCED },
		     { ET_FAMILY_LINKS, ET_REASON_LOST },
		     { ET_FAMILY_METADATA, ET_REASON_LOST } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		unlinked(&b);
		orphan(&b, 5);
		b.one.family = rows[i].family;
		expect(&b, rows[i].reason, 1);
	}
}

static void
links_with_a_hole_never_excuse(void **state ET_UNUSED)
{
	static const struct et_link_change rows[][2] = {
		/* linked after the bracket: before it unknown */
		{ { 200, 12000 * S, true }, { 201, 12001 * S, true } },
		/* gone before it, and perhaps added again since */
		{ { 10, 10 * S, true }, { 11, 11 * S, false } },
		/* gone before it, and gone once more inside */
		{ { 10, 10 * S, false }, { 11, 11 * S, false } },
		{ { 11, 11 * S, false }, { 103, 12 * S, false } },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		memcpy(b.changes, rows[i], sizeof(rows[i]));
		b.facts.change_count = 2;
		b.facts.links_complete = false;
		b.facts.linked_in_store = false;
		orphan(&b, 5);
		expect(&b, ET_REASON_UNDECIDED, 2);
	}
}

/* A stored pending of a time at which the stream shows the href as gone. */
static void
links_with_a_hole_do_not_excuse_a_stored_pending_either(void **state ET_UNUSED)
{
	static const struct {
		bool complete;
		enum et_reason reason;
	} rows[] = { { true, ET_REASON_UNANNOUNCED }, { false, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###.######");
		b.changes[1] = (struct et_link_change){ 11, 11 * S, false };
		b.facts.change_count = 2;
		b.facts.linked_in_store = false;
		b.facts.links_complete = rows[i].complete;
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
		expect(&b, rows[i].reason, 1);
	}
}

static void
links_that_repeat_themselves_change_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	b.changes[1] = (struct et_link_change){ 103, 12 * S, true }; /* linked, published again */
	b.facts.change_count = 2;
	orphan(&b, 5);
	expect(&b, ET_REASON_LOST, 2);
	set_up(&b, "###..#####");
	b.changes[0] = (struct et_link_change){ 10, 1 * S, true };
	b.changes[1] = (struct et_link_change){ 20, 2 * S, false };
	b.changes[2] = (struct et_link_change){ 103, 12 * S, false };
	b.facts.change_count = 3;
	orphan(&b, 5);
	expect(&b, ET_REASON_UNANNOUNCED, 2);
}

/* ---- not in the store ---- */

static void
of_a_deleted_device_what_was_seen_is_counted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "######");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	expect(&b, ET_REASON_DELETED_DEVICE, 6);
	assert_int_equal(b.tally.aggregates, 0);
	assert_int_equal(b.tally.expected, 0);
}

static void
of_a_deleted_device_holes_between_seen_versions_are_lost(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##..##");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	b.facts.links_complete = false;
	expect(&b, ET_REASON_LOST, 2);
	assert_int_equal(b.tally.lost_deleted, 2);
	assert_int_equal(b.tally.lost_in_store, 0);
	assert_int_equal(b.tally.recoverable[ET_RECOVERABLE_SUPERSEDED], 2);
	assert_true(b.told.list[0].lost_deleted);
}

static void
of_a_deleted_device_a_head_counts_only_if_born_inside(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "..####");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_BEFORE_HORIZON], 2);
	assert_int_equal(b.tally.reasons[ET_REASON_BEFORE_HORIZON], 0);
	set_up(&b, "..####");
	b.one.in_store = false;
	b.facts.device_in_store = false;
	b.facts.born = true;
	judge(&b);
	assert_int_equal(b.tally.lost_deleted, 2);
}

static void
of_a_deleted_device_doubts_count_beside_the_sums(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.###");
	b.one.in_store = false;
	unlinked(&b);
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_UNDECIDED], 1);
	assert_int_equal(b.tally.reasons[ET_REASON_UNDECIDED], 0);
	assert_int_equal(b.told.list[0].reason, ET_REASON_UNDECIDED);
	assert_false(b.told.list[0].lost_deleted);
}

static void
a_publish_can_be_late_also_when_its_device_was_just_deleted(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##");
	(void)et_coverage_add(&b.coverage, 3, (CUT_S - 1) * S, 103);
	b.one.in_store = false;
	b.facts.device_in_store = false;
	judge(&b);
	assert_int_equal(b.tally.deleted[ET_REASON_IN_FLIGHT], 1);
	assert_int_equal(b.tally.lost_deleted, 0);
}

static void
an_aggregate_gone_while_its_device_is_stored_is_ahead(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "##.###");
	b.one.in_store = false;
	expect(&b, ET_REASON_AHEAD, 5);
	assert_int_equal(b.tally.reasons[ET_REASON_DELETED_DEVICE], 0);
	assert_int_equal(b.tally.lost_deleted, 1);
}

static void
an_aggregate_that_is_nowhere_counts_nothing(void **state ET_UNUSED)
{
	static const struct et_tally nothing;
	struct bench b;

	set_up(&b, "");
	b.one.in_store = false;
	judge(&b);
	assert_memory_equal(&b.tally, &nothing, sizeof(nothing));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_cover_is_covered),
		cmocka_unit_test(the_split_parts_what_is_stored_from_what_was_truncated),
		cmocka_unit_test(the_short_way_counts_the_same),
		cmocka_unit_test(what_is_newer_than_the_store_showed_is_ahead),
		cmocka_unit_test(duplicates_and_older_lives_are_counted),
		cmocka_unit_test(service_metadata_is_never_published_and_not_expected),
		cmocka_unit_test(the_last_possible_version_is_no_trap),
		cmocka_unit_test(a_hole_between_two_seen_versions_is_lost),
		cmocka_unit_test(versions_up_to_latestversion_are_lost_behind_the_last_one_seen),
		cmocka_unit_test(the_time_of_a_tail_may_be_unknown),
		cmocka_unit_test(every_form_of_a_copy_is_told),
		cmocka_unit_test(a_snapshot_younger_than_the_bracket_does_not_widen_it),
		cmocka_unit_test(each_version_of_a_hole_has_its_own_copy),
		cmocka_unit_test(sequences_that_are_swapped_still_make_a_bracket),
		cmocka_unit_test(the_sink_can_end_it),
		cmocka_unit_test(an_absurd_latestversion_is_counted_and_not_listed_for_ever),
		cmocka_unit_test(nothing_is_told_where_nobody_listens),
		cmocka_unit_test(below_the_first_version_seen_is_before_the_horizon),
		cmocka_unit_test(of_a_device_born_inside_the_head_is_lost),
		cmocka_unit_test(a_stored_copy_with_a_time_inside_proves_itself_and_what_is_above),
		cmocka_unit_test(a_stored_copy_from_the_first_minutes_proves_nothing),
		cmocka_unit_test(a_copy_of_a_version_that_was_seen_proves_what_is_above),
		cmocka_unit_test(where_nothing_is_archived_nothing_is_inside),
		cmocka_unit_test(absurd_times_do_not_overflow),
		cmocka_unit_test(without_a_time_of_the_cut_nothing_is_young),
		cmocka_unit_test(a_hole_is_young_while_the_next_version_seen_is),
		cmocka_unit_test(a_tail_is_young_while_the_store_wrote_lately),
		cmocka_unit_test(an_old_hole_below_a_young_tail_is_lost),
		cmocka_unit_test(what_is_in_flight_is_not_before_the_horizon),
		cmocka_unit_test(what_a_hole_of_the_archives_may_have_held_is_not_called_lost),
		cmocka_unit_test(what_nobody_watched_is_not_called_lost),
		cmocka_unit_test(a_time_that_no_clock_has_had_decides_nothing),
		cmocka_unit_test(a_malformed_message_in_the_bracket_makes_it_undecided),
		cmocka_unit_test(of_a_later_life_what_is_missing_is_undecided),
		cmocka_unit_test(without_a_copy_the_links_and_an_orphan_decide),
		cmocka_unit_test(an_orphan_below_explains_nothing),
		cmocka_unit_test(a_stored_pending_is_judged_by_the_links_of_its_time),
		cmocka_unit_test(a_stored_pending_without_a_time_is_judged_by_its_bracket),
		cmocka_unit_test(
			a_stored_event_that_is_no_such_pending_is_lost_whatever_the_links_say),
		cmocka_unit_test(only_resources_have_forced_commands),
		cmocka_unit_test(links_with_a_hole_never_excuse),
		cmocka_unit_test(links_with_a_hole_do_not_excuse_a_stored_pending_either),
		cmocka_unit_test(links_that_repeat_themselves_change_nothing),
		cmocka_unit_test(of_a_deleted_device_what_was_seen_is_counted),
		cmocka_unit_test(of_a_deleted_device_holes_between_seen_versions_are_lost),
		cmocka_unit_test(of_a_deleted_device_a_head_counts_only_if_born_inside),
		cmocka_unit_test(of_a_deleted_device_doubts_count_beside_the_sums),
		cmocka_unit_test(a_publish_can_be_late_also_when_its_device_was_just_deleted),
		cmocka_unit_test(an_aggregate_gone_while_its_device_is_stored_is_ahead),
		cmocka_unit_test(an_aggregate_that_is_nowhere_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
