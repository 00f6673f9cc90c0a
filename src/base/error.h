/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one result, one struct, one way.
 *
 * Every function that can fail returns an int: 0 (done), 1 (an item: iterators
 * only) or a negative ET_* code that says what the caller may do about it. The
 * words are in a struct et_error that the caller owns and passes last; it may
 * be NULL when the words are not wanted. Each caller puts its own "verb
 * object" in front, so that the text reads from the outside in:
 * "count EVENTS-1.tar.zst: after record 2: checksum differs".
 *
 * Outputs (ret_*) are written only on success. Destructors take NULL and
 * half-built objects. No thread-local state: foreign libraries call us back on
 * threads of their own.
 */
#ifndef ET_BASE_ERROR_H
#define ET_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum et_code {
	ET_OK = 0,
	ET_USAGE = -1,       /* the words of the call are wrong */
	ET_CONFIG = -2,      /* the configuration, or a state that belongs to something else */
	ET_UNAVAILABLE = -3, /* a server is not there; trying again later may help */
	ET_TIMEOUT = -4,     /* no answer in time */
	ET_DENIED = -5,      /* a server refused: credentials, permissions, certificates */
	ET_GONE = -6,        /* what was asked for does not exist (any more) */
	ET_CORRUPT = -7,     /* bytes of ours, or of a single record, that break their format */
	ET_CONFLICT = -8,    /* something else is there already, or changed under us */
	ET_LIMIT = -9,       /* larger than a named limit */
	ET_IO = -10,         /* the operating system says no */
	ET_CANCELED = -11,   /* a signal, or a time budget that ran out */
	ET_BUSY = -12,       /* another run holds the lock */
	ET_GARBLED = -13,    /* a server (or a dump in its place) says what cannot be understood */
};

#define ET_ERROR_TEXT_BYTES 1024

struct et_error {
	int code;                       /* ET_OK or the negative code */
	char text[ET_ERROR_TEXT_BYTES]; /* lower case, no full stop; cut, never overrun */
	char hint[256];                 /* what to do about it; "" when there is nothing to say */
};

#define ET_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ET_CHECKED __attribute__((warn_unused_result))
#define ET_UNUSED __attribute__((unused))

/* Sets code and text (dropping an older hint), returns code. err may be NULL. */
int et_error_set(struct et_error *err, int code, const char *format, ...) ET_PRINTF(3, 4);

/* Puts "format: " in front of the text that is there; keeps the hint; returns code. */
int et_error_wrap(struct et_error *err, int code, const char *format, ...) ET_PRINTF(3, 4);

/* Sets the second line that says what to do. */
void et_error_hint(struct et_error *err, const char *format, ...) ET_PRINTF(2, 3);

/* et_error_set with ": " and the words of errno value `error` behind the text. */
int et_error_errno(struct et_error *err, int error, const char *format, ...) ET_PRINTF(3, 4);

/* Forgets what is there. */
void et_error_clear(struct et_error *err);

/* The name of a code ("corrupt"), for logs and tests; "?" for an unknown one. */
const char *et_code_name(int code);

#endif
