/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/evtrail-catalog-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	static const char *const names[] = { "catalog.db", "catalog.db-wal", "catalog.db-shm" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ET_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

static struct et_catalog *
open_catalog(void)
{
	struct et_catalog *catalog = NULL;
	struct et_error err = { 0 };

	if (et_catalog_open(dir, false, &catalog, &err) < 0)
		fail_msg("%s", err.text);
	return catalog;
}

static struct et_uuid
uuid(uint8_t last)
{
	struct et_uuid made = { { 0xaa } };

	made.bytes[15] = last;
	return made;
}

static struct et_row
event(uint8_t device, uint8_t aggregate, uint64_t version, int64_t time_ns, uint64_t seq,
      enum et_kind kind)
{
	return (struct et_row){ .device = uuid(device),
				.aggregate = uuid(aggregate),
				.version = version,
				.event_time_ns = time_ns,
				.seq = seq,
				.row_class = ET_ROW_EVENT,
				.kind = (uint8_t)kind };
}

static void
take(struct et_catalog *catalog, uint64_t first, uint64_t last, const struct et_row *rows,
     size_t count)
{
	struct et_archive_entry entry = { .identity = "A",
					  .first_seq = first,
					  .last_seq = last,
					  .messages = count,
					  .events = count };
	struct et_error err = { 0 };
	struct et_take *taking = NULL;
	int r;

	r = et_take_open(catalog, &entry, NULL, 0, &taking, &err);
	if (r == 0)
		r = et_take_rows(taking, rows, count, &err);
	if (r == 0)
		r = et_take_finish(taking, &err);
	et_take_free(taking);
	if (r < 0)
		fail_msg("%s", err.text);
}

/* The coverage of an aggregate as "epoch: first-last first-last; …". */
static const char *
shown(struct et_catalog *catalog, uint8_t aggregate)
{
	static char text[256];
	struct et_coverage coverage = { 0 };
	struct et_cover_list *list = NULL;
	struct et_uuid key = uuid(aggregate);
	struct et_cover cover;
	size_t at = 0;

	text[0] = '\0';
	assert_int_equal(et_cover_list_of(catalog, &key, &list, NULL), 0);
	while (et_cover_list_next(list, &cover, NULL) > 0) {
		assert_int_equal(et_coverage_decode(cover.spans, &coverage, NULL), 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u:", at > 0 ? "; " : "",
				       cover.epoch);
		for (size_t i = 0; i < coverage.count; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %d-%d",
					       (int)coverage.spans[i].first,
					       (int)coverage.spans[i].last);
		if (cover.duplicates > 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " dup %d",
					       (int)cover.duplicates);
	}
	et_cover_list_free(list);
	et_coverage_done(&coverage);
	return text;
}

static void
versions_that_follow_each_other_become_one_span(void **state)
{
	struct et_catalog *catalog = open_catalog();
	const struct et_row first[] = { event(1, 2, 0, 10, 1, ET_KIND_RESOURCE_CHANGED),
					event(1, 2, 1, 20, 2, ET_KIND_RESOURCE_CHANGED) };
	const struct et_row second[] = { event(1, 2, 2, 30, 3, ET_KIND_RESOURCE_CHANGED) };

	(void)state;
	take(catalog, 1, 2, first, 2);
	take(catalog, 3, 3, second, 1);
	assert_string_equal(shown(catalog, 2), "0: 0-2");
	et_catalog_free(catalog);
}

static void
a_missing_version_parts_the_span(void **state)
{
	struct et_catalog *catalog = open_catalog();
	const struct et_row rows[] = { event(1, 3, 0, 10, 11, ET_KIND_RESOURCE_CHANGED),
				       event(1, 3, 2, 30, 12, ET_KIND_RESOURCE_CHANGED) };

	(void)state;
	take(catalog, 11, 12, rows, 2);
	assert_string_equal(shown(catalog, 3), "0: 0-0 2-2");
	et_catalog_free(catalog);
}

static void
the_same_version_with_the_same_time_is_a_duplicate(void **state)
{
	struct et_catalog *catalog = open_catalog();
	const struct et_row rows[] = { event(1, 4, 0, 10, 21, ET_KIND_RESOURCE_CHANGED),
				       event(1, 4, 0, 10, 22, ET_KIND_RESOURCE_CHANGED) };

	(void)state;
	take(catalog, 21, 22, rows, 2);
	assert_string_equal(shown(catalog, 4), "0: 0-0 dup 1");
	et_catalog_free(catalog);
}

static void
the_same_versions_later_open_an_epoch(void **state)
{
	struct et_catalog *catalog = open_catalog();
	/* As the index has them: by version, so the two lives are mixed. */
	const struct et_row rows[] = { event(1, 5, 0, 10, 31, ET_KIND_RESOURCE_CHANGED),
				       event(1, 5, 0, 100, 33, ET_KIND_RESOURCE_CHANGED),
				       event(1, 5, 1, 20, 32, ET_KIND_RESOURCE_CHANGED),
				       event(1, 5, 1, 110, 34, ET_KIND_RESOURCE_CHANGED) };

	(void)state;
	take(catalog, 31, 34, rows, 4);
	assert_string_equal(shown(catalog, 5), "0: 0-1; 1: 0-1");
	et_catalog_free(catalog);
}

static bool
born(struct et_catalog *catalog, uint8_t device)
{
	struct et_uuid key = uuid(device);
	struct et_device facts = { 0 };

	assert_int_equal(et_catalog_device(catalog, &key, &facts, NULL), 1);
	return facts.born;
}

static void
a_device_is_born_when_its_registration_comes_before_version_0_of_its_links(void **state)
{
	struct et_catalog *catalog = open_catalog();
	struct et_row registered = event(6, 0, 0, 5, 40, ET_KIND_DEVICES_REGISTERED);
	const struct et_row other[] = { event(7, 0, 0, 5, 44, ET_KIND_DEVICES_REGISTERED),
					event(7, 9, 1, 6, 45, ET_KIND_LINKS_PUBLISHED) };
	struct et_row rows[2];

	(void)state;
	registered.row_class = ET_ROW_REGISTRATION;
	registered.aggregate = (struct et_uuid){ { 0 } };
	rows[0] = registered;
	rows[1] = event(6, 8, 0, 6, 41, ET_KIND_LINKS_PUBLISHED);
	take(catalog, 40, 43, rows, 2);
	assert_true(born(catalog, 6));
	rows[0] = other[0];
	rows[0].row_class = ET_ROW_REGISTRATION;
	rows[0].aggregate = (struct et_uuid){ { 0 } };
	rows[1] = other[1];
	take(catalog, 44, 45, rows, 2);
	assert_false(born(catalog, 7)); /* its first links event is not version 0 */
	et_catalog_free(catalog);
}

static void
an_archive_that_begins_where_another_one_does_is_refused(void **state)
{
	struct et_catalog *catalog = open_catalog();
	struct et_archive_entry entry = { .identity = "A", .first_seq = 1, .last_seq = 9 };
	struct et_take *taking = NULL;

	(void)state;
	assert_int_equal(et_take_open(catalog, &entry, NULL, 0, &taking, NULL), ET_CONFLICT);
	et_catalog_free(catalog);
}

static void
a_take_without_finish_never_was(void **state)
{
	struct et_catalog *catalog = open_catalog();
	struct et_archive_entry entry = { .identity = "B", .first_seq = 1, .last_seq = 9 };
	struct et_take *taking = NULL;
	struct et_archive_entry found;

	(void)state;
	assert_int_equal(et_take_open(catalog, &entry, NULL, 0, &taking, NULL), 0);
	et_take_free(taking);
	assert_int_equal(et_catalog_last_archive(catalog, "B", &found, NULL), 0);
	et_catalog_free(catalog);
}

static void
a_suspect_that_the_store_has_wins_over_one_that_it_has_not(void **state)
{
	struct et_catalog *catalog = open_catalog();
	struct et_suspect stored = { .aggregate = uuid(1),
				     .aggregate_id = { (const uint8_t *)"x", 1 },
				     .in_store = true,
				     .latest_version = 7 };
	struct et_suspect missing = { .aggregate = uuid(1),
				      .aggregate_id = { (const uint8_t *)"y", 1 } };
	struct et_suspect_batch batch = { 0 };
	struct et_uuid start = { { 0 } };

	(void)state;
	assert_int_equal(et_catalog_suspect_add(catalog, &stored, NULL), 0);
	assert_int_equal(et_catalog_suspect_add(catalog, &missing, NULL), 0);
	assert_int_equal(et_catalog_suspects(catalog, &start, 10, &batch, NULL), 0);
	assert_int_equal(batch.count, 1);
	assert_true(batch.list[0].in_store);
	assert_int_equal(batch.list[0].latest_version, 7);
	et_suspect_batch_done(&batch);
	et_catalog_free(catalog);
}

static void
a_list_that_has_ended_does_not_begin_anew(void **state)
{
	struct et_catalog *catalog = open_catalog();
	const struct et_row rows[] = { event(10, 11, 0, 10, 51, ET_KIND_LINKS_PUBLISHED),
				       event(10, 11, 1, 20, 52, ET_KIND_LINKS_PUBLISHED) };
	struct et_uuid device = uuid(10);
	struct et_entry_list *entries = NULL;
	struct et_cover_list *covers = NULL;
	struct et_links_list *links = NULL;
	struct et_archive_entry entry;
	struct et_cover cover;
	struct et_links_event links_event;

	(void)state;
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
	assert_int_equal(links_event.seq, 52);
	assert_int_equal(et_links_list_next(links, &links_event, NULL), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(et_entry_list_next(entries, &entry, NULL), 0);
		assert_int_equal(et_cover_list_next(covers, &cover, NULL), 0);
		assert_int_equal(et_links_list_next(links, &links_event, NULL), 0);
	}
	et_entry_list_free(entries);
	et_cover_list_free(covers);
	et_links_list_free(links);
	et_catalog_free(catalog);
}

static void
times_are_those_of_archives_that_hold_messages(void **state)
{
	struct et_catalog *catalog = open_catalog();
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

	(void)state;
	assert_int_equal(et_catalog_forget_coverage(catalog, NULL), 0);
	assert_int_equal(et_catalog_replace_archives(catalog, &holes, NULL), 0);
	assert_int_equal(et_catalog_totals(catalog, &totals, NULL), 0);
	assert_true(totals.first_time_ns == ET_TIME_NONE);
	assert_true(totals.last_time_ns == ET_TIME_NONE);
	assert_int_equal(et_catalog_replace_archives(catalog, &full, NULL), 0);
	assert_int_equal(et_catalog_totals(catalog, &totals, NULL), 0);
	assert_int_equal(totals.first_time_ns, 700);
	assert_int_equal(totals.last_time_ns, 900);
	assert_int_equal(totals.archives, 2);
	et_catalog_free(catalog);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_that_follow_each_other_become_one_span),
		cmocka_unit_test(a_missing_version_parts_the_span),
		cmocka_unit_test(the_same_version_with_the_same_time_is_a_duplicate),
		cmocka_unit_test(the_same_versions_later_open_an_epoch),
		cmocka_unit_test(
			a_device_is_born_when_its_registration_comes_before_version_0_of_its_links),
		cmocka_unit_test(an_archive_that_begins_where_another_one_does_is_refused),
		cmocka_unit_test(a_take_without_finish_never_was),
		cmocka_unit_test(a_list_that_has_ended_does_not_begin_anew),
		cmocka_unit_test(a_suspect_that_the_store_has_wins_over_one_that_it_has_not),
		cmocka_unit_test(times_are_those_of_archives_that_hold_messages),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
