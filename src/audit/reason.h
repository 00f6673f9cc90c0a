/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason codes of a verdict (docs/audit.md): every version that is missing
 * on one side, or there on both, gets exactly one. The words are fixed: they
 * stand in reports, the catalog and other people's scripts.
 */
#ifndef ET_AUDIT_REASON_H
#define ET_AUDIT_REASON_H

#include <stdbool.h>

#include "base/cursor.h"

enum et_reason {
	/* expected in the store's newest life */
	ET_REASON_MATCHED,   /* on the stream, and still stored (only with --split) */
	ET_REASON_TRUNCATED, /* on the stream, below what is stored: normal (only with --split) */
	ET_REASON_COVERED,   /* on the stream: matched or truncated, not told apart */
	ET_REASON_LOST,
	ET_REASON_LOST_IN_GAP,
	ET_REASON_IN_FLIGHT,
	ET_REASON_BEFORE_HORIZON,
	ET_REASON_UNVERIFIABLE_GAP,
	ET_REASON_UNANNOUNCED,
	ET_REASON_UNDECIDED,
	ET_REASON_NEVER_PUBLISHED,
	/* on the stream, not in the store */
	ET_REASON_DELETED_DEVICE,
	ET_REASON_AHEAD,
	ET_REASON_FORKED,
	ET_REASON_STORE_LOST,
	/* of messages and documents */
	ET_REASON_DUPLICATE,
	ET_REASON_DIFFERS,
	ET_REASON_FOREIGN,
	ET_REASON_MALFORMED_MESSAGE,
	ET_REASON_MALFORMED_DOCUMENT,
	ET_REASON_NOT_JUDGED,  /* of devices that a source does not show */
	ET_REASON_BROKEN_RULE, /* of documents and messages; the code is the rule's (datarule.h) */
	ET_REASON_COUNT
};

enum et_recoverable {
	ET_RECOVERABLE_NOT_SAID = 0, /* the reason is not `lost` */
	ET_RECOVERABLE_EXACT,
	ET_RECOVERABLE_REBUILT,
	ET_RECOVERABLE_SNAPSHOT,
	ET_RECOVERABLE_SUPERSEDED,
	ET_RECOVERABLE_COUNT
};

struct et_reason_info {
	const char *name;  /* "before_horizon" */
	const char *words; /* one line for people */
	bool is_finding;   /* makes the run's verdict `findings` */
	bool listed;       /* stands in the list of findings (not only in the counts) */
};

const struct et_reason_info *et_reason_info(enum et_reason reason);
const char *et_recoverable_name(enum et_recoverable recoverable); /* "exact"; "" for NOT_SAID */
/* False for a word that is none. */
bool et_reason_of(const char *name, enum et_reason *ret);

#endif
