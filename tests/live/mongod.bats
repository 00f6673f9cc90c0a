#!/usr/bin/env bats
# The recordings with a real MongoDB as the store: what it does otherwise than FerretDB must make no difference.
# It takes a mongod on PATH, or EVTRAIL_TEST_MONGODB_URI (a database of a name of our own is made there, and removed).

setup() {
	local got=0 given=${EVTRAIL_TEST_MONGODB_URI-}
	load helper
	live_setup
	ferret_stop
	EVTRAIL_TEST_MONGODB_URI=$given
	mongod_start "$BATS_TEST_TMPDIR/servers" || got=$?
	((got != 77)) || skip 'no mongod: put one on PATH, or set EVTRAIL_TEST_MONGODB_URI'
	((got == 0))
	db=evtrail_test_$$_$RANDOM
}

teardown() {
	[[ -z ${recording-} ]] || "$EVTRAIL_SERVERS/loadrec" --mongo "$MONGO_URI" --db "$db" --drop "$recording"
	live_teardown
}

# audit_recording NAME
audit_recording() {
	local findings=$BATS_TEST_TMPDIR/findings.jsonl
	recording=$data/$1
	load_recording "$recording" "$db"
	ev 1 --json --mongo-db "$db" audit --settle 0s --split --findings "$findings"
	audit_finds "$recording" "$findings"
	ev 1 --mongo-db "$db" audit --settle 0s
	says "$output" FINDINGS
}

@test "a real MongoDB, current: what was lost, neither more nor less" {
	audit_recording current
}

@test "a real MongoDB, current-kept: what was lost, neither more nor less" {
	audit_recording current-kept
}

@test "a real MongoDB, older: what was lost, neither more nor less" {
	audit_recording older
}
