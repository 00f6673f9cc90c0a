// SPDX-License-Identifier: Apache-2.0
/* Padding and tar header, and the end of a tar. What we take for a header libarchive reads with the
 * same name and size, and what libarchive writes of them we read again. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define USTAR_BYTES_MAX (UINT64_C(1) << 33) /* what eleven octal digits can say, and one */

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
read_by_libarchive(struct et_slice block, const struct et_tar_header *header)
{
	struct archive *reader = archive_read_new();
	struct archive_entry *entry = NULL;

	check(reader != NULL && archive_read_support_format_tar(reader) == ARCHIVE_OK);
	/* It also looks at fields that say nothing here (owners, times), and may not take it. */
	if (archive_read_open_memory(reader, block.data, block.size) == ARCHIVE_OK &&
	    archive_read_next_header(reader, &entry) >= ARCHIVE_WARN) {
		check(strcmp(archive_entry_pathname(entry), header->name) == 0);
		check((uint64_t)archive_entry_size(entry) == header->bytes);
	}
	(void)archive_read_free(reader);
}

static bool
is_plain(const char *name)
{
	for (const char *at = name; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return name[strlen(name) - 1] != '/';
}

static void
write_again(const struct et_tar_header *header)
{
	ET_CLEAN(et_tar) struct et_tar *tar = NULL;
	struct et_tar_header again;
	struct et_slice blocks;

	check(et_tar_new(&tar, NULL) == 0);
	check(et_tar_member(tar, header->name, header->bytes, 0, &blocks, NULL) == 0);
	check(et_tar_read(blocks, 0, &again, NULL) == 0);
	check(strcmp(again.name, header->name) == 0 && again.bytes == header->bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	size_t padding = bytes % ET_TAR_BLOCK;
	struct et_slice blocks = { data, bytes };
	struct et_tar_header header;
	struct et_error err = { 0 };

	if (et_tar_read_end(blocks, padding, &err) == 0)
		check(bytes == padding + (size_t)2 * ET_TAR_BLOCK && err.text[0] == '\0');
	else
		check(err.text[0] != '\0');
	if (et_tar_read(blocks, padding, &header, &err) < 0)
		return 0;
	check(bytes == padding + ET_TAR_BLOCK);
	check(header.name[0] != '\0' &&
	      strnlen(header.name, sizeof(header.name)) <= ET_MEMBER_NAME_MAX);
	if (header.bytes < USTAR_BYTES_MAX && is_plain(header.name)) {
		read_by_libarchive((struct et_slice){ data + padding, ET_TAR_BLOCK }, &header);
		write_again(&header);
	}
	return 0;
}
