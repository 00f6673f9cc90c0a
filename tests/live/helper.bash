# shellcheck shell=bash
# What the live tests share: each test has servers, databases and a state of its own.

# shellcheck source=tests/cli/helper.bash
source "$(dirname "${BASH_SOURCE[0]}")/../cli/helper.bash"

# shellcheck disable=SC2034
data=$(cd "$(dirname "${BASH_SOURCE[0]}")/../data" && pwd)

# live_setup: program, state, running servers. Skips, with the reason, where there are none.
live_setup() {
	local servers=${EVTRAIL_SERVERS-} sources=$BATS_TEST_DIRNAME/../servers
	cli_setup
	EVTRAIL_SERVERS=${servers:-$sources/../../build/servers}
	[[ -x $EVTRAIL_SERVERS/nats-server && -x $EVTRAIL_SERVERS/ferretdb ]] ||
		skip 'no servers: tests/servers/build.sh build/servers'
	# shellcheck source=tests/servers/servers.sh
	source "$sources/servers.sh"
	servers_start "$BATS_TEST_TMPDIR/servers"
}

live_teardown() {
	# A skipped test has none.
	[[ -z $(declare -F servers_stop) ]] || servers_stop
}

# ev STATUS ARGUMENT...: et, with the addresses of the servers.
ev() {
	local status_wanted=$1
	shift
	et "$status_wanted" --connect-timeout 5s --nats-url "$NATS_URL" --mongo-uri "$MONGO_URI" "$@"
}

# generate OPTION...: loadgen into both servers.
generate() {
	"$EVTRAIL_SERVERS/loadgen" --nats "$NATS_URL" --mongo "$MONGO_URI" "$@" 2>"$BATS_TEST_TMPDIR/loadgen.log"
}

nats() {
	"$EVTRAIL_SERVERS/nats" --server "$NATS_URL" "$@"
}

# stream_messages: how many the stream holds, by the server's own word.
stream_messages() {
	nats stream info EVENTS --json | jq .state.messages
}

# archives: their paths, in order.
archives() {
	find "$state/archives" -name '*.tar.zst' | LC_ALL=C sort
}

# lost FILE: what of it is lost, as sorted lines.
lost() {
	jq -c 'select((.code // "lost") == "lost") | [.aggregate_id, .version, .recoverable]' "$1" | LC_ALL=C sort
}

# audit_finds RECORDING FINDINGS: the findings, and the counts of the JSON in $output, are those known.
audit_finds() {
	local wrong
	diff <(lost "$1/lost.jsonl") <(lost "$2") || { printf '< missed, > false\n'; return 1; }
	printf '%s' "$output" >"$BATS_TEST_TMPDIR/audit.json"
	wrong=$(jq -r --slurpfile read "$BATS_TEST_TMPDIR/audit.json" '$read[0] as $audit |
		to_entries[] | select(.key != "unprovable_true_losses") |
		(if .key == "aggregates" then $audit.store.aggregates else $audit.counts[.key] // 0 end) as $got |
		select($got != .value) | "\(.key): \($got), wanted \(.value)"' "$1/expected.json")
	same 'wrong counts' "$wrong" ''
	# What the truth does not name must not have happened.
	same 'unwanted counts' "$(field '.counts | {foreign, malformed_message, malformed_document, in_flight, before_horizon,
		unverifiable_gap, lost_in_gap, undecided, forked, ahead, differs} | to_entries[] | select((.value // 0) != 0) | .key')" ''
	same sums_hold "$(field .sums_hold)" true
}
