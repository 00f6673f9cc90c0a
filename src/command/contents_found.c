/* SPDX-License-Identifier: Apache-2.0 */
/* What --full found, as findings with details in one line. */
#include <inttypes.h>

#include "base/clock.h"
#include "command/contents.h"

#define DETAILS_BYTES_MAX 2048u
#define DIFFERENCES_SHOWN 3u

static int
tell(struct et_audit *audit, enum et_reason reason, const struct et_found_at *at, const char *code,
     struct et_buf *details, struct et_error *err)
{
	struct et_report_finding reported = {
		.finding = { .reason = reason,
			     .device = at->device,
			     .aggregate = at->aggregate,
			     .version = at->version,
			     .last_version = at->version,
			     .kind = at->kind,
			     .time_ns = at->time_ns != 0 ? at->time_ns : ET_TIME_NONE,
			     .after_ns = ET_TIME_NONE,
			     .before_ns = ET_TIME_NONE,
			     .seq = at->position },
		.code = code,
		.details = et_buf_cstr(details),
	};
	ET_CLEAN_MEM char *device =
		et_strndup((const char *)at->device_id.data, at->device_id.size);
	ET_CLEAN_MEM char *aggregate =
		et_strndup((const char *)at->aggregate_id.data, at->aggregate_id.size);

	reported.device_id = device;
	reported.aggregate_id = aggregate;
	return et_audit_found_in(audit, ET_PART_CONTENTS, &reported, err);
}

int
et_audit_found_broken(struct et_audit *audit, const struct et_found_at *at,
		      const struct et_broken_rules *rules, struct et_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rules->count; i++) {
		const struct et_broken *broken = &rules->list[i];
		const struct et_datarule_info *info = et_datarule_info(broken->rule);
		struct et_found_at there = *at;
		struct et_buf details;

		audit->tally.reasons[ET_REASON_BROKEN_RULE]++;
		there.version = broken->version;
		et_buf_init(&details, DETAILS_BYTES_MAX);
		et_buf_format(&details, "%s: %s, and not %s", info->words, broken->wanted,
			      broken->found);
		if (broken->times > 1)
			et_buf_format(&details, " (%" PRIu64 " times)", broken->times);
		r = tell(audit, ET_REASON_BROKEN_RULE, &there, info->name, &details, err);
		et_buf_done(&details);
	}
	return r;
}

int
et_audit_found_different(struct et_audit *audit, const struct et_found_at *at, const char *where,
			 const struct et_differences *differences, struct et_error *err)
{
	struct et_buf details;
	size_t shown =
		differences->count < DIFFERENCES_SHOWN ? differences->count : DIFFERENCES_SHOWN;
	int r;

	audit->tally.reasons[ET_REASON_DIFFERS]++;
	et_buf_init(&details, DETAILS_BYTES_MAX);
	et_buf_format(&details, "%s: ", where);
	for (size_t i = 0; i < shown; i++) {
		const struct et_difference *one = &differences->list[i];

		et_buf_format(&details, "%s%s stored %s, archived %s", i > 0 ? "; " : "", one->path,
			      one->left, one->right);
	}
	if (differences->total > shown)
		et_buf_format(&details, "; and %" PRIu64 " more", differences->total - shown);
	r = tell(audit, ET_REASON_DIFFERS, at, NULL, &details, err);
	et_buf_done(&details);
	return r;
}
