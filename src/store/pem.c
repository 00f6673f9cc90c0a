// SPDX-License-Identifier: Apache-2.0
#include "store/pem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomicfile.h"

static int
write_all(int fd, const char *bytes, size_t count, struct et_error *err)
{
	while (count > 0) {
		ssize_t written = write(fd, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return et_error_errno(err, errno, "write a file in memory");
		bytes += written;
		count -= (size_t)written;
	}
	return 0;
}

/* Appends the file, which must hold what `marker` says. */
static int
append_file(int fd, const char *path, const char *marker, const char *what, struct et_error *err)
{
	char *text = NULL;
	size_t bytes = 0;
	int r;

	r = et_file_read(path, ET_PEM_BYTES_MAX, &text, &bytes, err);
	if (r < 0)
		return et_error_wrap(err, r, "read the client's TLS %s", what);
	if (strstr(text, marker) == NULL) {
		r = et_error_set(err, ET_CONFIG, "there is no %s in '%s'", what, path);
		et_error_hint(err, "it is to be a PEM file");
	} else {
		r = write_all(fd, text, bytes, err);
		if (r == 0)
			r = write_all(fd, "\n", 1, err);
	}
	explicit_bzero(text, bytes);
	free(text);
	return r;
}

int
et_pem_join(const char *cert_file, const char *key_file, int *ret_fd, char path[ET_PEM_PATH_BYTES],
	    struct et_error *err)
{
	ET_CLEAN_FD int fd = memfd_create("evtrail-pem", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return et_error_errno(err, errno, "make a file in memory");
	if (key_file == NULL) {
		r = append_file(fd, cert_file, "PRIVATE KEY-----", "key (and no key file is given)",
				err);
	} else {
		r = append_file(fd, cert_file, "-----BEGIN CERTIFICATE-----", "certificate", err);
		if (r == 0)
			r = append_file(fd, key_file, "PRIVATE KEY-----", "key", err);
	}
	if (r < 0)
		return r;
	(void)snprintf(path, ET_PEM_PATH_BYTES, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	fd = -1;
	return 0;
}
