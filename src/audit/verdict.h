/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: the verdict in hand, between what is seen of an aggregate
 * (aggregate.c) and what is missing of it (judge.c).
 */
#ifndef ET_AUDIT_VERDICT_H
#define ET_AUDIT_VERDICT_H

#include "audit/judge.h"

struct verdict {
	const struct et_cut *cut;
	const struct et_case *one;
	struct et_tally *tally;
	et_finding_sink *sink;
	void *cookie;
	uint64_t told;                /* findings */
	struct et_question *question; /* NULL: nobody asks */
	enum et_rule rule;            /* of the reason just decided */
	bool wants_orphans;           /* one would have changed a reason */
	/* The life in hand. */
	const struct et_life *life;
	const struct et_facts *facts; /* of that life */
	const struct et_linked_line *links;
	bool older;    /* not the newest one */
	bool stored;   /* what is missing is part of what the store lets expect */
	bool doubtful; /* the store is in a life that the stream has not shown */
	/* The earliest version with a copy whose time proves that it was published inside the
	 * coverage. */
	bool has_inside;
	uint64_t inside;
	/* The highest version of the gap in hand that the store shows to be an answer to a command;
	 * 0: none (an answer has its command below it). */
	uint64_t answer;
	/* The gap in hand, when it meets holes. */
	bool counting;        /* a first pass: how many would be lost? */
	uint64_t lost_in_gap; /* its result */
	bool all_hidden;      /* the holes may have held all of these */
	bool in_gap;          /* ... or some: */
	uint64_t hidden;      /* as many as this are still to be excused */
};

/* Somebody asks about one of these versions of the life in hand. */
static inline bool
et_verdict_is_asked(const struct verdict *verdict, uint64_t first, uint64_t last)
{
	return verdict->question != NULL && verdict->question->life == verdict->life->number &&
	       verdict->question->version >= first && verdict->question->version <= last;
}

/* Judges what is missing of 0 ... last. */
int et_verdict_judge(struct verdict *verdict, const struct et_coverage *coverage, uint64_t last);
int64_t et_time_plus(int64_t time_ns, int64_t delta_ns);

#endif
