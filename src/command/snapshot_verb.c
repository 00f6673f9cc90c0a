/* SPDX-License-Identifier: Apache-2.0 */
/* The command `snapshot`: into the state, or any range into a tree of its own. */
#include <inttypes.h>
#include <jansson.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/convert.h"
#include "command/place.h"
#include "command/snapshot.h"
#include "command/verbs.h"
#include "stream/info.h"

/* What there is when nothing was to be archived. */
struct there {
	uint64_t archived_to; /* in the state; 0: nothing is */
	uint64_t messages;    /* --out: of the stream */
	uint64_t last_seq;    /* --out: of the stream, whatever --to-seq says */
};

/* ---- a range of its own: --out ---- */

/* The first message from `at` on and before `end`: 1, or 0 when there is none. */
static int
message_from(struct et_conn *conn, const char *stream, const struct et_stream_info *info,
	     uint64_t at, uint64_t end, struct et_buf *buf, struct et_record *ret,
	     struct et_error *err)
{
	/* An old server may not know how to step over what was deleted. */
	bool steps = info->server_time_ns != ET_TIME_NONE;
	int r;

	do {
		r = et_cancel_check(err);
		if (r == 0)
			r = et_stream_get_next(conn, stream, at, buf, ret, err);
	} while (r == ET_GONE && !steps && ++at < end);
	if (r == ET_GONE) {
		et_error_clear(err);
		return 0;
	}
	return r < 0 ? r : ret->seq < end;
}

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
	while (low < high && r >= 0) {
		uint64_t middle = low + (high - low) / 2;

		r = message_from(conn, stream, info, middle, high, &buf, &record, err);
		if (r > 0 && record.time_ns < time_ns)
			low = record.seq + 1;
		else if (r >= 0)
			high = middle; /* too late, or nothing between middle and high */
	}
	et_buf_done(&buf);
	if (r < 0)
		return r;
	*ret = low;
	return 0;
}

/* Archives of two runs in one tree overlap, and nothing would say so. */
static int
refuse_full(const char *dir, struct et_error *err)
{
	struct et_archive_list list = { 0 };
	int r = et_archive_list_read(dir, &list, err);

	if (r == ET_GONE) {
		et_error_clear(err);
		return 0;
	}
	if (r == 0 && list.count > 0) {
		r = et_error_set(err, ET_CONFLICT, "%s holds archives already", dir);
		et_error_hint(err, "give --out another folder, or remove this one");
	}
	et_archive_list_done(&list);
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
	int r = refuse_full(dir, err);

	if (r < 0)
		return r;
	if (options->from_seq > 0 && options->from_seq < info->first_seq) {
		range.first_seq = options->from_seq;
		range.expired_to = info->first_seq - 1;
		if (range.expired_to > range.last_seq)
			range.expired_to = range.last_seq;
	}
	if (options->from_time != ET_TIME_NONE)
		r = seq_at_time(conn, options->stream, info, options->from_time, &range.first_seq,
				err);
	if (r < 0 || range.first_seq > range.last_seq)
		return r;
	return et_archive_range(conn, &range, &snapshot->archived, err);
}

static int
snapshot_out(const struct et_options *options, struct et_conn *conn, struct et_snapshot *ret,
	     struct there *there, struct et_error *err)
{
	struct et_stream_info info = { 0 };
	int r;

	r = et_stream_info_read(conn, options->stream, &info, err);
	if (r < 0)
		return r;
	*ret = (struct et_snapshot){ .stream_first = info.first_seq, .stream_last = info.last_seq };
	(void)snprintf(ret->identity, sizeof(ret->identity), "%s", info.identity);
	*there = (struct there){ .messages = info.messages, .last_seq = info.last_seq };
	if (options->to_seq > 0 && options->to_seq < ret->stream_last)
		ret->stream_last = options->to_seq;
	r = range_out(options, conn, ret, &info, err);
	et_stream_info_done(&info);
	return r;
}

/* ---- --out is outside the state ---- */

/* Archives that the catalog did not ask for would be taken for its own. */
static int
check_outside(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN_MEM char *dir = et_options_state_dir(options);
	ET_CLEAN_MEM char *in_dir = et_format("%s/archives/%s", dir, options->stream);
	ET_CLEAN_MEM char *in_out = et_format("%s/%s", options->out, options->stream);
	ET_CLEAN_MEM char *state = et_place_of(dir);
	ET_CLEAN_MEM char *archives = et_place_of(in_dir);
	ET_CLEAN_MEM char *out = et_place_of(options->out);
	ET_CLEAN_MEM char *tree = et_place_of(in_out);

	if (!et_place_lies_in(out, state) && !et_place_lies_in(tree, state) &&
	    !et_place_lies_in(out, archives) && !et_place_lies_in(tree, archives) &&
	    !et_place_lies_in(archives, tree))
		return 0;
	(void)et_error_set(err, ET_USAGE, "--out '%s' and the state '%s' lie in each other",
			   options->out, dir);
	et_error_hint(err, "give a folder outside of the state");
	return ET_USAGE;
}

/* ---- the verb ---- */

static int
check_options(const struct et_options *options, struct et_error *err)
{
	int r;

	if (options->level < 1 || options->level > 19)
		return et_error_set(err, ET_USAGE, "--level is 1 to 19");
	if (options->archive_bytes < 64u << 10)
		return et_error_set(err, ET_USAGE, "--archive-bytes is at least 64KiB");
	if ((options->from_seq > 0 || options->from_time != ET_TIME_NONE) && options->out == NULL) {
		(void)et_error_set(err, ET_USAGE, "--from-seq and --from-time need --out DIR");
		et_error_hint(err, "into the state a snapshot only appends");
		return ET_USAGE;
	}
	r = et_options_check_range(options, err);
	if (r == 0 && options->out != NULL)
		r = check_outside(options, err);
	return r;
}

static int
note_archived(struct et_state *state, const char *identity, struct there *there,
	      struct et_error *err)
{
	struct et_archive_entry last;
	int r = et_catalog_last_archive(state->catalog, identity, &last, err);

	there->archived_to = r > 0 ? last.last_seq : 0;
	return r < 0 ? r : 0;
}

static int
run(const struct et_options *options, struct et_snapshot *ret, struct there *there,
    struct et_error *err)
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
		r = state == NULL ? snapshot_out(options, conn, ret, there, err)
				  : et_snapshot_run(state, conn, NULL, NULL, ret, err);
	if (r == 0 && state != NULL)
		r = note_archived(state, ret->identity, there, err);
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
print_nothing(const struct et_options *options, const struct et_snapshot *snapshot,
	      const struct there *there)
{
	bool limited = options->to_seq > 0 && snapshot->stream_last == options->to_seq;

	if (snapshot->archived.partial)
		(void)puts("nothing was archived before the run ended");
	else if (options->out != NULL && there->messages > 0)
		(void)printf("nothing to archive: %s has no message in that range; it has "
			     "sequences %" PRIu64 " to %" PRIu64 "\n",
			     options->stream, snapshot->stream_first, there->last_seq);
	else if (limited && options->out == NULL && there->archived_to > 0)
		(void)printf("nothing new up to sequence %" PRIu64
			     ": %s is archived up to sequence %" PRIu64 "\n",
			     options->to_seq, options->stream, there->archived_to);
	else if (limited && options->out == NULL)
		(void)printf("nothing to archive up to sequence %" PRIu64
			     ": %s begins at sequence %" PRIu64 "\n",
			     options->to_seq, options->stream, snapshot->stream_first);
	else if (there->archived_to > 0)
		(void)printf("nothing new on %s%s: archived up to sequence %" PRIu64 "\n",
			     options->stream,
			     options->to_time != ET_TIME_NONE ? " before --to-time" : "",
			     there->archived_to);
	else if (snapshot->stream_first <= snapshot->stream_last)
		(void)printf("nothing to archive: %s has no message before --to-time\n",
			     options->stream);
	else
		(void)printf("nothing to archive: %s is empty\n", options->stream);
}

static void
print_text(const struct et_options *options, const struct et_snapshot *snapshot,
	   const struct there *there)
{
	const struct et_archived *archived = &snapshot->archived;
	char notes[ET_SNAPSHOT_NOTES][256];
	unsigned count = et_snapshot_notes(snapshot, notes);

	for (unsigned i = 0; i < count; i++)
		et_log(ET_LOG_WARNING, "%s", notes[i]);
	if (options->quiet)
		return;
	if (archived->archives == 0)
		print_nothing(options, snapshot, there);
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
	struct there there = { 0 };
	enum et_status status;
	int r;

	r = check_options(options, err);
	if (r == 0)
		r = run(options, &snapshot, &there, err);
	if (r < 0)
		return r;
	status = et_snapshot_status(&snapshot);
	if (options->json)
		print_json(options, &snapshot, status);
	else
		print_text(options, &snapshot, &there);
	return (int)status;
}
