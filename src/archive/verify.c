// SPDX-License-Identifier: Apache-2.0
#include "archive/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#include "archive/format.h"
#include "archive/verify_part.h"
#include "base/atomicfile.h"

#define SIDECAR_BYTES_MAX 1024

static const char *const code_names[ET_DAMAGE_CODE_COUNT] = {
	[ET_DAMAGE_FRAME] = "frame",
	[ET_DAMAGE_DIGEST] = "digest",
	[ET_DAMAGE_SEEKTABLE] = "seek_table",
	[ET_DAMAGE_HEADER] = "header",
	[ET_DAMAGE_TAR] = "tar",
	[ET_DAMAGE_MANIFEST] = "manifest",
	[ET_DAMAGE_TABLE] = "frame_table",
	[ET_DAMAGE_RECORD] = "record",
	[ET_DAMAGE_SEQUENCE] = "sequence",
	[ET_DAMAGE_COUNT] = "count",
	[ET_DAMAGE_INDEX] = "index",
	[ET_DAMAGE_TREE] = "tree",
	[ET_DAMAGE_SIDECAR] = "sidecar",
	[ET_DAMAGE_NAME] = "name",
	[ET_DAMAGE_LINK] = "link",
};

const char *
et_damage_code_name(enum et_damage_code code)
{
	return (unsigned)code < ET_DAMAGE_CODE_COUNT ? code_names[code] : "?";
}

void
et_verify_say(struct et_verify *v, enum et_damage_code code, const struct et_piece *piece,
	      uint64_t first_seq, uint64_t last_seq, const char *text)
{
	const struct et_damage damage = {
		.code = code,
		.path = v->path,
		.member = piece != NULL ? piece->member : "",
		.offset = piece != NULL ? piece->extent.offset : UINT64_MAX,
		.first_seq = first_seq,
		.last_seq = last_seq,
		.text = text,
	};

	v->result->damage_count++;
	if (v->options->damage != NULL)
		v->options->damage(v->options->cookie, &damage);
}

/* "<64 hexadecimal digits>  <name>\n", as sha256sum writes it. */
static int
read_sidecar(struct et_verify *v, struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_format("%s%s", v->path, ET_ARCHIVE_SIDECAR_SUFFIX);
	ET_CLEAN_MEM char *text = NULL;
	ET_CLEAN_MEM char *rest = et_format("  %s\n", v->name);
	struct et_error why = { 0 };
	size_t bytes = 0;

	if (et_file_read(path, SIDECAR_BYTES_MAX, &text, &bytes, &why) < 0) {
		/* Compact takes the archive away, then the sidecar. */
		if (access(v->path, F_OK) != 0 && errno == ENOENT)
			return et_error_set(err, ET_GONE, "it was taken away");
		et_verify_say(v, ET_DAMAGE_SIDECAR, NULL, 0, 0, why.text);
		return 0;
	}
	if (bytes == ET_SHA256_HEX_BYTES - 1 + strlen(rest) &&
	    strcmp(text + ET_SHA256_HEX_BYTES - 1, rest) == 0) {
		text[ET_SHA256_HEX_BYTES - 1] = '\0';
		v->sidecar_read = et_sha256_parse(text, &v->sidecar);
	}
	if (!v->sidecar_read)
		et_verify_say(v, ET_DAMAGE_SIDECAR, NULL, 0, 0,
			      "the .sha256 beside it is not of its form");
	return 0;
}

static void
check_sidecar(struct et_verify *v)
{
	struct et_sha256 digest;

	et_hasher_end(v->file_hasher, &digest);
	if (v->sidecar_read && memcmp(&digest, &v->sidecar, sizeof(digest)) != 0)
		et_verify_say(v, ET_DAMAGE_SIDECAR, NULL, 0, 0,
			      "the .sha256 beside it is of other bytes");
}

static void
check_name(struct et_verify *v)
{
	const struct et_manifest *manifest = v->reader->manifest;
	ET_CLEAN_MEM char *name = NULL;

	if (manifest == NULL)
		return;
	name = et_archive_name_format(manifest->statement.stream, manifest->statement.first_seq,
				      manifest->statement.last_seq);
	if (strcmp(name, v->name) != 0)
		et_verify_say(v, ET_DAMAGE_NAME, NULL, 0, 0, "its name is not that of its range");
}

/* The holes of the manifest as gaps between records: types do not matter here. */
static void
take_holes(struct et_verify *v)
{
	const struct et_manifest *manifest = v->reader->manifest;
	const struct et_statement *st;

	v->resync = manifest == NULL;
	if (manifest == NULL)
		return;
	st = &manifest->statement;
	v->next_seq = st->first_seq;
	v->gaps = et_calloc(st->hole_count + 1, sizeof(*v->gaps));
	for (size_t i = 0; i < st->hole_count; i++) {
		if (v->gap_count > 0 && v->gaps[v->gap_count - 1].last + 1 == st->holes[i].first)
			v->gaps[v->gap_count - 1].last = st->holes[i].last;
		else
			v->gaps[v->gap_count++] =
				(struct et_range){ st->holes[i].first, st->holes[i].last };
	}
}

/* Root and edge say the same thing: the tree that is started from the edge has the root. */
static void
start_tree(struct et_verify *v)
{
	const struct et_tree_hooks *tree = v->options->tree;
	const struct et_statement *st =
		v->reader->manifest != NULL ? &v->reader->manifest->statement : NULL;
	struct et_tree_head head;

	if (tree == NULL || st == NULL)
		return;
	tree->start(tree->cookie, &st->before);
	tree->head(tree->cookie, &head);
	if (!et_tree_head_equals(&head, &st->before))
		et_verify_say(v, ET_DAMAGE_TREE, NULL, 0, 0,
			      "root and edge before the archive do not fit together");
}

static void
check_tree(struct et_verify *v, const struct et_statement *st)
{
	const struct et_tree_hooks *tree = v->options->tree;
	struct et_tree_head head;

	if (tree == NULL)
		return;
	tree->head(tree->cookie, &head);
	if (!et_tree_head_equals(&head, &st->after))
		et_verify_say(v, ET_DAMAGE_TREE, NULL, st->first_seq, st->last_seq,
			      "the tree over the records is not that of the manifest");
}

static void
check_rows(struct et_verify *v, const struct et_statement *st)
{
	char text[160];

	if (v->index_lost)
		return;
	if (v->options->rows != NULL && (v->made.count != v->indexed.count ||
					 v->made.a != v->indexed.a || v->made.b != v->indexed.b)) {
		(void)snprintf(text, sizeof(text),
			       "%" PRIu64 " rows in the index are not the %" PRIu64
			       " of the records",
			       v->indexed.count, v->made.count);
		et_verify_say(v, ET_DAMAGE_INDEX, NULL, st->first_seq, st->last_seq, text);
	}
	if (v->indexed.count != st->counts.rows)
		et_verify_say(v, ET_DAMAGE_COUNT, NULL, 0, 0,
			      "the index has not as many rows as the manifest says");
}

static void
check_counts(struct et_verify *v, const struct et_statement *st)
{
	const struct et_archive_counts *said = &st->counts;
	bool same = v->counts.messages == said->messages && v->result->raw_bytes == st->raw_bytes;

	if (v->options->rows != NULL)
		same = same && v->counts.events == said->events &&
		       v->counts.registrations == said->registrations &&
		       v->counts.foreign == said->foreign && v->counts.malformed == said->malformed;
	if (said->messages > 0)
		same = same && v->first_time_ns == st->first_time_ns &&
		       v->last_time_ns == st->last_time_ns;
	else
		same = same && st->first_time_ns == ET_TIME_NONE &&
		       st->last_time_ns == ET_TIME_NONE;
	if (!same)
		et_verify_say(v, ET_DAMAGE_COUNT, NULL, 0, 0,
			      "counts, times or sizes are not those of the records");
}

/* What can be said only when all was read. */
static void
check_end(struct et_verify *v)
{
	const struct et_statement *st;
	uint64_t next = v->next_seq;

	check_sidecar(v);
	v->result->records = v->counts.messages;
	v->result->rows = v->indexed.count;
	if (v->reader->manifest == NULL)
		return;
	st = &v->reader->manifest->statement;
	if (!v->resync && (next <= st->last_seq && next != 0)) {
		if (v->gap_at + 1 == v->gap_count && v->gaps[v->gap_at].first == next &&
		    v->gaps[v->gap_at].last == st->last_seq)
			v->gap_at++;
		else
			et_verify_say(v, ET_DAMAGE_SEQUENCE, NULL, next, st->last_seq,
				      "records are missing at the end, and that is no hole of the "
				      "manifest");
	}
	if (!v->resync && !v->lost && v->gap_at != v->gap_count)
		et_verify_say(v, ET_DAMAGE_SEQUENCE, NULL, v->gaps[v->gap_at].first,
			      v->gaps[v->gap_at].last, "a hole of the manifest is none");
	if (v->lost)
		return; /* named already; sums over a part prove nothing */
	check_counts(v, st);
	check_rows(v, st);
	check_tree(v, st);
}

/* Without reading all: the header still says whether we may read this at all. */
static int
quick_header(struct et_verify *v, struct et_error *err)
{
	const struct et_manifest *manifest = v->reader->manifest;
	struct et_error why = { 0 };
	struct et_slice raw;
	int r;

	if (manifest == NULL || v->piece_count < 2 || !v->pieces[1].sound ||
	    v->pieces[1].kind != ET_FRAME_HEADER)
		return 0;
	r = et_reader_frame(v->reader, &v->pieces[1].extent, &v->pieces[1].entry.sha256, &raw,
			    &why);
	if (r == 0)
		r = et_archive_header_check(raw, manifest->statement.stream,
					    manifest->statement.identity, &why);
	if (r == ET_CONFIG || r == ET_IO) {
		if (err != NULL)
			*err = why;
		return r;
	}
	if (r < 0)
		et_verify_say(v, ET_DAMAGE_HEADER, &v->pieces[1], 0, 0, why.text);
	return 0;
}

static int
verify(struct et_verify *v, struct et_error *err)
{
	int r;

	/* Keys that nobody can know before: see add_row. */
	if (getrandom(v->keys, sizeof(v->keys), 0) != (ssize_t)sizeof(v->keys))
		return et_error_errno(err, errno, "get random bytes");
	et_hasher_begin(v->file_hasher);
	r = et_verify_plan(v, err);
	if (r < 0)
		return r;
	r = read_sidecar(v, err);
	if (r < 0)
		return r;
	check_name(v);
	if (v->options->quick)
		return quick_header(v, err);
	take_holes(v);
	start_tree(v);
	r = et_verify_read(v, err);
	if (r == 0)
		check_end(v);
	return r;
}

int
et_verify_archive(const char *path, const struct et_verify_options *options,
		  struct et_verify_result *ret, struct et_error *err)
{
	const char *slash = strrchr(path, '/');
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_verify_result result = { 0 };
	struct et_verify v = {
		.options = options,
		.path = path,
		.name = slash != NULL ? slash + 1 : path,
		.result = &result,
		.first_time_ns = INT64_MAX,
		.last_time_ns = INT64_MIN,
	};
	int r = et_reader_begin(path, &reader, err);

	if (r < 0)
		return r;
	v.reader = reader;
	v.file_hasher = et_hasher_new();
	result.packed_bytes = reader->file_bytes;
	r = verify(&v, err);
	for (size_t i = 0; i < v.name_count; i++)
		free(v.names[i]);
	free(v.names);
	free(v.pieces);
	free(v.gaps);
	et_hasher_free(v.file_hasher);
	if (r < 0)
		return et_error_wrap(err, r, "verify %s", path);
	result.manifest = ET_STEAL(reader->manifest);
	*ret = result;
	return 0;
}

void
et_verify_result_done(struct et_verify_result *result)
{
	et_manifest_free(result->manifest);
	*result = (struct et_verify_result){ 0 };
}

unsigned
et_verify_link(const char *path, const struct et_statement *before,
	       const struct et_statement *after, const struct et_verify_options *options)
{
	struct et_verify_result result = { 0 };
	struct et_verify v = { .options = options, .path = path, .result = &result };

	if (strcmp(before->stream, after->stream) != 0 ||
	    strcmp(before->identity, after->identity) != 0) {
		et_verify_say(&v, ET_DAMAGE_LINK, NULL, 0, 0,
			      "it is of another stream than the archive before it");
		return (unsigned)result.damage_count;
	}
	if (after->first_seq <= before->last_seq)
		et_verify_say(&v, ET_DAMAGE_LINK, NULL, 0, 0,
			      "it begins before the end of the archive before it");
	else if (after->first_seq != before->last_seq + 1)
		et_verify_say(&v, ET_DAMAGE_LINK, NULL, before->last_seq + 1, after->first_seq - 1,
			      "it does not begin where the archive before it ends");
	if (!et_tree_head_equals(&before->after, &after->before))
		et_verify_say(&v, ET_DAMAGE_LINK, NULL, 0, 0,
			      "its tree does not go on from that of the archive before it");
	return (unsigned)result.damage_count;
}
