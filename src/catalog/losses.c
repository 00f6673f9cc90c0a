/* SPDX-License-Identifier: Apache-2.0 */
/* The losses of the run in hand, by time. */
#include "catalog/db.h"

struct et_loss_list {
	struct et_db_list rows;
};

int
et_catalog_loss_add(struct et_catalog *catalog, const struct et_noted_loss *loss,
		    struct et_error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = et_db_statement(catalog, ET_SQL_LOSS_ADD, &statement, err);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, loss->before_ns);
	(void)sqlite3_bind_int64(statement, 2, loss->after_ns);
	et_bind_u64(statement, 3, catalog->losses++);
	et_bind_uuid(statement, 4, &loss->device);
	(void)sqlite3_bind_int64(statement, 5, loss->kind);
	(void)sqlite3_bind_int64(statement, 6, loss->flags);
	et_bind_u64(statement, 7, loss->after_position);
	et_bind_u64(statement, 8, loss->before_position);
	return et_db_run(catalog, statement, "note a loss", err);
}

int
et_loss_list_open(struct et_catalog *catalog, struct et_loss_list **ret, struct et_error *err)
{
	struct et_loss_list *list = et_calloc(1, sizeof(*list));
	int r = et_db_list_open(catalog,
				"SELECT before, after, device, kind, flags, after_position, "
				"before_position FROM temp.loss ORDER BY before, after, number",
				&list->rows, err);

	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	return 0;
}

int
et_loss_list_next(struct et_loss_list *list, struct et_noted_loss *ret, struct et_error *err)
{
	sqlite3_stmt *row = list->rows.statement;
	int r = et_db_list_next(&list->rows, "list losses", err);

	if (r <= 0)
		return r;
	*ret = (struct et_noted_loss){
		.before_ns = sqlite3_column_int64(row, 0),
		.after_ns = sqlite3_column_int64(row, 1),
		.device = et_column_uuid(row, 2),
		.kind = (unsigned)sqlite3_column_int(row, 3),
		.flags = (unsigned)sqlite3_column_int(row, 4),
		.after_position = et_column_u64(row, 5),
		.before_position = et_column_u64(row, 6),
	};
	return 1;
}

void
et_loss_list_free(struct et_loss_list *list)
{
	if (list == NULL)
		return;
	et_db_list_done(&list->rows);
	free(list);
}
