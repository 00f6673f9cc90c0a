// SPDX-License-Identifier: Apache-2.0
/*
 * Whether an href was linked over a time in question: by lines made by hand, and over generated
 * histories, whose truth is known.
 */
#include "../et_test.h"

#include "audit/linked.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND

/* ---- lines made by hand ---- */

static enum et_linked
over(const struct et_linked_part *parts, size_t count, const struct et_linked_time *time)
{
	struct et_linked_part list[4];
	const struct et_linked_line line = { .parts = list, .count = count };

	assert_in_range(count, 1, ET_COUNT(list));
	memcpy(list, parts, count * sizeof(*parts));
	return et_linked_over(&line, time);
}

static void
states_within_the_time_are_joined(void **state ET_UNUSED)
{
	static const char letters[] = { [ET_LINKED_NOT_KNOWN] = '?',
					[ET_LINKED_PRESENT] = '#',
					[ET_LINKED_LIKELY] = '~',
					[ET_LINKED_ABSENT] = '.',
					[ET_LINKED_CHANGED] = '/' };
	/* one beside the other, in the order of the enum */
	static const char *const want[] = { "?//?/", "/#~//", "/~~//", "?//./", "/////" };
	const struct et_linked_time time = { 50 * S, 150 * S, 0, UINT64_MAX };

	for (unsigned a = 0; a < sizeof(letters); a++) {
		for (unsigned b = 0; b < sizeof(letters); b++) {
			const struct et_linked_part parts[] = {
				{ INT64_MIN, 0, (enum et_linked)a },
				{ 100 * S, 1, (enum et_linked)b },
			};

			assert_int_equal(over(parts, 1, &time), a);
			assert_int_equal(letters[over(parts, 2, &time)], want[a][b]);
		}
	}
}

static void
of_several_all_are_joined_that_the_time_meets(void **state ET_UNUSED)
{
	static const struct et_linked_part parts[] = {
		{ INT64_MIN, 0, ET_LINKED_ABSENT },
		{ 100 * S, 1, ET_LINKED_PRESENT },
		{ 200 * S, 2, ET_LINKED_LIKELY },
		{ 300 * S, 3, ET_LINKED_NOT_KNOWN },
	};
	static const struct {
		int64_t from_s;
		int64_t to_s;
		enum et_linked want;
	} rows[] = {
		{ 50, 60, ET_LINKED_ABSENT },      { 50, 150, ET_LINKED_CHANGED },
		{ 120, 180, ET_LINKED_PRESENT },   { 120, 250, ET_LINKED_LIKELY },
		{ 220, 250, ET_LINKED_LIKELY },    { 120, 350, ET_LINKED_CHANGED },
		{ 320, 350, ET_LINKED_NOT_KNOWN }, { 50, 350, ET_LINKED_CHANGED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_linked_time time = { rows[i].from_s * S, rows[i].to_s * S, 0,
						     UINT64_MAX };

		if (over(parts, ET_COUNT(parts), &time) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

/* It was linked at 1000 s, with sequence 100. */
static void
within_10_s_times_tell_an_order_only_with_the_sequences(void **state ET_UNUSED)
{
	static const struct et_linked_part parts[] = { { INT64_MIN, 0, ET_LINKED_ABSENT },
						       { 1000 * S, 100, ET_LINKED_PRESENT } };
	static const struct {
		const char *name;
		struct et_linked_time time;
		enum et_linked want;
	} rows[] = {
		{ "long before", { 800 * S, 900 * S, 0, 0 }, ET_LINKED_ABSENT },
		{ "... though the event was published before it",
		  { 800 * S, 900 * S, 200, 300 },
		  ET_LINKED_ABSENT },
		{ "more than 10 s before", { 900 * S, 990 * S - 1, 101, 102 }, ET_LINKED_ABSENT },
		{ "10 s before", { 900 * S, 990 * S, 101, 102 }, ET_LINKED_CHANGED },
		{ "... as the sequences say", { 900 * S, 990 * S, 98, 99 }, ET_LINKED_ABSENT },
		{ "just then", { 900 * S, 1000 * S, 98, 99 }, ET_LINKED_ABSENT },
		{ "just then, at that sequence",
		  { 900 * S, 1000 * S, 98, 100 },
		  ET_LINKED_CHANGED },
		{ "past it, whatever the sequences say",
		  { 900 * S, 1000 * S + 1, 98, 99 },
		  ET_LINKED_CHANGED },
		{ "around it", { 900 * S, 1100 * S, 50, 150 }, ET_LINKED_CHANGED },
		{ "from just before it, whatever the sequences say",
		  { 1000 * S - 1, 1100 * S, 101, 150 },
		  ET_LINKED_CHANGED },
		{ "from then on", { 1000 * S, 1100 * S, 101, 150 }, ET_LINKED_PRESENT },
		{ "from then on, at that sequence",
		  { 1000 * S, 1100 * S, 100, 150 },
		  ET_LINKED_CHANGED },
		{ "10 s behind", { 1010 * S, 1100 * S, 98, 150 }, ET_LINKED_CHANGED },
		{ "... as the sequences say", { 1010 * S, 1100 * S, 101, 150 }, ET_LINKED_PRESENT },
		{ "more than 10 s behind", { 1010 * S + 1, 1100 * S, 98, 150 }, ET_LINKED_PRESENT },
		{ "a moment", { 1000 * S, 1000 * S, 90, 110 }, ET_LINKED_CHANGED },
		{ "a moment just behind", { 1000 * S, 1000 * S, 101, 110 }, ET_LINKED_PRESENT },
		{ "a moment just before", { 1000 * S, 1000 * S, 90, 99 }, ET_LINKED_ABSENT },
		{ "by clocks that differ, around it",
		  { 1100 * S, 900 * S, 50, 150 },
		  ET_LINKED_CHANGED },
		{ "by clocks that differ, before it",
		  { 989 * S, 980 * S, 50, 150 },
		  ET_LINKED_ABSENT },
		{ "by clocks that differ, behind it",
		  { 1020 * S, 1011 * S, 50, 150 },
		  ET_LINKED_PRESENT },
		{ "without a beginning, to before it",
		  { ET_TIME_NONE, 900 * S, 0, 99 },
		  ET_LINKED_ABSENT },
		{ "without a beginning, to behind it",
		  { ET_TIME_NONE, 1100 * S, 0, 150 },
		  ET_LINKED_CHANGED },
		{ "without an end, from before it",
		  { 900 * S, ET_TIME_NONE, 50, UINT64_MAX },
		  ET_LINKED_CHANGED },
		{ "without an end, from behind it",
		  { 1100 * S, ET_TIME_NONE, 150, UINT64_MAX },
		  ET_LINKED_PRESENT },
		{ "always", { ET_TIME_NONE, ET_TIME_NONE, 0, UINT64_MAX }, ET_LINKED_CHANGED },
		{ "at the end of all times",
		  { INT64_MAX, INT64_MAX, 0, UINT64_MAX },
		  ET_LINKED_PRESENT },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (over(parts, ET_COUNT(parts), &rows[i].time) != rows[i].want)
			fail_msg("%s", rows[i].name);
}

/* The store's links do not say at which sequence they came. */
static void
without_a_sequence_only_times_tell_an_order(void **state ET_UNUSED)
{
	static const struct et_linked_part parts[] = {
		{ INT64_MIN, 0, ET_LINKED_ABSENT }, { 1000 * S, UINT64_MAX, ET_LINKED_PRESENT }
	};
	static const struct {
		struct et_linked_time time;
		enum et_linked want;
	} rows[] = {
		{ { 800 * S, 990 * S - 1, 0, 0 }, ET_LINKED_ABSENT },
		{ { 800 * S, 990 * S, 0, 0 }, ET_LINKED_CHANGED },
		{ { 1010 * S, 1100 * S, 150, UINT64_MAX }, ET_LINKED_CHANGED },
		{ { 1010 * S + 1, 1100 * S, 150, UINT64_MAX }, ET_LINKED_PRESENT },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (over(parts, ET_COUNT(parts), &rows[i].time) != rows[i].want)
			fail_msg("row %zu", i);
}

/* Their numbers told the order in which parts begin: not that of their times. */
static void
parts_are_taken_in_their_order_also_where_their_times_are_not(void **state ET_UNUSED)
{
	static const struct et_linked_part parts[] = { { INT64_MIN, 0, ET_LINKED_ABSENT },
						       { 1008 * S, 100, ET_LINKED_PRESENT },
						       { 1000 * S, 101, ET_LINKED_NOT_KNOWN } };
	static const struct {
		struct et_linked_time time;
		enum et_linked want;
	} rows[] = {
		/* the second is behind it, and so the third */
		{ { 900 * S, 995 * S, 50, 60 }, ET_LINKED_ABSENT },
		{ { 900 * S, 1005 * S, 50, 60 }, ET_LINKED_ABSENT },
		/* the third is before it, and so the second */
		{ { 1011 * S, 1100 * S, 50, 60 }, ET_LINKED_NOT_KNOWN },
		{ { 1001 * S, 1100 * S, 102, 160 }, ET_LINKED_NOT_KNOWN },
		{ { 1001 * S, 1100 * S, 99, 160 }, ET_LINKED_CHANGED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (over(parts, ET_COUNT(parts), &rows[i].time) != rows[i].want)
			fail_msg("row %zu", i);
}

/* ---- generated histories ---- */

#define HISTORIES 30000
#define EVENTS_MAX 10
#define QUESTIONS 6

/* A device's links, as they were: event i has version i. Real times are in ms from 1 to 400,000,
 * and are the sequences, too; each replica's clock is off by up to 5 s. */
struct history {
	unsigned count;
	struct {
		int64_t ms;
		struct et_link_event event;
		bool linked; /* behind it */
		bool shown;  /* by the stream */
	} list[EVENTS_MAX];
	unsigned shown;
	bool whole;
	bool stored;
	bool begins_unseen;
};

static uint64_t
roll(uint64_t *seed, uint64_t sides)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % sides;
}

static int64_t
by_a_clock(uint64_t *seed, int64_t ms)
{
	return (ms + (int64_t)roll(seed, 10001) - 5000) * (S / 1000);
}

static enum et_link_effect
what_comes(uint64_t *seed, bool *linked)
{
	bool before = *linked;

	switch (roll(seed, 6)) {
	case 0:
		*linked = true; /* published */
		return ET_LINK_ADDED;
	case 1:
		*linked = false; /* unpublished by name, if it is there */
		return before ? ET_LINK_REMOVED : ET_LINK_OTHER;
	case 2:
		*linked = false;
		return ET_LINK_ABSENT;
	case 3: /* a snapshot */
		return before ? ET_LINK_ADDED : ET_LINK_ABSENT;
	default:
		return ET_LINK_OTHER;
	}
}

static struct history
generate(uint64_t *seed)
{
	struct history h = { .count = (unsigned)roll(seed, EVENTS_MAX) + 1 };
	unsigned expired = roll(seed, 3) == 0 ? (unsigned)roll(seed, h.count + 1) : 0;
	unsigned loss = roll(seed, 2) == 0 ? (unsigned)roll(seed, 6) : 0;
	bool linked = false;
	int64_t ms = 50000;

	h.stored = roll(seed, 4) > 0;
	h.begins_unseen = expired > 0 || roll(seed, 3) == 0;
	for (unsigned i = 0; i < h.count; i++) {
		ms += 1 + (int64_t)roll(seed, roll(seed, 2) == 0 ? 4000 : 30000);
		h.list[i].ms = ms;
		h.list[i].event.seq = (uint64_t)ms;
		h.list[i].event.time_ns = by_a_clock(seed, ms);
		h.list[i].event.version = i;
		h.list[i].event.effect = what_comes(seed, &linked);
		h.list[i].linked = linked;
		h.list[i].shown = i >= expired && roll(seed, 10) >= loss;
		h.shown += h.list[i].shown;
	}
	h.whole = h.stored && h.shown == h.count;
	return h;
}

static struct et_linked_line
line_of(const struct history *h)
{
	const struct et_linked_life life = { ET_TIME_NONE, ET_TIME_NONE, h->begins_unseen };
	struct et_link_event events[EVENTS_MAX];
	struct et_links links = { .events = events,
				  .stored = h->stored,
				  .linked = h->list[h->count - 1].linked,
				  .latest_version = h->count - 1,
				  .latest_ns = h->list[h->count - 1].event.time_ns };
	struct et_linked_line line;

	for (unsigned i = 0; i < h->count; i++)
		if (h->list[i].shown)
			events[links.event_count++] = h->list[i].event;
	et_linked_line_of(&links, &life, &line);
	if (h->stored)
		assert_int_equal(line.complete, h->whole);
	else
		assert_false(line.complete);
	return line;
}

/* The truth from one moment to another: was it ever linked, was it ever not? */
static void
look(const struct history *h, int64_t from_ms, int64_t to_ms, bool *ret_was, bool *ret_was_not)
{
	bool linked = false;

	*ret_was = *ret_was_not = false;
	for (unsigned i = 0; i <= h->count; i++) {
		int64_t until_ms = i < h->count ? h->list[i].ms : INT64_MAX;

		if (until_ms > from_ms) {
			*ret_was |= linked;
			*ret_was_not |= !linked;
		}
		if (until_ms >= to_ms)
			return;
		linked = h->list[i].linked;
	}
}

static enum et_linked
ask(const struct history *h, const struct et_linked_line *line, uint64_t *seed)
{
	int64_t from_ms = 1 + (int64_t)roll(seed, 400000);
	int64_t to_ms = from_ms + (int64_t)roll(seed, 60000);
	const struct et_linked_time time = { by_a_clock(seed, from_ms), by_a_clock(seed, to_ms),
					     (uint64_t)from_ms, (uint64_t)to_ms };
	enum et_linked said = et_linked_over(line, &time);
	bool was;
	bool was_not;

	/* What comes behind the last event of a device that is gone is taken for granted. */
	for (unsigned i = h->stored ? h->count : 0; i < h->count; i++)
		if (!h->list[i].shown && h->list[i].ms <= to_ms)
			return ET_LINKED_NOT_KNOWN;
	look(h, from_ms, to_ms, &was, &was_not);
	if (said == ET_LINKED_PRESENT)
		assert_false(was_not);
	if (said == ET_LINKED_ABSENT)
		assert_false(was);
	if (!h->whole)
		return said;
	assert_true(said != ET_LINKED_NOT_KNOWN && said != ET_LINKED_LIKELY);
	look(h, from_ms - 20000, to_ms + 20000, &was, &was_not);
	if (said == ET_LINKED_CHANGED)
		assert_true(was && was_not);
	return said;
}

static void
what_is_said_of_a_history_is_so(void **state ET_UNUSED)
{
	uint64_t seed = 20261125;
	unsigned said[5] = { 0 };
	unsigned whole = 0;

	for (unsigned n = 0; n < HISTORIES; n++) {
		const struct history h = generate(&seed);
		struct et_linked_line line = line_of(&h);

		whole += h.whole;
		for (unsigned k = 0; k < QUESTIONS; k++)
			said[ask(&h, &line, &seed)]++;
		et_linked_line_done(&line);
	}
	/* They were histories worth the trouble. */
	assert_in_range(whole, HISTORIES / 10, HISTORIES / 2);
	for (size_t i = 0; i < ET_COUNT(said); i++)
		assert_true(said[i] > HISTORIES / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_within_the_time_are_joined),
		cmocka_unit_test(of_several_all_are_joined_that_the_time_meets),
		cmocka_unit_test(within_10_s_times_tell_an_order_only_with_the_sequences),
		cmocka_unit_test(without_a_sequence_only_times_tell_an_order),
		cmocka_unit_test(parts_are_taken_in_their_order_also_where_their_times_are_not),
		cmocka_unit_test(what_is_said_of_a_history_is_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
