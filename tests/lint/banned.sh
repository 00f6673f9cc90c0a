#!/usr/bin/env bash
# Calls that src/ must not make. src/base/banned.h, included into every file by the compiler, poisons
# most of them; this looks at what a poison cannot see.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need perl

# regular expression of a name, what to do instead
banned=(
	'strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok' 'no bounds: snprintf, et_format, memcpy'
	'sscanf|fscanf|scanf|atoi|atol|atoll|atof' 'no errors: parse with checks'
	'gmtime|localtime|ctime|asctime|strptime|mktime' 'not re-entrant, or bound to a locale: base/clock.h'
	'strerror' 'not re-entrant: et_error_errno'
	'rand|srand|random|drand48' 'nobody can repeat it, and everybody can guess it'
	'tmpnam|tempnam|mktemp' 'races: et_atomicfile'
	'system|popen' 'a shell'
	'signal' 'handlers are set by sigaction'
	'alloca|malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf' 'unchecked: base/alloc.h'
	'setlocale|setenv|putenv' 'changes the whole process'
	'gethostbyname|gethostbyaddr|inet_ntoa' 'not re-entrant'
	'longjmp|setjmp' 'jumps over the frames of libraries'
)

# Room base wraps the allocator; to ignore a signal is the same everywhere.
is_allowed() {
	[[ $1 == src/base/alloc.[ch] && $2 =~ alloc|asprintf|strdup || $2 == signal && $3 == *SIG_IGN* ]]
}

check_calls() {
	local file=$1 code=$2 i number line name
	for ((i = 0; i < ${#banned[@]}; i += 2)); do
		while IFS=: read -r number line; do
			[[ $line =~ (^|[^A-Za-z0-9_.>])(${banned[i]})[[:space:]]*\( ]] || continue
			name=${BASH_REMATCH[2]}
			is_allowed "$file" "$name" "$line" || complain "$file:$number: $name: ${banned[i + 1]}"
		done < <(grep -nE "\b(${banned[i]})[[:space:]]*\(" <<<"$code")
	done
}

# A number from text: errno cleared before it, looked at behind it, and the end pointer asked for.
check_numbers() {
	awk -v file="$1" '
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				if (line[i] !~ /(^|[^A-Za-z0-9_])strto(l|ul|ll|ull|imax|umax|d|f|ld)[ \t]*\(/) continue
				before = after = ""
				for (k = i - 4; k <= i; k++) if (k > 0) before = before line[k]
				for (k = i; k <= i + 6 && k <= NR; k++) after = after line[k]
				if (before !~ /errno = 0/ || after !~ /errno [!=]= |errno != 0/)
					print file ":" i ": strto… without a look at errno"
				if (line[i] ~ /,[ \t]*NULL,/)
					print file ":" i ": strto… without an end pointer"
			}
		}'
}

grep -qE -- '-include[ =].*base/banned\.h' Makefile.am configure.ac ||
	complain 'Makefile.am:1: base/banned.h is not included by the compiler (-include)'
while IFS= read -r file; do
	[[ $file != src/base/banned.h ]] || continue
	code=$(code_of "$file")
	check_calls "$file" "$code"
	complain_each < <(check_numbers "$file" <<<"$code")
done < <(c_files src)
lint_end
