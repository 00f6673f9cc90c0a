#!/usr/bin/env bash
# No path of a developer's machine and no package registry's or mirror's host name in the project:
# what is here must work, and be true, elsewhere.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

paths='(^|[^[:alnum:]_.{}*-])/(work|root|home/[a-z]+|Users/[A-Za-z]+|opt/wheels)(/[[:alnum:]._-]|[^[:alnum:]/_-]|$)'
hosts='(pypi|pythonhosted|crates\.io|golang|npmjs|docker|repo1?\.maven|debian|nexus|artifactory|jfrog|mirror)'
hosts="(https?|deb)://[^/[:space:]]*\\b$hosts\\b|\\b(proxy|sum)\\.golang\\.org\\b|\\bfiles\\.pythonhosted\\.org\\b"

mapfile -t files < <(project_files | grep -vE '^tests/lint/words\.sh$|^tests/data/.*/(stream/|.*\.bson)')
complain_each < <(grep -nHIE -- "$paths" "${files[@]}" | sed 's/$/    <- path of a machine/' | cut -c 1-200)
complain_each < <(grep -nHIE -- "$hosts" "${files[@]}" | sed 's/$/    <- host of a registry/' | cut -c 1-200)
lint_end
