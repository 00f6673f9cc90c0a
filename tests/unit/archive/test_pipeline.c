// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include <stdatomic.h>

#include "archive/pipeline.h"

#define ITEMS 500

struct line {
	unsigned item[16]; /* by slot */
	unsigned committed[ITEMS];
	unsigned committed_count;
	atomic_uint worked;
	atomic_uint after;
	atomic_uint workers;
	unsigned fail_at; /* the item that fails, ITEMS: none */
	int stage;        /* 1 work, 2 commit, 3 after */
};

static int
worker_new(void *cookie, void **ret, struct et_error *err)
{
	struct line *line = cookie;

	if (line->stage == 4)
		return et_error_set(err, ET_LIMIT, "no worker");
	(void)atomic_fetch_add(&line->workers, 1);
	*ret = line;
	return 0;
}

static void
worker_free(void *worker)
{
	struct line *line = worker;

	if (line != NULL)
		(void)atomic_fetch_sub(&line->workers, 1);
}

static int
fail_if(const struct line *line, int stage, unsigned slot, struct et_error *err)
{
	if (line->stage == stage && line->item[slot] == line->fail_at)
		return et_error_set(err, ET_CORRUPT, "item %u", line->fail_at);
	return 0;
}

static int
work(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct line *line = cookie;

	assert_ptr_equal(worker, line);
	(void)atomic_fetch_add(&line->worked, 1);
	if (line->item[slot] % 7 == 0)
		(void)usleep(200);
	return fail_if(line, 1, slot, err);
}

static int
commit(void *cookie, void *worker ET_UNUSED, unsigned slot, struct et_error *err)
{
	struct line *line = cookie;

	line->committed[line->committed_count++] = line->item[slot];
	return fail_if(line, 2, slot, err);
}

static int
after(void *cookie, void *worker ET_UNUSED, unsigned slot, struct et_error *err)
{
	struct line *line = cookie;

	(void)atomic_fetch_add(&line->after, 1);
	return fail_if(line, 3, slot, err);
}

static const struct et_pipeline_stages stages = { worker_new, worker_free, work, commit, after };

/* Puts as many items as it may; the result of the last call. */
static int
run(struct line *line, unsigned jobs, unsigned slots, struct et_error *err)
{
	struct et_pipeline *pipeline = NULL;
	int r = et_pipeline_new(&stages, line, jobs, slots, &pipeline, err);

	for (unsigned i = 0; i < ITEMS && r == 0; i++) {
		unsigned slot;

		r = et_pipeline_take(pipeline, &slot, err);
		if (r == 0) {
			line->item[slot] = i;
			et_pipeline_put(pipeline, slot);
		}
	}
	if (r == 0)
		r = et_pipeline_drain(pipeline, err);
	et_pipeline_free(pipeline);
	return r;
}

static const unsigned shapes[][2] = { { 0, 1 }, { 1, 1 }, { 1, 3 }, { 2, 4 }, { 4, 3 }, { 5, 16 } };

static void
all_items_are_committed_once_in_the_order_of_the_puts(void **state ET_UNUSED)
{
	for (size_t s = 0; s < ET_COUNT(shapes); s++) {
		struct line line = { .fail_at = ITEMS };
		struct et_error err = { 0 };

		assert_ok(run(&line, shapes[s][0], shapes[s][1], &err), &err);
		assert_int_equal(line.committed_count, ITEMS);
		for (unsigned i = 0; i < ITEMS; i++)
			assert_int_equal(line.committed[i], i);
		assert_int_equal(atomic_load(&line.worked), ITEMS);
		assert_int_equal(atomic_load(&line.after), ITEMS);
		assert_int_equal(atomic_load(&line.workers), 0);
	}
}

static void
a_failure_in_any_stage_comes_back_and_nothing_is_committed_behind_it(void **state ET_UNUSED)
{
	for (size_t s = 0; s < ET_COUNT(shapes); s++) {
		for (int stage = 1; stage <= 3; stage++) {
			struct line line = { .fail_at = 100, .stage = stage };
			struct et_error err = { 0 };

			assert_code(ET_CORRUPT, run(&line, shapes[s][0], shapes[s][1], &err), &err);
			assert_string_equal(err.text, "item 100");
			assert_true(line.committed_count >= 1 &&
				    line.committed_count <= 101 + shapes[s][1]);
			for (unsigned i = 0; i < line.committed_count; i++)
				assert_int_equal(line.committed[i], i);
			assert_int_equal(atomic_load(&line.workers), 0);
		}
	}
}

static void
workers_that_cannot_be_made_are_an_error(void **state ET_UNUSED)
{
	struct line line = { .stage = 4 };
	struct et_error err = { 0 };

	assert_code(ET_LIMIT, run(&line, 2, 3, &err), &err);
}

static void
freeing_it_in_the_middle_waits_for_the_workers(void **state ET_UNUSED)
{
	for (size_t s = 0; s < ET_COUNT(shapes); s++) {
		struct line line = { .fail_at = ITEMS };
		struct et_pipeline *pipeline = NULL;
		struct et_error err = { 0 };

		assert_ok(et_pipeline_new(&stages, &line, shapes[s][0], shapes[s][1], &pipeline,
					  &err),
			  &err);
		for (unsigned i = 0; i < shapes[s][1]; i++) {
			unsigned slot;

			assert_ok(et_pipeline_take(pipeline, &slot, &err), &err);
			line.item[slot] = i;
			et_pipeline_put(pipeline, slot);
		}
		et_pipeline_free(pipeline);
		assert_int_equal(atomic_load(&line.workers), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_items_are_committed_once_in_the_order_of_the_puts),
		cmocka_unit_test(
			a_failure_in_any_stage_comes_back_and_nothing_is_committed_behind_it),
		cmocka_unit_test(workers_that_cannot_be_made_are_an_error),
		cmocka_unit_test(freeing_it_in_the_middle_waits_for_the_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
