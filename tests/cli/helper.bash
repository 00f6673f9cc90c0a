# shellcheck shell=bash
# What the tests of the command line and the live tests share.
# shellcheck disable=SC2154 # output: bats sets it
bats_require_minimum_version 1.5.0

# shellcheck source=tests/cli/program.bash
source "$(dirname "${BASH_SOURCE[0]}")/program.bash"

# cli_setup: the program, and a state directory of the test's own. Skips when nothing is built.
cli_setup() {
	local why
	export LC_ALL=C.UTF-8
	# What another test file's set-up found is given on; the environment would be wiped the second time.
	if [[ -n ${program-} ]]; then
		:
	elif ! find_program "$PWD" >"$BATS_TEST_TMPDIR/why"; then
		why=$(<"$BATS_TEST_TMPDIR/why")
		skip "${why#skipped: }"
	fi
	export program
	state=$BATS_TEST_TMPDIR/state
}

# et STATUS ARGUMENT...: runs evtrail with the test's state; $output is its stdout, $stderr the rest.
et() {
	local status_wanted=$1
	shift
	# A run that hangs fails: 124.
	run --separate-stderr "-$status_wanted" timeout --kill-after=5 180 "$program" --state "$state" "$@" || {
		printf '%s\n' "$stderr"
		return 1
	}
}

# says TEXT PART...: fails, showing the text, unless it holds each part.
says() {
	local text=$1 part
	shift
	for part; do
		[[ $text == *"$part"* ]] && continue
		printf 'wanted: %s\ngot: %s\n' "$part" "$text"
		return 1
	done
}

# same WHAT GOT WANTED
same() {
	[[ $2 == "$3" ]] && return
	printf '%s: %s, wanted %s\n' "$1" "$2" "$3"
	return 1
}

# field PATH: of the JSON in $output.
field() {
	jq -r "$1" <<<"$output"
}

# listen_silently: accepts connections and says nothing; leaves its port in $port, and $listener to be killed.
# shellcheck disable=SC2034
listen_silently() {
	python3 -c '
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
time.sleep(120)' >"$BATS_TEST_TMPDIR/port" 3>&- &
	listener=$!
	until [[ -s $BATS_TEST_TMPDIR/port ]]; do sleep 0.02; done
	port=$(<"$BATS_TEST_TMPDIR/port")
}
