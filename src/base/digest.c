// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct et_hasher {
	EVP_MD_CTX *context;
};

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

/* Only a broken OpenSSL (no memory, no SHA-256) gets here; a wrong digest must not go on. */
static void
insist(bool good)
{
	if (good)
		return;
	/* GCOVR_EXCL_START: OpenSSL cannot be broken from here */
	(void)fputs("evtrail: SHA-256 does not work\n", stderr);
	abort();
	/* GCOVR_EXCL_STOP */
}

/* Fetched once for the process and kept to its end. */
static void
fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	insist(sha256 != NULL);
}

struct et_hasher *
et_hasher_new(void)
{
	struct et_hasher *hasher = et_alloc(sizeof(*hasher));

	insist(pthread_once(&sha256_once, fetch_sha256) == 0);
	hasher->context = EVP_MD_CTX_new();
	insist(hasher->context != NULL);
	return hasher;
}

void
et_hasher_free(struct et_hasher *hasher)
{
	if (hasher == NULL)
		return;
	EVP_MD_CTX_free(hasher->context);
	free(hasher);
}

void
et_hasher_begin(struct et_hasher *hasher)
{
	insist(EVP_DigestInit_ex2(hasher->context, sha256, NULL) == 1);
}

void
et_hasher_add(struct et_hasher *hasher, const void *bytes, size_t count)
{
	insist(EVP_DigestUpdate(hasher->context, bytes, count) == 1);
}

void
et_hasher_end(struct et_hasher *hasher, struct et_sha256 *ret)
{
	insist(EVP_DigestFinal_ex(hasher->context, ret->bytes, NULL) == 1);
}

void
et_hasher_once(struct et_hasher *hasher, const void *bytes, size_t count, struct et_sha256 *ret)
{
	et_hasher_begin(hasher);
	et_hasher_add(hasher, bytes, count);
	et_hasher_end(hasher, ret);
}

void
et_sha256_hex(const struct et_sha256 *digest, char text[ET_SHA256_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < ET_SHA256_BYTES; i++) {
		*text++ = digits[digest->bytes[i] >> 4];
		*text++ = digits[digest->bytes[i] & 15];
	}
	*text = '\0';
}

/* 0..15, or -1. */
static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
et_sha256_parse(const char *text, struct et_sha256 *ret)
{
	struct et_sha256 digest;

	for (size_t i = 0; i < ET_SHA256_BYTES; i++) {
		int high = digit(*text);
		int low = high < 0 ? -1 : digit(text[1]);

		if (low < 0)
			return false;
		digest.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text != '\0')
		return false;
	*ret = digest;
	return true;
}
