/* SPDX-License-Identifier: Apache-2.0 */
#include "command/roll.h"

void
et_roll_init(struct et_roll *roll)
{
	*roll = (struct et_roll){ .count = 0 };
	et_arena_init(&roll->texts, 0);
	roll->list = et_calloc(ET_REPORT_FINDINGS_MAX, sizeof(*roll->list));
}

void
et_roll_done(struct et_roll *roll)
{
	et_arena_done(&roll->texts);
	free(roll->list);
	roll->list = NULL;
}

static const char *
copy(struct et_roll *roll, const char *text)
{
	return text != NULL ? et_arena_strndup(&roll->texts, text, strlen(text)) : NULL;
}

/* Room for one of that standing: behind the others, or the last one of a standing that nobody
 * misses as much. NULL: there is none. */
static struct et_report_finding *
make_room(struct et_roll *roll, enum et_standing standing)
{
	unsigned worst = ET_STANDING_COUNT - 1;

	if (roll->count < ET_REPORT_FINDINGS_MAX)
		return &roll->list[roll->count++];
	while (worst > standing && roll->kept[worst] == 0)
		worst--;
	if (worst == standing)
		return NULL;
	for (size_t i = roll->count; i-- > 0;)
		if (roll->list[i].standing == worst) {
			/* What stays keeps its order. */
			memmove(&roll->list[i], &roll->list[i + 1],
				(roll->count - i - 1) * sizeof(*roll->list));
			break;
		}
	roll->kept[worst]--;
	return &roll->list[roll->count - 1];
}

void
et_roll_add(struct et_roll *roll, const struct et_report_finding *finding)
{
	struct et_report_finding *slot = make_room(roll, finding->standing);

	roll->total++;
	roll->standings[finding->standing]++;
	if (slot == NULL)
		return;
	roll->kept[finding->standing]++;
	*slot = *finding;
	slot->code = copy(roll, finding->code);
	slot->details = copy(roll, finding->details);
	slot->device_id = copy(roll, finding->device_id);
	slot->aggregate_id = copy(roll, finding->aggregate_id);
	slot->href = copy(roll, finding->href);
	slot->acknowledged.by = copy(roll, finding->acknowledged.by);
	slot->acknowledged.reason = copy(roll, finding->acknowledged.reason);
	slot->resolution = copy(roll, finding->resolution);
}

void
et_roll_sort(struct et_roll *roll)
{
	struct et_report_finding *sorted = et_calloc(roll->count + 1, sizeof(*sorted));
	size_t at = 0;

	for (unsigned standing = 0; standing < ET_STANDING_COUNT; standing++)
		for (size_t i = 0; i < roll->count; i++)
			if (roll->list[i].standing == standing)
				sorted[at++] = roll->list[i];
	memcpy(roll->list, sorted, at * sizeof(*sorted));
	free(sorted);
}

void
et_roll_stand(const struct et_noted_finding *noted, int64_t last_told, int64_t now_ns,
	      struct et_report_finding *ret, bool *ret_expired)
{
	const struct et_acknowledgement *known = &noted->acknowledged;
	const struct et_standing_facts facts = {
		.resolved = noted->resolved != 0,
		.told = noted->told != 0 && noted->told != last_told,
		.acknowledged = known->time_ns != 0,
		.ack_until_ns = known->until_ns,
	};

	ret->standing = et_standing_of(&facts, now_ns);
	ret->first_seen_ns = noted->first_time_ns;
	ret->last_seen_ns = noted->last_time_ns;
	ret->acknowledged = (struct et_report_acknowledgement){ .time_ns = known->time_ns,
								.until_ns = known->until_ns,
								.by = known->by,
								.reason = known->reason };
	ret->resolution = noted->resolution;
	ret->resolved_ns = noted->resolved_ns;
	ret->delay_ns = noted->delay_ns;
	*ret_expired = et_standing_expired(&facts, now_ns);
}
