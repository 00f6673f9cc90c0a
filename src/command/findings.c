/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of an audit: to the file, to the report, to the catalog. */
#include "command/audit.h"

/* What makes a report the same as the last one. That something is known by now does not make it
 * another; that somebody acknowledged it does. */
static void
fingerprint(struct et_audit *audit, const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;
	const uint64_t numbers[] = { finding->reason, finding->recoverable, finding->version,
				     finding->seq, reported->standing == ET_STANDING_ACKNOWLEDGED };

	et_hasher_add(audit->fingerprint, &finding->aggregate, sizeof(finding->aggregate));
	et_hasher_add(audit->fingerprint, numbers, sizeof(numbers));
}

/* ---- the catalog's form ---- */

static void
put_text(struct et_buf *out, const char *text)
{
	size_t bytes = text != NULL ? strlen(text) : 0;

	et_buf_varint(out, bytes);
	et_buf_put(out, text != NULL ? text : "", bytes);
}

static void
encode(const struct et_report_finding *reported, struct et_buf *out)
{
	const struct et_finding *one = &reported->finding;
	const uint64_t numbers[] = { one->reason,
				     one->recoverable,
				     one->life,
				     one->older,
				     one->version,
				     one->last_version,
				     one->kind,
				     (uint64_t)one->time_ns,
				     (uint64_t)one->after_ns,
				     (uint64_t)one->before_ns,
				     one->after_seq,
				     one->before_seq,
				     one->seq,
				     one->lost_deleted };

	et_buf_reset(out);
	for (size_t i = 0; i < ET_COUNT(numbers); i++)
		et_buf_varint(out, numbers[i]);
	et_buf_put(out, one->device.bytes, sizeof(one->device.bytes));
	et_buf_put(out, one->aggregate.bytes, sizeof(one->aggregate.bytes));
	put_text(out, reported->device_id);
	put_text(out, reported->aggregate_id);
	put_text(out, reported->href);
	put_text(out, reported->code);
	put_text(out, reported->details);
}

static bool
take_text(struct et_cursor *cursor, struct et_arena *arena, const char **ret)
{
	struct et_slice text;
	uint64_t bytes;

	if (!et_cursor_varint(cursor, &bytes) || !et_cursor_bytes(cursor, bytes, &text))
		return false;
	*ret = et_arena_strndup(arena, (const char *)text.data, text.size);
	return *ret != NULL;
}

/* One that may be missing: NULL. */
static bool
take_optional(struct et_cursor *cursor, struct et_arena *arena, const char **ret)
{
	if (!take_text(cursor, arena, ret))
		return false;
	if ((*ret)[0] == '\0')
		*ret = NULL;
	return true;
}

static bool
decode(struct et_slice body, struct et_arena *arena, struct et_report_finding *ret)
{
	struct et_cursor cursor = et_cursor_of(body.data, body.size);
	struct et_finding *one = &ret->finding;
	uint64_t numbers[14];
	struct et_slice device;
	struct et_slice aggregate;

	for (size_t i = 0; i < ET_COUNT(numbers); i++)
		if (!et_cursor_varint(&cursor, &numbers[i]))
			return false;
	if (!et_cursor_bytes(&cursor, sizeof(one->device.bytes), &device) ||
	    !et_cursor_bytes(&cursor, sizeof(one->aggregate.bytes), &aggregate) ||
	    numbers[0] >= ET_REASON_COUNT || numbers[1] >= ET_RECOVERABLE_COUNT)
		return false;
	*one = (struct et_finding){
		.reason = (enum et_reason)numbers[0],
		.recoverable = (enum et_recoverable)numbers[1],
		.life = (unsigned)numbers[2],
		.older = numbers[3] != 0,
		.version = numbers[4],
		.last_version = numbers[5],
		.kind = (enum et_kind)numbers[6],
		.time_ns = (int64_t)numbers[7],
		.after_ns = (int64_t)numbers[8],
		.before_ns = (int64_t)numbers[9],
		.after_seq = numbers[10],
		.before_seq = numbers[11],
		.seq = numbers[12],
		.lost_deleted = numbers[13] != 0,
	};
	memcpy(one->device.bytes, device.data, sizeof(one->device.bytes));
	memcpy(one->aggregate.bytes, aggregate.data, sizeof(one->aggregate.bytes));
	if (!take_text(&cursor, arena, &ret->device_id) ||
	    !take_text(&cursor, arena, &ret->aggregate_id) ||
	    !take_optional(&cursor, arena, &ret->href))
		return false;
	/* Schema 2 knew nothing of these. */
	return et_cursor_left(&cursor) == 0 || (take_optional(&cursor, arena, &ret->code) &&
						take_optional(&cursor, arena, &ret->details));
}

int
et_finding_decode(struct et_slice body, struct et_arena *arena, struct et_report_finding *ret,
		  struct et_error *err)
{
	int r;

	if (decode(body, arena, ret))
		return 0;
	r = et_error_set(err, ET_CORRUPT, "a finding in the catalog cannot be read");
	et_error_hint(err, "run `evtrail reindex`, then the audit again");
	return r;
}

/* ---- one finding ---- */

static int
to_sequence(struct et_audit *audit, uint64_t *position, struct et_error *err)
{
	char identity[ET_IDENTITY_TEXT_BYTES];
	int r;

	if (*position == 0)
		return 0;
	r = et_catalog_position(audit->state->catalog, *position, identity, position, err);
	return r < 0 ? r : 0;
}

/* For the incidents: by the upper end of what is known of its time. */
static int
note_loss(struct et_audit *audit, const struct et_report_finding *reported, struct et_error *err)
{
	const struct et_finding *finding = &reported->finding;
	bool own = finding->time_ns != ET_TIME_NONE;
	struct et_noted_loss loss = {
		.after_ns = own ? finding->time_ns : finding->after_ns,
		.before_ns = own ? finding->time_ns : finding->before_ns,
		.device = finding->device,
		.kind = finding->kind,
		.after_position = finding->after_seq,
		.before_position = finding->before_seq,
	};

	/* What nothing follows was saved before the cut. */
	if (loss.before_ns == ET_TIME_NONE)
		loss.before_ns = audit->cut.time_ns;
	/* The clocks of two replicas can swap the neighbours. */
	if (loss.before_ns < loss.after_ns) {
		int64_t before_ns = loss.before_ns;

		loss.before_ns = loss.after_ns;
		loss.after_ns = before_ns;
	}
	if (finding->recoverable != ET_RECOVERABLE_NOT_SAID &&
	    finding->recoverable != ET_RECOVERABLE_SUPERSEDED)
		loss.flags |= ET_LOSS_RECOVERABLE;
	if (reported->standing == ET_STANDING_NEW)
		loss.flags |= ET_LOSS_NEW;
	return et_catalog_loss_add(audit->state->catalog, &loss, err);
}

static void
count_standing(struct et_audit *audit, const struct et_report_finding *reported, bool expired)
{
	enum et_reason reason = reported->finding.reason;
	bool passes =
		reported->standing == ET_STANDING_ACKNOWLEDGED ||
		(reported->standing == ET_STANDING_KNOWN && et_options_fail_on_new(audit->options));

	audit->listed[reason]++;
	audit->alarms += et_reason_info(reason)->is_finding && !passes;
	audit->expired += expired;
	audit->lost[reported->standing] += et_report_is_lost(reported);
	audit->unread += reported->standing != ET_STANDING_ACKNOWLEDGED &&
			 reported->first_seen_ns > audit->read_ns;
}

bool
et_audit_alarms(const struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;

	if (audit->alarms > 0)
		return true;
	for (unsigned i = 0; i < ET_REASON_COUNT; i++) {
		uint64_t count = tally->reasons[i] + tally->deleted[i];
		/* One finding can be many messages. Of what is lost each version is one, and
		 * what is too much to be listed nobody can have acknowledged. */
		bool each = i == ET_REASON_LOST || i == ET_REASON_LOST_IN_GAP;

		if (et_reason_info((enum et_reason)i)->is_finding && count > 0 &&
		    (each ? audit->listed[i] < count : audit->listed[i] == 0))
			return true;
	}
	return false;
}

/* To the report and to the file; positions become the sequences of their identities. noted: what
 * the catalog knows of it. */
static int
show(struct et_audit *audit, const struct et_report_finding *reported,
     const struct et_noted_finding *noted, struct et_error *err)
{
	struct et_report_finding shown = *reported;
	bool expired = false;
	int r = 0;

	et_roll_stand(noted, 0, audit->started_ns, &shown, &expired);
	shown.last_seen_ns = audit->started_ns;
	count_standing(audit, &shown, expired);
	fingerprint(audit, &shown);
	if (et_report_is_lost(&shown))
		r = note_loss(audit, &shown, err);
	if (r == 0 && audit->totals.identities > 1) {
		r = to_sequence(audit, &shown.finding.after_seq, err);
		if (r == 0)
			r = to_sequence(audit, &shown.finding.before_seq, err);
		if (r == 0)
			r = to_sequence(audit, &shown.finding.seq, err);
	}
	if (r < 0)
		return r;
	et_roll_add(&audit->shown, &shown);
	return audit->findings_file != NULL
		       ? et_report_finding_line(&shown, audit->findings_file, err)
		       : 0;
}

int
et_audit_found_in(struct et_audit *audit, enum et_finding_part part,
		  const struct et_report_finding *reported, struct et_error *err)
{
	const struct et_finding *finding = &reported->finding;
	struct et_noted_finding noted = {
		.aggregate = finding->aggregate,
		.life = finding->life,
		.version = part == ET_PART_MESSAGES ? finding->seq : finding->version,
		.code = et_report_code(reported),
		.part = part,
		.first_time_ns = audit->started_ns,
		.first_recoverable = finding->recoverable,
	};
	int r;

	encode(reported, &audit->encoded);
	noted.body = (struct et_slice){ audit->encoded.data, audit->encoded.size };
	r = et_buf_check(&audit->encoded, "a finding", err);
	if (r == 0)
		r = et_catalog_note_finding(audit->state->catalog, audit->run, &noted, &noted, err);
	return r == 0 ? show(audit, reported, &noted, err) : r;
}

int
et_audit_found(struct et_audit *audit, const struct et_finding *finding, const char *device_id,
	       const char *aggregate_id, struct et_slice href, struct et_error *err)
{
	ET_CLEAN_MEM char *text =
		href.size > 0 ? et_strndup((const char *)href.data, href.size) : NULL;
	const struct et_report_finding reported = { .finding = *finding,
						    .device_id = device_id,
						    .aggregate_id = aggregate_id,
						    .href = text };

	return et_audit_found_in(audit,
				 finding->reason == ET_REASON_MALFORMED_MESSAGE ? ET_PART_MESSAGES
										: ET_PART_VERDICT,
				 &reported, err);
}

int
et_audit_recall_finding(struct et_audit *audit, const struct et_noted_finding *noted,
			struct et_error *err)
{
	struct et_report_finding reported = { .device_id = NULL };
	struct et_arena texts;
	int r;

	et_arena_init(&texts, 0);
	r = et_finding_decode(noted->body, &texts, &reported, err);
	if (r == 0)
		r = show(audit, &reported, noted, err);
	et_arena_done(&texts);
	return r;
}

/* Malformed messages are rare: their rows are looked up only when an archive counts some. */
static int
list_malformed_of(struct et_audit *audit, const struct et_archive_entry *entry,
		  struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	ET_CLEAN(et_reader_rows) struct et_reader_rows *walk = NULL;
	struct et_row row;
	uint64_t shift = 0;
	int r;

	r = et_catalog_shift(audit->state->catalog, entry->identity, &shift, err);
	if (r >= 0)
		r = et_state_open_archive(audit->state, entry, &reader, err);
	if (r == 0)
		r = et_reader_rows_open(reader, NULL, NULL, &walk, err);
	while (r == 0 && (r = et_reader_rows_next(walk, &row, err)) > 0) {
		struct et_finding finding = {
			.reason = ET_REASON_MALFORMED_MESSAGE,
			.device = row.device,
			.aggregate = row.aggregate,
			.version = row.version,
			.last_version = row.version,
			.kind = row.kind,
			.time_ns = row.event_time_ns,
			.after_ns = ET_TIME_NONE,
			.before_ns = ET_TIME_NONE,
			.seq = row.seq + shift,
		};
		char device[ET_UUID_TEXT_BYTES];
		char aggregate[ET_UUID_TEXT_BYTES];

		r = 0;
		if (row.row_class != ET_ROW_MALFORMED)
			continue;
		et_uuid_format(&row.device, device);
		et_uuid_format(&row.aggregate, aggregate);
		r = et_audit_found(audit, &finding, device, aggregate, (struct et_slice){ NULL, 0 },
				   err);
	}
	return r < 0 ? r : 0;
}

int
et_audit_list_malformed(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	if (audit->totals.malformed == 0)
		return 0;
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0)
		r = entry.malformed > 0 ? list_malformed_of(audit, &entry, err) : 0;
	return r < 0 ? r : 0;
}
