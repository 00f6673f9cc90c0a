/* SPDX-License-Identifier: Apache-2.0 */
/* Makes messages that the hub would not write: envelopes, and what is behind snappy. */
#ifndef ET_EVENT_TEST_BUILD_H
#define ET_EVENT_TEST_BUILD_H

#include <snappy-c.h>

#include "base/buf.h"
#include "base/cursor.h"

static inline struct et_slice
build_slice(const struct et_buf *buf)
{
	return (struct et_slice){ buf->data, buf->size };
}

/* snappy of the bytes, appended. */
static inline void
build_snappy(struct et_buf *out, struct et_slice plain)
{
	size_t bytes = snappy_max_compressed_length(plain.size);
	char *to = (char *)et_buf_reserve(out, bytes);

	assert_non_null(to);
	assert_int_equal(snappy_compress(plain.size > 0 ? (const char *)plain.data : "", plain.size,
					 to, &bytes),
			 SNAPPY_OK);
	et_buf_commit(out, bytes);
}

/* An event with nothing but event_metadata {version, timestamp} as field `number`; snappy. */
static inline void
build_payload(struct et_buf *out, unsigned number, uint64_t version, int64_t time_ns)
{
	struct et_buf metadata;
	struct et_buf event;

	et_buf_init(&metadata, 1000);
	et_buf_init(&event, 1000);
	et_buf_field_u64(&metadata, 1, version);
	et_buf_field_i64(&metadata, 2, time_ns);
	et_buf_field_message(&event, number, metadata.data, metadata.size);
	build_snappy(out, build_slice(&event));
	et_buf_done(&event);
	et_buf_done(&metadata);
}

static inline void
build_envelope(struct et_buf *out, const char *type, const char *group, const char *aggregate,
	       uint64_t version, const struct et_buf *data)
{
	et_buf_field_u64(out, 1, version);
	et_buf_field_text(out, 2, type);
	et_buf_field_text(out, 3, group);
	et_buf_field_text(out, 4, aggregate);
	if (data != NULL)
		et_buf_field_bytes(out, 5, data->data, data->size);
}

#endif
