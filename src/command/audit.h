/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit, inside: scan (heads against coverage, in order, in one pass),
 * suspects (facts gathered in batches, judged), and the report. Snapshot to L1,
 * scan the store, snapshot to L2, read the suspects again, judge (docs/audit.md,
 * Order of reading).
 */
#ifndef ET_COMMAND_AUDIT_H
#define ET_COMMAND_AUDIT_H

#include "audit/judge.h"
#include "base/arena.h"
#include "base/atomicfile.h"
#include "base/digest.h"
#include "command/places.h"
#include "command/recall.h"
#include "command/rescue.h"
#include "command/snapshot.h"
#include "report/report.h"
#include "store/source.h"

/* The hub itself may publish that much behind a save. */
#define ET_SETTLE_LEAST_NS (45 * ET_NS_PER_SECOND)

struct et_audit {
	const struct et_options *options;
	struct et_state *state;
	struct et_conn *conn; /* NULL with --no-snapshot */
	struct et_source *source;
	struct et_recall *recall;
	int64_t run;
	int64_t started_ns;
	/* By our own clock, when the end of the archives was frozen, by a snapshot that reached the
	 * end of the stream; ET_TIME_NONE: not known. */
	int64_t frozen_ns;
	struct et_cut cut;
	struct et_tally tally;
	struct et_totals totals; /* of the archives, at the cut */
	char identity[ET_IDENTITY_TEXT_BYTES];
	uint64_t stream_first;
	uint64_t stream_last;
	uint64_t new_messages;
	bool partial; /* a snapshot ended before the end of the stream */
	int64_t last_snapshot_time_ns;
	uint64_t documents;
	uint64_t suspects;
	uint64_t known; /* suspects whose verdict still holds */
	struct et_rescue *rescue;
	struct et_effort effort;
	struct et_places *places;
	struct et_zone *zones;   /* holes of the archives */
	struct et_blind *blinds; /* between the identities of the stream */
	size_t blind_count;
	bool compared; /* there was something to compare */
	enum et_status status;
	/* findings */
	struct et_arena texts; /* of the findings that the report shows */
	struct et_report_finding *findings;
	size_t finding_count;
	uint64_t findings_total;
	struct et_resolved resolved;   /* findings of earlier runs that are none any more */
	FILE *findings_file;           /* --findings; NULL */
	struct et_hasher *fingerprint; /* of all that the report says */
	struct et_error sink_error;
	struct et_buf encoded; /* scratch */
	/* notes for the report */
	struct et_buf notes; /* texts, each with a NUL behind it */
	unsigned note_count;
};

static inline void
et_audit_worsen(struct et_audit *audit, enum et_status status)
{
	audit->status = et_status_worse(audit->status, status);
}

/* A document was read. */
static inline void
et_audit_examined(struct et_audit *audit, const struct et_source_document *row)
{
	audit->effort.documents++;
	audit->effort.bytes += row->raw.size;
}

void et_audit_note(struct et_audit *audit, const char *format, ...) ET_PRINTF(2, 3);

/* 1 when there is something to compare; else the notes say why not. */
ET_CHECKED int et_audit_look_before(struct et_audit *audit, struct et_error *err);
/* Heads of the store against coverage: counts what is covered, lists the rest as suspects. */
ET_CHECKED int et_audit_scan(struct et_audit *audit, struct et_error *err);
/* The limits of the comparison: cut, settle, holes and blind times. */
ET_CHECKED int et_audit_set_cut(struct et_audit *audit, struct et_error *err);
/* Ends the findings that this run did not see any more: what turned up by itself is late. */
ET_CHECKED int et_audit_resolve(struct et_audit *audit, struct et_error *err);
/* Gathers facts and judges every suspect. */
ET_CHECKED int et_audit_judge_suspects(struct et_audit *audit, struct et_error *err);
/* One finding, into the file, the report and the catalog. href may be empty. */
ET_CHECKED int et_audit_found(struct et_audit *audit, const struct et_finding *finding,
			      const char *device_id, const char *aggregate_id, struct et_slice href,
			      struct et_error *err);
/* One of an earlier run that still holds. */
ET_CHECKED int et_audit_recall_finding(struct et_audit *audit, const struct et_noted_finding *noted,
				       struct et_error *err);
/* The finding in its form in the catalog; texts go into the arena. ET_CORRUPT. */
ET_CHECKED int et_finding_decode(struct et_slice body, struct et_arena *arena,
				 struct et_report_finding *ret, struct et_error *err);
/* Makes the coverage of devices whose lives are in question anew (catalog.h). */
ET_CHECKED int et_audit_rebuild(struct et_state *state, struct et_error *err);
/* Forgets the verdicts of earlier runs when what they all depend on has changed. */
ET_CHECKED int et_audit_check_ground(struct et_audit *audit, struct et_error *err);
/* Findings for the malformed messages of all archives. */
ET_CHECKED int et_audit_list_malformed(struct et_audit *audit, struct et_error *err);
/* --findings: a temporary file, which has its name only when it is closed. */
ET_CHECKED int et_audit_open_findings(struct et_audit *audit, struct et_atomicfile **ret,
				      struct et_error *err);
ET_CHECKED int et_audit_close_findings(struct et_audit *audit, struct et_atomicfile *file,
				       struct et_error *err);
/* --explain: the story of one version, to stdout; the state stays as it is. */
ET_CHECKED int et_audit_explain(struct et_audit *audit, struct et_error *err);
/* What of the open losses could be recovered when it was first seen, and which schedule of audits
 * would have saved the rest. Cost: the open findings. */
ET_CHECKED int et_audit_recovery(struct et_audit *audit, struct et_recovery *ret,
				 struct et_error *err);
/* The report to stdout; one line when the last one said the same. */
ET_CHECKED int et_audit_report(struct et_audit *audit, struct et_error *err);

#endif
