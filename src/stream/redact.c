// SPDX-License-Identifier: Apache-2.0
#include "stream/redact.h"

#include <ctype.h>
#include <string.h>

/* True for "", "4222", "4222/path": all that may stand behind the colon of a host. */
static bool
is_port(const char *at, const char *end)
{
	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at == end || *at == '/';
}

/* One address. A comma in a password splits it before it comes here: a piece whose port is no
 * number is such a half, and shows nothing. */
static void
redact_one(struct et_buf *out, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	const char *host = memmem(text, bytes, "://", 3);
	const char *at;
	const char *port;

	host = host != NULL ? host + 3 : text;
	et_buf_put(out, text, (size_t)(host - text));
	at = memrchr(host, '@', (size_t)(end - host));
	if (at != NULL) {
		et_buf_text(out, "***@");
		host = at + 1;
	}
	port = memrchr(host, ':', (size_t)(end - host));
	if (port != NULL && memchr(port, ']', (size_t)(end - port)) == NULL &&
	    !is_port(port + 1, end))
		et_buf_text(out, "***");
	else
		et_buf_put(out, host, (size_t)(end - host));
}

void
et_conn_redact(struct et_buf *out, const char *text)
{
	for (;;) {
		size_t bytes = strcspn(text, ",");

		redact_one(out, text, bytes);
		if (text[bytes] == '\0')
			return;
		et_buf_put_u8(out, ',');
		text += bytes + 1;
	}
}

bool
et_redact_needed(const struct et_stream_options *options, const char *text)
{
	const char *secrets[] = { options->password, options->token };

	for (size_t i = 0; i < ET_COUNT(secrets); i++)
		if (secrets[i] != NULL && secrets[i][0] != '\0' && strstr(text, secrets[i]) != NULL)
			return true;
	return strchr(text, '@') != NULL;
}
