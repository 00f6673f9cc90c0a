// SPDX-License-Identifier: Apache-2.0
/* What began each epoch of a device: tables of signs. */
#include "../et_test.h"

#include "audit/lives.h"

#define EPOCHS_MAX 4
#define PARTS_MAX 8

/* The aggregates of the tables: links, metadata, three resources; in the order of their ids. */
enum who { L = 1, M, A, B, C };

struct part {
	enum who who;
	size_t epoch;
	uint64_t first;
	uint64_t last;
};

static enum et_family
family_of(enum who who)
{
	if (who == L)
		return ET_FAMILY_LINKS;
	return who == M ? ET_FAMILY_METADATA : ET_FAMILY_RESOURCE;
}

struct row {
	const char *name;
	struct part parts[PARTS_MAX]; /* by aggregate, then epoch */
	bool registered;              /* of epoch 1 */
	enum et_beginning second;
	enum et_beginning third; /* FIRST where there is none */
};

static void
find(const struct row *row, struct et_device_epoch epochs[EPOCHS_MAX])
{
	struct et_epoch_part parts[PARTS_MAX];
	size_t part_count = 0;
	size_t epoch_count = 1;

	for (; part_count < PARTS_MAX && row->parts[part_count].who != 0; part_count++) {
		const struct part *part = &row->parts[part_count];

		parts[part_count] = (struct et_epoch_part){
			.aggregate = { { (uint8_t)part->who } },
			.family = family_of(part->who),
			.epoch = part->epoch,
			.first = part->first,
			.last = part->last,
		};
		if (part->epoch >= epoch_count)
			epoch_count = part->epoch + 1;
	}
	for (size_t i = 0; i < EPOCHS_MAX; i++)
		epochs[i] = (struct et_device_epoch){ .number = (unsigned)i,
						      .registered = i == 1 && row->registered,
						      .beginning = ET_BEGINNING_FIRST };
	epochs[0].beginning = ET_BEGINNING_UNCLEAR; /* is set as well */
	et_beginnings_find(epochs, epoch_count, parts, part_count);
}

static void
the_signs_tell_what_began(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "all begin again",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { M, 0, 0, 3 },
		    { M, 1, 0, 0 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "links and a resource begin again",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { M, 0, 0, 3 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "links and metadata begin, not known before",
		  { { L, 1, 0, 0 }, { M, 1, 0, 0 }, { A, 0, 5, 9 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "metadata begins, not known before, and a resource again",
		  { { M, 1, 0, 0 }, { A, 0, 0, 9 }, { A, 1, 0, 1 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "all begin again, one goes on with its number",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { M, 0, 0, 3 },
		    { M, 1, 4, 4 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "two resources begin again, and it was registered",
		  { { L, 0, 0, 1 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { B, 0, 0, 3 },
		    { B, 1, 0, 0 } },
		  true,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "two resources begin again, not registered",
		  { { L, 0, 0, 1 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { B, 0, 0, 3 },
		    { B, 1, 0, 0 } },
		  false,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "two resources begin again, registered, links go on",
		  { { L, 0, 0, 1 },
		    { L, 1, 2, 2 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { B, 0, 0, 3 },
		    { B, 1, 0, 0 } },
		  true,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "two resources begin again, registered, metadata not known before",
		  { { M, 1, 4, 4 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { B, 0, 0, 3 },
		    { B, 1, 0, 0 } },
		  true,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "one resource begins again",
		  { { A, 0, 0, 9 }, { A, 1, 0, 2 } },
		  false,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "one resource begins again, registered",
		  { { A, 0, 0, 9 }, { A, 1, 0, 2 } },
		  true,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "links alone begin again",
		  { { L, 0, 0, 1 }, { L, 1, 0, 0 }, { A, 0, 0, 9 }, { A, 1, 10, 12 } },
		  false,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "one begins again, one goes back",
		  { { A, 0, 0, 9 }, { A, 1, 0, 2 }, { B, 0, 0, 9 }, { B, 1, 4, 5 } },
		  false,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "one goes back",
		  { { A, 0, 0, 9 }, { A, 1, 9, 12 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_FIRST },
		{ "one goes back, registered",
		  { { A, 0, 0, 9 }, { A, 1, 4, 12 } },
		  true,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "links go back, others go on or are new",
		  { { L, 0, 0, 5 },
		    { L, 1, 3, 3 },
		    { A, 0, 0, 9 },
		    { A, 1, 10, 12 },
		    { B, 1, 0, 5 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_FIRST },
		{ "all go on",
		  { { L, 0, 0, 5 }, { L, 1, 6, 6 }, { A, 0, 0, 9 }, { A, 1, 11, 12 } },
		  false,
		  ET_BEGINNING_FIRST,
		  ET_BEGINNING_FIRST },
		{ "all go on, and it was registered",
		  { { L, 0, 0, 5 }, { L, 1, 6, 6 }, { A, 0, 0, 9 }, { A, 1, 11, 12 } },
		  true,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "metadata came late",
		  { { L, 0, 0, 5 }, { M, 1, 0, 2 }, { A, 0, 0, 9 }, { A, 1, 10, 12 } },
		  false,
		  ET_BEGINNING_FIRST,
		  ET_BEGINNING_FIRST },
		{ "metadata came late, registered",
		  { { L, 0, 0, 5 }, { M, 1, 0, 2 }, { A, 0, 0, 9 } },
		  true,
		  ET_BEGINNING_UNCLEAR,
		  ET_BEGINNING_FIRST },
		{ "new resources are no sign",
		  { { L, 0, 0, 5 }, { A, 1, 0, 9 }, { B, 1, 0, 3 }, { C, 1, 4, 5 } },
		  false,
		  ET_BEGINNING_FIRST,
		  ET_BEGINNING_FIRST },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_device_epoch epochs[EPOCHS_MAX];

		find(&rows[i], epochs);
		if (epochs[1].beginning != rows[i].second)
			fail_msg("%s: %s", rows[i].name, et_beginning_name(epochs[1].beginning));
		assert_int_equal(epochs[0].beginning, ET_BEGINNING_FIRST);
	}
}

static void
each_epoch_is_compared_with_all_of_its_life(void **state ET_UNUSED)
{
	static const struct row rows[] = {
		{ "back below the highest number of the life, not of the last epoch",
		  { { A, 0, 0, 9 }, { A, 1, 4, 5 }, { A, 2, 8, 8 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_FORK },
		{ "on above it",
		  { { A, 0, 0, 9 }, { A, 1, 4, 5 }, { A, 2, 10, 10 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_FIRST },
		{ "not seen in the epoch between",
		  { { A, 0, 0, 9 }, { A, 2, 3, 4 }, { B, 0, 0, 9 }, { B, 1, 5, 5 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_FORK },
		{ "the life before does not count",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { A, 2, 5, 5 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FIRST },
		{ "back within the second life",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { A, 2, 2, 5 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_FORK },
		{ "a third life",
		  { { L, 0, 0, 1 },
		    { L, 1, 0, 0 },
		    { L, 2, 0, 0 },
		    { A, 0, 0, 9 },
		    { A, 1, 0, 2 },
		    { A, 2, 0, 5 } },
		  false,
		  ET_BEGINNING_LIFE,
		  ET_BEGINNING_LIFE },
		{ "a life behind a fork",
		  { { L, 0, 0, 1 },
		    { L, 2, 0, 0 },
		    { A, 0, 0, 9 },
		    { A, 1, 3, 4 },
		    { A, 2, 0, 5 } },
		  false,
		  ET_BEGINNING_FORK,
		  ET_BEGINNING_LIFE },
	};

	for (size_t i = 0; i < ET_COUNT(rows); i++) {
		struct et_device_epoch epochs[EPOCHS_MAX];

		find(&rows[i], epochs);
		if (epochs[1].beginning != rows[i].second || epochs[2].beginning != rows[i].third)
			fail_msg("%s: %s, %s", rows[i].name, et_beginning_name(epochs[1].beginning),
				 et_beginning_name(epochs[2].beginning));
	}
}

static void
every_beginning_has_its_word(void **state ET_UNUSED)
{
	assert_string_equal(et_beginning_name(ET_BEGINNING_FIRST), "first");
	assert_string_equal(et_beginning_name(ET_BEGINNING_LIFE), "life");
	assert_string_equal(et_beginning_name(ET_BEGINNING_FORK), "fork");
	assert_string_equal(et_beginning_name(ET_BEGINNING_UNCLEAR), "unclear");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_signs_tell_what_began),
		cmocka_unit_test(each_epoch_is_compared_with_all_of_its_life),
		cmocka_unit_test(every_beginning_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
