/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>

#include "base/log.h"
#include "command/state.h"
#include "command/status.h"
#include "command/verbs.h"

int
et_verb_reindex(const struct et_options *options, struct et_error *err)
{
	ET_CLEAN(et_state) struct et_state *state = NULL;
	struct et_caught_up caught = { 0 };
	enum et_status status;
	int r;

	r = et_state_open(options, ET_STATE_REINDEX, &state, err);
	if (r < 0)
		return r;
	/* One transaction: a reindex that is killed leaves the coverage as it was. */
	r = et_catalog_begin(state->catalog, err);
	if (r == 0)
		r = et_catalog_forget_coverage(state->catalog, err);
	if (r == 0)
		r = et_state_catch_up(state, &caught, err);
	if (r == 0)
		r = et_catalog_commit(state->catalog, err);
	if (r < 0) {
		et_catalog_rollback(state->catalog);
		return r;
	}
	status = caught.gaps > 0 ? ET_STATUS_INCOMPLETE : ET_STATUS_CLEAN;
	if (options->json)
		et_print_json(json_pack("{s:{s:s,s:s},s:s,s:s,s:i,s:I,s:I}", "tool", "name",
					"evtrail", "version", PACKAGE_VERSION, "command", "reindex",
					"verdict", et_status_word(status), "exit_status",
					(int)status, "archives", (json_int_t)caught.archives,
					"gaps", (json_int_t)caught.gaps));
	else if (!options->quiet)
		(void)printf("coverage was made again from %" PRIu64 " archive%s\n",
			     caught.archives, caught.archives == 1 ? "" : "s");
	return (int)status;
}
