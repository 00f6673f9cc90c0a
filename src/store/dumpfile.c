// SPDX-License-Identifier: Apache-2.0
#include "store/dumpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/document.h"
#include "store/dumpstream.h"

#define LENGTH_BYTES 4
#define DOCUMENT_BYTES_LEAST 5
#define SPOOL_PIECE_BYTES (256u << 10)
#define SPOOL_FOLDER "/var/tmp" /* for what is large: /tmp is often in memory */

/* How a document begins that the server wrote: its length, the type and the name of `_id`. */
#define HEAD_BYTES 9
static const uint8_t id_name[] = { '_', 'i', 'd', 0 };

struct et_dumpfile {
	int fd;
	int spool; /* the unpacked bytes, -1 until they are needed */
	char *path;
	enum et_packing packing;
	uint64_t bytes; /* unpacked, as the first whole pass counted them; 0 before that */
};

struct et_dumpfile_pass {
	struct et_dumpfile *file;
	struct et_dumpstream *stream;
	uint64_t offset;
	struct et_buf buf;
};

/* ---- open ---- */

/* A document of 559,903 bytes begins like a gzip member without a name. */
static bool
is_document(int fd, const uint8_t head[HEAD_BYTES], uint32_t bytes)
{
	uint8_t last = 1;

	return memcmp(head + HEAD_BYTES - sizeof(id_name), id_name, sizeof(id_name)) == 0 &&
	       pread(fd, &last, 1, (off_t)bytes - 1) == 1 && last == 0;
}

static uint32_t
length_of(const uint8_t head[LENGTH_BYTES])
{
	return (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
	       (uint32_t)head[3] << 24;
}

static int
detect(struct et_dumpfile *file, struct et_error *err)
{
	uint8_t head[HEAD_BYTES] = { 0 };
	size_t count = 0;
	int r = et_dumpstream_read_at(file->fd, file->path, 0, head, sizeof(head), &count, err);

	if (r < 0)
		return r;
	file->packing = et_unpack_detect((struct et_slice){ .data = head, .size = count });
	if (file->packing == ET_PACKING_GZIP && is_document(file->fd, head, length_of(head)))
		file->packing = ET_PACKING_NONE;
	return 0;
}

int
et_dumpfile_open(const char *path, struct et_dumpfile **ret, struct et_error *err)
{
	ET_CLEAN(et_dumpfile) struct et_dumpfile *file = et_calloc(1, sizeof(*file));
	struct stat status;
	int r;

	file->spool = -1;
	file->path = et_strdup(path);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &status) < 0)
		return et_error_errno(err, errno, "open '%s'", path);
	if (!S_ISREG(status.st_mode))
		return et_error_set(err, ET_USAGE, "'%s' is no file", path);
	r = detect(file, err);
	if (r == 0)
		*ret = ET_STEAL(file);
	return r;
}

void
et_dumpfile_free(struct et_dumpfile *file)
{
	if (file == NULL)
		return;
	et_fd_cleanup(&file->fd);
	et_fd_cleanup(&file->spool);
	free(file->path);
	free(file);
}

const char *
et_dumpfile_path(const struct et_dumpfile *file)
{
	return file->path;
}

/* ---- a pass ---- */

int
et_dumpfile_pass_open(struct et_dumpfile *file, struct et_dumpfile_pass **ret, struct et_error *err)
{
	struct et_dumpstream *stream;
	struct et_dumpfile_pass *pass;
	int r = et_dumpstream_open(file->fd, file->path, file->packing, &stream, err);

	if (r < 0)
		return r;
	pass = et_calloc(1, sizeof(*pass));
	pass->file = file;
	pass->stream = stream;
	et_buf_init(&pass->buf, ET_STORE_DOCUMENT_BYTES_MAX);
	*ret = pass;
	return 0;
}

void
et_dumpfile_pass_free(struct et_dumpfile_pass *pass)
{
	if (pass == NULL)
		return;
	et_dumpstream_free(pass->stream);
	et_buf_done(&pass->buf);
	free(pass);
}

static int
changed(const struct et_dumpfile *file, struct et_error *err)
{
	return et_error_set(err, ET_GARBLED, "'%s' changed while it was read", file->path);
}

static int
end_pass(struct et_dumpfile_pass *pass, struct et_error *err)
{
	struct et_dumpfile *file = pass->file;

	if (file->bytes != 0 && file->bytes != pass->offset)
		return changed(file, err);
	file->bytes = pass->offset;
	return 0;
}

static int
read_all(struct et_dumpfile_pass *pass, uint8_t *to, size_t count, struct et_error *err)
{
	size_t got = 0;
	int r = et_dumpstream_read(pass->stream, to, count, &got, err);

	if (r == 0 && got < count)
		r = et_error_set(err, ET_GARBLED, "'%s' ends inside a document", pass->file->path);
	return r;
}

int
et_dumpfile_pass_next(struct et_dumpfile_pass *pass, uint64_t *ret_offset,
		      struct et_slice *ret_document, struct et_error *err)
{
	uint8_t head[LENGTH_BYTES];
	size_t got = 0;
	uint32_t bytes;
	uint8_t *to;
	int r;

	r = et_dumpstream_read(pass->stream, head, sizeof(head), &got, err);
	if (r < 0)
		return r;
	if (got == 0)
		return end_pass(pass, err);
	bytes = length_of(head);
	if (got < sizeof(head) || bytes < DOCUMENT_BYTES_LEAST ||
	    bytes > ET_STORE_DOCUMENT_BYTES_MAX)
		return et_error_set(err, ET_GARBLED,
				    "'%s' is no dump: at byte %" PRIu64 "%s begins no document",
				    pass->file->path, pass->offset,
				    pass->file->packing != ET_PACKING_NONE ? " of what it holds"
									   : "");
	et_buf_reset(&pass->buf);
	et_buf_put(&pass->buf, head, sizeof(head));
	to = et_buf_reserve(&pass->buf, bytes - sizeof(head));
	r = read_all(pass, to, bytes - sizeof(head), err);
	if (r < 0)
		return r;
	et_buf_commit(&pass->buf, bytes - sizeof(head));
	*ret_offset = pass->offset;
	*ret_document = (struct et_slice){ .data = pass->buf.data, .size = bytes };
	pass->offset += bytes;
	return 1;
}

/* ---- single documents ---- */

static const char *
spool_folder(void)
{
	const char *folder = secure_getenv("TMPDIR");

	return folder != NULL && folder[0] != '\0' ? folder : SPOOL_FOLDER;
}

/* A file without a name: it vanishes with the process, however that ends. */
static int
open_spool(const char *folder, int *ret_fd, struct et_error *err)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) { /* not on every file system */
		ET_CLEAN_MEM char *path = et_format("%s/evtrail-XXXXXX", folder);

		fd = mkostemp(path, O_CLOEXEC);
		if (fd < 0)
			return et_error_errno(err, errno, "make a temporary file in '%s'", folder);
		(void)unlink(path);
	}
	*ret_fd = fd;
	return 0;
}

static int
write_all(int fd, const uint8_t *bytes, size_t count, struct et_error *err)
{
	int r = et_fault_point("write", err);

	while (r == 0 && count > 0) {
		ssize_t done = write(fd, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return et_error_errno(err, errno, "write");
		bytes += done;
		count -= (size_t)done;
	}
	return r;
}

static int
fill_spool(struct et_dumpfile *file, int fd, struct et_error *err)
{
	ET_CLEAN(et_dumpstream) struct et_dumpstream *stream = NULL;
	ET_CLEAN_MEM uint8_t *piece = et_alloc(SPOOL_PIECE_BYTES);
	uint64_t total = 0;
	size_t got = 0;
	int r;

	/* That there is no room is known before minutes of work; who cannot tell is no error. */
	if (file->bytes > 0 && fallocate(fd, 0, 0, (off_t)file->bytes) < 0 &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return et_error_errno(err, errno, "%" PRIu64 " bytes", file->bytes);
	r = et_dumpstream_open(file->fd, file->path, file->packing, &stream, err);
	while (r == 0 &&
	       (r = et_dumpstream_read(stream, piece, SPOOL_PIECE_BYTES, &got, err)) == 0 &&
	       got > 0) {
		r = write_all(fd, piece, got, err);
		total += got;
	}
	return r == 0 && total != file->bytes ? changed(file, err) : r;
}

static int
unpack_whole(struct et_dumpfile *file, struct et_error *err)
{
	const char *folder = spool_folder();
	ET_CLEAN_FD int fd = -1;
	int r = open_spool(folder, &fd, err);

	if (r == 0) {
		r = fill_spool(file, fd, err);
		if (r < 0)
			r = et_error_wrap(err, r, "unpack '%s' into '%s'", file->path, folder);
	}
	if (r == ET_IO)
		et_error_hint(err, "TMPDIR names another folder; or unpack it yourself");
	if (r < 0)
		return r;
	file->spool = fd;
	fd = -1;
	return 0;
}

int
et_dumpfile_document(struct et_dumpfile *file, uint64_t offset, uint32_t bytes, struct et_buf *buf,
		     struct et_error *err)
{
	bool packed = file->packing != ET_PACKING_NONE;
	size_t got = 0;
	uint8_t *to;
	int r = 0;

	if (packed && file->spool < 0)
		r = unpack_whole(file, err);
	if (r < 0)
		return r;
	et_buf_reset(buf);
	to = et_buf_reserve(buf, bytes);
	if (to == NULL)
		return et_error_set(err, ET_LIMIT, "a document of %" PRIu32 " bytes in '%s'", bytes,
				    file->path);
	r = et_dumpstream_read_at(packed ? file->spool : file->fd, file->path, offset, to, bytes,
				  &got, err);
	if (r < 0)
		return r;
	if (got < bytes || length_of(to) != bytes)
		return changed(file, err);
	et_buf_commit(buf, bytes);
	return 0;
}
