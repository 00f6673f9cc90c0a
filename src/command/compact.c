/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small neighbours become one archive: same records, same leaves, same root.
 * Order: the merged archive gets its name, the catalog takes it, the old ones
 * go. A crash between leaves files that the next compact removes, never a gap.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "archive/format.h"
#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/state.h"
#include "command/status.h"
#include "command/verbs.h"

struct run_of { /* neighbours that fit into one archive */
	struct et_archive_entry *list;
	size_t count;
	size_t capacity;
	uint64_t raw_bytes;
	uint64_t messages;
};

struct compacting {
	struct et_state *state;
	struct run_of run;
	uint64_t merged; /* archives that went */
	uint64_t made;
};

static void
add_entry(struct run_of *run, const struct et_archive_entry *entry)
{
	if (run->count == run->capacity) {
		run->capacity = run->capacity * 2 + 16;
		run->list = et_realloc_array(run->list, run->capacity, sizeof(*run->list));
	}
	run->list[run->count++] = *entry;
	run->raw_bytes += entry->raw_bytes;
	run->messages += entry->messages;
}

static void
remove_old(struct compacting *compacting, const struct et_archive_entry *entry)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(compacting->state, entry);
	ET_CLEAN_MEM char *sidecar = et_format("%s%s", path, ET_ARCHIVE_SIDECAR_SUFFIX);

	if (unlink(path) != 0 || (unlink(sidecar) != 0 && errno != ENOENT))
		et_log(ET_LOG_WARNING, "'%s' was merged and could not be removed", path);
}

static int
write_merged(struct compacting *compacting, const char *const *paths,
	     struct et_archive_summary *summary, struct et_error *err)
{
	const struct et_options *options = compacting->state->options;
	const struct run_of *run = &compacting->run;
	ET_CLEAN_MEM char *dir = et_state_identity_dir(compacting->state, run->list[0].identity);
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	struct et_archive_options archive = {
		.dir = dir,
		.stream = options->stream,
		.identity = run->list[0].identity,
		.level = (int)options->level,
		.jobs = et_jobs(options),
		.rows = et_row_hooks_of_event(),
		.tree = et_tree_hooks_of(tree),
	};

	return et_archive_compact(paths, run->count, &archive, summary, err);
}

static int
replace_in_catalog(struct compacting *compacting, const struct et_archive_summary *summary,
		   struct et_error *err)
{
	struct et_archive_entry entry = compacting->run.list[0];
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	int r;

	r = et_reader_open(summary->path, &reader, err);
	if (r < 0)
		return r;
	entry = et_entry_of(et_reader_statement(reader), summary->path, summary->packed_bytes);
	return et_catalog_replace_archives(compacting->state->catalog, &entry, err);
}

/* A digest made anew would hide that the old one is gone, and whatever it would have told. */
static int
check_sources(const struct compacting *compacting, struct et_error *err)
{
	const struct run_of *run = &compacting->run;
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->count; i++) {
		ET_CLEAN_MEM char *path = et_state_archive_path(compacting->state, &run->list[i]);
		ET_CLEAN_MEM char *sidecar = et_format("%s%s", path, ET_ARCHIVE_SIDECAR_SUFFIX);
		ET_CLEAN(et_reader) struct et_reader *reader = NULL;

		r = et_state_open_archive(compacting->state, &run->list[i], &reader, err);
		if (r == 0 && access(sidecar, R_OK) != 0) {
			r = et_error_set(err, ET_CORRUPT, "'%s' cannot be read: nothing is merged",
					 sidecar);
			et_error_hint(err, "get it from a backup, and check the archive with "
					   "`evtrail verify`");
		}
	}
	return r;
}

static int
merge_run(struct compacting *compacting, struct et_error *err)
{
	struct run_of *run = &compacting->run;
	struct et_archive_summary summary = { 0 };
	const char **paths;
	int r = 0;

	if (run->count > 1) {
		paths = et_calloc(run->count, sizeof(*paths));
		for (size_t i = 0; i < run->count; i++)
			paths[i] = et_state_archive_path(compacting->state, &run->list[i]);
		r = check_sources(compacting, err);
		if (r == 0)
			r = write_merged(compacting, paths, &summary, err);
		if (r == 0)
			r = replace_in_catalog(compacting, &summary, err);
		for (size_t i = 0; r == 0 && i < run->count; i++)
			remove_old(compacting, &run->list[i]);
		if (r == 0) {
			compacting->merged += run->count;
			compacting->made++;
		}
		for (size_t i = 0; i < run->count; i++)
			free((void *)(uintptr_t)paths[i]);
		free(paths);
		et_archive_summary_done(&summary);
	}
	run->count = 0;
	run->raw_bytes = run->messages = 0;
	return r;
}

/* Does the entry go on where the run ends, and is there room for it? */
static bool
fits(const struct compacting *compacting, const struct et_archive_entry *entry)
{
	const struct run_of *run = &compacting->run;
	const struct et_archive_entry *last;

	if (run->count == 0)
		return true;
	last = &run->list[run->count - 1];
	return strcmp(last->identity, entry->identity) == 0 &&
	       last->last_seq + 1 == entry->first_seq &&
	       run->raw_bytes + entry->raw_bytes <= compacting->state->options->archive_bytes &&
	       run->messages + entry->messages <= ET_ARCHIVE_ROWS;
}

static int
compact_all(struct compacting *compacting, struct et_error *err)
{
	struct run_of all = { 0 };
	ET_CLEAN(et_entry_list) struct et_entry_list *entries = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(compacting->state->catalog, NULL, &entries, err);
	while (r == 0 && (r = et_entry_list_next(entries, &entry, err)) > 0) {
		add_entry(&all, &entry);
		r = 0;
	}
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		r = et_cancel_check(err);
		if (r == 0 && !fits(compacting, &all.list[i]))
			r = merge_run(compacting, err);
		if (r == 0)
			add_entry(&compacting->run, &all.list[i]);
	}
	if (r == 0)
		r = merge_run(compacting, err);
	free(all.list);
	return r;
}

int
et_verb_compact(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	struct compacting compacting = { 0 };
	int r;

	r = et_state_open(options, ET_STATE_CHANGE, &state, err);
	if (r < 0)
		return r;
	compacting.state = state;
	r = compact_all(&compacting, err);
	free(compacting.run.list);
	if (r < 0)
		return r;
	if (options->json)
		et_print_json(json_pack("{s:{s:s,s:s},s:s,s:s,s:i,s:I,s:I}", "tool", "name",
					"evtrail", "version", PACKAGE_VERSION, "command", "compact",
					"verdict", "clean", "exit_status", 0, "merged",
					(json_int_t)compacting.merged, "made",
					(json_int_t)compacting.made));
	else if (!options->quiet && compacting.made == 0)
		(void)printf("nothing to merge\n");
	else if (!options->quiet)
		(void)printf("%" PRIu64 " archives became %" PRIu64 "\n", compacting.merged,
			     compacting.made);
	return ET_STATUS_CLEAN;
}
