/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the stream room only: a second connection that receives on one inbox,
 * read by the thread that asks for messages and by no other.
 *
 * The client library lets an outside event loop do its reading; we are that
 * loop. No reader thread, no flusher, no ping timer, no reconnect: nothing
 * else touches the connection, a message costs no hand-over between threads
 * (15 to 30 % more messages a second than the library's ordered consumer with
 * less processor time), and the socket is read only when all that came before
 * was taken: what waits, waits in the sockets and at the server.
 */
#ifndef ET_STREAM_FEED_H
#define ET_STREAM_FEED_H

#include "stream/conn_internal.h"

struct et_feed;

/* Connects (to any of the addresses) and subscribes to a new inbox. */
ET_CHECKED int et_feed_open(const struct et_conn *conn, struct et_feed **ret, struct et_error *err);
void et_feed_free(struct et_feed *feed);
const char *et_feed_inbox(const struct et_feed *feed);
/* 1 and a message, to be destroyed by the caller; 0 when none came within wait_ns, or a signal did;
 * negative when the connection broke: then only et_feed_free. */
ET_CHECKED int et_feed_next(struct et_feed *feed, int64_t wait_ns, natsMsg **ret,
			    struct et_error *err);
/* Sends an empty message: the answer to a flow control request. */
ET_CHECKED int et_feed_answer(struct et_feed *feed, const char *subject, struct et_error *err);

ET_CLEANUP_DEFINE(et_feed, et_feed_free);

#endif
