/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where stored events come from: MongoDB, a mongodump .bson file, or the hub's
 * gateway. One interface, so that the audit reads all alike.
 *
 * Nothing that a document holds aborts a run: a malformed one comes out as a
 * row with `malformed` and words, and the read goes on.
 *
 * One iterator of a source may be open at a time beside calls of the other
 * functions. Free iterators before their source. One thread at a time.
 */
#ifndef ET_STORE_SOURCE_H
#define ET_STORE_SOURCE_H

#include "base/uuid5.h"
#include "event/document.h"
#include "store/conn.h"

#define ET_SOURCE_IDS_MAX 1024u /* ids per request */

struct et_source;
struct et_gateway_options;

/* Opens MongoDB; as et_store_open. */
ET_CHECKED int et_source_open_mongo(const struct et_store_options *options, struct et_source **ret,
				    struct et_error *err);
/* Opens a .bson file of mongodump (devices_events.bson), plain, gzip or zstd: one pass over it. In
 * memory stay 40 bytes a document; a packed one is unpacked into a temporary file when the first
 * document is asked for (store/dumpfile.h). ET_IO; ET_USAGE: no regular file; ET_GARBLED: no
 * dump, cut off or damaged. */
ET_CHECKED int et_source_open_dump(const char *path, struct et_source **ret, struct et_error *err);
/* The hub's gateway (store/gateway.h). It tells only what is still stored, and only of the devices
 * of its token's owner; it can tell of those alone that it is asked for (et_source_tell_devices),
 * each in a question of its own. A question that breaks off is asked again, twice. */
ET_CHECKED int et_source_open_gateway(const struct et_gateway_options *options,
				      struct et_source **ret, struct et_error *err);
void et_source_free(struct et_source *source);

/* For messages; lives as long as the source. */
const char *et_source_address(const struct et_source *source);

struct et_source_facts {
	bool exists; /* the collection (or file) is there; false: a wrong name compares nothing */
	uint64_t documents; /* estimate; 0 when empty */
	bool replica_set;
	bool majority;   /* reads are made with read concern majority */
	bool secondary;  /* reads may come from a member that lags: the verdict is incomplete */
	bool partial;    /* shows some devices only; documents is not known */
	bool has_owners; /* et_source_owners can be asked */
	char server[64]; /* "mongod 6.0.5", "FerretDB ...", "dump" */
};
/* A cheap "is there anything". A database that does not exist is no error: exists is false. */
ET_CHECKED int et_source_probe(struct et_source *source, struct et_source_facts *ret,
			       struct et_error *err);

/* A partial source shows some devices only: of others nothing can be said, be they another owner's,
 * deleted, or not asked for. */
bool et_source_is_partial(const struct et_source *source);
/* Which devices a partial source is to ask for; they are copied, and nothing is told of any other.
 * Before its first question but et_source_probe. */
void et_source_tell_devices(struct et_source *source, const struct et_uuid *devices, size_t count);
/* Whether the source had anything of the device when it was last asked for it; a source that is not
 * partial shows all. */
bool et_source_shows(const struct et_source *source, const struct et_uuid *device);

/* Which aggregates there are and up to which version: one row per aggregate, in order of the
 * aggregate id, repeated rows (split documents, ghosts, documents that moved) merged to the
 * highest latest_version and the lowest first_version. */
struct et_source_head {
	struct et_head head; /* aggregate_id borrows until the next call */
	bool first_known;    /* head.first_version is set (split was asked; not only ghosts) */
	uint32_t documents;  /* rows merged into this one */
	bool malformed;      /* then only aggregate_id (maybe empty) and words are set */
	char words[160];     /* what is wrong, "" else */
};
struct et_heads;
/* after: exclusive lower bound, NULL: from the beginning. until: inclusive upper bound, NULL: to
 * the end. split: first_version too. Index-only on MongoDB; a server that refuses the hint or the
 * sort is asked in plainer ways. */
ET_CHECKED int et_source_heads(struct et_source *source, const char *after, const char *until,
			       bool split, struct et_heads **ret, struct et_error *err);
/* 1, 0 at the end. ET_GARBLED when the server does not keep the order. */
ET_CHECKED int et_heads_next(struct et_heads *heads, struct et_source_head *ret,
			     struct et_error *err);
/* True when the rows come from an index alone (asked with a hint that the server took). */
bool et_heads_index_only(const struct et_heads *heads);
void et_heads_free(struct et_heads *heads);

/* All documents of the aggregates: split ones, inactive ones, ghosts; in no order. */
struct et_source_document {
	struct et_document document; /* borrows until the next call; copy with et_document_copy */
	struct et_slice raw;         /* the BSON, also of a malformed one; borrows likewise */
	bool malformed;              /* then aggregate_id and group_id are set as far as readable */
	char words[160];
};
struct et_documents;
/* count <= ET_SOURCE_IDS_MAX; the ids are copied. ET_LIMIT. */
ET_CHECKED int et_source_documents(struct et_source *source, const char *const *aggregate_ids,
				   size_t count, struct et_documents **ret, struct et_error *err);
/* Every document there is, in no order (audit --full). */
ET_CHECKED int et_source_all(struct et_source *source, struct et_documents **ret,
			     struct et_error *err);
/* 1, 0 at the end. */
ET_CHECKED int et_documents_next(struct et_documents *documents, struct et_source_document *ret,
				 struct et_error *err);
void et_documents_free(struct et_documents *documents);

/* ret_found[i]: the store has any document of device group_ids[i]. count <= ET_SOURCE_IDS_MAX. */
ET_CHECKED int et_source_devices(struct et_source *source, const char *const *group_ids,
				 size_t count, bool *ret_found, struct et_error *err);
/* ret_found[i]: the identity store knows the device. ET_GONE when there is no such store, or
 * nothing in it. */
ET_CHECKED int et_source_owners(struct et_source *source, const char *const *device_ids,
				size_t count, bool *ret_found, struct et_error *err);

ET_CLEANUP_DEFINE(et_source, et_source_free);
ET_CLEANUP_DEFINE(et_heads, et_heads_free);
ET_CLEANUP_DEFINE(et_documents, et_documents_free);

#endif
