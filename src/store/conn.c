// SPDX-License-Identifier: Apache-2.0
#include "store/conn.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "store/conn_internal.h"
#include "store/pem.h"

#define DEFAULT_URI "mongodb://127.0.0.1:27017"
#define DEFAULT_DB "eventStore_db"
#define DEFAULT_COLLECTION "devices_events"
#define DEFAULT_OWNERS_DB "ownersDevices_db"
#define DEFAULT_OWNERS_COLLECTION "userdevices"
#define NS_PER_MS 1000000
#define SLICE_FIRST_MS 500 /* doubled up to the most: a slow server needs its time, too */
#define SLICE_MOST_MS 2000

#define HINT_REACH "check the address, the network, and that MongoDB runs there"
#define HINT_LOAD "check the load of the server, or raise the time-out"
#define HINT_REACH_PLAIN HINT_REACH "; if it demands TLS, give the CA file"
#define HINT_REACH_TLS                                                                        \
	HINT_REACH "; with TLS also that it takes this client certificate, and that the key " \
		   "belongs to it"
#define HINT_CREDENTIALS \
	"check the user, the password, authSource, and that the user may read this database"
#define HINT_TLS                                                                                 \
	"check the CA, certificate and key files, and that the server's certificate names this " \
	"host"

/* Server error codes that are neither a refusal of the question nor a matter of permissions: the
 * server goes away, steps down, or lost the cursor. */
static bool
is_passing(uint32_t code)
{
	static const uint32_t codes[] = { 6,     7,     43,    63,    89,    91,   133,
					  134,   189,   237,   262,   290,   9001, 10058,
					  10107, 11600, 11602, 13388, 13435, 13436 };

	for (size_t i = 0; i < ET_COUNT(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static bool
is_denial(uint32_t code)
{
	return code == 11 || code == 13 || code == 18 || code == 31 || code == 33 || code == 334 ||
	       code == 8000;
}

static int
code_of_server(uint32_t code, const char **ret_hint)
{
	if (is_denial(code)) {
		*ret_hint = HINT_CREDENTIALS;
		return ET_DENIED;
	}
	if (code == 50) {
		*ret_hint = HINT_LOAD;
		return ET_TIMEOUT;
	}
	if (is_passing(code)) {
		*ret_hint = HINT_REACH;
		return ET_UNAVAILABLE;
	}
	return ET_CONFLICT;
}

/* A refused handshake reaches us as words of the server selection only. */
static int
code_of_words(const char *words, const char **ret_hint)
{
	if (strcasestr(words, "TLS handshake failed") != NULL ||
	    strcasestr(words, "certificate") != NULL) {
		*ret_hint = HINT_TLS;
		return ET_DENIED;
	}
	if (strcasestr(words, "authentication failed") != NULL) {
		*ret_hint = HINT_CREDENTIALS;
		return ET_DENIED;
	}
	*ret_hint = HINT_REACH;
	return ET_UNAVAILABLE;
}

static int
code_of(const bson_error_t *error, const char **ret_hint)
{
	switch (error->domain) {
	case MONGOC_ERROR_SERVER:
	case MONGOC_ERROR_QUERY:
	case MONGOC_ERROR_COMMAND:
		return code_of_server(error->code, ret_hint);
	case MONGOC_ERROR_CLIENT:
		if (error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE) {
			*ret_hint = HINT_CREDENTIALS;
			return ET_DENIED;
		}
		return code_of_words(error->message, ret_hint);
	case MONGOC_ERROR_SASL:
		*ret_hint = HINT_CREDENTIALS;
		return ET_DENIED;
	default:
		return code_of_words(error->message, ret_hint);
	}
}

static bool
shows_secret(const struct et_store *store, const char *text)
{
	return strchr(text, '@') != NULL ||
	       (store->password != NULL && store->password[0] != '\0' &&
		strstr(text, store->password) != NULL);
}

int
et_store_fail(const struct et_store *store, struct et_error *err, const bson_error_t *error,
	      const char *what)
{
	const char *hint = NULL;
	int code = code_of(error, &hint);

	/* The driver has one text for a time-out and a connection that broke. */
	if (code == ET_UNAVAILABLE && store->asked_ns > 0 &&
	    et_clock_monotonic_ns() - store->asked_ns >= store->read_timeout_ns) {
		code = ET_TIMEOUT;
		hint = HINT_LOAD;
	}
	et_error_set(err, code, "%s %s: %s", what, store->address,
		     shows_secret(store, error->message)
			     ? "(words that may show a secret are left out)"
			     : error->message);
	if (code == ET_UNAVAILABLE)
		hint = store->tls ? HINT_REACH_TLS : HINT_REACH_PLAIN;
	if (hint != NULL)
		et_error_hint(err, "%s", hint);
	return code;
}

static const char *
or_default(const char *text, const char *other)
{
	return text != NULL && text[0] != '\0' ? text : other;
}

static int32_t
milliseconds(int64_t ns, int64_t other_ns)
{
	int64_t ms = (ns > 0 ? ns : other_ns) / NS_PER_MS;

	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (int32_t)ms;
}

/* TLS files of the options go into the URI, so that its own TLS options hold beside them. */
static int
set_tls(struct et_store *store, mongoc_uri_t *uri, const struct et_store_options *options,
	struct et_error *err)
{
	char path[ET_PEM_PATH_BYTES];
	bool done = true;
	int r;

	if (options->tls_ca_file == NULL && options->tls_cert_file == NULL &&
	    options->tls_key_file == NULL)
		return 0;
	if (options->tls_key_file != NULL && options->tls_cert_file == NULL)
		return et_error_set(err, ET_CONFIG,
				    "connect to %s: the client's TLS certificate file is missing",
				    store->address);
	done = mongoc_uri_set_option_as_bool(uri, MONGOC_URI_TLS, true);
	if (options->tls_ca_file != NULL) {
		if (access(options->tls_ca_file, R_OK) != 0)
			return et_error_set(err, ET_CONFIG,
					    "connect to %s: the CA file '%s' cannot be read",
					    store->address, options->tls_ca_file);
		done = done && mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_TLSCAFILE,
							     options->tls_ca_file);
	}
	if (options->tls_cert_file != NULL) {
		r = et_pem_join(options->tls_cert_file, options->tls_key_file, &store->pem_fd, path,
				err);
		if (r < 0)
			return et_error_wrap(err, ET_CONFIG, "connect to %s", store->address);
		done = done &&
		       mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, path);
	}
	return done ? 0
		    : et_error_set(err, ET_CONFIG, "connect to %s: TLS cannot be set up",
				   store->address);
}

static int
read_uri(struct et_store *store, const struct et_store_options *options, mongoc_uri_t **ret,
	 struct et_error *err)
{
	const char *text = or_default(options->uri, DEFAULT_URI);
	mongoc_uri_t *uri;
	bson_error_t error = { .code = 0 };
	bool silent;
	int r;

	uri = mongoc_uri_new_with_error(text, &error);
	if (uri == NULL) {
		/* The driver quotes what it does not like, and that may be the password. */
		silent = strchr(text, '@') != NULL || strchr(text, '?') != NULL;
		r = et_error_set(err, ET_CONFIG, "connect to %s: no valid address%s%s",
				 store->address, silent ? "" : ": ", silent ? "" : error.message);
		et_error_hint(
			err,
			"an address looks like mongodb://user:password@host:27017/?replicaSet=rs0; "
			"special characters of a password are written as %%40 and so on");
		return r;
	}
	store->password = mongoc_uri_get_password(uri) != NULL
				  ? et_strdup(mongoc_uri_get_password(uri))
				  : NULL;
	store->secondary =
		mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(uri)) != MONGOC_READ_PRIMARY;
	mongoc_uri_set_option_as_int32(
		uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
		milliseconds(options->connect_timeout_ns, ET_STORE_CONNECT_TIMEOUT_NS));
	mongoc_uri_set_option_as_int32(
		uri, MONGOC_URI_CONNECTTIMEOUTMS,
		milliseconds(options->connect_timeout_ns, ET_STORE_CONNECT_TIMEOUT_NS));
	mongoc_uri_set_option_as_int32(
		uri, MONGOC_URI_SOCKETTIMEOUTMS,
		milliseconds(options->read_timeout_ns, ET_STORE_READ_TIMEOUT_NS));
	/* An election takes seconds: look for a primary until the time is up, not once. */
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
	if (mongoc_uri_get_appname(uri) == NULL)
		(void)mongoc_uri_set_appname(uri, "evtrail");
	r = set_tls(store, uri, options, err);
	if (r < 0) {
		mongoc_uri_destroy(uri);
		return r;
	}
	store->tls = mongoc_uri_get_tls(uri);
	*ret = uri;
	return 0;
}

/* A reply's text at a dotted path; NULL when there is none. */
static const char *
text_at(const bson_t *reply, const char *path)
{
	bson_iter_t iter;
	bson_iter_t found;

	if (!bson_iter_init(&iter, reply) || !bson_iter_find_descendant(&iter, path, &found) ||
	    !BSON_ITER_HOLDS_UTF8(&found))
		return NULL;
	return bson_iter_utf8(&found, NULL);
}

static bool
truth_at(const bson_t *reply, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, reply, key) && bson_iter_as_bool(&iter);
}

/* One command without arguments on the database "admin". */
static int
run_command(struct et_store *store, const char *name, bson_t *reply, struct et_error *err)
{
	bson_error_t error = { .code = 0 };
	bson_t *command = BCON_NEW(name, BCON_INT32(1));
	bool done;

	done = mongoc_client_command_simple(store->client, "admin", command, NULL, reply, &error);
	bson_destroy(command);
	return done ? 0 : et_store_fail(store, err, &error, "connect to");
}

/* What answers there: the kind and version of the server, and whether it is a replica set. */
static int
ask_server(struct et_store *store, struct et_error *err)
{
	const char *version;
	bson_t reply;
	bool routes;
	int r;

	r = run_command(store, "hello", &reply, err);
	if (r == ET_CONFLICT) { /* before 4.4.2 */
		bson_destroy(&reply);
		r = run_command(store, "isMaster", &reply, err);
	}
	if (r < 0) {
		bson_destroy(&reply);
		return r;
	}
	routes = text_at(&reply, "msg") != NULL && strcmp(text_at(&reply, "msg"), "isdbgrid") == 0;
	store->majority = text_at(&reply, "setName") != NULL;
	store->replica_set = store->majority || routes;
	/* directConnection to a member that is no primary. */
	if (text_at(&reply, "setName") != NULL && !truth_at(&reply, "isWritablePrimary") &&
	    !truth_at(&reply, "ismaster"))
		store->secondary = true;
	bson_destroy(&reply);
	r = run_command(store, "buildInfo", &reply, NULL);
	version = r == 0 ? text_at(&reply, "ferretdbVersion") : NULL;
	if (version == NULL && r == 0)
		version = text_at(&reply, "ferretdb.version");
	if (version != NULL)
		(void)snprintf(store->server, sizeof(store->server), "FerretDB %.40s", version);
	else
		(void)snprintf(store->server, sizeof(store->server), "%s %.40s",
			       routes ? "mongos" : "mongod",
			       r == 0 && text_at(&reply, "version") != NULL
				       ? text_at(&reply, "version")
				       : "?");
	bson_destroy(&reply);
	return 0;
}

void
et_store_set_majority(struct et_store *store, bool majority)
{
	mongoc_read_concern_t *concern = mongoc_read_concern_new();

	if (majority)
		mongoc_read_concern_set_level(concern, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
	mongoc_collection_set_read_concern(store->events, concern);
	mongoc_collection_set_read_concern(store->owners, concern);
	mongoc_read_concern_destroy(concern);
	store->majority = majority;
}

/* The driver's own talk on stderr is not ours. */
static void
drop_log(mongoc_log_level_t level ET_UNUSED, const char *domain ET_UNUSED,
	 const char *message ET_UNUSED, void *closure ET_UNUSED)
{
}

static void
start_driver(void)
{
	mongoc_init();
	mongoc_log_set_handler(drop_log, NULL);
	(void)atexit(mongoc_cleanup);
}

static struct et_store *
store_new(const struct et_store_options *options)
{
	struct et_store *store = et_calloc(1, sizeof(*store));
	struct et_buf address;

	store->pem_fd = -1;
	store->read_timeout_ns =
		options->read_timeout_ns > 0 ? options->read_timeout_ns : ET_STORE_READ_TIMEOUT_NS;
	store->db = et_strdup(or_default(options->db, DEFAULT_DB));
	store->collection = et_strdup(or_default(options->collection, DEFAULT_COLLECTION));
	et_buf_init(&address, SIZE_MAX / 2);
	et_store_redact(&address, or_default(options->uri, DEFAULT_URI));
	et_buf_format(&address, " %s.%s", store->db, store->collection);
	(void)et_buf_cstr(&address);
	store->address = (char *)address.data;
	return store;
}

/* The driver looks for a server without asking anybody. A client that does so for a short while is
 * tried again and again, until the time-out, or until the run is to end. */
static int
reach_server(struct et_store *store, const mongoc_uri_t *uri, struct et_error *err)
{
	int32_t left_ms = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
							 SLICE_MOST_MS);
	int64_t until = et_clock_monotonic_ns() + (int64_t)left_ms * NS_PER_MS;
	int32_t slice_ms = SLICE_FIRST_MS;
	mongoc_uri_t *short_uri = mongoc_uri_copy(uri);
	int r;

	for (;;) {
		if (slice_ms > left_ms)
			slice_ms = left_ms;
		mongoc_uri_set_option_as_int32(short_uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
					       slice_ms);
		mongoc_uri_set_option_as_int32(short_uri, MONGOC_URI_CONNECTTIMEOUTMS, slice_ms);
		store->client = mongoc_client_new_from_uri(short_uri);
		if (store->client == NULL) {
			r = et_error_set(err, ET_CONFIG,
					 "connect to %s: the driver does not take this address",
					 store->address);
			break;
		}
		(void)mongoc_client_set_error_api(store->client, MONGOC_ERROR_API_VERSION_2);
		r = ask_server(store, err);
		mongoc_client_destroy(ET_STEAL(store->client));
		if (r != ET_UNAVAILABLE && r != ET_TIMEOUT)
			break;
		if (et_cancel_asked()) {
			r = et_cancel_check(err);
			break;
		}
		left_ms = (int32_t)((until - et_clock_monotonic_ns()) / NS_PER_MS);
		if (left_ms <= 0)
			break;
		if (slice_ms < SLICE_MOST_MS)
			slice_ms *= 2;
	}
	mongoc_uri_destroy(short_uri);
	return r;
}

int
et_store_open(const struct et_store_options *options, struct et_store **ret, struct et_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	ET_CLEAN(et_store) struct et_store *store = store_new(options);
	mongoc_uri_t *uri = NULL;
	int r;

	(void)pthread_once(&once, start_driver);
	r = read_uri(store, options, &uri, err);
	if (r == 0)
		r = et_fault_point("fetch", err);
	if (r == 0)
		r = reach_server(store, uri, err);
	if (r < 0) {
		mongoc_uri_destroy(uri);
		return r;
	}
	store->client = mongoc_client_new_from_uri(uri);
	mongoc_uri_destroy(uri);
	if (store->client == NULL)
		return et_error_set(err, ET_CONFIG,
				    "connect to %s: the driver does not take this address",
				    store->address);
	(void)mongoc_client_set_error_api(store->client, MONGOC_ERROR_API_VERSION_2);
	store->events = mongoc_client_get_collection(store->client, store->db, store->collection);
	store->owners = mongoc_client_get_collection(
		store->client, or_default(options->owners_db, DEFAULT_OWNERS_DB),
		or_default(options->owners_collection, DEFAULT_OWNERS_COLLECTION));
	et_store_set_majority(store, store->majority);
	*ret = ET_STEAL(store);
	return 0;
}

void
et_store_free(struct et_store *store)
{
	if (store == NULL)
		return;
	mongoc_collection_destroy(store->events);
	mongoc_collection_destroy(store->owners);
	mongoc_client_destroy(store->client);
	if (store->password != NULL)
		explicit_bzero(store->password, strlen(store->password));
	free(store->password);
	et_fd_cleanup(&store->pem_fd);
	free(store->db);
	free(store->collection);
	free(store->address);
	free(store);
}

const char *
et_store_address(const struct et_store *store)
{
	return store->address;
}
