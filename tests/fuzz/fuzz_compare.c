// SPDX-License-Identifier: Apache-2.0
/* Kind, size of the first body (two bytes), first body, second body. Whatever they are: comparing
 * ends, tells the same from either side, and finds nothing where there is nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event/compare.h"
#include "event/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static bool
ends(const char *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

static void
check_list(const struct et_differences *differences)
{
	check(differences->count <= ET_DIFFERENCES_MAX);
	check(differences->count <= differences->total);
	check(differences->count == ET_DIFFERENCES_MAX || differences->count == differences->total);
	for (size_t i = 0; i < differences->count; i++) {
		const struct et_difference *one = &differences->list[i];

		check(ends(one->path, sizeof(one->path)) && one->path[0] != '\0');
		check(ends(one->left, sizeof(one->left)) && one->left[0] != '\0');
		check(ends(one->right, sizeof(one->right)) && one->right[0] != '\0');
		check(strcmp(one->left, "absent") != 0 || strcmp(one->right, "absent") != 0);
	}
}

static void
compare_both_ways(enum et_kind kind, struct et_slice a, struct et_slice b, enum et_reveal reveal)
{
	static struct et_differences there;
	static struct et_differences back;
	int r = et_compare(kind, a, b, reveal, &there, NULL);

	check(et_compare(kind, b, a, reveal, &back, NULL) == r);
	check(r == 0 || r == ET_CORRUPT || r == ET_LIMIT);
	if (r < 0)
		return;
	check_list(&there);
	check(there.total == back.total && there.count == back.count);
	for (size_t i = 0; i < there.count; i++) {
		check(strcmp(there.list[i].path, back.list[i].path) == 0);
		check(strcmp(there.list[i].left, back.list[i].right) == 0);
		check(strcmp(there.list[i].right, back.list[i].left) == 0);
	}
}

/* An empty event_metadata in front changes nothing where there is one. */
static void
compare_with_more_words(enum et_kind kind, struct et_slice body)
{
	static struct et_differences differences;
	struct et_payload payload;
	struct et_buf more;

	if (et_payload_read(kind, body, &payload, NULL) < 0 || !payload.has_metadata)
		return;
	et_buf_init(&more, body.size + 8);
	et_buf_field_message(&more, et_kind_info(kind)->metadata_field, "", 0);
	et_buf_put(&more, body.data, body.size);
	if (et_compare(kind, body, (struct et_slice){ more.data, more.size }, ET_REVEAL_VALUES,
		       &differences, NULL) == 0)
		check(differences.total == 0);
	et_buf_done(&more);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct et_differences differences;
	struct et_slice a;
	struct et_slice b;
	enum et_kind kind;
	size_t first;

	if (bytes < 3)
		return 0;
	kind = (enum et_kind)(data[0] % ET_KIND_COUNT);
	first = (size_t)data[1] << 8 | data[2];
	if (first > bytes - 3)
		first = bytes - 3;
	a = (struct et_slice){ data + 3, first };
	b = (struct et_slice){ data + 3 + first, bytes - 3 - first };
	compare_both_ways(kind, a, b, ET_REVEAL_DIGESTS);
	compare_both_ways(kind, a, b, ET_REVEAL_VALUES);
	check(et_compare(kind, a, a, ET_REVEAL_VALUES, &differences, NULL) == 0);
	check(differences.total == 0);
	compare_with_more_words(kind, a);
	compare_with_more_words(kind, b);
	return 0;
}
