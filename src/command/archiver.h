/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives a range of the stream: pull -> writer -> catalog, rotated. While
 * one archive is finished (index, read-back, rename, catalog) on a thread of
 * its own, the next one is already being filled.
 */
#ifndef ET_COMMAND_ARCHIVER_H
#define ET_COMMAND_ARCHIVER_H

#include "command/state.h"
#include "evidence/merkle.h"
#include "stream/pull.h"

struct et_archiver_range {
	const struct et_options *options;
	struct et_state *state; /* NULL: archives only, no catalog (--out) */
	const char *dir;        /* the identity's directory */
	const char *identity;
	struct et_merkle *tree; /* goes on from what is in it */
	uint64_t first_seq;     /* of the range */
	uint64_t last_seq;
	uint64_t expired_to;  /* first_seq ... expired_to are gone; 0: none */
	int64_t from_time_ns; /* records before it are not taken; ET_TIME_NONE */
	int64_t to_time_ns;   /* the first record at or behind it ends the range; ET_TIME_NONE */
	et_touched_hook *touched;
	void *touched_cookie;
};

struct et_archived {
	uint64_t archives;
	uint64_t messages;
	uint64_t first_seq; /* of what was written; 0: nothing */
	uint64_t last_seq;
	uint64_t raw_bytes;
	uint64_t bytes;
	uint64_t hole_seqs;    /* sequences in holes */
	uint64_t expired_seqs; /* of these, those that expired: before we came or while reading */
	bool partial;          /* ended by --max-time, --max-bytes or a signal */
};

/* What was read when a failure comes is kept: the archive in hand is finished before it returns. */
ET_CHECKED int et_archive_range(struct et_conn *conn, const struct et_archiver_range *range,
				struct et_archived *ret, struct et_error *err);

#endif
