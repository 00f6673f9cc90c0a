/* SPDX-License-Identifier: Apache-2.0 */
/* findings: what audits found, and who knows of it. */
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command/pick.h"
#include "command/status.h"
#include "command/verbs.h"
#include "report/clean.h"

#define LOGIN_BYTES 256
#define REASON_BYTES 4096u

/* ---- the list ---- */

struct listing {
	const struct et_options *options;
	struct et_roll shown;
	struct et_report_listing report;
};

static int
list_one(struct listing *listing, const struct et_picked *picked, struct et_error *err)
{
	const struct et_report_finding *reported = &picked->reported;
	struct et_report_listing *report = &listing->report;
	int r = 0;

	report->standings[reported->standing]++;
	if (!picked->wanted)
		return 0;
	if (listing->options->json)
		r = et_report_listing_finding(reported, report->findings_total == 0, stdout, err);
	else
		et_roll_add(&listing->shown, reported);
	report->findings_total++;
	report->reasons[reported->finding.reason] +=
		(ET_STANDINGS_OPEN & ET_STANDING_BIT(reported->standing)) != 0;
	return r;
}

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) == 0)
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static int
walk(struct listing *listing, struct et_pick *pick, struct et_error *err)
{
	struct et_report_listing *report = &listing->report;
	struct et_picked picked;
	int r = 0;

	report->wanted = et_pick_wanted(pick);
	if (listing->options->json)
		r = et_report_listing_begin(report, stdout, err);
	while (r == 0 && (r = et_pick_next(pick, &picked, err)) > 0)
		r = list_one(listing, &picked, err);
	if (r < 0)
		return r;
	if (listing->options->json)
		return et_report_listing_end(report, stdout, err);
	et_roll_sort(&listing->shown);
	report->findings = listing->shown.list;
	report->finding_count = listing->shown.count;
	if (!listing->options->quiet || report->findings_total > 0)
		et_report_listing_text(report, stdout, terminal_width());
	return 0;
}

static int
list(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	ET_CLEAN(et_pick) struct et_pick *pick = NULL;
	struct listing listing = { .options = options, .report.tool_version = PACKAGE_VERSION };
	int r;

	r = et_state_open(options, ET_STATE_READ, &state, err);
	if (r == 0)
		r = et_pick_open(state, options, NULL, 0, &pick, err);
	if (r < 0)
		return r;
	et_roll_init(&listing.shown);
	r = walk(&listing, pick, err);
	et_roll_done(&listing.shown);
	return r < 0 ? r : (int)ET_STATUS_CLEAN;
}

/* ---- who knows ---- */

/* Who logged in; of a job without a terminal, whose it is. */
static char *
login_name(void)
{
	char room[LOGIN_BYTES];
	char strings[4096];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getlogin_r(room, sizeof(room)) == 0 && room[0] != '\0')
		return et_strdup(room);
	if (getpwuid_r(getuid(), &entry, strings, sizeof(strings), &found) == 0 && found != NULL)
		return et_strdup(found->pw_name);
	return et_format("uid %lu", (unsigned long)getuid());
}

/* A point in time, or so long from now on. */
static int
read_expiry(const char *text, int64_t now_ns, int64_t *ret_ns, struct et_error *err)
{
	int64_t duration_ns;

	*ret_ns = ET_TIME_NONE;
	if (text == NULL)
		return 0;
	if (et_duration_parse(text, &duration_ns, NULL) == 0) {
		if (__builtin_add_overflow(now_ns, duration_ns, ret_ns))
			return et_error_set(err, ET_USAGE, "--expires %s: too long", text);
	} else if (et_time_parse(text, ret_ns, NULL) < 0) {
		return et_error_set(err, ET_USAGE,
				    "--expires %s: neither a time (RFC 3339) nor a duration (30d)",
				    text);
	}
	return *ret_ns > now_ns ? 0
				: et_error_set(err, ET_USAGE, "--expires %s: that is over", text);
}

static bool
has_filter(const struct et_options *options)
{
	return options->code != NULL || options->device != NULL || options->since != ET_TIME_NONE ||
	       options->finding_state != NULL;
}

/* What is asked for, before anything is opened. taken_back: unack. */
static int
check(const struct et_options *options, bool taken_back, struct et_error *err)
{
	int r = 0;

	if (options->argument_count < 2 && !has_filter(options)) {
		r = et_error_set(err, ET_USAGE, "'findings %s' of what?", options->arguments[0]);
		et_error_hint(err, "name keys, or say which by --state, --code, --device, --since; "
				   "--state open is all of them");
	} else if (taken_back && (options->reason != NULL || options->expires != NULL)) {
		r = et_error_set(err, ET_USAGE, "'findings unack' takes no --reason or --expires");
	} else if (!taken_back && options->reason == NULL) {
		r = et_error_set(err, ET_USAGE, "--reason is missing: why is it no alarm?");
		et_error_hint(err, "who reads the list next year will want to know");
	} else if (!taken_back && strlen(options->reason) > REASON_BYTES) {
		r = et_error_set(err, ET_USAGE, "--reason is longer than %u bytes", REASON_BYTES);
	}
	return r;
}

/* Keys mean any open finding, a filter those in the states that were asked for. */
static bool
is_meant(const struct et_options *options, const struct et_picked *picked, bool taken_back)
{
	if (picked->noted.resolved != 0 || (taken_back && picked->noted.acknowledged.time_ns == 0))
		return false;
	return picked->wanted || taken_back || options->argument_count > 1;
}

static int
acknowledge_all(struct et_state *state, const struct et_options *options, struct et_pick *pick,
		const struct et_acknowledgement *acknowledgement, uint64_t *ret_count,
		struct et_error *err)
{
	bool taken_back = acknowledgement->time_ns == 0;
	struct et_picked picked;
	const char *missed;
	uint64_t count = 0;
	int r;

	while ((r = et_pick_next(pick, &picked, err)) > 0) {
		if (!is_meant(options, &picked, taken_back))
			continue;
		r = et_catalog_acknowledge(state->catalog, &picked.noted, acknowledgement, err);
		if (r < 0)
			return r;
		count++;
	}
	missed = et_pick_missed(pick);
	if (r == 0 && missed != NULL) {
		r = et_error_set(err, ET_USAGE, "no open finding has the key '%s'", missed);
		et_error_hint(err,
			      "nothing was changed; `evtrail findings --state all` lists them");
	}
	*ret_count = count;
	return r;
}

static void
print_done(const struct et_options *options, bool taken_back,
	   const struct et_acknowledgement *acknowledgement, uint64_t count)
{
	bool expires = !taken_back && acknowledgement->until_ns != ET_TIME_NONE;
	char until[ET_TIME_TEXT_BYTES];
	json_t *object;

	(void)et_time_format(acknowledgement->until_ns, until);
	if (options->json) {
		object = json_pack("{s:{s:s,s:s},s:s,s:s,s:i,s:s,s:I}", "tool", "name", "evtrail",
				   "version", PACKAGE_VERSION, "command", "findings", "verdict",
				   "clean", "exit_status", 0, "action", options->arguments[0],
				   "changed", (json_int_t)count);
		(void)json_object_set_new(object, "expires",
					  expires ? json_string(until) : json_null());
		et_print_json(object);
	} else if (!options->quiet) {
		(void)printf("%" PRIu64 " finding%s %s%s%s\n", count, count == 1 ? "" : "s",
			     taken_back ? "no longer acknowledged" : "acknowledged",
			     expires ? " until " : "", expires ? until : "");
	}
}

static int
acknowledge(const struct et_options *options, bool taken_back, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	ET_CLEAN(et_pick) struct et_pick *pick = NULL;
	ET_CLEAN_MEM char *by = options->by != NULL ? et_strdup(options->by) : login_name();
	struct et_acknowledgement acknowledgement = { .by = by, .reason = options->reason };
	int64_t now_ns = et_clock_now_ns();
	uint64_t count = 0;
	int r;

	r = check(options, taken_back, err);
	if (r == 0)
		r = read_expiry(options->expires, now_ns, &acknowledgement.until_ns, err);
	if (r == 0)
		r = et_state_open(options, ET_STATE_CHANGE, &state, err);
	if (r < 0)
		return r;
	acknowledgement.time_ns = taken_back ? 0 : now_ns;
	/* All or nothing. */
	r = et_catalog_begin(state->catalog, err);
	if (r == 0)
		r = et_pick_open(state, options, options->arguments + 1,
				 options->argument_count - 1, &pick, err);
	if (r == 0)
		r = acknowledge_all(state, options, pick, &acknowledgement, &count, err);
	et_pick_free(ET_STEAL(pick));
	if (r == 0)
		r = et_catalog_commit(state->catalog, err);
	if (r < 0) {
		et_catalog_rollback(state->catalog);
		return r;
	}
	print_done(options, taken_back, &acknowledgement, count);
	return ET_STATUS_CLEAN;
}

int
et_verb_findings(const struct et_options *options, struct et_error *err)
{
	const char *word = options->argument_count > 0 ? options->arguments[0] : NULL;

	if (word != NULL && strcmp(word, "ack") == 0)
		return acknowledge(options, false, err);
	if (word != NULL && strcmp(word, "unack") == 0)
		return acknowledge(options, true, err);
	if (word != NULL) {
		(void)et_error_set(err, ET_USAGE, "'findings' takes no such argument: '%s'", word);
		et_error_hint(err,
			      "evtrail findings, findings ack KEY --reason TEXT, findings unack "
			      "KEY");
		return ET_USAGE;
	}
	if (options->reason != NULL || options->expires != NULL) {
		(void)et_error_set(err, ET_USAGE, "--reason and --expires are for 'findings ack'");
		et_error_hint(err, "evtrail findings ack KEY --reason TEXT");
		return ET_USAGE;
	}
	return list(options, err);
}
