/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one version (audit --explain), for people and for programs. The
 * command room gathers it; here it only gets a shape.
 */
#ifndef ET_REPORT_EXPLAIN_H
#define ET_REPORT_EXPLAIN_H

#include <stdio.h>

#include "audit/judge.h"
#include "base/seqset.h"

#define ET_EXPLAINED_MOST 20u /* of each list; its total says how many there are */
#define ET_EXPLAINED_IDENTITY_BYTES 64

/* A place on the stream. */
struct et_explained_place {
	char identity[ET_EXPLAINED_IDENTITY_BYTES];
	uint64_t seq; /* 0: none */
	bool newest;  /* of the newest identity, whose messages `evtrail cat` shows */
};

/* A message; also a registration of the device. */
struct et_explained_message {
	struct et_explained_place at;
	uint64_t version;
	unsigned life; /* by its event time */
	enum et_kind kind;
	int64_t time_ns; /* of the stream; ET_TIME_NONE where it was not read */
	int64_t event_time_ns;
};

struct et_explained_messages {
	struct et_explained_message list[ET_EXPLAINED_MOST];
	size_t count;
	uint64_t total;
};

/* What a side still has of the version. */
struct et_explained_copy {
	enum et_recoverable form; /* NOT_SAID: nothing */
	enum et_kind kind;
	int64_t time_ns;
	uint64_t where; /* the version whose event, or snapshot, holds it */
};

struct et_explained_rescued {
	uint64_t latest_version;
	int64_t saved_ns;
};

/* Aggregates of a device, of one behaviour at the beginning of an epoch. */
struct et_explained_group {
	bool links;
	bool metadata;
	unsigned resources; /* and whatever else there is */
};

struct et_explained_epoch {
	unsigned number;
	unsigned life;
	enum et_beginning beginning;
	int64_t start_ns; /* event time; ET_TIME_NONE: before the archives, perhaps */
	struct et_explained_place start;
	bool registered; /* a devicesregistered lies between it and the one before */
	struct et_explained_group restarts; /* at 0 again */
	struct et_explained_group reuses;   /* numbers that were used before */
	struct et_explained_group goes_on;
};

struct et_explained_hole {
	struct et_explained_place first;
	uint64_t last_seq;
};

struct et_explained_link {
	struct et_explained_place at;
	int64_t time_ns;
	bool linked;
};

/* What an earlier audit noted. */
struct et_explained_note {
	int64_t time_ns; /* by our own clock */
	uint64_t version;
};

struct et_explained_finding {
	const char *code;
	uint64_t version;
	unsigned life;
	int64_t first_ns; /* by our own clock */
	int64_t first_run;
	enum et_recoverable first_recoverable;
	int64_t last_ns;
	int64_t last_run;
	int64_t resolved_run; /* 0: it is open */
	int64_t resolved_ns;
	const char *resolution;
	int64_t delay_ns; /* of what came late; 0: not known */
};

struct et_explained {
	const char *tool_version;
	const char *status; /* the word of the exit status */
	int exit_status;
	const char *const *notes;
	size_t note_count;
	/* The key, and whose it is. Text is borrowed; NULL: not known. */
	const char *aggregate_id;
	const char *device_id;
	const char *href;
	enum et_family family;
	unsigned newest_life;
	/* The verdict. Without a reason nothing is expected of the version. */
	struct et_question question;
	bool has_reason;
	enum et_reason reason;
	enum et_rule rule;
	const struct et_cut *cut;
	int64_t asked_settle_ns;
	/* the store */
	const char *store;  /* its address */
	uint64_t documents; /* ghosts apart */
	uint64_t ghosts;
	uint64_t latest_version;
	int64_t latest_time_ns;
	struct et_seqset stored; /* versions */
	uint64_t snapshots;
	bool device_in_store;
	bool device_owned;
	bool born; /* inside the archives */
	struct et_explained_copy copy;
	/* rescue copies */
	struct et_explained_rescued rescued[ET_EXPLAINED_MOST];
	size_t rescued_count;
	uint64_t rescued_total;
	struct et_explained_copy rescued_copy;
	/* the stream */
	const struct et_coverage *seen;        /* in the life asked for; NULL: nothing */
	struct et_explained_messages messages; /* of this version */
	struct et_explained_message before;    /* neighbours in that life; seq 0: none */
	struct et_explained_message behind;
	struct et_explained_messages registrations;
	struct et_explained_epoch epochs[ET_EXPLAINED_MOST]; /* the newest ones */
	size_t epoch_count;
	uint64_t epoch_total;
	struct et_explained_hole holes[ET_EXPLAINED_MOST]; /* that meet the bracket */
	size_t hole_count;
	uint64_t hole_total;
	const struct et_blind *blind;              /* the first that meets it; NULL: none */
	struct et_explained_place malformed_first; /* of the device */
	struct et_explained_place malformed_last;
	/* links of the href, in that life */
	bool links_asked; /* and only then: */
	bool links_known;
	bool links_complete;
	bool linked_in_store;
	struct et_explained_link
		links[ET_EXPLAINED_MOST]; /* the newest ones before the bracket ends */
	size_t link_count;
	uint64_t link_total;
	struct et_explained_messages orphans; /* answers above the version without their command */
	/* earlier audits */
	struct et_explained_note latest[ET_EXPLAINED_MOST];
	size_t latest_count;
	struct et_explained_note ahead[ET_EXPLAINED_MOST];
	size_t ahead_count;
	struct et_explained_finding findings[ET_EXPLAINED_MOST];
	size_t finding_count;
};

/* As et_report_text and et_report_json. */
void et_explain_text(const struct et_explained *story, FILE *out, bool colour, unsigned width);
ET_CHECKED int et_explain_json(const struct et_explained *story, FILE *out, struct et_error *err);

#endif
