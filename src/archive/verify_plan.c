// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "archive/format.h"
#include "archive/tar.h"
#include "archive/verify_part.h"

#define GAP_PIECE_BYTES (1U << 20) /* bytes that are no frame come in pieces of this size */
#define BEHIND_TABLE 3             /* frames that the manifest cannot list */

static struct et_piece *
add_piece(struct et_verify *v, const struct et_frame_extent *extent, bool sound)
{
	struct et_piece *piece;

	if (v->piece_count == v->piece_capacity) {
		v->piece_capacity = v->piece_capacity > 0 ? v->piece_capacity * 2 : 256;
		v->pieces = et_realloc_array(v->pieces, v->piece_capacity, sizeof(*v->pieces));
	}
	piece = &v->pieces[v->piece_count++];
	*piece = (struct et_piece){ .extent = *extent, .sound = sound, .member = "" };
	return piece;
}

/* Bytes that are no frame. */
static void
add_gap(struct et_verify *v, uint64_t from, uint64_t to, const char *why)
{
	struct et_frame_extent extent = { .offset = from, .packed_bytes = to - from };
	const struct et_piece whole = { .extent = extent, .member = "" };

	et_verify_say(v, ET_DAMAGE_FRAME, &whole, 0, 0, why);
	while (extent.offset < to) {
		extent.packed_bytes =
			to - extent.offset < GAP_PIECE_BYTES ? to - extent.offset : GAP_PIECE_BYTES;
		(void)add_piece(v, &extent, false);
		extent.offset += extent.packed_bytes;
	}
}

/* Where the seek table says that the next frame behind `offset` begins; the table's own place when
 * there is none. O(log frames). */
static uint64_t
next_in_table(const struct et_verify *v, uint64_t offset)
{
	const struct et_seektable *table = &v->reader->seektable;
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->frames[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < table->count)
		return table->frames[low].offset;
	return table->offset > offset ? table->offset : v->reader->file_bytes;
}

/* From byte 0 to the end of the file. What cannot be walked is left behind with the seek table's
 * help. */
static int
walk(struct et_verify *v, struct et_error *err)
{
	uint64_t file_bytes = v->reader->file_bytes;
	uint64_t at = 0;

	while (at < file_bytes) {
		struct et_frame_extent extent;
		struct et_error why = { 0 };
		int r = et_frame_measure(v->reader->fd, at, file_bytes, &extent, &why);

		if (r == ET_IO) {
			if (err != NULL)
				*err = why;
			return r;
		}
		if (r == 0 && v->piece_count >= ET_FRAME_COUNT_MAX + 1)
			return et_error_set(err, ET_LIMIT, "more than %u frames",
					    ET_FRAME_COUNT_MAX);
		if (r < 0) {
			uint64_t next = next_in_table(v, at);

			add_gap(v, at, next, why.text);
			at = next;
			continue;
		}
		(void)add_piece(v, &extent, !extent.skippable);
		v->result->frames++;
		at += extent.packed_bytes;
		if (extent.skippable && at < file_bytes)
			et_verify_say(v, ET_DAMAGE_FRAME, &v->pieces[v->piece_count - 1], 0, 0,
				      "a skippable frame that is not the seek table");
	}
	return 0;
}

static void
compare_table(struct et_verify *v)
{
	const struct et_seektable *table = &v->reader->seektable;
	size_t i = 0;

	for (size_t at = 0; at < v->piece_count; at++) {
		const struct et_piece *piece = &v->pieces[at];
		const struct et_frame_extent *frame;

		if (!piece->sound)
			continue;
		while (i < table->count && table->frames[i].offset < piece->extent.offset)
			i++;
		frame = i < table->count ? &table->frames[i] : NULL;
		if (frame == NULL || frame->offset != piece->extent.offset ||
		    frame->packed_bytes != piece->extent.packed_bytes ||
		    frame->raw_bytes != piece->extent.raw_bytes ||
		    frame->checksum != piece->extent.checksum) {
			et_verify_say(v, ET_DAMAGE_SEEKTABLE, piece, 0, 0,
				      "the seek table says otherwise");
			return; /* one is enough: all that follow are usually shifted */
		}
	}
}

/* The seek table must be the last thing in the file, and nothing else may be skippable. */
static int
read_table(struct et_verify *v, struct et_error *err)
{
	struct et_error why = { 0 };
	int r = et_seektable_read(v->reader->fd, v->reader->file_bytes, &v->reader->seektable,
				  &why);

	if (r == ET_IO && err != NULL)
		*err = why;
	if (r == ET_IO)
		return r;
	if (r < 0)
		et_verify_say(v, ET_DAMAGE_SEEKTABLE, NULL, 0, 0, why.text);
	return 0;
}

/* The last zstd frames, as the walk found them. */
static bool
last_frames(const struct et_verify *v, size_t ret[BEHIND_TABLE])
{
	size_t found = BEHIND_TABLE;

	for (size_t i = v->piece_count; i-- > 0 && found > 0;) {
		if (v->pieces[i].sound)
			ret[--found] = i;
		else if (i + 1 < v->piece_count)
			return false; /* a gap among them */
	}
	return found == 0;
}

static int
read_manifest(struct et_verify *v, const struct et_piece *piece, struct et_error *err)
{
	struct et_error why = { 0 };
	struct et_slice raw;
	int r = et_reader_frame(v->reader, &piece->extent, NULL, &raw, &why);

	if (r == 0)
		r = et_manifest_decode(raw, &v->reader->manifest, &why);
	if (r < 0 && (r == ET_IO || r == ET_CONFIG)) {
		if (err != NULL)
			*err = why;
		return r;
	}
	if (r < 0) {
		const struct et_piece place = { .extent = piece->extent,
						.member = ET_ARCHIVE_MANIFEST };

		et_verify_say(v, ET_DAMAGE_MANIFEST, &place, 0, 0, why.text);
	}
	return 0;
}

/* A list of the manifest's on the pieces: both are in the order of the file. */
static void
take_entries(struct et_verify *v)
{
	const struct et_manifest *manifest = v->reader->manifest;
	size_t at = 0;

	for (size_t i = 0; i < manifest->frame_count; i++) {
		const struct et_frame_entry *entry = &manifest->frames[i];
		const struct et_member *member = &manifest->members[entry->member];
		struct et_piece *piece;

		while (at < v->piece_count && v->pieces[at].extent.offset < entry->offset)
			at++;
		piece = at < v->piece_count ? &v->pieces[at] : NULL;
		if (piece == NULL || piece->extent.offset != entry->offset ||
		    (piece->sound && (piece->extent.packed_bytes != entry->packed_bytes ||
				      piece->extent.raw_bytes != entry->raw_bytes))) {
			const struct et_piece place = { .extent = { .offset = entry->offset },
							.member = member->name };

			et_verify_say(v, ET_DAMAGE_TABLE, &place, entry->first_seq, entry->last_seq,
				      "the manifest lists a frame that is not there");
			v->lost |= entry->kind == ET_FRAME_RECORDS;
			v->index_lost |= entry->kind == ET_FRAME_INDEX;
			continue;
		}
		piece->listed = piece->sorted = true;
		piece->entry = *entry;
		piece->kind = entry->kind;
		piece->member = member->name;
		piece->member_bytes = member->bytes;
		piece->padding =
			entry->member > 0
				? et_tar_padding(manifest->members[entry->member - 1].bytes)
				: 0;
	}
}

static void
take_ends(struct et_verify *v, const size_t ends[BEHIND_TABLE])
{
	const struct et_manifest *manifest = v->reader->manifest;
	struct et_piece *tar = &v->pieces[ends[0]];
	struct et_piece *text = &v->pieces[ends[1]];
	struct et_piece *end = &v->pieces[ends[2]];

	tar->kind = ET_FRAME_TAR;
	text->kind = ET_FRAME_MANIFEST;
	end->kind = ET_FRAME_END;
	tar->sorted = text->sorted = end->sorted = true;
	tar->member = text->member = ET_ARCHIVE_MANIFEST;
	tar->member_bytes = text->extent.raw_bytes;
	tar->padding = et_tar_padding(manifest->members[manifest->member_count - 1].bytes);
	end->padding = et_tar_padding(text->extent.raw_bytes);
}

static const char *
keep_name(struct et_verify *v, const char *name)
{
	v->names = et_realloc_array(v->names, v->name_count + 1, sizeof(*v->names));
	v->names[v->name_count] = et_strdup(name);
	return v->names[v->name_count++];
}

static enum et_frame_kind
kind_of(const char *member)
{
	if (strncmp(member, "records/", 8) == 0)
		return ET_FRAME_RECORDS;
	if (strncmp(member, "index/", 6) == 0)
		return ET_FRAME_INDEX;
	return strcmp(member, ET_ARCHIVE_HEADER) == 0 ? ET_FRAME_HEADER : ET_FRAME_MANIFEST;
}

/* Without a manifest the tar itself says what is what. A piece is a tar header when it can be read
 * as one; what stands between is its member's as far as its size goes, and unsorted behind that. */
static void
sort_by_tar(struct et_verify *v)
{
	uint64_t left = 0;
	enum et_frame_kind kind = ET_FRAME_TAR;
	const char *name = "";

	for (size_t i = 0; i < v->piece_count; i++) {
		struct et_piece *piece = &v->pieces[i];
		struct et_tar_header header;
		struct et_slice raw;

		if (!piece->sound)
			continue;
		if (left >= piece->extent.raw_bytes) {
			piece->kind = kind;
			piece->member = name;
			piece->sorted = true;
			left -= piece->extent.raw_bytes;
			continue;
		}
		left = 0;
		if (piece->extent.raw_bytes < ET_TAR_BLOCK ||
		    piece->extent.raw_bytes >= (size_t)2 * ET_TAR_BLOCK ||
		    et_reader_frame(v->reader, &piece->extent, NULL, &raw, NULL) < 0 ||
		    et_tar_read(raw, raw.size - ET_TAR_BLOCK, &header, NULL) < 0)
			continue;
		name = keep_name(v, header.name);
		kind = kind_of(name);
		piece->kind = ET_FRAME_TAR;
		piece->member = name;
		piece->member_bytes = left = header.bytes;
		piece->padding = raw.size - ET_TAR_BLOCK;
		piece->sorted = true;
	}
}

/* What is left over belongs to nothing. */
static void
name_unsorted(struct et_verify *v)
{
	for (size_t i = 0; i < v->piece_count; i++) {
		if (v->pieces[i].sound && !v->pieces[i].sorted && v->reader->manifest != NULL)
			et_verify_say(v, ET_DAMAGE_TABLE, &v->pieces[i], 0, 0,
				      "a frame that the manifest does not list");
	}
}

int
et_verify_plan(struct et_verify *v, struct et_error *err)
{
	size_t ends[BEHIND_TABLE];
	bool has_ends;
	int r = read_table(v, err);

	if (r == 0)
		r = walk(v, err);
	if (r < 0)
		return r;
	if (v->reader->seektable.count > 0)
		compare_table(v);
	has_ends = last_frames(v, ends);
	if (has_ends)
		r = read_manifest(v, &v->pieces[ends[1]], err);
	else
		et_verify_say(v, ET_DAMAGE_MANIFEST, NULL, 0, 0, "there is none");
	if (r < 0)
		return r;
	if (v->reader->manifest != NULL) {
		take_entries(v);
		take_ends(v, ends);
		name_unsorted(v);
	} else {
		v->lost = true;
		sort_by_tar(v);
	}
	return 0;
}
