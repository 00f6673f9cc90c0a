// SPDX-License-Identifier: Apache-2.0
#include "event/ident.h"

#define UUID_CHARS 36
#define UUID_DIGITS 32

static bool
is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* True for `count` characters that are hex digits and, with dashes, dashes in their places;
 * *ret_nil says that all digits are zero. */
static bool
is_uuid(const uint8_t *text, size_t count, bool *ret_nil)
{
	bool nil = true;

	for (size_t i = 0; i < count; i++) {
		bool dash = count == UUID_CHARS && (i == 8 || i == 13 || i == 18 || i == 23);

		if (dash ? text[i] != '-' : !is_hex(text[i]))
			return false;
		nil = nil && (dash || text[i] == '0');
	}
	*ret_nil = nil;
	return true;
}

static bool
is_urn(const uint8_t *text)
{
	static const char prefix[] = "urn:uuid:";

	for (size_t i = 0; i < sizeof(prefix) - 1; i++) {
		uint8_t lower = text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i];

		if (lower != (uint8_t)prefix[i])
			return false;
	}
	return true;
}

/* Go's uuid.Parse, to the letter: of 38 characters it looks only at the 36 in the middle. */
static bool
go_takes(struct et_slice claim, bool *ret_nil)
{
	switch (claim.size) {
	case UUID_DIGITS:
	case UUID_CHARS:
		return is_uuid(claim.data, claim.size, ret_nil);
	case UUID_CHARS + 2:
		return is_uuid(claim.data + 1, UUID_CHARS, ret_nil);
	case UUID_CHARS + 9:
		return is_urn(claim.data) && is_uuid(claim.data + 9, UUID_CHARS, ret_nil);
	default:
		return false;
	}
}

void
et_ident_owner(struct et_buf *out, struct et_slice claim)
{
	char text[ET_UUID_TEXT_BYTES];
	struct et_uuid uuid;
	bool nil;

	if (go_takes(claim, &nil) && !nil) {
		et_buf_put(out, claim.data, claim.size);
		return;
	}
	uuid = et_uuid_v5_url(claim.data, claim.size);
	et_uuid_format(&uuid, text);
	et_buf_text(out, text);
}

struct et_uuid
et_ident_href(struct et_slice href)
{
	return et_uuid_v5_url(href.data, href.size);
}

struct et_uuid
et_ident_aggregate(struct et_slice device_id, struct et_slice href)
{
	struct et_uuid uuid;
	struct et_buf name;

	et_buf_init(&name, device_id.size + href.size);
	et_buf_put(&name, device_id.data, device_id.size);
	et_buf_put(&name, href.data, href.size);
	uuid = et_uuid_v5_url(name.data, name.size);
	et_buf_done(&name);
	return uuid;
}

struct et_uuid
et_ident_key(struct et_slice text, bool *ret_named)
{
	struct et_uuid uuid;
	bool named = !et_uuid_parse_canonical((const char *)text.data, text.size, &uuid);

	if (named)
		uuid = et_uuid_v5_url(text.data, text.size);
	if (ret_named != NULL)
		*ret_named = named;
	return uuid;
}
