// SPDX-License-Identifier: Apache-2.0
/*
 * A file that is given as a dump, as --store dump:FILE reads it. Whatever the
 * bytes: no crash; the scan and the documents tell of the same aggregates. And
 * packed, by gzip or zstd, in one part or more, it says the same as it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/document.h"
#include "store/packed.h"
#include "store/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IDS_MAX 16
#define PACKED_BYTES_MAX (1u << 24)

static void
check(bool good)
{
	if (!good)
		abort();
}

/* What a source said. */
struct told {
	int opened;
	unsigned rows;
	unsigned malformed_rows;
	unsigned documents; /* by the rows */
	unsigned read;      /* and one by one */
	unsigned listed;    /* of the first aggregates, asked for by their ids */
	unsigned listed_by_rows;
	uint64_t sum; /* of versions and sizes */
	char ids[IDS_MAX][64];
	unsigned id_count;
};

static void
scan(struct et_source *source, struct told *told)
{
	ET_CLEAN(et_heads) struct et_heads *heads = NULL;
	struct et_source_head row;
	struct et_error err = { 0 };
	int r;

	check(et_source_heads(source, NULL, NULL, true, &heads, &err) == 0);
	while ((r = et_heads_next(heads, &row, &err)) > 0) {
		struct et_slice id = row.head.aggregate_id;

		told->rows++;
		check(row.malformed == (row.words[0] != '\0'));
		if (row.malformed) {
			told->malformed_rows++;
			continue;
		}
		check(id.size > 0 && row.documents > 0);
		told->documents += row.documents;
		told->sum += row.head.latest_version * 3 + row.head.first_version;
		if (told->id_count < IDS_MAX && id.size < sizeof(told->ids[0])) {
			memcpy(told->ids[told->id_count], id.data, id.size);
			told->ids[told->id_count++][id.size] = '\0';
			told->listed_by_rows += row.documents;
		}
	}
	check(r == 0);
}

/* The device of a document is one that there is. */
static void
check_device(struct et_source *source, struct et_slice document)
{
	char text[64] = "";
	const char *one = text;
	struct et_slice device;
	bool found = false;

	if (!et_bson_text(document.data, document.size, "groupid", &device) ||
	    device.size >= sizeof(text))
		return;
	memcpy(text, device.data, device.size);
	check(et_source_devices(source, &one, 1, &found, NULL) == 0 && found);
}

static void
read_documents(struct et_source *source, struct told *told)
{
	ET_CLEAN(et_documents) struct et_documents *every = NULL;
	ET_CLEAN(et_documents) struct et_documents *listed = NULL;
	const char *ids[IDS_MAX];
	struct et_source_document row;
	struct et_error err = { 0 };
	int r;

	check(et_source_all(source, &every, &err) == 0);
	while ((r = et_documents_next(every, &row, &err)) > 0) {
		told->read++;
		told->sum += row.raw.size;
		check_device(source, row.raw);
	}
	check(r == 0);
	for (unsigned i = 0; i < told->id_count; i++)
		ids[i] = told->ids[i];
	check(et_source_documents(source, ids, told->id_count, &listed, &err) == 0);
	while ((r = et_documents_next(listed, &row, &err)) > 0)
		told->listed++;
	check(r == 0);
	/* A document whose numbers cannot be read is one of its aggregate all the same. */
	check(told->listed >= told->listed_by_rows &&
	      told->listed <= told->listed_by_rows + told->malformed_rows);
	check(told->documents + told->malformed_rows == told->read);
}

static struct told
tell(const uint8_t *data, size_t size)
{
	ET_CLEAN(et_source) struct et_source *source = NULL;
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct told told = { 0 };
	struct et_error err = { 0 };
	char path[64];

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	told.opened = et_source_open_dump(path, &source, &err);
	(void)close(fd);
	check((told.opened < 0) == (err.text[0] != '\0'));
	if (told.opened == 0) {
		scan(source, &told);
		read_documents(source, &told);
	}
	return told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told plain = tell(data, size);

	if (et_unpack_detect((struct et_slice){ data, size }) != ET_PACKING_NONE)
		return 0;
	for (enum et_packing packing = ET_PACKING_GZIP; packing <= ET_PACKING_ZSTD; packing++) {
		struct et_buf packed;
		struct told again;

		et_buf_init(&packed, PACKED_BYTES_MAX);
		packed_put(&packed, packing, data, size, 1 + (unsigned)size % 3);
		again = tell(packed.data, packed.size);
		check(memcmp(&again, &plain, sizeof(plain)) == 0);
		et_buf_done(&packed);
	}
	return 0;
}
