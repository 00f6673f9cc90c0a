/* SPDX-License-Identifier: Apache-2.0 */
/* Options become connections; secrets come out of files and are wiped. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "command/snapshot.h"
#include "store/gateway.h"
#include "store/source.h"

#define SECRET_BYTES_MAX 65536u

int
et_secret_read(const char *path, char **ret, struct et_error *err)
{
	char *text = NULL;
	size_t bytes = 0;
	int r;

	*ret = NULL;
	if (path == NULL || path[0] == '\0')
		return 0;
	r = et_file_read(path, SECRET_BYTES_MAX, &text, &bytes, err);
	if (r < 0)
		return et_error_wrap(err, ET_CONFIG, "read the secret");
	while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
		text[--bytes] = '\0';
	if (bytes == 0) {
		free(text);
		return et_error_set(err, ET_CONFIG, "'%s' is empty", path);
	}
	*ret = text;
	return 0;
}

void
et_secret_free(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

static const char *
given(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* Connecting, too, is bounded by --max-time. */
static int64_t
connect_timeout(const struct et_options *options)
{
	return options->max_time > 0 && options->max_time < options->connect_timeout
		       ? options->max_time
		       : options->connect_timeout;
}

int
et_connect_stream(const struct et_options *options, struct et_conn **ret, struct et_error *err)
{
	struct et_stream_options stream = {
		.urls = options->nats_url,
		.creds_file = given(options->nats_creds),
		.user = given(options->nats_user),
		.nkey_seed_file = given(options->nats_nkey_seed_file),
		.tls_ca_file = given(options->nats_tls_ca),
		.tls_cert_file = given(options->nats_tls_cert),
		.tls_key_file = given(options->nats_tls_key),
		.js_domain = given(options->js_domain),
		.connect_timeout_ns = connect_timeout(options),
		.read_timeout_ns = options->read_timeout,
		.reconnect_wait_ns = options->read_timeout,
	};
	char *password = NULL;
	char *token = NULL;
	int r;

	r = et_secret_read(options->nats_password_file, &password, err);
	if (r == 0)
		r = et_secret_read(options->nats_token_file, &token, err);
	if (r == 0) {
		stream.password = password;
		stream.token = token;
		r = et_conn_open(&stream, ret, err);
	}
	et_secret_free(password);
	et_secret_free(token);
	return r;
}

#define DUMP "dump:"

const char *
et_store_dump(const struct et_options *options)
{
	return strncmp(options->store, DUMP, strlen(DUMP)) == 0 ? options->store + strlen(DUMP)
								: NULL;
}

#define GATEWAY "gateway"
#define GATEWAY_HTTP "gateway+http"

bool
et_store_gateway(const struct et_options *options)
{
	return strcmp(options->store, GATEWAY) == 0 || strcmp(options->store, GATEWAY_HTTP) == 0;
}

/* Nobody is asked: only the options, and the files that they name, are looked at. */
static int
check_gateway(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_source) struct et_source *source = NULL;
	const char *missing = given(options->gateway_url) == NULL          ? "--gateway-url"
			      : given(options->gateway_token_file) == NULL ? "--gateway-token-file"
									   : NULL;

	if (missing == NULL)
		return et_connect_store(options, &source, err);
	(void)et_error_set(err, ET_USAGE, "--store %s needs %s", options->store, missing);
	et_error_hint(err, "the gateway asks for a token, and shows the devices of its owner");
	return ET_USAGE;
}

static int
check_dump(const char *path, struct et_error *err)
{
	struct stat file;

	if (path[0] == '\0')
		(void)et_error_set(err, ET_USAGE, "--store: 'dump:' names no file");
	else if (stat(path, &file) != 0 || access(path, R_OK) != 0)
		(void)et_error_errno(err, errno, "--store: '%s'", path);
	else if (!S_ISREG(file.st_mode))
		(void)et_error_set(err, ET_USAGE, "--store: '%s' is no file", path);
	else
		return 0;
	et_error_hint(err, "mongodump writes it: DIR/eventStore_db/devices_events.bson");
	return ET_USAGE;
}

int
et_store_check(const struct et_options *options, struct et_error *err)
{
	const char *path = et_store_dump(options);

	if (strcmp(options->store, "mongodb") == 0)
		return 0;
	if (path != NULL)
		return check_dump(path, err);
	if (et_store_gateway(options))
		return check_gateway(options, err);
	(void)et_error_set(
		err, ET_USAGE,
		"--store: '%s' is neither mongodb nor gateway, gateway+http or dump:FILE",
		options->store);
	et_error_hint(err, "another server is --mongo-uri, another database --mongo-db");
	return ET_USAGE;
}

static int
open_dump(const char *path, struct et_source **ret, struct et_error *err)
{
	int r = et_source_open_dump(path, ret, err);

	if (r == ET_GARBLED)
		et_error_hint(err, "it must be a whole mongodump .bson file: plain, gzip or zstd");
	return r;
}

static int
open_gateway(const struct et_options *options, struct et_source **ret, struct et_error *err)
{
	struct et_gateway_options gateway = {
		.url = options->gateway_url,
		.http = strcmp(options->store, GATEWAY_HTTP) == 0,
		.ca_file = given(options->gateway_ca),
		.cert_file = given(options->gateway_cert),
		.key_file = given(options->gateway_key),
		.connect_timeout_ns = connect_timeout(options),
		.timeout_ns = options->gateway_timeout,
	};
	char *token = NULL;
	int r = et_secret_read(options->gateway_token_file, &token, err);

	if (r == 0) {
		gateway.token = token;
		r = et_source_open_gateway(&gateway, ret, err);
	}
	et_secret_free(token);
	return r;
}

int
et_connect_store(const struct et_options *options, struct et_source **ret, struct et_error *err)
{
	const char *dump = et_store_dump(options);
	struct et_store_options store = {
		.uri = options->mongo_uri,
		.db = options->mongo_db,
		.tls_ca_file = given(options->mongo_tls_ca),
		.tls_cert_file = given(options->mongo_tls_cert),
		.tls_key_file = given(options->mongo_tls_key),
		.connect_timeout_ns = connect_timeout(options),
		.read_timeout_ns = options->read_timeout,
	};
	char *uri = NULL;
	int r;

	if (dump != NULL)
		return open_dump(dump, ret, err);
	if (et_store_gateway(options))
		return open_gateway(options, ret, err);
	r = et_secret_read(options->mongo_uri_file, &uri, err);
	if (r == 0) {
		if (uri != NULL)
			store.uri = uri;
		r = et_source_open_mongo(&store, ret, err);
	}
	et_secret_free(uri);
	return r;
}
