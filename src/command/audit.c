/* SPDX-License-Identifier: Apache-2.0 */
#include "command/audit.h"

#include <inttypes.h>

#include "base/atomicfile.h"
#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/verbs.h"
#include "event/ident.h"

#define NOTES_BYTES_MAX 65536u

/* ---- the two snapshots ---- */

/* What the second snapshot brings for an aggregate that the scan found covered lies above what
 * the store showed. */
static int
touched(void *cookie, const struct et_uuid *aggregate, uint64_t added, uint64_t duplicates,
	struct et_error *err)
{
	struct et_audit *audit = cookie;
	bool suspect = false;
	bool shown = true;
	int r;

	/* A known suspect is judged anew: its device has a new message. */
	r = et_catalog_is_suspect(audit->state->catalog, aggregate, &suspect, err);
	if (r == 0 && !suspect)
		r = et_audit_shows(audit, aggregate, &shown, err);
	if (r == 0 && !suspect) {
		audit->tally.reasons[shown ? ET_REASON_AHEAD : ET_REASON_NOT_JUDGED] += added;
		audit->tally.reasons[ET_REASON_DUPLICATE] += duplicates;
	}
	return r;
}

static int
take_snapshot(struct et_audit *audit, bool second, struct et_error *err)
{
	char notes[ET_SNAPSHOT_NOTES][256];
	struct et_snapshot snapshot;
	unsigned count;
	int r;

	/* What --max-bytes or --max-time left out, the second snapshot is not to bring. */
	if (audit->conn == NULL || audit->partial)
		return 0;
	r = et_snapshot_run(audit->state, audit->conn, second ? touched : NULL, audit, &snapshot,
			    err);
	if (r < 0)
		return r;
	audit->cut.time_ns = snapshot.cut_time_ns;
	audit->stream_first = snapshot.stream_first;
	audit->stream_last = snapshot.stream_last;
	audit->new_messages += snapshot.archived.messages;
	audit->partial |= snapshot.archived.partial;
	et_audit_worsen(audit, et_snapshot_status(&snapshot));
	audit->unsure |= et_snapshot_status(&snapshot) != ET_STATUS_CLEAN;
	count = et_snapshot_notes(&snapshot, notes);
	for (unsigned i = 0; i < count; i++)
		et_audit_note(audit, "%s", notes[i]);
	return 0;
}

/* ---- before and after the comparison ---- */

static int
open_state(struct et_audit *audit, struct et_atomicfile **ret_findings, struct et_error *err)
{
	int r;

	r = et_state_open(audit->options, ET_STATE_WRITE, &audit->state, err);
	if (r == 0)
		r = et_findings_file_open(audit->options->findings, audit->state->dir, ret_findings,
					  &audit->findings_file, err);
	if (r == 0)
		r = et_audit_recall_report(audit, err);
	if (r < 0)
		return r;
	return et_catalog_run_begin(audit->state->catalog, "audit", audit->started_ns, &audit->run,
				    err);
}

static int
open_sources(struct et_audit *audit, struct et_error *err)
{
	const struct et_options *options = audit->options;
	int r = 0;

	if (!options->no_snapshot)
		r = et_connect_stream(options, &audit->conn, err);
	if (r == 0)
		r = take_snapshot(audit, false, err);
	if (r == 0)
		r = et_audit_rebuild(audit->state, err);
	if (r == 0)
		r = et_connect_store(options, &audit->source, err);
	return r == 0 ? et_audit_tell_devices(audit, err) : r;
}

int
et_audit_look_before(struct et_audit *audit, struct et_error *err)
{
	struct et_source_facts facts;
	int r;

	r = et_source_probe(audit->source, &facts, err);
	if (r == 0)
		r = et_catalog_totals(audit->state->catalog, &audit->totals, err);
	if (r < 0)
		return r;
	audit->unsure |= facts.secondary;
	if (facts.secondary) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"the URI asks for secondaries, which may lag: a verdict needs the primary");
	}
	if (!facts.exists || (facts.documents == 0 && !facts.partial)) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "nothing was compared: %s %s; check %s",
			      et_source_address(audit->source),
			      facts.exists ? "is empty" : "does not exist",
			      et_store_dump(audit->options) != NULL ? "--store" : "--mongo-db");
		return 0;
	}
	if (audit->totals.messages == 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"nothing was compared: no message of stream %s is archived; check --stream",
			audit->options->stream);
		return 0;
	}
	/* Only a store that holds something is worth noting as this state's own; a dump is a copy
	 * of it, whatever its name, and a gateway does not tell which one it shows. */
	if (et_store_dump(audit->options) == NULL && !facts.partial)
		r = et_state_claim(audit->state, "store", audit->options->mongo_db, err);
	return r < 0 ? r : 1;
}

/* Which suspects have a verdict that still holds. */
static int
find_known(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	int r;

	r = et_audit_check_ground(audit, err);
	if (r == 0)
		r = et_catalog_suspects_known(catalog, err);
	if (r == 0)
		r = et_catalog_suspect_count(catalog, &audit->suspects, &audit->known, err);
	return r;
}

/* What was published while the store was read is no loss. */
static int
look_again(struct et_audit *audit, struct et_error *err)
{
	int r;

	r = find_known(audit, err);
	if (r == 0 && audit->suspects > audit->known) {
		r = take_snapshot(audit, true, err);
		if (r == 0)
			r = et_audit_rebuild(audit->state, err);
	}
	if (r == 0)
		r = et_audit_set_cut(audit, err);
	return r == 0 ? find_known(audit, err) : r;
}

/* Copies of what is covered by now; those of suspects were looked at with their verdict. */
static int
prune_copies(struct et_audit *audit, struct et_error *err)
{
	struct et_uuid aggregate = { { 0 } };
	bool suspect;
	bool shown;
	int r;

	while ((r = et_rescue_next(audit->rescue, &aggregate, &aggregate, err)) > 0) {
		r = et_catalog_is_suspect(audit->state->catalog, &aggregate, &suspect, err);
		if (r == 0 && !suspect)
			r = et_audit_shows(audit, &aggregate, &shown, err);
		if (r == 0 && !suspect && shown)
			r = et_rescue_prune(audit->rescue, &aggregate, NULL, NULL, err);
		if (r < 0)
			return r;
	}
	return r;
}

static void
note_rescue(struct et_audit *audit)
{
	const struct et_rescue_counts *counts = et_rescue_counts(audit->rescue);

	if (counts->turned_away > 0)
		et_audit_note(audit,
			      "%" PRIu64 " documents of suspects were not saved: --rescue-bytes "
			      "is reached, and the hub may overwrite what they hold",
			      counts->turned_away);
}

/* What another hub's store does not have says nothing of ours. */
static void
look_for_common_ground(struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;

	if (et_tally_covered(tally) > 0 || tally->expected == 0 || audit->totals.events == 0)
		return;
	audit->unsure = true;
	et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
	et_audit_note(audit, "store and stream have nothing in common: are they of one hub? "
			     "Check --mongo-uri, --mongo-db, --nats-url");
}

static int
judge_all(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	int r;

	r = et_rescue_open(audit->state, audit->run, audit->options->rescue_bytes, &audit->rescue,
			   err);
	if (r == 0)
		r = et_audit_judge_suspects(audit, err);
	if (r == 0)
		r = et_catalog_begin(catalog, err);
	if (r < 0)
		return r;
	look_for_common_ground(audit);
	r = et_audit_list_malformed(audit, err);
	if (r == 0 && audit->options->full)
		r = et_audit_contents(audit, err);
	if (r == 0)
		r = et_audit_resolve(audit, err);
	if (r == 0)
		/* What is not shown is no suspect: its notes stay. */
		r = et_source_is_partial(audit->source) ? 0 : et_catalog_notes_sweep(catalog, err);
	if (r == 0)
		r = prune_copies(audit, err);
	if (r == 0)
		r = et_catalog_commit(catalog, err);
	if (r < 0) {
		et_catalog_rollback(catalog);
		return r;
	}
	note_rescue(audit);
	return et_rescue_sweep(audit->rescue, err);
}

static int
compare(struct et_audit *audit, struct et_error *err)
{
	int r;

	r = et_audit_look_before(audit, err);
	if (r <= 0)
		return r;
	audit->compared = true;
	r = et_audit_scan(audit, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the EventStore");
	r = look_again(audit, err);
	return r == 0 ? judge_all(audit, err) : r;
}

static void
settle_verdict(struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;

	if (et_audit_alarms(audit))
		et_audit_worsen(audit, ET_STATUS_FINDINGS);
	if (audit->blind_count > 0 && tally->reasons[ET_REASON_UNVERIFIABLE_GAP] > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "the stream was made again, restored or rolled back: what was "
				     "published in between cannot be judged");
	}
	if (audit->totals.hole_count > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"%" PRIu64
			" sequences are holes in the archives: what they held cannot be judged",
			audit->totals.hole_sequences);
	}
}

/* ---- the verb ---- */

static int
end_run(struct et_audit *audit, int r, struct et_error *err)
{
	enum et_status status = r < 0 ? et_status_of(r) : audit->status;
	struct et_run run = {
		.id = audit->run,
		.ended_ns = et_clock_now_ns(),
		.exit_status = (int)status,
		.last_seq = audit->totals.last_seq,
		.messages = audit->new_messages,
		.findings = audit->shown.total,
	};

	if (audit->state == NULL || audit->run == 0)
		return r;
	(void)snprintf(run.verdict, sizeof(run.verdict), "%s", et_status_word(status));
	if (et_catalog_run_end(audit->state->catalog, &run, r < 0 ? NULL : err) < 0 && r == 0)
		return ET_IO;
	return r;
}

static int
compare_and_report(struct et_audit *audit, struct et_error *err)
{
	struct et_tally *tally = &audit->tally;
	const char *broken = NULL;
	int r;

	r = compare(audit, err);
	if (r < 0 || !audit->compared)
		return r;
	tally->messages = audit->totals.messages;
	tally->registrations = audit->totals.registrations;
	tally->reasons[ET_REASON_FOREIGN] = audit->totals.foreign;
	tally->reasons[ET_REASON_MALFORMED_MESSAGE] = audit->totals.malformed;
	r = et_audit_note_shown(audit, err);
	if (r < 0)
		return r;
	settle_verdict(audit);
	if (!et_tally_holds(tally, audit->cut.split, &broken)) {
		et_audit_worsen(audit, ET_STATUS_ERROR);
		et_audit_note(audit, "the sums do not hold (%s): please report this", broken);
	}
	return 0;
}

static int
run(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_atomicfile) struct et_atomicfile *file = NULL;
	int r;

	r = et_store_check(audit->options, err);
	if (r == 0)
		r = et_options_check_fail_on(audit->options, err);
	if (r == 0 && audit->options->explain != NULL)
		return et_audit_explain(audit, err);
	if (r == 0)
		r = open_state(audit, &file, err);
	if (r == 0)
		r = open_sources(audit, err);
	if (r == 0) {
		audit->recall = et_recall_new(audit->state);
		r = compare_and_report(audit, err);
	}
	if (r == 0)
		/* Where nothing was compared, the list of the last comparison stays. */
		r = et_findings_file_close(audit->options->findings, file,
					   ET_STEAL(audit->findings_file), audit->compared, err);
	if (r == 0)
		r = et_audit_report(audit, err);
	if (audit->findings_file != NULL)
		(void)fclose(audit->findings_file);
	return end_run(audit, r, err);
}

int
et_verb_audit(const struct et_options *options, struct et_error *err)
{
	struct et_audit audit = {
		.options = options,
		.started_ns = et_clock_now_ns(),
		.cut = { .settle_ns = options->settle,
			 .split = options->split,
			 .time_ns = ET_TIME_NONE },
		.last_snapshot_time_ns = ET_TIME_NONE,
		.frozen_ns = ET_TIME_NONE,
		.looked_for = 1u << ET_PART_VERDICT | 1u << ET_PART_MESSAGES,
	};
	int r;

	if (options->full)
		audit.looked_for |= 1u << ET_PART_CONTENTS;
	if (options->settle < ET_SETTLE_LEAST_NS && options->settle > 0)
		et_log(ET_LOG_WARNING,
		       "--settle is below 45s: the hub itself may be 35 s behind its saves");
	et_roll_init(&audit.shown);
	audit.incidents = et_incidents_new();
	et_buf_init(&audit.encoded, NOTES_BYTES_MAX);
	audit.fingerprint = et_hasher_new();
	et_hasher_begin(audit.fingerprint);
	et_buf_init(&audit.notes, NOTES_BYTES_MAX);
	r = run(&audit, err);
	et_recall_free(audit.recall);
	et_rescue_close(audit.rescue);
	et_source_free(audit.source);
	et_conn_free(audit.conn);
	et_state_free(audit.state);
	et_incidents_free(audit.incidents);
	et_hasher_free(audit.fingerprint);
	et_buf_done(&audit.encoded);
	et_places_free(audit.places);
	free(audit.zones);
	free(audit.blinds);
	et_roll_done(&audit.shown);
	et_buf_done(&audit.notes);
	return r < 0 ? r : (int)audit.status;
}
