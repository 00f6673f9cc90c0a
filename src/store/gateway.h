/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the hub's gateway: GetEvents of one device, over gRPC (HTTP/2)
 * or as GET /api/v1/events. Always TLS. Options are copied. One thread at a
 * time.
 *
 * Errors: ET_CONFIG (address, files, token), ET_UNAVAILABLE (also an answer
 * that breaks off), ET_TIMEOUT, ET_DENIED (token, TLS), ET_GARBLED. No text
 * ever holds the token.
 */
#ifndef ET_STORE_GATEWAY_H
#define ET_STORE_GATEWAY_H

#include <stdint.h>

#include "base/alloc.h"
#include "store/gateway_event.h"

#define ET_GATEWAY_CONNECT_TIMEOUT_NS INT64_C(5000000000)
#define ET_GATEWAY_TIMEOUT_NS INT64_C(60000000000)

/* Zero-initialise. */
struct et_gateway_options {
	const char *url;       /* "https://host:port", perhaps with a path before the gateway's */
	bool http;             /* the HTTP form, not gRPC */
	const char *token;     /* bearer token */
	const char *ca_file;   /* NULL: the system's authorities */
	const char *cert_file; /* client certificate and its key, PEM; NULL: none */
	const char *key_file;
	int64_t connect_timeout_ns; /* TLS included; 0: 5 s */
	int64_t timeout_ns;         /* one device's whole answer; 0: 60 s */
};

struct et_gateway;

/* Checks the options; nobody is asked yet. */
ET_CHECKED int et_gateway_open(const struct et_gateway_options *options, struct et_gateway **ret,
			       struct et_error *err);
void et_gateway_free(struct et_gateway *gateway);
/* "https://host:port (gRPC)"; lives as long as the gateway. */
const char *et_gateway_address(const struct et_gateway *gateway);
/* One device's events, all of them when it returns 0: the answer is known to be whole. Devices of
 * other owners have none. The sink is called before that is known. ET_CANCELED within 0.2 s. */
ET_CHECKED int et_gateway_ask(struct et_gateway *gateway, const char *device_id,
			      et_gateway_sink *sink, void *cookie, struct et_error *err);

ET_CLEANUP_DEFINE(et_gateway, et_gateway_free);

#endif
