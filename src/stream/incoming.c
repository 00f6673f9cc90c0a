// SPDX-License-Identifier: Apache-2.0
#include "stream/incoming.h"

#include <inttypes.h>
#include <string.h>

#include "stream/delivery.h"
#include "stream/info.h"
#include "stream/rawheaders.h"

#define STATUS_CONTROL "100"

struct et_incoming {
	struct et_buf headers;
	struct et_buf fetched;
	struct et_header *pairs;
	size_t count;
	size_t capacity;
};

struct et_incoming *
et_incoming_new(void)
{
	struct et_incoming *incoming = et_calloc(1, sizeof(*incoming));

	et_buf_init(&incoming->headers, ET_RECORD_BYTES_MAX);
	et_buf_init(&incoming->fetched, ET_RECORD_BYTES_MAX);
	return incoming;
}

void
et_incoming_free(struct et_incoming *incoming)
{
	if (incoming == NULL)
		return;
	et_buf_done(&incoming->headers);
	et_buf_done(&incoming->fetched);
	free(incoming->pairs);
	free(incoming);
}

static const char *
header_of(natsMsg *message, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get(message, name, &value) == NATS_OK ? value : NULL;
}

static bool
read_number(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)*text - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

struct et_incoming_control
et_incoming_control(natsMsg *message)
{
	struct et_incoming_control control = { .kind = ET_INCOMING_IGNORED };
	const char *reply = natsMsg_GetReply(message);
	const char *status = header_of(message, "Status");

	if (reply != NULL &&
	    strncmp(reply, ET_DELIVERY_PREFIX, sizeof(ET_DELIVERY_PREFIX) - 1) == 0) {
		control.kind = ET_INCOMING_BROKEN;
	} else if (status == NULL) {
		control.kind = ET_INCOMING_IGNORED;
	} else if (strcmp(status, STATUS_CONTROL) != 0) {
		control.kind = ET_INCOMING_ENDED;
	} else if (reply != NULL) {
		control.kind = ET_INCOMING_FLOW;
		control.answer = reply;
	} else {
		control.kind = ET_INCOMING_HEARTBEAT;
		/* Our answer to its flow control request did not arrive. */
		control.answer = header_of(message, "Nats-Consumer-Stalled");
		control.consumer_seq_known = read_number(header_of(message, "Nats-Last-Consumer"),
							 &control.consumer_seq);
	}
	return control;
}

/* "word:..." may be the header line that followed an empty value. */
bool
et_incoming_doubtful(const char *value)
{
	size_t word = strcspn(value, ": \t");

	return word > 0 && value[word] == ':';
}

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ .data = (const uint8_t *)text, .size = strlen(text) };
}

/* Adds the values of one name; false when they cannot be trusted. */
static bool
add_values(struct et_incoming *incoming, natsMsg *message, const char *name)
{
	const char **values = NULL;
	int count = 0;
	bool sure = natsMsgHeader_Values(message, name, &values, &count) == NATS_OK;

	for (int i = 0; sure && i < count; i++) {
		sure = !et_incoming_doubtful(values[i]) && incoming->count < ET_RAWHEADERS_MAX;
		if (incoming->count == incoming->capacity) {
			incoming->capacity = incoming->capacity > 0 ? incoming->capacity * 2 : 8;
			incoming->pairs = et_realloc_array(incoming->pairs, incoming->capacity,
							   sizeof(*incoming->pairs));
		}
		incoming->pairs[incoming->count++] =
			(struct et_header){ .name = slice_of(name), .value = slice_of(values[i]) };
	}
	free(values);
	return sure;
}

/* 1: there are headers and they were read; 0: there are none; -1: they cannot be trusted. */
static int
read_headers(struct et_incoming *incoming, natsMsg *message)
{
	const char **names = NULL;
	int count = 0;
	natsStatus s = natsMsgHeader_Keys(message, &names, &count);
	bool sure = s == NATS_OK;

	if (s == NATS_NOT_FOUND)
		return 0;
	incoming->count = 0;
	for (int i = 0; sure && i < count; i++)
		sure = add_values(incoming, message, names[i]);
	free(names);
	if (!sure)
		return -1;
	et_buf_reset(&incoming->headers);
	et_headers_encode(&incoming->headers, incoming->pairs, incoming->count);
	return 1;
}

static int
fetch_headers(struct et_incoming *incoming, struct et_conn *conn, const char *stream,
	      struct et_record *record, struct et_error *err)
{
	struct et_record again;
	int r;

	r = et_stream_get(conn, stream, record->seq, &incoming->fetched, &again, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the headers");
	record->headers = again.headers;
	return 0;
}

int
et_incoming_record(struct et_incoming *incoming, struct et_conn *conn, const char *stream,
		   natsMsg *message, struct et_record *record, struct et_error *err)
{
	int r = read_headers(incoming, message);

	record->subject = slice_of(natsMsg_GetSubject(message));
	record->body.data = (const uint8_t *)natsMsg_GetData(message);
	record->body.size = (size_t)natsMsg_GetDataLength(message);
	record->headers = (struct et_slice){ .data = NULL, .size = 0 };
	if (r < 0)
		return fetch_headers(incoming, conn, stream, record, err);
	if (r > 0)
		record->headers =
			(struct et_slice){ incoming->headers.data, incoming->headers.size };
	return 0;
}
