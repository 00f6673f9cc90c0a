/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the stream room only: the client library's handles, and the one way
 * from its status to our errors.
 */
#ifndef ET_STREAM_CONN_INTERNAL_H
#define ET_STREAM_CONN_INTERNAL_H

#include <nats/nats.h>

#include "stream/conn.h"

struct et_conn {
	natsConnection *nats;
	struct et_stream_options options; /* strings are copies, defaults are filled in */
	char *address;                    /* for messages: redacted */
	char *api;                        /* "$JS.API." or "$JS.<domain>.API." */
};

/* Options for one more connection like this one: addresses, TLS and credentials are set. Free
 * with natsOptions_Destroy. */
ET_CHECKED int et_conn_nats_options(const struct et_conn *conn, natsOptions **ret,
				    struct et_error *err);

/* Sets the error that `status` stands for: "WHAT ADDRESS: words of the library", and a hint. The
 * library's words are left out when they hold anything secret. Returns the code. */
int et_conn_fail(const struct et_conn *conn, struct et_error *err, natsStatus status,
		 const char *what);

/* An API request whose answer nobody waits for. */
void et_conn_api_send(struct et_conn *conn, const char *subject);

static inline int
et_conn_milliseconds(int64_t ns)
{
	int64_t ms = ns / 1000000;

	return ms < 1 ? 1 : ms > 86400000 ? 86400000 : (int)ms;
}

#endif
