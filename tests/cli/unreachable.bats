#!/usr/bin/env bats
# Servers that are not there: exit status 3, within the time-out, naming the address.

setup() {
	load helper
	cli_setup
}

teardown() {
	[[ -z ${listener-} ]] || kill "$listener"
}

# in_time SECONDS ET...: et, and not longer than that.
in_time() {
	local began=$SECONDS most=$1
	shift
	"$@" || return
	((SECONDS - began <= most)) || { printf 'it took %d s\n' $((SECONDS - began)); return 1; }
}

@test "NATS refuses: 3, the address, no archive" {
	in_time 10 et 3 --connect-timeout 1s --nats-url nats://127.0.0.1:1 snapshot
	says "$stderr" 127.0.0.1:1
	same stdout "$output" ''
	[[ -z $(find "$state" -name '*.tar.zst' 2>/dev/null) ]]
}

@test "NATS refuses: an audit says so too, and is not clean" {
	in_time 10 et 3 --connect-timeout 1s --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1 audit
	says "$stderr" 127.0.0.1:1
}

@test "NATS refuses: the JSON has the verdict and the exit status" {
	in_time 10 et 3 --json --connect-timeout 1s --nats-url nats://127.0.0.1:1 snapshot
	same verdict "$(field .verdict)" unreachable
	same exit_status "$(field .exit_status)" 3
}

@test "NATS accepts and says nothing: 3 within the time-out" {
	listen_silently
	in_time 10 et 3 --connect-timeout 1s --nats-url "nats://127.0.0.1:$port" snapshot
	says "$stderr" "127.0.0.1:$port"
}

@test "several servers, none there: 3, all of them named" {
	in_time 15 et 3 --connect-timeout 1s --nats-url nats://127.0.0.1:1,nats://127.0.0.1:2 snapshot
	says "$stderr" 127.0.0.1:1 127.0.0.1:2
}

@test "a name that does not resolve: 3" {
	in_time 20 et 3 --connect-timeout 1s --nats-url nats://no-such-host.invalid:4222 snapshot
	says "$stderr" no-such-host.invalid
}
