// SPDX-License-Identifier: Apache-2.0
/* Stored events that the hub wrote (the recordings), and documents made by hand. */
#include "et_test.h"

#include "audit/contents.h"
#include "event/build.h"
#include "event/original.h"
#include "event/samples.h"

#define BODY_BYTES (1u << 20)

static struct et_buf scratch;

static int
setup(void **state ET_UNUSED)
{
	et_buf_init(&scratch, ET_PAYLOAD_BYTES_MAX);
	return 0;
}

static int
teardown(void **state ET_UNUSED)
{
	et_buf_done(&scratch);
	return 0;
}

/* A document of one stored event; its bytes are snappy of the protobuf. */
struct one {
	struct et_stored_event event;
	struct et_document document;
	struct et_buf data;
};

static void
store(struct one *one, const char *type, uint64_t version, struct et_slice protobuf)
{
	*one = (struct one){ 0 };
	et_buf_init(&one->data, 2 * BODY_BYTES);
	build_snappy(&one->data, protobuf);
	one->event = (struct et_stored_event){
		.version = version,
		.data = build_slice(&one->data),
		.type = text_slice(type),
		.kind = et_kind_of(text_slice(type)),
	};
	one->document = (struct et_document){ .events = &one->event, .event_count = 1 };
}

static struct et_counterpart
archived_as(const char *type, struct et_slice protobuf)
{
	return (struct et_counterpart){ et_kind_of(text_slice(type)), text_slice(type), protobuf };
}

static int
compare(const struct et_claim *claim, const char *type, struct et_slice protobuf,
	struct et_differences *ret)
{
	struct et_counterpart archived = archived_as(type, protobuf);
	struct et_error err = { 0 };
	int r = et_claim_compare(claim, &archived, ET_REVEAL_VALUES, &scratch, ret, &err);

	assert_true(r >= 0);
	return r;
}

/* {event_metadata: version, time} and a resource type, if any. */
static void
put_event(struct et_buf *out, enum et_kind kind, uint64_t version, int64_t time_ns,
	  const char *more)
{
	struct et_buf metadata;

	et_buf_init(&metadata, 100);
	et_buf_field_u64(&metadata, 1, version);
	et_buf_field_i64(&metadata, 2, time_ns);
	et_buf_field_message(out, et_kind_info(kind)->metadata_field, metadata.data, metadata.size);
	et_buf_field_text(out, 90, more);
	et_buf_done(&metadata);
}

static void
what_the_hub_stored_agrees_with_what_it_published(void **state ET_UNUSED)
{
	size_t embedded = 0;

	for (size_t i = 0; i < ET_COUNT(stored_samples); i++) {
		const struct stored_sample *sample = &stored_samples[i];
		const struct sample_original *original = sample->originals;
		struct et_claims claims = { 0 };
		struct et_differences differences;
		struct et_document document = { .event_count = 1 };
		struct et_stored_event event = { .version = sample->version,
						 .kind = et_kind_of(text_slice(sample->type)) };
		struct et_buf plain;
		uint8_t *data;

		event.data = sample_slice(sample->data, &data);
		document.events = &event;
		et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
		et_claims_of(&document, &scratch, &claims);
		assert_int_equal(claims.unreadable, 0);
		if (et_kind_info(event.kind)->family == ET_FAMILY_SERVICE) {
			assert_int_equal(claims.count, 0);
			original = NULL;
		}
		assert_int_equal(et_unsnappy(event.data, &plain, NULL), 0);
		for (size_t k = 0; k < claims.count; k++) {
			const struct et_claim *claim = &claims.list[k];
			const char *kind = et_kind_info(claim->kind)->name;
			struct et_slice body = { plain.data + claim->offset, claim->size };

			assert_ptr_equal(claim->event, &event);
			if (original->kind != NULL) {
				assert_string_equal(kind, original->kind);
				assert_int_equal(claim->version, original->version);
				assert_int_equal(claim->time_ns, original->time_ns);
				assert_string_not_equal(claim->where, "stored");
				original++;
				embedded++;
			} else {
				assert_int_equal(k, claims.count - 1);
				assert_int_equal(claim->version, sample->version);
				assert_string_equal(claim->where, "stored");
				assert_int_equal(claim->size, plain.size);
			}
			assert_int_equal(compare(claim, kind, body, &differences), 1);
			assert_int_equal(differences.total, 0);
		}
		if (original != NULL)
			assert_null(original->kind);
		et_claims_done(&claims);
		et_buf_done(&plain);
		free(data);
	}
	assert_true(embedded >= 10);
}

static void
another_encoding_of_snappy_is_no_difference(void **state ET_UNUSED)
{
	static const char types[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct et_buf plain;
	struct et_buf packed[2];

	et_buf_init(&plain, 100);
	et_buf_init(&packed[0], 1000);
	et_buf_init(&packed[1], 1000);
	et_buf_field_text(&plain, 7, types);
	build_snappy(&packed[0], build_slice(&plain));
	/* One literal. */
	et_buf_varint(&packed[1], plain.size);
	et_buf_put_u8(&packed[1], (uint8_t)((plain.size - 1) << 2));
	et_buf_put(&packed[1], plain.data, plain.size);
	assert_true(packed[0].size < packed[1].size);
	for (unsigned i = 0; i < 2; i++) {
		struct et_stored_event event = { .kind = ET_KIND_RESOURCE_CHANGED };
		struct et_document document = { .events = &event, .event_count = 1 };
		struct et_claims claims = { 0 };
		struct et_differences differences;

		event.data = build_slice(&packed[i]);
		et_claims_of(&document, &scratch, &claims);
		assert_int_equal(claims.count, 1);
		assert_int_equal(compare(&claims.list[0], "resourcechanged", build_slice(&plain),
					 &differences),
				 1);
		assert_int_equal(differences.total, 0);
		et_claims_done(&claims);
	}
	et_buf_done(&packed[1]);
	et_buf_done(&packed[0]);
	et_buf_done(&plain);
}

static void
each_list_of_a_snapshot_claims_its_own_version(void **state ET_UNUSED)
{
	static const struct {
		const char *snapshot, *where;
		unsigned field;
		enum et_kind kind;
	} cases[] = {
		{ "resourcestatesnapshottaken", "latest_resource_change", 2,
		  ET_KIND_RESOURCE_CHANGED },
		{ "resourcestatesnapshottaken", "resource_create_pendings", 3,
		  ET_KIND_CREATE_PENDING },
		{ "resourcestatesnapshottaken", "resource_retrieve_pendings", 4,
		  ET_KIND_RETRIEVE_PENDING },
		{ "resourcestatesnapshottaken", "resource_update_pendings", 5,
		  ET_KIND_UPDATE_PENDING },
		{ "resourcestatesnapshottaken", "resource_delete_pendings", 6,
		  ET_KIND_DELETE_PENDING },
		{ "devicemetadatasnapshottaken", "device_metadata_updated", 2,
		  ET_KIND_METADATA_UPDATED },
		{ "devicemetadatasnapshottaken", "update_pendings", 3,
		  ET_KIND_METADATA_UPDATE_PENDING },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		const char *type = et_kind_info(cases[i].kind)->name;
		struct et_differences differences;
		struct et_claims claims = { 0 };
		struct et_buf snapshot;
		struct et_buf event;
		struct et_buf other;
		struct one one;

		et_buf_init(&snapshot, 1000);
		et_buf_init(&event, 1000);
		et_buf_init(&other, 1000);
		put_event(&event, cases[i].kind, 4, 77, "x");
		put_event(&other, cases[i].kind, 4, 77, "y");
		/* Of a resource that never changed: says nothing. */
		et_buf_field_message(&snapshot, cases[i].field, "", 0);
		et_buf_field_message(&snapshot, cases[i].field, event.data, event.size);
		put_event(&snapshot, et_kind_of(text_slice(cases[i].snapshot)), 5, 88, "");
		store(&one, cases[i].snapshot, 5, build_slice(&snapshot));
		et_claims_of(&one.document, &scratch, &claims);
		assert_int_equal(claims.count, 2);
		assert_int_equal(claims.list[0].version, 4);
		assert_int_equal(claims.list[0].time_ns, 77);
		assert_string_equal(claims.list[0].where, cases[i].where);
		assert_int_equal(claims.list[1].version, 5);
		assert_int_equal(compare(&claims.list[0], type, build_slice(&event), &differences),
				 1);
		assert_int_equal(differences.total, 0);
		assert_int_equal(compare(&claims.list[0], type, build_slice(&other), &differences),
				 1);
		assert_int_equal(differences.total, 1);
		assert_string_equal(differences.list[0].path, "#90");
		/* The snapshot stands in the place of the event that was published. */
		assert_int_equal(compare(&claims.list[1], type, build_slice(&event), &differences),
				 0);
		/* An older hub published its snapshots. */
		assert_int_equal(compare(&claims.list[1], cases[i].snapshot, build_slice(&snapshot),
					 &differences),
				 1);
		assert_int_equal(differences.total, 0);
		et_claims_done(&claims);
		et_buf_done(&one.data);
		et_buf_done(&other);
		et_buf_done(&event);
		et_buf_done(&snapshot);
	}
}

static void
an_event_of_another_type_differs_in_its_type(void **state ET_UNUSED)
{
	static const struct {
		const char *stored, *archived;
		bool is_snapshot;
		int compared;
		uint64_t total;
		const char *said; /* of the archived one */
	} cases[] = {
		{ "resourcechanged", "resourceupdated", false, 1, 1, "resourceupdated" },
		{ "resourcechanged", "novel\xff ty", false, 1, 1, "novel??ty" },
		{ "novelty", "resourcechanged", false, 1, 1, "resourcechanged" },
		/* Types that we do not know go by their names, letter case ignored. */
		{ "novelty", "noveltx", false, 1, 1, "noveltx" },
		{ "novelty", "noveltys", false, 1, 1, "noveltys" },
		{ "novelty", "NoveltY", false, 1, 0, NULL },
		/* A snapshot in the place of an event, on either side. */
		{ "noveltysnapshottaken", "noveltychanged", true, 0, 0, NULL },
		{ "resourcechanged", "resourcestatesnapshottaken", false, 0, 0, NULL },
		{ "resourcestatesnapshottaken", "resourcechanged", true, 0, 0, NULL },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_differences differences = { 0 };
		struct et_claims claims = { 0 };
		struct one one;

		store(&one, cases[i].stored, 5, text_slice("\xd2\x05\x01x"));
		one.event.is_snapshot = cases[i].is_snapshot;
		et_claims_of(&one.document, &scratch, &claims);
		assert_int_equal(claims.count, 1);
		assert_int_equal(compare(&claims.list[0], cases[i].archived,
					 text_slice("\xd2\x05\x01x"), &differences),
				 cases[i].compared);
		assert_int_equal(differences.total, cases[i].total);
		if (cases[i].total > 0) {
			assert_string_equal(differences.list[0].path, "event_type");
			assert_string_equal(differences.list[0].left, cases[i].stored);
			assert_string_equal(differences.list[0].right, cases[i].said);
		}
		et_claims_done(&claims);
		et_buf_done(&one.data);
	}
}

static void
stored_events_that_cannot_be_read_claim_nothing(void **state ET_UNUSED)
{
	static const struct {
		const char *type, *body;
	} cases[] = {
		{ "resourcechanged", "2a" },
		{ "resourcestatesnapshottaken", "12020800120105" }, /* what it embeds is broken */
	};
	struct et_counterpart archived = archived_as("resourcechanged", text_slice("\x2a"));
	struct et_differences differences;
	struct et_claims claims = { 0 };
	struct et_error err = { 0 };
	struct one one;

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		uint8_t *data;

		store(&one, cases[i].type, 5, sample_slice(cases[i].body, &data));
		et_claims_of(&one.document, &scratch, &claims);
		assert_int_equal(claims.count, 0);
		assert_int_equal(claims.unreadable, 1);
		et_buf_done(&one.data);
		free(data);
	}
	store(&one, "resourcechanged", 5, text_slice("\x3a\x01x"));
	one.event.data = text_slice("no snappy");
	et_claims_of(&one.document, &scratch, &claims);
	assert_int_equal(claims.unreadable, 1);
	et_buf_done(&one.data);
	/* Neither does an archived one that is broken; nor one that goes bad later. */
	store(&one, "resourcechanged", 5, text_slice("\x3a\x01x"));
	et_claims_of(&one.document, &scratch, &claims);
	assert_code(ET_CORRUPT,
		    et_claim_compare(&claims.list[0], &archived, ET_REVEAL_VALUES, &scratch,
				     &differences, &err),
		    &err);
	one.event.data = text_slice("no snappy");
	assert_code(ET_CORRUPT,
		    et_claim_compare(&claims.list[0], &archived, ET_REVEAL_VALUES, &scratch,
				     &differences, &err),
		    &err);
	et_buf_done(&one.data);
	et_claims_done(&claims);
}

/* ---- links ---- */

/* {href, title}; appended as field 2 of what is published, or as an entry of the snapshot's map. */
static void
put_link(struct et_buf *out, const char *href, const char *title, bool entry)
{
	struct et_buf resource;
	struct et_buf pair;

	et_buf_init(&resource, 1000);
	et_buf_init(&pair, 1000);
	et_buf_field_text(&resource, 1, href);
	et_buf_field_text(&resource, 6, title);
	et_buf_field_text(&pair, 1, href);
	et_buf_field_message(&pair, 2, resource.data, resource.size);
	if (entry)
		et_buf_field_message(out, 2, pair.data, pair.size);
	else
		et_buf_field_message(out, 2, resource.data, resource.size);
	et_buf_done(&pair);
	et_buf_done(&resource);
}

/* "+/a=1 +/b=2": links with their titles; "-/a" takes away, "-" all. */
static void
put_links(struct et_buf *out, const char *words, bool entry)
{
	char *text = et_strdup(words);
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		char *title = strchr(word, '=');

		if (word[0] == '+') {
			*title++ = '\0';
			put_link(out, word + 1, title, entry);
		} else if (word[1] != '\0') {
			et_buf_field_text(out, 2, word + 1);
		}
	}
	free(text);
}

static enum et_kind
kind_of(const char *words)
{
	if (words[0] == '=')
		return ET_KIND_LINKS_SNAPSHOT;
	return words[0] == '-' ? ET_KIND_LINKS_UNPUBLISHED : ET_KIND_LINKS_PUBLISHED;
}

static void
sum(struct et_linkset *set, const char *const *events)
{
	struct et_error err = { 0 };

	et_linkset_clear(set);
	for (size_t i = 0; events[i] != NULL; i++) {
		enum et_kind kind = kind_of(events[i]);
		bool snapshot = kind == ET_KIND_LINKS_SNAPSHOT;
		struct et_buf event;

		et_buf_init(&event, BODY_BYTES);
		et_buf_field_text(&event, 1, "device");
		put_links(&event, snapshot ? events[i] + 1 : events[i], snapshot);
		assert_ok(et_linkset_add(set, kind, build_slice(&event), &err), &err);
		et_buf_done(&event);
	}
}

static void
the_links_of_a_snapshot_are_the_sum_of_the_links_events(void **state ET_UNUSED)
{
	static const struct {
		const char *events[6];
		const char *stored;
		const char *path; /* NULL: equal */
	} cases[] = {
		{ { NULL }, "", NULL },
		{ { "+/a=1 +/b=2" }, "+/b=2 +/a=1", NULL },
		{ { "+/a=1", "+/b=2", "+/a=3" }, "+/a=3 +/b=2", NULL },
		{ { "+/a=1 +/b=2", "-/a" }, "+/b=2", NULL },
		{ { "+/a=1 +/b=2", "-" }, "", NULL },
		{ { "+/a=1 +/b=2", "-/a", "+/a=4" }, "+/a=4 +/b=2", NULL },
		{ { "+/a=1", "=+/b=2", "+/c=3" }, "+/b=2 +/c=3", NULL },
		{ { "+=1" }, "+=1", NULL },
		{ { "+/a=1 +/longer=2", "-/longer" }, "+/a=1", NULL },
		{ { "+/a=1" }, "+/a=2", "resources[\"/a\"].title" },
		{ { "+/a=1" }, "+/a=1 +/b=2", "resources[\"/b\"]" },
		{ { "+/a=1 +/b=2" }, "+/a=1", "resources[\"/b\"]" },
		{ { "+/a=1 +/b=2", "-/b" }, "+/a=1 +/b=2", "resources[\"/b\"]" },
	};
	struct et_linkset *set = et_linkset_new();

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_differences differences;
		struct et_claims claims = { 0 };
		struct et_error err = { 0 };
		struct et_buf snapshot;
		struct one one;

		et_buf_init(&snapshot, BODY_BYTES);
		put_event(&snapshot, ET_KIND_LINKS_SNAPSHOT, 6, 88, "unknown");
		put_links(&snapshot, cases[i].stored, true);
		store(&one, "resourcelinkssnapshottaken", 6, build_slice(&snapshot));
		et_claims_of(&one.document, &scratch, &claims);
		assert_int_equal(claims.count, 1);
		sum(set, cases[i].events);
		assert_ok(et_linkset_compare(set, &claims.list[0], ET_REVEAL_DIGESTS, &scratch,
					     &differences, &err),
			  &err);
		assert_int_equal(differences.total, cases[i].path != NULL);
		if (cases[i].path != NULL)
			assert_string_equal(differences.list[0].path, cases[i].path);
		one.event.data = text_slice("no snappy");
		assert_code(ET_CORRUPT,
			    et_linkset_compare(set, &claims.list[0], ET_REVEAL_DIGESTS, &scratch,
					       &differences, &err),
			    &err);
		et_claims_done(&claims);
		et_buf_done(&one.data);
		et_buf_done(&snapshot);
	}
	et_linkset_free(set);
	et_linkset_free(NULL);
}

static void
links_that_cannot_be_summed_up_say_so(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind kind;
		const char *body;
		int code;
	} cases[] = {
		{ ET_KIND_LINKS_PUBLISHED, "12", ET_CORRUPT },
		{ ET_KIND_LINKS_PUBLISHED, "12010a", ET_CORRUPT },
		{ ET_KIND_LINKS_SNAPSHOT, "12010a", ET_CORRUPT },
		{ ET_KIND_LINKS_UNPUBLISHED, "12", ET_CORRUPT },
		{ ET_KIND_RESOURCE_CHANGED, "12", 0 },
		{ ET_KIND_LINKS_PUBLISHED, "10011a00", 0 }, /* fields that are no links */
	};
	struct et_linkset *set = et_linkset_new();
	struct et_error err = { 0 };
	struct et_buf many;
	struct et_slice gone;

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		uint8_t *data;
		struct et_slice body = sample_slice(cases[i].body, &data);

		assert_code(cases[i].code, et_linkset_add(set, cases[i].kind, body, &err), &err);
		free(data);
	}
	et_linkset_clear(set);
	et_buf_init(&many, 8u << 20);
	for (unsigned i = 0; i <= 262144; i++)
		et_buf_field_message(&many, 2, "", 0);
	assert_code(ET_LIMIT,
		    et_linkset_add(set, ET_KIND_LINKS_PUBLISHED, build_slice(&many), &err), &err);
	gone = (struct et_slice){ many.data, 2 };
	assert_code(ET_LIMIT, et_linkset_add(set, ET_KIND_LINKS_UNPUBLISHED, gone, &err), &err);
	et_buf_done(&many);
	et_linkset_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_hub_stored_agrees_with_what_it_published),
		cmocka_unit_test(another_encoding_of_snappy_is_no_difference),
		cmocka_unit_test(each_list_of_a_snapshot_claims_its_own_version),
		cmocka_unit_test(an_event_of_another_type_differs_in_its_type),
		cmocka_unit_test(stored_events_that_cannot_be_read_claim_nothing),
		cmocka_unit_test(the_links_of_a_snapshot_are_the_sum_of_the_links_events),
		cmocka_unit_test(links_that_cannot_be_summed_up_say_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
