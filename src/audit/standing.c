// SPDX-License-Identifier: Apache-2.0
#include "audit/standing.h"

#include <string.h>

#include "base/clock.h"

static const char *const names[ET_STANDING_COUNT] = {
	[ET_STANDING_NEW] = "new",
	[ET_STANDING_KNOWN] = "known",
	[ET_STANDING_ACKNOWLEDGED] = "acknowledged",
	[ET_STANDING_RESOLVED] = "resolved",
};

bool
et_standing_expired(const struct et_standing_facts *facts, int64_t now_ns)
{
	return !facts->resolved && facts->acknowledged && facts->ack_until_ns != ET_TIME_NONE &&
	       facts->ack_until_ns <= now_ns;
}

/* One whose acknowledgement has expired is known, whenever it was told: somebody knew of it. */
enum et_standing
et_standing_of(const struct et_standing_facts *facts, int64_t now_ns)
{
	if (facts->resolved)
		return ET_STANDING_RESOLVED;
	if (facts->acknowledged)
		return et_standing_expired(facts, now_ns) ? ET_STANDING_KNOWN
							  : ET_STANDING_ACKNOWLEDGED;
	return facts->told ? ET_STANDING_KNOWN : ET_STANDING_NEW;
}

const char *
et_standing_name(enum et_standing standing)
{
	return names[standing];
}

static unsigned
one_word(const char *word, size_t length)
{
	if (length == 4 && memcmp(word, "open", length) == 0)
		return ET_STANDINGS_OPEN;
	if (length == 3 && memcmp(word, "all", length) == 0)
		return ET_STANDINGS_ALL;
	for (unsigned i = 0; i < ET_STANDING_COUNT; i++)
		if (strlen(names[i]) == length && memcmp(word, names[i], length) == 0)
			return ET_STANDING_BIT(i);
	return 0;
}

unsigned
et_standings_of(const char *words)
{
	unsigned bits = 0;

	while (true) {
		size_t length = strcspn(words, ",");
		unsigned bit = one_word(words, length);

		if (bit == 0)
			return 0;
		bits |= bit;
		if (words[length] == '\0')
			return bits;
		words += length + 1;
	}
}
