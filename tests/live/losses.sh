#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Audits beside a hub that loses some events for ever and publishes others late.
# usage: losses.sh [SECONDS]
#
# For so long (90) loadgen is a hub in real time; every 20 s an audit with `--settle 45s` looks at it, always
# with the same state, until the hub has ended and nothing is in flight any more. One line for each audit, then a
# summary. What must hold, exactly: losses.py. In short: nothing is called lost that was not, every loss is found
# by the second audit later than its save + settle, and what an audit saw of an event can be recovered later.
#
# LOSSES_STORE=java      the in-memory store in the place of FerretDB
# LOSSES_REGIME=older    the older generation of the hub
# LOSSES_RATE=N          events in a second (30)
# LOSSES_LOST=SHARE      of the publishes (0.03)
# LOSSES_DELAY=TIME      the longest delay of the others (30s)
# LOSSES_CLOCK=N         the hub's clock is so many seconds ahead (below 0: behind)
# LOSSES_KILL=N          of so many audits one is killed at some moment, and another takes its place (3; 0: none)
# LOSSES_SEED=N          of the history; times are never the same
# LOSSES_KEEP=FOLDER     keeps the truth, the reports and the state of the audits there
# Exit status 0 only when all of it held; 77, with the reason, where it cannot run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${1:-90}
every=20
settle=45
store=${LOSSES_STORE:-ferret}
kill_every=${LOSSES_KILL:-3}
seed=${LOSSES_SEED:-$RANDOM}
ahead=${LOSSES_CLOCK:-0}
behind=$((ahead < 0 ? -ahead : 0))
servers=${EVTRAIL_SERVERS-}
RANDOM=$seed

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
command -v python3 >/dev/null || skip 'no python3'
# shellcheck source=tests/servers/servers.sh
source "$here/../servers/servers.sh"

fail() {
	printf 'losses: %s (LOSSES_SEED=%s)\n' "$*" "$seed" >&2
	exit 1
}

# shellcheck disable=SC2329
clean_up() {
	local status=$?
	trap - EXIT
	[[ -z ${pid-} ]] || kill -KILL "$pid" 2>/dev/null || true
	[[ -z ${writer-} ]] || kill -KILL "$writer" 2>/dev/null || true
	servers_stop || status=1
	if [[ -n ${LOSSES_KEEP-} ]]; then
		mkdir -p "$LOSSES_KEEP"
		cp -R "$judged" "$dir/state" "$LOSSES_KEEP" 2>/dev/null || true
	fi
	rm -rf "$dir"
	exit "$status"
}

nanoseconds() { date +%s%N; }

# sleep_nanoseconds N: not at all when N is not above 0.
sleep_nanoseconds() {
	(($1 <= 0)) || sleep "$(($1 / 1000000000)).$(printf '%09d' $(($1 % 1000000000)))"
}

# audit [NANOSECONDS]: one audit, its number in number, its length in took; given a time, killed after that.
audit() {
	local status=0 began ended killed=false
	number=$((number + 1))
	began=$(nanoseconds)
	"$program" --state "$dir/state" --nats-url "$NATS_URL" --mongo-uri "$uri" --json audit --settle "${settle}s" \
		--findings "$judged/$number.ndjson" >"$judged/$number.json" 2>"$judged/$number.log" &
	pid=$!
	if [[ -n ${1-} ]]; then
		sleep_nanoseconds "$1"
		kill -KILL "$pid" 2>/dev/null || true
	fi
	wait "$pid" 2>/dev/null || status=$?
	pid=''
	ended=$(nanoseconds)
	if ((status == 137)) && [[ -n ${1-} ]]; then
		killed=true
	else
		((status <= 1)) || fail "audit $number: exit status $status: $(tail -n 3 "$judged/$number.log")"
		took=$((ended - began))
	fi
	printf '{"run": %d, "begin": %d, "end": %d, "status": %d, "killed": %s}\n' \
		"$number" "$began" "$ended" "$status" "$killed" >>"$judged/runs.jsonl"
	[[ $killed == true ]] || python3 "$here/losses.py" line "$judged" "$number"
}

# writer_runs: sets ended, when it has just come to its end.
writer_runs() {
	local status=0
	[[ -n $writer ]] || return 1
	kill -0 "$writer" 2>/dev/null && return
	wait "$writer" || status=$?
	writer=''
	((status == 0)) || fail "loadgen: exit status $status: $(tail -n 3 "$dir/loadgen.log")"
	ended=$(nanoseconds)
	return 1
}

in_flight() {
	[[ $(jq .counts.in_flight "$judged/$number.json") != 0 ]]
}

dir=$(mktemp -d)
judged=$dir/judged
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$judged"
printf '%d %d\n' "$settle" "$behind" >"$judged/settle"
: >"$judged/runs.jsonl"
nats_start "$dir/servers" || fail 'no nats-server'
"${store}_start" "$dir/servers" || fail "no $store"
[[ $store == java ]] && uri=$JAVA_URI || uri=$MONGO_URI

printf 'losses: %d s, store: %s, hub: %s; an audit every %d s, settle %d s; LOSSES_SEED=%d\n' \
	"$seconds" "$store" "${LOSSES_REGIME:-current}" "$every" "$settle" "$seed"
"$EVTRAIL_SERVERS/loadgen" --live "${seconds}s" --seed "$seed" --regime "${LOSSES_REGIME:-current}" \
	--live-rate "${LOSSES_RATE:-30}" --lost "${LOSSES_LOST:-0.03}" --live-delay-most "${LOSSES_DELAY:-30s}" --hub-clock "${ahead}s" \
	--nats "$NATS_URL" --mongo "$uri" --live-log "$judged/truth.jsonl" --expected "$judged/expected.json" \
	2>"$dir/loadgen.log" &
writer=$!
until grep -q '"what": "begin"' "$judged/truth.jsonl" 2>/dev/null; do
	writer_runs || fail 'loadgen ended before it began'
	sleep 0.1
done

began=$(nanoseconds)
number=0 took=1000000000 ended=0 rounds=0 left=2
while :; do
	# A slot that passed while an audit ran is left out.
	rounds=$(((($(nanoseconds) - began) / 1000000000) / every + 1))
	sleep_nanoseconds $((began + rounds * every * 1000000000 - $(nanoseconds)))
	writer_runs || true
	# Killed, it must change nothing: the next one is at once, in its slot.
	if ((kill_every > 0 && rounds % kill_every == 0)); then
		audit $((took * (RANDOM % 1000) / 1000))
	fi
	audit
	((ended > 0)) || continue
	in_flight || break
	(($(nanoseconds) < ended + (settle + behind) * 1000000000)) || ((left-- > 0)) || break
done
python3 "$here/losses.py" summary "$judged" || fail 'it does not hold'
