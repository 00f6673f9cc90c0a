// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "event/kind.h"

static struct sample sample;

/* What the report says, to be freed. */
static char *
text_of(bool colour, unsigned width)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	et_report_text(&sample.report, out, colour, width);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
assert_text(const char *name)
{
	ET_CLEAN_MEM char *text = text_of(false, 0);

	assert_golden(text, name);
}

/* Every line fits, and none holds anything but printable ASCII. */
static void
assert_page(const char *text, size_t width)
{
	while (*text != '\0') {
		size_t bytes = strcspn(text, "\n");

		if (bytes > width)
			fail_msg("%zu columns: %.*s", bytes, (int)bytes, text);
		for (size_t i = 0; i < bytes; i++)
			assert_in_range((unsigned char)text[i], 0x20, 0x7e);
		text += bytes;
		assert_int_equal(*text, '\n');
		text++;
	}
}

static void
assert_first_line(const char *want)
{
	ET_CLEAN_MEM char *text = text_of(false, 0);

	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, want);
}

static void
a_clean_run_is_short(void **state ET_UNUSED)
{
	sample_clean(&sample);
	assert_text("clean.txt");
}

static void
where_nothing_stands_beside_the_sum_nothing_is_said(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	sample.report.tally.registrations = 0;
	text = text_of(false, 80);
	assert_null(strstr(text, "beside these"));
}

static void
a_few_losses_are_listed_with_what_to_do(void **state ET_UNUSED)
{
	struct et_finding *finding;

	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_SUPERSEDED);
	(void)sample_lose(&sample, 1, 1, 5, ET_RECOVERABLE_REBUILT);
	(void)sample_lose(&sample, 2, 2, 12345, ET_RECOVERABLE_SNAPSHOT);
	finding = sample_lose(&sample, 2, 3, 7, ET_RECOVERABLE_EXACT);
	finding->kind = ET_KIND_METADATA_UPDATE_PENDING;
	sample.findings[3].href = "/a/very/long/href/of/a/vendor/with/many/parts/in/it";
	/* brackets of every shape */
	sample_lose(&sample, 3, 4, 1, ET_RECOVERABLE_SUPERSEDED)->after_ns = ET_TIME_NONE;
	sample_lose(&sample, 3, 4, 2, ET_RECOVERABLE_SUPERSEDED)->before_ns = ET_TIME_NONE;
	finding = sample_lose(&sample, 3, 4, 3, ET_RECOVERABLE_SUPERSEDED);
	finding->after_ns = ET_TIME_NONE;
	finding->before_ns = ET_TIME_NONE;
	sample_lose(&sample, 3, 4, 4, ET_RECOVERABLE_SUPERSEDED)->after_ns -=
		86400 * ET_NS_PER_SECOND;
	sample_lose(&sample, 3, 4, 5, ET_RECOVERABLE_SUPERSEDED)->after_ns -=
		400 * 86400 * ET_NS_PER_SECOND;
	sample.findings[5].href = NULL;
	sample.report.tally.reasons[ET_REASON_LOST] += 2;
	sample.report.tally.lost_deleted = 2;
	sample.report.tally.deleted[ET_REASON_BEFORE_HORIZON] = 1;
	sample.report.tally.reasons[ET_REASON_NEVER_PUBLISHED] = 1234567;
	sample.report.tally.reasons[ET_REASON_DUPLICATE] = 5;
	assert_text("few.txt");
}

static void
many_losses_are_summed_up_by_device(void **state ET_UNUSED)
{
	sample_clean(&sample);
	for (unsigned i = 0; i < 100; i++)
		(void)sample_lose(&sample, i * i % 13, i, i,
				  i % 9 == 0 ? ET_RECOVERABLE_REBUILT : ET_RECOVERABLE_SUPERSEDED);
	sample.findings[3].finding.after_ns = ET_TIME_NONE;
	sample.findings[4].finding.before_ns = ET_TIME_NONE;
	sample.report.findings_file = "/var/tmp/findings.ndjson";
	assert_text("many.txt");
}

static void
more_losses_than_the_report_holds_are_said_to_be(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	for (unsigned i = 0; i < 1000; i++)
		(void)sample_lose(&sample, i % 2, i, i, ET_RECOVERABLE_SUPERSEDED);
	sample.report.findings_total = 123456;
	sample.report.tally.reasons[ET_REASON_LOST] = 123456;
	text = text_of(false, 80);
	assert_non_null(strstr(text, "lost events, 20 of 123,456\n"));
	assert_non_null(strstr(text, "lost events by device (of the first 1,000 findings)\n"));
	assert_non_null(strstr(text, "123,456, with"));
	assert_null(strstr(text, "only until the next event"));
	assert_page(text, 80);
}

static void
an_incomplete_run_says_why(void **state ET_UNUSED)
{
	static const char *const notes[] = {
		"12 sequences are holes in the archives: what they held cannot be judged, and this "
		"note is so long "
		"that it needs more lines than one",
		"a_word_of_75_bytes________________________________________________________",
		"",
	};
	static const struct et_report_hole holes[] = {
		{ 2, 3, "expired" },     { 5, 5, "deleted" },         { 7, 8, "deleted" },
		{ 10, 10, "deleted" },   { 11, 12, "not_requested" }, { 13, 13, "deleted" },
		{ 15, 1500, "deleted" },
	};

	sample_clean(&sample);
	sample.report.verdict = "incomplete";
	sample.report.exit_status = 5;
	sample.report.notes = notes;
	sample.report.note_count = ET_COUNT(notes);
	sample.report.holes = holes;
	sample.report.hole_count = ET_COUNT(holes);
	sample.report.requested_last = 20000;
	sample.report.sums_hold = false;
	sample.report.sums_broken = "lost = lost_in_store + lost_deleted";
	assert_text("incomplete.txt");
}

static void
other_findings_have_a_table_of_their_own(void **state ET_UNUSED)
{
	struct et_finding *finding;

	sample_clean(&sample);
	for (unsigned i = 0; i < 13; i++) {
		finding = sample_lose(&sample, 1, 1, i, ET_RECOVERABLE_SUPERSEDED);
		finding->reason = ET_REASON_UNDECIDED;
		finding->recoverable = ET_RECOVERABLE_NOT_SAID;
	}
	sample.findings[0].finding.reason = ET_REASON_MALFORMED_MESSAGE;
	sample.findings[0].finding.seq = 4711;
	sample.findings[0].device_id = "";
	sample.findings[1].device_id = "a device without a UUID";
	sample.report.tally = (struct et_tally){
		.expected = 12,
		.reasons = { [ET_REASON_UNDECIDED] = 12, [ET_REASON_MALFORMED_MESSAGE] = 1 }
	};
	assert_text("other.txt");
}

static void
assert_text_holds(const char *piece)
{
	ET_CLEAN_MEM char *text = text_of(false, 100);

	if (strstr(text, piece) == NULL)
		fail_msg("no \"%s\" in %s", piece, text);
}

static void
assert_text_lacks(const char *piece)
{
	ET_CLEAN_MEM char *text = text_of(false, 100);

	if (strstr(text, piece) != NULL)
		fail_msg("\"%s\" in %s", piece, text);
}

static void
what_it_took_is_said_to_whoever_asks(void **state ET_UNUSED)
{
	sample_clean(&sample);
	sample.report.effort = (struct et_effort){
		.queries = 1, .documents = 2, .bytes = 3, .suspects = 1234, .known = 1200
	};
	assert_text_lacks("examined");
	sample.report.verbose = true;
	assert_text_holds(
		"examined  1,234 aggregates, 1,200 known from earlier runs; 2 documents, ");
}

static void
what_became_of_earlier_findings_is_said(void **state ET_UNUSED)
{
	sample_clean(&sample);
	assert_text_lacks("\nlate ");
	assert_text_lacks("\nresolved ");
	sample.report.resolved.late = 1234;
	sample.report.resolved.late_delay_ns = 90 * ET_NS_PER_SECOND;
	assert_text_holds(
		"\nlate      1,234 of the earlier findings turned up, up to 90.0 s late\n");
	assert_text_lacks("\nresolved ");
	sample.report.resolved.late_delay_ns = ET_TIME_NONE;
	sample.report.resolved.changed = 5;
	assert_text_holds("\nlate      1,234 of the earlier findings turned up\n");
	assert_text_holds("\nresolved  5 more of the earlier findings are none any more\n");
}

static void
a_report_that_says_nothing_new_is_one_line(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	sample_clean(&sample);
	sample.report.same_since_ns = SAMPLE_TIME_NS;
	et_report_line(&sample.report, out, false);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "CLEAN  every one of 10 stored events was published; nothing new "
				  "since 2025-11-25T04:00:00Z, -v shows the report\n");
}

static void
the_first_line_says_it_all(void **state ET_UNUSED)
{
	sample_clean(&sample);
	assert_first_line("CLEAN  every one of 10 stored events was published");
	sample.report.tally.expected = 12;
	assert_first_line("CLEAN  no event is known to be lost: 10 of 12 were published");
	sample.report.tally.expected = 0;
	assert_first_line("CLEAN  nothing was stored that had to be published");
	sample.report.verdict = "findings";
	assert_first_line("FINDINGS  something is wrong: see the notes");
	sample.report.tally.reasons[ET_REASON_MALFORMED_DOCUMENT] = 2;
	sample.report.tally.reasons[ET_REASON_DIFFERS] = 1;
	assert_first_line("FINDINGS  2 malformed_document: document that cannot be read");
	sample.report.tally.reasons[ET_REASON_LOST] = 1;
	assert_first_line(
		"FINDINGS  1 event was stored and never published (none can be recovered)");
	sample.report.tally.recoverable[ET_RECOVERABLE_SNAPSHOT] = 1;
	assert_first_line(
		"FINDINGS  1 event was stored and never published (it can be recovered now)");
	sample.report.tally.reasons[ET_REASON_LOST] = 1112;
	sample.report.tally.recoverable[ET_RECOVERABLE_EXACT] = 9;
	assert_first_line(
		"FINDINGS  1,112 events were stored and never published (10 can be recovered now)");
	sample.report.tally.recoverable[ET_RECOVERABLE_REBUILT] = 1102;
	assert_first_line("FINDINGS  1,112 events were stored and never published (all can be "
			  "recovered now)");
	sample.report.verdict = "incomplete";
	assert_first_line("INCOMPLETE  only a part was compared; events lost so far: 1,112");
	sample.report.compared_last = 0;
	sample.report.tally.reasons[ET_REASON_LOST] = 1;
	assert_first_line("INCOMPLETE  nothing was compared; event lost so far: 1");
	sample.report.tally.reasons[ET_REASON_LOST] = 0;
	assert_first_line("INCOMPLETE  nothing was compared");
	sample.report.verdict = "unreachable";
	assert_first_line("UNREACHABLE  a source could not be read: nothing is cleared");
	sample.report.verdict = "damaged";
	assert_first_line("DAMAGED  an archive, its chain or a signature is damaged");
	sample.report.verdict = "busy";
	assert_first_line("BUSY  another run holds the lock");
	sample.report.verdict = "usage";
	assert_first_line("USAGE  the options or the configuration are wrong");
	sample.report.verdict = "error";
	assert_first_line("ERROR  the run failed");
}

static void
colour_marks_the_verdict_and_nothing_else(void **state ET_UNUSED)
{
	static const struct {
		const char *verdict;
		const char *want;
	} rows[] = { { "clean", "\033[1;32mCLEAN\033[0m  " },
		     { "findings", "\033[1;31mFINDINGS\033[0m  " },
		     { "incomplete", "\033[1;33mINCOMPLETE\033[0m  " },
		     { "busy", "\033[1;33mBUSY\033[0m  " },
		     { "error", "\033[1;31mERROR\033[0m  " } };

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		ET_CLEAN_MEM char *text = NULL;

		sample_clean(&sample);
		sample.report.verdict = rows[i].verdict;
		text = text_of(true, 80);
		assert_memory_equal(text, rows[i].want, strlen(rows[i].want));
		assert_null(strchr(text + strlen(rows[i].want), '\033'));
	}
}

static void
hostile_text_does_nothing_to_the_terminal(void **state ET_UNUSED)
{
	static const char *const notes[] = { "a server said \033[2J\033]0;title\007 \xc2\x9b"
					     "31m and \xff\xfe" };
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_REBUILT);
	sample.findings[0].href = "/a\033[31m\r\n\t\xe2\x80\xae/b\x7f";
	sample.findings[0].device_id = "\033]0;x\007";
	sample.report.notes = notes;
	sample.report.note_count = 1;
	sample.report.stream = "EVENTS\033[1A";
	sample.report.findings_file = "/tmp/\033[2K";
	text = text_of(false, 100);
	assert_page(text, 100);
	assert_non_null(strstr(text, "/a?[31m???"
				     "?/b?"));
	assert_non_null(strstr(text, "a server said ?[2J?]0;title? ?31m and ??\n"));
}

static void
a_wide_terminal_shows_whole_ids(void **state ET_UNUSED)
{
	ET_CLEAN_MEM char *text = NULL;

	sample_clean(&sample);
	(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_REBUILT);
	text = text_of(false, 140);
	assert_page(text, 140);
	assert_non_null(strstr(text, "\n0001de00-0000-0000-0000-000000000000 /light/1"));
}

static void
every_width_is_kept(void **state ET_UNUSED)
{
	for (unsigned width = 80; width <= 200; width += 7) {
		ET_CLEAN_MEM char *text = NULL;

		sample_clean(&sample);
		for (unsigned i = 0; i < 40; i++) {
			struct et_finding *finding =
				sample_lose(&sample, i, i, UINT64_C(1) << i, ET_RECOVERABLE_EXACT);

			finding->kind = ET_KIND_METADATA_UPDATE_PENDING;
			sample.findings[i].href =
				"/a/long/href/that/does/not/fit/into/its/column/of/the/table";
		}
		text = text_of(false, width);
		assert_page(text, width);
	}
}

static void
a_narrow_terminal_gets_its_page_too(void **state ET_UNUSED)
{
	for (unsigned width = 1; width < 80; width += 13) {
		ET_CLEAN_MEM char *text = NULL;

		sample_clean(&sample);
		(void)sample_lose(&sample, 1, 1, 4, ET_RECOVERABLE_REBUILT);
		text = text_of(false, width);
		assert_non_null(strstr(text, "rebuilt"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_run_is_short),
		cmocka_unit_test(where_nothing_stands_beside_the_sum_nothing_is_said),
		cmocka_unit_test(a_few_losses_are_listed_with_what_to_do),
		cmocka_unit_test(many_losses_are_summed_up_by_device),
		cmocka_unit_test(more_losses_than_the_report_holds_are_said_to_be),
		cmocka_unit_test(an_incomplete_run_says_why),
		cmocka_unit_test(other_findings_have_a_table_of_their_own),
		cmocka_unit_test(what_it_took_is_said_to_whoever_asks),
		cmocka_unit_test(what_became_of_earlier_findings_is_said),
		cmocka_unit_test(a_report_that_says_nothing_new_is_one_line),
		cmocka_unit_test(the_first_line_says_it_all),
		cmocka_unit_test(colour_marks_the_verdict_and_nothing_else),
		cmocka_unit_test(hostile_text_does_nothing_to_the_terminal),
		cmocka_unit_test(a_wide_terminal_shows_whole_ids),
		cmocka_unit_test(every_width_is_kept),
		cmocka_unit_test(a_narrow_terminal_gets_its_page_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
