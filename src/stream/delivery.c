// SPDX-License-Identifier: Apache-2.0
#include "stream/delivery.h"

#include <string.h>

#define NUMBERS 5  /* tries, stream sequence, consumer sequence, time, pending */
#define DOTS_OLD 6 /* behind the prefix: stream, consumer and the numbers */
#define DOTS_NEW 8 /* and domain and account */
#define DOTS_MAX 32

/* The digits up to the next dot or the end; false for none, anything else, or more than 64 bits. */
static bool
read_number(const char **at, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	if (*p == '.' || *p == '\0')
		return false;
	for (; *p != '.' && *p != '\0'; p++) {
		unsigned digit = (unsigned)*p - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*at = *p == '.' ? p + 1 : p;
	*ret = value;
	return true;
}

bool
et_delivery_parse(const char *reply, struct et_delivery *ret)
{
	const size_t prefix = sizeof(ET_DELIVERY_PREFIX) - 1;
	const char *starts[DOTS_MAX + 1];
	uint64_t numbers[NUMBERS];
	const char *at;
	size_t dots = 0;

	if (reply == NULL || strncmp(reply, ET_DELIVERY_PREFIX, prefix) != 0)
		return false;
	starts[0] = reply + prefix;
	for (at = reply + prefix; *at != '\0'; at++) {
		if (*at != '.')
			continue;
		if (++dots > DOTS_MAX)
			return false;
		starts[dots] = at + 1;
	}
	if (dots != DOTS_OLD && dots < DOTS_NEW)
		return false;
	at = starts[dots == DOTS_OLD ? 2 : 4];
	for (size_t i = 0; i < NUMBERS; i++)
		if (!read_number(&at, &numbers[i]))
			return false;
	if (numbers[1] == 0 || numbers[2] == 0 || numbers[3] > INT64_MAX)
		return false;
	*ret = (struct et_delivery){
		.stream_seq = numbers[1],
		.consumer_seq = numbers[2],
		.time_ns = (int64_t)numbers[3],
		.pending = numbers[4],
	};
	return true;
}
