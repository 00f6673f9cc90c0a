/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BSON of the EventStore to our structs (docs/plgd.md, EventStore). Pure, no
 * driver but its BSON walker. Fields come in any order and by name; whole
 * numbers as int32, int64 or double; fields that we do not know are skipped.
 */
#ifndef ET_STORE_DOCUMENT_H
#define ET_STORE_DOCUMENT_H

#include "event/document.h"

#define ET_STORE_DOCUMENT_BYTES_MAX (17u << 20) /* MongoDB's limit is 16 MiB, and a little */
#define ET_STORE_WORDS_BYTES 160

/* The array of events, kept from one document to the next. Zero-initialise. */
struct et_document_scratch {
	struct et_stored_event *events;
	size_t capacity;
};
void et_document_scratch_done(struct et_document_scratch *scratch);

/* 0; or ET_CORRUPT, with words (cut, never overrun), and then aggregate_id and group_id are set as
 * far as they could be read. Slices borrow from the bytes, events from the scratch. */
ET_CHECKED int et_document_parse(const uint8_t *bson, size_t size, struct et_document *ret,
				 struct et_document_scratch *scratch,
				 char words[ET_STORE_WORDS_BYTES]);

/* One row of a scan: {aggregateid, latestversion} or {aggregateid, firstversion} or all three. */
struct et_headrow {
	struct et_slice aggregate_id;
	uint64_t latest_version;
	uint64_t first_version;
	bool has_latest;
	bool has_first;
};
/* 0; or ET_CORRUPT with words; null counts as absent (a ghost has no firstversion), an absent
 * aggregate id is malformed. */
ET_CHECKED int et_headrow_parse(const uint8_t *bson, size_t size, struct et_headrow *ret,
				char words[ET_STORE_WORDS_BYTES]);

/* The text of one top-level field; false when it is absent or no text. */
bool et_bson_text(const uint8_t *bson, size_t size, const char *key, struct et_slice *ret);

#endif
