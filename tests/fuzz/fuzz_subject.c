// SPDX-License-Identifier: Apache-2.0
/* A subject, and behind a newline a pattern. A subject of the hub is built again from its parts; a
 * good pattern matches what a plain matcher says it does. */
#include <stdlib.h>
#include <string.h>

#include "event/ident.h"
#include "event/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

/* Where the token at `at` ends. */
static size_t
end_of(struct et_slice text, size_t at)
{
	while (at < text.size && text.data[at] != '.')
		at++;
	return at;
}

static bool
matches(struct et_slice pattern, struct et_slice subject)
{
	size_t p = 0;
	size_t s = 0;

	for (;;) {
		size_t pe = end_of(pattern, p);
		size_t se = end_of(subject, s);
		bool star = pe - p == 1 && pattern.data[p] == '*';

		if (pe - p == 1 && pattern.data[p] == '>')
			return true;
		if (!star &&
		    (pe - p != se - s || memcmp(pattern.data + p, subject.data + s, pe - p) != 0))
			return false;
		if (pe == pattern.size || se == subject.size)
			return pe == pattern.size && se == subject.size;
		p = pe + 1;
		s = se + 1;
	}
}

static bool
has_empty_token(struct et_slice subject)
{
	for (size_t i = 0; i <= subject.size; i++)
		if ((i == 0 || subject.data[i - 1] == '.') && end_of(subject, i) == i)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *newline = bytes > 0 ? memchr(data, '\n', bytes) : NULL;
	struct et_slice subject = { data, newline != NULL ? (size_t)(newline - data) : bytes };
	struct et_slice pattern = { 0 };
	struct et_subject parts = et_subject_read(subject);
	struct et_buf out;
	bool named;

	if (newline != NULL)
		pattern = (struct et_slice){ newline + 1, bytes - subject.size - 1 };
	et_buf_init(&out, 1 << 20);
	et_subject_build(&out, &parts);
	if (parts.branch != ET_SUBJECT_FOREIGN) {
		check(!has_empty_token(subject));
		check(out.size == subject.size && memcmp(out.data, subject.data, out.size) == 0);
	}
	if (et_subject_pattern_ok(pattern) && !has_empty_token(subject))
		check(et_subject_matches(pattern, subject) == matches(pattern, subject));
	et_buf_reset(&out);
	et_ident_owner(&out, pattern);
	check(out.size >= 32);
	(void)et_ident_key(pattern, &named);
	et_buf_done(&out);
	return 0;
}
