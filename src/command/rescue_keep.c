// SPDX-License-Identifier: Apache-2.0
/* Reading rescue copies, and keeping no more of them than is needed. */
#include "command/rescue_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/fault.h"
#include "base/log.h"
#include "event/envelope.h"
#include "event/original.h"

#define SMALL_BYTES ((uint64_t)1 << 20)
#define SMALL_FILES_MAX 64u

/* ---- reading ---- */

static int
read_bytes(struct et_rescue *rescue, const char *path, const struct et_rescued *row,
	   struct et_error *err)
{
	ET_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t at = row->start;
	size_t left = (size_t)row->bytes;
	uint8_t *to;
	int r;

	if (fd < 0)
		return et_error_errno(err, errno, "open");
	et_buf_reset(&rescue->copy);
	to = et_buf_reserve(&rescue->copy, left);
	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "a document of %zu bytes", left);
	r = et_fault_point("read", err);
	if (r < 0)
		return r;
	while (left > 0) {
		ssize_t done = pread(fd, to, left, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return et_error_errno(err, errno, "read");
		if (done == 0)
			return et_error_set(err, ET_CORRUPT, "the file ends before it");
		to += done;
		at += (uint64_t)done;
		left -= (size_t)done;
	}
	et_buf_commit(&rescue->copy, (size_t)row->bytes);
	return 0;
}

static int
check_bytes(struct et_rescue *rescue, const struct et_rescued *row, struct et_document *ret,
	    struct et_error *err)
{
	char words[ET_STORE_WORDS_BYTES];
	struct et_sha256 sha256;

	et_hasher_once(rescue->hasher, rescue->copy.data, rescue->copy.size, &sha256);
	if (memcmp(&sha256, &row->sha256, sizeof(sha256)) != 0)
		return et_error_set(err, ET_CORRUPT, "it has changed since it was saved");
	if (et_document_parse(rescue->copy.data, rescue->copy.size, ret, &rescue->scratch, words) <
	    0)
		return et_error_set(err, ET_CORRUPT, "%s", words);
	return 0;
}

int
et_rescue_read(struct et_rescue *rescue, const struct et_rescued *row, struct et_document *ret,
	       struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_format("%s/%s", rescue->dir, row->file);
	char aggregate[ET_UUID_TEXT_BYTES];
	struct et_error why = { 0 };
	int r;

	r = et_cancel_check(err);
	if (r < 0)
		return r;
	r = read_bytes(rescue, path, row, &why);
	if (r == 0)
		r = check_bytes(rescue, row, ret, &why);
	if (r == 0)
		return 1;
	rescue->counts.unreadable++;
	et_uuid_format(&row->aggregate, aggregate);
	et_log(ET_LOG_WARNING, "the rescue copy of %s at byte %" PRIu64 " of '%s' is no good: %s",
	       aggregate, row->start, path, why.text);
	return 0;
}

int
et_rescue_visit(struct et_rescue *rescue, const struct et_uuid *aggregate,
		et_rescue_visitor *visitor, void *cookie, struct et_error *err)
{
	struct et_rescued_list rows = { .items = NULL };
	int r;

	r = et_catalog_rescued_of(rescue->state->catalog, aggregate, &rows, err);
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		struct et_document document;

		r = et_rescue_read(rescue, &rows.items[i], &document, err);
		if (r > 0)
			r = visitor(cookie, &document, err);
		r = r < 0 ? r : 0;
	}
	free(rows.items);
	return r;
}

struct loading {
	struct et_arena *arena;
	struct et_document **list;
	size_t room;
	size_t count;
};

static int
load_one(void *cookie, const struct et_document *document, struct et_error *err)
{
	struct loading *loading = cookie;
	struct et_document *copy;

	if (loading->count == loading->room)
		return 0;
	copy = et_document_copy(loading->arena, document);
	if (copy == NULL)
		return et_error_set(err, ET_LIMIT, "the rescue copies of a batch");
	loading->list[loading->count++] = copy;
	return 0;
}

int
et_rescue_load(struct et_rescue *rescue, const struct et_uuid *aggregate, struct et_arena *arena,
	       struct et_document **list, size_t room, size_t *ret_count, struct et_error *err)
{
	struct loading loading = { .arena = arena, .list = list, .room = room };
	int r = et_rescue_visit(rescue, aggregate, load_one, &loading, err);

	if (r < 0)
		return r;
	*ret_count = loading.count;
	return 0;
}

int
et_rescue_next(struct et_rescue *rescue, const struct et_uuid *after, struct et_uuid *ret,
	       struct et_error *err)
{
	return et_catalog_rescue_next(rescue->state->catalog, after, ret, err);
}

/* ---- pruning ---- */

struct pruning {
	struct et_rescue *rescue;
	et_rescue_needed *needed;
	void *cookie;
	struct et_digestset given; /* what the copies that are kept can give back */
	struct et_buf protobuf;
};

enum form { FORM_STORED, FORM_STORED_SNAPSHOT, FORM_EMBEDDED };

/* True when it is needed and no newer copy has the same. */
static bool
is_new(struct pruning *pruning, uint64_t version, int64_t time_ns, enum form form,
       struct et_slice bytes)
{
	struct et_hasher *hasher = pruning->rescue->hasher;
	struct et_sha256 digest;

	if (!pruning->needed(pruning->cookie, version, time_ns))
		return false;
	et_hasher_begin(hasher);
	et_hasher_add(hasher, &version, sizeof(version));
	et_hasher_add(hasher, &form, sizeof(form));
	et_hasher_add(hasher, bytes.data, bytes.size);
	et_hasher_end(hasher, &digest);
	return et_digestset_add(&pruning->given, &digest);
}

/* How many of the events inside a snapshot are. One that cannot be read has none to give. */
static size_t
count_new_inside(struct pruning *pruning, const struct et_stored_event *event)
{
	struct et_original_walk walk;
	struct et_original original;
	size_t count = 0;

	if (et_unsnappy(event->data, &pruning->protobuf, NULL) < 0)
		return 0;
	walk = et_original_walk_of(
		event->kind, (struct et_slice){ pruning->protobuf.data, pruning->protobuf.size });
	while (et_original_next(&walk, &original, NULL) > 0)
		if (original.payload.has_metadata && original.payload.timestamp_ns != 0)
			count += is_new(pruning, original.payload.version,
					original.payload.timestamp_ns, FORM_EMBEDDED,
					original.bytes);
	return count;
}

static bool
gives_more(struct pruning *pruning, const struct et_document *document)
{
	size_t count = 0;

	for (size_t i = 0; i < document->event_count; i++) {
		const struct et_stored_event *event = &document->events[i];
		bool snapshot = event->kind == ET_KIND_UNKNOWN
					? event->is_snapshot
					: et_kind_info(event->kind)->snapshot;

		count += is_new(pruning, event->version,
				event->timestamp_ns != 0 ? event->timestamp_ns : ET_TIME_NONE,
				snapshot ? FORM_STORED_SNAPSHOT : FORM_STORED, event->data);
		if (snapshot)
			count += count_new_inside(pruning, event);
	}
	return count > 0;
}

static int
drop(struct et_rescue *rescue, const struct et_uuid *aggregate, const struct et_sha256 *sha256,
     struct et_error *err)
{
	uint64_t dropped = 0;
	int r;

	r = et_catalog_rescue_drop(rescue->state->catalog, aggregate, sha256, &dropped, err);
	rescue->counts.pruned += dropped;
	return r;
}

/* Newest first. One that cannot be read stays as long as anything is needed. */
static int
prune_rows(struct pruning *pruning, const struct et_rescued_list *rows, struct et_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows->count; i++) {
		const struct et_rescued *row = &rows->items[i];
		struct et_document document;

		r = et_rescue_read(pruning->rescue, row, &document, err);
		if (r > 0)
			r = gives_more(pruning, &document)
				    ? 0
				    : drop(pruning->rescue, &row->aggregate, &row->sha256, err);
	}
	return r;
}

int
et_rescue_prune(struct et_rescue *rescue, const struct et_uuid *aggregate, et_rescue_needed *needed,
		void *cookie, struct et_error *err)
{
	struct pruning pruning = { .rescue = rescue, .needed = needed, .cookie = cookie };
	struct et_rescued_list rows = { .items = NULL };
	int r;

	if (rescue->state->lock_fd < 0)
		return et_error_set(err, ET_USAGE, "'%s' is open for reading only", rescue->dir);
	if (needed == NULL)
		return drop(rescue, aggregate, NULL, err);
	et_buf_init(&pruning.protobuf, ET_PAYLOAD_BYTES_MAX);
	r = et_catalog_rescued_of(rescue->state->catalog, aggregate, &rows, err);
	if (r == 0)
		r = prune_rows(&pruning, &rows, err);
	et_digestset_done(&pruning.given);
	et_buf_done(&pruning.protobuf);
	free(rows.items);
	return r;
}

/* ---- sweeping ---- */

/* The copies of one file into the buffer. One that cannot be read stays where it is. */
static int
move_copies(struct et_rescue *rescue, const char *file, struct et_error *err)
{
	struct et_rescued_list rows = { .items = NULL };
	int r;

	r = et_catalog_rescued_in(rescue->state->catalog, file, &rows, err);
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		struct et_document document;

		r = et_rescue_read(rescue, &rows.items[i], &document, err);
		if (r > 0)
			r = et_rescue_put(rescue, &rows.items[i],
					  (struct et_slice){ rescue->copy.data, rescue->copy.size },
					  err);
	}
	free(rows.items);
	return r;
}

/* Files of which less than half is left, and small ones when there are many: so what lies on the
 * disk does not grow with the number of audits. */
static int
move_out_of_poor_files(struct et_rescue *rescue, struct et_rescue_file_list *files,
		       struct et_error *err)
{
	struct et_catalog *catalog = rescue->state->catalog;
	size_t small = 0;
	int r;

	r = et_catalog_rescue_files(catalog, files, err);
	for (size_t i = 0; r == 0 && i < files->count; i++)
		small += files->items[i].bytes < SMALL_BYTES;
	for (size_t i = 0; r == 0 && i < files->count; i++) {
		const struct et_rescue_file *file = &files->items[i];

		if (file->copies > 0 && (file->copy_bytes < file->bytes / 2 ||
					 (small > SMALL_FILES_MAX && file->bytes < SMALL_BYTES)))
			r = move_copies(rescue, file->name, err);
	}
	return r == 0 ? et_rescue_flush(rescue, err) : r;
}

/* Only after the rows are gone for good. */
static int
remove_files(struct et_rescue *rescue, const struct et_rescue_file_list *files,
	     struct et_error *err)
{
	int r = et_catalog_harden(rescue->state->catalog, err);

	for (size_t i = 0; r == 0 && i < files->count; i++) {
		ET_CLEAN_MEM char *path = NULL;

		if (files->items[i].copies > 0)
			continue;
		path = et_format("%s/%s", rescue->dir, files->items[i].name);
		r = et_fault_point("unlink", err);
		if (r == 0 && unlink(path) != 0 && errno != ENOENT)
			r = et_error_errno(err, errno, "remove '%s'", path);
	}
	return r == 0 ? et_dir_sync(rescue->dir, err) : r;
}

static int
forget_files(struct et_rescue *rescue, const struct et_rescue_file_list *files,
	     struct et_error *err)
{
	struct et_catalog *catalog = rescue->state->catalog;
	int r = et_catalog_begin(catalog, err);

	for (size_t i = 0; r == 0 && i < files->count; i++)
		if (files->items[i].copies == 0)
			r = et_catalog_rescue_file_drop(catalog, files->items[i].name, NULL, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0)
		et_catalog_rollback(catalog);
	return r;
}

static int
remove_empty_files(struct et_rescue *rescue, struct et_rescue_file_list *files,
		   struct et_error *err)
{
	size_t empty = 0;
	int r;

	r = et_catalog_rescue_files(rescue->state->catalog, files, err);
	for (size_t i = 0; r == 0 && i < files->count; i++)
		empty += files->items[i].copies == 0;
	if (r < 0 || empty == 0)
		return r;
	r = remove_files(rescue, files, err);
	return r == 0 ? forget_files(rescue, files, err) : r;
}

static int
sweep(struct et_rescue *rescue, struct et_rescue_file_list *files, struct et_error *err)
{
	struct et_catalog *catalog = rescue->state->catalog;
	struct et_rescue_totals totals;
	int r;

	r = et_catalog_begin(catalog, err);
	if (r < 0)
		return r;
	r = move_out_of_poor_files(rescue, files, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0) {
		et_catalog_rollback(catalog);
		return r;
	}
	r = remove_empty_files(rescue, files, err);
	if (r == 0)
		r = et_catalog_rescue_totals(catalog, &totals, err);
	if (r == 0)
		rescue->file_bytes = totals.file_bytes;
	return r;
}

int
et_rescue_sweep(struct et_rescue *rescue, struct et_error *err)
{
	struct et_rescue_file_list files = { .items = NULL };
	int r;

	if (rescue->state->lock_fd < 0)
		return et_error_set(err, ET_USAGE, "'%s' is open for reading only", rescue->dir);
	if (et_catalog_in_transaction(rescue->state->catalog))
		return et_error_set(err, ET_USAGE, "rescue copies are swept after the commit");
	r = sweep(rescue, &files, err);
	free(files.items);
	return r < 0 ? et_error_wrap(err, r, "sweep rescue copies") : 0;
}
