// SPDX-License-Identifier: Apache-2.0
/* INI text as the configuration file. A key sets its own field and no other; what was read is
 * written as the text of a file and read again the same. The text itself is also a size, a
 * duration and a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "command/option_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define NUMBER_BEFORE UINT64_C(0x5a5a5a5a5a5a5a5a)

static void
check(bool good)
{
	if (!good)
		abort();
}

static void *
field_of(const struct et_options *options, const struct et_option_row *row)
{
	return (void *)((uintptr_t)options + row->offset);
}

static bool
is_text(const struct et_option_row *row)
{
	return row->type == TEXT || row->type == PATH;
}

static bool
is_number(const struct et_option_row *row)
{
	return !is_text(row) && row->type != FLAG;
}

static void
prepare(struct et_options *options)
{
	*options = (struct et_options){ .verb = ET_VERB_NONE };
	for (size_t i = 0; i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL && is_number(&et_option_rows[i]))
			*(uint64_t *)field_of(options, &et_option_rows[i]) = NUMBER_BEFORE;
}

/* A line of a file that says the same. */
static void
write_value(struct et_buf *out, const struct et_option_row *row, const struct et_options *options)
{
	char text[ET_TIME_TEXT_BYTES];
	uint64_t number;

	if (row->type == FLAG) {
		et_buf_format(out, "%s = %s\n", row->name,
			      *(bool *)field_of(options, row) ? "yes" : "no");
		return;
	}
	number = *(uint64_t *)field_of(options, row);
	if (number == NUMBER_BEFORE)
		return;
	if (row->type == DURATION)
		et_buf_format(out, "%s = %s\n", row->name,
			      et_duration_format((int64_t)number, text));
	else if (row->type == POINT)
		et_buf_format(out, "%s = %s\n", row->name, et_time_format((int64_t)number, text));
	else
		et_buf_format(out, "%s = %" PRIu64 "\n", row->name, number);
}

static void
write_again(const struct et_options *options)
{
	struct et_options again;
	struct et_buf out;

	et_buf_init(&out, 1 << 20);
	et_buf_format(&out, "[evtrail]\n");
	for (size_t i = 0; i < et_option_row_count; i++)
		if (et_option_rows[i].name != NULL && !is_text(&et_option_rows[i]))
			write_value(&out, &et_option_rows[i], options);
	prepare(&again);
	check(et_options_parse_config("again", et_buf_cstr(&out), &again, NULL) == 0);
	for (size_t i = 0; i < et_option_row_count; i++) {
		const struct et_option_row *row = &et_option_rows[i];

		if (row->name == NULL || is_text(row))
			continue;
		if (row->type == FLAG)
			check(*(bool *)field_of(&again, row) == *(bool *)field_of(options, row));
		else
			check(*(uint64_t *)field_of(&again, row) ==
			      *(uint64_t *)field_of(options, row));
	}
	et_options_done(&again);
	et_buf_done(&out);
}

/* A field whose key is nowhere in the text is as it was. */
static void
check_others(const char *text, const struct et_options *options)
{
	for (size_t i = 0; i < et_option_row_count; i++) {
		const struct et_option_row *row = &et_option_rows[i];

		if (row->name == NULL || strstr(text, row->name) != NULL)
			continue;
		if (is_text(row))
			check(*(char **)field_of(options, row) == NULL);
		else if (row->type == FLAG)
			check(!*(bool *)field_of(options, row));
		else
			check(*(uint64_t *)field_of(options, row) == NUMBER_BEFORE);
	}
}

static void
read_as_value(const char *text)
{
	char shown[ET_TIME_TEXT_BYTES];
	uint64_t number;
	int64_t again;
	int64_t time;

	(void)!et_number_parse(text, &number, NULL);
	(void)!et_size_parse(text, &number, NULL);
	if (et_duration_parse(text, &time, NULL) == 0) {
		check(time >= 0);
		check(et_duration_parse(et_duration_format(time, shown), &again, NULL) == 0);
		check(again == time);
	}
	if (et_time_parse(text, &time, NULL) == 0) {
		check(et_time_parse(et_time_format(time, shown), &again, NULL) == 0);
		check(again == time);
	}
	(void)!et_time_parse_point(text, 0, &time, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = et_strndup((const char *)data, bytes);
	struct et_error err = { 0 };
	struct et_options options;
	int r;

	prepare(&options);
	r = et_options_parse_config("evtrail.conf", text, &options, &err);
	check(r == 0 || (r == ET_CONFIG && strncmp(err.text, "evtrail.conf:", 13) == 0));
	check_others(text, &options);
	if (r == 0)
		write_again(&options);
	et_options_done(&options);
	read_as_value(text);
	free(text);
	return 0;
}
