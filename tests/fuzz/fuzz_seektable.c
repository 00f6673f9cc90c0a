// SPDX-License-Identifier: Apache-2.0
/* A seek table: one that is taken and has checksums is written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "archive/seektable.h"

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
	struct et_seektable table = { 0 };
	struct et_error err = { 0 };
	struct et_buf out;

	if (et_seektable_decode((struct et_slice){ data, bytes }, &table, &err) < 0) {
		check(err.text[0] != '\0' && table.frames == NULL);
		return 0;
	}
	et_buf_init(&out, 1 << 24);
	check(et_seektable_encode(&table, &out, &err) == 0);
	if (data[bytes - 5] != 0)
		check(out.size == bytes && memcmp(out.data, data, bytes) == 0);
	et_buf_done(&out);
	et_seektable_done(&table);
	return 0;
}
