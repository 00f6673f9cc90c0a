#!/usr/bin/env bats
# What an audit must not call clean: wrong databases, streams rolled back, archives damaged, servers gone.

setup() {
	load helper
	live_setup
}

teardown() {
	live_teardown
}

@test "a wrong database: nothing was compared, 5" {
	load_recording "$data/current"
	ev 5 --json --mongo-db no_such_db audit --settle 0s
	same verdict "$(field .verdict)" incomplete
	same exit_status "$(field .exit_status)" 5
	ev 5 --mongo-db another_one audit --settle 0s --no-snapshot
	says "$output$stderr" another_one
	says "$output" 'nothing was compared'
	[[ $output != *'DO NOT HOLD'* && $output != *expected* ]]
}

@test "what a deleted message may have been is not called lost: unverifiable, 5" {
	local last
	load_recording "$data/current"
	last=$(stream_messages)
	ev 1 --json --state "$state.whole" audit --settle 0s --findings "$BATS_TEST_TMPDIR/whole.jsonl"
	# Events in the middle of their aggregates: what stands around them tells that they were there.
	for ((seq = 1000; seq < 1020; seq++)); do
		nats stream rmm EVENTS "$seq" -f >/dev/null
	done
	ev 5 --json audit --settle 0s --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	same verdict "$(field .verdict)" incomplete
	same 'the last sequence' "$(field .stream.last_seq)" "$last"
	(($(field .counts.unverifiable_gap) > 0))
	# Losses beside the hole stay losses; nothing new is called one.
	lost "$BATS_TEST_TMPDIR/whole.jsonl" >"$BATS_TEST_TMPDIR/whole"
	lost "$BATS_TEST_TMPDIR/findings.jsonl" >"$BATS_TEST_TMPDIR/with_holes"
	same 'new losses' "$(LC_ALL=C comm -13 "$BATS_TEST_TMPDIR/whole" "$BATS_TEST_TMPDIR/with_holes")" ''
	[[ -s $BATS_TEST_TMPDIR/with_holes ]]
	same sums_hold "$(field .sums_hold)" true
}

@test "an audit of a part of the stream calls nothing lost that stands behind its end" {
	local name size
	for name in current older; do
		nats stream rm EVENTS -f >/dev/null 2>&1 || true
		load_recording "$data/$name" "part_$name"
		for size in 64KiB 150KiB 400KiB 700KiB; do
			ev 5 --json --state "$state.$name.$size" --mongo-db "part_$name" audit --settle 0s \
				--max-bytes "$size" --findings "$BATS_TEST_TMPDIR/findings.jsonl"
			same 'false losses' "$(LC_ALL=C comm -13 <(lost "$data/$name/lost.jsonl" | jq -c '.[:2]' | LC_ALL=C sort) \
				<(lost "$BATS_TEST_TMPDIR/findings.jsonl" | jq -c '.[:2]' | LC_ALL=C sort))" ''
			same sums_hold "$(field .sums_hold)" true
		done
		# And what they archived is no worse for it.
		ev 1 --json --state "$state.$name.$size" --mongo-db "part_$name" audit --settle 0s --split \
			--findings "$BATS_TEST_TMPDIR/findings.jsonl"
		audit_finds "$data/$name" "$BATS_TEST_TMPDIR/findings.jsonl"
	done
}

@test "ghosts in the store lose nothing, of devices that live and of deleted ones" {
	local copy=$BATS_TEST_TMPDIR/current devices
	command -v python3 >/dev/null || skip 'no python3'
	cp -r "$data/current" "$copy"
	mapfile -t devices < <(jq -r '.device_id // empty' "$copy/truth.jsonl" | LC_ALL=C sort -u)
	((${#devices[@]} > 10))
	"$BATS_TEST_DIRNAME/ghosts.py" "$copy/eventStore_db.devices_events.bson" 40 "${devices[@]}"
	load_recording "$copy"
	ev 1 --json audit --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
}

@test "a second audit with nothing new says so in one line, and its status is the same" {
	load_recording "$data/current"
	ev 1 audit --settle 0s
	local full=$output
	(($(wc -l <<<"$full") > 20))
	ev 1 audit --settle 0s
	same lines "$(wc -l <<<"$output")" 1
	says "$output" "$(head -n 1 <<<"$full")"
	says "$output" 'nothing new'
	# The whole of it is one option away; with anything else to say it comes by itself.
	ev 1 -v audit --settle 0s
	(($(wc -l <<<"$output") > 20))
	says "$output" examined
	nats publish --quiet plgd.owners.x.registrations.test --count 1 '{{Count}}' >/dev/null
	ev 1 audit --settle 0s
	(($(wc -l <<<"$output") > 20))
}

@test "the MongoDB of another hub: nothing in common, 5" {
	load_recording "$data/current"
	ev 0 snapshot
	ferret_stop
	ferret_start "$BATS_TEST_TMPDIR/other"
	"$EVTRAIL_SERVERS/loadrec" --mongo "$MONGO_URI" "$data/older"
	ev 5 --json audit --settle 0s
	same verdict "$(field .verdict)" incomplete
	says "$(field '.notes[]')" 'nothing in common'
}

@test "a stream that was made again: what was published in between is not called lost" {
	# Event times near those of the stream, as a hub writes them; all older than --settle when they are judged.
	generate --events 3000 --seed 5 --start-time now --span 4s
	ev 0 snapshot --to-seq 1500
	# Nobody archives the rest before the stream is made again, and what comes after is none of the hub's.
	nats stream rm EVENTS -f >/dev/null
	nats stream add EVENTS --subjects 'plgd.owners.>' --storage file --defaults >/dev/null
	nats publish --quiet plgd.owners.x.registrations.test --count 5 '{{Count}}' >/dev/null
	sleep 7
	for _ in 1 2; do
		ev 5 --json audit --settle 2s
		same lost "$(field '.counts.lost // 0')" 0
		(($(field .counts.unverifiable_gap) > 500))
		same sums_hold "$(field .sums_hold)" true
	done
}

@test "findings are not written over the state, but into pipes and through links" {
	local list=$BATS_TEST_TMPDIR/list.jsonl
	load_recording "$data/current"
	for file in catalog.db lock archives/x.jsonl; do
		ev 2 audit --settle 0s --findings "$state/$file"
		says "$stderr" 'lies in the state'
	done
	ln -s catalog.db "$BATS_TEST_TMPDIR/link.jsonl"
	mkdir -p "$state"
	ln -s "$state/catalog.db" "$BATS_TEST_TMPDIR/hidden.jsonl"
	ev 2 audit --settle 0s --findings "$BATS_TEST_TMPDIR/hidden.jsonl"
	ev 1 audit --settle 0s --findings "$list"
	same lines "$(wc -l <"$list")" 112
	ln -sf list.jsonl "$BATS_TEST_TMPDIR/link.jsonl"
	: >"$list"
	ev 1 audit --settle 0s --findings "$BATS_TEST_TMPDIR/link.jsonl"
	[[ -L $BATS_TEST_TMPDIR/link.jsonl ]]
	same lines "$(wc -l <"$list")" 112
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	wc -l <"$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/count" 3>&- &
	ev 1 audit --settle 0s --findings "$BATS_TEST_TMPDIR/pipe"
	wait $!
	[[ -p $BATS_TEST_TMPDIR/pipe ]]
	same 'lines through the pipe' "$(cat "$BATS_TEST_TMPDIR/count")" 112
	# With nothing compared there is no list, and the last one stays.
	ev 5 --mongo-db nonono audit --settle 0s --findings "$list"
	same lines "$(wc -l <"$list")" 112
}

@test "MongoDB gone: 3, and no verdict on the events" {
	load_recording "$data/current"
	ferret_stop
	ev 3 --json --connect-timeout 1s audit --settle 0s
	same verdict "$(field .verdict)" unreachable
	says "$stderr" "127.0.0.1:$MONGO_PORT"
}

@test "NATS gone after a snapshot: 3, but what is archived can be compared" {
	load_recording "$data/current"
	ev 0 snapshot
	nats_stop
	ev 3 --connect-timeout 1s audit --settle 0s
	says "$stderr" "127.0.0.1:$NATS_PORT"
	ev 1 --json --connect-timeout 1s audit --no-snapshot --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
}

@test "NATS killed and back: the next snapshot goes on" {
	load_recording "$data/current"
	ev 0 snapshot --to-seq 1500
	nats_kill
	nats_start "$NATS_DIR" "$NATS_PORT"
	ev 0 snapshot
	ev 0 verify
	[[ $(archives | tail -n 1) == *-00000000000000002572.tar.zst ]]
}

# roll_back: JetStream's directory as it was at the copy.
roll_back() {
	nats_stop
	rm -rf "$NATS_DIR/js"
	cp -a "$BATS_TEST_TMPDIR/js" "$NATS_DIR/js"
	nats_start "$NATS_DIR" "$NATS_PORT"
}

copy_and_go_on() {
	load_recording "$data/current"
	nats_stop
	cp -a "$NATS_DIR/js" "$BATS_TEST_TMPDIR/js"
	nats_start "$NATS_DIR" "$NATS_PORT"
	nats publish --quiet plgd.owners.x.registrations.first --count 20 'first {{Count}}' >/dev/null
	ev 0 snapshot
}

@test "a stream that was rolled back and is shorter: 5, and the archives stay" {
	local before
	copy_and_go_on
	before=$(archives)
	roll_back
	ev 5 --json snapshot
	same verdict "$(field .verdict)" incomplete
	says "$(archives)" "$before"
	ev 0 verify
}

@test "a stream that was rolled back and has grown past it again: 5, by its last record" {
	copy_and_go_on
	roll_back
	nats publish --quiet plgd.owners.x.registrations.second --count 40 'second {{Count}}' >/dev/null
	ev 5 snapshot
	says "$stderr" 'rolled back'
	[[ $(archives | wc -l) -ge 1 ]]
}

@test "one flipped bit of an archive: 4, and the archive is named" {
	local archive
	load_recording "$data/current"
	ev 0 snapshot
	archive=$(archives)
	ev 0 verify
	python3 - "$archive" <<'EOF'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(5000)
    byte = f.read(1)[0]
    f.seek(5000)
    f.write(bytes([byte ^ 16]))
EOF
	ev 4 --json verify
	same verdict "$(field .verdict)" damaged
	ev 4 verify
	says "$stderr$output" "$(basename "$archive")"
}

@test "a missing, a cut and a foreign archive: no all-clear" {
	local archive second
	load_recording "$data/older"
	ev 0 snapshot --archive-bytes 512KiB
	second=$(archives | sed -n 2p)
	cp -a "$state" "$BATS_TEST_TMPDIR/whole"
	rm "$second"
	run --separate-stderr "$program" --state "$state" verify
	((status == 4 || status == 5))
	run --separate-stderr "$program" --state "$state" verify --quick
	((status == 4 || status == 5))

	rm -rf "$state" && cp -a "$BATS_TEST_TMPDIR/whole" "$state"
	truncate -s -100 "$second"
	ev 4 verify

	rm -rf "$state" && cp -a "$BATS_TEST_TMPDIR/whole" "$state"
	archive=$(archives | sed -n 3p)
	cp "$archive" "$second"
	ev 4 verify
}

@test "compact and reindex change nothing that an audit finds" {
	local first
	load_recording "$data/current"
	ev 0 snapshot --archive-bytes 64KiB
	ev 0 cat --from-seq 1
	first=$(sha256sum <<<"$output")
	ev 0 compact
	(($(archives | wc -l) < 10))
	ev 0 verify
	ev 0 cat --from-seq 1
	same cat "$(sha256sum <<<"$output")" "$first"
	rm -f "$state"/catalog.db*
	ev 0 reindex
	ev 1 --json audit --no-snapshot --settle 0s --split --findings "$BATS_TEST_TMPDIR/findings.jsonl"
	audit_finds "$data/current" "$BATS_TEST_TMPDIR/findings.jsonl"
}
