/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions that came out of order: two replicas of the hub, or commands at the
 * same time, publish version 6 before version 5 (docs/plgd.md, Save and
 * publish), and a publish that failed can arrive hours later. No finding, but
 * worth knowing: whoever reads the stream has to cope with it.
 *
 * Messages are given in stream order, all aggregates mixed. Memory is fixed:
 * aggregates that were quiet for long are forgotten, and of each the last 64
 * versions are known. So it may count too few, never a duplicate or another
 * life. Pure.
 */
#ifndef ET_AUDIT_DISORDER_H
#define ET_AUDIT_DISORDER_H

#include "base/alloc.h"
#include "base/uuid5.h"

struct et_disorder_counts {
	uint64_t messages; /* that were given */
	uint64_t late;     /* that came behind a higher version of their aggregate */
	/* From the first higher version to the late one, by the stream's clock; which it was. */
	int64_t longest_ns;
	struct et_uuid aggregate;
	uint64_t version;
};

struct et_disorder;
struct et_disorder *et_disorder_new(void);
void et_disorder_free(struct et_disorder *disorder);
/* An event of the stream: its own time, and the stream's. */
void et_disorder_add(struct et_disorder *disorder, const struct et_uuid *aggregate,
		     uint64_t version, int64_t event_ns, int64_t stream_ns);
const struct et_disorder_counts *et_disorder_counts(const struct et_disorder *disorder);

ET_CLEANUP_DEFINE(et_disorder, et_disorder_free);

#endif
