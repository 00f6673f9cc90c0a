#!/usr/bin/env bats
# What evtrail says of a wrong command line or configuration: exit status 2, nothing on stdout, a hint.

setup() {
	load helper
	cli_setup
}

@test "no command: usage" {
	et 2
	same stdout "$output" ''
	says "$stderr" 'no command' 'hint: ' 'evtrail --help'
}

@test "an unknown command names the nearest" {
	et 2 snapshto
	same stdout "$output" ''
	says "$stderr" "'snapshto'" 'hint: ' snapshot
}

@test "an unknown option names the nearest" {
	et 2 audit --setle 0s
	says "$stderr" --setle 'hint: ' --settle
	et 2 --nats-ulr nats://127.0.0.1:1 info
	says "$stderr" --nats-ulr 'hint: ' --nats-url
}

@test "an option of another command is refused" {
	et 2 info --split
	says "$stderr" --split info 'hint: '
}

@test "an option without its value is refused" {
	et 2 audit --settle
	says "$stderr" --settle value
}

@test "values that are none of their type are refused, with the option's name" {
	local words
	for words in 'audit --settle 5parsecs' 'snapshot --archive-bytes 1MB' 'snapshot --level two' 'cat --from-seq -1' \
		'snapshot --to-time yesterday' 'snapshot --jobs 1x' 'snapshot --max-bytes 99999999999999999999' \
		'info --connect-timeout never'; do
		# shellcheck disable=SC2086
		et 2 $words
		says "$stderr" "$(grep -oE -- '--[a-z-]+' <<<"$words")"
		same "stdout of $words" "$output" ''
	done
}

@test "a range without --out is refused" {
	et 2 snapshot --from-seq 5
	says "$stderr" --out
}

@test "a level that zstd does not know is refused" {
	et 2 snapshot --level 99
	says "$stderr" level
}

@test "a sequence that is no number is refused" {
	et 2 cat twelve
	says "$stderr" twelve
}

@test "errors are talk: nothing of them is on stdout, and no line is wider than 200 columns" {
	et 2 audit --nonsense
	same stdout "$output" ''
	[[ -z $(awk 'length($0) > 200' <<<"$stderr") ]]
}

@test "an unknown key of the configuration is an error that names file and line" {
	local config=$BATS_TEST_TMPDIR/evtrail.conf
	printf '# ours\n[evtrail]\nstream = EVENTS\nnats-ulr = nats://127.0.0.1:1\n' >"$config"
	et 2 --config "$config" info
	says "$stderr" "$config:4" nats-ulr
}

@test "a bad value in the configuration names file, line and key" {
	local config=$BATS_TEST_TMPDIR/evtrail.conf
	printf 'stream = EVENTS\n\nconnect-timeout = soon\n' >"$config"
	et 2 --config "$config" info
	says "$stderr" "$config:3" connect-timeout soon
}

@test "a line of the configuration that is neither key nor comment is an error" {
	local config=$BATS_TEST_TMPDIR/evtrail.conf
	printf 'stream = EVENTS\nnonsense\n' >"$config"
	et 2 --config "$config" info
	says "$stderr" "$config:2"
}

@test "a configuration that is not there is an error when it was asked for" {
	et 2 --config "$BATS_TEST_TMPDIR/none.conf" info
	says "$stderr" none.conf
}

@test "a bad value in the environment names the variable" {
	EVTRAIL_CONNECT_TIMEOUT=soon et 2 info
	says "$stderr" EVTRAIL_CONNECT_TIMEOUT soon
}

@test "the command line wins over the environment, the environment over the configuration" {
	local config=$BATS_TEST_TMPDIR/evtrail.conf
	printf 'connect-timeout = soon\n' >"$config"
	et 2 --config "$config" info
	printf 'nats-url = nats://127.0.0.1:1\nconnect-timeout = 1s\n' >"$config"
	et 3 --config "$config" snapshot
	says "$stderr" 127.0.0.1:1
	EVTRAIL_NATS_URL=nats://127.0.0.1:2 et 3 --config "$config" snapshot
	says "$stderr" 127.0.0.1:2
	EVTRAIL_NATS_URL=nats://127.0.0.1:2 et 3 --config "$config" --nats-url nats://127.0.0.1:3 snapshot
	says "$stderr" 127.0.0.1:3
}

@test "an argument that a command does not take is refused" {
	local command
	for command in snapshot audit info compact reindex; do
		et 2 "$command" nonsense
		says "$stderr" "'$command'" "'nonsense'" 'hint: '
		same "stdout of $command" "$output" ''
	done
	et 2 id aggregate a b c
	says "$stderr" "'c'"
}

@test "options that contradict each other are named" {
	local out=$BATS_TEST_TMPDIR/out
	et 2 snapshot --out "$out" --from-seq 5 --from-time -1h
	says "$stderr" --from-seq --from-time
	et 2 snapshot --out "$out" --from-seq 100 --to-seq 50
	says "$stderr" '--from-seq 100' '--to-seq 50'
	et 2 snapshot --out "$out" --from-time -1h --to-time -2h
	says "$stderr" --from-time --to-time
	et 2 cat --from-seq 100 --to-seq 50
	says "$stderr" '--from-seq 100' '--to-seq 50'
	et 2 cat 5 --from-seq 3
	says "$stderr" "'5'" --from-seq
	et 2 cat 5 --to-seq 3
	says "$stderr" "'5'" --to-seq
}

@test "--out in the state, or around its archives, is refused" {
	mkdir -p "$state/archives"
	ln -s "$state" "$BATS_TEST_TMPDIR/link"
	local out
	for out in "$state" "$state/deep/er" "$BATS_TEST_TMPDIR/link/x" "$BATS_TEST_TMPDIR/none/../state/x"; do
		et 2 snapshot --out "$out"
		says "$stderr" --out "$state" 'hint: '
	done
	et 2 --stream state snapshot --out "$BATS_TEST_TMPDIR"
	says "$stderr" --out
	[[ -z $(find "$state" -type f) ]]
}

@test "an empty value is refused, on the command line and in the configuration" {
	local option config=$BATS_TEST_TMPDIR/evtrail.conf
	for option in mongo-uri nats-url stream config nats-password-file connect-timeout; do
		et 2 "--$option" '' info
		says "$stderr" "--$option is empty"
	done
	printf 'stream = EVENTS\nmongo-uri =\n' >"$config"
	et 2 --config "$config" info
	says "$stderr" "$config:2" 'mongo-uri is empty'
}

@test "an empty variable counts as not set" {
	EVTRAIL_CONFIG='' EVTRAIL_JSON='' EVTRAIL_NATS_URL='' et 3 --connect-timeout 1s --nats-url nats://127.0.0.1:1 snapshot
	same stdout "$output" ''
}

@test "the configuration cannot name a configuration" {
	local config=$BATS_TEST_TMPDIR/evtrail.conf
	printf 'config = other.conf\n' >"$config"
	et 2 --config "$config" info
	says "$stderr" "$config:1" 'cannot stand in the file'
	[[ $stderr != *'did you mean'* ]]
}
