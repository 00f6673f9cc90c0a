/* SPDX-License-Identifier: Apache-2.0 */
/* What the .c files of compare share: values as short texts. */
#ifndef ET_EVENT_COMPARE_INTERNAL_H
#define ET_EVENT_COMPARE_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/cursor.h"

/* Integers as the type means them: 64 bits on the wire for a truth value or an int32. */
uint64_t et_compare_number(const ProtobufCFieldDescriptor *field, uint64_t value);
/* Each appends at most ET_DIFFERENCE_VALUE_BYTES - 32. */
void et_compare_put_value(struct et_buf *out, const ProtobufCFieldDescriptor *field,
			  const struct et_field *value, bool hidden);
void et_compare_put_unknown(struct et_buf *out, const struct et_field *value, bool hidden);
/* ["key"] */
void et_compare_put_key(struct et_buf *out, struct et_slice key);

#endif
