/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flag that ends a run cleanly: SIGINT, SIGTERM or SIGHUP sets it, and so
 * does a time budget that ran out. Loops ask et_cancel_check between items. A
 * second SIGINT kills at once.
 */
#ifndef ET_BASE_CANCEL_H
#define ET_BASE_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Installs the handlers (no SA_RESTART: blocked calls return). */
void et_cancel_install(void);
/* From now on the run may take budget_ns; 0: no limit. */
void et_cancel_budget(int64_t budget_ns);
bool et_cancel_asked(void);
/* True when it was the time budget and no signal. */
bool et_cancel_out_of_time(void);
/* ET_CANCELED with its words when asked, else 0. */
ET_CHECKED int et_cancel_check(struct et_error *err);
/* For tests: sets or clears the flag. */
void et_cancel_set(bool asked);

#endif
