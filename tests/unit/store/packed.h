/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests and fuzz targets share: bytes packed as gzip or zstd, by the
 * libraries' own compressors, in as many members or frames as wanted.
 */
#ifndef ET_TEST_PACKED_H
#define ET_TEST_PACKED_H

#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "store/unpack.h"

static inline void
packed_must(bool good)
{
	if (!good)
		abort();
}

static inline void
packed_gzip(struct et_buf *out, const uint8_t *raw, size_t size)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)raw, .avail_in = (uInt)size };
	size_t room;

	packed_must(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
		    Z_OK);
	room = deflateBound(&stream, (uLong)size);
	stream.next_out = et_buf_reserve(out, room);
	stream.avail_out = (uInt)room;
	packed_must(stream.next_out != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END);
	et_buf_commit(out, room - stream.avail_out);
	packed_must(deflateEnd(&stream) == Z_OK);
}

static inline void
packed_zstd(struct et_buf *out, const uint8_t *raw, size_t size)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(size);
	uint8_t *to = et_buf_reserve(out, room);
	size_t done;

	packed_must(context != NULL && to != NULL &&
		    !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
	done = ZSTD_compress2(context, to, room, raw, size);
	packed_must(!ZSTD_isError(done));
	et_buf_commit(out, done);
	(void)ZSTD_freeCCtx(context);
}

/* Appends the bytes as `parts` members or frames. */
static inline void
packed_put(struct et_buf *out, enum et_packing packing, const uint8_t *raw, size_t size,
	   unsigned parts)
{
	for (unsigned i = 0; i < parts; i++) {
		size_t from = size * i / parts;
		size_t count = size * (i + 1) / parts - from;

		if (packing == ET_PACKING_NONE)
			et_buf_put(out, raw + from, count);
		else if (packing == ET_PACKING_GZIP)
			packed_gzip(out, raw + from, count);
		else
			packed_zstd(out, raw + from, count);
	}
}

#endif
