#!/usr/bin/env bash
# Kills snapshots at random moments and looks at what they leave.
# usage: soak.sh [ROUNDS]
#
# After each kill: what has its final name is a whole archive, and `verify` finds nothing wrong. After each
# run that came to its end: the records are those of a snapshot that nobody disturbed.
# Exit status 0 only when all rounds went well; 77, with the reason, where it cannot run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${1:-20}
events=60000
servers=${EVTRAIL_SERVERS-}

# shellcheck source=tests/cli/program.bash
source "$here/../cli/program.bash"
find_program "$PWD" || exit 77
EVTRAIL_SERVERS=${servers:-$here/../../build/servers}
if [[ ! -x $EVTRAIL_SERVERS/nats-server || ! -x $EVTRAIL_SERVERS/loadgen ]]; then
	printf 'skipped: no servers: tests/servers/build.sh build/servers\n'
	exit 77
fi
# shellcheck source=tests/servers/servers.sh
source "$here/../servers/servers.sh"

fail() {
	printf 'soak: %s\n' "$*" >&2
	[[ ! -s $dir/log ]] || tail -n 5 "$dir/log" >&2
	exit 1
}

# shellcheck disable=SC2329
clean_up() {
	local status=$?
	trap - EXIT
	nats_stop || status=1
	rm -rf "$dir"
	exit "$status"
}

# snapshot STATE: small archives, so that there are many moments to die at.
snapshot() {
	exec "$program" --state "$1" --nats-url "$NATS_URL" snapshot --archive-bytes 1MiB
}

records_of() {
	"$program" --state "$1" cat --from-seq 1 | sha256sum
}

# check_leftovers STATE
check_leftovers() {
	local archive
	while IFS= read -r archive; do
		zstd -tq "$archive" || fail "$archive is not whole"
	done < <(find "$1" -name '*.tar.zst' ! -name '.*')
	# Killed before the first archive had its name: there is nothing to verify.
	[[ -z $(find "$1" -name '*.tar.zst' ! -name '.*' 2>/dev/null) ]] || "$program" --state "$1" verify >"$dir/log" 2>&1 || fail "verify: exit status $?"
}

milliseconds() {
	printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000))
}

dir=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
nats_start "$dir/servers"
"$EVTRAIL_SERVERS/loadgen" --events "$events" --nats "$NATS_URL" 2>"$dir/log" || fail 'loadgen'

began=$(milliseconds)
(snapshot "$dir/whole") >"$dir/log" 2>&1 || fail "snapshot: exit status $?"
took=$(($(milliseconds) - began))
whole=$(records_of "$dir/whole")

killed=0 finished=0 state=$dir/state
for ((round = 1; round <= rounds; round++)); do
	(snapshot "$state") >"$dir/log" 2>&1 &
	pid=$!
	# Up to the time of a whole one: it may come to its end, too.
	printf -v delay '0.%03d' $((RANDOM % (took < 900 ? took + 1 : 900)))
	sleep "$delay"
	kill -KILL "$pid" 2>/dev/null || true
	status=0
	wait "$pid" 2>/dev/null || status=$?
	case $status in
	0) ;;
	137) killed=$((killed + 1)) ;;
	*) fail "round $round: snapshot: exit status $status" ;;
	esac
	check_leftovers "$state"
	((status == 137 && round < rounds)) && continue
	(snapshot "$state") >"$dir/log" 2>&1 || fail "round $round: snapshot: exit status $?"
	check_leftovers "$state"
	[[ $(records_of "$state") == "$whole" ]] || fail "round $round: other records than an undisturbed snapshot"
	[[ -z $(find "$state" -name '*.tmp') ]] || fail "round $round: temporary files were left"
	finished=$((finished + 1))
	rm -rf "$state"
done
printf 'soak: %d rounds, %d killed, %d brought to the end, all well\n' "$rounds" "$killed" "$finished"
