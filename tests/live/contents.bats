#!/usr/bin/env bats
# audit --full: contents and the rules of the data. The store is a dump; alter.py changes it.

setup() {
	load helper
	live_setup
	archived=$BATS_TEST_TMPDIR/archived.jsonl
	findings=$BATS_TEST_TMPDIR/findings.jsonl
	altered=$BATS_TEST_TMPDIR/altered.bson
}

teardown() {
	live_teardown
}

alter() {
	python3 "$BATS_TEST_DIRNAME/alter.py" "$@"
}

# archive_recording NAME: $dump is its store; the servers are not asked again.
archive_recording() {
	dump=$data/$1/eventStore_db.devices_events.bson
	load_recording "$data/$1"
	ev 0 snapshot
	et 0 cat --from-seq 1 --to-seq "$(stream_messages)"
	printf '%s\n' "$output" >"$archived"
}

# full DUMP: an audit that compares contents, beside what is lost (which is why it is 1).
full() {
	et 1 --json audit --no-snapshot --full --settle 0s --split --store "dump:$1" --findings "$findings"
}

# found CODES: which aggregates have a finding of these codes, as jq's test() takes them.
found() {
	jq -r --arg codes "$1" 'select(.code | test($codes)) | "\(.aggregate_id) \(.code)"' "$findings" | LC_ALL=C sort
}

# changed: what differs, and where.
changed() {
	jq -r 'select(.code == "differs") | "\(.aggregate_id) \(.version) \(.details | sub(" stored .*"; ""))"' "$findings" |
		LC_ALL=C sort
}

# quiet_recording NAME: what the hub wrote is the same on both sides and breaks no rule, in other bytes too.
quiet_recording() {
	archive_recording "$1"
	full "$dump"
	audit_finds "$data/$1" "$findings"
	same 'broken_rule' "$(field .counts.broken_rule)" 0
	alter same "$dump" "$altered"
	full "$altered"
	audit_finds "$data/$1" "$findings"
	same 'broken_rule' "$(field .counts.broken_rule)" 0
}

# changed_recording NAME LEAST: each field of each type, one a document, is found, and nothing else.
changed_recording() {
	local rounds fields one wanted
	archive_recording "$1"
	read -r rounds fields < <(alter fields "$dump" "$altered" "$archived")
	((rounds > 0 && fields >= $2))
	for ((one = 0; one < rounds; one++)); do
		full "$altered.$one"
		wanted=$(LC_ALL=C sort "$altered.$one.wanted")
		diff <(printf '%s\n' "$wanted") <(changed)
		same differs "$(field .counts.differs)" "$(wc -l <<<"$wanted")"
	done
}

@test "current: contents are the same, also in other bytes" {
	quiet_recording current
}

@test "current-kept: contents are the same, also in other bytes" {
	quiet_recording current-kept
}

@test "older: contents are the same, also in other bytes" {
	quiet_recording older
}

@test "current: each changed field of what snapshots embed is found, and no other" {
	changed_recording current 80
}

@test "current-kept: each changed field of what snapshots embed is found, and no other" {
	changed_recording current-kept 150
}

@test "older: each changed field of each type is found, and no other" {
	changed_recording older 350
}

@test "each broken rule of documents is found under its code, and no other" {
	archive_recording older
	alter rules "$dump" "$altered"
	full "$altered"
	diff "$altered.wanted" <(found '^(document|stored|snapshot|envelope|event|subject)_')
}

@test "payloads and users are told by size and digest only" {
	local secret
	archive_recording older
	alter fields "$dump" "$altered" "$archived" >/dev/null
	for one in "$altered".*[0-9]; do
		full "$one"
		jq -r 'select(.code == "differs") | .details' "$findings"
	done >"$BATS_TEST_TMPDIR/details"
	grep -q 'content.data stored [0-9]* bytes, sha256 [0-9a-f]\{16\}, archived' "$BATS_TEST_TMPDIR/details"
	grep -q 'audit_context.user_id stored [0-9]* bytes, sha256' "$BATS_TEST_TMPDIR/details"
	secret=$(jq -r '.event.audit_context.user_id // empty' "$archived" | sort -u | head -n 1)
	[[ -n $secret ]]
	same 'details with a user' "$(grep -cF "$secret" "$BATS_TEST_TMPDIR/details")" 0
}

@test "without --full nothing is said of contents, and what --full found stays" {
	archive_recording older
	alter fields "$dump" "$altered" "$archived" >/dev/null
	full "$altered.0"
	(($(field .counts.differs) > 0))
	et 1 --json audit --no-snapshot --settle 0s --split --store "dump:$dump" --findings "$findings"
	same differs "$(field .counts.differs)" 0
	same 'resolved' "$(field .counts.resolved)" 0
	full "$dump"
	same differs "$(field .counts.differs)" 0
	(($(field .counts.resolved) > 0))
}
