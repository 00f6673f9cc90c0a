#!/usr/bin/env bash
# Every #include under src/ against src/ROOMS: which rooms a room may use, which libraries it brings in.
set -euo pipefail
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The C library and the kernel: what needs no line in ROOMS. uthash is macros only.
system='^(assert|ctype|dirent|endian|errno|fcntl|float|fnmatch|getopt|glob|inttypes|langinfo|libgen|limits|locale|malloc|math|poll'
system+='|pthread|pwd|sched|semaphore|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib'
system+='|stdnoreturn|string|strings|sysexits|syslog|termios|threads|time|unistd|uthash|utlist|wchar'
system+='|(arpa|linux|net|netinet|sys)/[a-z0-9_]+)\.h$'

declare -A rooms foreign

read_rooms() {
	local line number=0 name edges edge
	while IFS= read -r line || [[ -n $line ]]; do
		number=$((number + 1))
		[[ $line =~ ^[[:space:]]*(#|$) ]] && continue
		if ! [[ $line =~ ^([a-z]+):([^|]*)(\|(.*))?$ ]]; then
			complain "src/ROOMS:$number: not \"room: rooms | libraries\""
			continue
		fi
		name=${BASH_REMATCH[1]} edges=${BASH_REMATCH[2]}
		foreign[$name]=${BASH_REMATCH[4]-}
		for edge in $edges; do
			# Rooms are named before they are used, so that there is no cycle.
			[[ -n ${rooms[$edge]+set} ]] || complain "src/ROOMS:$number: $name uses $edge, which no line above declares"
		done
		rooms[$name]="$name $edges"
	done <src/ROOMS
}

# has WORD WORDS...
has() {
	local word=$1 each
	shift
	for each; do
		[[ $each == "$word" ]] && return
	done
	return 1
}

# brings_in HEADER LIBRARY...: <lib.h>, <lib/x.h>, <lib-x.h>, <lib_x.h>
brings_in() {
	local header=$1 library
	shift
	for library; do
		[[ $header == "$library".h || $header == "$library"[-_/]* ]] && return
	done
	return 1
}

# check_quoted FILE:LINE ROOM HEADER
check_quoted() {
	[[ $3 != config.h ]] || return 0
	# shellcheck disable=SC2086
	if [[ $3 != */* ]]; then
		complain "$1: \"$3\": headers are included as \"room/name.h\""
	elif ! has "${3%%/*}" ${rooms[$2]} && ! brings_in "$3" ${foreign[$2]}; then
		complain "$1: room $2 must not use room ${3%%/*}: \"$3\""
	elif [[ -n ${rooms[${3%%/*}]+set} && ! -e src/$3 ]]; then
		complain "$1: there is no src/$3"
	fi
}

# check_angled FILE:LINE ROOM HEADER
check_angled() {
	# shellcheck disable=SC2086
	if ! [[ $3 =~ $system ]] && ! brings_in "$3" ${foreign[$2]}; then
		complain "$1: room $2 must not bring in <$3>"
	fi
}

check_file() {
	local file=$1 room=${1#src/} number line
	if [[ $room == */* ]]; then room=${room%%/*}; else room=${room%.[ch]}; fi
	if [[ -z ${rooms[$room]+set} ]]; then
		complain "$file:1: src/ROOMS does not know the room $room"
		return
	fi
	while IFS=: read -r number line; do
		if [[ $line =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
			check_quoted "$file:$number" "$room" "${BASH_REMATCH[1]}"
		elif [[ $line =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*\<([^\>]+)\> ]]; then
			check_angled "$file:$number" "$room" "${BASH_REMATCH[1]}"
		else
			complain "$file:$number: an include that cannot be checked: $line"
		fi
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include\b' "$file")
}

read_rooms
while IFS= read -r file; do
	check_file "$file"
done < <(c_files src; find src -name '*.def')
lint_end
