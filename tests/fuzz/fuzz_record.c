// SPDX-License-Identifier: Apache-2.0
/* Records one behind the other, as in a member of an archive. What is read is written and read
 * again the same; its headers are walked; it becomes JSON. */
#include <stdlib.h>
#include <string.h>

#include "event/json.h"
#include "event/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define HEADERS_MAX 64

static void
check(bool good)
{
	if (!good)
		abort();
}

static bool
same(struct et_slice a, struct et_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void
write_again(const struct et_record *record)
{
	struct et_record again = { 0 };
	struct et_buf out;
	size_t leaf = 0;

	et_buf_init(&out, 1 << 20);
	et_record_append(&out, record, &leaf);
	if (!out.overflow) {
		check(out.size - leaf == et_record_size(record));
		check(et_record_read((struct et_slice){ out.data + leaf, out.size - leaf }, &again,
				     NULL) == 0);
		check(again.seq == record->seq && again.time_ns == record->time_ns);
		check(same(again.subject, record->subject) && same(again.body, record->body));
		check(same(again.headers, record->headers));
	}
	et_buf_reset(&out);
	et_json_record(record, &out);
	et_buf_done(&out);
}

/* Headers that were read are encoded in canonical form, which does not change any more. */
static void
sort_headers(const struct et_record *record)
{
	struct et_header_walk walk = et_header_walk_of(record);
	struct et_header pairs[HEADERS_MAX];
	struct et_record sorted = { 0 };
	struct et_header header;
	struct et_buf first;
	struct et_buf second;
	size_t count = 0;

	while (count < HEADERS_MAX && et_header_next(&walk, &pairs[count]) > 0)
		count++;
	et_buf_init(&first, 1 << 20);
	et_buf_init(&second, 1 << 20);
	et_headers_encode(&first, pairs, count);
	sorted.headers = (struct et_slice){ first.data, first.size };
	walk = et_header_walk_of(&sorted);
	for (size_t i = 0; i < count; i++)
		check(et_header_next(&walk, &pairs[i]) == 1);
	check(et_header_next(&walk, &header) == 0);
	et_headers_encode(&second, pairs, count);
	check(same(sorted.headers, (struct et_slice){ second.data, second.size }));
	et_buf_done(&second);
	et_buf_done(&first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct et_cursor cursor = et_cursor_of(data, bytes);
	struct et_record record;
	struct et_slice leaf;

	while (et_record_next(&cursor, &leaf, NULL) > 0) {
		if (et_record_read(leaf, &record, NULL) < 0)
			continue;
		write_again(&record);
		sort_headers(&record);
	}
	return 0;
}
