/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that must not be called: no bounds, no error, or not re-entrant. Force-included. */
#ifndef ET_BASE_BANNED_H
#define ET_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Macros in glibc (sprintf: by clang, fortified): a poison cannot be put on them. */
#undef alloca
#undef sprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof alloca gmtime localtime ctime asctime

#endif
