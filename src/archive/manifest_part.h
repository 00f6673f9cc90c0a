/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: what writing and reading of the manifest share. */
#ifndef ET_ARCHIVE_MANIFEST_PART_H
#define ET_ARCHIVE_MANIFEST_PART_H

#include <stdint.h>

struct json_t;
struct json_t *et_json_u64(uint64_t value);

#endif
