#!/usr/bin/env bats
# audit --explain: the story of one version, and the verdict that the audit itself gives. What is asked for comes from
# the truth of the recordings, not from a report.

setup() {
	load helper
	live_setup
	findings=$BATS_TEST_TMPDIR/findings.jsonl
}

teardown() {
	live_teardown
}

# audited RECORDING [OPTION...]: a state with its archives, and its findings.
audited() {
	local recording=$1
	shift
	load_recording "$data/$recording"
	ev 1 audit --settle 0s --split --findings "$findings" "$@"
}

# explain STATUS KEY [OPTION...]: the story as JSON in $output.
explain() {
	local status_wanted=$1 key=$2
	shift 2
	ev "$status_wanted" --json audit --settle 0s --explain "$key" "$@"
	same exit_status "$(field .exit_status)" "$status_wanted"
}

# key_of RECORDING FORM: of a loss that can be recovered so.
key_of() {
	jq -r --arg form "$2" 'select(.recoverable == $form) | "\(.aggregate_id)@\(.version)"' "$data/$1/lost.jsonl" | sed -n 1p
}

# true_event RECORDING KEY FIELD: what the writer knows of the lost event.
true_event() {
	jq -r --arg key "$2" "select(.kind == \"lost\" and \"\(.aggregate_id)@\(.version)\" == \$key) | .$3" "$data/$1/truth.jsonl"
}

# true_time RECORDING KEY: when it was saved, in nanoseconds. Not by jq: that number is too long for it.
true_time() {
	grep -F "\"aggregate_id\": \"${2%@*}\"" "$data/$1/truth.jsonl" | grep -F "\"version\": ${2#*@}," |
		sed -nE 's/.*"kind": "lost".*"timestamp": ([0-9]+).*/\1/p'
}

# ns TIME: RFC 3339 as nanoseconds.
ns() {
	date -d "$1" +%s%N
}

# rewind NOTED ARCHIVED: what audits noted was noted that many seconds ago, and the archives ended that many ago, at the
# time of their last message.
rewind() {
	python3 - "$state/catalog.db" "$1" "$2" <<'END'
import datetime, sqlite3, sys
noted, archived = int(sys.argv[2]), int(sys.argv[3])
with sqlite3.connect(sys.argv[1]) as catalog:
    catalog.execute("UPDATE noted SET time = time - ?", (noted * 10**9,))
    # What was found lost once is never in flight again.
    catalog.execute("DELETE FROM finding")
    ours = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=archived)
    (last,) = catalog.execute("SELECT max(last_time) FROM archive").fetchone()
    theirs = datetime.datetime.fromtimestamp(last // 10**9, datetime.timezone.utc)
    catalog.execute("UPDATE note SET value = ? WHERE key = 'archived_until'",
                    (" ".join(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in (theirs, ours)),))
END
}

# files: digests of all that the state holds.
files() {
	(cd "$state" && find . -type f -exec sha256sum {} +) | LC_ALL=C sort -k 2
}

# neighbour PATH VERSION: the message that the story names there is that version, by its own words.
neighbour() {
	local seq aggregate
	seq=$(field "$1.sequence")
	aggregate=$(field .aggregate_id)
	same "$1" "$(field "$1.version")" "$2"
	is_message "$seq" "$aggregate@$2"
}

# is_message SEQUENCE KEY
is_message() {
	ev 0 cat "$1"
	same "message $1" "$(field '.envelope | "\(.aggregate_id)@\(.version // 0)"')" "$2"
}

@test "each finding of an audit is explained by the same verdict" {
	local key code recoverable story
	audited current-kept
	(($(wc -l <"$findings") == 12))
	while read -r key code recoverable; do
		explain 1 "$key"
		same "$key" "$(field '"\(.code) \(.recoverable)"')" "$code $recoverable"
		story=$output
		# The other side of the same: the gap holds the version, its neighbours do not.
		jq -e '.gap.versions[0] <= .version and .version <= .gap.versions[1] and
			(.gap.before == null or .gap.before.version == .gap.versions[0] - 1) and
			(.gap.behind == null or .gap.behind.version == .gap.versions[1] + 1)' <<<"$story"
		jq -e '.stream.messages_total == 0 and (.audits.findings | length == 1)' <<<"$story"
	done < <(jq -r '"\(.aggregate_id)@\(.version) \(.code) \(.recoverable)"' "$findings")
}

@test "a loss is told with what the store has of it, and the writer's truth agrees" {
	local form key
	audited current-kept
	for form in exact rebuilt snapshot; do
		key=$(key_of current-kept "$form")
		[[ -n $key ]]
		explain 1 "$key"
		same code "$(field .code)" lost
		same form "$(field .store.copy.form)" "$form"
		same recoverable "$(field .recoverable)" "$form"
		same href "$(field .href)" "$(true_event current-kept "$key" href)"
		same device "$(field .device_id)" "$(true_event current-kept "$key" device_id)"
		[[ $form == snapshot ]] || {
			same type "$(field .store.copy.event_type)" "$(true_event current-kept "$key" event_type)"
			same time "$(ns "$(field .store.copy.event_time)")" "$(true_time current-kept "$key")"
		}
	done
}

@test "a loss that nobody can give back is told with its neighbours on the stream" {
	local key version story
	audited current
	key=$(jq -r 'select(.recoverable == "superseded" and .why_provable == "inside" and .version > 0)
		| "\(.aggregate_id)@\(.version)"' "$data/current/lost.jsonl" | sed -n 1p)
	version=${key#*@}
	explain 1 "$key"
	story=$output
	same 'what is left' "$(field '[.store.copy, .rescue.copy] | map(. // "nothing") | join(" ")')" 'nothing nothing'
	same recoverable "$(field .recoverable)" superseded
	(($(ns "$(field .gap.time_after)") <= $(true_time current "$key")))
	(($(ns "$(field .gap.time_before)") >= $(true_time current "$key")))
	neighbour .gap.before $((version - 1))
	output=$story
	neighbour .gap.behind "$(field '.gap.versions[1] + 1')"
	ev 1 audit --settle 0s --explain "$key"
	says "$output" 'LOST  stored and never published; it cannot be recovered' "$key" 'no archived message has this version' \
		'docs/audit.md, ' 'still open in run 1'
}

@test "what is rescued is told, and when it was saved" {
	local key
	audited current
	key=$(key_of current rebuilt)
	explain 1 "$key"
	same documents "$(field .rescue.documents_total)" 1
	same form "$(field .rescue.copy.form)" rebuilt
	same time "$(ns "$(field .rescue.copy.event_time)")" "$(true_time current "$key")"
	(($(ns "$(field '.rescue.documents[0].saved')") <= $(date +%s%N)))
	ev 1 audit --settle 0s --explain "$key"
	says "$output" 'it can be recovered out of a snapshot' 'rescued   a document with latestversion'
}

@test "an event that is on both sides, one that is no longer stored, and one that came twice" {
	local aggregate last twice
	audited current
	twice=$(jq -r 'select(.kind == "duplicate") | "\(.aggregate_id)@\(.version)"' "$data/current/truth.jsonl" | sed -n 1p)
	explain 0 "$twice"
	same messages "$(field .stream.messages_total)" 2
	same 'event times' "$(field '.stream.messages | map(.event_time) | unique | length')" 1
	same sequences "$(field '.stream.messages | map(.sequence) | unique | length')" 2
	aggregate=${twice%@*}
	last=$(field .store.latest_version)
	explain 0 "$aggregate@$last"
	same code "$(field .code)" matched
	same stored "$(field ".store.stored | any(.[0] <= $last and $last <= .[1])")" true
	is_message "$(field '.stream.messages[0].sequence')" "$aggregate@$last"
	explain 0 "$aggregate@0"
	same code "$(field .code)" truncated
	same copy "$(field .store.copy)" null
}

@test "a device that was deleted" {
	local device aggregate
	audited current
	device=$(jq -r 'select(.kind == "deleted_device") | .device_id' "$data/current/truth.jsonl" | sed -n 1p)
	aggregate=$("$program" id aggregate "$device" /plgd/s)
	explain 0 "$aggregate@0"
	same code "$(field .code)" deleted_device
	same device "$(field .device_id)" "$device"
	same href "$(field .href)" /plgd/s
	same store "$(field '.store | [.documents, .device_in_store, .device_owned] | map(tostring) | join(" ")')" '0 false false'
	same messages "$(field .stream.messages_total)" 1
}

@test "a device that came again has two lives, and the key says which one" {
	local device aggregate
	generate --events 1500 --deleted-devices 2 --second-lives 1 --seed 3 --truth "$BATS_TEST_TMPDIR/truth.jsonl"
	device=$(jq -r 'select(.comes_back == true) | .device_id' "$BATS_TEST_TMPDIR/truth.jsonl")
	aggregate=$("$program" id aggregate "$device" /plgd/s)
	ev 0 audit --settle 0s
	explain 0 "$aggregate@0"
	same 'newest life' "$(field .newest_life)" 1
	same life "$(field .life)" 1
	same beginnings "$(field '.epochs | map(.beginning) | join(" ")')" 'first life'
	same restarts "$(field '.epochs[1].restarts.metadata')" true
	(($(ns "$(field '.stream.messages[-1].event_time')") >= $(ns "$(field '.epochs[1].start_time')")))
	explain 0 "$aggregate@0~0"
	same code "$(field .code)" deleted_device
	same rule "$(field .rule.name)" older_life
	same life "$(field .life)" 0
	ev 0 audit --settle 0s --explain "$aggregate@0~0"
	says "$output" '(life 0 of the device' 'all of that is of the newest life' 'at 0 again: links, metadata'
	ev 2 audit --explain "$aggregate@0~2"
	says "$stderr" 'the newest life of the device is 1'
}

@test "what is young is in flight, unless an audit saw it long ago" {
	local key
	load_recording "$data/current"
	key=$(key_of current superseded)
	ev 0 snapshot
	ev 0 --json audit --settle 36500d --explain "$key"
	same code "$(field .code)" in_flight
	same section "$(field .rule.section)" 'Rule 2: in_flight'
	explain 1 "$key"
	same code "$(field .code)" lost
}

@test "the end is when the last snapshot was made, not the time of the last message" {
	local key
	# The tail of an aggregate: with the last message for an end it would be young for ever.
	audited current
	key=$(jq -r 'select(.recoverable == "rebuilt") | "\(.aggregate_id)@\(.version)"' "$findings" | tail -n 1)
	explain 1 "$key"
	same code "$(field .code)" lost
	(($(ns "$(field .stream.end_time)") > $(ns "$(field .store.latest_time)") + 1000000000))
}

@test "what the store showed after the archives ended does not make a version old" {
	local key
	load_recording "$data/current"
	ev 0 audit --settle 36500d
	key=$(key_of current rebuilt)
	# That audit saw the version in the store, in flight, an hour ago; the archives end behind that, then before it.
	rewind 3600 0
	explain 1 "$key" --settle 30m
	same code "$(field .code)" lost
	rewind 0 7200
	ev 0 --json audit --settle 30m --explain "$key"
	same code "$(field .code)" in_flight
}

@test "it changes nothing, asks no NATS, and needs no server at all for a dump" {
	local key before
	audited current
	key=$(key_of current rebuilt)
	before=$(files)
	explain 1 "$key" --nats-url nats://127.0.0.1:1
	same recoverable "$(field .recoverable)" rebuilt
	same 'the state' "$(files)" "$before"
	et 1 --json --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 audit --settle 0s --explain "$key" \
		--store "dump:$data/current/eventStore_db.devices_events.bson"
	same recoverable "$(field .recoverable)" rebuilt
	same 'the state' "$(files)" "$before"
	ev 3 audit --connect-timeout 1s --mongo-uri mongodb://127.0.0.1:1 --explain "$key"
}

@test "what is no key, or of no aggregate, is told and how to find one" {
	local key
	audited current-kept
	for key in 17 @17 a@ a@b a@1~ a@1~x "$(key_of current-kept exact)x" a@99999999999999999999; do
		ev 2 audit --explain "$key"
		says "$stderr" "'$key' is no key" 'AGGREGATE@VERSION'
	done
	ev 2 audit --explain 00000000-0000-4000-8000-000000000000@0
	says "$stderr" 'neither the store nor the archives know' 'evtrail id aggregate'
	key=$(key_of current-kept exact)
	explain 0 "${key%@*}@100000"
	same code "$(field .code)" null
	same rule "$(field .rule.name)" none
}

@test "a version in a hole of the archives is not called lost, and the hole is named" {
	local key seq
	audited current
	# A message that is there, and a stream that does not have it any more.
	key=$(jq -r 'select(.kind == "duplicate") | "\(.aggregate_id)@\(.version)"' "$data/current/truth.jsonl" | sed -n 3p)
	explain 0 "$key"
	for seq in $(field '.stream.messages[].sequence'); do
		nats stream rmm EVENTS "$seq" --force >/dev/null
	done
	rm -r "$state"
	ev 5 audit --settle 0s
	explain 5 "$key"
	same code "$(field .code)" unverifiable_gap
	same hole "$(field ".stream.holes | any(.first_seq <= $seq and .last_seq >= $seq)")" true
	same section "$(field .rule.section)" 'Rule 3: unverifiable_gap'
	ev 5 audit --settle 0s --explain "$key"
	says "$output" 'holes may have held all of that'
}

@test "the report says what came too late, and which schedule would have caught it" {
	audited current-kept --json
	same seen "$(field '.recovery | .recoverable_when_first_seen + .too_late')" "$(field .counts.lost)"
	same 'too late' "$(field .recovery.too_late)" "$(jq -s 'map(select(.recoverable == "superseded")) | length' "$data/current-kept/lost.jsonl")"
	ev 1 audit --settle 0s -v
	says "$output" 'recovery  when they were first seen, 10 of the open losses could be recovered; 2'
}
