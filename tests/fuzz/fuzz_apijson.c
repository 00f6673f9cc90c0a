// SPDX-License-Identifier: Apache-2.0
/* Answers of JetStream: what it says of a stream, and a message. Whatever cannot be read is an
 * error with words; of what can be read the names, numbers and headers hold. */
#include <stdlib.h>
#include <string.h>

#include "event/record.h"
#include "stream/apijson.h"
#include "stream/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
read_info(struct et_slice text)
{
	struct et_stream_info info = { .name = NULL };
	struct et_error err = { 0 };

	if (et_stream_info_parse(text, &info, &err) < 0) {
		check(err.text[0] != '\0' && info.name == NULL && info.config_json == NULL);
		return;
	}
	check(info.name != NULL && info.config_json != NULL && info.created_ns != ET_TIME_NONE);
	check(info.identity[0] != '\0' && strpbrk(info.identity, ":-/") == NULL);
	check(info.messages > 0 || info.first_seq > info.last_seq);
	et_stream_info_done(&info);
	check(info.name == NULL);
}

/* The record can be archived and read again the same. */
static void
archive(const struct et_record *record)
{
	struct et_header_walk walk = et_header_walk_of(record);
	struct et_record again = { 0 };
	struct et_header header;
	struct et_buf out;
	size_t leaf = 0;
	int r;

	et_buf_init(&out, 1 << 22);
	et_record_append(&out, record, &leaf);
	check(et_record_read((struct et_slice){ out.data + leaf, out.size - leaf }, &again, NULL) ==
	      0);
	check(again.seq == record->seq && again.time_ns == record->time_ns);
	check(again.headers.size == record->headers.size && again.body.size == record->body.size);
	while ((r = et_header_next(&walk, &header)) > 0)
		;
	check(r == 0);
	et_buf_done(&out);
}

static void
read_message(struct et_slice text)
{
	struct et_error err = { 0 };
	struct et_record record;
	struct et_buf out;

	et_buf_init(&out, 1 << 20);
	if (et_stream_get_parse(text, &out, &record, &err) == 0)
		archive(&record);
	else
		check(err.text[0] != '\0');
	et_buf_done(&out);
}

static void
read_fields(struct et_slice text)
{
	static const char *const keys[] = { "total", "created", "type", "state" };
	ET_CLEAN_JSON json_t *json = NULL;
	struct et_error err = { 0 };
	const char *word;
	uint64_t number;
	int64_t time;
	int r;

	r = et_apijson_read(text, &json, &err);
	check((r < 0) == (err.text[0] != '\0') && (r < 0) == (json == NULL));
	check(et_api_reply_error(text, NULL) == r);
	for (size_t i = 0; r == 0 && i < ET_COUNT(keys); i++) {
		const json_t *value = json_object_get(json, keys[i]);

		check((et_apijson_text(json, keys[i], &word, NULL) == 0) == json_is_string(value));
		check(et_apijson_u64(json, keys[i], &number, NULL) < 0 || value == NULL ||
		      json_is_integer(value));
		check(et_apijson_time(json, keys[i], &time, NULL) < 0 || value == NULL ||
		      json_is_string(value));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct et_slice text = { data, bytes };

	read_fields(text);
	read_info(text);
	read_message(text);
	return 0;
}
