// SPDX-License-Identifier: Apache-2.0
#include "archive/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "archive/writer_part.h"
#include "base/fault.h"

#define JOBS_MAX 6u /* each of them has 10 MiB in hand: more would break the promise about memory */
#define NAME_BYTES_MAX 128

int
et_writer_put(struct et_writer *w, struct et_slice packed, struct et_error *err)
{
	int r = et_atomicfile_write(w->file, packed.data, packed.size, err);

	if (r < 0)
		return r;
	et_hasher_add(w->file_hasher, packed.data, packed.size);
	w->offset += packed.size;
	return 0;
}

void
et_writer_note(struct et_writer *w, const struct et_frame_entry *entry, struct et_slice packed)
{
	const uint8_t *end = packed.data + packed.size;
	uint32_t checksum = (uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
			    (uint32_t)end[-1] << 24;

	et_seektable_add(&w->seektable, entry->packed_bytes, entry->raw_bytes, checksum);
	if (entry->kind != ET_FRAME_MANIFEST && entry->kind != ET_FRAME_END)
		et_manifest_add_frame(w->manifest, entry);
}

int
et_writer_put_frame(struct et_writer *w, struct et_packing *packing, struct et_slice raw,
		    struct et_frame_entry *entry, struct et_error *err)
{
	struct et_slice packed;
	int r;

	et_buf_reset(&w->scratch);
	r = et_frame_pack(packing->packer, raw, &w->scratch, err);
	if (r < 0)
		return r;
	packed = (struct et_slice){ w->scratch.data, w->scratch.size };
	entry->offset = w->offset;
	entry->raw_bytes = raw.size;
	entry->packed_bytes = packed.size;
	et_hasher_once(packing->hasher, packed.data, packed.size, &entry->sha256);
	et_writer_note(w, entry, packed);
	return et_writer_put(w, packed, err);
}

int
et_writer_member(struct et_writer *w, struct et_packing *packing, const char *name, uint64_t bytes,
		 int64_t mtime_ns, struct et_frame_entry *ret_tar, struct et_error *err)
{
	struct et_slice blocks;
	int r = et_tar_member(w->tar, name, bytes, mtime_ns, &blocks, err);

	if (r < 0)
		return r;
	*ret_tar = (struct et_frame_entry){ .kind = ET_FRAME_TAR };
	(void)et_manifest_add_member(w->manifest, name, bytes);
	return et_writer_put_frame(w, packing, blocks, ret_tar, err);
}

int
et_writer_header(struct et_writer *w, struct et_packing *packing, int64_t mtime_ns,
		 struct et_frame_entry ret[2], struct et_error *err)
{
	struct et_buf text;
	struct et_slice raw;
	int r;

	et_buf_init(&text, ET_HEADER_BYTES_MAX);
	et_archive_header_encode(w->options.stream, w->options.identity, &text);
	raw = (struct et_slice){ text.data, text.size };
	r = et_writer_member(w, packing, ET_ARCHIVE_HEADER, raw.size, mtime_ns, &ret[0], err);
	ret[1] = (struct et_frame_entry){ .kind = ET_FRAME_HEADER };
	if (r == 0)
		r = et_tar_data(w->tar, raw, err);
	if (r == 0)
		r = et_writer_put_frame(w, packing, raw, &ret[1], err);
	et_buf_done(&text);
	return r;
}

int
et_writer_check(const struct et_writer *w, struct et_packing *packing,
		const struct et_frame_entry *entry, const uint8_t *raw, struct et_error *err)
{
	struct et_sha256 digest;
	struct et_slice back;
	uint8_t *to;
	int r = et_fault_point("read back", err);

	et_buf_reset(&packing->back);
	to = et_buf_reserve(&packing->back, entry->packed_bytes);
	if (r == 0)
		r = et_frame_read(w->back_fd, entry->offset, UINT64_MAX, to, entry->packed_bytes,
				  err);
	if (r == 0) {
		et_hasher_once(packing->hasher, to, entry->packed_bytes, &digest);
		if (memcmp(&digest, &entry->sha256, sizeof(digest)) != 0)
			r = et_error_set(err, ET_CORRUPT, "digest differs");
	}
	if (r == 0)
		r = et_frame_unpack(packing->unpacker, (struct et_slice){ to, entry->packed_bytes },
				    entry->raw_bytes, &back, err);
	if (r == 0 && (back.size != entry->raw_bytes ||
		       (raw != NULL && memcmp(back.data, raw, entry->raw_bytes) != 0)))
		r = et_error_set(err, ET_CORRUPT, "content differs");
	if (r < 0)
		return et_error_wrap(err, r, "read back %s: frame at %" PRIu64,
				     et_atomicfile_temporary_path(w->file), entry->offset);
	return 0;
}

static int
stage_new(void *cookie, void **ret, struct et_error *err)
{
	struct et_writer *w = cookie;
	struct et_packing *packing;
	int r = et_packing_new(w->options.level, &w->options.rows, &packing, err);

	if (r == 0)
		*ret = packing;
	return r;
}

static void
stage_free(void *worker)
{
	et_packing_free(worker);
}

static int
stage_work(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_writer *w = cookie;

	return et_segment_pack(&w->segments[slot], worker, &w->options.rows, err);
}

static void
add_counts(struct et_archive_counts *to, const struct et_archive_counts *more)
{
	to->messages += more->messages;
	to->events += more->events;
	to->registrations += more->registrations;
	to->foreign += more->foreign;
	to->malformed += more->malformed;
	to->rows += more->rows;
}

/* Rows are kept as sorted runs; the finish merges them. */
static int
keep_rows(struct et_writer *w, const struct et_rows *run, struct et_error *err)
{
	size_t need = w->rows.count + run->count;

	if (need > UINT32_MAX)
		return et_error_set(err, ET_LIMIT, "more than %" PRIu32 " rows in one archive",
				    UINT32_MAX);
	if (need > w->rows.capacity) {
		/* Touched only as far as it is used: the usual archive never moves its rows. */
		size_t capacity = w->rows.capacity > 0 ? w->rows.capacity * 2
						       : ET_ARCHIVE_ROWS + ET_SEGMENT_RECORDS;

		w->rows.capacity = capacity > need ? capacity : need;
		w->rows.rows =
			et_realloc_array(w->rows.rows, w->rows.capacity, sizeof(*w->rows.rows));
	}
	if (w->run_count == w->run_capacity) {
		w->run_capacity = w->run_capacity > 0 ? w->run_capacity * 2 : 64;
		w->runs = et_realloc_array(w->runs, w->run_capacity, sizeof(*w->runs));
	}
	w->runs[w->run_count++] = w->rows.count;
	memcpy(w->rows.rows + w->rows.count, run->rows, run->count * sizeof(*run->rows));
	w->rows.count = need;
	atomic_store(&w->rows_seen, need);
	return 0;
}

static int
write_segment(struct et_writer *w, struct et_packing *packing, struct et_segment *segment,
	      struct et_error *err)
{
	size_t number = w->manifest->member_count;
	char name[ET_MEMBER_NAME_MAX + 1];
	struct et_slice packed = { segment->packed.data, segment->packed.size };
	int64_t mtime = segment->last_record_time_ns;
	int r = 0;

	if (number == 0) {
		r = et_writer_header(w, packing, mtime, segment->around, err);
		segment->around_count = 2;
		number = 1;
	}
	(void)snprintf(name, sizeof(name), ET_ARCHIVE_RECORDS, number - 1);
	if (r == 0)
		r = et_writer_member(w, packing, name, segment->raw.size, mtime,
				     &segment->around[segment->around_count++], err);
	if (r == 0)
		r = et_tar_data(w->tar, (struct et_slice){ segment->raw.data, segment->raw.size },
				err);
	if (r < 0)
		return r;
	segment->offset = w->offset;
	for (size_t i = 0; i < segment->frame_count; i++) {
		struct et_frame_entry entry = segment->frames[i];

		entry.offset += segment->offset;
		et_writer_note(w, &entry,
			       (struct et_slice){ packed.data + segment->frames[i].offset,
						  entry.packed_bytes });
	}
	r = et_writer_put(w, packed, err);
	/* Only so that the fsync at the end finds little to do: it may fail. */
	(void)sync_file_range(et_atomicfile_fd(w->file), (off_t)segment->offset, (off_t)packed.size,
			      SYNC_FILE_RANGE_WRITE);
	return r;
}

static int
stage_commit(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_writer *w = cookie;
	struct et_segment *segment = &w->segments[slot];
	struct et_statement *st = &w->manifest->statement;
	int r;

	w->options.tree.push(w->options.tree.cookie, segment->leaves, segment->count);
	r = write_segment(w, worker, segment, err);
	if (r == 0)
		r = keep_rows(w, &segment->rows, err);
	if (r < 0)
		return r;
	add_counts(&st->counts, &segment->counts);
	st->raw_bytes += segment->raw.size;
	for (size_t i = 0; i < segment->frame_count; i++) {
		const struct et_frame_entry *frame = &segment->frames[i];

		if (st->first_time_ns == ET_TIME_NONE || frame->first_time_ns < st->first_time_ns)
			st->first_time_ns = frame->first_time_ns;
		if (st->last_time_ns == ET_TIME_NONE || frame->last_time_ns > st->last_time_ns)
			st->last_time_ns = frame->last_time_ns;
	}
	return 0;
}

static int
stage_after(void *cookie, void *worker, unsigned slot, struct et_error *err)
{
	struct et_writer *w = cookie;
	struct et_segment *segment = &w->segments[slot];
	const uint8_t *raw = segment->raw.data;
	int r = 0;

	for (unsigned i = 0; i < segment->around_count && r == 0; i++)
		r = et_writer_check(w, worker, &segment->around[i], NULL, err);
	for (size_t i = 0; i < segment->frame_count && r == 0; i++) {
		struct et_frame_entry entry = segment->frames[i];

		entry.offset += segment->offset;
		r = et_writer_check(w, worker, &entry, raw, err);
		raw += entry.raw_bytes;
	}
	et_segment_reset(segment);
	return r;
}

/* Both become parts of paths and of JSON: letters, digits and a few signs, not a dot in front. */
static bool
name_is_good(const char *name)
{
	size_t bytes = name != NULL ? strlen(name) : 0;

	return bytes > 0 && bytes <= NAME_BYTES_MAX && *name != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       bytes;
}

static int
check_options(const struct et_archive_options *options, uint64_t first_seq, struct et_error *err)
{
	if (options->dir == NULL || options->rows.make == NULL || options->tree.push == NULL ||
	    options->tree.head == NULL)
		return et_error_set(err, ET_USAGE, "an archive needs a directory and its hooks");
	if (!name_is_good(options->stream) || !name_is_good(options->identity))
		return et_error_set(err, ET_USAGE,
				    "stream '%s' and identity '%s' cannot be a file name",
				    options->stream != NULL ? options->stream : "",
				    options->identity != NULL ? options->identity : "");
	if (first_seq == 0)
		return et_error_set(err, ET_USAGE, "sequences begin at 1");
	return 0;
}

static void
copy_options(struct et_writer *w, const struct et_archive_options *options)
{
	w->options = *options;
	w->options.dir = et_strdup(options->dir);
	w->options.stream = et_strdup(options->stream);
	w->options.identity = et_strdup(options->identity);
	if (w->options.segment_bytes == 0 || w->options.segment_bytes > ET_SEGMENT_BYTES)
		w->options.segment_bytes = ET_SEGMENT_BYTES;
	if (w->options.frame_bytes == 0 || w->options.frame_bytes > w->options.segment_bytes)
		w->options.frame_bytes = ET_FRAME_BYTES;
	if (w->options.jobs > JOBS_MAX)
		w->options.jobs = JOBS_MAX;
	w->segment_count = w->options.jobs > 0 ? w->options.jobs + 2 : 1;
	w->segments = et_calloc(w->segment_count, sizeof(*w->segments));
	for (unsigned i = 0; i < w->segment_count; i++)
		et_segment_init(&w->segments[i]);
}

/* The temporary name carries the first sequence only: the last is not known yet. */
static int
open_files(struct et_writer *w, struct et_error *err)
{
	ET_CLEAN_MEM char *name = et_format("%s-%020" PRIu64, w->options.stream, w->next_seq);
	int r = et_dir_make(w->options.dir, err);

	if (r == 0)
		r = et_atomicfile_open(w->options.dir, name, &w->file, err);
	if (r < 0)
		return r;
	w->back_fd = open(et_atomicfile_temporary_path(w->file), O_RDONLY | O_CLOEXEC);
	if (w->back_fd < 0)
		return et_error_errno(err, errno, "open %s", et_atomicfile_temporary_path(w->file));
	return 0;
}

int
et_writer_open(const struct et_archive_options *options, uint64_t first_seq, struct et_writer **ret,
	       struct et_error *err)
{
	static const struct et_pipeline_stages stages = {
		.worker_new = stage_new,
		.worker_free = stage_free,
		.work = stage_work,
		.commit = stage_commit,
		.after = stage_after,
	};
	ET_CLEAN(et_writer) struct et_writer *w = NULL;
	int r = check_options(options, first_seq, err);

	if (r < 0)
		return r;
	w = et_calloc(1, sizeof(*w));
	w->back_fd = -1;
	w->next_seq = first_seq;
	copy_options(w, options);
	w->file_hasher = et_hasher_new();
	et_hasher_begin(w->file_hasher);
	et_buf_init(&w->scratch, (size_t)2 * ET_FRAME_PACKED_MAX);
	w->manifest = et_manifest_new();
	w->manifest->statement.stream = et_strdup(options->stream);
	w->manifest->statement.identity = et_strdup(options->identity);
	w->manifest->statement.first_seq = first_seq;
	options->tree.head(options->tree.cookie, &w->manifest->statement.before);
	r = et_tar_new(&w->tar, err);
	if (r == 0)
		r = et_packing_new(w->options.level, &w->options.rows, &w->own, err);
	if (r == 0)
		r = open_files(w, err);
	if (r == 0)
		r = et_pipeline_new(&stages, w, w->options.jobs, w->segment_count, &w->pipeline,
				    err);
	if (r < 0)
		return et_error_wrap(err, r, "begin an archive in %s", options->dir);
	*ret = ET_STEAL(w);
	return 0;
}
