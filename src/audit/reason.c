// SPDX-License-Identifier: Apache-2.0
#include "audit/reason.h"

#include <string.h>

#include "base/alloc.h"

/*
 * Findings make exit status 1 (docs/audit.md, Verdict). Undecided and
 * unverifiable_gap raise no alarm but are said, so they are listed; what is
 * normal (truncated, deleted devices, duplicates, unannounced commands) or not
 * judged yet is only counted.
 */
static const struct et_reason_info reasons[ET_REASON_COUNT] = {
	[ET_REASON_MATCHED] = { "matched", "on the stream, and still in the store", false, false },
	[ET_REASON_TRUNCATED] = { "truncated", "on the stream, no longer stored (normal)", false,
				  false },
	[ET_REASON_COVERED] = { "covered", "on the stream", false, false },
	[ET_REASON_LOST] = { "lost", "stored and never published", true, true },
	[ET_REASON_LOST_IN_GAP] = { "lost_in_gap", "lost; a hole hides which ones", true, true },
	[ET_REASON_IN_FLIGHT] = { "in_flight", "too young to judge", false, false },
	[ET_REASON_BEFORE_HORIZON] = { "before_horizon", "older than the archives, not judged",
				       false, false },
	[ET_REASON_UNVERIFIABLE_GAP] = { "unverifiable_gap", "may stand in a hole of the archives",
					 false, true },
	[ET_REASON_UNANNOUNCED] = { "unannounced", "the hub does not publish such a command", false,
				    false },
	[ET_REASON_UNDECIDED] = { "undecided", "missing, but the signs disagree", false, true },
	[ET_REASON_NEVER_PUBLISHED] = { "never_published", "service metadata, never published",
					false, false },
	[ET_REASON_DELETED_DEVICE] = { "deleted_device", "on the stream, the device was deleted",
				       false, false },
	[ET_REASON_AHEAD] = { "ahead", "on the stream, newer than the store showed", false, false },
	[ET_REASON_FORKED] = { "forked", "version numbers used again: store restored", true, true },
	[ET_REASON_STORE_LOST] = { "store_lost", "on the stream, gone from the store", true, true },
	[ET_REASON_DUPLICATE] = { "duplicate", "the same event once more (harmless)", false,
				  false },
	[ET_REASON_DIFFERS] = { "differs", "on both sides, with different contents", true, true },
	[ET_REASON_FOREIGN] = { "foreign", "not a message of the hub", false, false },
	[ET_REASON_MALFORMED_MESSAGE] = { "malformed_message", "message that cannot be read", true,
					  true },
	[ET_REASON_MALFORMED_DOCUMENT] = { "malformed_document", "document that cannot be read",
					   true, true },
	[ET_REASON_NOT_JUDGED] = { "not_judged", "of devices that the source does not show", false,
				   false },
	[ET_REASON_BROKEN_RULE] = { "broken_rule", "what the hub would not write", true, true },
};

static const char *const recoverables[ET_RECOVERABLE_COUNT] = {
	[ET_RECOVERABLE_NOT_SAID] = "",
	[ET_RECOVERABLE_EXACT] = "exact",
	[ET_RECOVERABLE_REBUILT] = "rebuilt",
	[ET_RECOVERABLE_SNAPSHOT] = "snapshot",
	[ET_RECOVERABLE_SUPERSEDED] = "superseded",
};

const struct et_reason_info *
et_reason_info(enum et_reason reason)
{
	return &reasons[reason];
}

const char *
et_recoverable_name(enum et_recoverable recoverable)
{
	return recoverables[recoverable];
}

bool
et_reason_of(const char *name, enum et_reason *ret)
{
	for (size_t i = 0; i < ET_COUNT(reasons); i++) {
		if (strcmp(reasons[i].name, name) == 0) {
			*ret = (enum et_reason)i;
			return true;
		}
	}
	return false;
}
