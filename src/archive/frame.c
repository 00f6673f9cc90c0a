// SPDX-License-Identifier: Apache-2.0
#include "archive/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>
#include <zstd.h>

#include "archive/format.h"

#define LEVEL_MIN (-7)
#define LEVEL_MAX 19

/* RFC 8878, sections 3.1.1 and 3.1.2. */
#define MAGIC 0xFD2FB528U
#define SKIPPABLE_MAGIC 0x184D2A50U
#define SKIPPABLE_MASK 0xFFFFFFF0U
#define SKIPPABLE_HEADER_BYTES 8
#define HEADER_BYTES_MAX 18
#define DESCRIPTOR_SINGLE_SEGMENT 0x20
#define DESCRIPTOR_UNUSED 0x18 /* the unused and the reserved bit: decoders ignore one of them */
#define DESCRIPTOR_CHECKSUM 0x04
#define DESCRIPTOR_DICTIONARY 0x03
#define BLOCK_HEADER_BYTES 3
#define BLOCK_BYTES_MAX (128U << 10)
#define CHECKSUM_BYTES 4

enum { BLOCK_RAW = 0, BLOCK_RLE = 1, BLOCK_COMPRESSED = 2 };

struct et_frame_packer {
	ZSTD_CCtx *context;
};

struct et_frame_unpacker {
	ZSTD_DCtx *context;
	struct et_buf raw;
};

int
et_frame_packer_new(int level, struct et_frame_packer **ret, struct et_error *err)
{
	struct et_frame_packer *packer;
	bool good;

	if (level < LEVEL_MIN || level > LEVEL_MAX)
		return et_error_set(err, ET_USAGE, "zstd level %d is not in %d … %d", level,
				    LEVEL_MIN, LEVEL_MAX);
	packer = et_calloc(1, sizeof(*packer));
	packer->context = ZSTD_createCCtx();
	good = packer->context != NULL;
	/* Both are needed to tell a damaged frame without the manifest. */
	good = good && !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context,
							    ZSTD_c_compressionLevel, level));
	good = good &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1));
	good = good &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_contentSizeFlag, 1));
	if (!good) {
		et_frame_packer_free(packer);
		return et_error_set(err, ET_LIMIT, "prepare zstd: not enough memory");
	}
	*ret = packer;
	return 0;
}

void
et_frame_packer_free(struct et_frame_packer *packer)
{
	if (packer == NULL)
		return;
	(void)ZSTD_freeCCtx(packer->context);
	free(packer);
}

int
et_frame_pack(struct et_frame_packer *packer, struct et_slice raw, struct et_buf *out,
	      struct et_error *err)
{
	size_t bound = ZSTD_compressBound(raw.size);
	uint8_t *to = et_buf_reserve(out, bound);
	size_t packed;

	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "pack a frame: larger than %zu bytes",
				    out->ceiling);
	packed = ZSTD_compress2(packer->context, to, bound, raw.data, raw.size);
	if (ZSTD_isError(packed))
		return et_error_set(err, ET_LIMIT, "pack a frame: %s", ZSTD_getErrorName(packed));
	et_buf_commit(out, packed);
	return 0;
}

struct et_frame_unpacker *
et_frame_unpacker_new(void)
{
	struct et_frame_unpacker *unpacker = et_calloc(1, sizeof(*unpacker));

	et_buf_init(&unpacker->raw, ET_FRAME_RAW_MAX);
	unpacker->context = ZSTD_createDCtx();
	if (unpacker->context == NULL)
		abort(); /* as et_alloc does */
	return unpacker;
}

void
et_frame_unpacker_free(struct et_frame_unpacker *unpacker)
{
	if (unpacker == NULL)
		return;
	(void)ZSTD_freeDCtx(unpacker->context);
	et_buf_done(&unpacker->raw);
	free(unpacker);
}

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The frame header behind the magic number; *ret_bytes is its whole length. */
static int
read_header(const uint8_t *header, size_t have, size_t *ret_bytes, uint64_t *ret_raw,
	    struct et_error *err)
{
	static const uint8_t size_bytes[4] = { 1, 2, 4, 8 };
	unsigned descriptor = header[4];
	bool single = (descriptor & DESCRIPTOR_SINGLE_SEGMENT) != 0;
	unsigned field = size_bytes[descriptor >> 6];
	size_t at = 5 + (single ? 0 : 1); /* behind the window descriptor */
	uint64_t raw = 0;

	if ((descriptor & DESCRIPTOR_UNUSED) != 0 || (descriptor & DESCRIPTOR_DICTIONARY) != 0 ||
	    (descriptor & DESCRIPTOR_CHECKSUM) == 0 || (!single && descriptor >> 6 == 0))
		return et_error_set(err, ET_CORRUPT, "a frame header that is none of ours (%02x)",
				    descriptor);
	if (at + field > have)
		return et_error_set(err, ET_CORRUPT,
				    "a frame that goes on behind the end of the file");
	for (unsigned i = 0; i < field; i++)
		raw |= (uint64_t)header[at + i] << (8 * i);
	if (field == 2)
		raw += 256;
	if (raw == 0 || raw > ET_FRAME_RAW_MAX)
		return et_error_set(err, ET_CORRUPT, "a frame of %" PRIu64 " bytes", raw);
	*ret_bytes = at + field;
	*ret_raw = raw;
	return 0;
}

int
et_frame_unpack(struct et_frame_unpacker *unpacker, struct et_slice packed, size_t limit,
		struct et_slice *ret_raw, struct et_error *err)
{
	size_t header_bytes = 0;
	uint64_t size = 0;
	size_t extent;
	size_t n;
	uint8_t *to;
	int r;

	if (packed.size < SKIPPABLE_HEADER_BYTES || le32(packed.data) != MAGIC)
		return et_error_set(err, ET_CORRUPT, "no zstd frame");
	r = read_header(packed.data, packed.size, &header_bytes, &size, err);
	if (r < 0)
		return r;
	if (size > limit)
		return et_error_set(err, ET_LIMIT, "a frame of %" PRIu64 " bytes, the limit is %zu",
				    size, limit);
	extent = ZSTD_findFrameCompressedSize(packed.data, packed.size);
	if (ZSTD_isError(extent) || extent != packed.size)
		return et_error_set(err, ET_CORRUPT, "a frame that does not end where it should");
	et_buf_reset(&unpacker->raw);
	to = et_buf_reserve(&unpacker->raw, (size_t)size);
	n = ZSTD_decompressDCtx(unpacker->context, to, (size_t)size, packed.data, packed.size);
	if (ZSTD_isError(n))
		return et_error_set(err, ET_CORRUPT, "unpack a frame: %s", ZSTD_getErrorName(n));
	if (n != size)
		return et_error_set(err, ET_CORRUPT,
				    "a frame of %zu bytes where its header says %" PRIu64, n, size);
	*ret_raw = (struct et_slice){ .data = to, .size = n };
	return 0;
}

int
et_frame_read(int fd, uint64_t offset, uint64_t file_bytes, void *to, size_t count,
	      struct et_error *err)
{
	size_t have = 0;

	if (offset > file_bytes || count > file_bytes - offset)
		return et_error_set(err, ET_CORRUPT, "it goes on behind the end of the file");
	while (have < count) {
		ssize_t n = pread(fd, (uint8_t *)to + have, count - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return et_error_errno(err, errno, "read");
		if (n == 0)
			return et_error_set(err, ET_CORRUPT, "the file became shorter");
		have += (size_t)n;
	}
	return 0;
}

static int
measure_blocks(int fd, uint64_t at, uint64_t file_bytes, uint64_t *ret_end, struct et_error *err)
{
	uint64_t start = at;
	bool last = false;

	while (!last) {
		uint8_t bytes[BLOCK_HEADER_BYTES] = { 0 };
		uint32_t head;
		int r = et_frame_read(fd, at, file_bytes, bytes, sizeof(bytes), err);

		if (r < 0)
			return r;
		head = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
		last = (head & 1) != 0;
		switch (head >> 1 & 3) {
		case BLOCK_RAW:
		case BLOCK_COMPRESSED:
			at += BLOCK_HEADER_BYTES + (head >> 3);
			break;
		case BLOCK_RLE:
			at += BLOCK_HEADER_BYTES + 1;
			break;
		default:
			return et_error_set(err, ET_CORRUPT, "a block of an unknown type");
		}
		if (head >> 3 > BLOCK_BYTES_MAX)
			return et_error_set(err, ET_CORRUPT, "a block of %u bytes", head >> 3);
		if (at - start > ET_FRAME_PACKED_MAX)
			return et_error_set(err, ET_LIMIT, "a frame larger than %u bytes",
					    ET_FRAME_PACKED_MAX);
	}
	*ret_end = at;
	return 0;
}

int
et_frame_measure(int fd, uint64_t offset, uint64_t file_bytes, struct et_frame_extent *ret,
		 struct et_error *err)
{
	struct et_frame_extent extent = { .offset = offset };
	uint8_t head[HEADER_BYTES_MAX] = { 0 };
	uint64_t left = offset < file_bytes ? file_bytes - offset : 0;
	size_t have = left < sizeof(head) ? (size_t)left : sizeof(head);
	size_t header_bytes = 0;
	uint64_t end = 0;
	int r;

	if (have < SKIPPABLE_HEADER_BYTES)
		return et_error_set(err, ET_CORRUPT, "%zu bytes that are no frame", have);
	r = et_frame_read(fd, offset, file_bytes, head, have, err);
	if (r < 0)
		return r;
	if ((le32(head) & SKIPPABLE_MASK) == SKIPPABLE_MAGIC) {
		extent.skippable = true;
		extent.packed_bytes = SKIPPABLE_HEADER_BYTES + (uint64_t)le32(head + 4);
		if (extent.packed_bytes > left)
			return et_error_set(err, ET_CORRUPT,
					    "a frame that goes on behind the end of the file");
		*ret = extent;
		return 0;
	}
	if (le32(head) != MAGIC)
		return et_error_set(err, ET_CORRUPT, "no frame begins here (%08x)", le32(head));
	r = read_header(head, have, &header_bytes, &extent.raw_bytes, err);
	if (r == 0)
		r = measure_blocks(fd, offset + header_bytes, file_bytes, &end, err);
	if (r == 0)
		r = et_frame_read(fd, end, file_bytes, head, CHECKSUM_BYTES, err);
	if (r < 0)
		return r;
	extent.checksum = le32(head);
	extent.packed_bytes = end + CHECKSUM_BYTES - offset;
	*ret = extent;
	return 0;
}
