// SPDX-License-Identifier: Apache-2.0
/*
 * Where the epochs of a device part. A history is a text of events, in the
 * order of the stream: "a0@10" is version 0 of aggregate a, of the 10th second;
 * a '+' behind it is one nanosecond more, an 's' says a snapshot, an 'n' one
 * without a time of its own (then the time is the stream's). Aggregate l is the
 * device's links, m its metadata. What comes out is "10 a0-2,5 b0 | 60 a0": the
 * second at which each epoch begins, and what was seen in it; "=2" behind an
 * aggregate: two of its messages repeat another one.
 */
#include "../et_test.h"

#include "base/clock.h"
#include "event/lives.h"

#define S ET_NS_PER_SECOND
#define ROWS_MAX 64

/* The order of the walk, as event/lives.h has it. */
static int
by_time(const void *a, const void *b)
{
	const struct et_row *x = a;
	const struct et_row *y = b;
	int order = et_uuid_compare(&x->aggregate, &y->aggregate);

	if (x->event_time_ns != y->event_time_ns)
		return x->event_time_ns < y->event_time_ns ? -1 : 1;
	if (order != 0)
		return order;
	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

static enum et_kind
kind_of(char aggregate, bool snapshot)
{
	if (aggregate == 'l')
		return snapshot ? ET_KIND_LINKS_SNAPSHOT : ET_KIND_LINKS_PUBLISHED;
	if (aggregate == 'm')
		return snapshot ? ET_KIND_METADATA_SNAPSHOT : ET_KIND_METADATA_UPDATED;
	return snapshot ? ET_KIND_RESOURCE_SNAPSHOT : ET_KIND_RESOURCE_CHANGED;
}

static struct et_row
row_of(const char **text, uint64_t seq)
{
	const char *at = *text;
	char aggregate = *at++;
	char *end = NULL;
	struct et_row row = { .aggregate = { { (uint8_t)aggregate } }, .seq = seq };

	row.version = strtoull(at, &end, 10);
	assert_true(end > at && *end == '@');
	at = end + 1;
	row.event_time_ns = strtoll(at, &end, 10) * S;
	assert_true(end > at);
	for (at = end; *at == '+'; at++)
		row.event_time_ns++;
	row.kind = (uint8_t)kind_of(aggregate, *at == 's');
	row.flags = *at == 'n' ? ET_ROW_NO_TIME : 0;
	at += *at == 's' || *at == 'n';
	assert_true(*at == ' ' || *at == '\0');
	while (*at == ' ')
		at++;
	*text = at;
	return row;
}

/* What the hook was told, in words. */
struct told {
	char text[512];
	size_t bytes;
	unsigned epochs;
	unsigned fails_at; /* the hook; 0: never */
	struct et_epoch last;
};

static void ET_PRINTF(2, 3) put(struct told *told, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	told->bytes += (size_t)vsnprintf(told->text + told->bytes, sizeof(told->text) - told->bytes,
					 format, arguments);
	va_end(arguments);
	assert_true(told->bytes < sizeof(told->text));
}

static void
put_aggregate(struct told *told, const struct et_lives_aggregate *one)
{
	uint64_t seen = et_coverage_count(&one->coverage, 0, UINT64_MAX);

	assert_int_equal(one->messages, seen + one->duplicates);
	assert_int_equal(one->family,
			 et_kind_info(kind_of((char)one->aggregate.bytes[0], false))->family);
	put(told, " %c", one->aggregate.bytes[0]);
	for (size_t i = 0; i < one->coverage.count; i++) {
		const struct et_span *span = &one->coverage.spans[i];

		put(told, "%s%d", i > 0 ? "," : "", (int)span->first);
		if (span->last > span->first)
			put(told, "-%d", (int)span->last);
	}
	if (one->duplicates > 0)
		put(told, "=%d", (int)one->duplicates);
}

static int
hook(void *cookie, const struct et_epoch *epoch, struct et_error *err ET_UNUSED)
{
	struct told *told = cookie;

	assert_int_equal(epoch->number, told->epochs);
	assert_true(epoch->last_ns >= epoch->start_ns);
	told->epochs++;
	told->last = *epoch;
	if (told->epochs == told->fails_at)
		return ET_CANCELED;
	put(told, "%s%d", told->bytes > 0 ? " | " : "", (int)(epoch->start_ns / S));
	for (size_t i = 0; i < epoch->count; i++)
		if (epoch->aggregates[i].messages > 0)
			put_aggregate(told, &epoch->aggregates[i]);
	return 0;
}

static void
walk(struct et_lives *lives, const char *events)
{
	struct et_row rows[ROWS_MAX];
	struct et_error err = { 0 };
	size_t count = 0;

	while (*events != '\0') {
		assert_true(count < ROWS_MAX);
		rows[count] = row_of(&events, count + 1);
		count++;
	}
	qsort(rows, count, sizeof(*rows), by_time);
	for (size_t i = 0; i < count; i++)
		assert_ok(et_lives_add(lives, &rows[i], &err), &err);
	assert_ok(et_lives_end(lives, &err), &err);
}

struct history {
	const char *name;
	const char *events;
	const char *want;
};

static void
check_histories(const struct history *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct told told = { .bytes = 0 };
		ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);

		walk(lives, rows[i].events);
		if (strcmp(told.text, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, told.text);
		/* It is ready for another device, and remembers nothing. */
		told = (struct told){ .bytes = 0 };
		walk(lives, rows[i].events);
		if (strcmp(told.text, rows[i].want) != 0)
			fail_msg("%s, once more: %s", rows[i].name, told.text);
	}
}

static void
one_life_has_one_epoch(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "nothing at all", "", "" },
		{ "one after the other", "m0@1 l0@2 a0@3 a1@4 a2@5", "1 a0-2 l0 m0" },
		{ "versions are missing", "a0@1 a3@2 a7@3 a8@4", "1 a0,3,7-8" },
		{ "the head was before the archives", "a5@1 a6@2", "1 a5-6" },
		{ "a late message fills its hole", "a0@1 a2@3 a3@4 a1@2", "1 a0-3" },
		{ "a late message of the head", "a3@30 a4@40 a0@10", "10 a0,3-4" },
		{ "aggregates swapped on the stream", "b0@2 a0@1", "1 a0 b0" },
	};

	check_histories(rows, ET_COUNT(rows));
}

static void
the_same_version_of_the_same_time_is_the_same_event(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "at once", "a0@1 a0@1 a1@2", "1 a0-1=1" },
		{ "at the end", "a0@1 a1@2 a2@3 a0@1 a1@2 a2@3", "1 a0-2=3" },
		{ "three times", "a0@1 a0@1 a0@1", "1 a0=2" },
		{ "all of a life, in the midst of the next one",
		  "a0@1 a1@2 a0@101 a0@1 a1@2 a1@102", "1 a0-1=2 | 101 a0-1" },
		{ "of the event that began an epoch", "a0@1 a0@50 a0@50", "1 a0 | 50 a0=1" },
		{ "of one that filled a hole", "a0@1 a2@2 a1@3 a1@3", "1 a0-2=1" },
		{ "another aggregate of that time is none", "a0@1 b0@1", "1 a0 b0" },
		{ "another version of that time is none", "a0@1 a1@1", "1 a0-1" },
	};

	check_histories(rows, ET_COUNT(rows));
}

static void
a_version_again_with_another_time_begins_an_epoch(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "a second life", "a0@1 a1@2 a0@100 a1@101", "1 a0-1 | 100 a0-1" },
		{ "a nanosecond later", "a0@1 a0@1+", "1 a0 | 1 a0" },
		{ "for all aggregates of the device", "m0@1 l0@1 a0@3 b0@4 b1@5 m0@100 b2@101",
		  "1 a0 b0-1 l0 m0 | 100 b2 m0" },
		{ "what the others do then does not matter",
		  "a0@1 b0@2 a1@3 a0@100 b0@101 b1@102 a1@103", "1 a0-1 b0 | 100 a0-1 b0-1" },
		{ "three lives", "a0@1 a0@100 a1@101 a0@200 a1@201", "1 a0 | 100 a0-1 | 200 a0-1" },
		{ "the number of a lost version is no repetition", "a0@1 a2@3 a0@100 a1@101",
		  "1 a0,2 | 100 a0-1" },
		{ "the store went back and goes on from there", "a0@1 a1@2 a2@3 a3@4 a2@100 a3@101",
		  "1 a0-3 | 100 a2-3" },
		{ "inside of what was seen", "a0@1 a1@2 a2@3 a1@100", "1 a0-2 | 100 a1" },
		{ "both lives mixed on the stream", "a0@1 a0@100 a1@2 a1@101",
		  "1 a0-1 | 100 a0-1" },
		{ "a message of the older life comes late", "a0@1 a2@3 a0@100 a1@101 a2@102 a1@2",
		  "1 a0-2 | 100 a0-2" },
		{ "... and fills nothing of the newer one", "a0@1 a2@3 a0@100 a2@102 a1@2",
		  "1 a0-2 | 100 a0,2" },
		{ "numbers that were used again twice", "a0@1 a1@2 a2@3 a1@50 a2@51 a1@90",
		  "1 a0-2 | 50 a1-2 | 90 a1" },
	};

	check_histories(rows, ET_COUNT(rows));
}

static void
a_number_far_below_much_later_begins_an_epoch(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "no version in common", "a5@1 a6@2 a7@3 a0@100 a1@101", "1 a5-7 | 100 a0-1" },
		{ "ten seconds are two clocks", "a0@1 a2@20 a1@30", "1 a0-2" },
		{ "more are not", "a0@1 a2@20 a1@30+", "1 a0,2 | 30 a1" },
		{ "against the next one above, not the highest", "a0@1 a3@20 a9@30 a2@31 a1@41",
		  "1 a0,3,9 | 31 a1-2" },
		{ "... which may be one that came late itself", "a0@1 a3@20 a2@30 a1@40",
		  "1 a0-3" },
		{ "the highest may be long ago", "a9@1 a4@5 a3@15", "1 a3-4,9" },
		{ "in another aggregate it says nothing", "a9@1 b0@100 a10@101", "1 a9-10 b0" },
		{ "an older life without a common version, late", "a0@100 a1@101 a7@1 a8@2",
		  "1 a7-8 | 100 a0-1" },
	};

	check_histories(rows, ET_COUNT(rows));
}

static void
a_snapshot_that_was_put_back_for_its_event_begins_none(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "microseconds later", "a0@1 a1@2 a1@2+s a2@3", "1 a0-2=1" },
		{ "ten seconds later", "a0@1 a1@2 a1@12s", "1 a0-1=1" },
		{ "later still", "a0@1 a1@2 a1@12+s", "1 a0-1 | 12 a1" },
		{ "the links' and the metadata's, too", "l0@1 m0@1 l0@2s m0@2s", "1 l0=1 m0=1" },
		{ "alone it is the event", "a0@1 a1@2s a2@3", "1 a0-2" },
		{ "of a version long ago", "a0@1 a1@100 a0@105s", "1 a0-1 | 105 a0" },
		{ "another event of that number is another life", "a0@1 a1@2 a1@3",
		  "1 a0-1 | 3 a1" },
	};

	check_histories(rows, ET_COUNT(rows));
}

static void
an_event_without_a_time_of_its_own_begins_none(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "it stands where it was found", "a0@1 a1@2n a2@3", "1 a0-2" },
		{ "a version again", "a0@1 a1@2 a0@100n", "1 a0-1=1" },
		{ "below the highest, much later", "a0@1 a2@3 a1@100n", "1 a0-2" },
		{ "twice", "a0@1 a1@5n a1@90n", "1 a0-1=1" },
	};

	check_histories(rows, ET_COUNT(rows));
}

/* The hub writes them before anything else of a device. */
static void
metadata_or_links_that_begin_long_after_a_resource_begin_an_epoch(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "metadata", "a5@1 m0@50 l0@51 a0@52", "1 a5 | 50 a0 l0 m0" },
		{ "links", "a5@1 l0@50 a6@51", "1 a5 | 50 a6 l0" },
		{ "ten seconds are two clocks", "a0@1 m0@11 l0@11", "1 a0 l0 m0" },
		{ "more are not", "a0@1 m0@11+", "1 a0 | 11 m0" },
		{ "ten seconds after the first resource, not the last", "a0@1 b5@20 m0@21",
		  "1 a0 b5 | 21 m0" },
		{ "no resource was seen before", "m0@1 l0@50 a0@51", "1 a0 l0 m0" },
		{ "a resource that comes late on the stream", "m0@50 l0@51 a7@1",
		  "1 a7 | 50 l0 m0" },
		{ "later versions say nothing", "a0@1 m1@50 l2@51", "1 a0 l2 m1" },
		{ "what comes behind a later version is late", "a0@1 m1@50 m0@49",
		  "1 a0 | 49 m0-1" },
		{ "... or the other one's clock was", "a0@1 m1@49 m0@50", "1 a0 m0-1" },
		{ "without a time it says nothing", "a0@1 m0@50n", "1 a0 m0" },
		/* A device of which the documents were lost goes on at 0, and has its metadata back
		 * much later. */
		{ "only the oldest epoch may lack its beginning", "m0@1 a0@2 a0@50 m0@90 l0@91",
		  "1 a0 m0 | 50 a0 l0 m0" },
		{ "behind a store that went back neither", "l0@1 a0@3 a1@4 a1@50 m0@90 a2@91",
		  "1 a0-1 l0 | 50 a1-2 m0" },
	};

	check_histories(rows, ET_COUNT(rows));
}

/* The first number that comes again need not be the first event of a life. */
static void
what_is_as_new_as_an_epoch_belongs_to_it(void **state ET_UNUSED)
{
	static const struct history rows[] = {
		{ "a moment before", "a0@1 b0@99 a0@100", "1 a0 | 99 a0 b0" },
		{ "several versions of several aggregates",
		  "a0@1 b0@92 c0@93 b1@94 c1@95 b2@96 a0@100 b3@101", "1 a0 | 92 a0 b0-3 c0-1" },
		{ "the earliest of them begins it", "a0@1 b0@96 c0@92 d0@94 a0@100",
		  "1 a0 | 92 a0 b0 c0 d0" },
		{ "ten seconds before", "a0@1 b0@90 a0@100", "1 a0 | 90 a0 b0" },
		{ "longer before", "a0@1 b0@89 a0@100", "1 a0 b0 | 100 a0" },
		{ "with a version of long before", "a0@1 b0@2 b1@99 a0@100", "1 a0 b0-1 | 100 a0" },
		{ "not from its beginning", "a0@1 b1@99 a0@100", "1 a0 b1 | 100 a0" },
		{ "with a hole", "a0@1 b0@98 b2@99 a0@100", "1 a0 b0,2 | 100 a0" },
		{ "all is new", "a0@1 b0@2 a0@5", "1 a0 b0 | 5 a0" },
		{ "the aggregate that comes again stays", "c0@1 a0@99 a0@100", "1 a0 c0 | 100 a0" },
		{ "its duplicates go with it", "a0@1 b0@99 b0@99 b1@99 a0@100",
		  "1 a0 | 99 a0 b0-1=1" },
		{ "metadata of a second life, its first one lost",
		  "l0@1 a0@2 a1@3 m0@99 l0@100 a0@101", "1 a0-1 l0 | 99 a0 l0 m0" },
		{ "in the second life as well", "a0@1 a0@50 b0@99 a0@100",
		  "1 a0 | 50 a0 | 99 a0 b0" },
	};

	check_histories(rows, ET_COUNT(rows));
}

/* What was taken out of it is no event of the epoch that ends. */
static void
an_epoch_ends_with_the_last_event_that_stays(void **state ET_UNUSED)
{
	struct told told = { .bytes = 0, .fails_at = 2 };
	ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);
	const char *events = "a0@1 a1@7 b0@99 a0@100";
	struct et_error err = { 0 };

	for (uint64_t seq = 1; *events != '\0'; seq++) {
		struct et_row row = row_of(&events, seq);

		assert_ok(et_lives_add(lives, &row, &err), &err);
	}
	assert_int_equal(told.epochs, 1);
	assert_string_equal(told.text, "1 a0-1");
	assert_int_equal(told.last.last_ns, 7 * S);
	assert_int_equal(et_lives_end(lives, &err), ET_CANCELED);
	assert_int_equal(told.last.start_ns, 99 * S);
	assert_int_equal(told.last.start_seq, 3);
	assert_int_equal(told.last.last_ns, 100 * S);
}

static void
many_aggregates_keep_their_own_versions(void **state ET_UNUSED)
{
	struct told told = { .bytes = 0 };
	ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);
	struct et_error err = { 0 };

	/* the last one first, so that each takes a place in front of the others */
	for (unsigned round = 0; round < 2; round++) {
		told = (struct told){ .bytes = 0 };
		for (unsigned i = 0; i < 52; i++) {
			char name = (char)('z' - i % 26);
			const struct et_row row = { .aggregate = { { (uint8_t)name } },
						    .version = i / 26,
						    .event_time_ns = (int64_t)i,
						    .seq = i + 1,
						    .kind = (uint8_t)kind_of(name, false) };

			assert_ok(et_lives_add(lives, &row, &err), &err);
		}
		assert_ok(et_lives_end(lives, &err), &err);
		assert_string_equal(told.text,
				    "0 a0-1 b0-1 c0-1 d0-1 e0-1 f0-1 g0-1 h0-1 i0-1 j0-1 k0-1 "
				    "l0-1 m0-1 n0-1 o0-1 p0-1 q0-1 r0-1 s0-1 t0-1 u0-1 v0-1 w0-1 "
				    "x0-1 y0-1 z0-1");
	}
}

static void
an_epoch_says_where_it_begins_and_ends(void **state ET_UNUSED)
{
	struct told told = { .bytes = 0 };
	ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);

	/* The first one in time came as the second. */
	walk(lives, "a0@1 b0@60 a0@50 c0@70 b0@60");
	assert_int_equal(told.epochs, 2);
	assert_int_equal(told.last.number, 1);
	assert_int_equal(told.last.start_ns, 50 * S);
	assert_int_equal(told.last.start_seq, 3);
	assert_int_equal(told.last.last_ns, 70 * S);
	et_lives_free(NULL);
}

static void
what_was_seen_of_another_device_says_nothing(void **state ET_UNUSED)
{
	struct told told = { .bytes = 0 };
	ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);

	walk(lives, "a0@1 b1@2 a0@50");
	told = (struct told){ .bytes = 0 };
	walk(lives, "m0@100 a0@101 b1@102");
	assert_string_equal(told.text, "100 a0 b1 m0");
}

static void
what_the_hook_says_ends_the_walk(void **state ET_UNUSED)
{
	static const uint64_t versions[] = { 0, 1, 0 };

	for (unsigned fails_at = 1; fails_at < 3; fails_at++) {
		struct told told = { .fails_at = fails_at };
		ET_CLEAN(et_lives) struct et_lives *lives = et_lives_new(hook, &told);
		int r = 0;

		for (unsigned i = 0; r == 0 && i < 3; i++) {
			const struct et_row row = { .version = versions[i],
						    .event_time_ns = (int64_t)i * S,
						    .kind = ET_KIND_RESOURCE_CHANGED };

			r = et_lives_add(lives, &row, NULL);
		}
		assert_int_equal(r, fails_at == 1 ? ET_CANCELED : 0);
		if (fails_at == 2)
			assert_int_equal(et_lives_end(lives, NULL), ET_CANCELED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_life_has_one_epoch),
		cmocka_unit_test(the_same_version_of_the_same_time_is_the_same_event),
		cmocka_unit_test(a_version_again_with_another_time_begins_an_epoch),
		cmocka_unit_test(a_number_far_below_much_later_begins_an_epoch),
		cmocka_unit_test(a_snapshot_that_was_put_back_for_its_event_begins_none),
		cmocka_unit_test(an_event_without_a_time_of_its_own_begins_none),
		cmocka_unit_test(metadata_or_links_that_begin_long_after_a_resource_begin_an_epoch),
		cmocka_unit_test(what_is_as_new_as_an_epoch_belongs_to_it),
		cmocka_unit_test(an_epoch_ends_with_the_last_event_that_stays),
		cmocka_unit_test(many_aggregates_keep_their_own_versions),
		cmocka_unit_test(an_epoch_says_where_it_begins_and_ends),
		cmocka_unit_test(what_was_seen_of_another_device_says_nothing),
		cmocka_unit_test(what_the_hook_says_ends_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
