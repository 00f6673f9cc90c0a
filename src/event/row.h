/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the index says of a record: enough to rebuild coverage without reading
 * a record. A device event gives one row; a registration one per device that
 * it names (one without device when the list is empty); anything else one.
 */
#ifndef ET_EVENT_ROW_H
#define ET_EVENT_ROW_H

#include "base/buf.h"
#include "base/uuid5.h"
#include "event/record.h"
#include "event/kind.h"

/* Numbers stand in archive indexes. */
enum et_row_class {
	ET_ROW_EVENT = 0,
	ET_ROW_REGISTRATION = 1, /* kind says registered or unregistered */
	ET_ROW_FOREIGN = 2,      /* not on a subject of the hub */
	ET_ROW_MALFORMED = 3,    /* on a subject of the hub, and cannot be read */
};

/* Numbers stand in archive indexes. */
enum et_row_flag {
	ET_ROW_FURTHER = 1u << 0,      /* not the first row of its record: no further message */
	ET_ROW_NO_TIME = 1u << 1,      /* event_time_ns is the stream's, for want of another */
	ET_ROW_DEVICE_NAMED = 1u << 2, /* the device id is no canonical UUID: et_ident_key */
	ET_ROW_AGGREGATE_NAMED = 1u << 3,
	ET_ROW_SUFFIX = 1u << 4, /* the subject has a .leadrt suffix */
};

struct et_row {
	struct et_uuid device;    /* zero when not known */
	struct et_uuid aggregate; /* zero but for events */
	uint64_t version;
	int64_t event_time_ns; /* event_metadata.timestamp, or the registration's */
	uint64_t seq;
	uint8_t row_class; /* enum et_row_class */
	uint8_t kind;      /* enum et_kind */
	uint8_t flags;     /* enum et_row_flag */
};

/* A growing list of rows, for a batch. */
struct et_rows {
	struct et_row *rows;
	size_t count;
	size_t capacity;
};
void et_rows_add(struct et_rows *list, const struct et_row *row);
void et_rows_done(struct et_rows *list);
/* Orders by device, aggregate, version, sequence (and flags): the order of the index. */
int et_row_compare(const void *a, const void *b);
void et_rows_sort(struct et_rows *list);

/* Scratch of one thread. */
struct et_row_maker;
struct et_row_maker *et_row_maker_new(void);
void et_row_maker_free(struct et_row_maker *maker);
/* Appends the rows of a record; never fails: what cannot be read is ET_ROW_MALFORMED (its words,
 * for the log, in err when that is not NULL; the result is then ET_CORRUPT but the row was added).
 *
 * An event is what its envelope says: type, device (group), aggregate, version. Malformed is one
 * whose envelope cannot be read or lacks one of them, one of a known type whose data cannot be
 * decompressed or parsed, or says another version than the envelope, and a registration that is not
 * what its subject says. Its row has what the envelope told nevertheless, and the device of the
 * subject when it did not tell that, so that the device's holes can be doubted. */
int et_row_make(struct et_row_maker *maker, const struct et_record *record, struct et_rows *list,
		struct et_error *err);
ET_CLEANUP_DEFINE(et_row_maker, et_row_maker_free);

#endif
