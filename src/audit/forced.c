// SPDX-License-Identifier: Apache-2.0
#include "audit/forced.h"

#include "base/clock.h"

/* Whether the href was in the device's links. */
enum link_state {
	LINK_NOT_KNOWN,
	LINK_ABSENT,
	LINK_PRESENT,
	LINK_CAME_OR_WENT, /* both within the time in question */
};

static enum link_state
state_of(bool linked)
{
	return linked ? LINK_PRESENT : LINK_ABSENT;
}

/* Before the first link event of the href that the stream shows. What is taken away was there; what
 * is added was not, provided that no earlier link event is missing. */
static enum link_state
state_before_first(const struct et_facts *facts)
{
	if (!facts->changes[0].linked)
		return LINK_PRESENT;
	return facts->links_complete ? LINK_ABSENT : LINK_NOT_KNOWN;
}

/* No link event of the href at all: the store's links tell, or that nothing is missing. */
static enum link_state
state_without_events(const struct et_facts *facts)
{
	if (facts->linked_in_store)
		return LINK_PRESENT;
	return facts->links_complete ? LINK_ABSENT : LINK_NOT_KNOWN;
}

/* At the time of a save. */
static enum link_state
state_at(const struct et_facts *facts, int64_t time_ns)
{
	enum link_state state;

	if (facts->change_count == 0)
		return state_without_events(facts);
	state = state_before_first(facts);
	for (size_t i = 0; i < facts->change_count && facts->changes[i].time_ns <= time_ns; i++)
		state = state_of(facts->changes[i].linked);
	/* A link event that is missing may have added it since. */
	return state == LINK_ABSENT && !facts->links_complete ? LINK_NOT_KNOWN : state;
}

/* Over the sequences between the gap's neighbours. */
static enum link_state
state_over(const struct et_facts *facts, const struct et_gap *gap)
{
	enum link_state before;
	bool came = false;
	bool went = false;

	if (facts->change_count == 0)
		return state_without_events(facts);
	before = state_before_first(facts);
	for (size_t i = 0; i < facts->change_count; i++) {
		const struct et_link_change *change = &facts->changes[i];

		if (change->seq <= gap->after_seq)
			before = state_of(change->linked);
		else if (change->seq < gap->before_seq)
			*(change->linked ? &came : &went) = true;
	}
	if (!came && !went)
		/* A link event that is missing may have added it meanwhile. */
		return before == LINK_ABSENT && !facts->links_complete ? LINK_NOT_KNOWN : before;
	if (before == LINK_PRESENT && !went)
		return LINK_PRESENT;
	if (before == LINK_ABSENT && !came)
		return facts->links_complete ? LINK_ABSENT : LINK_NOT_KNOWN;
	return LINK_CAME_OR_WENT;
}

static bool
orphan_follows(const struct et_facts *facts, uint64_t version)
{
	for (size_t i = 0; i < facts->orphan_count; i++)
		if (facts->orphans[i].version > version)
			return true;
	return false;
}

/* The store has it: then what it is decides, and the links at that time. */
static enum et_reason
judge_known(const struct et_facts *facts, const struct et_gap *gap, const struct et_copy *copy,
	    enum et_rule *ret_rule)
{
	enum link_state state;

	/* A snapshot of that version embeds every pending that is open: it would have been
	 * rebuilt. */
	*ret_rule = ET_RULE_NO_COMMAND;
	if (copy->form == ET_RECOVERABLE_SNAPSHOT || !et_kind_info(copy->kind)->withholdable)
		return ET_REASON_LOST;
	state = copy->time_ns != ET_TIME_NONE ? state_at(facts, copy->time_ns)
					      : state_over(facts, gap);
	switch (state) {
	case LINK_PRESENT:
		*ret_rule = ET_RULE_COMMAND_LINKED;
		return ET_REASON_LOST;
	case LINK_ABSENT:
		*ret_rule = ET_RULE_COMMAND_NOT_LINKED;
		return ET_REASON_UNANNOUNCED;
	default:
		*ret_rule = ET_RULE_COMMAND_LINKS_UNKNOWN;
		return ET_REASON_UNDECIDED;
	}
}

enum et_reason
et_forced_judge(const struct et_facts *facts, const struct et_gap *gap, uint64_t version,
		const struct et_copy *copy, enum et_rule *ret_rule)
{
	if (copy != NULL)
		return judge_known(facts, gap, copy, ret_rule);
	/* Of an aggregate whose href nobody knows, the links say nothing. */
	switch (facts->href_known ? state_over(facts, gap) : LINK_NOT_KNOWN) {
	case LINK_PRESENT:
		*ret_rule = ET_RULE_LINKED;
		return ET_REASON_LOST;
	case LINK_CAME_OR_WENT:
		*ret_rule = ET_RULE_LINKED_FOR_A_PART;
		return orphan_follows(facts, version) ? ET_REASON_UNDECIDED : ET_REASON_LOST;
	case LINK_ABSENT:
		*ret_rule = ET_RULE_NOT_LINKED;
		return orphan_follows(facts, version) ? ET_REASON_UNANNOUNCED : ET_REASON_UNDECIDED;
	default:
		*ret_rule = ET_RULE_LINKS_UNKNOWN;
		return ET_REASON_UNDECIDED;
	}
}
