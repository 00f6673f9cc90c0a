/* SPDX-License-Identifier: Apache-2.0 */
#include "command/pick.h"

#include <strings.h>

#include "audit/datarule.h"
#include "command/audit.h"

struct key {
	const char *text;
	bool message; /* message@SEQUENCE */
	struct et_uuid aggregate;
	uint64_t number; /* version, or sequence */
	bool has_life;
	uint64_t life;
	bool found;
};

struct et_pick {
	struct et_state *state;
	const struct et_options *options;
	int64_t now_ns;
	int64_t last_told;
	unsigned wanted;
	struct key *keys;
	size_t key_count;
	struct et_arena texts;
	struct et_finding_list *list;
};

/* ---- keys ---- */

static int
refuse_key(const char *text, struct et_error *err)
{
	(void)et_error_set(err, ET_USAGE, "'%s' is no key of a finding", text);
	et_error_hint(err, "AGGREGATE@VERSION, as `evtrail findings` shows it");
	return ET_USAGE;
}

static bool
read_number(const char *text, size_t bytes, uint64_t *ret)
{
	ET_CLEAN_MEM char *copy = et_strndup(text, bytes);

	return et_number_parse(copy, ret, NULL) == 0;
}

static int
read_key(const char *text, struct key *ret, struct et_error *err)
{
	const char *at = strchr(text, '@');
	const char *life = strchr(text, '~');
	size_t number_bytes;

	*ret = (struct key){ .text = text, .has_life = life != NULL };
	if (at == NULL || (life != NULL && life < at))
		return refuse_key(text, err);
	number_bytes = life != NULL ? (size_t)(life - at) - 1 : strlen(at + 1);
	ret->message = (size_t)(at - text) == strlen("message") &&
		       strncmp(text, "message", strlen("message")) == 0;
	if (!read_number(at + 1, number_bytes, &ret->number) ||
	    (life != NULL &&
	     (ret->message || !read_number(life + 1, strlen(life + 1), &ret->life))) ||
	    (!ret->message && !et_uuid_parse_canonical(text, (size_t)(at - text), &ret->aggregate)))
		return refuse_key(text, err);
	return 0;
}

static bool
key_fits(const struct key *key, const struct et_report_finding *reported)
{
	const struct et_finding *finding = &reported->finding;

	if (finding->reason == ET_REASON_MALFORMED_MESSAGE)
		return key->message && key->number == finding->seq;
	/* Without a life it is the newest one of the device. */
	return !key->message && key->number == finding->version &&
	       et_uuid_compare(&key->aggregate, &finding->aggregate) == 0 &&
	       (key->has_life ? key->life == finding->life : !finding->older);
}

static bool
any_key_fits(struct et_pick *pick, const struct et_report_finding *reported)
{
	bool any = pick->key_count == 0;

	for (size_t i = 0; i < pick->key_count; i++)
		if (key_fits(&pick->keys[i], reported)) {
			pick->keys[i].found |= reported->standing != ET_STANDING_RESOLVED;
			any = true;
		}
	return any;
}

/* ---- options ---- */

static int
check_codes(const char *codes, struct et_error *err)
{
	while (codes != NULL && *codes != '\0') {
		size_t length = strcspn(codes, ",");
		ET_CLEAN_MEM char *word = et_strndup(codes, length);
		enum et_datarule rule;
		enum et_reason reason;

		if (!et_reason_of(word, &reason) && !et_datarule_of(word, &rule))
			return et_error_set(err, ET_USAGE, "--code: '%s' is no reason code", word);
		codes += length + (codes[length] == ',');
	}
	return 0;
}

static bool
code_fits(const char *codes, const char *code)
{
	size_t bytes = strlen(code);

	while (codes != NULL && *codes != '\0') {
		size_t length = strcspn(codes, ",");

		if (length == bytes && memcmp(codes, code, bytes) == 0)
			return true;
		codes += length + (codes[length] == ',');
	}
	return codes == NULL;
}

static bool
options_fit(const struct et_options *options, const struct et_report_finding *reported)
{
	if (!code_fits(options->code, et_report_code(reported)))
		return false;
	if (options->device != NULL &&
	    (reported->device_id == NULL || strcasecmp(options->device, reported->device_id) != 0))
		return false;
	if (options->since == ET_TIME_NONE || reported->first_seen_ns >= options->since)
		return true;
	return reported->standing == ET_STANDING_RESOLVED &&
	       reported->resolved_ns != ET_TIME_NONE && reported->resolved_ns >= options->since;
}

/* ---- the walk ---- */

int
et_pick_open(struct et_state *state, const struct et_options *options, char *const *keys,
	     size_t key_count, struct et_pick **ret, struct et_error *err)
{
	ET_CLEAN(et_pick) struct et_pick *pick = et_calloc(1, sizeof(*pick));
	int r;

	et_arena_init(&pick->texts, 0);
	pick->state = state;
	pick->options = options;
	pick->now_ns = et_clock_now_ns();
	pick->wanted = options->finding_state != NULL ? et_standings_of(options->finding_state)
						      : ET_STANDINGS_OPEN;
	if (pick->wanted == 0) {
		(void)et_error_set(err, ET_USAGE, "--finding-state %s: no state of findings",
				   options->finding_state);
		et_error_hint(err, "new, known, acknowledged, resolved, open, all; commas between");
		return ET_USAGE;
	}
	r = check_codes(options->code, err);
	pick->keys = et_calloc(key_count + 1, sizeof(*pick->keys));
	for (size_t i = 0; r == 0 && i < key_count; i++) {
		r = read_key(keys[i], &pick->keys[i], err);
		pick->key_count++;
	}
	if (r == 0)
		r = et_catalog_last_told(state->catalog, &pick->last_told, err);
	if (r == 0)
		r = et_finding_list_all(state->catalog, &pick->list, err);
	if (r == 0)
		*ret = ET_STEAL(pick);
	return r;
}

/* Positions become the sequences of their identities. */
static int
to_sequences(struct et_pick *pick, struct et_finding *finding, struct et_error *err)
{
	uint64_t *const positions[] = { &finding->after_seq, &finding->before_seq, &finding->seq };
	char identity[ET_IDENTITY_TEXT_BYTES];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ET_COUNT(positions); i++)
		if (*positions[i] != 0)
			r = et_catalog_position(pick->state->catalog, *positions[i], identity,
						positions[i], err);
	return r < 0 ? r : 0;
}

/* 1: it is one of them. */
static int
look_at(struct et_pick *pick, struct et_picked *ret, struct et_error *err)
{
	bool expired;
	int r;

	et_arena_reset(&pick->texts);
	ret->reported = (struct et_report_finding){ .device_id = NULL };
	r = et_finding_decode(ret->noted.body, &pick->texts, &ret->reported, err);
	if (r == 0)
		r = to_sequences(pick, &ret->reported.finding, err);
	if (r < 0)
		return r;
	et_roll_stand(&ret->noted, pick->last_told, pick->now_ns, &ret->reported, &expired);
	ret->wanted = (pick->wanted & ET_STANDING_BIT(ret->reported.standing)) != 0;
	return options_fit(pick->options, &ret->reported) && any_key_fits(pick, &ret->reported);
}

int
et_pick_next(struct et_pick *pick, struct et_picked *ret, struct et_error *err)
{
	int r;

	while ((r = et_finding_list_next(pick->list, &ret->noted, err)) > 0) {
		r = look_at(pick, ret, err);
		if (r != 0)
			return r;
	}
	return r;
}

unsigned
et_pick_wanted(const struct et_pick *pick)
{
	return pick->wanted;
}

const char *
et_pick_missed(const struct et_pick *pick)
{
	for (size_t i = 0; i < pick->key_count; i++)
		if (!pick->keys[i].found)
			return pick->keys[i].text;
	return NULL;
}

void
et_pick_free(struct et_pick *pick)
{
	if (pick == NULL)
		return;
	et_finding_list_free(pick->list);
	et_arena_done(&pick->texts);
	free(pick->keys);
	free(pick);
}
