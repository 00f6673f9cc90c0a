// SPDX-License-Identifier: Apache-2.0
#include "audit/scope.h"

#include <string.h>

#include "base/clock.h"

bool
et_scope_is_narrow(const struct et_scope *scope)
{
	return scope->device_count + scope->aggregate_count + scope->owner_count > 0 ||
	       scope->kinds != 0 || scope->pattern.size > 0 || scope->from_ns != ET_TIME_NONE ||
	       scope->to_ns != ET_TIME_NONE;
}

static bool
has_uuid(const struct et_uuid *list, size_t count, const struct et_uuid *one)
{
	size_t low = 0;
	size_t high = count;

	if (count == 0 || one == NULL)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = et_uuid_compare(&list[middle], one);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool
is_same(struct et_slice a, struct et_slice b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool
has_owner(const struct et_scope *scope, struct et_slice owner)
{
	for (size_t i = 0; i < scope->owner_count; i++)
		if (is_same(scope->owners[i], owner))
			return true;
	return scope->owner_count == 0 || owner.size == 0;
}

/* ---- subjects of which some tokens are not known ---- */

#define TOKENS_MAX 8u

struct tokens {
	struct et_slice list[TOKENS_MAX]; /* empty: any */
	size_t count;
	bool open; /* further ones may follow */
};

static void
put(struct tokens *tokens, struct et_slice token)
{
	tokens->list[tokens->count++] = token;
}

static void
put_word(struct tokens *tokens, const char *word)
{
	put(tokens, (struct et_slice){ (const uint8_t *)word, strlen(word) });
}

/* plgd.owners.OWNER.devices.DEVICE.BRANCH..., docs/plgd.md, Subjects. */
static void
put_branch(struct tokens *tokens, const struct et_scope_aggregate *one)
{
	switch (one->family) {
	case ET_FAMILY_LINKS:
		put_word(tokens, "resource-links");
		break;
	case ET_FAMILY_METADATA:
		put_word(tokens, "metadata");
		break;
	case ET_FAMILY_RESOURCE:
		put_word(tokens, "resources");
		put(tokens, one->resource);
		tokens->open = true; /* .leadrt */
		break;
	default: /* of the rest nothing is known */
		put(tokens, (struct et_slice){ .size = 0 });
		put(tokens, (struct et_slice){ .size = 0 });
		tokens->open = true;
	}
}

/* A snapshot stands in the store in the place of an event whose kind nobody knows. */
static bool
is_told(enum et_kind kind)
{
	return kind != ET_KIND_UNKNOWN && !et_kind_info(kind)->snapshot;
}

static struct tokens
tokens_of(const struct et_scope_aggregate *one, enum et_kind kind)
{
	struct tokens tokens = { .count = 0 };

	put_word(&tokens, "plgd");
	put_word(&tokens, "owners");
	put(&tokens, one->owner);
	put_word(&tokens, "devices");
	put(&tokens, one->device_id);
	put_branch(&tokens, one);
	if (one->family == ET_FAMILY_UNKNOWN)
		return tokens;
	if (is_told(kind))
		put_word(&tokens, et_kind_info(kind)->name);
	else
		put(&tokens, (struct et_slice){ .size = 0 });
	return tokens;
}

/* Before v2.8.0 the id of the aggregate stood in the place of hrefID. */
static bool
fits(struct et_slice token, struct et_slice known, const struct et_scope_aggregate *one, bool last)
{
	char text[ET_UUID_TEXT_BYTES];

	if (known.size == 0 || et_slice_equals(token, "*") || is_same(token, known))
		return true;
	et_uuid_format(one->aggregate, text);
	return last && et_slice_equals(token, text);
}

static bool
matches(struct et_slice pattern, const struct tokens *tokens, const struct et_scope_aggregate *one)
{
	struct et_slice rest = pattern;

	for (size_t i = 0;; i++) {
		const uint8_t *dot = memchr(rest.data, '.', rest.size);
		struct et_slice token = { rest.data,
					  dot != NULL ? (size_t)(dot - rest.data) : rest.size };

		if (i == tokens->count)
			return tokens->open;
		if (et_slice_equals(token, ">"))
			return true;
		if (!fits(token, tokens->list[i], one, i == 6 && one->family == ET_FAMILY_RESOURCE))
			return false;
		if (dot == NULL)
			return i + 1 == tokens->count;
		rest = (struct et_slice){ dot + 1, rest.size - token.size - 1 };
	}
}

/* ---- the questions ---- */

static bool
has_kind(const struct et_scope *scope, const struct et_scope_aggregate *one, enum et_kind kind)
{
	if (scope->kinds == 0 || (scope->kinds & ((uint64_t)1 << kind)) != 0)
		return true;
	if (is_told(kind))
		return false;
	for (unsigned i = 1; i < ET_KIND_COUNT; i++)
		if ((scope->kinds & ((uint64_t)1 << i)) != 0 &&
		    (one->family == ET_FAMILY_UNKNOWN ||
		     et_kind_info((enum et_kind)i)->family == one->family))
			return true;
	return false;
}

static bool
has_names(const struct et_scope *scope, const struct et_scope_aggregate *one)
{
	return has_uuid(scope->devices, scope->device_count, one->device) &&
	       has_uuid(scope->aggregates, scope->aggregate_count, one->aggregate) &&
	       has_owner(scope, one->owner);
}

static bool
has_subject(const struct et_scope *scope, const struct et_scope_aggregate *one, enum et_kind kind)
{
	struct tokens tokens;

	if (scope->pattern.size == 0)
		return true;
	tokens = tokens_of(one, kind);
	return matches(scope->pattern, &tokens, one);
}

bool
et_scope_has_aggregate(const struct et_scope *scope, const struct et_scope_aggregate *one)
{
	return has_names(scope, one) && has_kind(scope, one, ET_KIND_UNKNOWN) &&
	       has_subject(scope, one, ET_KIND_UNKNOWN);
}

bool
et_scope_has_event(const struct et_scope *scope, const struct et_scope_aggregate *one,
		   enum et_kind kind, int64_t from_ns, int64_t to_ns)
{
	return has_names(scope, one) && has_kind(scope, one, kind) &&
	       has_subject(scope, one, kind) &&
	       (scope->from_ns == ET_TIME_NONE || to_ns == ET_TIME_NONE ||
		to_ns >= scope->from_ns) &&
	       (scope->to_ns == ET_TIME_NONE || from_ns == ET_TIME_NONE || from_ns < scope->to_ns);
}
