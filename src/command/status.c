/* SPDX-License-Identifier: Apache-2.0 */
#include "command/status.h"

static const struct {
	const char *word;
	const char *words;
	int weight; /* the heaviest wins */
} table[ET_STATUS_COUNT] = {
	[ET_STATUS_CLEAN] = { "clean", "all explained", 0 },
	[ET_STATUS_FINDINGS] = { "findings",
				 "events are lost, or other findings that someone should look at",
				 1 },
	[ET_STATUS_USAGE] = { "usage",
			      "the options or the configuration are wrong; nothing was done", 5 },
	[ET_STATUS_UNREACHABLE] = { "unreachable", "a server did not answer, refused, or broke off",
				    3 },
	[ET_STATUS_DAMAGED] = { "damaged", "an archive is damaged", 4 },
	[ET_STATUS_INCOMPLETE] = { "incomplete", "something was not compared: this is no all-clear",
				   2 },
	[ET_STATUS_BUSY] = { "busy", "another run holds the lock", 5 },
	[ET_STATUS_ERROR] = { "error", "evtrail could not do its work", 6 },
};

const char *
et_status_word(enum et_status status)
{
	return status < ET_STATUS_COUNT ? table[status].word : "error";
}

const char *
et_status_words(enum et_status status)
{
	return status < ET_STATUS_COUNT ? table[status].words : table[ET_STATUS_ERROR].words;
}

enum et_status
et_status_worse(enum et_status a, enum et_status b)
{
	return table[a].weight >= table[b].weight ? a : b;
}

enum et_status
et_status_of(int code)
{
	switch (code) {
	case ET_OK:
		return ET_STATUS_CLEAN;
	case ET_USAGE:
	case ET_CONFIG:
		return ET_STATUS_USAGE;
	case ET_UNAVAILABLE:
	case ET_TIMEOUT:
	case ET_DENIED:
	case ET_GARBLED:
		return ET_STATUS_UNREACHABLE;
	case ET_CORRUPT:
		return ET_STATUS_DAMAGED;
	case ET_CANCELED:
		return ET_STATUS_INCOMPLETE;
	case ET_BUSY:
		return ET_STATUS_BUSY;
	default:
		return ET_STATUS_ERROR;
	}
}
