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
#include "base/digest.h"
#include "base/seqset.h"
#include "base/uuid5.h"
#include "catalog/findings.h"
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
 * not; of a device that waits for et_rebuild all are taken for new. */
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

/* Positions are the sequences of all identities on one line, in the order of time: sequence +
 * shift, modulo 2^64; the first identity's shift is 0, so that its positions are its sequences.
 * Between two identities lie this many positions and more. Coverage, devices, links events and the
 * set of holes know positions only. */
#define ET_IDENTITIES_APART (UINT64_C(1) << 32)
/* 1, or 0: nothing of the identity is archived. */
ET_CHECKED int et_catalog_shift(struct et_catalog *catalog, const char *identity, uint64_t *ret,
				struct et_error *err);
/* Which sequence a position is: 1, or 0 when nothing is archived. */
ET_CHECKED int et_catalog_position(struct et_catalog *catalog, uint64_t position,
				   char ret_identity[ET_IDENTITY_TEXT_BYTES], uint64_t *ret_seq,
				   struct et_error *err);

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
/* Adds the positions of all holes. */
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
	unsigned epoch;      /* 0 is the oldest; event/lives.h */
	bool whole;          /* the device's newest epoch, one span that begins at version 0 ... */
	uint64_t whole_last; /* ... and ends here: `spans` need not be read */
	uint64_t messages;   /* duplicates included */
	uint64_t duplicates;
	struct et_slice spans; /* for et_coverage_decode */
};

struct et_cover_list;
/* All of it, ordered by aggregate, device and epoch. */
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

/* The time of the last snapshot on the stream that a hub made with the event below it: older hubs
 * published them, current ones do not (docs/plgd.md, Truncation). ET_TIME_NONE: none. */
ET_CHECKED int et_catalog_last_snapshot_time(struct et_catalog *catalog, int64_t *ret,
					     struct et_error *err);

/* What the stream says of a device. Positions are 0 where there is none. */
struct et_device {
	uint64_t registered; /* first devicesregistered */
	uint64_t first_event;
	/* Registered before any event, then version 0 of its metadata or links first: the time of
	 * that one, else ET_TIME_NONE. */
	int64_t born_ns;
	uint64_t malformed_first;
	uint64_t malformed_last;
	uint64_t last;  /* of any message: as long as it stays, nothing is new of the device */
	unsigned epoch; /* number of the newest one */
	int64_t epoch_start_ns; /* event time; when epoch > 0 */
	int64_t own_ns; /* event time of the last version 0 of its links or metadata there */
	bool rebuild;   /* its coverage waits for et_rebuild */
};
/* 1, or 0 for a device that was never seen. */
ET_CHECKED int et_catalog_device(struct et_catalog *catalog, const struct et_uuid *device,
				 struct et_device *ret, struct et_error *err);

/* The next `room` devices behind `after` (zero UUID: from the start), by id: all that the stream
 * has shown, be it by a registration alone. */
ET_CHECKED int et_catalog_devices(struct et_catalog *catalog, const struct et_uuid *after,
				  struct et_uuid *devices, size_t room, size_t *ret_count,
				  struct et_error *err);

/* An epoch of a device behind the oldest one, which has none of these. */
struct et_noted_epoch {
	unsigned number;
	int64_t start_ns; /* event time of its first event */
	uint64_t start;   /* its position */
	bool registered;  /* a devicesregistered lies between it and the one before */
};
/* By number. Free the list with free(). */
ET_CHECKED int et_catalog_epochs(struct et_catalog *catalog, const struct et_uuid *device,
				 struct et_noted_epoch **ret, size_t *ret_count,
				 struct et_error *err);

/* An event that does not simply go on where coverage ends (a version that comes again, a late one
 * of an older life) leaves its device to be walked from its beginning: the devices that wait, at
 * most `room`, by id. */
ET_CHECKED int et_rebuild_wanted(struct et_catalog *catalog, struct et_uuid *devices, size_t room,
				 size_t *ret_count, struct et_error *err);
/* Makes the coverage of these devices anew from all of their rows, in any order. One transaction,
 * closed by finish; freed without finish it never was. Memory does not grow with the rows. */
struct et_rebuild;
ET_CHECKED int et_rebuild_open(struct et_catalog *catalog, struct et_rebuild **ret,
			       struct et_error *err);
/* shift: that of the archive's identity. Rows of classes that tell nothing are passed over. */
ET_CHECKED int et_rebuild_add(struct et_rebuild *rebuild, const struct et_row *row, uint64_t shift,
			      struct et_error *err);
ET_CHECKED int et_rebuild_finish(struct et_rebuild *rebuild, const struct et_uuid *devices,
				 size_t count, struct et_error *err);
void et_rebuild_free(struct et_rebuild *rebuild);
ET_CLEANUP_DEFINE(et_rebuild, et_rebuild_free);

/* A resource-links event of a device on the stream (for the rule on forced commands). */
struct et_links_event {
	uint64_t position;
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

/* Versions of an aggregate with the time, by our own clock, at which an audit saw them. */
enum et_noted {
	ET_NOTED_LATEST = 0, /* latestversion in the store */
	ET_NOTED_AHEAD = 1,  /* last version on the stream, above it */
};
struct et_note {
	int64_t time_ns;
	uint64_t version;
};
#define ET_NOTES_MOST 8
/* Notes a version unless it is the last one noted. Kept are the notes of the last `settle`, at
 * most ET_NOTES_MOST, and the newest one before it. */
ET_CHECKED int et_catalog_note(struct et_catalog *catalog, const struct et_uuid *aggregate,
			       enum et_noted what, int64_t now_ns, int64_t settle_ns,
			       uint64_t version, struct et_error *err);
/* The newest note of that time or before: 1, or 0. */
ET_CHECKED int et_catalog_noted(struct et_catalog *catalog, const struct et_uuid *aggregate,
				enum et_noted what, int64_t until_ns, struct et_note *ret,
				struct et_error *err);
ET_CHECKED int et_catalog_note_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
				    enum et_noted what, struct et_error *err);
/* Drops the notes of what is no suspect any more. */
ET_CHECKED int et_catalog_notes_sweep(struct et_catalog *catalog, struct et_error *err);

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
/* One run: 1, or 0 when there is none of that number. */
ET_CHECKED int et_catalog_run(struct et_catalog *catalog, int64_t id, struct et_run *ret,
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
	bool known; /* the verdict of an earlier run holds */
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
					uint64_t *ret_known, struct et_error *err);

/* ---- verdicts that hold until something changes ---- */

/* What an audit made of a suspect, where nothing of it was in flight. It holds as long as the store
 * says the same and no further message of the device was archived; whatever else a verdict depends
 * on is the caller's to compare (et_catalog_verdicts_forget). */
struct et_verdict {
	struct et_uuid aggregate;
	struct et_uuid device;
	bool in_store;
	uint64_t latest_version;
	uint64_t first_version;
	int64_t run;           /* that made it: findings that were seen before it are not its own */
	bool alive;            /* the store has other documents of the device */
	struct et_slice tally; /* the caller's own form */
};
ET_CHECKED int et_catalog_verdict_put(struct et_catalog *catalog, const struct et_verdict *verdict,
				      struct et_error *err);
ET_CHECKED int et_catalog_verdict_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
				       struct et_error *err);
ET_CHECKED int et_catalog_verdict_tally(struct et_catalog *catalog, const struct et_uuid *aggregate,
					struct et_buf *ret, struct et_error *err);
ET_CHECKED int et_catalog_verdicts_forget(struct et_catalog *catalog, struct et_error *err);
/* Marks the suspects whose verdict holds. */
ET_CHECKED int et_catalog_suspects_known(struct et_catalog *catalog, struct et_error *err);

/* ---- rescue copies (command/rescue.h): which documents lie where ---- */

#define ET_RESCUE_NAME_BYTES 40

struct et_rescued {
	struct et_uuid aggregate;
	struct et_sha256 sha256; /* of the document */
	uint64_t latest_version;
	char file[ET_RESCUE_NAME_BYTES];
	uint64_t start; /* in the file */
	uint64_t bytes;
	int64_t saved_ns;
};
struct et_rescued_list {
	struct et_rescued *items;
	size_t count;
	size_t capacity;
};
struct et_rescue_file {
	char name[ET_RESCUE_NAME_BYTES];
	uint64_t bytes;
	uint64_t copies; /* 0: it can be removed */
	uint64_t copy_bytes;
};
struct et_rescue_file_list {
	struct et_rescue_file *items;
	size_t count;
	size_t capacity;
};
struct et_rescue_totals {
	uint64_t copies;
	uint64_t bytes;
	int64_t oldest_ns; /* ET_TIME_NONE: there is none */
	uint64_t files;
	uint64_t file_bytes;
};
/* A file that is there from now on. */
ET_CHECKED int et_catalog_rescue_file_add(struct et_catalog *catalog, const char *name,
					  uint64_t bytes, struct et_error *err);
/* Forgets a file and its copies; *ret_copies (may be NULL) says how many. */
ET_CHECKED int et_catalog_rescue_file_drop(struct et_catalog *catalog, const char *name,
					   uint64_t *ret_copies, struct et_error *err);
/* All files, by name. The list is zero-initialised or was filled before; free its items. */
ET_CHECKED int et_catalog_rescue_files(struct et_catalog *catalog, struct et_rescue_file_list *ret,
				       struct et_error *err);
/* A copy; takes the place of one of the same bytes. */
ET_CHECKED int et_catalog_rescue_add(struct et_catalog *catalog, const struct et_rescued *copy,
				     struct et_error *err);
/* 1 when there is a copy of these bytes, or 0. */
ET_CHECKED int et_catalog_rescue_has(struct et_catalog *catalog, const struct et_uuid *aggregate,
				     const struct et_sha256 *sha256, struct et_error *err);
/* The copies of an aggregate, newest first; those of a file, in order of where they lie. Lists as
 * above. */
ET_CHECKED int et_catalog_rescued_of(struct et_catalog *catalog, const struct et_uuid *aggregate,
				     struct et_rescued_list *ret, struct et_error *err);
ET_CHECKED int et_catalog_rescued_in(struct et_catalog *catalog, const char *file,
				     struct et_rescued_list *ret, struct et_error *err);
/* Drops one copy; all of an aggregate when sha256 is NULL. *ret_copies says how many. */
ET_CHECKED int et_catalog_rescue_drop(struct et_catalog *catalog, const struct et_uuid *aggregate,
				      const struct et_sha256 *sha256, uint64_t *ret_copies,
				      struct et_error *err);
/* The next aggregate behind `after` that has a copy: 1, or 0. */
ET_CHECKED int et_catalog_rescue_next(struct et_catalog *catalog, const struct et_uuid *after,
				      struct et_uuid *ret, struct et_error *err);
ET_CHECKED int et_catalog_rescue_totals(struct et_catalog *catalog, struct et_rescue_totals *ret,
					struct et_error *err);
bool et_catalog_in_transaction(const struct et_catalog *catalog);
/* Makes what was committed survive a power cut as well: a file must not go before its rows are gone
 * for good. Not inside a transaction. */
ET_CHECKED int et_catalog_harden(struct et_catalog *catalog, struct et_error *err);

#endif
