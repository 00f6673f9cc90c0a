// SPDX-License-Identifier: Apache-2.0
#include "stream/pull.h"

#include <inttypes.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "stream/consumer.h"
#include "stream/delivery.h"
#include "stream/feed.h"
#include "stream/info.h"
#include "stream/incoming.h"

#define WAIT_NS INT64_C(250000000) /* between looks at the cancel flag */
#define PAUSE_FIRST_NS INT64_C(50000000)
#define PAUSE_MOST_NS INT64_C(2000000000)
#define IDLE_BEATS_MAX 5        /* heartbeats with nothing between them, though more should come */
#define CANCEL_CHECK_EVERY 256u /* records */

enum step {
	STEP_RECORD = 1, /* a record to hand out */
	STEP_AGAIN = 2,  /* nothing yet */
	STEP_RESUME =
		3, /* this delivery is broken: take the read up again; words in pull->trouble */
	STEP_END = 0,
};

struct et_pull {
	struct et_conn *conn;
	char *stream;
	uint64_t last_seq;
	int64_t created_ns; /* of the stream: another one is another stream */
	struct et_pull_state state;
	/* The delivery in hand. */
	struct et_feed *feed; /* NULL: none */
	char *consumer;
	uint64_t consumer_seq; /* of the last message of this delivery */
	unsigned idle_beats;
	int64_t quiet_since_ns; /* 0: not waiting */
	natsMsg *held;          /* what the last record borrows from */
	struct et_incoming *incoming;
	/* Trouble. */
	struct et_error trouble;
	int64_t stuck_since_ns; /* 0: all is well since the last record */
	int64_t pause_ns;
	bool ended;
};

static void
release_held(struct et_pull *pull)
{
	natsMsg_Destroy(pull->held);
	pull->held = NULL;
}

static void
end_delivery(struct et_pull *pull)
{
	release_held(pull);
	if (pull->consumer != NULL)
		et_consumer_delete(pull->conn, pull->stream, pull->consumer);
	free(pull->consumer);
	pull->consumer = NULL;
	et_feed_free(pull->feed);
	pull->feed = NULL;
}

void
et_pull_free(struct et_pull *pull)
{
	if (pull == NULL)
		return;
	end_delivery(pull);
	et_incoming_free(pull->incoming);
	free(pull->stream);
	free(pull);
}

struct et_pull_state
et_pull_state(const struct et_pull *pull)
{
	return pull->state;
}

/* Is it still the stream that the read began with? */
static int
check_stream(const struct et_pull *pull, const struct et_stream_info *info, struct et_error *err)
{
	if (pull->created_ns != ET_TIME_NONE && pull->created_ns != info->created_ns)
		return et_error_set(err, ET_CONFLICT,
				    "stream '%s' was deleted and made again while it was read",
				    pull->stream);
	if (pull->state.delivered_count > 0 && info->last_seq < pull->state.delivered_seq)
		return et_error_set(
			err, ET_CONFLICT,
			"stream '%s' was rolled back while it was read: it ends at %" PRIu64
			", and %" PRIu64 " was delivered",
			pull->stream, info->last_seq, pull->state.delivered_seq);
	return 0;
}

/* Also notes its first and last sequence. */
static int
look_at_stream(struct et_pull *pull, struct et_error *err)
{
	struct et_stream_info info = { .name = NULL };
	int r;

	r = et_stream_info_read(pull->conn, pull->stream, &info, err);
	if (r == 0)
		r = check_stream(pull, &info, err);
	if (r == 0) {
		pull->created_ns = info.created_ns;
		pull->state.stream_first_seq = info.first_seq;
		pull->state.stream_last_seq = info.last_seq;
	}
	et_stream_info_done(&info);
	return r;
}

/* Delivery from the message behind the last delivered one. 1: it runs; 0: there is nothing. */
static int
begin_delivery(struct et_pull *pull, struct et_error *err)
{
	uint64_t next_seq = pull->state.delivered_seq + 1;
	uint64_t pending = 0;
	int r;

	r = look_at_stream(pull, err);
	if (r < 0)
		return r;
	if (next_seq > pull->last_seq || next_seq > pull->state.stream_last_seq)
		return 0;
	r = et_feed_open(pull->conn, &pull->feed, err);
	if (r < 0)
		return r;
	r = et_consumer_create(pull->conn, pull->stream, et_feed_inbox(pull->feed), next_seq,
			       &pull->consumer, &pending, err);
	if (r < 0)
		return r;
	pull->consumer_seq = 0;
	pull->idle_beats = 0;
	pull->quiet_since_ns = 0;
	pull->state.pending = pending;
	return pending > 0 ? 1 : 0;
}

int
et_pull_open(struct et_conn *conn, const char *stream, uint64_t first_seq, uint64_t last_seq,
	     struct et_pull **ret, struct et_error *err)
{
	ET_CLEAN(et_pull) struct et_pull *pull = et_calloc(1, sizeof(*pull));
	int r;

	pull->conn = conn;
	pull->stream = et_strdup(stream);
	pull->last_seq = last_seq;
	pull->created_ns = ET_TIME_NONE;
	pull->state.delivered_seq = first_seq > 0 ? first_seq - 1 : 0;
	pull->pause_ns = PAUSE_FIRST_NS;
	pull->incoming = et_incoming_new();
	r = begin_delivery(pull, err);
	if (r < 0)
		return et_error_wrap(err, r, "read stream '%s' from %" PRIu64, stream, first_seq);
	/* The end was asked for at this moment: the state is that of the end. */
	pull->ended = r == 0;
	*ret = ET_STEAL(pull);
	return 0;
}

static bool
may_pass(int code)
{
	/* After a restart a server may not know its streams for a while. */
	return code == ET_UNAVAILABLE || code == ET_TIMEOUT || code == ET_GONE ||
	       code == ET_GARBLED;
}

static int
pause_before_resume(int64_t pause_ns, struct et_error *err)
{
	int64_t until = et_clock_monotonic_ns() + pause_ns;
	int r = et_cancel_check(err);

	while (r == 0 && et_clock_monotonic_ns() < until) {
		struct timespec slice = { .tv_nsec = PAUSE_FIRST_NS };

		(void)nanosleep(&slice, NULL);
		r = et_cancel_check(err);
	}
	return r;
}

static int
give_up(struct et_pull *pull, int code, struct et_error *err)
{
	if (err != NULL)
		*err = pull->trouble;
	return et_error_wrap(err, code, "read stream '%s': after message %" PRIu64, pull->stream,
			     pull->state.delivered_seq);
}

/* Takes the read up again: 1, 0 when there is nothing more, or negative when it has been tried for
 * long enough. */
static int
resume(struct et_pull *pull, struct et_error *err)
{
	int64_t patience_ns = pull->conn->options.reconnect_wait_ns;
	int r;

	end_delivery(pull);
	if (pull->stuck_since_ns == 0)
		pull->stuck_since_ns = et_clock_monotonic_ns();
	else if (et_clock_monotonic_ns() - pull->stuck_since_ns >= patience_ns)
		return give_up(pull, pull->trouble.code, err);
	for (;;) {
		et_log(ET_LOG_DEBUG, "read of '%s' breaks off behind %" PRIu64 ": %s", pull->stream,
		       pull->state.delivered_seq, pull->trouble.text);
		r = pause_before_resume(pull->pause_ns, err);
		if (r < 0)
			return r;
		if (pull->pause_ns < PAUSE_MOST_NS)
			pull->pause_ns *= 2;
		pull->state.resumes++;
		r = begin_delivery(pull, &pull->trouble);
		if (r >= 0)
			return r;
		end_delivery(pull);
		if (!may_pass(r) || et_clock_monotonic_ns() - pull->stuck_since_ns >= patience_ns)
			return give_up(pull, r, err);
	}
}

static enum step
trouble(struct et_pull *pull, int code, const char *words)
{
	et_error_set(&pull->trouble, code, "%s: %s", et_conn_address(pull->conn), words);
	return STEP_RESUME;
}

/* A heartbeat, a flow control request, or word that the consumer is gone. */
static enum step
take_control(struct et_pull *pull, natsMsg *message)
{
	struct et_incoming_control control = et_incoming_control(message);

	if (control.answer != NULL &&
	    et_feed_answer(pull->feed, control.answer, &pull->trouble) < 0)
		return STEP_RESUME;
	if (control.kind == ET_INCOMING_ENDED)
		return trouble(pull, ET_UNAVAILABLE, "the server ended the consumer");
	if (control.kind == ET_INCOMING_BROKEN)
		return trouble(pull, ET_GARBLED, "the server sends what is no delivery");
	if (control.kind != ET_INCOMING_HEARTBEAT)
		return STEP_AGAIN;
	if (control.consumer_seq_known && control.consumer_seq != pull->consumer_seq)
		return trouble(pull, ET_UNAVAILABLE, "messages were lost on the way");
	if (++pull->idle_beats > IDLE_BEATS_MAX)
		return trouble(pull, ET_TIMEOUT,
			       "the server sends nothing, though more messages are there");
	return STEP_AGAIN;
}

/* A message of the stream: in order, or the delivery is broken. Takes the message over. */
static enum step
take_message(struct et_pull *pull, natsMsg *message, const struct et_delivery *delivery,
	     struct et_record *ret)
{
	pull->held = message;
	if (delivery->consumer_seq != pull->consumer_seq + 1)
		return trouble(pull, ET_UNAVAILABLE, "messages were lost on the way");
	if (delivery->stream_seq <= pull->state.delivered_seq)
		return trouble(pull, ET_GARBLED, "the server sends messages out of order");
	if (delivery->stream_seq > pull->last_seq)
		return STEP_END;
	ret->seq = delivery->stream_seq;
	ret->time_ns = delivery->time_ns;
	if (et_incoming_record(pull->incoming, pull->conn, pull->stream, message, ret,
			       &pull->trouble) < 0)
		return STEP_RESUME;
	pull->consumer_seq = delivery->consumer_seq;
	pull->state.delivered_seq = delivery->stream_seq;
	pull->state.delivered_count++;
	pull->state.pending = delivery->pending;
	pull->idle_beats = 0;
	pull->stuck_since_ns = 0;
	pull->pause_ns = PAUSE_FIRST_NS;
	return STEP_RECORD;
}

/* Nothing came for a while. */
static enum step
take_silence(struct et_pull *pull)
{
	int64_t now_ns = et_clock_monotonic_ns();

	if (pull->quiet_since_ns == 0)
		pull->quiet_since_ns = now_ns - WAIT_NS;
	if (now_ns - pull->quiet_since_ns >= pull->conn->options.read_timeout_ns)
		return trouble(pull, ET_TIMEOUT, "no message and no heartbeat came in time");
	return STEP_AGAIN;
}

static enum step
take_step(struct et_pull *pull, struct et_record *ret)
{
	struct et_delivery delivery;
	natsMsg *message = NULL;
	enum step step;
	int r;

	/* Everything that there was is read: what has come since lies behind the end. */
	if (pull->state.pending == 0)
		return pull->state.delivered_seq >= pull->state.stream_last_seq
			       ? STEP_END
			       : trouble(pull, ET_TIMEOUT,
					 "the server counts no message behind this one");
	r = et_feed_next(pull->feed, WAIT_NS, &message, &pull->trouble);
	if (r < 0)
		return STEP_RESUME;
	if (r == 0)
		return take_silence(pull);
	pull->quiet_since_ns = 0;
	if (et_delivery_parse(natsMsg_GetReply(message), &delivery))
		return take_message(pull, message, &delivery, ret);
	step = take_control(pull, message);
	natsMsg_Destroy(message);
	return step;
}

/* The end was seen in the deliveries. It holds when it is still the same stream. */
static int
finish(struct et_pull *pull, struct et_error *err)
{
	int r;

	end_delivery(pull);
	pull->stuck_since_ns = 0;
	pull->ended = true;
	r = look_at_stream(pull, &pull->trouble);
	if (r == 0)
		return 0;
	if (!may_pass(r))
		return give_up(pull, r, err);
	/* What there still is lies behind the end: only the stream is looked at once more. */
	r = resume(pull, err);
	end_delivery(pull);
	return r < 0 ? r : 0;
}

int
et_pull_next(struct et_pull *pull, struct et_record *ret, struct et_error *err)
{
	enum step step;
	int r;

	release_held(pull);
	if (pull->state.delivered_count % CANCEL_CHECK_EVERY == 0 || pull->feed == NULL) {
		r = et_cancel_check(err);
		if (r < 0)
			return r;
	}
	while (!pull->ended) {
		if (pull->state.delivered_seq >= pull->last_seq)
			return finish(pull, err);
		step = take_step(pull, ret);
		if (step == STEP_RECORD)
			return 1;
		if (step == STEP_END)
			return finish(pull, err);
		r = step == STEP_RESUME ? resume(pull, err) : et_cancel_check(err);
		if (r < 0)
			return r;
		if (step == STEP_RESUME && r == 0)
			pull->ended = true;
	}
	return 0;
}
