// SPDX-License-Identifier: Apache-2.0
/* The body of a message; and, by its first byte, the plain protobuf of an event of some kind. All
 * that reads events is asked: fields, links, originals, JSON. */
#include <stdlib.h>

#include "event/json.h"
#include "event/links.h"
#include "event/original.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
read_event(enum et_kind kind, struct et_slice event)
{
	struct et_links_walk links = et_links_walk_of(kind, event);
	struct et_original_walk originals = et_original_walk_of(kind, event);
	struct et_registration registration;
	struct et_original original;
	struct et_payload payload;
	struct et_slice text;
	struct et_buf out;
	size_t count = 0;
	int json;

	et_buf_init(&out, 1 << 22);
	json = et_json_event(kind, event, &out, NULL);
	check(json == 0 || json == ET_LIMIT || out.size == 0);
	/* JSON looks deeper than the fields that are common to all. */
	if (et_payload_read(kind, event, &payload, NULL) < 0)
		check(json != 0);
	while (et_links_next(&links, &text, NULL) > 0)
		;
	while (et_original_next(&originals, &original, NULL) > 0)
		check(original.kind != ET_KIND_UNKNOWN);
	if (et_registration_read(event, &registration, NULL) == 0) {
		while (et_registration_next(&registration, &text))
			count++;
		check(count == registration.device_count);
	}
	et_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct et_envelope envelope;
	struct et_buf plain;

	et_buf_init(&plain, 1 << 20);
	if (et_envelope_read((struct et_slice){ data, bytes }, &envelope, NULL) == 0 &&
	    et_unsnappy(envelope.data, &plain, NULL) == 0)
		read_event(et_kind_of(envelope.event_type),
			   (struct et_slice){ plain.data, plain.size });
	if (bytes > 0)
		read_event((enum et_kind)(data[0] % ET_KIND_COUNT),
			   (struct et_slice){ data + 1, bytes - 1 });
	et_buf_done(&plain);
	return 0;
}
