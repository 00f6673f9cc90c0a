#!/usr/bin/env bash
# Kills snapshots, and the server below them, at moments spread over the whole run, and looks at what they leave.
# usage: soak.sh [ROUNDS] [EVENTS]
#
# A round starts a snapshot and does one of these to it: SIGKILL at some time; SIGKILL at the end of an archive
# (its sidecar is there, its name is there, its commit is near); SIGKILL to nats-server, which comes back on its
# port; SIGINT or SIGTERM. After each: what has its final name is a whole archive, they tile, and `verify` finds
# nothing wrong. Then, most times, a snapshot with archives of another size goes on to the end: one tiling from
# the first to the last message, each message once, and the very bytes of a snapshot that nobody disturbed, all
# read by tar and zstd. SOAK_SEED repeats the moments of a run as nearly as times allow; SOAK_KINDS (time sidecar
# name commit server stop) names the kinds of the rounds, in turn.
# Exit status 0 only when all rounds went well; 77, with the reason, where it cannot run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${1:-20}
events=${2:-60000}
seed=${SOAK_SEED:-$RANDOM}
servers=${EVTRAIL_SERVERS-}
RANDOM=$seed

# shellcheck source=tests/cli/program.bash
source "$here/../cli/program.bash"
find_program "$PWD" || exit 77
EVTRAIL_SERVERS=${servers:-$here/../../build/servers}
if [[ ! -x $EVTRAIL_SERVERS/nats-server || ! -x $EVTRAIL_SERVERS/loadgen || ! -x $EVTRAIL_SERVERS/nats ]]; then
	printf 'skipped: no servers: tests/servers/build.sh build/servers\n'
	exit 77
fi
# shellcheck source=tests/servers/servers.sh
source "$here/../servers/servers.sh"

fail() {
	printf 'soak: round %s, %s (SOAK_SEED=%s): %s\n' "${round:-0}" "${kind:-before}" "$seed" "$*" >&2
	[[ ! -s $dir/log ]] || tail -n 5 "$dir/log" >&2
	exit 1
}

# shellcheck disable=SC2329
clean_up() {
	local status=$?
	trap - EXIT
	[[ -z ${pid-} ]] || kill -KILL "$pid" 2>/dev/null || true
	nats_stop || status=1
	rm -rf "$dir"
	exit "$status"
}

# snapshot STATE: in the place of a shell. The archives are small, so that many ends of them can be hit.
snapshot() {
	exec "$program" --state "$1" --nats-url "$NATS_URL" snapshot --archive-bytes "$archive_bytes" >"$dir/log" 2>&1
}

# Another size each time: then names of archives that were never finished do not come again.
other_archive_bytes() {
	archive_bytes=$(((events + RANDOM * events / 32768) / 32 + 64))KiB
}

# count_of PATTERN: of files in the state; sets counted. No process, no subshell: this is asked thousands of times.
count_of() {
	local names=()
	shopt -s nullglob
	# shellcheck disable=SC2206
	names=("$state"/archives/EVENTS/*/$1)
	shopt -u nullglob
	counted=${#names[@]}
}

# archives: their paths, in order.
archives() {
	find "$state" -name 'EVENTS-*.tar.zst' 2>/dev/null | LC_ALL=C sort
}

# check_tiling [LAST]: by the names; up to LAST if given.
check_tiling() {
	local archive first last next=1
	while IFS= read -r archive; do
		[[ $archive =~ -([0-9]{20})-([0-9]{20})\.tar\.zst$ ]] || fail "a strange name: $archive"
		first=$((10#${BASH_REMATCH[1]})) last=$((10#${BASH_REMATCH[2]}))
		((first == next && last >= first)) || fail "$archive where $next comes next"
		next=$((last + 1))
	done < <(archives)
	[[ -z ${1-} ]] || ((next == $1 + 1)) || fail "archived up to $((next - 1)) of $1"
}

# check_leftovers: what has its final name is whole.
check_leftovers() {
	local found=() status=0
	mapfile -t found < <(archives)
	check_tiling
	# Killed before the first archive had its name: there is nothing to verify.
	((${#found[@]} > 0)) || return 0
	zstd -tq "${found[@]}" 2>"$dir/log" || fail 'an archive is not whole'
	(cd "$(dirname "${found[0]}")" && printf '%s.sha256\0' "${found[@]##*/}" | xargs -0 cat -- | sha256sum --status -c) ||
		fail 'an archive is not what its sidecar says'
	"$program" --state "$state" verify >"$dir/log" 2>&1 || status=$?
	((status == 0)) || fail "verify: exit status $status"
}

# records: of all archives, in order, as they are; without evtrail.
records() {
	local archive
	while IFS= read -r archive; do
		tar --zstd -xOf "$archive" --wildcards 'records/*'
	done < <(archives)
}

# each_once LAST: are the records on stdin, each behind its length, those of the sequences 1 to LAST, in order?
each_once() {
	python3 -c '
import sys

def varint(next_byte):
    value = shift = 0
    while True:
        byte = next_byte()
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value

wanted = 0
read = sys.stdin.buffer.read
while sys.stdin.buffer.peek(1):
    record = read(varint(lambda: read(1)[0]))
    wanted += 1
    if record[0] != 8:
        sys.exit("record %d has no sequence in front" % wanted)
    seq = varint(iter(record[1:11]).__next__)
    if seq != wanted:
        sys.exit("sequence %d where %d comes next" % (seq, wanted))
if wanted != int(sys.argv[1]):
    sys.exit("%d records, not %s" % (wanted, sys.argv[1]))
' "$1"
}

# check_whole: after a run that came to its end.
check_whole() {
	local noted left sum
	check_leftovers
	check_tiling "$messages"
	sum=$(records | tee >(sha256sum >"$dir/sum") | each_once "$messages" 2>&1) || fail "$sum"
	sum=$(wait_for_sum)
	[[ $sum == "${whole:=$sum}" ]] || fail 'other records than an undisturbed snapshot'
	left=$(find "$state" -name '*.tmp')
	[[ -z $left ]] || fail "temporary files were left: $left"
	left=$(comm -3 <(archives) <(find "$state" -name '*.sha256' | sed 's/\.sha256$//' | LC_ALL=C sort))
	[[ -z $left ]] || fail "archives without sidecar, or the other way round: $left"
	noted=$("$program" --state "$state" info --json | jq -r '.archives[].name')
	[[ $noted == "$(archives | sed 's|.*/||')" ]] || fail 'the catalog knows other archives'
}

# The process behind tee may write a moment later.
wait_for_sum() {
	until [[ -s $dir/sum ]]; do sleep 0.01; done
	cat "$dir/sum"
	rm "$dir/sum"
}

milliseconds() {
	printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000))
}

# sleep_milliseconds N
sleep_milliseconds() {
	local text
	printf -v text '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
	sleep "$text"
}

# await_count PATTERN COUNT: or the end of the snapshot.
await_count() {
	until count_of "$1" && ((counted >= $2)); do
		kill -0 "$pid" 2>/dev/null || return 0
	done
}

# await_moment: by kind. Times move with the rounds from the start of a run to its end; ends of archives are
# any of those still to come.
await_moment() {
	local before nth
	count_of 'EVENTS-*.tar.zst'
	before=$counted
	nth=$((before + 1 + RANDOM % (archive_count > before ? archive_count - before : 1)))
	case $kind in
	time | server | stop)
		# Before that it may not yet hear signals.
		[[ $kind != stop ]] || await_lock
		sleep_milliseconds $((took * (round * 100 - RANDOM % 100) / (rounds * 100)))
		;;
	sidecar) await_count 'EVENTS-*.sha256' "$nth" ;;
	name) await_count 'EVENTS-*.tar.zst' "$nth" ;;
	commit)
		await_count 'EVENTS-*.tar.zst' "$nth"
		sleep_milliseconds $((RANDOM % (3 + events / 15000)))
		;;
	esac
}

await_lock() {
	until [[ -e $state/lock ]] || ! kill -0 "$pid" 2>/dev/null; do :; done
}

# strike: does what the kind says; allowed[] are the exit statuses that may follow beside 0.
strike() {
	local signals=(INT TERM)
	case $kind in
	server)
		nats_kill || fail 'the server cannot be killed'
		sleep_milliseconds $((RANDOM % 500))
		nats_start "$NATS_DIR" "$NATS_PORT" || fail 'the server does not come back'
		allowed='3'
		;;
	stop)
		kill "-${signals[RANDOM % 2]}" "$pid" 2>/dev/null || true
		allowed='5'
		;;
	*)
		kill -KILL "$pid" 2>/dev/null || true
		allowed='137'
		;;
	esac
}

# note_running: was there anything to strike?
note_running() {
	local stat=''
	{ read -r stat <"/proc/$pid/stat"; } 2>/dev/null || true
	running=0
	[[ $stat != *') '[!ZX]* ]] || running=1
}

# run_round: sets running to 1 when the snapshot ran at the moment, struck when it did not come to its end.
run_round() {
	local status=0 allowed=''
	struck=0
	other_archive_bytes
	snapshot "$state" &
	pid=$!
	await_moment
	note_running
	strike
	wait "$pid" 2>/dev/null || status=$?
	pid=''
	((status == 0)) || [[ $status == "$allowed" ]] || fail "snapshot: exit status $status"
	((status == 0)) || struck=1
	# Too late: the machine is faster than it was.
	((running)) || took=$((took * 9 / 10))
	check_leftovers
}

dir=$(mktemp -d) state=$dir/whole
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
nats_start "$dir/servers"
"$EVTRAIL_SERVERS/loadgen" --events "$events" --nats "$NATS_URL" 2>"$dir/log" || fail 'loadgen'
messages=$("$EVTRAIL_SERVERS/nats" --server "$NATS_URL" stream info EVENTS --json | jq .state.messages)

other_archive_bytes
began=$(milliseconds)
(snapshot "$state") || fail "snapshot: exit status $?"
took=$(($(milliseconds) - began))
archive_count=$(archives | wc -l)
check_whole
rm -rf "$state"
printf 'soak: %d messages, undisturbed: %d ms, %d archives; SOAK_SEED=%d\n' "$messages" "$took" "$archive_count" "$seed"

read -ra kinds <<<"${SOAK_KINDS:-time sidecar time server name time stop commit}"
declare -A tried=() hit=()
finished=0 state=$dir/state
for ((round = 1; round <= rounds; round++)); do
	kind=${kinds[(round - 1) % ${#kinds[@]}]}
	run_round
	tried[$kind]=$((${tried[$kind]-0} + 1)) hit[$kind]=$((${hit[$kind]-0} + running))
	((struck)) && words='ended early' || words='came to its end'
	((running)) || words='was over already'
	printf 'round %d, %s: %s, %d archives\n' "$round" "$kind" "$words" "$(archives | wc -l)"
	# Now and then the same state is struck again.
	((struck && round < rounds && RANDOM % 3 == 0)) && continue
	other_archive_bytes
	(snapshot "$state") || fail "snapshot: exit status $?"
	check_whole
	finished=$((finished + 1))
	rm -rf "$state"
done
for kind in "${!tried[@]}"; do
	printf '%-8s %3d rounds, %3d of them met a running snapshot\n' "$kind" "${tried[$kind]}" "${hit[$kind]}"
done | sort
printf 'soak: %d rounds, %d brought to the end, all well\n' "$rounds" "$finished"
