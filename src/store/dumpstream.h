/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store room only: the bytes of an open file from its beginning to
 * its end, unpacked on the way. It reads by position: several streams of one
 * descriptor do not disturb each other.
 */
#ifndef ET_STORE_DUMPSTREAM_H
#define ET_STORE_DUMPSTREAM_H

#include "store/unpack.h"

struct et_dumpstream;
/* The descriptor and the path, which is for messages, must outlive it. */
ET_CHECKED int et_dumpstream_open(int fd, const char *path, enum et_packing packing,
				  struct et_dumpstream **ret, struct et_error *err);
/* Fewer than count bytes only at the end. ET_GARBLED: damaged or cut off; ET_IO; ET_CANCELED. */
ET_CHECKED int et_dumpstream_read(struct et_dumpstream *stream, void *to, size_t count,
				  size_t *ret_count, struct et_error *err);
void et_dumpstream_free(struct et_dumpstream *stream);

/* pread until so many bytes came, or the file ended. */
ET_CHECKED int et_dumpstream_read_at(int fd, const char *path, uint64_t offset, void *to,
				     size_t count, size_t *ret_count, struct et_error *err);

ET_CLEANUP_DEFINE(et_dumpstream, et_dumpstream_free);

#endif
