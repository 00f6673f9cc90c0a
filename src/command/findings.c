/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of an audit: to the file, to the report, to the catalog. */
#include <errno.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/audit.h"
#include "command/place.h"

static void
show_finding(struct et_audit *audit, const struct et_report_finding *finding)
{
	struct et_report_finding *shown;

	if (audit->finding_count == ET_REPORT_FINDINGS_MAX)
		return;
	shown = &audit->findings[audit->finding_count++];
	*shown = *finding;
	shown->device_id =
		et_arena_strndup(&audit->texts, finding->device_id, strlen(finding->device_id));
	shown->aggregate_id = et_arena_strndup(&audit->texts, finding->aggregate_id,
					       strlen(finding->aggregate_id));
	if (finding->href != NULL)
		shown->href = et_arena_strndup(&audit->texts, finding->href, strlen(finding->href));
}

/* What makes a report the same as the last one. */
static void
fingerprint(struct et_audit *audit, const struct et_finding *finding)
{
	const uint64_t numbers[] = { finding->reason, finding->recoverable, finding->version,
				     finding->seq };

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
	return take_text(&cursor, arena, &ret->device_id) &&
	       take_text(&cursor, arena, &ret->aggregate_id) &&
	       take_text(&cursor, arena, &ret->href);
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

/* To the report and to the file; positions become the sequences of their identities. */
static int
show(struct et_audit *audit, const struct et_report_finding *reported, struct et_error *err)
{
	struct et_report_finding shown = *reported;
	int r = 0;

	audit->findings_total++;
	fingerprint(audit, &reported->finding);
	if (audit->totals.identities > 1) {
		r = to_sequence(audit, &shown.finding.after_seq, err);
		if (r == 0)
			r = to_sequence(audit, &shown.finding.before_seq, err);
		if (r == 0)
			r = to_sequence(audit, &shown.finding.seq, err);
	}
	if (r < 0)
		return r;
	show_finding(audit, &shown);
	return audit->findings_file != NULL
		       ? et_report_finding_line(&shown, audit->findings_file, err)
		       : 0;
}

int
et_audit_found(struct et_audit *audit, const struct et_finding *finding, const char *device_id,
	       const char *aggregate_id, struct et_slice href, struct et_error *err)
{
	ET_CLEAN_MEM char *text =
		href.size > 0 ? et_strndup((const char *)href.data, href.size) : NULL;
	struct et_report_finding reported = { .finding = *finding,
					      .device_id = device_id,
					      .aggregate_id = aggregate_id,
					      .href = text };
	struct et_noted_finding noted = {
		.aggregate = finding->aggregate,
		.life = finding->life,
		.version = finding->reason == ET_REASON_MALFORMED_MESSAGE ? finding->seq
									  : finding->version,
		.code = et_reason_info(finding->reason)->name,
		.first_time_ns = audit->started_ns,
		.first_recoverable = finding->recoverable,
	};
	int r;

	encode(&reported, &audit->encoded);
	noted.body = (struct et_slice){ audit->encoded.data, audit->encoded.size };
	r = et_buf_check(&audit->encoded, "a finding", err);
	if (r == 0)
		r = show(audit, &reported, err);
	return r == 0 ? et_catalog_note_finding(audit->state->catalog, audit->run, &noted, err) : r;
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
	if (r == 0) {
		if (reported.href[0] == '\0')
			reported.href = NULL;
		r = show(audit, &reported, err);
	}
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

/* ---- the file ---- */

/* A list in the place of the catalog or of an archive would be the end of it. */
static int
refuse_state(const struct et_audit *audit, const char *place, struct et_error *err)
{
	ET_CLEAN_MEM char *state = et_place_of(audit->state->dir);

	if (!et_place_lies_in(place, state))
		return 0;
	(void)et_error_set(err, ET_USAGE, "--findings %s lies in the state", place);
	et_error_hint(err, "give a file outside of %s", state);
	return ET_USAGE;
}

/* A pipe or a device is written to as it is; it cannot be replaced. */
static int
open_stream(struct et_audit *audit, const char *place, struct et_error *err)
{
	audit->findings_file = fopen(place, "we");
	return audit->findings_file != NULL ? 0 : et_error_errno(err, errno, "write '%s'", place);
}

int
et_audit_open_findings(struct et_audit *audit, struct et_atomicfile **ret, struct et_error *err)
{
	const char *path = audit->options->findings;
	ET_CLEAN_MEM char *place = NULL;
	ET_CLEAN_MEM char *for_dir = NULL;
	ET_CLEAN_MEM char *for_base = NULL;
	struct stat file;
	int fd;
	int r;

	if (path == NULL)
		return 0;
	place = et_place_of(path);
	r = refuse_state(audit, place, err);
	if (r < 0)
		return r;
	if (stat(place, &file) == 0 && !S_ISREG(file.st_mode))
		return open_stream(audit, place, err);
	for_dir = et_strdup(place);
	for_base = et_strdup(place);
	r = et_atomicfile_open(dirname(for_dir), basename(for_base), ret, err);
	if (r < 0)
		return et_error_wrap(err, r, "write '%s'", path);
	fd = dup(et_atomicfile_fd(*ret));
	audit->findings_file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (audit->findings_file == NULL)
		return et_error_errno(err, errno, "write '%s'", path);
	return 0;
}

int
et_audit_close_findings(struct et_audit *audit, struct et_atomicfile *file, struct et_error *err)
{
	FILE *stream = ET_STEAL(audit->findings_file);

	if (stream == NULL)
		return 0;
	if (fclose(stream) != 0)
		return et_error_errno(err, errno, "write '%s'", audit->options->findings);
	/* Where nothing was compared, the list of the last comparison stays. */
	return file != NULL && audit->compared ? et_atomicfile_commit(file, true, err) : 0;
}
