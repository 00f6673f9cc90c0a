// SPDX-License-Identifier: Apache-2.0
/* A subject, a newline and a body: every message gives rows, whatever it is. */
#include <stdlib.h>
#include <string.h>

#include "event/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct et_uuid nil;
	const uint8_t *newline = bytes > 0 ? memchr(data, '\n', bytes) : NULL;
	struct et_row_maker *maker = et_row_maker_new();
	struct et_record record = { .seq = 1, .time_ns = 7 };
	struct et_rows rows = { 0 };
	struct et_error err;
	size_t first = 0;
	int r;

	record.subject = (struct et_slice){ data, bytes };
	if (newline != NULL) {
		record.subject.size = (size_t)(newline - data);
		record.body = (struct et_slice){ newline + 1, bytes - record.subject.size - 1 };
	}
	r = et_row_make(maker, &record, &rows, &err);
	check(r == 0 || r == ET_CORRUPT);
	check(rows.count > 0);
	check((rows.rows[0].row_class == ET_ROW_MALFORMED) == (r < 0));
	for (size_t i = 0; i < rows.count; i++) {
		const struct et_row *row = &rows.rows[i];

		first += (row->flags & ET_ROW_FURTHER) == 0;
		check(row->row_class == rows.rows[0].row_class && row->seq == 1);
		check(row->kind < ET_KIND_COUNT);
		check((row->flags & ET_ROW_NO_TIME) == 0 || row->event_time_ns == 7);
		check(row->row_class != ET_ROW_EVENT || et_uuid_compare(&row->device, &nil) != 0 ||
		      (row->flags & ET_ROW_DEVICE_NAMED) == 0);
	}
	check(first == 1);
	et_rows_sort(&rows);
	for (size_t i = 1; i < rows.count; i++)
		check(et_row_compare(&rows.rows[i - 1], &rows.rows[i]) <= 0);
	et_rows_done(&rows);
	et_row_maker_free(maker);
	return 0;
}
