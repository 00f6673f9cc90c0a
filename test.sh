#!/usr/bin/env bash
# All tests: see usage below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
logs=$root/build/logs
jobs=$(nproc)
make=(make)
# What the caller's environment says is meant for another state and other servers; but for this one.
mongodb_uri=${EVTRAIL_TEST_MONGODB_URI-}
unset EVTRAIL "${!EVTRAIL_@}"
[[ -z $mongodb_uri ]] || export EVTRAIL_TEST_MONGODB_URI=$mongodb_uri
# As in make check.
export MONGOC_DISABLE_SHM=1
cd "$root"

# What is soonest done and likeliest to fail comes first.
steps=(check clang coverage asan fuzz tsan go distcheck soak)

usage() {
	cat <<'EOF'
usage: ./test.sh [STEP...]

Installs what is missing (Debian 12), builds everything, runs the tests. Without
a STEP all of them, in this order:

  check      release build with -Werror: unit tests, lint, command line, live
  clang      build by clang with -Werror, clang-tidy
  coverage   unit tests; every line of base, event and audit must be run
  asan       unit and live tests under AddressSanitizer and UBSan
  fuzz       the fuzz corpora, replayed under AddressSanitizer and UBSan
  tsan       unit tests of archive and stream, live snapshots under TSan
  go         tests of the Go programs under tests/servers
  distcheck  make distcheck: the release tarball, built and tested by itself
  soak       snapshots killed at random moments, audits beside a hub that loses
             events (longer: make soak)

Each step has a log in build/logs. The last line is "N passed, N failed"; the
exit status is 0 only when none failed.
EOF
}

say() { printf '%s\n' "$*"; }

# ---- building and running ----

# configured FOLDER OPTION...: a build directory, made once, and anew when the options are others.
configured() {
	local dir=$root/build/$1
	shift
	[[ -f $dir/Makefile && $(cat "$dir/.options" 2>/dev/null) == "$*" ]] && return
	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$dir" && ../../configure "$@" && printf '%s\n' "$*" >.options)
}

# value_of FOLDER TEXT: what make in that build directory makes of the text; one word a line.
value_of() {
	make -s --no-print-directory -C "build/$1" --eval "print-value: ; @printf '%s\n' $2" print-value
}

# tests_of FOLDER PATTERN: the tests of a build directory that fit a regular expression.
tests_of() {
	# shellcheck disable=SC2016
	value_of "$1" '$(TESTS)' | grep -E -- "$2" || say "no test fits $2" >&2
}

# checked FOLDER PATTERN: builds, and runs those tests; all of them, also after a failure.
checked() {
	local dir=build/$1 list
	list=$(tests_of "$1" "$2")
	[[ -n $list ]]
	make -C "$dir" -j"$jobs" all
	EVTRAIL=$root/$dir/src/evtrail "${make[@]}" -C "$dir" -j"$jobs" -k check TESTS="${list//$'\n'/ }" && return
	failures "$dir"
	return 1
}

# failures FOLDER: at the end of the log, what went wrong, and where more of it is.
failures() {
	local trs
	while IFS= read -r trs; do
		printf '\n%s\n' "${trs%.trs}.log"
		grep -E -A 4 '^not ok|: error: |ERROR: |runtime error|WARNING: ThreadSanitizer' "${trs%.trs}.log" | head -n 12 |
			grep . || tail -n 12 "${trs%.trs}.log"
	done < <(find "$1" -name '*.trs' -newer "$logs/.begin" -exec grep -lE '^:test-result: (FAIL|ERROR)' {} +)
}

# ---- steps ----

step_check() {
	checked release .
}

# sanitized PATTERN: those tests under AddressSanitizer and UBSan.
sanitized() {
	configured asan --enable-sanitizers --enable-faults --enable-werror CFLAGS='-O1 -g'
	ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
		LSAN_OPTIONS="suppressions=$root/tests/live/lsan.supp:print_suppressions=0" \
		checked asan "$1"
}

# Kills and foreign readers say nothing of memory.
step_asan() {
	sanitized 'tests/unit/|tests/live/(audit_kill|flips|gateway|recordings|rooms|snapshot|trouble|explain)'
}

step_tsan() {
	configured tsan --enable-tsan --enable-werror CFLAGS='-O1 -g'
	# With more address randomization than it knows, it refuses to start.
	if setarch "$(uname -m)" --addr-no-randomize true 2>/dev/null; then
		make=(setarch "$(uname -m)" --addr-no-randomize make)
	fi
	TSAN_OPTIONS="suppressions=$root/tests/live/tsan.supp" \
		checked tsan 'tests/unit/(archive|stream)/|tests/live/(rooms|snapshot)'
}

step_coverage() {
	local room result=0 all=build/coverage/all.json
	configured coverage --enable-coverage --enable-faults CFLAGS='-O0 -g'
	find build/coverage -name '*.gcda' -delete
	checked coverage 'tests/unit/'
	gcovr --root . --object-directory build/coverage --filter src/ --exclude-throw-branches --json "$all"
	for room in base event audit; do
		gcovr --root . --add-tracefile "$all" --filter "src/$room/" --fail-under-line 100 || result=1
	done
	gcovr --root . --add-tracefile "$all" --csv | awk -F , '
		split($1, part, "/") == 3 { lines[part[2]] += $2; run[part[2]] += $3 }
		END { for (room in lines) printf "%-10s %5d of %5d lines run  %5.1f %%\n", room, run[room], lines[room],
			100 * run[room] / lines[room] }' | LC_ALL=C sort
	return "$result"
}

step_fuzz() {
	sanitized 'tests/fuzz/'
}

step_clang() {
	local flags
	configured clang --enable-werror CC=clang-14 CFLAGS='-O1'
	make -C build/clang -j"$jobs" -k all
	# The tests are built, and none is run.
	make -C build/clang -j"$jobs" -k check TESTS=
	# shellcheck disable=SC2016
	mapfile -t flags < <(value_of clang '$(AM_CPPFLAGS) $(ET_CFLAGS) $(MONGOC_CFLAGS) $(NATS_CFLAGS) $(SMARTCOLS_CFLAGS)')
	# shellcheck disable=SC2016
	local tidy='file=${*: -1}
		clang-tidy-14 --quiet "$file" -- "${@:1:$#-1}" || { echo "$file: clang-tidy: exit status $?"; exit 1; }'
	(cd build/clang && find ../../src -name '*.c' -print0 | xargs -0 -P "$jobs" -n 1 bash -c "$tidy" tidy "${flags[@]}")
}

# The live tests ran already: there are no servers in a tarball.
step_distcheck() {
	EVTRAIL_SERVERS=/nowhere make -C build/release -j"$jobs" distcheck && return
	failures build/release
	return 1
}

step_go() {
	local go module
	for go in "$(command -v go || true)" /usr/local/go/bin/go "$root/build/servers/go-venv/bin/go"; do
		[[ ! -x $go ]] || break
	done
	for module in tests/servers tests/servers/ferretdb; do
		(cd "$module" && CGO_ENABLED=0 GOWORK=off "$go" vet ./... && CGO_ENABLED=0 GOWORK=off "$go" test -v ./...)
	done
}

step_soak() {
	export EVTRAIL=$root/build/release/src/evtrail
	tests/live/soak.sh 20
	tests/live/losses.sh 90
}

# ---- counting ----

# Automake leaves a .trs with the result and a .log for each test: TAP of bats, cmocka's lines, or neither.
count_trs() {
	local dir=$1 after=$2 trs
	while IFS= read -r trs; do
		awk '
			FILENAME ~ /\.trs$/ && /^:test-result: / { result = $2 }
			FILENAME ~ /\.trs$/ { next }
			/^ok [0-9]+ .*# skip/ { skipped++; next }
			/^ok [0-9]+/ { passed++ }
			/^not ok [0-9]+/ { failed++ }
			/^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
			/^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
			END {
				if (result == "SKIP") { skipped++ }
				else if (result ~ /PASS/ && passed + failed + skipped == 0) passed = 1
				else if (result !~ /PASS/ && failed == 0) failed = 1
				print passed + 0, failed + 0, skipped + 0
			}' "$trs" "${trs%.trs}.log"
	done < <(find "$dir" -name '*.trs' -newer "$after")
}

# count_single LOG STATUS PASS-PATTERN FAIL-PATTERN
count_single() {
	local passed failed
	passed=$(grep -cE -- "$3" "$1") || true
	failed=$(grep -cE -- "$4" "$1") || true
	if (($2 == 0 && passed == 0)); then passed=1; fi
	printf '%d %d 0\n' "$passed" "$failed"
}

# counts_of STEP LOG STATUS BEGIN-FILE: lines of passed, failed, skipped.
counts_of() {
	case $1 in
	check) count_trs build/release "$4" ;;
	asan | fuzz) count_trs build/asan "$4" ;;
	tsan) count_trs build/tsan "$4" ;;
	coverage) count_trs build/coverage "$4" ;;
	go) count_single "$2" "$3" '^--- PASS' '^--- FAIL' ;;
	*) count_single "$2" "$3" '$^' '$^' ;;
	esac
}

# run_step NAME: its line; adds to the totals.
run_step() {
	local name=$1 log=$logs/$1.log began=$SECONDS status=0 passed failed skipped words
	: >"$logs/.begin"
	printf '%-10s' "$name"
	# In a shell of its own: `set -e` means nothing in a function that is tested.
	"${BASH_SOURCE[0]}" --step "$name" >"$log" 2>&1 </dev/null || status=$?
	read -r passed failed skipped < <(counts_of "$name" "$log" "$status" "$logs/.begin" |
		awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
	# What failed outside of a single test counts as one.
	if ((status != 0 && failed == 0)); then failed=1; fi
	words=ok
	((failed == 0)) || words=FAILED
	printf '%-7s %5d passed %4d failed' "$words" "$passed" "$failed"
	((skipped == 0)) || printf ' %4d skipped' "$skipped"
	printf '  %d s\n' $((SECONDS - began))
	total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
	((failed == 0)) && return
	printf '    %s ends:\n' "${log#"$root"/}"
	tail -n 20 "$log" | cut -c 1-160 | sed 's/^/    | /'
}

main() {
	local step total_passed=0 total_failed=0
	case ${1-} in
	-h | --help)
		usage
		return
		;;
	--step)
		"step_$2"
		return
		;;
	esac
	for step; do
		[[ " ${steps[*]} " == *" $step "* ]] || {
			usage >&2
			return 2
		}
	done
	mkdir -p "$logs"
	scripts/setup.sh test || {
		say '0 passed, 1 failed'
		return 1
	}
	for step in "${@:-${steps[@]}}"; do
		run_step "$step"
	done
	say "$total_passed passed, $total_failed failed"
	((total_failed == 0))
}

main "$@"
