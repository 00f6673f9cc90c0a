/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a finding stands among the audits (docs/audit.md, Baseline): told for
 * the first time, told before, acknowledged, resolved. The words are fixed:
 * they stand in reports and in other people's scripts. Pure.
 */
#ifndef ET_AUDIT_STANDING_H
#define ET_AUDIT_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which people want to read them. */
enum et_standing {
	ET_STANDING_NEW = 0,
	ET_STANDING_KNOWN,
	ET_STANDING_ACKNOWLEDGED,
	ET_STANDING_RESOLVED,
	ET_STANDING_COUNT
};

#define ET_STANDING_BIT(standing) (1u << (standing))
#define ET_STANDINGS_OPEN (ET_STANDING_BIT(ET_STANDING_NEW) | ET_STANDING_BIT(ET_STANDING_KNOWN))
#define ET_STANDINGS_ALL ((1u << ET_STANDING_COUNT) - 1)

/* What is noted of it. */
struct et_standing_facts {
	bool resolved;
	bool told;            /* by an audit before the one that counts */
	bool acknowledged;    /* at some time, */
	int64_t ack_until_ns; /* up to this one, exclusive; ET_TIME_NONE: for good */
};

enum et_standing et_standing_of(const struct et_standing_facts *facts, int64_t now_ns);
/* Somebody knew of it, and it counts again. */
bool et_standing_expired(const struct et_standing_facts *facts, int64_t now_ns);
const char *et_standing_name(enum et_standing standing); /* "new" */
/* Words with commas between, "open" (new, known) and "all", as ET_STANDING_BITs; 0: one of them is
 * none of these. */
unsigned et_standings_of(const char *words);

#endif
