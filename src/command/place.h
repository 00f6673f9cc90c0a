/* SPDX-License-Identifier: Apache-2.0 */
/* Where paths lead: what is written by order of a user must not fall into the state. */
#ifndef ET_COMMAND_PLACE_H
#define ET_COMMAND_PLACE_H

#include <stdbool.h>

/* Absolute, links followed; what is not there yet is taken as it is written. Free with free(). */
char *et_place_of(const char *path);
/* Is the place the folder itself, or inside it? Both as et_place_of gives them. */
bool et_place_lies_in(const char *place, const char *dir);

#endif
