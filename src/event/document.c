// SPDX-License-Identifier: Apache-2.0
#include "event/document.h"

#include <string.h>

static bool
copy_slice(struct et_arena *arena, struct et_slice *slice)
{
	char *bytes = et_arena_strndup(arena, (const char *)slice->data, slice->size);

	if (bytes == NULL)
		return false;
	slice->data = (const uint8_t *)bytes;
	return true;
}

struct et_document *
et_document_copy(struct et_arena *arena, const struct et_document *document)
{
	struct et_document *copy = et_arena_alloc(arena, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *document;
	copy->events = NULL;
	if (!copy_slice(arena, &copy->aggregate_id) || !copy_slice(arena, &copy->group_id))
		return NULL;
	if (document->event_count == 0)
		return copy;
	if (document->event_count > ET_DOCUMENT_EVENTS_MAX)
		return NULL;
	copy->events = et_arena_alloc(arena, document->event_count * sizeof(*copy->events));
	if (copy->events == NULL)
		return NULL;
	for (size_t i = 0; i < document->event_count; i++) {
		copy->events[i] = document->events[i];
		if (!copy_slice(arena, &copy->events[i].data) ||
		    !copy_slice(arena, &copy->events[i].type))
			return NULL;
	}
	return copy;
}
