// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "audit/incidents.h"

#define S ET_NS_PER_SECOND
#define MIN (60 * S)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NONE ET_TIME_NONE
#define MANY 300000u

struct bench {
	struct et_incidents *incidents;
	struct et_loss *losses;
	size_t count;
	const struct et_incident *list;
	size_t found;
};

static int
set_up(void **state)
{
	struct bench *bench = et_calloc(1, sizeof(*bench));

	bench->incidents = et_incidents_new();
	bench->losses = et_calloc(MANY, sizeof(*bench->losses));
	*state = bench;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *bench = *state;

	et_incidents_free(bench->incidents);
	free(bench->losses);
	free(bench);
	return 0;
}

static struct et_uuid
device(uint64_t number)
{
	struct et_uuid key = { { 0xde } };

	memcpy(key.bytes + 8, &number, sizeof(number));
	return key;
}

/* Lost some time between the two. */
static struct et_loss *
lose(struct bench *bench, int64_t after_ns, int64_t before_ns)
{
	struct et_loss *loss = &bench->losses[bench->count++];

	*loss = (struct et_loss){ .after_ns = after_ns,
				  .before_ns = before_ns,
				  .device = device(bench->count) };
	return loss;
}

/* ... at that time. */
static struct et_loss *
lose_at(struct bench *bench, int64_t time_ns)
{
	return lose(bench, time_ns, time_ns);
}

static int
by_upper_end(const void *a, const void *b)
{
	const struct et_loss *x = a;
	const struct et_loss *y = b;

	if (x->before_ns != y->before_ns)
		return x->before_ns > y->before_ns ? 1 : -1;
	return x->after_ns > y->after_ns ? 1 : x->after_ns < y->after_ns ? -1 : 0;
}

static struct et_incident *
find(struct bench *bench)
{
	qsort(bench->losses, bench->count, sizeof(*bench->losses), by_upper_end);
	for (size_t i = 0; i < bench->count; i++)
		et_incidents_find(bench->incidents, &bench->losses[i]);
	return et_incidents_settle(bench->incidents, &bench->found);
}

static void
count(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		et_incidents_weigh(bench->incidents, &bench->losses[i]);
	for (size_t i = 0; i < bench->count; i++)
		et_incidents_count(bench->incidents, &bench->losses[i]);
	bench->list = et_incidents_list(bench->incidents, &bench->found);
}

static void
judge(struct bench *bench)
{
	(void)find(bench);
	count(bench);
}

static void
assert_incident(const struct et_incident *incident, int64_t start_ns, int64_t end_ns,
		const char *bounds, uint64_t lost)
{
	if (incident->start_ns != start_ns || incident->end_ns != end_ns ||
	    strcmp(et_incident_bounds_name(incident->bounds), bounds) != 0 ||
	    incident->lost != lost)
		fail_msg("%.1f s to %.1f s, %s, %llu lost", (double)incident->start_ns / (double)S,
			 (double)incident->end_ns / (double)S,
			 et_incident_bounds_name(incident->bounds),
			 (unsigned long long)incident->lost);
}

/* "HOUR:LOST HOUR:LOST", earlier ones in front. */
static const char *
hours(const struct bench *bench)
{
	static char text[256];
	uint64_t earlier = 0;
	size_t count = 0;
	const struct et_incident_hour *list =
		et_incidents_hours(bench->incidents, &count, &earlier);
	size_t at = 0;

	text[0] = '\0';
	if (earlier > 0)
		at += (size_t)snprintf(text, sizeof(text), "earlier:%d", (int)earlier);
	for (size_t i = 0; i < count && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d:%d", at > 0 ? " " : "",
				       (int)(list[i].start_ns / HOUR), (int)list[i].lost);
	return text;
}

/* ---- times of their own ---- */

static void
without_a_loss_there_is_no_incident(void **state)
{
	struct bench *bench = *state;

	judge(bench);
	assert_int_equal(bench->found, 0);
	assert_int_equal(et_incidents_total(bench->incidents), 0);
	assert_string_equal(hours(bench), "");
	et_incidents_free(NULL);
}

static void
losses_less_than_five_minutes_apart_are_one_incident(void **state)
{
	struct bench *bench = *state;

	for (int64_t time = 0; time <= 30; time += 5)
		lose_at(bench, time * MIN);
	judge(bench);
	assert_int_equal(bench->found, 1);
	assert_incident(&bench->list[0], 0, 30 * MIN, "span", 7);
	assert_int_equal(bench->list[0].certain, 7);
	assert_int_equal(bench->list[0].first_own_ns, 0);
	assert_int_equal(bench->list[0].last_own_ns, 30 * MIN);
	/* All is known: nothing has to be looked for. */
	assert_int_equal(bench->list[0].after_position, 0);
}

static void
losses_more_than_five_minutes_apart_are_two(void **state)
{
	struct bench *bench = *state;

	lose_at(bench, 0);
	lose_at(bench, S);
	lose_at(bench, 5 * MIN + S + 1);
	judge(bench);
	assert_int_equal(bench->found, 2);
	assert_int_equal(et_incidents_total(bench->incidents), 2);
	assert_incident(&bench->list[0], 0, S, "span", 2);
	assert_incident(&bench->list[1], 5 * MIN + S + 1, 5 * MIN + S + 1, "span", 1);
}

/* ---- brackets ---- */

static void
a_bracket_alone_says_only_between_which_times(void **state)
{
	struct bench *bench = *state;

	lose(bench, 9 * HOUR, 11 * HOUR);
	judge(bench);
	assert_int_equal(bench->found, 1);
	assert_incident(&bench->list[0], 9 * HOUR, 11 * HOUR, "bracket", 1);
	assert_string_equal(hours(bench), "10:1");
}

static void
brackets_with_a_time_in_common_are_one_incident_at_that_time(void **state)
{
	struct bench *bench = *state;

	lose(bench, 9 * HOUR, 13 * HOUR);
	lose(bench, 11 * HOUR, 20 * HOUR);
	lose(bench, 2 * HOUR, 12 * HOUR);
	lose(bench, 10 * HOUR, 15 * HOUR);
	judge(bench);
	assert_int_equal(bench->found, 1);
	assert_incident(&bench->list[0], 11 * HOUR, 12 * HOUR, "bracket", 4);
	assert_int_equal(bench->list[0].first_own_ns, NONE);
	assert_string_equal(hours(bench), "11:4");
}

static void
brackets_without_a_time_in_common_are_as_few_incidents_as_can_be(void **state)
{
	struct bench *bench = *state;

	lose(bench, 0, 2 * HOUR);
	lose(bench, 1 * HOUR, 3 * HOUR);
	lose(bench, 4 * HOUR, 6 * HOUR);
	lose(bench, 5 * HOUR, 9 * HOUR);
	judge(bench);
	assert_int_equal(bench->found, 2);
	assert_incident(&bench->list[0], 5 * HOUR, 6 * HOUR, "bracket", 2);
	assert_incident(&bench->list[1], 1 * HOUR, 2 * HOUR, "bracket", 2);
}

static void
short_brackets_one_behind_the_other_are_a_span(void **state)
{
	struct bench *bench = *state;

	for (int64_t time = 0; time < 30; time++)
		lose(bench, time * MIN, time * MIN + 20 * S);
	judge(bench);
	assert_int_equal(bench->found, 1);
	assert_incident(&bench->list[0], 20 * S, 29 * MIN, "span", 30);
}

static void
a_bracket_is_of_the_incident_that_it_meets(void **state)
{
	struct bench *bench = *state;

	lose_at(bench, HOUR);
	lose_at(bench, HOUR + MIN);
	lose(bench, 0, 8 * HOUR); /* of the only one there is until then */
	lose_at(bench, 9 * HOUR);
	judge(bench);
	assert_int_equal(bench->found, 2);
	assert_incident(&bench->list[0], HOUR, HOUR + MIN, "span", 3);
	assert_int_equal(bench->list[0].certain, 3);
	assert_incident(&bench->list[1], 9 * HOUR, 9 * HOUR, "span", 1);
	assert_string_equal(hours(bench), "1:3 9:1");
}

/* Ten that are surely of the one, five of the other, and thirty that can be of both. */
static void
what_can_be_of_several_is_shared_out_in_proportion(void **state)
{
	struct bench *bench = *state;

	for (int64_t i = 0; i < 10; i++)
		lose_at(bench, HOUR + i * S);
	for (int64_t i = 0; i < 5; i++)
		lose_at(bench, 3 * HOUR + i * S);
	for (int64_t i = 0; i < 30; i++)
		lose(bench, i * S, 4 * HOUR + i * S);
	judge(bench);
	assert_int_equal(bench->found, 2);
	/* In the order of what was found at first. */
	assert_incident(&bench->list[0], 3 * HOUR, 3 * HOUR + 4 * S, "span", 15);
	assert_int_equal(bench->list[0].certain, 5);
	assert_incident(&bench->list[1], HOUR, HOUR + 9 * S, "span", 30);
	assert_int_equal(bench->list[1].certain, 10);
}

static void
a_beginning_that_is_open_stays_open(void **state)
{
	struct bench *bench = *state;

	lose(bench, NONE, 5 * HOUR + MIN);
	judge(bench);
	assert_incident(&bench->list[0], NONE, 5 * HOUR + MIN, "bracket", 1);
	assert_string_equal(hours(bench), "5:1");
}

static void
neighbours_that_clocks_have_swapped_are_swapped_back(void **state)
{
	struct bench *bench = *state;

	lose(bench, HOUR + S, HOUR);
	judge(bench);
	/* As it is ordered by one end, that one is its upper end. */
	assert_incident(&bench->list[0], HOUR, HOUR, "span", 1);
}

/* 300 devices with an event every 40 minutes or so; two minutes at noon and at one are lost. */
static void
two_outages_an_hour_apart_are_told_apart_by_brackets_of_hours(void **state)
{
	const int64_t outages[] = { 12 * HOUR, 13 * HOUR };
	struct bench *bench = *state;
	uint64_t random = 1;
	uint64_t lost = 0;

	for (unsigned i = 0; i < 3000; i++) {
		int64_t last = 0;
		size_t open = bench->count;

		for (int64_t time = 0; time < DAY;) {
			bool out = false;

			random = random * 6364136223846793005u + 1442695040888963407u;
			time += (int64_t)((random >> 33) % 4800) * S;
			for (size_t j = 0; j < ET_COUNT(outages); j++)
				out |= time >= outages[j] && time < outages[j] + 2 * MIN;
			if (out) {
				lose(bench, last, DAY)->device = device(i);
				lost++;
				continue;
			}
			last = time;
			while (open < bench->count)
				bench->losses[open++].before_ns = time;
		}
	}
	assert_true(lost > 200);
	judge(bench);
	assert_int_equal(bench->found, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct et_incident *one = &bench->list[i];
		int64_t noon = one->start_ns < 12 * HOUR + 30 * MIN ? 12 * HOUR : 13 * HOUR;

		/* Some minutes around it, and not hours. */
		assert_in_range(one->start_ns, noon - 5 * MIN, noon + MIN);
		assert_in_range(one->end_ns, noon + MIN, noon + 7 * MIN);
		assert_true(one->lost > lost / 3 && one->certain > lost / 5);
		assert_true(one->devices <= one->lost && one->devices > one->lost / 2);
	}
	assert_int_equal(bench->list[0].lost + bench->list[1].lost, lost);
}

static void
a_bracket_of_weeks_is_of_one_of_the_latest_it_meets(void **state)
{
	struct bench *bench = *state;

	for (int64_t i = 0; i < 90; i++)
		lose_at(bench, (i + 1) * HOUR);
	lose(bench, 0, 90 * HOUR + 1);
	judge(bench);
	assert_int_equal(bench->found, 90);
	assert_incident(&bench->list[0], 90 * HOUR, 90 * HOUR, "span", 2);
}

/* ---- which matter most, and how many there can be ---- */

static void
new_losses_matter_most_then_many_then_late_ones(void **state)
{
	struct bench *bench = *state;

	lose_at(bench, 1 * HOUR);
	for (unsigned i = 0; i < 3; i++)
		lose_at(bench, 2 * HOUR);
	lose_at(bench, 3 * HOUR)->is_new = true;
	lose_at(bench, 4 * HOUR);
	judge(bench);
	assert_int_equal(bench->found, 4);
	assert_int_equal(bench->list[0].start_ns, 3 * HOUR);
	assert_int_equal(bench->list[0].new_ones, 1);
	assert_int_equal(bench->list[1].start_ns, 2 * HOUR);
	assert_int_equal(bench->list[2].start_ns, 4 * HOUR);
	assert_int_equal(bench->list[3].start_ns, 1 * HOUR);
}

static void
of_many_incidents_the_most_important_ones_are_kept(void **state)
{
	struct bench *bench = *state;

	for (int64_t i = 0; i < 150; i++)
		lose_at(bench, i * HOUR);
	judge(bench);
	assert_int_equal(bench->found, ET_INCIDENTS_KEPT);
	assert_int_equal(et_incidents_total(bench->incidents), 150);
	assert_int_equal(bench->list[0].start_ns, 149 * HOUR);
	assert_int_equal(bench->list[99].start_ns, 50 * HOUR);
}

static void
what_happened_long_ago_is_forgotten_first(void **state)
{
	struct bench *bench = *state;
	uint64_t earlier = 0;
	size_t count = 0;
	const struct et_incident_hour *list;

	for (int64_t i = 0; i < (int64_t)ET_INCIDENT_SPANS + 10; i++)
		lose_at(bench, i * HOUR);
	lose_at(bench, 0);
	judge(bench);
	assert_int_equal(bench->found, ET_INCIDENTS_KEPT);
	assert_int_equal(et_incidents_total(bench->incidents), ET_INCIDENT_SPANS + 10);
	assert_int_equal(bench->list[0].start_ns, (ET_INCIDENT_SPANS + 9) * HOUR);
	/* Each is in its hour all the same, or before the first one that is told. */
	list = et_incidents_hours(bench->incidents, &count, &earlier);
	assert_int_equal(count, ET_INCIDENT_HOURS);
	assert_int_equal(count + earlier, bench->count);
	assert_int_equal(list[count - 1].start_ns, (ET_INCIDENT_SPANS + 9) * HOUR);
	assert_int_equal(list[0].start_ns,
			 (int64_t)(ET_INCIDENT_SPANS + 10 - ET_INCIDENT_HOURS) * HOUR);
}

static void
an_hour_older_than_all_that_are_told_is_earlier(void **state)
{
	struct bench *bench = *state;
	uint64_t earlier = 0;
	size_t count = 0;

	for (int64_t i = 1; i <= (int64_t)ET_INCIDENT_HOURS; i++)
		lose_at(bench, i * HOUR);
	(void)find(bench);
	/* ... whenever it comes. */
	bench->losses[bench->count++] = (struct et_loss){ .after_ns = 0, .before_ns = 0 };
	count = 0;
	for (size_t i = 0; i < bench->count; i++)
		et_incidents_count(bench->incidents, &bench->losses[i]);
	(void)et_incidents_hours(bench->incidents, &count, &earlier);
	assert_int_equal(count, ET_INCIDENT_HOURS);
	assert_int_equal(earlier, 1);
}

/* ---- what was lost ---- */

static void
devices_and_types_are_counted(void **state)
{
	struct bench *bench = *state;
	const struct et_incident *one;

	for (unsigned i = 0; i < 60; i++) {
		struct et_loss *loss = lose_at(bench, (int64_t)i * S);

		loss->device = device(i % 30);
		loss->kind = i % 3 == 0 ? ET_KIND_RESOURCE_CHANGED : ET_KIND_UNKNOWN;
		loss->recoverable = i % 4 == 0;
		loss->after_position = i % 30 == 7 ? 0 : 100 + i;
		loss->before_position = i % 30 == 8 ? 0 : 200 + i;
	}
	bench->losses[59].kind = (enum et_kind)99; /* of a newer evtrail */
	judge(bench);
	assert_int_equal(bench->found, 1);
	one = &bench->list[0];
	assert_int_equal(one->devices, 30);
	assert_false(one->more_devices);
	assert_int_equal(one->kinds[ET_KIND_RESOURCE_CHANGED], 20);
	assert_int_equal(one->kinds[ET_KIND_UNKNOWN], 40);
	assert_int_equal(one->recoverable, 15);
	for (unsigned i = 0; i < ET_INCIDENT_DEVICES; i++) {
		struct et_uuid want = device(i);

		assert_int_equal(et_uuid_compare(&one->named[i].key, &want), 0);
		assert_int_equal(one->named[i].position, i == 7 ? 207 : 100 + i);
	}
}

static void
devices_beyond_what_can_be_told_apart_are_said_to_be(void **state)
{
	struct bench *bench = *state;

	for (unsigned i = 0; i < 250000; i++)
		lose_at(bench, 0);
	/* Once more each: they are no further ones. */
	judge(bench);
	assert_true(bench->list[0].more_devices);
	assert_int_equal(bench->list[0].lost, 250000);
	assert_in_range(bench->list[0].devices, ET_INCIDENT_SET / 2, ET_INCIDENT_SET);
}

/* ---- times that no clock has said ---- */

static void
absurd_times_do_no_harm(void **state)
{
	struct bench *bench = *state;

	lose(bench, INT64_MIN + 1, INT64_MIN + 2);
	lose_at(bench, -1);
	lose(bench, INT64_MIN + 1, INT64_MAX);
	lose_at(bench, INT64_MAX);
	judge(bench);
	assert_int_equal(et_incidents_total(bench->incidents), 3);
	assert_int_equal(bench->list[0].lost + bench->list[1].lost + bench->list[2].lost, 4);
}

/* ---- silence ---- */

static void
all_losses_lie_between_the_neighbours_they_have_in_common(void **state)
{
	struct bench *bench = *state;
	struct et_incident *list;
	struct et_loss *loss;

	loss = lose(bench, 0, 10 * S);
	loss->after_position = 5;
	loss->before_position = 40;
	loss = lose(bench, 2 * S, 12 * S);
	loss->after_position = 17; /* nothing behind it on the stream */
	loss = lose(bench, 1 * S, 11 * S);
	loss->after_position = 9;
	loss->before_position = 33;
	list = find(bench);
	assert_int_equal(bench->found, 1);
	assert_int_equal(list[0].after_position, 17);
	assert_int_equal(list[0].before_position, 33);
}

static bool
silence(const int64_t *times, size_t count, int64_t *from, int64_t *to)
{
	struct et_pauses pauses = { 0 };

	for (size_t i = 0; i < count; i++)
		et_pauses_add(&pauses, times[i]);
	return et_pauses_silence(&pauses, from, to);
}

static void
a_pause_like_no_other_is_a_silence(void **state ET_UNUSED)
{
	int64_t times[42];
	int64_t from = 0;
	int64_t to = 0;

	/* every second but once */
	for (unsigned i = 0; i < 42; i++)
		times[i] = (int64_t)i * S + (i > 20 ? 19 * S : 0);
	assert_true(silence(times, 42, &from, &to));
	assert_int_equal(from, 20 * S);
	assert_int_equal(to, 40 * S);
	/* a little less is a pause like others */
	for (unsigned i = 21; i < 42; i++)
		times[i] -= 1;
	assert_false(silence(times, 42, &from, &to));
	/* the only one is like no other, and nothing is none */
	times[1] = 3 * S;
	assert_true(silence(times, 2, &from, &to));
	assert_true(from == 0 && to == 3 * S);
	assert_false(silence(times, 1, &from, &to));
	assert_false(silence(times, 0, &from, &to));
}

static void
what_comes_late_does_not_break_a_silence(void **state ET_UNUSED)
{
	static const int64_t times[] = { 0, 1 * S, 0, 100 * S, 50 * S, 100 * S, 101 * S };
	static const int64_t absurd[] = { INT64_MIN + 1, INT64_MAX };
	int64_t from = 0;
	int64_t to = 0;

	assert_true(silence(times, ET_COUNT(times), &from, &to));
	assert_true(from == 1 * S && to == 100 * S);
	assert_false(silence(absurd, ET_COUNT(absurd), &from, &to));
}

static void
an_incident_was_the_silence_unless_a_loss_lies_outside(void **state)
{
	struct bench *bench = *state;
	struct et_incident *list;
	struct et_loss *loss;

	lose_at(bench, HOUR + 10 * S);
	lose_at(bench, HOUR + 20 * S);
	loss = lose(bench, 0, 3 * HOUR);
	loss->after_position = 1;
	loss->before_position = 9;
	list = find(bench);
	et_incident_was_silent(&list[0], HOUR + 11 * S, HOUR + 30 * S);
	assert_int_equal(list[0].bounds, ET_INCIDENT_SPAN);
	et_incident_was_silent(&list[0], HOUR, HOUR + 19 * S);
	assert_int_equal(list[0].bounds, ET_INCIDENT_SPAN);
	et_incident_was_silent(&list[0], HOUR, HOUR + 30 * S);
	count(bench);
	assert_incident(&bench->list[0], HOUR, HOUR + 30 * S, "silence", 3);
	assert_string_equal(hours(bench), "1:3");
}

static void
of_brackets_alone_any_silence_will_do(void **state)
{
	struct bench *bench = *state;
	struct et_incident *list;

	lose(bench, 0, 3 * HOUR);
	list = find(bench);
	et_incident_was_silent(&list[0], HOUR, HOUR + S);
	count(bench);
	assert_incident(&bench->list[0], HOUR, HOUR + S, "silence", 1);
	assert_string_equal(hours(bench), "1:1");
}

#define on_bench(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_bench(without_a_loss_there_is_no_incident),
		on_bench(losses_less_than_five_minutes_apart_are_one_incident),
		on_bench(losses_more_than_five_minutes_apart_are_two),
		on_bench(a_bracket_alone_says_only_between_which_times),
		on_bench(brackets_with_a_time_in_common_are_one_incident_at_that_time),
		on_bench(brackets_without_a_time_in_common_are_as_few_incidents_as_can_be),
		on_bench(short_brackets_one_behind_the_other_are_a_span),
		on_bench(a_bracket_is_of_the_incident_that_it_meets),
		on_bench(what_can_be_of_several_is_shared_out_in_proportion),
		on_bench(a_beginning_that_is_open_stays_open),
		on_bench(neighbours_that_clocks_have_swapped_are_swapped_back),
		on_bench(two_outages_an_hour_apart_are_told_apart_by_brackets_of_hours),
		on_bench(a_bracket_of_weeks_is_of_one_of_the_latest_it_meets),
		on_bench(new_losses_matter_most_then_many_then_late_ones),
		on_bench(of_many_incidents_the_most_important_ones_are_kept),
		on_bench(what_happened_long_ago_is_forgotten_first),
		on_bench(an_hour_older_than_all_that_are_told_is_earlier),
		on_bench(devices_and_types_are_counted),
		on_bench(devices_beyond_what_can_be_told_apart_are_said_to_be),
		on_bench(absurd_times_do_no_harm),
		on_bench(all_losses_lie_between_the_neighbours_they_have_in_common),
		cmocka_unit_test(a_pause_like_no_other_is_a_silence),
		cmocka_unit_test(what_comes_late_does_not_break_a_silence),
		on_bench(an_incident_was_the_silence_unless_a_loss_lies_outside),
		on_bench(of_brackets_alone_any_silence_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
