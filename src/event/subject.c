// SPDX-License-Identifier: Apache-2.0
#include "event/subject.h"

#include <string.h>

struct branch_word {
	const char *word;
	size_t bytes;
	enum et_subject_branch branch;
};

static const struct branch_word branches[] = {
	{ "resources", 9, ET_SUBJECT_RESOURCES },
	{ "metadata", 8, ET_SUBJECT_METADATA },
	{ "resource-links", 14, ET_SUBJECT_LINKS },
};

/* The next token up to a dot or the end; empty when there is none: as bad as an empty one. */
static struct et_slice
token(struct et_cursor *rest)
{
	size_t left = et_cursor_left(rest);
	const uint8_t *dot = left > 0 ? memchr(rest->at, '.', left) : NULL;
	struct et_slice word = { .data = rest->at, .size = left };

	if (dot == NULL) {
		rest->at = rest->end;
		return word;
	}
	word.size = (size_t)(dot - rest->at);
	rest->at = dot + 1;
	/* A dot at the end has an empty token behind it. */
	rest->bad = rest->bad || rest->at == rest->end;
	return word;
}

static bool
token_is(struct et_cursor *rest, const char *word)
{
	return et_slice_equals(token(rest), word);
}

static enum et_subject_branch
branch_of(struct et_slice word)
{
	for (size_t i = 0; i < ET_COUNT(branches); i++)
		if (word.size == branches[i].bytes &&
		    memcmp(word.data, branches[i].word, word.size) == 0)
			return branches[i].branch;
	return ET_SUBJECT_FOREIGN;
}

/* Since v2.22 a resource event may have ".leadrt" behind it, or that and a type of several
 * tokens. */
static bool
read_suffix(struct et_cursor *rest, struct et_slice *ret)
{
	struct et_slice suffix = { .data = rest->at, .size = et_cursor_left(rest) };

	if (suffix.size == 0)
		return true;
	if (!token_is(rest, "leadrt"))
		return false;
	while (et_cursor_left(rest) > 0)
		if (token(rest).size == 0)
			return false;
	*ret = suffix;
	return true;
}

static bool
read_device(struct et_cursor *rest, struct et_subject *subject)
{
	subject->device = token(rest);
	if (subject->device.size == 0)
		return false;
	subject->branch = branch_of(token(rest));
	if (subject->branch == ET_SUBJECT_FOREIGN)
		return false;
	if (subject->branch == ET_SUBJECT_RESOURCES) {
		subject->resource = token(rest);
		if (subject->resource.size == 0)
			return false;
	}
	subject->type = token(rest);
	return subject->type.size > 0 && read_suffix(rest, &subject->suffix);
}

static bool
read_owner(struct et_cursor *rest, struct et_subject *subject)
{
	struct et_slice word;

	if (!token_is(rest, "plgd") || !token_is(rest, "owners"))
		return false;
	subject->owner = token(rest);
	if (subject->owner.size == 0)
		return false;
	word = token(rest);
	if (et_slice_equals(word, "devices"))
		return read_device(rest, subject);
	if (!et_slice_equals(word, "registrations"))
		return false;
	subject->branch = ET_SUBJECT_REGISTRATIONS;
	subject->type = token(rest);
	return subject->type.size > 0 && et_cursor_left(rest) == 0;
}

struct et_subject
et_subject_read(struct et_slice subject)
{
	struct et_cursor rest = et_cursor_of(subject.data, subject.size);
	struct et_subject parts = { 0 };

	if (!read_owner(&rest, &parts) || rest.bad)
		return (struct et_subject){ 0 };
	parts.kind = et_kind_of(parts.type);
	return parts;
}

static void
put_token(struct et_buf *out, struct et_slice word)
{
	et_buf_put_u8(out, '.');
	et_buf_put(out, word.data, word.size);
}

void
et_subject_build(struct et_buf *out, const struct et_subject *parts)
{
	if (parts->branch == ET_SUBJECT_FOREIGN)
		return;
	et_buf_text(out, "plgd.owners");
	put_token(out, parts->owner);
	if (parts->branch == ET_SUBJECT_REGISTRATIONS) {
		et_buf_text(out, ".registrations");
	} else {
		et_buf_text(out, ".devices");
		put_token(out, parts->device);
	}
	for (size_t i = 0; i < ET_COUNT(branches); i++) {
		if (branches[i].branch == parts->branch) {
			et_buf_put_u8(out, '.');
			et_buf_text(out, branches[i].word);
		}
	}
	if (parts->branch == ET_SUBJECT_RESOURCES)
		put_token(out, parts->resource);
	if (parts->type.size > 0) {
		put_token(out, parts->type);
	} else {
		et_buf_put_u8(out, '.');
		et_buf_text(out, et_kind_info(parts->kind)->name);
	}
	if (parts->suffix.size > 0)
		put_token(out, parts->suffix);
}

static bool
has_any(struct et_slice word, const char *characters)
{
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] == '\0' || strchr(characters, word.data[i]) != NULL)
			return true;
	return false;
}

bool
et_subject_pattern_ok(struct et_slice pattern)
{
	struct et_cursor rest = et_cursor_of(pattern.data, pattern.size);

	do {
		struct et_slice word = token(&rest);

		if (word.size == 0 || has_any(word, " \t\r\n\f"))
			return false;
		if (et_slice_equals(word, ">"))
			return et_cursor_left(&rest) == 0 && !rest.bad;
		if (word.size > 1 && has_any(word, "*>"))
			return false;
	} while (et_cursor_left(&rest) > 0);
	return !rest.bad;
}

bool
et_subject_matches(struct et_slice pattern, struct et_slice subject)
{
	struct et_cursor wanted = et_cursor_of(pattern.data, pattern.size);
	struct et_cursor given = et_cursor_of(subject.data, subject.size);

	while (et_cursor_left(&wanted) > 0 && et_cursor_left(&given) > 0) {
		struct et_slice want = token(&wanted);
		struct et_slice have;

		if (et_slice_equals(want, ">"))
			return true;
		have = token(&given);
		if (et_slice_equals(want, "*"))
			continue;
		if (want.size != have.size || memcmp(want.data, have.data, want.size) != 0)
			return false;
	}
	return et_cursor_left(&wanted) == 0 && et_cursor_left(&given) == 0 &&
	       wanted.bad == given.bad;
}
