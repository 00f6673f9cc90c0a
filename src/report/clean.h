/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside (hrefs, ids, words of servers and of damaged archives),
 * made fit to be shown.
 */
#ifndef ET_REPORT_CLEAN_H
#define ET_REPORT_CLEAN_H

#include <stdint.h>

#include "base/alloc.h"

/* Valid UTF-8: each byte that is part of no character becomes U+FFFD. Free with free(). */
char *et_clean_utf8(const char *text);
/* Printable ASCII, for a terminal: each other character, and each bad byte, becomes "?". Nothing
 * that moves the cursor, rings, or turns the direction of writing can come through. Free with
 * free(). */
char *et_clean_ascii(const char *text);

/* A JSON integer; above 2^63 - 1, which JSON readers do not hold, a string. */
struct json_t *et_json_number(uint64_t number);

#endif
