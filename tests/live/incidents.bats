#!/usr/bin/env bats
# When something broke: a day of a hub's events, with times in which nothing got through. When that was, and what was lost,
# is what the generator knows; the store keeps what a hub keeps, so most of what was lost has no time of its own.

setup() {
	load helper
	live_setup
	store=$BATS_TEST_TMPDIR/store.bson
	truth=$BATS_TEST_TMPDIR/truth.jsonl
	day=2026-01-01
}

teardown() {
	live_teardown
}

# broken SPANS [OPTION...]: a day of 100,000 events, and the report of an audit in $output.
broken() {
	local spans=$1
	shift
	"$EVTRAIL_SERVERS/loadgen" --events 100000 --silences "$spans" --nats "$NATS_URL" --bson "$store" --truth "$truth" "$@" \
		2>"$BATS_TEST_TMPDIR/loadgen.log"
	ev 1 --json audit --settle 0s --store "dump:$store"
}

# near WHAT TIME WANTED: at most five seconds apart.
near() {
	python3 - "$@" <<-'END'
		import datetime, sys
		what, got, wanted = sys.argv[1], *(datetime.datetime.fromisoformat(text[:26].rstrip('Z')) for text in sys.argv[2:])
		if abs((got - wanted).total_seconds()) > 5:
		    sys.exit('%s: %s, wanted %s' % (what, got, wanted))
	END
}

# incident NUMBER START END: of the report, times of the day; START and END are when it was.
incident() {
	near "start of incident $1" "$(field ".incidents[$1].start")" "${day}T$2"
	near "end of incident $1" "$(field ".incidents[$1].end")" "${day}T$3"
}

# lost_between FROM TO: how many, by the generator's own word.
lost_between() {
	python3 - "$truth" "$(date -d "${day}T$1Z" +%s)" "$(date -d "${day}T$2Z" +%s)" <<-'END'
		import json, sys
		path, first, last = sys.argv[1], int(sys.argv[2]) * 10**9, int(sys.argv[3]) * 10**9
		print(sum(x['kind'] == 'lost' and first <= x['timestamp'] < last for x in map(json.loads, open(path))))
	END
}

@test "an outage of two minutes in a day of events is one incident, with its start and end" {
	local lost devices
	broken 12h+2m
	lost=$(lost_between 12:00:00 12:02:00)
	((lost > 100))
	same 'in all' "$(field .counts.lost)" "$lost"
	same incidents "$(field '"\(.incidents | length) \(.incidents_total)"')" '1 1'
	incident 0 12:00:00 12:02:00
	same bounds "$(field '.incidents[0].bounds')" silence
	same lost "$(field '.incidents[0] | "\(.lost) \(.certain) \(.new)"')" "$lost $lost $lost"
	devices=$(jq -r 'select(.kind == "lost") | .device_id' "$truth" | LC_ALL=C sort -u)
	same devices "$(field '.incidents[0].devices')" "$(wc -l <<<"$devices")"
	same 'devices that are none of it' "$(LC_ALL=C comm -13 <(printf '%s\n' "$devices") <(field '.incidents[0].device_ids[]' | LC_ALL=C sort))" ''
	same 'owners that are none of it' "$(LC_ALL=C comm -13 <(jq -r 'select(.kind == "lost") | .owner_id' "$truth" | LC_ALL=C sort -u) \
		<(field '.incidents[0].owners[]' | LC_ALL=C sort))" ''
	(($(field '.incidents[0].owners | length') >= 5))
	same types "$(field '.incidents[0].types | add')" "$lost"
	same 'per hour' "$(field '.per_hour | map("\(.hour) \(.lost)") | join(", ")')" "${day}T12:00:00Z $lost"
	ev 1 audit --settle 0s --store "dump:$store" -v
	says "$output" 'incidents, 1 of 1, newest first' 'silence: from the one to the other nothing at all was published'
	[[ $output =~ 01-01\ (11:59:5|12:00:0)[0-9.]+-12:0(1:5|2:0)[0-9]\ silence ]]
}

@test "two outages an hour apart are two incidents, the newest first" {
	local first second
	broken 12h+2m,13h+2m --seed 2
	same incidents "$(field '"\(.incidents | length) \(.incidents_total)"')" '2 2'
	incident 0 13:00:00 13:02:00
	incident 1 12:00:00 12:02:00
	first=$(lost_between 12:00:00 12:02:00)
	second=$(lost_between 13:00:00 13:02:00)
	same 'in all' "$(field '[.incidents[].lost] | add')" $((first + second))
	# Some can be of both, and are shared out; those that can not are told.
	(($(field '.incidents[1].certain') <= first && first <= $(field '.incidents[1].certain') + $((first + second)) \
		- $(field '[.incidents[].certain] | add')))
	(($(field '.incidents[0].certain') <= second && second <= $(field '.incidents[0].certain') + $((first + second)) \
		- $(field '[.incidents[].certain] | add')))
	same 'per hour' "$(field '[.per_hour[] | .hour]' | jq -r 'join(" ")')" "${day}T13:00:00Z ${day}T12:00:00Z"
	same 'in hours' "$(field '[.per_hour[].lost] | add')" $((first + second))
}

@test "where the store keeps all events each loss has its time, and an outage its start and end by them" {
	local lost
	broken 9h+2m,10h+2m --seed 3 --truncate off
	same incidents "$(field .incidents_total)" 2
	incident 0 10:00:00 10:02:00
	incident 1 09:00:00 09:02:00
	lost=$(lost_between 09:00:00 09:02:00)
	# Of a snapshot's own event only the bracket is known: those few can be of both.
	(($(field '.incidents[1].certain') > lost * 9 / 10 && $(field '.incidents[1].certain') <= lost))
	(($(field '[.per_hour[] | select(.hour[11:13] == "09") | .lost] | add') > lost * 9 / 10))
	same 'in all' "$(field '[.per_hour[].lost] | add')" $((lost + $(lost_between 10:00:00 10:02:00)))
}

@test "an outage stands out of losses here and there, and late and doubled messages do not hide it" {
	broken 12h+2m --seed 4 --lost 0.0005 --late 0.01 --duplicates 0.01
	(($(field .incidents_total) > 1))
	# The largest by far.
	output=$(field '{incidents: [.incidents | max_by(.lost)]}')
	incident 0 12:00:00 12:02:00
	(($(field '.incidents[0].lost') >= $(lost_between 12:00:00 12:02:00) * 9 / 10))
}

@test "losses all day long are incidents of their own times, and add up" {
	broken 0s+1ms --seed 5 --lost 0.003
	same 'in all' "$(field '[.per_hour[].lost] | add + 0')" "$(field .counts.lost)"
	(($(field '.per_hour | length') >= 20))
	same 'none ends before it starts' "$(field '[.incidents[] | select(.start != null and .start > .end)] | length')" 0
	ev 1 audit --settle 0s --store "dump:$store" -v
	says "$output" 'incidents, 10 of ' 'smaller ones' 'lost per hour (UTC)' 'earlier '
	[[ -z $(awk 'length($0) > 200' <<<"$output") ]]
}
