/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: what the holes of the archives, and the times between two
 * identities of the stream, can hide (docs/audit.md, Rule 3).
 */
#ifndef ET_AUDIT_HOLES_H
#define ET_AUDIT_HOLES_H

#include "audit/forced.h"

/* How many messages the holes in the bracket can hide, at most `enough`. */
uint64_t et_hidden_in(const struct et_cut *cut, const struct et_gap *gap, uint64_t enough);

#endif
