// SPDX-License-Identifier: Apache-2.0
#include "store/gateway.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "store/gateway_internal.h"

#define NS_PER_MS 1000000
#define GRACE_MS 1000 /* for the server's own word that the time is up */
#define REFUSAL_BYTES_MAX 65536u

static bool
has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

/* https, a host, perhaps a port and a path. */
static bool
is_address(const char *text)
{
	CURLU *url = curl_url();
	bool good = strncasecmp(text, "https://", strlen("https://")) == 0 &&
		    curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
		    has_part(url, CURLUPART_HOST) && !has_part(url, CURLUPART_USER) &&
		    !has_part(url, CURLUPART_PASSWORD) && !has_part(url, CURLUPART_QUERY) &&
		    !has_part(url, CURLUPART_FRAGMENT);

	curl_url_cleanup(url);
	return good;
}

/* Without the last slash of a path, with which the paths here begin. */
static int
read_url(struct et_gateway *gateway, const char *text, struct et_error *err)
{
	size_t bytes = strlen(text);
	int r;

	if (!is_address(text)) {
		/* It is not shown: what is wrong in it may be a secret. */
		r = et_error_set(err, ET_CONFIG, "--gateway-url is no address of a gateway");
		et_error_hint(err, "it looks like https://HOST:PORT, without a user, and always "
				   "with TLS: the token travels with each question");
		return r;
	}
	while (text[bytes - 1] == '/')
		bytes--;
	gateway->url = et_strndup(text, bytes);
	gateway->address = et_format("%s (%s)", gateway->url, gateway->http ? "HTTP" : "gRPC");
	return 0;
}

/* A header is a line: nothing in it may end one. */
static int
read_token(struct et_gateway *gateway, const char *token, struct et_error *err)
{
	bool good = token != NULL && token[0] != '\0';

	for (const char *at = token; good && *at != '\0'; at++)
		good = *at > ' ' && *at <= '~';
	if (!good)
		return et_error_set(err, ET_CONFIG,
				    "the gateway's token is empty, or holds blanks or line ends");
	gateway->token = et_strdup(token);
	return 0;
}

static int
check_file(const char *path, const char *what, struct et_error *err)
{
	if (path == NULL || access(path, R_OK) == 0)
		return 0;
	return et_error_set(err, ET_CONFIG, "the gateway's %s file '%s' cannot be read", what,
			    path);
}

static int
check_files(const struct et_gateway_options *options, struct et_error *err)
{
	int r = check_file(options->ca_file, "CA", err);

	if (r == 0 && options->key_file != NULL && options->cert_file == NULL)
		r = et_error_set(err, ET_CONFIG, "--gateway-key without --gateway-cert");
	if (r == 0)
		r = check_file(options->cert_file, "certificate", err);
	return r == 0 ? check_file(options->key_file, "key", err) : r;
}

static long
milliseconds(int64_t ns)
{
	int64_t ms = ns / NS_PER_MS;

	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static void
add_header(struct et_gateway *gateway, const char *name, const char *value)
{
	char *line = et_format("%s: %s", name, value);
	struct curl_slist *list = curl_slist_append(gateway->headers, line);

	explicit_bzero(line, strlen(line));
	free(line);
	if (list == NULL)
		abort();
	gateway->headers = list;
}

static void
set_headers(struct et_gateway *gateway)
{
	ET_CLEAN_MEM char *bearer = et_format("Bearer %s", gateway->token);
	char timeout[ET_GRPC_TIMEOUT_BYTES];

	et_grpc_timeout(gateway->timeout_ns, timeout);
	add_header(gateway, "authorization", bearer);
	explicit_bzero(bearer, strlen(bearer));
	add_header(gateway, "grpc-timeout", timeout);
	if (gateway->http) {
		/* The other form that it has loses what devices sent. */
		add_header(gateway, "accept", "application/protojson");
		return;
	}
	add_header(gateway, "content-type", "application/grpc");
	add_header(gateway, "te", "trailers");
}

static void
set_options(struct et_gateway *gateway, const struct et_gateway_options *options)
{
	ET_CLEAN_MEM char *url = et_format("%s" ET_GATEWAY_GRPC_PATH, gateway->url);
	CURL *easy = gateway->easy;

	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	(void)curl_easy_setopt(easy, CURLOPT_POST, gateway->http ? 0L : 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPGET, gateway->http ? 1L : 0L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, gateway->headers);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "evtrail/" PACKAGE_VERSION);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* there are threads */
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       milliseconds(options->connect_timeout_ns > 0
						    ? options->connect_timeout_ns
						    : ET_GATEWAY_CONNECT_TIMEOUT_NS));
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
			       milliseconds(gateway->timeout_ns) + GRACE_MS);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, gateway->words);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, et_gateway_on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, gateway);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, et_gateway_on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, gateway);
	if (options->ca_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	if (options->cert_file != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
		(void)curl_easy_setopt(easy, CURLOPT_SSLKEY,
				       options->key_file != NULL ? options->key_file
								 : options->cert_file);
	}
}

/* The library may have been built without it. */
static int
check_http2(const struct et_gateway *gateway, struct et_error *err)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	int r;

	if (gateway->http || (info->features & CURL_VERSION_HTTP2) != 0)
		return 0;
	r = et_error_set(err, ET_CONFIG, "libcurl %s has no HTTP/2, which gRPC needs",
			 info->version);
	et_error_hint(err, "--store gateway+http does without");
	return r;
}

static int
set_up(struct et_gateway *gateway, const struct et_gateway_options *options, struct et_error *err)
{
	int r;

	r = read_url(gateway, options->url != NULL ? options->url : "", err);
	if (r == 0)
		r = read_token(gateway, options->token, err);
	if (r == 0)
		r = check_files(options, err);
	if (r == 0)
		r = check_http2(gateway, err);
	if (r < 0)
		return r;
	gateway->easy = curl_easy_init();
	gateway->multi = curl_multi_init();
	if (gateway->easy == NULL || gateway->multi == NULL)
		abort();
	gateway->timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : ET_GATEWAY_TIMEOUT_NS;
	set_headers(gateway);
	set_options(gateway, options);
	return 0;
}

int
et_gateway_open(const struct et_gateway_options *options, struct et_gateway **ret,
		struct et_error *err)
{
	ET_CLEAN(et_gateway) struct et_gateway *gateway = et_calloc(1, sizeof(*gateway));
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	gateway->http = options->http;
	et_grpc_frames_init(&gateway->frames, ET_GRPC_MESSAGE_BYTES_MAX);
	et_gateway_lines_init(&gateway->lines);
	et_buf_init(&gateway->request, 4096);
	et_buf_init(&gateway->answer.refusal, REFUSAL_BYTES_MAX);
	r = set_up(gateway, options, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(gateway);
	return 0;
}

const char *
et_gateway_address(const struct et_gateway *gateway)
{
	return gateway->address;
}

void
et_gateway_free(struct et_gateway *gateway)
{
	if (gateway == NULL)
		return;
	curl_easy_cleanup(gateway->easy);
	if (gateway->multi != NULL)
		(void)curl_multi_cleanup(gateway->multi);
	for (struct curl_slist *at = gateway->headers; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(gateway->headers);
	if (gateway->token != NULL)
		explicit_bzero(gateway->token, strlen(gateway->token));
	free(gateway->token);
	free(gateway->url);
	free(gateway->address);
	et_grpc_frames_done(&gateway->frames);
	et_gateway_lines_done(&gateway->lines);
	et_buf_done(&gateway->request);
	et_buf_done(&gateway->answer.refusal);
	free(gateway);
	curl_global_cleanup();
}
