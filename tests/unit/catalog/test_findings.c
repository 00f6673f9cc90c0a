// SPDX-License-Identifier: Apache-2.0
/* Findings that outlive their run, and verdicts that hold. */
#include "base/clock.h"
#include "rows.h"

/* ---- findings ---- */

static void
find(struct et_catalog *catalog, int64_t run, uint8_t aggregate, uint64_t version, const char *code)
{
	char body[32];
	struct et_noted_finding finding = { .aggregate = uuid(aggregate),
					    .life = 1,
					    .version = version,
					    .code = code,
					    .part = strcmp(code, "malformed_message") == 0
							    ? ET_PART_MESSAGES
							    : ET_PART_VERDICT,
					    .first_time_ns = run * 10,
					    .first_recoverable = (unsigned)run };
	struct et_error err = { 0 };

	(void)snprintf(body, sizeof(body), "body of %d", (int)run);
	finding.body = (struct et_slice){ (const uint8_t *)body, strlen(body) };
	assert_ok(et_catalog_note_finding(catalog, run, &finding, NULL, &err), &err);
}

/* "AGGREGATE.VERSION CODE FIRST-LAST; ..." of a list, which is freed. */
static const char *
listed(struct et_finding_list *list)
{
	static char text[512];
	struct et_noted_finding one;
	struct et_error err = { 0 };
	size_t at = 0;
	int r;

	text[0] = '\0';
	while ((r = et_finding_list_next(list, &one, &err)) > 0) {
		assert_int_equal(one.life, 1);
		assert_int_equal(one.first_time_ns, one.first_run * 10);
		assert_int_equal(one.first_recoverable, one.first_run);
		assert_int_equal(one.resolved, 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u.%d %s %d-%d",
				       at > 0 ? "; " : "", one.aggregate.bytes[15],
				       (int)one.version, one.code, (int)one.first_run,
				       (int)one.last_run);
	}
	assert_ok(r, &err);
	assert_ok(et_finding_list_next(list, &one, &err), &err);
	et_finding_list_free(list);
	return text;
}

static const char *
open_ones(struct et_catalog *catalog)
{
	struct et_finding_list *list = NULL;
	struct et_error err = { 0 };

	assert_ok(et_finding_list_open(catalog, &list, &err), &err);
	return listed(list);
}

static const char *
gone_ones(struct et_catalog *catalog, int64_t run)
{
	struct et_finding_list *list = NULL;
	struct et_error err = { 0 };

	assert_ok(et_finding_list_gone(catalog, run, &list, &err), &err);
	return listed(list);
}

static const char *
those_of(struct et_catalog *catalog, uint8_t aggregate)
{
	struct et_uuid key = uuid(aggregate);
	struct et_finding_list *list = NULL;
	struct et_error err = { 0 };

	assert_ok(et_finding_list_of(catalog, &key, &list, &err), &err);
	return listed(list);
}

static void
a_finding_keeps_when_it_was_first_seen(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_noted_finding one;

	find(catalog, 1, 2, 7, "lost");
	find(catalog, 2, 2, 3, "lost");
	find(catalog, 2, 1, 9, "undecided");
	find(catalog, 3, 2, 7, "lost");
	assert_string_equal(open_ones(catalog), "1.9 undecided 2-2; 2.3 lost 2-2; 2.7 lost 1-3");
	assert_int_equal(et_finding_list_open(catalog, &list, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(et_finding_list_next(list, &one, NULL), 1);
	/* ... and says what was seen last */
	assert_int_equal(one.body.size, strlen("body of 3"));
	assert_memory_equal(one.body.data, "body of 3", one.body.size);
	et_finding_list_free(NULL);
}

static void
a_finding_that_is_not_seen_again_is_gone_until_it_is_resolved(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_noted_finding late = {
		.aggregate = uuid(2), .life = 1, .version = 3, .code = "lost"
	};
	struct et_error err = { 0 };

	find(catalog, 1, 2, 3, "lost");
	find(catalog, 1, 2, 4, "lost");
	find(catalog, 2, 2, 4, "lost");
	assert_string_equal(gone_ones(catalog, 2), "2.3 lost 1-1");
	assert_ok(et_catalog_resolve(catalog, 2, &late, "late", 77, &err), &err);
	assert_string_equal(gone_ones(catalog, 2), "");
	assert_string_equal(open_ones(catalog), "2.4 lost 1-2");
	/* Once more it is open again, and no new one. */
	find(catalog, 3, 2, 3, "lost");
	assert_string_equal(open_ones(catalog), "2.3 lost 1-3; 2.4 lost 1-2");
}

/* Whatever became of it: also what was resolved, and the runs of versions that may hold it. */
static void
the_findings_about_a_version_are_its_whole_story(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_noted_finding late = {
		.aggregate = uuid(2), .life = 1, .version = 3, .code = "lost"
	};
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_uuid aggregate = uuid(2);
	struct et_noted_finding one;
	struct et_error err = { 0 };

	find(catalog, 1, 2, 3, "lost");
	find(catalog, 1, 2, 4, "lost");
	find(catalog, 1, 2, 1, "forked");
	find(catalog, 1, 2, 90, "store_lost");
	find(catalog, 1, 2, 3, "malformed_message");
	find(catalog, 1, 5, 3, "lost");
	assert_ok(et_catalog_resolve(catalog, 2, &late, "late", 77, &err), &err);
	assert_ok(et_finding_list_about(catalog, &aggregate, 3, &list, &err), &err);
	assert_code(1, et_finding_list_next(list, &one, &err), &err);
	assert_true(one.version == 1 && strcmp(one.code, "forked") == 0 && one.resolved == 0);
	assert_code(1, et_finding_list_next(list, &one, &err), &err);
	assert_true(one.version == 3 && strcmp(one.code, "lost") == 0);
	assert_true(one.resolved == 2 && strcmp(one.resolution, "late") == 0 && one.delay_ns == 77);
	assert_code(1, et_finding_list_next(list, &one, &err), &err);
	assert_true(one.version == 90 && strcmp(one.code, "store_lost") == 0);
	assert_ok(et_finding_list_next(list, &one, &err), &err);
}

/* ---- who was told, and who knows ---- */

/* "VERSION: told T, BY until U: REASON; ..." of all findings. */
static const char *
standing(struct et_catalog *catalog)
{
	static char text[512];
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	struct et_noted_finding one;
	struct et_error err = { 0 };
	size_t at = 0;
	int r;

	text[0] = '\0';
	assert_ok(et_finding_list_all(catalog, &list, &err), &err);
	while ((r = et_finding_list_next(list, &one, &err)) > 0) {
		const struct et_acknowledgement *known = &one.acknowledged;

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d: told %d",
				       at > 0 ? "; " : "", (int)one.version, (int)one.told);
		if (known->time_ns != 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ", %s until %d: %s",
					       known->by, (int)known->until_ns, known->reason);
		if (one.resolved != 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ", %s",
					       one.resolution);
	}
	assert_ok(r, &err);
	return text;
}

static int64_t
last_told(struct et_catalog *catalog)
{
	struct et_error err = { 0 };
	int64_t run = -1;

	assert_ok(et_catalog_last_told(catalog, &run, &err), &err);
	return run;
}

static void
acknowledge(struct et_catalog *catalog, uint64_t version, const char *by)
{
	const struct et_noted_finding finding = {
		.aggregate = uuid(2), .life = 1, .version = version, .code = "lost"
	};
	const struct et_acknowledgement acknowledgement = {
		.time_ns = by != NULL ? 5 : 0, .until_ns = 70, .by = by, .reason = "it's so"
	};
	struct et_error err = { 0 };

	assert_ok(et_catalog_acknowledge(catalog, &finding, &acknowledgement, &err), &err);
}

static void
a_finding_is_told_by_the_first_run_that_reports_it(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_error err = { 0 };

	assert_int_equal(last_told(catalog), 0);
	find(catalog, 1, 2, 3, "lost");
	/* Run 1 ended before it said so. */
	find(catalog, 2, 2, 3, "lost");
	find(catalog, 2, 2, 4, "lost");
	assert_ok(et_catalog_findings_told(catalog, 2, &err), &err);
	assert_string_equal(standing(catalog), "3: told 2; 4: told 2");
	find(catalog, 3, 2, 4, "lost");
	find(catalog, 3, 2, 5, "lost");
	assert_string_equal(standing(catalog), "3: told 2; 4: told 2; 5: told 0");
	assert_ok(et_catalog_findings_told(catalog, 3, &err), &err);
	assert_string_equal(standing(catalog), "3: told 2; 4: told 2; 5: told 3");
	/* A run that finds nothing new was the last one all the same. */
	assert_ok(et_catalog_findings_told(catalog, 4, &err), &err);
	assert_int_equal(last_told(catalog), 4);
}

static void
who_knows_of_a_finding_is_kept_until_it_is_resolved(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_noted_finding late = {
		.aggregate = uuid(2), .life = 1, .version = 3, .code = "lost"
	};
	struct et_noted_finding noted = { .code = "lost" };
	struct et_error err = { 0 };

	find(catalog, 1, 2, 3, "lost");
	assert_ok(et_catalog_findings_told(catalog, 1, &err), &err);
	acknowledge(catalog, 3, "alice");
	acknowledge(catalog, 9, "alice"); /* there is none */
	assert_string_equal(standing(catalog), "3: told 1, alice until 70: it's so");
	/* Seen again it is still hers, and whoever notes it is told so. */
	noted = late;
	noted.first_time_ns = 20;
	noted.body = (struct et_slice){ (const uint8_t *)"", 0 };
	assert_ok(et_catalog_note_finding(catalog, 2, &noted, &noted, &err), &err);
	assert_int_equal(noted.first_time_ns, 10);
	assert_int_equal(noted.told, 1);
	assert_string_equal(noted.acknowledged.by, "alice");
	assert_string_equal(noted.acknowledged.reason, "it's so");
	/* Somebody else's word takes the place of it. */
	acknowledge(catalog, 3, "bob");
	assert_string_equal(standing(catalog), "3: told 1, bob until 70: it's so");
	acknowledge(catalog, 3, NULL);
	assert_string_equal(standing(catalog), "3: told 1");
	acknowledge(catalog, 3, "carol");
	assert_ok(et_catalog_resolve(catalog, 3, &late, "late", 77, &err), &err);
	assert_string_equal(standing(catalog), "3: told 1, carol until 70: it's so, late");
	acknowledge(catalog, 3, "dave"); /* there is nothing left to know */
	assert_string_equal(standing(catalog), "3: told 1, carol until 70: it's so, late");
	/* What comes back is news. */
	find(catalog, 4, 2, 3, "lost");
	assert_string_equal(standing(catalog), "3: told 0");
}

static void
a_finding_tells_when_its_runs_were(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	ET_CLEAN(et_finding_list) struct et_finding_list *list = NULL;
	const struct et_noted_finding late = {
		.aggregate = uuid(2), .life = 1, .version = 3, .code = "lost"
	};
	struct et_noted_finding one;
	struct et_error err = { 0 };
	int64_t run = 0;

	for (int64_t time = 100; time < 104; time++)
		assert_ok(et_catalog_run_begin(catalog, "audit", time, &run, &err), &err);
	find(catalog, 2, 2, 3, "lost");
	find(catalog, 9, 2, 4, "lost"); /* a run that is not noted */
	assert_ok(et_catalog_resolve(catalog, 4, &late, "changed", 0, &err), &err);
	assert_ok(et_finding_list_all(catalog, &list, &err), &err);
	assert_code(1, et_finding_list_next(list, &one, &err), &err);
	assert_int_equal(one.last_time_ns, 101);
	assert_int_equal(one.resolved_ns, 103);
	assert_code(1, et_finding_list_next(list, &one, &err), &err);
	assert_int_equal(one.last_time_ns, ET_TIME_NONE);
	assert_int_equal(one.resolved_ns, ET_TIME_NONE);
}

/* ---- losses by time ---- */

static void
losses_are_listed_by_their_upper_ends(void **state)
{
	static const struct et_noted_loss losses[] = {
		{ .after_ns = 5, .before_ns = 30, .kind = 1, .after_position = 11 },
		{ .after_ns = 7, .before_ns = 20, .kind = 2, .flags = ET_LOSS_NEW },
		{ .after_ns = INT64_MIN, .before_ns = 20, .kind = 3 },
		{ .after_ns = 7, .before_ns = 20, .kind = 4, .before_position = UINT64_MAX },
	};
	static const unsigned wanted[] = { 3, 2, 4, 1 };
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_noted_loss one;
	struct et_error err = { 0 };

	for (size_t i = 0; i < ET_COUNT(losses); i++)
		assert_ok(et_catalog_loss_add(catalog, &losses[i], &err), &err);
	/* As often as one likes. */
	for (unsigned turn = 0; turn < 2; turn++) {
		ET_CLEAN(et_loss_list) struct et_loss_list *list = NULL;

		assert_ok(et_loss_list_open(catalog, &list, &err), &err);
		for (size_t i = 0; i < ET_COUNT(wanted); i++) {
			assert_code(1, et_loss_list_next(list, &one, &err), &err);
			assert_int_equal(one.kind, wanted[i]);
			assert_memory_equal(&one, &losses[wanted[i] - 1], sizeof(one));
		}
		assert_ok(et_loss_list_next(list, &one, &err), &err);
	}
	et_loss_list_free(NULL);
}

/* ---- verdicts ---- */

#define DEVICE 50

static void
put_verdict(struct et_catalog *catalog, uint8_t aggregate, int64_t run, bool in_store, bool alive)
{
	const struct et_verdict verdict = { .aggregate = uuid(aggregate),
					    .device = uuid(DEVICE),
					    .in_store = in_store,
					    .latest_version = 9,
					    .first_version = 5,
					    .run = run,
					    .alive = alive,
					    .tally = { (const uint8_t *)"tally", 5 } };
	struct et_error err = { 0 };

	assert_ok(et_catalog_verdict_put(catalog, &verdict, &err), &err);
}

static void
suspect(struct et_catalog *catalog, uint8_t aggregate, bool in_store, uint64_t latest,
	uint64_t first)
{
	const struct et_suspect one = { .aggregate = uuid(aggregate),
					.aggregate_id = { (const uint8_t *)"id", 2 },
					.in_store = in_store,
					.latest_version = latest,
					.first_version = first };
	struct et_error err = { 0 };

	assert_ok(et_catalog_suspect_add(catalog, &one, &err), &err);
}

/* Which suspects are known, by aggregate: "2 3". */
static const char *
known(struct et_catalog *catalog)
{
	static char text[64];
	struct et_suspect_batch batch = { 0 };
	struct et_uuid start = { { 0 } };
	struct et_error err = { 0 };
	uint64_t all = 0;
	uint64_t of_them = 0;
	uint64_t count = 0;
	size_t at = 0;

	text[0] = '\0';
	assert_ok(et_catalog_suspects_known(catalog, &err), &err);
	assert_ok(et_catalog_suspects(catalog, &start, 16, &batch, &err), &err);
	assert_ok(et_catalog_suspect_count(catalog, &all, &of_them, &err), &err);
	assert_int_equal(all, batch.count);
	for (size_t i = 0; i < batch.count; i++) {
		if (!batch.list[i].known)
			continue;
		count++;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u", at > 0 ? " " : "",
				       batch.list[i].aggregate.bytes[15]);
	}
	assert_int_equal(of_them, count);
	et_suspect_batch_done(&batch);
	return text;
}

static void
a_verdict_holds_while_store_and_stream_say_the_same(void **state)
{
	static const struct {
		const char *name;
		bool in_store;
		uint64_t latest;
		uint64_t first;
		const char *known;
	} rows[] = {
		{ "all as it was", true, 9, 5, "1" },
		{ "saved since", true, 10, 5, "" },
		{ "truncated since", true, 9, 6, "" },
		{ "gone from the store", false, 9, 5, "" },
	};
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row seen[] = {
		event(DEVICE, 1, 0, 10, 1, ET_KIND_RESOURCE_CHANGED),
		event(DEVICE, 7, 0, 20, 2, ET_KIND_RESOURCE_CHANGED),
	};
	struct et_error err = { 0 };

	take(catalog, 1, 1, seen, 1);
	put_verdict(catalog, 1, 1, true, true);
	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		assert_ok(et_catalog_suspects_clear(catalog, &err), &err);
		suspect(catalog, 1, rows[i].in_store, rows[i].latest, rows[i].first);
		suspect(catalog, 2, true, 9, 5); /* never judged */
		if (strcmp(known(catalog), rows[i].known) != 0)
			fail_msg("%s", rows[i].name);
	}
	/* A message of the device, of whichever aggregate. */
	assert_ok(et_catalog_suspects_clear(catalog, &err), &err);
	suspect(catalog, 1, true, 9, 5);
	assert_string_equal(known(catalog), "1");
	take(catalog, 2, 2, seen + 1, 1);
	assert_string_equal(known(catalog), "");
	put_verdict(catalog, 1, 2, true, true);
	assert_string_equal(known(catalog), "1");
	assert_ok(et_catalog_verdict_drop(catalog, &seen[0].aggregate, &err), &err);
	assert_string_equal(known(catalog), "");
}

static void
a_verdict_of_a_device_that_was_never_seen_holds_too(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);

	put_verdict(catalog, 1, 1, true, true);
	suspect(catalog, 1, true, 9, 5);
	assert_string_equal(known(catalog), "1");
}

/* Aggregates 1 and 2 of the device were seen; 1 is gone from the store. */
static void
a_verdict_on_what_is_gone_holds_while_the_rest_of_its_device_stays(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	const struct et_row seen[] = {
		event(DEVICE, 1, 0, 10, 1, ET_KIND_RESOURCE_CHANGED),
		event(DEVICE, 2, 0, 20, 2, ET_KIND_RESOURCE_CHANGED),
	};
	struct et_error err = { 0 };

	take(catalog, 1, 2, seen, 2);
	for (unsigned alive = 0; alive < 2; alive++) {
		put_verdict(catalog, 1, 1, false, alive == 1);
		/* the other one is covered; missing itself; gone as well */
		assert_ok(et_catalog_suspects_clear(catalog, &err), &err);
		suspect(catalog, 1, false, 9, 5);
		assert_string_equal(known(catalog), alive == 1 ? "1" : "");
		suspect(catalog, 2, true, 3, 0);
		assert_string_equal(known(catalog), alive == 1 ? "1" : "");
		assert_ok(et_catalog_suspects_clear(catalog, &err), &err);
		suspect(catalog, 1, false, 9, 5);
		suspect(catalog, 2, false, 0, 0);
		assert_string_equal(known(catalog), alive == 1 ? "" : "1");
	}
}

static void
a_verdict_gives_its_tally_back(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_uuid aggregate = uuid(1);
	struct et_error err = { 0 };
	struct et_buf tally;

	et_buf_init(&tally, 100);
	assert_ok(et_catalog_verdict_tally(catalog, &aggregate, &tally, &err), &err);
	for (unsigned round = 0; round < 2; round++) {
		put_verdict(catalog, 1, 1, true, true);
		assert_code(1, et_catalog_verdict_tally(catalog, &aggregate, &tally, &err), &err);
		assert_int_equal(tally.size, 5);
		assert_memory_equal(tally.data, "tally", 5);
		/* Neither what it depends on nor the coverage may change beneath it. */
		assert_ok(round == 0 ? et_catalog_verdicts_forget(catalog, &err)
				     : et_catalog_forget_coverage(catalog, &err),
			  &err);
		assert_ok(et_catalog_verdict_tally(catalog, &aggregate, &tally, &err), &err);
	}
	et_buf_done(&tally);
}

/* What an earlier audit found, and the verdict of a later one does not say, is not of it. */
static void
the_findings_of_a_verdict_are_those_of_its_run(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_error err = { 0 };

	find(catalog, 1, 1, 3, "lost");
	find(catalog, 1, 2, 3, "lost");
	assert_string_equal(those_of(catalog, 1), "1.3 lost 1-1");
	find(catalog, 2, 1, 4, "lost");
	find(catalog, 2, 1, 90, "malformed_message");
	put_verdict(catalog, 1, 2, true, true);
	assert_string_equal(those_of(catalog, 1), "1.4 lost 2-2");
	/* The next run knows it: what it says was seen then, too. */
	suspect(catalog, 1, true, 9, 5);
	assert_string_equal(known(catalog), "1");
	assert_ok(et_catalog_findings_known(catalog, 3, &err), &err);
	assert_string_equal(those_of(catalog, 1), "1.4 lost 2-3");
	assert_string_equal(gone_ones(catalog, 3),
			    "1.3 lost 1-1; 1.90 malformed_message 2-2; 2.3 lost 1-1");
}

static void
findings_of_a_suspect_that_is_not_known_were_not_seen(void **state)
{
	ET_CLEAN(et_catalog) struct et_catalog *catalog = open_catalog(state);
	struct et_error err = { 0 };

	find(catalog, 1, 1, 3, "lost");
	put_verdict(catalog, 1, 1, true, true);
	suspect(catalog, 1, true, 10, 5);
	assert_string_equal(known(catalog), "");
	assert_ok(et_catalog_findings_known(catalog, 2, &err), &err);
	assert_string_equal(gone_ones(catalog, 2), "1.3 lost 1-1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		et_test_with_dir(a_finding_keeps_when_it_was_first_seen),
		et_test_with_dir(a_finding_that_is_not_seen_again_is_gone_until_it_is_resolved),
		et_test_with_dir(the_findings_about_a_version_are_its_whole_story),
		et_test_with_dir(a_finding_is_told_by_the_first_run_that_reports_it),
		et_test_with_dir(who_knows_of_a_finding_is_kept_until_it_is_resolved),
		et_test_with_dir(a_finding_tells_when_its_runs_were),
		et_test_with_dir(losses_are_listed_by_their_upper_ends),
		et_test_with_dir(a_verdict_holds_while_store_and_stream_say_the_same),
		et_test_with_dir(a_verdict_of_a_device_that_was_never_seen_holds_too),
		et_test_with_dir(
			a_verdict_on_what_is_gone_holds_while_the_rest_of_its_device_stays),
		et_test_with_dir(a_verdict_gives_its_tally_back),
		et_test_with_dir(the_findings_of_a_verdict_are_those_of_its_run),
		et_test_with_dir(findings_of_a_suspect_that_is_not_known_were_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
