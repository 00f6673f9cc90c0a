/* SPDX-License-Identifier: Apache-2.0 */
#include "command/snapshot.h"

#include <inttypes.h>
#include <sys/statvfs.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/verbs.h"
#include "stream/info.h"

/* Sequences at the end of the last archive that are tried for the comparison. */
#define LOOK_BACK 64u
#define MIB 1048576.0

struct planned {
	struct et_archive_entry last; /* the newest archive of the identity */
	bool has_last;
	uint64_t next_seq;
};

/* ---- which identity ---- */

/* The newest of created, created.2, created.3 ... that has archives; created itself: none has. */
static int
find_identity(struct et_state *state, const char *created, char ret[ET_IDENTITY_TEXT_BYTES],
	      struct planned *planned, unsigned *ret_number, struct et_error *err)
{
	char name[ET_IDENTITY_TEXT_BYTES];
	struct et_archive_entry entry;
	int r;

	(void)snprintf(ret, ET_IDENTITY_TEXT_BYTES, "%s", created);
	*ret_number = 1;
	for (unsigned k = 1;; k++) {
		if (k == 1)
			(void)snprintf(name, sizeof(name), "%.40s", created);
		else
			(void)snprintf(name, sizeof(name), "%.40s.%u", created, k);
		r = et_catalog_last_archive(state->catalog, name, &entry, err);
		if (r <= 0)
			return r;
		(void)snprintf(ret, ET_IDENTITY_TEXT_BYTES, "%s", name);
		planned->last = entry;
		planned->has_last = true;
		*ret_number = k;
	}
}

static bool
same_record(const struct et_record *a, const struct et_record *b)
{
	return a->seq == b->seq && a->time_ns == b->time_ns && a->subject.size == b->subject.size &&
	       a->body.size == b->body.size &&
	       memcmp(a->subject.data, b->subject.data, a->subject.size) == 0 &&
	       (a->body.size == 0 || memcmp(a->body.data, b->body.data, a->body.size) == 0);
}

/* 1: the stream still has the record, and it is the same; 0: it has another one there; ET_GONE:
 * none. */
static int
compare_record(struct et_conn *conn, const char *stream, const struct et_record *archived,
	       struct et_error *err)
{
	struct et_record now;
	struct et_buf buf;
	int r;

	et_buf_init(&buf, ET_STREAM_REPLY_BYTES_MAX);
	r = et_stream_get(conn, stream, archived->seq, &buf, &now, err);
	if (r == 0)
		r = same_record(archived, &now) ? 1 : 0;
	et_buf_done(&buf);
	return r;
}

/* Identity is checked, not believed: the last archived record that still exists must be the
 * stream's. */
static int
check_same(struct et_state *state, struct et_conn *conn, const struct et_stream_info *info,
	   const struct et_archive_entry *last, bool *ret_same, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_record record;
	uint64_t seq = last->last_seq;
	int r;

	*ret_same = info->last_seq >= last->last_seq;
	if (!*ret_same || last->messages == 0)
		return 0;
	r = et_state_open_archive(state, last, &reader, err);
	if (r < 0)
		return r;
	for (unsigned tries = 0;
	     tries < LOOK_BACK && seq >= last->first_seq && seq >= info->first_seq;
	     tries++, seq--) {
		r = et_reader_record(reader, seq, &record, NULL, err);
		if (r == 0)
			r = compare_record(conn, state->options->stream, &record, err);
		if (r == ET_GONE)
			continue;
		if (r >= 0)
			*ret_same = r == 1;
		return r < 0 ? r : 0;
	}
	et_error_clear(err); /* all of them expired or deleted: nothing speaks against it */
	return 0;
}

static int
plan(struct et_state *state, struct et_conn *conn, const struct et_stream_info *info,
     struct planned *planned, struct et_snapshot *snapshot, struct et_error *err)
{
	char last_identity[ET_IDENTITY_TEXT_BYTES] = "";
	unsigned number = 1;
	bool same = true;
	int r;

	r = find_identity(state, info->identity, snapshot->identity, planned, &number, err);
	if (r == 0 && planned->has_last)
		r = check_same(state, conn, info, &planned->last, &same, err);
	if (r < 0)
		return r;
	r = et_catalog_last_identity(state->catalog, last_identity, err);
	if (r < 0)
		return r;
	snapshot->new_identity = r > 0 && !planned->has_last;
	if (!same) {
		snapshot->rolled_back = true;
		planned->has_last = false;
		(void)snprintf(snapshot->identity, sizeof(snapshot->identity), "%.40s.%u",
			       info->identity, number + 1);
	}
	planned->next_seq = planned->has_last ? planned->last.last_seq + 1 : info->first_seq;
	return 0;
}

/* ---- the tree goes on from the last archive ---- */

static int
restore_tree(struct et_state *state, const struct planned *planned, struct et_merkle *tree,
	     struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	const struct et_tree_head *head;
	int r;

	if (!planned->has_last)
		return 0;
	r = et_state_open_archive(state, &planned->last, &reader, err);
	if (r < 0)
		return et_error_wrap(err, r, "go on from the last archive");
	head = &et_reader_statement(reader)->after;
	return et_merkle_restore(tree, head->size, head->edge, head->edge_count, err);
}

/* ---- running ---- */

/* Archives have a fifth to a third of the stream's bytes. What fits is archived all the same: an
 * archive is worth more than a reason not to make one. */
static void
warn_of_space(const char *dir, const struct et_stream_info *info, uint64_t first, uint64_t last)
{
	uint64_t count = last - first + 1;
	double share = info->messages > 0 ? (double)count / (double)info->messages : 0;
	double needed = (share < 1 ? share : 1) * (double)info->bytes / 3;
	struct statvfs room;
	double there;

	if (statvfs(dir, &room) != 0)
		return;
	there = (double)room.f_bavail * (double)room.f_frsize;
	if (there < needed)
		et_log(ET_LOG_WARNING,
		       "%.1f MiB are free in %s, and about %.1f MiB are to be archived",
		       there / MIB, dir, needed / MIB);
}

static int
archive_next(struct et_state *state, struct et_conn *conn, const struct et_stream_info *info,
	     const struct planned *planned, et_touched_hook *touched, void *cookie,
	     struct et_snapshot *snapshot, struct et_error *err)
{
	const struct et_options *options = state->options;
	ET_CLEAN_MEM char *dir = et_state_identity_dir(state, snapshot->identity);
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	struct et_archiver_range range = {
		.options = options,
		.state = state,
		.dir = dir,
		.identity = snapshot->identity,
		.tree = tree,
		.first_seq = planned->next_seq,
		.last_seq = snapshot->stream_last,
		.expired_to = info->first_seq > planned->next_seq ? info->first_seq - 1 : 0,
		.from_time_ns = ET_TIME_NONE,
		.to_time_ns = options->to_time,
		.touched = touched,
		.touched_cookie = cookie,
	};
	int r;

	if (range.expired_to > range.last_seq)
		range.expired_to = range.last_seq;
	r = restore_tree(state, planned, tree, err);
	if (r < 0)
		return r;
	warn_of_space(state->dir, info, range.first_seq, range.last_seq);
	return et_archive_range(conn, &range, &snapshot->archived, err);
}

/* Up to when the archives are whole, by the server's clock and by ours: for audits without a
 * snapshot. */
static int
note_end(struct et_state *state, const struct et_snapshot *snapshot, int64_t frozen_ns,
	 struct et_error *err)
{
	char end[ET_TIME_TEXT_BYTES];
	char ours[ET_TIME_TEXT_BYTES];
	ET_CLEAN_MEM char *note = et_format("%s %s", et_time_format(snapshot->cut_time_ns, end),
					    et_time_format(frozen_ns, ours));

	return et_catalog_set(state->catalog, ET_ARCHIVED_UNTIL, note, err);
}

int
et_snapshot_run(struct et_state *state, struct et_conn *conn, et_touched_hook *touched,
		void *cookie, struct et_snapshot *ret, struct et_error *err)
{
	const struct et_options *options = state->options;
	int64_t frozen_ns = et_clock_now_ns();
	struct et_stream_info info = { 0 };
	struct planned planned = { 0 };
	int r;

	*ret = (struct et_snapshot){ 0 };
	r = et_stream_info_read(conn, options->stream, &info, err);
	if (r < 0)
		return r;
	ret->stream_first = info.first_seq;
	ret->stream_last = info.last_seq;
	ret->cut_time_ns =
		info.server_time_ns != ET_TIME_NONE ? info.server_time_ns : et_clock_now_ns();
	if (options->to_seq > 0 && options->to_seq < ret->stream_last)
		ret->stream_last = options->to_seq;
	r = plan(state, conn, &info, &planned, ret, err);
	if (r == 0 && planned.next_seq <= ret->stream_last)
		r = archive_next(state, conn, &info, &planned, touched, cookie, ret, err);
	if (r == 0 && ret->stream_last == info.last_seq && !ret->archived.partial &&
	    options->to_time == ET_TIME_NONE)
		r = note_end(state, ret, frozen_ns, err);
	et_stream_info_done(&info);
	return r;
}

enum et_status
et_snapshot_status(const struct et_snapshot *snapshot)
{
	bool complete = !snapshot->archived.partial && snapshot->archived.hole_seqs == 0 &&
			!snapshot->rolled_back;

	return complete ? ET_STATUS_CLEAN : ET_STATUS_INCOMPLETE;
}

unsigned
et_snapshot_notes(const struct et_snapshot *snapshot, char notes[ET_SNAPSHOT_NOTES][256])
{
	unsigned n = 0;

	if (snapshot->rolled_back)
		(void)snprintf(
			notes[n++], 256,
			"the stream was rolled back: it no longer holds what was archived of it; "
			"its messages go on as %s",
			snapshot->identity);
	else if (snapshot->new_identity)
		(void)snprintf(notes[n++], 256,
			       "the stream was made again (or restored): it is archived as %s",
			       snapshot->identity);
	if (snapshot->archived.hole_seqs > 0)
		(void)snprintf(notes[n++], 256,
			       "%" PRIu64 " sequences could not be archived (%" PRIu64
			       " of them expired before they "
			       "were read): see `evtrail info`",
			       snapshot->archived.hole_seqs, snapshot->archived.expired_seqs);
	if (snapshot->archived.partial && snapshot->archived.last_seq == 0)
		(void)snprintf(notes[n++], 256, "ended before anything was archived");
	else if (snapshot->archived.partial)
		(void)snprintf(
			notes[n++], 256,
			"ended before the end of the stream: the next run goes on at sequence "
			"%" PRIu64,
			snapshot->archived.last_seq + 1);
	return n;
}
