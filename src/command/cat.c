/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
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
	bool told;   /* why something is not shown */
	bool closed; /* who reads has seen enough: `cat ... | head` */
};

/* A pipe that was closed behind us is no failure, and nothing is left to be written. */
static int
write_failed(struct printer *printer, struct et_error *err)
{
	/* Opened anew, for the buffer still holds what nobody takes. */
	if (errno != EPIPE || freopen("/dev/null", "w", stdout) == NULL)
		return et_error_set(err, ET_IO, "write to standard output");
	printer->closed = true;
	return 0;
}

static void
tell_missing(struct printer *printer, uint64_t first, uint64_t last)
{
	if (first == last)
		et_log(ET_LOG_WARNING, "sequence %" PRIu64 " is not archived", first);
	else
		et_log(ET_LOG_WARNING, "sequences %" PRIu64 " to %" PRIu64 " are not archived",
		       first, last);
	printer->told = true;
	printer->status = et_status_worse(printer->status, ET_STATUS_INCOMPLETE);
}

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
		return write_failed(printer, err);
	printer->printed++;
	return 0;
}

/* The part of first … last that lies in one archive; damage is said and passed over. */
static int
print_archive(struct printer *printer, const struct et_archive_entry *entry, uint64_t first,
	      uint64_t last, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_record record;
	int r;

	r = et_state_open_archive(printer->state, entry, &reader, err);
	if (r < 0)
		return r;
	et_reader_seek(reader, first, last);
	while (!printer->closed && (r = et_reader_next(reader, &record, NULL, err)) != 0) {
		if (r == ET_CORRUPT) {
			et_log_failure(err);
			et_error_clear(err);
			printer->told = true;
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

/* The first archived sequence behind one that is not: 1, or 0 when there is none. */
static int
next_archived(struct printer *printer, uint64_t seq, uint64_t *ret, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(printer->state->catalog, printer->identity, &list, err);
	if (r < 0)
		return r;
	while ((r = et_entry_list_next(list, &entry, err)) > 0)
		if (entry.first_seq > seq) {
			*ret = entry.first_seq;
			break;
		}
	return r;
}

static int
print_range(struct printer *printer, uint64_t first, uint64_t last, struct et_error *err)
{
	struct et_archive_entry entry;
	uint64_t at = first;
	uint64_t next = 0;
	int r;

	while (at <= last && !printer->closed) {
		r = et_catalog_archive_at(printer->state->catalog, printer->identity, at, &entry,
					  err);
		if (r < 0)
			return r;
		if (r == 0) {
			r = next_archived(printer, at, &next, err);
			if (r < 0)
				return r;
			if (r == 0 || next > last) {
				tell_missing(printer, at, last);
				break;
			}
			tell_missing(printer, at, next - 1);
			at = next;
			continue;
		}
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
print_listed(struct printer *printer, const struct et_options *options, struct et_error *err)
{
	uint64_t seq = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && !printer->closed && i < options->argument_count; i++) {
		uint64_t before = printer->printed;

		printer->told = false;
		r = et_number_parse(options->arguments[i], &seq, err);
		if (r == 0)
			r = print_range(printer, seq, seq, err);
		if (r == 0 && printer->printed == before && !printer->told && !printer->closed)
			tell_missing(printer, seq, seq);
	}
	return r;
}

/* An end that was not asked for is where the archives end. */
static int
print_asked_range(struct printer *printer, const struct et_options *options, struct et_error *err)
{
	struct et_totals totals;
	uint64_t first;
	uint64_t last;
	int r;

	r = et_catalog_totals(printer->state->catalog, &totals, err);
	if (r < 0)
		return r;
	first = options->from_seq > 0 ? options->from_seq : totals.first_seq;
	last = options->to_seq > 0 ? options->to_seq : totals.last_seq;
	if (first <= last)
		return print_range(printer, first, last, err);
	et_log(ET_LOG_WARNING,
	       "nothing of that is archived: the archives hold sequences %" PRIu64 " to %" PRIu64,
	       totals.first_seq, totals.last_seq);
	printer->status = ET_STATUS_INCOMPLETE;
	return 0;
}

static int
check_asked(const struct et_options *options, struct et_error *err)
{
	bool range = options->from_seq > 0 || options->to_seq > 0;
	uint64_t seq;
	int r;

	if (options->argument_count == 0 && !range) {
		(void)et_error_set(err, ET_USAGE, "which sequences?");
		et_error_hint(err, "evtrail cat 4711, or evtrail cat --from-seq 1 --to-seq 100");
		return ET_USAGE;
	}
	if (options->argument_count > 0 && range) {
		(void)et_error_set(err, ET_USAGE, "'%s' and %s contradict", options->arguments[0],
				   options->from_seq > 0 ? "--from-seq" : "--to-seq");
		et_error_hint(err, "name the sequences, or give a range");
		return ET_USAGE;
	}
	r = et_options_check_range(options, err);
	for (size_t i = 0; r == 0 && i < options->argument_count; i++)
		r = et_number_parse(options->arguments[i], &seq, err);
	return r;
}

int
et_verb_cat(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	struct printer printer = { .raw = options->raw };
	int r;

	r = check_asked(options, err);
	if (r == 0)
		r = et_state_open(options, ET_STATE_READ, &state, err);
	if (r < 0)
		return r;
	printer.state = state;
	et_buf_init(&printer.line, LINE_BYTES_MAX);
	r = et_catalog_last_identity(state->catalog, printer.identity, err);
	if (r == 0)
		r = et_error_set(err, ET_GONE, "nothing is archived yet");
	else if (r > 0)
		r = options->argument_count > 0 ? print_listed(&printer, options, err)
						: print_asked_range(&printer, options, err);
	if (r == 0 && fflush(stdout) != 0)
		r = write_failed(&printer, err);
	et_buf_done(&printer.line);
	return r < 0 ? r : (int)printer.status;
}
