/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive format, version 1. The numbers in brackets are the sections of
 * docs/archive-format.md, which says the same in words.
 *
 *	EVENTS/<identity>/EVENTS-<first, 20 digits>-<last, 20 digits>.tar.zst     [1]
 *
 *	[2] the file: zstd frames, decompressed they are one tar
 *
 *	+---------------------------------------------------------------------+ byte 0
 *	| frame: tar header of header.json                                    |
 *	| frame: header.json                                                  |
 *	+---------------------------------------------------------------------+
 *	| frame: padding of the member before, tar header of records/000000.pb|
 *	| frame: whole records, about 256 KiB                                 |
 *	| frame: whole records ...                                            |
 *	| frame: padding, tar header of records/000001.pb                     |
 *	| ...                                                                 |
 *	+---------------------------------------------------------------------+
 *	| frame: padding, tar header of index/0000.pb                         |
 *	| frame: groups of index rows, at most 64 KiB                         |
 *	| ...                                                                 |
 *	+---------------------------------------------------------------------+
 *	| frame: padding, tar header of manifest.json                         |  count - 3
 *	| frame: manifest.json, always one frame                              |  count - 2
 *	| frame: padding, two zero blocks: the end of the tar                 |  count - 1
 *	+---------------------------------------------------------------------+
 *	| skippable frame: seek table                                         |
 *	+---------------------------------------------------------------------+ end of the file
 *
 *	[3] every frame: content size, content checksum, no dictionary
 *
 *	[4] seek table (zstd's "seekable format", checksums on)
 *	5E 2A 4D 18 | le32 size of what follows | count x entry | footer
 *	entry:  le32 compressed size | le32 raw size | le32 low half of XXH64, as in the frame
 *	footer: le32 count | 80 | B1 EA 92 8F
 *
 *	[5] records/NNNNNN.pb: (varint size | evtrail.Record) ...                event/record.h
 *
 *	[6] index/NNNN.pb: (varint size | Group) ...; rows in the order of et_row_compare
 *	Group: 1 device, 16 bytes | 2 aggregate, 16 bytes | 3 count
 *	       4 versions: packed varints, each less the one before, modulo 2^64
 *	       5 event times: packed zigzag varints of the differences, modulo 2^64
 *	       6 sequences: like 5
 *	       7 classes, 8 kinds, 9 flags: one byte a row, or one byte for all when they are equal
 *	A zero value, or a column of zero only, is left out.
 *
 *	[7] manifest.json, [8] holes, [9] tree                                   archive/manifest.h
 */
#ifndef ET_ARCHIVE_FORMAT_H
#define ET_ARCHIVE_FORMAT_H

#define ET_ARCHIVE_FORMAT "evtrail-archive"
#define ET_ARCHIVE_VERSION 1
#define ET_ARCHIVE_SUFFIX ".tar.zst"
#define ET_ARCHIVE_SIDECAR_SUFFIX ".sha256"
#define ET_ARCHIVE_HEADER "header.json"
#define ET_ARCHIVE_MANIFEST "manifest.json"
#define ET_ARCHIVE_RECORDS "records/%06zu.pb"
#define ET_ARCHIVE_INDEX "index/%04zu.pb"

/* What the writer aims at; readers must not depend on these. */
#define ET_SEGMENT_BYTES (4u << 20)      /* raw bytes of a records member */
#define ET_SEGMENT_RECORDS 65536u        /* and its records, however small they are */
#define ET_FRAME_BYTES (256u << 10)      /* raw bytes of a frame of records */
#define ET_INDEX_FRAME_BYTES (64u << 10) /* raw bytes of a frame of rows: this one is a rule [6] */
#define ET_INDEX_MEMBER_BYTES (8u << 20) /* raw bytes of an index member */
#define ET_ARCHIVE_RAW_BYTES \
	(256u << 20)            /* records of one archive, before the writer says that it is full */
#define ET_ARCHIVE_ROWS 300000u /* the same in rows */
#define ET_ARCHIVE_HOLES 65536u /* and in holes */

/* Limits [10]: what is larger is refused (ET_LIMIT, or ET_CORRUPT where bytes lie). */
#define ET_FRAME_RAW_MAX (80u << 20) /* one frame; holds at least ET_RECORD_BYTES_MAX */
#define ET_FRAME_PACKED_MAX (81u << 20)
#define ET_FRAME_COUNT_MAX (1u << 20)
#define ET_MANIFEST_BYTES_MAX (64u << 20)
#define ET_HEADER_BYTES_MAX (64u << 10)
#define ET_HOLE_COUNT_MAX (1u << 20)
#define ET_MEMBER_NAME_MAX 99

#define ET_TAR_BLOCK 512u

#endif
