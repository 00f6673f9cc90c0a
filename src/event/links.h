/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hrefs that a resource-links event adds or takes away (docs/plgd.md, Event
 * types), for the rule on forced commands.
 */
#ifndef ET_EVENT_LINKS_H
#define ET_EVENT_LINKS_H

#include "event/envelope.h"

enum et_links_act { ET_LINKS_ADD, ET_LINKS_REMOVE, ET_LINKS_REPLACE };

struct et_links_walk {
	enum et_kind kind;
	struct et_cursor cursor;
};
/* ET_LINKS_ADD for published, REMOVE for unpublished (no href at all: everything goes), REPLACE for
 * a snapshot. */
enum et_links_act et_links_act_of(enum et_kind kind);
struct et_links_walk et_links_walk_of(enum et_kind kind, struct et_slice protobuf);
/* The next href: 1, 0 at the end, ET_CORRUPT. */
ET_CHECKED int et_links_next(struct et_links_walk *walk, struct et_slice *ret_href,
			     struct et_error *err);

#endif
