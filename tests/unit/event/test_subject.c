// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "event/subject.h"
#include "samples.h"

static void
assert_slice(struct et_slice slice, const char *text)
{
	assert_int_equal(slice.size, strlen(text));
	if (slice.size > 0)
		assert_memory_equal(slice.data, text, slice.size);
}

static void
subjects_of_the_hub_are_taken_apart_and_built_again(void **state ET_UNUSED)
{
	static const struct {
		const char *subject;
		enum et_subject_branch branch;
		const char *owner, *device, *resource, *type, *suffix;
		enum et_kind kind;
	} cases[] = {
		{ "plgd.owners.o.registrations.devicesregistered", ET_SUBJECT_REGISTRATIONS, "o",
		  "", "", "devicesregistered", "", ET_KIND_DEVICES_REGISTERED },
		{ "plgd.owners.urn:uuid:1.registrations.later", ET_SUBJECT_REGISTRATIONS,
		  "urn:uuid:1", "", "", "later", "", ET_KIND_UNKNOWN },
		{ "plgd.owners.o.devices.d.resource-links.resourcelinksunpublished",
		  ET_SUBJECT_LINKS, "o", "d", "", "resourcelinksunpublished", "",
		  ET_KIND_LINKS_UNPUBLISHED },
		{ "plgd.owners.o.devices.d.metadata.devicemetadataupdated", ET_SUBJECT_METADATA,
		  "o", "d", "", "devicemetadataupdated", "", ET_KIND_METADATA_UPDATED },
		{ "plgd.owners.o.devices.d.resources.r.resourcechanged", ET_SUBJECT_RESOURCES, "o",
		  "d", "r", "resourcechanged", "", ET_KIND_RESOURCE_CHANGED },
		{ "plgd.owners.o.devices.d.resources.r.resourcechanged.leadrt",
		  ET_SUBJECT_RESOURCES, "o", "d", "r", "resourcechanged", "leadrt",
		  ET_KIND_RESOURCE_CHANGED },
		{ "plgd.owners.o.devices.d.resources.r.resourcedeleted.leadrt.oic.r.x",
		  ET_SUBJECT_RESOURCES, "o", "d", "r", "resourcedeleted", "leadrt.oic.r.x",
		  ET_KIND_DELETED },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_subject parts = et_subject_read(text_slice(cases[i].subject));
		struct et_buf out;

		assert_int_equal(parts.branch, cases[i].branch);
		assert_slice(parts.owner, cases[i].owner);
		assert_slice(parts.device, cases[i].device);
		assert_slice(parts.resource, cases[i].resource);
		assert_slice(parts.type, cases[i].type);
		assert_slice(parts.suffix, cases[i].suffix);
		assert_int_equal(parts.kind, cases[i].kind);
		et_buf_init(&out, 1000);
		et_subject_build(&out, &parts);
		assert_string_equal(et_buf_cstr(&out), cases[i].subject);
		if (parts.kind != ET_KIND_UNKNOWN) {
			et_buf_reset(&out);
			parts.type.size = 0;
			et_subject_build(&out, &parts);
			assert_string_equal(et_buf_cstr(&out), cases[i].subject);
		}
		et_buf_done(&out);
	}
}

static void
everything_else_is_foreign(void **state ET_UNUSED)
{
	static const char *const subjects[] = {
		"",
		"plgd",
		"plgd.owners",
		"plgd.owners.",
		"plgd.owner.o.registrations.devicesregistered",
		"hub.owners.o.registrations.devicesregistered",
		"plgd.owners..registrations.devicesregistered",
		"plgd.owners.o.registration.devicesregistered",
		"plgd.owners.o.registrations",
		"plgd.owners.o.registrations.",
		"plgd.owners.o.registrations.devicesregistered.",
		"plgd.owners.o.registrations.devicesregistered.leadrt",
		"plgd.owners.o.devices",
		"plgd.owners.o.devices..metadata.devicemetadataupdated",
		"plgd.owners.o.devices.d.metadata",
		"plgd.owners.o.devices.d.metadat.devicemetadataupdated",
		"plgd.owners.o.devices.d.metadata.devicemetadataupdated.",
		"plgd.owners.o.devices.d.metadata.devicemetadataupdated.more",
		"plgd.owners.o.devices.d.resources..resourcechanged",
		"plgd.owners.o.devices.d.resources.r",
		"plgd.owners.o.devices.d.resources.r.resourcechanged.leadrt.",
		"plgd.owners.o.devices.d.resources.r.resourcechanged.leadrt..x",
		"plgd.owners.o.devices.d.resources.r.resourcechanged.leadrts",
		" plgd.owners.o.registrations.devicesregistered",
	};

	for (size_t i = 0; i < ET_COUNT(subjects); i++) {
		struct et_subject parts = et_subject_read(text_slice(subjects[i]));
		struct et_buf out;

		assert_int_equal(parts.branch, ET_SUBJECT_FOREIGN);
		assert_int_equal(parts.owner.size + parts.device.size + parts.type.size, 0);
		et_buf_init(&out, 1000);
		et_subject_build(&out, &parts);
		assert_int_equal(out.size, 0);
		et_buf_done(&out);
	}
}

static void
subjects_that_the_hub_wrote_have_a_known_type(void **state ET_UNUSED)
{
	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		struct et_subject parts = et_subject_read(text_slice(samples[i].subject));

		assert_int_not_equal(parts.branch, ET_SUBJECT_FOREIGN);
		assert_slice(parts.type, samples[i].kind);
		assert_int_equal(parts.kind, et_kind_of(text_slice(samples[i].kind)));
	}
}

static void
a_pattern_has_whole_tokens(void **state ET_UNUSED)
{
	static const char *const good[] = { ">",   "*",  "plgd.owners.>", "plgd.*.o.devices.*.>",
					    "a.b", "*.*" };
	static const char *const bad[] = { "",     ".",  "a.", ".a",  "a..b",  ">.a", "a.>.", "a*",
					   "a.*b", "a>", ">>", "a b", "a.\tb", "**",  "a\n" };

	for (size_t i = 0; i < ET_COUNT(good); i++)
		assert_true(et_subject_pattern_ok(text_slice(good[i])));
	for (size_t i = 0; i < ET_COUNT(bad); i++)
		assert_false(et_subject_pattern_ok(text_slice(bad[i])));
	assert_false(et_subject_pattern_ok((struct et_slice){ (const uint8_t *)"a\0b", 3 }));
}

static void
patterns_match_like_those_of_nats(void **state ET_UNUSED)
{
	static const struct {
		const char *pattern, *subject;
		bool matches;
	} cases[] = {
		{ ">", "a", true },
		{ ">", "a.b.c", true },
		{ ">", "", false },
		{ "a.>", "a", false },
		{ "a.>", "a.b", true },
		{ "a.>", "b.b", false },
		{ "a.*", "a.b", true },
		{ "a.*", "a.b.c", false },
		{ "a.*", "a", false },
		{ "*.b", "a.b", true },
		{ "*.b", "a.c", false },
		{ "a.b", "a.b", true },
		{ "a.b", "a.bc", false },
		{ "a.bc", "a.b", false },
		{ "a.b", "a.b.", false },
		{ "*", "a.", false },
		{ "plgd.owners.*.devices.d.>", "plgd.owners.o.devices.d.metadata.x", true },
		{ "plgd.owners.*.devices.*.resources.*.resourcechanged",
		  "plgd.owners.o.devices.d.resources.r.resourcechanged", true },
		{ "plgd.owners.*.devices.*.resources.*.resourcechanged",
		  "plgd.owners.o.devices.d.resources.r.resourcechanged.leadrt", false },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++)
		assert_int_equal(et_subject_matches(text_slice(cases[i].pattern),
						    text_slice(cases[i].subject)),
				 cases[i].matches);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_of_the_hub_are_taken_apart_and_built_again),
		cmocka_unit_test(everything_else_is_foreign),
		cmocka_unit_test(subjects_that_the_hub_wrote_have_a_known_type),
		cmocka_unit_test(a_pattern_has_whole_tokens),
		cmocka_unit_test(patterns_match_like_those_of_nats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
