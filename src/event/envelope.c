// SPDX-License-Identifier: Apache-2.0
#include "event/envelope.h"

#include <snappy-c.h>

/* The densest element of snappy's block format makes 64 bytes of 3. */
#define SNAPPY_RATIO_MAX 22

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static void
envelope_number(struct et_envelope *envelope, const struct et_field *field)
{
	if (field->number == 1)
		envelope->version = field->value;
	else if (field->number == 6)
		envelope->is_snapshot = field->value != 0;
	else if (field->number == 7)
		envelope->timestamp_ns = (int64_t)field->value;
}

static void
envelope_bytes(struct et_envelope *envelope, const struct et_field *field)
{
	if (field->number == 2)
		envelope->event_type = field->bytes;
	else if (field->number == 3)
		envelope->group_id = field->bytes;
	else if (field->number == 4)
		envelope->aggregate_id = field->bytes;
	else if (field->number == 5)
		envelope->data = field->bytes;
}

bool
et_envelope_scan(struct et_slice body, struct et_envelope *ret)
{
	struct et_cursor cursor = et_cursor_of(body.data, body.size);
	struct et_field field;

	*ret = (struct et_envelope){ 0 };
	while (et_cursor_field(&cursor, &field)) {
		if (field.wire == WIRE_VARINT)
			envelope_number(ret, &field);
		else if (field.wire == WIRE_BYTES)
			envelope_bytes(ret, &field);
	}
	return !cursor.bad;
}

int
et_envelope_check(const struct et_envelope *envelope, struct et_error *err)
{
	if (envelope->event_type.size == 0)
		return et_error_set(err, ET_CORRUPT, "the envelope has no event type");
	if (envelope->group_id.size == 0)
		return et_error_set(err, ET_CORRUPT, "the envelope has no group");
	if (envelope->aggregate_id.size == 0)
		return et_error_set(err, ET_CORRUPT, "the envelope has no aggregate");
	return 0;
}

int
et_envelope_read(struct et_slice body, struct et_envelope *ret, struct et_error *err)
{
	struct et_envelope envelope;
	int r;

	if (!et_envelope_scan(body, &envelope))
		return et_error_set(err, ET_CORRUPT, "the envelope is no protobuf message");
	r = et_envelope_check(&envelope, err);
	if (r < 0)
		return r;
	*ret = envelope;
	return 0;
}

int
et_unsnappy(struct et_slice data, struct et_buf *out, struct et_error *err)
{
	const char *bytes = (const char *)data.data;
	size_t count;
	uint8_t *to;

	et_buf_reset(out);
	if (data.size == 0 || snappy_uncompressed_length(bytes, data.size, &count) != SNAPPY_OK)
		return et_error_set(err, ET_CORRUPT, "the data is not compressed with snappy");
	if (count / SNAPPY_RATIO_MAX > data.size)
		return et_error_set(err, ET_CORRUPT,
				    "%zu bytes of snappy data cannot hold the %zu they announce",
				    data.size, count);
	to = et_buf_reserve(out, count);
	if (to == NULL)
		return et_buf_check(out, "the event behind snappy", err);
	if (snappy_uncompress(bytes, data.size, (char *)to, &count) != SNAPPY_OK)
		return et_error_set(err, ET_CORRUPT, "the snappy data is damaged");
	et_buf_commit(out, count);
	return 0;
}

void
et_snappy(struct et_slice plain, struct et_buf *out)
{
	size_t count = snappy_max_compressed_length(plain.size);
	uint8_t *to;

	et_buf_reset(out);
	to = et_buf_reserve(out, count);
	/* It fails only where there is too little room. */
	if (to != NULL &&
	    snappy_compress((const char *)plain.data, plain.size, (char *)to, &count) == SNAPPY_OK)
		et_buf_commit(out, count);
}

/* Messages whose fields 1 ... count are texts: AuditContext, ResourceId. */
static bool
read_texts(struct et_slice bytes, struct et_slice *const targets[], size_t count)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;

	while (et_cursor_field(&cursor, &field))
		if (field.wire == WIRE_BYTES && field.number <= count)
			*targets[field.number - 1] = field.bytes;
	return !cursor.bad;
}

static bool
read_metadata(struct et_slice bytes, struct et_payload *payload)
{
	struct et_cursor cursor = et_cursor_of(bytes.data, bytes.size);
	struct et_field field;

	payload->has_metadata = true;
	while (et_cursor_field(&cursor, &field)) {
		if (field.wire == WIRE_VARINT) {
			if (field.number == 1)
				payload->version = field.value;
			else if (field.number == 2)
				payload->timestamp_ns = (int64_t)field.value;
			else if (field.number == 4)
				payload->sequence = field.value;
		} else if (field.wire == WIRE_BYTES) {
			if (field.number == 3)
				payload->connection_id = field.bytes;
			else if (field.number == 5)
				payload->hub_id = field.bytes;
		}
	}
	return !cursor.bad;
}

static bool
read_common(const struct et_kind_info *info, const struct et_field *field,
	    struct et_payload *payload)
{
	struct et_slice *const audit[] = { &payload->user_id, &payload->correlation_id,
					   &payload->owner };
	struct et_slice *const resource[] = { &payload->device_id, &payload->href };

	if (field->number == info->metadata_field)
		return read_metadata(field->bytes, payload);
	if (field->number == info->audit_field)
		return read_texts(field->bytes, audit, ET_COUNT(audit));
	if (field->number == info->resource_field)
		return read_texts(field->bytes, resource, ET_COUNT(resource));
	if (field->number == 1 && info->family != ET_FAMILY_SERVICE)
		payload->device_id = field->bytes;
	return true;
}

static int
read_registration(struct et_slice protobuf, struct et_payload *ret, struct et_error *err)
{
	struct et_registration registration;
	int r;

	r = et_registration_read(protobuf, &registration, err);
	if (r < 0)
		return r;
	*ret = (struct et_payload){
		.timestamp_ns = registration.timestamp_ns,
		.hub_id = registration.hub_id,
		.user_id = registration.user_id,
		.owner = registration.owner,
	};
	return 0;
}

int
et_payload_read(enum et_kind kind, struct et_slice protobuf, struct et_payload *ret,
		struct et_error *err)
{
	const struct et_kind_info *info = et_kind_info(kind);
	struct et_cursor cursor = et_cursor_of(protobuf.data, protobuf.size);
	struct et_payload payload = { 0 };
	struct et_field field;

	if (info->family == ET_FAMILY_REGISTRATION)
		return read_registration(protobuf, ret, err);
	while (info->family != ET_FAMILY_UNKNOWN && et_cursor_field(&cursor, &field)) {
		if (field.wire == WIRE_BYTES && !read_common(info, &field, &payload))
			return et_error_set(err, ET_CORRUPT, "field %u of a %s is damaged",
					    field.number, info->name);
	}
	if (cursor.bad)
		return et_error_set(err, ET_CORRUPT, "a %s is no protobuf message", info->name);
	*ret = payload;
	return 0;
}

/* DevicesRegistered and DevicesUnregistered have the same fields. */
static bool
registration_field(struct et_registration *registration, const struct et_field *field)
{
	struct et_slice *const user[] = { &registration->user_id };
	struct et_slice *const hub[] = { &registration->hub_id };

	if (field->number == 3 && field->wire == WIRE_VARINT)
		registration->timestamp_ns = (int64_t)field->value;
	if (field->wire != WIRE_BYTES)
		return true;
	switch (field->number) {
	case 1:
		registration->owner = field->bytes;
		return true;
	case 2:
		registration->device_count += field->bytes.size > 0;
		return true;
	case 4:
		return read_texts(field->bytes, user, ET_COUNT(user));
	case 5:
		return read_texts(field->bytes, hub, ET_COUNT(hub));
	default:
		return true;
	}
}

/* Of a oneof the last one counts. */
static bool
last_registration(struct et_slice protobuf, struct et_registration *registration,
		  struct et_slice *ret)
{
	struct et_cursor cursor = et_cursor_of(protobuf.data, protobuf.size);
	struct et_field field;

	while (et_cursor_field(&cursor, &field)) {
		if (field.wire != WIRE_BYTES || field.number > 2)
			continue;
		registration->kind = field.number == 1 ? ET_KIND_DEVICES_REGISTERED
						       : ET_KIND_DEVICES_UNREGISTERED;
		*ret = field.bytes;
	}
	return !cursor.bad;
}

int
et_registration_read(struct et_slice protobuf, struct et_registration *ret, struct et_error *err)
{
	struct et_registration registration = { 0 };
	struct et_slice message = { 0 };
	struct et_cursor cursor;
	struct et_field field;

	if (!last_registration(protobuf, &registration, &message))
		return et_error_set(err, ET_CORRUPT, "the registration is no protobuf message");
	cursor = et_cursor_of(message.data, message.size);
	registration.devices = cursor;
	while (et_cursor_field(&cursor, &field))
		if (!registration_field(&registration, &field))
			return et_error_set(err, ET_CORRUPT,
					    "field %u of a registration is damaged", field.number);
	if (cursor.bad)
		return et_error_set(err, ET_CORRUPT, "the registration is no protobuf message");
	if (registration.device_count > ET_REGISTRATION_DEVICES_MAX)
		return et_error_set(err, ET_LIMIT, "a registration names more than %u devices",
				    ET_REGISTRATION_DEVICES_MAX);
	*ret = registration;
	return 0;
}

bool
et_registration_next(struct et_registration *registration, struct et_slice *ret_device)
{
	struct et_field field;

	while (et_cursor_field(&registration->devices, &field)) {
		if (field.number == 2 && field.wire == WIRE_BYTES && field.bytes.size > 0) {
			*ret_device = field.bytes;
			return true;
		}
	}
	return false;
}
