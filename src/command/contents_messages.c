/* SPDX-License-Identifier: Apache-2.0 */
/* All archived messages in their order: do subject, envelope and event agree, and which came out
 * of order? */
#include <inttypes.h>

#include "audit/disorder.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "command/contents.h"
#include "command/progress.h"
#include "event/ident.h"
#include "event/subject.h"

struct look {
	struct et_audit *audit;
	struct et_disorder *disorder;
	struct et_buf plain; /* behind snappy */
	uint64_t shift;
	uint64_t done; /* messages */
	struct et_progress progress;
};

static struct et_slice
plain_of(const struct look *look)
{
	return (struct et_slice){ look->plain.data, look->plain.size };
}

static int
look_at_registration(struct look *look, const struct et_record *record, struct et_error *err)
{
	struct et_registration registration;
	struct et_broken_rules rules;
	/* It has no key: its place in the stream is one. */
	struct et_found_at at = { .position = record->seq + look->shift };

	if (et_unsnappy(record->body, &look->plain, NULL) < 0 ||
	    et_registration_read(plain_of(look), &registration, NULL) < 0)
		return 0; /* malformed: listed as such */
	et_datarules_registration(record->subject, &registration, &rules);
	for (size_t i = 0; i < rules.count; i++)
		rules.list[i].version = at.position;
	at.kind = registration.kind;
	at.time_ns = registration.timestamp_ns;
	return et_audit_found_broken(look->audit, &at, &rules, err);
}

static int
look_at_event(struct look *look, const struct et_record *record, struct et_error *err)
{
	struct et_envelope envelope;
	struct et_payload payload;
	struct et_broken_rules rules;
	struct et_found_at at = { .position = record->seq + look->shift };

	if (et_envelope_read(record->body, &envelope, NULL) < 0)
		return 0;
	at.kind = et_kind_of(envelope.event_type);
	if (et_unsnappy(envelope.data, &look->plain, NULL) < 0) {
		if (at.kind != ET_KIND_UNKNOWN)
			return 0;
		et_buf_reset(&look->plain); /* what is behind its envelope is nobody's business */
	}
	if (et_payload_read(at.kind, plain_of(look), &payload, NULL) < 0)
		return 0;
	at.device_id = envelope.group_id;
	at.aggregate_id = envelope.aggregate_id;
	at.device = et_ident_key(envelope.group_id, NULL);
	at.aggregate = et_ident_key(envelope.aggregate_id, NULL);
	at.time_ns = payload.timestamp_ns;
	et_disorder_add(look->disorder, &at.aggregate, envelope.version,
			at.time_ns != 0 ? at.time_ns : record->time_ns, record->time_ns);
	et_datarules_event(record->subject, &envelope, plain_of(look), &rules);
	return et_audit_found_broken(look->audit, &at, &rules, err);
}

static int
look_at(struct look *look, const struct et_record *record, struct et_error *err)
{
	struct et_subject subject = et_subject_read(record->subject);

	if (++look->done % 1024 == 0 && et_cancel_check(err) < 0)
		return ET_CANCELED;
	et_progress_at(&look->progress, look->done,
		       (double)look->done / (double)look->audit->totals.messages);
	switch (subject.branch) {
	case ET_SUBJECT_FOREIGN:
		return 0;
	case ET_SUBJECT_REGISTRATIONS:
		return look_at_registration(look, record, err);
	default:
		return look_at_event(look, record, err);
	}
}

static int
look_into(struct look *look, const struct et_archive_entry *entry, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_audit *audit = look->audit;
	struct et_record record;
	int r;

	r = et_catalog_shift(audit->state->catalog, entry->identity, &look->shift, err);
	if (r >= 0)
		r = et_state_open_archive(audit->state, entry, &reader, err);
	if (r < 0)
		return r;
	et_reader_seek(reader, entry->first_seq, entry->last_seq);
	while ((r = et_reader_next(reader, &record, NULL, err)) > 0) {
		r = look_at(look, &record, err);
		if (r < 0)
			return r;
	}
	return r;
}

static void
note_disorder(struct et_audit *audit, const struct et_disorder_counts *counts)
{
	char aggregate[ET_UUID_TEXT_BYTES];

	if (counts->late == 0)
		return;
	et_uuid_format(&counts->aggregate, aggregate);
	et_audit_note(audit,
		      "%" PRIu64 " events came behind a later version of their aggregate, at most "
		      "%.3f s (%s@%" PRIu64 ")",
		      counts->late, (double)counts->longest_ns / (double)ET_NS_PER_SECOND,
		      aggregate, counts->version);
}

int
et_audit_messages(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct look look = { .audit = audit, .disorder = et_disorder_new() };
	struct et_archive_entry entry;
	int r;

	et_buf_init(&look.plain, ET_PAYLOAD_BYTES_MAX);
	et_progress_begin(&look.progress, audit->options, "reading the archives", "messages");
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0)
		r = look_into(&look, &entry, err);
	et_progress_end(&look.progress);
	if (r == 0)
		note_disorder(audit, et_disorder_counts(look.disorder));
	et_buf_done(&look.plain);
	et_disorder_free(look.disorder);
	return r;
}
