// SPDX-License-Identifier: Apache-2.0
#include "stream/feed.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"

#define READ_BYTES (512 * 1024) /* 32 KiB: 10 to 20 % fewer messages a second */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_PAUSE_S 3
#define KEEPALIVE_TRIES 3

struct et_feed {
	const struct et_conn *conn;
	natsConnection *nats;
	natsSubscription *subscription;
	natsInbox *inbox;
	int fd;          /* -1: the library closed it */
	bool has_output; /* the library has bytes to send */
};

/* A peer that vanished without a word is noticed by the kernel, also inside a TLS record, where
 * the library waits without limit. */
static void
keep_alive(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} settings[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PAUSE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES },
	};

	/* A refused setting costs nothing but the early notice. */
	for (size_t i = 0; i < ET_COUNT(settings); i++)
		(void)setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value,
				 sizeof(settings[i].value));
}

/* The hooks of an event loop. All are called from inside calls that our own thread makes. */
static natsStatus
on_attach(void **ret, void *loop, natsConnection *nats ET_UNUSED, natsSock fd)
{
	struct et_feed *feed = loop;

	feed->fd = fd;
	keep_alive(fd);
	*ret = feed;
	return NATS_OK;
}

static natsStatus
on_read(void *data, bool add)
{
	struct et_feed *feed = data;

	if (!add)
		feed->fd = -1;
	return NATS_OK;
}

static natsStatus
on_write(void *data, bool add)
{
	struct et_feed *feed = data;

	feed->has_output = add;
	return NATS_OK;
}

static natsStatus
on_detach(void *data)
{
	struct et_feed *feed = data;

	feed->fd = -1;
	return NATS_OK;
}

static natsStatus
connect_to(struct et_feed *feed, natsOptions *options)
{
	natsStatus s = natsOptions_SetAllowReconnect(options, false);

	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(options,
						0); /* the consumer's heartbeats serve for it */
	if (s == NATS_OK)
		s = natsOptions_SetSendAsap(options, true); /* else a thread that flushes */
	if (s == NATS_OK)
		s = natsOptions_SetIOBufSize(options, READ_BYTES);
	if (s == NATS_OK)
		s = natsOptions_SetEventLoop(options, feed, on_attach, on_read, on_write,
					     on_detach);
	if (s == NATS_OK)
		s = natsConnection_Connect(&feed->nats, options);
	if (s == NATS_OK)
		s = natsInbox_Create(&feed->inbox);
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&feed->subscription, feed->nats, feed->inbox);
	/* One read of the socket bounds what is pending; a limit here would drop messages. */
	if (s == NATS_OK)
		s = natsSubscription_SetPendingLimits(feed->subscription, -1, -1);
	return s;
}

/* Sends what the library wants to send, as far as the socket takes it. */
static void
send_output(struct et_feed *feed)
{
	if (feed->has_output && feed->fd >= 0)
		natsConnection_ProcessWriteEvent(feed->nats);
}

int
et_feed_open(const struct et_conn *conn, struct et_feed **ret, struct et_error *err)
{
	ET_CLEAN(et_feed) struct et_feed *feed = et_calloc(1, sizeof(*feed));
	natsOptions *options = NULL;
	natsStatus s;
	int r;

	feed->conn = conn;
	feed->fd = -1;
	r = et_fault_point("fetch", err);
	if (r == 0)
		r = et_conn_nats_options(conn, &options, err);
	if (r < 0)
		return r;
	s = connect_to(feed, options);
	natsOptions_Destroy(options);
	if (s != NATS_OK) {
		r = et_cancel_check(err);
		return r < 0 ? r : et_conn_fail(conn, err, s, "connect to");
	}
	send_output(feed);
	*ret = ET_STEAL(feed);
	return 0;
}

void
et_feed_free(struct et_feed *feed)
{
	if (feed == NULL)
		return;
	/* The connection first: an unsubscribe would wait for an answer that nobody reads. */
	natsConnection_Destroy(feed->nats);
	natsSubscription_Destroy(feed->subscription);
	natsInbox_Destroy(feed->inbox);
	free(feed);
}

const char *
et_feed_inbox(const struct et_feed *feed)
{
	return feed->inbox;
}

static int
broken(const struct et_feed *feed, struct et_error *err)
{
	const char *text = NULL;
	natsStatus s = natsConnection_GetLastError(feed->nats, &text);

	return et_conn_fail(feed->conn, err, s != NATS_OK ? s : NATS_CONNECTION_CLOSED,
			    "read from");
}

/* Waits for the socket and has the library read it once. 1 when something was done. */
static int
read_input(struct et_feed *feed, int64_t wait_ns, struct et_error *err)
{
	struct pollfd poll_fd = { .fd = feed->fd, .events = POLLIN };
	int ready;

	if (feed->fd < 0)
		return broken(feed, err);
	if (feed->has_output)
		poll_fd.events |= POLLOUT;
	ready = poll(&poll_fd, 1, wait_ns > 0 ? et_conn_milliseconds(wait_ns) : 0);
	if (ready == 0 || (ready < 0 && errno == EINTR))
		return 0;
	if (ready < 0)
		return et_error_errno(err, errno, "wait for %s", et_conn_address(feed->conn));
	if ((poll_fd.revents & POLLOUT) != 0)
		send_output(feed);
	if ((poll_fd.revents & ~POLLOUT) != 0)
		natsConnection_ProcessReadEvent(feed->nats);
	return 1;
}

int
et_feed_next(struct et_feed *feed, int64_t wait_ns, natsMsg **ret, struct et_error *err)
{
	int64_t until = 0;
	int r;

	for (;;) {
		natsStatus s = natsSubscription_NextMsg(ret, feed->subscription, 0);

		if (s == NATS_OK)
			return 1;
		if (s != NATS_TIMEOUT && s != NATS_NO_RESPONDERS)
			return s == NATS_CONNECTION_CLOSED
				       ? broken(feed, err)
				       : et_conn_fail(feed->conn, err, s, "read from");
		r = et_fault_point("fetch", err);
		if (r < 0)
			return r;
		if (until == 0)
			until = et_clock_monotonic_ns() + wait_ns;
		r = read_input(feed, wait_ns, err);
		if (r < 0)
			return r;
		/* What arrived may be half a message, or the library's own business. */
		wait_ns = until - et_clock_monotonic_ns();
		if (r == 0 || wait_ns <= 0)
			return natsSubscription_NextMsg(ret, feed->subscription, 0) == NATS_OK ? 1
											       : 0;
	}
}

int
et_feed_answer(struct et_feed *feed, const char *subject, struct et_error *err)
{
	natsStatus s = natsConnection_Publish(feed->nats, subject, NULL, 0);

	if (s != NATS_OK)
		return et_conn_fail(feed->conn, err, s, "answer");
	send_output(feed);
	return 0;
}
