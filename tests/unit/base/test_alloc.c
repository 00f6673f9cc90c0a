// SPDX-License-Identifier: Apache-2.0
#include "../et_test.h"

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

/* The compiler must not see how large it is. */
static volatile size_t huge = SIZE_MAX / 2 + 1;

static void
zero_bytes_are_still_memory(void **state ET_UNUSED)
{
	void *a = et_alloc(0);
	void *b = et_calloc(0, 8);
	void *c = et_realloc(NULL, 0);
	void *d = et_memdup(NULL, 0);

	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_non_null(d);
	free(a);
	free(b);
	free(c);
	free(d);
}

static void
calloc_gives_zeros(void **state ET_UNUSED)
{
	static const char zeros[64];
	ET_CLEAN_MEM char *p = et_calloc(8, 8);

	assert_memory_equal(p, zeros, sizeof(zeros));
}

static void
copies_are_equal_and_apart(void **state ET_UNUSED)
{
	const char text[] = "hello";
	ET_CLEAN_MEM char *a = et_strdup(text);
	ET_CLEAN_MEM char *b = et_strndup(text, 2);
	ET_CLEAN_MEM char *c = et_strndup(text, 99);
	ET_CLEAN_MEM char *d = et_memdup(text, sizeof(text));
	ET_CLEAN_MEM char *e = et_format("%s-%d", text, 7);

	assert_string_equal(a, "hello");
	assert_true(a != text);
	assert_string_equal(b, "he");
	assert_string_equal(c, "hello");
	assert_string_equal(d, "hello");
	assert_string_equal(e, "hello-7");
}

static void
a_grown_array_keeps_its_items(void **state ET_UNUSED)
{
	ET_CLEAN_MEM int *items = NULL;

	for (int i = 0; i < 100; i++) {
		items = et_realloc_array(items, (size_t)i + 1, sizeof(*items));
		items[i] = i;
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(items[i], i);
}

static void
a_stolen_pointer_is_not_freed(void **state ET_UNUSED)
{
	char *kept;

	{
		ET_CLEAN_MEM char *mine = et_strdup("x");

		kept = ET_STEAL(mine);
		assert_null(mine);
	}
	assert_string_equal(kept, "x");
	free(kept);
}

static void
a_descriptor_is_closed_at_the_end_of_its_scope(void **state ET_UNUSED)
{
	int number;

	{
		ET_CLEAN_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ET_CLEAN_FD int none ET_UNUSED = -1;

		assert_true(fd >= 0);
		number = fd;
	}
	assert_int_equal(fcntl(number, F_GETFD), -1);
}

static void
alloc_too_much(void *unused ET_UNUSED)
{
	free(et_alloc(huge));
}

static void
calloc_too_much(void *unused ET_UNUSED)
{
	free(et_calloc(huge, 4));
}

static void
realloc_too_much(void *unused ET_UNUSED)
{
	free(et_realloc(NULL, huge));
}

static void
array_too_large(void *unused ET_UNUSED)
{
	free(et_realloc_array(NULL, huge, 2));
}

static void
format_too_long(void *unused ET_UNUSED)
{
	volatile int width = INT32_MAX;

	free(et_format("%*d%*d", width, 1, width, 1));
}

static void
no_memory_aborts_with_words(void **state)
{
	static void (*const calls[])(void *) = { alloc_too_much, calloc_too_much, realloc_too_much,
						 array_too_large, format_too_long };
	ET_CLEAN_MEM char *path = et_test_path(state, "stderr");

	for (size_t i = 0; i < ET_COUNT(calls); i++) {
		int old = et_test_stderr_begin(path);
		int status = et_test_fork(calls[i], NULL);
		ET_CLEAN_MEM char *text = et_test_stderr_end(old, path);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ET_TEST_ABORTED);
		et_test_words(text, "evtrail: out of memory\n", __FILE__, __LINE__);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_bytes_are_still_memory),
		cmocka_unit_test(calloc_gives_zeros),
		cmocka_unit_test(copies_are_equal_and_apart),
		cmocka_unit_test(a_grown_array_keeps_its_items),
		cmocka_unit_test(a_stolen_pointer_is_not_freed),
		cmocka_unit_test(a_descriptor_is_closed_at_the_end_of_its_scope),
		et_test_with_dir(no_memory_aborts_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
