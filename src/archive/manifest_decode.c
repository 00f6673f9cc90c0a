// SPDX-License-Identifier: Apache-2.0
/*
 * The manifest and header.json as they are read: nothing is believed. The first
 * thing that is wrong is remembered in the struct and makes all later reads
 * return zeros, so that a reader may read a whole object and ask once.
 */
#include "archive/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "archive/format.h"
#include "archive/index.h"

struct reading {
	struct et_error *err;
	int failed; /* 0, or the code */
};

static void
wrong(struct reading *in, const char *what)
{
	if (in->failed == 0)
		in->failed = et_error_set(in->err, ET_CORRUPT, "%s", what);
}

/* Whole decimal text with an optional sign: 0, or -1. */
static int
read_digits(const char *text, bool *ret_negative, uint64_t *ret)
{
	char *end = NULL;

	*ret_negative = *text == '-';
	text += *ret_negative ? 1 : 0;
	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? 0 : -1;
}

/* Numbers are JSON integers, or text where they are beyond 2^53. */
static uint64_t
get_u64(struct reading *in, const json_t *value, const char *what)
{
	bool negative = false;
	uint64_t number = 0;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	if (json_is_string(value) &&
	    read_digits(json_string_value(value), &negative, &number) == 0 && !negative)
		return number;
	wrong(in, what);
	return 0;
}

static int64_t
get_i64(struct reading *in, const json_t *value, const char *what)
{
	bool negative = false;
	uint64_t number = 0;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value) &&
	    read_digits(json_string_value(value), &negative, &number) == 0 &&
	    number <= (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return negative ? (int64_t)(0 - number) : (int64_t)number;
	wrong(in, what);
	return 0;
}

static char *
get_name(struct reading *in, const json_t *value, const char *what)
{
	if (json_is_string(value) && json_string_length(value) == strlen(json_string_value(value)))
		return et_strdup(json_string_value(value));
	wrong(in, what);
	return et_strdup("");
}

static struct et_sha256
get_digest(struct reading *in, const json_t *value, const char *what)
{
	struct et_sha256 digest = { 0 };

	if (!json_is_string(value) || !et_sha256_parse(json_string_value(value), &digest))
		wrong(in, what);
	return digest;
}

static struct et_uuid
get_uuid(struct reading *in, const json_t *value, const char *what)
{
	struct et_uuid uuid = { 0 };

	if (!json_is_string(value) ||
	    !et_uuid_parse_canonical(json_string_value(value), json_string_length(value), &uuid))
		wrong(in, what);
	return uuid;
}

static int64_t
get_time(struct reading *in, const json_t *value, const char *what)
{
	int64_t time_ns = ET_TIME_NONE;

	if (json_is_null(value))
		return ET_TIME_NONE;
	if (!json_is_string(value) || et_time_parse(json_string_value(value), &time_ns, NULL) < 0)
		wrong(in, what);
	return time_ns;
}

static void
get_head(struct reading *in, const json_t *tree, const char *size, const char *root,
	 const char *edge, struct et_tree_head *ret)
{
	const json_t *list = json_object_get(tree, edge);

	ret->size = get_u64(in, json_object_get(tree, size), "tree: no size");
	ret->root = get_digest(in, json_object_get(tree, root), "tree: no root");
	if (!json_is_array(list) ||
	    json_array_size(list) != (size_t)__builtin_popcountll(ret->size)) {
		wrong(in, "tree: an edge that does not fit its size");
		return;
	}
	ret->edge_count = (unsigned)json_array_size(list);
	for (unsigned i = 0; i < ret->edge_count; i++)
		ret->edge[i] =
			get_digest(in, json_array_get(list, i), "tree: an edge that is no digest");
}

static void
get_hole(struct reading *in, const json_t *value, struct et_statement *st)
{
	uint64_t first = get_u64(in, json_object_get(value, "first"), "a hole without first");
	uint64_t last = get_u64(in, json_object_get(value, "last"), "a hole without last");
	const char *name = json_string_value(json_object_get(value, "type"));
	unsigned type = 0;

	while (type < ET_HOLE_TYPE_COUNT &&
	       (name == NULL || strcmp(name, et_hole_type_name(type)) != 0))
		type++;
	if (type == ET_HOLE_TYPE_COUNT)
		wrong(in, "a hole of unknown type");
	if (first > last || first < st->first_seq || last > st->last_seq ||
	    (st->hole_count > 0 && first <= st->holes[st->hole_count - 1].last))
		wrong(in, "holes out of order or range");
	if (in->failed == 0)
		et_statement_add_hole(st, first, last, type);
}

static void
get_counts(struct reading *in, const json_t *counts, struct et_archive_counts *ret)
{
	ret->messages = get_u64(in, json_object_get(counts, "messages"), "counts: no messages");
	ret->events = get_u64(in, json_object_get(counts, "events"), "counts: no events");
	ret->registrations =
		get_u64(in, json_object_get(counts, "registrations"), "counts: no registrations");
	ret->foreign = get_u64(in, json_object_get(counts, "foreign"), "counts: no foreign");
	ret->malformed = get_u64(in, json_object_get(counts, "malformed"), "counts: no malformed");
	ret->rows = get_u64(in, json_object_get(counts, "rows"), "counts: no rows");
	/* Unsigned arithmetic cannot trap; a sum that wraps to the right number is still caught by
	 * verify. */
	if (ret->events + ret->registrations + ret->foreign + ret->malformed != ret->messages ||
	    ret->rows < ret->messages)
		wrong(in, "counts that do not add up");
}

static void
check_statement(struct reading *in, const struct et_statement *st)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < st->hole_count; i++)
		missing += st->holes[i].last - st->holes[i].first + 1;
	if (st->first_seq == 0 || st->first_seq > st->last_seq)
		wrong(in, "a range that is none");
	else if (missing + st->counts.messages != st->last_seq - st->first_seq + 1)
		wrong(in, "records and holes do not fill the range");
	if (st->after.size - st->before.size != st->counts.messages ||
	    st->after.size < st->before.size)
		wrong(in, "the tree does not grow by the number of messages");
	if (st->counts.messages > 0 &&
	    (st->first_time_ns == ET_TIME_NONE || st->first_time_ns > st->last_time_ns))
		wrong(in, "times out of order");
}

static void
get_statement(struct reading *in, const json_t *value, struct et_statement *st)
{
	const json_t *holes = json_object_get(value, "holes");
	const json_t *tree = json_object_get(value, "tree");
	const char *format = json_string_value(json_object_get(value, "format"));
	uint64_t version = get_u64(in, json_object_get(value, "version"), "no version");
	size_t i;
	json_t *hole;

	if (format == NULL || strcmp(format, ET_ARCHIVE_FORMAT) != 0)
		wrong(in, "no " ET_ARCHIVE_FORMAT);
	if (version != ET_ARCHIVE_VERSION && in->failed == 0)
		in->failed = et_error_set(in->err, ET_CONFIG,
					  "version %" PRIu64 ", and this evtrail reads %d", version,
					  ET_ARCHIVE_VERSION);
	st->version = (unsigned)version;
	st->stream = get_name(in, json_object_get(value, "stream"), "no stream");
	st->identity = get_name(in, json_object_get(value, "identity"), "no identity");
	st->first_seq = get_u64(in, json_object_get(value, "first_seq"), "no first_seq");
	st->last_seq = get_u64(in, json_object_get(value, "last_seq"), "no last_seq");
	if (!json_is_array(holes) || json_array_size(holes) > ET_HOLE_COUNT_MAX)
		wrong(in, "no holes, or too many");
	json_array_foreach(holes, i, hole) get_hole(in, hole, st);
	get_counts(in, json_object_get(value, "counts"), &st->counts);
	st->first_time_ns = get_time(in, json_object_get(value, "first_time"), "no first_time");
	st->last_time_ns = get_time(in, json_object_get(value, "last_time"), "no last_time");
	st->raw_bytes = get_u64(in, json_object_get(value, "raw_bytes"), "no raw_bytes");
	get_head(in, tree, "size_before", "root_before", "edge_before", &st->before);
	get_head(in, tree, "size_after", "root_after", "right_edge", &st->after);
	check_statement(in, st);
}

static enum et_frame_kind
kind_of(const char *member)
{
	if (strncmp(member, "records/", 8) == 0)
		return ET_FRAME_RECORDS;
	if (strncmp(member, "index/", 6) == 0)
		return ET_FRAME_INDEX;
	return ET_FRAME_HEADER;
}

static void
get_key(struct reading *in, const json_t *frame, size_t at, struct et_index_key *ret)
{
	ret->device = get_uuid(in, json_array_get(frame, at), "a frame without its device");
	ret->aggregate =
		get_uuid(in, json_array_get(frame, at + 1), "a frame without its aggregate");
	ret->version = get_u64(in, json_array_get(frame, at + 2), "a frame without its version");
}

/* Where the frame in front of it ends, in records or in keys. */
struct order {
	uint64_t offset;
	uint64_t seq;
	struct et_index_key key;
};

static bool
follows_in_file(const struct et_frame_entry *frame, const struct order *order)
{
	return frame->offset == order->offset && frame->packed_bytes > 0 && frame->raw_bytes > 0 &&
	       frame->packed_bytes <= ET_FRAME_PACKED_MAX && frame->raw_bytes <= ET_FRAME_RAW_MAX;
}

static bool
follows_in_range(const struct et_frame_entry *frame, const struct order *order,
		 const struct et_statement *st)
{
	return frame->count > 0 && frame->first_seq > order->seq &&
	       frame->first_seq <= frame->last_seq && frame->first_seq >= st->first_seq &&
	       frame->last_seq <= st->last_seq && frame->first_time_ns <= frame->last_time_ns;
}

static bool
follows_in_index(const struct et_frame_entry *frame, const struct order *order)
{
	return frame->count > 0 && et_index_key_compare(&order->key, &frame->first_key) <= 0 &&
	       et_index_key_compare(&frame->first_key, &frame->last_key) <= 0;
}

static void
check_order(struct reading *in, const struct et_frame_entry *frame, const struct et_statement *st,
	    struct order *order)
{
	if (!follows_in_file(frame, order))
		wrong(in, "frames that do not follow each other");
	order->offset += frame->packed_bytes;
	if (frame->kind == ET_FRAME_RECORDS) {
		if (!follows_in_range(frame, order, st))
			wrong(in, "frames of records out of order");
		order->seq = frame->last_seq;
	} else if (frame->kind == ET_FRAME_INDEX) {
		if (!follows_in_index(frame, order))
			wrong(in, "frames of the index out of order");
		order->key = frame->last_key;
	}
}

static void
get_frame(struct reading *in, const json_t *value, enum et_frame_kind kind,
	  struct et_frame_entry *ret)
{
	static const size_t items[] = {
		[ET_FRAME_TAR] = 4,
		[ET_FRAME_HEADER] = 4,
		[ET_FRAME_RECORDS] = 9,
		[ET_FRAME_INDEX] = 11,
	};

	*ret = (struct et_frame_entry){ .kind = kind };
	if (!json_is_array(value) || json_array_size(value) < items[kind])
		wrong(in, "a frame that is no list of its values");
	ret->offset = get_u64(in, json_array_get(value, 0), "a frame without offset");
	ret->packed_bytes =
		get_u64(in, json_array_get(value, 1), "a frame without its packed size");
	ret->raw_bytes = get_u64(in, json_array_get(value, 2), "a frame without its raw size");
	ret->sha256 = get_digest(in, json_array_get(value, 3), "a frame without digest");
	if (kind == ET_FRAME_RECORDS || kind == ET_FRAME_INDEX)
		ret->count = get_u64(in, json_array_get(value, 4), "a frame without count");
	if (kind == ET_FRAME_RECORDS) {
		ret->first_seq =
			get_u64(in, json_array_get(value, 5), "a frame without first sequence");
		ret->last_seq =
			get_u64(in, json_array_get(value, 6), "a frame without last sequence");
		ret->first_time_ns =
			get_i64(in, json_array_get(value, 7), "a frame without first time");
		ret->last_time_ns =
			get_i64(in, json_array_get(value, 8), "a frame without last time");
	} else if (kind == ET_FRAME_INDEX) {
		get_key(in, value, 5, &ret->first_key);
		get_key(in, value, 8, &ret->last_key);
	}
}

static void
get_member(struct reading *in, const json_t *value, struct et_manifest *manifest,
	   struct order *order)
{
	ET_CLEAN_MEM char *name =
		get_name(in, json_object_get(value, "member"), "a member without name");
	const json_t *frames = json_object_get(value, "frames");
	uint64_t bytes = get_u64(in, json_object_get(value, "bytes"), "a member without size");
	uint64_t sum = 0;
	size_t i;
	json_t *item;

	if (*name == '\0' || strlen(name) > ET_MEMBER_NAME_MAX || !json_is_array(frames) ||
	    manifest->frame_count + json_array_size(frames) > ET_FRAME_COUNT_MAX)
		wrong(in, "a member without a good name, or without frames");
	if (in->failed < 0)
		return;
	(void)et_manifest_add_member(manifest, name, bytes);
	json_array_foreach(frames, i, item)
	{
		struct et_frame_entry frame;

		get_frame(in, item, i == 0 ? ET_FRAME_TAR : kind_of(name), &frame);
		check_order(in, &frame, &manifest->statement, order);
		if (in->failed < 0)
			return;
		et_manifest_add_frame(manifest, &frame);
		sum += i > 0 ? frame.raw_bytes : 0;
	}
	if (sum != bytes || bytes == 0)
		wrong(in, "a member that is not the sum of its frames");
}

static void
check_sums(struct reading *in, const struct et_manifest *manifest)
{
	const struct et_statement *st = &manifest->statement;
	uint64_t messages = 0;
	uint64_t rows = 0;
	uint64_t raw = 0;

	for (size_t i = 0; i < manifest->frame_count; i++) {
		const struct et_frame_entry *frame = &manifest->frames[i];

		messages += frame->kind == ET_FRAME_RECORDS ? frame->count : 0;
		raw += frame->kind == ET_FRAME_RECORDS ? frame->raw_bytes : 0;
		rows += frame->kind == ET_FRAME_INDEX ? frame->count : 0;
	}
	if (messages != st->counts.messages || rows != st->counts.rows || raw != st->raw_bytes)
		wrong(in, "counts of the frames do not add up to those of the statement");
}

/* JSON text as a tree. Nesting is jansson's to bound (2048). */
static json_t *
load(struct reading *in, struct et_slice text, const char *what)
{
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(root))
		wrong(in, what);
	return root;
}

int
et_manifest_decode(struct et_slice text, struct et_manifest **ret, struct et_error *err)
{
	ET_CLEAN(et_manifest) struct et_manifest *manifest = et_manifest_new();
	struct reading in = { .err = err };
	struct order order = { 0 };
	const json_t *files;
	json_t *root;
	json_t *item;
	size_t i;

	if (text.size > ET_MANIFEST_BYTES_MAX)
		return et_error_set(err, ET_LIMIT, "a manifest of %zu bytes, the limit is %u",
				    text.size, ET_MANIFEST_BYTES_MAX);
	root = load(&in, text, "no JSON object");
	get_statement(&in, json_object_get(root, "statement"), &manifest->statement);
	files = json_object_get(root, "files");
	if (!json_is_array(files) || json_array_size(files) == 0)
		wrong(&in, "no files");
	json_array_foreach(files, i, item) if (in.failed == 0)
		get_member(&in, item, manifest, &order);
	if (in.failed == 0)
		check_sums(&in, manifest);
	json_decref(root);
	if (in.failed < 0)
		return et_error_wrap(err, in.failed, ET_ARCHIVE_MANIFEST);
	*ret = ET_STEAL(manifest);
	return 0;
}

static void
check_header(struct reading *in, const json_t *root, const char *stream, const char *identity)
{
	const json_t *requires = json_object_get(root, "requires");
	const char *format = json_string_value(json_object_get(root, "format"));
	uint64_t version = get_u64(in, json_object_get(root, "version"), "no version");
	const char *has_stream = json_string_value(json_object_get(root, "stream"));
	const char *has_identity = json_string_value(json_object_get(root, "identity"));

	if (format == NULL || strcmp(format, ET_ARCHIVE_FORMAT) != 0)
		wrong(in, "no " ET_ARCHIVE_FORMAT);
	if (!json_is_array(requires))
		wrong(in, "no list of requirements");
	if (has_stream == NULL || (stream != NULL && strcmp(stream, has_stream) != 0) ||
	    has_identity == NULL || (identity != NULL && strcmp(identity, has_identity) != 0))
		wrong(in, "stream or identity are not those of the manifest");
	if (in->failed < 0)
		return;
	if (version != ET_ARCHIVE_VERSION)
		in->failed = et_error_set(in->err, ET_CONFIG,
					  "version %" PRIu64 ", and this evtrail reads %d", version,
					  ET_ARCHIVE_VERSION);
	else if (json_array_size(requires) > 0)
		in->failed = et_error_set(in->err, ET_CONFIG,
					  "it requires '%.100s', which this evtrail does not know",
					  json_is_string(json_array_get(requires, 0))
						  ? json_string_value(json_array_get(requires, 0))
						  : "?");
}

int
et_archive_header_check(struct et_slice text, const char *stream, const char *identity,
			struct et_error *err)
{
	struct reading in = { .err = err };
	json_t *root = load(&in, text, "no JSON object");

	check_header(&in, root, stream, identity);
	json_decref(root);
	return in.failed < 0 ? et_error_wrap(err, in.failed, ET_ARCHIVE_HEADER) : 0;
}
