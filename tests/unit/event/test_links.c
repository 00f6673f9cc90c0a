// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "build.h"
#include "event/links.h"
#include "samples.h"

static void
links_come_go_or_are_replaced(void **state ET_UNUSED)
{
	assert_int_equal(et_links_act_of(ET_KIND_LINKS_PUBLISHED), ET_LINKS_ADD);
	assert_int_equal(et_links_act_of(ET_KIND_LINKS_UNPUBLISHED), ET_LINKS_REMOVE);
	assert_int_equal(et_links_act_of(ET_KIND_LINKS_SNAPSHOT), ET_LINKS_REPLACE);
}

/* The hrefs, each with a blank behind it; or "!" where the walk breaks. */
static void
assert_hrefs(enum et_kind kind, struct et_slice event, const char *wanted)
{
	struct et_links_walk walk = et_links_walk_of(kind, event);
	struct et_error err = { 0 };
	struct et_slice href;
	struct et_buf out;
	int r;

	et_buf_init(&out, 1000);
	while ((r = et_links_next(&walk, &href, &err)) > 0) {
		et_buf_put(&out, href.data, href.size);
		et_buf_put_u8(&out, ' ');
	}
	if (r < 0) {
		assert_int_equal(r, ET_CORRUPT);
		assert_words(&err, "no protobuf message");
		et_buf_put_u8(&out, '!');
	}
	assert_string_equal(et_buf_cstr(&out), wanted);
	et_buf_done(&out);
}

static void
hrefs_are_walked_in_the_order_of_the_event(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind kind;
		const char *event, *hrefs;
	} cases[] = {
		{ ET_KIND_LINKS_PUBLISHED,
		  "0a0164"
		  "12040a022f61"
		  "1a00"
		  "1208"
		  "0a022f62"
		  "12026464",
		  "/a /b " },
		{ ET_KIND_LINKS_PUBLISHED,
		  "1200"
		  "1001",
		  " " },
		{ ET_KIND_LINKS_PUBLISHED,
		  "12040a022f61"
		  "12020a05",
		  "/a !" },
		{ ET_KIND_LINKS_PUBLISHED,
		  "12040a022f61"
		  "12",
		  "/a !" },
		{ ET_KIND_LINKS_UNPUBLISHED,
		  "12022f61"
		  "12022f62"
		  "220178",
		  "/a /b " },
		{ ET_KIND_LINKS_UNPUBLISHED, "0a0164", "" },
		{ ET_KIND_LINKS_UNPUBLISHED, "0b", "!" },
		{ ET_KIND_LINKS_SNAPSHOT,
		  "120a"
		  "0a022f61"
		  "12040a022f7a",
		  "/a " },
		{ ET_KIND_RESOURCE_CHANGED, "12022f61", "" },
		{ ET_KIND_UNKNOWN, "12022f61", "" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		uint8_t *data;

		assert_hrefs(cases[i].kind, sample_slice(cases[i].event, &data), cases[i].hrefs);
		free(data);
	}
}

static void
links_that_the_hub_wrote(void **state ET_UNUSED)
{
	struct et_buf plain;
	unsigned found = 0;

	et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
	for (size_t i = 0; i < ET_COUNT(samples); i++) {
		enum et_kind kind = et_kind_of(text_slice(samples[i].kind));
		struct et_error err = { 0 };
		struct et_envelope envelope;
		uint8_t *data;

		if (et_kind_info(kind)->family != ET_FAMILY_LINKS)
			continue;
		assert_ok(et_envelope_read(sample_slice(samples[i].body, &data), &envelope, &err),
			  &err);
		assert_ok(et_unsnappy(envelope.data, &plain, &err), &err);
		assert_hrefs(kind, build_slice(&plain), "/meter/energy/1 ");
		found++;
		free(data);
	}
	assert_int_equal(found, 2);
	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		enum et_kind kind = et_kind_of(text_slice(stored_samples[i].type));
		struct et_links_walk walk;
		struct et_error err = { 0 };
		struct et_slice href;
		uint8_t *data;
		unsigned hrefs = 0;

		assert_ok(et_unsnappy(sample_slice(stored_samples[i].data, &data), &plain, &err),
			  &err);
		walk = et_links_walk_of(kind, build_slice(&plain));
		while (et_links_next(&walk, &href, &err) > 0)
			hrefs += href.size > 1 && href.data[0] == '/';
		assert_int_equal(hrefs, kind == ET_KIND_LINKS_SNAPSHOT ? 4 : 0);
		free(data);
	}
	et_buf_done(&plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_come_go_or_are_replaced),
		cmocka_unit_test(hrefs_are_walked_in_the_order_of_the_event),
		cmocka_unit_test(links_that_the_hub_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
