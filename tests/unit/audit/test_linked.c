// SPDX-License-Identifier: Apache-2.0
/*
 * Whether an href was linked, over time; what a line says of one time is test_linked_over.c's.
 *
 * Links events are written as version, effect ('+' added, '-' removed by name, 'x' none is left,
 * 'o' of others) and second; what the store has as its latest version, '#' linked or '.' not, and
 * second ('-': not known). A line is its states, each behind the second at which it begins ("@":
 * and no sequence): '.' not linked, '#' linked, '~' likely, '/' for a part, '?' not known.
 */
#include "../et_test.h"

#include "audit/linked.h"
#include "base/clock.h"

#define S ET_NS_PER_SECOND
#define EVENTS_MAX 6

struct row {
	const char *name;
	const char *events;
	const char *stored;
	const char *want;
	bool complete; /* no links event is missing */
};

static const struct et_linked_life whole_life = { ET_TIME_NONE, ET_TIME_NONE, false };
static const struct et_linked_life unseen_life = { ET_TIME_NONE, ET_TIME_NONE, true };
static const struct et_linked_life older_life = { ET_TIME_NONE, 1000 * S, false };

static const char letters[] = { [ET_LINKED_NOT_KNOWN] = '?',
				[ET_LINKED_PRESENT] = '#',
				[ET_LINKED_LIKELY] = '~',
				[ET_LINKED_ABSENT] = '.',
				[ET_LINKED_CHANGED] = '/' };

/* "1+200 ...": up to the end of the text. */
static size_t
read_events(const char *text, struct et_link_event events[EVENTS_MAX])
{
	static const char effects[] = { [ET_LINK_OTHER] = 'o',
					[ET_LINK_ADDED] = '+',
					[ET_LINK_REMOVED] = '-',
					[ET_LINK_ABSENT] = 'x' };
	size_t count = 0;

	while (*text != '\0') {
		struct et_link_event *event = &events[count++];
		const char *effect;
		char *end;

		assert_true(count <= EVENTS_MAX);
		event->version = strtoull(text, &end, 10);
		effect = memchr(effects, *end, sizeof(effects));
		assert_non_null(effect);
		event->effect = (enum et_link_effect)(effect - effects);
		event->time_ns = strtoll(end + 1, &end, 10) * S;
		event->seq = 1000 + count;
		text = *end == ' ' ? end + 1 : end;
	}
	return count;
}

/* "1#200" or "1.-". */
static void
read_stored(const char *text, struct et_links *links)
{
	char *end;

	links->latest_ns = ET_TIME_NONE;
	if (*text == '\0')
		return;
	links->stored = true;
	links->latest_version = strtoull(text, &end, 10);
	links->linked = *end == '#';
	assert_true(*end == '#' || *end == '.');
	if (end[1] != '-')
		links->latest_ns = strtoll(end + 1, NULL, 10) * S;
}

static void
write_line(const struct et_linked_line *line, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < line->count && used < size; i++) {
		const struct et_linked_part *part = &line->parts[i];
		const char *unknown = part->from_seq == UINT64_MAX ? "@" : "";
		char letter = letters[part->state];

		used += (size_t)(i == 0 ? snprintf(text, size, "%c", letter)
					: snprintf(text + used, size - used, " %jd%s%c",
						   (intmax_t)(part->from_ns / S), unknown, letter));
	}
}

static void
check(const struct row *row, const struct et_linked_life *life)
{
	struct et_link_event events[EVENTS_MAX];
	struct et_links links = { .events = events };
	struct et_linked_line line;
	char text[200];

	links.event_count = read_events(row->events, events);
	read_stored(row->stored, &links);
	et_linked_line_of(&links, life, &line);
	write_line(&line, text, sizeof(text));
	if (strcmp(text, row->want) != 0 || line.complete != row->complete)
		fail_msg("%s: \"%s\", %s, and not \"%s\"", row->name, text,
			 line.complete ? "complete" : "not complete", row->want);
	assert_int_equal(line.parts[0].from_ns, INT64_MIN);
	assert_int_equal(line.parts[0].from_seq, 0);
	et_linked_line_done(&line);
	assert_null(line.parts);
	assert_int_equal(line.count, 0);
}

static void
links_of_which_nothing_is_missing_tell_all_of_the_time(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "added", "0+100", "0#100", ". 100#", true },
		{ "added and removed by name", "0+100 1-200", "1.200", ". 100# 200.", true },
		{ "all were removed", "0+100 1x200 2+300", "2#300", ". 100# 200. 300#", true },
		{ "others change nothing", "0o100 1o200", "1.200", ". 100. 200.", true },
		{ "also between others", "0o100 1+200 2o300 3-400 4o500", "4.500",
		  ". 100. 200# 300# 400. 500.", true },
		{ "twice", "0+100 1+200", "1#200", ". 100# 200#", true },
		{ "gone twice", "0x100 1x200", "1.200", ". 100. 200.", true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		check(&rows[i], &whole_life);
		/* Version 0 was seen: nothing was before it. */
		check(&rows[i], &unseen_life);
	}
}

static void
the_beginning_is_known_as_far_as_events_are(void **state ET_UNUSED)
{
	static const struct {
		struct row row;
		const char *unseen; /* where the life may have begun before the archives */
	} rows[] = {
		{ { "one missing, added", "1+100", "1#100", "? 100#", false }, "? 100#" },
		{ { "one missing, gone", "1x100", "1.100", "? 100.", false }, "? 100." },
		{ { "one missing, removed by name", "1-100", "1.100", "/ 100.", false }, "~ 100." },
		{ { "many missing, removed by name", "18446744073709551615-100",
		    "18446744073709551615.100", "/ 100.", false },
		  "~ 100." },
		{ { "one missing, never linked", "1o100", "1.100", ". 100.", false }, "? 100." },
		{ { "two missing, and not linked behind them", "2o100", "2.100", "? 100.", false },
		  "? 100." },
		{ { "linked behind them", "2o100", "2#100", "/ 100#", false }, "~ 100#" },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct row row = rows[i].row;

		check(&row, &whole_life);
		row.want = rows[i].unseen;
		check(&row, &unseen_life);
	}
}

static void
one_event_that_is_missing_changes_nothing_between_the_same_states(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "linked, one missing", "0+100 2-200", "2.200", ". 100# 200.", false },
		{ "linked, two missing", "0+100 3-200", "3.200", ". 100~ 200.", false },
		{ "not linked, one missing", "0x100 2o200", "2.200", ". 100. 200.", false },
		{ "not linked, two missing", "0x100 3o200", "3.200", ". 100? 200.", false },
		{ "linked, and not any more", "0+100 2o200", "2.200", ". 100? 200.", false },
		{ "not linked, and then it was", "0o100 2o200", "2#200", ". 100/ 200#", false },
		{ "not linked, and removed later", "0o100 9-200", "9.200", ". 100/ 200.", false },
		{ "what is behind them is not known", "0+100 2+200 4o300 5+400", "5#400",
		  ". 100? 200? 300? 400#", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
what_is_known_spreads_over_events_of_others(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "forward", "7+100 8o200 9o300", "", "? 100# 200# 300~", false },
		{ "back", "7o100 8o200 9-300", "9.300", "/ 100# 200# 300.", false },
		{ "back from the store", "7o100 8o200", "8.200", "? 100. 200.", false },
		{ "up to one that is missing, from both sides", "7x100 8o200 10o300 11-400",
		  "11.400", "? 100. 200/ 300# 400.", false },
		{ "not over an event that adds", "7o100 8+200", "8#200", "? 100? 200#", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
numbers_tell_the_order_where_the_clocks_of_replicas_differ(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "by 10 s", "1-100 0+110", "1.100", ". 110# 100.", true },
		{ "by more the store went back", "1-100 0+111", "0#111", "/ 100? 111#", false },
		{ "over several", "3x100 0o106 1+108 2o109", "3.100", ". 106. 108# 109# 100.",
		  true },
		{ "in whatever order they come", "2+300 0+100 1x200", "2#300", ". 100# 200. 300#",
		  true },
		{ "at the same time", "1x100 0+100", "1.100", ". 100# 100.", true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
where_the_store_went_back_nobody_knows_what_is_missing(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "linked on both sides", "0+100 1o200 1-300", "1.300", ". 100# 200~ 300.", false },
		{ "behind it the state is not the one before", "0+100 1-200 1o300 2o400", "2#400",
		  ". 100# 200/ 300# 400#", false },
		{ "from the highest number there is", "18446744073709551615+100 0o200 1o300",
		  "1.300", "? 100? 200. 300.", false },
		{ "not linked on both sides", "0+100 1-200 1o300", "1.300", ". 100# 200? 300.",
		  false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
an_event_that_is_there_twice_counts_once(void **state ET_UNUSED)
{
	static const struct et_link_event events[] = {
		{ 900, 200 * S, 1, ET_LINK_REMOVED },
		{ 500, 100 * S, 0, ET_LINK_ADDED },
		{ 600, 200 * S, 1, ET_LINK_REMOVED },
		{ 400, 100 * S, 0, ET_LINK_ADDED },
	};
	const struct et_links links = { .events = events,
					.event_count = ET_COUNT(events),
					.stored = true,
					.latest_version = 1,
					.latest_ns = 200 * S };
	struct et_linked_line line;

	et_linked_line_of(&links, &whole_life, &line);
	assert_true(line.complete);
	assert_int_equal(line.count, 3);
	/* as it was published first */
	assert_int_equal(line.parts[1].from_seq, 400);
	assert_int_equal(line.parts[1].from_ns, 100 * S);
	assert_int_equal(line.parts[1].state, ET_LINKED_PRESENT);
	assert_int_equal(line.parts[2].from_seq, 600);
	et_linked_line_done(&line);
}

static void
without_the_store_the_end_is_that_of_the_last_event_while_none_is_missing(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "linked", "0+100 1o200", "", ". 100# 200#", false },
		{ "linked, one missing", "0+100 1o200 3+300", "", ". 100# 200? 300~", false },
		{ "linked, the first one missing", "1+100", "", "? 100~", false },
		{ "not linked: it may be later", "0+100 1-200", "", ". 100# 200?", false },
		{ "not known", "3o100", "", "? 100?", false },
		{ "nothing at all", "", "", "?", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct row row = rows[i];

		check(&row, &whole_life);
		/* What the store says is of the newest life. */
		check(&row, &older_life);
		row.stored = "1#200";
		check(&row, &older_life);
		row.stored = "3#200";
		check(&row, &older_life);
	}
}

static void
the_store_tells_of_events_behind_the_last_one(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "one, with which it was linked", "0o100", "1#200", ". 100. 200@#", false },
		{ "one, with which it went", "0+100", "1.200", ". 100# 200@.", false },
		{ "one, of others", "0+100", "1#200", ". 100# 200@#", false },
		{ "one, and what was before it is not known", "3o100", "4#200", "? 100? 200@#",
		  false },
		{ "two, with which it was linked", "0o100", "2#200", ". 100/ 200@#", false },
		{ "two, with which it went", "0+100", "2.200", ". 100? 200@.", false },
		{ "two, linked as before", "0+100", "2#200", ". 100~ 200@#", false },
		{ "two, not linked as before", "0o100", "2.200", ". 100? 200@.", false },
		{ "many", "0+100", "18446744073709551615#200", ". 100~ 200@#", false },
		{ "the first of all", "", "0#200", ". 200@#", false },
		{ "the first of all, of others", "", "0.200", ". 200@.", false },
		{ "the first two", "", "1#200", "/ 200@#", false },
		{ "the first two, of others", "", "1.200", "? 200@.", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
of_a_life_that_began_unseen_the_store_tells_what_is_linked_since(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "linked, the first one", "", "0#200", "? 200@#", false },
		{ "not linked, the first one", "", "0.200", "? 200@.", false },
		{ "linked", "", "5#200", "? 200@#", false },
		{ "not linked", "", "5.200", "? 200@.", false },
		{ "at no time", "", "5#-", "?", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &unseen_life);
}

/* When its newest version was saved the store does not say. */
static void
a_stored_version_without_a_time_changes_it_nobody_knows_when(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "linked by one", "0o100", "1#-", ". 100/", false },
		{ "unlinked by one", "0+100", "1.-", ". 100?", false },
		{ "one, and linked as before", "0+100", "1#-", ". 100#", false },
		{ "one, and not linked as before", "0o100", "1.-", ". 100.", false },
		{ "two", "0+100", "2#-", ". 100~", false },
		{ "the first of all", "", "0#-", "/", false },
		{ "the last one that was seen", "0+100", "0#-", ". 100#", true },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		check(&rows[i], &whole_life);
	}
}

static void
a_store_that_contradicts_the_stream_is_not_believed(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "added, and not there", "0+100", "0.100", ". 100?", true },
		{ "removed, and there", "0+100 1-200", "1#200", ". 100# 200/", true },
		{ "older than the stream, linked", "0+100 1o200", "0#100", ". 100# 200~", false },
		{ "older than the stream, not linked", "0o100 1+200", "0.100", ". 100. 200?",
		  false },
		{ "removed where nothing can have been", "0-100", "0.100", "/ 100.", true },
		{ "older than the highest number there is", "0+100 18446744073709551615o200",
		  "0.100", ". 100? 200?", false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		check(&rows[i], &whole_life);
}

static void
only_events_of_the_life_count(void **state ET_UNUSED)
{
	static const struct et_linked_life life = { 200 * S, 400 * S, false };
	static const struct et_linked_life newest = { 200 * S, ET_TIME_NONE, false };
	static const struct row ended = { "from its beginning, to just before the next",
					  "0o200 1+399 2-400 0+199", "", ". 200. 399#", false };
	static const struct row last = { "to whatever comes", "0o200 1+399 2-400 0+199", "2.400",
					 ". 200. 399# 400.", true };

	check(&ended, &life);
	check(&last, &newest);
}

static void
times_and_numbers_at_their_limits_are_times_and_numbers(void **state ET_UNUSED)
{
	static const struct et_link_event events[] = {
		{ 0, INT64_MIN, 0, ET_LINK_ADDED },
		{ UINT64_MAX - 1, INT64_MAX, UINT64_MAX, ET_LINK_REMOVED },
		{ 0, INT64_MIN + 1, 1, ET_LINK_OTHER },
		{ 1, INT64_MAX - 1, UINT64_MAX - 1, ET_LINK_ABSENT },
	};
	const struct et_links links = { .events = events,
					.event_count = ET_COUNT(events),
					.stored = true,
					.latest_version = UINT64_MAX,
					.latest_ns = INT64_MAX };
	static const enum et_linked want[] = { ET_LINKED_ABSENT, ET_LINKED_PRESENT,
					       ET_LINKED_NOT_KNOWN, ET_LINKED_CHANGED,
					       ET_LINKED_ABSENT };
	struct et_linked_line line;

	et_linked_line_of(&links, &whole_life, &line);
	assert_int_equal(line.count, ET_COUNT(want));
	for (size_t i = 0; i < ET_COUNT(want); i++)
		assert_int_equal(line.parts[i].state, want[i]);
	assert_false(line.complete);
	et_linked_line_done(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_of_which_nothing_is_missing_tell_all_of_the_time),
		cmocka_unit_test(the_beginning_is_known_as_far_as_events_are),
		cmocka_unit_test(one_event_that_is_missing_changes_nothing_between_the_same_states),
		cmocka_unit_test(what_is_known_spreads_over_events_of_others),
		cmocka_unit_test(numbers_tell_the_order_where_the_clocks_of_replicas_differ),
		cmocka_unit_test(where_the_store_went_back_nobody_knows_what_is_missing),
		cmocka_unit_test(an_event_that_is_there_twice_counts_once),
		cmocka_unit_test(
			without_the_store_the_end_is_that_of_the_last_event_while_none_is_missing),
		cmocka_unit_test(the_store_tells_of_events_behind_the_last_one),
		cmocka_unit_test(of_a_life_that_began_unseen_the_store_tells_what_is_linked_since),
		cmocka_unit_test(a_stored_version_without_a_time_changes_it_nobody_knows_when),
		cmocka_unit_test(a_store_that_contradicts_the_stream_is_not_believed),
		cmocka_unit_test(only_events_of_the_life_count),
		cmocka_unit_test(times_and_numbers_at_their_limits_are_times_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
