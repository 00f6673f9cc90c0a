// SPDX-License-Identifier: Apache-2.0
/*
 * The stream room against a real nats-server. NATS_URL says which; without it
 * the result is 77 (skipped).
 *
 *	live_pull                        makes a stream of its own, tries everything, removes it
 *	live_pull read STREAM FIRST LAST reads a range and says what came, and how fast
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "stream/info.h"
#include "stream/pull.h"

#define STREAM "ET_LIVE_PULL"
#define MESSAGES 3000u
#define LARGE_BYTES (900 * 1024)
#define SKIPPED 77

static struct et_error err;

static void
fail(const char *where, int code)
{
	fprintf(stderr, "live_pull: %s: %s: %s\n", where, et_code_name(code), err.text);
	if (err.hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", err.hint);
	exit(1);
}

static void
check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "live_pull: not so: %s (%s)\n", what, err.text);
	exit(1);
}

static struct et_stream_options
options_of_environment(void)
{
	return (struct et_stream_options){
		.urls = getenv("NATS_URL"),
		.tls_ca_file = getenv("NATS_CA"),
		.tls_cert_file = getenv("NATS_CERT"),
		.tls_key_file = getenv("NATS_KEY"),
		.user = getenv("NATS_USER"),
		.password = getenv("NATS_PASSWORD"),
		.nkey_seed_file = getenv("NATS_NKEY"),
		.creds_file = getenv("NATS_CREDS"),
		.js_domain = getenv("NATS_DOMAIN"),
	};
}

static struct et_conn *
open_conn(void)
{
	struct et_stream_options options = options_of_environment();
	struct et_conn *conn = NULL;
	int r = et_conn_open(&options, &conn, &err);

	if (r < 0)
		fail("open", r);
	return conn;
}

static uint64_t
number_of(const char *text)
{
	char *end = NULL;
	uint64_t value = strtoull(text, &end, 10);

	check(end != text && *end == '\0', "a sequence is a number");
	return value;
}

static int
read_range(const char *stream, uint64_t first, uint64_t last)
{
	struct et_conn *conn = open_conn();
	struct et_pull *pull = NULL;
	struct et_record record;
	struct et_pull_state state;
	struct rusage usage;
	uint64_t count = 0;
	uint64_t bytes = 0;
	uint64_t before = first - 1;
	int64_t began_ns = et_clock_monotonic_ns();
	double seconds;
	const char *pause = getenv("PAUSE_EVERY");
	uint64_t every = pause != NULL ? number_of(pause) : 0;
	int r;

	r = et_pull_open(conn, stream, first, last, &pull, &err);
	if (r < 0)
		fail("pull", r);
	while ((r = et_pull_next(pull, &record, &err)) > 0) {
		check(record.seq > before, "sequences rise");
		if (getenv("NUMBERED") != NULL)
			check(strtoull((const char *)record.body.data, NULL, 10) == record.seq,
			      "the body is that of its sequence");
		before = record.seq;
		count++;
		bytes += record.body.size + record.subject.size + record.headers.size;
		if (every > 0 && count % every == 0)
			sleep(12);
	}
	state = et_pull_state(pull);
	seconds = (double)(et_clock_monotonic_ns() - began_ns) / 1e9;
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("%" PRIu64 " messages, %" PRIu64 " bytes, last %" PRIu64 ", stream %" PRIu64
	       "-%" PRIu64 ", %u resumes, %.2f s, %.0f msg/s, rss %ld MiB, cpu %.2f s\n",
	       count, bytes, state.delivered_seq, state.stream_first_seq, state.stream_last_seq,
	       state.resumes, seconds, (double)count / seconds, usage.ru_maxrss / 1024,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	if (r < 0)
		fail("next", r);
	et_pull_free(pull);
	et_conn_free(conn);
	return 0;
}

/* What the tests need to write: the library itself. */
struct writer {
	natsConnection *nats;
	jsCtx *js;
};

static void
must(natsStatus status, const char *what)
{
	if (status == NATS_OK)
		return;
	fprintf(stderr, "live_pull: %s: %s\n", what, natsStatus_GetText(status));
	exit(1);
}

static struct writer
open_writer(void)
{
	struct writer writer = { .nats = NULL };

	must(natsConnection_ConnectTo(&writer.nats, getenv("NATS_URL")), "connect");
	must(natsConnection_JetStream(&writer.js, writer.nats, NULL), "JetStream");
	return writer;
}

static void
close_writer(struct writer *writer)
{
	jsCtx_Destroy(writer->js);
	natsConnection_Destroy(writer->nats);
}

static void
make_stream(struct writer *writer)
{
	const char *subjects[] = { "et.live.>" };
	jsStreamConfig config;
	jsErrCode code;

	(void)js_DeleteStream(writer->js, STREAM, NULL, &code);
	must(jsStreamConfig_Init(&config), "configuration");
	config.Name = STREAM;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_FileStorage;
	must(js_AddStream(NULL, writer->js, &config, NULL, &code), "add stream");
}

static void
publish(struct writer *writer, const char *subject, const char *body, int bytes,
	const char *const *headers)
{
	natsMsg *message = NULL;

	must(natsMsg_Create(&message, subject, NULL, body, bytes), "message");
	for (; headers != NULL && *headers != NULL; headers += 2)
		must(natsMsgHeader_Add(message, headers[0], headers[1]), "header");
	must(js_PublishMsg(NULL, writer->js, message, NULL, NULL), "publish");
	natsMsg_Destroy(message);
}

static void
fill_stream(struct writer *writer)
{
	static const char *const plain[] = { "Zed", "1", "abc", "first", "abc", "second", NULL };
	static const char *const odd[] = { "Empty", "", "Time", "12:00", "Url", "http://x/", NULL };
	char *large = et_calloc(1, LARGE_BYTES);

	for (unsigned i = 1; i <= MESSAGES; i++) {
		char subject[64];
		char body[32];
		int bytes = snprintf(body, sizeof(body), "body %u", i);

		snprintf(subject, sizeof(subject), "et.live.%u", i % 7);
		if (i % 500 == 0)
			publish(writer, subject, large, LARGE_BYTES, NULL);
		else
			publish(writer, subject, body, i % 11 == 0 ? 0 : bytes,
				i % 10 == 0   ? plain
				: i % 17 == 0 ? odd
					      : NULL);
	}
	free(large);
}

/* Every record of the pull is the one that a single read gives. */
static void
compare_with_get(struct et_conn *conn, const struct et_record *record, struct et_buf *scratch)
{
	struct et_record single;
	int r = et_stream_get(conn, STREAM, record->seq, scratch, &single, &err);

	if (r < 0)
		fail("get", r);
	check(single.seq == record->seq && single.time_ns == record->time_ns,
	      "sequence and time agree");
	check(single.subject.size == record->subject.size &&
		      memcmp(single.subject.data, record->subject.data, single.subject.size) == 0,
	      "subjects agree");
	check(single.headers.size == record->headers.size &&
		      (single.headers.size == 0 ||
		       memcmp(single.headers.data, record->headers.data, single.headers.size) == 0),
	      "headers agree");
	check(single.body.size == record->body.size &&
		      (single.body.size == 0 ||
		       memcmp(single.body.data, record->body.data, single.body.size) == 0),
	      "bodies agree");
}

static uint64_t
read_all(struct et_conn *conn, uint64_t first, uint64_t last, bool compare,
	 struct et_pull_state *ret_state)
{
	struct et_pull *pull = NULL;
	struct et_record record;
	struct et_buf scratch;
	uint64_t count = 0;
	int r;

	et_buf_init(&scratch, ET_RECORD_BYTES_MAX);
	r = et_pull_open(conn, STREAM, first, last, &pull, &err);
	if (r < 0)
		fail("pull", r);
	while ((r = et_pull_next(pull, &record, &err)) > 0) {
		count++;
		check(record.seq >= first && record.seq <= last, "inside the range");
		if (compare)
			compare_with_get(conn, &record, &scratch);
	}
	if (r < 0)
		fail("next", r);
	check(et_pull_next(pull, &record, &err) == 0, "the end stays the end");
	if (ret_state != NULL)
		*ret_state = et_pull_state(pull);
	et_pull_free(pull);
	et_buf_done(&scratch);
	return count;
}

static void
try_ranges(struct et_conn *conn, struct writer *writer)
{
	struct et_pull_state state;
	jsErrCode code;

	check(read_all(conn, 1, MESSAGES, true, NULL) == MESSAGES, "all messages come");
	check(read_all(conn, 100, 199, false, NULL) == 100, "a range inside");
	check(read_all(conn, 1, UINT64_MAX, false, NULL) == MESSAGES, "a range beyond the end");
	check(read_all(conn, MESSAGES + 1, MESSAGES + 9, false, NULL) == 0,
	      "nothing behind the end");
	check(read_all(conn, MESSAGES, MESSAGES, false, NULL) == 1, "the last one");
	/* Absent ones: inside, at both ends of a range, and a whole range. */
	for (uint64_t seq = 1000; seq < 1100; seq++)
		must(js_DeleteMsg(writer->js, STREAM, seq, NULL, &code), "delete");
	must(js_DeleteMsg(writer->js, STREAM, MESSAGES, NULL, &code), "delete");
	check(read_all(conn, 1, MESSAGES, false, NULL) == MESSAGES - 101, "what is left");
	check(read_all(conn, 990, 1099, false, NULL) == 10, "a range that ends in absent ones");
	check(read_all(conn, 1000, 1099, false, NULL) == 0, "a range of absent ones");
	check(read_all(conn, 1050, 1100, false, NULL) == 1, "a range that begins in absent ones");
	check(read_all(conn, 2999, MESSAGES, false, NULL) == 1, "the last one is absent");
	for (uint64_t seq = 1; seq < 10; seq++)
		must(js_DeleteMsg(writer->js, STREAM, seq, NULL, &code), "delete");
	check(read_all(conn, 1, 20, false, &state) == 11, "the first ones expired");
	check(state.stream_first_seq == 10 && state.stream_last_seq == MESSAGES,
	      "the stream's ends");
}

static void
try_failures(struct et_conn *conn, struct writer *writer)
{
	struct et_stream_options options = options_of_environment();
	struct et_stream_info info = { .name = NULL };
	struct et_conn *other = NULL;
	struct et_pull *pull = NULL;
	struct et_record record;
	struct et_buf out;

	et_buf_init(&out, 1u << 20);
	check(et_stream_get(conn, STREAM, 1050, &out, &record, &err) == ET_GONE,
	      "an absent message");
	check(et_stream_get(conn, "NONE", 1, &out, &record, &err) == ET_GONE,
	      "of an absent stream");
	check(et_stream_info_read(conn, "NONE", &info, &err) == ET_GONE, "an absent stream");
	check(strstr(err.hint, STREAM) != NULL, "the hint names the streams");
	check(et_pull_open(conn, "NONE", 1, 9, &pull, &err) == ET_GONE,
	      "a pull of an absent stream");
	check(et_stream_info_read(conn, "a.b", &info, &err) == ET_USAGE, "no name");
	options.urls = "nats://me:secret@127.0.0.1:1";
	options.user = NULL;
	check(et_conn_open(&options, &other, &err) == ET_UNAVAILABLE, "nobody there");
	check(strstr(err.text, "127.0.0.1:1") != NULL && strstr(err.text, "secret") == NULL,
	      "the address");
	/* Deleted and made again in the middle of a read. */
	check(et_pull_open(conn, STREAM, 10, 20, &pull, &err) == 0, "open");
	check(et_pull_next(pull, &record, &err) == 1, "a record");
	make_stream(writer);
	while (et_pull_next(pull, &record, &err) > 0)
		;
	check(err.code == ET_CONFLICT, "another stream of the same name");
	et_pull_free(pull);
	check(read_all(conn, 1, 10, false, NULL) == 0, "an empty stream");
	et_buf_done(&out);
}

int
main(int argc, char **argv)
{
	struct et_stream_info info = { .name = NULL };
	struct et_conn *conn;
	struct writer writer;
	jsErrCode code;
	int r;

	if (getenv("NATS_URL") == NULL) {
		puts("skipped: NATS_URL is not set");
		return SKIPPED;
	}
	if (getenv("DEBUG") != NULL)
		et_log_set_level(ET_LOG_DEBUG);
	et_cancel_install();
	if (argc == 5 && strcmp(argv[1], "read") == 0)
		return read_range(argv[2], number_of(argv[3]), number_of(argv[4]));
	conn = open_conn();
	writer = open_writer();
	make_stream(&writer);
	fill_stream(&writer);
	r = et_stream_info_read(conn, STREAM, &info, &err);
	if (r < 0)
		fail("info", r);
	check(info.messages == MESSAGES && info.first_seq == 1 && info.last_seq == MESSAGES,
	      "the counts");
	check(info.server_time_ns >= info.last_time_ns &&
		      strstr(info.config_json, "et.live.>") != NULL,
	      "time and configuration");
	printf("%s %s\n", info.name, info.identity);
	et_stream_info_done(&info);
	try_ranges(conn, &writer);
	try_failures(conn, &writer);
	must(js_DeleteStream(writer.js, STREAM, NULL, &code), "delete stream");
	close_writer(&writer);
	et_conn_free(conn);
	nats_Close();
	puts("ok");
	return 0;
}
