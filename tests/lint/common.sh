# shellcheck shell=bash
# What the lint tests share. Each is a program: exit status 0 (nothing found), 1 (findings, as
# file:line: words on stdout), 77 (a tool is missing).
#
# They run over the tree that they are part of, whatever the current directory is.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
lint_count=0

# complain WORDS...: one finding.
complain() {
	printf '%s\n' "$*"
	lint_count=$((lint_count + 1))
}

# complain_each: each line of stdin is a finding.
complain_each() {
	local line
	while IFS= read -r line; do
		complain "$line"
	done
}

# lint_end: the exit status, from what was found.
lint_end() {
	((lint_count == 0)) || printf '%s: %d found\n' "${0##*/}" "$lint_count"
	exit $((lint_count > 0))
}

# need TOOL...
need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null && continue
		printf 'skipped: %s is not installed\n' "$tool"
		exit 77
	done
}

# The files of the project, without what is built or generated.
project_files() {
	find . \( -name .git -o -name .deps -o -name __pycache__ -o -name '*venv' -o -path ./build -o -path ./_build -o -path ./_inst \
		-o -path ./build-aux -o -path ./m4 -o -path ./autom4te.cache \) -prune -o \
		-type f ! -name '*.[oa]' ! -name '*~' ! -name '*.log' ! -name '*.trs' ! -name .dirstamp ! -name '*.tar.*' \
		! -path ./configure -print |
		grep -vE '^\./(aclocal\.m4|config\.(h|h\.in|log|status)|stamp-h1|Makefile|Makefile\.in)$' | sed 's|^\./||' | LC_ALL=C sort
}

# c_files FOLDER...
c_files() {
	find "$@" -name '*.[ch]' ! -name '*.pb-c.[ch]' | LC_ALL=C sort
}

# code_of FILE: its lines, with comments and the insides of literals blanked.
code_of() {
	perl -0777 -pe '
		s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)}
		 {my $t = $&; my $lines = $t =~ tr/\n//; defined $1 ? "\n" x $lines || " " : defined $2 ? q("") : "0"}gse' "$1"
}
