// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include "audit/standing.h"
#include "base/clock.h"

#define NOW 1000

static void
a_finding_stands_where_its_facts_put_it(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		struct et_standing_facts facts;
		enum et_standing standing;
		bool expired;
	} rows[] = {
		{ "nobody was told", { 0 }, ET_STANDING_NEW, false },
		{ "told before", { .told = true }, ET_STANDING_KNOWN, false },
		{ "acknowledged for good",
		  { .told = true, .acknowledged = true, .ack_until_ns = ET_TIME_NONE },
		  ET_STANDING_ACKNOWLEDGED,
		  false },
		{ "acknowledged, and not told yet",
		  { .acknowledged = true, .ack_until_ns = NOW + 1 },
		  ET_STANDING_ACKNOWLEDGED,
		  false },
		{ "until now",
		  { .told = true, .acknowledged = true, .ack_until_ns = NOW },
		  ET_STANDING_KNOWN,
		  true },
		{ "somebody knew of it, so it is not new",
		  { .acknowledged = true, .ack_until_ns = NOW - 1 },
		  ET_STANDING_KNOWN,
		  true },
		{ "resolved", { .resolved = true, .told = true }, ET_STANDING_RESOLVED, false },
		{ "resolved, whoever knew of it",
		  { .resolved = true, .acknowledged = true, .ack_until_ns = ET_TIME_NONE },
		  ET_STANDING_RESOLVED,
		  false },
		{ "resolved: nothing is left to expire",
		  { .resolved = true, .acknowledged = true, .ack_until_ns = NOW - 1 },
		  ET_STANDING_RESOLVED,
		  false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (et_standing_of(&rows[i].facts, NOW) != rows[i].standing ||
		    et_standing_expired(&rows[i].facts, NOW) != rows[i].expired)
			fail_msg("%s", rows[i].name);
}

static void
words_name_one_standing_or_several(void **state ET_UNUSED)
{
	static const struct {
		const char *words;
		unsigned bits;
	} rows[] = {
		{ "new", 1 },  { "known", 2 }, { "acknowledged", 4 }, { "resolved", 8 },
		{ "open", 3 }, { "all", 15 },  { "new,resolved", 9 }, { "open,new", 3 },
		{ "", 0 },     { "news", 0 },  { "ne", 0 },           { "New", 0 },
		{ "new,", 0 }, { ",new", 0 },  { "new known", 0 },    { "/var/lib/evtrail", 0 },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++)
		if (et_standings_of(rows[i].words) != rows[i].bits)
			fail_msg("'%s'", rows[i].words);
	for (unsigned i = 0; i < ET_STANDING_COUNT; i++)
		assert_int_equal(et_standings_of(et_standing_name((enum et_standing)i)),
				 ET_STANDING_BIT(i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finding_stands_where_its_facts_put_it),
		cmocka_unit_test(words_name_one_standing_or_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
