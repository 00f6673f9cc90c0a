/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered read of the messages [first, last] of a stream: each message that
 * the stream still has exactly once, in order of sequence, whatever happens to
 * the connection or the server meanwhile.
 *
 * Behind it is an ephemeral push consumer without acknowledgements and with
 * flow control, on a connection of its own, read by the caller's thread: the
 * socket is read only when et_pull_next has nothing left, so memory is bounded
 * by one read of the socket (and one message), and a slow caller slows the
 * server down. A gap in the consumer's own sequence, a heartbeat that does not
 * come, a lost connection: the read goes on behind the last message delivered,
 * with growing pauses, for at most reconnect_wait_ns without any progress.
 *
 * Sequences that are skipped are absent from the stream (deleted, expired).
 * Not thread safe: one thread at a time.
 */
#ifndef ET_STREAM_PULL_H
#define ET_STREAM_PULL_H

#include "event/record.h"
#include "stream/conn.h"

struct et_pull;

/* What is known of the read so far. */
struct et_pull_state {
	uint64_t delivered_seq; /* of the last record; first - 1 before */
	uint64_t delivered_count;
	uint64_t pending; /* messages that the server still had behind it, up to any sequence */
	/* Ends of the stream when last asked: at open, at each resume, and at the end. A first_seq
	 * above the `first` that was asked for says that messages expired before they were read. */
	uint64_t stream_first_seq;
	uint64_t stream_last_seq;
	unsigned resumes; /* how often the read was taken up again */
};

/* Reads from first_seq to last_seq, both inclusive; last_seq may lie beyond the stream's last
 * sequence, then the read ends at what the stream had when the end was seen. `conn` is used for
 * requests until et_pull_free. ET_GONE: no such stream; else as et_conn_open. */
ET_CHECKED int et_pull_open(struct et_conn *conn, const char *stream, uint64_t first_seq,
			    uint64_t last_seq, struct et_pull **ret, struct et_error *err);
/* 1 and the next record, which borrows until the next call; 0 at the end. ET_UNAVAILABLE or
 * ET_TIMEOUT when the server was away for too long; ET_GONE: the stream was deleted; ET_CONFLICT:
 * deleted and made again, or rolled back below what was delivered; ET_CANCELED (et_cancel_check);
 * ET_GARBLED: the server breaks its protocol. After a negative result only et_pull_free. */
ET_CHECKED int et_pull_next(struct et_pull *pull, struct et_record *ret, struct et_error *err);
struct et_pull_state et_pull_state(const struct et_pull *pull);
/* Removes the consumer (best effort) and closes. */
void et_pull_free(struct et_pull *pull);

ET_CLEANUP_DEFINE(et_pull, et_pull_free);

#endif
