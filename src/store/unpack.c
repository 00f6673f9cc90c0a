// SPDX-License-Identifier: Apache-2.0
#include "store/unpack.h"

#include <string.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define GZIP_WINDOW_BITS (16 + MAX_WBITS) /* gzip, and nothing else that zlib knows */

static const uint8_t gzip_magic[] = { 0x1f, 0x8b, 8 }; /* 8: deflate, the only method there is */
static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
/* Of a skippable frame, behind a first byte of 0x50 to 0x5f. */
static const uint8_t skippable_magic[] = { 0x2a, 0x4d, 0x18 };

struct et_unpack {
	enum et_packing packing;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool may_end;
};

enum et_packing
et_unpack_detect(struct et_slice head)
{
	if (head.size < sizeof(zstd_magic))
		return ET_PACKING_NONE;
	if (memcmp(head.data, gzip_magic, sizeof(gzip_magic)) == 0)
		return ET_PACKING_GZIP;
	if (memcmp(head.data, zstd_magic, sizeof(zstd_magic)) == 0 ||
	    (head.data[0] >> 4 == 5 &&
	     memcmp(head.data + 1, skippable_magic, sizeof(skippable_magic)) == 0))
		return ET_PACKING_ZSTD;
	return ET_PACKING_NONE;
}

const char *
et_unpack_name(enum et_packing packing)
{
	return packing == ET_PACKING_GZIP ? "gzip" : "zstd";
}

int
et_unpack_new(enum et_packing packing, struct et_unpack **ret, struct et_error *err)
{
	ET_CLEAN(et_unpack) struct et_unpack *unpack = et_calloc(1, sizeof(*unpack));
	bool good;

	unpack->packing = packing;
	unpack->may_end = true;
	if (packing == ET_PACKING_GZIP) {
		good = inflateInit2(&unpack->gzip, GZIP_WINDOW_BITS) == Z_OK;
	} else {
		unpack->zstd = ZSTD_createDStream();
		good = unpack->zstd != NULL &&
		       !ZSTD_isError(ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax,
							    ET_UNPACK_WINDOW_LOG_MAX));
	}
	if (!good)
		return et_error_set(err, ET_LIMIT, "prepare %s: not enough memory",
				    et_unpack_name(packing));
	*ret = ET_STEAL(unpack);
	return 0;
}

void
et_unpack_free(struct et_unpack *unpack)
{
	if (unpack == NULL)
		return;
	if (unpack->packing == ET_PACKING_GZIP)
		(void)inflateEnd(&unpack->gzip);
	(void)ZSTD_freeDStream(unpack->zstd);
	free(unpack);
}

bool
et_unpack_may_end(const struct et_unpack *unpack)
{
	return unpack->may_end;
}

static int
step_gzip(struct et_unpack *unpack, struct et_slice *in, uint8_t *out, size_t room,
	  size_t *ret_count, struct et_error *err)
{
	z_stream *gzip = &unpack->gzip;
	int r;

	/* Behind a member: another one, or what zlib will not take for one. */
	if (unpack->may_end)
		(void)inflateReset(gzip);
	gzip->next_in = in->data;
	gzip->avail_in = in->size < UINT32_MAX ? (uInt)in->size : UINT32_MAX;
	gzip->next_out = out;
	gzip->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
	r = inflate(gzip, Z_NO_FLUSH);
	if (r == Z_MEM_ERROR)
		return et_error_set(err, ET_LIMIT, "not enough memory");
	if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
		return et_error_set(err, ET_GARBLED, "%s",
				    gzip->msg != NULL ? gzip->msg : "no gzip");
	unpack->may_end = r == Z_STREAM_END;
	*ret_count = (size_t)(gzip->next_out - out);
	in->size -= (size_t)(gzip->next_in - in->data);
	in->data = gzip->next_in;
	return 0;
}

static int
zstd_error(size_t code, struct et_error *err)
{
	int r;

	if (ZSTD_getErrorCode(code) != ZSTD_error_frameParameter_windowTooLarge)
		return et_error_set(err, ET_GARBLED, "%s", ZSTD_getErrorName(code));
	r = et_error_set(err, ET_LIMIT, "it asks for a window of more than %u MiB",
			 ET_UNPACK_WINDOW_BYTES_MAX >> 20);
	et_error_hint(err, "`zstd -d --long=31` unpacks it");
	return r;
}

static int
step_zstd(struct et_unpack *unpack, struct et_slice *in, uint8_t *out, size_t room,
	  size_t *ret_count, struct et_error *err)
{
	ZSTD_inBuffer from = { .src = in->data, .size = in->size };
	ZSTD_outBuffer to = { .dst = out, .size = room };
	size_t left = ZSTD_decompressStream(unpack->zstd, &to, &from);

	if (ZSTD_isError(left))
		return zstd_error(left, err);
	unpack->may_end = left == 0;
	*ret_count = to.pos;
	in->data += from.pos;
	in->size -= from.pos;
	return 0;
}

int
et_unpack_step(struct et_unpack *unpack, struct et_slice *in, uint8_t *out, size_t room,
	       size_t *ret_count, struct et_error *err)
{
	/* At the end of the last member or frame: to ask again would begin another one. */
	if (in->size == 0 && unpack->may_end) {
		*ret_count = 0;
		return 0;
	}
	return unpack->packing == ET_PACKING_GZIP
		       ? step_gzip(unpack, in, out, room, ret_count, err)
		       : step_zstd(unpack, in, out, room, ret_count, err);
}
