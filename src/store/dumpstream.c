// SPDX-License-Identifier: Apache-2.0
#include "store/dumpstream.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fault.h"

#define INPUT_BYTES (128u << 10)

struct et_dumpstream {
	int fd;
	const char *path;
	enum et_packing packing;
	struct et_unpack *unpack; /* NULL: as it is */
	uint64_t offset;          /* in the file, behind what is in the buffer */
	struct et_slice input;    /* what of the buffer was not taken yet */
	bool ended;               /* the file, and with it the input */
	uint8_t buffer[INPUT_BYTES];
};

int
et_dumpstream_read_at(int fd, const char *path, uint64_t offset, void *to, size_t count,
		      size_t *ret_count, struct et_error *err)
{
	uint8_t *bytes = to;
	size_t done = 0;
	int r = et_fault_point("read", err);

	while (r == 0 && done < count) {
		ssize_t got = pread(fd, bytes + done, count - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return et_error_errno(err, errno, "read '%s'", path);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	if (r == 0)
		*ret_count = done;
	return r;
}

int
et_dumpstream_open(int fd, const char *path, enum et_packing packing, struct et_dumpstream **ret,
		   struct et_error *err)
{
	ET_CLEAN(et_dumpstream) struct et_dumpstream *stream = et_alloc(sizeof(*stream));
	int r;

	stream->fd = fd;
	stream->path = path;
	stream->packing = packing;
	stream->unpack = NULL;
	stream->offset = 0;
	stream->input = (struct et_slice){ .data = stream->buffer };
	stream->ended = false;
	if (packing != ET_PACKING_NONE) {
		r = et_unpack_new(packing, &stream->unpack, err);
		if (r < 0)
			return et_error_wrap(err, r, "'%s'", path);
	}
	*ret = ET_STEAL(stream);
	return 0;
}

void
et_dumpstream_free(struct et_dumpstream *stream)
{
	if (stream != NULL)
		et_unpack_free(stream->unpack);
	free(stream);
}

static int
refill(struct et_dumpstream *stream, struct et_error *err)
{
	size_t count = 0;
	int r = et_cancel_check(err);

	if (r == 0)
		r = et_dumpstream_read_at(stream->fd, stream->path, stream->offset, stream->buffer,
					  sizeof(stream->buffer), &count, err);
	if (r < 0)
		return r;
	stream->offset += count;
	stream->input = (struct et_slice){ .data = stream->buffer, .size = count };
	stream->ended = count == 0;
	return 0;
}

static void
copy(struct et_slice *from, uint8_t *to, size_t room, size_t *ret_count)
{
	size_t count = from->size < room ? from->size : room;

	memcpy(to, from->data, count);
	from->data += count;
	from->size -= count;
	*ret_count = count;
}

static int
take(struct et_dumpstream *stream, uint8_t *to, size_t room, size_t *ret_count,
     struct et_error *err)
{
	int r = 0;

	if (stream->unpack == NULL)
		copy(&stream->input, to, room, ret_count);
	else
		r = et_unpack_step(stream->unpack, &stream->input, to, room, ret_count, err);
	return r == 0 ? 0
		      : et_error_wrap(err, r, "unpack '%s' (%s), before byte %" PRIu64,
				      stream->path, et_unpack_name(stream->packing),
				      stream->offset);
}

int
et_dumpstream_read(struct et_dumpstream *stream, void *to, size_t count, size_t *ret_count,
		   struct et_error *err)
{
	uint8_t *bytes = to;
	size_t done = 0;

	while (done < count) {
		size_t got = 0;
		int r = 0;

		if (stream->input.size == 0 && !stream->ended)
			r = refill(stream, err);
		if (r == 0)
			r = take(stream, bytes + done, count - done, &got, err);
		if (r < 0)
			return r;
		done += got;
		if (got == 0 && stream->ended)
			break;
	}
	if (done < count && stream->unpack != NULL && !et_unpack_may_end(stream->unpack))
		return et_error_set(err, ET_GARBLED,
				    "'%s' (%s) is cut off: it ends at byte %" PRIu64
				    ", and more must follow",
				    stream->path, et_unpack_name(stream->packing), stream->offset);
	*ret_count = done;
	return 0;
}
