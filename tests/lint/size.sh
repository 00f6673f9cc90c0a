#!/usr/bin/env bash
# No function longer than 100 lines or more complex than 15 (McCabe, a switch counting once), no file
# longer than 500 lines. There is no list of exceptions.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need pmccabe

most_lines=100
most_complex=15
most_file_lines=500

mapfile -t files < <(c_files src)
complain_each < <(pmccabe "${files[@]}" 2>&1 | awk -F '\t' -v lines=$most_lines -v complex=$most_complex '
	NF < 6 { print "pmccabe: " $0; next }
	{ where = $6; name = where; sub(/\([0-9]+\): .*/, "", where); sub(/.*\): /, "", name) }
	$5 > lines { print where ":" $4 ": " name " has " $5 " lines, more than " lines }
	$1 > complex { print where ":" $4 ": " name " has a complexity of " $1 ", more than " complex }')
complain_each < <(awk -v most=$most_file_lines '
	FNR == most + 1 { print FILENAME ":" FNR ": the file has more than " most " lines" }' "${files[@]}")
lint_end
