#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Histories of many events, of both hub generations: snapshot, audit, verify.
# usage: scale.sh [EVENTS] [SEEDS]
#
# Each line of the table is one history with 0.1 % of its publishes lost (SCALE_LOST=0.01: 1 %). It holds when
# the findings are the truth by (aggregate, version, recoverable), the counts are those that the generator
# expects, the sums hold, and no command takes more memory than promised. The columns of a command: peak
# resident KiB / seconds.
# `first` (of the first seed only) is an audit that begins with nothing: it makes the snapshot itself.
# SCALE_STORE=java takes the in-memory store, which answers much faster, in the place of FerretDB.
# Exit status 0 only when every line holds; 77, with the reason, where it cannot run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
events=${1:-1000000}
seeds=${2:-3}
store=${SCALE_STORE:-ferret}
servers=${EVTRAIL_SERVERS-}
most_kib=131072

# shellcheck source=tests/cli/program.bash
source "$here/../cli/program.bash"
find_program "$PWD" || exit 77
EVTRAIL_SERVERS=${servers:-$here/../../build/servers}

skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}

[[ -x $EVTRAIL_SERVERS/nats-server && -x $EVTRAIL_SERVERS/loadgen && -x $EVTRAIL_SERVERS/ferretdb ]] ||
	skip 'no servers: tests/servers/build.sh build/servers'
[[ $store != java || -x $EVTRAIL_SERVERS/javastore ]] || skip 'no javastore: tests/servers/build-javastore.sh'
time=$(type -P time) || skip 'no program time'
# Their own memory is many times the program's.
! grep -qE '__(a|t)san_init' "$program" || skip 'a sanitizer build says nothing about memory'
# shellcheck source=tests/servers/servers.sh
source "$here/../servers/servers.sh"

wrong() {
	held=no
	printf 'scale: %s\n' "$*" >&2
}

# shellcheck disable=SC2329
clean_up() {
	local status=$?
	trap - EXIT
	servers_stop || status=1
	rm -rf "$dir"
	exit "$status"
}

# evtrail NAME STATUS STATE ARGUMENT...: its JSON into NAME.json; kib[NAME] and seconds[NAME].
evtrail() {
	local name=$1 wanted=$2 state=$3 status=0
	shift 3
	"$time" -q -f '%M %e' -o "$dir/time" "$program" --state "$state" --nats-url "$NATS_URL" --mongo-uri "$uri" \
		--read-timeout 10m --json "$@" >"$dir/$name.json" 2>"$dir/$name.log" || status=$?
	((status == wanted)) || wrong "$name: exit status $status: $(tail -n 3 "$dir/$name.log")"
	read -r kib["$name"] seconds["$name"] <"$dir/time"
	((kib["$name"] <= most_kib)) || wrong "$name: ${kib["$name"]} KiB"
}

# losses FILE
losses() {
	jq -c '[.aggregate_id, .version, .recoverable]' "$1" | LC_ALL=C sort
}

# check_audit NAME: its findings and counts are the truth.
check_audit() {
	local audit=$dir/$1.json expected=$dir/truth/expected.json
	# A run without --split knows these two together, as `covered`.
	if [[ $1 == first ]]; then
		expected=$dir/first/expected.json
		mkdir -p "$dir/first"
		cp "$dir/truth/lost.jsonl" "$dir/first/"
		jq 'del(.matched, .truncated)' "$dir/truth/expected.json" >"$expected"
	fi
	jq '.counts + {aggregates: .store.aggregates,
		malformed: (.counts.malformed_message + .counts.malformed_document)}' "$audit" >"$dir/counts.json"
	python3 "$here/../oracle/compare.py" "$(dirname "$expected")" "$dir/$1.findings" "$dir/counts.json" \
		>"$dir/compare.log" 2>&1 || wrong "$1: $(<"$dir/compare.log")"
	cmp -s <(losses "$dir/truth/lost.jsonl") <(losses "$dir/$1.findings") || wrong "$1: other findings than the truth"
	[[ $(jq -r '"\(.verdict) \(.sums_hold) \(.counts.unannounced)"' "$audit") == 'findings true 0' ]] ||
		wrong "$1: verdict, sums_hold, unannounced: $(jq -c '[.verdict, .sums_hold, .counts.unannounced]' "$audit")"
	[[ $(jq .findings_total "$audit") == "$lost" ]] || wrong "$1: $(jq .findings_total "$audit") findings"
}

# column NAME
column() {
	[[ -n ${kib[$1]-} ]] || { printf '%s' -; return; }
	printf '%s / %s' "${kib[$1]}" "${seconds[$1]}"
}

# run_one REGIME SEED: its line; status 1 when it does not hold.
run_one() {
	local held=yes lost found uri log=$dir/loadgen.log
	local -A kib=() seconds=()
	nats_start "$dir/servers" || return
	"${store}_start" "$dir/servers" || return
	[[ $store == java ]] && uri=$JAVA_URI || uri=$MONGO_URI
	mkdir -p "$dir/truth"
	"$EVTRAIL_SERVERS/loadgen" --events "$events" --regime "$1" --seed "$2" --lost "${SCALE_LOST:-0.001}" --nats "$NATS_URL" \
		--mongo "$uri" --lost-out "$dir/truth/lost.jsonl" --expected "$dir/truth/expected.json" 2>"$log" || {
		wrong "loadgen: $(tail -n 3 "$log")"
		return 1
	}
	lost=$(jq .lost "$dir/truth/expected.json")
	evtrail snapshot 0 "$dir/state" snapshot
	evtrail audit 1 "$dir/state" audit --settle 0s --split --findings "$dir/audit.findings"
	check_audit audit
	evtrail verify 0 "$dir/state" verify
	if (($2 == 1)); then
		evtrail first 1 "$dir/state.first" audit --settle 0s --findings "$dir/first.findings"
		check_audit first
	fi
	found=$(grep -c '"code": *"lost"' "$dir/audit.findings") || found=0
	printf '%-8s %4d %6s %6s %-5s  %-16s %-16s %-16s %-16s\n' "$1" "$2" "$lost" "$found" "$held" \
		"$(column snapshot)" "$(column audit)" "$(column verify)" "$(column first)"
	servers_stop || return
	rm -rf "${dir:?}"/*
	[[ $held == yes ]]
}

dir=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

failed=0
printf '%s events, store: %s; KiB / seconds\n' "$events" "$store"
printf '%-8s %4s %6s %6s %-5s  %-16s %-16s %-16s %-16s\n' regime seed lost found holds snapshot audit verify first
for regime in current older; do
	for ((seed = 1; seed <= seeds; seed++)); do
		run_one "$regime" "$seed" || failed=$((failed + 1))
	done
done
printf 'scale: %d histories, %d of them wrong\n' $((2 * seeds)) "$failed"
((failed == 0))
