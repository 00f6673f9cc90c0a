// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

#include <stdalign.h>

#include "base/arena.h"

/* Read by the sanitizers: malloc is to fail, not to report. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
pieces_are_aligned_and_do_not_overlap(void **state ET_UNUSED)
{
	struct et_arena arena;
	uint8_t *pieces[3000];

	et_arena_init(&arena, 0);
	for (size_t i = 0; i < ET_COUNT(pieces); i++) {
		pieces[i] = et_arena_alloc(&arena, i % 400);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)(i % 251), i % 400);
	}
	for (size_t i = 0; i < ET_COUNT(pieces); i++) {
		for (size_t j = 0; j < i % 400; j++)
			assert_int_equal(pieces[i][j], i % 251);
	}
	et_arena_done(&arena);
}

static void
empty_pieces_are_apart(void **state ET_UNUSED)
{
	struct et_arena arena;

	et_arena_init(&arena, 0);
	assert_ptr_not_equal(et_arena_alloc(&arena, 0), et_arena_alloc(&arena, 0));
	et_arena_done(&arena);
}

static void
a_piece_larger_than_any_block_fits(void **state ET_UNUSED)
{
	struct et_arena arena;
	uint8_t *small;
	uint8_t *large;
	uint8_t *next;

	et_arena_init(&arena, 0);
	large = et_arena_alloc(&arena, 3 << 20);
	memset(large, 1, 3 << 20);
	small = et_arena_alloc(&arena, 16);
	large = et_arena_alloc(&arena, 5 << 20);
	memset(large, 2, 5 << 20);
	next = et_arena_alloc(&arena, 16);
	/* The giants stand aside: the block that is being filled stays. */
	assert_ptr_equal(next, small + 16);
	et_arena_done(&arena);
}

static void
beyond_the_limit_there_is_nothing(void **state ET_UNUSED)
{
	struct et_arena arena;

	et_arena_init(&arena, 100);
	assert_null(et_arena_alloc(&arena, 101));
	assert_null(et_arena_alloc(&arena, SIZE_MAX));
	assert_null(et_arena_strndup(&arena, "x", SIZE_MAX));
	assert_int_equal(arena.used_bytes, 0);
	assert_non_null(et_arena_alloc(&arena, 64));
	assert_null(et_arena_alloc(&arena, 64));
	assert_non_null(et_arena_alloc(&arena, 32));
	assert_null(et_arena_alloc(&arena, 1));
	assert_null(et_arena_strndup(&arena, "x", 1));
	et_arena_reset(&arena);
	assert_non_null(et_arena_alloc(&arena, 96));
	et_arena_done(&arena);
}

static void
a_copy_ends_with_a_nul(void **state ET_UNUSED)
{
	struct et_arena arena;

	et_arena_init(&arena, 0);
	assert_string_equal(et_arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(et_arena_strndup(&arena, NULL, 0), "");
	et_arena_done(&arena);
}

static void
a_reset_keeps_one_block_and_no_giant(void **state ET_UNUSED)
{
	struct et_arena arena;
	void *first;

	et_arena_init(&arena, 0);
	et_arena_reset(&arena);
	assert_null(arena.head);
	for (int i = 0; i < 5000; i++)
		(void)et_arena_alloc(&arena, 1000);
	(void)et_arena_alloc(&arena, 9 << 20);
	assert_true(arena.used_bytes >= 5000 * 1000 + (9 << 20));
	et_arena_reset(&arena);
	assert_int_equal(arena.used_bytes, 0);
	first = et_arena_alloc(&arena, 1000);
	et_arena_reset(&arena);
	assert_ptr_equal(et_arena_alloc(&arena, 1000), first);
	et_arena_done(&arena);
}

static void
a_done_arena_can_be_used_again(void **state ET_UNUSED)
{
	struct et_arena arena;

	et_arena_init(&arena, 0);
	(void)et_arena_alloc(&arena, 1);
	et_arena_done(&arena);
	assert_int_equal(arena.used_bytes, 0);
	assert_non_null(et_arena_alloc(&arena, 1));
	et_arena_done(&arena);
}

static void
ask_for_everything(void *unused ET_UNUSED)
{
	struct et_arena arena;

	et_arena_init(&arena, 0);
	(void)et_arena_alloc(&arena, SIZE_MAX);
}

static void
without_a_limit_too_much_aborts(void **state)
{
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");
	int old = et_test_stderr_begin(path);
	int status = et_test_fork(ask_for_everything, NULL);
	ET_CLEAN_MEM char *text = et_test_stderr_end(old, path);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ET_TEST_ABORTED);
	et_test_words(text, "out of memory", __FILE__, __LINE__);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
		cmocka_unit_test(empty_pieces_are_apart),
		cmocka_unit_test(a_piece_larger_than_any_block_fits),
		cmocka_unit_test(beyond_the_limit_there_is_nothing),
		cmocka_unit_test(a_copy_ends_with_a_nul),
		cmocka_unit_test(a_reset_keeps_one_block_and_no_giant),
		cmocka_unit_test(a_done_arena_can_be_used_again),
		et_test_with_dir(without_a_limit_too_much_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
