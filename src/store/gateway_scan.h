/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store room only: the gateway as a source. A scan asks for all
 * devices and keeps a row for each document; documents are asked for again,
 * device by device, so that they are as new as MongoDB's would be.
 */
#ifndef ET_STORE_GATEWAY_SCAN_H
#define ET_STORE_GATEWAY_SCAN_H

#include "store/gateway.h"
#include "store/gateway_answer.h"
#include "store/source_internal.h"

struct et_gateway_device {
	struct et_uuid uuid;
	bool shown; /* it had events when it was last asked for */
};

/* One document, or an event without an aggregate. */
struct et_gateway_row {
	struct et_uuid aggregate;
	uint64_t latest_version;
	uint64_t first_version;
	size_t device; /* index */
	bool has_aggregate;
	bool malformed;
};

struct et_gateway_source {
	struct et_source source;
	struct et_gateway *client;
	struct et_gateway_device *devices; /* sorted */
	size_t device_count;
	struct et_gateway_row *rows; /* of the last scan; sorted, one for each document */
	size_t row_count;
	size_t row_capacity;
	bool scanned;
	struct et_gateway_answer answer;
};

/* Sorted anew; what was scanned is forgotten. */
void et_gateway_set_devices(struct et_gateway_source *gateway, const struct et_uuid *devices,
			    size_t count);
/* NULL: it is none of those to ask for. */
struct et_gateway_device *et_gateway_find_device(const struct et_gateway_source *gateway,
						 const struct et_uuid *uuid);
/* The whole answer about one device, sorted, into gateway->answer; one that breaks off is asked for
 * again. */
ET_CHECKED int et_gateway_ask_id(struct et_gateway_source *gateway, const char *device_id,
				 bool keep, struct et_error *err);
/* The same, and notes whether the device is shown. */
ET_CHECKED int et_gateway_ask_device(struct et_gateway_source *gateway,
				     struct et_gateway_device *device, bool keep,
				     struct et_error *err);
ET_CHECKED int et_gateway_scan(struct et_gateway_source *gateway, struct et_error *err);
/* The row of one of the aggregate's documents: all are of one device. NULL: the scan saw none. */
const struct et_gateway_row *et_gateway_find_row(const struct et_gateway_source *gateway,
						 const struct et_uuid *aggregate);
/* The rows as heads (source.h). */
struct et_heads *et_gateway_heads(const struct et_gateway_source *gateway, const char *after,
				  const char *until, bool split);

#endif
