// SPDX-License-Identifier: Apache-2.0
#include "store/gateway_scan.h"

#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"

#define TRIES 3u
#define PAUSE_MS 200 /* before the second; twice as long before the third */

/* ---- devices ---- */

static int
compare_devices(const void *a, const void *b)
{
	return et_uuid_compare(&((const struct et_gateway_device *)a)->uuid,
			       &((const struct et_gateway_device *)b)->uuid);
}

struct et_gateway_device *
et_gateway_find_device(const struct et_gateway_source *gateway, const struct et_uuid *uuid)
{
	const struct et_gateway_device wanted = { .uuid = *uuid };

	return gateway->device_count == 0
		       ? NULL
		       : bsearch(&wanted, gateway->devices, gateway->device_count,
				 sizeof(*gateway->devices), compare_devices);
}

void
et_gateway_set_devices(struct et_gateway_source *gateway, const struct et_uuid *devices,
		       size_t count)
{
	gateway->devices = et_realloc_array(gateway->devices, count + 1, sizeof(*gateway->devices));
	for (size_t i = 0; i < count; i++)
		gateway->devices[i] = (struct et_gateway_device){ .uuid = devices[i] };
	qsort(gateway->devices, count, sizeof(*gateway->devices), compare_devices);
	gateway->device_count = count;
	gateway->scanned = false;
}

/* ---- questions ---- */

/* ET_CANCELED when a signal came meanwhile. */
static int
pause_before(unsigned number, struct et_error *err)
{
	const struct timespec pause = { .tv_nsec = (long)number * PAUSE_MS * 1000000 };

	(void)nanosleep(&pause, NULL);
	return et_cancel_check(err);
}

/* The whole answer about one device, sorted. */
int
et_gateway_ask_id(struct et_gateway_source *gateway, const char *device_id, bool keep,
		  struct et_error *err)
{
	struct et_gateway_answer *answer = &gateway->answer;
	int r = ET_UNAVAILABLE;

	for (unsigned number = 0; r == ET_UNAVAILABLE && number < TRIES; number++) {
		if (number > 0) {
			et_log(ET_LOG_DEBUG, "asking again for device %s: %s", device_id,
			       err != NULL ? err->text : "");
			r = pause_before(number, err);
			if (r < 0)
				return r;
		}
		et_gateway_answer_begin(answer, device_id, keep);
		r = et_gateway_ask(gateway->client, device_id, et_gateway_answer_add, answer, err);
	}
	if (r < 0)
		return r;
	et_error_clear(err);
	et_gateway_answer_end(answer);
	return 0;
}

int
et_gateway_ask_device(struct et_gateway_source *gateway, struct et_gateway_device *device,
		      bool keep, struct et_error *err)
{
	char id[ET_UUID_TEXT_BYTES];
	int r;

	et_uuid_format(&device->uuid, id);
	r = et_gateway_ask_id(gateway, id, keep, err);
	if (r < 0)
		return et_error_wrap(err, r, "device %s", id);
	device->shown = gateway->answer.count > 0;
	return 0;
}

/* ---- the scan ---- */

/* One malformed event leaves the latest version of its aggregate unknown. */
static void
add_rows(struct et_gateway_source *gateway, size_t device)
{
	struct et_gateway_part part;
	size_t at = 0;

	while (et_gateway_part_next(&gateway->answer, &at, &part)) {
		if (gateway->row_count == gateway->row_capacity) {
			gateway->row_capacity = gateway->row_capacity * 2 + 1024;
			gateway->rows = et_realloc_array(gateway->rows, gateway->row_capacity,
							 sizeof(*gateway->rows));
		}
		gateway->rows[gateway->row_count++] = (struct et_gateway_row){
			.aggregate = part.first->aggregate,
			.latest_version = part.first[part.count - 1].version,
			.first_version = part.first->version,
			.device = device,
			.has_aggregate = part.first->has_aggregate,
			.malformed = part.malformed,
		};
	}
}

static int
compare_rows(const void *a, const void *b)
{
	const struct et_gateway_row *left = a;
	const struct et_gateway_row *right = b;

	if (left->has_aggregate != right->has_aggregate)
		return left->has_aggregate ? 1 : -1;
	return et_uuid_compare(&left->aggregate, &right->aggregate);
}

int
et_gateway_scan(struct et_gateway_source *gateway, struct et_error *err)
{
	int r = 0;

	gateway->row_count = 0;
	gateway->scanned = false;
	for (size_t i = 0; i < gateway->device_count; i++) {
		r = et_gateway_ask_device(gateway, &gateway->devices[i], false, err);
		if (r < 0)
			return r;
		add_rows(gateway, i);
	}
	if (gateway->row_count > 1)
		qsort(gateway->rows, gateway->row_count, sizeof(*gateway->rows), compare_rows);
	gateway->scanned = true;
	return 0;
}

const struct et_gateway_row *
et_gateway_find_row(const struct et_gateway_source *gateway, const struct et_uuid *aggregate)
{
	const struct et_gateway_row wanted = { .aggregate = *aggregate, .has_aggregate = true };

	return gateway->row_count == 0 ? NULL
				       : bsearch(&wanted, gateway->rows, gateway->row_count,
						 sizeof(*gateway->rows), compare_rows);
}

/* ---- heads ---- */

struct head_walk {
	const struct et_gateway_source *gateway;
	char *after; /* NULL: no bound */
	char *until;
	size_t at;
	bson_t *bson; /* it wants to lie at addresses that no allocator of ours gives */
};

static bool
is_between(const struct head_walk *walk, const struct et_gateway_row *row, const char *id)
{
	if (walk->after == NULL && walk->until == NULL)
		return true;
	/* What has no aggregate id comes only without bounds. */
	return row->has_aggregate && (walk->after == NULL || strcmp(id, walk->after) > 0) &&
	       (walk->until == NULL || strcmp(id, walk->until) <= 0);
}

static void
put_row(bson_t *bson, const struct et_gateway_row *row, const char *id)
{
	bson_reinit(bson);
	BSON_APPEND_UTF8(bson, "aggregateid", id);
	if (row->malformed)
		return;
	BSON_APPEND_INT64(bson, "latestversion", (int64_t)row->latest_version);
	BSON_APPEND_INT64(bson, "firstversion", (int64_t)row->first_version);
}

static int
head_next(void *feed, struct et_slice *ret_bson, struct et_error *err ET_UNUSED)
{
	struct head_walk *walk = feed;

	while (walk->at < walk->gateway->row_count) {
		const struct et_gateway_row *row = &walk->gateway->rows[walk->at++];
		char id[ET_UUID_TEXT_BYTES] = "";

		if (row->has_aggregate)
			et_uuid_format(&row->aggregate, id);
		if (!is_between(walk, row, id))
			continue;
		put_row(walk->bson, row, id);
		*ret_bson = (struct et_slice){ bson_get_data(walk->bson), walk->bson->len };
		return 1;
	}
	return 0;
}

static void
head_free(void *feed)
{
	struct head_walk *walk = feed;

	bson_destroy(walk->bson);
	free(walk->after);
	free(walk->until);
	free(walk);
}

struct et_heads *
et_gateway_heads(const struct et_gateway_source *gateway, const char *after, const char *until,
		 bool split)
{
	struct head_walk *walk = et_calloc(1, sizeof(*walk));

	walk->gateway = gateway;
	walk->after = after != NULL ? et_strdup(after) : NULL;
	walk->until = until != NULL ? et_strdup(until) : NULL;
	walk->bson = bson_new();
	return et_heads_new((struct et_lane){ .next = head_next, .free = head_free, .feed = walk },
			    (struct et_lane){ .next = NULL }, split, false);
}
