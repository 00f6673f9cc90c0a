/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store room only: what a kind of source implements.
 */
#ifndef ET_STORE_SOURCE_INTERNAL_H
#define ET_STORE_SOURCE_INTERNAL_H

#include "store/document.h"
#include "store/source.h"

/* Rows of a scan in order of the aggregate id, raw: ids repeat, rows may be malformed. */
struct et_lane {
	/* 1, 0 at the end; the bytes of one BSON row, which borrow until the next call. */
	int (*next)(void *feed, struct et_slice *ret_bson, struct et_error *err);
	void (*free)(void *feed);
	void *feed;
};

/* Documents, raw. */
struct et_documents {
	int (*next)(struct et_documents *documents, struct et_slice *ret_bson,
		    struct et_error *err);
	void (*free)(struct et_documents *documents);
	struct et_document_scratch scratch;
};

/* Merges rows to one per aggregate. `main` has the latest versions (and with split and no `first`
 * also the first ones); `first`, when its next is set, the first versions. Takes the lanes over. */
struct et_heads *et_heads_new(struct et_lane main, struct et_lane first, bool split,
			      bool index_only);

struct et_source_ops {
	int (*probe)(struct et_source *source, struct et_source_facts *ret, struct et_error *err);
	int (*heads)(struct et_source *source, const char *after, const char *until, bool split,
		     struct et_heads **ret, struct et_error *err);
	/* NULL and 0: all documents. */
	int (*documents)(struct et_source *source, const char *const *ids, size_t count,
			 struct et_documents **ret, struct et_error *err);
	int (*devices)(struct et_source *source, const char *const *ids, size_t count,
		       bool *ret_found, struct et_error *err);
	int (*owners)(struct et_source *source, const char *const *ids, size_t count,
		      bool *ret_found, struct et_error *err);
	/* Of partial sources; NULL of others. */
	void (*tell_devices)(struct et_source *source, const struct et_uuid *devices, size_t count);
	bool (*shows)(const struct et_source *source, const struct et_uuid *device);
	const char *(*address)(const struct et_source *source);
	void (*free)(struct et_source *source);
};

/* The first member of each kind's own struct. */
struct et_source {
	const struct et_source_ops *ops;
};

/* Marks every id of the list that equals `text`. *ret_open counts down. */
void et_source_mark(const char *const *ids, size_t count, struct et_slice text, bool *found,
		    size_t *open_count);

#endif
