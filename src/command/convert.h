/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms below do not know each other; here their shapes are turned into
 * one another, and their hooks are joined: index rows of `event` and the tree
 * of `evidence` for `archive`, statements of `archive` for `catalog`.
 */
#ifndef ET_COMMAND_CONVERT_H
#define ET_COMMAND_CONVERT_H

#include "archive/reader.h"
#include "archive/verify.h"
#include "archive/writer.h"
#include "catalog/catalog.h"
#include "command/options.h"
#include "evidence/merkle.h"

struct et_archive_entry et_entry_of(const struct et_statement *statement, const char *path,
				    uint64_t bytes);
/* The holes of a statement; free with free(). NULL when there are none. */
struct et_noted_hole *et_holes_of(const struct et_statement *statement, size_t *ret_count);

/* Rows of an archive's index in portions. Zero-initialise with reader; open `walk`. */
struct et_reader_batch {
	struct et_reader *reader;
	struct et_reader_rows *walk;
	struct et_row rows[512];
	size_t count;
};
ET_CHECKED int et_reader_batch_next(struct et_reader_batch *batch, struct et_error *err);
void et_reader_batch_done(struct et_reader_batch *batch);

struct et_row_hooks et_row_hooks_of_event(void);
struct et_tree_hooks et_tree_hooks_of(struct et_merkle *tree);

/* --jobs, 0 taken as the number of processors. */
unsigned et_jobs(const struct et_options *options);

#endif
