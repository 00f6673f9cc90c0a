#!/usr/bin/env bash
# Looks with shellcheck at every script, known by name, or by the first line of what has no such name.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need shellcheck

scripts=()
while IFS= read -r file; do
	case ${file##*/} in
	*.sh | *.bash | *.bats) scripts+=("$file") ;;
	*.*) ;;
	*) if head -n 1 "$file" | grep -qaE '^#!.*[ /](ba|da)?sh\b'; then scripts+=("$file"); fi ;;
	esac
done < <(project_files)
# bats sets variables that shellcheck does not see (stderr), runs each test in a subshell, and `load` hides
# where the helper's come from.
complain_each < <(printf '%s\n' "${scripts[@]}" | grep -E '\.bats$' |
	xargs shellcheck --external-sources --source-path="$root" --format=gcc --exclude=SC2030,SC2031,SC2154 || true)
complain_each < <(printf '%s\n' "${scripts[@]}" | grep -vE '\.bats$' |
	xargs shellcheck --external-sources --source-path="$root" --format=gcc || true)
lint_end
