// SPDX-License-Identifier: Apache-2.0
/* When something broke: incidents and hours, for people and for programs. */
#include <inttypes.h>
#include <jansson.h>

#include "base/buf.h"
#include "report/json_part.h"
#include "report/table.h"

#define SHOWN 10u
#define HOURS_SHOWN 12u
#define TYPES_BYTES 256u
#define BAR_WIDTH 40u

static int
newest_first(const void *a, const void *b)
{
	const struct et_incident *x = (*(const struct et_report_incident *const *)a)->incident;
	const struct et_incident *y = (*(const struct et_report_incident *const *)b)->incident;

	if (x->end_ns != y->end_ns)
		return x->end_ns > y->end_ns ? -1 : 1;
	return x->start_ns > y->start_ns ? -1 : x->start_ns < y->start_ns;
}

/* The most important ones, at most `most`, newest first. Returns how many. */
static size_t
sorted(const struct et_report_incidents *incidents, size_t most,
       const struct et_report_incident *list[ET_INCIDENTS_KEPT])
{
	size_t count = incidents->count < most ? incidents->count : most;

	for (size_t i = 0; i < count; i++)
		list[i] = &incidents->list[i];
	if (count > 0)
		qsort(list, count, sizeof(const struct et_report_incident *), newest_first);
	return count;
}

static const char *
kind_name(unsigned kind)
{
	return kind != ET_KIND_UNKNOWN ? et_kind_info(kind)->name : "unknown";
}

/* ---- for programs ---- */

static json_t *
types_of(const struct et_incident *incident)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < ET_KIND_COUNT; i++)
		if (incident->kinds[i] > 0)
			et_json_put(object, kind_name(i), et_json_number(incident->kinds[i]));
	return object;
}

static json_t *
incident_of(const struct et_report_incident *reported)
{
	const struct et_incident *incident = reported->incident;
	json_t *object = json_object();
	json_t *devices = json_array();
	json_t *owners = json_array();

	et_json_put(object, "start", et_json_of_time(incident->start_ns));
	et_json_put(object, "end", et_json_of_time(incident->end_ns));
	et_json_put(object, "bounds", json_string(et_incident_bounds_name(incident->bounds)));
	et_json_put(object, "lost", et_json_number(incident->lost));
	et_json_put(object, "certain", et_json_number(incident->certain));
	et_json_put(object, "new", et_json_number(incident->new_ones));
	et_json_put(object, "recoverable", et_json_number(incident->recoverable));
	et_json_put(object, "types", types_of(incident));
	et_json_put(object, "devices", et_json_number(incident->devices));
	et_json_put(object, "more_devices", json_boolean(incident->more_devices));
	for (size_t i = 0; i < incident->devices && i < ET_INCIDENT_DEVICES; i++) {
		char id[ET_UUID_TEXT_BYTES];

		et_uuid_format(&incident->named[i].key, id);
		et_json_append(devices, json_string(id));
	}
	et_json_put(object, "device_ids", devices);
	for (size_t i = 0; i < reported->owner_count; i++)
		et_json_append(owners, et_json_of_text(reported->owners[i]));
	et_json_put(object, "owners", owners);
	return object;
}

void
et_json_incidents(json_t *object, const struct et_report_incidents *incidents)
{
	const struct et_report_incident *list[ET_INCIDENTS_KEPT];
	size_t count = sorted(incidents, ET_INCIDENTS_KEPT, list);
	json_t *array = json_array();
	json_t *hours = json_array();

	for (size_t i = 0; i < count; i++)
		et_json_append(array, incident_of(list[i]));
	et_json_put(object, "incidents", array);
	et_json_put(object, "incidents_total", et_json_number(incidents->total));
	for (size_t i = incidents->hour_count; i-- > 0;) {
		json_t *hour = json_object();

		et_json_put(hour, "hour", et_json_of_time(incidents->hours[i].start_ns));
		et_json_put(hour, "lost", et_json_number(incidents->hours[i].lost));
		et_json_append(hours, hour);
	}
	et_json_put(object, "per_hour", hours);
	et_json_put(object, "per_hour_earlier", et_json_number(incidents->earlier));
}

/* ---- for people ---- */

/* "resourcechanged 34, unknown 5", the most frequent first. */
static char *
types_words(const struct et_incident *incident)
{
	uint64_t left[ET_KIND_COUNT];
	struct et_buf words;
	char *text;

	memcpy(left, incident->kinds, sizeof(left));
	et_buf_init(&words, 4096);
	while (true) {
		char number[ET_TEXT_NUMBER_BYTES];
		unsigned most = 0;

		for (unsigned i = 1; i < ET_KIND_COUNT; i++)
			if (left[i] > left[most])
				most = i;
		if (left[most] == 0)
			break;
		et_buf_format(&words, "%s%s %s", words.size > 0 ? ", " : "", kind_name(most),
			      et_text_number(left[most], number));
		left[most] = 0;
	}
	text = et_strdup(et_buf_cstr(&words));
	et_buf_done(&words);
	return text;
}

static void
put_row(struct libscols_table *table, const struct et_report_incident *reported, unsigned width)
{
	const struct et_incident *incident = reported->incident;
	ET_CLEAN_MEM char *types = types_words(incident);
	struct libscols_line *line = et_table_row(table);
	char text[ET_TABLE_RANGE_BYTES];

	et_table_cell(line, 0, et_table_range(incident->start_ns, incident->end_ns, text));
	et_table_cell(line, 1, et_incident_bounds_name(incident->bounds));
	et_table_number(line, 2, incident->lost);
	et_table_number(line, 3, incident->new_ones);
	et_table_number(line, 4, incident->devices);
	et_table_number(line, 5, incident->recoverable);
	if (reported->owner_count > 1)
		et_table_number(line, 6, reported->owner_count);
	else
		et_table_id(line, 6, reported->owner_count > 0 ? reported->owners[0] : NULL, width);
	et_table_cell(line, 7, types);
}

static void
put_legend(const struct et_report_incident *const *list, size_t count, FILE *out)
{
	bool bounds[] = { false, false, false };

	for (size_t i = 0; i < count; i++)
		bounds[list[i]->incident->bounds] = true;
	if (bounds[ET_INCIDENT_BRACKET])
		(void)fputs("bracket: it was some time between the two\n", out);
	if (bounds[ET_INCIDENT_SILENCE])
		(void)fputs("silence: from the one to the other nothing at all was published\n",
			    out);
}

static void
put_incidents(const struct et_report_incidents *incidents, FILE *out, unsigned width)
{
	static const struct et_table_column columns[] = {
		{ "TIME (UTC)", 0 },           { "BOUNDS", 0 },
		{ "LOST", ET_TABLE_RIGHT },    { "NEW", ET_TABLE_RIGHT },
		{ "DEVICES", ET_TABLE_RIGHT }, { "RECOV.", ET_TABLE_RIGHT },
		{ "OWNERS", ET_TABLE_RIGHT },  { "TYPES", ET_TABLE_TRUNC },
	};
	const struct et_report_incident *list[ET_INCIDENTS_KEPT];
	size_t count = sorted(incidents, SHOWN, list);
	struct libscols_table *table;
	char shown[ET_TEXT_NUMBER_BYTES];
	char all[ET_TEXT_NUMBER_BYTES];

	(void)fprintf(out, "\nincidents, %s of %s, newest first\n", et_text_number(count, shown),
		      et_text_number(incidents->total, all));
	table = et_table_new(out, width, columns, ET_COUNT(columns));
	for (size_t i = 0; i < count; i++)
		put_row(table, list[i], width);
	et_table_print(table);
	if (incidents->total > count)
		(void)fprintf(out, "and %s smaller ones\n",
			      et_text_number(incidents->total - count, all));
	put_legend(list, count, out);
}

static void
put_hours(const struct et_report_incidents *incidents, FILE *out)
{
	size_t first =
		incidents->hour_count > HOURS_SHOWN ? incidents->hour_count - HOURS_SHOWN : 0;
	uint64_t earlier = incidents->earlier;
	uint64_t most = 1;
	char number[ET_TEXT_NUMBER_BYTES];

	for (size_t i = 0; i < first; i++)
		earlier += incidents->hours[i].lost;
	for (size_t i = first; i < incidents->hour_count; i++)
		if (incidents->hours[i].lost > most)
			most = incidents->hours[i].lost;
	(void)fputs("\nlost per hour (UTC)\n", out);
	if (earlier > 0)
		(void)fprintf(out, "%-16s %9s\n", "earlier", et_text_number(earlier, number));
	for (size_t i = first; i < incidents->hour_count; i++) {
		const struct et_incident_hour *hour = &incidents->hours[i];
		unsigned bar = (unsigned)((double)hour->lost / (double)most * BAR_WIDTH + 0.5);
		char time[ET_TIME_TEXT_BYTES];

		(void)et_time_format(hour->start_ns, time);
		(void)fprintf(out, "%.10s %.5s %9s ", time, time + 11,
			      et_text_number(hour->lost, number));
		for (unsigned j = 0; j < (bar > 0 ? bar : 1); j++)
			(void)fputc('#', out);
		(void)fputc('\n', out);
	}
}

void
et_text_incidents(const struct et_report *report, FILE *out, unsigned width)
{
	if (report->incidents.count == 0)
		return;
	put_incidents(&report->incidents, out, width);
	/* Of a single one the line above says it. */
	if (report->incidents.hour_count > 1)
		put_hours(&report->incidents, out);
}
