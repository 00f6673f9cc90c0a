// SPDX-License-Identifier: Apache-2.0
/*
 * An answer of gRPC: the first byte says how large the pieces are in which the
 * rest comes. However it is cut, the same messages come out; none is above the
 * limit; what is read of them makes documents that can be read again. As lines
 * of a trailer it never gives more words than there is room for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/document.h"
#include "store/gateway_answer.h"
#include "store/grpc.h"

#define DEVICE "6a1c9b5e-0d6b-4b4e-9d5e-2f3a4b5c6d7e"
#define LIMIT 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool good)
{
	if (!good)
		abort();
}

/* What came: how many, and a sum over all bytes. */
struct heard {
	struct et_gateway_answer *answer; /* NULL: nobody puts them together */
	uint64_t count;
	uint64_t sum;
};

static int
hear(void *cookie, struct et_slice message, struct et_error *err)
{
	struct heard *heard = cookie;
	struct et_gateway_event event;

	check(message.size <= LIMIT);
	heard->count++;
	for (size_t i = 0; i < message.size; i++)
		heard->sum = heard->sum * 31 + message.data[i] + 1;
	if (heard->answer == NULL || et_gateway_event_read(message, &event, NULL) < 0)
		return 0;
	/* Another device ends it; here the rest is wanted, too. */
	if (et_gateway_answer_add(heard->answer, &event, err) < 0)
		check(err->code == ET_GARBLED);
	return 0;
}

static int
read_pieces(const uint8_t *data, size_t size, size_t piece, struct heard *heard)
{
	struct et_grpc_frames frames;
	struct et_error err = { 0 };
	int r = 0;

	et_grpc_frames_init(&frames, LIMIT);
	for (size_t at = 0; r == 0 && at < size; at += piece)
		r = et_grpc_frames_feed(&frames, data + at, size - at < piece ? size - at : piece,
					hear, heard, &err);
	check((r < 0) == (r == ET_GARBLED));
	if (r == 0)
		r = et_grpc_frames_end(&frames, &err);
	et_grpc_frames_done(&frames);
	return r;
}

static void
make_documents(struct et_gateway_answer *answer)
{
	static struct et_document_scratch scratch;
	char words[ET_STORE_WORDS_BYTES];
	struct et_gateway_part part;
	struct et_document document;
	size_t events = 0;
	size_t at = 0;

	et_gateway_answer_end(answer);
	while (et_gateway_part_next(answer, &at, &part)) {
		bson_t *bson;
		int r;

		bson = et_gateway_part_bson(answer, &part);
		r = et_document_parse(bson_get_data(bson), bson->len, &document, &scratch, words);
		/* A version, or a time, that no store can hold makes it malformed, too. */
		check(!part.malformed || r < 0);
		check(r < 0 || document.event_count == part.count);
		events += part.count;
		bson_destroy(bson);
	}
	check(events == answer->count);
}

static void
read_trailer(const uint8_t *data, size_t size)
{
	struct et_grpc_end end = { .has_status = false };
	struct et_error err = { 0 };

	for (const uint8_t *at = data; at < data + size;) {
		const uint8_t *line_end = memchr(at, '\n', (size_t)(data + size - at));
		const uint8_t *to = line_end != NULL ? line_end + 1 : data + size;

		et_grpc_end_line(&end, (const char *)at, (size_t)(to - at));
		at = to;
	}
	check(memchr(end.words, '\0', sizeof(end.words)) != NULL);
	check((et_grpc_end_check(&end, &err) == 0) == (end.has_status && end.code == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct et_gateway_answer answer;
	struct heard whole = { .answer = &answer };
	struct heard pieces = { .answer = NULL };
	int r;

	if (size == 0)
		return 0;
	et_gateway_answer_init(&answer);
	et_gateway_answer_begin(&answer, DEVICE, true);
	r = read_pieces(data + 1, size - 1, size, &whole);
	check(r == read_pieces(data + 1, size - 1, (size_t)data[0] + 1, &pieces));
	check(whole.count == pieces.count && whole.sum == pieces.sum);
	make_documents(&answer);
	et_gateway_answer_done(&answer);
	read_trailer(data + 1, size - 1);
	return 0;
}
