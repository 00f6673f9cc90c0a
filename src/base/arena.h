/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: many small allocations that end together. Decoded events live in
 * one, and it is reset per batch. It is given to protobuf-c as its allocator
 * by way of et_arena_alloc. Alignment is that of max_align_t. Not thread safe.
 */
#ifndef ET_BASE_ARENA_H
#define ET_BASE_ARENA_H

#include <stddef.h>

#include "base/alloc.h"

struct et_arena {
	struct et_arena_block *head; /* the block that is being filled */
	size_t used_bytes;           /* handed out since the last reset */
	size_t limit_bytes;          /* 0: none; else et_arena_alloc returns NULL beyond it */
};

void et_arena_init(struct et_arena *arena, size_t limit_bytes);
/* NULL only beyond the limit. */
void *et_arena_alloc(struct et_arena *arena, size_t bytes);
/* Copies with a NUL behind the bytes; NULL only beyond the limit. */
char *et_arena_strndup(struct et_arena *arena, const char *text, size_t bytes);
/* Forgets all allocations, keeps one block for the next round. O(blocks). */
void et_arena_reset(struct et_arena *arena);
/* Gives everything back; the arena can be used again. */
void et_arena_done(struct et_arena *arena);

#endif
