/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/log.h"
#include "command/status.h"
#include "command/verbs.h"
#include "report/clean.h"

static int (*const verbs[ET_VERB_COUNT])(const struct et_options *, struct et_error *) = {
#define VERB(constant, name, arguments, most, line, examples) et_verb_##name,
#include "command/verbs.def"
#undef VERB
};

void
et_print_json(struct json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(value);
}

void
et_print_failure(const char *command, int status, const struct et_error *err)
{
	ET_CLEAN_MEM char *text = et_clean_utf8(err->text);
	ET_CLEAN_MEM char *hint = et_clean_utf8(err->hint);

	et_print_json(json_pack("{s:{s:s,s:s},s:s,s:s,s:i,s:{s:s,s:s,s:s}}", "tool", "name",
				"evtrail", "version", PACKAGE_VERSION, "command", command,
				"verdict", et_status_word((enum et_status)status), "exit_status",
				status, "error", "code", et_code_name(err->code), "text", text,
				"hint", hint));
}

static int
fail(const struct et_options *options, int code, const struct et_error *err)
{
	enum et_status status = et_status_of(code);

	et_log_failure(err);
	if (options != NULL && options->json)
		et_print_failure(et_verb_name(options->verb), (int)status, err);
	return (int)status;
}

/* A report that could not be written must not look like one that was. */
static int
flush_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		et_log(ET_LOG_ERROR, "the report could not be written to standard output");
		return ET_STATUS_ERROR;
	}
	return status;
}

static int
run_verb(const struct et_options *options)
{
	struct et_error err = { 0 };
	int r;

	if (options->quiet)
		et_log_set_level(ET_LOG_WARNING);
	else if (options->verbose)
		et_log_set_level(ET_LOG_DEBUG);
	et_cancel_install();
	et_cancel_budget(options->max_time);
	r = verbs[options->verb](options, &err);
	if (r < 0)
		r = fail(options, r, &err);
	return flush_output(r);
}

int
et_command_main(int argc, char **argv)
{
	struct et_options options;
	struct et_error err = { 0 };
	int r;

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that grew too large is an error like others */
#ifdef __GLIBC__
	/* Buffers of segments go back to the system when they are freed: with many workers the
	 * holes that they leave in the heaps cost 30 MiB (1 million messages, 6 to 64 jobs). */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
	r = et_options_read(argc, argv, &options, &err);
	if (r < 0)
		return fail(NULL, r, &err);
	if (options.version) {
		(void)puts("evtrail " PACKAGE_VERSION);
		r = flush_output(ET_STATUS_CLEAN);
	} else if (options.help) {
		et_options_help(options.verb, stdout);
		r = flush_output(ET_STATUS_CLEAN);
	} else {
		r = run_verb(&options);
	}
	et_options_done(&options);
	return r;
}
