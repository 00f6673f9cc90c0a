// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "archive/format.h"
#include "archive/reader.h"
#include "base/atomicfile.h"

#define DIGITS 20
/* "-<20 digits>-<20 digits>.tar.zst" */
#define TAIL_BYTES (1 + DIGITS + 1 + DIGITS + sizeof(ET_ARCHIVE_SUFFIX) - 1)
#define LIST_MAX 10000000U

char *
et_archive_name_format(const char *stream, uint64_t first_seq, uint64_t last_seq)
{
	return et_format("%s-%020" PRIu64 "-%020" PRIu64 ET_ARCHIVE_SUFFIX, stream, first_seq,
			 last_seq);
}

static bool
read_digits(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}

bool
et_archive_name_parse(const char *name, uint64_t *ret_first, uint64_t *ret_last)
{
	size_t bytes = strlen(name);
	const char *tail;
	uint64_t first;
	uint64_t last;

	if (bytes <= TAIL_BYTES || *name == '.')
		return false;
	tail = name + bytes - TAIL_BYTES;
	if (tail[0] != '-' || tail[1 + DIGITS] != '-' ||
	    strcmp(tail + TAIL_BYTES - (sizeof(ET_ARCHIVE_SUFFIX) - 1), ET_ARCHIVE_SUFFIX) != 0)
		return false;
	if (!read_digits(tail + 1, &first) || !read_digits(tail + 2 + DIGITS, &last) ||
	    first > last)
		return false;
	*ret_first = first;
	*ret_last = last;
	return true;
}

static int
compare_items(const void *a, const void *b)
{
	const struct et_archive_name *x = a;
	const struct et_archive_name *y = b;

	if (x->first_seq != y->first_seq)
		return x->first_seq < y->first_seq ? -1 : 1;
	if (x->last_seq != y->last_seq)
		return x->last_seq > y->last_seq ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void
add_item(struct et_archive_list *list, const char *dir, const char *name)
{
	struct et_archive_name item = { 0 };

	if (!et_archive_name_parse(name, &item.first_seq, &item.last_seq))
		return;
	if (list->count == list->capacity) {
		list->capacity = list->capacity > 0 ? list->capacity * 2 : 64;
		list->items = et_realloc_array(list->items, list->capacity, sizeof(*list->items));
	}
	item.path = et_format("%s/%s", dir, name);
	list->items[list->count++] = item;
}

/* In the list's order a container comes before what it contains. */
static void
find_containers(struct et_archive_list *list)
{
	const struct et_archive_name *widest = NULL; /* of those that reach farthest, the first */

	for (size_t i = 0; i < list->count; i++) {
		struct et_archive_name *item = &list->items[i];

		if (widest == NULL || item->last_seq > widest->last_seq)
			widest = item;
		else if (item->first_seq != widest->first_seq || item->last_seq != widest->last_seq)
			item->within = widest;
	}
}

int
et_archive_list_read(const char *dir, struct et_archive_list *ret, struct et_error *err)
{
	struct et_archive_list list = { 0 };
	const struct dirent *entry;
	DIR *handle = opendir(dir);
	int r = 0;

	if (handle == NULL && errno != ENOENT)
		return et_error_errno(err, errno, "list %s", dir);
	while (handle != NULL && r == 0) {
		errno = 0;
		entry = readdir(handle);
		if (entry == NULL) {
			r = errno != 0 ? et_error_errno(err, errno, "list %s", dir) : 0;
			break;
		}
		add_item(&list, dir, entry->d_name);
		if (list.count > LIST_MAX)
			r = et_error_set(err, ET_LIMIT, "list %s: more than %u archives", dir,
					 LIST_MAX);
	}
	if (handle != NULL)
		(void)closedir(handle);
	if (r < 0) {
		et_archive_list_done(&list);
		return r;
	}
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(*list.items), compare_items);
	find_containers(&list);
	*ret = list;
	return 0;
}

void
et_archive_list_done(struct et_archive_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct et_archive_list){ 0 };
}

static bool
is_part(const struct et_statement *part, const struct et_statement *whole)
{
	if (strcmp(part->stream, whole->stream) != 0 ||
	    strcmp(part->identity, whole->identity) != 0 || part->first_seq < whole->first_seq ||
	    part->last_seq > whole->last_seq || part->counts.messages > whole->counts.messages ||
	    part->before.size < whole->before.size || part->after.size > whole->after.size)
		return false;
	/* Where both begin or end, their trees are the same. */
	return (part->first_seq != whole->first_seq ||
		et_tree_head_equals(&part->before, &whole->before)) &&
	       (part->last_seq != whole->last_seq ||
		et_tree_head_equals(&part->after, &whole->after));
}

int
et_archive_part_of(const char *path, const char *whole_path, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *part = NULL;
	ET_CLEAN(et_reader) struct et_reader *whole = NULL;
	int r = et_reader_open(path, &part, err);

	if (r == 0)
		r = et_reader_open(whole_path, &whole, err);
	if (r < 0)
		return r;
	return is_part(et_reader_statement(part), et_reader_statement(whole)) ? 1 : 0;
}

/* Of a sidecar without archive: did the archive never get its name, or was it merged? Else somebody
 * took it away. */
static bool
is_leftover(const struct et_archive_list *list, uint64_t first, uint64_t last)
{
	size_t i = 0;

	while (i < list->count && list->items[i].last_seq < first)
		i++;
	return i == list->count || list->items[i].first_seq <= last;
}

static int
sweep_sidecar(int dir_fd, const struct et_archive_list *list, const char *name)
{
	size_t bytes = strlen(name);
	size_t suffix = sizeof(ET_ARCHIVE_SIDECAR_SUFFIX) - 1;
	ET_CLEAN_MEM char *archive = NULL;
	uint64_t first;
	uint64_t last;

	if (bytes <= suffix || strcmp(name + bytes - suffix, ET_ARCHIVE_SIDECAR_SUFFIX) != 0)
		return 0;
	archive = et_strndup(name, bytes - suffix);
	if (!et_archive_name_parse(archive, &first, &last) ||
	    faccessat(dir_fd, archive, F_OK, 0) == 0 || !is_leftover(list, first, last))
		return 0;
	return unlinkat(dir_fd, name, 0);
}

static int
sweep_sidecars(const char *dir, const struct et_archive_list *list, struct et_error *err)
{
	const struct dirent *entry;
	DIR *handle = opendir(dir);
	int r = 0;

	if (handle == NULL)
		return et_error_errno(err, errno, "list %s", dir);
	while (r == 0 && (errno = 0, entry = readdir(handle)) != NULL)
		r = sweep_sidecar(dirfd(handle), list, entry->d_name);
	if (errno != 0)
		r = et_error_errno(err, errno, "remove leftovers in %s", dir);
	(void)closedir(handle);
	return r;
}

int
et_archive_sweep(const char *dir, const struct et_archive_list *list, struct et_error *err)
{
	int r = et_dir_sweep(dir, NULL, err);

	return r == 0 ? sweep_sidecars(dir, list, err) : r;
}
