/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of unsigned 64-bit numbers as sorted, disjoint, non-adjacent closed
 * intervals [first, last]. Used for the ranges of sequences that are archived
 * or missing.
 */
#ifndef ET_BASE_SEQSET_H
#define ET_BASE_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et_range {
	uint64_t first; /* inclusive */
	uint64_t last;  /* inclusive */
};

struct et_seqset {
	struct et_range *ranges;
	size_t count;
	size_t capacity;
};

void et_seqset_init(struct et_seqset *set);
void et_seqset_done(struct et_seqset *set);
/* Adds [first, last]; joins what touches. O(log n) to find, O(n) to move; appending is O(1). */
void et_seqset_add(struct et_seqset *set, uint64_t first, uint64_t last);
/* Takes [first, last] out. */
void et_seqset_remove(struct et_seqset *set, uint64_t first, uint64_t last);
bool et_seqset_has(const struct et_seqset *set, uint64_t value);
/* True when any number of [first, last] is in it. */
bool et_seqset_meets(const struct et_seqset *set, uint64_t first, uint64_t last);
/* How many numbers are in it; UINT64_MAX when that overflows. */
uint64_t et_seqset_size(const struct et_seqset *set);

#endif
