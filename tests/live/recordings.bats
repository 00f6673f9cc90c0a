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

# What an audit said: each finding by its key and form, and below them all counts.
# said FINDINGS: those of that file, and of the JSON in $output.
said() {
	jq -c '[.aggregate_id, .life, .version, .last_version, .code, .recoverable, .device_id, .event_type, .event_time]' "$1" |
		LC_ALL=C sort
	field '.counts | to_entries[] | "\(.key) \(.value)"'
	field '"\(.verdict) \(.exit_status) \(.findings_total) \(.sums_hold) \(.store.aggregates)"'
}

# audit_from STORE: of a copy of what is archived, which knows no verdict yet; $output and findings.jsonl. Only
# mongodb finds a server.
audit_from() {
	local mongo=mongodb://127.0.0.1:1
	[[ $1 != mongodb ]] || mongo=$MONGO_URI
	rm -rf "$state.copy"
	cp -a "$state" "$state.copy"
	et 1 --state "$state.copy" --connect-timeout 5s --nats-url nats://127.0.0.1:1 --mongo-uri "$mongo" \
		--json audit --no-snapshot --store "$1" --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
}

# packed DUMP: the file as it is, by gzip and zstd, and in parts that border in the middle of documents; their names.
packed() {
	local half=$(($(stat -c %s "$1") / 2)) to=$BATS_TEST_TMPDIR/devices_events
	cp "$1" "$to.bson"
	gzip -c "$1" >"$to.bson.gz"
	zstd -q -c "$1" >"$to.bson.zst"
	{
		head -c "$half" "$1" | gzip -1 -c
		tail -c +$((half + 1)) "$1" | gzip -9 -c
	} >"$to.members"
	{
		head -c "$half" "$1" | zstd -q -c
		tail -c +$((half + 1)) "$1" | zstd -q -19 --no-check -c
	} >"$to.frames"
	printf '%s\n' "$to".{bson,bson.gz,bson.zst,members,frames}
}

# from_everywhere TRUTH DUMP: MongoDB and the dump in each form make an audit say the same; and it is the truth.
from_everywhere() {
	local file files
	audit_from mongodb
	audit_finds "$1" "$BATS_TEST_TMPDIR/findings.jsonl"
	said "$BATS_TEST_TMPDIR/findings.jsonl" >"$BATS_TEST_TMPDIR/wanted"
	mapfile -t files < <(packed "$2")
	same 'dumps' "${#files[@]}" 5
	for file in "${files[@]}"; do
		audit_from "dump:$file"
		audit_finds "$1" "$BATS_TEST_TMPDIR/findings.jsonl"
		said "$BATS_TEST_TMPDIR/findings.jsonl" >"$BATS_TEST_TMPDIR/got"
		diff "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got" || { printf '< mongodb, > %s\n' "$file"; return 1; }
	done
}

# recording_from_everywhere NAME
recording_from_everywhere() {
	load_recording "$data/$1"
	ev 0 snapshot
	from_everywhere "$data/$1" "$data/$1/eventStore_db.devices_events.bson"
}

@test "current: the same verdicts from MongoDB and from its dump, plain, gzip and zstd" {
	recording_from_everywhere current
}

@test "current-kept: the same verdicts from MongoDB and from its dump, plain, gzip and zstd" {
	recording_from_everywhere current-kept
}

@test "older: the same verdicts from MongoDB and from its dump, plain, gzip and zstd" {
	recording_from_everywhere older
}

@test "generated histories: the same verdicts from MongoDB and from its dump, plain, gzip and zstd" {
	local regime truth=$BATS_TEST_TMPDIR/truth
	for regime in current older; do
		mkdir -p "$truth"
		generate --replace --regime "$regime" --events 20000 --seed 23 --lost 0.02 --duplicates 0.01 --late 0.01 \
			--deleted-devices 5 --services 2 --split --ghosts 3 --bson "$truth/dump.bson" \
			--lost-out "$truth/lost.jsonl" --expected "$truth/expected.json"
		rm -rf "$state"
		ev 0 snapshot
		from_everywhere "$truth" "$truth/dump.bson"
		nats stream rm EVENTS -f >/dev/null
	done
}

# catalog_findings: each, with its life in the catalog.
catalog_findings() {
	python3 - "$state/catalog.db" <<-'END'
		import sqlite3, sys
		with sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True) as catalog:
		    for row in catalog.execute("SELECT hex(aggregate), life, version, code, first_run, last_run, resolved, resolution "
		                               "FROM finding ORDER BY aggregate, life, version, code"):
		        print(*row)
	END
}

@test "a dump that is cut off or damaged clears and resolves nothing" {
	local dump=$data/current/eventStore_db.devices_events.bson broken=$BATS_TEST_TMPDIR/broken half name
	local before=$BATS_TEST_TMPDIR/before after=$BATS_TEST_TMPDIR/after findings=$BATS_TEST_TMPDIR/findings.jsonl
	command -v python3 >/dev/null || skip 'no python3'
	load_recording "$data/current"
	gzip -c "$dump" >"$BATS_TEST_TMPDIR/whole.gz"
	zstd -q -c "$dump" >"$BATS_TEST_TMPDIR/whole.zst"
	ev 1 --json audit --settle 0s --split --store "dump:$BATS_TEST_TMPDIR/whole.gz"
	catalog_findings >"$before"
	(($(wc -l <"$before") >= $(jq .lost "$data/current/expected.json")))
	for name in gz zst; do
		half=$(($(stat -c %s "$BATS_TEST_TMPDIR/whole.$name") / 2))
		head -c "$half" "$BATS_TEST_TMPDIR/whole.$name" >"$broken"
		ev 3 --json audit --settle 0s --split --store "dump:$broken" --findings "$findings"
		[[ ! -e $findings ]]
		catalog_findings | diff "$before" -
		cp "$BATS_TEST_TMPDIR/whole.$name" "$broken"
		printf 'damage' | dd of="$broken" bs=1 seek="$half" conv=notrunc status=none
		ev 3 --json audit --settle 0s --split --store "dump:$broken" --findings "$findings"
		[[ ! -e $findings ]]
		catalog_findings | diff "$before" -
		# Half of the documents, and behind them something else: nothing of it is believed.
		{
			head -c "$half" "$dump"
			cat "$BATS_TEST_TMPDIR/whole.$name"
		} >"$broken"
		ev 3 --json audit --settle 0s --split --store "dump:$broken" --findings "$findings"
		catalog_findings | diff "$before" -
	done
	ev 1 --json audit --settle 0s --split --store "dump:$BATS_TEST_TMPDIR/whole.zst" --findings "$findings"
	audit_finds "$data/current" "$findings"
	same resolved "$(field '[.resolved | .. | numbers] | add // 0')" 0
	catalog_findings | cut -d ' ' -f 1-4 >"$after"
	cut -d ' ' -f 1-4 "$before" | diff - "$after"
}

@test "what a packed dump is unpacked into has no name, and is gone with the run" {
	local folder=$BATS_TEST_TMPDIR/unpacked
	load_recording "$data/current"
	ev 0 snapshot
	packed "$data/current/eventStore_db.devices_events.bson" >/dev/null
	mkdir "$folder"
	TMPDIR=$folder audit_from "dump:$BATS_TEST_TMPDIR/devices_events.bson.gz"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
	same 'files left' "$(ls -A "$folder")" ''
	# Where it cannot be: an error that names the folder, and what to do.
	rm -rf "$state.copy"
	cp -a "$state" "$state.copy"
	TMPDIR=$folder/none et 7 --state "$state.copy" --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 \
		audit --no-snapshot --settle 0s --store "dump:$BATS_TEST_TMPDIR/devices_events.bson.gz"
	says "$stderr" "$folder/none" 'hint: ' TMPDIR
	same stdout "$output" ''
	# One that need not be looked into is not unpacked: every verdict is known.
	rm -rf "$state.copy"
	cp -a "$state" "$state.copy"
	et 1 --state "$state.copy" --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 \
		audit --no-snapshot --settle 0s --store "dump:$BATS_TEST_TMPDIR/devices_events.bson.gz"
	TMPDIR=$folder/none et 1 --state "$state.copy" --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 \
		audit --no-snapshot --settle 0s --store "dump:$BATS_TEST_TMPDIR/devices_events.bson.zst"
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
