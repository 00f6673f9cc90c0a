// SPDX-License-Identifier: Apache-2.0
#include "event/json.h"

#include <string.h>

/* How many bytes at `at` are one character of UTF-8; 0 when they are none (RFC 3629, section 4). */
static size_t
utf8_bytes(const uint8_t *at, size_t left)
{
	static const struct {
		uint8_t first, last; /* of the first byte */
		uint8_t low, high;   /* of the second */
		uint8_t bytes;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ET_COUNT(forms); i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (left < forms[i].bytes || at[1] < forms[i].low || at[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].bytes; k++)
			if (at[k] < 0x80 || at[k] > 0xbf)
				return 0;
		return forms[i].bytes;
	}
	return 0;
}

static void
put_escaped(struct et_buf *out, uint8_t c)
{
	static const char letters[] = "\"\\\b\f\n\r\t";
	static const char escapes[] = "\"\\bfnrt";
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;

	if (letter != NULL) {
		et_buf_put_u8(out, '\\');
		et_buf_put_u8(out, (uint8_t)escapes[letter - letters]);
	} else {
		et_buf_format(out, "\\u%04x", c);
	}
}

void
et_json_text(struct et_buf *out, struct et_slice text)
{
	size_t first = 0; /* from here to i: bytes that need nothing, not yet written */
	size_t i = 0;

	et_buf_put_u8(out, '"');
	while (i < text.size) {
		uint8_t c = text.data[i];
		size_t bytes = c < 0x80 ? 1 : utf8_bytes(text.data + i, text.size - i);

		if (c >= ' ' && c != '"' && c != '\\' && bytes > 0) {
			i += bytes;
			continue;
		}
		et_buf_put(out, text.data + first, i - first);
		if (bytes == 0)
			et_buf_text(out, "\xef\xbf\xbd"); /* U+FFFD */
		else
			put_escaped(out, c);
		first = ++i;
	}
	if (first < i)
		et_buf_put(out, text.data + first, i - first);
	et_buf_put_u8(out, '"');
}

void
et_json_base64(struct et_buf *out, struct et_slice bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t count = 2 + (bytes.size + 2) / 3 * 4;
	uint8_t *to = et_buf_reserve(out, count);

	if (to == NULL)
		return;
	*to++ = '"';
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			group |= bytes.data[i + 2];
		*to++ = (uint8_t)digits[group >> 18];
		*to++ = (uint8_t)digits[group >> 12 & 63];
		*to++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
		*to++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
	}
	*to = '"';
	et_buf_commit(out, count);
}
