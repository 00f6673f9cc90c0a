/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server says of a stream, and single messages of it. The JSON is
 * read as it comes, not through the client library's structs, which drop what
 * they do not know.
 */
#ifndef ET_STREAM_INFO_H
#define ET_STREAM_INFO_H

#include "base/clock.h"
#include "event/record.h"
#include "stream/conn.h"

struct et_stream_info {
	char *name;
	int64_t created_ns;                /* with the name: the identity of the stream */
	char identity[ET_TIME_TEXT_BYTES]; /* "20261125T025705.696783913Z" */
	uint64_t first_seq;                /* of an empty stream: last_seq + 1 */
	uint64_t last_seq;
	int64_t first_time_ns; /* ET_TIME_NONE when the stream is empty */
	int64_t last_time_ns;
	uint64_t messages;
	uint64_t bytes;
	uint64_t num_deleted;   /* absent inside [first_seq, last_seq] */
	int64_t server_time_ns; /* the server's clock at the answer; ET_TIME_NONE before 2.10 */
	char *config_json;      /* the "config" object as it came (compact): every field kept */
};

/* False for what the server would not take as a name (dots, spaces, wildcards, slashes). Pure. */
bool et_stream_name_ok(const char *name);

/* ET_GONE when there is no such stream, with a hint that names those there are; ET_UNAVAILABLE
 * when JetStream is off. Free with et_stream_info_done. */
ET_CHECKED int et_stream_info_read(struct et_conn *conn, const char *stream,
				   struct et_stream_info *ret, struct et_error *err);
/* The pure part: the reply's bytes. ET_GARBLED; else as et_api_reply_error. */
ET_CHECKED int et_stream_info_parse(struct et_slice json, struct et_stream_info *ret,
				    struct et_error *err);
void et_stream_info_done(struct et_stream_info *info);

/* The names of all streams, comma separated and sorted, appended to out; *ret_count may be NULL. */
ET_CHECKED int et_stream_names(struct et_conn *conn, struct et_buf *out, size_t *ret_count,
			       struct et_error *err);

/* One message by sequence (STREAM.MSG.GET: the leader's answer, not a mirror's). `out` is reset and
 * receives the bytes, the record borrows them. ET_GONE when there is no message at that sequence
 * (or no such stream); ET_GARBLED. */
ET_CHECKED int et_stream_get(struct et_conn *conn, const char *stream, uint64_t seq,
			     struct et_buf *out, struct et_record *ret, struct et_error *err);
/* The first message at or behind `seq`, in one request: the server steps over what was deleted.
 * ET_GONE when there is none. Servers that do not know how to (before 2.8) answer as to
 * et_stream_get; those that tell their clock (et_stream_info) do know. */
ET_CHECKED int et_stream_get_next(struct et_conn *conn, const char *stream, uint64_t seq,
				  struct et_buf *out, struct et_record *ret, struct et_error *err);
/* The pure part. */
ET_CHECKED int et_stream_get_parse(struct et_slice json, struct et_buf *out, struct et_record *ret,
				   struct et_error *err);

/* 0 when the reply has no "error" object, else its words and: ET_GONE (404), ET_UNAVAILABLE (503,
 * JetStream off), ET_DENIED (401, 403), ET_CONFLICT (400 and anything else). Pure. */
ET_CHECKED int et_api_reply_error(struct et_slice json, struct et_error *err);

#endif
