/* SPDX-License-Identifier: Apache-2.0 */
/* A suspect's coverage out of the catalog, by the lives of its device. */
#include "command/suspects.h"

/* One row of coverage. */
struct part {
	struct et_uuid device;
	unsigned epoch;
	struct et_coverage coverage;
};

struct parts {
	struct part *list;
	size_t count;
	size_t capacity;
};

static void
parts_done(struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		et_coverage_done(&parts->list[i].coverage);
	free(parts->list);
}

static struct part *
parts_add(struct parts *parts)
{
	if (parts->count == parts->capacity) {
		parts->capacity = parts->capacity * 2 + 4;
		parts->list = et_realloc_array(parts->list, parts->capacity, sizeof(*parts->list));
	}
	parts->list[parts->count] = (struct part){ 0 };
	return &parts->list[parts->count++];
}

/* ---- the device ---- */

struct device_parts {
	struct et_epoch_part *list;
	size_t count;
	size_t capacity;
};

static int
add_device_part(struct device_parts *parts, const struct et_cover *cover,
		struct et_coverage *scratch, struct et_error *err)
{
	int r = et_coverage_decode(cover->spans, scratch, err);

	if (r < 0 || scratch->count == 0)
		return r;
	if (parts->count == parts->capacity) {
		parts->capacity = parts->capacity * 2 + 16;
		parts->list = et_realloc_array(parts->list, parts->capacity, sizeof(*parts->list));
	}
	parts->list[parts->count++] = (struct et_epoch_part){
		.aggregate = cover->aggregate,
		.family = cover->family,
		.epoch = cover->epoch,
		.first = scratch->spans[0].first,
		.last = scratch->spans[scratch->count - 1].last,
	};
	return 0;
}

static int
find_beginnings(struct et_catalog *catalog, const struct et_uuid *device,
		struct et_device_epoch *epochs, size_t count, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_coverage scratch = { 0 };
	struct device_parts parts = { 0 };
	struct et_cover cover;
	int r;

	r = et_cover_list_device(catalog, device, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0)
		r = cover.epoch < count ? add_device_part(&parts, &cover, &scratch, err) : 0;
	if (r == 0)
		et_beginnings_find(epochs, count, parts.list, parts.count);
	et_coverage_done(&scratch);
	free(parts.list);
	return r;
}

int
et_device_epochs(struct et_catalog *catalog, const struct et_uuid *device, struct et_arena *arena,
		 struct et_device_epoch **ret, size_t *ret_count, struct et_error *err)
{
	struct et_noted_epoch *noted = NULL;
	struct et_device_epoch *epochs;
	size_t count = 0;
	int r;

	r = et_catalog_epochs(catalog, device, &noted, &count, err);
	if (r < 0)
		return r;
	epochs = et_arena_alloc(arena, (count + 1) * sizeof(*epochs));
	if (epochs == NULL) {
		free(noted);
		return et_error_set(err, ET_LIMIT, "the lives of a batch");
	}
	epochs[0] = (struct et_device_epoch){ .start_ns = ET_TIME_NONE };
	for (size_t i = 0; i < count; i++)
		epochs[i + 1] = (struct et_device_epoch){ .number = noted[i].number,
							  .start_ns = noted[i].start_ns,
							  .start = noted[i].start,
							  .registered = noted[i].registered };
	free(noted);
	*ret = epochs;
	*ret_count = count + 1;
	return count > 0 ? find_beginnings(catalog, device, epochs, count + 1, err) : 0;
}

/* ---- the aggregate ---- */

static int
load_parts(struct batch *batch, struct suspect *suspect, struct parts *parts, struct et_error *err)
{
	ET_CLEAN(et_cover_list) struct et_cover_list *list = NULL;
	struct et_cover cover;
	int r;

	r = et_cover_list_of(batch->audit->state->catalog, &suspect->from->aggregate, &list, err);
	while (r == 0 && (r = et_cover_list_next(list, &cover, err)) > 0) {
		struct part *part = parts_add(parts);

		part->device = cover.device;
		part->epoch = cover.epoch;
		suspect->duplicates += cover.duplicates;
		suspect->family = cover.family;
		r = et_coverage_decode(cover.spans, &part->coverage, err);
	}
	return r < 0 ? r : 0;
}

static int
name_device(struct batch *batch, struct suspect *suspect, const struct et_uuid *device,
	    struct et_error *err)
{
	char text[ET_UUID_TEXT_BYTES];

	suspect->device = *device;
	et_uuid_format(device, text);
	suspect->device_id = et_arena_strndup(&batch->arena, text, ET_UUID_TEXT_BYTES - 1);
	return suspect->device_id != NULL ? 0 : et_error_set(err, ET_LIMIT, "the ids of a batch");
}

static int
compose(struct batch *batch, struct suspect *suspect, const struct parts *parts,
	struct et_error *err)
{
	const struct et_coverage **coverages;
	int r;

	r = et_device_epochs(batch->audit->state->catalog, &suspect->device, &batch->arena,
			     &suspect->epochs, &suspect->epoch_count, err);
	if (r < 0)
		return r;
	coverages = et_calloc(suspect->epoch_count, sizeof(const struct et_coverage *));
	for (size_t i = 0; i < parts->count; i++) {
		const struct part *part = &parts->list[i];

		if (et_uuid_compare(&part->device, &suspect->device) == 0 &&
		    part->epoch < suspect->epoch_count)
			coverages[part->epoch] = &part->coverage;
		else
			suspect->elsewhere += et_coverage_count(&part->coverage, 0, UINT64_MAX);
	}
	et_lives_of(suspect->epochs, suspect->epoch_count, coverages, &suspect->lives,
		    &suspect->life_count);
	free(coverages);
	return 0;
}

int
et_suspect_lives(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	struct parts parts = { 0 };
	int r;

	r = load_parts(batch, suspect, &parts, err);
	/* Two devices can claim one aggregate: only hostile ids do. */
	if (r == 0 && parts.count > 0) {
		r = name_device(batch, suspect, &parts.list[parts.count - 1].device, err);
		if (r == 0)
			r = compose(batch, suspect, &parts, err);
	}
	parts_done(&parts);
	return r;
}

int
et_suspect_no_lives(struct batch *batch, struct suspect *suspect, struct et_error *err)
{
	const struct parts none = { 0 };

	return suspect->life_count > 0 ? 0 : compose(batch, suspect, &none, err);
}

void
et_suspect_done(struct suspect *suspect)
{
	et_lives_list_done(suspect->lives, suspect->life_count);
	suspect->lives = NULL;
	suspect->life_count = 0;
}
