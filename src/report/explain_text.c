// SPDX-License-Identifier: Apache-2.0
/* The story of one version, for a tired operator: the verdict first, what to do last. */
#include <inttypes.h>

#include "report/explain_part.h"

/* ---- the verdict ---- */

static const char *
recoverable_words(const struct et_explained *story)
{
	switch (story->question.finding.recoverable) {
	case ET_RECOVERABLE_EXACT:
		return "; it can be recovered as it was published";
	case ET_RECOVERABLE_REBUILT:
		return "; it can be recovered out of a snapshot";
	case ET_RECOVERABLE_SNAPSHOT:
		return "; only the state after it can be recovered";
	case ET_RECOVERABLE_SUPERSEDED:
		return "; it cannot be recovered";
	default:
		return "";
	}
}

static const char *
paint_of(const struct et_explained *story)
{
	if (story->has_reason && et_reason_info(story->reason)->is_finding)
		return "31";
	return story->has_reason && (story->reason == ET_REASON_UNVERIFIABLE_GAP ||
				     story->reason == ET_REASON_UNDECIDED)
		       ? "33"
		       : "32";
}

static void
put_headline(const struct page *page, bool colour)
{
	const struct et_explained *story = page->story;
	const char *name = story->has_reason ? et_reason_info(story->reason)->name : "not_expected";
	ET_CLEAN_MEM char *words = et_strdup(name);
	const char *why = story->has_reason ? et_reason_info(story->reason)->words
					    : "neither saved nor published, as far as is known";

	for (char *at = words; *at != '\0'; at++)
		*at = *at == '_' ? ' ' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
	if (colour)
		(void)fprintf(page->out, "\033[1;%sm%s\033[0m  %s%s\n", paint_of(story), words, why,
			      story->has_reason && story->reason == ET_REASON_LOST
				      ? recoverable_words(story)
				      : "");
	else
		(void)fprintf(page->out, "%s  %s%s\n", words, why,
			      story->has_reason && story->reason == ET_REASON_LOST
				      ? recoverable_words(story)
				      : "");
	(void)fputc('\n', page->out);
}

static void
put_key(const struct page *page)
{
	static const char *const families[] = {
		[ET_FAMILY_UNKNOWN] = "of a kind that nobody told",
		[ET_FAMILY_RESOURCE] = "a resource",
		[ET_FAMILY_LINKS] = "the links of the device",
		[ET_FAMILY_METADATA] = "the metadata of the device",
		[ET_FAMILY_SERVICE] = "the metadata of a service",
		[ET_FAMILY_REGISTRATION] = "a registration",
	};
	const struct et_explained *story = page->story;

	if (story->question.life < story->newest_life)
		PUT(page, "key", "%s@%" PRIu64 "~%u (life %u of the device; its newest is %u)",
		    story->aggregate_id, story->question.version, story->question.life,
		    story->question.life, story->newest_life);
	else
		PUT(page, "key", "%s@%" PRIu64, story->aggregate_id, story->question.version);
	PUT(page, "device", "%s", story->device_id != NULL ? story->device_id : "not known");
	PUT(page, "", "%s, %s", story->href != NULL ? story->href : "its href is not known",
	    families[story->family]);
}

static void
put_rule(const struct page *page)
{
	const struct et_explained *story = page->story;
	const struct et_rule_info *info = et_rule_info(story->rule);
	const struct et_rule_info *last = et_rule_info(ET_RULE_MISSING);

	/* What a rule does not excuse is lost by the last one. */
	if (story->has_reason && story->reason == ET_REASON_LOST && info != last) {
		PUT(page, "why", "%s; so %s", info->words, last->words);
		PUT(page, "", "docs/audit.md, %s; %s", info->section, last->section);
		return;
	}
	PUT(page, "why", "%s", info->words);
	PUT(page, "", "docs/audit.md, %s", info->section);
}

/* ---- the store and the rescue copies ---- */

static void
put_copy(const struct page *page, const char *who, const struct et_explained_copy *copy)
{
	char number[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];

	switch (copy->form) {
	case ET_RECOVERABLE_EXACT:
		PUT(page, "", "%s it: %s of %s", who, et_explain_kind_words(copy->kind),
		    et_explain_time_words(copy->time_ns, time));
		break;
	case ET_RECOVERABLE_REBUILT:
		PUT(page, "", "%s it inside the snapshot of version %s: %s of %s", who,
		    et_text_number(copy->where, number), et_explain_kind_words(copy->kind),
		    et_explain_time_words(copy->time_ns, time));
		break;
	case ET_RECOVERABLE_SNAPSHOT:
		PUT(page, "", "%s only the snapshot of this version: the state after it, of %s",
		    who, et_explain_time_words(copy->time_ns, time));
		break;
	default:
		break;
	}
}

static void
put_stored_versions(const struct page *page)
{
	const struct et_explained *story = page->story;
	const struct et_seqset *stored = &story->stored;
	char number[ET_TEXT_NUMBER_BYTES];
	struct et_buf ranges;

	if (stored->count == 0) {
		PUT(page, "", "no event is stored any more");
		return;
	}
	et_buf_init(&ranges, 1024);
	for (size_t i = stored->count > ET_EXPLAIN_RANGES ? stored->count - ET_EXPLAIN_RANGES : 0;
	     i < stored->count; i++)
		et_explain_put_range(&ranges, stored->ranges[i].first, stored->ranges[i].last);
	if (story->snapshots > 0 && et_seqset_size(stored) == 1)
		et_buf_text(&ranges, ", as a snapshot");
	else if (story->snapshots > 0)
		et_buf_format(&ranges, "; %s of them as snapshots",
			      et_text_number(story->snapshots, number));
	PUT(page, "", "still stored: %s%s", stored->count > ET_EXPLAIN_RANGES ? "... " : "",
	    et_buf_cstr(&ranges));
	et_buf_done(&ranges);
}

static void
put_store(const struct page *page)
{
	const struct et_explained *story = page->story;
	char number[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];

	if (story->documents == 0) {
		PUT(page, "store", "%s has nothing of the aggregate%s", story->store,
		    story->ghosts > 0 ? " but a ghost, which a save that failed left behind" : "");
		PUT(page, "", "%s",
		    story->device_in_store ? "it has other documents of the device"
		    : story->device_owned  ? "it has none of the device, which is still owned"
					   : "it has no document of the device");
		return;
	}
	PUT(page, "store", "latestversion %s, written %s, in %s",
	    et_text_number(story->latest_version, number),
	    et_explain_time_words(story->latest_time_ns, time), story->store);
	put_stored_versions(page);
	if (story->copy.form != ET_RECOVERABLE_NOT_SAID)
		put_copy(page, "it has", &story->copy);
	else if (story->question.life < story->newest_life)
		PUT(page, "", "all of that is of the newest life of the device");
	else if (story->question.version <= story->latest_version)
		PUT(page, "", "of this version it has nothing any more");
}

static void
put_rescued(const struct page *page)
{
	const struct et_explained *story = page->story;
	char number[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];

	if (story->rescued_total == 0)
		return;
	for (size_t i = 0; i < story->rescued_count && i < ET_EXPLAIN_LINES; i++)
		PUT(page, i == 0 ? "rescued" : "", "a document with latestversion %s, saved %s",
		    et_text_number(story->rescued[i].latest_version, number),
		    et_explain_time_words(story->rescued[i].saved_ns, time));
	if (story->rescued_total > ET_EXPLAIN_LINES)
		PUT(page, "", "and %s older ones",
		    et_text_number(story->rescued_total - ET_EXPLAIN_LINES, number));
	if (story->rescued_copy.form != ET_RECOVERABLE_NOT_SAID)
		put_copy(page, "these have", &story->rescued_copy);
	else if (story->question.missing)
		PUT(page, "", "of this version these have nothing");
}

/* ---- earlier audits ---- */

static void
put_finding(const struct page *page, const char *label, const struct et_explained_finding *finding)
{
	char first[ET_TIME_TEXT_BYTES];
	char last[ET_TIME_TEXT_BYTES];
	char late[ET_TIME_TEXT_BYTES];

	PUT(page, label, "%s%s%s since %s (run %" PRId64 ")%s%s", finding->code,
	    finding->life != page->story->question.life ? " of another life" : "",
	    finding->version != page->story->question.version ? ", with other versions," : "",
	    et_explain_time_words(finding->first_ns, first), finding->first_run,
	    finding->first_recoverable != ET_RECOVERABLE_NOT_SAID ? ", recoverable then: " : "",
	    et_recoverable_name(finding->first_recoverable));
	if (finding->resolved_run == 0)
		PUT(page, "", "still open in run %" PRId64 " of %s", finding->last_run,
		    et_explain_time_words(finding->last_ns, last));
	else
		PUT(page, "", "ended in run %" PRId64 " of %s: %s%s%s", finding->resolved_run,
		    et_explain_time_words(finding->resolved_ns, last), finding->resolution,
		    finding->delay_ns > 0 ? ", published after " : "",
		    finding->delay_ns > 0 ? et_text_duration(finding->delay_ns, late) : "");
}

static void
put_audits(const struct page *page)
{
	const struct et_explained *story = page->story;
	char number[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];
	const char *label = "audits";

	for (size_t i = 0; i < story->finding_count; i++) {
		put_finding(page, label, &story->findings[i]);
		label = "";
	}
	for (size_t i = 0; i < story->latest_count; i++) {
		PUT(page, label, "latestversion was %s at %s",
		    et_text_number(story->latest[i].version, number),
		    et_explain_time_words(story->latest[i].time_ns, time));
		label = "";
	}
	for (size_t i = 0; i < story->ahead_count; i++) {
		PUT(page, label, "the stream was ahead of the store, at version %s, at %s",
		    et_text_number(story->ahead[i].version, number),
		    et_explain_time_words(story->ahead[i].time_ns, time));
		label = "";
	}
}

/* ---- the page ---- */

static void
put_cut(const struct page *page)
{
	const struct et_explained *story = page->story;
	char time[ET_TIME_TEXT_BYTES];
	char settle[ET_TIME_TEXT_BYTES];
	char lag[ET_TIME_TEXT_BYTES];

	PUT(page, "end", "the archives end at %s; settle %s%s%s",
	    et_explain_time_words(story->cut->time_ns, time),
	    et_duration_format(story->asked_settle_ns, settle),
	    story->cut->lag_ns > ET_NS_PER_SECOND ? ", the hub's clock is behind by " : "",
	    story->cut->lag_ns > ET_NS_PER_SECOND ? et_text_duration(story->cut->lag_ns, lag) : "");
	for (size_t i = 0; i < story->note_count; i++)
		PUT(page, "note", "%s", story->notes[i]);
}

static const struct et_explained_place *
place_to_show(const struct et_explained *story)
{
	for (size_t i = 0; i < story->messages.count; i++)
		if (story->messages.list[i].at.newest)
			return &story->messages.list[i].at;
	if (story->before.at.newest && story->before.at.seq > 0)
		return &story->before.at;
	return story->behind.at.newest && story->behind.at.seq > 0 ? &story->behind.at : NULL;
}

static void
put_next(const struct page *page)
{
	const struct et_explained *story = page->story;
	const struct et_explained_place *at = place_to_show(story);

	if (at != NULL)
		PUT(page, "next", "evtrail cat %" PRIu64 " shows %s", at->seq,
		    story->messages.total > 0 ? "it" : "its neighbour on the stream");
}

void
et_explain_text(const struct et_explained *story, FILE *out, bool colour, unsigned width)
{
	const struct page page = { story, out, et_text_width(width) };

	put_headline(&page, colour);
	put_key(&page);
	put_rule(&page);
	put_store(&page);
	put_rescued(&page);
	et_explain_put_messages(&page);
	et_explain_put_seen(&page);
	et_explain_put_gap(&page);
	et_explain_put_blanks(&page);
	et_explain_put_links(&page);
	et_explain_put_lives(&page);
	put_audits(&page);
	put_cut(&page);
	put_next(&page);
}
