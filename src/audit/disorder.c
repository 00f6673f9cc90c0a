// SPDX-License-Identifier: Apache-2.0
#include "audit/disorder.h"

#include <stdlib.h>

#include "event/coverage.h"

/* 65,536 aggregates, 12 MiB. */
#define SETS 16384u
#define WAYS 4u
#define PEAKS 8u
#define WINDOW 64u /* bits of `seen` */

/* When a version was the highest so far. */
struct peak {
	uint64_t version;
	int64_t stream_ns;
};

struct line {
	struct et_uuid aggregate;
	uint64_t used;            /* when; 0: free */
	uint64_t highest;         /* version */
	uint64_t seen;            /* bit i: version highest - i */
	int64_t event_ns;         /* of the highest */
	struct peak peaks[PEAKS]; /* the newest ones, in their order */
	unsigned peak_count;
};

struct et_disorder {
	struct et_disorder_counts counts;
	uint64_t clock;
	struct line lines[SETS][WAYS];
};

struct et_disorder *
et_disorder_new(void)
{
	return et_calloc(1, sizeof(struct et_disorder));
}

void
et_disorder_free(struct et_disorder *disorder)
{
	free(disorder);
}

const struct et_disorder_counts *
et_disorder_counts(const struct et_disorder *disorder)
{
	return &disorder->counts;
}

/* Its own line, else the one that was used least lately. */
static struct line *
line_of(struct et_disorder *disorder, const struct et_uuid *aggregate)
{
	/* Ids are digests: any bytes are as good as others. */
	size_t set = (((size_t)aggregate->bytes[1] << 8) | aggregate->bytes[0]) % SETS;
	struct line *oldest = &disorder->lines[set][0];

	for (size_t i = 0; i < WAYS; i++) {
		struct line *line = &disorder->lines[set][i];

		if (line->used > 0 && et_uuid_compare(&line->aggregate, aggregate) == 0)
			return line;
		if (line->used < oldest->used)
			oldest = line;
	}
	*oldest = (struct line){ .aggregate = *aggregate };
	return oldest;
}

static void
add_peak(struct line *line, uint64_t version, int64_t event_ns, int64_t stream_ns)
{
	uint64_t more = version - line->highest;

	line->seen = more < WINDOW ? line->seen << more : 0;
	line->seen |= 1;
	line->highest = version;
	line->event_ns = event_ns;
	if (line->peak_count == PEAKS) {
		for (size_t i = 1; i < PEAKS; i++)
			line->peaks[i - 1] = line->peaks[i];
		line->peak_count--;
	}
	line->peaks[line->peak_count++] = (struct peak){ version, stream_ns };
}

/* Another life, or numbers that were used again: nothing of before says anything. */
static void
begin(struct line *line, uint64_t version, int64_t event_ns, int64_t stream_ns)
{
	line->peak_count = 0;
	line->highest = version;
	line->seen = 0;
	add_peak(line, version, event_ns, stream_ns);
}

static void
add_late(struct et_disorder *disorder, const struct line *line, uint64_t version, int64_t stream_ns)
{
	struct et_disorder_counts *counts = &disorder->counts;
	int64_t delay = 0;
	size_t i = 0;

	while (line->peaks[i].version < version)
		i++;
	if (__builtin_sub_overflow(stream_ns, line->peaks[i].stream_ns, &delay))
		delay = 0;
	counts->late++;
	if (delay > counts->longest_ns) {
		counts->longest_ns = delay;
		counts->aggregate = line->aggregate;
		counts->version = version;
	}
}

void
et_disorder_add(struct et_disorder *disorder, const struct et_uuid *aggregate, uint64_t version,
		int64_t event_ns, int64_t stream_ns)
{
	struct line *line = line_of(disorder, aggregate);
	bool first = line->used == 0;
	int64_t after = 0;
	uint64_t below;

	disorder->counts.messages++;
	line->used = ++disorder->clock;
	if (first) {
		begin(line, version, event_ns, stream_ns);
		return;
	}
	if (version > line->highest) {
		add_peak(line, version, event_ns, stream_ns);
		return;
	}
	/* Of the clocks of two replicas no sign is taken. */
	if (__builtin_sub_overflow(event_ns, line->event_ns, &after) ||
	    after > ET_CLOCKS_APART_NS) {
		begin(line, version, event_ns, stream_ns);
		return;
	}
	below = line->highest - version;
	if (below >= WINDOW || (line->seen & (uint64_t)1 << below) != 0)
		return;
	line->seen |= (uint64_t)1 << below;
	add_late(disorder, line, version, stream_ns);
}
