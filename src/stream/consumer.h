/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the stream room only: the consumer behind a pull: ephemeral, pushed,
 * no acknowledgements, flow control, heartbeats, kept in the server's memory;
 * what the client library makes for an ordered consumer.
 */
#ifndef ET_STREAM_CONSUMER_H
#define ET_STREAM_CONSUMER_H

#include "stream/conn.h"

#define ET_CONSUMER_HEARTBEAT_NS INT64_C(1000000000)

/* Starts delivery to `inbox` from first_seq on. *ret_name is to be freed; *ret_pending: how many
 * messages there are from there to the end. */
ET_CHECKED int et_consumer_create(struct et_conn *conn, const char *stream, const char *inbox,
				  uint64_t first_seq, char **ret_name, uint64_t *ret_pending,
				  struct et_error *err);
/* Asks for its removal, without waiting. Else the server removes it 5 s after its inbox went. */
void et_consumer_delete(struct et_conn *conn, const char *stream, const char *name);

#endif
