#!/usr/bin/env bats
# The stream and the store room, each by its own program, against real servers.

setup() {
	load helper
	live_setup
	built=$(dirname "$program")/../tests/unit
}

teardown() {
	live_teardown
}

# room PROGRAM ARGUMENT...
room() {
	[[ -x $built/$1 ]] || skip "$1 is not built"
	timeout --kill-after=5 180 "$built/$1" "${@:2}"
}

@test "the stream room reads ranges, resumes and ends" {
	room stream/live_pull
}

@test "the store room scans and fetches" {
	room store/live_source
}

@test "the store room reads a recording as its dump has it" {
	load_recording "$data/current"
	MONGO_DB=eventStore_db room store/live_source compare "$data/current/eventStore_db.devices_events.bson"
}
