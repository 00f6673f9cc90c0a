#!/usr/bin/env bats
# Snapshots that are killed, stopped, cut off from the server, or out of room. tests/live/soak.sh does the first
# three for longer.

teardown() {
	[[ -z $(declare -F live_teardown) ]] || live_teardown
}

@test "killed snapshots leave whole archives, and the next run goes on to the same records" {
	load helper
	cli_setup
	EVTRAIL=$program run "$BATS_TEST_DIRNAME/soak.sh" 8
	printf '%s\n' "$output"
	((status != 77)) || skip "$output"
	((status == 0))
}

# in_room KIB COMMAND...: with a file system of that size, of its own, as $room. `more` in COMMAND makes it large.
in_room() {
	local kib=$1
	shift
	# shellcheck disable=SC2016
	room=$room unshare --map-root-user --mount bash -c 'set -euo pipefail
		mount -t tmpfs -o "size=$1k" none "$room"
		more() { mount -o remount,size=256m "$room"; }
		eval "$2"' - "$kib" "$*"
}

@test "a full disk: 7 and why, no half archive, and with more room the next run goes on" {
	load helper
	live_setup
	local room=$BATS_TEST_TMPDIR/room log=$BATS_TEST_TMPDIR/log
	mkdir "$room"
	in_room 64 true 2>/dev/null || skip 'no file system can be mounted here'
	generate --events 40000
	export program log messages
	messages=$(stream_messages)
	# shellcheck disable=SC2016
	run in_room 4096 '
		ev() { "$program" --state "$room" --nats-url "$NATS_URL" "$@"; }
		status=0
		ev snapshot --archive-bytes 2MiB >"$log" 2>&1 || status=$?
		printf "full: %d, %s\n" "$status" "$(tr "\n" " " <"$log")"
		printf "temporary: %d\n" "$(find "$room" -name ".*.tmp" | wc -l)"
		printf "archives: %d\n" "$(find "$room" -name "*.tar.zst" | wc -l)"
		ev verify
		more
		ev snapshot --archive-bytes 2MiB
		ev verify
		(($(ev cat --from-seq 1 | jq .sequence | cksum | cut -d " " -f 1) == $(seq "$messages" | cksum | cut -d " " -f 1)))
		(($(find "$room" -name "*.tar.zst" | wc -l) == $(find "$room" -name "*.sha256" | wc -l)))
	'
	printf '%s\n' "$output"
	((status == 0))
	says "$output" 'full: 7,' 'MiB are free in' 'No space left on device' 'make room there' 'temporary: 0'
	# Some were finished before it was full.
	[[ $output =~ archives:\ [1-9] ]]
}
