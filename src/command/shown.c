/* SPDX-License-Identifier: Apache-2.0 */
/* What a source shows that does not show all devices (docs/audit.md, Sources). */
#include <inttypes.h>

#include "command/audit.h"

#define DEVICES_AT_ONCE 1024u

/* ---- what it is asked for ---- */

int
et_audit_tell_devices(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN_MEM struct et_uuid *devices = NULL;
	struct et_uuid after = { { 0 } };
	size_t count = 0;
	size_t more = 0;
	int r;

	if (!et_source_is_partial(audit->source))
		return 0;
	do {
		devices = et_realloc_array(devices, count + DEVICES_AT_ONCE, sizeof(*devices));
		r = et_catalog_devices(audit->state->catalog, &after, devices + count,
				       DEVICES_AT_ONCE, &more, err);
		if (r < 0)
			return r;
		count += more;
		if (count > 0)
			after = devices[count - 1];
	} while (more == DEVICES_AT_ONCE);
	et_source_tell_devices(audit->source, devices, count);
	return 0;
}

int
et_audit_tell_device_of(struct et_audit *audit, const struct et_uuid *aggregate,
			struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_cover cover;
	int r;

	if (!et_source_is_partial(audit->source))
		return 0;
	r = et_cover_list_of(audit->state->catalog, aggregate, &list, err);
	if (r == 0)
		r = et_cover_list_next(list, &cover, err);
	if (r == 0)
		return et_audit_tell_devices(audit, err);
	if (r > 0)
		et_source_tell_devices(audit->source, &cover.device, 1);
	return r < 0 ? r : 0;
}

/* ---- what it showed ---- */

int
et_audit_shows(struct et_audit *audit, const struct et_uuid *aggregate, bool *ret,
	       struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_cover cover;
	int r;

	*ret = !et_source_is_partial(audit->source);
	if (*ret)
		return 0;
	r = et_cover_list_of(audit->state->catalog, aggregate, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		*ret |= et_source_shows(audit->source, &cover.device);
		r = 0;
	}
	return r < 0 ? r : 0;
}

static int
count_devices(struct et_audit *audit, uint64_t *ret_shown, uint64_t *ret_total,
	      struct et_error *err)
{
	struct et_uuid devices[DEVICES_AT_ONCE];
	struct et_uuid after = { { 0 } };
	size_t count;
	int r;

	*ret_shown = *ret_total = 0;
	do {
		r = et_catalog_devices(audit->state->catalog, &after, devices, DEVICES_AT_ONCE,
				       &count, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			*ret_shown += et_source_shows(audit->source, &devices[i]);
		*ret_total += count;
		if (count > 0)
			after = devices[count - 1];
	} while (count == DEVICES_AT_ONCE);
	return 0;
}

int
et_audit_note_shown(struct et_audit *audit, struct et_error *err)
{
	uint64_t shown;
	uint64_t total;
	int r;

	if (!et_source_is_partial(audit->source))
		return 0;
	r = count_devices(audit, &shown, &total, err);
	if (r < 0)
		return r;
	if (shown == 0) {
		et_audit_worsen(audit, ET_STATUS_INCOMPLETE);
		et_audit_note(audit,
			      "nothing was compared: %s shows none of the %" PRIu64
			      " devices that the archives know; is the token of their owner?",
			      et_source_address(audit->source), total);
		return 0;
	}
	et_audit_note(audit,
		      "the gateway shows %" PRIu64 " of the %" PRIu64
		      " devices that the archives know, and of these only what is still stored",
		      shown, total);
	if (audit->not_shown > 0)
		et_audit_note(audit,
			      "%" PRIu64 " aggregates of devices that the gateway does not show "
			      "were not judged",
			      audit->not_shown);
	return 0;
}
