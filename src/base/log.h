/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talk on stderr. Only the command room says anything at warning and above;
 * the rooms below use debug at most. A line is "evtrail: text"; with a journal
 * (JOURNAL_STREAM set) it starts with its <priority>.
 */
#ifndef ET_BASE_LOG_H
#define ET_BASE_LOG_H

#include "base/error.h"

enum et_log_level { ET_LOG_ERROR, ET_LOG_WARNING, ET_LOG_NOTICE, ET_LOG_INFO, ET_LOG_DEBUG };

/* Lines above this level are not printed. Default: ET_LOG_NOTICE. */
void et_log_set_level(enum et_log_level level);
enum et_log_level et_log_level_now(void);
void et_log(enum et_log_level level, const char *format, ...) ET_PRINTF(2, 3);
/* "evtrail: TEXT" and "hint: HINT" on a second line. */
void et_log_failure(const struct et_error *err);

#endif
