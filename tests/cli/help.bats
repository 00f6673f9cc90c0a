#!/usr/bin/env bats
# Help and version, and what they must not show.

setup() {
	load helper
	cli_setup
}

@test "--version is one line: name and number" {
	et 0 --version
	[[ $output =~ ^evtrail\ [0-9]+\.[0-9]+(\.[0-9]+)?$ ]]
	same stderr "$stderr" ''
}

@test "help names every command" {
	local command
	et 0 help
	for command in snapshot audit findings verify info cat id compact reindex; do
		says "$output" "  $command "
	done
}

@test "help, --help and -h are the same" {
	local first
	et 0 help
	first=$output
	et 0 --help
	same --help "$output" "$first"
	et 0 -h
	same -h "$output" "$first"
}

@test "help COMMAND is COMMAND --help, with its own options and the exit statuses" {
	local first
	et 0 help audit
	first=$output
	says "$first" --settle --split --findings --no-snapshot
	et 0 audit --help
	same 'audit --help' "$output" "$first"
}

@test "help of a command leaves out the options of others" {
	et 0 verify --help
	says "$output" --quick
	[[ $output != *--settle* ]]
}

@test "help of an unknown command is a usage error" {
	et 2 help nonsense
	says "$stderr" nonsense
}

@test "help needs no configuration, state or server" {
	EVTRAIL_CONFIG=/does/not/exist et 0 audit --help
}

@test "output that cannot be written is an error" {
	# shellcheck disable=SC2016
	run -7 bash -c '"$1" help >/dev/full' - "$program"
}
