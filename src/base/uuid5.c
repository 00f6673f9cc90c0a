// SPDX-License-Identifier: Apache-2.0
#include "base/uuid5.h"

#include <uuid/uuid.h>

/* RFC 4122, appendix C: 6ba7b811-9dad-11d1-80b4-00c04fd430c8. */
static const uint8_t namespace_url[16] = {
	0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
	0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
};

/* A dash stands in front of these bytes. */
static bool
dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

struct et_uuid
et_uuid_v5_url(const void *name, size_t bytes)
{
	struct et_uuid uuid;

	uuid_generate_sha1(uuid.bytes, namespace_url, bytes > 0 ? name : "", bytes);
	return uuid;
}

/* 0..15, or -1. Upper case is not canonical. */
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
et_uuid_parse_canonical(const char *text, size_t bytes, struct et_uuid *ret)
{
	struct et_uuid uuid;

	if (bytes != ET_UUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		int high;
		int low;

		if (dash_before(i) && *text++ != '-')
			return false;
		high = digit(*text++);
		low = digit(*text++);
		if (high < 0 || low < 0)
			return false;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = uuid;
	return true;
}

void
et_uuid_format(const struct et_uuid *uuid, char text[ET_UUID_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (dash_before(i))
			*text++ = '-';
		*text++ = digits[uuid->bytes[i] >> 4];
		*text++ = digits[uuid->bytes[i] & 15];
	}
	*text = '\0';
}
