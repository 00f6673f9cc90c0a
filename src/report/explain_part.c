// SPDX-License-Identifier: Apache-2.0
#include "report/explain_part.h"

const char *
et_explain_time_words(int64_t time_ns, char text[ET_TIME_TEXT_BYTES])
{
	char *point;

	if (time_ns == ET_TIME_NONE)
		return "an unknown time";
	(void)et_time_format(time_ns, text);
	point = strchr(text, '.');
	if (point != NULL && strlen(point) > sizeof(".123Z"))
		memcpy(point + 4, "Z", sizeof("Z"));
	return text;
}

char *
et_explain_place_words(const struct et_explained_place *at)
{
	char number[ET_TEXT_NUMBER_BYTES];

	if (at->newest)
		return et_format("sequence %s", et_text_number(at->seq, number));
	return et_format("sequence %s of the stream of %s", et_text_number(at->seq, number),
			 at->identity);
}

const char *
et_explain_kind_words(enum et_kind kind)
{
	return kind != ET_KIND_UNKNOWN ? et_kind_info(kind)->name : "an event";
}

void
et_explain_put_range(struct et_buf *out, uint64_t first, uint64_t last)
{
	char from[ET_TEXT_NUMBER_BYTES];
	char to[ET_TEXT_NUMBER_BYTES];

	if (out->size > 0)
		et_buf_text(out, ", ");
	et_buf_text(out, et_text_number(first, from));
	if (first != last)
		et_buf_format(out, " to %s", et_text_number(last, to));
}
