#!/usr/bin/env bats
# The recordings: an audit finds every loss that can be proved, with what can be recovered of it, and nothing
# else; all counts are those of the truth.

setup() {
	load helper
	live_setup
}

teardown() {
	live_teardown
}

# audit_recording NAME
audit_recording() {
	local findings=$BATS_TEST_TMPDIR/findings.jsonl
	load_recording "$data/$1"
	ev 1 --json audit --settle 0s --split --findings "$findings"
	same verdict "$(field .verdict)" findings
	same exit_status "$(field .exit_status)" 1
	same 'messages' "$(field .counts.messages)" "$(stream_messages)"
	same findings_total "$(field .findings_total)" "$(wc -l <"$findings")"
	audit_finds "$data/$1" "$findings"
}

@test "current: an audit finds what was lost, neither more nor less" {
	audit_recording current
}

@test "current-kept: an audit finds what was lost, neither more nor less" {
	audit_recording current-kept
}

@test "older: an audit finds what was lost, neither more nor less" {
	audit_recording older
}

@test "small archives make no difference to an audit" {
	load_recording "$data/current"
	ev 0 snapshot --archive-bytes 64KiB
	(($(archives | wc -l) >= 10))
	ev 1 --json audit --no-snapshot --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
}

@test "the default settle time makes young events wait, and the sums still hold" {
	load_recording "$data/current"
	ev 0 --json audit --settle 24h
	same sums_hold "$(field .sums_hold)" true
	same 'expected' "$(field '.counts | [.covered, .lost_in_store, .in_flight, .before_horizon, .unannounced, .undecided]
		| map(. // 0) | add')" "$(jq .expected "$data/current/expected.json")"
}

@test "without losses an audit is clean, quiet, and says so in one line" {
	generate --events 3000 --seed 7
	ev 0 --json audit --settle 0s
	same verdict "$(field .verdict)" clean
	same lost "$(field '.counts.lost // 0')" 0
	ev 0 audit --settle 0s
	[[ -n $output ]]
	ev 0 -q audit --settle 0s
	same 'stdout of -q' "$output" ''
	same 'stderr of -q' "$stderr" ''
}

@test "generated losses, duplicates, late messages and deleted devices are judged right" {
	local truth=$BATS_TEST_TMPDIR/truth
	mkdir "$truth"
	generate --events 20000 --seed 11 --lost 0.02 --duplicates 0.01 --late 0.01 --deleted-devices 5 --services 2 \
		--lost-out "$truth/lost.jsonl" --expected "$truth/expected.json"
	ev 1 --json audit --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$truth" "$BATS_TEST_TMPDIR/findings.jsonl"
}

@test "the text names each kind of loss, and how much of it there is" {
	load_recording "$data/current"
	ev 1 audit --settle 0s --split
	says "$output" lost "$(jq .lost "$data/current/expected.json")" "$(jq .recoverable_rebuilt "$data/current/expected.json")"
	[[ -z $(awk 'length($0) > 200' <<<"$output") ]]
}

@test "an audit of the dump finds the same without a server, and the state stays open for the server's store" {
	local dump="dump:$data/current/eventStore_db.devices_events.bson"
	load_recording "$data/current"
	ev 0 snapshot
	et 1 --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 --json audit --no-snapshot --store "$dump" \
		--settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
	ev 1 --json audit --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
}
