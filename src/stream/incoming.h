/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the stream room only: what a received NATS message holds. Headers are
 * rare on the hub's streams, so the way without them is the short one.
 */
#ifndef ET_STREAM_INCOMING_H
#define ET_STREAM_INCOMING_H

#include <nats/nats.h>

#include "event/record.h"
#include "stream/conn.h"

enum et_incoming_kind {
	ET_INCOMING_IGNORED,   /* nothing of the consumer's */
	ET_INCOMING_HEARTBEAT, /* the consumer lives */
	ET_INCOMING_FLOW,      /* wants an answer before more is sent */
	ET_INCOMING_ENDED,     /* the consumer was deleted, its server shuts down, ... */
	ET_INCOMING_BROKEN,    /* claims to be a delivery and cannot be read */
};

struct et_incoming_control {
	enum et_incoming_kind kind;
	const char *answer; /* a subject that an empty message is to be sent to, or NULL; borrows */
	bool consumer_seq_known;
	uint64_t consumer_seq; /* heartbeat: of the last message that the consumer sent */
};

/* Of a message that is no delivery. */
struct et_incoming_control et_incoming_control(natsMsg *message);

/* Scratch for the headers of one message. */
struct et_incoming;
struct et_incoming *et_incoming_new(void);
void et_incoming_free(struct et_incoming *incoming);
/* Fills subject, headers and body; seq is read. Borrows from the message and the scratch. Headers
 * that the client library cannot read truly are fetched from the stream once more. */
ET_CHECKED int et_incoming_record(struct et_incoming *incoming, struct et_conn *conn,
				  const char *stream, natsMsg *message, struct et_record *record,
				  struct et_error *err);
/* True when the library may have taken the next line for this value (stream/rawheaders.h). Pure. */
bool et_incoming_doubtful(const char *value);

#endif
