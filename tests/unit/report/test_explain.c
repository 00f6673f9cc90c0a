// SPDX-License-Identifier: Apache-2.0
/* The story of one version: golden files of a loss and of what is well, and odd corners. */
#include "sample.h"

#include <jansson.h>

#include "report/explain.h"

#define AT(seconds) (SAMPLE_TIME_NS + (seconds)*ET_NS_PER_SECOND)

static struct et_explained story;
static struct et_cut cut;
static struct et_coverage seen;

static struct et_explained_place
place(uint64_t seq)
{
	struct et_explained_place at = { .seq = seq, .newest = true };

	(void)snprintf(at.identity, sizeof(at.identity), "20251125T025705.696783913Z");
	return at;
}

static struct et_explained_message
message(uint64_t seq, uint64_t version, enum et_kind kind, int64_t time_ns)
{
	return (struct et_explained_message){ .at = place(seq),
					      .version = version,
					      .kind = kind,
					      .time_ns = time_ns + 3000000,
					      .event_time_ns = time_ns };
}

/* Version 7 of 0 ... 12, with everything that can be known of it. */
static void
a_loss(void)
{
	static struct et_span spans[] = { { 0, 5, AT(-90), AT(-70), 90, 110 },
					  { 8, 12, AT(-40), AT(-20), 130, 150 } };
	static const char *const notes[] = { "a note of the run" };

	cut = (struct et_cut){ .time_ns = AT(0), .has_lag = true, .lag_ns = 1500000000 };
	seen = (struct et_coverage){ .spans = spans, .count = ET_COUNT(spans) };
	et_seqset_done(&story.stored);
	story = (struct et_explained){
		.tool_version = "0.1",
		.status = "findings",
		.exit_status = 1,
		.notes = notes,
		.note_count = 1,
		.aggregate_id = "0ea72b9b-9c0f-5734-b5f2-3be9bddbf9ad",
		.device_id = "7fa71abc-3e8e-4da5-86b2-bbeae4db343c",
		.href = "/light/1",
		.family = ET_FAMILY_RESOURCE,
		.question = { .version = 7,
			      .missing = true,
			      .rule = ET_RULE_COMMAND_LINKED,
			      .finding = { .reason = ET_REASON_LOST,
					   .recoverable = ET_RECOVERABLE_REBUILT,
					   .version = 7,
					   .after_ns = AT(-70),
					   .before_ns = AT(-40) },
			      .gap_first = 6,
			      .gap_last = 7,
			      .hidden = 1 },
		.has_reason = true,
		.reason = ET_REASON_LOST,
		.rule = ET_RULE_COMMAND_LINKED,
		.cut = &cut,
		.asked_settle_ns = 600 * ET_NS_PER_SECOND,
		.store = "mongodb://127.0.0.1:27017/ eventStore_db.devices_events",
		.documents = 1,
		.latest_version = 12,
		.latest_time_ns = AT(-20),
		.snapshots = 1,
		.copy = { .form = ET_RECOVERABLE_REBUILT,
			  .kind = ET_KIND_UPDATE_PENDING,
			  .time_ns = AT(-50),
			  .where = 12 },
		.rescued = { { 7, AT(-45) } },
		.rescued_count = 1,
		.rescued_total = 1,
		.rescued_copy = { .form = ET_RECOVERABLE_EXACT,
				  .kind = ET_KIND_UPDATE_PENDING,
				  .time_ns = AT(-50),
				  .where = 7 },
		.born = true,
		.seen = &seen,
		.before = message(110, 5, ET_KIND_RESOURCE_CHANGED, AT(-70)),
		.behind = message(130, 8, ET_KIND_RESOURCE_CHANGED, AT(-40)),
		.registrations = { .list = { message(80, 0, ET_KIND_DEVICES_REGISTERED, AT(-95)) },
				   .count = 1,
				   .total = 1 },
		.epochs = { { .start_ns = ET_TIME_NONE } },
		.epoch_count = 1,
		.epoch_total = 1,
		.holes = { { place(115), 115 } },
		.hole_count = 1,
		.hole_total = 1,
		.links_asked = true,
		.links_known = true,
		.links_complete = true,
		.linked_in_store = true,
		.links = { { place(85), AT(-92), true } },
		.link_count = 1,
		.link_total = 1,
		.orphans = { .list = { message(130, 8, ET_KIND_UPDATED, AT(-40)) },
			     .count = 1,
			     .total = 1 },
		.latest = { { AT(-10), 12 } },
		.latest_count = 1,
		.findings = { { .code = "lost",
				.version = 7,
				.first_ns = AT(-10),
				.first_run = 3,
				.first_recoverable = ET_RECOVERABLE_EXACT,
				.last_ns = AT(0),
				.last_run = 5,
				.resolved_ns = ET_TIME_NONE } },
		.finding_count = 1,
	};
	et_seqset_init(&story.stored);
	et_seqset_add(&story.stored, 12, 12);
}

/* The same aggregate's version 12, which is on both sides, twice on the stream. */
static void
all_right(void)
{
	a_loss();
	story.status = "clean";
	story.exit_status = 0;
	story.question = (struct et_question){ .version = 12,
					       .seen = true,
					       .seen_reason = ET_REASON_MATCHED,
					       .seen_rule = ET_RULE_ON_BOTH };
	story.reason = ET_REASON_MATCHED;
	story.rule = ET_RULE_ON_BOTH;
	story.rescued_count = story.rescued_total = 0;
	story.hole_count = story.hole_total = 0;
	story.links_asked = false;
	story.finding_count = story.latest_count = 0;
	story.note_count = 0;
	story.messages.list[0] = message(150, 12, ET_KIND_RESOURCE_CHANGED, AT(-20));
	story.messages.list[1] = message(151, 12, ET_KIND_RESOURCE_CHANGED, AT(-20));
	story.messages.count = story.messages.total = 2;
}

static char *
text_of(bool colour, unsigned width)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	et_explain_text(&story, out, colour, width);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
assert_says(const char *wanted)
{
	ET_CLEAN_MEM char *text = text_of(false, 400);

	if (strstr(text, wanted) == NULL)
		fail_msg("wanted: %s\ngot:\n%s", wanted, text);
}

static json_t *
json_of(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	json_t *object;

	assert_non_null(out);
	assert_int_equal(et_explain_json(&story, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	object = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(object);
	return object;
}

static void
a_loss_is_told_with_all_that_is_known(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	a_loss();
	text = text_of(false, 0);
	assert_golden(text, "explain-lost.txt");
}

static void
what_is_all_right_is_told_in_a_few_lines(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	all_right();
	text = text_of(false, 0);
	assert_golden(text, "explain-matched.txt");
}

static void
json_has_the_same_story(void **state ET_UNUSED)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	a_loss();
	assert_non_null(out);
	assert_int_equal(et_explain_json(&story, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	assert_golden(text, "explain-lost.json");
	free(text);
}

static void
no_line_is_longer_than_the_terminal(void **state ET_UNUSED)
{
	for (unsigned width = 40; width < 130; width += 13) {
		ET_CLEAN_MEM char *text = NULL;
		char *rest;

		a_loss();
		text = text_of(false, width);
		rest = strchr(text, '\n'); /* the verdict is one line */
		for (char *line = strtok_r(rest, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			if (strlen(line) > width && strchr(line + 10, ' ') != NULL)
				fail_msg("%u columns: %s", width, line);
	}
}

static void
only_a_finding_is_red(void **state ET_UNUSED)
{
	static const struct {
		enum et_reason reason;
		const char *begin;
	} rows[] = { { ET_REASON_LOST, "\033[1;31mLOST\033[0m" },
		     { ET_REASON_STORE_LOST, "\033[1;31mSTORE LOST\033[0m" },
		     { ET_REASON_UNVERIFIABLE_GAP, "\033[1;33mUNVERIFIABLE GAP\033[0m" },
		     { ET_REASON_UNDECIDED, "\033[1;33mUNDECIDED\033[0m" },
		     { ET_REASON_MATCHED, "\033[1;32mMATCHED\033[0m" } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *text = NULL;

		all_right();
		story.reason = rows[i].reason;
		text = text_of(true, 80);
		assert_memory_equal(text, rows[i].begin, strlen(rows[i].begin));
	}
}

static void
of_a_version_that_nobody_knows_it_says_so(void **state ET_UNUSED)
{
	json_t *object;

	all_right();
	story.question = (struct et_question){ .version = 99 };
	story.has_reason = false;
	story.rule = ET_RULE_NONE;
	story.messages.count = story.messages.total = 0;
	story.copy = (struct et_explained_copy){ .form = ET_RECOVERABLE_NOT_SAID };
	assert_says("NOT EXPECTED  neither saved nor published, as far as is known\n");
	assert_says("stream    no archived message has this version\n");
	object = json_of();
	assert_true(json_is_null(json_object_get(object, "code")));
	assert_true(json_is_null(json_object_get(object, "gap")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(object, "rule"), "name")),
		"none");
	json_decref(object);
}

static void
what_the_store_does_not_have_is_told_apart(void **state ET_UNUSED)
{
	a_loss();
	story.documents = 0;
	story.device_in_store = true;
	assert_says(
		"has nothing of the aggregate\n          it has other documents of the device\n");
	story.device_in_store = false;
	story.device_owned = true;
	assert_says("it has none of the device, which is still owned\n");
	story.device_owned = false;
	story.ghosts = 1;
	assert_says(
		"has nothing of the aggregate but a ghost, which a save that failed left behind\n"
		"          it has no document of the device\n");
}

static void
every_form_of_a_copy_has_words(void **state ET_UNUSED)
{
	a_loss();
	story.copy.form = ET_RECOVERABLE_EXACT;
	story.question.finding.recoverable = ET_RECOVERABLE_EXACT;
	assert_says("; it can be recovered as it was published\n");
	assert_says("it has it: resourceupdatepending of 2025-11-25T03:59:10Z\n");
	story.copy.form = ET_RECOVERABLE_SNAPSHOT;
	story.question.finding.recoverable = ET_RECOVERABLE_SNAPSHOT;
	assert_says("; only the state after it can be recovered\n");
	assert_says("it has only the snapshot of this version: the state after it, of "
		    "2025-11-25T03:59:10Z\n");
	story.copy.form = ET_RECOVERABLE_NOT_SAID;
	story.question.finding.recoverable = ET_RECOVERABLE_SUPERSEDED;
	assert_says("; it cannot be recovered\n");
	assert_says("of this version it has nothing any more\n");
	et_seqset_remove(&story.stored, 0, 100);
	assert_says("no event is stored any more\n");
}

static void
an_older_life_is_named_and_why_it_ended(void **state ET_UNUSED)
{
	a_loss();
	story.newest_life = 2;
	story.question.life = 1;
	story.epochs[1] = (struct et_explained_epoch){
		.number = 1,
		.life = 1,
		.beginning = ET_BEGINNING_LIFE,
		.start_ns = AT(-60),
		.start = place(120),
		.registered = true,
		.restarts = { .links = true, .metadata = true, .resources = 3 },
		.goes_on = { .resources = 1 },
	};
	story.epochs[2] = (struct et_explained_epoch){
		.number = 2,
		.life = 1,
		.beginning = ET_BEGINNING_FORK,
		.start_ns = AT(-30),
		.start = place(140),
		.reuses = { .metadata = true },
	};
	story.epoch_count = story.epoch_total = 3;
	story.epochs[1].start.newest = false;
	assert_says("@7~1 (life 1 of the device; its newest is 2)\n");
	assert_says("life 1, from 2025-11-25T03:59:00Z, sequence 120 of the stream of "
		    "20251125T025705.696783913Z: the device was deleted and onboarded again; at 0 "
		    "again: links, metadata, 3 resources; gone on: 1 resource; registered in "
		    "between\n");
	assert_says(
		"life 1, from 2025-11-25T03:59:30Z, sequence 140: the store went back, and used "
		"numbers again; numbers used again: metadata\n");
}

static void
what_nobody_saw_and_nobody_can_read_is_named(void **state ET_UNUSED)
{
	static const struct et_blind blind = { AT(-65), AT(-55) };

	a_loss();
	story.blind = &blind;
	story.malformed_first = place(112);
	story.malformed_last = place(118);
	story.question.hidden = 2;
	story.cut = &cut;
	assert_says("holes may have held all of that\n");
	assert_says("nobody archived it from 2025-11-25T03:58:55Z to 2025-11-25T03:59:05Z\n");
	assert_says("messages of the device cannot be read, from sequence 112 to 118\n");
	cut.lag_ns = 12 * ET_NS_PER_SECOND;
	assert_says("the hub's clock is behind by 12.0 s\n");
}

static void
what_became_of_a_finding_is_told(void **state ET_UNUSED)
{
	json_t *object;
	json_t *finding;

	all_right();
	story.findings[0].resolved_run = 6;
	story.findings[0].resolved_ns = AT(0);
	story.findings[0].resolution = "late";
	story.findings[0].delay_ns = 90 * ET_NS_PER_SECOND;
	story.finding_count = 1;
	story.ahead[0] = (struct et_explained_note){ AT(-5), 12 };
	story.ahead_count = 1;
	assert_says("ended in run 6 of 2025-11-25T04:00:00Z: late, published after 90.0 s\n");
	assert_says("the stream was ahead of the store, at version 12, at 2025-11-25T03:59:55Z\n");
	object = json_of();
	finding = json_array_get(json_object_get(json_object_get(object, "audits"), "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(finding, "resolution")), "late");
	assert_true(json_real_value(json_object_get(finding, "delay_seconds")) == 90.0);
	json_decref(object);
}

static void
long_lists_are_cut_and_say_so(void **state ET_UNUSED)
{
	a_loss();
	story.question.missing = true;
	for (size_t i = 0; i < ET_EXPLAINED_MOST; i++) {
		story.holes[i] = (struct et_explained_hole){ place(200 + i * 2), 200 + i * 2 };
		story.rescued[i] = (struct et_explained_rescued){ 12, AT(-45) };
	}
	story.hole_count = story.rescued_count = ET_EXPLAINED_MOST;
	story.hole_total = 1000;
	story.rescued_total = 25;
	assert_says("and 995 more\n");
	assert_says("and 20 older ones\n");
}

static void
text_from_outside_cannot_move_the_cursor(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	a_loss();
	story.href = "/light\033[2J\n\xff";
	story.aggregate_id = "a\tb";
	text = text_of(false, 80);
	for (const char *at = text; *at != '\0'; at++)
		assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
}

static int
tear_down(void **state ET_UNUSED)
{
	et_seqset_done(&story.stored);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_told_with_all_that_is_known),
		cmocka_unit_test(what_is_all_right_is_told_in_a_few_lines),
		cmocka_unit_test(json_has_the_same_story),
		cmocka_unit_test(no_line_is_longer_than_the_terminal),
		cmocka_unit_test(only_a_finding_is_red),
		cmocka_unit_test(of_a_version_that_nobody_knows_it_says_so),
		cmocka_unit_test(what_the_store_does_not_have_is_told_apart),
		cmocka_unit_test(every_form_of_a_copy_has_words),
		cmocka_unit_test(an_older_life_is_named_and_why_it_ended),
		cmocka_unit_test(what_nobody_saw_and_nobody_can_read_is_named),
		cmocka_unit_test(what_became_of_a_finding_is_told),
		cmocka_unit_test(long_lists_are_cut_and_say_so),
		cmocka_unit_test(text_from_outside_cannot_move_the_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
