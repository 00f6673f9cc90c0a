// SPDX-License-Identifier: Apache-2.0
/*
 * Bringing the catalog and the folder of rescue copies together: after a crash
 * between file and row, with a catalog that was made anew, with files that
 * were damaged or are gone.
 */
#include "command/rescue_part.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "event/ident.h"

#define FILE_BYTES_MAX ((size_t)64 << 20) /* we write 17 MiB at the most */
#define LENGTH_BYTES 4
#define DOCUMENT_BYTES_LEAST 5

/* A file of the folder. */
struct found {
	char name[ET_RESCUE_NAME_BYTES];
	uint64_t bytes;
	int64_t time_ns; /* last written */
	bool damaged;    /* to be set aside */
};

struct adoption {
	struct et_rescue *rescue;
	struct found *files; /* by name */
	size_t count;
	size_t capacity;
	struct et_rescue_file_list known; /* by name, too */
	struct et_rescued_list rows;      /* of the file in hand */
	uint64_t adopted;
};

/* ---- the folder ---- */

static int
compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* Notes a file of ours, and which number the next one can have. */
static void
take_name(struct adoption *adoption, int dir_fd, const char *name)
{
	struct et_rescue *rescue = adoption->rescue;
	struct found *found;
	struct stat status;
	uint32_t number;
	bool damaged;
	int64_t run;

	if (!et_rescue_name_parse(name, &run, &number, &damaged))
		return;
	if (run == rescue->run && number >= rescue->next_number)
		rescue->next_number = number + 1;
	if (damaged || fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(status.st_mode))
		return;
	if (adoption->count == adoption->capacity) {
		adoption->capacity = adoption->capacity > 0 ? adoption->capacity * 2 : 16;
		adoption->files = et_realloc_array(adoption->files, adoption->capacity,
						   sizeof(*adoption->files));
	}
	found = &adoption->files[adoption->count++];
	*found = (struct found){ .bytes = (uint64_t)status.st_size,
				 .time_ns = status.st_mtim.tv_sec * ET_NS_PER_SECOND +
					    status.st_mtim.tv_nsec };
	memcpy(found->name, name, strlen(name) + 1); /* it has the form of ours */
}

static int
list_files(struct adoption *adoption, struct et_error *err)
{
	const char *path = adoption->rescue->dir;
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int error;
	int r;

	if (dir == NULL && errno == ENOENT)
		return 0;
	if (dir == NULL)
		return et_error_errno(err, errno, "open '%s'", path);
	r = et_dir_sweep(path, NULL, err);
	while (errno = 0, r == 0 && (entry = readdir(dir)) != NULL)
		take_name(adoption, dirfd(dir), entry->d_name);
	error = errno;
	(void)closedir(dir);
	if (r == 0 && error != 0)
		return et_error_errno(err, error, "list '%s'", path);
	if (adoption->count > 0)
		qsort(adoption->files, adoption->count, sizeof(*adoption->files), compare_found);
	return r;
}

/* ---- one file ---- */

/* The document that begins at the first of the bytes: its length, or 0 when none does. */
static size_t
document_at(struct adoption *adoption, const uint8_t *bytes, size_t left, struct et_document *ret)
{
	char words[ET_STORE_WORDS_BYTES];
	uint32_t length;

	if (left < DOCUMENT_BYTES_LEAST)
		return 0;
	length = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		 (uint32_t)bytes[3] << 24;
	if (length < DOCUMENT_BYTES_LEAST || length > left || bytes[length - 1] != 0)
		return 0;
	if (et_document_parse(bytes, length, ret, &adoption->rescue->scratch, words) < 0)
		return 0;
	return length;
}

/* Lists the documents among the bytes. A damaged one is passed over, byte by byte: its length may
 * be what is damaged. */
static int
find_documents(struct adoption *adoption, struct found *found, const uint8_t *bytes, size_t size,
	       struct et_error *err)
{
	struct et_rescued_list *rows = &adoption->rows;
	size_t at = 0;

	rows->count = 0;
	found->damaged = size == 0;
	while (at < size) {
		struct et_document document;
		struct et_rescued *row;
		size_t length = document_at(adoption, bytes + at, size - at, &document);

		if (length == 0) {
			found->damaged = true;
			at++;
			continue;
		}
		if (rows->count == rows->capacity) {
			rows->capacity = rows->capacity > 0 ? rows->capacity * 2 : 64;
			rows->items =
				et_realloc_array(rows->items, rows->capacity, sizeof(*rows->items));
		}
		row = &rows->items[rows->count++];
		*row = (struct et_rescued){ .aggregate = et_ident_key(document.aggregate_id, NULL),
					    .latest_version = document.latest_version,
					    .start = at,
					    .bytes = length,
					    .saved_ns = found->time_ns };
		et_hasher_once(adoption->rescue->hasher, bytes + at, length, &row->sha256);
		(void)snprintf(row->file, sizeof(row->file), "%s", found->name);
		at += length;
		if (rows->count % 1024 == 0) {
			int r = et_cancel_check(err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* A file that is whole is noted as it lies; of a damaged one the documents are written anew. */
static int
take_documents(struct adoption *adoption, const struct found *found, const uint8_t *bytes,
	       struct et_error *err)
{
	struct et_rescue *rescue = adoption->rescue;
	struct et_catalog *catalog = rescue->state->catalog;
	int r = 0;

	if (!found->damaged)
		r = et_catalog_rescue_file_add(catalog, found->name, found->bytes, err);
	for (size_t i = 0; r == 0 && i < adoption->rows.count; i++) {
		const struct et_rescued *row = &adoption->rows.items[i];
		struct et_slice raw = { bytes + row->start, row->bytes };

		r = found->damaged ? et_rescue_put(rescue, row, raw, err)
				   : et_catalog_rescue_add(catalog, row, err);
	}
	return r;
}

/* One that the catalog does not know, or knows as another: `expected` copies, 0 when not known. */
static int
take_file(struct adoption *adoption, struct found *found, uint64_t expected, struct et_error *err)
{
	struct et_rescue *rescue = adoption->rescue;
	ET_CLEAN_MEM char *path = et_format("%s/%s", rescue->dir, found->name);
	ET_CLEAN_MEM char *text = NULL;
	struct et_error why = { 0 };
	char of[32] = "";
	size_t size = 0;
	int r;

	if (et_file_read(path, FILE_BYTES_MAX, &text, &size, &why) < 0) {
		et_log(ET_LOG_WARNING, "rescue copies: %s: left as it is", why.text);
		return 0;
	}
	r = find_documents(adoption, found, (const uint8_t *)text, size, err);
	if (r == 0)
		r = take_documents(adoption, found, (const uint8_t *)text, err);
	if (r < 0)
		return et_error_wrap(err, r, "take '%s' in", path);
	if (expected > 0)
		(void)snprintf(of, sizeof(of), "of %" PRIu64 " ", expected);
	if (found->damaged)
		et_log(ET_LOG_WARNING,
		       "'%s' is damaged: %zu rescue copies %scould be read and were written anew; "
		       "it is kept as %s.damaged",
		       path, adoption->rows.count, of, found->name);
	else
		adoption->adopted += adoption->rows.count;
	return 0;
}

/* ---- folder and catalog ---- */

/* Both lists are sorted: one walk. Unknown files come in; gone ones are dropped only afterwards,
 * because a copy may have moved from a file that is gone to one that is not known yet. */
static int
compare_lists(struct adoption *adoption, struct et_error *err)
{
	struct et_catalog *catalog = adoption->rescue->state->catalog;
	size_t known = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < adoption->count; i++) {
		struct found *found = &adoption->files[i];
		const struct et_rescue_file *file;
		uint64_t expected = 0;

		while (known < adoption->known.count &&
		       strcmp(adoption->known.items[known].name, found->name) < 0)
			known++;
		file = known < adoption->known.count ? &adoption->known.items[known] : NULL;
		if (file != NULL && strcmp(file->name, found->name) == 0) {
			if (file->bytes == found->bytes)
				continue;
			r = et_catalog_rescue_file_drop(catalog, file->name, &expected, err);
		}
		if (r == 0)
			r = take_file(adoption, found, expected, err);
	}
	return r;
}

static bool
is_there(const struct adoption *adoption, const char *name)
{
	struct found key;

	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	return adoption->count > 0 && bsearch(&key, adoption->files, adoption->count,
					      sizeof(*adoption->files), compare_found) != NULL;
}

static int
drop_gone(struct adoption *adoption, struct et_error *err)
{
	struct et_rescue *rescue = adoption->rescue;
	int r = 0;

	for (size_t i = 0; r == 0 && i < adoption->known.count; i++) {
		const char *name = adoption->known.items[i].name;
		uint64_t copies = 0;

		if (is_there(adoption, name))
			continue;
		r = et_catalog_rescue_file_drop(rescue->state->catalog, name, &copies, err);
		if (r == 0 && copies > 0)
			et_log(ET_LOG_WARNING,
			       "'%s/%s' is gone, and %" PRIu64 " rescue cop%s with it", rescue->dir,
			       name, copies, copies == 1 ? "y" : "ies");
	}
	return r;
}

static int
rename_file(const char *from, const char *to, struct et_error *err)
{
	int r = et_fault_point("rename", err);

	if (r < 0)
		return r;
	if (access(to, F_OK) == 0)
		return et_error_set(err, ET_CONFLICT, "'%s' is there already", to);
	return rename(from, to) == 0 ? 0 : et_error_errno(err, errno, "rename '%s'", from);
}

/* What could be read of them is safe by now. One that keeps its name is read again next time. */
static void
set_aside(const struct adoption *adoption)
{
	for (size_t i = 0; i < adoption->count; i++) {
		ET_CLEAN_MEM char *from = NULL;
		ET_CLEAN_MEM char *to = NULL;
		struct et_error why = { 0 };

		if (!adoption->files[i].damaged)
			continue;
		from = et_format("%s/%s", adoption->rescue->dir, adoption->files[i].name);
		to = et_format("%s.damaged", from);
		if (rename_file(from, to, &why) < 0)
			et_log(ET_LOG_WARNING, "rescue copies: %s", why.text);
	}
}

static int
adopt(struct adoption *adoption, struct et_error *err)
{
	struct et_rescue *rescue = adoption->rescue;
	struct et_catalog *catalog = rescue->state->catalog;
	struct et_rescue_totals totals;
	int r;

	r = list_files(adoption, err);
	if (r == 0)
		r = et_catalog_rescue_files(catalog, &adoption->known, err);
	if (r == 0)
		r = compare_lists(adoption, err);
	if (r == 0)
		r = et_rescue_flush(rescue, err);
	if (r == 0)
		r = drop_gone(adoption, err);
	if (r == 0)
		r = et_catalog_rescue_totals(catalog, &totals, err);
	if (r == 0)
		rescue->file_bytes = totals.file_bytes;
	return r;
}

int
et_rescue_adopt(struct et_rescue *rescue, struct et_error *err)
{
	struct adoption adoption = { .rescue = rescue };
	struct et_catalog *catalog = rescue->state->catalog;
	int r;

	r = et_catalog_begin(catalog, err);
	if (r < 0)
		return r;
	r = adopt(&adoption, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r == 0) {
		set_aside(&adoption);
		if (adoption.adopted > 0)
			et_log(ET_LOG_NOTICE,
			       "took %" PRIu64 " rescue cop%s in that the catalog did not know",
			       adoption.adopted, adoption.adopted == 1 ? "y" : "ies");
	} else {
		et_catalog_rollback(catalog);
	}
	free(adoption.files);
	free(adoption.known.items);
	free(adoption.rows.items);
	return r;
}
