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

/* One more than the digit's value; 0: no digit. Upper case is not canonical. */
static const uint8_t digit_plus_one[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* Some ids per message of a stream, and their digits are random: no branch for each of them. */
bool
et_uuid_parse_canonical(const char *text, size_t bytes, struct et_uuid *ret)
{
	struct et_uuid uuid;
	bool good = true;

	if (bytes != ET_UUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		unsigned high;
		unsigned low;

		if (dash_before(i))
			good &= *text++ == '-';
		high = digit_plus_one[(uint8_t)*text++];
		low = digit_plus_one[(uint8_t)*text++];
		good &= high > 0 && low > 0;
		uuid.bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	if (good)
		*ret = uuid;
	return good;
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
