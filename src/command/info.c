/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>

#include "command/convert.h"
#include "command/state.h"
#include "command/status.h"
#include "command/verbs.h"

#define RUNS_SHOWN 5u
#define HOLES_SHOWN 20u
#define ARCHIVES_IN_JSON 10000u

struct facts {
	struct et_totals totals;
	struct et_noted_hole holes[HOLES_SHOWN];
	size_t hole_count;
	uint64_t holes_total;
	struct et_run runs[RUNS_SHOWN];
	size_t run_count;
	char identity[ET_IDENTITY_TEXT_BYTES];
	struct et_rescue_totals rescue;
};

static double
ratio(uint64_t bytes, uint64_t raw_bytes)
{
	return raw_bytes > 0 ? (double)bytes / (double)raw_bytes : 0;
}

static void
print_runs(const struct facts *facts)
{
	char when[ET_TIME_TEXT_BYTES];

	if (facts->run_count == 0)
		return;
	(void)printf("\nLast runs:\n");
	for (size_t i = 0; i < facts->run_count; i++) {
		const struct et_run *run = &facts->runs[i];

		(void)et_time_format(run->started_ns / ET_NS_PER_SECOND * ET_NS_PER_SECOND, when);
		(void)printf("  %s  %-8s  %-11s  %" PRIu64 " new messages", when, run->command,
			     run->verdict, run->messages);
		if (run->findings > 0)
			(void)printf(", %" PRIu64 " findings", run->findings);
		(void)putchar('\n');
	}
}

static const char *
time_text(int64_t time_ns, char room[ET_TIME_TEXT_BYTES])
{
	return time_ns == ET_TIME_NONE ? "-" : et_time_format(time_ns, room);
}

static void
print_rescue(const struct et_rescue_totals *rescue)
{
	char oldest[ET_TIME_TEXT_BYTES];

	if (rescue->copies == 0)
		return;
	(void)et_time_format(rescue->oldest_ns / ET_NS_PER_SECOND * ET_NS_PER_SECOND, oldest);
	(void)printf("Rescued   %" PRIu64 " document%s, %.1f MiB, the oldest at %s\n",
		     rescue->copies, rescue->copies == 1 ? "" : "s",
		     (double)rescue->bytes / 1048576.0, oldest);
}

static void
print_text(const struct et_state *state, const struct facts *facts)
{
	const struct et_totals *totals = &facts->totals;
	char from[ET_TIME_TEXT_BYTES];
	char to[ET_TIME_TEXT_BYTES];

	(void)printf("State     %s\n", state->dir);
	if (totals->archives == 0) {
		(void)printf("Nothing is archived yet: run `evtrail snapshot`.\n");
		print_rescue(&facts->rescue);
		print_runs(facts);
		return;
	}
	(void)printf("Stream    %s, identity %s%s\n", state->options->stream, facts->identity,
		     totals->identities > 1 ? " (there are older ones)" : "");
	(void)printf("Range     %" PRIu64 " to %" PRIu64 "\n", totals->first_seq, totals->last_seq);
	(void)printf("Times     %s to %s\n", time_text(totals->first_time_ns, from),
		     time_text(totals->last_time_ns, to));
	(void)printf("Archives  %" PRIu64 ", %" PRIu64 " messages, %.1f MiB of %.1f MiB (%.2f)\n",
		     totals->archives, totals->messages, (double)totals->bytes / 1048576.0,
		     (double)totals->raw_bytes / 1048576.0,
		     ratio(totals->bytes, totals->raw_bytes));
	if (totals->malformed + totals->foreign > 0)
		(void)printf("Messages  %" PRIu64 " malformed, %" PRIu64 " not plgd's\n",
			     totals->malformed, totals->foreign);
	if (facts->holes_total == 0)
		(void)printf("Holes     none\n");
	for (size_t i = 0; i < facts->hole_count; i++)
		(void)printf("Hole      %" PRIu64 " to %" PRIu64 ": %s\n",
			     facts->holes[i].first_seq, facts->holes[i].last_seq,
			     facts->holes[i].type);
	if (facts->holes_total > facts->hole_count)
		(void)printf("          and %" PRIu64 " more\n",
			     facts->holes_total - facts->hole_count);
	print_rescue(&facts->rescue);
	print_runs(facts);
}

static json_t *
time_value(int64_t time_ns)
{
	char text[ET_TIME_TEXT_BYTES];

	return time_ns == ET_TIME_NONE || time_ns == 0 ? json_null()
						       : json_string(et_time_format(time_ns, text));
}

static int
archives_value(struct et_state *state, json_t *list, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *entries = NULL;
	struct et_archive_entry entry;
	int r;

	r = et_entry_list_open(state->catalog, NULL, &entries, err);
	while (r == 0 && (r = et_entry_list_next(entries, &entry, err)) > 0) {
		r = 0;
		if (json_array_size(list) == ARCHIVES_IN_JSON)
			break;
		(void)json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "name", entry.name,
				  "identity", entry.identity, "first_seq",
				  (json_int_t)entry.first_seq, "last_seq",
				  (json_int_t)entry.last_seq, "messages",
				  (json_int_t)entry.messages, "raw_bytes",
				  (json_int_t)entry.raw_bytes, "bytes", (json_int_t)entry.bytes,
				  "first_time", time_value(entry.first_time_ns), "last_time",
				  time_value(entry.last_time_ns)));
	}
	return r;
}

static json_t *
runs_value(const struct facts *facts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < facts->run_count; i++) {
		const struct et_run *run = &facts->runs[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s,s:o,s:o,s:s,s:i,s:I,s:I}", "command", run->command,
				  "started", time_value(run->started_ns), "ended",
				  time_value(run->ended_ns), "verdict", run->verdict, "exit_status",
				  run->exit_status, "messages", (json_int_t)run->messages,
				  "findings", (json_int_t)run->findings));
	}
	return list;
}

static int
print_json(struct et_state *state, const struct facts *facts, struct et_error *err)
{
	const struct et_totals *totals = &facts->totals;
	json_t *archives = json_array();
	json_t *holes = json_array();
	int r;

	for (size_t i = 0; i < facts->hole_count; i++)
		(void)json_array_append_new(holes, json_pack("{s:I,s:I,s:s}", "first_seq",
							     (json_int_t)facts->holes[i].first_seq,
							     "last_seq",
							     (json_int_t)facts->holes[i].last_seq,
							     "type", facts->holes[i].type));
	r = archives_value(state, archives, err);
	if (r < 0) {
		json_decref(archives);
		json_decref(holes);
		return r;
	}
	et_print_json(json_pack(
		"{s:{s:s,s:s},s:s,s:s,s:i,s:s,s:{s:s,s:s},s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,"
		"s:o,s:o,s:{s:I,s:I,s:I,s:I,s:o}}",
		"tool", "name", "evtrail", "version", PACKAGE_VERSION, "command", "info", "verdict",
		"clean", "exit_status", 0, "state", state->dir, "stream", "name",
		state->options->stream, "identity", facts->identity, "first_seq",
		(json_int_t)totals->first_seq, "last_seq", (json_int_t)totals->last_seq, "messages",
		(json_int_t)totals->messages, "malformed", (json_int_t)totals->malformed, "foreign",
		(json_int_t)totals->foreign, "raw_bytes", (json_int_t)totals->raw_bytes, "bytes",
		(json_int_t)totals->bytes, "holes_total", (json_int_t)facts->holes_total,
		"first_time", time_value(totals->first_time_ns), "archives", archives, "holes",
		holes, "runs", runs_value(facts), "rescue", "documents",
		(json_int_t)facts->rescue.copies, "bytes", (json_int_t)facts->rescue.bytes, "files",
		(json_int_t)facts->rescue.files, "file_bytes", (json_int_t)facts->rescue.file_bytes,
		"oldest", time_value(facts->rescue.oldest_ns)));
	return 0;
}

int
et_verb_info(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	struct facts facts = { 0 };
	int r;

	r = et_state_open(options, ET_STATE_READ, &state, err);
	if (r == 0)
		r = et_catalog_totals(state->catalog, &facts.totals, err);
	if (r == 0)
		r = et_catalog_last_identity(state->catalog, facts.identity, err);
	if (r >= 0)
		r = et_catalog_holes(state->catalog, facts.holes, HOLES_SHOWN, &facts.hole_count,
				     &facts.holes_total, err);
	if (r == 0)
		r = et_catalog_runs(state->catalog, facts.runs, RUNS_SHOWN, &facts.run_count, err);
	if (r == 0)
		r = et_catalog_rescue_totals(state->catalog, &facts.rescue, err);
	if (r < 0)
		return r;
	if (options->json)
		r = print_json(state, &facts, err);
	else
		print_text(state, &facts);
	return r < 0 ? r : ET_STATUS_CLEAN;
}
