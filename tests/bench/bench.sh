#!/usr/bin/env bash
# Speed and memory against peers, in one run on one machine: `make bench` starts it in a build directory.
# usage: bench.sh   (with EVTRAIL EVENTS RUNS JOIN_RUNS BENCH_JSON EVTRAIL_SERVERS in the environment)
#
# Three histories are generated, one after the other, each on servers of its own:
#   plain   EVENTS events, 1 of 1,000 lost: snapshot, verify, cat, first audit
#   wide    the same number, of so many devices that there are 200,000 aggregates, none lost: audit again
#   lossy   the same number, 1 of 100 lost: an audit with many findings
# Ours and the peers take turns, and change places in every round; a run is a whole process. What they found
# is compared: a wrong result is said below the table, and the exit status is 1. A goal that is not met is no
# failure. What cannot run is said in the table, with the reason. All is put into one folder in the current
# directory, and removed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$PWD
events=${EVENTS:-1000000}
runs=${RUNS:-3}
join_runs=${JOIN_RUNS:-1}
json=${BENCH_JSON:-bench.json}
servers=${EVTRAIL_SERVERS:-$here/../../build/servers}
aggregates_wanted=200000

# shellcheck source=tests/cli/program.bash
source "$here/../cli/program.bash"
find_program "$build" || exit 77
EVTRAIL_SERVERS=$servers
# shellcheck source=tests/servers/servers.sh
source "$here/../servers/servers.sh"

say() { printf 'bench: %s\n' "$*" >&2; }
fail() {
	say "$*"
	[[ ! -s $dir/errors ]] || tail -n 5 "$dir/errors" >&2
	exit 1
}

# shellcheck disable=SC2329
clean_up() {
	local status=$?
	trap - EXIT
	servers_stop || status=1
	rm -rf "$dir"
	exit "$status"
}

# ---- what is measured ----

note() { "$here/measure.py" --log "$dir/log" note "$@"; }

# timed [--status N] NAME COMMAND...: its output is in $dir/out.
timed() {
	"$here/measure.py" --log "$dir/log" run --round "$round" --out "$dir/out" "$@" 2>>"$dir/errors" ||
		fail "a command failed: $*"
}

# found WHAT GOT WANTED
found() {
	[[ $2 != "$3" ]] || return 0
	say "wrong: $1: $2 instead of $3"
	note wrong "$1: $2 instead of $3"
}

evtrail() { "$program" --nats-url "$NATS_URL" --mongo-uri "${JAVA_URI:-mongodb://127.0.0.1}" --json "$@" 2>>"$dir/errors"; }

# ours [--status N] NAME STATE ARGUMENT...: a command of evtrail.
ours() {
	local status=()
	[[ $1 != --status ]] || { status=(--status "$2") && shift 2; }
	local name=$1 state=$2
	shift 2
	timed "${status[@]}" "$name" "$program" --state "$state" --nats-url "$NATS_URL" \
		--mongo-uri "${JAVA_URI:-mongodb://127.0.0.1}" --json "$@"
}

consumer() {
	timed consumer "$build/tests/bench/bare_consumer" "$NATS_URL" EVENTS
	found 'messages that the bare consumer got' "$(cat "$dir/out")" "$messages"
}

snapshot() {
	ours snapshot "$dir/state" snapshot
	found 'messages of the snapshot' "$(jq .archived.messages "$dir/out")" "$messages"
}

backup() {
	timed backup "$servers/nats" --server "$NATS_URL" backup stream EVENTS "$dir/backup" --no-progress
}

nightly() {
	cp -a "$dir/yesterday" "$dir/today"
	ours nightly "$dir/today" snapshot
	found 'messages of the nightly snapshot' "$(jq .archived.messages "$dir/out")" $((messages - messages_yesterday))
	rm -rf "$dir/today"
}

verify() { ours verify "$dir/state" verify; }
validate() { timed validate "$servers/nats" backup validate "$dir/backup" --no-progress; }

scan() {
	timed scan "$build/tests/bench/bare_scan" "$JAVA_URI" eventStore_db
	found 'aggregates that the bare scan got' "$(cut -d ' ' -f 1 "$dir/out")" "$(jq .aggregates "$dir/expected")"
}

audit() {
	ours audit "$dir/state" audit
	found 'losses in the wide history' "$(jq .counts.lost "$dir/out")" 0
}

join() {
	timed join "$build/bench-venv/bin/python3" "$here/join.py" "$NATS_URL" EVENTS "$JAVA_URI" eventStore_db \
		"$dir/missing"
	found 'losses that the join found' "$(jq .lost "$dir/out")" "$(jq .lost "$dir/expected")"
}

oracle() {
	timed --status 1 oracle "$build/bench-venv/bin/python3" "$here/../oracle/audit_oracle.py" --nats "$NATS_URL" \
		--mongo "$JAVA_URI" --findings "$dir/missing"
	found 'losses that the oracle found' "$(jq .lost "$dir/out")" "$(jq .lost "$dir/expected")"
}

# first_audit [NAME]
first_audit() {
	rm -rf "$dir/state"
	ours --status 1 "${1:-first_audit}" "$dir/state" audit --settle 0s --findings "$dir/findings"
	found 'losses that the audit found' "$(jq .counts.lost "$dir/out")" "$(jq .lost "$dir/expected")"
}

# in_turn COMMAND...: in this order, in every second round in the other one.
in_turn() {
	local i
	if ((round % 2)); then
		for ((i = 1; i <= $#; i++)); do "${!i}"; done
	else
		for ((i = $#; i > 0; i--)); do "${!i}"; done
	fi
}

# ---- servers and data ----

# start OPTION...: fresh servers with a history that loadgen makes.
start() {
	local store=()
	nats_start "$dir/servers"
	if [[ -z $no_store ]]; then
		java_start "$dir/servers"
		store=(--mongo "$JAVA_URI")
	fi
	"$servers/loadgen" --events "$events" --nats "$NATS_URL" "${store[@]}" --expected "$dir/expected" "$@" \
		2>"$dir/errors" || fail 'loadgen'
	messages=$(jq .messages "$dir/expected")
	round=0
}

stop() {
	servers_stop
	rm -rf "$dir/servers" "$dir/state"
}

size_of() { find "$@" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'; }

make_venv() {
	local venv=$build/bench-venv
	cmp -s "$here/requirements.txt" "$venv/requirements.txt" && return
	say 'installing the libraries of the Python peer'
	rm -rf "$venv"
	python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" &&
		cp "$here/requirements.txt" "$venv/"
}

# prepare: the servers; no_store and no_join say why there is none.
prepare() {
	no_store='' no_join=''
	# A folder of servers may come without their sources.
	"$here/../servers/build.sh" "$servers" >"$dir/errors" 2>&1 || fail 'the servers could not be built'
	"$here/../servers/build-javastore.sh" "$servers" >"$dir/errors" 2>&1 || no_store=$(tail -n 1 "$dir/errors")
	[[ -n $no_store ]] || make_venv >"$dir/errors" 2>&1 || no_join="no virtual environment: $(tail -n 1 "$dir/errors")"
	note rounds "$runs"
	note processors "$(nproc)"
	note load "$(cut -d ' ' -f 1 /proc/loadavg)"
	note events "$events"
	[[ -z $no_store ]] || note reason_5 "$no_store"
	[[ -z $no_store$no_join ]] || note reason_6 "${no_store:-$no_join}"
}

# ---- the parts ----

recordings() {
	local recording state=$dir/state
	for recording in "$here"/../data/*/stream; do
		recording=${recording%/stream}
		nats_start "$dir/servers"
		"$servers/loadrec" --nats "$NATS_URL" "$recording" >/dev/null 2>"$dir/errors" || fail 'loadrec'
		evtrail --state "$state" snapshot >/dev/null || fail 'snapshot of a recording'
		"$servers/nats" --server "$NATS_URL" backup stream EVENTS "$dir/backup" --no-progress >/dev/null 2>&1 ||
			fail 'backup of a recording'
		note "bytes_${recording##*/}" "[$(size_of "$state/archives"), $(size_of "$dir/backup")]"
		rm -rf "$dir/backup"
		stop
	done
}

plain() {
	say "plain history: $events events"
	start --lost 0.001
	note messages "$messages"
	messages_yesterday=$((messages * 99 / 100))
	evtrail --state "$dir/yesterday" snapshot --to-seq "$messages_yesterday" >/dev/null || fail 'snapshot'
	# Once before it counts: the server's caches.
	consumer
	for ((round = 1; round <= runs; round++)); do
		say "round $round of $runs: snapshot, verify"
		in_turn consumer snapshot backup
		nightly
		in_turn verify validate
		((round == runs)) || rm -rf "$dir/state" "$dir/backup"
	done
	round=1
	ours cat "$dir/state" cat --from-seq 1
	found 'lines of cat' "$(wc -l <"$dir/out")" "$messages"
	rm -rf "$dir/backup" "$dir/yesterday" "$dir/out"
	if [[ -z $no_store$no_join ]]; then
		for ((round = 1; round <= join_runs; round++)); do
			say "round $round of $join_runs: first audit, and the two in Python"
			in_turn first_audit join oracle
		done
	fi
	stop
}

wide() {
	# A device that has less than 36 events has 3 aggregates.
	local devices=$(((aggregates_wanted + 2) / 3)) most=$((events / 12))
	((devices <= most)) || devices=$most
	say "wide history: $devices devices"
	start --devices "$devices"
	note aggregates "$(jq .aggregates "$dir/expected")"
	ours first_audit_wide "$dir/state" audit
	scan
	for ((round = 1; round <= runs; round++)); do
		say "round $round of $runs: audit"
		in_turn scan audit
	done
	stop
}

lossy() {
	say 'lossy history'
	start --lost 0.01
	round=1
	first_audit audit_many_findings
	note many_findings "$(wc -l <"$dir/findings")"
	stop
}

((events >= 10000 && runs >= 1)) || { printf 'bench: EVENTS is at least 10000, RUNS at least 1\n' >&2 && exit 2; }
dir=$(mktemp -d "$build/bench.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
prepare
recordings
plain
if [[ -z $no_store ]]; then
	wide
	lossy
fi
"$here/table.py" "$dir/log" "$json"
