// SPDX-License-Identifier: Apache-2.0
/* What an audit makes of a document of the EventStore: the copies that its events are, the same
 * from a copy of the document, and the JSON of each event. */
#include <stdlib.h>
#include <string.h>

#include "audit/judge.h"
#include "event/envelope.h"
#include "event/json.h"
#include "store/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
check_copies(const struct et_document *document, const struct et_copies *copies)
{
	check(copies->malformed <= document->event_count);
	check(!document->ghost || copies->count == 0);
	for (size_t i = 0; i < copies->count; i++) {
		const struct et_copy *copy = &copies->list[i];

		check(i == 0 || copy[-1].version <= copy->version);
		check(copy->form == ET_RECOVERABLE_EXACT || copy->form == ET_RECOVERABLE_REBUILT ||
		      copy->form == ET_RECOVERABLE_SNAPSHOT);
		check(copy->kind < ET_KIND_COUNT);
	}
}

/* Of one document, and of it twice: the second says nothing new. */
static void
compare_copies(const struct et_document *document, const struct et_document *again, bool published)
{
	const struct et_document *const twice[] = { document, again };
	struct et_copies one = { 0 };
	struct et_copies two = { 0 };

	et_copies_of(twice, 1, 0, published, &one);
	et_copies_of(twice, 2, 0, published, &two);
	check_copies(document, &one);
	check(two.count == one.count && two.malformed == 2 * one.malformed);
	for (size_t i = 0; i < one.count; i++) {
		check(one.list[i].version == two.list[i].version);
		check(one.list[i].form == two.list[i].form);
		check(one.list[i].time_ns == two.list[i].time_ns);
		check(!published || one.list[i].form != ET_RECOVERABLE_SNAPSHOT);
	}
	et_copies_done(&two);
	et_copies_done(&one);
}

static void
show(const struct et_stored_event *event)
{
	struct et_buf plain;
	struct et_buf json;
	int r;

	et_buf_init(&plain, 1 << 20);
	et_buf_init(&json, 1 << 22);
	if (et_unsnappy(event->data, &plain, NULL) == 0) {
		r = et_json_event(event->kind, (struct et_slice){ plain.data, plain.size }, &json,
				  NULL);
		check(r == 0 || r == ET_LIMIT || json.size == 0);
		check(r != 0 || json.data[0] == '{');
	}
	et_buf_done(&json);
	et_buf_done(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct et_document_scratch scratch;
	char words[ET_STORE_WORDS_BYTES];
	struct et_document document;
	struct et_document *copy;
	struct et_arena arena;

	if (et_document_parse(data, bytes, &document, &scratch, words) < 0)
		return 0;
	et_arena_init(&arena, 0);
	copy = et_document_copy(&arena, &document);
	check(copy != NULL && copy->event_count == document.event_count);
	compare_copies(&document, copy, false);
	compare_copies(copy, &document, true);
	for (size_t i = 0; i < document.event_count; i++)
		show(&copy->events[i]);
	et_arena_done(&arena);
	return 0;
}
