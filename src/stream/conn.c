// SPDX-License-Identifier: Apache-2.0
#include "stream/conn.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "stream/conn_internal.h"
#include "stream/nkey.h"
#include "stream/redact.h"

#define ADDRESSES_MAX 64
#define RECONNECT_PAUSE_MS 200
#define PING_INTERVAL_MS 20000
#define SLICE_MS 50 /* between looks at the cancel flag and at refusals */

#define HINT_REACH "check the address, the network, and that nats-server runs there"
#define HINT_CREDENTIALS                                                                           \
	"check the credentials file, user and password, token or NKey, and that the server knows " \
	"them"
#define HINT_TLS                                                                                 \
	"check the CA, certificate and key files, and that the server's certificate names this " \
	"host"
#define HINT_JETSTREAM \
	"JetStream is off on that server or for this account, or it has another JetStream domain"

static const struct {
	natsStatus status;
	int code;
	const char *hint;
} meanings[] = {
	{ NATS_NO_SERVER, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_IO_ERROR, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_SYS_ERROR, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_CONNECTION_CLOSED, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_CONNECTION_DISCONNECTED, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_NOT_YET_CONNECTED, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_STALE_CONNECTION, ET_UNAVAILABLE, HINT_REACH },
	{ NATS_TIMEOUT, ET_TIMEOUT,
	  "check the network and the load of the server, or raise the time-out" },
	{ NATS_CONNECTION_AUTH_FAILED, ET_DENIED, HINT_CREDENTIALS },
	{ NATS_NOT_PERMITTED, ET_DENIED, "this user's permissions on the server do not allow it" },
	{ NATS_SSL_ERROR, ET_DENIED, HINT_TLS },
	{ NATS_SECURE_CONNECTION_REQUIRED, ET_DENIED, "the server demands TLS: " HINT_TLS },
	{ NATS_SECURE_CONNECTION_WANTED, ET_DENIED,
	  "the server does not offer TLS: take a nats:// address and no TLS files, or switch TLS "
	  "on there" },
	{ NATS_NO_RESPONDERS, ET_UNAVAILABLE, HINT_JETSTREAM },
	{ NATS_ADDRESS_MISSING, ET_CONFIG, "an address looks like nats://host:4222" },
	{ NATS_INVALID_ARG, ET_CONFIG, "an address looks like nats://host:4222" },
	{ NATS_MAX_PAYLOAD, ET_LIMIT, NULL },
	{ NATS_NO_SERVER_SUPPORT, ET_CONFIG, "the server is too old" },
	{ NATS_PROTOCOL_ERROR, ET_UNAVAILABLE,
	  "it hung up: it may demand a client certificate (give certificate and key), or be no "
	  "nats-server" },
};

/* The library's words for its last error, "" when they say nothing more than the status does. */
static const char *
detail_of(natsStatus status, const char *words)
{
	natsStatus last = NATS_OK;
	const char *detail = nats_GetLastError(&last);
	const char *behind_place;

	if (last != status || detail == NULL)
		return "";
	/* "(conn.c:123): " is for the library's authors. */
	behind_place = detail[0] == '(' ? strstr(detail, "): ") : NULL;
	if (behind_place != NULL)
		detail = behind_place + 3;
	return strcmp(detail, words) != 0 ? detail : "";
}

int
et_conn_fail(const struct et_conn *conn, struct et_error *err, natsStatus status, const char *what)
{
	const char *words = natsStatus_GetText(status);
	const char *detail = detail_of(status, words);
	const char *hint = NULL;
	int code = ET_UNAVAILABLE;

	for (size_t i = 0; i < ET_COUNT(meanings); i++)
		if (meanings[i].status == status) {
			code = meanings[i].code;
			hint = meanings[i].hint;
		}
	if (detail[0] == '\0' || et_redact_needed(&conn->options, detail))
		et_error_set(err, code, "%s %s: %s", what, conn->address, words);
	else
		et_error_set(err, code, "%s %s: %s: %s", what, conn->address, words, detail);
	if (hint != NULL)
		et_error_hint(err, "%s", hint);
	return code;
}

/* The library says such things on stderr when nobody listens; et_conn_api asks for them. */
static void
ignore_async_error(natsConnection *nc ET_UNUSED, natsSubscription *sub ET_UNUSED,
		   natsStatus status ET_UNUSED, void *closure ET_UNUSED)
{
}

/* The library puts user, password and token into its JSON as they are. */
static char *
json_escape(const char *text)
{
	struct et_buf out;

	et_buf_init(&out, SIZE_MAX / 2);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			et_buf_format(&out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			et_buf_format(&out, "\\u%04x", (unsigned char)*text);
		else
			et_buf_put_u8(&out, (uint8_t)*text);
	}
	(void)et_buf_cstr(&out);
	return (char *)out.data;
}

static natsStatus
set_addresses(natsOptions *options, const char *urls, bool *ret_tls)
{
	ET_CLEAN_MEM char *copy = et_strdup(urls);
	const char *servers[ADDRESSES_MAX];
	char *rest = copy;
	int count = 0;

	*ret_tls = false;
	while (rest != NULL) {
		char *one = strsep(&rest, ",");

		while (isspace((unsigned char)*one))
			one++;
		if (*one == '\0')
			continue;
		if (count == ADDRESSES_MAX)
			return NATS_INVALID_ARG;
		if (strncmp(one, "tls://", 6) == 0)
			*ret_tls = true;
		servers[count++] = one;
	}
	return count > 0 ? natsOptions_SetServers(options, servers, count) : NATS_ADDRESS_MISSING;
}

static int
set_tls(const struct et_conn *conn, natsOptions *options, bool wanted, struct et_error *err)
{
	const struct et_stream_options *o = &conn->options;
	natsStatus s = NATS_OK;
	int r;

	if ((o->tls_cert_file == NULL) != (o->tls_key_file == NULL)) {
		r = et_error_set(err, ET_CONFIG,
				 "connect to %s: the client's TLS %s file is missing",
				 conn->address, o->tls_cert_file == NULL ? "certificate" : "key");
		et_error_hint(err, "a certificate and its key belong together: give both files");
		return r;
	}
	if (wanted || o->tls_ca_file != NULL || o->tls_cert_file != NULL)
		s = natsOptions_SetSecure(options, true);
	if (s == NATS_OK && o->tls_ca_file != NULL)
		s = natsOptions_LoadCATrustedCertificates(options, o->tls_ca_file);
	if (s == NATS_OK && o->tls_cert_file != NULL)
		s = natsOptions_LoadCertificatesChain(options, o->tls_cert_file, o->tls_key_file);
	if (s == NATS_OK)
		return 0;
	/* Files that cannot be read are no refusal by anybody. */
	(void)et_conn_fail(conn, err, s, "set up TLS for");
	et_error_hint(err, "check that the CA, certificate and key files are readable PEM files");
	return et_error_wrap(err, ET_CONFIG, "TLS files");
}

static int
set_credentials(const struct et_conn *conn, natsOptions *options, struct et_error *err)
{
	const struct et_stream_options *o = &conn->options;
	char public[ET_NKEY_TEXT_BYTES];
	natsStatus s = NATS_OK;
	int r;

	if (o->creds_file != NULL)
		s = natsOptions_SetUserCredentialsFromFiles(options, o->creds_file, NULL);
	if (s == NATS_OK && o->nkey_seed_file != NULL) {
		r = et_nkey_public_of_file(o->nkey_seed_file, public, err);
		if (r < 0)
			return r;
		s = natsOptions_SetNKeyFromSeed(options, public, o->nkey_seed_file);
	}
	if (s == NATS_OK && o->user != NULL) {
		ET_CLEAN_MEM char *user = json_escape(o->user);
		ET_CLEAN_MEM char *password = json_escape(o->password != NULL ? o->password : "");

		s = natsOptions_SetUserInfo(options, user, password);
	}
	if (s == NATS_OK && o->token != NULL) {
		ET_CLEAN_MEM char *token = json_escape(o->token);

		s = natsOptions_SetToken(options, token);
	}
	return s == NATS_OK ? 0 : et_conn_fail(conn, err, s, "set up the credentials for");
}

int
et_conn_nats_options(const struct et_conn *conn, natsOptions **ret, struct et_error *err)
{
	natsOptions *options = NULL;
	bool tls = false;
	natsStatus s;
	int r = 0;

	s = natsOptions_Create(&options);
	if (s == NATS_OK)
		s = set_addresses(options, conn->options.urls, &tls);
	if (s == NATS_OK)
		s = natsOptions_SetTimeout(options,
					   et_conn_milliseconds(conn->options.connect_timeout_ns));
	if (s == NATS_OK)
		s = natsOptions_SetName(options, conn->options.name);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(options, ignore_async_error, NULL);
	if (s != NATS_OK)
		r = et_conn_fail(conn, err, s, "connect to");
	if (r == 0)
		r = set_tls(conn, options, tls, err);
	if (r == 0)
		r = set_credentials(conn, options, err);
	if (r < 0) {
		natsOptions_Destroy(options);
		return r;
	}
	*ret = options;
	return 0;
}

static const char *
copy_text(const char *text)
{
	return text != NULL && text[0] != '\0' ? et_strdup(text) : NULL;
}

static struct et_conn *
conn_new(const struct et_stream_options *options)
{
	struct et_conn *conn = et_calloc(1, sizeof(*conn));
	struct et_stream_options *o = &conn->options;
	struct et_buf address;

	*o = *options;
	o->urls = et_strdup(options->urls != NULL ? options->urls : "nats://127.0.0.1:4222");
	o->creds_file = copy_text(options->creds_file);
	o->user = copy_text(options->user);
	o->password = copy_text(options->password);
	o->token = copy_text(options->token);
	o->nkey_seed_file = copy_text(options->nkey_seed_file);
	o->tls_ca_file = copy_text(options->tls_ca_file);
	o->tls_cert_file = copy_text(options->tls_cert_file);
	o->tls_key_file = copy_text(options->tls_key_file);
	o->js_domain = copy_text(options->js_domain);
	o->name = et_strdup(options->name != NULL ? options->name : "evtrail");
	if (o->connect_timeout_ns <= 0)
		o->connect_timeout_ns = ET_STREAM_CONNECT_TIMEOUT_NS;
	if (o->read_timeout_ns <= 0)
		o->read_timeout_ns = ET_STREAM_READ_TIMEOUT_NS;
	if (o->reconnect_wait_ns <= 0)
		o->reconnect_wait_ns = ET_STREAM_RECONNECT_WAIT_NS;
	conn->api = o->js_domain != NULL ? et_format("$JS.%s.API.", o->js_domain)
					 : et_strdup("$JS.API.");
	et_buf_init(&address, SIZE_MAX / 2);
	et_conn_redact(&address, o->urls);
	(void)et_buf_cstr(&address);
	conn->address = (char *)address.data;
	return conn;
}

/* Unlimited reconnects: a batch may not talk to NATS for minutes, and a restart in between is no
 * failure. Requests have time-outs of their own, and fail at once when the connection breaks. */
static natsStatus
keep_connected(natsOptions *options)
{
	natsStatus s = natsOptions_SetMaxReconnect(options, -1);

	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(options, RECONNECT_PAUSE_MS);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectJitter(options, RECONNECT_PAUSE_MS / 2,
						   RECONNECT_PAUSE_MS / 2);
	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(options, PING_INTERVAL_MS);
	if (s == NATS_OK)
		s = natsOptions_SetFailRequestsOnDisconnect(options, true);
	return s;
}

int
et_conn_open(const struct et_stream_options *options, struct et_conn **ret, struct et_error *err)
{
	ET_CLEAN(et_conn) struct et_conn *conn = conn_new(options);
	natsOptions *nats = NULL;
	natsStatus s;
	int r;

	r = et_conn_nats_options(conn, &nats, err);
	if (r < 0)
		return r;
	r = et_fault_point("fetch", err);
	if (r < 0) {
		natsOptions_Destroy(nats);
		return r;
	}
	s = keep_connected(nats);
	if (s == NATS_OK)
		s = natsConnection_Connect(&conn->nats, nats);
	natsOptions_Destroy(nats);
	if (s != NATS_OK) {
		/* A signal breaks the library's poll, which it takes for a broken connection. */
		r = et_cancel_check(err);
		return r < 0 ? r : et_conn_fail(conn, err, s, "connect to");
	}
	*ret = ET_STEAL(conn);
	return 0;
}

void
et_conn_free(struct et_conn *conn)
{
	if (conn == NULL)
		return;
	natsConnection_Destroy(conn->nats);
	const char *texts[] = {
		conn->options.urls,         conn->options.creds_file,
		conn->options.user,         conn->options.nkey_seed_file,
		conn->options.tls_ca_file,  conn->options.tls_cert_file,
		conn->options.tls_key_file, conn->options.js_domain,
		conn->options.name,         conn->options.password,
		conn->options.token,
	};
	for (size_t i = 0; i < ET_COUNT(texts); i++)
		free((void *)(uintptr_t)texts[i]);
	free(conn->address);
	free(conn->api);
	free(conn);
}

const char *
et_conn_address(const struct et_conn *conn)
{
	return conn->address;
}

int64_t
et_conn_max_payload(const struct et_conn *conn)
{
	return natsConnection_GetMaxPayload(conn->nats);
}

int
et_conn_rtt(struct et_conn *conn, int64_t *ret_ns, struct et_error *err)
{
	int64_t rtt_ns = 0;
	natsStatus s = natsConnection_GetRTT(conn->nats, &rtt_ns);

	if (s != NATS_OK)
		return et_conn_fail(conn, err, s, "ping");
	*ret_ns = rtt_ns;
	return 0;
}

/* A refused publish is told apart from its request: all that is seen of it there is a time-out. */
static bool
was_denied(struct et_conn *conn, const char *subject)
{
	const char *text = NULL;

	return natsConnection_GetLastError(conn->nats, &text) == NATS_NOT_PERMITTED &&
	       text != NULL && strstr(text, subject) != NULL;
}

static uint64_t
count_reconnects(struct et_conn *conn)
{
	natsStatistics *statistics = NULL;
	uint64_t count = 0;

	if (natsStatistics_Create(&statistics) == NATS_OK &&
	    natsConnection_GetStats(conn->nats, statistics) == NATS_OK)
		(void)natsStatistics_GetCounts(statistics, NULL, NULL, NULL, NULL, &count);
	natsStatistics_Destroy(statistics);
	return count;
}

/* In slices: a refusal comes beside the answer, and a lost connection takes the answer with it.
 * NATS_TIMEOUT also when the run is to end. */
static natsStatus
wait_for_answer(struct et_conn *conn, natsSubscription *subscription, const char *subject,
		const char *inbox, natsMsg **ret)
{
	int64_t until = et_clock_monotonic_ns() + conn->options.read_timeout_ns;
	uint64_t reconnects = count_reconnects(conn);
	bool connected = natsConnection_Status(conn->nats) == NATS_CONN_STATUS_CONNECTED;
	natsStatus s;

	for (;;) {
		s = natsSubscription_NextMsg(ret, subscription, SLICE_MS);
		if (s != NATS_TIMEOUT)
			return s;
		if (was_denied(conn, subject) || was_denied(conn, inbox))
			return NATS_NOT_PERMITTED;
		if (connected && (natsConnection_Status(conn->nats) != NATS_CONN_STATUS_CONNECTED ||
				  count_reconnects(conn) != reconnects))
			return NATS_CONNECTION_DISCONNECTED;
		if (et_cancel_asked() || et_clock_monotonic_ns() >= until)
			return NATS_TIMEOUT;
	}
}

static natsStatus
request(struct et_conn *conn, const char *subject, const char *json, int bytes, natsMsg **ret)
{
	natsSubscription *subscription = NULL;
	natsInbox *inbox = NULL;
	natsStatus s;

	s = natsInbox_Create(&inbox);
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&subscription, conn->nats, inbox);
	if (s == NATS_OK)
		s = natsConnection_PublishRequest(conn->nats, subject, inbox, json, bytes);
	if (s == NATS_OK)
		s = wait_for_answer(conn, subscription, subject, inbox, ret);
	natsSubscription_Destroy(subscription);
	natsInbox_Destroy(inbox);
	return s;
}

int
et_conn_api(struct et_conn *conn, const char *subject, const char *json, struct et_buf *reply,
	    struct et_error *err)
{
	ET_CLEAN_MEM char *full = et_format("%s%s", conn->api, subject);
	size_t bytes = json != NULL ? strlen(json) : 0;
	natsMsg *message = NULL;
	natsStatus s;
	int r;

	r = et_fault_point("fetch", err);
	if (r < 0)
		return et_error_wrap(err, r, "ask %s for %s", conn->address, subject);
	if (bytes > INT_MAX)
		return et_error_set(err, ET_LIMIT, "ask %s for %s: the request is too long",
				    conn->address, subject);
	s = request(conn, full, json, (int)bytes, &message);
	/* libnats hands "no responders" over as an empty message with a status. */
	if (s == NATS_OK && natsMsg_IsNoResponders(message)) {
		natsMsg_Destroy(message);
		s = NATS_NO_RESPONDERS;
	}
	if (s == NATS_NOT_PERMITTED && was_denied(conn, "_INBOX.")) {
		r = et_error_set(err, ET_DENIED, "%s: subscribe to _INBOX.>: not permitted",
				 conn->address);
		et_error_hint(err, "this user's permissions on the server do not allow it");
		return r;
	}
	if (s != NATS_OK) {
		r = s == NATS_TIMEOUT ? et_cancel_check(err) : 0;
		if (r < 0)
			return r;
		r = et_conn_fail(conn, err, s, "ask");
		return et_error_wrap(err, r, "%s", full);
	}
	et_buf_reset(reply);
	et_buf_put(reply, natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message));
	natsMsg_Destroy(message);
	return et_buf_check(reply, "the answer", err);
}

void
et_conn_api_send(struct et_conn *conn, const char *subject)
{
	ET_CLEAN_MEM char *full = et_format("%s%s", conn->api, subject);
	natsInbox *inbox = NULL;

	/* Without a reply subject the server ignores it. */
	if (natsInbox_Create(&inbox) == NATS_OK)
		(void)natsConnection_PublishRequest(conn->nats, full, inbox, NULL, 0);
	natsInbox_Destroy(inbox);
}
