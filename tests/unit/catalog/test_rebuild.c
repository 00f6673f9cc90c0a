// SPDX-License-Identifier: Apache-2.0
/*
 * Which devices wait to be walked anew, and what comes of it. That it does not
 * depend on how archives are cut is test_cuts.c's.
 */
#include "rows.h"

#include "base/buf.h"

#define S ET_NS_PER_SECOND
#define DEVICE 1

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

static struct et_row
resource(uint64_t version, int64_t time_s, uint64_t seq)
{
	return event(DEVICE, 12, version, time_s * S, seq, ET_KIND_RESOURCE_CHANGED);
}

/* Versions 0, 1 and 3 of a resource are there, of the seconds 100, 200 and 300, and metadata of the
 * second 90. */
static void
a_device_waits_where_an_event_does_not_simply_go_on(void **state)
{
	static const struct {
		const char *name;
		uint8_t aggregate;
		uint64_t version;
		int64_t time_s;
		bool waits;
	} rows[] = {
		{ "the next one", 12, 4, 400, false },
		{ "one further on", 12, 9, 400, false },
		{ "the missing one", 12, 2, 250, false },
		{ "the last one once more", 12, 3, 300, false },
		{ "another aggregate", 13, 0, 400, false },
		{ "another one, from within", 13, 5, 400, false },
		{ "one inside, once more", 12, 1, 200, false }, /* at the end of a span */
		{ "a version again", 12, 3, 400, true },
		{ "one inside, again", 12, 0, 400, true },
		{ "the missing one, too late", 12, 2, 311, true },
		{ "the missing one, too early", 12, 2, 100, true },
		{ "a version above, too early", 12, 4, 100, true },
		{ "a resource before the metadata", 13, 0, 80, true },
		{ "links behind a resource", 10, 0, 400, true },
		{ "later links", 10, 1, 400, false },
		{ "metadata again", 11, 0, 400, true },
	};
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row before[] = { event(DEVICE, 11, 0, 90 * S, 1, ET_KIND_METADATA_UPDATED),
					 resource(0, 100, 2), resource(1, 200, 3),
					 resource(3, 300, 4) };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		const struct et_row row =
			event(DEVICE, rows[i].aggregate, rows[i].version, rows[i].time_s * S, 5,
			      kind_of(rows[i].aggregate, false));

		assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
		take(catalog, 1, 4, before, ET_COUNT(before));
		assert_false(is_waiting(catalog, DEVICE));
		take(catalog, 5, 5, &row, 1);
		if (is_waiting(catalog, DEVICE) != rows[i].waits)
			fail_msg("%s", rows[i].name);
	}
}

/* Version 0 of the links comes behind a later one, and in time long behind a resource. */
static void
links_that_come_late_may_part_lives(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { resource(7, 100, 1),
				       event(DEVICE, 10, 3, 300 * S, 2, ET_KIND_LINKS_PUBLISHED),
				       event(DEVICE, 10, 0, 250 * S, 3, ET_KIND_LINKS_PUBLISHED) };

	take(catalog, 1, 2, rows, 2);
	assert_false(is_waiting(catalog, DEVICE));
	take(catalog, 3, 3, rows + 2, 1);
	assert_true(is_waiting(catalog, DEVICE));
	rebuild(catalog, rows, ET_COUNT(rows));
	assert_string_equal(shown(catalog, 10), "1: 0-0 3-3");
}

/* Links that begin in a later life prove nothing about the heads of the first one. */
static void
a_device_is_not_born_in_its_second_life(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { registration(DEVICE, 9 * S, 1), resource(0, 10, 2),
				       resource(0, 100, 3),
				       event(DEVICE, 10, 0, 120 * S, 4, ET_KIND_LINKS_PUBLISHED) };

	take(catalog, 1, 3, rows, 3);
	rebuild(catalog, rows, 3);
	take(catalog, 4, 4, rows + 3, 1);
	assert_true(is_waiting(catalog, DEVICE));
	rebuild(catalog, rows, 4);
	assert_string_equal(shown(catalog, 10), "1: 0-0");
	assert_true(device_of(catalog, DEVICE).born_ns == ET_TIME_NONE);
	/* all at once */
	assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
	take(catalog, 1, 4, rows, 4);
	rebuild(catalog, rows, 4);
	assert_string_equal(shown(catalog, 10), "1: 0-0");
	assert_true(device_of(catalog, DEVICE).born_ns == ET_TIME_NONE);
}

static bool
first_boundary_is_registered(struct et_catalog *catalog, uint8_t device)
{
	struct et_uuid key = uuid(device);
	struct et_noted_epoch *epochs = NULL;
	struct et_error err = { 0 };
	size_t count = 0;
	bool registered;

	assert_ok(et_catalog_epochs(catalog, &key, &epochs, &count, &err), &err);
	assert_int_equal(count, 1);
	registered = epochs[0].registered;
	free(epochs);
	return registered;
}

/* The first epoch has events of the seconds 10 to 20, the second one of 100 to 300. */
static void
a_registration_counts_from_an_epochs_end_to_the_next_ones_beginning(void **state)
{
	static const struct {
		int64_t time_s;
		bool counts;
	} rows[] = { { 5, false },  { 20, false }, { 21, true },
		     { 100, true }, { 110, true }, /* two clocks */
		     { 111, false } };
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);

	for (size_t i = 0; i < 2 * ET_COUNT(rows); i++) {
		struct et_row list[] = { resource(0, 10, 1), resource(1, 20, 2),
					 resource(0, 100, 3), resource(1, 300, 4),
					 registration(DEVICE, rows[i / 2].time_s * S, 5) };

		if (i % 2 == 1)
			list[4].kind = ET_KIND_DEVICES_UNREGISTERED;
		assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
		take(catalog, 1, 5, list, 5);
		rebuild(catalog, list, 5);
		if (first_boundary_is_registered(catalog, DEVICE) !=
		    (rows[i / 2].counts && i % 2 == 0))
			fail_msg("%ld", (long)rows[i / 2].time_s);
	}
}

static void
a_device_takes_nothing_over_from_the_one_walked_before_it(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = {
		registration(1, 5 * S, 1),
		registration(2, 5 * S, 2),
		event(1, 20, 0, 10 * S, 3, ET_KIND_LINKS_PUBLISHED),
		event(1, 20, 0, 100 * S, 4, ET_KIND_LINKS_PUBLISHED),
		registration(1, 90 * S, 5),
		event(2, 21, 0, 10 * S, 6, ET_KIND_RESOURCE_CHANGED),
		event(2, 21, 0, 100 * S, 7, ET_KIND_RESOURCE_CHANGED),
	};

	take(catalog, 1, 7, rows, ET_COUNT(rows));
	rebuild(catalog, rows, ET_COUNT(rows));
	assert_int_equal(device_of(catalog, 1).born_ns, 10 * S);
	assert_true(first_boundary_is_registered(catalog, 1));
	assert_true(device_of(catalog, 2).born_ns == ET_TIME_NONE);
	assert_false(first_boundary_is_registered(catalog, 2));
}

static void
a_second_life_is_an_epoch_of_its_own(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	/* As the index has them: by version, so the two lives are mixed. */
	const struct et_row rows[] = { resource(0, 10, 31),
				       resource(0, 100, 33),
				       resource(1, 20, 32),
				       resource(1, 110, 34),
				       resource(1, 110, 35),
				       registration(DEVICE, 90 * S, 36),
				       event(DEVICE, 13, 7, 15 * S, 37, ET_KIND_RESOURCE_CHANGED) };
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_noted_epoch *epochs = NULL;
	struct et_uuid device = uuid(DEVICE);
	struct et_error err = { 0 };
	struct et_cover cover;
	size_t count = 0;

	take(catalog, 31, 37, rows, ET_COUNT(rows));
	assert_true(is_waiting(catalog, DEVICE));
	rebuild(catalog, rows, ET_COUNT(rows));
	assert_string_equal(shown(catalog, 12), "0: 0-1; 1: 0-1 dup 1");
	assert_string_equal(shown(catalog, 13), "0: 7-7");
	assert_ok(et_catalog_epochs(catalog, &device, &epochs, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(epochs[0].number, 1);
	assert_int_equal(epochs[0].start_ns, 100 * S);
	assert_int_equal(epochs[0].start, 33);
	assert_true(epochs[0].registered);
	free(epochs);
	/* Only the newest epoch spares the reading of its spans. */
	assert_ok(et_cover_list_device(catalog, &device, &list, &err), &err);
	assert_code(1, et_cover_list_next(list, &cover, &err), &err);
	assert_true(cover.epoch == 0 && !cover.whole && cover.messages == 2);
	assert_code(1, et_cover_list_next(list, &cover, &err), &err);
	assert_true(cover.epoch == 1 && cover.whole && cover.whole_last == 1);
	assert_true(cover.messages == 3 && cover.duplicates == 1);
}

static int
note_touched(void *cookie, const struct et_uuid *aggregate, uint64_t added, uint64_t duplicates,
	     struct et_error *err ET_UNUSED)
{
	et_buf_format(cookie, "%u: %d and %d; ", aggregate->bytes[15], (int)added, (int)duplicates);
	return added > 5 ? ET_CANCELED : 0;
}

static void
a_watcher_hears_what_an_archive_adds(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row first[] = { resource(0, 10, 1), resource(0, 10, 2), resource(1, 20, 3),
					event(DEVICE, 13, 0, 10 * S, 4, ET_KIND_RESOURCE_CHANGED) };
	const struct et_row second[] = { resource(1, 20, 5), resource(2, 30, 6) };
	/* It repeats a version: nobody knows yet what is new. */
	const struct et_row third[] = { resource(2, 30, 7), resource(0, 90, 8),
					resource(1, 91, 9) };
	struct et_buf heard;

	et_buf_init(&heard, 1000);
	take_watched(catalog, "A", 1, 4, first, 4, note_touched, &heard);
	assert_string_equal(et_buf_cstr(&heard), "12: 2 and 1; 13: 1 and 0; ");
	et_buf_reset(&heard);
	take_watched(catalog, "A", 5, 6, second, 2, note_touched, &heard);
	assert_string_equal(et_buf_cstr(&heard), "12: 1 and 1; ");
	et_buf_reset(&heard);
	take_watched(catalog, "A", 7, 9, third, 3, note_touched, &heard);
	assert_string_equal(et_buf_cstr(&heard), "12: 3 and 0; ");
	et_buf_done(&heard);
}

static void
what_a_watcher_says_ends_the_taking(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_archive_entry entry = { .identity = "A", .first_seq = 1, .last_seq = 6 };
	ET_CLEAN(et_take) struct et_take *taking = NULL;
	struct et_row rows[6];
	struct et_buf heard;

	et_buf_init(&heard, 1000);
	for (uint64_t i = 0; i < 6; i++)
		rows[i] = resource(i, (int64_t)i, i + 1);
	assert_int_equal(et_take_open(catalog, &entry, NULL, 0, &taking, NULL), 0);
	et_take_watch(taking, note_touched, &heard);
	assert_int_equal(et_take_rows(taking, rows, 6, NULL), 0);
	assert_int_equal(et_take_finish(taking, NULL), ET_CANCELED);
	et_take_free(ET_STEAL(taking));
	assert_string_equal(shown(catalog, 12), "");
	et_buf_done(&heard);
}

static void
a_rebuild_without_finish_never_was(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { resource(0, 10, 1), resource(1, 20, 2),
				       resource(0, 100, 3) };
	struct et_rebuild *rebuilding = NULL;
	struct et_error err = { 0 };

	take(catalog, 1, 2, rows, 2);
	take(catalog, 3, 3, &rows[2], 1);
	assert_ok(et_rebuild_open(catalog, &rebuilding, &err), &err);
	for (size_t i = 0; i < ET_COUNT(rows); i++)
		assert_ok(et_rebuild_add(rebuilding, &rows[i], 0, &err), &err);
	et_rebuild_free(rebuilding);
	et_rebuild_free(NULL);
	assert_true(is_waiting(catalog, DEVICE));
	assert_string_equal(shown(catalog, 12), "0: 0-1");
	/* ... and leaves nothing behind for the next one. */
	assert_ok(et_rebuild_open(catalog, &rebuilding, &err), &err);
	et_rebuild_free(rebuilding);
	rebuild(catalog, rows, ET_COUNT(rows));
	assert_string_equal(shown(catalog, 12), "0: 0-1; 1: 0-0");
}

/* Devices 1, 2 and 3, all with two lives; 4 with one. */
static void
devices_that_wait_are_listed_and_walked_each_by_itself(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	ET_CLEAN(et_rebuild) struct et_rebuild *rebuilding = NULL;
	struct et_uuid devices[2];
	struct et_row rows[8];
	struct et_error err = { 0 };
	size_t count = 0;

	for (uint8_t i = 0; i < 8; i++)
		rows[i] = event(1 + i % 4, 20 + i % 4, i == 7 ? 1 : 0, i * 100 * S, 1u + i,
				ET_KIND_RESOURCE_CHANGED);
	take(catalog, 1, 8, rows, 8);
	assert_ok(et_rebuild_wanted(catalog, devices, 2, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_int_equal(devices[0].bytes[15], 1);
	assert_int_equal(devices[1].bytes[15], 2);
	/* the last one first, in another order of rows, with what tells nothing between them */
	assert_ok(et_rebuild_open(catalog, &rebuilding, &err), &err);
	for (size_t i = 8; i > 0; i--) {
		struct et_row other = rows[i - 1];

		assert_ok(et_rebuild_add(rebuilding, &rows[i - 1], 0, &err), &err);
		other.row_class = i % 2 == 0 ? ET_ROW_MALFORMED : ET_ROW_FOREIGN;
		assert_ok(et_rebuild_add(rebuilding, &other, 100, &err), &err);
	}
	assert_ok(et_rebuild_finish(rebuilding, devices, 2, &err), &err);
	assert_string_equal(shown(catalog, 20), "0: 0-0; 1: 0-0");
	assert_string_equal(shown(catalog, 21), "0: 0-0; 1: 0-0");
	assert_string_equal(shown(catalog, 23), "0: 0-1");
	assert_ok(et_rebuild_wanted(catalog, devices, 2, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(devices[0].bytes[15], 3);
}

/* Positions of a second identity: they are what the walk knows. */
static void
rows_of_another_identity_are_shifted(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	ET_CLEAN(et_rebuild) struct et_rebuild *rebuilding = NULL;
	const struct et_row rows[] = { resource(0, 10, 5), resource(0, 100, 1) };
	struct et_uuid device = uuid(DEVICE);
	struct et_noted_epoch *epochs = NULL;
	struct et_error err = { 0 };
	uint64_t shift = 0;
	size_t count = 0;

	take_watched(catalog, "A", 1, 5, rows, 1, NULL, NULL);
	take_watched(catalog, "B", 1, 1, rows + 1, 1, NULL, NULL);
	assert_code(1, et_catalog_shift(catalog, "B", &shift, &err), &err);
	assert_ok(et_rebuild_open(catalog, &rebuilding, &err), &err);
	assert_ok(et_rebuild_add(rebuilding, &rows[0], 0, &err), &err);
	assert_ok(et_rebuild_add(rebuilding, &rows[1], shift, &err), &err);
	assert_ok(et_rebuild_finish(rebuilding, &device, 1, &err), &err);
	assert_ok(et_catalog_epochs(catalog, &device, &epochs, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(epochs[0].start, 5 + ET_IDENTITIES_APART);
	free(epochs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_device_waits_where_an_event_does_not_simply_go_on),
		et_test_with_dir(links_that_come_late_may_part_lives),
		et_test_with_dir(a_device_is_not_born_in_its_second_life),
		et_test_with_dir(
			a_registration_counts_from_an_epochs_end_to_the_next_ones_beginning),
		et_test_with_dir(a_device_takes_nothing_over_from_the_one_walked_before_it),
		et_test_with_dir(a_second_life_is_an_epoch_of_its_own),
		et_test_with_dir(a_watcher_hears_what_an_archive_adds),
		et_test_with_dir(what_a_watcher_says_ends_the_taking),
		et_test_with_dir(a_rebuild_without_finish_never_was),
		et_test_with_dir(devices_that_wait_are_listed_and_walked_each_by_itself),
		et_test_with_dir(rows_of_another_identity_are_shifted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
