// SPDX-License-Identifier: Apache-2.0
/* Keeping secrets out of messages: what an address may show. */
#include <string.h>
#include <strings.h>

#include "store/conn.h"

/* True for an option whose value is a secret. */
static bool
is_secret_option(const char *option)
{
	static const char *const names[] = { "authmechanismproperties=",
					     "tlscertificatekeyfilepassword=",
					     "sslclientcertificatekeypassword=" };

	for (size_t i = 0; i < ET_COUNT(names); i++)
		if (strncasecmp(option, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

void
et_store_redact(struct et_buf *out, const char *uri)
{
	size_t bytes = strcspn(uri, "?");
	const char *host = memmem(uri, bytes, "://", 3);
	const char *at;

	host = host != NULL ? host + 3 : uri;
	at = memrchr(host, '@', strlen(host));
	/* An unescaped "?" in a password: the last "@" of all decides. */
	if (at != NULL && at >= uri + bytes)
		bytes = (size_t)(at - uri) + 1 + strcspn(at, "?") - 1;
	et_buf_put(out, uri, (size_t)(host - uri));
	if (at != NULL) {
		et_buf_text(out, "***@");
		host = at + 1;
	}
	et_buf_put(out, host, (size_t)(uri + bytes - host));
	uri += bytes;
	while (*uri != '\0') {
		size_t option = 1 + strcspn(uri + 1, "&");

		if (is_secret_option(uri + 1))
			et_buf_put(out, uri, strcspn(uri, "=") + 1);
		else
			et_buf_put(out, uri, option);
		if (is_secret_option(uri + 1))
			et_buf_text(out, "***");
		uri += option;
	}
}
