// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/document.h"
#include "samples.h"

static struct et_stored_event events[] = {
	{ .version = 3, .data = { (const uint8_t *)"a\0b", 3 }, .kind = ET_KIND_UPDATED },
	{ .version = 4, .is_snapshot = true, .timestamp_ns = -7 },
};

static struct et_document
example(void)
{
	events[0].type = text_slice("resourceupdated");
	events[1].type = text_slice("resourcestatesnapshottaken");
	return (struct et_document){
		.aggregate_id = text_slice("aggregate"),
		.group_id = text_slice("device"),
		.first_version = 3,
		.latest_version = 4,
		.latest_timestamp_ns = 5,
		.is_active = true,
		.events = events,
		.event_count = ET_COUNT(events),
	};
}

static void
assert_copied(struct et_slice copy, struct et_slice from)
{
	assert_int_equal(copy.size, from.size);
	if (from.size > 0) {
		assert_ptr_not_equal(copy.data, from.data);
		assert_memory_equal(copy.data, from.data, from.size);
	}
}

static void
a_copy_owns_all_its_bytes(void **state ET_UNUSED)
{
	struct et_document document = example();
	struct et_document *copy;
	struct et_arena arena;

	et_arena_init(&arena, 0);
	copy = et_document_copy(&arena, &document);
	assert_non_null(copy);
	assert_copied(copy->aggregate_id, document.aggregate_id);
	assert_copied(copy->group_id, document.group_id);
	assert_int_equal(copy->first_version, 3);
	assert_int_equal(copy->latest_version, 4);
	assert_int_equal(copy->latest_timestamp_ns, 5);
	assert_true(copy->is_active);
	assert_int_equal(copy->event_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_copied(copy->events[i].data, events[i].data);
		assert_copied(copy->events[i].type, events[i].type);
		assert_int_equal(copy->events[i].version, events[i].version);
		assert_int_equal(copy->events[i].kind, events[i].kind);
		assert_int_equal(copy->events[i].is_snapshot, events[i].is_snapshot);
		assert_int_equal(copy->events[i].timestamp_ns, events[i].timestamp_ns);
	}
	et_arena_done(&arena);
}

static void
a_ghost_has_no_events(void **state ET_UNUSED)
{
	struct et_document ghost = { .latest_version = 9, .ghost = true, .events = events };
	struct et_document *copy;
	struct et_arena arena;

	et_arena_init(&arena, 0);
	copy = et_document_copy(&arena, &ghost);
	assert_true(copy->ghost);
	assert_null(copy->events);
	et_arena_done(&arena);
}

static void
a_copy_stops_at_every_limit(void **state ET_UNUSED)
{
	struct et_document document = example();
	struct et_document *copy = NULL;
	size_t limit = 0;

	while (copy == NULL) {
		struct et_arena arena;

		et_arena_init(&arena, ++limit);
		copy = et_document_copy(&arena, &document);
		assert_true(copy == NULL || arena.used_bytes <= limit);
		et_arena_done(&arena);
	}
	assert_true(limit > sizeof(document) + sizeof(events));
}

static void
too_many_events_are_refused(void **state ET_UNUSED)
{
	struct et_document document = example();
	struct et_arena arena;

	document.event_count = ET_DOCUMENT_EVENTS_MAX + 1;
	et_arena_init(&arena, 0);
	assert_null(et_document_copy(&arena, &document));
	et_arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_owns_all_its_bytes),
		cmocka_unit_test(a_ghost_has_no_events),
		cmocka_unit_test(a_copy_stops_at_every_limit),
		cmocka_unit_test(too_many_events_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
