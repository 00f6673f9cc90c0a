/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping secrets out of messages: what an address or a list of them may show.
 */
#ifndef ET_STREAM_REDACT_H
#define ET_STREAM_REDACT_H

#include "stream/conn.h"

/* True when `text` holds one of the options' secrets, or anything that looks like a user in front
 * of a host. */
bool et_redact_needed(const struct et_stream_options *options, const char *text);

#endif
