#!/usr/bin/env bats
# Ranges of sequences: what is told when part of one, or all of it, is not there.

setup() {
	load ../live/helper
	live_setup
}

teardown() {
	live_teardown
}

# publish COUNT SUBJECT
publish() {
	nats publish --quiet "$2" --count "$1" '{{Count}}' >/dev/null
}

@test "cat names the part of a range that is not archived" {
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	publish 20 plgd.a
	ev 0 snapshot
	ev 5 cat --from-seq 15 --to-seq 99
	same lines "$(wc -l <<<"$output")" 6
	says "$stderr" 'sequences 21 to 99 are not archived'
	ev 5 cat --from-seq 99
	says "$stderr" 'sequences 1 to 20'
	ev 0 cat --from-seq 15 --to-seq 20
	same lines "$(wc -l <<<"$output")" 6
}

@test "cat ends quietly when its reader has enough" {
	local talk=$BATS_TEST_TMPDIR/talk
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	publish 5000 plgd.a
	ev 0 snapshot
	# shellcheck disable=SC2016
	run -0 bash -c '"$1" --state "$2" cat --from-seq 1 2>"$3" | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"' \
		- "$program" "$state" "$talk"
	same stderr "$(<"$talk")" ''
	# shellcheck disable=SC2016
	run -7 bash -c '"$1" --state "$2" cat --from-seq 1 >/dev/full' - "$program" "$state"
}

@test "a snapshot with nothing to archive says why" {
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	ev 0 snapshot
	says "$output" 'EVENTS is empty'
	publish 20 plgd.a
	ev 0 snapshot --to-time -1h
	says "$output" 'no message before --to-time'
	ev 0 snapshot --to-seq 10
	ev 0 snapshot --to-seq 5
	says "$output" 'nothing new up to sequence 5' 'archived up to sequence 10'
	ev 0 snapshot
	ev 0 snapshot
	says "$output" 'nothing new on EVENTS: archived up to sequence 20'
	ev 0 snapshot --out "$BATS_TEST_TMPDIR/out" --from-seq 99
	says "$output" 'no message in that range' 'sequences 1 to 20'
}

# asked: how many requests JetStream has answered.
asked() {
	# shellcheck disable=SC2016
	nats request --raw '$JS.API.INFO' '' | jq .api.total
}

@test "a time is found behind thousands of deleted messages in a few requests" {
	local before requests moment
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	publish 10 plgd.a
	publish 5000 plgd.gone
	nats stream purge EVENTS --subject plgd.gone --force >/dev/null
	sleep 0.01
	moment=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	publish 10 plgd.b
	before=$(asked)
	run --separate-stderr "$program" --state "$state" --nats-url "$NATS_URL" snapshot --out "$BATS_TEST_TMPDIR/out" \
		--from-time "$moment"
	((status == 0 || status == 5))
	says "$output" '10 messages'
	requests=$(($(asked) - before))
	((requests > 0 && requests < 500)) || { printf '%d requests\n' "$requests"; return 1; }
}

@test "a stream that the state does not belong to is refused by readers, too" {
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	publish 5 plgd.a
	ev 0 snapshot
	local command
	for command in info 'cat 1' verify; do
		# shellcheck disable=SC2086
		ev 2 --stream OTHER $command
		says "$stderr" EVENTS OTHER
	done
}
