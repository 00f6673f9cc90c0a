/* SPDX-License-Identifier: Apache-2.0 */
#include "command/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"

static char *
state_dir(const struct et_options *options)
{
	const char *home = getenv("HOME");
	const char *xdg = getenv("XDG_STATE_HOME");

	if (options->state != NULL && options->state[0] != '\0')
		return et_strdup(options->state);
	if (geteuid() == 0)
		return et_strdup("/var/lib/evtrail");
	if (xdg != NULL && xdg[0] == '/')
		return et_format("%s/evtrail", xdg);
	return et_format("%s/.local/state/evtrail", home != NULL ? home : "");
}

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
open_for_writing(struct et_state *state, struct et_error *err)
{
	uint64_t count = 0;
	int r;

	r = et_dir_make(state->archives, err);
	if (r == 0)
		r = take_lock(state, err);
	if (r == 0)
		r = et_catalog_open(state->dir, false, &state->catalog, err);
	if (r == 0)
		r = et_state_claim(state, "stream", state->options->stream, err);
	if (r == 0)
		r = et_state_catch_up(state, &count, err);
	if (r == 0 && count > 0)
		et_log(ET_LOG_NOTICE, "took %" PRIu64 " archive%s in that the catalog did not know",
		       count, count == 1 ? "" : "s");
	return r;
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
	state->dir = state_dir(options);
	state->archives = et_format("%s/archives/%s", state->dir, options->stream);
	if (mode == ET_STATE_WRITE)
		r = open_for_writing(state, err);
	else
		r = et_catalog_open(state->dir, true, &state->catalog, err);
	if (r < 0) {
		if (r == ET_GONE && mode == ET_STATE_READ)
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
	if (r == 0) {
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

/* ---- catching up ---- */

static int
take_index(struct et_state *state, struct et_reader *reader, const struct et_archive_entry *entry,
	   struct et_error *err)
{
	struct et_reader_batch batch = { .reader = reader };
	ET_CLEAN(et_take) struct et_take *take = NULL;
	struct et_noted_hole *holes = NULL;
	size_t hole_count = 0;
	int r;

	holes = et_holes_of(et_reader_statement(reader), &hole_count);
	r = et_take_open(state->catalog, entry, holes, hole_count, &take, err);
	free(holes);
	if (r == 0)
		r = et_reader_rows_open(reader, NULL, NULL, &batch.walk, err);
	while (r == 0 && (r = et_reader_batch_next(&batch, err)) > 0)
		r = et_take_rows(take, batch.rows, batch.count, err);
	et_reader_batch_done(&batch);
	if (r == 0)
		r = et_take_finish(take, err);
	return r;
}

int
et_state_take_archive(struct et_state *state, const char *path, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_archive_entry entry;
	struct stat file;
	int r;

	r = et_reader_open(path, &reader, err);
	if (r < 0)
		return r;
	if (stat(path, &file) != 0)
		return et_error_errno(err, errno, "look at '%s'", path);
	entry = et_entry_of(et_reader_statement(reader), path, (uint64_t)file.st_size);
	r = take_index(state, reader, &entry, err);
	return r < 0 ? et_error_wrap(err, r, "take '%s' into the catalog", path) : 0;
}

static int
catch_up_identity(struct et_state *state, const char *identity, uint64_t *count,
		  struct et_error *err)
{
	ET_CLEAN_MEM char *dir = et_state_identity_dir(state, identity);
	struct et_archive_list list = { 0 };
	struct et_archive_entry last = { 0 };
	int known;
	int r;

	r = et_archive_sweep(dir, err);
	if (r < 0)
		return r;
	known = et_catalog_last_archive(state->catalog, identity, &last, err);
	if (known < 0)
		return known;
	r = et_archive_list_read(dir, &list, err);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		if (known && list.items[i].first_seq <= last.last_seq)
			continue;
		r = et_cancel_check(err);
		if (r == 0)
			r = et_state_take_archive(state, list.items[i].path, err);
		if (r == 0)
			(*count)++;
	}
	et_archive_list_done(&list);
	return r;
}

static int
is_identity(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
et_state_catch_up(struct et_state *state, uint64_t *ret_count, struct et_error *err)
{
	struct dirent **names = NULL;
	int count;
	int r = 0;

	*ret_count = 0;
	count = scandir(state->archives, &names, is_identity, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0
				       : et_error_errno(err, errno, "list '%s'", state->archives);
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = catch_up_identity(state, names[i]->d_name, ret_count, err);
		free(names[i]);
	}
	free(names);
	return r;
}
