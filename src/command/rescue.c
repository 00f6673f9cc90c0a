// SPDX-License-Identifier: Apache-2.0
/* Saving rescue copies: the buffer, and the files that it becomes. */
#include "command/rescue_part.h"

#include <inttypes.h>
#include <string.h>

#include "base/atomicfile.h"
#include "base/clock.h"

#define NUMBER_MAX 999999u
#define SEEN_MAX 65536u

/* ---- digests ---- */

static size_t
slot_of(const struct et_digestset *set, const struct et_sha256 *digest)
{
	static const struct et_sha256 none = { { 0 } };
	uint64_t hash;
	size_t at;

	memcpy(&hash, digest->bytes, sizeof(hash));
	for (at = (size_t)hash & (set->capacity - 1);
	     memcmp(&set->slots[at], &none, sizeof(none)) != 0 &&
	     memcmp(&set->slots[at], digest, sizeof(*digest)) != 0;
	     at = (at + 1) & (set->capacity - 1))
		;
	return at;
}

static void
grow(struct et_digestset *set)
{
	struct et_digestset larger = { .capacity = set->capacity > 0 ? set->capacity * 2 : 64,
				       .count = set->count };
	static const struct et_sha256 none = { { 0 } };

	larger.slots = et_calloc(larger.capacity, sizeof(*larger.slots));
	for (size_t i = 0; i < set->capacity; i++)
		if (memcmp(&set->slots[i], &none, sizeof(none)) != 0)
			larger.slots[slot_of(&larger, &set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = larger;
}

bool
et_digestset_add(struct et_digestset *set, const struct et_sha256 *digest)
{
	size_t at;

	if (set->count * 2 >= set->capacity)
		grow(set);
	at = slot_of(set, digest);
	if (memcmp(&set->slots[at], digest, sizeof(*digest)) == 0)
		return false;
	set->slots[at] = *digest;
	set->count++;
	return true;
}

void
et_digestset_clear(struct et_digestset *set)
{
	if (set->count > 0)
		memset(set->slots, 0, set->capacity * sizeof(*set->slots));
	set->count = 0;
}

void
et_digestset_done(struct et_digestset *set)
{
	free(set->slots);
	*set = (struct et_digestset){ .slots = NULL };
}

/* ---- open and close ---- */

bool
et_rescue_name_parse(const char *name, int64_t *ret_run, uint32_t *ret_number, bool *ret_damaged)
{
	static const char form[] = "dddddddddd-dddddd.bson";
	int64_t run = 0;
	uint32_t number = 0;

	for (size_t i = 0; form[i] != '\0'; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';

		if (form[i] == 'd' ? !digit : name[i] != form[i])
			return false;
		if (digit && i < 10)
			run = run * 10 + (name[i] - '0');
		else if (digit)
			number = number * 10 + (uint32_t)(name[i] - '0');
	}
	name += strlen(form);
	*ret_damaged = strcmp(name, ".damaged") == 0;
	*ret_run = run;
	*ret_number = number;
	return *name == '\0' || *ret_damaged;
}

static bool
is_writable(const struct et_rescue *rescue)
{
	return rescue->state->lock_fd >= 0;
}

static int
read_only(const struct et_rescue *rescue, struct et_error *err)
{
	return et_error_set(err, ET_USAGE, "'%s' is open for reading only", rescue->dir);
}

int
et_rescue_open(struct et_state *state, int64_t run, uint64_t limit_bytes, struct et_rescue **ret,
	       struct et_error *err)
{
	ET_CLEAN(et_rescue) struct et_rescue *rescue = et_calloc(1, sizeof(*rescue));
	int r;

	rescue->state = state;
	rescue->dir = et_format("%s/rescue", state->dir);
	rescue->run = run;
	rescue->next_number = 1;
	rescue->limit_bytes = limit_bytes;
	rescue->hasher = et_hasher_new();
	et_buf_init(&rescue->buffer, ET_STORE_DOCUMENT_BYTES_MAX);
	et_buf_init(&rescue->copy, ET_STORE_DOCUMENT_BYTES_MAX);
	r = is_writable(rescue) ? et_rescue_adopt(rescue, err) : 0;
	if (r < 0)
		return et_error_wrap(err, r, "look after rescue copies");
	*ret = ET_STEAL(rescue);
	return 0;
}

void
et_rescue_close(struct et_rescue *rescue)
{
	if (rescue == NULL)
		return;
	et_document_scratch_done(&rescue->scratch);
	et_buf_done(&rescue->copy);
	et_buf_done(&rescue->buffer);
	free(rescue->waiting.items);
	et_digestset_done(&rescue->seen);
	et_hasher_free(rescue->hasher);
	free(rescue->dir);
	free(rescue);
}

const struct et_rescue_counts *
et_rescue_counts(const struct et_rescue *rescue)
{
	return &rescue->counts;
}

/* ---- saving ---- */

int
et_rescue_put(struct et_rescue *rescue, const struct et_rescued *row, struct et_slice raw,
	      struct et_error *err)
{
	struct et_rescued_list *waiting = &rescue->waiting;
	size_t start;
	int r;

	if (rescue->buffer.size > 0 && rescue->buffer.size + raw.size > ET_RESCUE_BUFFER_BYTES) {
		r = et_rescue_flush(rescue, err);
		if (r < 0)
			return r;
	}
	start = rescue->buffer.size;
	et_buf_put(&rescue->buffer, raw.data, raw.size);
	r = et_buf_check(&rescue->buffer, "a document to rescue", err);
	if (r < 0)
		return r;
	if (waiting->count == waiting->capacity) {
		waiting->capacity = waiting->capacity > 0 ? waiting->capacity * 2 : 64;
		waiting->items = et_realloc_array(waiting->items, waiting->capacity,
						  sizeof(*waiting->items));
	}
	waiting->items[waiting->count] = *row;
	waiting->items[waiting->count].start = start;
	waiting->items[waiting->count++].bytes = raw.size;
	return 0;
}

int
et_rescue_save(struct et_rescue *rescue, const struct et_uuid *aggregate,
	       const struct et_document *document, struct et_slice raw, struct et_error *err)
{
	struct et_rescued row = { .aggregate = *aggregate,
				  .latest_version = document->latest_version };
	int r;

	if (!is_writable(rescue))
		return read_only(rescue, err);
	if (rescue->limit_bytes == 0 || document->event_count == 0)
		return 0;
	et_hasher_once(rescue->hasher, raw.data, raw.size, &row.sha256);
	if (rescue->seen.count >= SEEN_MAX)
		et_digestset_clear(&rescue->seen);
	if (!et_digestset_add(&rescue->seen, &row.sha256))
		return 0;
	r = et_catalog_rescue_has(rescue->state->catalog, aggregate, &row.sha256, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (rescue->file_bytes + rescue->buffer.size + raw.size > rescue->limit_bytes) {
		rescue->counts.turned_away++;
		return 0;
	}
	row.saved_ns = et_clock_now_ns();
	r = et_rescue_put(rescue, &row, raw, err);
	if (r < 0)
		return et_error_wrap(err, r, "save rescue copies");
	/* Putting it may have emptied the buffer, and forgotten what it held. */
	(void)et_digestset_add(&rescue->seen, &row.sha256);
	rescue->counts.saved++;
	rescue->counts.saved_bytes += raw.size;
	return 0;
}

/* Under a name that is free: a catalog that was made anew counts its runs from 1 again. */
static int
write_file(struct et_rescue *rescue, char name[ET_RESCUE_NAME_BYTES], struct et_error *err)
{
	int r = ET_CONFLICT;

	while (r == ET_CONFLICT) {
		if (rescue->next_number > NUMBER_MAX)
			return et_error_set(err, ET_LIMIT, "more than %u files in one run",
					    NUMBER_MAX);
		(void)snprintf(name, ET_RESCUE_NAME_BYTES, "%010" PRId64 "-%06" PRIu32 ".bson",
			       rescue->run, rescue->next_number++);
		r = et_file_write(rescue->dir, name, rescue->buffer.data, rescue->buffer.size,
				  false, err);
		if (r == 0)
			et_error_clear(err);
	}
	return r;
}

static int
note_file(struct et_rescue *rescue, const char *name, struct et_error *err)
{
	struct et_catalog *catalog = rescue->state->catalog;
	int r;

	r = et_catalog_rescue_file_add(catalog, name, rescue->buffer.size, err);
	for (size_t i = 0; r == 0 && i < rescue->waiting.count; i++) {
		struct et_rescued *row = &rescue->waiting.items[i];

		(void)snprintf(row->file, sizeof(row->file), "%s", name);
		r = et_catalog_rescue_add(catalog, row, err);
	}
	return r;
}

int
et_rescue_flush(struct et_rescue *rescue, struct et_error *err)
{
	struct et_catalog *catalog = rescue->state->catalog;
	char name[ET_RESCUE_NAME_BYTES];
	int r;

	if (rescue->waiting.count == 0)
		return 0;
	r = et_dir_make(rescue->dir, err);
	if (r == 0)
		r = write_file(rescue, name, err);
	if (r == 0)
		r = et_catalog_begin(catalog, err);
	if (r < 0)
		return et_error_wrap(err, r, "save rescue copies");
	rescue->file_bytes += rescue->buffer.size;
	r = note_file(rescue, name, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0) {
		et_catalog_rollback(catalog);
		return et_error_wrap(err, r, "save rescue copies");
	}
	et_buf_reset(&rescue->buffer);
	rescue->waiting.count = 0;
	et_digestset_clear(&rescue->seen);
	return 0;
}
