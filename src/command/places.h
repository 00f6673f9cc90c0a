/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which position of the archives belongs to a time of the stream. The answer
 * depends on the records alone, not on how they lie in archives and frames.
 */
#ifndef ET_COMMAND_PLACES_H
#define ET_COMMAND_PLACES_H

#include "command/state.h"

struct et_places;
/* Lists the archives. */
ET_CHECKED int et_places_open(struct et_state *state, struct et_places **ret, struct et_error *err);
void et_places_free(struct et_places *places);
ET_CLEANUP_DEFINE(et_places, et_places_free);

/* The archives that hold messages, by position. */
size_t et_places_count(const struct et_places *places);
const struct et_archive_entry *et_places_entry(const struct et_places *places, size_t index);

/* The first sequence of the oldest archive, messages or not; 0: there is none. */
uint64_t et_places_first_seq(const struct et_places *places);

/* The first record of that stream time or later, at or behind position `from`; ret_time_ns may be
 * NULL. 1, or 0: there is none. Reads a frame, unless it was the last one read. */
ET_CHECKED int et_places_at(struct et_places *places, uint64_t from, int64_t time_ns,
			    uint64_t *ret_position, int64_t *ret_time_ns, struct et_error *err);
/* The last record before a position: 1, or 0. */
ET_CHECKED int et_places_before(struct et_places *places, uint64_t position, int64_t *ret_time_ns,
				struct et_error *err);

#endif
