/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rule of docs/audit.md decided about a version: for explanations. The
 * names are fixed once released; sections are headings of that page.
 */
#ifndef ET_AUDIT_RULE_H
#define ET_AUDIT_RULE_H

enum et_rule {
	ET_RULE_NONE = 0, /* nothing is expected of the version, and nothing was seen */
	/* It is missing on the stream. */
	ET_RULE_HEAD,
	ET_RULE_ABSURD_TIME,
	ET_RULE_YOUNG,
	ET_RULE_ALL_IN_HOLES,
	ET_RULE_SOME_IN_HOLES,
	ET_RULE_MALFORMED,
	ET_RULE_STORE_ELSEWHERE,
	ET_RULE_LIFE_BEGINS,
	ET_RULE_STORE_WENT_BACK,
	ET_RULE_NO_COMMAND,
	ET_RULE_COMMAND_LINKED,
	ET_RULE_COMMAND_NOT_LINKED,
	ET_RULE_COMMAND_LINKS_UNKNOWN,
	ET_RULE_LINKED,
	ET_RULE_LIKELY_LINKED,
	ET_RULE_LINKED_FOR_A_PART,
	ET_RULE_NOT_LINKED,
	ET_RULE_LINKS_UNKNOWN,
	ET_RULE_MISSING,
	ET_RULE_SERVICE,
	/* It was seen there. */
	ET_RULE_ON_BOTH,
	ET_RULE_TRUNCATED,
	ET_RULE_AHEAD,
	ET_RULE_STORE_LOST,
	ET_RULE_FORKED,
	ET_RULE_DEVICE_GONE,
	ET_RULE_OLDER_LIFE,
	/* Either. */
	ET_RULE_NOT_SHOWN,
	ET_RULE_COUNT
};

struct et_rule_info {
	const char *name;
	const char *section; /* of docs/audit.md */
	const char *words;   /* one sentence without its full stop */
};

const struct et_rule_info *et_rule_info(enum et_rule rule);

#endif
