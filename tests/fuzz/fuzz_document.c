// SPDX-License-Identifier: Apache-2.0
/*
 * Documents of the EventStore. Whatever the bytes: no crash, and what is read
 * lies inside them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "store/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_be_inside(struct et_slice slice, const uint8_t *data, size_t size)
{
	if (slice.size > 0 && (slice.data < data || slice.data + slice.size > data + size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct et_document_scratch scratch;
	struct et_document document;
	struct et_headrow row;
	char words[ET_STORE_WORDS_BYTES];
	int r;

	r = et_document_parse(data, size, &document, &scratch, words);
	if ((r < 0) != (words[0] != '\0') || (r < 0 && document.event_count > 0))
		abort();
	must_be_inside(document.aggregate_id, data, size);
	must_be_inside(document.group_id, data, size);
	for (size_t i = 0; i < document.event_count; i++) {
		must_be_inside(document.events[i].data, data, size);
		must_be_inside(document.events[i].type, data, size);
	}
	if (r == 0 && document.aggregate_id.size == 0)
		abort();
	if (et_headrow_parse(data, size, &row, words) == 0)
		must_be_inside(row.aggregate_id, data, size);
	return 0;
}
