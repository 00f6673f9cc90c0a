#!/usr/bin/env bats
# What happens to real hubs, their stores and streams, in doses, and what an audit makes of it. The table is in
# traps.py, and each row says which losses there are, what must be found of them, and what was found.

setup() {
	load helper
	live_setup
	export EVTRAIL_SERVERS
}

teardown() {
	live_teardown
}

# traps GROUP: its rows of the table, with what was expected and what was found.
traps() {
	local result=0 table=$BATS_TEST_TMPDIR/table
	EVTRAIL=$program TMPDIR=$BATS_TEST_TMPDIR PYTHONDONTWRITEBYTECODE=1 \
		"$BATS_TEST_DIRNAME/traps.py" --seeds "${TRAPS_SEEDS:-2}" --group "$1" >"$table" 2>&1 || result=$?
	sed 's/^/# /' "$table" >&3
	return "$result"
}

@test "devices that come, go and come again" {
	traps lives
}

@test "stores that go back, and numbers that are used again" {
	traps forks
}

@test "audits while the history goes on" {
	traps meanwhile
}

@test "two writers, late messages, clocks that differ" {
	traps writers
}

@test "forced commands, and links events that are lost or late" {
	traps commands
}

@test "forms of documents, generations of hubs" {
	traps store
}

@test "messages that are too large or cannot be read" {
	traps messages
}

@test "streams that were purged, limited, made again, restored or rolled back" {
	traps stream
}

@test "all of it at once, and losses of anything" {
	traps all
}
