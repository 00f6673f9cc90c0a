/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room. */
#ifndef ET_CATALOG_TAKE_H
#define ET_CATALOG_TAKE_H

#include "catalog/catalog.h"

/* Entry and holes of an archive, inside a transaction. */
ET_CHECKED int et_catalog_add_archive(struct et_catalog *catalog,
				      const struct et_archive_entry *entry,
				      const struct et_noted_hole *holes, size_t hole_count,
				      struct et_error *err);

/* What is noted of a device and of its coverage. cover.spans is not read: it is made of coverage.
 * spans is scratch. */
ET_CHECKED int et_device_put(struct et_catalog *catalog, const struct et_uuid *uuid,
			     const struct et_device *device, struct et_error *err);
ET_CHECKED int et_cover_put(struct et_catalog *catalog, const struct et_cover *cover,
			    const struct et_coverage *coverage, struct et_buf *spans,
			    struct et_error *err);

#endif
