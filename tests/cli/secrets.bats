#!/usr/bin/env bats
# Secrets come from files and the environment, and are shown nowhere.

secret=correct-horse-battery

setup() {
	load helper
	cli_setup
	printf '%s\n' "$secret" >"$BATS_TEST_TMPDIR/secret"
	offline=(--connect-timeout 1s --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1)
}

# Not in what was printed, and in no file of the state.
shows_no_secret() {
	[[ $output$stderr != *$secret* ]] || { printf 'shown: %s\n%s\n' "$output" "$stderr"; return 1; }
	[[ ! -e $state ]] || ! grep -rqF "$secret" "$state"
}

@test "no option takes a secret itself, only a file that holds it" {
	local option
	et 0 help
	for option in --nats-password --nats-token --nats-nkey-seed; do
		says "$output" "$option-file FILE"
		[[ ! $output =~ ${option}[\ =] ]]
	done
}

@test "a password of NATS is not shown when the server is unreachable" {
	et 3 "${offline[@]}" --nats-user me --nats-password-file "$BATS_TEST_TMPDIR/secret" -v snapshot
	shows_no_secret
	et 3 "${offline[@]}" --nats-token-file "$BATS_TEST_TMPDIR/secret" -v snapshot
	shows_no_secret
}

@test "a password in the URL of NATS is not shown" {
	et 3 "${offline[@]}" --nats-url "nats://me:$secret@127.0.0.1:1" -v snapshot
	shows_no_secret
	says "$stderr" 127.0.0.1:1
}

@test "a password in a URI of MongoDB is not shown, be the URI good or bad" {
	local uri
	for uri in "mongodb://me:$secret@127.0.0.1:1" "mongodb:/me:$secret@127.0.0.1:1" "mongodb://me:$secret@"; do
		run --separate-stderr "$program" --state "$state" "${offline[@]}" --mongo-uri "$uri" -v audit --no-snapshot
		((status != 0))
		shows_no_secret
	done
}

@test "info shows no secret" {
	EVTRAIL_MONGO_URI="mongodb://me:$secret@127.0.0.1:1" run --separate-stderr "$program" --state "$state" -v info
	shows_no_secret
	EVTRAIL_MONGO_URI="mongodb://me:$secret@127.0.0.1:1" run --separate-stderr "$program" --state "$state" --json info
	shows_no_secret
}

@test "a secret's file that is not there is an error that names it" {
	et 2 "${offline[@]}" --nats-user me --nats-password-file "$BATS_TEST_TMPDIR/none" snapshot
	says "$stderr" "$BATS_TEST_TMPDIR/none"
}

@test "an empty secret file is refused, and not taken for no secret" {
	: >"$BATS_TEST_TMPDIR/empty"
	et 2 --connect-timeout 1s --nats-user x --nats-password-file "$BATS_TEST_TMPDIR/empty" snapshot
	says "$stderr" 'is empty'
	et 2 --connect-timeout 1s --mongo-uri-file "$BATS_TEST_TMPDIR/empty" audit --no-snapshot
	says "$stderr" 'is empty'
}
