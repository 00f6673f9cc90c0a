/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to NATS, and requests to JetStream's JSON API over it.
 *
 * The library behind it reconnects by itself for as long as the connection is
 * open; what is bounded is each request. A connection may be used from several
 * threads. Options are copied: nothing
 * borrowed outlives et_conn_open.
 *
 * Errors say which address and what to check (hint): ET_UNAVAILABLE (nobody
 * answers there, no JetStream, connection lost), ET_TIMEOUT, ET_DENIED
 * (credentials, permissions, certificates), ET_CONFIG (an address or a file of
 * the options cannot be used). No text ever holds a password, token or seed.
 */
#ifndef ET_STREAM_CONN_H
#define ET_STREAM_CONN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"

#define ET_STREAM_CONNECT_TIMEOUT_NS INT64_C(5000000000)
#define ET_STREAM_READ_TIMEOUT_NS INT64_C(10000000000)
#define ET_STREAM_RECONNECT_WAIT_NS INT64_C(30000000000)
#define ET_STREAM_REPLY_BYTES_MAX (96u << 20) /* one JSON reply: 64 MiB of body as base64 */

/* Zero-initialise; what is NULL or 0 takes its default. */
struct et_stream_options {
	const char *urls;       /* one or more, comma separated; "nats://127.0.0.1:4222" */
	const char *creds_file; /* a .creds file: user JWT and seed */
	const char *user;       /* with password; a user in the URL goes before */
	const char *password;
	const char *token;
	const char *nkey_seed_file; /* a file with the seed ("SU...") of an NKey */
	const char *tls_ca_file;    /* any TLS file, or a tls:// URL, switches TLS on */
	const char *tls_cert_file;  /* client certificate (chain), PEM */
	const char *tls_key_file;   /* its key, PEM */
	const char *js_domain;      /* JetStream domain: $JS.<domain>.API */
	const char *name;           /* shown by the server's monitoring; "evtrail" */
	int64_t connect_timeout_ns; /* per address; 5 s */
	int64_t read_timeout_ns;    /* an answer or the next message; 10 s */
	int64_t reconnect_wait_ns;  /* how long a lost server is waited for, in all; 30 s */
};

struct et_conn;

ET_CHECKED int et_conn_open(const struct et_stream_options *options, struct et_conn **ret,
			    struct et_error *err);
void et_conn_free(struct et_conn *conn);

/* The addresses with user and password taken out, for messages. Lives as long as conn. */
const char *et_conn_address(const struct et_conn *conn);
/* max_payload that the server announced, in bytes. */
int64_t et_conn_max_payload(const struct et_conn *conn);
/* Round trip to the server in ns. */
ET_CHECKED int et_conn_rtt(struct et_conn *conn, int64_t *ret_ns, struct et_error *err);

/* A request to $JS.API.<subject> ($JS.<domain>.API.<subject>), e.g. "STREAM.INFO.EVENTS", with a
 * JSON body (NULL: none); the reply replaces what is in `reply`. What the API itself answers, an
 * error object included, is the caller's to read: et_api_reply_error (stream/info.h).
 * ET_UNAVAILABLE with a hint when JetStream does not answer; ET_TIMEOUT; ET_DENIED. */
ET_CHECKED int et_conn_api(struct et_conn *conn, const char *subject, const char *json,
			   struct et_buf *reply, struct et_error *err);

/* `text` (addresses, comma separated) with "user:password@" as "***@"; appended to out. Pure. */
void et_conn_redact(struct et_buf *out, const char *text);

ET_CLEANUP_DEFINE(et_conn, et_conn_free);

#endif
