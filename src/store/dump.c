// SPDX-License-Identifier: Apache-2.0
/*
 * A source that reads a file of mongodump (store/source.h): one pass over it
 * fills the index, which answers scans; documents are read again when they are
 * asked for. What a pass and a single document cost: store/dumpfile.h.
 */
#include <stdio.h>

#include "base/cancel.h"
#include "store/dumpfile.h"
#include "store/dumpindex.h"
#include "store/source_internal.h"

#define CANCEL_CHECK_EVERY 1024u

struct dump {
	struct et_source source;
	struct et_dumpfile *file;
	struct et_dumpindex *index;
};

static struct dump *
dump_of(struct et_source *source)
{
	return (struct dump *)source;
}

/* ---- scans ---- */

/* Places [at, end) of the index. */
struct lane {
	const struct dump *dump;
	struct et_buf buf;
	size_t at;
	size_t end;
};

static int
read_place(const struct dump *dump, size_t at, struct et_buf *buf, struct et_error *err)
{
	uint64_t offset;
	uint32_t bytes;

	et_dumpindex_place(dump->index, at, &offset, &bytes);
	return et_dumpfile_document(dump->file, offset, bytes, buf, err);
}

static int
lane_next(void *feed, struct et_slice *ret_bson, struct et_error *err)
{
	struct lane *lane = feed;
	int r = 0;

	if (lane->at % CANCEL_CHECK_EVERY == 0)
		r = et_cancel_check(err);
	if (r < 0 || lane->at == lane->end)
		return r;
	if (!et_dumpindex_row(lane->dump->index, lane->at, &lane->buf))
		r = read_place(lane->dump, lane->at, &lane->buf, err);
	if (r < 0)
		return r;
	lane->at++;
	*ret_bson = (struct et_slice){ .data = lane->buf.data, .size = lane->buf.size };
	return 1;
}

static void
lane_free(void *feed)
{
	et_buf_done(&((struct lane *)feed)->buf);
	free(feed);
}

static int
dump_heads(struct et_source *source, const char *after, const char *until, bool split,
	   struct et_heads **ret, struct et_error *err ET_UNUSED)
{
	const struct dump *dump = dump_of(source);
	const struct et_dumpindex *index = dump->index;
	struct lane *lane = et_calloc(1, sizeof(*lane));
	/* As on MongoDB, what has no aggregate id comes only without bounds. */
	size_t at = after != NULL   ? et_dumpindex_find(index, after, true)
		    : until != NULL ? et_dumpindex_find(index, "", true)
				    : 0;
	size_t end =
		until != NULL ? et_dumpindex_find(index, until, true) : et_dumpindex_count(index);

	*lane = (struct lane){ .dump = dump, .at = at, .end = end > at ? end : at };
	et_buf_init(&lane->buf, ET_STORE_DOCUMENT_BYTES_MAX);
	*ret = et_heads_new((struct et_lane){ .next = lane_next, .free = lane_free, .feed = lane },
			    (struct et_lane){ .next = NULL }, split, false);
	return 0;
}

/* ---- documents ---- */

/* Those of a list of ids. */
struct listed {
	struct et_documents documents;
	const struct dump *dump;
	struct et_buf buf;
	size_t at; /* [at, end) of the index are those of the id before id_next */
	size_t end;
	char **ids;
	size_t id_count;
	size_t id_next;
};

static int
listed_next(struct et_documents *documents, struct et_slice *ret_bson, struct et_error *err)
{
	struct listed *listed = (struct listed *)documents;
	int r;

	while (listed->at == listed->end) {
		const char *id;

		if (listed->id_next == listed->id_count)
			return 0;
		id = listed->ids[listed->id_next++];
		listed->at = et_dumpindex_find(listed->dump->index, id, false);
		listed->end = et_dumpindex_find(listed->dump->index, id, true);
	}
	r = read_place(listed->dump, listed->at++, &listed->buf, err);
	if (r < 0)
		return r;
	*ret_bson = (struct et_slice){ .data = listed->buf.data, .size = listed->buf.size };
	return 1;
}

static void
listed_free(struct et_documents *documents)
{
	struct listed *listed = (struct listed *)documents;

	for (size_t i = 0; i < listed->id_count; i++)
		free(listed->ids[i]);
	free(listed->ids);
	et_buf_done(&listed->buf);
	free(listed);
}

static struct et_documents *
listed_new(const struct dump *dump, const char *const *ids, size_t count)
{
	struct listed *listed = et_calloc(1, sizeof(*listed));

	listed->documents.next = listed_next;
	listed->documents.free = listed_free;
	listed->dump = dump;
	et_buf_init(&listed->buf, ET_STORE_DOCUMENT_BYTES_MAX);
	listed->ids = et_calloc(count, sizeof(*listed->ids));
	listed->id_count = count;
	for (size_t i = 0; i < count; i++)
		listed->ids[i] = et_strdup(ids[i]);
	return &listed->documents;
}

/* All there are: one more pass. */
struct every {
	struct et_documents documents;
	struct et_dumpfile_pass *pass;
};

static int
every_next(struct et_documents *documents, struct et_slice *ret_bson, struct et_error *err)
{
	uint64_t offset;

	return et_dumpfile_pass_next(((struct every *)documents)->pass, &offset, ret_bson, err);
}

static void
every_free(struct et_documents *documents)
{
	et_dumpfile_pass_free(((struct every *)documents)->pass);
	free(documents);
}

static int
dump_documents(struct et_source *source, const char *const *ids, size_t count,
	       struct et_documents **ret, struct et_error *err)
{
	struct dump *dump = dump_of(source);
	struct et_dumpfile_pass *pass;
	struct every *every;
	int r;

	if (count > 0) {
		*ret = listed_new(dump, ids, count);
		return 0;
	}
	r = et_dumpfile_pass_open(dump->file, &pass, err);
	if (r < 0)
		return r;
	every = et_calloc(1, sizeof(*every));
	every->documents.next = every_next;
	every->documents.free = every_free;
	every->pass = pass;
	*ret = &every->documents;
	return 0;
}

/* ---- what else can be asked ---- */

static int
dump_devices(struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
	     struct et_error *err ET_UNUSED)
{
	const struct dump *dump = dump_of(source);

	for (size_t i = 0; i < count; i++)
		ret_found[i] = et_dumpindex_has_device(dump->index, ids[i]);
	return 0;
}

static int
dump_owners(struct et_source *source, const char *const *ids ET_UNUSED, size_t count ET_UNUSED,
	    bool *ret_found ET_UNUSED, struct et_error *err)
{
	return et_error_set(err, ET_GONE, "'%s' holds no identity store",
			    et_dumpfile_path(dump_of(source)->file));
}

static int
dump_probe(struct et_source *source, struct et_source_facts *ret, struct et_error *err ET_UNUSED)
{
	ret->exists = true;
	ret->documents = et_dumpindex_count(dump_of(source)->index);
	(void)snprintf(ret->server, sizeof(ret->server), "dump");
	return 0;
}

static const char *
dump_address(const struct et_source *source)
{
	return et_dumpfile_path(((const struct dump *)source)->file);
}

static void
dump_free(struct et_source *source)
{
	struct dump *dump = dump_of(source);

	et_dumpindex_free(dump->index);
	et_dumpfile_free(dump->file);
	free(dump);
}

static const struct et_source_ops dump_ops = {
	.probe = dump_probe,
	.heads = dump_heads,
	.documents = dump_documents,
	.devices = dump_devices,
	.owners = dump_owners,
	.address = dump_address,
	.free = dump_free,
};

/* ---- open ---- */

static int
fill_index(struct dump *dump, struct et_error *err)
{
	ET_CLEAN(et_dumpfile_pass) struct et_dumpfile_pass *pass = NULL;
	struct et_slice document;
	uint64_t offset;
	int r = et_dumpfile_pass_open(dump->file, &pass, err);

	while (r == 0 && (r = et_dumpfile_pass_next(pass, &offset, &document, err)) > 0) {
		et_dumpindex_add(dump->index, offset, document);
		r = 0;
	}
	if (r < 0)
		return r;
	/* Documents without a key can be damaged; all of them are of another collection. */
	if (!et_dumpindex_end(dump->index) && et_dumpindex_count(dump->index) > 0)
		return et_error_set(err, ET_GARBLED,
				    "'%s' is no dump of devices_events: no document has an "
				    "aggregateid",
				    et_dumpfile_path(dump->file));
	return 0;
}

int
et_source_open_dump(const char *path, struct et_source **ret, struct et_error *err)
{
	struct dump *dump = et_calloc(1, sizeof(*dump));
	ET_CLEAN(et_source) struct et_source *source = &dump->source;
	int r;

	dump->source.ops = &dump_ops;
	dump->index = et_dumpindex_new();
	r = et_dumpfile_open(path, &dump->file, err);
	if (r == 0)
		r = fill_index(dump, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the dump");
	*ret = ET_STEAL(source);
	return 0;
}
