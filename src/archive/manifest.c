// SPDX-License-Identifier: Apache-2.0
#include "archive/manifest.h"

#include <inttypes.h>
#include <jansson.h>

#include "archive/format.h"

#define EXACT_MAX ((UINT64_C(1) << 53) - 1) /* what every JSON reader holds exactly */

static const char *const hole_types[ET_HOLE_TYPE_COUNT] = {
	[ET_HOLE_EXPIRED_BEFORE] = "expired_before",
	[ET_HOLE_EXPIRED_WHILE_READING] = "expired_while_reading",
	[ET_HOLE_ABSENT] = "absent",
	[ET_HOLE_NOT_REQUESTED] = "not_requested",
};

const char *
et_hole_type_name(enum et_hole_type type)
{
	return (unsigned)type < ET_HOLE_TYPE_COUNT ? hole_types[type] : "?";
}

bool
et_tree_head_equals(const struct et_tree_head *a, const struct et_tree_head *b)
{
	return a->size == b->size && a->edge_count == b->edge_count &&
	       memcmp(&a->root, &b->root, sizeof(a->root)) == 0 &&
	       memcmp(a->edge, b->edge, a->edge_count * sizeof(a->edge[0])) == 0;
}

struct et_manifest *
et_manifest_new(void)
{
	struct et_manifest *manifest = et_calloc(1, sizeof(*manifest));

	manifest->statement.version = ET_ARCHIVE_VERSION;
	manifest->statement.first_time_ns = ET_TIME_NONE;
	manifest->statement.last_time_ns = ET_TIME_NONE;
	return manifest;
}

void
et_manifest_free(struct et_manifest *manifest)
{
	if (manifest == NULL)
		return;
	for (size_t i = 0; i < manifest->member_count; i++)
		free(manifest->members[i].name);
	free(manifest->members);
	free(manifest->frames);
	free(manifest->statement.stream);
	free(manifest->statement.identity);
	free(manifest->statement.holes);
	free(manifest);
}

unsigned
et_manifest_add_member(struct et_manifest *manifest, const char *name, uint64_t bytes)
{
	if (manifest->member_count == manifest->member_capacity) {
		manifest->member_capacity =
			manifest->member_capacity > 0 ? manifest->member_capacity * 2 : 16;
		manifest->members = et_realloc_array(manifest->members, manifest->member_capacity,
						     sizeof(*manifest->members));
	}
	manifest->members[manifest->member_count] = (struct et_member){
		.name = et_strdup(name),
		.bytes = bytes,
		.first_frame = manifest->frame_count,
	};
	return (unsigned)manifest->member_count++;
}

void
et_manifest_add_frame(struct et_manifest *manifest, const struct et_frame_entry *entry)
{
	struct et_frame_entry *to;

	if (manifest->frame_count == manifest->frame_capacity) {
		manifest->frame_capacity =
			manifest->frame_capacity > 0 ? manifest->frame_capacity * 2 : 64;
		manifest->frames = et_realloc_array(manifest->frames, manifest->frame_capacity,
						    sizeof(*manifest->frames));
	}
	to = &manifest->frames[manifest->frame_count++];
	*to = *entry;
	to->member = (unsigned)manifest->member_count - 1;
	manifest->members[to->member].frame_count++;
}

/* Grows by doubling without a capacity of its own: room is there up to the next power of two. */
void
et_statement_add_hole(struct et_statement *statement, uint64_t first, uint64_t last,
		      enum et_hole_type type)
{
	size_t count = statement->hole_count;
	struct et_hole *end = count > 0 ? &statement->holes[count - 1] : NULL;

	if (end != NULL && end->type == type && end->last + 1 == first) {
		end->last = last;
		return;
	}
	if ((count & (count - 1)) == 0)
		statement->holes = et_realloc_array(statement->holes, count > 0 ? count * 2 : 1,
						    sizeof(*statement->holes));
	statement->holes[statement->hole_count++] = (struct et_hole){ first, last, type };
}

static void
put_string(struct et_buf *out, const char *text)
{
	json_t *string = json_string(text);
	char *encoded =
		string != NULL ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

	/* The writer has checked that both names are plain ASCII. */
	et_buf_text(out, encoded != NULL ? encoded : "\"\"");
	free(encoded);
	json_decref(string);
}

static void
put_u64(struct et_buf *out, uint64_t value)
{
	et_buf_format(out, value <= EXACT_MAX ? "%" PRIu64 : "\"%" PRIu64 "\"", value);
}

static void
put_i64(struct et_buf *out, int64_t value)
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	et_buf_format(out, size <= EXACT_MAX ? "%" PRId64 : "\"%" PRId64 "\"", value);
}

static void
put_named(struct et_buf *out, const char *before, uint64_t value)
{
	et_buf_text(out, before);
	put_u64(out, value);
}

static void
put_digest(struct et_buf *out, const struct et_sha256 *digest)
{
	char hex[ET_SHA256_HEX_BYTES];

	et_sha256_hex(digest, hex);
	et_buf_format(out, "\"%s\"", hex);
}

static void
put_time(struct et_buf *out, int64_t time_ns)
{
	char text[ET_TIME_TEXT_BYTES];

	if (time_ns == ET_TIME_NONE)
		et_buf_text(out, "null");
	else
		et_buf_format(out, "\"%s\"", et_time_format(time_ns, text));
}

static void
put_head(struct et_buf *out, const struct et_tree_head *head, const char *when, const char *edge)
{
	et_buf_format(out, "\"size_%s\": ", when);
	put_u64(out, head->size);
	et_buf_format(out, ", \"root_%s\": ", when);
	put_digest(out, &head->root);
	et_buf_format(out, ", \"%s\": [", edge);
	for (unsigned i = 0; i < head->edge_count; i++) {
		et_buf_text(out, i > 0 ? ", " : "");
		put_digest(out, &head->edge[i]);
	}
	et_buf_text(out, "]");
}

static void
put_statement(struct et_buf *out, const struct et_statement *st)
{
	et_buf_format(out, "{\"format\": \"%s\", \"version\": %u,\n\"stream\": ", ET_ARCHIVE_FORMAT,
		      st->version);
	put_string(out, st->stream);
	et_buf_text(out, ", \"identity\": ");
	put_string(out, st->identity);
	put_named(out, ",\n\"first_seq\": ", st->first_seq);
	put_named(out, ", \"last_seq\": ", st->last_seq);
	et_buf_text(out, ",\n\"holes\": [");
	for (size_t i = 0; i < st->hole_count; i++) {
		put_named(out, i > 0 ? ",\n{\"first\": " : "\n{\"first\": ", st->holes[i].first);
		put_named(out, ", \"last\": ", st->holes[i].last);
		et_buf_format(out, ", \"type\": \"%s\"}", et_hole_type_name(st->holes[i].type));
	}
	put_named(out, "],\n\"counts\": {\"messages\": ", st->counts.messages);
	put_named(out, ", \"events\": ", st->counts.events);
	put_named(out, ", \"registrations\": ", st->counts.registrations);
	put_named(out, ", \"foreign\": ", st->counts.foreign);
	put_named(out, ", \"malformed\": ", st->counts.malformed);
	put_named(out, ", \"rows\": ", st->counts.rows);
	et_buf_text(out, "},\n\"first_time\": ");
	put_time(out, st->first_time_ns);
	et_buf_text(out, ", \"last_time\": ");
	put_time(out, st->last_time_ns);
	put_named(out, ",\n\"raw_bytes\": ", st->raw_bytes);
	et_buf_text(out, ",\n\"tree\": {");
	put_head(out, &st->before, "before", "edge_before");
	et_buf_text(out, ",\n");
	put_head(out, &st->after, "after", "right_edge");
	et_buf_text(out, "}}");
}

static void
put_key(struct et_buf *out, const struct et_index_key *key)
{
	char device[ET_UUID_TEXT_BYTES];
	char aggregate[ET_UUID_TEXT_BYTES];

	et_uuid_format(&key->device, device);
	et_uuid_format(&key->aggregate, aggregate);
	et_buf_format(out, ",\"%s\",\"%s\",", device, aggregate);
	put_u64(out, key->version);
}

static void
put_frame(struct et_buf *out, const struct et_frame_entry *frame)
{
	put_named(out, "[", frame->offset);
	put_named(out, ",", frame->packed_bytes);
	put_named(out, ",", frame->raw_bytes);
	et_buf_text(out, ",");
	put_digest(out, &frame->sha256);
	if (frame->kind == ET_FRAME_RECORDS) {
		put_named(out, ",", frame->count);
		put_named(out, ",", frame->first_seq);
		put_named(out, ",", frame->last_seq);
		et_buf_text(out, ",");
		put_i64(out, frame->first_time_ns);
		et_buf_text(out, ",");
		put_i64(out, frame->last_time_ns);
	} else if (frame->kind == ET_FRAME_INDEX) {
		put_named(out, ",", frame->count);
		put_key(out, &frame->first_key);
		put_key(out, &frame->last_key);
	}
	et_buf_text(out, "]");
}

int
et_manifest_encode(const struct et_manifest *manifest, struct et_buf *out, struct et_error *err)
{
	et_buf_text(out, "{\"statement\":\n");
	put_statement(out, &manifest->statement);
	et_buf_text(out, ",\n\"files\": [");
	for (size_t i = 0; i < manifest->member_count; i++) {
		const struct et_member *member = &manifest->members[i];

		et_buf_format(out, "%s\n{\"member\": \"%s\", \"bytes\": ", i > 0 ? "," : "",
			      member->name);
		put_u64(out, member->bytes);
		et_buf_text(out, ", \"frames\": [");
		for (size_t k = 0; k < member->frame_count; k++) {
			et_buf_text(out, k > 0 ? ",\n" : "\n");
			put_frame(out, &manifest->frames[member->first_frame + k]);
		}
		et_buf_text(out, "]}");
	}
	et_buf_text(out, "]}\n");
	return et_buf_check(out, ET_ARCHIVE_MANIFEST, err);
}

void
et_archive_header_encode(const char *stream, const char *identity, struct et_buf *out)
{
	et_buf_format(out, "{\"format\": \"%s\", \"version\": %d, \"requires\": [], \"stream\": ",
		      ET_ARCHIVE_FORMAT, ET_ARCHIVE_VERSION);
	put_string(out, stream);
	et_buf_text(out, ", \"identity\": ");
	put_string(out, identity);
	et_buf_text(out, "}\n");
}
