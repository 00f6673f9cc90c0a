/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/state.h"
#include "command/status.h"
#include "command/verbs.h"
#include "event/json.h"

#define LINE_BYTES_MAX (1u << 30)

struct printer {
	struct et_state *state;
	char identity[ET_IDENTITY_TEXT_BYTES];
	bool raw;
	struct et_buf line;
	enum et_status status;
	uint64_t printed;
};

static int
print_record(struct printer *printer, const struct et_record *record, struct et_error *err)
{
	struct et_slice out = record->body;
	int r;

	if (!printer->raw) {
		et_buf_reset(&printer->line);
		et_json_record(record, &printer->line);
		et_buf_put_u8(&printer->line, '\n');
		r = et_buf_check(&printer->line, "a message as JSON", err);
		if (r < 0)
			return r;
		out = (struct et_slice){ printer->line.data, printer->line.size };
	}
	if (out.size > 0 && fwrite(out.data, 1, out.size, stdout) != out.size)
		return et_error_set(err, ET_IO, "write to standard output");
	printer->printed++;
	return 0;
}

/* The part of first … last that lies in one archive; damage is said and passed over. */
static int
print_archive(struct printer *printer, const struct et_archive_entry *entry, uint64_t first,
	      uint64_t last, struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(printer->state, entry);
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_record record;
	int r;

	r = et_reader_open(path, &reader, err);
	if (r < 0)
		return r;
	et_reader_seek(reader, first, last);
	while ((r = et_reader_next(reader, &record, NULL, err)) != 0) {
		if (r == ET_CORRUPT) {
			et_log_failure(err);
			et_error_clear(err);
			printer->status = et_status_worse(printer->status, ET_STATUS_DAMAGED);
			continue;
		}
		if (r > 0)
			r = print_record(printer, &record, err);
		if (r == 0)
			r = et_cancel_check(err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
print_range(struct printer *printer, uint64_t first, uint64_t last, struct et_error *err)
{
	struct et_archive_entry entry;
	uint64_t at = first;
	int r;

	while (at <= last) {
		r = et_catalog_archive_at(printer->state->catalog, printer->identity, at, &entry,
					  err);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		r = print_archive(printer, &entry, at,
				  last < entry.last_seq ? last : entry.last_seq, err);
		if (r < 0)
			return r;
		if (entry.last_seq == UINT64_MAX)
			break;
		at = entry.last_seq + 1;
	}
	return 0;
}

static int
print_asked(struct printer *printer, const struct et_options *options, struct et_error *err)
{
	struct et_totals totals;
	uint64_t seq = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->argument_count; i++) {
		uint64_t before = printer->printed;

		r = et_number_parse(options->arguments[i], &seq, err);
		if (r == 0)
			r = print_range(printer, seq, seq, err);
		if (r == 0 && printer->printed == before) {
			et_log(ET_LOG_WARNING, "sequence %" PRIu64 " is not archived", seq);
			printer->status = et_status_worse(printer->status, ET_STATUS_INCOMPLETE);
		}
	}
	if (r < 0 || options->argument_count > 0)
		return r;
	r = et_catalog_totals(printer->state->catalog, &totals, err);
	if (r < 0)
		return r;
	return print_range(
		printer,
		options->from_seq > totals.first_seq ? options->from_seq : totals.first_seq,
		options->to_seq > 0 && options->to_seq < totals.last_seq ? options->to_seq
									 : totals.last_seq,
		err);
}

int
et_verb_cat(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	struct printer printer = { .raw = options->raw };
	int r;

	if (options->argument_count == 0 && options->from_seq == 0 && options->to_seq == 0) {
		(void)et_error_set(err, ET_USAGE, "which sequences?");
		et_error_hint(err, "evtrail cat 4711, or evtrail cat --from-seq 1 --to-seq 100");
		return ET_USAGE;
	}
	for (size_t i = 0; i < options->argument_count; i++) {
		uint64_t seq;

		r = et_number_parse(options->arguments[i], &seq, err);
		if (r < 0)
			return r;
	}
	r = et_state_open(options, ET_STATE_READ, &state, err);
	if (r < 0)
		return r;
	printer.state = state;
	et_buf_init(&printer.line, LINE_BYTES_MAX);
	r = et_catalog_last_identity(state->catalog, printer.identity, err);
	if (r == 0)
		r = et_error_set(err, ET_GONE, "nothing is archived yet");
	else if (r > 0)
		r = print_asked(&printer, options, err);
	et_buf_done(&printer.line);
	return r < 0 ? r : (int)printer.status;
}
