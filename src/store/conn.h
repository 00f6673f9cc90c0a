/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to the MongoDB that holds the EventStore (docs/plgd.md, EventStore).
 *
 * Reads go to the primary, with read concern majority where the server is a
 * replica set. Nothing is ever written. Options are copied. One thread at a
 * time.
 *
 * Errors: ET_CONFIG (URI, certificate files), ET_UNAVAILABLE (address and what
 * to check), ET_TIMEOUT, ET_DENIED (authentication, authorisation, TLS). No
 * text ever holds a password.
 */
#ifndef ET_STORE_CONN_H
#define ET_STORE_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define ET_STORE_CONNECT_TIMEOUT_NS INT64_C(5000000000)
#define ET_STORE_READ_TIMEOUT_NS INT64_C(300000000000)

/* Zero-initialise; what is NULL or 0 takes its default. */
struct et_store_options {
	const char *uri;               /* "mongodb://127.0.0.1:27017" */
	const char *db;                /* "eventStore_db" */
	const char *collection;        /* "devices_events" */
	const char *owners_db;         /* "ownersDevices_db" */
	const char *owners_collection; /* "userdevices" */
	const char *tls_ca_file;       /* any TLS file switches TLS on */
	/* Client certificate and its key, PEM. Without a key file the first holds both. The two are
	 * put together in memory only. */
	const char *tls_cert_file;
	const char *tls_key_file;
	int64_t connect_timeout_ns; /* to find a server, elections included; 5 s */
	int64_t read_timeout_ns;    /* one answer: a sort without index may take minutes; 5 min */
};

struct et_store;

/* Connects, and asks the server what it is (hello). */
ET_CHECKED int et_store_open(const struct et_store_options *options, struct et_store **ret,
			     struct et_error *err);
void et_store_free(struct et_store *store);

/* "mongodb://host:port/ eventStore_db.devices_events", without secrets. Lives as long as store. */
const char *et_store_address(const struct et_store *store);

/* `uri` with "user:password@" as "***@", appended to out; options behind "?" that carry secrets
 * (authMechanismProperties, tlsCertificateKeyFilePassword) likewise. Pure. */
void et_store_redact(struct et_buf *out, const char *uri);

ET_CLEANUP_DEFINE(et_store, et_store_free);

#endif
