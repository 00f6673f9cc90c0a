// SPDX-License-Identifier: Apache-2.0
/*
 * The peer of `evtrail snapshot`: an ordered consumer of nats.c that counts the messages of a
 * stream, and does nothing else with them. Prints their number.
 * usage: bare_consumer URL STREAM
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>

struct count {
	pthread_mutex_t lock;
	pthread_cond_t all_here;
	uint64_t wanted;
	uint64_t got; /* only the callback's thread writes it, until all are here */
	bool done;
};

static void
on_message(natsConnection *nats, natsSubscription *subscription, natsMsg *message, void *cookie)
{
	struct count *count = cookie;

	(void)nats;
	(void)subscription;
	natsMsg_Destroy(message);
	if (++count->got < count->wanted)
		return;
	(void)pthread_mutex_lock(&count->lock);
	count->done = true;
	(void)pthread_cond_signal(&count->all_here);
	(void)pthread_mutex_unlock(&count->lock);
}

static natsStatus
messages_of(jsCtx *jetstream, const char *stream, uint64_t *ret)
{
	jsStreamInfo *info = NULL;
	natsStatus s = js_GetStreamInfo(&info, jetstream, stream, NULL, NULL);

	if (s == NATS_OK)
		*ret = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return s;
}

static natsStatus
consume(jsCtx *jetstream, const char *stream, struct count *count)
{
	natsSubscription *subscription = NULL;
	jsSubOptions options;
	natsStatus s = jsSubOptions_Init(&options);

	options.Stream = stream;
	options.Ordered = true;
	if (s == NATS_OK)
		s = js_Subscribe(&subscription, jetstream, ">", on_message, count, NULL, &options,
				 NULL);
	/* Else it drops what the callback has not seen yet, and starts anew. */
	if (s == NATS_OK)
		s = natsSubscription_SetPendingLimits(subscription, -1, -1);
	if (s == NATS_OK) {
		(void)pthread_mutex_lock(&count->lock);
		while (!count->done)
			(void)pthread_cond_wait(&count->all_here, &count->lock);
		(void)pthread_mutex_unlock(&count->lock);
	}
	natsSubscription_Destroy(subscription);
	return s;
}

int
main(int argc, char **argv)
{
	struct count count = { .lock = PTHREAD_MUTEX_INITIALIZER,
			       .all_here = PTHREAD_COND_INITIALIZER };
	natsConnection *nats = NULL;
	jsCtx *jetstream = NULL;
	natsStatus s;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: %s URL STREAM\n", argv[0]);
		return 2;
	}
	s = natsConnection_ConnectTo(&nats, argv[1]);
	if (s == NATS_OK)
		s = natsConnection_JetStream(&jetstream, nats, NULL);
	if (s == NATS_OK)
		s = messages_of(jetstream, argv[2], &count.wanted);
	if (s == NATS_OK && count.wanted > 0)
		s = consume(jetstream, argv[2], &count);
	jsCtx_Destroy(jetstream);
	natsConnection_Destroy(nats);
	nats_Close();
	if (s != NATS_OK) {
		(void)fprintf(stderr, "%s: %s\n", argv[0], natsStatus_GetText(s));
		return 1;
	}
	(void)printf("%" PRIu64 "\n", count.got);
	return 0;
}
