// SPDX-License-Identifier: Apache-2.0
#include "rows.h"

static void
versions_that_follow_each_other_become_one_span(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row first[] = { event(1, 2, 0, 10, 1, ET_KIND_RESOURCE_CHANGED),
					event(1, 2, 1, 20, 2, ET_KIND_RESOURCE_CHANGED) };
	const struct et_row second[] = { event(1, 2, 2, 30, 3, ET_KIND_RESOURCE_CHANGED) };

	take(catalog, 1, 2, first, 2);
	take(catalog, 3, 3, second, 1);
	assert_string_equal(shown(catalog, 2), "0: 0-2");
}

static void
a_missing_version_parts_the_span(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { event(1, 3, 0, 10, 11, ET_KIND_RESOURCE_CHANGED),
				       event(1, 3, 2, 30, 12, ET_KIND_RESOURCE_CHANGED) };

	take(catalog, 11, 12, rows, 2);
	assert_string_equal(shown(catalog, 3), "0: 0-0 2-2");
}

static void
the_same_version_with_the_same_time_is_a_duplicate(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { event(1, 4, 0, 10, 21, ET_KIND_RESOURCE_CHANGED),
				       event(1, 4, 0, 10, 22, ET_KIND_RESOURCE_CHANGED) };

	take(catalog, 21, 22, rows, 2);
	assert_string_equal(shown(catalog, 4), "0: 0-0 dup 1");
}

/* ---- birth ---- */

#define LINKS 8
#define METADATA 9
#define RESOURCE 10

static struct et_row
own(uint8_t aggregate, uint64_t version, int64_t time_ns, uint64_t seq)
{
	enum et_kind kind = aggregate == LINKS      ? ET_KIND_LINKS_PUBLISHED
			    : aggregate == METADATA ? ET_KIND_METADATA_UPDATED
						    : ET_KIND_RESOURCE_CHANGED;

	return event(6, aggregate, version, time_ns, seq, kind);
}

static void
a_device_is_born_when_its_registration_comes_before_version_0_of_its_links(void **state)
{
	static const struct {
		const char *name;
		struct {
			uint8_t aggregate; /* 0: a registration */
			uint64_t version;
			int64_t time_ns;
		} rows[4];
		int64_t born_ns;
	} cases[] = {
		{ "links", { { 0, 0, 5 }, { LINKS, 0, 6 } }, 6 },
		{ "metadata", { { 0, 0, 5 }, { METADATA, 0, 7 } }, 7 },
		{ "the later one of both counts",
		  { { 0, 0, 5 }, { METADATA, 0, 6 }, { LINKS, 0, 9 } },
		  9 },
		{ "one of them is enough",
		  { { 0, 0, 5 }, { METADATA, 3, 6 }, { LINKS, 0, 9 } },
		  9 },
		{ "its first links event is not version 0",
		  { { 0, 0, 5 }, { LINKS, 1, 7 }, { LINKS, 0, 6 } },
		  ET_TIME_NONE },
		{ "a resource proves nothing", { { 0, 0, 5 }, { RESOURCE, 0, 6 } }, ET_TIME_NONE },
		{ "registered behind it", { { LINKS, 0, 6 }, { 0, 0, 5 } }, ET_TIME_NONE },
		{ "an event before the registration",
		  { { RESOURCE, 7, 1 }, { 0, 0, 5 }, { LINKS, 0, 6 } },
		  ET_TIME_NONE },
		{ "never registered", { { METADATA, 0, 5 }, { LINKS, 0, 6 } }, ET_TIME_NONE },
	};
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_row rows[4];
		size_t count = 0;

		for (; count < 4 && cases[i].rows[count].time_ns != 0; count++)
			rows[count] = cases[i].rows[count].aggregate == 0
					      ? registration(6, 5, count + 1)
					      : own(cases[i].rows[count].aggregate,
						    cases[i].rows[count].version,
						    cases[i].rows[count].time_ns, count + 1);
		/* at once, and message by message */
		for (unsigned cut = 0; cut < 2; cut++) {
			assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
			for (size_t k = 0; cut == 1 && k < count; k++)
				take(catalog, k + 1, k + 1, &rows[k], 1);
			if (cut == 0)
				take(catalog, 1, count, rows, count);
			if (device_of(catalog, 6).born_ns != cases[i].born_ns)
				fail_msg("%s: %ld", cases[i].name,
					 (long)device_of(catalog, 6).born_ns);
		}
	}
}

static void
an_archive_that_begins_where_another_one_does_is_refused(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_archive_entry entry = { .identity = "A", .first_seq = 1, .last_seq = 9 };
	struct et_take *taking = NULL;

	take(catalog, 1, 5, NULL, 0);
	assert_int_equal(et_take_open(catalog, &entry, NULL, 0, &taking, NULL), ET_CONFLICT);
}

static void
a_take_without_finish_never_was(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_archive_entry entry = { .identity = "B", .first_seq = 1, .last_seq = 9 };
	struct et_take *taking = NULL;
	struct et_archive_entry found;

	assert_int_equal(et_take_open(catalog, &entry, NULL, 0, &taking, NULL), 0);
	et_take_free(taking);
	assert_int_equal(et_catalog_last_archive(catalog, "B", &found, NULL), 0);
}

static void
a_suspect_that_the_store_has_wins_over_one_that_it_has_not(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_suspect stored = { .aggregate = uuid(1),
				     .aggregate_id = { (const uint8_t *)"x", 1 },
				     .in_store = true,
				     .latest_version = 7 };
	struct et_suspect missing = { .aggregate = uuid(1),
				      .aggregate_id = { (const uint8_t *)"y", 1 } };
	struct et_suspect_batch batch = { 0 };
	struct et_uuid start = { { 0 } };
	bool is_one = true;

	assert_int_equal(et_catalog_is_suspect(catalog, &stored.aggregate, &is_one, NULL), 0);
	assert_false(is_one);
	assert_int_equal(et_catalog_suspect_add(catalog, &stored, NULL), 0);
	assert_int_equal(et_catalog_is_suspect(catalog, &stored.aggregate, &is_one, NULL), 0);
	assert_true(is_one);
	assert_int_equal(et_catalog_suspect_add(catalog, &missing, NULL), 0);
	assert_int_equal(et_catalog_suspects(catalog, &start, 10, &batch, NULL), 0);
	assert_int_equal(batch.count, 1);
	assert_true(batch.list[0].in_store);
	assert_int_equal(batch.list[0].latest_version, 7);
	et_suspect_batch_done(&batch);
}

static void
a_list_that_has_ended_does_not_begin_anew(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { event(10, 11, 0, 10, 51, ET_KIND_LINKS_PUBLISHED),
				       event(10, 11, 1, 20, 52, ET_KIND_LINKS_PUBLISHED) };
	struct et_uuid device = uuid(10);
	struct et_entry_list *entries = NULL;
	struct et_cover_list *covers = NULL;
	struct et_links_list *links = NULL;
	struct et_archive_entry entry;
	struct et_cover cover;
	struct et_links_event links_event;

	take(catalog, 51, 52, rows, 2);
	assert_int_equal(et_entry_list_open(catalog, NULL, &entries, NULL), 0);
	assert_int_equal(et_cover_list_device(catalog, &device, &covers, NULL), 0);
	assert_int_equal(et_links_list_open(catalog, &device, &links, NULL), 0);
	while (et_entry_list_next(entries, &entry, NULL) > 0)
		;
	assert_int_equal(entry.last_seq, 52);
	assert_int_equal(et_cover_list_next(covers, &cover, NULL), 1);
	assert_int_equal(cover.whole_last, 1);
	assert_int_equal(et_cover_list_next(covers, &cover, NULL), 0);
	assert_int_equal(et_links_list_next(links, &links_event, NULL), 1);
	assert_int_equal(et_links_list_next(links, &links_event, NULL), 1);
	assert_int_equal(links_event.position, 52);
	assert_int_equal(et_links_list_next(links, &links_event, NULL), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(et_entry_list_next(entries, &entry, NULL), 0);
		assert_int_equal(et_cover_list_next(covers, &cover, NULL), 0);
		assert_int_equal(et_links_list_next(links, &links_event, NULL), 0);
	}
	et_entry_list_free(entries);
	et_cover_list_free(covers);
	et_links_list_free(links);
}

static void
times_are_those_of_archives_that_hold_messages(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_archive_entry holes = { .identity = "C",
					  .first_seq = 1,
					  .last_seq = 2,
					  .first_time_ns = ET_TIME_NONE,
					  .last_time_ns = ET_TIME_NONE };
	struct et_archive_entry full = { .identity = "C",
					 .first_seq = 3,
					 .last_seq = 4,
					 .messages = 2,
					 .first_time_ns = 700,
					 .last_time_ns = 900 };
	struct et_totals totals;

	assert_int_equal(et_catalog_replace_archives(catalog, &holes, NULL), 0);
	assert_int_equal(et_catalog_totals(catalog, &totals, NULL), 0);
	assert_true(totals.first_time_ns == ET_TIME_NONE);
	assert_true(totals.last_time_ns == ET_TIME_NONE);
	assert_int_equal(et_catalog_replace_archives(catalog, &full, NULL), 0);
	assert_int_equal(et_catalog_totals(catalog, &totals, NULL), 0);
	assert_int_equal(totals.first_time_ns, 700);
	assert_int_equal(totals.last_time_ns, 900);
	assert_int_equal(totals.archives, 2);
}

/* Also one that covers nothing changes what is known of a device. */
static void
malformed_messages_of_a_device_have_a_first_and_a_last_place(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_row rows[5];

	for (uint64_t i = 0; i < 5; i++) {
		rows[i] = event(i == 2 ? 2 : 1, 3, i, 10 * (int64_t)i, i + 1,
				ET_KIND_RESOURCE_CHANGED);
		rows[i].row_class = i == 0 || i == 4 ? ET_ROW_EVENT : ET_ROW_MALFORMED;
	}
	take(catalog, 1, 3, rows, 3);
	assert_int_equal(device_of(catalog, 1).malformed_first, 2);
	assert_int_equal(device_of(catalog, 1).malformed_last, 2);
	assert_int_equal(device_of(catalog, 1).last, 2);
	assert_int_equal(device_of(catalog, 2).malformed_first, 3);
	assert_int_equal(device_of(catalog, 2).first_event, 0);
	take(catalog, 4, 5, rows + 3, 2);
	assert_int_equal(device_of(catalog, 1).malformed_first, 2);
	assert_int_equal(device_of(catalog, 1).malformed_last, 4);
	assert_int_equal(device_of(catalog, 1).last, 5);
	assert_string_equal(shown(catalog, 3), "0: 0-0 4-4");
}

/* ---- identities ---- */

/* The first identity's positions are its sequences; the next one begins far behind its end. */
static void
positions_of_two_identities_stand_on_one_line(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row first[] = { event(1, 2, 0, 10, 7, ET_KIND_RESOURCE_CHANGED),
					event(1, 2, 1, 20, 9, ET_KIND_RESOURCE_CHANGED) };
	const struct et_row second[] = { event(1, 2, 2, 30, 3, ET_KIND_RESOURCE_CHANGED) };
	const uint64_t start = 9 + ET_IDENTITIES_APART;
	const struct {
		uint64_t position;
		const char *identity;
		uint64_t seq;
	} rows[] = { { 7, "A", 7 },
		     { 9, "A", 9 },
		     { start - 1, "A", start - 1 },
		     { start, "B", 3 },
		     { start + 5, "B", 8 } };
	struct et_uuid device = uuid(1);
	struct et_device facts = { 0 };
	char identity[ET_IDENTITY_TEXT_BYTES];
	struct et_error err = { 0 };
	uint64_t found = 1;

	assert_code(0, et_catalog_position(catalog, 7, identity, &found, &err), &err);
	assert_code(0, et_catalog_shift(catalog, "A", &found, &err), &err);
	take_watched(catalog, "A", 7, 9, first, 2, NULL, NULL);
	take_watched(catalog, "B", 3, 3, second, 1, NULL, NULL);
	assert_code(1, et_catalog_shift(catalog, "A", &found, &err), &err);
	assert_int_equal(found, 0);
	assert_code(1, et_catalog_shift(catalog, "B", &found, &err), &err);
	assert_int_equal(found, start - 3);
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		assert_code(1,
			    et_catalog_position(catalog, rows[i].position, identity, &found, &err),
			    &err);
		assert_string_equal(identity, rows[i].identity);
		assert_int_equal(found, rows[i].seq);
	}
	assert_string_equal(shown(catalog, 2), "0: 0-2");
	assert_code(1, et_catalog_device(catalog, &device, &facts, &err), &err);
	assert_int_equal(facts.first_event, 7);
	assert_int_equal(facts.last, start);
	assert_code(1, et_catalog_last_identity(catalog, identity, &err), &err);
	assert_string_equal(identity, "B");
}

static void
devices_are_listed_by_id_be_it_for_a_registration_alone(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row rows[] = { event(7, 2, 0, 10, 1, ET_KIND_RESOURCE_CHANGED),
				       registration(3, 20, 2),
				       event(5, 4, 3, 30, 3, ET_KIND_RESOURCE_CHANGED) };
	static const uint8_t want[] = { 3, 5, 7 };
	struct et_uuid after = { { 0 } };
	struct et_error err = { 0 };
	struct et_uuid devices[2];
	size_t seen = 0;
	size_t count = 1;

	assert_ok(et_catalog_devices(catalog, &after, devices, 2, &count, &err), &err);
	assert_int_equal(count, 0);
	take(catalog, 1, 3, rows, ET_COUNT(rows));
	do {
		assert_ok(et_catalog_devices(catalog, &after, devices, 2, &count, &err), &err);
		for (size_t i = 0; i < count; i++) {
			struct et_uuid one = uuid(want[seen]);

			assert_true(seen < ET_COUNT(want));
			assert_int_equal(et_uuid_compare(&devices[i], &one), 0);
			after = devices[i];
			seen++;
		}
	} while (count > 0);
	assert_int_equal(seen, ET_COUNT(want));
}

static void
holes_are_positions_too(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_archive_entry entry = { .identity = "B", .first_seq = 1, .last_seq = 9 };
	const struct et_noted_hole holes[] = { { "B", 2, 3, "expired" }, { "B", 8, 8, "deleted" } };
	struct et_noted_hole noted[1];
	struct et_take *taking = NULL;
	struct et_error err = { 0 };
	struct et_seqset set;
	uint64_t total = 0;
	size_t count = 0;

	take_watched(catalog, "A", 1, 100, NULL, 0, NULL, NULL);
	assert_ok(et_take_open(catalog, &entry, holes, ET_COUNT(holes), &taking, &err), &err);
	assert_ok(et_take_finish(taking, &err), &err);
	et_take_free(taking);
	et_seqset_init(&set);
	assert_ok(et_catalog_hole_set(catalog, &set, &err), &err);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.ranges[0].first, 100 + ET_IDENTITIES_APART + 1);
	assert_int_equal(set.ranges[0].last, 100 + ET_IDENTITIES_APART + 2);
	assert_int_equal(set.ranges[1].first, 100 + ET_IDENTITIES_APART + 7);
	et_seqset_done(&set);
	assert_ok(et_catalog_holes(catalog, noted, 1, &count, &total, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(total, 2);
	assert_int_equal(noted[0].first_seq, 2);
	assert_string_equal(noted[0].type, "expired");
}

/* One that follows another event by more than a moment took somebody's event's place; one whose
 * event below is not there tells nothing either. */
static void
the_last_snapshot_is_the_newest_that_a_hub_made_with_the_event_below(void **state)
{
	static const int64_t s = ET_NS_PER_SECOND;
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct {
		const char *name;
		struct et_row rows[2];
		int64_t last_ns;
	} steps[] = {
		{ "alone",
		  { event(1, 2, 0, 40 * s, 1, ET_KIND_RESOURCE_CHANGED),
		    event(1, 3, 7, 41 * s, 2, ET_KIND_RESOURCE_SNAPSHOT) },
		  ET_TIME_NONE },
		{ "a second behind the event below",
		  { event(1, 4, 0, 50 * s, 3, ET_KIND_LINKS_PUBLISHED),
		    event(1, 4, 1, 51 * s, 4, ET_KIND_LINKS_SNAPSHOT) },
		  ET_TIME_NONE },
		{ "with the event below",
		  { event(1, 5, 3, 60 * s, 5, ET_KIND_RESOURCE_CHANGED),
		    event(1, 5, 4, 60 * s + 9, 6, ET_KIND_RESOURCE_SNAPSHOT) },
		  60 * s + 9 },
		{ "an older one",
		  { event(1, 6, 3, 20 * s, 7, ET_KIND_RESOURCE_CHANGED),
		    event(1, 6, 4, 20 * s + 9, 8, ET_KIND_RESOURCE_SNAPSHOT) },
		  60 * s + 9 },
		{ "two versions above",
		  { event(1, 7, 3, 90 * s, 9, ET_KIND_RESOURCE_CHANGED),
		    event(1, 7, 5, 90 * s + 9, 10, ET_KIND_RESOURCE_SNAPSHOT) },
		  60 * s + 9 },
	};
	int64_t time_ns = 0;

	assert_int_equal(et_catalog_last_snapshot_time(catalog, &time_ns, NULL), 0);
	assert_true(time_ns == ET_TIME_NONE);
	for (uint64_t i = 0; i < ET_COUNT(steps); i++) {
		take(catalog, 2 * i + 1, 2 * i + 2, steps[i].rows, 2);
		assert_int_equal(et_catalog_last_snapshot_time(catalog, &time_ns, NULL), 0);
		if (time_ns != steps[i].last_ns)
			fail_msg("%s", steps[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(versions_that_follow_each_other_become_one_span),
		et_test_with_dir(a_missing_version_parts_the_span),
		et_test_with_dir(the_same_version_with_the_same_time_is_a_duplicate),
		et_test_with_dir(
			a_device_is_born_when_its_registration_comes_before_version_0_of_its_links),
		et_test_with_dir(an_archive_that_begins_where_another_one_does_is_refused),
		et_test_with_dir(a_take_without_finish_never_was),
		et_test_with_dir(a_list_that_has_ended_does_not_begin_anew),
		et_test_with_dir(a_suspect_that_the_store_has_wins_over_one_that_it_has_not),
		et_test_with_dir(malformed_messages_of_a_device_have_a_first_and_a_last_place),
		et_test_with_dir(positions_of_two_identities_stand_on_one_line),
		et_test_with_dir(devices_are_listed_by_id_be_it_for_a_registration_alone),
		et_test_with_dir(holes_are_positions_too),
		et_test_with_dir(
			the_last_snapshot_is_the_newest_that_a_hub_made_with_the_event_below),
		et_test_with_dir(times_are_those_of_archives_that_hold_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
