/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: index rows become coverage, device facts and links events. */
#ifndef ET_CATALOG_TAKE_H
#define ET_CATALOG_TAKE_H

#include "catalog/catalog.h"

/* Rows in the order of et_rows_sort: by device, aggregate, version, sequence. Inside a transaction. */
ET_CHECKED int et_catalog_take_rows(struct et_catalog *catalog, const char *identity, const struct et_row *rows,
				    size_t count, struct et_error *err);

#endif
