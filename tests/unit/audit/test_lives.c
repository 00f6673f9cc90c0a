// SPDX-License-Identifier: Apache-2.0
/*
 * What an aggregate's coverage is in each life of its device, as tables of
 * texts. What began each epoch is test_beginnings.c's.
 */
#include "../et_test.h"

#include "audit/lives.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND
#define EPOCHS_MAX 6

/* "F100:3-4,6@5": an epoch that a FORK began at the second 100, in which versions 3, 4 and 6 were
 * seen: the first one 5 seconds after it began, each further one a second later. Position and
 * second are the same number. Epochs have a blank between them; G is one that only goes on. */
static void
read_epoch(const char *text, struct et_device_epoch *epoch, struct et_coverage *coverage,
	   size_t *ret_bytes)
{
	const char *at = text + 1;
	const char *end = text + strcspn(text, " ");
	const char *offset = memchr(text, '@', (size_t)(end - text));
	char *next = NULL;
	int64_t time_s;

	epoch->beginning = *text == 'L'   ? ET_BEGINNING_LIFE
			   : *text == 'F' ? ET_BEGINNING_FORK
			   : *text == 'U' ? ET_BEGINNING_UNCLEAR
					  : ET_BEGINNING_FIRST;
	time_s = strtoll(at, &next, 10);
	epoch->start_ns = time_s * S;
	epoch->start = (uint64_t)time_s;
	if (offset != NULL)
		time_s += strtoll(offset + 1, NULL, 10);
	assert_int_equal(*next, ':');
	at = next + 1;
	while (at < end && *at != '@') {
		uint64_t first = strtoull(at, &next, 10);
		uint64_t last = *next == '-' ? strtoull(next + 1, &next, 10) : first;

		for (uint64_t version = first;; version++) {
			(void)et_coverage_add(coverage, version, time_s * S, (uint64_t)time_s);
			time_s++;
			if (version == last)
				break;
		}
		at = *next == ',' ? next + 1 : next;
	}
	*ret_bytes = (size_t)(end - text) + strspn(end, " ");
}

static void
put_life(char *text, size_t room, const struct et_life *life)
{
#define PUT(...) (void)snprintf(text + strlen(text), room - strlen(text), __VA_ARGS__)
	PUT("%s%u:", text[0] != '\0' ? " | " : "", life->number);
	for (size_t i = 0; i < life->coverage.count; i++) {
		const struct et_span *span = &life->coverage.spans[i];

		PUT("%s%ju", i > 0 ? "," : "", (uintmax_t)span->first);
		if (span->last > span->first)
			PUT("-%ju", (uintmax_t)span->last);
	}
	if (life->forked > 0)
		PUT(" forked %d (%d-%d)", (int)life->forked, (int)life->forked_first,
		    (int)life->forked_last);
	if (life->replaced > 0)
		PUT(" replaced %d", (int)life->replaced);
	if (life->head_doubtful)
		PUT(" doubtful");
#undef PUT
}

/* Where a life begins and ends, and the epochs that are in it. */
static void
check_bounds(const struct et_device_epoch *epochs, const struct et_coverage *coverages,
	     size_t count, const struct et_life *life)
{
	size_t begin = 0;
	size_t turn = 0;
	size_t end;

	for (unsigned number = 0; begin < count; begin++) {
		number += begin > 0 && epochs[begin].beginning == ET_BEGINNING_LIFE;
		if (number == life->number)
			break;
	}
	for (end = begin + 1; end < count && epochs[end].beginning != ET_BEGINNING_LIFE; end++)
		continue;
	assert_int_equal(life->start_ns, begin == 0 ? ET_TIME_NONE : epochs[begin].start_ns);
	assert_int_equal(life->start, begin == 0 ? 0 : epochs[begin].start);
	assert_int_equal(life->end_ns, end < count ? epochs[end].start_ns : ET_TIME_NONE);
	assert_int_equal(life->fork_count, end - begin - 1);
	for (size_t i = 0; i < life->fork_count; i++)
		assert_int_equal(life->forks[i].start, epochs[begin + 1 + i].start);
	/* Where the store went back, or may have: each time from there on. */
	for (size_t i = begin + 1; i < end; i++) {
		if (epochs[i].beginning == ET_BEGINNING_FIRST || coverages[i].count == 0)
			continue;
		assert_true(turn < life->turn_count);
		assert_int_equal(life->turns[turn].start_ns, epochs[i].start_ns);
		assert_int_equal(life->turns[turn].first, coverages[i].spans[0].first);
		turn++;
	}
	assert_int_equal(turn, life->turn_count);
}

struct lives {
	const char *name;
	const char *epochs;
	const char *want;
};

static void
check_lives(const struct lives *rows, size_t row_count)
{
	for (size_t i = 0; i < row_count; i++) {
		struct et_device_epoch epochs[EPOCHS_MAX] = { { .number = 0 } };
		struct et_coverage coverages[EPOCHS_MAX] = { { .count = 0 } };
		const struct et_coverage *pointers[EPOCHS_MAX];
		const char *text = rows[i].epochs;
		struct et_life *lives = NULL;
		size_t count = 0;
		size_t life_count = 0;
		char got[256] = "";

		for (size_t bytes; *text != '\0'; text += bytes, count++) {
			assert_true(count < EPOCHS_MAX);
			read_epoch(text, &epochs[count], &coverages[count], &bytes);
			/* Nothing of it may be said in two ways. */
			pointers[count] =
				coverages[count].count > 0 || i % 2 == 0 ? &coverages[count] : NULL;
		}
		et_lives_of(epochs, count, pointers, &lives, &life_count);
		for (size_t k = 0; k < life_count; k++) {
			put_life(got, sizeof(got), &lives[k]);
			check_bounds(epochs, coverages, count, &lives[k]);
		}
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, got);
		et_lives_list_done(lives, life_count);
		for (size_t k = 0; k < count; k++)
			et_coverage_done(&coverages[k]);
	}
}

static void
nothing_carries_over_into_a_new_life(void **state ET_UNUSED)
{
	static const struct lives rows[] = {
		{ "one life", "B0:0-5", "0:0-5" },
		{ "never seen", "B0:", "0:" },
		{ "two lives", "B0:0-5 L100:0-2", "0:0-5 | 1:0-2" },
		{ "holes of both", "B0:0,2-5 L100:1-2,4", "0:0,2-5 | 1:1-2,4" },
		{ "three lives", "B0:0-5 L100:0-2 L200:0-9", "0:0-5 | 1:0-2 | 2:0-9" },
		{ "the newest one without it", "B0:0-5 L100:", "0:0-5 | 1:" },
		{ "an older one without it", "B0: L100:0-2", "1:0-2" },
		{ "the middle one without it", "B0:0-1 L100: L200:0-2", "0:0-1 | 2:0-2" },
		{ "only in an older one", "B0: L100:0 L200:", "1:0 | 2:" },
		{ "the last number there is",
		  "B0:0,18446744073709551615 L100:18446744073709551614-"
		  "18446744073709551615",
		  "0:0,18446744073709551615 | 1:18446744073709551614-18446744073709551615" },
	};

	check_lives(rows, ET_COUNT(rows));
}

static void
below_a_fork_everything_carries_over(void **state ET_UNUSED)
{
	static const struct lives rows[] = {
		{ "from 3 on again", "B0:0-5 F100:3-4", "0:0-4 forked 3 (3-5)" },
		{ "the last one again", "B0:0-5 F100:5-8", "0:0-8 forked 1 (5-5)" },
		{ "not seen in it", "B0:0-5 F100:", "0:0-5" },
		{ "only seen in it", "B0: F100:3-4", "0:3-4" },
		{ "it just goes on", "B0:0-5 F100:6-8", "0:0-8" },
		{ "it goes on further up", "B0:0-5 F100:9", "0:0-5,9" },
		{ "holes stay", "B0:0,2-3,5 F100:3,6", "0:0,2-3,6 forked 2 (3-5)" },
		{ "twice", "B0:0-5 F100:3-4 F200:2-3", "0:0-3 forked 6 (2-5)" },
		{ "twice, higher up", "B0:0-5 F100:3-9 F200:8", "0:0-8 forked 5 (3-9)" },
		{ "in each life by itself", "B0:0-5 F100:3 L200:0-2 F300:2",
		  "0:0-3 forked 3 (3-5) | 1:0-2 forked 1 (2-2)" },
		{ "a life of which only a fork was seen", "B0:0-5 L100: F200:2-3",
		  "0:0-5 | 1:2-3" },
		{ "an epoch that only goes on takes nothing back", "B0:0-5 G100:6-7 F200:7",
		  "0:0-7 forked 1 (7-7)" },
	};

	check_lives(rows, ET_COUNT(rows));
}

/* Perhaps it was another life: no alarm. */
static void
what_an_unclear_epoch_takes_the_place_of_is_not_called_forked(void **state ET_UNUSED)
{
	static const struct lives rows[] = {
		{ "from 0 on", "B0:0-5 U100:0-2", "0:0-2 replaced 6" },
		{ "from 3 on", "B0:0-5 U100:3", "0:0-3 replaced 3" },
		{ "it goes on", "B0:0-5 U100:6", "0:0-6" },
		{ "twice", "B0:0-5 U100:2-3 U200:1", "0:0-1 replaced 7" },
		{ "beside a fork", "B0:0-5 F100:4 U200:2-3", "0:0-3 forked 2 (4-5) replaced 3" },
	};

	check_lives(rows, ET_COUNT(rows));
}

static void
a_head_that_goes_on_at_once_where_the_life_before_ended_is_doubtful(void **state ET_UNUSED)
{
	static const struct lives rows[] = {
		{ "at once", "B0:0-5 L100:6-8", "0:0-5 | 1:6-8 doubtful" },
		{ "not the next number", "B0:0-5 L100:9", "0:0-5 | 1:9 doubtful" },
		{ "ten seconds later", "B0:0-5 L100:6-8@10", "0:0-5 | 1:6-8 doubtful" },
		{ "later than that", "B0:0-5 L100:6-8@11", "0:0-5 | 1:6-8" },
		{ "a number that was used", "B0:0-5 L100:5-8", "0:0-5 | 1:5-8" },
		{ "never seen before", "B0: L100:6-8", "1:6-8" },
		{ "against the last life that had it", "B0:0-5 L100: L200:6",
		  "0:0-5 | 2:6 doubtful" },
		{ "never seen since", "B0:0-5 L100:", "0:0-5 | 1:" },
	};

	check_lives(rows, ET_COUNT(rows));
}

static void
times_of_no_clock_make_no_head_doubtful(void **state ET_UNUSED)
{
	struct et_device_epoch epochs[2] = {
		{ .start_ns = ET_TIME_NONE },
		{ .number = 1, .start_ns = INT64_MIN + 1, .beginning = ET_BEGINNING_LIFE },
	};
	struct et_coverage coverages[2] = { { .count = 0 } };
	const struct et_coverage *pointers[] = { &coverages[0], &coverages[1] };
	struct et_life *lives = NULL;
	size_t count = 0;

	(void)et_coverage_add(&coverages[0], 4, 4 * S, 1);
	(void)et_coverage_add(&coverages[1], 5, INT64_MAX, 2);
	et_lives_of(epochs, 2, pointers, &lives, &count);
	assert_int_equal(count, 2);
	assert_false(lives[1].head_doubtful);
	et_lives_list_done(lives, count);
	et_coverage_done(&coverages[0]);
	et_coverage_done(&coverages[1]);
}

/* The end of what carries over is a bound only: its time is that of the span's beginning. */
static void
the_end_of_what_carries_over_is_no_earlier_than_its_span(void **state ET_UNUSED)
{
	struct et_device_epoch epochs[2] = { { .number = 0 } };
	struct et_coverage coverages[2] = { { .count = 0 } };
	const struct et_coverage *pointers[] = { &coverages[0], &coverages[1] };
	struct et_life *lives = NULL;
	size_t count = 0;
	size_t bytes;

	read_epoch("B10:0-5", &epochs[0], &coverages[0], &bytes);
	read_epoch("F100:4,6", &epochs[1], &coverages[1], &bytes);
	et_lives_of(epochs, 2, pointers, &lives, &count);
	assert_int_equal(count, 1);
	assert_int_equal(lives[0].coverage.count, 2);
	assert_int_equal(lives[0].coverage.spans[0].last, 4);
	assert_int_equal(lives[0].coverage.spans[0].last_time_ns, 100 * S);
	assert_int_equal(lives[0].coverage.spans[1].first, 6);
	et_lives_list_done(lives, count);
	/* Nothing of the fork itself joins it here. */
	et_coverage_clear(&coverages[1]);
	read_epoch("F100:4", &epochs[1], &coverages[1], &bytes);
	et_coverage_clear(&coverages[0]);
	read_epoch("B10:0-2,5", &epochs[0], &coverages[0], &bytes);
	et_lives_of(epochs, 2, pointers, &lives, &count);
	assert_int_equal(lives[0].coverage.spans[0].last, 2);
	assert_int_equal(lives[0].coverage.spans[0].last_time_ns, 12 * S);
	assert_int_equal(lives[0].coverage.spans[1].first_time_ns, 100 * S);
	et_lives_list_done(lives, count);
	et_coverage_done(&coverages[0]);
	et_coverage_done(&coverages[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_carries_over_into_a_new_life),
		cmocka_unit_test(below_a_fork_everything_carries_over),
		cmocka_unit_test(what_an_unclear_epoch_takes_the_place_of_is_not_called_forked),
		cmocka_unit_test(
			a_head_that_goes_on_at_once_where_the_life_before_ended_is_doubtful),
		cmocka_unit_test(times_of_no_clock_make_no_head_doubtful),
		cmocka_unit_test(the_end_of_what_carries_over_is_no_earlier_than_its_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
