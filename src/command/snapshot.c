/* SPDX-License-Identifier: Apache-2.0 */
#include "command/snapshot.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/verbs.h"
#include "stream/info.h"

#define LOOK_BACK \
	64u /* sequences at the end of the last archive that are tried for the comparison */

struct planned {
	struct et_archive_entry last; /* the newest archive of the identity */
	bool has_last;
	uint64_t next_seq;
};

/* ---- which identity ---- */

/* The newest of created, created.2, created.3 ... that has archives; created itself when none has. */
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

/* Design 4, "Identity is checked, not believed": the last archived record that still exists must
 * be the stream's. */
static int
check_same(struct et_state *state, struct et_conn *conn, const struct et_stream_info *info,
	   const struct et_archive_entry *last, bool *ret_same, struct et_error *err)
{
	ET_CLEAN_MEM char *path = et_state_archive_path(state, last);
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	struct et_record record;
	uint64_t seq = last->last_seq;
	int r;

	*ret_same = info->last_seq >= last->last_seq;
	if (!*ret_same || last->messages == 0)
		return 0;
	r = et_reader_open(path, &reader, err);
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
	ET_CLEAN_MEM char *path = NULL;
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	const struct et_tree_head *head;
	int r;

	if (!planned->has_last)
		return 0;
	path = et_state_archive_path(state, &planned->last);
	r = et_reader_open(path, &reader, err);
	if (r < 0)
		return et_error_wrap(err, r, "go on from the last archive");
	head = &et_reader_statement(reader)->after;
	return et_merkle_restore(tree, head->size, head->edge, head->edge_count, err);
}

/* ---- running ---- */

static int
archive_range(struct et_conn *conn, struct et_archiver_range *range, struct et_archived *ret,
	      struct et_error *err)
{
	ET_CLEAN(et_pull) struct et_pull *pull = NULL;
	uint64_t first =
		range->expired_to >= range->first_seq ? range->expired_to + 1 : range->first_seq;
	int r;

	r = et_pull_open(conn, range->options->stream, first, range->last_seq, &pull, err);
	if (r < 0)
		return r;
	return et_archiver_run(range, pull, ret, err);
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
	return archive_range(conn, &range, &snapshot->archived, err);
}

int
et_snapshot_run(struct et_state *state, struct et_conn *conn, et_touched_hook *touched,
		void *cookie, struct et_snapshot *ret, struct et_error *err)
{
	const struct et_options *options = state->options;
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
	if (snapshot->archived.partial)
		(void)snprintf(
			notes[n++], 256,
			"ended before the end of the stream: the next run goes on at sequence "
			"%" PRIu64,
			snapshot->archived.last_seq + 1);
	return n;
}

/* ---- a range of its own: --out ---- */

/* The first sequence whose time is not before `time_ns`, by bisection; absent sequences are
 * stepped over. */
static int
seq_at_time(struct et_conn *conn, const char *stream, const struct et_stream_info *info,
	    int64_t time_ns, uint64_t *ret, struct et_error *err)
{
	uint64_t low = info->first_seq;
	uint64_t high = info->last_seq + 1;
	struct et_record record;
	struct et_buf buf;
	int r = 0;

	et_buf_init(&buf, ET_STREAM_REPLY_BYTES_MAX);
	while (low < high && r == 0) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t at = middle;

		while ((r = et_stream_get(conn, stream, at, &buf, &record, err)) == ET_GONE &&
		       at + 1 < high)
			at++;
		if (r == ET_GONE) {
			high = middle; /* nothing between middle and high */
			r = 0;
		} else if (r == 0 && record.time_ns < time_ns) {
			low = at + 1;
		} else if (r == 0) {
			high = middle;
		}
	}
	et_buf_done(&buf);
	if (r == 0)
		*ret = low;
	return r;
}

static int
range_out(const struct et_options *options, struct et_conn *conn, struct et_snapshot *snapshot,
	  const struct et_stream_info *info, struct et_error *err)
{
	ET_CLEAN_MEM char *dir =
		et_format("%s/%s/%s", options->out, options->stream, info->identity);
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	struct et_archiver_range range = {
		.options = options,
		.dir = dir,
		.identity = info->identity,
		.tree = tree,
		.first_seq =
			options->from_seq > info->first_seq ? options->from_seq : info->first_seq,
		.last_seq = snapshot->stream_last,
		.from_time_ns = options->from_time,
		.to_time_ns = options->to_time,
	};
	int r = 0;

	if (options->from_seq > 0 && options->from_seq < info->first_seq) {
		range.first_seq = options->from_seq;
		range.expired_to = info->first_seq - 1;
	}
	if (options->from_time != ET_TIME_NONE)
		r = seq_at_time(conn, options->stream, info, options->from_time, &range.first_seq,
				err);
	if (r < 0 || range.first_seq > range.last_seq)
		return r;
	return archive_range(conn, &range, &snapshot->archived, err);
}

static int
snapshot_out(const struct et_options *options, struct et_conn *conn, struct et_snapshot *ret,
	     struct et_error *err)
{
	struct et_stream_info info = { 0 };
	int r;

	r = et_stream_info_read(conn, options->stream, &info, err);
	if (r < 0)
		return r;
	*ret = (struct et_snapshot){ .stream_first = info.first_seq, .stream_last = info.last_seq };
	(void)snprintf(ret->identity, sizeof(ret->identity), "%s", info.identity);
	if (options->to_seq > 0 && options->to_seq < ret->stream_last)
		ret->stream_last = options->to_seq;
	r = range_out(options, conn, ret, &info, err);
	et_stream_info_done(&info);
	return r;
}

/* ---- the verb ---- */

static int
check_options(const struct et_options *options, struct et_error *err)
{
	if (options->level < 1 || options->level > 19)
		return et_error_set(err, ET_USAGE, "--level is 1 to 19");
	if (options->archive_bytes < 64u << 10)
		return et_error_set(err, ET_USAGE, "--archive-bytes is at least 64KiB");
	if ((options->from_seq > 0 || options->from_time != ET_TIME_NONE) && options->out == NULL) {
		(void)et_error_set(err, ET_USAGE, "--from-seq and --from-time need --out DIR");
		et_error_hint(err, "into the state a snapshot only appends");
		return ET_USAGE;
	}
	return 0;
}

static int
run(const struct et_options *options, struct et_snapshot *ret, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	ET_CLEAN(et_conn) struct et_conn *conn = NULL;
	struct et_run noted = { .started_ns = et_clock_now_ns() };
	int r;

	if (options->out == NULL) {
		r = et_state_open(options, ET_STATE_WRITE, &state, err);
		if (r == 0)
			r = et_catalog_run_begin(state->catalog, "snapshot", noted.started_ns,
						 &noted.id, err);
		if (r < 0)
			return r;
	}
	r = et_connect_stream(options, &conn, err);
	if (r == 0)
		r = state == NULL ? snapshot_out(options, conn, ret, err)
				  : et_snapshot_run(state, conn, NULL, NULL, ret, err);
	if (state != NULL) {
		enum et_status status = r < 0 ? et_status_of(r) : et_snapshot_status(ret);

		noted.ended_ns = et_clock_now_ns();
		noted.exit_status = (int)status;
		noted.last_seq = ret->archived.last_seq;
		noted.messages = ret->archived.messages;
		(void)snprintf(noted.verdict, sizeof(noted.verdict), "%s", et_status_word(status));
		if (et_catalog_run_end(state->catalog, &noted, r < 0 ? NULL : err) < 0 && r == 0)
			r = ET_IO;
	}
	return r;
}

static void
print_text(const struct et_options *options, const struct et_snapshot *snapshot)
{
	const struct et_archived *archived = &snapshot->archived;
	char notes[ET_SNAPSHOT_NOTES][256];
	unsigned count = et_snapshot_notes(snapshot, notes);

	for (unsigned i = 0; i < count; i++)
		et_log(ET_LOG_WARNING, "%s", notes[i]);
	if (options->quiet)
		return;
	if (archived->archives == 0)
		(void)printf("nothing new on %s: archived up to sequence %" PRIu64 "\n",
			     options->stream, snapshot->stream_last);
	else
		(void)printf("archived %s %" PRIu64 " to %" PRIu64 ": %" PRIu64
			     " messages, %.1f MiB in %" PRIu64 " archive%s of %.1f MiB\n",
			     options->stream, archived->first_seq, archived->last_seq,
			     archived->messages, (double)archived->raw_bytes / 1048576.0,
			     archived->archives, archived->archives == 1 ? "" : "s",
			     (double)archived->bytes / 1048576.0);
}

static void
print_json(const struct et_options *options, const struct et_snapshot *snapshot,
	   enum et_status status)
{
	const struct et_archived *archived = &snapshot->archived;
	char notes[ET_SNAPSHOT_NOTES][256];
	unsigned count = et_snapshot_notes(snapshot, notes);
	json_t *list = json_array();
	json_t *root;

	for (unsigned i = 0; i < count; i++)
		(void)json_array_append_new(list, json_string(notes[i]));
	root = json_pack("{s:{s:s,s:s},s:s,s:s,s:i,s:{s:s,s:s,s:I,s:I},s:{s:I,s:I,s:I,s:I,s:I,s:I,"
			 "s:I},s:b,s:b,s:o}",
			 "tool", "name", "evtrail", "version", PACKAGE_VERSION, "command",
			 "snapshot", "verdict", et_status_word(status), "exit_status", (int)status,
			 "stream", "name", options->stream, "identity", snapshot->identity,
			 "first_seq", (json_int_t)snapshot->stream_first, "last_seq",
			 (json_int_t)snapshot->stream_last, "archived", "archives",
			 (json_int_t)archived->archives, "messages", (json_int_t)archived->messages,
			 "first_seq", (json_int_t)archived->first_seq, "last_seq",
			 (json_int_t)archived->last_seq, "raw_bytes",
			 (json_int_t)archived->raw_bytes, "bytes", (json_int_t)archived->bytes,
			 "hole_sequences", (json_int_t)archived->hole_seqs, "partial",
			 archived->partial, "rolled_back", snapshot->rolled_back, "notes", list);
	et_print_json(root);
}

int
et_verb_snapshot(const struct et_options *options, struct et_error *err)
{
	struct et_snapshot snapshot = { 0 };
	enum et_status status;
	int r;

	r = check_options(options, err);
	if (r == 0)
		r = run(options, &snapshot, err);
	if (r < 0)
		return r;
	status = et_snapshot_status(&snapshot);
	if (options->json)
		print_json(options, &snapshot, status);
	else
		print_text(options, &snapshot);
	return (int)status;
}
