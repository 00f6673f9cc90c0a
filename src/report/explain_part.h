/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of the story of one version as text. Inside the room:
 * explain_text.c sets the page, explain_stream.c what the stream and the device
 * have to do with it.
 */
#ifndef ET_REPORT_EXPLAIN_PART_H
#define ET_REPORT_EXPLAIN_PART_H

#include "base/buf.h"
#include "report/explain.h"
#include "report/text.h"

#define ET_EXPLAIN_RANGES 6u
#define ET_EXPLAIN_LINES 5u

struct page {
	const struct et_explained *story;
	FILE *out;
	unsigned width;
};

#define PUT(page, label, ...) et_text_put((page)->out, (label), (page)->width, __VA_ARGS__)

/* To the millisecond: events of one burst have the same second. */
const char *et_explain_time_words(int64_t time_ns, char text[ET_TIME_TEXT_BYTES]);
/* "sequence 1,234", and the identity where it is an older one. Free with free(). */
char *et_explain_place_words(const struct et_explained_place *at);
const char *et_explain_kind_words(enum et_kind kind);
/* ", 3 to 12" */
void et_explain_put_range(struct et_buf *out, uint64_t first, uint64_t last);

void et_explain_put_messages(const struct page *page);
void et_explain_put_seen(const struct page *page);
void et_explain_put_gap(const struct page *page);
void et_explain_put_blanks(const struct page *page);
void et_explain_put_links(const struct page *page);
void et_explain_put_lives(const struct page *page);

#endif
