// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies are made from the descriptors, every field filled in. While one is made, each place at
 * which it can be changed is counted, and the one that is asked for is changed: comparing must
 * find exactly that path. "Odd" bodies say the same in the least usual way that protobuf allows.
 */
#include "et_test.h"

#include <protobuf-c/protobuf-c.h>

#include "base/digest.h"
#include "build.h"
#include "event/compare.h"
#include "event/envelope.h"
#include "event/fields_internal.h"
#include "samples.h"

#define BODY_BYTES (1u << 20)
#define PIECES 24u
#define UNKNOWN_NUMBER 77u

struct maker {
	bool odd;
	unsigned choice; /* which member of a oneof */
	int target;      /* which place is changed; -1: none */
	int places;      /* counted so far */
	struct et_buf path;
	char changed[ET_DIFFERENCE_PATH_BYTES]; /* path of what was changed */
};

static bool
is_changed(struct maker *maker)
{
	if (maker->places++ != maker->target)
		return false;
	(void)snprintf(maker->changed, sizeof(maker->changed), "%s", et_buf_cstr(&maker->path));
	return true;
}

static size_t
enter(struct maker *maker, const char *format, const char *name, unsigned index)
{
	size_t size = maker->path.size;

	if (size > 0)
		et_buf_put_u8(&maker->path, '.');
	// NOLINTNEXTLINE: all formats are in this file
	et_buf_format(&maker->path, format, name, index);
	return size;
}

static void
put_number(struct et_buf *out, unsigned number, uint64_t value)
{
	et_buf_varint(out, number << 3 | ET_WIRE_VARINT);
	et_buf_varint(out, value);
}

/* A value that depends on the field and on `salt`, never the default. */
static void
put_scalar(struct et_buf *out, const ProtobufCFieldDescriptor *field, unsigned salt)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s-%u", field->name, salt);
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		et_buf_field_message(out, field->id, text, strlen(text));
		break;
	case PROTOBUF_C_TYPE_BOOL: /* no third value */
		put_number(out, field->id, salt % 2);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		put_number(out, field->id, 1 + salt % 4);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_INT64:
		put_number(out, field->id, (uint64_t)(-1 - (int64_t)salt));
		break;
	default:
		assert_int_equal(field->type, PROTOBUF_C_TYPE_UINT64);
		put_number(out, field->id, 1000 + salt);
		break;
	}
}

static void make_message(struct maker *maker, const ProtobufCMessageDescriptor *message,
			 struct et_buf halves[2]);

static void
put_message(struct maker *maker, const ProtobufCFieldDescriptor *field, struct et_buf *out,
	    bool split)
{
	struct et_buf halves[2];

	et_buf_init(&halves[0], BODY_BYTES);
	et_buf_init(&halves[1], BODY_BYTES);
	make_message(maker, field->descriptor, halves);
	if (!split)
		et_buf_put(&halves[0], halves[1].data, halves[1].size);
	et_buf_field_message(out, field->id, halves[0].data, halves[0].size);
	if (split)
		et_buf_field_message(out, field->id, halves[1].data, halves[1].size);
	et_buf_done(&halves[1]);
	et_buf_done(&halves[0]);
}

static void
put_single(struct maker *maker, const ProtobufCFieldDescriptor *field, struct et_buf *out)
{
	size_t size = enter(maker, "%s", field->name, 0);
	bool absent = is_changed(maker);

	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		put_message(maker, field, out, maker->odd);
	} else {
		/* Only the last one counts. */
		if (maker->odd)
			put_scalar(out, field, 6);
		if (field->type == PROTOBUF_C_TYPE_BOOL)
			put_scalar(out, field, 1);
		else
			put_scalar(out, field, is_changed(maker) ? 2 : 0);
	}
	if (absent)
		et_buf_reset(out);
	maker->path.size = size;
}

/* Two elements, and room for a third one. */
static void
put_list(struct maker *maker, const ProtobufCFieldDescriptor *field, struct et_buf *out)
{
	for (unsigned i = 0; i < 3; i++) {
		size_t size = enter(maker, "%s[%u]", field->name, i);
		size_t before = out->size;
		/* The second one goes, the third one comes. */
		bool here = i > 0 && is_changed(maker) ? i == 2 : i < 2;

		if (field->type == PROTOBUF_C_TYPE_MESSAGE && i < 2)
			put_message(maker, field, out, false);
		else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			et_buf_field_message(out, field->id, "", 0);
		else
			put_scalar(out, field, i < 2 && is_changed(maker) ? 10 + i : i);
		if (!here)
			out->size = before;
		maker->path.size = size;
	}
}

static void
put_entry(struct maker *maker, const ProtobufCFieldDescriptor *map, struct et_buf *out,
	  const char *key)
{
	const ProtobufCMessageDescriptor *message = map->descriptor;
	const ProtobufCFieldDescriptor *value = &message->fields[1];
	bool here = is_changed(maker) != (key[0] != 'n');
	struct et_buf entry;
	struct et_buf pieces[2];

	et_buf_init(&entry, BODY_BYTES);
	et_buf_init(&pieces[0], BODY_BYTES);
	et_buf_init(&pieces[1], BODY_BYTES);
	et_buf_field_message(&pieces[0], 1, key, strlen(key));
	if (value->type == PROTOBUF_C_TYPE_MESSAGE)
		put_message(maker, value, &pieces[1], maker->odd);
	else
		put_scalar(&pieces[1], value, is_changed(maker) ? 2 : 0);
	et_buf_put(&entry, pieces[maker->odd].data, pieces[maker->odd].size);
	et_buf_put(&entry, pieces[!maker->odd].data, pieces[!maker->odd].size);
	if (here && maker->odd) /* an earlier entry of the same key is forgotten */
		et_buf_field_message(out, map->id, pieces[0].data, pieces[0].size);
	if (here)
		et_buf_field_message(out, map->id, entry.data, entry.size);
	et_buf_done(&pieces[1]);
	et_buf_done(&pieces[0]);
	et_buf_done(&entry);
}

/* "new" is there only when it is what was changed. */
static void
put_map(struct maker *maker, const ProtobufCFieldDescriptor *map, struct et_buf *out)
{
	static const char *const keys[] = { "b\"", "a", "", "new" };
	struct et_buf entries[ET_COUNT(keys)];

	for (unsigned i = 0; i < ET_COUNT(keys); i++) {
		const char *quoted = i == 0 ? "b\\\"" : keys[i];
		size_t size = enter(maker, "%s", map->name, 0);

		et_buf_format(&maker->path, "[\"%s\"]", quoted);
		et_buf_init(&entries[i], BODY_BYTES);
		/* Values of "new" are no places: its entry is one. */
		if (i == 3) {
			if (is_changed(maker))
				et_buf_field_message(&entries[i], map->id, "\x0a\x03new", 5);
		} else {
			put_entry(maker, map, &entries[i], keys[i]);
		}
		maker->path.size = size;
	}
	for (unsigned i = 0; i < ET_COUNT(keys); i++) {
		unsigned k = maker->odd ? (unsigned)ET_COUNT(keys) - 1 - i : i;

		et_buf_put(out, entries[k].data, entries[k].size);
		et_buf_done(&entries[k]);
	}
}

static bool
is_chosen(const struct maker *maker, const ProtobufCMessageDescriptor *message, unsigned i)
{
	unsigned before = 0;
	unsigned members = 0;

	if ((message->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return true;
	for (unsigned k = 0; k < message->n_fields; k++) {
		if ((message->fields[k].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
			continue;
		before += k < i;
		members++;
	}
	return maker->choice % members == before;
}

/* Of each kind one, and of one number three: two of them alike. */
static unsigned
put_unknown(struct maker *maker, struct et_buf *pieces)
{
	static const char *const texts[] = { "same", "same", "other" };

	for (unsigned i = 0; i < 4; i++) {
		unsigned number = UNKNOWN_NUMBER + i;
		size_t size = enter(maker, "#%.0s%u", "", number);
		bool absent = is_changed(maker);
		unsigned value = is_changed(maker) ? 9 : 8;

		et_buf_init(&pieces[i], BODY_BYTES);
		if (i == 0) {
			put_number(&pieces[i], number, value);
		} else if (i == 1) {
			et_buf_varint(&pieces[i], number << 3 | ET_WIRE_FIXED32);
			et_buf_put_le32(&pieces[i], value);
		} else if (i == 2) {
			et_buf_varint(&pieces[i], number << 3 | ET_WIRE_FIXED64);
			et_buf_put_le32(&pieces[i], value);
			et_buf_put_le32(&pieces[i], value);
		} else {
			for (unsigned k = 0; k < ET_COUNT(texts); k++) {
				unsigned at = maker->odd ? 2 - k : k;
				const char *text = at == 2 && value == 9 ? "another" : texts[at];

				et_buf_field_text(&pieces[i], number, text);
			}
		}
		if (absent)
			et_buf_reset(&pieces[i]);
		maker->path.size = size;
	}
	return 4;
}

static void
make_message(struct maker *maker, const ProtobufCMessageDescriptor *message,
	     struct et_buf halves[2])
{
	struct et_buf pieces[PIECES];
	unsigned count = 0;

	for (unsigned i = 0; i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];

		assert_true(count < PIECES - 4);
		et_buf_init(&pieces[count], BODY_BYTES);
		if (!is_chosen(maker, message, i)) {
			/* Undone by the chosen one, which comes later. */
			if (maker->odd && field->type != PROTOBUF_C_TYPE_MESSAGE)
				put_scalar(&halves[0], field, 1);
		} else if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			put_single(maker, field, &pieces[count]);
		} else if (et_fields_is_map(field)) {
			put_map(maker, field, &pieces[count]);
		} else {
			put_list(maker, field, &pieces[count]);
		}
		count++;
	}
	count += put_unknown(maker, &pieces[count]);
	for (unsigned i = 0; i < count; i++) {
		struct et_buf *piece = &pieces[maker->odd ? count - 1 - i : i];

		et_buf_put(&halves[i >= count / 2], piece->data, piece->size);
		et_buf_done(piece);
	}
}

static int
make_body(struct maker *maker, enum et_kind kind, struct et_buf *out)
{
	struct et_buf halves[2];

	maker->places = 0;
	et_buf_init(&halves[0], BODY_BYTES);
	et_buf_init(&halves[1], BODY_BYTES);
	et_buf_init(&maker->path, 4096);
	make_message(maker, et_fields_message(kind), halves);
	et_buf_reset(out);
	et_buf_put(out, halves[0].data, halves[0].size);
	et_buf_put(out, halves[1].data, halves[1].size);
	et_buf_done(&maker->path);
	et_buf_done(&halves[1]);
	et_buf_done(&halves[0]);
	return maker->places;
}

static void
assert_one(enum et_kind kind, const struct et_buf *left, const struct et_buf *right,
	   const char *path)
{
	struct et_differences differences;
	struct et_error err = { 0 };

	assert_ok(et_compare(kind, build_slice(left), build_slice(right), ET_REVEAL_VALUES,
			     &differences, &err),
		  &err);
	if (differences.total != 1)
		print_error("%s of a %s: %llu differences\n", path, et_kind_info(kind)->name,
			    (unsigned long long)differences.total);
	assert_int_equal(differences.total, 1);
	assert_int_equal(differences.count, 1);
	assert_string_equal(differences.list[0].path, path);
	assert_string_not_equal(differences.list[0].left, differences.list[0].right);
}

static void
each_changed_field_is_found_and_no_other(void **state ET_UNUSED)
{
	int all = 0;

	for (unsigned kind = 1; kind < ET_KIND_COUNT; kind++) {
		for (unsigned choice = 0; choice < 2; choice++) {
			struct maker maker = { .target = -1, .choice = choice };
			struct maker odd = { .target = -1, .choice = choice, .odd = true };
			struct et_buf plain;
			struct et_buf strange;
			struct et_buf changed;
			int places;

			et_buf_init(&plain, BODY_BYTES);
			et_buf_init(&strange, BODY_BYTES);
			et_buf_init(&changed, BODY_BYTES);
			places = make_body(&maker, (enum et_kind)kind, &plain);
			assert_int_equal(make_body(&odd, (enum et_kind)kind, &strange), places);
			for (maker.target = 0; maker.target < places; maker.target++) {
				(void)make_body(&maker, (enum et_kind)kind, &changed);
				assert_one((enum et_kind)kind, &plain, &changed, maker.changed);
				assert_one((enum et_kind)kind, &changed, &plain, maker.changed);
				assert_one((enum et_kind)kind, &strange, &changed, maker.changed);
			}
			all += places;
			et_buf_done(&changed);
			et_buf_done(&strange);
			et_buf_done(&plain);
		}
	}
	assert_true(all > 4000);
}

static void
what_protobuf_takes_for_the_same_is_equal(void **state ET_UNUSED)
{
	for (unsigned kind = 1; kind < ET_KIND_COUNT; kind++) {
		struct maker maker = { .target = -1 };
		struct maker odd = { .target = -1, .odd = true };
		struct et_differences differences;
		struct et_error err = { 0 };
		struct et_buf plain;
		struct et_buf strange;

		et_buf_init(&plain, BODY_BYTES);
		et_buf_init(&strange, BODY_BYTES);
		(void)make_body(&maker, (enum et_kind)kind, &plain);
		(void)make_body(&odd, (enum et_kind)kind, &strange);
		assert_true(plain.size != strange.size ||
			    memcmp(plain.data, strange.data, plain.size) != 0);
		assert_ok(et_compare((enum et_kind)kind, build_slice(&plain), build_slice(&strange),
				     ET_REVEAL_DIGESTS, &differences, &err),
			  &err);
		assert_int_equal(differences.total, 0);
		et_buf_done(&strange);
		et_buf_done(&plain);
	}
}

/* ---- by hand: what is told ---- */

static struct et_slice
hex(const char *digits, uint8_t **ret)
{
	return sample_slice(digits, ret);
}

static void
values_are_told_in_few_words(void **state ET_UNUSED)
{
	static const struct {
		enum et_kind kind;
		const char *left, *right;
		enum et_reveal reveal;
		const char *path, *said_left, *said_right;
	} cases[] = {
		/* resource_id.href */
		{ ET_KIND_RESOURCE_CHANGED, "0a0312012f", "0a0412022f61", ET_REVEAL_DIGESTS,
		  "resource_id.href", "\"/\"", "\"/a\"" },
		/* An empty message is something, and a zero is nothing. */
		{ ET_KIND_RESOURCE_CHANGED, "1200", "", ET_REVEAL_DIGESTS, "content",
		  "message of 0 bytes, sha256 e3b0c44298fc1c14", "absent" },
		{ ET_KIND_RESOURCE_CHANGED, "1802", "1800", ET_REVEAL_DIGESTS, "status",
		  "BAD_REQUEST", "absent" },
		{ ET_KIND_RESOURCE_CHANGED, "1863", "18ffffffffffffffffff01", ET_REVEAL_DIGESTS,
		  "status", "99", "-1" },
		{ ET_KIND_RESOURCE_CHANGED, "12021832", "120b18ffffffffffffffffff01",
		  ET_REVEAL_DIGESTS, "content.coap_content_format", "50", "-1" },
		/* etag */
		{ ET_KIND_RESOURCE_CHANGED, "3202beef", "", ET_REVEAL_DIGESTS, "etag", "0xbeef",
		  "absent" },
		/* payload and user: digests only */
		{ ET_KIND_RESOURCE_CHANGED, "12030a0161", "12030a0162", ET_REVEAL_DIGESTS,
		  "content.data", "1 bytes, sha256 ca978112ca1bbdca",
		  "1 bytes, sha256 3e23e8160039594a" },
		{ ET_KIND_RESOURCE_CHANGED, "12030a0161", "12030a0162", ET_REVEAL_VALUES,
		  "content.data", "0x61", "0x62" },
		{ ET_KIND_RESOURCE_CHANGED, "22030a0161", "22030a0162", ET_REVEAL_DIGESTS,
		  "audit_context.user_id", "1 bytes, sha256 ca978112ca1bbdca",
		  "1 bytes, sha256 3e23e8160039594a" },
		{ ET_KIND_RESOURCE_CHANGED, "22031a0161", "", ET_REVEAL_DIGESTS, "audit_context",
		  "message of 3 bytes, sha256 ", "absent" },
		{ ET_KIND_RESOURCE_CHANGED, "22031a0161", "22031a0162", ET_REVEAL_VALUES,
		  "audit_context.owner", "\"a\"", "\"b\"" },
		/* a truth value of a oneof: false is not nothing */
		{ ET_KIND_METADATA_UPDATE_PENDING, "3000", "", ET_REVEAL_DIGESTS, "twin_enabled",
		  "false", "absent" },
		{ ET_KIND_METADATA_UPDATE_PENDING, "3001", "3000", ET_REVEAL_DIGESTS,
		  "twin_enabled", "true", "false" },
		/* unknown: numbers as they are, bytes by digest */
		{ ET_KIND_RESOURCE_CHANGED, "a00602", "", ET_REVEAL_DIGESTS, "#100", "varint 2",
		  "absent" },
		{ ET_KIND_RESOURCE_CHANGED, "e80405", "e80407e80406", ET_REVEAL_DIGESTS, "#77",
		  "varint 5", "varint 6 and 1 more" },
		{ ET_KIND_RESOURCE_CHANGED, "ea040161", "ed0401000000", ET_REVEAL_DIGESTS, "#77",
		  "1 bytes, sha256 ca978112ca1bbdca", "fixed32 1" },
		{ ET_KIND_RESOURCE_CHANGED, "ea040161", "e9040100000000000000", ET_REVEAL_VALUES,
		  "#77", "0x61", "fixed64 1" },
		/* of an unknown kind all is */
		{ ET_KIND_UNKNOWN, "0a0161", "0a0162", ET_REVEAL_VALUES, "#1", "0x61", "0x62" },
	};

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_differences differences;
		struct et_error err = { 0 };
		uint8_t *left;
		uint8_t *right;
		struct et_slice a = hex(cases[i].left, &left);
		struct et_slice b = hex(cases[i].right, &right);

		assert_ok(et_compare(cases[i].kind, a, b, cases[i].reveal, &differences, &err),
			  &err);
		assert_int_equal(differences.count, 1);
		assert_string_equal(differences.list[0].path, cases[i].path);
		assert_memory_equal(differences.list[0].left, cases[i].said_left,
				    strlen(cases[i].said_left));
		assert_string_equal(differences.list[0].right, cases[i].said_right);
		free(left);
		free(right);
	}
}

/* "AAAA..." of so many bytes as resource_types[0] */
static void
tell_long(const uint8_t *bytes, size_t size, unsigned field, enum et_reveal reveal,
	  struct et_difference *ret)
{
	struct et_differences differences;
	struct et_error err = { 0 };
	struct et_buf body;

	et_buf_init(&body, BODY_BYTES);
	et_buf_field_message(&body, field, bytes, size);
	assert_ok(et_compare(ET_KIND_RESOURCE_CHANGED, build_slice(&body), (struct et_slice){ 0 },
			     reveal, &differences, &err),
		  &err);
	assert_int_equal(differences.total, 1);
	*ret = differences.list[0];
	et_buf_done(&body);
}

static void
long_values_are_cut_with_size_and_digest(void **state ET_UNUSED)
{
	struct et_hasher *hasher = et_hasher_new();
	char hexed[ET_SHA256_HEX_BYTES];
	struct et_difference difference;
	struct et_sha256 digest;
	uint8_t bytes[1000];
	char *wanted;

	memset(bytes, 'A', sizeof(bytes));
	et_hasher_once(hasher, bytes, sizeof(bytes), &digest);
	et_sha256_hex(&digest, hexed);
	wanted = et_format("\"%.48s\"... (1000 bytes, sha256 %.16s)", (const char *)bytes, hexed);
	tell_long(bytes, sizeof(bytes), 7, ET_REVEAL_DIGESTS, &difference);
	assert_string_equal(difference.path, "resource_types[0]");
	assert_string_equal(difference.left, wanted);
	free(wanted);
	wanted = et_format("... (1000 bytes, sha256 %.16s)", hexed);
	tell_long(bytes, sizeof(bytes), 6, ET_REVEAL_DIGESTS, &difference);
	assert_memory_equal(difference.left, "0x4141", 6);
	assert_string_equal(difference.left + 2 + 48, wanted);
	free(wanted);
	/* What has to be escaped takes more room; a character is not cut. */
	memset(bytes, '\x01', sizeof(bytes));
	tell_long(bytes, sizeof(bytes), 7, ET_REVEAL_DIGESTS, &difference);
	assert_memory_equal(difference.left, "\"\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\"... (",
			    43);
	for (size_t i = 0; i + 1 < sizeof(bytes); i += 2)
		memcpy(&bytes[i], "\xc3\xa9", 2);
	bytes[0] = 'x';
	bytes[1] = 'y';
	bytes[2] = 'z';
	for (size_t i = 3; i + 1 < sizeof(bytes); i += 2)
		memcpy(&bytes[i], "\xc3\xa9", 2);
	tell_long(bytes, sizeof(bytes), 7, ET_REVEAL_DIGESTS, &difference);
	assert_null(strstr(difference.left, "\xef\xbf\xbd"));
	et_hasher_free(hasher);
}

static void
keys_of_maps_are_cut_too(void **state ET_UNUSED)
{
	struct et_differences differences;
	struct et_error err = { 0 };
	struct et_buf entry;
	struct et_buf body;
	char key[500];

	memset(key, 'k', sizeof(key));
	et_buf_init(&entry, BODY_BYTES);
	et_buf_init(&body, BODY_BYTES);
	et_buf_field_message(&entry, 1, key, sizeof(key));
	et_buf_field_text(&entry, 2, "v");
	et_buf_field_message(&body, 100, entry.data, entry.size);
	assert_ok(et_compare(ET_KIND_RESOURCE_CHANGED, (struct et_slice){ 0 }, build_slice(&body),
			     ET_REVEAL_DIGESTS, &differences, &err),
		  &err);
	assert_int_equal(differences.total, 1);
	assert_memory_equal(differences.list[0].path, "open_telemetry_carrier[\"kkkk", 28);
	assert_non_null(strstr(differences.list[0].path, "kk\"... (500 bytes, sha256 "));
	assert_string_equal(differences.list[0].right, "\"v\"");
	et_buf_done(&body);
	et_buf_done(&entry);
}

static void
many_differences_are_counted_and_the_first_are_listed(void **state ET_UNUSED)
{
	struct et_differences differences;
	struct et_error err = { 0 };
	struct et_buf body;

	et_buf_init(&body, BODY_BYTES);
	for (unsigned i = 0; i < 100; i++)
		et_buf_field_message(&body, 7, "t", 1);
	for (unsigned i = 0; i < 5; i++)
		put_number(&body, 200 + i, 1);
	assert_ok(et_compare(ET_KIND_RESOURCE_CHANGED, build_slice(&body), (struct et_slice){ 0 },
			     ET_REVEAL_DIGESTS, &differences, &err),
		  &err);
	assert_int_equal(differences.total, 105);
	assert_int_equal(differences.count, ET_DIFFERENCES_MAX);
	assert_string_equal(differences.list[ET_DIFFERENCES_MAX - 1].path, "resource_types[15]");
	et_buf_done(&body);
}

static void
what_cannot_be_read_is_corrupt_unless_both_are_alike(void **state ET_UNUSED)
{
	static const struct {
		const char *left, *right, *words;
	} cases[] = {
		{ "0a", "", "the event is no protobuf message" },
		{ "", "0a", "the event is no protobuf message" },
		{ "12010a", "1200", "content is no protobuf message" },
		{ "1200", "12010a", "content is no protobuf message" },
		/* behind it another piece, which cannot mend it */
		{ "12010a1200", "1200", "content is no protobuf message" },
	};
	struct et_differences differences;
	struct et_error err = { 0 };
	uint8_t *left;
	uint8_t *right;

	for (size_t i = 0; i < ET_COUNT(cases); i++) {
		struct et_slice a = hex(cases[i].left, &left);
		struct et_slice b = hex(cases[i].right, &right);

		assert_code(ET_CORRUPT,
			    et_compare(ET_KIND_RESOURCE_CHANGED, a, b, ET_REVEAL_VALUES,
				       &differences, &err),
			    &err);
		assert_words(&err, cases[i].words);
		free(left);
		free(right);
	}
	assert_ok(et_compare(ET_KIND_RESOURCE_CHANGED, text_slice("\x0a"), text_slice("\x0a"),
			     ET_REVEAL_VALUES, &differences, &err),
		  &err);
	assert_int_equal(differences.total, 0);
}

static void
sizes_have_limits(void **state ET_UNUSED)
{
	struct et_slice large = { (const uint8_t *)"", ET_PAYLOAD_BYTES_MAX + 1 };
	struct et_differences differences;
	struct et_error err = { 0 };
	struct et_buf maps;
	struct et_buf unknown;

	assert_code(ET_LIMIT,
		    et_compare(ET_KIND_RESOURCE_CHANGED, large, text_slice(""), ET_REVEAL_VALUES,
			       &differences, &err),
		    &err);
	et_buf_init(&maps, BODY_BYTES);
	et_buf_init(&unknown, BODY_BYTES);
	for (unsigned i = 0; i <= ET_FIELDS_ITEMS_MAX; i++) {
		et_buf_field_message(&maps, 100, "", 0);
		put_number(&unknown, 15, 0);
	}
	assert_code(ET_LIMIT,
		    et_compare(ET_KIND_RESOURCE_CHANGED, build_slice(&maps), text_slice(""),
			       ET_REVEAL_VALUES, &differences, &err),
		    &err);
	assert_code(ET_LIMIT,
		    et_compare(ET_KIND_RESOURCE_CHANGED, text_slice(""), build_slice(&unknown),
			       ET_REVEAL_VALUES, &differences, &err),
		    &err);
	et_buf_done(&unknown);
	et_buf_done(&maps);
}

/* Recursion ends with the descriptors. */
static unsigned
depth_of(const ProtobufCMessageDescriptor *message, unsigned above)
{
	unsigned deepest = above;

	assert_true(above < 8);
	for (unsigned i = 0; i < message->n_fields; i++) {
		unsigned depth;

		if (message->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		depth = depth_of(message->fields[i].descriptor, above + 1);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest;
}

static void
no_message_is_nested_deeper_than_eight(void **state ET_UNUSED)
{
	unsigned deepest = 0;

	assert_null(et_fields_message(ET_KIND_UNKNOWN));
	assert_null(et_fields_message(ET_KIND_COUNT));
	for (unsigned kind = 1; kind < ET_KIND_COUNT; kind++) {
		unsigned depth = depth_of(et_fields_message((enum et_kind)kind), 0);

		deepest = depth > deepest ? depth : deepest;
	}
	assert_true(deepest >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_changed_field_is_found_and_no_other),
		cmocka_unit_test(what_protobuf_takes_for_the_same_is_equal),
		cmocka_unit_test(values_are_told_in_few_words),
		cmocka_unit_test(long_values_are_cut_with_size_and_digest),
		cmocka_unit_test(keys_of_maps_are_cut_too),
		cmocka_unit_test(many_differences_are_counted_and_the_first_are_listed),
		cmocka_unit_test(what_cannot_be_read_is_corrupt_unless_both_are_alike),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(no_message_is_nested_deeper_than_eight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
