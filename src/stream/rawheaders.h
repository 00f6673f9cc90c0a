/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block of a NATS message as it is on the wire:
 *
 *	NATS/1.0[ status]\r\n
 *	Name: value\r\n ...
 *	\r\n
 *
 * The client library's own reader takes the line behind an empty value for the
 * value, and gives up on lines without a colon. This one keeps every line: one
 * without a colon becomes a value of the empty name.
 */
#ifndef ET_STREAM_RAWHEADERS_H
#define ET_STREAM_RAWHEADERS_H

#include "event/record.h"

#define ET_RAWHEADERS_MAX 65536u /* pairs of one message */

/* Appends the block's pairs to `out` as encoded record headers. Values are taken without the white
 * space around them; a status line becomes "Status" and "Description", as the library has it.
 * ET_GARBLED when the first line is not NATS/1.0; ET_LIMIT. Pure. */
ET_CHECKED int et_rawheaders_encode(struct et_slice block, struct et_buf *out,
				    struct et_error *err);

#endif
