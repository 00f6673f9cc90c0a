#!/usr/bin/env bats
# SIGKILL in the middle of snapshots. tests/live/soak.sh does the same for longer.

@test "killed snapshots leave whole archives, and the next run goes on to the same records" {
	load helper
	cli_setup
	EVTRAIL=$program run "$BATS_TEST_DIRNAME/soak.sh" 8
	printf '%s\n' "$output"
	((status != 77)) || skip "$output"
	((status == 0))
}
