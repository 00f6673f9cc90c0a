/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses (fixed: scripts rely on them): one table for the program, its
 * reports and its documents.
 */
#ifndef ET_COMMAND_STATUS_H
#define ET_COMMAND_STATUS_H

#include "base/error.h"

enum et_status {
	ET_STATUS_CLEAN = 0,
	ET_STATUS_FINDINGS = 1,
	ET_STATUS_USAGE = 2,
	ET_STATUS_UNREACHABLE = 3,
	ET_STATUS_DAMAGED = 4,
	ET_STATUS_INCOMPLETE = 5,
	ET_STATUS_BUSY = 6,
	ET_STATUS_ERROR = 7,
	ET_STATUS_COUNT
};

/* "clean", "findings", ... */
const char *et_status_word(enum et_status status);
/* What an operator should take from it, one line. */
const char *et_status_words(enum et_status status);
/* The worse one, in the order 7 4 3 5 1 0 (2 and 6 end a run at once). */
enum et_status et_status_worse(enum et_status a, enum et_status b);
/* The status of a failure. */
enum et_status et_status_of(int code);

#endif
