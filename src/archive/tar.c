// SPDX-License-Identifier: Apache-2.0
#include "archive/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "base/clock.h"

#define BLOCKS_MAX (16U << 10) /* padding and headers between two members: 1 KiB is usual */
#define MTIME_MAX \
	0x7ffffffeLL /* beyond it libarchive adds a pax header, and the time is not worth one */
#define END_BLOCKS 2

/* The ustar header: offset and size of the fields that are read. */
enum {
	AT_NAME = 0,
	AT_SIZE = 124,
	SIZE_BYTES = 12,
	AT_CHECKSUM = 148,
	CHECKSUM_BYTES = 8,
	AT_TYPE = 156,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
};

struct et_tar {
	struct archive *archive;
	struct et_buf blocks; /* tar bytes that are no data */
	bool data;            /* what comes now is data: only counted */
};

/* libarchive's error as ours. */
static int
fail(struct et_tar *tar, const char *verb, struct et_error *err)
{
	const char *text = archive_error_string(tar->archive);

	return et_error_set(err, ET_IO, "%s: %s", verb, text != NULL ? text : "libarchive failed");
}

static la_ssize_t
sink(struct archive *archive, void *cookie, const void *bytes, size_t count)
{
	struct et_tar *tar = cookie;

	if (tar->data)
		return (la_ssize_t)count;
	et_buf_put(&tar->blocks, bytes, count);
	if (tar->blocks.overflow) {
		archive_set_error(archive, EFBIG, "header larger than %u bytes", BLOCKS_MAX);
		return -1;
	}
	return (la_ssize_t)count;
}

int
et_tar_new(struct et_tar **ret, struct et_error *err)
{
	ET_CLEAN(et_tar) struct et_tar *tar = et_calloc(1, sizeof(*tar));

	et_buf_init(&tar->blocks, BLOCKS_MAX);
	tar->archive = archive_write_new();
	if (tar->archive == NULL)
		return et_error_set(err, ET_LIMIT, "prepare tar: not enough memory");
	/* Restricted: a plain ustar header wherever that is enough, and for us it always is. */
	if (archive_write_set_format_pax_restricted(tar->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(tar->archive, 0) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(tar->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(tar->archive, tar, NULL, sink, NULL) != ARCHIVE_OK)
		return fail(tar, "prepare tar", err);
	*ret = ET_STEAL(tar);
	return 0;
}

void
et_tar_free(struct et_tar *tar)
{
	if (tar == NULL)
		return;
	if (tar->archive != NULL)
		(void)archive_write_free(tar->archive);
	et_buf_done(&tar->blocks);
	free(tar);
}

int
et_tar_member(struct et_tar *tar, const char *name, uint64_t bytes, int64_t mtime_ns,
	      struct et_slice *ret_blocks, struct et_error *err)
{
	int64_t mtime = mtime_ns > 0 ? mtime_ns / ET_NS_PER_SECOND : 0;
	struct archive_entry *entry = archive_entry_new();
	int r;

	if (entry == NULL)
		return et_error_set(err, ET_LIMIT, "prepare tar: not enough memory");
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_size(entry, (la_int64_t)bytes);
	archive_entry_set_mtime(entry, mtime < MTIME_MAX ? mtime : MTIME_MAX, 0);
	et_buf_reset(&tar->blocks);
	tar->data = false;
	r = archive_write_finish_entry(tar->archive);
	if (r == ARCHIVE_OK)
		r = archive_write_header(tar->archive, entry);
	archive_entry_free(entry);
	if (r != ARCHIVE_OK)
		return fail(tar, "write a tar header", err);
	tar->data = true;
	*ret_blocks = (struct et_slice){ tar->blocks.data, tar->blocks.size };
	return 0;
}

int
et_tar_data(struct et_tar *tar, struct et_slice data, struct et_error *err)
{
	la_ssize_t n = archive_write_data(tar->archive, data.data, data.size);

	if (n < 0 || (size_t)n != data.size)
		return fail(tar, "write a tar member", err);
	return 0;
}

int
et_tar_end(struct et_tar *tar, struct et_slice *ret_blocks, struct et_error *err)
{
	et_buf_reset(&tar->blocks);
	tar->data = false;
	if (archive_write_finish_entry(tar->archive) != ARCHIVE_OK ||
	    archive_write_close(tar->archive) != ARCHIVE_OK)
		return fail(tar, "end the tar", err);
	*ret_blocks = (struct et_slice){ tar->blocks.data, tar->blocks.size };
	return 0;
}

size_t
et_tar_padding(uint64_t bytes)
{
	return (size_t)((ET_TAR_BLOCK - bytes % ET_TAR_BLOCK) % ET_TAR_BLOCK);
}

static bool
all_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Octal digits, ended by a space or NUL. */
static bool
read_octal(const uint8_t *field, size_t width, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < width && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	if (i == 0 || (i < width && field[i] != ' ' && field[i] != '\0'))
		return false;
	*ret = value;
	return true;
}

static bool
checksum_fits(const uint8_t *block)
{
	uint64_t said;
	uint64_t sum = 0;

	for (unsigned i = 0; i < ET_TAR_BLOCK; i++)
		sum += i >= AT_CHECKSUM && i < AT_CHECKSUM + CHECKSUM_BYTES ? ' ' : block[i];
	return read_octal(block + AT_CHECKSUM, CHECKSUM_BYTES, &said) && said == sum;
}

int
et_tar_read(struct et_slice blocks, size_t padding, struct et_tar_header *ret, struct et_error *err)
{
	struct et_tar_header header = { 0 };
	const uint8_t *block = blocks.data + padding;
	const uint8_t *end;

	if (blocks.size != padding + ET_TAR_BLOCK)
		return et_error_set(err, ET_CORRUPT, "%zu bytes of tar where %zu belong",
				    blocks.size, padding + ET_TAR_BLOCK);
	if (!all_zero(blocks.data, padding))
		return et_error_set(err, ET_CORRUPT, "tar padding is not zero");
	end = memchr(block + AT_NAME, '\0', sizeof(header.name));
	if (!checksum_fits(block) ||
	    memcmp(block + AT_MAGIC,
		   "ustar\0"
		   "00",
		   8) != 0 ||
	    block[AT_TYPE] != '0' || block[AT_PREFIX] != '\0' || end == NULL || end == block ||
	    !read_octal(block + AT_SIZE, SIZE_BYTES, &header.bytes))
		return et_error_set(err, ET_CORRUPT, "a tar header that is none of ours");
	memcpy(header.name, block + AT_NAME, (size_t)(end - block));
	*ret = header;
	return 0;
}

int
et_tar_read_end(struct et_slice blocks, size_t padding, struct et_error *err)
{
	if (blocks.size != padding + (size_t)END_BLOCKS * ET_TAR_BLOCK)
		return et_error_set(err, ET_CORRUPT,
				    "%zu bytes at the end of the tar where %zu belong", blocks.size,
				    padding + (size_t)END_BLOCKS * ET_TAR_BLOCK);
	if (!all_zero(blocks.data, blocks.size))
		return et_error_set(err, ET_CORRUPT, "the end of the tar is not zero");
	return 0;
}
