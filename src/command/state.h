/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory: lock, catalog.db, archives/STREAM/IDENTITY/. One state
 * belongs to one stream and one store, noted at first use.
 */
#ifndef ET_COMMAND_STATE_H
#define ET_COMMAND_STATE_H

#include "archive/reader.h"
#include "catalog/catalog.h"
#include "command/options.h"

struct et_state {
	const struct et_options *options;
	char *dir;
	char *archives; /* DIR/archives/STREAM */
	int lock_fd;    /* -1: opened for reading */
	struct et_catalog *catalog;
};

enum et_state_mode { ET_STATE_READ, ET_STATE_WRITE, ET_STATE_CHANGE, ET_STATE_REINDEX };

/* WRITE: makes what is missing, takes the lock (ET_BUSY), sweeps leftovers, and catches the
 * catalog up with archives that it does not know yet. CHANGE: the same of a state that is there.
 * REINDEX: as WRITE, without catching up. READ: no lock. READ and CHANGE: ET_GONE when there is no
 * state. */
ET_CHECKED int et_state_open(const struct et_options *options, enum et_state_mode mode,
			     struct et_state **ret, struct et_error *err);
void et_state_free(struct et_state *state);
ET_CLEANUP_DEFINE(et_state, et_state_free);

/* Notes whose state this is, or compares: ET_CONFIG when it is another's. key: "stream",
 * "store". */
ET_CHECKED int et_state_claim(struct et_state *state, const char *key, const char *value,
			      struct et_error *err);

/* Where the archives of an identity are. Free with free(). */
char *et_state_identity_dir(const struct et_state *state, const char *identity);
/* The path of an archive. Free with free(). */
char *et_state_archive_path(const struct et_state *state, const struct et_archive_entry *entry);

/* Opens an archive that the catalog knows. When it is gone that is ET_CORRUPT, and the hint says
 * what to do. */
ET_CHECKED int et_state_open_archive(const struct et_state *state,
				     const struct et_archive_entry *entry, struct et_reader **ret,
				     struct et_error *err);

struct et_caught_up {
	uint64_t archives; /* taken in */
	uint64_t gaps;     /* noted between them as holes: archives are missing there */
	uint64_t removed;  /* that compact had merged, and did not get to remove */
};
/* Takes in every archive behind those that the catalog knows. Missing ones become holes; what
 * compact left over is finished; what does not fit is named on stderr and left alone. */
ET_CHECKED int et_state_catch_up(struct et_state *state, struct et_caught_up *ret,
				 struct et_error *err);

#endif
