#!/usr/bin/env bash
# Brings a Debian 12 to where evtrail runs: packages, test servers, the program.
# usage: setup.sh run|test|bench
#
#   run    what it takes to build evtrail and to try it
#   test   that, and what ./test.sh needs; warnings are errors
#   bench  that, and what `make bench` needs
#
# A second run does only what is missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
release=$root/build/release

run_packages=(
	build-essential autoconf automake autoconf-archive pkg-config
	libnats-dev libmongoc-dev libcurl4-openssl-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libsnappy-dev
	uuid-dev libzstd-dev zlib1g-dev libarchive-dev libjansson-dev libinih-dev libsqlite3-dev libssl-dev
	libcbor-dev libsmartcols-dev uthash-dev libcmocka-dev
	zstd libarchive-tools jq ca-certificates python3 python3-venv
)
test_packages=(
	bats gcovr pmccabe codespell shellcheck valgrind mandoc procps time sqlite3 openssl
	clang-14 clang-format-14 clang-tidy-14 llvm-14 libclang-rt-14-dev
)
# The store of `make bench`.
bench_packages=(openjdk-17-jdk-headless maven)

say() { printf 'set-up: %s\n' "$*"; }
fail() {
	printf 'set-up: %s\n' "$*" >&2
	exit 1
}

# quietly NAME COMMAND...: its output goes to a log, of which a failure shows the end.
quietly() {
	local log=$logs/$1.log
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		fail "failed: $* (all of its output: $log)"
	fi
}

# missing PACKAGE...: those that are not installed, one a line.
missing() {
	local installed
	# It fails when it never heard of one of them.
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') || true
	comm -23 <(printf '%s\n' "$@" | LC_ALL=C sort) <(LC_ALL=C sort -u <<<"$installed")
}

install_packages() {
	local packages as_root=()
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say 'no Debian: what is missing, configure will tell'
		return
	fi
	mapfile -t packages < <(missing "$@")
	((${#packages[@]} > 0)) || return 0
	if ((EUID != 0)); then
		command -v sudo >/dev/null ||
			fail "packages are missing, and there is no sudo; as root: apt-get install ${packages[*]}"
		as_root=(sudo)
	fi
	say "installing ${#packages[@]} packages: ${packages[*]}"
	quietly apt-update "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update
	quietly apt-install "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${packages[@]}"
}

# make_venv NAME FOLDER: a Python of its own in build/NAME, with the libraries that the folder names.
make_venv() {
	local venv=$root/build/$1 wanted=$root/$2/requirements.txt
	cmp -s "$wanted" "$venv/requirements.txt" && return
	say "installing the libraries of $2"
	rm -rf "$venv"
	quietly venv python3 -m venv "$venv"
	quietly pip "$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted"
	cp "$wanted" "$venv/"
}

# What was compiled without -Werror was not checked.
configure_release() {
	local options=("$@")
	[[ -x $root/configure ]] || quietly autogen "$root/autogen.sh"
	if [[ -f $release/Makefile ]]; then
		((${#options[@]} > 0)) || return 0
		"$release/config.status" --config | grep -qF -- "${options[0]}" && return
		quietly clean make -C "$release" clean
	fi
	mkdir -p "$release"
	(cd "$release" && quietly configure ../../configure "${options[@]}")
}

main() {
	local packages=("${run_packages[@]}") options=()
	case ${1-} in
	run) ;;
	test | bench)
		packages+=("${test_packages[@]}")
		options=(--enable-werror)
		;;
	*) fail 'usage: setup.sh run|test|bench' ;;
	esac
	[[ $1 != bench ]] || packages+=("${bench_packages[@]}")
	mkdir -p "$logs"
	install_packages "${packages[@]}"
	if [[ $1 != run ]]; then
		make_venv histories-venv tests/histories
		make_venv gateway-venv tests/servers/gateway
	fi
	# It may take minutes the first time, and says itself what it does.
	"$root/tests/servers/build.sh" "$root/build/servers"
	configure_release "${options[@]}"
	say 'building evtrail'
	quietly build make -C "$release" -j"$(nproc)"
	say "evtrail is $release/src/evtrail"
}

main "$@"
