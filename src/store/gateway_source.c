// SPDX-License-Identifier: Apache-2.0
/* A source that asks the hub's gateway, device by device (store/source.h). */
#include <stdio.h>
#include <string.h>

#include "store/gateway_scan.h"

#define NOBODY "00000000-0000-0000-0000-000000000000"

static struct et_gateway_source *
gateway_of(struct et_source *source)
{
	return (struct et_gateway_source *)source;
}

static int
scan_once(struct et_gateway_source *gateway, struct et_error *err)
{
	return gateway->scanned ? 0 : et_gateway_scan(gateway, err);
}

/* ---- documents ---- */

/* An aggregate that is wanted, of a device. */
struct wanted {
	size_t device;
	struct et_uuid aggregate;
};

struct document_walk {
	struct et_documents documents;
	struct et_gateway_source *gateway;
	struct wanted *list; /* sorted; NULL: everything of all devices */
	size_t count;
	size_t at;       /* in the list, or the next device */
	size_t from;     /* in the list: of the device in hand */
	bool has_answer; /* of a device in hand */
	size_t part_at;
	bson_t *bson; /* of the document in hand; NULL: none */
};

static int
compare_wanted(const void *a, const void *b)
{
	const struct wanted *left = a;
	const struct wanted *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	return et_uuid_compare(&left->aggregate, &right->aggregate);
}

/* Asks for the next device: 1, or 0 behind the last one. */
static int
next_device(struct document_walk *walk, struct et_error *err)
{
	struct et_gateway_source *gateway = walk->gateway;
	size_t device = walk->at;
	int r;

	if (walk->at == (walk->list != NULL ? walk->count : gateway->device_count))
		return 0;
	if (walk->list != NULL) {
		device = walk->list[walk->at].device;
		walk->from = walk->at;
		while (walk->at < walk->count && walk->list[walk->at].device == device)
			walk->at++;
	} else {
		walk->at++;
	}
	r = et_gateway_ask_device(gateway, &gateway->devices[device], true, err);
	if (r < 0)
		return r;
	walk->part_at = 0;
	walk->has_answer = true;
	return 1;
}

static bool
is_wanted(const struct document_walk *walk, const struct et_gateway_part *part)
{
	struct wanted one;

	if (walk->list == NULL)
		return true;
	one.device = walk->list[walk->from].device;
	one.aggregate = part->first->aggregate;
	return part->first->has_aggregate &&
	       bsearch(&one, walk->list + walk->from, walk->at - walk->from, sizeof(one),
		       compare_wanted) != NULL;
}

static int
document_next(struct et_documents *documents, struct et_slice *ret_bson, struct et_error *err)
{
	struct document_walk *walk = (struct document_walk *)documents;
	struct et_gateway_part part;
	int r = 1;

	bson_destroy(walk->bson);
	walk->bson = NULL;
	while (r > 0) {
		if (!walk->has_answer) {
			r = next_device(walk, err);
			continue;
		}
		walk->has_answer =
			et_gateway_part_next(&walk->gateway->answer, &walk->part_at, &part);
		if (!walk->has_answer || !is_wanted(walk, &part))
			continue;
		walk->bson = et_gateway_part_bson(&walk->gateway->answer, &part);
		*ret_bson = (struct et_slice){ bson_get_data(walk->bson), walk->bson->len };
		return 1;
	}
	return r;
}

static void
document_free(struct et_documents *documents)
{
	struct document_walk *walk = (struct document_walk *)documents;

	bson_destroy(walk->bson);
	free(walk->list);
	free(walk);
}

/* Of whichever devices the scan saw the aggregates; what it did not see is not there. */
static void
list_wanted(struct document_walk *walk, const char *const *ids, size_t count)
{
	const struct et_gateway_source *gateway = walk->gateway;

	walk->list = et_calloc(count, sizeof(*walk->list));
	for (size_t i = 0; i < count; i++) {
		const struct et_gateway_row *row;
		struct et_uuid aggregate;

		if (!et_uuid_parse_canonical(ids[i], strlen(ids[i]), &aggregate))
			continue;
		row = et_gateway_find_row(gateway, &aggregate);
		if (row != NULL)
			walk->list[walk->count++] = (struct wanted){ row->device, aggregate };
	}
	qsort(walk->list, walk->count, sizeof(*walk->list), compare_wanted);
}

static int
gateway_documents(struct et_source *source, const char *const *ids, size_t count,
		  struct et_documents **ret, struct et_error *err)
{
	struct et_gateway_source *gateway = gateway_of(source);
	struct document_walk *walk;
	int r = count > 0 ? scan_once(gateway, err) : 0;

	if (r < 0)
		return r;
	walk = et_calloc(1, sizeof(*walk));
	walk->documents.next = document_next;
	walk->documents.free = document_free;
	walk->gateway = gateway;
	if (count > 0)
		list_wanted(walk, ids, count);
	*ret = &walk->documents;
	return 0;
}

/* ---- the rest ---- */

static int
gateway_heads(struct et_source *source, const char *after, const char *until, bool split,
	      struct et_heads **ret, struct et_error *err)
{
	int r = et_gateway_scan(gateway_of(source), err);

	if (r == 0)
		*ret = et_gateway_heads(gateway_of(source), after, until, split);
	return r;
}

static void
gateway_tell_devices(struct et_source *source, const struct et_uuid *devices, size_t count)
{
	et_gateway_set_devices(gateway_of(source), devices, count);
}

static bool
gateway_shows(const struct et_source *source, const struct et_uuid *uuid)
{
	const struct et_gateway_device *device =
		et_gateway_find_device((const struct et_gateway_source *)source, uuid);

	return device != NULL && device->shown;
}

static int
gateway_devices(struct et_source *source, const char *const *ids, size_t count, bool *ret_found,
		struct et_error *err)
{
	int r = scan_once(gateway_of(source), err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct et_uuid uuid;

		ret_found[i] = et_uuid_parse_canonical(ids[i], strlen(ids[i]), &uuid) &&
			       gateway_shows(source, &uuid);
	}
	return r;
}

static int
gateway_owners(struct et_source *source, const char *const *ids ET_UNUSED, size_t count ET_UNUSED,
	       bool *ret_found ET_UNUSED, struct et_error *err)
{
	return et_error_set(err, ET_GONE, "%s tells of no identity store",
			    et_gateway_address(gateway_of(source)->client));
}

/* A device that nobody has: the answer is empty, and proves address and token. */
static int
gateway_probe(struct et_source *source, struct et_source_facts *ret, struct et_error *err)
{
	int r = et_gateway_ask_id(gateway_of(source), NOBODY, false, err);

	if (r < 0)
		return r;
	ret->exists = true;
	ret->partial = true;
	(void)snprintf(ret->server, sizeof(ret->server), "gateway");
	return 0;
}

static const char *
gateway_address(const struct et_source *source)
{
	return et_gateway_address(((const struct et_gateway_source *)source)->client);
}

static void
gateway_free(struct et_source *source)
{
	struct et_gateway_source *gateway = gateway_of(source);

	et_gateway_free(gateway->client);
	et_gateway_answer_done(&gateway->answer);
	free(gateway->devices);
	free(gateway->rows);
	free(gateway);
}

static const struct et_source_ops gateway_ops = {
	.probe = gateway_probe,
	.heads = gateway_heads,
	.documents = gateway_documents,
	.devices = gateway_devices,
	.owners = gateway_owners,
	.tell_devices = gateway_tell_devices,
	.shows = gateway_shows,
	.address = gateway_address,
	.free = gateway_free,
};

int
et_source_open_gateway(const struct et_gateway_options *options, struct et_source **ret,
		       struct et_error *err)
{
	struct et_gateway *client = NULL;
	struct et_gateway_source *gateway;
	int r = et_gateway_open(options, &client, err);

	if (r < 0)
		return r;
	gateway = et_calloc(1, sizeof(*gateway));
	gateway->source.ops = &gateway_ops;
	gateway->client = client;
	et_gateway_answer_init(&gateway->answer);
	*ret = &gateway->source;
	return 0;
}
