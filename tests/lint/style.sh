#!/usr/bin/env bash
# The C sources as clang-format 14 would write them, and no line wider than 100 columns.
# `clang-format-14 -i FILE` mends what the first check finds.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need clang-format-14 expand

folders=(src)
for folder in tests/unit tests/fuzz tests/fault tests/bench; do
	[[ ! -d $folder ]] || folders+=("$folder")
done
mapfile -t files < <(c_files "${folders[@]}")

# Its second and third lines of a finding show the place; the first has all that is needed.
complain_each < <(printf '%s\0' "${files[@]}" |
	xargs -0 -n 8 -P "$(nproc)" clang-format-14 --dry-run -Werror 2>&1 |
	grep -E '^[^ ]+:[0-9]+:[0-9]+: error:' | LC_ALL=C sort -u)
for file in "${files[@]}"; do
	complain_each < <(expand "$file" | LC_ALL=C.UTF-8 awk -v file="$file" '
		length($0) > 100 { print file ":" NR ": " length($0) " columns" }')
done
lint_end
