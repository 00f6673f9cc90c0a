// SPDX-License-Identifier: Apache-2.0
/* manifest.json, and header.json: what is taken is written and read again as the same text. */
#include <stdlib.h>
#include <string.h>

#include "archive/format.h"
#include "archive/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool good)
{
	if (!good)
		abort();
}

static struct et_slice
encode(const struct et_manifest *manifest, struct et_buf *text)
{
	struct et_error err = { 0 };

	et_buf_init(text, ET_MANIFEST_BYTES_MAX);
	check(et_manifest_encode(manifest, text, &err) == 0);
	return (struct et_slice){ text->data, text->size };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct et_slice text = { data, bytes };
	ET_CLEAN(et_manifest) struct et_manifest *manifest = NULL;
	ET_CLEAN(et_manifest) struct et_manifest *again = NULL;
	struct et_error err = { 0 };
	struct et_slice slices[2];
	struct et_buf texts[2];

	check((et_archive_header_check(text, NULL, NULL, &err) < 0) == (err.text[0] != '\0'));
	err = (struct et_error){ 0 };
	if (et_manifest_decode(text, &manifest, &err) < 0) {
		check(err.text[0] != '\0' && manifest == NULL);
		return 0;
	}
	slices[0] = encode(manifest, &texts[0]);
	check(et_manifest_decode(slices[0], &again, &err) == 0);
	slices[1] = encode(again, &texts[1]);
	check(slices[0].size == slices[1].size);
	check(memcmp(slices[0].data, slices[1].data, slices[0].size) == 0);
	et_buf_done(&texts[0]);
	et_buf_done(&texts[1]);
	return 0;
}
