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
#include "command/roll.h"
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
	/* Of one side it did not see all that there is, or not that of this hub: that something was
	 * not seen again says nothing. */
	bool unsure;
	int64_t last_snapshot_time_ns;
	uint64_t documents;
	uint64_t not_shown; /* aggregates of devices that the source does not show */
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
	unsigned looked_for; /* which parts of findings (1 << et_finding_part) this run looks for */
	struct et_roll shown;
	uint64_t listed[ET_REASON_COUNT];
	uint64_t lost[ET_STANDING_COUNT]; /* lost events among them */
	uint64_t alarms;                  /* those that turn the exit status */
	uint64_t expired;                 /* whose acknowledgement has expired */
	uint64_t unread;                  /* seen first behind the last report to people */
	int64_t read_ns;                  /* when that was; ET_TIME_NONE: there was none */
	struct et_resolved resolved;      /* findings of earlier runs that are none any more */
	struct et_incidents *incidents;
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
/* Which devices a partial source is asked for: all that the archives know; that of one aggregate,
 * or all where the archives do not know it. */
ET_CHECKED int et_audit_tell_devices(struct et_audit *audit, struct et_error *err);
ET_CHECKED int et_audit_tell_device_of(struct et_audit *audit, const struct et_uuid *aggregate,
				       struct et_error *err);
/* Whether the source shows the device of an aggregate; of one that the archives do not know, a
 * partial source shows none. */
ET_CHECKED int et_audit_shows(struct et_audit *audit, const struct et_uuid *aggregate, bool *ret,
			      struct et_error *err);
/* The notes on what was not. */
ET_CHECKED int et_audit_note_shown(struct et_audit *audit, struct et_error *err);
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
/* The same with a code and details of its own (NULL: none). The part has to be among looked_for: a
 * run that looks for a part ends its findings that it does not find again. */
ET_CHECKED int et_audit_found_in(struct et_audit *audit, enum et_finding_part part,
				 const struct et_report_finding *reported, struct et_error *err);
/* One of an earlier run that still holds. */
ET_CHECKED int et_audit_recall_finding(struct et_audit *audit, const struct et_noted_finding *noted,
				       struct et_error *err);
/* Whether what was found turns the exit status: what is not acknowledged and, with --fail-on new,
 * not known. */
bool et_audit_alarms(const struct et_audit *audit);
/* The finding in its form in the catalog; texts go into the arena. ET_CORRUPT. */
ET_CHECKED int et_finding_decode(struct et_slice body, struct et_arena *arena,
				 struct et_report_finding *ret, struct et_error *err);
/* When something broke: incidents out of the losses of this run. */
ET_CHECKED int et_audit_incidents(struct et_audit *audit, struct et_error *err);
/* Into the report; what it points to is freed by et_audit_incidents_done. */
ET_CHECKED int et_audit_report_incidents(struct et_audit *audit, struct et_report_incidents *ret,
					 struct et_error *err);
void et_audit_incidents_done(struct et_report_incidents *incidents);
/* Makes the coverage of devices whose lives are in question anew (catalog.h). */
ET_CHECKED int et_audit_rebuild(struct et_state *state, struct et_error *err);
/* Forgets the verdicts of earlier runs when what they all depend on has changed. */
ET_CHECKED int et_audit_check_ground(struct et_audit *audit, struct et_error *err);
/* --full: contents, the rules of the data, versions out of order. */
ET_CHECKED int et_audit_contents(struct et_audit *audit, struct et_error *err);
/* Findings for the malformed messages of all archives. */
ET_CHECKED int et_audit_list_malformed(struct et_audit *audit, struct et_error *err);
/* --findings: a temporary file, which has its name only when it is closed; *ret_file is NULL for a
 * pipe or a device, which is written to as it is. Both are NULL without a path. */
ET_CHECKED int et_findings_file_open(const char *path, const char *state_dir,
				     struct et_atomicfile **ret_file, FILE **ret_stream,
				     struct et_error *err);
/* keep: it gets its name. Takes the stream over. */
ET_CHECKED int et_findings_file_close(const char *path, struct et_atomicfile *file, FILE *stream,
				      bool keep, struct et_error *err);
/* --explain: the story of one version, to stdout; the state stays as it is. */
ET_CHECKED int et_audit_explain(struct et_audit *audit, struct et_error *err);
/* What of the open losses could be recovered when it was first seen, and which schedule of audits
 * would have saved the rest. Cost: the open findings. */
ET_CHECKED int et_audit_recovery(struct et_audit *audit, struct et_recovery *ret,
				 struct et_error *err);
/* When people last had a report, into read_ns. */
ET_CHECKED int et_audit_recall_report(struct et_audit *audit, struct et_error *err);
/* The report to stdout; one line when the last one said the same, or nothing is new. Then what it
 * told is known. */
ET_CHECKED int et_audit_report(struct et_audit *audit, struct et_error *err);

#endif
