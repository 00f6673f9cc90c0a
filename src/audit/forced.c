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

/* A device publishes its links in the first moments of its life: before them there is nothing that
 * a command could be for. */
static void
begin_with_links(const struct et_facts *facts, const struct et_linked_line *links,
		 struct et_linked_time *time)
{
	int64_t begin_ns = time->from_ns;

	if (begin_ns == ET_TIME_NONE && facts->born)
		begin_ns = facts->born_ns;
	if (begin_ns == ET_TIME_NONE || links->begin_ns == ET_TIME_NONE ||
	    links->begin_ns > et_time_plus(begin_ns, ET_CLOCKS_APART_NS) ||
	    (time->to_ns != ET_TIME_NONE && links->begin_ns > time->to_ns))
		return;
	time->from_ns = links->begin_ns;
	time->from_seq = links->begin_seq + 1;
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

	if (time_ns == ET_TIME_NONE && gap->lowest)
		begin_with_links(facts, links, &time);
	return et_linked_over(links, &time);
}

/* It was linked, as far as is known, or for a part of the time. A command that was kept back has
 * its answer on the stream, as an orphan; or that was lost, too. */
static enum et_reason
judge_likely(const struct et_facts *facts, const struct et_missing *one)
{
	return one->answered || orphan_follows(facts, one->version) ? ET_REASON_UNDECIDED
								    : ET_REASON_LOST;
}

/* The store has it: then what it is decides, and the links at that time. */
static enum et_reason
judge_known(const struct et_facts *facts, const struct et_linked_line *links,
	    const struct et_missing *one, enum et_rule *ret_rule)
{
	const struct et_copy *copy = one->copy;

	/* A snapshot of that version embeds every pending that is open: it would have been
	 * rebuilt. */
	*ret_rule = ET_RULE_NO_COMMAND;
	if (copy->form == ET_RECOVERABLE_SNAPSHOT || !et_kind_info(copy->kind)->withholdable)
		return ET_REASON_LOST;
	switch (linked_over(facts, links, one->gap, copy->time_ns)) {
	case ET_LINKED_PRESENT:
		*ret_rule = ET_RULE_COMMAND_LINKED;
		return ET_REASON_LOST;
	case ET_LINKED_ABSENT:
		*ret_rule = ET_RULE_COMMAND_NOT_LINKED;
		return ET_REASON_UNANNOUNCED;
	case ET_LINKED_LIKELY:
		*ret_rule = ET_RULE_LIKELY_LINKED;
		return judge_likely(facts, one);
	case ET_LINKED_CHANGED:
	case ET_LINKED_NOT_KNOWN:
		break;
	}
	*ret_rule = ET_RULE_COMMAND_LINKS_UNKNOWN;
	return ET_REASON_UNDECIDED;
}

enum et_reason
et_forced_judge(const struct et_facts *facts, const struct et_linked_line *links,
		const struct et_missing *one, enum et_rule *ret_rule)
{
	if (one->copy != NULL)
		return judge_known(facts, links, one, ret_rule);
	/* Of an aggregate whose href nobody knows, the links say nothing. */
	switch (facts->href_known ? linked_over(facts, links, one->gap, ET_TIME_NONE)
				  : ET_LINKED_NOT_KNOWN) {
	case ET_LINKED_PRESENT:
		*ret_rule = ET_RULE_LINKED;
		return ET_REASON_LOST;
	case ET_LINKED_LIKELY:
		*ret_rule = ET_RULE_LIKELY_LINKED;
		return judge_likely(facts, one);
	case ET_LINKED_CHANGED:
		*ret_rule = ET_RULE_LINKED_FOR_A_PART;
		return judge_likely(facts, one);
	case ET_LINKED_ABSENT:
		*ret_rule = ET_RULE_NOT_LINKED;
		return orphan_follows(facts, one->version) ? ET_REASON_UNANNOUNCED
							   : ET_REASON_UNDECIDED;
	case ET_LINKED_NOT_KNOWN:
		break;
	}
	*ret_rule = ET_RULE_LINKS_UNKNOWN;
	return ET_REASON_UNDECIDED;
}
