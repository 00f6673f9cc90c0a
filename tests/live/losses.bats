#!/usr/bin/env bats
# losses.py, the judge of losses.sh, on short histories that were made by hand: times in seconds.
# Audits are every 20 s and settle is 45 s: what is saved at 10 is due in the second one after 55, that of 80.

setup() {
	bats_require_minimum_version 1.5.0
	judged=$BATS_TEST_TMPDIR
	judge=$BATS_TEST_DIRNAME/losses.py
	echo 45 >"$judged/settle"
	: >"$judged/truth.jsonl"
	: >"$judged/runs.jsonl"
	wrote '"what": "begin", "time": 0'
	late c 3 15 40
	expect 2
}

# wrote TEXT: a line of the writer's log.
wrote() {
	printf '{%s}\n' "$1" >>"$judged/truth.jsonl"
}

# at SECONDS
at() {
	printf '%d000000000' "$1"
}

# lost AGGREGATE VERSION SAVED WORD
lost() {
	local what="\"what\": \"lost\", \"event_type\": \"resourcechanged\", \"why\": \"random\""
	wrote "$what, \"aggregate_id\": \"$1\", \"version\": $2, \"saved\": $(at "$3"), \"stored\": $(at "$3"), \"word\": \"$4\""
}

# copy AGGREGATE VERSION TIME WORD
copy() {
	wrote "\"what\": \"copy\", \"aggregate_id\": \"$1\", \"version\": $2, \"begun\": $(at "$3"), \"done\": $(at "$3"), \"word\": \"$4\""
}

# late AGGREGATE VERSION SAVED PUBLISHED
late() {
	wrote "\"what\": \"published\", \"aggregate_id\": \"$1\", \"version\": $2, \"saved\": $(at "$3"), \"published\": $(at "$4")"
}

# expect LOST: what the writer counts in the end.
expect() {
	jq -n --argjson lost "$1" '{expected: 100, covered: (100 - $lost), lost: $lost, lost_in_store: $lost,
		lost_deleted: 0, messages: 110, registrations: 10, duplicate: 0, deleted_device: 0}' >"$judged/expected.json"
}

# ran BEGIN END STATUS KILLED: sets number.
ran() {
	number=$(($(wc -l <"$judged/runs.jsonl") + 1))
	printf '{"run": %d, "begin": %s, "end": %s, "status": %d, "killed": %s}\n' "$number" "$(at "$1")" "$(at "$2")" "$3" "$4" \
		>>"$judged/runs.jsonl"
}

# audit BEGIN IN_FLIGHT FINDING...: of one second; a finding is AGGREGATE@VERSION=WORD, or CODE:AGGREGATE@VERSION.
audit() {
	local finding count=$(($# - 2))
	ran "$1" $(($1 + 1)) $((count > 0)) false
	for finding in "${@:3}"; do
		if [[ $finding == *:* ]]; then
			jq -cn --arg f "$finding" '$f | capture("(?<code>.*):(?<aggregate_id>.*)@(?<version>.*)") |
				.version |= tonumber | .recoverable = null'
		else
			jq -cn --arg f "$finding" '$f | capture("(?<aggregate_id>.*)@(?<version>.*)=(?<recoverable>.*)") |
				.version |= tonumber | .code = "lost"'
		fi
	done >"$judged/$number.ndjson"
	jq --argjson n "$count" --argjson flight "$2" '{sums_hold: true, counts: (. + {in_flight: $flight, lost: $n,
		lost_in_store: $n, covered: (100 - $n - $flight), undecided: 0, unverifiable_gap: 0, before_horizon: 0,
		unannounced: 0})}' "$judged/expected.json" >"$judged/$number.json"
}

killed() {
	ran "$1" $(($1 + 1)) 137 true
}

# condemns TEXT...: the summary has these, and the judge fails with status 1.
condemns() {
	run -1 python3 "$judge" summary "$judged"
	contains "$@"
}

# passes TEXT...: it does not fail.
passes() {
	run -0 python3 "$judge" summary "$judged"
	contains 'all well' "$@"
}

contains() {
	local text
	for text; do
		[[ $output == *"$text"* ]] || {
			printf 'not said: %s\n%s\n' "$text" "$output"
			return 1
		}
	done
}

# Two losses: one that only the first audits could recover, one that stays in the store.
two_losses() {
	lost a 1 10 rebuilt
	copy a 1 30 superseded
	lost b 2 50 snapshot
}

@test "what is found in time, with what was rescued, passes" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=snapshot
	passes 'recall     2 of 2 (100.0 %)' 'precision  2 of 2' 'recovered  2 of 2 (100.0 %), 1 of them thanks to rescue' \
		'reported   2, the last one 70 s after its save'
}

@test "what is late and was called lost is a false alarm" {
	two_losses
	audit 20 2 c@3=rebuilt
	audit 40 2
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=snapshot
	condemns 'false: c@3, audit 1' 'withdrawn: c@3, audit 2' 'precision  2 of 3' '1 false, 1 withdrawn'
	run -0 python3 "$judge" line "$judged" 1
	contains '20 s  audit   1     1 lost,   1 new' '2 in flight  0 excused  1 false  0 withdrawn   1.00 s'
}

@test "a loss that was called lost before it was saved is a false alarm" {
	two_losses
	audit 20 2 b@2=superseded
	audit 40 2 b@2=superseded
	audit 60 2 b@2=superseded
	audit 80 1 a@1=rebuilt b@2=superseded
	audit 100 0 a@1=rebuilt b@2=superseded
	condemns 'false: b@2, audit 1'
}

@test "any other alarm is a false one" {
	two_losses
	audit 20 2 undecided:c@3
	audit 40 2 store_lost:c@3
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=snapshot
	condemns 'false: store_lost c@3, audit 2' '1 false'
}

@test "a loss that an audit finds one too late is told" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=snapshot
	condemns 'found too late: a@1' 'by audit 5, due by 4' 'recall     1 of 2' '1 found too late'
}

@test "a loss that is never found is told, and that the counts differ" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 0 a@1=rebuilt
	audit 100 0 a@1=rebuilt
	audit 120 0 a@1=rebuilt
	condemns 'never found: b@2' 'recall     1 of 2' 'lost: 1, the writer says 2'
}

@test "slow audits have until settle after the one that can have noted it" {
	two_losses
	audit 20 2
	sed -i '1s/"end": 21/"end": 36/' "$judged/runs.jsonl"
	audit 40 2
	audit 60 2
	audit 80 2
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=snapshot
	passes 'recall     2 of 2'
}

@test "a hub whose clock is behind makes settle that much longer" {
	echo 45 20 >"$judged/settle"
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 2
	audit 100 1 a@1=rebuilt
	audit 120 1 a@1=rebuilt
	audit 140 0 a@1=rebuilt b@2=snapshot
	passes 'recall     2 of 2'
	echo 45 >"$judged/settle"
	condemns 'by audit 5, due by 4' 'by audit 7, due by 6'
}

@test "a finding that the next audit does not have is told" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 2
	audit 120 0 a@1=rebuilt b@2=snapshot
	condemns 'withdrawn: a@1, audit 5' '1 withdrawn'
}

@test "a copy that an audit saw must not be gone" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1 a@1=superseded
	audit 100 1 a@1=superseded
	audit 120 0 a@1=superseded b@2=superseded
	condemns 'a@1, resourcechanged, saved at 10.0 s: superseded, the store had rebuilt to rebuilt' \
		'b@2, resourcechanged, saved at 50.0 s: superseded, the store had snapshot to snapshot' '2 copy gone' \
		'recovered  0 of 2 (0.0 %), 0 of them thanks to rescue'
}

@test "a copy that only a killed audit saw may be gone, or not" {
	two_losses
	killed 20
	audit 40 2
	audit 60 2
	audit 80 2
	audit 100 1 a@1=superseded
	audit 120 0 a@1=superseded b@2=snapshot
	passes '0 of them thanks to rescue' 'audits     5, and 1 killed'
	sed -i 's/superseded/rebuilt/' "$judged"/[56].ndjson
	passes '1 of them thanks to rescue'
}

@test "a copy that no audit can have seen is told" {
	two_losses
	audit 40 2
	audit 60 2
	audit 80 2
	audit 100 1 a@1=rebuilt
	audit 120 0 a@1=rebuilt b@2=exact
	condemns 'a@1, resourcechanged, saved at 10.0 s: rebuilt, the store had superseded to superseded' '2 copy never seen'
}

@test "a copy that gets worse is told" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 1 a@1=superseded
	audit 120 0 a@1=superseded b@2=snapshot
	condemns 'a@1, resourcechanged, saved at 10.0 s: rebuilt, then superseded' '1 copy worse later'
}

@test "an end with something in flight, or sums that do not hold, is told" {
	two_losses
	audit 20 2
	audit 40 2
	audit 60 2
	audit 80 1 a@1=rebuilt
	audit 100 1 a@1=rebuilt
	audit 120 1 a@1=rebuilt b@2=snapshot
	jq '.sums_hold = false' "$judged/2.json" >"$judged/new" && mv "$judged/new" "$judged/2.json"
	condemns '1 in flight' 'audit 2: sums do not hold' 'covered: 97, the writer says 98'
}

@test "a history without losses proves nothing" {
	audit 20 2
	audit 40 2
	audit 60 0
	condemns 'too few to tell anything'
}
