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

#include "audit/reason.h"
#include "audit/tally.h"
#include "base/seqset.h"
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

/* The limits of the comparison, the same for all aggregates of a run. */
struct et_cut {
	int64_t start_time_ns; /* stream time of the first archived message; or ET_TIME_NONE */
	/* The time at which last_seq was frozen, by the stream's clock. Not the time of the last
	 * message: when publishing stopped altogether, that would keep all its losses in flight
	 * for ever. */
	int64_t time_ns;
	int64_t settle_ns; /* what ends later than time_ns - settle_ns is in flight */
	/* Sequences inside the coverage that no archive has; may be NULL. Which of them were
	 * messages, and whose, cannot be known any more. */
	const struct et_seqset *holes;
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
};

/* The copies that an aggregate's documents hold: one per version, in its best form, sorted by
 * version. Bodies are decompressed and the events embedded in snapshots looked at
 * (event/original.h). snapshots_published: the hub that wrote these documents published its
 * snapshots (older generation): a stored snapshot that embeds no event of its own version then
 * IS the published event of its version. A stored event that cannot be read is no copy. */
struct et_copies {
	struct et_copy *list;
	size_t count;
	size_t capacity;
	size_t malformed; /* stored events that could not be read */
};
void et_copies_done(struct et_copies *copies);
/* Replaces what is in ret (zero-initialised before its first use). Ghosts are skipped. */
void et_copies_of(const struct et_document *const *documents, size_t count,
		  bool snapshots_published, struct et_copies *ret);

/* One change of an href's link state on the stream. Listed in the order of the links aggregate's
 * versions, which is the order in which they happened (sequences can be swapped). A snapshot
 * that does not hold the href is a change to not linked. */
struct et_link_change {
	uint64_t seq;
	int64_t time_ns;
	bool linked;
};

/* A confirmation (created, updated, deleted) on the aggregate whose correlation id no create,
 * update or delete pending of that aggregate on the stream has. */
struct et_orphan {
	uint64_t seq;
	uint64_t version;
	enum et_kind kind;
};

/* What is known of the device and its links; gathered only for suspects. */
struct et_facts {
	/* The device, inside the coverage: its heads are provable (docs/audit.md, Rule 1). */
	bool born;
	bool device_in_store; /* the store has any document of the device */
	bool href_known;
	bool links_known; /* the device's links aggregate is in the store or on the stream */
	/* No version 0 ... latestversion of the links aggregate is missing on the stream. Never
	 * of a device that the store does not have: only its latestversion says where the links
	 * end. */
	bool links_complete;
	bool linked_in_store; /* the store's links hold the href now */
	const struct et_link_change *changes;
	size_t change_count;
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
	int64_t latest_time_ns; /* the store's latesttimestamp; ET_TIME_NONE */
	const struct et_coverage *coverage; /* of the newest epoch; may be empty, not NULL */
	uint64_t older_epochs;              /* how many epochs before the newest one */
	uint64_t older_versions;            /* versions that the older epochs cover, for the sums */
	uint64_t duplicates;                /* messages of all epochs that repeat another one */
	const struct et_copies *copies;     /* may be empty, not NULL */
	const struct et_facts *facts;       /* not NULL */
};

/* A finding: one version of one aggregate. */
struct et_finding {
	enum et_reason reason;
	enum et_recoverable recoverable;
	struct et_uuid device;
	struct et_uuid aggregate;
	uint64_t version;
	enum et_kind kind; /* ET_KIND_UNKNOWN where only the version is known */
	int64_t time_ns;   /* the event's own; ET_TIME_NONE: only the bracket is known */
	int64_t after_ns;  /* bracket; ET_TIME_NONE at an open end */
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

/* The short way, for an aggregate that is in the store and whose coverage is one span 0 ...
 * seen_last, seen_last >= latest_version, with no older epoch and not of the service family:
 * adds its counts. Duplicates are the caller's. */
void et_judge_covered(uint64_t latest_version, uint64_t first_version, uint64_t seen_last,
		      bool split, struct et_tally *tally);

#endif
