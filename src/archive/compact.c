// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "archive/reader.h"
#include "archive/writer.h"
#include "base/cancel.h"

/* The merged archive, and where it stands. */
struct merging {
	struct et_archive_options options;
	struct et_writer *writer;
	uint64_t next_seq;
	struct et_tree_head after; /* of the last archive that went in */
};

static int
check_neighbour(struct merging *merging, const struct et_reader *reader, struct et_error *err)
{
	const struct et_statement *st = et_reader_statement(reader);

	if (strcmp(st->stream, merging->options.stream) != 0 ||
	    strcmp(st->identity, merging->options.identity) != 0)
		return et_error_set(err, ET_CONFLICT, "%s is of %s %s, not of %s %s",
				    et_reader_path(reader), st->stream, st->identity,
				    merging->options.stream, merging->options.identity);
	if (st->first_seq != merging->next_seq)
		return et_error_set(err, ET_CONFLICT, "%s begins at %" PRIu64 ", not at %" PRIu64,
				    et_reader_path(reader), st->first_seq, merging->next_seq);
	if (!et_tree_head_equals(&st->before, &merging->after))
		return et_error_set(err, ET_CONFLICT,
				    "%s does not go on from the tree of the archive before it",
				    et_reader_path(reader));
	return 0;
}

/* Holes lie where records are not: the reader's gaps are filled from the statement. */
static int
add_holes(struct merging *merging, const struct et_statement *st, size_t *hole, uint64_t next,
	  struct et_error *err)
{
	int r = 0;

	while (r == 0 && *hole < st->hole_count && st->holes[*hole].first <= next) {
		const struct et_hole *at = &st->holes[(*hole)++];

		r = et_writer_hole(merging->writer, at->first, at->last, at->type, err);
	}
	return r;
}

static int
copy_archive(struct merging *merging, struct et_reader *reader, struct et_error *err)
{
	const struct et_statement *st = et_reader_statement(reader);
	struct et_record record;
	size_t hole = 0;
	int r;

	while ((r = et_reader_next(reader, &record, NULL, err)) > 0) {
		r = add_holes(merging, st, &hole, record.seq, err);
		if (r == 0)
			r = et_writer_append(merging->writer, &record, err);
		if (r == 0)
			r = et_cancel_check(err);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = add_holes(merging, st, &hole, UINT64_MAX, err);
	merging->next_seq = st->last_seq + 1;
	merging->after = st->after;
	return r;
}

/* The first archive gives the names and the start of the tree. */
static int
begin(struct merging *merging, const struct et_reader *reader,
      const struct et_archive_options *options, struct et_error *err)
{
	const struct et_statement *st = et_reader_statement(reader);

	merging->options = *options;
	merging->options.stream = st->stream;
	merging->options.identity = st->identity;
	merging->next_seq = st->first_seq;
	merging->after = st->before;
	options->tree.start(options->tree.cookie, &st->before);
	return et_writer_open(&merging->options, st->first_seq, &merging->writer, err);
}

static int
merge_all(struct merging *merging, const char *const *paths, size_t count, struct et_error *err)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		ET_CLEAN(et_reader) struct et_reader *reader = NULL;

		r = et_reader_open(paths[i], &reader, err);
		if (r == 0)
			r = check_neighbour(merging, reader, err);
		if (r == 0)
			r = copy_archive(merging, reader, err);
	}
	return r;
}

int
et_archive_compact(const char *const *paths, size_t count, const struct et_archive_options *options,
		   struct et_archive_summary *ret, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *first = NULL;
	struct merging merging = { 0 };
	struct et_archive_summary summary = { 0 };
	struct et_tree_head head;
	int r;

	if (count == 0 || options->tree.start == NULL)
		return et_error_set(err, ET_USAGE, "nothing to merge, or no tree");
	r = et_reader_open(paths[0], &first, err);
	if (r == 0)
		r = begin(&merging, first, options, err);
	if (r == 0)
		r = merge_all(&merging, paths, count, err);
	if (r == 0)
		r = et_writer_drain(merging.writer, err);
	if (r == 0) {
		/* Before it gets its name: a tree that differs must not stand beside its parts. */
		options->tree.head(options->tree.cookie, &head);
		if (!et_tree_head_equals(&head, &merging.after))
			r = et_error_set(err, ET_CORRUPT,
					 "the tree comes out different from that of the parts");
	}
	if (r == 0)
		r = et_writer_finish(merging.writer, merging.next_seq - 1, &summary, err);
	et_writer_free(merging.writer);
	if (r < 0)
		return et_error_wrap(err, r, "merge %zu archives from %s", count, paths[0]);
	*ret = summary;
	return 0;
}
