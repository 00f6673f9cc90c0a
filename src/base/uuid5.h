/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs as 16 bytes, their canonical text (lower case, with dashes), and name
 * based UUIDs of version 5 in the URL namespace, which plgd hub uses for
 * owners, hrefs and aggregates (docs/plgd.md, Identifiers).
 */
#ifndef ET_BASE_UUID5_H
#define ET_BASE_UUID5_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ET_UUID_TEXT_BYTES 37 /* 36 characters and a NUL */

struct et_uuid {
	uint8_t bytes[16];
};

/* The version 5 UUID of `name` in the URL namespace. */
struct et_uuid et_uuid_v5_url(const void *name, size_t bytes);
/* True only for the canonical form: 36 characters, lower case, dashes in place. */
bool et_uuid_parse_canonical(const char *text, size_t bytes, struct et_uuid *ret);
void et_uuid_format(const struct et_uuid *uuid, char text[ET_UUID_TEXT_BYTES]);

/* The order of the bytes, which is also that of the canonical texts. In two words: rows are sorted
 * by little else. */
static inline int
et_uuid_compare(const struct et_uuid *a, const struct et_uuid *b)
{
	uint64_t left[2];
	uint64_t right[2];

	memcpy(left, a->bytes, sizeof(left));
	memcpy(right, b->bytes, sizeof(right));
	if (left[0] != right[0])
		return be64toh(left[0]) < be64toh(right[0]) ? -1 : 1;
	if (left[1] != right[1])
		return be64toh(left[1]) < be64toh(right[1]) ? -1 : 1;
	return 0;
}

#endif
