// SPDX-License-Identifier: Apache-2.0
#include "stream/consumer.h"

#include <inttypes.h>
#include <string.h>

#include "stream/apijson.h"
#include "stream/conn_internal.h"
#include "stream/info.h"

static int
read_reply(struct et_slice text, char **ret_name, uint64_t *ret_pending, struct et_error *err)
{
	ET_CLEAN_JSON json_t *json = NULL;
	const char *name = NULL;
	int r;

	r = et_apijson_read(text, &json, err);
	if (r == 0)
		r = et_apijson_text(json, "name", &name, err);
	if (r == 0)
		r = et_apijson_u64(json, "num_pending", ret_pending, err);
	if (r == 0 && !et_stream_name_ok(name))
		r = et_error_set(err, ET_GARBLED,
				 "the server gave the consumer a name that is none");
	if (r == 0)
		*ret_name = et_strdup(name);
	return r;
}

int
et_consumer_create(struct et_conn *conn, const char *stream, const char *inbox, uint64_t first_seq,
		   char **ret_name, uint64_t *ret_pending, struct et_error *err)
{
	/* The old subject without the consumer's name: servers of all versions take it. */
	ET_CLEAN_MEM char *subject = et_format("CONSUMER.CREATE.%s", stream);
	ET_CLEAN_MEM char *request =
		et_format("{\"stream_name\":\"%s\",\"config\":{\"deliver_subject\":\"%s\","
			  "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":%" PRIu64 ","
			  "\"ack_policy\":\"none\",\"max_deliver\":1,\"replay_policy\":\"instant\","
			  "\"flow_control\":true,\"idle_heartbeat\":%" PRId64 ","
			  "\"mem_storage\":true,\"num_replicas\":1}}",
			  stream, inbox, first_seq, ET_CONSUMER_HEARTBEAT_NS);
	struct et_buf reply;
	int r;

	et_buf_init(&reply, ET_STREAM_REPLY_BYTES_MAX);
	r = et_conn_api(conn, subject, request, &reply, err);
	if (r == 0)
		r = read_reply((struct et_slice){ reply.data, reply.size }, ret_name, ret_pending,
			       err);
	et_buf_done(&reply);
	/* With them the server would stop at the limit; a consumer without is refused. */
	if (r < 0 && err != NULL && strstr(err->text, "requires ack policy") != NULL)
		et_error_hint(err, "the stream's consumer_limits.max_ack_pending refuses consumers "
				   "without acknowledgements: remove it");
	return r < 0 ? et_error_wrap(err, r, "make a consumer of stream '%s'", stream) : 0;
}

void
et_consumer_delete(struct et_conn *conn, const char *stream, const char *name)
{
	ET_CLEAN_MEM char *subject = et_format("CONSUMER.DELETE.%s.%s", stream, name);

	et_conn_api_send(conn, subject);
}
