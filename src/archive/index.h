/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of index rows (archive format 6). A frame holds groups of rows of one
 * device and aggregate; a group that does not fit goes on in the next frame.
 * Each frame can be read alone.
 */
#ifndef ET_ARCHIVE_INDEX_H
#define ET_ARCHIVE_INDEX_H

#include "archive/manifest.h"
#include "event/row.h"

int et_index_key_compare(const struct et_index_key *a, const struct et_index_key *b);
struct et_index_key et_index_key_of(const struct et_row *row);

/* Collects rows, in order, until a frame is full. */
struct et_index_encoder;

struct et_index_encoder *et_index_encoder_new(size_t frame_bytes);
void et_index_encoder_free(struct et_index_encoder *encoder);
/* False when the row does not fit any more: take the frame, then add the row again. */
bool et_index_encoder_add(struct et_index_encoder *encoder, const struct et_row *row);
/* The raw bytes of the frame with its count, first and last key (in *ret); empty when there are no
 * rows. Valid until the next add, which starts a new frame. */
struct et_slice et_index_encoder_take(struct et_index_encoder *encoder, struct et_frame_entry *ret);

/* Appends the rows of a raw frame. ET_CORRUPT, with no rows added, when it is not as section 6
 * says. */
ET_CHECKED int et_index_decode(struct et_slice raw, struct et_rows *out, struct et_error *err);

ET_CLEANUP_DEFINE(et_index_encoder, et_index_encoder_free);

#endif
