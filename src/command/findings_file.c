/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --findings. */
#include <errno.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/audit.h"
#include "command/place.h"

/* A list in the place of the catalog or of an archive would be the end of it. */
static int
refuse_state(const char *state_dir, const char *place, struct et_error *err)
{
	ET_CLEAN_MEM char *state = et_place_of(state_dir);

	if (!et_place_lies_in(place, state))
		return 0;
	(void)et_error_set(err, ET_USAGE, "--findings %s lies in the state", place);
	et_error_hint(err, "give a file outside of %s", state);
	return ET_USAGE;
}

/* A pipe or a device is written to as it is; it cannot be replaced. */
static int
open_stream(const char *place, FILE **ret, struct et_error *err)
{
	*ret = fopen(place, "we");
	return *ret != NULL ? 0 : et_error_errno(err, errno, "write '%s'", place);
}

int
et_findings_file_open(const char *path, const char *state_dir, struct et_atomicfile **ret_file,
		      FILE **ret_stream, struct et_error *err)
{
	ET_CLEAN_MEM char *place = NULL;
	ET_CLEAN_MEM char *for_dir = NULL;
	ET_CLEAN_MEM char *for_base = NULL;
	struct stat file;
	int fd;
	int r;

	if (path == NULL)
		return 0;
	place = et_place_of(path);
	r = refuse_state(state_dir, place, err);
	if (r < 0)
		return r;
	if (stat(place, &file) == 0 && !S_ISREG(file.st_mode))
		return open_stream(place, ret_stream, err);
	for_dir = et_strdup(place);
	for_base = et_strdup(place);
	r = et_atomicfile_open(dirname(for_dir), basename(for_base), ret_file, err);
	if (r < 0)
		return et_error_wrap(err, r, "write '%s'", path);
	fd = dup(et_atomicfile_fd(*ret_file));
	*ret_stream = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (*ret_stream == NULL)
		return et_error_errno(err, errno, "write '%s'", path);
	return 0;
}

int
et_findings_file_close(const char *path, struct et_atomicfile *file, FILE *stream, bool keep,
		       struct et_error *err)
{
	if (stream == NULL)
		return 0;
	if (fclose(stream) != 0)
		return et_error_errno(err, errno, "write '%s'", path);
	return file != NULL && keep ? et_atomicfile_commit(file, true, err) : 0;
}
