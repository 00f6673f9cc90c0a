// SPDX-License-Identifier: Apache-2.0
#include "audit/holes.h"

#include "audit/verdict.h"
#include "base/clock.h"

const struct et_blind *
et_blind_at(const struct et_cut *cut, int64_t after_ns, int64_t before_ns)
{
	/* These are times of the stream, those of the gap are the hub's. */
	int64_t ahead_ns = cut->lag_ns < 0 ? -cut->lag_ns : 0;
	int64_t behind_ns = cut->lag_ns > 0 ? cut->lag_ns : 0;

	for (size_t i = 0; i < cut->blind_count; i++) {
		int64_t from_ns = et_time_plus(cut->blinds[i].from_ns, -cut->settle_ns - behind_ns);
		int64_t to_ns = et_time_plus(cut->blinds[i].to_ns, cut->settle_ns + ahead_ns);

		if ((after_ns == ET_TIME_NONE || after_ns <= to_ns) &&
		    (before_ns == ET_TIME_NONE || before_ns >= from_ns))
			return &cut->blinds[i];
	}
	return NULL;
}

uint64_t
et_hidden_in(const struct et_cut *cut, const struct et_gap *gap, uint64_t enough)
{
	uint64_t sum = 0;
	size_t low = 0;
	size_t high = cut->zone_count;

	/* What is missing may have been published while nobody looked. */
	if (et_blind_at(cut, gap->after_ns, gap->before_ns) != NULL)
		return enough;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cut->zones[middle].last < gap->after_seq)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < cut->zone_count && cut->zones[low].first <= gap->before_seq; low++) {
		if (cut->zones[low].size >= enough - sum)
			return enough;
		sum += cut->zones[low].size;
	}
	return sum;
}
