/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points, for tests only (configure --enable-faults). A fault point is a
 * place where the world can fail: write, fsync, rename, fetch, a commit.
 * EVTRAIL_FAULT="N" makes the N-th point that is passed fail with ET_IO;
 * "N:kill" kills the process there with SIGKILL. EVTRAIL_FAULT_COUNT=FILE
 * writes how many points were passed. Without --enable-faults it is nothing.
 */
#ifndef ET_BASE_FAULT_H
#define ET_BASE_FAULT_H

#include "base/error.h"

#ifdef ET_FAULTS
ET_CHECKED int et_fault_point(const char *name, struct et_error *err);
#else
static inline ET_CHECKED int
et_fault_point(const char *name, struct et_error *err)
{
	(void)name;
	(void)err;
	return 0;
}
#endif

#endif
