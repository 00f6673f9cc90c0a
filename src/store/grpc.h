/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC as it stands in the body and the trailer of an HTTP/2 answer. Pure.
 *
 *   body:     any number of frames: 1 byte flags (1: compressed, never asked for), 4 bytes length,
 *             big endian, that many bytes of protobuf
 *   trailer:  grpc-status: 0 and, when it is none, grpc-message: words, percent-encoded
 *
 * An answer is whole when its last frame is and the trailer says 0; nothing else tells a cut from
 * the end.
 */
#ifndef ET_STORE_GRPC_H
#define ET_STORE_GRPC_H

#include "base/buf.h"
#include "base/cursor.h"

#define ET_GRPC_MESSAGE_BYTES_MAX (4u << 20) /* the hub's own limit */
#define ET_GRPC_PREFIX_BYTES 5u
#define ET_GRPC_WORDS_BYTES 400
#define ET_GRPC_TIMEOUT_BYTES 16

/* Called for each message, which it borrows; a negative result ends the reading with it. */
typedef int et_grpc_sink(void *cookie, struct et_slice message, struct et_error *err);

/* Frames out of pieces of any size. */
struct et_grpc_frames {
	uint8_t prefix[ET_GRPC_PREFIX_BYTES];
	size_t prefix_bytes; /* of it that came */
	size_t left;         /* of the message in hand */
	struct et_buf message;
};
/* limit_bytes: of one message. */
void et_grpc_frames_init(struct et_grpc_frames *frames, size_t limit_bytes);
void et_grpc_frames_reset(struct et_grpc_frames *frames);
void et_grpc_frames_done(struct et_grpc_frames *frames);
/* ET_GARBLED: compressed, or larger than the limit; or what the sink says. */
ET_CHECKED int et_grpc_frames_feed(struct et_grpc_frames *frames, const void *bytes, size_t count,
				   et_grpc_sink *sink, void *cookie, struct et_error *err);
/* ET_UNAVAILABLE when the last frame is not whole. */
ET_CHECKED int et_grpc_frames_end(const struct et_grpc_frames *frames, struct et_error *err);

/* What the headers and the trailer say of the end. */
struct et_grpc_end {
	bool has_status;
	unsigned code;
	char words[ET_GRPC_WORDS_BYTES]; /* printable ASCII, cut */
};
/* One line of them, with or without its line end; others are passed over. */
void et_grpc_end_line(struct et_grpc_end *end, const char *line, size_t bytes);
/* 0 when the status is OK; ET_UNAVAILABLE when there is none; else as et_grpc_fail. */
ET_CHECKED int et_grpc_end_check(const struct et_grpc_end *end, struct et_error *err);

/* "UNAUTHENTICATED"; "status 99" has no name: "UNKNOWN". */
const char *et_grpc_code_name(unsigned code);
/* Sets the error that a status stands for: ET_UNAVAILABLE (asking again may help), ET_TIMEOUT,
 * ET_DENIED, ET_GARBLED (the question is not understood). */
int et_grpc_fail(struct et_error *err, unsigned code, const char *words);
/* Text that came from outside in printable ASCII, cut to fit; other bytes become '?'. */
void et_grpc_printable(struct et_slice text, char *out, size_t room);

/* The body of a request: one frame. */
void et_grpc_request(struct et_buf *out, struct et_slice message);
/* The value of grpc-timeout: at most 8 digits and a unit; at least 1 ms. */
void et_grpc_timeout(int64_t timeout_ns, char text[ET_GRPC_TIMEOUT_BYTES]);

#endif
