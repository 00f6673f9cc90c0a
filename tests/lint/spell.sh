#!/usr/bin/env bash
# codespell over all text of the project. Words that it gets wrong stand in spell.ignore.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need codespell

mapfile -t files < <(project_files | grep -vE '^tests/(data|golden|fuzz/corpus)/|(^|/)go\.sum$|\.(bson|s2|zst|png|pem|der)$')
complain_each < <(codespell --ignore-words tests/lint/spell.ignore "${files[@]}" 2>&1 || true)
lint_end
