/* SPDX-License-Identifier: Apache-2.0 */
#include "command/convert.h"

#include <unistd.h>

#include "event/row.h"

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

struct et_archive_entry
et_entry_of(const struct et_statement *statement, const char *path, uint64_t bytes)
{
	struct et_archive_entry entry = {
		.first_seq = statement->first_seq,
		.last_seq = statement->last_seq,
		.messages = statement->counts.messages,
		.events = statement->counts.events,
		.registrations = statement->counts.registrations,
		.foreign = statement->counts.foreign,
		.malformed = statement->counts.malformed,
		.raw_bytes = statement->raw_bytes,
		.bytes = bytes,
		.first_time_ns = statement->first_time_ns,
		.last_time_ns = statement->last_time_ns,
		.tree_size = statement->after.size,
	};

	(void)snprintf(entry.identity, sizeof(entry.identity), "%s", statement->identity);
	(void)snprintf(entry.name, sizeof(entry.name), "%s", base_name(path));
	return entry;
}

struct et_noted_hole *
et_holes_of(const struct et_statement *statement, size_t *ret_count)
{
	struct et_noted_hole *holes = NULL;

	*ret_count = statement->hole_count;
	if (statement->hole_count == 0)
		return NULL;
	holes = et_calloc(statement->hole_count, sizeof(*holes));
	for (size_t i = 0; i < statement->hole_count; i++) {
		(void)snprintf(holes[i].identity, sizeof(holes[i].identity), "%s",
			       statement->identity);
		holes[i].first_seq = statement->holes[i].first;
		holes[i].last_seq = statement->holes[i].last;
		(void)snprintf(holes[i].type, sizeof(holes[i].type), "%s",
			       et_hole_type_name(statement->holes[i].type));
	}
	return holes;
}

int
et_reader_batch_next(struct et_reader_batch *batch, struct et_error *err)
{
	int r = 1;

	batch->count = 0;
	while (batch->count < ET_COUNT(batch->rows)) {
		r = et_reader_rows_next(batch->walk, &batch->rows[batch->count], err);
		if (r <= 0)
			break;
		batch->count++;
	}
	if (r < 0)
		return r;
	return batch->count > 0;
}

void
et_reader_batch_done(struct et_reader_batch *batch)
{
	et_reader_rows_free(batch->walk);
	batch->walk = NULL;
}

static void *
maker_new(void *cookie)
{
	(void)cookie;
	return et_row_maker_new();
}

static void
maker_free(void *maker)
{
	et_row_maker_free(maker);
}

static int
maker_make(void *maker, const struct et_record *record, struct et_rows *rows)
{
	return et_row_make(maker, record, rows, NULL);
}

struct et_row_hooks
et_row_hooks_of_event(void)
{
	return (struct et_row_hooks){ .maker_new = maker_new,
				      .maker_free = maker_free,
				      .make = maker_make };
}

static void
tree_start(void *cookie, const struct et_tree_head *head)
{
	/* A count that does not fit the size leaves the tree as it was: the root will differ and
	 * say so. */
	if (et_merkle_restore(cookie, head->size, head->edge, head->edge_count, NULL) < 0)
		return;
}

static void
tree_push(void *cookie, const struct et_sha256 *leaves, size_t count)
{
	et_merkle_push(cookie, leaves, count);
}

static void
tree_head(void *cookie, struct et_tree_head *ret)
{
	ret->size = et_merkle_size(cookie);
	et_merkle_root(cookie, &ret->root);
	ret->edge_count = et_merkle_edge(cookie, ret->edge);
}

struct et_tree_hooks
et_tree_hooks_of(struct et_merkle *tree)
{
	return (struct et_tree_hooks){
		.cookie = tree, .start = tree_start, .push = tree_push, .head = tree_head
	};
}

unsigned
et_jobs(const struct et_options *options)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (options->jobs > 0)
		return options->jobs < 64 ? (unsigned)options->jobs : 64;
	return processors > 1 && processors < 64 ? (unsigned)processors : 1;
}
