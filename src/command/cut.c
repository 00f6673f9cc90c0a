/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the comparison: up to when, and what the archives cannot tell. */
#include <inttypes.h>

#include "command/audit.h"

/* So many of the newest records tell how far the hub's clock is behind. */
#define LAG_RECORDS 256u
#define LAG_RECORDS_MOST 65536u
/* A longer lag says that these are old events, published anew: nothing about a clock. */
#define LAG_MOST_NS (3600 * ET_NS_PER_SECOND)

/* Between two identities the stream may have held what nobody archived: from the last message of
 * the one to the first later one of the next. */
static int
find_blinds(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN(et_entry_list) struct et_entry_list *list = NULL;
	char identity[ET_IDENTITY_TEXT_BYTES] = "";
	struct et_archive_entry entry;
	int64_t end_ns = ET_TIME_NONE;
	bool open = false;
	int r;

	free(audit->blinds);
	audit->blinds = et_calloc(audit->totals.identities, sizeof(*audit->blinds));
	audit->blind_count = 0;
	r = et_entry_list_open(audit->state->catalog, NULL, &list, err);
	while (r == 0 && (r = et_entry_list_next(list, &entry, err)) > 0) {
		r = 0;
		if (entry.messages == 0)
			continue;
		open |= identity[0] != '\0' && strcmp(identity, entry.identity) != 0;
		if (open && entry.last_time_ns > end_ns &&
		    audit->blind_count < audit->totals.identities) {
			struct et_blind *blind = &audit->blinds[audit->blind_count++];
			uint64_t shift = 0;
			uint64_t at = 0;

			*blind = (struct et_blind){ end_ns, entry.last_time_ns };
			r = et_catalog_shift(audit->state->catalog, entry.identity, &shift, err);
			if (r >= 0)
				r = et_places_at(audit->places, entry.first_seq + shift, end_ns + 1,
						 &at, &blind->to_ns, err);
			r = r < 0 ? r : 0;
			open = false;
		}
		if (entry.last_time_ns > end_ns)
			end_ns = entry.last_time_ns;
		(void)snprintf(identity, sizeof(identity), "%s", entry.identity);
	}
	return r;
}

/* ---- holes ---- */

/* A message that was published within settle of the hole may have been in it: the records that far
 * around it belong to its zone. */
static int
widen(struct et_audit *audit, struct et_zone *zone, struct et_error *err)
{
	int64_t settle_ns = audit->cut.settle_ns;
	uint64_t first = zone->first;
	uint64_t position = 0;
	int64_t time_ns = 0;
	int r;

	r = et_places_before(audit->places, first, &time_ns, err);
	if (r > 0)
		r = et_places_at(audit->places, 0, time_ns - settle_ns, &position, NULL, err);
	if (r > 0 && position < zone->first)
		zone->first = position;
	if (r >= 0)
		r = et_places_at(audit->places, zone->last, INT64_MIN, &position, &time_ns, err);
	if (r <= 0)
		return r;
	r = et_places_at(audit->places, zone->last, time_ns + settle_ns + 1, &position, NULL, err);
	if (r == 0)
		position = UINT64_MAX; /* nothing is later: the zone goes on to the end */
	if (r >= 0 && position - 1 > zone->last)
		zone->last = position - 1;
	return r < 0 ? r : 0;
}

static int
find_zones(struct et_audit *audit, struct et_error *err)
{
	struct et_seqset holes;
	int r;

	et_seqset_init(&holes);
	r = et_catalog_hole_set(audit->state->catalog, &holes, err);
	free(audit->zones);
	audit->zones = et_calloc(holes.count + 1, sizeof(*audit->zones));
	for (size_t i = 0; r == 0 && i < holes.count; i++) {
		const struct et_range *hole = &holes.ranges[i];

		audit->zones[i] =
			(struct et_zone){ hole->first, hole->last, hole->last - hole->first + 1 };
		if (audit->cut.settle_ns > 0)
			r = widen(audit, &audit->zones[i], err);
	}
	audit->cut.zones = audit->zones;
	audit->cut.zone_count = holes.count;
	et_seqset_done(&holes);
	return r;
}

/* ---- the hub's clock ---- */

struct lag {
	int64_t least_ns;
	uint64_t records; /* looked at */
	uint64_t events;  /* of them */
};

/* The least delay among the records of an archive from first_seq on. */
static int
read_lag(struct et_audit *audit, const struct et_archive_entry *entry, uint64_t first_seq,
	 struct lag *lag, struct et_error *err)
{
	ET_CLEAN(et_reader) struct et_reader *reader = NULL;
	ET_CLEAN(et_row_maker) struct et_row_maker *maker = et_row_maker_new();
	struct et_rows rows = { 0 };
	struct et_record record;
	int r;

	r = et_state_open_archive(audit->state, entry, &reader, err);
	if (r < 0)
		return r;
	et_reader_seek(reader, first_seq, entry->last_seq);
	while ((r = et_reader_next(reader, &record, NULL, err)) != 0) {
		int64_t delay_ns;

		if (r < 0 && r != ET_CORRUPT)
			break;
		if (r < 0) {
			et_error_clear(err);
			continue;
		}
		lag->records++;
		rows.count = 0;
		(void)et_row_make(maker, &record, &rows, NULL);
		if (rows.count == 0 || rows.rows[0].row_class != ET_ROW_EVENT ||
		    (rows.rows[0].flags & ET_ROW_NO_TIME) != 0 ||
		    __builtin_sub_overflow(record.time_ns, rows.rows[0].event_time_ns, &delay_ns))
			continue;
		lag->events++;
		if (delay_ns < lag->least_ns)
			lag->least_ns = delay_ns;
	}
	et_rows_done(&rows);
	return r < 0 ? r : 0;
}

/* One window of sequences of an identity, however they lie in archives. */
static int
read_window(struct et_audit *audit, const char *identity, uint64_t first_seq, uint64_t last_seq,
	    struct lag *lag, struct et_error *err)
{
	struct et_archive_entry entry;
	int r;

	while (last_seq >= first_seq && last_seq > 0) {
		r = et_catalog_archive_at(audit->state->catalog, identity, last_seq, &entry, err);
		if (r <= 0)
			return r;
		r = read_lag(audit, &entry,
			     entry.first_seq > first_seq ? entry.first_seq : first_seq, lag, err);
		if (r < 0)
			return r;
		last_seq = entry.first_seq - 1;
	}
	return 0;
}

/* An event is stamped before it is published: were the clocks the same, the least of the delays
 * would be next to nothing. The newest sequences are asked, and so on backwards while they hold no
 * event. */
static int
find_lag(struct et_audit *audit, struct et_error *err)
{
	struct lag lag = { .least_ns = INT64_MAX };
	struct et_places *places = audit->places;
	size_t count = et_places_count(places);
	int r = 0;

	for (size_t i = count;
	     r == 0 && lag.events == 0 && lag.records < LAG_RECORDS_MOST && i-- > 0;) {
		const struct et_archive_entry *entry = et_places_entry(places, i);
		uint64_t last = entry->last_seq;
		bool newest = i + 1 == count || strcmp(et_places_entry(places, i + 1)->identity,
						       entry->identity) != 0;

		if (!newest) /* read with the windows of the one behind it */
			continue;
		while (r == 0 && lag.events == 0 && last > 0 && lag.records < LAG_RECORDS_MOST) {
			uint64_t first = last > LAG_RECORDS ? last - LAG_RECORDS + 1 : 1;

			r = read_window(audit, entry->identity, first, last, &lag, err);
			last = first - 1;
		}
	}
	audit->cut.has_lag = lag.least_ns <= LAG_MOST_NS;
	audit->cut.all_waited = lag.events > 0 && !audit->cut.has_lag;
	audit->cut.lag_ns = audit->cut.has_lag ? lag.least_ns : 0;
	audit->cut.clocks_ns = audit->cut.lag_ns <= ET_CLOCKS_APART_NS ? audit->cut.lag_ns : 0;
	return r;
}

/* ---- the cut ---- */

static int64_t
settle_of(const struct et_audit *audit)
{
	int64_t settle_ns = audit->options->settle;

	/* Where the end lies in the middle of the traffic, a publish that was under way then stands
	 * behind it. */
	if (audit->partial && settle_ns < ET_SETTLE_LEAST_NS)
		settle_ns = ET_SETTLE_LEAST_NS;
	/* 0s: whatever is missing is to be told, however young. */
	return settle_ns > 0 && audit->cut.lag_ns > 0 ? settle_ns + audit->cut.lag_ns : settle_ns;
}

/* Without a snapshot of our own: the archives' end. That is when their last snapshot froze it, not
 * the time of the last message (et_cut.time_ns). */
static int
find_end(struct et_audit *audit, struct et_error *err)
{
	ET_CLEAN_MEM char *text = NULL;
	struct et_buf noted;
	int64_t frozen_ns;
	int64_t end_ns;
	char *ours;
	int r;

	audit->cut.time_ns = audit->totals.last_time_ns;
	et_buf_init(&noted, 4096);
	r = et_catalog_get(audit->state->catalog, ET_ARCHIVED_UNTIL, &noted, err);
	text = et_strdup(r > 0 ? et_buf_cstr(&noted) : "");
	et_buf_done(&noted);
	ours = strchr(text, ' ');
	if (r <= 0 || ours == NULL)
		return r < 0 ? r : 0;
	*ours++ = '\0';
	if (et_time_parse(text, &end_ns, NULL) == 0 && et_time_parse(ours, &frozen_ns, NULL) == 0) {
		audit->frozen_ns = frozen_ns;
		if (end_ns > audit->cut.time_ns)
			audit->cut.time_ns = end_ns;
	}
	return 0;
}

int
et_audit_set_cut(struct et_audit *audit, struct et_error *err)
{
	struct et_catalog *catalog = audit->state->catalog;
	struct et_totals *totals = &audit->totals;
	struct et_cut *cut = &audit->cut;
	int r;

	r = et_catalog_totals(catalog, totals, err);
	if (r == 0)
		r = et_catalog_last_identity(catalog, audit->identity, err);
	if (r >= 0)
		r = et_catalog_last_snapshot_time(catalog, &audit->last_snapshot_time_ns, err);
	if (r < 0)
		return r;
	et_places_free(audit->places);
	audit->places = NULL;
	r = et_places_open(audit->state, &audit->places, err);
	if (r == 0)
		r = find_lag(audit, err);
	if (r < 0)
		return r;
	cut->start_time_ns = totals->messages > 0 ? totals->first_time_ns : ET_TIME_NONE;
	cut->starts_late = et_places_first_seq(audit->places) > 1;
	/* Nothing newer is judged. */
	if (audit->partial)
		cut->time_ns = totals->last_time_ns;
	if (audit->conn == NULL)
		r = find_end(audit, err);
	if (r < 0)
		return r;
	cut->settle_ns = settle_of(audit);
	if (cut->lag_ns > ET_NS_PER_SECOND)
		et_audit_note(audit,
			      "the hub's clock is %" PRId64
			      " s behind the stream's: added to --settle",
			      cut->lag_ns / ET_NS_PER_SECOND);
	r = find_zones(audit, err);
	if (r == 0 && totals->identities > 1)
		r = find_blinds(audit, err);
	cut->blinds = audit->blinds;
	cut->blind_count = audit->blind_count;
	return r;
}
