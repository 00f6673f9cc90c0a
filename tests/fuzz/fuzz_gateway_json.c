// SPDX-License-Identifier: Apache-2.0
/*
 * An answer of the HTTP gateway: the first byte says how large the pieces are in
 * which the rest comes. However it is cut, the same events come out, each one
 * protobuf that can be read; a failure has words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "event/json.h"
#include "store/gateway_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool good)
{
	if (!good)
		abort();
}

struct told {
	uint64_t count;
	uint64_t sum;
};

static int
tell(void *cookie, const struct et_gateway_event *event, struct et_error *err)
{
	struct told *told = cookie;
	struct et_buf out;

	(void)err;
	told->count++;
	for (size_t i = 0; i < event->protobuf.size; i++)
		told->sum = told->sum * 31 + event->protobuf.data[i] + 1;
	et_buf_init(&out, 64u << 20);
	check(event->kind == ET_KIND_UNKNOWN
		      ? event->protobuf.size == 0
		      : et_json_event(event->kind, event->protobuf, &out, NULL) == 0);
	et_buf_done(&out);
	return 0;
}

static int
read_pieces(const uint8_t *data, size_t size, size_t piece, struct told *told)
{
	struct et_gateway_lines lines;
	struct et_error err = { 0 };
	int r = 0;

	et_gateway_lines_init(&lines);
	for (size_t at = 0; r == 0 && at < size; at += piece)
		r = et_gateway_lines_feed(&lines, data + at, size - at < piece ? size - at : piece,
					  tell, told, &err);
	if (r == 0)
		r = et_gateway_lines_end(&lines, &err);
	check((r < 0) == (err.text[0] != '\0'));
	et_gateway_lines_done(&lines);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole = { .count = 0 };
	struct told pieces = { .count = 0 };
	struct et_error err = { 0 };
	int r;

	if (size == 0)
		return 0;
	r = read_pieces(data + 1, size - 1, size, &whole);
	check(r == read_pieces(data + 1, size - 1, (size_t)data[0] + 1, &pieces));
	check(whole.count == pieces.count && whole.sum == pieces.sum);
	check(et_gateway_refused(&err, 100 + 2 * data[0], (struct et_slice){ data + 1, size - 1 }) <
	      0);
	check(err.text[0] != '\0');
	return 0;
}
