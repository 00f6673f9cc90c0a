/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a consumer says of a message in its reply subject:
 *
 *	$JS.ACK.<stream>.<consumer>.<tries>.<stream seq>.<consumer seq>.<time>.<pending>
 *	$JS.ACK.<domain>.<account>.<stream>.<consumer>. ... .<pending>[.<random>]
 *
 * 9 tokens, or 11 and more since domain and account are in it.
 */
#ifndef ET_STREAM_DELIVERY_H
#define ET_STREAM_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#define ET_DELIVERY_PREFIX "$JS.ACK."
#define ET_DELIVERY_FLOW_PREFIX "$JS.FC."

struct et_delivery {
	uint64_t stream_seq;
	uint64_t consumer_seq;
	int64_t time_ns;
	uint64_t pending; /* messages behind this one */
};

/* False for anything else: another prefix, another number of tokens, a number that is none or
 * does not fit. Pure. */
bool et_delivery_parse(const char *reply, struct et_delivery *ret);

#endif
