// SPDX-License-Identifier: Apache-2.0
#include "store/source.h"

#include <string.h>

#include "store/source_internal.h"

void
et_source_free(struct et_source *source)
{
	if (source != NULL)
		source->ops->free(source);
}

const char *
et_source_address(const struct et_source *source)
{
	return source->ops->address(source);
}

bool
et_source_is_partial(const struct et_source *source)
{
	return source->ops->shows != NULL;
}

void
et_source_tell_devices(struct et_source *source, const struct et_uuid *devices, size_t count)
{
	if (source->ops->tell_devices != NULL)
		source->ops->tell_devices(source, devices, count);
}

bool
et_source_shows(const struct et_source *source, const struct et_uuid *device)
{
	return source->ops->shows == NULL || source->ops->shows(source, device);
}

int
et_source_probe(struct et_source *source, struct et_source_facts *ret, struct et_error *err)
{
	struct et_source_facts facts = { .exists = false };
	int r;

	r = source->ops->probe(source, &facts, err);
	if (r < 0)
		return et_error_wrap(err, r, "look at the store");
	*ret = facts;
	return 0;
}

int
et_source_heads(struct et_source *source, const char *after, const char *until, bool split,
		struct et_heads **ret, struct et_error *err)
{
	int r = source->ops->heads(source, after, until, split, ret, err);

	return r < 0 ? et_error_wrap(err, r, "scan the store") : 0;
}

static int
check_count(size_t count, struct et_error *err)
{
	if (count <= ET_SOURCE_IDS_MAX)
		return 0;
	return et_error_set(err, ET_LIMIT, "%zu ids in one question, the limit is %u", count,
			    ET_SOURCE_IDS_MAX);
}

/* No ids: no documents, and no question to the server. */
static int
next_of_none(struct et_documents *documents ET_UNUSED, struct et_slice *ret ET_UNUSED,
	     struct et_error *err ET_UNUSED)
{
	return 0;
}

static void
free_none(struct et_documents *documents)
{
	free(documents);
}

int
et_source_documents(struct et_source *source, const char *const *aggregate_ids, size_t count,
		    struct et_documents **ret, struct et_error *err)
{
	struct et_documents *none;
	int r = check_count(count, err);

	if (r == 0 && count == 0) {
		none = et_calloc(1, sizeof(*none));
		none->next = next_of_none;
		none->free = free_none;
		*ret = none;
		return 0;
	}
	if (r == 0)
		r = source->ops->documents(source, aggregate_ids, count, ret, err);
	return r < 0 ? et_error_wrap(err, r, "read %zu aggregates of the store", count) : 0;
}

int
et_source_all(struct et_source *source, struct et_documents **ret, struct et_error *err)
{
	int r = source->ops->documents(source, NULL, 0, ret, err);

	return r < 0 ? et_error_wrap(err, r, "read the store") : 0;
}

int
et_documents_next(struct et_documents *documents, struct et_source_document *ret,
		  struct et_error *err)
{
	struct et_slice bson;
	int r;

	r = documents->next(documents, &bson, err);
	if (r <= 0)
		return r < 0 ? et_error_wrap(err, r, "read documents of the store") : 0;
	ret->raw = bson;
	ret->malformed = et_document_parse(bson.data, bson.size, &ret->document,
					   &documents->scratch, ret->words) < 0;
	return 1;
}

void
et_documents_free(struct et_documents *documents)
{
	if (documents == NULL)
		return;
	et_document_scratch_done(&documents->scratch);
	documents->free(documents);
}

void
et_source_mark(const char *const *ids, size_t count, struct et_slice text, bool *found,
	       size_t *open_count)
{
	for (size_t i = 0; i < count; i++) {
		if (found[i] || !et_slice_equals(text, ids[i]))
			continue;
		found[i] = true;
		(*open_count)--;
	}
}

static int
look_up(int (*ask)(struct et_source *, const char *const *, size_t, bool *, struct et_error *),
	struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
	struct et_error *err)
{
	ET_CLEAN_MEM bool *found = et_calloc(count + 1, sizeof(*found));
	int r = check_count(count, err);

	if (r == 0 && count > 0)
		r = ask(source, ids, count, found, err);
	if (r == 0 && count > 0)
		memcpy(ret_found, found, count * sizeof(*found));
	return r;
}

int
et_source_devices(struct et_source *source, const char *const *group_ids, size_t count,
		  bool *ret_found, struct et_error *err)
{
	int r = look_up(source->ops->devices, source, group_ids, count, ret_found, err);

	return r < 0 ? et_error_wrap(err, r, "look up devices in the store") : 0;
}

int
et_source_owners(struct et_source *source, const char *const *device_ids, size_t count,
		 bool *ret_found, struct et_error *err)
{
	int r = look_up(source->ops->owners, source, device_ids, count, ret_found, err);

	return r < 0 ? et_error_wrap(err, r, "look up devices in the identity store") : 0;
}
