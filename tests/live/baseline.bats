#!/usr/bin/env bats
# Findings over five nights: new, known, acknowledged, known again when that has expired, and resolved when somebody else
# publishes the event. What must be found is what the generator knows; the store is a dump of that night.

setup() {
	load helper
	live_setup
	history=(--events 3000 --devices 10 --seed 5)
	cuts=(--silences "8h+10m,16h+10m")
	store=$BATS_TEST_TMPDIR/store.bson
	truth=$BATS_TEST_TMPDIR/truth.jsonl
	told=0
}

teardown() {
	live_teardown
}

# go_on EVENTS: the hub's history up to there, on the stream and in the store.
go_on() {
	"$EVTRAIL_SERVERS/loadgen" "${history[@]}" "${cuts[@]}" --stop "$1" --skip "$told" --nats "$NATS_URL" --bson "$store" \
		--truth "$truth" 2>"$BATS_TEST_TMPDIR/loadgen.log"
	told=$(stream_messages)
}

# audit STATUS [OPTION...]
audit() {
	local status_wanted=$1
	shift
	ev "$status_wanted" audit --settle 0s --store "dump:$store" "$@"
}

# keys_lost: of what the generator never published, sorted.
keys_lost() {
	jq -r 'select(.kind == "lost") | "\(.aggregate_id)@\(.version)"' "$truth" | LC_ALL=C sort
}

# keys_in STATE: of the findings in that state, sorted.
keys_in() {
	et 0 --json findings --state "$1"
	field '.findings[].key' | LC_ALL=C sort
}

# counts NEW KNOWN ACKNOWLEDGED RESOLVED: what the list of findings counts.
counts() {
	et 0 --json findings --state all
	same 'new, known, acknowledged, resolved' "$(field '.counts | "\(.new) \(.known) \(.acknowledged) \(.resolved)"')" "$*"
	same findings_total "$(field .findings_total)" $(($1 + $2 + $3 + $4))
	same 'as many in the list' "$(field '.findings | length')" $(($1 + $2 + $3 + $4))
}

# one_line PART...: the report is one line, and holds these.
one_line() {
	same 'lines of the report' "$(wc -l <<<"$output")" 1
	says "$output" "$@"
}

# somebody_publishes KEY...: what the hub has never published, as it would have.
somebody_publishes() {
	"$EVTRAIL_SERVERS/loadgen" "${history[@]}" --messages-out "$BATS_TEST_TMPDIR/whole" 2>/dev/null
	python3 - "$NATS_URL" "$BATS_TEST_TMPDIR/whole" "$truth" "$@" <<-'END'
		import json, socket, sys
		url, whole, truth, *keys = sys.argv[1:]
		# Each message of the whole history, in its order: subject and body, each behind its length.
		data, at, messages = open(whole, 'rb').read(), 0, []
		def piece():
		    global at
		    length = shift = 0
		    while True:
		        byte = data[at]
		        at += 1
		        length |= (byte & 127) << shift
		        shift += 7
		        if byte < 128:
		            break
		    at += length
		    return data[at - length:at]
		while at < len(data):
		    messages.append((piece(), piece()))
		def varint(number):
		    out = b''
		    while number > 127:
		        out += bytes([number & 127 | 128])
		        number >>= 7
		    return out + bytes([number])
		wanted = []
		for line in open(truth):
		    x = json.loads(line)
		    if x['kind'] == 'lost' and '%s@%d' % (x['aggregate_id'], x['version']) in keys:
		        # Field 1 of the envelope is the version, field 4 the aggregate.
		        version = (b'\x08' + varint(x['version']) if x['version'] else b'') + b'\x12'
		        aggregate = b'\x22\x24' + x['aggregate_id'].encode()
		        found = [m for m in messages if m[0].decode() == x['subject'] and m[1].startswith(version) and aggregate in m[1]]
		        assert len(found) == 1, (x['aggregate_id'], x['version'], len(found))
		        wanted.append(found[0])
		assert len(wanted) == len(keys), (len(wanted), len(keys))
		host, port = url.removeprefix('nats://').split(':')
		link = socket.create_connection((host, int(port)))
		lines = link.makefile('rb')
		lines.readline()
		link.sendall(b'CONNECT {"verbose":false}\r\n')
		for subject, body in wanted:
		    link.sendall(b'PUB %s %d\r\n%s\r\n' % (subject, len(body), body))
		link.sendall(b'PING\r\n')
		while b'PONG' not in lines.readline():
		    pass
	END
}

@test "five nights: new, known, acknowledged, known again, resolved by somebody else" {
	local first second line one
	# The first night: all is new, and told in full.
	go_on 1200
	first=$(keys_lost)
	line=$(wc -l <<<"$first")
	((line >= 10))
	audit 1
	says "$output" "FINDINGS  $line events were stored and never published" 'incidents, 1 of 1' "lost events, "
	same 'new keys' "$(keys_in new)" "$first"
	counts "$line" 0 0 0
	et 0 --json findings
	same 'seen once' "$(field '[.findings[] | select(.first_seen != .last_seen)] | length')" 0

	# The second night: nothing new, and that in one line. Who asks for new ones only is left in peace.
	go_on 1500
	same 'lost by then' "$(keys_lost)" "$first"
	audit 1
	one_line FINDINGS 'nothing new' "$line known"
	counts 0 "$line" 0 0
	et 0 --json findings
	same 'seen again' "$(field '[.findings[] | select(.first_seen >= .last_seen)] | length')" 0
	audit 0 --fail-on new
	one_line 'CLEAN  no finding is new' "$line known"
	ev 0 -q audit --settle 0s --store "dump:$store" --fail-on new
	same 'stdout of -q' "$output" ''

	# The third night: what is new stands first.
	go_on 1800
	second=$(LC_ALL=C comm -13 <(printf '%s\n' "$first") <(keys_lost))
	one=$(wc -l <<<"$second")
	((one >= 10))
	audit 1 --fail-on new
	says "${output%%stream  *}" "FINDINGS  $one new, $line known: $((line + one)) events were" "new lost events, "
	says "${output#*stream  }" 'known lost events, '
	same 'new keys' "$(keys_in new)" "$second"
	same 'known keys' "$(keys_in known)" "$first"
	# Somebody looks at it, and knows of all of it.
	et 2 findings ack --state new
	says "$stderr" --reason
	counts "$one" "$line" 0 0
	et 0 findings ack --state new --reason 'the broker was moved' --by bob
	same said "$output" "$one findings acknowledged"
	# shellcheck disable=SC2086
	et 0 findings ack $first --reason 'an old one' --by alice --expires 1h
	says "$output" "$line findings acknowledged until $(date -u +%Y-%m-%d)"
	counts 0 0 $((line + one)) 0

	# The fourth night: nobody has to know.
	go_on 2400
	audit 0
	one_line 'CLEAN  every finding is acknowledged' "$((line + one)) acknowledged"
	ev 0 --json audit --settle 0s --store "dump:$store"
	same verdict "$(field '"\(.verdict) \(.exit_status)"')" 'clean 0'
	same 'lost all the same' "$(field .counts.lost)" $((line + one))
	same counts "$(field '.counts | "\(.new) \(.known) \(.acknowledged) \(.resolved)"')" "0 0 $((line + one)) 0"
	same 'who knows' "$(field '[.findings[].acknowledged | "\(.by): \(.reason)"] | group_by(.) | map("\(length) \(.[0])") | join(", ")')" \
		"$line alice: an old one, $one bob: the broker was moved"
	same 'alice until' "$(field '[.findings[].acknowledged | select(.by == "alice" and .expires == null)] | length')" 0
	audit 0 -v
	says "$output" "aside     $((line + one)) acknowledged findings"
	[[ $output != *'lost events, '* ]]

	# The fifth night: what somebody knew of counts again when it has expired.
	go_on 3000
	one=$(sed -n 1p <<<"$first")
	et 0 findings ack "$one" --reason 'until tomorrow' --by alice --expires 1s
	until [[ $(keys_in known) == "$one" ]]; do sleep 0.2; done
	audit 1
	one_line FINDINGS 'nothing new' '1 known' '(1 acknowledgement has expired)'
	et 0 findings
	says "$output" "$one" 'alice, expired' 'until tomorrow'
	audit 0 --fail-on new
	# Somebody else publishes it.
	somebody_publishes "$one"
	audit 0
	says "$output" CLEAN 'of the earlier findings turned up'
	same 'resolved keys' "$(keys_in resolved)" "$one"
	et 0 --json findings --state resolved
	same resolution "$(field '.findings[0] | "\(.resolution) \(.delay_seconds > 0)"')" 'late true'
	same known "$(keys_in known)" ''
	audit 0
	one_line CLEAN 'nothing new'
}

@test "what comes back after it was resolved is news, and nobody has acknowledged it" {
	local key all
	go_on 1200
	audit 1
	all=$(keys_lost)
	key=$(sed -n 1p <<<"$all")
	et 0 findings ack --state open --reason 'known' --by alice
	# As if an audit had resolved one of them by mistake.
	python3 - "$state/catalog.db" "${key%@*}" "${key#*@}" <<-'END'
		import sqlite3, sys, uuid
		with sqlite3.connect(sys.argv[1]) as catalog:
		    catalog.execute("UPDATE finding SET resolved = 1, resolution = 'changed' WHERE aggregate = ? AND version = ?",
		                    (uuid.UUID(sys.argv[2]).bytes, int(sys.argv[3])))
		    catalog.execute("DELETE FROM verdict")
	END
	same resolved "$(keys_in resolved)" "$key"
	audit 1
	says "$output" "FINDINGS  1 new, $(($(wc -l <<<"$all") - 1)) acknowledged: "
	same new "$(keys_in new)" "$key"
}

@test "a run that did not see both sides resolves nothing, whatever has turned up" {
	local all
	go_on 1200
	audit 1
	all=$(keys_lost)
	# shellcheck disable=SC2086
	somebody_publishes $all
	# no stream, no store, another hub's store, a part of the stream
	et 3 --connect-timeout 1s --nats-url nats://127.0.0.1:1 audit --settle 0s --store "dump:$store"
	et 3 --connect-timeout 1s --nats-url "$NATS_URL" --mongo-uri mongodb://127.0.0.1:1 audit --settle 0s
	same 'after 3' "$(keys_in open)" "$all"
	"$EVTRAIL_SERVERS/loadgen" --events 1200 --seed 77 --bson "$BATS_TEST_TMPDIR/other.bson" 2>/dev/null
	ev 5 audit --settle 0s --store "dump:$BATS_TEST_TMPDIR/other.bson"
	says "$output" 'nothing in common'
	same 'after another store' "$(LC_ALL=C comm -23 <(printf '%s\n' "$all") <(keys_in open))" ''
	go_on 3000
	audit 5 --max-bytes 1
	same 'after a part' "$(LC_ALL=C comm -23 <(printf '%s\n' "$all") <(keys_in open))" ''
	# The whole of it does.
	audit 1
	same 'still open' "$(LC_ALL=C comm -12 <(printf '%s\n' "$all") <(keys_in open))" ''
	same 'resolved as late' "$(LC_ALL=C comm -23 <(printf '%s\n' "$all") <(keys_in resolved))" ''
}

@test "where the archives have a hole, what is on the stream by now is resolved, and nothing else" {
	local all one hole
	go_on 1200
	# A message in between that is deleted before anybody reads it.
	nats pub plgd.owners.nobody 'not of the hub' >/dev/null 2>&1
	hole=$(stream_messages)
	told=$((hole - 1))
	go_on 1300
	nats stream rmm EVENTS "$hole" --force >/dev/null
	audit 5
	all=$(keys_in open)
	(($(wc -l <<<"$all") >= 10))
	one=$(et 0 --json findings --code lost && field '.findings[0].key')
	somebody_publishes "$one"
	audit 5
	says "$output" '1 of the earlier findings turned up'
	same resolved "$(keys_in resolved)" "$one"
	same open "$(keys_in open)" "$(grep -vx "$one" <<<"$all")"
}

@test "the list filters by state, code, device and time, and acknowledging does the same" {
	local all device mine
	go_on 1800
	audit 1
	all=$(keys_lost)
	device=$(jq -r 'select(.kind == "lost") | .device_id' "$truth" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	mine=$(jq -r --arg device "$device" 'select(.kind == "lost" and .device_id == $device) | "\(.aggregate_id)@\(.version)"' "$truth" |
		LC_ALL=C sort)
	et 0 --json findings --device "$device"
	same 'of a device' "$(field '.findings[].key' | LC_ALL=C sort)" "$mine"
	et 0 --json findings --device "${device^^}" --code lost,store_lost
	same 'of a device and code' "$(field .findings_total)" "$(wc -l <<<"$mine")"
	et 0 --json findings --code store_lost
	same 'of another code' "$(field .findings_total)" 0
	et 0 --json findings --since -1h
	same 'of the last hour' "$(field .findings_total)" "$(wc -l <<<"$all")"
	et 0 --json findings --since 2099-01-01T00:00:00Z
	same 'of the future' "$(field .findings_total)" 0

	et 0 findings ack --device "$device" --reason 'a test device'
	same 'acknowledged' "$(keys_in acknowledged)" "$mine"
	et 0 --json findings --state acknowledged
	same 'by whom' "$(field '[.findings[].acknowledged.by] | unique | length')" 1
	[[ -n $(field '.findings[0].acknowledged.by') ]]
	et 0 findings unack --device "$device"
	same 'said' "$output" "$(wc -l <<<"$mine") findings no longer acknowledged"
	same 'acknowledged' "$(keys_in acknowledged)" ''
	# All or nothing: one key that is none leaves the others alone.
	# shellcheck disable=SC2086
	et 2 findings ack $mine 00000000-0000-0000-0000-000000000000@7 --reason nothing
	says "$stderr" "'00000000-0000-0000-0000-000000000000@7'" 'nothing was changed'
	same 'acknowledged' "$(keys_in acknowledged)" ''
	et 0 --json findings ack "$(sed -n 1p <<<"$mine")" --reason 'one' --expires 2099-01-01T00:00:00Z
	same json "$(field '"\(.action) \(.changed) \(.expires)"')" 'ack 1 2099-01-01T00:00:00Z'
}

@test "the list is read beside a run that holds the lock; acknowledging waits for it" {
	local holder
	go_on 1200
	audit 1
	exec 8>"$state/lock"
	flock -x 8
	et 0 findings
	says "$output" "$(keys_lost | sed -n 1p)"
	et 6 findings ack --state open --reason 'not now'
	(sleep 1; flock -u 8) &
	holder=$!
	et 0 findings ack --state open --reason 'later' --lock-wait 60s
	wait "$holder"
}

@test "a key of an older life names that life, and what is said of it is said of no other" {
	local old newest list
	generate --events 6000 --devices 10 --seed 8 --lost 0.1 --deleted-devices 6 --second-lives 6
	ev 1 audit --settle 0s
	et 0 --json findings --code lost
	list=$output
	old=$(field '[.findings[] | select(.life != null)][0].key')
	[[ $old =~ ^[0-9a-f-]{36}@[0-9]+~[0-9]+$ ]]
	et 2 findings ack "${old%~*}~99" --reason 'another life'
	# Without its life it is the newest one's, if there is such a finding.
	newest=$(jq --arg key "${old%~*}" '[.findings[] | select(.key == $key)] | length' <<<"$list")
	et $((newest > 0 ? 0 : 2)) findings ack "${old%~*}" --reason 'the newest life'
	et 0 findings ack "$old" --reason 'that life'
	et 0 --json findings --state acknowledged
	same 'by that reason' "$(field '[.findings[] | select(.acknowledged.reason == "that life") | .key] | join(" ")')" "$old"
	# The next audit sees it again, in that life.
	ev 1 audit --settle 0s
	says "$output" 'nothing new' "$((newest + 1)) acknowledged"
}

@test "the list can be read at any moment of an audit" {
	local auditor reads=0
	go_on 1200
	audit 1
	"$EVTRAIL_SERVERS/loadgen" --events 60000 --seed 9 --lost 0.1 --nats "$NATS_URL" --bson "$store" 2>/dev/null
	"$program" --state "$state" --nats-url "$NATS_URL" audit --settle 0s --store "dump:$store" >"$BATS_TEST_TMPDIR/report" 3>&- &
	auditor=$!
	while kill -0 "$auditor" 2>/dev/null; do
		et 0 --json findings --state all
		field .findings_total >/dev/null
		((++reads))
	done
	wait "$auditor" || (($? == 1))
	((reads >= 2))
	et 0 --json findings
	(($(field .findings_total) > 1000))
}
