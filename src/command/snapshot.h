/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archiving what is new on the stream: which identity it is, whether it was
 * rolled back, which range comes next.
 */
#ifndef ET_COMMAND_SNAPSHOT_H
#define ET_COMMAND_SNAPSHOT_H

#include "command/archiver.h"
#include "command/status.h"
#include "stream/conn.h"

struct et_snapshot {
	char identity[ET_IDENTITY_TEXT_BYTES];
	uint64_t stream_first; /* of the stream, at the start */
	uint64_t stream_last;  /* the end of the range, frozen at the start */
	/* When the end was frozen, by the server's clock where it tells, else by ours. */
	int64_t cut_time_ns;
	struct et_archived archived;
	bool new_identity; /* another stream than the last time: made again, or restored */
	bool rolled_back;  /* the same stream, and not what was archived of it */
};

/* The catalog's note of the last snapshot that reached the end of the stream: when that end was
 * frozen, by the server's clock and by ours: two times with a blank between. */
#define ET_ARCHIVED_UNTIL "archived_until"

/* Archives up to the stream's last sequence (or --to-seq, --to-time). The status of what
 * happened is et_snapshot_status. `touched` as in et_take_watch; may be NULL. */
ET_CHECKED int et_snapshot_run(struct et_state *state, struct et_conn *conn,
			       et_touched_hook *touched, void *cookie, struct et_snapshot *ret,
			       struct et_error *err);
enum et_status et_snapshot_status(const struct et_snapshot *snapshot);
/* One line about what is not right, for notes and stderr: 0 ... ET_SNAPSHOT_NOTES texts. */
#define ET_SNAPSHOT_NOTES 4
unsigned et_snapshot_notes(const struct et_snapshot *snapshot, char notes[ET_SNAPSHOT_NOTES][256]);

/* The connection that the options describe. */
ET_CHECKED int et_connect_stream(const struct et_options *options, struct et_conn **ret,
				 struct et_error *err);
struct et_source;
/* The file of --store dump:FILE; NULL: the store is something else. */
const char *et_store_dump(const struct et_options *options);
/* --store is gateway, or gateway+http. */
bool et_store_gateway(const struct et_options *options);
/* ET_USAGE when --store is none of those that there are, its file cannot be read, or what the
 * gateway needs is not given; ET_CONFIG when that is no good: before anything is done. */
ET_CHECKED int et_store_check(const struct et_options *options, struct et_error *err);
/* Opens whichever --store says. */
ET_CHECKED int et_connect_store(const struct et_options *options, struct et_source **ret,
				struct et_error *err);
/* The text of a secret file without its line end; free with et_secret_free, which wipes it. NULL
 * path: NULL. */
ET_CHECKED int et_secret_read(const char *path, char **ret, struct et_error *err);
void et_secret_free(char *secret);

#endif
