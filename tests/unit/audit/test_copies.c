// SPDX-License-Identifier: Apache-2.0
/* Documents with bodies written by hand: protobuf (proto/resourceaggregate.proto), then snappy. */
#include "../et_test.h"

#include <snappy-c.h>

#include "audit/judge.h"
#include "base/clock.h"

#define EVENTS_MAX 8

/* A document and the bytes that its events borrow. */
struct shelf {
	struct et_document document;
	struct et_stored_event events[EVENTS_MAX];
	uint8_t *bodies[EVENTS_MAX];
};

static void
shelf_done(struct shelf *shelf)
{
	for (size_t i = 0; i < EVENTS_MAX; i++)
		free(shelf->bodies[i]);
}

/* An event's protobuf: event_metadata {version, time} at its field, and `more` in front. */
static void
write_event(struct et_buf *out, enum et_kind kind, uint64_t version, int64_t time_ns)
{
	struct et_buf metadata;

	et_buf_init(&metadata, 100);
	et_buf_field_u64(&metadata, 1, version);
	et_buf_field_i64(&metadata, 2, time_ns);
	et_buf_field_message(out, et_kind_info(kind)->metadata_field, metadata.data, metadata.size);
	et_buf_done(&metadata);
}

static struct et_stored_event *
put_bytes(struct shelf *shelf, enum et_kind kind, uint64_t version, const struct et_buf *protobuf)
{
	size_t at = shelf->document.event_count++;
	size_t size = snappy_max_compressed_length(protobuf->size);

	shelf->bodies[at] = et_alloc(size);
	assert_int_equal(snappy_compress((const char *)protobuf->data, protobuf->size,
					 (char *)shelf->bodies[at], &size),
			 SNAPPY_OK);
	shelf->events[at] = (struct et_stored_event){ .version = version,
						      .data = { shelf->bodies[at], size },
						      .kind = kind,
						      .is_snapshot = et_kind_info(kind)->snapshot,
						      .timestamp_ns = 7 };
	shelf->document.events = shelf->events;
	return &shelf->events[at];
}

static void
put(struct shelf *shelf, enum et_kind kind, uint64_t version, int64_t time_ns)
{
	struct et_buf protobuf;

	et_buf_init(&protobuf, 1000);
	write_event(&protobuf, kind, version, time_ns);
	(void)put_bytes(shelf, kind, version, &protobuf);
	et_buf_done(&protobuf);
}

/* A resource snapshot of `version` with an embedded event at the field (2: changed, 5:
 * update pending). */
static void
put_snapshot(struct shelf *shelf, uint64_t version, unsigned field, enum et_kind kind,
	     uint64_t embedded, int64_t time_ns)
{
	struct et_buf protobuf;
	struct et_buf event;

	et_buf_init(&protobuf, 1000);
	et_buf_init(&event, 1000);
	write_event(&event, kind, embedded, time_ns);
	et_buf_field_message(&protobuf, field, event.data, event.size);
	write_event(&protobuf, ET_KIND_RESOURCE_SNAPSHOT, version, 1000 + (int64_t)version);
	(void)put_bytes(shelf, ET_KIND_RESOURCE_SNAPSHOT, version, &protobuf);
	et_buf_done(&event);
	et_buf_done(&protobuf);
}

static void
assert_copy(const struct et_copies *copies, size_t at, uint64_t version, enum et_recoverable form,
	    enum et_kind kind, int64_t time_ns)
{
	assert_true(at < copies->count);
	assert_int_equal(copies->list[at].version, version);
	assert_int_equal(copies->list[at].form, form);
	assert_int_equal(copies->list[at].kind, kind);
	assert_int_equal(copies->list[at].time_ns, time_ns);
}

static struct et_copies
copies_of(const struct shelf *shelf, bool snapshots_published)
{
	const struct et_document *documents[] = { &shelf->document };
	struct et_copies copies = { 0 };

	et_copies_of(documents, 1, 0, snapshots_published, &copies);
	return copies;
}

static void
an_event_stored_as_it_was_published_is_exact(void **state ET_UNUSED)
{
	static const enum et_kind kinds[] = { ET_KIND_RESOURCE_CHANGED, ET_KIND_UPDATE_PENDING,
					      ET_KIND_UPDATED, ET_KIND_LINKS_PUBLISHED,
					      ET_KIND_METADATA_UPDATED };
	struct shelf shelf = { 0 };
	struct et_copies copies;

	for (size_t i = 0; i < ET_COUNT(kinds); i++)
		put(&shelf, kinds[i], i, 50 + (int64_t)i);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, ET_COUNT(kinds));
	assert_int_equal(copies.malformed, 0);
	for (size_t i = 0; i < ET_COUNT(kinds); i++)
		assert_copy(&copies, i, i, ET_RECOVERABLE_EXACT, kinds[i], 50 + (int64_t)i);
	et_copies_done(&copies);
	assert_null(copies.list);
	shelf_done(&shelf);
}

static void
what_a_snapshot_embeds_of_its_own_version_is_rebuilt(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_copies copies;

	put_snapshot(&shelf, 9, 2, ET_KIND_RESOURCE_CHANGED, 9, 90);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 1);
	assert_copy(&copies, 0, 9, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, 90);
	et_copies_done(&copies);
	/* Also where the hub publishes its snapshots: this one took the event's place. */
	copies = copies_of(&shelf, true);
	assert_int_equal(copies.count, 1);
	assert_copy(&copies, 0, 9, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, 90);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
what_a_snapshot_embeds_of_an_older_version_is_rebuilt_there(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_copies copies;

	/* a pending command of version 6, and nothing of version 9 */
	put_snapshot(&shelf, 9, 5, ET_KIND_UPDATE_PENDING, 6, 60);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 2);
	assert_copy(&copies, 0, 6, ET_RECOVERABLE_REBUILT, ET_KIND_UPDATE_PENDING, 60);
	assert_copy(&copies, 1, 9, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 1009);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
a_snapshot_that_the_hub_published_is_its_own_event(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_copies copies;

	put_snapshot(&shelf, 9, 2, ET_KIND_RESOURCE_CHANGED, 8, 80);
	put(&shelf, ET_KIND_RESOURCE_CHANGED, 10, 100);
	copies = copies_of(&shelf, true);
	assert_int_equal(copies.count, 3);
	assert_copy(&copies, 0, 8, ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED, 80);
	assert_copy(&copies, 1, 9, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_SNAPSHOT, 1009);
	assert_copy(&copies, 2, 10, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 100);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
the_best_form_of_a_version_is_kept(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_copies copies;

	put_snapshot(&shelf, 9, 2, ET_KIND_RESOURCE_CHANGED, 4, 40);
	put_snapshot(&shelf, 5, 2, ET_KIND_RESOURCE_CHANGED, 4, 40);
	put(&shelf, ET_KIND_RESOURCE_CHANGED, 4, 41);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 3);
	assert_copy(&copies, 0, 4, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 41);
	assert_copy(&copies, 1, 5, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 1005);
	assert_copy(&copies, 2, 9, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 1009);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
of_two_originals_of_one_version_the_earlier_is_kept(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_copies copies;

	put(&shelf, ET_KIND_RESOURCE_CHANGED, 4, 41);
	put(&shelf, ET_KIND_RESOURCE_CHANGED, 4, 40);
	put(&shelf, ET_KIND_RESOURCE_CHANGED, 4, 40);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 1);
	assert_copy(&copies, 0, 4, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 40);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

/* The clocks of replicas are 10 s apart at most: more says that the number was used again. */
static void
two_events_of_one_version_are_two_copies(void **state ET_UNUSED)
{
	/* The one in the better form is of this time (0: none), the other one of that. */
	static const struct {
		int64_t event_ns;
		int64_t snapshot_ns;
		size_t count;
	} rows[] = {
		{ 40, 40 + ET_CLOCKS_APART_NS, 1 }, { 40, 41 + ET_CLOCKS_APART_NS, 2 },
		{ 40 + ET_CLOCKS_APART_NS, 40, 1 }, { 41 + ET_CLOCKS_APART_NS, 40, 2 },
		{ 0, 41 + ET_CLOCKS_APART_NS, 1 },  { 40, 0, 1 },
		{ INT64_MAX, INT64_MIN + 1, 2 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct shelf shelf = { 0 };
		struct et_stored_event *event;
		struct et_buf protobuf;
		struct et_copies copies;

		et_buf_init(&protobuf, 1000);
		et_buf_field_u64(&protobuf, 1, 5);
		event = put_bytes(&shelf, ET_KIND_UNKNOWN, 4, &protobuf);
		event->timestamp_ns = rows[i].snapshot_ns;
		event->is_snapshot = true;
		put_bytes(&shelf, ET_KIND_UNKNOWN, 4, &protobuf)->timestamp_ns = rows[i].event_ns;
		et_buf_done(&protobuf);
		copies = copies_of(&shelf, false);
		assert_int_equal(copies.count, rows[i].count);
		assert_copy(&copies, 0, 4, ET_RECOVERABLE_EXACT, ET_KIND_UNKNOWN,
			    rows[i].event_ns != 0 ? rows[i].event_ns : ET_TIME_NONE);
		if (rows[i].count == 2)
			assert_copy(&copies, 1, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_UNKNOWN,
				    rows[i].snapshot_ns);
		et_copies_done(&copies);
		shelf_done(&shelf);
	}
}

static void
what_the_store_has_as_well_is_not_only_rescued(void **state ET_UNUSED)
{
	struct shelf stored = { 0 };
	struct shelf rescued = { 0 };
	const struct et_document *documents[] = { &stored.document, &rescued.document };
	struct et_copies copies = { 0 };

	put_snapshot(&stored, 9, 2, ET_KIND_RESOURCE_CHANGED, 2, 20);
	put(&stored, ET_KIND_RESOURCE_CHANGED, 10, 100);
	put(&rescued, ET_KIND_RESOURCE_CHANGED, 1, 10);
	put(&rescued, ET_KIND_RESOURCE_CHANGED, 2, 20);
	put(&rescued, ET_KIND_RESOURCE_CHANGED, 10, 100 - ET_CLOCKS_APART_NS - 1);
	et_copies_of(documents, 2, 1, false, &copies);
	assert_int_equal(copies.count, 5);
	assert_copy(&copies, 0, 1, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 10);
	assert_true(copies.list[0].rescued);
	/* in its better form */
	assert_copy(&copies, 1, 2, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 20);
	assert_false(copies.list[1].rescued);
	assert_copy(&copies, 2, 9, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 1009);
	assert_false(copies.list[2].rescued);
	/* the number was used again */
	assert_true(copies.list[3].rescued);
	assert_copy(&copies, 4, 10, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 100);
	assert_false(copies.list[4].rescued);
	et_copies_done(&copies);
	shelf_done(&stored);
	shelf_done(&rescued);
}

static void
an_empty_embedded_event_is_none(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_buf protobuf;
	struct et_copies copies;

	/* one without metadata, and one whose metadata is empty: both would read as version 0 */
	et_buf_init(&protobuf, 1000);
	et_buf_field_message(&protobuf, 2, NULL, 0);
	write_event(&protobuf, ET_KIND_RESOURCE_SNAPSHOT, 3, 30);
	(void)put_bytes(&shelf, ET_KIND_RESOURCE_SNAPSHOT, 3, &protobuf);
	et_buf_done(&protobuf);
	put_snapshot(&shelf, 4, 2, ET_KIND_RESOURCE_CHANGED, 0, 0);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 2);
	assert_int_equal(copies.malformed, 0);
	assert_copy(&copies, 0, 3, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 30);
	assert_copy(&copies, 1, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, 1004);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
what_cannot_be_read_is_counted_and_is_no_copy(void **state ET_UNUSED)
{
	static const uint8_t no_snappy[] = { 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t no_protobuf[] = { 0x0a, 0x7f, 0x00 };
	struct shelf shelf = { 0 };
	struct et_buf protobuf;
	struct et_buf event;
	struct et_copies copies;

	put(&shelf, ET_KIND_RESOURCE_CHANGED, 1, 10);
	shelf.events[0].data = (struct et_slice){ no_snappy, sizeof(no_snappy) };
	et_buf_init(&protobuf, 1000);
	et_buf_put(&protobuf, no_protobuf, sizeof(no_protobuf));
	(void)put_bytes(&shelf, ET_KIND_RESOURCE_CHANGED, 2, &protobuf);
	/* a snapshot whose first embedded event is whole and whose second is not */
	et_buf_reset(&protobuf);
	et_buf_init(&event, 1000);
	write_event(&event, ET_KIND_RESOURCE_CHANGED, 3, 30);
	et_buf_field_message(&protobuf, 2, event.data, event.size);
	et_buf_field_bytes(&protobuf, 5, no_protobuf, sizeof(no_protobuf));
	write_event(&protobuf, ET_KIND_RESOURCE_SNAPSHOT, 3, 31);
	(void)put_bytes(&shelf, ET_KIND_RESOURCE_SNAPSHOT, 3, &protobuf);
	et_buf_done(&event);
	et_buf_done(&protobuf);
	put(&shelf, ET_KIND_RESOURCE_CHANGED, 4, 40);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.malformed, 3);
	assert_int_equal(copies.count, 1);
	assert_copy(&copies, 0, 4, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED, 40);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
a_type_that_we_do_not_know_goes_by_what_the_store_says(void **state ET_UNUSED)
{
	struct shelf shelf = { 0 };
	struct et_buf protobuf;
	struct et_copies copies;

	et_buf_init(&protobuf, 1000);
	et_buf_field_u64(&protobuf, 1, 5);
	(void)put_bytes(&shelf, ET_KIND_UNKNOWN, 1, &protobuf);
	put_bytes(&shelf, ET_KIND_UNKNOWN, 2, &protobuf)->is_snapshot = true;
	put_bytes(&shelf, ET_KIND_UNKNOWN, 3, &protobuf)->timestamp_ns = 0;
	et_buf_done(&protobuf);
	copies = copies_of(&shelf, false);
	assert_int_equal(copies.count, 3);
	assert_copy(&copies, 0, 1, ET_RECOVERABLE_EXACT, ET_KIND_UNKNOWN, 7);
	assert_copy(&copies, 1, 2, ET_RECOVERABLE_SNAPSHOT, ET_KIND_UNKNOWN, 7);
	assert_copy(&copies, 2, 3, ET_RECOVERABLE_EXACT, ET_KIND_UNKNOWN, ET_TIME_NONE);
	et_copies_done(&copies);
	shelf_done(&shelf);
}

static void
several_documents_are_joined_and_ghosts_skipped(void **state ET_UNUSED)
{
	struct shelf first = { 0 };
	struct shelf second = { 0 };
	struct shelf ghost = { .document.ghost = true };
	const struct et_document *documents[] = { &second.document, &ghost.document,
						  &first.document };
	struct et_copies copies = { 0 };

	put(&first, ET_KIND_RESOURCE_CHANGED, 1, 10);
	put(&first, ET_KIND_RESOURCE_CHANGED, 2, 20);
	put(&second, ET_KIND_RESOURCE_CHANGED, 3, 30);
	put(&ghost, ET_KIND_RESOURCE_CHANGED, 8, 80);
	et_copies_of(documents, 3, 0, false, &copies);
	assert_int_equal(copies.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_copy(&copies, i, i + 1, ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED,
			    10 + 10 * (int64_t)i);
	/* the same list again, for the next aggregate */
	et_copies_of(documents, 1, 0, false, &copies);
	assert_int_equal(copies.count, 1);
	et_copies_of(documents, 0, 0, false, &copies);
	assert_int_equal(copies.count, 0);
	et_copies_done(&copies);
	shelf_done(&first);
	shelf_done(&second);
	shelf_done(&ghost);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_stored_as_it_was_published_is_exact),
		cmocka_unit_test(what_a_snapshot_embeds_of_its_own_version_is_rebuilt),
		cmocka_unit_test(what_a_snapshot_embeds_of_an_older_version_is_rebuilt_there),
		cmocka_unit_test(a_snapshot_that_the_hub_published_is_its_own_event),
		cmocka_unit_test(the_best_form_of_a_version_is_kept),
		cmocka_unit_test(of_two_originals_of_one_version_the_earlier_is_kept),
		cmocka_unit_test(two_events_of_one_version_are_two_copies),
		cmocka_unit_test(what_the_store_has_as_well_is_not_only_rescued),
		cmocka_unit_test(an_empty_embedded_event_is_none),
		cmocka_unit_test(what_cannot_be_read_is_counted_and_is_no_copy),
		cmocka_unit_test(a_type_that_we_do_not_know_goes_by_what_the_store_says),
		cmocka_unit_test(several_documents_are_joined_and_ghosts_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
