// SPDX-License-Identifier: Apache-2.0
#include "event/row.h"

#include <inttypes.h>
#include <stdlib.h>

#include "event/envelope.h"
#include "event/ident.h"
#include "event/subject.h"

#define FIRST_ROWS 256

struct et_row_maker {
	struct et_buf plain; /* what was behind snappy */
};

struct et_row_maker *
et_row_maker_new(void)
{
	struct et_row_maker *maker = et_alloc(sizeof(*maker));

	et_buf_init(&maker->plain, ET_PAYLOAD_BYTES_MAX);
	return maker;
}

void
et_row_maker_free(struct et_row_maker *maker)
{
	if (maker == NULL)
		return;
	et_buf_done(&maker->plain);
	free(maker);
}

void
et_rows_add(struct et_rows *list, const struct et_row *row)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity > 0 ? 2 * list->capacity : FIRST_ROWS;
		list->rows = et_realloc_array(list->rows, list->capacity, sizeof(*list->rows));
	}
	list->rows[list->count++] = *row;
}

void
et_rows_done(struct et_rows *list)
{
	free(list->rows);
	*list = (struct et_rows){ 0 };
}

int
et_row_compare(const void *a, const void *b)
{
	const struct et_row *left = a;
	const struct et_row *right = b;
	int order = et_uuid_compare(&left->device, &right->device);

	if (order == 0)
		order = et_uuid_compare(&left->aggregate, &right->aggregate);
	if (order != 0)
		return order;
	if (left->version != right->version)
		return left->version < right->version ? -1 : 1;
	if (left->seq != right->seq)
		return left->seq < right->seq ? -1 : 1;
	/* The same device twice in one registration: the order must not be left to qsort. */
	return (left->flags > right->flags) - (left->flags < right->flags);
}

void
et_rows_sort(struct et_rows *list)
{
	if (list->count > 1)
		qsort(list->rows, list->count, sizeof(*list->rows), et_row_compare);
}

static void
set_time(struct et_row *row, int64_t time_ns)
{
	if (time_ns == 0)
		return;
	row->event_time_ns = time_ns;
	row->flags &= (uint8_t)~ET_ROW_NO_TIME;
}

static void
set_device(struct et_row *row, struct et_slice device)
{
	bool named;

	row->device = et_ident_key(device, &named);
	row->flags &= (uint8_t)~ET_ROW_DEVICE_NAMED;
	if (named)
		row->flags |= ET_ROW_DEVICE_NAMED;
}

static int
registration_message(struct et_row_maker *maker, const struct et_subject *subject,
		     struct et_slice body, struct et_registration *ret, struct et_error *err)
{
	struct et_slice plain;
	int r;

	r = et_unsnappy(body, &maker->plain, err);
	if (r < 0)
		return r;
	plain = (struct et_slice){ .data = maker->plain.data, .size = maker->plain.size };
	r = et_registration_read(plain, ret, err);
	if (r < 0)
		return r;
	if (ret->kind != subject->kind)
		return et_error_set(err, ET_CORRUPT,
				    "a registration is another than its subject says");
	return 0;
}

static int
make_registration(struct et_row_maker *maker, const struct et_subject *subject,
		  struct et_slice body, struct et_row *row, struct et_rows *list,
		  struct et_error *err)
{
	struct et_registration registration;
	struct et_slice device;
	int r;

	row->kind = (uint8_t)subject->kind;
	r = registration_message(maker, subject, body, &registration, err);
	if (r < 0)
		return r;
	row->row_class = ET_ROW_REGISTRATION;
	set_time(row, registration.timestamp_ns);
	if (registration.device_count == 0)
		et_rows_add(list, row);
	while (et_registration_next(&registration, &device)) {
		set_device(row, device);
		et_rows_add(list, row);
		row->flags |= ET_ROW_FURTHER;
	}
	return 0;
}

static int
event_payload(struct et_row_maker *maker, const struct et_envelope *envelope, enum et_kind kind,
	      struct et_payload *ret, struct et_error *err)
{
	struct et_slice plain;
	int r;

	r = et_unsnappy(envelope->data, &maker->plain, err);
	if (r < 0)
		return r;
	plain = (struct et_slice){ .data = maker->plain.data, .size = maker->plain.size };
	r = et_payload_read(kind, plain, ret, err);
	if (r < 0)
		return r;
	if (ret->has_metadata && ret->version != envelope->version)
		return et_error_set(err, ET_CORRUPT,
				    "the envelope says version %" PRIu64 " and the event %" PRIu64,
				    envelope->version, ret->version);
	return 0;
}

/* As far as the envelope tells, also a broken one. */
static void
set_key(struct et_row *row, const struct et_envelope *envelope)
{
	bool named = false;

	row->version = envelope->version;
	if (envelope->event_type.size > 0)
		row->kind = (uint8_t)et_kind_of(envelope->event_type);
	if (envelope->group_id.size > 0)
		set_device(row, envelope->group_id);
	if (envelope->aggregate_id.size > 0)
		row->aggregate = et_ident_key(envelope->aggregate_id, &named);
	if (named)
		row->flags |= ET_ROW_AGGREGATE_NAMED;
}

/* Unknown types are judged by their envelope: what is behind it is nobody's business. Of a known
 * one everything has to be readable. */
static int
make_event(struct et_row_maker *maker, const struct et_subject *subject, struct et_slice body,
	   struct et_row *row, struct et_rows *list, struct et_error *err)
{
	struct et_envelope envelope;
	struct et_payload payload = { 0 };
	bool whole = et_envelope_scan(body, &envelope);
	int r;

	row->kind = (uint8_t)subject->kind;
	if (envelope.group_id.size == 0)
		set_device(row, subject->device);
	set_key(row, &envelope);
	if (!whole)
		return et_error_set(err, ET_CORRUPT, "the envelope is no protobuf message");
	r = et_envelope_check(&envelope, err);
	if (r < 0)
		return r;
	if (et_kind_info(row->kind)->family == ET_FAMILY_REGISTRATION)
		return et_error_set(err, ET_CORRUPT, "a registration on the subject of a device");
	if (row->kind != ET_KIND_UNKNOWN)
		r = event_payload(maker, &envelope, (enum et_kind)row->kind, &payload, err);
	if (r < 0)
		return r;
	row->row_class = ET_ROW_EVENT;
	set_time(row, payload.timestamp_ns);
	et_rows_add(list, row);
	return 0;
}

int
et_row_make(struct et_row_maker *maker, const struct et_record *record, struct et_rows *list,
	    struct et_error *err)
{
	struct et_subject subject = et_subject_read(record->subject);
	struct et_row row = {
		.event_time_ns = record->time_ns,
		.seq = record->seq,
		.row_class = ET_ROW_MALFORMED,
		.flags = ET_ROW_NO_TIME,
	};
	int r;

	if (subject.suffix.size > 0)
		row.flags |= ET_ROW_SUFFIX;
	if (subject.branch == ET_SUBJECT_FOREIGN) {
		row.row_class = ET_ROW_FOREIGN;
		et_rows_add(list, &row);
		return 0;
	}
	if (subject.branch == ET_SUBJECT_REGISTRATIONS)
		r = make_registration(maker, &subject, record->body, &row, list, err);
	else
		r = make_event(maker, &subject, record->body, &row, list, err);
	if (r == 0)
		return 0;
	et_rows_add(list, &row);
	et_error_wrap(err, ET_CORRUPT, "message %" PRIu64, record->seq);
	return ET_CORRUPT;
}
