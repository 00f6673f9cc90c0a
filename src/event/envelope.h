/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of an event without decoding it whole: the envelope (protobuf
 * ocf.cloud.cqrs.eventbus.v2.Event; docs/plgd.md, Envelope) and, behind snappy,
 * the few common fields of the event itself. Slices borrow.
 */
#ifndef ET_EVENT_ENVELOPE_H
#define ET_EVENT_ENVELOPE_H

#include "base/buf.h"
#include "base/cursor.h"
#include "event/kind.h"

#define ET_PAYLOAD_BYTES_MAX (64u << 20) /* an event behind snappy; the hub accepts 4 MiB */

struct et_envelope {
	uint64_t version;
	struct et_slice event_type;
	struct et_slice group_id; /* the device id */
	struct et_slice aggregate_id;
	struct et_slice data; /* snappy of the event's protobuf */
	bool is_snapshot;
	int64_t timestamp_ns;
};

/* Fills ret as far as the bytes can be read; false when they are no protobuf. Nothing has to be
 * there. Like the hub's own decoder it takes the last of a field that comes twice, and passes over
 * one of an unexpected wire type. */
bool et_envelope_scan(struct et_slice body, struct et_envelope *ret);
/* ET_CORRUPT when type, group or aggregate are missing. */
ET_CHECKED int et_envelope_check(const struct et_envelope *envelope, struct et_error *err);
/* Both in one: ET_CORRUPT when it is no protobuf, or has no type, group or aggregate. */
ET_CHECKED int et_envelope_read(struct et_slice body, struct et_envelope *ret,
				struct et_error *err);

/* snappy block format into `out` (reset first). ET_CORRUPT; ET_LIMIT beyond the buffer's ceiling.
 * A length that its bytes cannot hold is refused before memory is taken for it. */
ET_CHECKED int et_unsnappy(struct et_slice data, struct et_buf *out, struct et_error *err);

/* The other way round, into `out` (reset first); beyond its ceiling the buffer says so. */
void et_snappy(struct et_slice plain, struct et_buf *out);

/* Common fields of an event, those that are there. */
struct et_payload {
	bool has_metadata;
	uint64_t version;     /* event_metadata.version */
	int64_t timestamp_ns; /* event_metadata.timestamp */
	uint64_t sequence;    /* event_metadata.sequence */
	struct et_slice connection_id;
	struct et_slice hub_id;
	struct et_slice user_id; /* audit_context */
	struct et_slice correlation_id;
	struct et_slice owner;
	struct et_slice device_id; /* resource_id, or the event's own */
	struct et_slice href;      /* resource_id */
};

/* From the decompressed protobuf of an event of this kind. One pass over the top level. For
 * ET_KIND_UNKNOWN nothing is known: ret is empty. A registration (the whole
 * identitystore.pb.Event) has no event_metadata of this form: time, owner, user and hub only. */
ET_CHECKED int et_payload_read(enum et_kind kind, struct et_slice protobuf, struct et_payload *ret,
			       struct et_error *err);

#define ET_REGISTRATION_DEVICES_MAX 262144u /* the hub's 4 MiB hold some 110,000 */

/* identitystore.pb.Event: devices that came to an owner, or left. */
struct et_registration {
	enum et_kind kind;     /* ET_KIND_UNKNOWN: neither of the two that we know */
	struct et_slice owner; /* the claim as written */
	int64_t timestamp_ns;
	struct et_slice user_id;
	struct et_slice hub_id;
	size_t device_count; /* 0: devicesunregistered of nobody in particular */
	struct et_cursor devices;
};

/* ET_CORRUPT; ET_LIMIT for too many devices. All of it is checked: the walk cannot fail. */
ET_CHECKED int et_registration_read(struct et_slice protobuf, struct et_registration *ret,
				    struct et_error *err);
/* The next device id, false at the end. */
bool et_registration_next(struct et_registration *registration, struct et_slice *ret_device);

#endif
