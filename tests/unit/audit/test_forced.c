// SPDX-License-Identifier: Apache-2.0
/* The decision table: forced commands, which the hub withholds by its own rule. */
#include "bench.h"

/* The link state of the href over the sequences 102 ... 105 (versions 3 and 4 are missing). */
enum links {
	LINKED,
	LINKED_STORE_ONLY,
	NOT_LINKED,
	GONE,
	UNKNOWN,
	LINKED_INSIDE,
	GONE_INSIDE,
	NO_HREF
};

static void
set_links(struct bench *b, enum links links)
{
	static const struct {
		size_t count;
		struct et_link_change changes[2];
		bool complete;
		bool linked_in_store;
	} rows[] = {
		[LINKED] = { 1, { { 10, 10 * S, true } }, true, true },
		[LINKED_STORE_ONLY] = { 0, { { 0 } }, false, true },
		[NOT_LINKED] = { 0, { { 0 } }, true, false },
		[GONE] = { 2, { { 10, 10 * S, true }, { 102, 20 * S, false } }, true, false },
		[UNKNOWN] = { 0, { { 0 } }, false, false },
		[LINKED_INSIDE] = { 1, { { 103, 30000 * S, true } }, true, true },
		[GONE_INSIDE] = { 2,
				  { { 10, 10 * S, true }, { 104, 30000 * S, false } },
				  true,
				  false },
		[NO_HREF] = { 0, { { 0 } }, true, false },
	};

	memcpy(b->changes, rows[links].changes, sizeof(rows[links].changes));
	b->facts.change_count = rows[links].count;
	b->facts.links_complete = rows[links].complete;
	b->facts.linked_in_store = rows[links].linked_in_store;
	b->facts.href_known = links != NO_HREF;
}

static void
without_a_copy_the_links_and_an_orphan_decide(void **state ET_UNUSED)
{
	static const struct {
		enum links links;
		bool orphan;
		enum et_reason reason;
	} rows[] = {
		{ LINKED, false, ET_REASON_LOST },
		{ LINKED, true, ET_REASON_LOST },
		{ LINKED_STORE_ONLY, false, ET_REASON_LOST },
		{ LINKED_STORE_ONLY, true, ET_REASON_LOST },
		{ NOT_LINKED, false, ET_REASON_UNDECIDED },
		{ NOT_LINKED, true, ET_REASON_UNANNOUNCED },
		{ GONE, false, ET_REASON_UNDECIDED },
		{ GONE, true, ET_REASON_UNANNOUNCED },
		{ UNKNOWN, false, ET_REASON_UNDECIDED },
		{ UNKNOWN, true, ET_REASON_UNDECIDED },
		{ LINKED_INSIDE, false, ET_REASON_LOST },
		{ LINKED_INSIDE, true, ET_REASON_UNDECIDED },
		{ GONE_INSIDE, false, ET_REASON_LOST },
		{ GONE_INSIDE, true, ET_REASON_UNDECIDED },
		{ NO_HREF, false, ET_REASON_UNDECIDED },
		{ NO_HREF, true, ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i].links);
		if (rows[i].orphan)
			orphan(&b, 5);
		judge(&b);
		if (b.tally.reasons[rows[i].reason] != 2)
			fail_msg("row %zu", i);
	}
}

static void
an_orphan_below_explains_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	set_links(&b, NOT_LINKED);
	orphan(&b, 2);
	expect(&b, ET_REASON_UNDECIDED, 2);
}

static void
a_stored_pending_is_judged_by_the_links_of_its_time(void **state ET_UNUSED)
{
	/* v4 was saved at 11004 s */
	static const struct {
		const char *name;
		size_t count;
		struct et_link_change changes[2];
		bool complete;
		bool linked_in_store;
		enum et_reason reason;
	} rows[] = {
		{ "linked before", 1, { { 10, 11004 * S, true } }, true, true, ET_REASON_LOST },
		{ "linked after",
		  1,
		  { { 10, 11004 * S + 1, true } },
		  true,
		  true,
		  ET_REASON_UNANNOUNCED },
		{ "linked after, links with a hole",
		  1,
		  { { 10, 11005 * S, true } },
		  false,
		  true,
		  ET_REASON_UNDECIDED },
		{ "unlinked before",
		  2,
		  { { 10, 1 * S, true }, { 11, 2 * S, false } },
		  true,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "unlinked after",
		  2,
		  { { 10, 1 * S, true }, { 11, 12000 * S, false } },
		  true,
		  false,
		  ET_REASON_LOST },
		{ "unlinked after, its add not seen",
		  1,
		  { { 10, 12000 * S, false } },
		  false,
		  false,
		  ET_REASON_LOST },
		{ "never linked", 0, { { 0 } }, true, false, ET_REASON_UNANNOUNCED },
		{ "in the store's links only", 0, { { 0 } }, true, true, ET_REASON_LOST },
		{ "never seen, links with a hole",
		  0,
		  { { 0 } },
		  false,
		  false,
		  ET_REASON_UNDECIDED },
	};
	static const enum et_kind pendings[] = { ET_KIND_CREATE_PENDING, ET_KIND_UPDATE_PENDING,
						 ET_KIND_DELETE_PENDING };
	static const enum et_recoverable forms[] = { ET_RECOVERABLE_EXACT, ET_RECOVERABLE_REBUILT };

	for (size_t i = 0; i < ET_COUNT(rows) * 6; i++) {
		size_t row = i / 6;
		struct bench b;

		set_up(&b, "####.#####");
		memcpy(b.changes, rows[row].changes, sizeof(rows[row].changes));
		b.facts.change_count = rows[row].count;
		b.facts.links_complete = rows[row].complete;
		b.facts.linked_in_store = rows[row].linked_in_store;
		copy(&b, 4, forms[i % 2], pendings[i / 2 % 3], time_of(4));
		judge(&b);
		if (b.tally.reasons[rows[row].reason] != 1)
			fail_msg("%s", rows[row].name);
	}
}

static void
a_stored_pending_without_a_time_is_judged_by_its_bracket(void **state ET_UNUSED)
{
	static const struct {
		enum links links;
		enum et_reason reason;
	} rows[] = { { LINKED, ET_REASON_LOST },
		     { GONE, ET_REASON_UNANNOUNCED },
		     { UNKNOWN, ET_REASON_UNDECIDED },
		     { GONE_INSIDE, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i].links);
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, ET_TIME_NONE);
		copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, ET_TIME_NONE);
		expect(&b, rows[i].reason, 2);
	}
}

static void
a_stored_event_that_is_no_such_pending_is_lost_whatever_the_links_say(void **state ET_UNUSED)
{
	static const struct {
		enum et_recoverable form;
		enum et_kind kind;
	} rows[] = {
		{ ET_RECOVERABLE_EXACT, ET_KIND_RESOURCE_CHANGED },
		{ ET_RECOVERABLE_EXACT, ET_KIND_RETRIEVE_PENDING },
		{ ET_RECOVERABLE_EXACT, ET_KIND_UPDATED },
		{ ET_RECOVERABLE_EXACT, ET_KIND_UNKNOWN },
		{ ET_RECOVERABLE_REBUILT, ET_KIND_RESOURCE_CHANGED },
		/* a pending of that version would be embedded */
		{ ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		unlinked(&b);
		orphan(&b, 5);
		copy(&b, 4, rows[i].form, rows[i].kind, time_of(4));
		expect(&b, ET_REASON_LOST, 1);
	}
}

static void
only_resources_have_forced_commands(void **state ET_UNUSED)
{
	static const struct {
		enum et_family family;
		enum et_reason reason;
	} rows[] = { { ET_FAMILY_RESOURCE, ET_REASON_UNANNOUNCED },
		     { ET_FAMILY_UNKNOWN, ET_REASON_UNANNOUNCED },
		     { ET_FAMILY_LINKS, ET_REASON_LOST },
		     { ET_FAMILY_METADATA, ET_REASON_LOST } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "####.#####");
		unlinked(&b);
		orphan(&b, 5);
		b.one.family = rows[i].family;
		expect(&b, rows[i].reason, 1);
	}
}

static void
links_with_a_hole_never_excuse(void **state ET_UNUSED)
{
	static const struct et_link_change rows[][2] = {
		/* linked after the bracket: before it unknown */
		{ { 200, 12000 * S, true }, { 201, 12001 * S, true } },
		/* gone before it, and perhaps added again since */
		{ { 10, 10 * S, true }, { 11, 11 * S, false } },
		/* gone before it, and gone once more inside */
		{ { 10, 10 * S, false }, { 11, 11 * S, false } },
		{ { 11, 11 * S, false }, { 103, 12 * S, false } },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		memcpy(b.changes, rows[i], sizeof(rows[i]));
		b.facts.change_count = 2;
		b.facts.links_complete = false;
		b.facts.linked_in_store = false;
		orphan(&b, 5);
		expect(&b, ET_REASON_UNDECIDED, 2);
	}
}

/* A stored pending of a time at which the stream shows the href as gone. */
static void
links_with_a_hole_do_not_excuse_a_stored_pending_either(void **state ET_UNUSED)
{
	static const struct {
		bool complete;
		enum et_reason reason;
	} rows[] = { { true, ET_REASON_UNANNOUNCED }, { false, ET_REASON_UNDECIDED } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###.######");
		b.changes[1] = (struct et_link_change){ 11, 11 * S, false };
		b.facts.change_count = 2;
		b.facts.linked_in_store = false;
		b.facts.links_complete = rows[i].complete;
		copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
		expect(&b, rows[i].reason, 1);
	}
}

static void
links_that_repeat_themselves_change_nothing(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	b.changes[1] = (struct et_link_change){ 103, 12 * S, true }; /* linked, published again */
	b.facts.change_count = 2;
	orphan(&b, 5);
	expect(&b, ET_REASON_LOST, 2);
	set_up(&b, "###..#####");
	b.changes[0] = (struct et_link_change){ 10, 1 * S, true };
	b.changes[1] = (struct et_link_change){ 20, 2 * S, false };
	b.changes[2] = (struct et_link_change){ 103, 12 * S, false };
	b.facts.change_count = 3;
	orphan(&b, 5);
	expect(&b, ET_REASON_UNANNOUNCED, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_copy_the_links_and_an_orphan_decide),
		cmocka_unit_test(an_orphan_below_explains_nothing),
		cmocka_unit_test(a_stored_pending_is_judged_by_the_links_of_its_time),
		cmocka_unit_test(a_stored_pending_without_a_time_is_judged_by_its_bracket),
		cmocka_unit_test(
			a_stored_event_that_is_no_such_pending_is_lost_whatever_the_links_say),
		cmocka_unit_test(only_resources_have_forced_commands),
		cmocka_unit_test(links_with_a_hole_never_excuse),
		cmocka_unit_test(links_with_a_hole_do_not_excuse_a_stored_pending_either),
		cmocka_unit_test(links_that_repeat_themselves_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
