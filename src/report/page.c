// SPDX-License-Identifier: Apache-2.0
/* What the texts for people are made of. */
#include "report/text.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "report/clean.h"

#define WIDTH_DEFAULT 80u
#define WIDTH_MIN 40u

unsigned
et_text_width(unsigned width)
{
	if (width == 0)
		return WIDTH_DEFAULT;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

const char *
et_text_number(uint64_t number, char text[ET_TEXT_NUMBER_BYTES])
{
	char digits[21];
	int count = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *out = text;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

const char *
et_text_time(int64_t time_ns, char text[ET_TIME_TEXT_BYTES])
{
	char *fraction;

	(void)et_time_format(time_ns, text);
	fraction = strchr(text, '.');
	if (fraction != NULL)
		memcpy(fraction, "Z", sizeof("Z"));
	return text;
}

/* Seconds with one digit behind the point, as long as that is what one wants to know. */
const char *
et_text_duration(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES])
{
	if (duration_ns < 100 * ET_NS_PER_SECOND)
		(void)snprintf(text, ET_TIME_TEXT_BYTES, "%.1f s",
			       (double)duration_ns / (double)ET_NS_PER_SECOND);
	else
		(void)et_duration_format(duration_ns / ET_NS_PER_SECOND * ET_NS_PER_SECOND, text);
	return text;
}

/* "label     text", the text wrapped at blanks into its own column. */
static void
put_lines(FILE *out, const char *label, unsigned width, const char *text)
{
	const size_t room = width - 10;

	for (size_t line = 0; line == 0 || *text != '\0'; line++) {
		size_t bytes = strlen(text);

		if (bytes > room) {
			for (bytes = room; bytes > 0 && text[bytes] != ' '; bytes--)
				;
			if (bytes == 0)
				bytes = room; /* one long word */
		}
		if (bytes == 0)
			(void)fprintf(out, "%s\n", label);
		else
			(void)fprintf(out, "%-10s%.*s\n", line == 0 ? label : "", (int)bytes, text);
		text += bytes;
		while (*text == ' ')
			text++;
	}
}

void
et_text_put(FILE *out, const char *label, unsigned width, const char *format, ...)
{
	ET_CLEAN_MEM char *text = NULL;
	ET_CLEAN_MEM char *clean = NULL;
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	text = et_alloc((size_t)bytes + 1);
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)bytes + 1, format, arguments);
	va_end(arguments);
	clean = et_clean_ascii(text);
	put_lines(out, label, width, clean);
}
