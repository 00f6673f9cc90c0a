// SPDX-License-Identifier: Apache-2.0
/*
 * The lives of devices in the catalog: what is taken archive by archive, and
 * walked anew where that is wanted, is what one archive of everything gives.
 */
#include "rows.h"

#include "base/buf.h"

#define S ET_NS_PER_SECOND
#define HISTORIES 1000u
#define ROWS_MAX 64u
#define DEVICE 1

struct history {
	struct et_row rows[ROWS_MAX];
	size_t count;
};

static uint64_t
roll(uint64_t *seed, uint64_t sides)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % sides;
}

/* Aggregates 10 and 11 are the device's links and metadata. */
static enum et_kind
kind_of(uint8_t aggregate, bool snapshot)
{
	if (aggregate == 10)
		return snapshot ? ET_KIND_LINKS_SNAPSHOT : ET_KIND_LINKS_PUBLISHED;
	if (aggregate == 11)
		return snapshot ? ET_KIND_METADATA_SNAPSHOT : ET_KIND_METADATA_UPDATED;
	return snapshot ? ET_KIND_RESOURCE_SNAPSHOT : ET_KIND_RESOURCE_CHANGED;
}

static void
put(struct history *history, struct et_row row)
{
	if (history->count == ROWS_MAX)
		return;
	row.seq = history->count + 1;
	history->rows[history->count++] = row;
}

/* ---- histories that a hub can write ---- */

/* A life: links and metadata, then resources; some messages are lost, some come twice, some are
 * late by a few places, or by a life. */
static int64_t
live(struct history *history, uint64_t *seed, int64_t now_ns, struct history *late)
{
	uint64_t next[14] = { 0 };
	unsigned loss = (unsigned)roll(seed, 4);
	int64_t step_ns = (1 + (int64_t)roll(seed, 4) * 3) * S / (roll(seed, 3) == 0 ? 100 : 1);

	if (roll(seed, 3) > 0)
		put(history, registration(DEVICE, now_ns, 0));
	for (unsigned i = 0; i < 4 + roll(seed, 16); i++) {
		uint8_t aggregate = (uint8_t)(i < 2 ? 10 + i : 10 + roll(seed, 4));
		struct et_row row = event(DEVICE, aggregate, next[aggregate]++, now_ns, 0,
					  kind_of(aggregate, false));

		now_ns += roll(seed, 5) == 0 ? 0 : step_ns;
		if (roll(seed, 10) < loss)
			continue;
		if (roll(seed, 12) == 0)
			row.flags = ET_ROW_NO_TIME;
		put(roll(seed, 8) == 0 ? late : history, row);
		if (roll(seed, 10) == 0)
			put(roll(seed, 2) == 0 ? late : history, row);
		if (roll(seed, 12) == 0) {
			row.kind = (uint8_t)kind_of(aggregate, true);
			row.event_time_ns += 1000;
			put(late, row);
		}
		/* the store goes back */
		if (roll(seed, 16) == 0 && next[aggregate] > 1) {
			next[aggregate] -= 1 + roll(seed, next[aggregate] - 1);
			now_ns += 30 * S;
		}
		/* replicas: the next one has an earlier time */
		if (roll(seed, 12) == 0)
			now_ns -= (int64_t)roll(seed, 8) * S;
	}
	return now_ns;
}

static void
publish_late(struct history *history, struct history *late, uint64_t *seed)
{
	for (size_t i = 0; i < late->count; i++) {
		struct et_row row = late->rows[i];

		if (history->count == ROWS_MAX)
			break;
		/* not in the order in which they were saved */
		if (i + 1 < late->count && roll(seed, 2) == 0) {
			row = late->rows[i + 1];
			late->rows[i + 1] = late->rows[i];
		}
		put(history, row);
	}
	late->count = 0;
}

static void
write_like_a_hub(struct history *history, uint64_t *seed)
{
	struct history late = { .count = 0 };
	int64_t now_ns = 1000 * S;
	unsigned lives = 1 + (unsigned)roll(seed, 3);

	for (unsigned i = 0; i < lives; i++) {
		now_ns = live(history, seed, now_ns, &late);
		now_ns += (int64_t)roll(seed, 3) * 20 * S;
		if (roll(seed, 2) == 0)
			publish_late(history, &late, seed);
	}
	publish_late(history, &late, seed);
}

/* ---- histories that nobody can write ---- */

static void
write_at_random(struct history *history, uint64_t *seed)
{
	unsigned count = 2 + (unsigned)roll(seed, 24);
	uint64_t versions = 1 + roll(seed, 6);
	uint64_t times = 2 + roll(seed, 60);
	uint64_t aggregates = 1 + roll(seed, 4);

	for (unsigned i = 0; i < count; i++) {
		uint8_t aggregate = (uint8_t)(10 + roll(seed, aggregates));
		struct et_row row = event(DEVICE, aggregate, roll(seed, versions),
					  (int64_t)roll(seed, times) * S, 0,
					  kind_of(aggregate, roll(seed, 6) == 0));

		if (roll(seed, 8) == 0)
			row = registration(DEVICE, (int64_t)roll(seed, times) * S, 0);
		else if (roll(seed, 8) == 0)
			row.flags = ET_ROW_NO_TIME;
		put(history, row);
	}
}

/* ---- the comparison ---- */

static void
put_coverage(struct et_catalog *catalog, struct et_buf *text)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_coverage coverage = { 0 };
	struct et_error err = { 0 };
	struct et_cover cover;
	int r;

	assert_ok(et_cover_list_open(catalog, &list, &err), &err);
	while ((r = et_cover_list_next(list, &cover, &err)) > 0) {
		assert_ok(et_coverage_decode(cover.spans, &coverage, &err), &err);
		et_buf_format(text, "%u.%u family %d whole %d %d messages %d =%d:",
			      cover.aggregate.bytes[15], cover.epoch, (int)cover.family,
			      cover.whole, (int)(cover.whole ? cover.whole_last : 0),
			      (int)cover.messages, (int)cover.duplicates);
		for (size_t i = 0; i < coverage.count; i++)
			et_buf_format(text, " %d@%ld#%d-%d@%ld#%d", (int)coverage.spans[i].first,
				      (long)coverage.spans[i].first_time_ns,
				      (int)coverage.spans[i].first_seq, (int)coverage.spans[i].last,
				      (long)coverage.spans[i].last_time_ns,
				      (int)coverage.spans[i].last_seq);
		et_buf_text(text, "\n");
	}
	assert_ok(r, &err);
	et_coverage_done(&coverage);
}

static void
put_device(struct et_catalog *catalog, struct et_buf *text)
{
	struct et_uuid key = uuid(DEVICE);
	struct et_noted_epoch *epochs = NULL;
	struct et_device device = { 0 };
	struct et_error err = { 0 };
	size_t count = 0;

	assert_code(1, et_catalog_device(catalog, &key, &device, &err), &err);
	et_buf_format(text, "registered %d first %d born %ld last %d epoch %u from %ld own %ld\n",
		      (int)device.registered, (int)device.first_event, (long)device.born_ns,
		      (int)device.last, device.epoch, (long)device.epoch_start_ns,
		      (long)device.own_ns);
	assert_false(device.rebuild);
	assert_ok(et_catalog_epochs(catalog, &key, &epochs, &count, &err), &err);
	assert_int_equal(count, device.epoch);
	for (size_t i = 0; i < count; i++)
		et_buf_format(text, "epoch %u from %ld at %d registered %d\n", epochs[i].number,
			      (long)epochs[i].start_ns, (int)epochs[i].start, epochs[i].registered);
	free(epochs);
}

/* What the catalog says when the rows come in these archives; `ends` are the last rows of each.
 * Between two archives an audit may have walked what waits, or not. */
static char *
say(struct et_catalog *catalog, const struct history *history, const size_t *ends, size_t count,
    unsigned walked)
{
	struct et_buf text;
	size_t first = 0;
	char *said;

	et_buf_init(&text, 1 << 20);
	assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		take(catalog, first + 1, ends[i], &history->rows[first], ends[i] - first);
		first = ends[i];
		if (i + 1 == count || (walked >> i & 1) != 0)
			rebuild(catalog, history->rows, first);
	}
	put_coverage(catalog, &text);
	put_device(catalog, &text);
	said = et_strdup(et_buf_cstr(&text));
	et_buf_done(&text);
	return said;
}

static void
tell(const struct history *history, const size_t *ends, size_t count)
{
	for (size_t i = 0, k = 0; i < history->count; i++) {
		const struct et_row *row = &history->rows[i];

		if (k < count && i == ends[k]) {
			(void)fprintf(stderr, "-- next archive\n");
			k++;
		}
		if (row->row_class == ET_ROW_REGISTRATION)
			(void)fprintf(stderr, "registered@%ld\n", (long)row->event_time_ns);
		else
			(void)fprintf(stderr, "%u.%d@%ld%s%s\n", row->aggregate.bytes[15],
				      (int)row->version, (long)row->event_time_ns,
				      et_kind_info(row->kind)->snapshot ? " snapshot" : "",
				      row->flags != 0 ? " without a time" : "");
	}
}

static void
compare(struct et_catalog *catalog, const struct history *history, uint64_t *seed)
{
	size_t ends[4];
	size_t count = 0;
	unsigned walked = (unsigned)roll(seed, 8);
	ET_CLEAN_MEM char *whole = NULL;
	ET_CLEAN_MEM char *cut = NULL;

	for (size_t at = 1; at < history->count && count < 3; at++)
		if (roll(seed, history->count / 3 + 1) == 0)
			ends[count++] = at;
	ends[count++] = history->count;
	whole = say(catalog, history, &history->count, 1, 0);
	cut = say(catalog, history, ends, count, walked);
	if (strcmp(whole, cut) == 0)
		return;
	tell(history, ends, count);
	(void)fprintf(stderr, "as one archive:\n%sin %zu archives, walked %u:\n%s", whole, count,
		      walked, cut);
	fail();
}

static void
the_lives_of_a_hubs_devices_do_not_depend_on_how_archives_are_cut(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	uint64_t seed = 20261125;

	for (unsigned i = 0; i < HISTORIES; i++) {
		struct history history = { .count = 0 };

		write_like_a_hub(&history, &seed);
		compare(catalog, &history, &seed);
	}
}

static void
nor_do_those_of_messages_at_random(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	uint64_t seed = 1;

	for (unsigned i = 0; i < HISTORIES; i++) {
		struct history history = { .count = 0 };

		write_at_random(&history, &seed);
		compare(catalog, &history, &seed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(the_lives_of_a_hubs_devices_do_not_depend_on_how_archives_are_cut),
		et_test_with_dir(nor_do_those_of_messages_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
