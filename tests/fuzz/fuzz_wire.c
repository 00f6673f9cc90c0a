// SPDX-License-Identifier: Apache-2.0
/* What comes with a message: its header block, and its reply subject. Headers that were read are
 * record headers in canonical form, as many as the block has lines; numbers that were read are
 * read again the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stream/delivery.h"
#include "stream/rawheaders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

/* Lines of the block that are not empty, the first one apart. */
static size_t
lines_of(struct et_slice block)
{
	size_t count = 0;
	size_t start = 0;

	for (size_t i = 0; i <= block.size; i++) {
		if (i < block.size &&
		    (i + 1 == block.size || block.data[i] != '\r' || block.data[i + 1] != '\n'))
			continue;
		count += start > 0 && i > start;
		i++;
		start = i + 1;
	}
	return count;
}

static void
check_headers(struct et_slice block, const struct et_buf *encoded)
{
	struct et_record record = { .headers = { encoded->data, encoded->size } };
	struct et_header_walk walk = et_header_walk_of(&record);
	struct et_header header;
	struct et_slice last = { 0 };
	size_t lines = lines_of(block);
	size_t count = 0;
	int r;

	for (; (r = et_header_next(&walk, &header)) > 0; count++) {
		size_t common = last.size < header.name.size ? last.size : header.name.size;
		int order = common > 0 ? memcmp(last.data, header.name.data, common) : 0;

		check(order < 0 || (order == 0 && last.size <= header.name.size));
		last = header.name;
	}
	check(r == 0);
	/* A status on the first line is one or two more. */
	check(count >= lines && count <= lines + 2);
}

static void
read_headers(struct et_slice block)
{
	struct et_error err = { 0 };
	struct et_buf out;
	int r;

	et_buf_init(&out, 1 << 22);
	r = et_rawheaders_encode(block, &out, &err);
	check((r < 0) == (err.text[0] != '\0'));
	if (r == 0)
		check_headers(block, &out);
	et_buf_done(&out);
}

static void
read_reply(const char *reply)
{
	struct et_delivery delivery;
	struct et_delivery again;
	struct et_buf out;

	if (!et_delivery_parse(reply, &delivery))
		return;
	check(strncmp(reply, ET_DELIVERY_PREFIX, sizeof(ET_DELIVERY_PREFIX) - 1) == 0);
	check(delivery.stream_seq > 0 && delivery.consumer_seq > 0 && delivery.time_ns >= 0);
	et_buf_init(&out, 1 << 10);
	et_buf_format(&out, ET_DELIVERY_PREFIX "s.c.1.%" PRIu64 ".%" PRIu64 ".%" PRId64 ".%" PRIu64,
		      delivery.stream_seq, delivery.consumer_seq, delivery.time_ns,
		      delivery.pending);
	check(et_delivery_parse(et_buf_cstr(&out), &again));
	check(again.stream_seq == delivery.stream_seq && again.time_ns == delivery.time_ns);
	check(again.consumer_seq == delivery.consumer_seq && again.pending == delivery.pending);
	et_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = et_strndup((const char *)data, bytes);

	read_headers((struct et_slice){ data, bytes });
	read_reply(text);
	free(text);
	return 0;
}
