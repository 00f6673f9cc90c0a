// SPDX-License-Identifier: Apache-2.0
#include "store/grpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NS_PER_MS 1000000
#define TIMEOUT_DIGITS_MOST 99999999
#define CODE_UNKNOWN 2u
#define CODE_DIGITS_MOST 3

/* ---- frames ---- */

void
et_grpc_frames_init(struct et_grpc_frames *frames, size_t limit_bytes)
{
	*frames = (struct et_grpc_frames){ .left = 0 };
	et_buf_init(&frames->message, limit_bytes);
}

void
et_grpc_frames_reset(struct et_grpc_frames *frames)
{
	frames->prefix_bytes = 0;
	frames->left = 0;
	et_buf_reset(&frames->message);
}

void
et_grpc_frames_done(struct et_grpc_frames *frames)
{
	et_buf_done(&frames->message);
}

/* The prefix is whole: what comes is a message of that many bytes. */
static int
begin_message(struct et_grpc_frames *frames, struct et_error *err)
{
	const uint8_t *prefix = frames->prefix;
	size_t bytes = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
		       prefix[4];

	if (prefix[0] == 1)
		return et_error_set(err, ET_GARBLED,
				    "a message is compressed, which was not asked for");
	if (prefix[0] != 0)
		return et_error_set(err, ET_GARBLED, "what came is no gRPC message");
	if (bytes > frames->message.ceiling)
		return et_error_set(err, ET_GARBLED,
				    "a message of %zu bytes: the limit is %zu, as it is the hub's",
				    bytes, frames->message.ceiling);
	et_buf_reset(&frames->message);
	frames->left = bytes;
	return 0;
}

static size_t
take(size_t left, size_t wanted)
{
	return left < wanted ? left : wanted;
}

int
et_grpc_frames_feed(struct et_grpc_frames *frames, const void *bytes, size_t count,
		    et_grpc_sink *sink, void *cookie, struct et_error *err)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + count;
	int r = 0;

	while (r == 0 && at < end) {
		size_t more;

		if (frames->prefix_bytes < ET_GRPC_PREFIX_BYTES) {
			more = take((size_t)(end - at),
				    ET_GRPC_PREFIX_BYTES - frames->prefix_bytes);
			memcpy(frames->prefix + frames->prefix_bytes, at, more);
			frames->prefix_bytes += more;
			at += more;
			if (frames->prefix_bytes < ET_GRPC_PREFIX_BYTES)
				break;
			r = begin_message(frames, err);
			if (r < 0)
				break;
		}
		more = take((size_t)(end - at), frames->left);
		et_buf_put(&frames->message, at, more);
		at += more;
		frames->left -= more;
		if (frames->left > 0)
			break;
		frames->prefix_bytes = 0;
		r = sink(cookie, (struct et_slice){ frames->message.data, frames->message.size },
			 err);
	}
	return r;
}

int
et_grpc_frames_end(const struct et_grpc_frames *frames, struct et_error *err)
{
	if (frames->prefix_bytes == 0)
		return 0;
	return et_error_set(err, ET_UNAVAILABLE, "the answer ends in the middle of a message");
}

/* ---- the end ---- */

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char
printable(uint8_t c)
{
	return c >= ' ' && c <= '~' ? (char)c : '?';
}

void
et_grpc_printable(struct et_slice text, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < text.size && used + 1 < room; i++)
		out[used++] = printable(text.data[i]);
	out[used] = '\0';
}

/* What is no %XX stays as it is. */
static void
unescape(struct et_slice text, char words[ET_GRPC_WORDS_BYTES])
{
	size_t used = 0;

	for (size_t i = 0; i < text.size && used + 1 < ET_GRPC_WORDS_BYTES; i++) {
		uint8_t c = text.data[i];

		if (c == '%' && i + 2 < text.size && digit_of(text.data[i + 1]) >= 0 &&
		    digit_of(text.data[i + 2]) >= 0) {
			c = (uint8_t)(digit_of(text.data[i + 1]) << 4 | digit_of(text.data[i + 2]));
			i += 2;
		}
		words[used++] = printable(c);
	}
	words[used] = '\0';
}

/* The value of the line when that is its name; letter case does not count in a name. */
static bool
is_line(struct et_slice line, const char *name, struct et_slice *ret)
{
	size_t bytes = strlen(name);

	if (line.size <= bytes || strncasecmp((const char *)line.data, name, bytes) != 0 ||
	    line.data[bytes] != ':')
		return false;
	bytes++;
	while (bytes < line.size && line.data[bytes] == ' ')
		bytes++;
	*ret = (struct et_slice){ line.data + bytes, line.size - bytes };
	return true;
}

/* A status that is no number is one that nobody knows. */
static unsigned
code_of(struct et_slice value)
{
	unsigned code = 0;

	if (value.size == 0 || value.size > CODE_DIGITS_MOST)
		return CODE_UNKNOWN;
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return CODE_UNKNOWN;
		code = code * 10 + (unsigned)(value.data[i] - '0');
	}
	return code;
}

void
et_grpc_end_line(struct et_grpc_end *end, const char *line, size_t bytes)
{
	struct et_slice text = { (const uint8_t *)line, bytes };
	struct et_slice value;

	while (text.size > 0 &&
	       (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r' ||
		text.data[text.size - 1] == ' '))
		text.size--;
	if (is_line(text, "grpc-status", &value)) {
		end->has_status = true;
		end->code = code_of(value);
	} else if (is_line(text, "grpc-message", &value)) {
		unescape(value, end->words);
	}
}

int
et_grpc_end_check(const struct et_grpc_end *end, struct et_error *err)
{
	if (!end->has_status)
		return et_error_set(err, ET_UNAVAILABLE, "the answer ends without a status");
	return end->code == 0 ? 0 : et_grpc_fail(err, end->code, end->words);
}

/* ---- codes ---- */

#define HINT_TOKEN "is the token in --gateway-token-file the right one, and still valid?"
#define HINT_LOAD "check the load of the hub, or raise --gateway-timeout"
#define HINT_SERVICE \
	"is --gateway-url the hub's gRPC gateway? Its HTTP gateway is --store gateway+http"

static const struct {
	const char *name;
	int result;
	const char *hint;
} codes[] = {
	{ "OK", ET_OK, NULL },
	{ "CANCELLED", ET_UNAVAILABLE, NULL },
	{ "UNKNOWN", ET_UNAVAILABLE, NULL },
	{ "INVALID_ARGUMENT", ET_GARBLED, NULL },
	{ "DEADLINE_EXCEEDED", ET_TIMEOUT, HINT_LOAD },
	{ "NOT_FOUND", ET_GARBLED, NULL },
	{ "ALREADY_EXISTS", ET_GARBLED, NULL },
	{ "PERMISSION_DENIED", ET_DENIED, HINT_TOKEN },
	{ "RESOURCE_EXHAUSTED", ET_UNAVAILABLE, NULL },
	{ "FAILED_PRECONDITION", ET_GARBLED, NULL },
	{ "ABORTED", ET_UNAVAILABLE, NULL },
	{ "OUT_OF_RANGE", ET_GARBLED, NULL },
	{ "UNIMPLEMENTED", ET_GARBLED, HINT_SERVICE },
	{ "INTERNAL", ET_UNAVAILABLE, NULL },
	{ "UNAVAILABLE", ET_UNAVAILABLE, NULL },
	{ "DATA_LOSS", ET_UNAVAILABLE, NULL },
	{ "UNAUTHENTICATED", ET_DENIED, HINT_TOKEN },
};

const char *
et_grpc_code_name(unsigned code)
{
	return codes[code < ET_COUNT(codes) ? code : CODE_UNKNOWN].name;
}

int
et_grpc_fail(struct et_error *err, unsigned code, const char *words)
{
	/* 0 is no failure: whoever calls it one is not to be believed. */
	unsigned known = code > 0 && code < ET_COUNT(codes) ? code : CODE_UNKNOWN;

	et_error_set(err, codes[known].result, "the gateway says %s (%u)%s%s",
		     et_grpc_code_name(known), code, words[0] != '\0' ? ": " : "", words);
	if (codes[known].hint != NULL)
		et_error_hint(err, "%s", codes[known].hint);
	return codes[known].result;
}

/* ---- requests ---- */

void
et_grpc_request(struct et_buf *out, struct et_slice message)
{
	uint32_t bytes = (uint32_t)message.size;
	const uint8_t prefix[ET_GRPC_PREFIX_BYTES] = { 0, (uint8_t)(bytes >> 24),
						       (uint8_t)(bytes >> 16),
						       (uint8_t)(bytes >> 8), (uint8_t)bytes };

	et_buf_put(out, prefix, sizeof(prefix));
	et_buf_put(out, message.data, message.size);
}

void
et_grpc_timeout(int64_t timeout_ns, char text[ET_GRPC_TIMEOUT_BYTES])
{
	int64_t count = timeout_ns / NS_PER_MS;
	char unit = 'm';

	if (count > TIMEOUT_DIGITS_MOST) {
		count /= 1000;
		unit = 'S';
	}
	if (count > TIMEOUT_DIGITS_MOST)
		count = TIMEOUT_DIGITS_MOST;
	(void)snprintf(text, ET_GRPC_TIMEOUT_BYTES, "%" PRId64 "%c", count > 1 ? count : 1, unit);
}
