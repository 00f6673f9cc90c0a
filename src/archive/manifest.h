/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest, the last member of an archive (archive format 7, 8, 9): what
 * the archive states of itself, and a table of its frames. And header.json,
 * the first member. Plain data; the structs own what they point to.
 */
#ifndef ET_ARCHIVE_MANIFEST_H
#define ET_ARCHIVE_MANIFEST_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/digest.h"
#include "base/uuid5.h"

enum et_hole_type {                         /* why the sequences of a hole are not in the archive */
		    ET_HOLE_EXPIRED_BEFORE, /* gone before we came */
		    ET_HOLE_EXPIRED_WHILE_READING, /* gone between look and read */
		    ET_HOLE_ABSENT,        /* inside the stream: deleted, superseded or rolled up */
		    ET_HOLE_NOT_REQUESTED, /* nobody asked for them */
		    ET_HOLE_TYPE_COUNT
};

struct et_hole {
	uint64_t first; /* inclusive */
	uint64_t last;  /* inclusive */
	enum et_hole_type type;
};

/* "expired_before", "expired_while_reading", "absent", "not_requested"; "?" */
const char *et_hole_type_name(enum et_hole_type type);

struct et_archive_counts {
	uint64_t messages; /* records; the next four add up to it */
	uint64_t events;
	uint64_t registrations;
	uint64_t foreign;
	uint64_t malformed;
	uint64_t rows; /* index rows; more than messages where registrations name several devices */
};

#define ET_TREE_EDGE_MAX 64

/* A Merkle tree (RFC 6962) at one size. */
struct et_tree_head {
	uint64_t size; /* leaves */
	struct et_sha256 root;
	unsigned edge_count; /* the bits set in size */
	struct et_sha256
		edge[ET_TREE_EDGE_MAX]; /* roots of the perfect subtrees, left (largest) to right */
};

bool et_tree_head_equals(const struct et_tree_head *a, const struct et_tree_head *b);

struct et_statement {
	unsigned version;
	char *stream;
	char *identity;
	uint64_t first_seq; /* of the range, whether there is a record or not */
	uint64_t last_seq;
	struct et_hole *holes; /* ascending, disjoint; records and holes tile the range */
	size_t hole_count;
	struct et_archive_counts counts;
	int64_t first_time_ns; /* earliest stream time of a record; ET_TIME_NONE without records */
	int64_t last_time_ns;  /* latest */
	uint64_t raw_bytes;    /* of all records members */
	struct et_tree_head before;
	struct et_tree_head after;
};

/* Places in the index are compared by (device, aggregate, version). */
struct et_index_key {
	struct et_uuid device;
	struct et_uuid aggregate;
	uint64_t version;
};

enum et_frame_kind {
	ET_FRAME_TAR,    /* padding of the member before and the tar header of its own member */
	ET_FRAME_HEADER, /* header.json */
	ET_FRAME_RECORDS,
	ET_FRAME_INDEX,
	ET_FRAME_MANIFEST, /* not in the manifest's own table */
	ET_FRAME_END,      /* nor this: padding and the end of the tar */
};

struct et_frame_entry {
	enum et_frame_kind kind;
	unsigned member; /* index into the manifest's members */
	uint64_t offset;
	uint64_t packed_bytes;
	uint64_t raw_bytes;
	struct et_sha256 sha256; /* of the compressed frame */
	uint64_t count;          /* records, or index rows */
	uint64_t first_seq;      /* records only, as the next three */
	uint64_t last_seq;
	int64_t first_time_ns;         /* earliest */
	int64_t last_time_ns;          /* latest */
	struct et_index_key first_key; /* index only */
	struct et_index_key last_key;
};

struct et_member {
	char *name;
	uint64_t bytes;
	size_t first_frame; /* its tar frame; its data frames follow */
	size_t frame_count; /* with the tar frame */
};

struct et_manifest {
	struct et_statement statement;
	struct et_member *members;
	size_t member_count;
	size_t member_capacity;
	struct et_frame_entry
		*frames; /* from byte 0, without a gap, up to the tar header of manifest.json */
	size_t frame_count;
	size_t frame_capacity;
};

struct et_manifest *et_manifest_new(void);
void et_manifest_free(struct et_manifest *manifest);
/* Adds a member without frames; its index. */
unsigned et_manifest_add_member(struct et_manifest *manifest, const char *name, uint64_t bytes);
/* Adds a frame to the last member (the entry's `member` is set). */
void et_manifest_add_frame(struct et_manifest *manifest, const struct et_frame_entry *entry);
/* Adds a hole behind the last one; joins it when it touches and has the same type. */
void et_statement_add_hole(struct et_statement *statement, uint64_t first, uint64_t last,
			   enum et_hole_type type);

/* JSON text, the same bytes for the same manifest. */
ET_CHECKED int et_manifest_encode(const struct et_manifest *manifest, struct et_buf *out,
				  struct et_error *err);
/* Hostile input: types, limits, order of frames and holes, counts that add up are all checked.
 * Unknown keys are ignored. ET_CORRUPT, ET_LIMIT; ET_CONFIG for a version that is too new. */
ET_CHECKED int et_manifest_decode(struct et_slice text, struct et_manifest **ret,
				  struct et_error *err);

/* header.json */
void et_archive_header_encode(const char *stream, const char *identity, struct et_buf *out);
/* Refuses an unknown format, version or requirement as ET_CONFIG with the words; ET_CORRUPT when it
 * is not what it should be. stream and identity (may be NULL) must be the same. */
ET_CHECKED int et_archive_header_check(struct et_slice text, const char *stream,
				       const char *identity, struct et_error *err);

ET_CLEANUP_DEFINE(et_manifest, et_manifest_free);

#endif
