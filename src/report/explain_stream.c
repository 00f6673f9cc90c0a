// SPDX-License-Identifier: Apache-2.0
/* Of the story of one version: what the stream and the device have to do with it. */
#include <inttypes.h>

#include "report/explain_part.h"

#define LINKS_SHOWN 5u

/* ---- the stream ---- */

static void
put_message(const struct page *page, const char *label, const struct et_explained_message *message)
{
	ET_CLEAN_MEM char *place = et_explain_place_words(&message->at);
	char event[ET_TIME_TEXT_BYTES];
	char stream[ET_TIME_TEXT_BYTES];

	PUT(page, label, "%s, stored there %s: %s of %s%s", place,
	    et_explain_time_words(message->time_ns, stream), et_explain_kind_words(message->kind),
	    et_explain_time_words(message->event_time_ns, event),
	    message->life != page->story->question.life ? ", of another life" : "");
}

void
et_explain_put_messages(const struct page *page)
{
	const struct et_explained_messages *messages = &page->story->messages;
	char number[ET_TEXT_NUMBER_BYTES];

	if (messages->total == 0)
		PUT(page, "stream", "no archived message has this version");
	for (size_t i = 0; i < messages->count && i < ET_EXPLAIN_LINES; i++)
		put_message(page, i == 0 ? "stream" : "", &messages->list[i]);
	if (messages->total > ET_EXPLAIN_LINES)
		PUT(page, "", "and %s more",
		    et_text_number(messages->total - ET_EXPLAIN_LINES, number));
}

void
et_explain_put_seen(const struct page *page)
{
	const struct et_coverage *seen = page->story->seen;
	struct et_buf ranges;
	size_t from;

	if (seen == NULL || seen->count == 0) {
		PUT(page, "", "the archives have nothing of the aggregate in this life");
		return;
	}
	et_buf_init(&ranges, 1024);
	from = seen->count > ET_EXPLAIN_RANGES ? seen->count - ET_EXPLAIN_RANGES : 0;
	for (size_t i = from; i < seen->count; i++)
		et_explain_put_range(&ranges, seen->spans[i].first, seen->spans[i].last);
	PUT(page, "", "the archives have versions %s%s", from > 0 ? "... " : "",
	    et_buf_cstr(&ranges));
	et_buf_done(&ranges);
}

static void
put_neighbour(const struct page *page, const char *label, const char *which,
	      const struct et_explained_message *neighbour)
{
	char version[ET_TEXT_NUMBER_BYTES];
	char event[ET_TIME_TEXT_BYTES];
	ET_CLEAN_MEM char *place = NULL;

	if (neighbour->at.seq == 0) {
		PUT(page, label, "no %s version is archived", which);
		return;
	}
	place = et_explain_place_words(&neighbour->at);
	PUT(page, label, "version %s of %s, %s", et_text_number(neighbour->version, version),
	    et_explain_time_words(neighbour->event_time_ns, event), place);
}

void
et_explain_put_gap(const struct page *page)
{
	const struct et_explained *story = page->story;
	const struct et_question *question = &story->question;
	uint64_t missing = question->gap_last - question->gap_first + 1;
	char number[ET_TEXT_NUMBER_BYTES];
	char hidden[ET_TEXT_NUMBER_BYTES];
	struct et_buf range;

	if (!question->missing || story->rule == ET_RULE_SERVICE)
		return;
	put_neighbour(page, "before", "lower", &story->before);
	put_neighbour(page, "behind", "higher", &story->behind);
	et_buf_init(&range, 128);
	et_explain_put_range(&range, question->gap_first, question->gap_last);
	PUT(page, "gap", "%s %s missing: %s", et_text_number(missing, number),
	    missing == 1 ? "version is" : "versions are", et_buf_cstr(&range));
	et_buf_done(&range);
	if (question->hidden >= missing)
		PUT(page, "", "holes may have held all of that");
	else if (question->hidden > 0)
		PUT(page, "", "holes may have held %s of that",
		    et_text_number(question->hidden, hidden));
}

void
et_explain_put_blanks(const struct page *page)
{
	const struct et_explained *story = page->story;
	char first[ET_TIME_TEXT_BYTES];
	char last[ET_TIME_TEXT_BYTES];
	char to[ET_TEXT_NUMBER_BYTES];

	for (size_t i = 0; i < story->hole_count && i < ET_EXPLAIN_LINES; i++) {
		ET_CLEAN_MEM char *place = et_explain_place_words(&story->holes[i].first);

		if (story->holes[i].last_seq == story->holes[i].first.seq)
			PUT(page, i == 0 ? "holes" : "", "%s", place);
		else
			PUT(page, i == 0 ? "holes" : "", "%s to %s", place,
			    et_text_number(story->holes[i].last_seq, to));
	}
	if (story->hole_total > ET_EXPLAIN_LINES)
		PUT(page, "", "and %s more",
		    et_text_number(story->hole_total - ET_EXPLAIN_LINES, to));
	if (story->blind != NULL)
		PUT(page, "unseen",
		    "the stream was made again, restored or rolled back: nobody archived it from "
		    "%s to %s",
		    et_explain_time_words(story->blind->from_ns, first),
		    et_explain_time_words(story->blind->to_ns, last));
	if (story->malformed_first.seq > 0) {
		ET_CLEAN_MEM char *from = et_explain_place_words(&story->malformed_first);

		PUT(page, "unread", "messages of the device cannot be read, from %s to %s", from,
		    et_text_number(story->malformed_last.seq, to));
	}
}

/* ---- the device ---- */

static void
put_group(struct et_buf *out, const char *what, const struct et_explained_group *group)
{
	if (!group->links && !group->metadata && group->resources == 0)
		return;
	et_buf_format(out, "; %s:", what);
	if (group->links)
		et_buf_text(out, " links");
	if (group->metadata)
		et_buf_text(out, group->links ? ", metadata" : " metadata");
	if (group->resources > 0)
		et_buf_format(out, "%s %u resource%s", group->links || group->metadata ? "," : "",
			      group->resources, group->resources == 1 ? "" : "s");
}

static void
put_epoch(const struct page *page, const struct et_explained_epoch *epoch)
{
	static const char *const words[] = {
		[ET_BEGINNING_FIRST] = "its numbers only go on",
		[ET_BEGINNING_LIFE] = "the device was deleted and onboarded again",
		[ET_BEGINNING_FORK] = "the store went back, and used numbers again",
		[ET_BEGINNING_UNCLEAR] = "the signs of what happened disagree",
	};
	ET_CLEAN_MEM char *place = et_explain_place_words(&epoch->start);
	char time[ET_TIME_TEXT_BYTES];
	struct et_buf why;

	et_buf_init(&why, 1024);
	put_group(&why, "at 0 again", &epoch->restarts);
	put_group(&why, "numbers used again", &epoch->reuses);
	put_group(&why, "gone on", &epoch->goes_on);
	PUT(page, "", "life %u, from %s, %s: %s%s%s", epoch->life,
	    et_explain_time_words(epoch->start_ns, time), place, words[epoch->beginning],
	    et_buf_cstr(&why), epoch->registered ? "; registered in between" : "");
	et_buf_done(&why);
}

void
et_explain_put_lives(const struct page *page)
{
	const struct et_explained *story = page->story;
	const struct et_explained_messages *registrations = &story->registrations;
	char number[ET_TEXT_NUMBER_BYTES];
	char time[ET_TIME_TEXT_BYTES];

	PUT(page, "lives", "life 0: %s",
	    story->born ? "the device was onboarded inside the archives"
			: "it may have begun before the archives");
	if (story->epoch_total > story->epoch_count)
		PUT(page, "", "... %s beginnings of epochs are left out",
		    et_text_number(story->epoch_total - story->epoch_count, number));
	for (size_t i = 0; i < story->epoch_count; i++)
		if (story->epochs[i].start_ns != ET_TIME_NONE)
			put_epoch(page, &story->epochs[i]);
	for (size_t i = registrations->count > ET_EXPLAIN_LINES
				? registrations->count - ET_EXPLAIN_LINES
				: 0;
	     i < registrations->count; i++) {
		const struct et_explained_message *one = &registrations->list[i];
		ET_CLEAN_MEM char *place = et_explain_place_words(&one->at);

		PUT(page, "", "%s %s, %s",
		    one->kind == ET_KIND_DEVICES_REGISTERED ? "registered" : "unregistered",
		    et_explain_time_words(one->event_time_ns, time), place);
	}
}

void
et_explain_put_links(const struct page *page)
{
	const struct et_explained *story = page->story;
	char time[ET_TIME_TEXT_BYTES];
	char number[ET_TEXT_NUMBER_BYTES];
	size_t from = story->link_count > LINKS_SHOWN ? story->link_count - LINKS_SHOWN : 0;

	if (!story->links_asked)
		return;
	if (!story->links_known)
		PUT(page, "links", "nothing is known of the links of the device");
	else
		PUT(page, "links", "%s link event%s on the stream; %s; now %s in the store",
		    story->link_total > 0 ? et_text_number(story->link_total, number) : "no",
		    story->link_total == 1 ? "" : "s",
		    story->links_complete ? "none is missing" : "some may be missing",
		    story->linked_in_store ? "linked" : "not linked");
	for (size_t i = from; i < story->link_count; i++) {
		ET_CLEAN_MEM char *place = et_explain_place_words(&story->links[i].at);

		PUT(page, "", "%s %s, %s", story->links[i].linked ? "linked" : "not linked from",
		    et_explain_time_words(story->links[i].time_ns, time), place);
	}
	for (size_t i = 0; i < story->orphans.count && i < ET_EXPLAIN_LINES; i++) {
		const struct et_explained_message *one = &story->orphans.list[i];
		ET_CLEAN_MEM char *place = et_explain_place_words(&one->at);

		PUT(page, "", "an answer whose command is not on the stream: %s, version %s, %s",
		    et_explain_kind_words(one->kind), et_text_number(one->version, number), place);
	}
}
