// SPDX-License-Identifier: Apache-2.0
#include "archive/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/format.h"
#include "archive/reader_part.h"
#include "archive/tar.h"

/* The last three frames, and header.json with its tar header. */
#define FRAMES_MIN 5
#define FRAMES_BEHIND_TABLE 3

int
et_reader_begin(const char *path, struct et_reader **ret, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = et_calloc(1, sizeof(*reader));
	struct stat st;

	reader->path = et_strdup(path);
	et_buf_init(&reader->packed, ET_FRAME_PACKED_MAX);
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0 && errno == ENOENT)
		return et_error_set(err, ET_GONE, "%s is not there", path);
	if (reader->fd < 0 || fstat(reader->fd, &st) < 0)
		return et_error_errno(err, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return et_error_set(err, ET_IO, "%s is no file", path);
	reader->file_bytes = (uint64_t)st.st_size;
	reader->unpacker = et_frame_unpacker_new();
	reader->hasher = et_hasher_new();
	*ret = ET_STEAL(reader);
	return 0;
}

void
et_reader_free(struct et_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->fd >= 0)
		(void)close(reader->fd);
	et_seektable_done(&reader->seektable);
	et_manifest_free(reader->manifest);
	et_frame_unpacker_free(reader->unpacker);
	et_hasher_free(reader->hasher);
	et_buf_done(&reader->packed);
	free(reader->records);
	free(reader->index);
	free(reader->path);
	free(reader);
}

int
et_reader_frame(struct et_reader *reader, const struct et_frame_extent *extent,
		const struct et_sha256 *digest, struct et_slice *ret_raw, struct et_error *err)
{
	struct et_sha256 found;
	struct et_slice raw;
	uint8_t *to;
	int r;

	et_buf_reset(&reader->packed);
	if (extent->packed_bytes > reader->file_bytes)
		return et_error_set(err, ET_CORRUPT, "it goes on behind the end of the file");
	to = et_buf_reserve(&reader->packed, extent->packed_bytes);
	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "a frame of %" PRIu64 " bytes",
				    extent->packed_bytes);
	r = et_frame_read(reader->fd, extent->offset, reader->file_bytes, to, extent->packed_bytes,
			  err);
	if (r < 0)
		return r;
	if (digest != NULL) {
		et_hasher_once(reader->hasher, to, extent->packed_bytes, &found);
		if (memcmp(&found, digest, sizeof(found)) != 0)
			return et_error_set(err, ET_CORRUPT, "digest differs from the manifest's");
	}
	r = et_frame_unpack(reader->unpacker, (struct et_slice){ to, extent->packed_bytes },
			    ET_FRAME_RAW_MAX, &raw, err);
	if (r == 0 && raw.size != extent->raw_bytes)
		r = et_error_set(err, ET_CORRUPT, "%zu bytes where %" PRIu64 " are announced",
				 raw.size, extent->raw_bytes);
	if (r == 0)
		*ret_raw = raw;
	return r;
}

int
et_reader_entry(struct et_reader *reader, const struct et_frame_entry *entry,
		struct et_slice *ret_raw, struct et_error *err)
{
	const struct et_frame_extent extent = {
		.offset = entry->offset,
		.packed_bytes = entry->packed_bytes,
		.raw_bytes = entry->raw_bytes,
	};
	int r = et_reader_frame(reader, &extent, &entry->sha256, ret_raw, err);

	if (r < 0)
		return et_error_wrap(err, r, "%s: %s at offset %" PRIu64, reader->path,
				     reader->manifest->members[entry->member].name, entry->offset);
	return 0;
}

int
et_reader_find_manifest(struct et_reader *reader, struct et_error *err)
{
	const struct et_seektable *table = &reader->seektable;
	const struct et_frame_extent *frame;
	struct et_slice raw;
	int r;

	if (table->count < FRAMES_MIN)
		return et_error_set(err, ET_CORRUPT, "%zu frames are too few for an archive",
				    table->count);
	frame = &table->frames[table->count - 2];
	if (frame->raw_bytes > ET_MANIFEST_BYTES_MAX)
		return et_error_set(err, ET_LIMIT,
				    "a manifest of %" PRIu64 " bytes, the limit is %u",
				    frame->raw_bytes, ET_MANIFEST_BYTES_MAX);
	r = et_reader_frame(reader, frame, NULL, &raw, err);
	if (r < 0)
		return et_error_wrap(err, r, "%s at offset %" PRIu64, ET_ARCHIVE_MANIFEST,
				     frame->offset);
	return et_manifest_decode(raw, &reader->manifest, err);
}

/* The manifest's table must be the seek table, but for the three frames behind it. */
static int
check_table(const struct et_reader *reader, struct et_error *err)
{
	const struct et_manifest *manifest = reader->manifest;
	const struct et_seektable *table = &reader->seektable;

	if (manifest->frame_count + FRAMES_BEHIND_TABLE != table->count)
		return et_error_set(err, ET_CORRUPT, "%s has %zu frames and the seek table %zu",
				    ET_ARCHIVE_MANIFEST, manifest->frame_count, table->count);
	for (size_t i = 0; i < manifest->frame_count; i++) {
		if (manifest->frames[i].offset != table->frames[i].offset ||
		    manifest->frames[i].packed_bytes != table->frames[i].packed_bytes ||
		    manifest->frames[i].raw_bytes != table->frames[i].raw_bytes)
			return et_error_set(err, ET_CORRUPT,
					    "%s and the seek table differ at offset %" PRIu64,
					    ET_ARCHIVE_MANIFEST, table->frames[i].offset);
	}
	return 0;
}

static int
check_header(struct et_reader *reader, struct et_error *err)
{
	const struct et_manifest *manifest = reader->manifest;
	const struct et_frame_entry *entry = &manifest->frames[1];
	const struct et_frame_extent extent = { entry->offset, entry->packed_bytes,
						entry->raw_bytes, false, 0 };
	struct et_slice raw;
	int r;

	if (strcmp(manifest->members[0].name, ET_ARCHIVE_HEADER) != 0 ||
	    manifest->members[0].frame_count != 2 || entry->raw_bytes > ET_HEADER_BYTES_MAX)
		return et_error_set(err, ET_CORRUPT, "it does not begin with %s",
				    ET_ARCHIVE_HEADER);
	r = et_reader_frame(reader, &extent, &entry->sha256, &raw, err);
	if (r < 0)
		return et_error_wrap(err, r, "%s at offset %" PRIu64, ET_ARCHIVE_HEADER,
				     entry->offset);
	return et_archive_header_check(raw, manifest->statement.stream,
				       manifest->statement.identity, err);
}

static void
sort_frames(struct et_reader *reader)
{
	const struct et_manifest *manifest = reader->manifest;

	reader->records = et_calloc(manifest->frame_count + 1, sizeof(*reader->records));
	reader->index = et_calloc(manifest->frame_count + 1, sizeof(*reader->index));
	for (size_t i = 0; i < manifest->frame_count; i++) {
		if (manifest->frames[i].kind == ET_FRAME_RECORDS)
			reader->records[reader->record_count++] = i;
		else if (manifest->frames[i].kind == ET_FRAME_INDEX)
			reader->index[reader->index_count++] = i;
	}
}

int
et_reader_open(const char *path, struct et_reader **ret, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	int r = et_reader_begin(path, &reader, err);

	if (r < 0)
		return r;
	r = et_seektable_read(reader->fd, reader->file_bytes, &reader->seektable, err);
	if (r == 0)
		r = et_reader_find_manifest(reader, err);
	if (r == 0)
		r = check_table(reader, err);
	if (r == 0)
		r = check_header(reader, err);
	if (r < 0)
		return et_error_wrap(err, r, "%s", path);
	sort_frames(reader);
	et_reader_seek(reader, 0, UINT64_MAX);
	*ret = ET_STEAL(reader);
	return 0;
}

const char *
et_reader_path(const struct et_reader *reader)
{
	return reader->path;
}

const struct et_statement *
et_reader_statement(const struct et_reader *reader)
{
	return &reader->manifest->statement;
}

const struct et_manifest *
et_reader_manifest(const struct et_reader *reader)
{
	return reader->manifest;
}

static const struct et_frame_entry *
frame_at(const struct et_reader *reader, size_t at)
{
	return &reader->manifest->frames[reader->records[at]];
}

void
et_reader_seek(struct et_reader *reader, uint64_t first_seq, uint64_t last_seq)
{
	size_t low = 0;
	size_t high = reader->record_count;

	while (low < high) { /* the first frame that ends at first_seq or behind it */
		size_t middle = low + (high - low) / 2;

		if (frame_at(reader, middle)->last_seq < first_seq)
			low = middle + 1;
		else
			high = middle;
	}
	reader->first_seq = first_seq;
	reader->last_seq = last_seq;
	reader->at = low;
	reader->loaded = false;
}

/* The rest of the frame in hand is lost. */
static int
damaged(struct et_reader *reader, int code, struct et_error *err)
{
	const struct et_frame_entry *frame = frame_at(reader, reader->at);

	reader->damage_first = reader->loaded && reader->frame_records > 0 ? reader->frame_seq + 1
									   : frame->first_seq;
	reader->damage_last = frame->last_seq;
	if (reader->loaded)
		(void)et_error_wrap(err, code, "%s: %s at offset %" PRIu64, reader->path,
				    reader->manifest->members[frame->member].name, frame->offset);
	reader->loaded = false;
	if (code != ET_IO)
		reader->at++;
	return code;
}

static int
load(struct et_reader *reader, struct et_error *err)
{
	struct et_slice raw;
	int r = et_reader_entry(reader, frame_at(reader, reader->at), &raw, err);

	if (r < 0)
		return damaged(reader, r == ET_IO ? ET_IO : ET_CORRUPT, err);
	reader->cursor = et_cursor_of(raw.data, raw.size);
	reader->frame_records = 0;
	reader->loaded = true;
	return 0;
}

/* The next record of the frame in hand: 1, 0 behind its last one. */
static int
next_in_frame(struct et_reader *reader, struct et_record *ret, struct et_slice *ret_leaf,
	      struct et_error *err)
{
	const struct et_frame_entry *frame = frame_at(reader, reader->at);
	struct et_slice leaf;
	struct et_record record;
	int r = et_record_next(&reader->cursor, &leaf, err);

	if (r == 0 && reader->frame_records == frame->count)
		return 0;
	if (r == 0)
		r = et_error_set(err, ET_CORRUPT, "%" PRIu64 " records where %" PRIu64 " belong",
				 reader->frame_records, frame->count);
	if (r > 0)
		r = et_record_read(leaf, &record, err);
	if (r == 0 && (record.seq < frame->first_seq || record.seq > frame->last_seq ||
		       reader->frame_records == frame->count ||
		       (reader->frame_records > 0 && record.seq <= reader->frame_seq)))
		r = et_error_set(err, ET_CORRUPT, "sequence %" PRIu64 " out of order", record.seq);
	if (r < 0)
		return damaged(reader, ET_CORRUPT, err);
	reader->frame_seq = record.seq;
	reader->frame_records++;
	*ret = record;
	*ret_leaf = leaf;
	return 1;
}

int
et_reader_next(struct et_reader *reader, struct et_record *ret, struct et_slice *ret_leaf,
	       struct et_error *err)
{
	struct et_slice leaf;
	int r;

	while (reader->at < reader->record_count &&
	       frame_at(reader, reader->at)->first_seq <= reader->last_seq) {
		struct et_record record;

		r = reader->loaded ? 0 : load(reader, err);
		if (r == 0)
			r = next_in_frame(reader, &record, &leaf, err);
		if (r < 0)
			return r;
		if (r == 0) {
			reader->at++;
			reader->loaded = false;
		} else if (record.seq > reader->last_seq) {
			return 0;
		} else if (record.seq >= reader->first_seq) {
			*ret = record;
			if (ret_leaf != NULL)
				*ret_leaf = leaf;
			return 1;
		}
	}
	return 0;
}

void
et_reader_damage(const struct et_reader *reader, uint64_t *ret_first, uint64_t *ret_last)
{
	*ret_first = reader->damage_first;
	*ret_last = reader->damage_last;
}

int
et_reader_record(struct et_reader *reader, uint64_t seq, struct et_record *ret,
		 struct et_slice *ret_leaf, struct et_error *err)
{
	const struct et_statement *st = &reader->manifest->statement;
	int r;

	et_reader_seek(reader, seq, seq);
	r = et_reader_next(reader, ret, ret_leaf, err);
	if (r < 0)
		return r;
	if (r > 0)
		return 0;
	for (size_t i = 0; i < st->hole_count; i++) {
		if (seq >= st->holes[i].first && seq <= st->holes[i].last)
			return et_error_set(err, ET_GONE, "%s has no sequence %" PRIu64 ": %s",
					    reader->path, seq,
					    et_hole_type_name(st->holes[i].type));
	}
	return et_error_set(err, ET_GONE, "%s has no sequence %" PRIu64, reader->path, seq);
}
