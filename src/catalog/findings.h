/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What audits found, and what became of it. A finding is told apart by
 * aggregate, life of the device, version and code; it is open until an audit
 * that looked for it does not see it any more. Part of the catalog's interface
 * (catalog.h): the same rules.
 */
#ifndef ET_CATALOG_FINDINGS_H
#define ET_CATALOG_FINDINGS_H

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/uuid5.h"

struct et_catalog;

/* Which look finds it: another look that does not see it says nothing. */
enum et_finding_part {
	ET_PART_VERDICT = 0,  /* on an aggregate; kept with it (et_verdict) */
	ET_PART_MESSAGES = 1, /* a message that cannot be read; version is its position */
	ET_PART_CONTENTS = 2, /* what is there on both sides, compared */
};

/* Someone knows of it. It holds until the time, or for good; it ends with the finding. */
struct et_acknowledgement {
	int64_t time_ns;  /* 0: there is none */
	int64_t until_ns; /* ET_TIME_NONE: for good */
	const char *by;
	const char *reason;
};

/* A finding that outlives its run. Slices and texts of a list end with its next step. */
struct et_noted_finding {
	struct et_uuid aggregate;
	unsigned life; /* of the device, 0 is the oldest */
	uint64_t version;
	const char *code;
	enum et_finding_part part;
	struct et_slice body; /* the caller's own form */
	/* As it was first seen. */
	int64_t first_time_ns; /* by our own clock */
	unsigned first_recoverable;
	/* From here on only what the catalog tells. */
	int64_t first_run;
	int64_t last_run;
	int64_t last_time_ns; /* when that run began; ET_TIME_NONE: that is forgotten */
	int64_t told;         /* the first run that reported it; 0: none did */
	int64_t resolved;     /* run; 0: it is open */
	int64_t resolved_ns;  /* when that run began; ET_TIME_NONE */
	const char *resolution;
	int64_t delay_ns;
	struct et_acknowledgement acknowledged;
};
/* Notes it as seen in this run; what was noted at first sight stays. What comes back after it was
 * resolved was not told yet, and nobody has acknowledged it. ret (may be NULL): the finding as it
 * stands now, with first_time_ns, told and acknowledged (texts until the next call) and nothing
 * else. */
ET_CHECKED int et_catalog_note_finding(struct et_catalog *catalog, int64_t run,
				       const struct et_noted_finding *finding,
				       struct et_noted_finding *ret, struct et_error *err);
/* The open findings of all known suspects were seen in this run. */
ET_CHECKED int et_catalog_findings_known(struct et_catalog *catalog, int64_t run,
					 struct et_error *err);
/* What this run saw it has reported, too. */
ET_CHECKED int et_catalog_findings_told(struct et_catalog *catalog, int64_t run,
					struct et_error *err);
/* The last run that reported what it saw; 0: none did. */
ET_CHECKED int et_catalog_last_told(struct et_catalog *catalog, int64_t *ret, struct et_error *err);
ET_CHECKED int et_catalog_resolve(struct et_catalog *catalog, int64_t run,
				  const struct et_noted_finding *finding, const char *resolution,
				  int64_t delay_ns, struct et_error *err);
/* Acknowledges an open finding in the place of what was said before; time_ns 0: takes that back. */
ET_CHECKED int et_catalog_acknowledge(struct et_catalog *catalog,
				      const struct et_noted_finding *finding,
				      const struct et_acknowledgement *acknowledgement,
				      struct et_error *err);
struct et_finding_list;
/* The highest version that is noted as lost of an aggregate in a life, and still open: 1, or 0. */
ET_CHECKED int et_catalog_lost(struct et_catalog *catalog, const struct et_uuid *aggregate,
			       unsigned life, uint64_t *ret_version, struct et_error *err);
/* By aggregate, life, version: the open ones of an aggregate's verdict; the open ones that this run
 * did not see; all open ones; all there ever were. */
ET_CHECKED int et_finding_list_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
				  struct et_finding_list **ret, struct et_error *err);
ET_CHECKED int et_finding_list_gone(struct et_catalog *catalog, int64_t run,
				    struct et_finding_list **ret, struct et_error *err);
ET_CHECKED int et_finding_list_open(struct et_catalog *catalog, struct et_finding_list **ret,
				    struct et_error *err);
ET_CHECKED int et_finding_list_all(struct et_catalog *catalog, struct et_finding_list **ret,
				   struct et_error *err);
/* Those of an aggregate, open or not, that are about a version: also runs of versions (forked,
 * store_lost), whatever their first one is. */
ET_CHECKED int et_finding_list_about(struct et_catalog *catalog, const struct et_uuid *aggregate,
				     uint64_t version, struct et_finding_list **ret,
				     struct et_error *err);
ET_CHECKED int et_finding_list_next(struct et_finding_list *list, struct et_noted_finding *ret,
				    struct et_error *err);
void et_finding_list_free(struct et_finding_list *list);
ET_CLEANUP_DEFINE(et_finding_list, et_finding_list_free);

/* ---- the losses of one run, by time (a temporary table: memory does not grow with them) ---- */

#define ET_LOSS_RECOVERABLE 1u
#define ET_LOSS_NEW 2u
/* Lost some time from `after` to `before`. */
struct et_noted_loss {
	int64_t after_ns;
	int64_t before_ns;
	struct et_uuid device;
	unsigned kind; /* of its event */
	unsigned flags;
	uint64_t after_position;
	uint64_t before_position;
};
ET_CHECKED int et_catalog_loss_add(struct et_catalog *catalog, const struct et_noted_loss *loss,
				   struct et_error *err);
struct et_loss_list;
/* By `before`, then `after`. */
ET_CHECKED int et_loss_list_open(struct et_catalog *catalog, struct et_loss_list **ret,
				 struct et_error *err);
ET_CHECKED int et_loss_list_next(struct et_loss_list *list, struct et_noted_loss *ret,
				 struct et_error *err);
void et_loss_list_free(struct et_loss_list *list);
ET_CLEANUP_DEFINE(et_loss_list, et_loss_list_free);

#endif
