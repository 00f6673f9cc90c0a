// SPDX-License-Identifier: Apache-2.0
/*
 * The decision table: forced commands, which the hub withholds by its own rule. What the links say
 * of a time is test_linked.c's.
 */
#include "bench.h"

/* What the href was from 11002 s, sequence 102, to 11005 s, sequence 105: the versions 3 and 4 are
 * missing there. */
enum links {
	LINKED,
	LINKED_AS_THE_STORE_SAYS,
	LIKELY,
	NOT_LINKED,
	GONE,
	LINKED_INSIDE,
	GONE_INSIDE,
	UNKNOWN,
	UNTOLD,
	NO_HREF
};

/* Events 10 s and more away from both ends, but for what comes inside. */
static void
set_links(struct bench *b, enum links links)
{
	static const struct {
		size_t count;
		struct et_link_event events[2];
		bool linked; /* in the store, which has the last of these */
	} rows[] = {
		[LINKED] = { 1, { { 10, 10 * S, 0, ET_LINK_ADDED } }, true },
		/* events 0 to 4 are not there, nor is the last one, of 20 s */
		[LINKED_AS_THE_STORE_SAYS] = { 1, { { 0, 20 * S, 5, ET_LINK_OTHER } }, true },
		/* between the two of them two are missing */
		[LIKELY] = { 2,
			     { { 10, 10 * S, 0, ET_LINK_ADDED },
			       { 300, 40000 * S, 3, ET_LINK_REMOVED } },
			     false },
		[NOT_LINKED] = { 1, { { 10, 10 * S, 0, ET_LINK_OTHER } }, false },
		[GONE] = { 2,
			   { { 10, 10 * S, 0, ET_LINK_ADDED }, { 11, 20 * S, 1, ET_LINK_REMOVED } },
			   false },
		[LINKED_INSIDE] = { 2,
				    { { 10, 10 * S, 0, ET_LINK_OTHER },
				      { 103, 11003 * S, 1, ET_LINK_ADDED } },
				    true },
		[GONE_INSIDE] = { 2,
				  { { 10, 10 * S, 0, ET_LINK_ADDED },
				    { 104, 11004 * S, 1, ET_LINK_REMOVED } },
				  false },
		[UNKNOWN] = { 2,
			      { { 10, 10 * S, 0, ET_LINK_OTHER },
				{ 300, 40000 * S, 3, ET_LINK_ABSENT } },
			      false },
		[UNTOLD] = { 1, { { 0, 0, 0, ET_LINK_OTHER } }, false },
		[NO_HREF] = { 1, { { 10, 10 * S, 0, ET_LINK_OTHER } }, false },
	};

	set_link_events(b, rows[links].events, rows[links].count, rows[links].linked);
	if (links == UNTOLD)
		b->facts.links = (struct et_links){ .latest_ns = ET_TIME_NONE };
	if (links == LINKED_AS_THE_STORE_SAYS)
		b->facts.links.event_count = 0;
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
		{ LINKED_AS_THE_STORE_SAYS, false, ET_REASON_LOST },
		{ LINKED_AS_THE_STORE_SAYS, true, ET_REASON_LOST },
		{ LIKELY, false, ET_REASON_LOST },
		{ LIKELY, true, ET_REASON_UNDECIDED },
		{ NOT_LINKED, false, ET_REASON_UNDECIDED },
		{ NOT_LINKED, true, ET_REASON_UNANNOUNCED },
		{ GONE, false, ET_REASON_UNDECIDED },
		{ GONE, true, ET_REASON_UNANNOUNCED },
		{ LINKED_INSIDE, false, ET_REASON_LOST },
		{ LINKED_INSIDE, true, ET_REASON_UNDECIDED },
		{ GONE_INSIDE, false, ET_REASON_LOST },
		{ GONE_INSIDE, true, ET_REASON_UNDECIDED },
		{ UNKNOWN, false, ET_REASON_UNDECIDED },
		{ UNKNOWN, true, ET_REASON_UNDECIDED },
		{ UNTOLD, false, ET_REASON_UNDECIDED },
		{ UNTOLD, true, ET_REASON_UNDECIDED },
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

/* Version 2 is the first that was seen, at sequence 102; an orphan follows. Times in seconds before
 * it. */
static void
a_life_begins_with_its_links(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		bool born;
		int64_t born_s;
		int64_t link_s; /* version 0 of the links */
		uint64_t link_seq;
		enum et_link_effect effect;
		enum et_reason reason;
	} rows[] = {
		{ "a second after it was born", true, 100, 99, 10, ET_LINK_ADDED, ET_REASON_LOST },
		{ "ten seconds after", true, 100, 90, 10, ET_LINK_ADDED, ET_REASON_LOST },
		{ "eleven", true, 100, 89, 10, ET_LINK_ADDED, ET_REASON_UNDECIDED },
		{ "behind it on the stream", true, 3, 2, 103, ET_LINK_ADDED, ET_REASON_LOST },
		{ "later than what was seen", true, 3, -2, 103, ET_LINK_ADDED,
		  ET_REASON_UNANNOUNCED },
		{ "without the resource", true, 100, 99, 10, ET_LINK_OTHER, ET_REASON_UNANNOUNCED },
		{ "of one that may have lived before", false, 100, 99, 10, ET_LINK_ADDED,
		  ET_REASON_UNDECIDED },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_link_event link = { rows[i].link_seq, time_of(2) - rows[i].link_s * S, 0,
					      rows[i].effect };
		struct bench b;

		set_up(&b, "..########");
		set_link_events(&b, &link, 1, rows[i].effect == ET_LINK_ADDED);
		b.cut.has_lag = false;
		b.facts.born = true;
		b.facts.born_ns = rows[i].born ? time_of(2) - rows[i].born_s * S : ET_TIME_NONE;
		orphan(&b, 5);
		judge(&b);
		if (b.tally.reasons[rows[i].reason] != 2)
			fail_msg("%s", rows[i].name);
	}
}

/* The versions 3 and 4 are missing, the href was linked between them; no orphan. */
static void
an_answer_that_is_missing_too_may_be_of_a_command_below_it(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		enum links links;
		bool stored; /* a snapshot of version 4 that embeds no event of its own */
		uint64_t lost;
		uint64_t undecided;
	} rows[] = {
		{ "nothing is known of them", LINKED_INSIDE, false, 2, 0 },
		{ "the upper one was an answer", LINKED_INSIDE, true, 1, 1 },
		{ "likely linked", LIKELY, true, 1, 1 },
		{ "linked throughout", LINKED, true, 2, 0 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i].links);
		if (rows[i].stored)
			copy(&b, 4, ET_RECOVERABLE_SNAPSHOT, ET_KIND_RESOURCE_SNAPSHOT, time_of(4));
		judge(&b);
		if (b.tally.reasons[ET_REASON_LOST] != rows[i].lost ||
		    b.tally.reasons[ET_REASON_UNDECIDED] != rows[i].undecided)
			fail_msg("%s", rows[i].name);
	}
}

static void
an_older_hub_kept_nothing_back(void **state ET_UNUSED)
{
	struct bench b;

	set_up(&b, "###..#####");
	set_links(&b, NOT_LINKED);
	orphan(&b, 5);
	b.facts.older_hub = true;
	expect(&b, ET_REASON_LOST, 2);
}

static void
an_orphan_below_explains_nothing(void **state ET_UNUSED)
{
	static const enum links rows[] = { LIKELY, LINKED_INSIDE, GONE_INSIDE, NOT_LINKED };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_links(&b, rows[i]);
		orphan(&b, 2);
		expect(&b, rows[i] == NOT_LINKED ? ET_REASON_UNDECIDED : ET_REASON_LOST, 2);
	}
}

static void
a_stored_pending_is_judged_by_the_links_of_its_time(void **state ET_UNUSED)
{
	/* v4 was saved at 11004 s; its neighbours have the sequences 103 and 105 */
	static const struct {
		const char *name;
		size_t count;
		struct et_link_event events[2];
		bool linked;
		bool orphan;
		enum et_reason reason;
	} rows[] = {
		{ "never linked",
		  1,
		  { { 10, 10 * S, 0, ET_LINK_OTHER } },
		  false,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "linked just before",
		  1,
		  { { 102, 11004 * S, 0, ET_LINK_ADDED } },
		  true,
		  false,
		  ET_REASON_LOST },
		{ "linked just behind",
		  1,
		  { { 106, 11004 * S, 0, ET_LINK_ADDED } },
		  true,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "linked about then",
		  1,
		  { { 104, 11004 * S, 0, ET_LINK_ADDED } },
		  true,
		  false,
		  ET_REASON_UNDECIDED },
		{ "linked about then, by clocks that differ",
		  1,
		  { { 10, 11014 * S, 0, ET_LINK_ADDED } },
		  true,
		  false,
		  ET_REASON_UNDECIDED },
		{ "linked later than that",
		  1,
		  { { 10, 11014 * S + 1, 0, ET_LINK_ADDED } },
		  true,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "unlinked before",
		  2,
		  { { 10, 10 * S, 0, ET_LINK_ADDED }, { 11, 20 * S, 1, ET_LINK_REMOVED } },
		  false,
		  false,
		  ET_REASON_UNANNOUNCED },
		{ "unlinked behind",
		  2,
		  { { 10, 10 * S, 0, ET_LINK_ADDED }, { 111, 12000 * S, 1, ET_LINK_REMOVED } },
		  false,
		  false,
		  ET_REASON_LOST },
		{ "unlinked behind, all that came before it not seen",
		  1,
		  { { 111, 12000 * S, 7, ET_LINK_REMOVED } },
		  false,
		  false,
		  ET_REASON_UNDECIDED },
		{ "likely linked",
		  2,
		  { { 10, 10 * S, 0, ET_LINK_ADDED }, { 111, 12000 * S, 3, ET_LINK_REMOVED } },
		  false,
		  false,
		  ET_REASON_LOST },
		{ "likely linked, and answered",
		  2,
		  { { 10, 10 * S, 0, ET_LINK_ADDED }, { 111, 12000 * S, 3, ET_LINK_REMOVED } },
		  false,
		  true,
		  ET_REASON_UNDECIDED },
		{ "not known",
		  2,
		  { { 10, 10 * S, 0, ET_LINK_OTHER }, { 111, 12000 * S, 3, ET_LINK_ADDED } },
		  true,
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
		set_link_events(&b, rows[row].events, rows[row].count, rows[row].linked);
		if (rows[row].orphan)
			orphan(&b, 5);
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
	} rows[] = { { LINKED, ET_REASON_LOST },       { LIKELY, ET_REASON_LOST },
		     { GONE, ET_REASON_UNANNOUNCED },  { GONE_INSIDE, ET_REASON_UNDECIDED },
		     { UNKNOWN, ET_REASON_UNDECIDED }, { UNTOLD, ET_REASON_UNDECIDED } };

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

/* Nothing of 11002 s to 11005 s. */
static void
links_of_which_too_much_is_missing_never_excuse(void **state ET_UNUSED)
{
	static const struct et_link_event rows[][2] = {
		/* linked behind it: before that nobody knows */
		{ { 200, 12000 * S, 2, ET_LINK_ADDED }, { 201, 12001 * S, 3, ET_LINK_OTHER } },
		/* gone before it, and perhaps added again, and gone once more */
		{ { 10, 10 * S, 0, ET_LINK_ABSENT }, { 200, 12000 * S, 3, ET_LINK_ABSENT } },
		/* gone before it, and gone once more inside */
		{ { 10, 10 * S, 1, ET_LINK_REMOVED }, { 103, 11003 * S, 4, ET_LINK_ABSENT } },
		/* the store went back in between */
		{ { 10, 10 * S, 4, ET_LINK_REMOVED }, { 200, 12000 * S, 2, ET_LINK_ABSENT } },
	};

	for (size_t i = 0; i < ET_COUNT(rows) * 2; i++) {
		struct bench b;

		set_up(&b, "###..#####");
		set_link_events(&b, rows[i / 2], 2, false);
		orphan(&b, 5);
		if (i % 2 == 1) {
			copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
			copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(4));
		}
		expect(&b, ET_REASON_UNDECIDED, 2);
	}
}

/* One that is missing cannot add it and take it away. */
static void
a_single_links_event_that_is_missing_changes_nothing(void **state ET_UNUSED)
{
	static const struct {
		bool linked;
		enum et_reason reason;
	} rows[] = { { true, ET_REASON_LOST }, { false, ET_REASON_UNANNOUNCED } };

	for (size_t i = 0; i < ET_COUNT(rows) * 2; i++) {
		const struct et_link_event events[] = {
			{ 10, 10 * S, 0, ET_LINK_ADDED },
			{ 20, 20 * S, 1, rows[i / 2].linked ? ET_LINK_OTHER : ET_LINK_REMOVED },
			{ 200, 12000 * S, 3, ET_LINK_OTHER },
		};
		struct bench b;

		set_up(&b, "###..#####");
		set_link_events(&b, events, 3, rows[i / 2].linked);
		orphan(&b, 5);
		if (i % 2 == 1) {
			copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
			copy(&b, 4, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(4));
		}
		expect(&b, rows[i / 2].reason, 2);
	}
}

static void
links_that_repeat_themselves_change_nothing(void **state ET_UNUSED)
{
	static const struct et_link_event linked[] = { { 10, 10 * S, 0, ET_LINK_ADDED },
						       { 103, 11003 * S, 1, ET_LINK_ADDED } };
	static const struct et_link_event gone[] = { { 10, 10 * S, 0, ET_LINK_ADDED },
						     { 20, 20 * S, 1, ET_LINK_REMOVED },
						     { 103, 11003 * S, 2, ET_LINK_ABSENT } };
	struct bench b;

	set_up(&b, "###..#####");
	set_link_events(&b, linked, 2, true); /* published again */
	orphan(&b, 5);
	expect(&b, ET_REASON_LOST, 2);
	set_up(&b, "###..#####");
	set_link_events(&b, gone, 3, false);
	orphan(&b, 5);
	expect(&b, ET_REASON_UNANNOUNCED, 2);
}

/* They are looked for only where one could change the verdict. */
static void
orphans_are_asked_for_only_where_one_would_tell(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		const char *seen;
		enum links links;
		enum et_family family;
		bool stored_pending;
		bool wanted;
	} rows[] = {
		{ "linked", "###..#####", LINKED, ET_FAMILY_RESOURCE, false, false },
		{ "likely linked", "###..#####", LIKELY, ET_FAMILY_RESOURCE, false, true },
		{ "linked for a part", "###..#####", GONE_INSIDE, ET_FAMILY_RESOURCE, false, true },
		{ "not linked", "###..#####", NOT_LINKED, ET_FAMILY_RESOURCE, false, true },
		{ "not known", "###..#####", UNKNOWN, ET_FAMILY_RESOURCE, false, false },
		{ "a pending, likely linked", "###.######", LIKELY, ET_FAMILY_RESOURCE, true,
		  true },
		{ "a pending, not linked", "###.######", NOT_LINKED, ET_FAMILY_RESOURCE, true,
		  false },
		{ "nothing is missing", "##########", NOT_LINKED, ET_FAMILY_RESOURCE, false,
		  false },
		{ "another rule decides", "..########", NOT_LINKED, ET_FAMILY_RESOURCE, false,
		  false },
		{ "no resource", "###..#####", NOT_LINKED, ET_FAMILY_METADATA, false, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct bench b;

		set_up(&b, rows[i].seen);
		set_links(&b, rows[i].links);
		b.one.family = rows[i].family;
		if (rows[i].stored_pending)
			copy(&b, 3, ET_RECOVERABLE_EXACT, ET_KIND_UPDATE_PENDING, time_of(3));
		complete(&b);
		if (et_judge_wants_orphans(&b.cut, &b.one) != rows[i].wanted)
			fail_msg("%s", rows[i].name);
		clean_up(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_copy_the_links_and_an_orphan_decide),
		cmocka_unit_test(a_life_begins_with_its_links),
		cmocka_unit_test(an_answer_that_is_missing_too_may_be_of_a_command_below_it),
		cmocka_unit_test(an_older_hub_kept_nothing_back),
		cmocka_unit_test(an_orphan_below_explains_nothing),
		cmocka_unit_test(a_stored_pending_is_judged_by_the_links_of_its_time),
		cmocka_unit_test(a_stored_pending_without_a_time_is_judged_by_its_bracket),
		cmocka_unit_test(
			a_stored_event_that_is_no_such_pending_is_lost_whatever_the_links_say),
		cmocka_unit_test(only_resources_have_forced_commands),
		cmocka_unit_test(links_of_which_too_much_is_missing_never_excuse),
		cmocka_unit_test(a_single_links_event_that_is_missing_changes_nothing),
		cmocka_unit_test(links_that_repeat_themselves_change_nothing),
		cmocka_unit_test(orphans_are_asked_for_only_where_one_would_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
