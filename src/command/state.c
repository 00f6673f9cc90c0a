/* SPDX-License-Identifier: Apache-2.0 */
#include "command/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/format.h"
#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"

/* A stream's name becomes a folder: JetStream allows no more than this in practice. */
static int
check_stream_name(const char *name, struct et_error *err)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(name);

	if (length == 0 || length > 64 || strspn(name, allowed) != length)
		return et_error_set(err, ET_USAGE, "'%s' is no name of a stream", name);
	return 0;
}

static int
take_lock(struct et_state *state, struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_format("%s/lock", state->dir);
	int64_t end = et_clock_monotonic_ns() + state->options->lock_wait;
	int r;

	state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (state->lock_fd < 0)
		return et_error_errno(err, errno, "open '%s'", path);
	while (flock(state->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return et_error_errno(err, errno, "lock '%s'", path);
		if (et_clock_monotonic_ns() >= end) {
			r = et_error_set(err, ET_BUSY, "another evtrail works on '%s'", state->dir);
			et_error_hint(err, "wait for it, or give --lock-wait 10m");
			return r;
		}
		r = et_cancel_check(err);
		if (r < 0)
			return r;
		(void)usleep(100000);
	}
	return 0;
}

static int
open_for_writing(struct et_state *state, bool catch_up, struct et_error *err)
{
	struct et_caught_up caught = { 0 };
	int r;

	r = et_dir_make(state->archives, err);
	if (r == 0)
		r = take_lock(state, err);
	if (r == 0)
		r = et_catalog_open(state->dir, false, &state->catalog, err);
	if (r == 0)
		r = et_state_claim(state, "stream", state->options->stream, err);
	if (r == 0 && catch_up)
		r = et_state_catch_up(state, &caught, err);
	if (r == 0 && caught.archives > 0)
		et_log(ET_LOG_NOTICE, "took %" PRIu64 " archive%s in that the catalog did not know",
		       caught.archives, caught.archives == 1 ? "" : "s");
	return r;
}

static int
open_for_reading(struct et_state *state, struct et_error *err)
{
	int r = et_catalog_open(state->dir, true, &state->catalog, err);

	return r == 0 ? et_state_claim(state, "stream", state->options->stream, err) : r;
}

static bool
has_catalog(const struct et_state *state)
{
	ET_CLEAN_MEM char *path = et_format("%s/catalog.db", state->dir);

	return access(path, F_OK) == 0;
}

int
et_state_open(const struct et_options *options, enum et_state_mode mode, struct et_state **ret,
	      struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = et_calloc(1, sizeof(*state));
	int r;

	state->options = options;
	state->lock_fd = -1;
	r = check_stream_name(options->stream, err);
	if (r < 0)
		return r;
	state->dir = et_options_state_dir(options);
	state->archives = et_format("%s/archives/%s", state->dir, options->stream);
	if (mode == ET_STATE_READ)
		r = open_for_reading(state, err);
	else if (mode == ET_STATE_CHANGE && access(state->archives, F_OK) != 0)
		r = et_error_set(err, ET_GONE, "no archives in '%s'", state->dir);
	else
		r = open_for_writing(state, mode != ET_STATE_REINDEX, err);
	if (r < 0) {
		if ((mode == ET_STATE_READ || mode == ET_STATE_CHANGE) && !has_catalog(state))
			et_error_hint(err, "nothing was archived there yet: run `evtrail "
					   "snapshot`, or give --state");
		return et_error_wrap(err, r, "state");
	}
	*ret = ET_STEAL(state);
	return 0;
}

void
et_state_free(struct et_state *state)
{
	if (state == NULL)
		return;
	et_catalog_free(state->catalog);
	if (state->lock_fd >= 0)
		(void)close(state->lock_fd);
	free(state->archives);
	free(state->dir);
	free(state);
}

int
et_state_claim(struct et_state *state, const char *key, const char *value, struct et_error *err)
{
	struct et_buf noted;
	int r;

	et_buf_init(&noted, 4096);
	r = et_catalog_get(state->catalog, key, &noted, err);
	if (r == 0 && state->lock_fd >= 0) {
		r = et_catalog_set(state->catalog, key, value, err);
	} else if (r > 0) {
		r = 0;
		if (strcmp(et_buf_cstr(&noted), value) != 0) {
			r = et_error_set(err, ET_CONFIG, "'%s' belongs to the %s %s, not to %s",
					 state->dir, key, et_buf_cstr(&noted), value);
			et_error_hint(err, "give another --state, one for each stream and store");
		}
	}
	et_buf_done(&noted);
	return r;
}

char *
et_state_identity_dir(const struct et_state *state, const char *identity)
{
	return et_format("%s/%s", state->archives, identity);
}

char *
et_state_archive_path(const struct et_state *state, const struct et_archive_entry *entry)
{
	return et_format("%s/%s/%s", state->archives, entry->identity, entry->name);
}

int
et_state_open_archive(const struct et_state *state, const struct et_archive_entry *entry,
		      struct et_reader **ret, struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(state, entry);
	int r = et_reader_open(path, ret, err);

	if (r != ET_GONE)
		return r;
	r = et_error_set(err, ET_CORRUPT, "archive '%s' is gone", path);
	et_error_hint(err, "get it from a backup; without one, `evtrail reindex` goes on without "
			   "what it held");
	return r;
}

/* ---- catching up ---- */

struct catching {
	struct et_state *state;
	const char *identity;
	struct et_archive_list list;
	struct et_archive_entry last; /* the newest that the catalog knows */
	bool has_last;
	struct et_caught_up *caught;
};

static int
take_rows(struct et_state *state, struct et_reader *reader, const struct et_archive_entry *entry,
	  const struct et_noted_hole *holes, size_t hole_count, struct et_error *err)
{
	struct et_reader_batch batch = { .reader = reader };
	ET_CLEAN(et_take) struct et_take *take = NULL;
	int r;

	r = et_take_open(state->catalog, entry, holes, hole_count, &take, err);
	if (r == 0)
		r = et_reader_rows_open(reader, NULL, NULL, &batch.walk, err);
	while (r == 0 && (r = et_reader_batch_next(&batch, err)) > 0)
		r = et_take_rows(take, batch.rows, batch.count, err);
	et_reader_batch_done(&batch);
	if (r == 0)
		r = et_take_finish(take, err);
	return r;
}

/* What should lie before the archive and does not: by its neighbour's range, or by its tree, which
 * holds a leaf at least for each message before. */
static bool
find_gap(const struct catching *catching, const struct et_statement *st, struct et_noted_hole *ret)
{
	uint64_t first = catching->last.last_seq + 1;

	if (!catching->has_last)
		first = st->before.size < st->first_seq ? st->first_seq - st->before.size : 1;
	if (first >= st->first_seq)
		return false;
	*ret = (struct et_noted_hole){ .first_seq = first,
				       .last_seq = st->first_seq - 1,
				       .type = ET_HOLE_MISSING };
	(void)snprintf(ret->identity, sizeof(ret->identity), "%s", st->identity);
	et_log(ET_LOG_WARNING,
	       "archives of %s are missing between %" PRIu64 " and %" PRIu64
	       ": noted as a hole; get them from a backup and run `evtrail reindex`",
	       st->identity, ret->first_seq, ret->last_seq);
	return true;
}

static int
take_archive(struct catching *catching, struct et_reader *reader, struct et_archive_entry *entry,
	     struct et_error *err)
{
	const struct et_statement *st = et_reader_statement(reader);
	struct et_noted_hole *holes;
	struct et_noted_hole gap;
	size_t count = 0;
	int r;

	holes = et_holes_of(st, &count);
	if (find_gap(catching, st, &gap)) {
		holes = et_realloc_array(holes, count + 1, sizeof(*holes));
		holes[count++] = gap;
		catching->caught->gaps++;
	}
	r = take_rows(catching->state, reader, entry, holes, count, err);
	free(holes);
	if (r < 0)
		return et_error_wrap(err, r, "take '%s' into the catalog", et_reader_path(reader));
	catching->caught->archives++;
	catching->last = *entry;
	catching->has_last = true;
	return 0;
}

/* A merged archive that the catalog does not know, in the place of all that it merges: 1, or 0 when
 * the catalog knows something else there. */
static int
adopt_merged(struct catching *catching, const struct et_archive_entry *whole, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry part;
	uint64_t next = whole->first_seq;
	uint64_t messages = 0;
	int r;

	r = et_entry_list_open(catching->state->catalog, catching->identity, &list, err);
	while (r == 0 && next <= whole->last_seq &&
	       (r = et_entry_list_next(list, &part, err)) > 0) {
		r = 0;
		if (part.last_seq < whole->first_seq)
			continue;
		if (part.first_seq != next || part.last_seq > whole->last_seq)
			return 0;
		next = part.last_seq + 1;
		messages += part.messages;
	}
	if (r < 0 || next != whole->last_seq + 1 || messages != whole->messages ||
	    part.tree_size != whole->tree_size)
		return r;
	et_entry_list_free(ET_STEAL(list));
	r = et_catalog_replace_archives(catching->state->catalog, whole, err);
	return r < 0 ? r : 1;
}

static int
look_at_unknown(struct catching *catching, const struct et_archive_name *item, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	const struct et_statement *st;
	struct et_archive_entry entry;
	struct stat file;
	int r;

	r = et_reader_open(item->path, &reader, err);
	if (r < 0)
		return et_error_wrap(err, r, "take '%s' into the catalog", item->path);
	if (stat(item->path, &file) != 0)
		return et_error_errno(err, errno, "look at '%s'", item->path);
	st = et_reader_statement(reader);
	if (strcmp(st->identity, catching->identity) != 0 ||
	    strcmp(st->stream, catching->state->options->stream) != 0) {
		et_log(ET_LOG_WARNING, "'%s' is of %s %s and does not belong there: passed over",
		       item->path, st->stream, st->identity);
		return 0;
	}
	entry = et_entry_of(st, item->path, (uint64_t)file.st_size);
	if (!catching->has_last || st->first_seq > catching->last.last_seq)
		return take_archive(catching, reader, &entry, err);
	r = adopt_merged(catching, &entry, err);
	if (r == 0)
		et_log(ET_LOG_WARNING,
		       "'%s' lies where the catalog knows something else: run `evtrail reindex`",
		       item->path);
	return r < 0 ? r : 0;
}

/* 1: the catalog knows this very archive. */
static int
is_known(struct catching *catching, const struct et_archive_name *item, struct et_error *err)
{
	struct et_archive_entry entry;
	int r = et_catalog_archive_at(catching->state->catalog, catching->identity, item->first_seq,
				      &entry, err);

	if (r <= 0)
		return r;
	return entry.first_seq == item->first_seq && entry.last_seq == item->last_seq;
}

/* What compact merged and did not get to remove; what is not surely that stays. */
static int
remove_part(struct catching *catching, const struct et_archive_name *item, struct et_error *err)
{
	ET_CLEAN_MEM char *sidecar = et_format("%s%s", item->path, ET_ARCHIVE_SIDECAR_SUFFIX);
	struct et_error why = { 0 };
	int known = is_known(catching, item->within, err);
	int r;

	if (known < 0)
		return known;
	r = known > 0 ? et_archive_part_of(item->path, item->within->path, &why) : 0;
	if (r <= 0) {
		et_log(ET_LOG_WARNING, "'%s' lies inside '%s' and stays%s%s", item->path,
		       item->within->path, r < 0 ? ": " : "", r < 0 ? why.text : "");
		return 0;
	}
	if (unlink(item->path) != 0 || (unlink(sidecar) != 0 && errno != ENOENT)) {
		et_log(ET_LOG_WARNING, "'%s' was merged and could not be removed", item->path);
		return 0;
	}
	catching->caught->removed++;
	return 0;
}

/* A copied or renamed folder: what its archives say they are is not its name. */
static bool
is_foreign(const struct catching *catching)
{
	for (size_t i = 0; !catching->has_last && i < catching->list.count; i++) {
		ET_CLEAN(et_reader) struct et_reader *reader = NULL;

		if (et_reader_open(catching->list.items[i].path, &reader, NULL) == 0)
			return strcmp(et_reader_statement(reader)->identity, catching->identity) !=
			       0;
	}
	return false;
}

static int
catch_up_list(struct catching *catching, struct et_error *err)
{
	const struct et_archive_list *list = &catching->list;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		if (list->items[i].within != NULL)
			continue;
		r = et_cancel_check(err);
		if (r == 0)
			r = is_known(catching, &list->items[i], err);
		if (r == 0)
			r = look_at_unknown(catching, &list->items[i], err);
		r = r < 0 ? r : 0;
	}
	for (size_t i = 0; r == 0 && i < list->count; i++)
		if (list->items[i].within != NULL)
			r = remove_part(catching, &list->items[i], err);
	return r;
}

static int
catch_up_identity(struct et_state *state, const char *identity, struct et_caught_up *caught,
		  struct et_error *err)
{
	ET_CLEAN_MEM char *dir = et_state_identity_dir(state, identity);
	struct catching catching = { .state = state, .identity = identity, .caught = caught };
	struct stat file;
	int r;

	if (stat(dir, &file) == 0 && !S_ISDIR(file.st_mode))
		return 0;
	r = et_catalog_last_archive(state->catalog, identity, &catching.last, err);
	if (r < 0)
		return r;
	catching.has_last = r > 0;
	r = et_archive_list_read(dir, &catching.list, err);
	if (r == 0 && is_foreign(&catching))
		et_log(ET_LOG_WARNING,
		       "'%s' holds archives of another identity than its name: passed over", dir);
	else if (r == 0 && (r = et_archive_sweep(dir, &catching.list, err)) == 0)
		r = catch_up_list(&catching, err);
	et_archive_list_done(&catching.list);
	return r;
}

static int
is_identity(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
et_state_catch_up(struct et_state *state, struct et_caught_up *ret, struct et_error *err)
{
	struct dirent **names = NULL;
	int count;
	int r = 0;

	*ret = (struct et_caught_up){ 0 };
	count = scandir(state->archives, &names, is_identity, versionsort);
	if (count < 0)
		return errno == ENOENT ? 0
				       : et_error_errno(err, errno, "list '%s'", state->archives);
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = catch_up_identity(state, names[i]->d_name, ret, err);
		free(names[i]);
	}
	free(names);
	if (r == 0 && ret->removed > 0)
		et_log(ET_LOG_NOTICE, "removed %" PRIu64 " archive%s that compact had merged",
		       ret->removed, ret->removed == 1 ? "" : "s");
	return r;
}
