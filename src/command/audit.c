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
/* The hub itself may publish that much behind a save. */
#define SETTLE_LEAST_NS (45 * ET_NS_PER_SECOND)

/* ---- the two snapshots ---- */

/* What the second snapshot brings for an aggregate that the scan found covered lies above what
 * the store showed. */
static int
touched(void *cookie, const struct et_uuid *aggregate, uint64_t added, uint64_t duplicates,
	struct et_error *err)
{
	struct et_audit *audit = cookie;
	bool suspect = false;
	int r;

	r = et_catalog_is_suspect(audit->state->catalog, aggregate, &suspect, err);
	if (r == 0 && !suspect) {
		audit->tally.reasons[ET_REASON_AHEAD] += added;
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
		r = et_audit_open_findings(audit, ret_findings, err);
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
	if (r < 0)
		return r;
	return et_connect_store(options, &audit->source, err);
}

/* 1 when there is something to compare; else the notes say why not. */
static int
look_before(struct et_audit *audit, struct et_error *err)
{
	struct et_source_facts facts;
	int r;

	r = et_source_probe(audit->source, &facts, err);
	if (r == 0)
		r = et_catalog_totals(audit->state->catalog, &audit->totals, err);
	if (r < 0)
		return r;
	if (facts.secondary) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(
			audit,
			"the URI asks for secondaries, which may lag: a verdict needs the primary");
	}
	if (!facts.exists || facts.documents == 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "nothing was compared: %s %s; check --mongo-db",
			      et_source_address(audit->source),
			      facts.exists ? "is empty" : "does not exist");
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
	/* Only a store that holds something is worth noting as this state's own. */
	r = et_state_claim(audit->state, "store", audit->options->mongo_db, err);
	return r < 0 ? r : 1;
}

/* Between two identities the stream may have held what nobody archived: from the last message of
 * the one to the first later one of the next. That one lies in the first archive that ends
 * later. */
static int
find_blinds(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	char identity[ET_IDENTITY_TEXT_BYTES] = "";
	struct et_archive_entry entry;
	int64_t end_ns = ET_TIME_NONE;
	bool open = false;
	int r;

	audit->blinds = et_calloc(audit->totals.identities, sizeof(*audit->blinds));
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		r = 0;
		if (entry.messages == 0)
			continue;
		open |= identity[0] != '\0' && strcmp(identity, entry.identity) != 0;
		if (open && entry.last_time_ns > end_ns &&
		    audit->blind_count < audit->totals.identities) {
			audit->blinds[audit->blind_count++] =
				(struct et_blind){ end_ns, entry.first_time_ns > end_ns
								   ? entry.first_time_ns
								   : entry.last_time_ns };
			open = false;
		}
		if (entry.last_time_ns > end_ns)
			end_ns = entry.last_time_ns;
		(void)snprintf(identity, sizeof(identity), "%s", entry.identity);
	}
	return r < 0 ? r : 0;
}

static int
set_cut(struct et_audit *audit, struct et_error *err)
{
	const struct et_totals *totals = &audit->totals;
	struct et_cut *cut = &audit->cut;
	int r;

	r = et_catalog_totals(audit->state->catalog, &audit->totals, err);
	if (r == 0)
		r = et_catalog_last_identity(audit->state->catalog, audit->identity, err);
	if (r >= 0)
		r = et_catalog_last_snapshot_time(audit->state->catalog,
						  &audit->last_snapshot_time_ns, err);
	if (r < 0)
		return r;
	cut->start_time_ns = totals->messages > 0 ? totals->first_time_ns : ET_TIME_NONE;
	/* Nothing newer is judged. Where the end lies in the middle of the traffic, a publish that
	 * was under way then stands behind it. */
	if (audit->conn == NULL || audit->partial)
		cut->time_ns = totals->last_time_ns;
	if (audit->partial && cut->settle_ns < SETTLE_LEAST_NS)
		cut->settle_ns = SETTLE_LEAST_NS;
	r = et_catalog_hole_set(audit->state->catalog, &audit->holes, err);
	if (r == 0 && totals->identities > 1)
		r = find_blinds(audit, err);
	cut->holes = &audit->holes;
	cut->blinds = audit->blinds;
	cut->blind_count = audit->blind_count;
	return r;
}

static int
compare(struct et_audit *audit, struct et_error *err)
{
	int r;

	r = look_before(audit, err);
	if (r <= 0)
		return r;
	audit->compared = true;
	r = et_audit_scan(audit, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the EventStore");
	if (audit->suspects > 0)
		r = take_snapshot(audit, true, err);
	if (r == 0)
		r = set_cut(audit, err);
	if (r == 0)
		r = et_audit_judge_suspects(audit, err);
	if (r == 0)
		r = et_audit_list_malformed(audit, err);
	return r;
}

static void
settle_verdict(struct et_audit *audit)
{
	const struct et_tally *tally = &audit->tally;

	for (unsigned i = 0; i < ET_REASON_COUNT; i++)
		if (tally->reasons[i] > 0 && et_reason_info((enum et_reason)i)->is_finding)
			et_audit_worsen(audit, ET_STATUS_FINDINGS);
	if (audit->blind_count > 0 && tally->reasons[ET_REASON_UNVERIFIABLE_GAP] > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit, "the stream was made again, restored or rolled back: what was "
				     "published in between cannot be judged");
	}
	if (et_tally_covered(tally) == 0 && tally->expected > 0 && audit->totals.events > 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit,
			      "store and stream have nothing in common: are they of one hub? "
			      "Check --mongo-uri, --mongo-db, --nats-url");
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
		.findings = audit->findings_total,
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

	r = open_state(audit, &file, err);
	if (r == 0)
		r = open_sources(audit, err);
	if (r == 0) {
		audit->recall = et_recall_new(audit->state);
		r = compare_and_report(audit, err);
	}
	if (r == 0)
		r = et_audit_close_findings(audit, file, err);
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
	};
	int r;

	if (options->settle < SETTLE_LEAST_NS && options->settle > 0)
		et_log(ET_LOG_WARNING,
		       "--settle is below 45s: the hub itself may be 35 s behind its saves");
	et_arena_init(&audit.texts, 0);
	et_seqset_init(&audit.holes);
	audit.fingerprint = et_hasher_new();
	et_hasher_begin(audit.fingerprint);
	et_buf_init(&audit.notes, NOTES_BYTES_MAX);
	audit.findings = et_calloc(ET_REPORT_FINDINGS_MAX, sizeof(*audit.findings));
	r = run(&audit, err);
	et_recall_free(audit.recall);
	et_source_free(audit.source);
	et_conn_free(audit.conn);
	et_state_free(audit.state);
	free(audit.findings);
	et_hasher_free(audit.fingerprint);
	et_seqset_done(&audit.holes);
	free(audit.blinds);
	et_arena_done(&audit.texts);
	et_buf_done(&audit.notes);
	return r < 0 ? r : (int)audit.status;
}
