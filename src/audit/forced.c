// SPDX-License-Identifier: Apache-2.0
#include "audit/forced.h"

#include "audit/verdict.h"
#include "base/clock.h"

static bool
orphan_follows(const struct et_facts *facts, uint64_t version)
{
	for (size_t i = 0; i < facts->orphan_count; i++)
		if (facts->orphans[i].version > version)
			return true;
	return false;
}

/* At that time, or (ET_TIME_NONE) over the gap. */
static enum et_linked
linked_over(const struct et_facts *facts, const struct et_linked_line *links,
	    const struct et_gap *gap, int64_t time_ns)
{
	struct et_linked_time time = {
		.from_ns = time_ns != ET_TIME_NONE ? time_ns : gap->after_ns,
		.to_ns = time_ns != ET_TIME_NONE ? time_ns : gap->before_ns,
		.from_seq = gap->after_seq,
		.to_seq = gap->before_seq,
	};

	if (time_ns == ET_TIME_NONE && gap->lowest) {
		if (time.from_ns == ET_TIME_NONE && facts->born)
			time.from_ns = facts->born_ns;
		/* A device publishes its links in the first moments of its life; before them there
		 * is nothing that a command could be for. */
		if (time.from_ns != ET_TIME_NONE) {
			time.from_ns = et_time_plus(time.from_ns, ET_CLOCKS_APART_NS);
			time.from_seq = UINT64_MAX;
			if (time.to_ns != ET_TIME_NONE && time.from_ns > time.to_ns)
				time.from_ns = time.to_ns;
		}
	}
	return et_linked_over(links, &time);
}

/* The store has it: then what it is decides, and the links at that time. */
static enum et_reason
judge_known(const struct et_facts *facts, const struct et_linked_line *links,
	    const struct et_gap *gap, const struct et_copy *copy, enum et_rule *ret_rule)
{
	/* A snapshot of that version embeds every pending that is open: it would have been
	 * rebuilt. */
	*ret_rule = ET_RULE_NO_COMMAND;
	if (copy->form == ET_RECOVERABLE_SNAPSHOT || !et_kind_info(copy->kind)->withholdable)
		return ET_REASON_LOST;
	switch (linked_over(facts, links, gap, copy->time_ns)) {
	case ET_LINKED_PRESENT:
		*ret_rule = ET_RULE_COMMAND_LINKED;
		return ET_REASON_LOST;
	case ET_LINKED_ABSENT:
		*ret_rule = ET_RULE_COMMAND_NOT_LINKED;
		return ET_REASON_UNANNOUNCED;
	case ET_LINKED_LIKELY:
		*ret_rule = ET_RULE_LIKELY_LINKED;
		return orphan_follows(facts, copy->version) ? ET_REASON_UNDECIDED : ET_REASON_LOST;
	case ET_LINKED_CHANGED:
	case ET_LINKED_NOT_KNOWN:
		break;
	}
	*ret_rule = ET_RULE_COMMAND_LINKS_UNKNOWN;
	return ET_REASON_UNDECIDED;
}

enum et_reason
et_forced_judge(const struct et_facts *facts, const struct et_linked_line *links,
		const struct et_gap *gap, uint64_t version, const struct et_copy *copy,
		enum et_rule *ret_rule)
{
	bool orphan;

	if (copy != NULL)
		return judge_known(facts, links, gap, copy, ret_rule);
	orphan = orphan_follows(facts, version);
	/* Of an aggregate whose href nobody knows, the links say nothing. */
	switch (facts->href_known ? linked_over(facts, links, gap, ET_TIME_NONE)
				  : ET_LINKED_NOT_KNOWN) {
	case ET_LINKED_PRESENT:
		*ret_rule = ET_RULE_LINKED;
		return ET_REASON_LOST;
	case ET_LINKED_LIKELY:
		*ret_rule = ET_RULE_LIKELY_LINKED;
		return orphan ? ET_REASON_UNDECIDED : ET_REASON_LOST;
	case ET_LINKED_CHANGED:
		*ret_rule = ET_RULE_LINKED_FOR_A_PART;
		return orphan ? ET_REASON_UNDECIDED : ET_REASON_LOST;
	case ET_LINKED_ABSENT:
		*ret_rule = ET_RULE_NOT_LINKED;
		return orphan ? ET_REASON_UNANNOUNCED : ET_REASON_UNDECIDED;
	case ET_LINKED_NOT_KNOWN:
		break;
	}
	*ret_rule = ET_RULE_LINKS_UNKNOWN;
	return ET_REASON_UNDECIDED;
}
