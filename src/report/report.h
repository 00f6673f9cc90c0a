/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run found, for people (text) and for programs (JSON). The numbers
 * are gathered by the command room; here they only get a shape. One struct is
 * the source of both, so that they cannot differ.
 */
#ifndef ET_REPORT_REPORT_H
#define ET_REPORT_REPORT_H

#include <stdio.h>

#include "audit/incidents.h"
#include "audit/judge.h"
#include "audit/standing.h"
#include "audit/tally.h"
#include "audit/window.h"

#define ET_REPORT_FINDINGS_MAX 1000u

struct et_report_hole {
	uint64_t first_seq;
	uint64_t last_seq;
	const char *type; /* "expired_before", ... (archive format) */
};

/* Who knows of a finding, and why that is so. */
struct et_report_acknowledgement {
	int64_t time_ns;  /* 0: nobody; also those that have expired are told */
	int64_t until_ns; /* ET_TIME_NONE: for good */
	const char *by;
	const char *reason;
};

/* A finding with what is known of it beyond the verdict. Text is borrowed; NULL: not known. */
struct et_report_finding {
	struct et_finding finding;
	const char *code;      /* NULL: its reason's name */
	const char *details;   /* one line; NULL */
	const char *device_id; /* as the hub writes it */
	const char *aggregate_id;
	const char *href;
	enum et_standing standing;
	int64_t first_seen_ns; /* by the auditor's clock; 0 or ET_TIME_NONE: not known */
	int64_t last_seen_ns;
	struct et_report_acknowledgement acknowledged;
	/* when it is resolved */
	const char *resolution; /* "late", "changed" */
	int64_t resolved_ns;
	int64_t delay_ns; /* of what came late; 0: not known */
};
const char *et_report_code(const struct et_report_finding *finding);
/* AGGREGATE@VERSION, with ~LIFE behind it for an older life; message@SEQUENCE for a message that
 * cannot be read. Free with free(). */
char *et_report_key(const struct et_report_finding *finding);
/* Lost, or lost_in_gap. */
bool et_report_is_lost(const struct et_report_finding *finding);

/* An incident, and whose devices it had. */
struct et_report_incident {
	const struct et_incident *incident;
	const char *const *owners; /* as in subjects, those that are known */
	size_t owner_count;
};

struct et_report_incidents {
	const struct et_report_incident *list; /* the most important first */
	size_t count;
	uint64_t total;
	const struct et_incident_hour *hours;
	size_t hour_count;
	uint64_t earlier; /* lost before these */
};

/* What it took: requests to the store behind the scan, and what they brought. */
struct et_effort {
	uint64_t queries;
	uint64_t documents;
	uint64_t bytes;
	uint64_t suspects; /* aggregates that were no plain match */
	uint64_t known;    /* of them: the verdict of an earlier run holds */
};

/* Findings of earlier runs that are none any more. */
struct et_resolved {
	uint64_t late;         /* the event turned up by itself */
	int64_t late_delay_ns; /* the longest delay; ET_TIME_NONE: not known */
	uint64_t changed;      /* anything else */
};

/* Of the open losses, by what was there when each was first seen. */
struct et_recovery {
	uint64_t recoverable;
	uint64_t too_late;  /* superseded already */
	uint64_t estimated; /* of these, how long they could have been saved */
	struct et_schedule schedules[ET_SCHEDULES]; /* of audits; they would have caught more */
	size_t schedule_count;
};

struct et_report {
	const char *tool_version;
	const char *command; /* "audit" */
	const char *verdict; /* the word of the exit status: "clean", "findings", ... */
	int exit_status;
	const char *const *notes; /* why incomplete, what was skipped; one line each */
	size_t note_count;
	/* stream */
	const char *stream;
	const char *identity;
	uint64_t first_seq;
	uint64_t last_seq;
	int64_t cut_time_ns;
	/* range: requested and compared, as closed intervals of sequences; 0,0: nothing */
	uint64_t requested_first;
	uint64_t requested_last;
	uint64_t compared_first;
	uint64_t compared_last;
	const struct et_report_hole *holes;
	size_t hole_count;
	/* store */
	uint64_t documents;
	uint64_t aggregates;
	uint64_t events; /* expected versions plus service metadata */
	struct et_effort effort;
	struct et_resolved resolved;
	struct et_recovery recovery;
	struct et_tally tally;
	bool split;
	bool verbose;
	bool sums_hold;
	const char *sums_broken; /* which equation; NULL when they hold */
	/* the first ET_REPORT_FINDINGS_MAX findings; findings_total says how many there are */
	const struct et_report_finding *findings;
	size_t finding_count;
	uint64_t findings_total;
	uint64_t standings
		[ET_STANDING_COUNT];      /* of all of them; RESOLVED: earlier ones that ended */
	uint64_t lost[ET_STANDING_COUNT]; /* those that are lost events */
	uint64_t expired;                 /* known ones whose acknowledgement has expired */
	struct et_report_incidents incidents;
	const char *findings_file; /* where all of them were written; NULL */
	int64_t same_since_ns;     /* reports say this since then; ET_TIME_NONE: it is new */
	int64_t duration_ns;
	uint64_t new_messages; /* archived by this run */
};

/* Text: verdict first; width 0: not a terminal, set in 80 columns. Ids and hrefs are shortened
 * to fit; what came from outside is shown in printable ASCII only. */
void et_report_text(const struct et_report *report, FILE *out, bool colour, unsigned width);
/* The verdict in one line, for a report that says what the last one said, or nothing new. */
void et_report_line(const struct et_report *report, FILE *out, bool colour);
/* One JSON object and a newline; keys as in docs (fixed once released). Numbers above 2^63 - 1
 * are strings: JSON readers, ours too, have no larger ones. Text that is no UTF-8 has U+FFFD in
 * the place of each bad byte. What is not known is null. ET_IO. */
ET_CHECKED int et_report_json(const struct et_report *report, FILE *out, struct et_error *err);
/* One finding as one line of NDJSON, the same fields as in the report's findings[]. */
ET_CHECKED int et_report_finding_line(const struct et_report_finding *finding, FILE *out,
				      struct et_error *err);

/* ---- the list of findings ---- */

struct et_report_listing {
	const char *tool_version;
	unsigned wanted; /* ET_STANDING_BITs */
	/* The first ET_REPORT_FINDINGS_MAX of those that are wanted. */
	const struct et_report_finding *findings;
	size_t finding_count;
	uint64_t findings_total;
	/* Those that fit, wanted or not. */
	uint64_t standings[ET_STANDING_COUNT];
	uint64_t reasons[ET_REASON_COUNT]; /* of the wanted ones that are new or known */
};
/* As a table, with what to do; width 0: not a terminal, nothing is cut. */
void et_report_listing_text(const struct et_report_listing *listing, FILE *out, unsigned width);
/* One JSON object, written as it comes: begin, any number of findings, end. ET_IO. */
ET_CHECKED int et_report_listing_begin(const struct et_report_listing *listing, FILE *out,
				       struct et_error *err);
ET_CHECKED int et_report_listing_finding(const struct et_report_finding *finding, bool first,
					 FILE *out, struct et_error *err);
ET_CHECKED int et_report_listing_end(const struct et_report_listing *listing, FILE *out,
				     struct et_error *err);

#endif
