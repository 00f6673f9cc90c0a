// SPDX-License-Identifier: Apache-2.0
#include "archive/seektable.h"

#include "archive/format.h"

#define SKIPPABLE_MAGIC 0x184D2A5EU
#define FOOTER_MAGIC 0x8F92EAB1U
#define HEADER_BYTES 8
#define FOOTER_BYTES 9
#define ENTRY_BYTES 8 /* and four more with checksums */
#define CHECKSUM_BYTES 4
#define DESCRIPTOR_CHECKSUM 0x80
#define DESCRIPTOR_RESERVED 0x7F /* the five reserved and the two unused bits: all zero in ours */

void
et_seektable_add(struct et_seektable *table, uint64_t packed_bytes, uint64_t raw_bytes,
		 uint32_t checksum)
{
	if (table->count == table->capacity) {
		table->capacity = table->capacity > 0 ? table->capacity * 2 : 64;
		table->frames =
			et_realloc_array(table->frames, table->capacity, sizeof(*table->frames));
	}
	table->frames[table->count++] = (struct et_frame_extent){
		.offset = table->offset,
		.packed_bytes = packed_bytes,
		.raw_bytes = raw_bytes,
		.checksum = checksum,
	};
	table->offset += packed_bytes;
}

int
et_seektable_encode(const struct et_seektable *table, struct et_buf *out, struct et_error *err)
{
	size_t entry_bytes = ENTRY_BYTES + CHECKSUM_BYTES;

	if (table->count > ET_FRAME_COUNT_MAX)
		return et_error_set(err, ET_LIMIT, "%zu frames in one archive, the limit is %u",
				    table->count, ET_FRAME_COUNT_MAX);
	et_buf_put_le32(out, SKIPPABLE_MAGIC);
	et_buf_put_le32(out, (uint32_t)(table->count * entry_bytes + FOOTER_BYTES));
	for (size_t i = 0; i < table->count; i++) {
		/* Both fit: frames are limited to ET_FRAME_PACKED_MAX and ET_FRAME_RAW_MAX. */
		et_buf_put_le32(out, (uint32_t)table->frames[i].packed_bytes);
		et_buf_put_le32(out, (uint32_t)table->frames[i].raw_bytes);
		et_buf_put_le32(out, table->frames[i].checksum);
	}
	et_buf_put_le32(out, (uint32_t)table->count);
	et_buf_put_u8(out, DESCRIPTOR_CHECKSUM);
	et_buf_put_le32(out, FOOTER_MAGIC);
	return et_buf_check(out, "the seek table", err);
}

/* The last nine bytes: how many frames, and the size of the whole skippable frame. */
static int
read_footer(struct et_slice footer, size_t *ret_count, size_t *ret_entry, struct et_error *err)
{
	struct et_cursor c = et_cursor_of(footer.data, footer.size);
	uint32_t count = 0;
	uint8_t descriptor = 0;
	uint32_t magic = 0;

	(void)et_cursor_le32(&c, &count);
	(void)et_cursor_u8(&c, &descriptor);
	(void)et_cursor_le32(&c, &magic);
	if (c.bad || magic != FOOTER_MAGIC)
		return et_error_set(err, ET_CORRUPT,
				    "no seek table at the end: not a whole archive");
	if ((descriptor & DESCRIPTOR_RESERVED) != 0)
		return et_error_set(err, ET_CORRUPT, "seek table: descriptor %02x", descriptor);
	if (count > ET_FRAME_COUNT_MAX)
		return et_error_set(err, ET_LIMIT, "seek table: %u frames, the limit is %u", count,
				    ET_FRAME_COUNT_MAX);
	*ret_count = count;
	*ret_entry = (descriptor & DESCRIPTOR_CHECKSUM) != 0 ? ENTRY_BYTES + CHECKSUM_BYTES
							     : ENTRY_BYTES;
	return 0;
}

static int
read_entries(struct et_cursor *c, size_t count, bool checksums, struct et_seektable *table,
	     struct et_error *err)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t packed = 0;
		uint32_t raw = 0;
		uint32_t checksum = 0;

		(void)et_cursor_le32(c, &packed);
		(void)et_cursor_le32(c, &raw);
		if (checksums)
			(void)et_cursor_le32(c, &checksum);
		if (packed == 0 || packed > ET_FRAME_PACKED_MAX || raw == 0 ||
		    raw > ET_FRAME_RAW_MAX)
			return et_error_set(err, ET_CORRUPT,
					    "seek table: frame %zu has sizes %u and %u", i, packed,
					    raw);
		et_seektable_add(table, packed, raw, checksum);
	}
	return 0;
}

int
et_seektable_decode(struct et_slice bytes, struct et_seektable *ret, struct et_error *err)
{
	struct et_seektable table = { 0 };
	struct et_cursor c = et_cursor_of(bytes.data, bytes.size);
	uint32_t magic = 0;
	uint32_t size = 0;
	size_t count;
	size_t entry;
	int r;

	if (bytes.size < HEADER_BYTES + FOOTER_BYTES)
		return et_error_set(err, ET_CORRUPT,
				    "no seek table at the end: not a whole archive");
	r = read_footer((struct et_slice){ bytes.data + bytes.size - FOOTER_BYTES, FOOTER_BYTES },
			&count, &entry, err);
	if (r < 0)
		return r;
	(void)et_cursor_le32(&c, &magic);
	(void)et_cursor_le32(&c, &size);
	if (magic != SKIPPABLE_MAGIC || size != bytes.size - HEADER_BYTES ||
	    size != count * entry + FOOTER_BYTES)
		return et_error_set(err, ET_CORRUPT, "seek table: head and foot do not agree");
	r = read_entries(&c, count, entry > ENTRY_BYTES, &table, err);
	if (r < 0) {
		et_seektable_done(&table);
		return r;
	}
	*ret = table;
	return 0;
}

static int
read_tail(int fd, uint64_t file_bytes, void *to, size_t count, struct et_error *err)
{
	if (count > file_bytes)
		return et_error_set(err, ET_CORRUPT,
				    "no seek table at the end: not a whole archive");
	return et_frame_read(fd, file_bytes - count, file_bytes, to, count, err);
}

int
et_seektable_read(int fd, uint64_t file_bytes, struct et_seektable *ret, struct et_error *err)
{
	struct et_seektable table = { 0 };
	uint8_t footer[FOOTER_BYTES] = { 0 };
	ET_CLEAN_MEM uint8_t *bytes = NULL;
	size_t count;
	size_t entry;
	size_t size;
	int r;

	r = read_tail(fd, file_bytes, footer, sizeof(footer), err);
	if (r == 0)
		r = read_footer((struct et_slice){ footer, sizeof(footer) }, &count, &entry, err);
	if (r < 0)
		return r;
	size = HEADER_BYTES + count * entry + FOOTER_BYTES;
	bytes = et_alloc(size);
	r = read_tail(fd, file_bytes, bytes, size, err);
	if (r == 0)
		r = et_seektable_decode((struct et_slice){ bytes, size }, &table, err);
	if (r < 0)
		return r;
	if (table.offset != file_bytes - size) {
		et_seektable_done(&table);
		return et_error_set(err, ET_CORRUPT, "seek table: its frames do not fill the file");
	}
	*ret = table;
	return 0;
}

void
et_seektable_done(struct et_seektable *table)
{
	free(table->frames);
	*table = (struct et_seektable){ 0 };
}
