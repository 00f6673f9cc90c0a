#!/usr/bin/env bash
# `evtrail help` and the --help of every command: on stdout only, exit status 0, at most 80 columns.
set -euo pipefail
caller=$PWD
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tests/cli/program.bash
source tests/cli/program.bash
find_program "$caller" || exit 77

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# check ARGUMENT...: leaves what was printed in $text.
check() {
	local status=0
	text=$("$program" "$@" 2>"$errors") || status=$?
	((status == 0)) || complain "evtrail $*: exit status $status"
	[[ -n $text ]] || complain "evtrail $*: prints nothing on stdout"
	[[ ! -s $errors ]] || complain "evtrail $*: prints on stderr: $(head -n 1 "$errors")"
	complain_each < <(LC_ALL=C.UTF-8 awk -v words="evtrail $*" '
		length($0) > 80 { print words ":" NR ": " length($0) " columns: " $0 }
		/\t/ { print words ":" NR ": a tab" }
		/[ \t]$/ { print words ":" NR ": a blank at the end" }' <<<"$text")
}

check help
help=$text
check --help
[[ $text == "$help" ]] || complain 'evtrail --help: not the same as evtrail help'
mapfile -t commands < <(commands_of "$help")
((${#commands[@]} >= 8)) || complain "evtrail help: names only ${#commands[@]} commands"
for command in "${commands[@]}"; do
	check "$command" --help
	[[ $text == *"evtrail "*"$command"* ]] || complain "evtrail $command --help: no usage line"
	[[ $command == help ]] || check help "$command"
done
lint_end
