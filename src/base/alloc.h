/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory. A failed small allocation aborts the process (the BSON library does
 * so in any case, and every file we write is staged: an abort is a crash, and
 * crashes are tested). A size that comes from input passes a named limit first
 * and fails there as ET_LIMIT.
 */
#ifndef ET_BASE_ALLOC_H
#define ET_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "base/error.h"

void *et_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *et_calloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *et_realloc(void *old, size_t bytes) __attribute__((returns_nonnull));
/* count * bytes with the product checked. */
void *et_realloc_array(void *old, size_t count, size_t bytes) __attribute__((returns_nonnull));
char *et_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *et_strndup(const char *text, size_t bytes) __attribute__((malloc, returns_nonnull));
void *et_memdup(const void *bytes, size_t count) __attribute__((malloc, returns_nonnull));
char *et_format(const char *format, ...) ET_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

/* Cleanup: ET_CLEAN(et_part) struct et_part *part = NULL; calls et_part_free(part) at the end
 * of the scope. ET_CLEANUP_DEFINE(et_part, et_part_free) in the header of the noun makes it so.
 * Ownership leaves by ET_STEAL(part). */
#define ET_CLEANUP_DEFINE(noun, destructor)                \
	static inline void noun##_cleanup(struct noun **p) \
	{                                                  \
		destructor(*p);                            \
	}                                                  \
	struct et_swallow_semicolon
#define ET_CLEAN(noun) __attribute__((cleanup(noun##_cleanup)))
#define ET_STEAL(pointer)                                   \
	__extension__({                                     \
		__typeof__(pointer) et_stolen_ = (pointer); \
		(pointer) = NULL;                           \
		et_stolen_;                                 \
	})

void et_mem_cleanup(void *pointer_to_pointer);
#define ET_CLEAN_MEM __attribute__((cleanup(et_mem_cleanup)))

void et_fd_cleanup(const int *fd);
#define ET_CLEAN_FD __attribute__((cleanup(et_fd_cleanup)))

#define ET_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
