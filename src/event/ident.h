/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plgd hub's derived identifiers (docs/plgd.md, Identifiers).
 */
#ifndef ET_EVENT_IDENT_H
#define ET_EVENT_IDENT_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/uuid5.h"

#define ET_HREF_LINKS "/plgd/res"
#define ET_HREF_METADATA "/plgd/s"
#define ET_HREF_SERVICES "/plgd/services"

/* The owner token of a subject: the claim as written when Go's uuid.Parse takes it (36 characters,
 * 32 hex digits, "urn:uuid:" + 36, "{" + 36 + "}", any letter case; of the braces it sees only that
 * there are two bytes) and it is not nil; else UUIDv5(URL, claim). Appends to out. */
void et_ident_owner(struct et_buf *out, struct et_slice claim);
struct et_uuid et_ident_href(struct et_slice href);
/* UUIDv5(URL, device id + href), the strings as given. */
struct et_uuid et_ident_aggregate(struct et_slice device_id, struct et_slice href);
/* The key of an id text: itself when it is a canonical UUID; else UUIDv5(URL, text) and *ret_named
 * (may be NULL) true: the text has to be looked up in the record. */
struct et_uuid et_ident_key(struct et_slice text, bool *ret_named);

#endif
