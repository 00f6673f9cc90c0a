// SPDX-License-Identifier: Apache-2.0
#include "audit/tally.h"

#include <stddef.h>

#include "base/alloc.h"

void
et_tally_add(struct et_tally *into, const struct et_tally *more)
{
	into->expected += more->expected;
	into->aggregates += more->aggregates;
	for (size_t i = 0; i < ET_REASON_COUNT; i++) {
		into->reasons[i] += more->reasons[i];
		into->deleted[i] += more->deleted[i];
	}
	for (size_t i = 0; i < ET_RECOVERABLE_COUNT; i++)
		into->recoverable[i] += more->recoverable[i];
	into->lost_in_store += more->lost_in_store;
	into->lost_deleted += more->lost_deleted;
	into->messages += more->messages;
	into->registrations += more->registrations;
	into->older_life += more->older_life;
}

uint64_t
et_tally_covered(const struct et_tally *tally)
{
	return tally->reasons[ET_REASON_MATCHED] + tally->reasons[ET_REASON_TRUNCATED] +
	       tally->reasons[ET_REASON_COVERED];
}

static uint64_t
sum(const struct et_tally *tally, const enum et_reason *list, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += tally->reasons[list[i]];
	return total;
}

bool
et_tally_holds(const struct et_tally *tally, bool split, const char **ret_which)
{
	static const enum et_reason missing[] = {
		ET_REASON_LOST_IN_GAP,      ET_REASON_IN_FLIGHT,   ET_REASON_BEFORE_HORIZON,
		ET_REASON_UNVERIFIABLE_GAP, ET_REASON_UNANNOUNCED, ET_REASON_UNDECIDED,
	};
	static const enum et_reason elsewhere[] = {
		ET_REASON_FOREIGN,
		ET_REASON_DELETED_DEVICE,
		ET_REASON_FORKED,
		ET_REASON_AHEAD,
		ET_REASON_STORE_LOST,
		ET_REASON_DUPLICATE,
		ET_REASON_MALFORMED_MESSAGE,
		ET_REASON_NOT_JUDGED,
	};
	const uint64_t *reasons = tally->reasons;
	uint64_t covered = et_tally_covered(tally);
	uint64_t recoverable = 0;
	const char *which = NULL;

	/* NOT_SAID is no form: a lost version always says what the store still allows. */
	for (size_t i = ET_RECOVERABLE_EXACT; i < ET_RECOVERABLE_COUNT; i++)
		recoverable += tally->recoverable[i];
	if (split ? reasons[ET_REASON_COVERED] != 0 : covered != reasons[ET_REASON_COVERED])
		which = "covered = matched + truncated";
	else if (tally->expected !=
		 covered + tally->lost_in_store + sum(tally, missing, ET_COUNT(missing)))
		which = "expected = covered + lost_in_store + lost_in_gap + in_flight + "
			"before_horizon + "
			"unverifiable_gap + unannounced + undecided";
	else if (reasons[ET_REASON_LOST] != tally->lost_in_store + tally->lost_deleted)
		which = "lost = lost_in_store + lost_deleted";
	else if (reasons[ET_REASON_LOST] != recoverable)
		which = "lost = exact + rebuilt + snapshot + superseded";
	else if (tally->messages !=
		 tally->registrations + covered + sum(tally, elsewhere, ET_COUNT(elsewhere)))
		which = "messages = registrations + foreign + covered + deleted_device + forked + "
			"ahead + "
			"store_lost + duplicate + malformed_message + not_judged";
	if (which != NULL && ret_which != NULL)
		*ret_which = which;
	return which == NULL;
}
