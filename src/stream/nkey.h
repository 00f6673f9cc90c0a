/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NKeys: NATS's text form of Ed25519 keys. A seed is base32 of two prefix
 * bytes (kind of key), 32 bytes of seed and a CRC-16; a public key is base32
 * of one prefix byte, 32 bytes and a CRC-16. The client library signs with the
 * seed but has to be told the public key, which follows from it.
 */
#ifndef ET_STREAM_NKEY_H
#define ET_STREAM_NKEY_H

#include "base/alloc.h"

#define ET_NKEY_TEXT_BYTES 57 /* 56 characters and a NUL */

/* The public key ("U...") of a user's seed ("SU..."), which is 58 characters long. False when the
 * text is no such seed. */
bool et_nkey_public(const char *seed, char text[ET_NKEY_TEXT_BYTES]);
/* The same of the first seed in a file. ET_IO, ET_CONFIG; the seed is in no error text. */
ET_CHECKED int et_nkey_public_of_file(const char *path, char text[ET_NKEY_TEXT_BYTES],
				      struct et_error *err);

#endif
