// SPDX-License-Identifier: Apache-2.0
/* A frame: what can be unpacked is measured as exactly one frame of that size, and the other way
 * round a measured frame never ends behind the file. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	ET_CLEAN(et_frame_unpacker) struct et_frame_unpacker *unpacker = et_frame_unpacker_new();
	int fd = memfd_create("frame", MFD_CLOEXEC);
	struct et_frame_extent extent;
	struct et_error err = { 0 };
	struct et_slice raw;
	bool measured;

	check(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
	measured = et_frame_measure(fd, 0, bytes, &extent, &err) == 0;
	check(!measured || extent.packed_bytes <= bytes);
	if (et_frame_unpack(unpacker, (struct et_slice){ data, bytes }, 1 << 20, &raw, &err) == 0)
		check(measured && extent.packed_bytes == bytes && extent.raw_bytes == raw.size);
	(void)close(fd);
	return 0;
}
