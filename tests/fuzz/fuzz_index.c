// SPDX-License-Identifier: Apache-2.0
/* A frame of the index: rows that can be read can be written, and come back the same. */
#include <stdlib.h>
#include <string.h>

#include "archive/format.h"
#include "archive/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
write_again(const struct et_rows *rows)
{
	ET_CLEAN(et_index_encoder)
	struct et_index_encoder *encoder = et_index_encoder_new(ET_INDEX_FRAME_BYTES);
	struct et_frame_entry entry;
	struct et_error err = { 0 };
	struct et_rows back = { 0 };

	for (size_t i = 0; i < rows->count; i++) {
		if (et_index_encoder_add(encoder, &rows->rows[i]))
			continue;
		check(et_index_decode(et_index_encoder_take(encoder, &entry), &back, &err) == 0);
		check(et_index_encoder_add(encoder, &rows->rows[i]));
	}
	check(et_index_decode(et_index_encoder_take(encoder, &entry), &back, &err) == 0);
	check(back.count == rows->count);
	for (size_t i = 0; i < back.count; i++) {
		const struct et_row *a = &back.rows[i];
		const struct et_row *b = &rows->rows[i];

		check(et_uuid_compare(&a->device, &b->device) == 0);
		check(et_uuid_compare(&a->aggregate, &b->aggregate) == 0);
		check(a->version == b->version && a->event_time_ns == b->event_time_ns);
		check(a->seq == b->seq && a->row_class == b->row_class);
		check(a->kind == b->kind && a->flags == b->flags);
	}
	et_rows_done(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct et_error err = { 0 };
	struct et_rows rows = { 0 };
	int r = et_index_decode((struct et_slice){ data, bytes }, &rows, &err);

	if (r < 0)
		check(rows.count == 0 && err.text[0] != '\0');
	else
		write_again(&rows);
	et_rows_done(&rows);
	return 0;
}
