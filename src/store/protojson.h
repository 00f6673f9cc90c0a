/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of protobuf messages back to their bytes, by protobuf-c's
 * descriptors: names in lowerCamelCase (or as in the .proto file), 64-bit
 * numbers as texts, bytes as base64, enums by name or number, maps as objects,
 * null for what is absent. Fields come out in the order of their numbers, zero
 * values are left out but in a oneof. Pure.
 *
 * Names that the descriptor does not have are passed over, as newer hubs may
 * have more, and so is an enum's name; but an object with none of its names is
 * not that message.
 */
#ifndef ET_STORE_PROTOJSON_H
#define ET_STORE_PROTOJSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

/* What the object has under that name, in either of its forms; NULL. */
const json_t *et_protojson_get(const json_t *object, const char *name);

/* Appends. ET_GARBLED with the field's name when the JSON is not of the message's form; beyond its
 * ceiling the buffer says so. Nesting ends with the descriptors. */
ET_CHECKED int et_protojson_read(const ProtobufCMessageDescriptor *message, const json_t *json,
				 struct et_buf *out, struct et_error *err);

#endif
