/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives for the tests: records, rows and a tree that are made from the
 * sequence alone, so that what is read can be made again and compared. The
 * rows are not those of the event room: they hold values that it never makes.
 */
#ifndef ET_SAMPLE_H
#define ET_SAMPLE_H

#include "et_test.h"

#include <inttypes.h>

#include "archive/reader.h"
#include "archive/verify.h"
#include "archive/writer.h"

#define SAMPLE_TIME_NS INT64_C(1764039425696783913)

/* A tree with a leaf on every level: the same carry as in evidence/merkle, which this room must not
 * know. */
struct sample_tree {
	uint64_t size;
	struct et_sha256 level[ET_TREE_EDGE_MAX];
	struct et_hasher *hasher;
};

static inline void
sample_node(struct sample_tree *tree, const struct et_sha256 *left, struct et_sha256 *node)
{
	et_hasher_begin(tree->hasher);
	et_hasher_add(tree->hasher, "\1", 1);
	et_hasher_add(tree->hasher, left, sizeof(*left));
	et_hasher_add(tree->hasher, node, sizeof(*node));
	et_hasher_end(tree->hasher, node);
}

static inline void
sample_tree_start(void *cookie, const struct et_tree_head *head)
{
	struct sample_tree *tree = cookie;
	unsigned at = 0;

	tree->size = head->size;
	for (unsigned i = ET_TREE_EDGE_MAX; i-- > 0;)
		if ((tree->size >> i & 1) != 0)
			tree->level[i] = head->edge[at++];
}

static inline void
sample_tree_push(void *cookie, const struct et_sha256 *leaves, size_t count)
{
	struct sample_tree *tree = cookie;

	for (size_t i = 0; i < count; i++) {
		struct et_sha256 node = leaves[i];
		unsigned level = 0;

		for (; (tree->size >> level & 1) != 0; level++)
			sample_node(tree, &tree->level[level], &node);
		tree->level[level] = node;
		tree->size++;
	}
}

static inline void
sample_tree_head(void *cookie, struct et_tree_head *ret)
{
	struct sample_tree *tree = cookie;

	*ret = (struct et_tree_head){ .size = tree->size };
	et_hasher_once(tree->hasher, "", 0, &ret->root);
	for (unsigned i = ET_TREE_EDGE_MAX; i-- > 0;)
		if ((tree->size >> i & 1) != 0)
			ret->edge[ret->edge_count++] = tree->level[i];
	if (ret->edge_count > 0)
		ret->root = ret->edge[ret->edge_count - 1];
	for (unsigned i = ret->edge_count; i-- > 1;)
		sample_node(tree, &ret->edge[i - 1], &ret->root);
}

static inline struct et_tree_hooks
sample_tree_hooks(struct sample_tree *tree)
{
	return (struct et_tree_hooks){ tree, sample_tree_start, sample_tree_push,
				       sample_tree_head };
}

/* Three of four records are events of 7 devices with 3 aggregates each; the rest registrations with
 * several rows, foreign and malformed messages. */
static inline int
sample_rows(void *maker ET_UNUSED, const struct et_record *record, struct et_rows *rows)
{
	uint64_t seq = record->seq;
	struct et_row row = { .seq = seq, .event_time_ns = record->time_ns - (int64_t)(seq % 5) };

	row.row_class = seq % 4 != 0 ? ET_ROW_EVENT : (uint8_t)(1 + seq / 4 % 3);
	row.kind = (uint8_t)(seq % ET_KIND_COUNT);
	if (row.row_class == ET_ROW_EVENT || row.row_class == ET_ROW_REGISTRATION) {
		row.device.bytes[0] = (uint8_t)(seq * 37 % 7);
		row.device.bytes[15] = 1;
	}
	if (row.row_class == ET_ROW_EVENT) {
		row.aggregate.bytes[7] = (uint8_t)(seq % 3 + 1);
		row.version = seq % 11 == 0 ? UINT64_MAX - seq : seq;
		row.event_time_ns = seq % 13 == 0 ? INT64_MIN + (int64_t)seq : row.event_time_ns;
	}
	et_rows_add(rows, &row);
	for (unsigned i = 1; row.row_class == ET_ROW_REGISTRATION && i < 1 + seq % 5; i++) {
		row.device.bytes[1] = (uint8_t)i;
		row.flags = ET_ROW_FURTHER | ET_ROW_DEVICE_NAMED;
		et_rows_add(rows, &row);
	}
	return row.row_class == ET_ROW_MALFORMED ? ET_CORRUPT : 0;
}

static const struct et_row_hooks sample_row_hooks = { .make = sample_rows };

/* The record of a sequence; its bytes live in `memory`. */
static inline struct et_record
sample_record(uint64_t seq, struct et_buf *memory)
{
	struct et_header headers[2] = {
		{ { (const uint8_t *)"Nats-Msg-Id", 11 }, { (const uint8_t *)"x", 1 } },
		{ { (const uint8_t *)"A", 1 }, { (const uint8_t *)"y", 1 } },
	};
	struct et_record record = { .seq = seq, .time_ns = SAMPLE_TIME_NS + (int64_t)seq * 1000 };
	uint64_t noise = seq * UINT64_C(0x9E3779B97F4A7C15);
	size_t subject;
	size_t body;

	et_buf_reset(memory);
	(void)et_buf_reserve(memory, 2048); /* what comes must not move */
	et_buf_format(memory, "plgd.owners.o.devices.%" PRIu64 ".resources.r.resourcechanged",
		      seq % 7);
	subject = memory->size;
	if (seq % 5 == 0)
		et_headers_encode(memory, headers, 2);
	body = memory->size;
	for (uint64_t i = 0; i < 20 + seq % 50; i++)
		et_buf_put(memory, &noise, i % 3 == 0 ? sizeof(noise) : 3);
	record.subject = (struct et_slice){ memory->data, subject };
	record.headers = (struct et_slice){ memory->data + subject, body - subject };
	record.body = (struct et_slice){ memory->data + body, memory->size - body };
	return record;
}

struct sample {
	struct sample_tree tree;
	struct et_archive_options options;
	uint64_t next_seq;
};

/* Small segments and frames: even a few hundred records make several of each. */
static inline struct sample *
sample_new(const char *dir, unsigned jobs)
{
	struct sample *sample = et_calloc(1, sizeof(*sample));

	sample->tree.hasher = et_hasher_new();
	sample->options = (struct et_archive_options){
		.dir = dir,
		.stream = "EVENTS",
		.identity = "20261125T025705.696783913Z",
		.level = 1,
		.jobs = jobs,
		.segment_bytes = 32768,
		.frame_bytes = 4096,
		.rows = sample_row_hooks,
		.tree = sample_tree_hooks(&sample->tree),
	};
	sample->next_seq = 1;
	return sample;
}

static inline void
sample_free(struct sample *sample)
{
	et_hasher_free(sample->tree.hasher);
	free(sample);
}

/* Every sequence of 50 … 59 in each hundred is a hole, of a type that changes. */
static inline bool
sample_is_hole(uint64_t seq)
{
	return seq % 100 >= 50 && seq % 100 < 60;
}

static inline int
sample_fill(struct et_writer *writer, uint64_t first, uint64_t last, struct et_error *err)
{
	struct et_buf memory;
	int r = 0;

	et_buf_init(&memory, 4096);
	for (uint64_t seq = first; seq <= last && r == 0; seq++) {
		struct et_record record = sample_record(seq, &memory);

		if (sample_is_hole(seq))
			r = et_writer_hole(writer, seq, seq, (enum et_hole_type)(seq / 100 % 4),
					   err);
		else
			r = et_writer_append(writer, &record, err);
	}
	et_buf_done(&memory);
	return r;
}

/* Writes the next archive, up to `last`. */
static inline struct et_archive_summary
sample_write(struct sample *sample, uint64_t last)
{
	ET_CLEAN(et_writer) struct et_writer *writer = NULL;
	struct et_archive_summary summary;
	struct et_error err = { 0 };

	assert_ok(et_writer_open(&sample->options, sample->next_seq, &writer, &err), &err);
	assert_ok(sample_fill(writer, sample->next_seq, last, &err), &err);
	assert_ok(et_writer_finish(writer, last, &summary, &err), &err);
	sample->next_seq = last + 1;
	return summary;
}

/* A whole archive in one call; its path, to be freed. */
static inline char *
sample_archive(const char *dir, uint64_t last)
{
	struct sample *sample = sample_new(dir, 1);
	struct et_archive_summary summary = sample_write(sample, last);
	char *path = ET_STEAL(summary.path);

	et_archive_summary_done(&summary);
	sample_free(sample);
	return path;
}

/* A file as bytes. */
static inline uint8_t *
sample_read_file(const char *path, size_t *ret_bytes)
{
	struct et_error err = { 0 };
	char *text = NULL;

	assert_ok(et_file_read(path, 64 << 20, &text, ret_bytes, &err), &err);
	return (uint8_t *)text;
}

static inline void
sample_write_file(const char *path, const uint8_t *bytes, size_t count)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

/* What verify finds: the number, and a bit for each code. */
struct sample_damage {
	uint64_t count;
	unsigned codes;
	char first[512];
};

static inline void
sample_on_damage(void *cookie, const struct et_damage *damage)
{
	struct sample_damage *all = cookie;

	if (all->count++ == 0)
		(void)snprintf(all->first, sizeof(all->first), "%s: %s @%" PRIu64 ": %s",
			       et_damage_code_name(damage->code), damage->member, damage->offset,
			       damage->text);
	all->codes |= 1U << damage->code;
}

static inline struct sample_damage
sample_verify(const char *path, unsigned jobs, bool quick)
{
	struct sample_tree tree = { .hasher = et_hasher_new() };
	struct et_tree_hooks hooks = sample_tree_hooks(&tree);
	struct sample_damage damage = { 0 };
	const struct et_verify_options options = {
		.quick = quick,
		.jobs = jobs,
		.rows = &sample_row_hooks,
		.tree = &hooks,
		.damage = sample_on_damage,
		.cookie = &damage,
	};
	struct et_verify_result result = { 0 };
	struct et_error err = { 0 };

	assert_ok(et_verify_archive(path, &options, &result, &err), &err);
	assert_int_equal(result.damage_count, damage.count);
	et_verify_result_done(&result);
	et_hasher_free(tree.hasher);
	return damage;
}

#endif
