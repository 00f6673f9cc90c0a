// SPDX-License-Identifier: Apache-2.0
#include "event/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/compare_internal.h"
#include "event/envelope.h"
#include "event/fields_internal.h"

#define TEXT_CEILING 4096u

struct comparison {
	struct et_differences *ret;
	enum et_reveal reveal;
	struct et_buf path;
	struct et_buf left; /* texts of the difference in hand */
	struct et_buf right;
};

static int compare_messages(struct comparison *one, const ProtobufCMessageDescriptor *message,
			    struct et_slice left, struct et_slice right, struct et_error *err);

void
et_differences_add(struct et_differences *differences, const char *path, const char *left,
		   const char *right)
{
	struct et_difference *difference;

	differences->total++;
	if (differences->count == ET_DIFFERENCES_MAX)
		return;
	difference = &differences->list[differences->count++];
	(void)snprintf(difference->path, sizeof(difference->path), "%s", path);
	(void)snprintf(difference->left, sizeof(difference->left), "%s", left);
	(void)snprintf(difference->right, sizeof(difference->right), "%s", right);
}

static bool
is_full(const struct comparison *one)
{
	return one->ret->count == ET_DIFFERENCES_MAX;
}

static void
tell(struct comparison *one)
{
	et_differences_add(one->ret, et_buf_cstr(&one->path), et_buf_cstr(&one->left),
			   et_buf_cstr(&one->right));
	et_buf_reset(&one->left);
	et_buf_reset(&one->right);
}

/* Puts a name behind the path; returns what pop needs. */
static size_t
push(struct comparison *one, const char *name)
{
	size_t size = one->path.size;

	if (size > 0)
		et_buf_put_u8(&one->path, '.');
	et_buf_text(&one->path, name);
	return size;
}

static void
pop(struct comparison *one, size_t size)
{
	one->path.size = size;
}

static bool
same_bytes(struct et_slice a, struct et_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool
is_private(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
	return strcmp(field->name, "user_id") == 0 || strcmp(field->name, "owner") == 0 ||
	       (strcmp(message->short_name, "Content") == 0 && strcmp(field->name, "data") == 0);
}

static void
put_value(struct et_buf *out, const ProtobufCFieldDescriptor *field, const struct et_field *value,
	  bool hidden)
{
	if (value == NULL)
		et_buf_text(out, "absent");
	else
		et_compare_put_value(out, field, value, hidden);
}

/* NULL for what is not there. The path is that of the value. */
static int
compare_values(struct comparison *one, const ProtobufCMessageDescriptor *message,
	       const ProtobufCFieldDescriptor *field, const struct et_field *left,
	       const struct et_field *right, struct et_error *err)
{
	bool both = left != NULL && right != NULL;
	bool hidden;

	if (both && field->type == PROTOBUF_C_TYPE_MESSAGE)
		return compare_messages(one, field->descriptor, left->bytes, right->bytes, err);
	if (both &&
	    et_compare_number(field, left->value) == et_compare_number(field, right->value) &&
	    same_bytes(left->bytes, right->bytes))
		return 0;
	if (is_full(one)) {
		one->ret->total++;
		return 0;
	}
	hidden = one->reveal != ET_REVEAL_VALUES && is_private(message, field);
	put_value(&one->left, field, left, hidden);
	put_value(&one->right, field, right, hidden);
	tell(one);
	return 0;
}

/* NULL when there is none, and when it is as good as none. */
static const struct et_field *
find_value(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field,
	   struct et_slice bytes, struct et_buf *joined, struct et_field *value)
{
	if (!et_fields_find(message, field, bytes, joined, value))
		return NULL;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE ||
	    (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
		return value;
	return et_compare_number(field, value->value) != 0 || value->bytes.size > 0 ? value : NULL;
}

static int
compare_singles(struct comparison *one, const ProtobufCMessageDescriptor *message,
		const ProtobufCFieldDescriptor *field, struct et_slice left, struct et_slice right,
		struct et_error *err)
{
	struct et_field values[2] = { 0 };
	struct et_buf joined[2];
	const struct et_field *a;
	const struct et_field *b;
	int r = 0;

	et_buf_init(&joined[0], left.size);
	et_buf_init(&joined[1], right.size);
	a = find_value(message, field, left, &joined[0], &values[0]);
	b = find_value(message, field, right, &joined[1], &values[1]);
	if (a != NULL || b != NULL) {
		size_t size = push(one, field->name);

		r = compare_values(one, message, field, a, b, err);
		pop(one, size);
	}
	et_buf_done(&joined[1]);
	et_buf_done(&joined[0]);
	return r;
}

static const struct et_field *
next_element(struct et_cursor *cursor, const ProtobufCFieldDescriptor *field,
	     struct et_field *value)
{
	while (et_cursor_field(cursor, value))
		if (et_fields_is(field, value))
			return value;
	return NULL;
}

static int
compare_lists(struct comparison *one, const ProtobufCMessageDescriptor *message,
	      const ProtobufCFieldDescriptor *field, struct et_slice left, struct et_slice right,
	      struct et_error *err)
{
	struct et_cursor cursors[2] = { et_cursor_of(left.data, left.size),
					et_cursor_of(right.data, right.size) };
	struct et_field values[2];
	int r = 0;

	for (size_t i = 0; r == 0; i++) {
		const struct et_field *a = next_element(&cursors[0], field, &values[0]);
		const struct et_field *b = next_element(&cursors[1], field, &values[1]);
		size_t size;

		if (a == NULL && b == NULL)
			break;
		size = push(one, field->name);
		et_buf_format(&one->path, "[%zu]", i);
		r = compare_values(one, message, field, a, b, err);
		pop(one, size);
	}
	return r;
}

/* The value of an entry; one that is missing is the empty one. */
static int
compare_entries(struct comparison *one, const ProtobufCFieldDescriptor *map,
		const struct et_fields_item *left, const struct et_fields_item *right,
		struct et_error *err)
{
	const ProtobufCMessageDescriptor *entry = map->descriptor;
	const struct et_fields_item *sides[2] = { left, right };
	struct et_field values[2] = { 0 };
	struct et_buf joined[2];
	size_t size = push(one, map->name);
	int r;

	et_compare_put_key(&one->path, left != NULL ? left->key : right->key);
	for (size_t i = 0; i < 2; i++) {
		et_buf_init(&joined[i], sides[i] != NULL ? sides[i]->field.bytes.size : 0);
		if (sides[i] != NULL)
			(void)et_fields_find(entry, &entry->fields[1], sides[i]->field.bytes,
					     &joined[i], &values[i]);
	}
	r = compare_values(one, entry, &entry->fields[1], left != NULL ? &values[0] : NULL,
			   right != NULL ? &values[1] : NULL, err);
	et_buf_done(&joined[1]);
	et_buf_done(&joined[0]);
	pop(one, size);
	return r;
}

static int
compare_keys(struct et_slice a, struct et_slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static const struct et_fields_item *
next_entry(const struct et_fields_items *entries, size_t *at)
{
	while (*at < entries->count && !et_fields_counts(entries, *at))
		(*at)++;
	return *at < entries->count ? &entries->list[*at] : NULL;
}

static int
join_maps(struct comparison *one, const ProtobufCFieldDescriptor *map,
	  const struct et_fields_items sides[2], struct et_error *err)
{
	size_t at[2] = { 0, 0 };
	int r = 0;

	while (r == 0) {
		const struct et_fields_item *a = next_entry(&sides[0], &at[0]);
		const struct et_fields_item *b = next_entry(&sides[1], &at[1]);
		int order;

		if (a == NULL && b == NULL)
			break;
		order = a == NULL ? 1 : b == NULL ? -1 : compare_keys(a->key, b->key);
		at[0] += order <= 0;
		at[1] += order >= 0;
		r = compare_entries(one, map, order <= 0 ? a : NULL, order >= 0 ? b : NULL, err);
	}
	return r;
}

static int
compare_maps(struct comparison *one, const ProtobufCFieldDescriptor *map, struct et_slice left,
	     struct et_slice right, struct et_error *err)
{
	struct et_fields_items sides[2] = { 0 };
	int r;

	r = et_fields_entries(map, left, &sides[0], err);
	if (r == 0)
		r = et_fields_entries(map, right, &sides[1], err);
	if (r == 0)
		r = join_maps(one, map, sides, err);
	free(sides[0].list);
	free(sides[1].list);
	return r;
}

/* ---- what is not known ---- */

static int
compare_fields(const struct et_field *a, const struct et_field *b)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->wire != b->wire)
		return a->wire < b->wire ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return compare_keys(a->bytes, b->bytes);
}

static int
compare_items(const void *a, const void *b)
{
	const struct et_fields_item *x = a;
	const struct et_fields_item *y = b;

	return compare_fields(&x->field, &y->field);
}

/* What one side has of a number more often than the other. */
struct surplus {
	const struct et_field *first;
	size_t count;
};

static void
put_surplus(struct et_buf *out, const struct surplus *surplus, bool hidden)
{
	if (surplus->count == 0)
		et_buf_text(out, "absent");
	else
		et_compare_put_unknown(out, surplus->first, hidden);
	if (surplus->count > 1)
		et_buf_format(out, " and %zu more", surplus->count - 1);
}

static void
tell_number(struct comparison *one, unsigned number, struct surplus surplus[2])
{
	bool hidden = one->reveal != ET_REVEAL_VALUES;
	char name[16];
	size_t size;

	if (surplus[0].count + surplus[1].count == 0)
		return;
	(void)snprintf(name, sizeof(name), "#%u", number);
	size = push(one, name);
	put_surplus(&one->left, &surplus[0], hidden);
	put_surplus(&one->right, &surplus[1], hidden);
	tell(one);
	pop(one, size);
	surplus[0] = surplus[1] = (struct surplus){ 0 };
}

static void
note_surplus(struct surplus *surplus, const struct et_field *field)
{
	if (surplus->count++ == 0)
		surplus->first = field;
}

static void
join_unknown(struct comparison *one, const struct et_fields_items sides[2])
{
	struct surplus surplus[2] = { 0 };
	size_t at[2] = { 0, 0 };
	unsigned number = 0;

	while (at[0] < sides[0].count || at[1] < sides[1].count) {
		const struct et_field *a =
			at[0] < sides[0].count ? &sides[0].list[at[0]].field : NULL;
		const struct et_field *b =
			at[1] < sides[1].count ? &sides[1].list[at[1]].field : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : compare_fields(a, b);
		const struct et_field *next = order <= 0 ? a : b;

		if (next->number != number)
			tell_number(one, number, surplus);
		number = next->number;
		if (order != 0)
			note_surplus(&surplus[order > 0], next);
		at[0] += order <= 0;
		at[1] += order >= 0;
	}
	tell_number(one, number, surplus);
}

/* Also fields that we know, with a wire type that is not theirs. */
static int
compare_unknown(struct comparison *one, const ProtobufCMessageDescriptor *message,
		struct et_slice left, struct et_slice right, struct et_error *err)
{
	struct et_fields_items sides[2] = { 0 };
	int r;

	r = et_fields_unknown(message, left, &sides[0], err);
	if (r == 0)
		r = et_fields_unknown(message, right, &sides[1], err);
	for (size_t i = 0; r == 0 && i < 2; i++)
		if (sides[i].count > 1)
			qsort(sides[i].list, sides[i].count, sizeof(*sides[i].list), compare_items);
	if (r == 0)
		join_unknown(one, sides);
	free(sides[0].list);
	free(sides[1].list);
	return r;
}

/* message: NULL for one of which nothing is known. */
static int
compare_messages(struct comparison *one, const ProtobufCMessageDescriptor *message,
		 struct et_slice left, struct et_slice right, struct et_error *err)
{
	int r = 0;

	if (same_bytes(left, right))
		return 0;
	if (!et_fields_readable(left) || !et_fields_readable(right))
		return et_error_set(err, ET_CORRUPT, "%s is no protobuf message",
				    one->path.size > 0 ? et_buf_cstr(&one->path) : "the event");
	for (unsigned i = 0; r == 0 && message != NULL && i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];

		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			r = compare_singles(one, message, field, left, right, err);
		else if (et_fields_is_map(field))
			r = compare_maps(one, field, left, right, err);
		else
			r = compare_lists(one, message, field, left, right, err);
	}
	return r == 0 ? compare_unknown(one, message, left, right, err) : r;
}

int
et_compare(enum et_kind kind, struct et_slice left, struct et_slice right, enum et_reveal reveal,
	   struct et_differences *ret, struct et_error *err)
{
	struct et_differences differences;
	struct comparison one = { .ret = &differences, .reveal = reveal };
	int r;

	if (left.size > ET_PAYLOAD_BYTES_MAX || right.size > ET_PAYLOAD_BYTES_MAX)
		return et_error_set(err, ET_LIMIT, "the event is larger than %u bytes",
				    ET_PAYLOAD_BYTES_MAX);
	differences.count = 0;
	differences.total = 0;
	et_buf_init(&one.path, TEXT_CEILING);
	et_buf_init(&one.left, TEXT_CEILING);
	et_buf_init(&one.right, TEXT_CEILING);
	r = compare_messages(&one, et_fields_message(kind), left, right, err);
	et_buf_done(&one.right);
	et_buf_done(&one.left);
	et_buf_done(&one.path);
	if (r == 0)
		*ret = differences;
	return r;
}
