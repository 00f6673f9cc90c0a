#!/usr/bin/env bats
# Audits that are killed: the next one gives the same verdicts, and no rescue copy is lost or half written.

setup() {
	load helper
	live_setup
	dump=$data/current/eventStore_db.devices_events.bson
	base=$BATS_TEST_TMPDIR/base
}

teardown() {
	live_teardown
}

# audit STATE FINDINGS: against a dump, so that a hundred of them take seconds; the stream is a real one.
audit() {
	"$program" --state "$1" --nats-url "$NATS_URL" --json audit --settle 0s --split --store "dump:$dump" \
		--findings "$2" >"$2.json" 2>"$2.log"
}

# copies STATE: the digests of the documents in its rescue files; fails when one is not whole.
copies() {
	python3 - "$1" <<-'END'
		import glob, hashlib, struct, sys
		for name in sorted(glob.glob(sys.argv[1] + '/rescue/*.bson')):
		    data = open(name, 'rb').read()
		    at = 0
		    while at < len(data):
		        size = struct.unpack_from('<i', data, at)[0]
		        assert 5 <= size <= len(data) - at and data[at + size - 1] == 0, f'{name}: cut at {at}'
		        print(hashlib.sha256(data[at:at + size]).hexdigest())
		        at += size
	END
}

# told FILE: its findings, without when they were seen; counts FILE: of its report, without how many of them are news. An
# audit that was killed has seen them, or told them, before.
told() {
	jq -c 'del(.state, .first_seen, .last_seen)' "$1"
}
counts() {
	jq -c '.counts | del(.new, .known)' "$1"
}

@test "an audit killed at its fault points: the next one says the same, and keeps every rescue copy" {
	local points state=$BATS_TEST_TMPDIR/state status
	load_recording "$data/current"
	EVTRAIL_FAULT_COUNT=$BATS_TEST_TMPDIR/points audit "$base" "$BATS_TEST_TMPDIR/wanted" || (($? == 1))
	[[ -e $BATS_TEST_TMPDIR/points ]] || skip 'this build has no fault points: configure --enable-faults'
	points=$(<"$BATS_TEST_TMPDIR/points")
	((points >= 20))
	copies "$base" | sort -u >"$BATS_TEST_TMPDIR/copies"
	(($(wc -l <"$BATS_TEST_TMPDIR/copies") > 10))
	# Most points are reads of the dump: of these a part will do. AUDIT_KILL_STEP=1 takes them all.
	local step=${AUDIT_KILL_STEP-$((points / 30 + 1))}
	for ((n = 1; n <= points; n += n < points - 30 ? step : 1)); do
		rm -rf "$state"
		status=0
		EVTRAIL_FAULT=$n:kill audit "$state" "$BATS_TEST_TMPDIR/killed" 2>/dev/null || status=$?
		# Servers answer in more or fewer pieces: a run may pass some points less.
		((status == 1 && n > points - 5)) && break
		same "point $n, status" "$status" 137
		copies "$state" | sort -u >"$BATS_TEST_TMPDIR/before"
		audit "$state" "$BATS_TEST_TMPDIR/found" || (($? == 1))
		cmp <(told "$BATS_TEST_TMPDIR/wanted") <(told "$BATS_TEST_TMPDIR/found") || { echo "point $n: other findings"; return 1; }
		same "point $n, counts" "$(counts "$BATS_TEST_TMPDIR/found.json")" "$(counts "$BATS_TEST_TMPDIR/wanted.json")"
		copies "$state" | sort -u >"$BATS_TEST_TMPDIR/after"
		same "point $n, copies that are gone" "$(comm -23 "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after")" ''
		cmp "$BATS_TEST_TMPDIR/copies" "$BATS_TEST_TMPDIR/after" || { echo "point $n: other copies"; return 1; }
	done
}
