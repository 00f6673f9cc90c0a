#!/usr/bin/env bash
# From a fresh clone to a first audit: see usage below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recording=$root/tests/data/current
program=$root/build/release/src/evtrail

usage() {
	cat <<'EOF'
usage: ./quickstart.sh [--keep]

Builds evtrail, starts a NATS server and a MongoDB-protocol server of its own
on free loopback ports, loads a recording made with plgd hub's own code, takes
a snapshot of the stream and audits it: every loss in the recording must be
found, and nothing else.

  --keep    leave the servers and the archives there, and say how to go on
  --help    this text

On Debian 12 missing packages are installed (as root, or with sudo).
Exit status: 0 when the audit found exactly the losses of the recording.
EOF
}

step() {
	count=$((${count:-0} + 1))
	printf '\n%d. %s\n' "$count" "$*"
}
fail() {
	printf '\nquickstart: %s\n' "$*" >&2
	exit 1
}

# Ends what this script started, and nothing else.
clean_up() {
	local status=$?
	trap - EXIT
	if [[ -n ${dir-} && -z ${kept-} ]]; then
		servers_stop || status=1
		rm -rf "$dir"
	fi
	exit "$status"
}

# lost FILE: the lost events in a file of one JSON object a line, as sorted lines.
lost() {
	jq -r "select(.code // \"lost\" == \"lost\") | \"\(.aggregate_id)@\(.version)\"" "$1" | LC_ALL=C sort
}

how_to_go_on() {
	cat <<EOF

The servers still run:
  NATS      $NATS_URL (process $NATS_PID)
  MongoDB   $MONGO_URI (process $FERRET_PID)

To go on by hand:
  export EVTRAIL_STATE=$dir/state EVTRAIL_NATS_URL=$NATS_URL EVTRAIL_MONGO_URI=$MONGO_URI
  $program info
  $program verify
  $program cat 1 2 3
  $program audit --settle 0s --split
  $program help

To stop the servers and remove everything:
  kill $NATS_PID $FERRET_PID; rm -rf $dir
EOF
}

main() {
	local keep='' arg status expected found
	for arg; do
		case $arg in
		--keep) keep=yes ;;
		-h | --help)
			usage
			exit 0
			;;
		*)
			usage >&2
			exit 2
			;;
		esac
	done

	step 'Set-up: packages, servers, evtrail'
	"$root/scripts/setup.sh" run

	# What the caller's environment says is meant for another state and other servers.
	unset "${!EVTRAIL_@}"
	# shellcheck source=tests/servers/servers.sh
	source "$root/tests/servers/servers.sh"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	dir=$(mktemp -d)
	chmod 0700 "$dir"

	step 'Start a NATS server and a MongoDB-protocol server'
	servers_start "$dir" || fail 'the servers do not start'
	printf '   %s  %s\n' "$NATS_URL" "$MONGO_URI"

	step "Load the recording ${recording#"$root"/}"
	load_recording "$recording" || fail 'the recording cannot be loaded'
	expected=$(wc -l <"$recording/lost.jsonl")

	local evtrail=("$program" --state "$dir/state" --nats-url "$NATS_URL" --mongo-uri "$MONGO_URI")
	step 'evtrail snapshot: archive the stream'
	"${evtrail[@]}" snapshot || fail "snapshot: exit status $?"

	step 'evtrail audit --settle 0s --split: compare the archives with the store'
	status=0
	"${evtrail[@]}" audit --settle 0s --split --findings "$dir/findings.jsonl" || status=$?
	((status == 1)) || fail "audit: exit status $status; 1 was expected"
	printf '\n   Exit status 1: findings. That is right here: in this recording the hub saved\n'
	printf '   %d events that never reached the stream.\n' "$expected"

	step 'Compare the findings with what the recording is known to have lost'
	found=$(lost "$dir/findings.jsonl" | wc -l)
	printf '   lost %d, found %d\n' "$expected" "$found"
	diff <(lost "$recording/lost.jsonl") <(lost "$dir/findings.jsonl") ||
		fail 'the audit did not find what was lost (< missed, > false)'
	printf '   Every loss was found, and nothing else.\n'

	[[ -z $keep ]] || { kept=yes && how_to_go_on; }
}

main "$@"
