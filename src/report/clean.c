// SPDX-License-Identifier: Apache-2.0
#include "report/clean.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* How many bytes the character at `text` has; 0: it is none. Overlong forms, surrogates and what
 * is beyond U+10FFFF are none (RFC 3629). A NUL ends every comparison by itself: it is no
 * continuation. */
static size_t
character(const uint8_t *text)
{
	uint8_t low = 0x80; /* limits of the second byte */
	uint8_t high = 0xbf;
	size_t bytes;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	bytes = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return bytes;
}

char *
et_clean_utf8(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const uint8_t *at = (const uint8_t *)text;
	char *clean = et_alloc(strlen(text) * 3 + 1); /* the replacement has three bytes */
	char *out = clean;

	while (*at != 0) {
		size_t bytes = character(at);

		memcpy(out, bytes > 0 ? (const char *)at : replacement, bytes > 0 ? bytes : 3);
		out += bytes > 0 ? bytes : 3;
		at += bytes > 0 ? bytes : 1;
	}
	*out = '\0';
	return clean;
}

char *
et_clean_ascii(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	char *clean = et_alloc(strlen(text) + 1);
	char *out = clean;

	while (*at != 0) {
		size_t bytes = character(at);

		*out++ = *at >= 0x20 && *at < 0x7f ? (char)*at : '?';
		at += bytes > 0 ? bytes : 1;
	}
	*out = '\0';
	return clean;
}

json_t *
et_json_number(uint64_t number)
{
	char text[21];

	if (number <= INT64_MAX)
		return json_integer((json_int_t)number);
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_string(text);
}
