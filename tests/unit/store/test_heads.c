// SPDX-License-Identifier: Apache-2.0
/* Rows of scans merged to one per aggregate, out of lanes that stand in memory. */
#include "et_test.h"

#include "store/driver.h"
#include "store/source_internal.h"

struct feed {
	bson_t *rows[16];
	size_t count;
	size_t at;
	int failure; /* what comes behind the last row instead of the end */
	bool *freed;
};

static int
feed_next(void *data, struct et_slice *ret_bson, struct et_error *err)
{
	struct feed *feed = data;

	if (feed->at == feed->count)
		return feed->failure < 0 ? et_error_set(err, feed->failure, "broke off") : 0;
	*ret_bson =
		(struct et_slice){ bson_get_data(feed->rows[feed->at]), feed->rows[feed->at]->len };
	feed->at++;
	return 1;
}

static void
feed_free(void *data)
{
	struct feed *feed = data;

	for (size_t i = 0; i < feed->count; i++)
		bson_destroy(feed->rows[i]);
	if (feed->freed != NULL)
		*feed->freed = true;
	feed->count = 0;
	feed->at = 0;
}

static void
add(struct feed *feed, bson_t *row)
{
	assert_true(feed->count < ET_COUNT(feed->rows));
	feed->rows[feed->count++] = row;
}

static struct et_lane
lane_of(struct feed *feed)
{
	return (struct et_lane){ .next = feed_next, .free = feed_free, .feed = feed };
}

static const struct et_lane no_lane = { .next = NULL };

#define LATEST(id, version) \
	BCON_NEW("aggregateid", BCON_UTF8(id), "latestversion", BCON_INT64(version))
#define FIRST(id, version) \
	BCON_NEW("aggregateid", BCON_UTF8(id), "firstversion", BCON_INT64(version))
#define BOTH(id, low, high)                                                                      \
	BCON_NEW("aggregateid", BCON_UTF8(id), "firstversion", BCON_INT64(low), "latestversion", \
		 BCON_INT64(high))

/* "id:first-latest*documents " of each row; "?" for an unknown first one; "!" for malformed. */
static const char *
read_all(struct et_heads *heads, struct et_buf *text)
{
	struct et_source_head row;
	struct et_error err;
	int r;

	et_buf_reset(text);
	while ((r = et_heads_next(heads, &row, &err)) > 0) {
		et_buf_put(text, row.head.aggregate_id.data, row.head.aggregate_id.size);
		if (row.malformed) {
			assert_true(row.words[0] != '\0');
			et_buf_text(text, "! ");
			continue;
		}
		assert_string_equal(row.words, "");
		if (row.first_known)
			et_buf_format(text, ":%llu", (unsigned long long)row.head.first_version);
		else
			et_buf_text(text, ":?");
		et_buf_format(text, "-%llu*%u ", (unsigned long long)row.head.latest_version,
			      row.documents);
	}
	if (r < 0)
		et_buf_text(text, et_code_name(r));
	et_heads_free(heads);
	return et_buf_cstr(text);
}

static void
rows_of_one_aggregate_are_merged(void **state)
{
	struct et_buf *text = *state;
	bool freed = false;
	struct feed feed = { .freed = &freed };

	add(&feed, LATEST("a", 3));
	add(&feed, LATEST("b", 1));
	add(&feed, LATEST("b", 9));
	add(&feed, LATEST("b", 4));
	add(&feed, LATEST("c", 0));
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, false, true), text),
			    "a:?-3*1 b:?-9*3 c:?-0*1 ");
	assert_true(freed);
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, false, true), text), "");
}

static void
one_lane_can_have_both_versions(void **state)
{
	struct et_buf *text = *state;
	struct feed feed = { .count = 0 };

	add(&feed, BOTH("a", 0, 3));
	add(&feed, BOTH("a", 4, 7));
	add(&feed, LATEST("a", 7)); /* a ghost */
	add(&feed, LATEST("b", 1));
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, true, false), text),
			    "a:0-7*3 b:?-1*1 ");
}

static void
two_lanes_are_joined(void **state)
{
	struct et_buf *text = *state;
	struct feed main = { .count = 0 };
	struct feed first = { .count = 0 };

	add(&main, LATEST("b", 3));
	add(&main, LATEST("d", 7));
	add(&main, LATEST("e", 8));
	add(&main, LATEST("f", 9));
	add(&first, FIRST("a", 0)); /* gone before the other scan came by */
	add(&first, FIRST("b", 2));
	add(&first, FIRST("b", 1));
	add(&first, FIRST("c", 5));
	add(&first,
	    BCON_NEW("aggregateid", BCON_UTF8("d"), "firstversion", BCON_NULL)); /* a ghost */
	add(&first, BCON_NEW("aggregateid", BCON_UTF8("d"), "firstversion", BCON_UTF8("x")));
	add(&first, FIRST("f", 9));
	add(&first, FIRST("g", 1));
	assert_string_equal(
		read_all(et_heads_new(lane_of(&main), lane_of(&first), true, true), text),
		"b:1-3*1 d:?-7*1 e:?-8*1 f:9-9*1 ");
}

static void
malformed_rows_come_out_and_part_no_aggregate(void **state)
{
	struct et_buf *text = *state;
	struct feed feed = { .count = 0 };

	add(&feed, BCON_NEW("latestversion", BCON_INT64(1)));
	add(&feed, LATEST("a", 3));
	add(&feed, BCON_NEW("aggregateid", BCON_UTF8("a"), "latestversion", BCON_UTF8("x")));
	add(&feed, LATEST("a", 5));
	add(&feed, BCON_NEW("aggregateid", BCON_UTF8("b")));
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, false, true), text),
			    "! a! b! a:?-5*2 ");
}

static void
disorder_is_said(void **state)
{
	struct et_buf *text = *state;
	struct feed feed = { .count = 0 };

	add(&feed, LATEST("b", 3));
	add(&feed, LATEST("a", 3));
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, false, true), text),
			    "b:?-3*1 garbled");
	add(&feed, LATEST("b", 3));
	add(&feed, LATEST("c", 3));
	add(&feed, LATEST("b", 3));
	assert_string_equal(read_all(et_heads_new(lane_of(&feed), no_lane, false, true), text),
			    "b:?-3*1 c:?-3*1 garbled");
}

static void
a_broken_lane_ends_the_scan(void **state)
{
	struct et_buf *text = *state;
	struct feed main = { .failure = ET_UNAVAILABLE };
	struct feed first = { .failure = ET_TIMEOUT };
	struct feed whole = { .count = 0 };

	/* The aggregate at the break may have more rows: it does not come. */
	add(&main, LATEST("a", 3));
	add(&main, LATEST("b", 3));
	assert_string_equal(read_all(et_heads_new(lane_of(&main), no_lane, false, true), text),
			    "a:?-3*1 unavailable");
	add(&whole, LATEST("b", 3));
	add(&first, FIRST("a", 3));
	assert_string_equal(
		read_all(et_heads_new(lane_of(&whole), lane_of(&first), true, true), text),
		"timeout");
}

static int
make_text(void **state)
{
	struct et_buf *text = et_calloc(1, sizeof(*text));

	et_buf_init(text, 4096);
	*state = text;
	return 0;
}

static int
drop_text(void **state)
{
	et_buf_done(*state);
	free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_one_aggregate_are_merged),
		cmocka_unit_test(one_lane_can_have_both_versions),
		cmocka_unit_test(two_lanes_are_joined),
		cmocka_unit_test(malformed_rows_come_out_and_part_no_aggregate),
		cmocka_unit_test(disorder_is_said),
		cmocka_unit_test(a_broken_lane_ends_the_scan),
	};

	return cmocka_run_group_tests(tests, make_text, drop_text);
}
