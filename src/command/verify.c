/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/progress.h"
#include "command/state.h"
#include "command/status.h"
#include "command/verbs.h"
#include "report/clean.h"

#define SHOWN_MAX 1000u
#define DEPTH_MAX 3u /* archives/STREAM/IDENTITY */

struct check {
	const struct et_options *options;
	struct et_verify_options verify;
	struct et_row_hooks rows;
	struct et_tree_hooks tree_hooks;
	struct et_merkle *tree;
	uint64_t archives;
	uint64_t records;
	uint64_t raw_bytes;
	uint64_t bytes;
	uint64_t damages;
	struct et_progress progress;
	json_t *list; /* with --json: the first SHOWN_MAX */
};

/* Names and words out of a damaged archive are anything: a sequence beyond what JSON's readers hold
 * is a string. */
static json_t *
damage_value(const struct et_damage *damage)
{
	ET_CLEAN_MEM char *path = et_clean_utf8(damage->path);
	ET_CLEAN_MEM char *member = et_clean_utf8(damage->member);
	ET_CLEAN_MEM char *text = et_clean_utf8(damage->text);

	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:s}", "code", et_damage_code_name(damage->code),
			 "file", path, "member", member, "offset",
			 damage->offset != UINT64_MAX ? et_json_number(damage->offset)
						      : json_null(),
			 "first_seq", et_json_number(damage->first_seq), "last_seq",
			 et_json_number(damage->last_seq), "text", text);
}

static void
print_damage(const struct et_damage *damage)
{
	ET_CLEAN_MEM char *member = et_clean_ascii(damage->member);
	ET_CLEAN_MEM char *text = et_clean_ascii(damage->text);

	(void)printf("DAMAGED %s: %s", damage->path, member[0] != '\0' ? member : "archive");
	if (damage->offset != UINT64_MAX)
		(void)printf(" at byte %" PRIu64, damage->offset);
	(void)printf(": %s", text);
	if (damage->last_seq > 0 && damage->first_seq <= damage->last_seq)
		(void)printf(" (sequences %" PRIu64 " to %" PRIu64 ")", damage->first_seq,
			     damage->last_seq);
	(void)putchar('\n');
}

static void
on_damage(void *cookie, const struct et_damage *damage)
{
	struct check *check = cookie;

	check->damages++;
	et_progress_clear(&check->progress);
	if (check->list == NULL)
		print_damage(damage);
	else if (json_array_size(check->list) < SHOWN_MAX)
		(void)json_array_append_new(check->list, damage_value(damage));
}

static void
say(struct check *check, enum et_damage_code code, const char *path, const char *text)
{
	const struct et_damage damage = {
		.code = code, .path = path, .member = "", .offset = UINT64_MAX, .text = text
	};

	on_damage(check, &damage);
}

/* ET_GONE: it is not there any more. */
static int
check_archive(struct check *check, const char *path, struct et_manifest **ret, struct et_error *err)
{
	struct et_verify_result result = { 0 };
	int r;

	r = et_verify_archive(path, &check->verify, &result, err);
	if (r == ET_CANCELED || r == ET_GONE)
		return r;
	/* One that cannot be read at all, be it of a newer evtrail, hides nothing of the others. */
	if (r < 0) {
		say(check, ET_DAMAGE_FRAME, path, err != NULL ? err->text : "cannot be read");
		et_error_clear(err);
		return 0;
	}
	check->archives++;
	check->records += result.records;
	check->raw_bytes += result.raw_bytes;
	check->bytes += result.packed_bytes;
	*ret = ET_STEAL(result.manifest);
	et_verify_result_done(&result);
	return 0;
}

/* The first archive of an identity starts its tree: before it there is nothing. */
static void
check_start(struct check *check, const char *path, const struct et_statement *statement)
{
	if (statement->before.size != 0)
		say(check, ET_DAMAGE_LINK, path,
		    "the archives before it are missing: its tree does not start here");
}

/* The archives of a folder, one behind the other. */
struct chain {
	const char *dir;
	struct et_manifest *before; /* of the archive before; NULL: there is none, or unreadable */
	uint64_t next_seq;          /* behind it; 0: there is none */
	uint64_t merged_to;         /* what compact merged beside us, and was checked as merged */
};

static void
check_neighbours(struct check *check, const struct chain *chain, const struct et_archive_name *item,
		 const struct et_manifest *manifest)
{
	if (manifest != NULL && chain->before != NULL)
		(void)et_verify_link(item->path, &chain->before->statement, &manifest->statement,
				     &check->verify);
	else if (manifest != NULL && chain->next_seq == 0)
		check_start(check, item->path, &manifest->statement);
	/* Behind an archive without a readable manifest the names still have to tile. */
	else if (chain->next_seq != 0 && item->first_seq != chain->next_seq)
		say(check, ET_DAMAGE_LINK, item->path,
		    "does not begin where the archive before it ends");
}

static void
go_on_behind(struct chain *chain, const struct et_archive_name *item, struct et_manifest *manifest)
{
	et_manifest_free(chain->before);
	chain->before = manifest;
	chain->next_seq = item->last_seq + 1;
}

/* An archive that was listed and is gone: compact works beside us when another one holds its range
 * by now. That one is checked in its place: 1. 0: there is none. */
static int
check_merged(struct check *check, struct chain *chain, const struct et_archive_name *gone,
	     struct et_error *err)
{
	struct et_archive_list list = { 0 };
	const struct et_archive_name *merged = NULL;
	struct et_manifest *manifest = NULL;
	int r = et_archive_list_read(chain->dir, &list, err);

	for (size_t i = 0; r == 0 && merged == NULL && i < list.count; i++)
		if (list.items[i].first_seq <= gone->first_seq &&
		    list.items[i].last_seq >= gone->last_seq)
			merged = &list.items[i];
	if (merged != NULL && (r = check_archive(check, merged->path, &manifest, err)) == 0) {
		if (chain->next_seq == 0 || merged->first_seq >= chain->next_seq)
			check_neighbours(check, chain, merged, manifest);
		go_on_behind(chain, merged, manifest);
		chain->merged_to = merged->last_seq;
		r = 1;
	}
	et_archive_list_done(&list);
	return r;
}

static int
check_listed(struct check *check, struct chain *chain, const struct et_archive_name *item,
	     struct et_error *err)
{
	struct et_manifest *manifest = NULL;
	int r;

	r = check_archive(check, item->path, &manifest, err);
	if (r == ET_GONE) {
		r = check_merged(check, chain, item, err);
		if (r == 0 || r == ET_GONE)
			say(check, ET_DAMAGE_FRAME, item->path, "it was there, and is gone");
		return r == ET_CANCELED ? r : 0;
	}
	if (r < 0)
		return r;
	check_neighbours(check, chain, item, manifest);
	go_on_behind(chain, item, manifest);
	return 0;
}

/* Inside the range of another one: no damage when it is what compact left over. */
static int
check_leftover(struct check *check, const struct et_archive_name *item, struct et_error *err)
{
	struct et_manifest *manifest = NULL;
	struct et_error why = { 0 };
	int r = et_archive_part_of(item->path, item->within->path, &why);

	if (r > 0) {
		et_log(ET_LOG_WARNING,
		       "'%s' was left over by compact; the next run that writes removes it",
		       item->path);
		return 0;
	}
	if (r == ET_GONE)
		return 0;
	say(check, ET_DAMAGE_LINK, item->path,
	    "it lies inside the range of another one, and is no part of that");
	r = check_archive(check, item->path, &manifest, err);
	et_manifest_free(manifest);
	return r == ET_GONE ? 0 : r;
}

static int
check_chain(struct check *check, const char *dir, const struct et_archive_list *list,
	    struct et_error *err)
{
	struct chain chain = { .dir = dir };
	int r = 0;

	et_progress_begin(&check->progress, check->options, "verifying", "archives");
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct et_archive_name *item = &list->items[i];

		r = et_cancel_check(err);
		if (r == 0 && item->within != NULL)
			r = check_leftover(check, item, err);
		else if (r == 0 && item->last_seq > chain.merged_to)
			r = check_listed(check, &chain, item, err);
		et_progress_at(&check->progress, i + 1, (double)(i + 1) / (double)list->count);
	}
	et_progress_end(&check->progress);
	et_manifest_free(chain.before);
	return r;
}

static int
not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int check_path(struct check *check, const char *path, unsigned depth, struct et_error *err);

static int
check_folder(struct check *check, const char *path, unsigned depth, struct et_error *err)
{
	struct et_archive_list list = { 0 };
	struct dirent **names = NULL;
	int count;
	int r;

	r = et_archive_list_read(path, &list, err);
	if (r == 0 && list.count > 0)
		r = check_chain(check, path, &list, err);
	et_archive_list_done(&list);
	if (r < 0 || depth == 0)
		return r;
	count = scandir(path, &names, not_hidden, alphasort);
	if (count < 0)
		return et_error_errno(err, errno, "list '%s'", path);
	for (int i = 0; i < count; i++) {
		ET_CLEAN_MEM char *below = et_format("%s/%s", path, names[i]->d_name);
		struct stat file;

		if (r == 0 && stat(below, &file) == 0 && S_ISDIR(file.st_mode))
			r = check_path(check, below, depth - 1, err);
		free(names[i]);
	}
	free(names);
	return r;
}

/* The depth is bounded by DEPTH_MAX. */
static int
check_path(struct check *check, const char *path, unsigned depth, struct et_error *err)
{
	struct et_manifest *manifest = NULL;
	struct stat file;
	int r;

	if (stat(path, &file) != 0)
		return et_error_errno(err, errno, "verify '%s'", path);
	if (S_ISDIR(file.st_mode))
		return check_folder(check, path, depth, err);
	r = check_archive(check, path, &manifest, err);
	et_manifest_free(manifest);
	if (r == ET_GONE)
		r = et_error_set(err, ET_GONE, "'%s' is gone", path);
	return r;
}

/* Is the archive gone? *entry becomes the one that the catalog has there. */
static int
look_for(struct et_state *state, struct et_archive_entry *entry, bool *ret_gone,
	 struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(state, entry);
	struct stat file;
	int r;

	*ret_gone = stat(path, &file) != 0;
	if (!*ret_gone)
		return 0;
	r = et_catalog_archive_at(state->catalog, entry->identity, entry->first_seq, entry, err);
	return r < 0 ? r : 0;
}

/* What the catalog knows and the disk does not have. While compact works beside us the list ages:
 * what is gone is looked up anew behind it. */
static int
check_catalog(struct check *check, struct et_state *state, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry *gone = NULL;
	struct et_archive_entry entry;
	size_t count = 0;
	struct stat file;
	int r;

	r = et_entry_list_open(state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		ET_CLEAN_MEM char *path = et_state_archive_path(state, &entry);

		if (stat(path, &file) != 0) {
			gone = et_realloc_array(gone, count + 1, sizeof(*gone));
			gone[count++] = entry;
		}
		r = 0;
	}
	et_entry_list_free(ET_STEAL(list));
	for (size_t i = 0; r == 0 && i < count; i++) {
		bool is_gone = false;

		r = look_for(state, &gone[i], &is_gone, err);
		if (r == 0 && is_gone)
			r = look_for(state, &gone[i], &is_gone, err);
		if (r == 0 && is_gone) {
			ET_CLEAN_MEM char *path = et_state_archive_path(state, &gone[i]);

			say(check, ET_DAMAGE_LINK, path,
			    "the catalog names it, and it is not there");
		}
	}
	free(gone);
	return r < 0 ? r : 0;
}

static int
check_state(struct check *check, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	int r;

	r = et_state_open(check->options, ET_STATE_READ, &state, err);
	if (r == 0)
		r = check_path(check, state->archives, DEPTH_MAX, err);
	if (r == 0)
		r = check_catalog(check, state, err);
	return r;
}

static void
print_result(const struct check *check, enum et_status status, double seconds)
{
	if (check->list != NULL) {
		et_print_json(json_pack(
			"{s:{s:s,s:s},s:s,s:s,s:i,s:b,s:I,s:I,s:I,s:I,s:I,s:O}", "tool", "name",
			"evtrail", "version", PACKAGE_VERSION, "command", "verify", "verdict",
			et_status_word(status), "exit_status", (int)status, "quick",
			check->options->quick, "archives", (json_int_t)check->archives, "records",
			(json_int_t)check->records, "raw_bytes", (json_int_t)check->raw_bytes,
			"bytes", (json_int_t)check->bytes, "damage_total",
			(json_int_t)check->damages, "damage", check->list));
		return;
	}
	if (check->options->quiet && status == ET_STATUS_CLEAN)
		return;
	(void)printf("%s: %" PRIu64 " archive%s, %" PRIu64 " messages, %.1f MiB read in %.1f s%s\n",
		     status == ET_STATUS_CLEAN ? "clean" : et_status_word(status), check->archives,
		     check->archives == 1 ? "" : "s", check->records,
		     (double)check->bytes / 1048576.0, seconds,
		     check->options->quick ? " (manifests only)" : "");
	if (check->damages > 0)
		(void)printf("%" PRIu64 " damage%s found; what is not named above is intact\n",
			     check->damages, check->damages == 1 ? "" : "s");
}

static int
check_all(struct check *check, struct et_error *err)
{
	const struct et_options *options = check->options;
	int r = 0;

	if (options->argument_count == 0)
		return check_state(check, err);
	for (size_t i = 0; r == 0 && i < options->argument_count; i++)
		r = check_path(check, options->arguments[i], DEPTH_MAX, err);
	return r;
}

int
et_verb_verify(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	struct check check = { .options = options, .tree = tree, .rows = et_row_hooks_of_event() };
	int64_t started = et_clock_monotonic_ns();
	enum et_status status;
	int r;

	check.tree_hooks = et_tree_hooks_of(tree);
	check.verify = (struct et_verify_options){ .quick = options->quick,
						   .jobs = et_jobs(options),
						   .rows = &check.rows,
						   .tree = &check.tree_hooks,
						   .damage = on_damage,
						   .cookie = &check };
	check.list = options->json ? json_array() : NULL;
	r = check_all(&check, err);
	if (r == 0) {
		status = check.damages > 0     ? ET_STATUS_DAMAGED
			 : check.archives == 0 ? ET_STATUS_INCOMPLETE
					       : ET_STATUS_CLEAN;
		if (check.archives == 0 && check.damages == 0)
			et_log(ET_LOG_WARNING, "nothing was verified: there is no archive");
		print_result(&check, status, (double)(et_clock_monotonic_ns() - started) / 1e9);
		r = (int)status;
	}
	json_decref(check.list);
	return r;
}
