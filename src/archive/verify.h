/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves an archive, byte by byte: walks all frames from byte 0, compares them
 * with the seek table, the manifest and the sidecar, reads every record, makes
 * its index rows and its leaf again. Damage is named and counted, and the walk
 * goes on with the rest. Memory does not grow with the archive (the frame
 * table apart).
 */
#ifndef ET_ARCHIVE_VERIFY_H
#define ET_ARCHIVE_VERIFY_H

#include "archive/writer.h"

enum et_damage_code {
	ET_DAMAGE_FRAME,  /* bytes in no frame, or a frame that cannot be unpacked */
	ET_DAMAGE_DIGEST, /* a frame is not the one of the manifest */
	ET_DAMAGE_SEEKTABLE,
	ET_DAMAGE_HEADER,
	ET_DAMAGE_TAR,
	ET_DAMAGE_MANIFEST,
	ET_DAMAGE_TABLE,    /* the manifest's table of frames does not fit the frames */
	ET_DAMAGE_RECORD,   /* a record that cannot be read, or is not in canonical form */
	ET_DAMAGE_SEQUENCE, /* sequences out of order or range, or holes that do not fit */
	ET_DAMAGE_COUNT,    /* counts, times or sizes of the manifest do not fit the records */
	ET_DAMAGE_INDEX,    /* index and records differ */
	ET_DAMAGE_TREE,
	ET_DAMAGE_SIDECAR, /* the .sha256 is missing, unreadable or another one */
	ET_DAMAGE_NAME,    /* the file's name does not fit the manifest */
	ET_DAMAGE_LINK,    /* two neighbours do not fit together */
	ET_DAMAGE_CODE_COUNT
};

/* "frame", "digest", "seek_table", …: as in reports. */
const char *et_damage_code_name(enum et_damage_code code);

struct et_damage {
	enum et_damage_code code;
	const char *path;
	const char *member; /* "" when it concerns no member */
	uint64_t offset;    /* in the compressed file; UINT64_MAX when it has no place */
	uint64_t first_seq; /* the sequences concerned, or 0 and 0 */
	uint64_t last_seq;
	const char *text; /* what is wrong, without path, member and offset */
};

struct et_verify_options {
	/* Seek table, frame headers, manifest, header, name, sidecar's form: nothing is
	 * unpacked. */
	bool quick;
	unsigned jobs; /* workers; 0: on the caller's thread */
	const struct et_row_hooks
		*rows; /* NULL: the index is read, and not compared with the records */
	const struct et_tree_hooks
		*tree; /* NULL: the tree is not computed. start, push, head are called */
	/* Called for each damage, never by two threads at once; the strings live for the call
	 * only. */
	void (*damage)(void *cookie, const struct et_damage *damage);
	void *cookie;
};

struct et_verify_result {
	uint64_t damage_count;
	uint64_t frames;              /* seen */
	uint64_t records;             /* read */
	uint64_t rows;                /* read from the index */
	uint64_t raw_bytes;           /* of records */
	uint64_t packed_bytes;        /* the file */
	struct et_manifest *manifest; /* NULL when it could not be read */
};
void et_verify_result_done(struct et_verify_result *result);

/* 0 when the archive could be walked, whatever was found: see damage_count. Negative when that was
 * not possible at all: ET_GONE (also when it is taken away meanwhile), ET_IO, ET_CONFIG (a newer
 * format), ET_CANCELED (base/cancel). */
ET_CHECKED int et_verify_archive(const char *path, const struct et_verify_options *options,
				 struct et_verify_result *ret, struct et_error *err);
/* Tiling and tree between an archive and the one behind it; only the damage hook is used. Returns
 * the number of damages. */
unsigned et_verify_link(const char *path, const struct et_statement *before,
			const struct et_statement *after, const struct et_verify_options *options);

#endif
