/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks gzip (RFC 1952) and zstd (RFC 8878) as a stream: bytes go in as they
 * come, what they hold comes out. Several gzip members, or zstd frames, one
 * behind the other are one stream, as for `gunzip` and `zstd -d`. What their
 * checksums cover is checked. The only file that knows zlib and, in this room,
 * libzstd.
 *
 * Memory is that of the format: 48 KiB for gzip; for zstd the window that the
 * frame asks for, at most ET_UNPACK_WINDOW_BYTES_MAX.
 */
#ifndef ET_STORE_UNPACK_H
#define ET_STORE_UNPACK_H

#include "base/alloc.h"
#include "base/cursor.h"

#define ET_UNPACK_WINDOW_LOG_MAX 27 /* as `zstd -d` takes without an option */
#define ET_UNPACK_WINDOW_BYTES_MAX (1u << ET_UNPACK_WINDOW_LOG_MAX)

enum et_packing {
	ET_PACKING_NONE,
	ET_PACKING_GZIP,
	ET_PACKING_ZSTD,
};

/* What bytes that begin so are packed in: four of them say it. */
enum et_packing et_unpack_detect(struct et_slice head);
/* "gzip", "zstd" */
const char *et_unpack_name(enum et_packing packing);

struct et_unpack;
/* Not for ET_PACKING_NONE. ET_LIMIT: no memory. */
ET_CHECKED int et_unpack_new(enum et_packing packing, struct et_unpack **ret, struct et_error *err);
void et_unpack_free(struct et_unpack *unpack);
/* Takes from the front of *in and writes at most `room` bytes to `out`, room > 0. With no input
 * left it gives what it still holds. Nothing written, and no input left: it needs more.
 * ET_GARBLED: damaged, or something else behind the end; ET_LIMIT: a window that is too large. */
ET_CHECKED int et_unpack_step(struct et_unpack *unpack, struct et_slice *in, uint8_t *out,
			      size_t room, size_t *ret_count, struct et_error *err);
/* The input may end here: nothing was begun that has not ended. */
bool et_unpack_may_end(const struct et_unpack *unpack);

ET_CLEANUP_DEFINE(et_unpack, et_unpack_free);

#endif
