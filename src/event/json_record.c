// SPDX-License-Identifier: Apache-2.0
#include "event/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "event/json_internal.h"
#include "event/subject.h"
#include "proto/eventbus.pb-c.h"

#define ENVELOPE_DATA 5

static void
put_headers(struct et_buf *out, const struct et_record *record)
{
	struct et_header_walk walk = et_header_walk_of(record);
	struct et_header header;
	struct et_slice name = { 0 };
	bool first = true;
	int r;

	et_json_name(out, "headers");
	et_buf_put_u8(out, '{');
	while ((r = et_header_next(&walk, &header)) > 0) {
		bool same =
			!first && name.size == header.name.size && name.data == header.name.data;

		if (!first)
			et_buf_text(out, same ? "," : "],");
		if (!same) {
			et_json_text(out, header.name);
			et_buf_text(out, ":[");
		}
		et_json_text(out, header.value);
		name = header.name;
		first = false;
	}
	et_buf_text(out, first ? "}" : "]}");
	if (r < 0)
		et_buf_text(out, ",\"headers_error\":\"the headers are damaged\"");
}

static int
put_payload(struct et_buf *out, enum et_kind kind, struct et_slice data, const char *name,
	    struct et_error *err)
{
	struct et_buf plain;
	size_t size = out->size;
	int r;

	et_buf_init(&plain, ET_PAYLOAD_BYTES_MAX);
	r = et_unsnappy(data, &plain, err);
	if (r == 0) {
		et_json_name(out, name);
		r = et_json_event(kind, (struct et_slice){ plain.data, plain.size }, out, err);
	}
	if (r < 0)
		out->size = size;
	et_buf_done(&plain);
	return r;
}

static int
put_event(struct et_buf *out, struct et_slice body, struct et_error *err)
{
	struct et_envelope envelope;
	int r;

	r = et_envelope_read(body, &envelope, err);
	if (r < 0)
		return r;
	et_json_name(out, "envelope");
	r = et_json_message(out, &ocf__cloud__cqrs__eventbus__v2__event__descriptor, body,
			    ENVELOPE_DATA, err);
	if (r < 0)
		return r;
	return put_payload(out, et_kind_of(envelope.event_type), envelope.data, "event", err);
}

void
et_json_record(const struct et_record *record, struct et_buf *out)
{
	struct et_subject subject = et_subject_read(record->subject);
	char time[ET_TIME_TEXT_BYTES];
	struct et_error err = { 0 };
	int r = 0;

	et_buf_format(out, "{\"sequence\":%" PRIu64 ",\"time\":\"%s\",\"subject\":", record->seq,
		      et_time_format(record->time_ns, time));
	et_json_text(out, record->subject);
	if (record->headers.size > 0)
		put_headers(out, record);
	if (subject.branch == ET_SUBJECT_REGISTRATIONS)
		r = put_payload(out, subject.kind, record->body, "registration", &err);
	else if (subject.branch != ET_SUBJECT_FOREIGN)
		r = put_event(out, record->body, &err);
	if (r < 0 || subject.branch == ET_SUBJECT_FOREIGN) {
		et_json_name(out, "body");
		et_json_base64(out, record->body);
	}
	if (r < 0) {
		et_json_name(out, "error");
		et_json_text(out, (struct et_slice){ (const uint8_t *)err.text, strlen(err.text) });
	}
	et_buf_put_u8(out, '}');
}
