// SPDX-License-Identifier: Apache-2.0
/* Asking, and whether what came is the whole answer (store/gateway.h). */
#include <string.h>
#include <strings.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "store/gateway_internal.h"

#define WAIT_MS 200 /* how long a signal may wait */
#define STATUS_DIGITS 3u

#define HINT_REACH "check the address, the network, and that the hub's gateway runs there"
#define HINT_TLS                                                                       \
	"check --gateway-ca, --gateway-cert and --gateway-key, and that the server's " \
	"certificate names this host"
#define HINT_TIME "check the load of the hub, or raise --gateway-timeout"
#define HINT_GRPC \
	"is --gateway-url the hub's gRPC gateway? Its HTTP gateway is --store gateway+http"
#define HINT_CUT                                                                          \
	"the hub's HTTP gateway ends an answer after 16 s, also in the middle; its gRPC " \
	"gateway (--store gateway) does not"

/* ---- what comes ---- */

static bool
starts(const char *line, size_t bytes, const char *text)
{
	return bytes >= strlen(text) && strncasecmp(line, text, strlen(text)) == 0;
}

/* Whether what stands behind the name begins so. */
static bool
has_value(const char *line, size_t bytes, const char *text)
{
	const char *at = memchr(line, ':', bytes);
	const char *end = line + bytes;

	while (at != NULL && ++at < end && *at == ' ')
		;
	return at != NULL && starts(at, (size_t)(end - at), text);
}

/* Of "HTTP/2 200"; 0 when there is none. */
static long
status_of(const char *line, size_t bytes)
{
	const char *at = memchr(line, ' ', bytes);
	const char *end = line + bytes;
	long status = 0;

	for (unsigned i = 0; at != NULL && i < STATUS_DIGITS; i++) {
		at++;
		if (at >= end || *at < '0' || *at > '9')
			return 0;
		status = status * 10 + (*at - '0');
	}
	return status;
}

/* A new block of headers, perhaps behind one that only announced it. */
static void
begin_headers(struct et_gateway_reply *answer, const char *line, size_t bytes)
{
	answer->status = status_of(line, bytes);
	answer->is_grpc = false;
	answer->has_end = starts(line, bytes, "HTTP/2");
	answer->end = (struct et_grpc_end){ .has_status = false };
}

/* Headers, and the trailer behind the body. */
size_t
et_gateway_on_header(char *line, size_t one, size_t bytes, void *cookie)
{
	struct et_gateway_reply *answer = &((struct et_gateway *)cookie)->answer;

	(void)one; /* it is 1 */
	if (starts(line, bytes, "HTTP/"))
		begin_headers(answer, line, bytes);
	else if (starts(line, bytes, "content-type:"))
		answer->is_grpc = has_value(line, bytes, "application/grpc");
	else if (starts(line, bytes, "content-length:") ||
		 starts(line, bytes, "transfer-encoding:"))
		answer->has_end = true;
	else
		et_grpc_end_line(&answer->end, line, bytes);
	return bytes;
}

/* One message of gRPC. */
static int
on_message(void *cookie, struct et_slice message, struct et_error *err)
{
	const struct et_gateway_reply *answer = cookie;
	struct et_gateway_event event;
	int r = et_gateway_event_read(message, &event, err);

	return r == 0 ? answer->sink(answer->cookie, &event, err) : r;
}

static bool
is_answer(const struct et_gateway *gateway)
{
	return gateway->answer.status == 200 && (gateway->http || gateway->answer.is_grpc);
}

size_t
et_gateway_on_body(char *bytes, size_t one, size_t count, void *cookie)
{
	struct et_gateway *gateway = cookie;
	struct et_gateway_reply *answer = &gateway->answer;

	(void)one; /* it is 1 */
	if (!is_answer(gateway)) {
		/* Of a refusal the beginning is enough. */
		et_buf_put(&answer->refusal, bytes, count);
		return count;
	}
	answer->result = gateway->http
				 ? et_gateway_lines_feed(&gateway->lines, bytes, count,
							 answer->sink, answer->cookie, answer->err)
				 : et_grpc_frames_feed(&gateway->frames, bytes, count, on_message,
						       answer, answer->err);
	return answer->result == 0 ? count : 0;
}

/* ---- how it went ---- */

static int
code_of(CURLcode code, const char **ret_hint)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		*ret_hint = HINT_TIME;
		return ET_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
		*ret_hint = HINT_TLS;
		return ET_DENIED;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_URL_MALFORMAT:
		*ret_hint = HINT_TLS;
		return ET_CONFIG;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		*ret_hint = HINT_GRPC;
		return ET_GARBLED;
	default:
		*ret_hint = HINT_REACH;
		return ET_UNAVAILABLE;
	}
}

/* A server that keeps to the time which the question gives may just stop. */
static bool
is_late(const struct et_gateway *gateway)
{
	return et_clock_monotonic_ns() - gateway->asked_ns >= gateway->timeout_ns;
}

/* Since TLS 1.3 the client's certificate is refused behind the handshake. */
static bool
is_about_tls(const char *words)
{
	return strcasestr(words, "certificate") != NULL || strcasestr(words, " alert ") != NULL;
}

/* Behind the beginning of an answer it was no matter of reaching the server. */
static int
fail_transfer(const struct et_gateway *gateway, CURLcode code, struct et_error *err)
{
	const struct et_gateway_reply *answer = &gateway->answer;
	const char *words = gateway->words[0] != '\0' ? gateway->words : curl_easy_strerror(code);
	const char *hint = NULL;
	int r = code_of(code, &hint);

	if (r == ET_UNAVAILABLE && is_late(gateway)) {
		r = ET_TIMEOUT;
		hint = HINT_TIME;
	} else if (r == ET_UNAVAILABLE && is_about_tls(words)) {
		r = ET_DENIED;
		hint = HINT_TLS;
	}
	if (r == ET_UNAVAILABLE && answer->status != 0) {
		(void)et_error_set(err, r, "the answer breaks off: %s", words);
		if (gateway->http)
			et_error_hint(err, "%s", HINT_CUT);
		return r;
	}
	(void)et_error_set(err, r, "%s", words);
	et_error_hint(err, "%s", hint);
	return r;
}

static int
refused(const struct et_gateway *gateway, struct et_error *err)
{
	const struct et_gateway_reply *answer = &gateway->answer;
	int r;

	/* A status of gRPC may come with any of HTTP. */
	if (!gateway->http && answer->end.has_status && answer->end.code != 0)
		return et_grpc_end_check(&answer->end, err);
	r = et_gateway_refused(err, answer->status,
			       (struct et_slice){ answer->refusal.data, answer->refusal.size });
	if (r != ET_GARBLED || gateway->http)
		return r;
	if (answer->status == 200)
		(void)et_error_set(err, r, "what answers speaks no gRPC");
	et_error_hint(err, "%s", HINT_GRPC);
	return r;
}

/* The transfer went well: is the answer whole? */
static int
check_end(struct et_gateway *gateway, struct et_error *err)
{
	const struct et_gateway_reply *answer = &gateway->answer;
	int r;

	if (!is_answer(gateway))
		return refused(gateway, err);
	if (gateway->http) {
		r = et_gateway_lines_end(&gateway->lines, err);
		if (r == 0 && !answer->has_end) {
			r = et_error_set(err, ET_GARBLED,
					 "the answer has neither a length nor a last piece: its "
					 "end cannot be told from a cut");
			et_error_hint(err, "is there an old proxy between?");
		}
		return r;
	}
	/* A status other than OK says more than that the last message is cut. */
	if (answer->end.has_status && answer->end.code != 0)
		return et_grpc_end_check(&answer->end, err);
	r = et_grpc_frames_end(&gateway->frames, err);
	return r == 0 ? et_grpc_end_check(&answer->end, err) : r;
}

/* ---- asking ---- */

/* *ret: how the transfer ended. Only a signal, or the run's own limit of time, is an error here. */
static int
transfer(struct et_gateway *gateway, CURLcode *ret, struct et_error *err)
{
	int running = 1;
	int left = 0;
	const CURLMsg *message;
	int r = 0;

	if (curl_multi_add_handle(gateway->multi, gateway->easy) != CURLM_OK)
		return et_error_set(err, ET_UNAVAILABLE, "no transfer can be begun");
	while (r == 0) {
		if (curl_multi_perform(gateway->multi, &running) != CURLM_OK || running == 0)
			break;
		r = et_cancel_check(err);
		if (r == 0)
			(void)curl_multi_poll(gateway->multi, NULL, 0, WAIT_MS, NULL);
	}
	*ret = CURLE_SEND_ERROR;
	message = r == 0 ? curl_multi_info_read(gateway->multi, &left) : NULL;
	if (message != NULL && message->msg == CURLMSG_DONE)
		*ret = message->data.result;
	(void)curl_multi_remove_handle(gateway->multi, gateway->easy);
	return r;
}

static void
set_question(struct et_gateway *gateway, const char *device_id)
{
	ET_CLEAN_MEM char *url = NULL;
	struct et_buf message;

	if (gateway->http) {
		url = et_format("%s" ET_GATEWAY_HTTP_PATH "%s", gateway->url, device_id);
		(void)curl_easy_setopt(gateway->easy, CURLOPT_URL, url);
		return;
	}
	et_buf_init(&message, 1024);
	et_buf_field_text(&message, 1, device_id);
	et_buf_reset(&gateway->request);
	et_grpc_request(&gateway->request, (struct et_slice){ message.data, message.size });
	et_buf_done(&message);
	(void)curl_easy_setopt(gateway->easy, CURLOPT_POSTFIELDS, gateway->request.data);
	(void)curl_easy_setopt(gateway->easy, CURLOPT_POSTFIELDSIZE, (long)gateway->request.size);
}

static void
begin_answer(struct et_gateway *gateway, et_gateway_sink *sink, void *cookie, struct et_error *err)
{
	struct et_gateway_reply *answer = &gateway->answer;

	answer->sink = sink;
	answer->cookie = cookie;
	answer->err = err;
	answer->result = 0;
	answer->status = 0;
	answer->is_grpc = false;
	answer->has_end = false;
	answer->end = (struct et_grpc_end){ .has_status = false };
	et_buf_reset(&answer->refusal);
	et_grpc_frames_reset(&gateway->frames);
	et_gateway_lines_reset(&gateway->lines);
	gateway->words[0] = '\0';
	gateway->asked_ns = et_clock_monotonic_ns();
}

/* The other side may say what it was told. */
static void
hide_token(const struct et_gateway *gateway, struct et_error *err)
{
	size_t bytes = strlen(gateway->token);
	char *at = err != NULL ? err->text : NULL;

	while (at != NULL && (at = strstr(at, gateway->token)) != NULL) {
		memset(at, '*', bytes);
		at += bytes;
	}
}

int
et_gateway_ask(struct et_gateway *gateway, const char *device_id, et_gateway_sink *sink,
	       void *cookie, struct et_error *err)
{
	CURLcode code = CURLE_OK;
	int r;

	r = et_fault_point("fetch", err);
	if (r < 0)
		return r;
	begin_answer(gateway, sink, cookie, err);
	set_question(gateway, device_id);
	r = transfer(gateway, &code, err);
	if (r < 0)
		return r;
	if (gateway->answer.result < 0)
		r = gateway->answer.result;
	else if (code != CURLE_OK)
		r = fail_transfer(gateway, code, err);
	else
		r = check_end(gateway, err);
	if (r == 0)
		return 0;
	hide_token(gateway, err);
	return et_error_wrap(err, r, "ask %s", gateway->address);
}
