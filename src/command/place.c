/* SPDX-License-Identifier: Apache-2.0 */
#include "command/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

char *
et_place_of(const char *path)
{
	char *place = path[0] == '/' ? et_strdup("") : realpath(".", NULL);

	if (place == NULL)
		place = et_strdup("");
	while (*(path += strspn(path, "/")) != '\0') {
		size_t length = strcspn(path, "/");
		char *next = et_format("%s/%.*s", place, (int)length, path);
		char *real = realpath(next, NULL);

		if (real != NULL) {
			free(next);
			next = real;
		} else if (length == 2 && strncmp(path, "..", 2) == 0) {
			*strrchr(next, '/') = '\0';
			*(strrchr(next, '/') != NULL ? strrchr(next, '/') : next) = '\0';
		} else if (length == 1 && path[0] == '.') {
			*strrchr(next, '/') = '\0';
		}
		free(place);
		place = next;
		path += length;
	}
	return place;
}

bool
et_place_lies_in(const char *place, const char *dir)
{
	size_t length = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(place, dir, length) == 0 && (place[length] == '/' || place[length] == '\0');
}
