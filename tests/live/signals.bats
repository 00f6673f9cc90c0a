#!/usr/bin/env bats
# What surrounds a run: signals while it connects, restricted users, states that can only be read.

setup() {
	load helper
	live_setup
}

teardown() {
	[[ -z ${listener-} ]] || kill "$listener"
	live_teardown
}

@test "Ctrl-C while NATS is connected to: 5" {
	listen_silently
	run --separate-stderr -5 timeout --preserve-status --signal=INT 1 "$program" --state "$state" \
		--connect-timeout 60s --nats-url "nats://127.0.0.1:$port" snapshot
	says "$stderr" 'stopped by SIGINT'
}

@test "Ctrl-C while MongoDB is connected to: 5" {
	generate --events 100
	listen_silently
	run --separate-stderr -5 timeout --preserve-status --signal=INT 2 "$program" --state "$state" \
		--connect-timeout 60s --nats-url "$NATS_URL" --mongo-uri "mongodb://127.0.0.1:$port" audit
	says "$stderr" 'stopped by SIGINT'
}

@test "--max-time bounds connecting: 5" {
	listen_silently
	et 5 --max-time 1s --connect-timeout 60s --nats-url "nats://127.0.0.1:$port" snapshot
	says "$stderr" 'the time budget ran out'
}

# restricted PUBLISH SUBSCRIBE: starts the server anew, with a user "tight" who may do that alone.
restricted() {
	printf 'authorization { users = [ { user: all, password: all }\n{ user: tight, password: tight, permissions: { publish: [%s], subscribe: [%s] } } ] }\n' \
		"$1" "$2" >"$BATS_TEST_TMPDIR/nats.conf"
	nats_stop
	NATS_CONFIG=$BATS_TEST_TMPDIR/nats.conf nats_start "$NATS_DIR" "$NATS_PORT"
	tight=nats://tight:tight@127.0.0.1:$NATS_PORT
}

@test "the permissions that README names are enough, and what is missing is told with its name" {
	generate --events 100
	# shellcheck disable=SC2016
	restricted '"$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.MSG.GET.EVENTS", "$JS.API.CONSUMER.CREATE.EVENTS", "$JS.API.CONSUMER.DELETE.EVENTS.>", "$JS.FC.EVENTS.>"' '"_INBOX.>"'
	et 0 --nats-url "$tight" snapshot
	# shellcheck disable=SC2016
	restricted '"$JS.API.STREAM.INFO.EVENTS"' '"_INBOX.>"'
	et 3 --state "$state.2" --max-time 30s --read-timeout 60s --nats-url "$tight" snapshot
	says "$stderr" CONSUMER.CREATE.EVENTS 'permissions'
	# shellcheck disable=SC2016
	restricted '"$JS.API.>"' '"none"'
	et 3 --state "$state.3" --max-time 30s --read-timeout 60s --nats-url "$tight" snapshot
	says "$stderr" 'permissions' _INBOX
}

@test "a state in a folder that cannot be written is read" {
	((EUID == 0)) && command -v setpriv >/dev/null || skip 'another user cannot be taken on here'
	generate --events 100
	ev 0 snapshot
	local room=$BATS_TEST_TMPDIR/room
	mkdir "$room"
	# shellcheck disable=SC2016
	unshare --mount bash -c 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"' - "$state" "$room" ||
		skip 'no file system can be mounted here'
	# shellcheck disable=SC2016
	run unshare --mount bash -c 'set -e; mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"
		"$3" --state "$2" info; "$3" --state "$2" verify; "$3" --state "$2" cat 1' - "$state" "$room" "$program"
	printf '%s\n' "$output"
	((status == 0))
}
