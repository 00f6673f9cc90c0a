// SPDX-License-Identifier: Apache-2.0
/* The stored form of a coverage: what can be read keeps the invariants, is written and read again
 * the same, and takes versions. The bytes are also versions to add, against a plain set. */
#include <stdlib.h>
#include <string.h>

#include "event/coverage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
check_spans(const struct et_coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++) {
		const struct et_span *span = &coverage->spans[i];

		check(span->first <= span->last);
		check(i == 0 || span->first - span[-1].last >= 2);
		check(i == 0 || span->first > span[-1].last);
		check(et_coverage_has(coverage, span->first) &&
		      et_coverage_has(coverage, span->last));
		check(et_coverage_count(coverage, span->first, span->last) - 1 ==
			      span->last - span->first ||
		      span->last - span->first == UINT64_MAX);
		check(i == 0 || !et_coverage_has(coverage, span->first - 1));
	}
}

static void
round_trip(const struct et_coverage *coverage)
{
	struct et_coverage again = { 0 };
	struct et_buf out;

	et_buf_init(&out, 1 << 22);
	et_coverage_encode(coverage, &out);
	check(et_coverage_decode((struct et_slice){ out.data, out.size }, &again, NULL) == 0);
	check(again.count == coverage->count);
	for (size_t i = 0; i < again.count; i++)
		check(memcmp(&again.spans[i], &coverage->spans[i], sizeof(again.spans[i])) == 0);
	et_buf_done(&out);
	et_coverage_done(&again);
}

/* What lies below a version, of any coverage, is what a version by version look says. */
static void
check_below(const struct et_coverage *coverage, uint64_t version)
{
	struct et_coverage below = { 0 };

	et_coverage_add_below(&below, coverage, version);
	check_spans(&below);
	round_trip(&below);
	check(!et_coverage_has(&below, version));
	for (unsigned i = 0; i < 256; i++)
		check(et_coverage_has(&below, i) == (i < version && et_coverage_has(coverage, i)));
	for (size_t i = 0; i < coverage->count; i++) {
		const struct et_span *span = &coverage->spans[i];
		const struct et_span *at = et_coverage_at(coverage, span->first);

		check(at == span);
		check(et_coverage_has(&below, span->first) == (span->first < version));
	}
	et_coverage_done(&below);
}

static void
add_bytes(const uint8_t *data, size_t bytes)
{
	struct et_coverage coverage = { 0 };
	bool there[256] = { false };

	for (size_t i = 0; i < bytes; i++) {
		enum et_fit fit = et_coverage_fit(&coverage, data[i], data[i]);

		check(there[data[i]] == (fit == ET_FIT_SAME || fit == ET_FIT_REPEATED));
		check(et_coverage_add(&coverage, data[i], data[i], data[i]) == !there[data[i]]);
		there[data[i]] = true;
	}
	for (unsigned i = 0; i < 256; i++)
		check(et_coverage_has(&coverage, i) == there[i]);
	check_spans(&coverage);
	round_trip(&coverage);
	check_below(&coverage, bytes > 0 ? data[0] : 0);
	et_coverage_done(&coverage);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct et_coverage coverage = { 0 };

	if (et_coverage_decode((struct et_slice){ data, bytes }, &coverage, NULL) == 0) {
		check_spans(&coverage);
		round_trip(&coverage);
		check_below(&coverage, bytes > 1 ? data[bytes - 1] * UINT64_C(0x0101010101010101)
						 : UINT64_MAX);
		for (size_t i = 0; i < bytes; i++)
			(void)et_coverage_add(&coverage, data[i], (int64_t)i, i);
		check_spans(&coverage);
	}
	et_coverage_done(&coverage);
	add_bytes(data, bytes);
	return 0;
}
