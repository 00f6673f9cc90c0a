// SPDX-License-Identifier: Apache-2.0
#include "stream/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "base/atomicfile.h"

#define SEED_CHARACTERS 58
#define SEED_RAW_BYTES 36 /* two of prefix, 32 of seed, two of CRC */
#define SEED_BYTES 32
#define PUBLIC_RAW_BYTES 35
#define PREFIX_SEED (18 << 3) /* 'S' */
#define PREFIX_USER (20 << 3) /* 'U' */
#define FILE_BYTES_MAX 65536

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM. */
static uint16_t
crc16(const uint8_t *bytes, size_t count)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < count; i++) {
		crc = (uint16_t)(crc ^ bytes[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

static bool
base32_decode(const char *text, size_t characters, uint8_t *out, size_t bytes)
{
	unsigned bits = 0;
	uint32_t held = 0;
	size_t written = 0;

	for (size_t i = 0; i < characters; i++) {
		const char *at = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

		if (at == NULL)
			return false;
		held = held << 5 | (uint32_t)(at - alphabet);
		bits += 5;
		if (bits >= 8 && written < bytes) {
			bits -= 8;
			out[written++] = (uint8_t)(held >> bits);
		}
	}
	return written == bytes;
}

/* `bytes` is a multiple of five: no padding. */
static void
base32_encode(const uint8_t *in, size_t bytes, char *out)
{
	unsigned bits = 0;
	uint32_t held = 0;

	for (size_t i = 0; i < bytes; i++) {
		held = held << 8 | in[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = alphabet[held >> (bits - 5) & 31];
	}
	*out = '\0';
}

bool
et_nkey_public(const char *seed, char text[ET_NKEY_TEXT_BYTES])
{
	uint8_t raw[SEED_RAW_BYTES];
	uint8_t public[PUBLIC_RAW_BYTES] = { PREFIX_USER };
	size_t bytes = SEED_BYTES;
	EVP_PKEY *key;
	uint16_t crc;
	bool done = false;

	if (!base32_decode(seed, SEED_CHARACTERS, raw, sizeof(raw)))
		return false;
	crc = (uint16_t)(raw[SEED_RAW_BYTES - 2] | raw[SEED_RAW_BYTES - 1] << 8);
	/* The kind of the key is spread over the two prefix bytes behind the five bits of 'S'. */
	if (crc16(raw, SEED_RAW_BYTES - 2) == crc && (raw[0] & 0xF8) == PREFIX_SEED &&
	    ((raw[0] & 7) << 5 | raw[1] >> 3) == PREFIX_USER) {
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw + 2, SEED_BYTES);
		done = key != NULL && EVP_PKEY_get_raw_public_key(key, public + 1, &bytes) == 1 &&
		       bytes == SEED_BYTES;
		EVP_PKEY_free(key);
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	if (!done)
		return false;
	crc = crc16(public, PUBLIC_RAW_BYTES - 2);
	public[PUBLIC_RAW_BYTES - 2] = (uint8_t)crc;
	public[PUBLIC_RAW_BYTES - 1] = (uint8_t)(crc >> 8);
	base32_encode(public, sizeof(public), text);
	return true;
}

int
et_nkey_public_of_file(const char *path, char text[ET_NKEY_TEXT_BYTES], struct et_error *err)
{
	char *content = NULL;
	size_t bytes = 0;
	bool found = false;
	int r;

	r = et_file_read(path, FILE_BYTES_MAX, &content, &bytes, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the NKey seed");
	for (const char *at = content; !found && (at = strstr(at, "SU")) != NULL; at++)
		found = strlen(at) >= SEED_CHARACTERS && et_nkey_public(at, text);
	OPENSSL_cleanse(content, bytes);
	free(content);
	if (found)
		return 0;
	r = et_error_set(err, ET_CONFIG, "no user's NKey seed in '%s'", path);
	et_error_hint(err,
		      "the file holds one line that begins with SU, as nk -gen user writes it");
	return r;
}
