#!/usr/bin/env bats
# findings: what is refused, and the list of a state without any. That of real audits is in tests/live/baseline.bats.

setup() {
	load helper
	cli_setup
	key=0ea72b9b-9c0f-5734-b5f2-3be9bddbf9ad@7
}

# with_state: one in which no audit has found anything.
with_state() {
	mkdir -m 700 "$state"
	et 0 reindex
}

@test "without a state there is nothing to list" {
	et 7 findings
	says "$stderr" 'no catalog' 'hint: '
	same stdout "$output" ''
}

@test "what changes a state makes none" {
	local verb
	for verb in 'compact' "findings ack $key --reason known" "findings unack $key"; do
		# shellcheck disable=SC2086
		et 7 $verb
		says "$stderr" 'no archives in' 'hint: nothing was archived there yet'
		[[ ! -e $state ]]
	done
}

@test "of nothing found the list says so, and is empty as JSON" {
	with_state
	et 0 findings
	same list "$output" 'findings  0 new, 0 known'
	et 0 -q findings
	same 'list with -q' "$output" ''
	et 0 --json findings
	same JSON "$(field '[.command, .verdict, .exit_status, .findings, .findings_total, .counts] | tostring')" \
		'["findings","clean",0,[],0,{"new":0,"known":0,"acknowledged":0,"resolved":0}]'
}

@test "--state names states of findings, and the directory all the same" {
	with_state
	local words
	for words in new known,resolved open all acknowledged; do
		et 0 findings --state "$words"
	done
	et 7 findings --state "$BATS_TEST_TMPDIR/none"
	says "$stderr" "$BATS_TEST_TMPDIR/none"
	et 2 findings --finding-state fresh
	says "$stderr" --finding-state fresh 'hint: ' acknowledged
}

@test "codes that are none, and times that are none, are refused" {
	with_state
	et 2 findings --code lost,lsot
	says "$stderr" --code "'lsot'"
	et 0 findings --code lost,store_lost,malformed_message
	et 2 findings --since yesterday
	says "$stderr" --since
}

@test "an acknowledgement needs a reason, a key or a choice, and a time that is still to come" {
	with_state
	et 2 findings ack "$key"
	says "$stderr" --reason 'hint: '
	et 2 findings ack --reason because
	says "$stderr" "'findings ack' of what?" 'hint: ' --state --device
	et 2 findings unack
	says "$stderr" "'findings unack' of what?"
	et 2 findings unack "$key" --reason because
	says "$stderr" unack --reason
	local when
	for when in 2020-01-01T00:00:00Z 0s tomorrow; do
		et 2 findings ack "$key" --reason because --expires "$when"
		says "$stderr" --expires "$when"
	done
	et 2 findings ack "$key" --reason "$(printf '%5000s' x)"
	says "$stderr" --reason 'longer than'
}

@test "a key that is none, and one that no finding has, are refused" {
	with_state
	local wrong
	for wrong in nonsense 0ea72b9b@7 "${key%@*}" "${key}x" "$key~" "$key~x" "~1$key" message@ message@7~1 "${key^^}"; do
		et 2 findings ack "$wrong" --reason because
		says "$stderr" "'$wrong' is no key" 'hint: '
	done
	for wrong in "$key" "$key~3" message@4711; do
		et 2 findings ack "$wrong" --reason because
		says "$stderr" "no open finding has the key '$wrong'" 'hint: '
		same stdout "$output" ''
	done
}

@test "a choice that fits nothing changes nothing, and says so" {
	with_state
	et 0 findings ack --code lost --reason because
	same said "$output" '0 findings acknowledged'
	et 0 --json findings unack --state all
	same JSON "$(field '"\(.action) \(.changed) \(.expires)"')" 'unack 0 null'
}

@test "arguments that mean nothing are refused" {
	with_state
	et 2 findings acknowledge "$key"
	says "$stderr" "'acknowledge'" 'hint: '
	et 2 findings --reason because
	says "$stderr" --reason 'findings ack'
	et 2 audit --fail-on known
	says "$stderr" --fail-on known
	et 2 audit --reason because
	says "$stderr" --reason audit
}

@test "the file that audits write is none of the list's, also where the configuration names it" {
	with_state
	printf 'findings = %s\nby = alice\n' "$BATS_TEST_TMPDIR/list" >"$BATS_TEST_TMPDIR/evtrail.conf"
	et 0 --config "$BATS_TEST_TMPDIR/evtrail.conf" findings
	[[ ! -e $BATS_TEST_TMPDIR/list ]]
	et 2 findings --findings "$BATS_TEST_TMPDIR/list"
	says "$stderr" --findings
}
