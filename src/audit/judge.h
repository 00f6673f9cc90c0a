/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on one aggregate: what the store says must have been published
 * against what the stream has shown. A decision table, pure: no I/O, no clock,
 * no global; the command room gathers the facts, this room weighs them.
 *
 * What should be on the stream is every version 0 ... latest_version
 * (docs/plgd.md, EventStore), not what happens to be stored.
 */
#ifndef ET_AUDIT_JUDGE_H
#define ET_AUDIT_JUDGE_H

#include "audit/linked.h"
#include "audit/lives.h"
#include "audit/reason.h"
#include "audit/rule.h"
#include "audit/tally.h"
#include "base/uuid5.h"
#include "event/coverage.h"
#include "event/document.h"
#include "event/kind.h"

/* A time of which the archives do not know what was published: between two identities of a
 * stream. */
struct et_blind {
	int64_t from_ns;
	int64_t to_ns;
};

/* Sequences inside the coverage that no archive has: what they held cannot be known any more. */
struct et_zone {
	uint64_t first; /* positions whose neighbours in time the hole is, itself included */
	uint64_t last;
	uint64_t size; /* of the hole: it hides as many messages at most */
};

/* The limits of the comparison, the same for all aggregates of a run. */
struct et_cut {
	int64_t start_time_ns; /* stream time of the first archived message; or ET_TIME_NONE */
	/* Messages may have come and gone before it: it is not the stream's first one. */
	bool starts_late;
	/* The time at which last_seq was frozen, by the stream's clock. Not the time of the last
	 * message: when publishing stopped altogether, that would keep all its losses in flight
	 * for ever. */
	int64_t time_ns;
	/* Stream time less event time of an event that is published at once: how the clocks differ.
	 * Not known where nothing was archived lately, or only what had waited for long. */
	bool has_lag;
	int64_t lag_ns;
	/* The same, for the time at which an event was saved: of a long lag nobody knows how much
	 * of it was waiting. */
	int64_t clocks_ns;
	/* All that is new had waited for long: times do not tell what is young. */
	bool all_waited;
	int64_t settle_ns;           /* what ends later than time_ns - settle_ns is in flight */
	const struct et_zone *zones; /* sorted, by either end */
	size_t zone_count;
	const struct et_blind *blinds;
	size_t blind_count;
	bool split;
};

/* A copy of one version that the store still has, in whichever form. */
struct et_copy {
	uint64_t version;
	enum et_recoverable form; /* EXACT, REBUILT or SNAPSHOT */
	enum et_kind kind; /* of the published event (EXACT, REBUILT), else of the snapshot */
	/* The event's own (SNAPSHOT: the snapshot's, microseconds later); ET_TIME_NONE. */
	int64_t time_ns;
	bool rescued; /* saved by an earlier audit: the store may have gone back since */
};

/* The copies that an aggregate's documents hold: one per event, in its best form, sorted by
 * version (two events have one version where numbers were used again). Bodies are decompressed and
 * the events embedded in snapshots looked at (event/original.h). snapshots_published: the hub that
 * wrote these documents published its snapshots (older generation): a stored snapshot that embeds
 * no event of its own version then IS the published event of its version. A stored event that
 * cannot be read is no copy. */
struct et_copies {
	struct et_copy *list;
	size_t count;
	size_t capacity;
	size_t malformed; /* stored events that could not be read */
};
void et_copies_done(struct et_copies *copies);
/* Replaces what is in ret (zero-initialised before its first use). Ghosts are skipped. The last
 * `rescued` documents are rescue copies. */
void et_copies_of(const struct et_document *const *documents, size_t count, size_t rescued,
		  bool snapshots_published, struct et_copies *ret);

/* A confirmation (created, updated, deleted) on the aggregate whose correlation id no create,
 * update or delete pending of that aggregate on the stream has. */
struct et_orphan {
	uint64_t seq;
	int64_t time_ns;
	uint64_t version;
	enum et_kind kind;
};

/* What is known of the device and its links; gathered only for suspects. */
struct et_facts {
	/* The device, inside the coverage: its heads are provable (docs/audit.md, Rule 1). */
	bool born;
	int64_t born_ns;      /* event time of what proves it */
	bool device_in_store; /* the store has any document of the device */
	bool device_owned;    /* the identity store knows it */
	/* The source shows nothing of the device, which proves nothing: it is not judged. */
	bool not_shown;
	/* The store has the device in another life than the newest one of the stream:
	 * et_stored_elsewhere of its links. */
	bool device_moved_on;
	/* Written by a hub that published its snapshots, and kept nothing back yet. */
	bool older_hub;
	bool href_known;
	struct et_links links; /* of the device, for the aggregate's href */
	const struct et_orphan *orphans;
	size_t orphan_count;
	/* Malformed messages of the device, on any subject: first and last of them. */
	bool malformed_in_device;
	uint64_t malformed_first_seq;
	uint64_t malformed_last_seq;
};

/* One aggregate. */
struct et_case {
	struct et_uuid device;
	struct et_uuid aggregate;
	enum et_family family;
	bool in_store;
	/* When in_store: the largest of its documents, ghosts apart where documents were read (a
	 * lost race can leave a ghost with a number that was never saved). */
	uint64_t latest_version;
	uint64_t first_version; /* oldest one stored; when in_store and split, or documents read */
	int64_t latest_time_ns; /* the newest latesttimestamp; ET_TIME_NONE */
	/* Where the document with that time ends. Below latest_version: what another document has
	 * above it is of a branch that the store left. */
	uint64_t written_version;
	/* The newest life of the device comes last, also where it has nothing of the aggregate; at
	 * least that one. */
	const struct et_life *lives;
	size_t life_count;
	uint64_t elsewhere;  /* versions that another device's messages cover, for the sums */
	uint64_t duplicates; /* messages of all lives that repeat another one */
	/* What earlier audits noted, at least settle ago by the auditor's clock. */
	bool has_noted;
	uint64_t noted_latest; /* latestversion */
	bool has_ahead;
	uint64_t ahead_until; /* last version seen above latestversion, and still seen now */
	const struct et_copies *copies; /* may be empty, not NULL */
	const struct et_facts *facts;   /* not NULL */
};

/* A finding: one version of one aggregate; of STORE_LOST and FORKED a run of versions. */
struct et_finding {
	enum et_reason reason;
	enum et_recoverable recoverable;
	struct et_uuid device;
	struct et_uuid aggregate;
	unsigned life; /* of the device; 0 is the oldest */
	bool older;    /* not the newest life */
	uint64_t version;
	uint64_t last_version; /* = version but for a run */
	enum et_kind kind;     /* ET_KIND_UNKNOWN where only the version is known */
	int64_t time_ns;       /* the event's own; ET_TIME_NONE: only the bracket is known */
	int64_t after_ns;      /* bracket; ET_TIME_NONE at an open end */
	int64_t before_ns;
	uint64_t after_seq; /* of the neighbours on the stream; 0 at an open end */
	uint64_t before_seq;
	uint64_t seq;      /* of a message (malformed, duplicate); else 0 */
	bool lost_deleted; /* a hole of an aggregate that the store does not have */
};

/* Called for every finding that is listed (et_reason_info.listed); a negative result ends the
 * verdict with it. */
typedef int et_finding_sink(void *cookie, const struct et_finding *finding);

/* The counts are of all versions; of one aggregate at most this many are listed, so that an absurd
 * latestversion cannot fill a disk. */
#define ET_JUDGE_LISTED_MAX 1000000u

/* Judges one aggregate: adds to the tally, tells the sink (may be NULL). 0 or what the sink
 * said; the tally is complete for what was told. Cost: its holes and copies, not its versions. */
int et_judge(const struct et_cut *cut, const struct et_case *one, struct et_tally *tally,
	     et_finding_sink *sink, void *cookie);

/* What et_judge makes of one version, asked by et_judge_explain. */
struct et_question {
	unsigned life; /* of the device */
	uint64_t version;
	/* It is missing: why, with its bracket; also where that is no listed reason. Its gap, and
	 * how many of the gap's versions holes can have held (at most all). */
	bool missing;
	enum et_rule rule;
	struct et_finding finding;
	uint64_t gap_first;
	uint64_t gap_last;
	uint64_t hidden;
	/* It was seen; both where the store is in another life. */
	bool seen;
	enum et_reason seen_reason;
	enum et_rule seen_rule;
	/* Messages of it may be among those that the store took back. */
	bool forked;
};
/* Answers by judging the aggregate: the same code, and the same verdict. */
void et_judge_explain(const struct et_cut *cut, const struct et_case *one,
		      struct et_question *question);

/* Whether orphans are to be looked for: the aggregate's href was not linked throughout the time
 * in which something of it is missing. one: without orphans. */
bool et_judge_wants_orphans(const struct et_cut *cut, const struct et_case *one);

/* Whether the copy is of that life, and of its branch: another one, and one that the store has
 * taken back, says nothing. */
bool et_copy_belongs(const struct et_life *life, const struct et_copy *copy);

/* The first blind time that a bracket in time meets; NULL: none. */
const struct et_blind *et_blind_at(const struct et_cut *cut, int64_t after_ns, int64_t before_ns);

/* Whether the stored version belongs to another life, or branch, than the newest one of the stream.
 * It was made after the event that the stream has with that number, and after all that lies beside
 * it there: the number was used again. Or it was made before that life began: the store was
 * restored. */
bool et_stored_elsewhere(const struct et_life *life, const struct et_coverage *coverage,
			 uint64_t version, int64_t time_ns);

/* The short way, for an aggregate that is in the store and whose coverage is one span 0 ...
 * latest_version, with no older epoch and not of the service family: adds its counts. Duplicates
 * are the caller's. */
void et_judge_covered(uint64_t latest_version, uint64_t first_version, bool split,
		      struct et_tally *tally);

#endif
