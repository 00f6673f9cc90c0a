/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: one SQLite file (catalog.db, WAL) beside the archives. It knows
 * which archives there are and, per (aggregate, epoch), which versions the
 * stream has shown. All of that can be made again from the archives
 * (`reindex`); only what audits noted (latestversions, findings, rescue
 * copies, runs) lives here alone.
 *
 * A handle belongs to one thread. A writer holds the state's lock; readers
 * open read-only. Slices and pointers that an iterator hands out end with its
 * next step.
 */
#ifndef ET_CATALOG_CATALOG_H
#define ET_CATALOG_CATALOG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/seqset.h"
#include "base/uuid5.h"
#include "event/coverage.h"
#include "event/row.h"

struct et_catalog;

/* Opens DIR/catalog.db, creating and migrating it unless read_only. ET_GONE when it is not there
 * and read_only; ET_CONFIG for a catalog of a newer evtrail; ET_CORRUPT when SQLite says so. */
ET_CHECKED int et_catalog_open(const char *dir, bool read_only, struct et_catalog **ret,
			       struct et_error *err);
void et_catalog_free(struct et_catalog *catalog);
ET_CLEANUP_DEFINE(et_catalog, et_catalog_free);

/* Transactions nest: only the outermost one counts. A catalog freed inside one rolls back. */
ET_CHECKED int et_catalog_begin(struct et_catalog *catalog, struct et_error *err);
ET_CHECKED int et_catalog_commit(struct et_catalog *catalog, struct et_error *err);
void et_catalog_rollback(struct et_catalog *catalog);

/* Notes about the state itself ("stream", "store", "clean_at", ...). 1 and the text in out, 0: not
 * noted. */
ET_CHECKED int et_catalog_get(struct et_catalog *catalog, const char *key, struct et_buf *out,
			      struct et_error *err);
ET_CHECKED int et_catalog_set(struct et_catalog *catalog, const char *key, const char *value,
			      struct et_error *err);

/* ---- archives ---- */

#define ET_IDENTITY_TEXT_BYTES 64

struct et_archive_entry {
	char identity[ET_IDENTITY_TEXT_BYTES];
	char name[160]; /* file name in the identity's directory */
	uint64_t first_seq;
	uint64_t last_seq;
	uint64_t messages;
	uint64_t events;
	uint64_t registrations;
	uint64_t foreign;
	uint64_t malformed;
	uint64_t raw_bytes;
	uint64_t bytes;
	int64_t first_time_ns;
	int64_t last_time_ns;
	uint64_t tree_size; /* behind it */
};

struct et_noted_hole {
	char identity[ET_IDENTITY_TEXT_BYTES];
	uint64_t first_seq;
	uint64_t last_seq;
	char type[32]; /* as in the manifest, or ET_HOLE_MISSING */
};

/* An archive that should lie there does not. */
#define ET_HOLE_MISSING "missing"

/* Takes an archive in: its entry and holes, then its rows in the order of et_rows_sort, in any
 * portions. One transaction, closed by finish; freed without finish it never was. ET_CONFLICT when
 * an archive of the identity begins there already. Cost: one lookup and one write per aggregate
 * that the rows name. */
struct et_take;
/* Called for each aggregate that an archive adds to: how many of its messages were new, how many
 * not. */
typedef int et_touched_hook(void *cookie, const struct et_uuid *aggregate, uint64_t added,
			    uint64_t duplicates, struct et_error *err);
ET_CHECKED int et_take_open(struct et_catalog *catalog, const struct et_archive_entry *entry,
			    const struct et_noted_hole *holes, size_t hole_count,
			    struct et_take **ret, struct et_error *err);
void et_take_watch(struct et_take *take, et_touched_hook *hook, void *cookie);
ET_CHECKED int et_take_rows(struct et_take *take, const struct et_row *rows, size_t count,
			    struct et_error *err);
ET_CHECKED int et_take_finish(struct et_take *take, struct et_error *err);
void et_take_free(struct et_take *take);
ET_CLEANUP_DEFINE(et_take, et_take_free);

/* Puts one entry in the place of those that it merges (compact): same range, same coverage. */
ET_CHECKED int et_catalog_replace_archives(struct et_catalog *catalog,
					   const struct et_archive_entry *entry,
					   struct et_error *err);
/* Forgets archives and coverage, keeps what audits noted (reindex). */
ET_CHECKED int et_catalog_forget_coverage(struct et_catalog *catalog, struct et_error *err);

struct et_entry_list;
/* All archives, or those of one identity (NULL: all), by identity and first sequence. */
ET_CHECKED int et_entry_list_open(struct et_catalog *catalog, const char *identity,
				  struct et_entry_list **ret, struct et_error *err);
ET_CHECKED int et_entry_list_next(struct et_entry_list *list, struct et_archive_entry *ret,
				  struct et_error *err);
void et_entry_list_free(struct et_entry_list *list);
ET_CLEANUP_DEFINE(et_entry_list, et_entry_list_free);

/* The newest archive of an identity: 1, or 0 when there is none. */
ET_CHECKED int et_catalog_last_archive(struct et_catalog *catalog, const char *identity,
				       struct et_archive_entry *ret, struct et_error *err);
/* The archive that holds this sequence: 1 or 0. */
ET_CHECKED int et_catalog_archive_at(struct et_catalog *catalog, const char *identity, uint64_t seq,
				     struct et_archive_entry *ret, struct et_error *err);
/* The identity that was archived last: 1 and its text, 0: nothing archived. */
ET_CHECKED int et_catalog_last_identity(struct et_catalog *catalog,
					char ret[ET_IDENTITY_TEXT_BYTES], struct et_error *err);
/* Holes, a batch for the report: at most `room` of them; *ret_total says how many there are. */
ET_CHECKED int et_catalog_holes(struct et_catalog *catalog, struct et_noted_hole *holes,
				size_t room, size_t *ret_count, uint64_t *ret_total,
				struct et_error *err);
/* Adds the sequences of all holes. */
ET_CHECKED int et_catalog_hole_set(struct et_catalog *catalog, struct et_seqset *set,
				   struct et_error *err);

struct et_totals {
	uint64_t archives;
	uint64_t identities;
	uint64_t first_seq; /* of the newest identity */
	uint64_t last_seq;
	uint64_t messages; /* of all identities, as are the rest */
	uint64_t events;
	uint64_t registrations;
	uint64_t foreign;
	uint64_t malformed;
	uint64_t raw_bytes;
	uint64_t bytes;
	int64_t first_time_ns; /* of the archives that hold messages; ET_TIME_NONE: none does */
	int64_t last_time_ns;
	uint64_t hole_count;
	uint64_t hole_sequences;
};
ET_CHECKED int et_catalog_totals(struct et_catalog *catalog, struct et_totals *ret,
				 struct et_error *err);

/* ---- coverage ---- */

struct et_cover {
	struct et_uuid aggregate;
	struct et_uuid device;
	enum et_family family;
	unsigned epoch;      /* 0 is the oldest */
	bool whole;          /* exactly one span that begins at version 0 ... */
	uint64_t whole_last; /* ... and ends here: `spans` need not be read */
	uint64_t messages;   /* duplicates included */
	uint64_t duplicates;
	struct et_slice spans; /* for et_coverage_decode */
};

struct et_cover_list;
/* All (aggregate, epoch), ordered by aggregate and epoch. */
ET_CHECKED int et_cover_list_open(struct et_catalog *catalog, struct et_cover_list **ret,
				  struct et_error *err);
/* The epochs of one aggregate; of all aggregates of one device. */
ET_CHECKED int et_cover_list_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
				struct et_cover_list **ret, struct et_error *err);
ET_CHECKED int et_cover_list_device(struct et_catalog *catalog, const struct et_uuid *device,
				    struct et_cover_list **ret, struct et_error *err);
ET_CHECKED int et_cover_list_next(struct et_cover_list *list, struct et_cover *ret,
				  struct et_error *err);
void et_cover_list_free(struct et_cover_list *list);
ET_CLEANUP_DEFINE(et_cover_list, et_cover_list_free);

/* The time of the last snapshot event that the stream has shown: older hubs published them, current
 * ones do not (docs/plgd.md, Truncation). ET_TIME_NONE: none. */
ET_CHECKED int et_catalog_last_snapshot_time(struct et_catalog *catalog, int64_t *ret,
					     struct et_error *err);

/* What the stream says of a device. Sequences are 0 where there is none. */
struct et_device {
	uint64_t registered_seq;   /* first devicesregistered */
	uint64_t unregistered_seq; /* last devicesunregistered */
	uint64_t first_event_seq;
	/* Registered before any event, then version 0 of its metadata or links first. */
	bool born;
	uint64_t malformed_first_seq;
	uint64_t malformed_last_seq;
};
/* 1, or 0 for a device that was never seen. */
ET_CHECKED int et_catalog_device(struct et_catalog *catalog, const struct et_uuid *device,
				 struct et_device *ret, struct et_error *err);

/* A resource-links event of a device on the stream (for the rule on forced commands). */
struct et_links_event {
	char identity[ET_IDENTITY_TEXT_BYTES];
	uint64_t seq;
	uint64_t version;
};
struct et_links_list;
ET_CHECKED int et_links_list_open(struct et_catalog *catalog, const struct et_uuid *device,
				  struct et_links_list **ret, struct et_error *err);
ET_CHECKED int et_links_list_next(struct et_links_list *list, struct et_links_event *ret,
				  struct et_error *err);
void et_links_list_free(struct et_links_list *list);
ET_CLEANUP_DEFINE(et_links_list, et_links_list_free);

/* ---- what audits note ---- */

/* A finding that outlives its run. */
struct et_noted_finding {
	struct et_uuid aggregate;
	struct et_uuid device;
	unsigned epoch;
	uint64_t version;
	const char *code;
	const char *recoverable;
};
/* Begins the findings of a run: those that are not noted again until the end are resolved. */
ET_CHECKED int et_catalog_note_finding(struct et_catalog *catalog, int64_t run,
				       const struct et_noted_finding *finding,
				       struct et_error *err);
/* Keeps the last two different (time, latestversion) of an aggregate. */
ET_CHECKED int et_catalog_note_latest(struct et_catalog *catalog, const struct et_uuid *aggregate,
				      int64_t now_ns, uint64_t latest_version,
				      struct et_error *err);

struct et_run {
	int64_t id;
	char command[16];
	int64_t started_ns;
	int64_t ended_ns; /* 0: did not end */
	int exit_status;
	char verdict[16];
	uint64_t last_seq;
	uint64_t messages; /* new in this run */
	uint64_t findings;
};
ET_CHECKED int et_catalog_run_begin(struct et_catalog *catalog, const char *command, int64_t now_ns,
				    int64_t *ret_run, struct et_error *err);
ET_CHECKED int et_catalog_run_end(struct et_catalog *catalog, const struct et_run *run,
				  struct et_error *err);
/* The last runs, newest first; at most `room`. */
ET_CHECKED int et_catalog_runs(struct et_catalog *catalog, struct et_run *runs, size_t room,
			       size_t *ret_count, struct et_error *err);

/* ---- suspects of one run (a temporary table: memory does not grow with them) ---- */

struct et_suspect {
	struct et_uuid aggregate;
	struct et_slice aggregate_id; /* as the store writes it; else canonical */
	bool in_store;
	uint64_t latest_version;
	uint64_t first_version;
};
/* One that the store has takes the place of one that it has not, never the other way round. */
ET_CHECKED int et_catalog_suspect_add(struct et_catalog *catalog, const struct et_suspect *suspect,
				      struct et_error *err);
/* True when it is one. */
ET_CHECKED int et_catalog_is_suspect(struct et_catalog *catalog, const struct et_uuid *aggregate,
				     bool *ret, struct et_error *err);
ET_CHECKED int et_catalog_suspects_clear(struct et_catalog *catalog, struct et_error *err);
/* The next `room` suspects behind `after` (zero UUID: from the start) into a batch; ids are
 * copied. */
struct et_suspect_batch {
	struct et_suspect *list;
	size_t count;
	struct et_buf ids;
};
void et_suspect_batch_done(struct et_suspect_batch *batch);
ET_CHECKED int et_catalog_suspects(struct et_catalog *catalog, const struct et_uuid *after,
				   size_t room, struct et_suspect_batch *ret, struct et_error *err);
ET_CHECKED int et_catalog_suspect_count(struct et_catalog *catalog, uint64_t *ret,
					struct et_error *err);

#endif
