/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "command/status.h"
#include "command/verbs.h"
#include "event/ident.h"
#include "event/subject.h"

static struct et_slice
slice_of(const char *text)
{
	return (struct et_slice){ (const uint8_t *)text, strlen(text) };
}

static int
print_one(const struct et_options *options, const char *what, const char *value)
{
	if (options->json)
		et_print_json(json_pack("{s:s%}", what, value, strlen(value)));
	else
		(void)puts(value);
	return ET_STATUS_CLEAN;
}

static int
print_owner(const struct et_options *options)
{
	struct et_buf out;
	int r;

	et_buf_init(&out, 65536);
	et_ident_owner(&out, slice_of(options->arguments[1]));
	r = print_one(options, "owner", et_buf_cstr(&out));
	et_buf_done(&out);
	return r;
}

static int
print_uuid(const struct et_options *options, const char *what, const struct et_uuid *uuid)
{
	char text[ET_UUID_TEXT_BYTES];

	et_uuid_format(uuid, text);
	return print_one(options, what, text);
}

static const char *
branch_name(enum et_subject_branch branch)
{
	static const char *const names[] = { [ET_SUBJECT_FOREIGN] = "not the hub's",
					     [ET_SUBJECT_REGISTRATIONS] = "registrations",
					     [ET_SUBJECT_LINKS] = "resource-links",
					     [ET_SUBJECT_METADATA] = "metadata",
					     [ET_SUBJECT_RESOURCES] = "resources" };

	return names[branch];
}

static int
print_subject(const struct et_options *options)
{
	struct et_subject subject = et_subject_read(slice_of(options->arguments[1]));
	const struct {
		const char *name;
		struct et_slice value;
	} parts[] = { { "branch", slice_of(branch_name(subject.branch)) },
		      { "owner", subject.owner },
		      { "device", subject.device },
		      { "resource", subject.resource },
		      { "type", subject.type },
		      { "suffix", subject.suffix } };
	json_t *root = json_object();

	for (size_t i = 0; i < ET_COUNT(parts); i++) {
		const char *value =
			parts[i].value.size > 0 ? (const char *)parts[i].value.data : "";

		if (options->json)
			(void)json_object_set_new(root, parts[i].name,
						  json_stringn(value, parts[i].value.size));
		else if (parts[i].value.size > 0)
			(void)printf("%-9s %.*s\n", parts[i].name, (int)parts[i].value.size, value);
	}
	if (options->json)
		et_print_json(root);
	else
		json_decref(root);
	return ET_STATUS_CLEAN;
}

int
et_verb_id(const struct et_options *options, struct et_error *err)
{
	const char *what = options->argument_count > 0 ? options->arguments[0] : "";
	struct et_uuid uuid;

	for (size_t i = 1; i < options->argument_count; i++)
		if (options->arguments[i][0] == '\0')
			return et_error_set(err, ET_USAGE, "id %s: argument %zu is empty", what, i);
	if (options->argument_count == 2 && strcmp(what, "owner") == 0)
		return print_owner(options);
	if (options->argument_count == 2 && strcmp(what, "subject") == 0)
		return print_subject(options);
	if (options->argument_count == 2 && strcmp(what, "href") == 0) {
		uuid = et_ident_href(slice_of(options->arguments[1]));
		return print_uuid(options, "href_id", &uuid);
	}
	if (options->argument_count == 3 && strcmp(what, "aggregate") == 0) {
		uuid = et_ident_aggregate(slice_of(options->arguments[1]),
					  slice_of(options->arguments[2]));
		return print_uuid(options, "aggregate_id", &uuid);
	}
	(void)et_error_set(err, ET_USAGE, "id of what?");
	et_error_hint(err,
		      "id owner CLAIM, id href HREF, id aggregate DEVICE HREF, id subject SUBJECT");
	return ET_USAGE;
}
