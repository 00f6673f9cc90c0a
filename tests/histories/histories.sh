#!/usr/bin/env bash
# Audits of made-up histories against an oracle of their own: run.py says more.
# HISTORIES: how many (300). HISTORIES_SEED: others of them (1).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../../build/histories-venv/bin/python3
# shellcheck source=tests/cli/program.bash
source "$here/../cli/program.bash"

find_program "$PWD" || exit 77
if [[ ! -x $python ]]; then
	printf 'skipped: no virtual environment with hypothesis: scripts/setup.sh test makes it\n'
	exit 77
fi
exec "$python" -B "$here/run.py" --examples "${HISTORIES:-300}" --seed "${HISTORIES_SEED:-1}" "$program"
