/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256. One context is reused for many digests (a fetched EVP_MD and one
 * context: 0.5 us per record instead of 0.9). A context belongs to one thread.
 */
#ifndef ET_BASE_DIGEST_H
#define ET_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

#define ET_SHA256_BYTES 32
#define ET_SHA256_HEX_BYTES 65

struct et_sha256 {
	uint8_t bytes[ET_SHA256_BYTES];
};

struct et_hasher; /* an SHA-256 context */

struct et_hasher *et_hasher_new(void);
void et_hasher_free(struct et_hasher *hasher);
void et_hasher_begin(struct et_hasher *hasher);
void et_hasher_add(struct et_hasher *hasher, const void *bytes, size_t count);
void et_hasher_end(struct et_hasher *hasher, struct et_sha256 *ret);
/* The digest of one piece, a convenience on top of the three above. */
void et_hasher_once(struct et_hasher *hasher, const void *bytes, size_t count,
		    struct et_sha256 *ret);

void et_sha256_hex(const struct et_sha256 *digest, char text[ET_SHA256_HEX_BYTES]);
/* False unless the text is 64 lower-case hexadecimal digits. */
bool et_sha256_parse(const char *text, struct et_sha256 *ret);

ET_CLEANUP_DEFINE(et_hasher, et_hasher_free);

#endif
