// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK_BYTES ((size_t)16 << 10)
#define LAST_BLOCK_BYTES ((size_t)1 << 20)

struct et_arena_block {
	struct et_arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) uint8_t data[];
};

static struct et_arena_block *
block_new(size_t size, struct et_arena_block *next)
{
	struct et_arena_block *block = et_alloc(sizeof(*block) + size);

	block->next = next;
	block->size = size;
	block->used = 0;
	return block;
}

static void
blocks_free(struct et_arena_block *block)
{
	while (block != NULL) {
		struct et_arena_block *next = block->next;

		free(block);
		block = next;
	}
}

/*
 * The head is always an ordinary block, so that a reset never holds on to a giant: what is too
 * large for a good use of a new head gets a block of its own behind it.
 */
static struct et_arena_block *
block_for(struct et_arena *arena, size_t bytes)
{
	struct et_arena_block *head = arena->head;
	size_t size = FIRST_BLOCK_BYTES;

	if (head != NULL)
		size = head->size < LAST_BLOCK_BYTES ? head->size * 2 : LAST_BLOCK_BYTES;
	if (head == NULL || bytes <= size / 4) {
		head = block_new(size, head);
		arena->head = head;
	}
	if (bytes <= head->size - head->used)
		return head;
	head->next = block_new(bytes, head->next);
	return head->next;
}

void
et_arena_init(struct et_arena *arena, size_t limit_bytes)
{
	*arena = (struct et_arena){ .limit_bytes = limit_bytes };
}

void *
et_arena_alloc(struct et_arena *arena, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	struct et_arena_block *block = arena->head;
	size_t need;
	void *p;

	if (arena->limit_bytes > 0 && bytes > arena->limit_bytes)
		return NULL;
	if (bytes > PTRDIFF_MAX - sizeof(*block) - align)
		return et_alloc(SIZE_MAX); /* which does not return */
	need = bytes > 0 ? (bytes + align - 1) & ~(align - 1) : align;
	if (arena->limit_bytes > 0 && need > arena->limit_bytes - arena->used_bytes)
		return NULL;
	if (block == NULL || need > block->size - block->used)
		block = block_for(arena, need);
	p = block->data + block->used;
	block->used += need;
	arena->used_bytes += need;
	return p;
}

char *
et_arena_strndup(struct et_arena *arena, const char *text, size_t bytes)
{
	char *copy = et_arena_alloc(arena, bytes < SIZE_MAX ? bytes + 1 : bytes);

	if (copy == NULL)
		return NULL;
	if (bytes > 0)
		memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	return copy;
}

void
et_arena_reset(struct et_arena *arena)
{
	struct et_arena_block *head = arena->head;

	arena->used_bytes = 0;
	if (head == NULL)
		return;
	blocks_free(head->next);
	head->next = NULL;
	head->used = 0;
}

void
et_arena_done(struct et_arena *arena)
{
	blocks_free(arena->head);
	arena->head = NULL;
	arena->used_bytes = 0;
}
