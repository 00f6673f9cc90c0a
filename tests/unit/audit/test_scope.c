// SPDX-License-Identifier: Apache-2.0
/* What a narrowed audit is about. */
#include "../et_test.h"
#include "audit/scope.h"

#include "base/buf.h"
#include "base/clock.h"
#include "event/subject.h"

#define DEVICE "00000000-0000-0000-0000-0000000000d1"
#define HREF "11111111-0000-0000-0000-00000000000f"
#define OTHER "22222222-0000-0000-0000-000000000000"
#define OWNER "alice"

static const struct et_uuid aggregate = { { 0xaa, [15] = 1 } };
static const struct et_uuid device = { { 0xdd, [15] = 1 } };
static const struct et_uuid others[] = { { { 0x01 } }, { { 0x77 } }, { { 0xff } } };

static struct et_slice
text(const char *words)
{
	return (struct et_slice){ (const uint8_t *)words, strlen(words) };
}

static struct et_scope_aggregate
one_of(enum et_family family)
{
	return (struct et_scope_aggregate){
		.aggregate = &aggregate,
		.device = &device,
		.family = family,
		.device_id = text(DEVICE),
		.owner = text(OWNER),
		.resource = text(family == ET_FAMILY_RESOURCE ? HREF : ""),
	};
}

static struct et_scope
everything(void)
{
	return (struct et_scope){ .from_ns = ET_TIME_NONE, .to_ns = ET_TIME_NONE };
}

static bool
has(const struct et_scope *scope, const struct et_scope_aggregate *one)
{
	return et_scope_has_event(scope, one, ET_KIND_UNKNOWN, ET_TIME_NONE, ET_TIME_NONE);
}

static void
without_a_limit_everything_is_in_it(void **state ET_UNUSED)
{
	struct et_scope scope = everything();
	struct et_scope_aggregate one = one_of(ET_FAMILY_RESOURCE);

	assert_false(et_scope_is_narrow(&scope));
	assert_true(et_scope_has_aggregate(&scope, &one));
	assert_true(et_scope_has_event(&scope, &one, ET_KIND_RESOURCE_CHANGED, 1, 2));
}

static void
each_limit_narrows(void **state ET_UNUSED)
{
	struct et_slice owner = text(OWNER);
	struct et_scope scopes[7];

	for (size_t i = 0; i < ET_COUNT(scopes); i++)
		scopes[i] = everything();
	scopes[0].devices = others;
	scopes[0].device_count = 1;
	scopes[1].aggregates = others;
	scopes[1].aggregate_count = 1;
	scopes[2].owners = &owner;
	scopes[2].owner_count = 1;
	scopes[3].kinds = 2;
	scopes[4].pattern = text(">");
	scopes[5].from_ns = 0;
	scopes[6].to_ns = 0;
	for (size_t i = 0; i < ET_COUNT(scopes); i++)
		if (!et_scope_is_narrow(&scopes[i]))
			fail_msg("scope %zu", i);
}

static void
ids_are_looked_up_in_sorted_lists(void **state ET_UNUSED)
{
	const struct et_uuid with[] = { others[0], others[1], aggregate, device, others[2] };
	struct et_scope_aggregate one = one_of(ET_FAMILY_LINKS);
	struct et_scope scope = everything();

	scope.aggregates = others;
	scope.aggregate_count = ET_COUNT(others);
	assert_false(et_scope_has_aggregate(&scope, &one));
	scope.aggregates = with;
	scope.aggregate_count = ET_COUNT(with);
	assert_true(et_scope_has_aggregate(&scope, &one));
	scope.devices = others;
	scope.device_count = ET_COUNT(others);
	assert_false(et_scope_has_aggregate(&scope, &one));
	assert_false(has(&scope, &one));
	one.device = NULL;
	assert_true(et_scope_has_aggregate(&scope, &one));
	one.device = &device;
	scope.devices = with;
	scope.device_count = ET_COUNT(with);
	assert_true(has(&scope, &one));
}

static void
an_owner_is_compared_as_it_stands_in_subjects(void **state ET_UNUSED)
{
	const struct et_slice owners[] = { text("bob"), text("Alice"), text(OWNER) };
	struct et_scope_aggregate one = one_of(ET_FAMILY_METADATA);
	struct et_scope scope = everything();

	scope.owners = owners;
	scope.owner_count = 2;
	assert_false(et_scope_has_aggregate(&scope, &one));
	scope.owner_count = 3;
	assert_true(et_scope_has_aggregate(&scope, &one));
	scope.owner_count = 1;
	one.owner = text("");
	assert_true(et_scope_has_aggregate(&scope, &one));
}

static void
a_type_that_is_not_known_can_be_any_of_its_family(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		enum et_kind wanted;
		enum et_family family;
		enum et_kind kind;
		bool in;
	} rows[] = {
		{ "the same", ET_KIND_UPDATED, ET_FAMILY_RESOURCE, ET_KIND_UPDATED, true },
		{ "another", ET_KIND_UPDATED, ET_FAMILY_RESOURCE, ET_KIND_RETRIEVED, false },
		{ "not known", ET_KIND_UPDATED, ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, true },
		{ "not known, of another family", ET_KIND_UPDATED, ET_FAMILY_LINKS, ET_KIND_UNKNOWN,
		  false },
		{ "not known, nor its family", ET_KIND_UPDATED, ET_FAMILY_UNKNOWN, ET_KIND_UNKNOWN,
		  true },
		{ "a snapshot in its place", ET_KIND_UPDATED, ET_FAMILY_RESOURCE,
		  ET_KIND_RESOURCE_SNAPSHOT, true },
		{ "a snapshot in the place of another family's", ET_KIND_UPDATED, ET_FAMILY_LINKS,
		  ET_KIND_LINKS_SNAPSHOT, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_scope_aggregate one = one_of(rows[i].family);
		struct et_scope scope = everything();

		scope.kinds = (uint64_t)1 << rows[i].wanted;
		if (et_scope_has_event(&scope, &one, rows[i].kind, ET_TIME_NONE, ET_TIME_NONE) !=
		    rows[i].in)
			fail_msg("%s", rows[i].name);
	}
}

static void
a_bracket_is_in_when_any_of_it_is(void **state ET_UNUSED)
{
	static const struct {
		const char *name;
		int64_t from_ns; /* of the scope */
		int64_t to_ns;
		int64_t after_ns;
		int64_t before_ns;
		bool in;
	} rows[] = {
		{ "before", 100, 200, 10, 99, false },
		{ "up to its beginning", 100, 200, 10, 100, true },
		{ "inside", 100, 200, 120, 130, true },
		{ "around", 100, 200, 10, 300, true },
		{ "from its end on", 100, 200, 200, 300, false },
		{ "just before its end", 100, 200, 199, 300, true },
		{ "open at the beginning", 100, 200, ET_TIME_NONE, 99, false },
		{ "open at the end", 100, 200, 199, ET_TIME_NONE, true },
		{ "open at the end, behind it", 100, 200, 200, ET_TIME_NONE, false },
		{ "open at both", 100, 200, ET_TIME_NONE, ET_TIME_NONE, true },
		{ "a scope without a beginning", ET_TIME_NONE, 200, 1, 2, true },
		{ "a scope without an end", 100, ET_TIME_NONE, 500, 501, true },
	};
	struct et_scope_aggregate one = one_of(ET_FAMILY_RESOURCE);

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_scope scope = { .from_ns = rows[i].from_ns, .to_ns = rows[i].to_ns };

		if (et_scope_has_event(&scope, &one, ET_KIND_UNKNOWN, rows[i].after_ns,
				       rows[i].before_ns) != rows[i].in)
			fail_msg("%s", rows[i].name);
	}
}

static void
a_pattern_is_matched_as_far_as_the_subject_is_known(void **state ET_UNUSED)
{
#define OF(device) "plgd.owners.alice.devices." device
	static const struct {
		const char *pattern;
		enum et_family family;
		enum et_kind kind;
		bool in;
	} rows[] = {
		{ ">", ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, true },
		{ "plgd.>", ET_FAMILY_UNKNOWN, ET_KIND_UNKNOWN, true },
		{ "other.>", ET_FAMILY_UNKNOWN, ET_KIND_UNKNOWN, false },
		{ "plgd.owners.alice.>", ET_FAMILY_LINKS, ET_KIND_UNKNOWN, true },
		{ "plgd.owners.bob.>", ET_FAMILY_LINKS, ET_KIND_UNKNOWN, false },
		{ "plgd.owners.*.devices." DEVICE ".>", ET_FAMILY_METADATA, ET_KIND_UNKNOWN, true },
		{ "plgd.owners.*.devices." OTHER ".>", ET_FAMILY_METADATA, ET_KIND_UNKNOWN, false },
		{ OF(DEVICE) ".metadata.>", ET_FAMILY_METADATA, ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".metadata.>", ET_FAMILY_LINKS, ET_KIND_UNKNOWN, false },
		{ OF(DEVICE) ".metadata.>", ET_FAMILY_UNKNOWN, ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".metadata", ET_FAMILY_METADATA, ET_KIND_UNKNOWN, false },
		{ OF(DEVICE) ".resource-links.resourcelinkspublished", ET_FAMILY_LINKS,
		  ET_KIND_LINKS_PUBLISHED, true },
		{ OF(DEVICE) ".resource-links.resourcelinkspublished", ET_FAMILY_LINKS,
		  ET_KIND_LINKS_UNPUBLISHED, false },
		{ OF(DEVICE) ".resource-links.resourcelinkspublished", ET_FAMILY_LINKS,
		  ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".resources." HREF ".>", ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".resources." OTHER ".>", ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, false },
		/* the aggregate's id, as subjects had it once */
		{ OF(DEVICE) ".resources.aa000000-0000-0000-0000-000000000001.>",
		  ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".resources.*.resourcechanged", ET_FAMILY_RESOURCE,
		  ET_KIND_RESOURCE_CHANGED, true },
		{ OF(DEVICE) ".resources.*.resourcechanged", ET_FAMILY_RESOURCE, ET_KIND_UPDATED,
		  false },
		{ OF(DEVICE) ".resources.*.resourcechanged.leadrt.>", ET_FAMILY_RESOURCE,
		  ET_KIND_RESOURCE_CHANGED, true },
		{ OF(DEVICE) ".resources.*.resourcechanged.leadrt.oic.d", ET_FAMILY_RESOURCE,
		  ET_KIND_UNKNOWN, true },
		{ OF(DEVICE) ".resources.*", ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, false },
		{ OF(DEVICE) ".metadata.*.*", ET_FAMILY_METADATA, ET_KIND_UNKNOWN, false },
		{ OF(DEVICE) ".resources.*.*", ET_FAMILY_UNKNOWN, ET_KIND_UNKNOWN, true },
		{ "plgd.owners.alice.registrations.>", ET_FAMILY_RESOURCE, ET_KIND_UNKNOWN, false },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_scope_aggregate one = one_of(rows[i].family);
		struct et_scope scope = everything();

		scope.pattern = text(rows[i].pattern);
		if (et_scope_has_event(&scope, &one, rows[i].kind, ET_TIME_NONE, ET_TIME_NONE) !=
		    rows[i].in)
			fail_msg("%s, row %zu", rows[i].pattern, i);
		if (rows[i].in && !et_scope_has_aggregate(&scope, &one))
			fail_msg("%s: the aggregate, row %zu", rows[i].pattern, i);
	}
}

static uint32_t
roll(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % sides;
}

/* A random pattern over the words of subjects. */
static void
make_pattern(uint32_t *seed, struct et_buf *out)
{
	static const char *const words[][4] = {
		{ "plgd", "plgd", "*", "x" },
		{ "owners", "owners", "*", "x" },
		{ OWNER, "bob", "*", "*" },
		{ "devices", "devices", "*", "registrations" },
		{ DEVICE, OTHER, "*", "*" },
		{ "resources", "metadata", "*", "resource-links" },
		{ HREF, "devicemetadataupdated", "*", "resourcelinkspublished" },
		{ "resourcechanged", "resourceupdated", "*", "*" },
		{ "leadrt", "leadrt", "*", "x" },
	};
	size_t count = 1 + roll(seed, ET_COUNT(words));

	et_buf_reset(out);
	for (size_t i = 0; i < count; i++) {
		const char *word = words[i][roll(seed, 4)];

		if (i > 0)
			et_buf_text(out, ".");
		if (i + 1 == count && roll(seed, 2) == 0)
			word = ">";
		et_buf_text(out, word);
	}
}

/* Whatever is not told of an event: no pattern that its subject matches leaves it out; and where
 * all is told and nothing can follow, the two say the same. */
static void
no_subject_is_left_out_for_what_is_not_known(void **state ET_UNUSED)
{
	static const struct {
		enum et_family family;
		enum et_kind kind;
		const char *subject;
		bool exact;
	} events[] = {
		{ ET_FAMILY_LINKS, ET_KIND_LINKS_PUBLISHED,
		  OF(DEVICE) ".resource-links.resourcelinkspublished", true },
		{ ET_FAMILY_METADATA, ET_KIND_METADATA_UPDATED,
		  OF(DEVICE) ".metadata.devicemetadataupdated", true },
		{ ET_FAMILY_RESOURCE, ET_KIND_RESOURCE_CHANGED,
		  OF(DEVICE) ".resources." HREF ".resourcechanged", false },
		{ ET_FAMILY_RESOURCE, ET_KIND_UPDATED,
		  OF(DEVICE) ".resources." HREF ".resourceupdated.leadrt", false },
		{ ET_FAMILY_RESOURCE, ET_KIND_UPDATED,
		  OF(DEVICE) ".resources." HREF ".resourceupdated.leadrt.x", false },
	};
	struct et_buf pattern;
	uint32_t seed = 7;

	et_buf_init(&pattern, 4096);
	for (unsigned i = 0; i < 100000; i++) {
		size_t which = roll(&seed, ET_COUNT(events));
		unsigned hidden = roll(&seed, 32);
		struct et_scope_aggregate one = one_of(events[which].family);
		struct et_scope scope = everything();
		enum et_kind kind = (hidden & 1) != 0 ? ET_KIND_UNKNOWN : events[which].kind;
		bool real;
		bool told;

		make_pattern(&seed, &pattern);
		if ((hidden & 2) != 0)
			one.owner = text("");
		if ((hidden & 4) != 0)
			one.device_id = text("");
		if ((hidden & 8) != 0)
			one.resource = text("");
		if ((hidden & 16) != 0)
			one.family = ET_FAMILY_UNKNOWN;
		scope.pattern = (struct et_slice){ pattern.data, pattern.size };
		real = et_subject_matches(scope.pattern, text(events[which].subject));
		told = et_scope_has_event(&scope, &one, kind, ET_TIME_NONE, ET_TIME_NONE);
		if ((real && !told) || (hidden == 0 && events[which].exact && real != told))
			fail_msg("%.*s: %s", (int)pattern.size, (const char *)pattern.data,
				 events[which].subject);
	}
	et_buf_done(&pattern);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_everything_is_in_it),
		cmocka_unit_test(each_limit_narrows),
		cmocka_unit_test(ids_are_looked_up_in_sorted_lists),
		cmocka_unit_test(an_owner_is_compared_as_it_stands_in_subjects),
		cmocka_unit_test(a_type_that_is_not_known_can_be_any_of_its_family),
		cmocka_unit_test(a_bracket_is_in_when_any_of_it_is),
		cmocka_unit_test(a_pattern_is_matched_as_far_as_the_subject_is_known),
		cmocka_unit_test(no_subject_is_left_out_for_what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
