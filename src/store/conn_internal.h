/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store room only: the driver's handles, and the one way from its
 * errors to ours.
 */
#ifndef ET_STORE_CONN_INTERNAL_H
#define ET_STORE_CONN_INTERNAL_H

#include "store/driver.h"

#include "store/conn.h"

struct et_store {
	mongoc_client_t *client;
	mongoc_collection_t *events;
	mongoc_collection_t *owners;
	char *db;
	char *collection;
	char *address;  /* for messages: redacted */
	char *password; /* as the URI has it, to keep it out of messages; NULL: none */
	int pem_fd;     /* certificate and key; the driver reads it again for each connection */
	bool tls;
	bool replica_set;
	bool majority; /* reads ask for it */
	int64_t read_timeout_ns;
	int64_t asked_ns; /* monotonic; when the last question began */
	bool secondary;   /* reads may come from a member that lags */
	char server[64];
};

/* Sets the error that the driver's error stands for: "WHAT ADDRESS: words", and a hint. Returns
 * the code; ET_CONFLICT when the server understood the question and will not answer it so. */
int et_store_fail(const struct et_store *store, struct et_error *err, const bson_error_t *error,
		  const char *what);
/* For a server that does not know read concerns: all reads from now on, with or without. */
void et_store_set_majority(struct et_store *store, bool majority);

#endif
