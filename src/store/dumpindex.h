/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept in memory of the documents of a dump: for each its aggregate
 * id, its versions and its place, 40 bytes, in order of the aggregate id; and
 * the devices that have any. Ids that are no canonical UUIDs cost their text
 * besides.
 *
 * Add documents, end it, then ask. A row whose numbers or fields cannot be told
 * in 40 bytes is `odd`: what the document itself says counts.
 */
#ifndef ET_STORE_DUMPINDEX_H
#define ET_STORE_DUMPINDEX_H

#include "base/buf.h"
#include "base/cursor.h"

struct et_dumpindex;

struct et_dumpindex *et_dumpindex_new(void);
void et_dumpindex_free(struct et_dumpindex *index);
/* One document of the file: at most ET_STORE_DOCUMENT_BYTES_MAX, at least its length. */
void et_dumpindex_add(struct et_dumpindex *index, uint64_t offset, struct et_slice document);
/* Sorts. False: not one of the documents has an aggregate id. */
bool et_dumpindex_end(struct et_dumpindex *index);

size_t et_dumpindex_count(const struct et_dumpindex *index);
/* The first with an aggregate id >= (or, `above`, > ) the text; the count, when there is none.
 * Documents without an id come first: theirs is "". O(log n). */
size_t et_dumpindex_find(const struct et_dumpindex *index, const char *aggregate_id, bool above);
void et_dumpindex_place(const struct et_dumpindex *index, size_t at, uint64_t *ret_offset,
			uint32_t *ret_bytes);
/* Its row of a scan, as et_headrow_parse takes it. False: it is odd. */
bool et_dumpindex_row(const struct et_dumpindex *index, size_t at, struct et_buf *row);
bool et_dumpindex_has_device(const struct et_dumpindex *index, const char *device_id);

ET_CLEANUP_DEFINE(et_dumpindex, et_dumpindex_free);

#endif
