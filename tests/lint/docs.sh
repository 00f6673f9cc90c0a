#!/usr/bin/env bash
# What the documents say is so: links lead to files, commands are there (scripts, make targets, evtrail's
# commands and their options), and options, defaults, keys, exit statuses and reason codes are the code's.
set -euo pipefail
caller=$PWD
# shellcheck source=tests/lint/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tests/cli/program.bash
source tests/cli/program.bash

# ---- commands in Markdown ----

# blocks FILE: the lines of its indented and fenced blocks, and its `code`, as LINE:TEXT.
blocks() {
	awk '
		/^[ \t]*```/ { inside = !inside; next }
		held != "" { held = held $0 }
		held == "" && (inside || /^(    |\t)/) { held = $0; at = NR }
		held ~ /\\$/ { sub(/\\$/, " ", held); next }
		held != "" { print at ":" held; held = ""; next }
		{ rest = $0
		  while (match(rest, /`[^`]+`/)) {
			print NR ":" substr(rest, RSTART + 1, RLENGTH - 2)
			rest = substr(rest, RSTART + RLENGTH)
		  } }' "$1"
}

check_links() {
	local number link
	while IFS=: read -r number link; do
		link=${link#](}
		link=${link%%[)#]*}
		[[ -z $link || $link =~ ^[a-z]+: || -e $(dirname "$1")/$link ]] || complain "$1:$number: no such file: $link"
	done < <(grep -noE '\]\([^) ]+\)' "$1" || true)
}

# check_make FILE:LINE TARGET
check_make() {
	[[ $2 =~ ^(all|check|clean|dist|distcheck|install|uninstall|distclean)$ ]] ||
		grep -qE "^([a-z-]+ )*$2( [a-z-]+)*:" Makefile.am tests/Makemodule.am tests/*/Makemodule.am || complain "$1: make $2: no such target"
}

has_command() {
	[[ " ${commands[*]} help " == *" $1 "* ]]
}

# check_evtrail FILE:LINE WORD...: the command must exist, and take the options.
check_evtrail() {
	local where=$1 word command='' text=$help
	shift
	[[ ! ${1-} =~ ^[a-z]+$ ]] || has_command "$1" || complain "$where: evtrail has no command $1"
	for word; do
		if [[ -z $command && $word =~ ^[a-z]+$ ]] && has_command "$word"; then
			command=$word
			[[ $word == help ]] || text+=$("$program" "$word" --help)
		elif [[ $word =~ ^[\|\;\&\>\<#] ]]; then
			return
		elif [[ $word =~ ^\[?(--[a-z][a-z0-9-]*) ]]; then
			grep -qwF -- "${BASH_REMATCH[1]}" <<<"$text" || complain "$where: evtrail ${command:-} has no ${BASH_REMATCH[1]}"
		fi
	done
}

# check_line FILE:LINE TEXT
check_line() {
	local where=$1 words
	read -ra words <<<"${2//[\'\"]/}"
	[[ ${words[0]-} != '$' ]] || words=("${words[@]:1}")
	case ${words[0]-} in
	./configure | ./configure[\;:,]*) ;;
	./* | scripts/* | tests/*.sh) [[ -e ${words[0]%%[;:,]*} || ${words[0]} == *\** ]] || complain "$where: no such program: ${words[0]}" ;;
	make) [[ ! ${words[1]-} =~ ^[a-z][a-z-]*$ ]] || check_make "$where" "${words[1]}" ;;
	evtrail | */evtrail) [[ -z $program ]] || check_evtrail "$where" "${words[@]:1}" ;;
	esac
}

# ---- tables of the code ----

# options: name and default of each line of options.def.
options() {
	sed -nE 's/^OPTION\([a-z_]+, "([^"]+)", [A-Z]+, ("[^"]*"|NULL), (NULL|"([^"]*)"),.*/\1 \4/p' src/command/options.def
}

# man_entry NAME: what the man page says of an option.
man_entry() {
	awk -v name="$1" '
		/^\.(It|Sh|El)/ { inside = 0 }
		/^\.It Fl/ { for (i = 3; i <= NF; i++) if ($i == "-" name) inside = 1 }
		inside' docs/evtrail.1
}

check_options() {
	local name default text
	while read -r name default; do
		text=$(man_entry "$name")
		[[ -n $text ]] || complain "docs/evtrail.1:1: does not describe --$name"
		[[ -z $default || $text == *Default*"$default"* ]] || complain "docs/evtrail.1:1: the default of --$name is $default"
	done < <(options)
	while read -r name; do
		[[ $name == help || $name == version ]] || options | grep -q "^$name " ||
			complain "docs/evtrail.1:1: there is no option --$name"
	done < <(grep '^\.It Fl' docs/evtrail.1 | grep -oE ' -[a-z-]{2,}' | sed 's/^ -//')
}

check_keys() {
	local number key value default
	while IFS=$'\t' read -r number key value; do
		if ! options | grep -q "^$key "; then
			complain "docs/evtrail.conf.example:$number: there is no key $key"
			continue
		fi
		default=$(options | sed -n "s/^$key //p")
		[[ -z $default || $value == "$default" ]] ||
			complain "docs/evtrail.conf.example:$number: the default of $key is $default, not $value"
	done < <(awk 'match($0, /^;?[a-z][a-z-]* *= */) {
		key = $0; sub(/^;/, "", key); sub(/ *=.*/, "", key)
		print NR "\t" key "\t" substr($0, RLENGTH + 1) }' docs/evtrail.conf.example)
}

# Rows of README's two tables: "| 5 | incomplete |" and "| `lost`, `x` | means |".
check_tables() {
	local number word
	while IFS=: read -r number word; do
		grep -qF "\"$word\"" src/command/status.c || complain "README.md:$number: no exit status is called $word"
	done < <(sed -nE 's/^\| [0-7] \| ([a-z]+) \|.*/\1/p; t; s/.*//p' README.md | awk 'NF { print NR ":" $0 }')
	while IFS=: read -r number word; do
		grep -qF "\"$word\"" src/audit/reason.c || complain "README.md:$number: no reason code is called $word"
	done < <(awk -F '|' '/^## /{ inside = /Reason codes/ } inside && /^\| `/ { n = split($2, codes, ",")
		for (i = 1; i <= n; i++) { gsub(/[` ]/, "", codes[i]); print NR ":" codes[i] } }' README.md)
}

# audit --explain names sections of docs/audit.md: the second text of each row of rule.c, or its macro.
check_sections() {
	local section
	while IFS= read -r section; do
		grep -qxE "##+ $section" docs/audit.md || complain "src/audit/rule.c: docs/audit.md has no section $section"
	done < <({
		sed -nE 's/^#define RULE_[0-9]+ "(.*)"$/\1/p' src/audit/rule.c
		sed -nE 's/^\t\[ET_RULE_[A-Z_]+\] = \{ "[a-z_]+", "([^"]*)",.*/\1/p' src/audit/rule.c
	} | LC_ALL=C sort -u)
}

# same WHERE: stdin is what `comm -3` prints of the table's names and the names found there.
same() {
	local line
	while IFS= read -r line; do
		case $line in
		$'\t'*) complain "$1: names ${line#?}, which the code does not have" ;;
		*) complain "$1: does not name $line" ;;
		esac
	done
}

# The commands of the man page and of --help are those of verbs.def; the options of all --help, of options.def.
check_commands() {
	local verbs command
	verbs=$(sed -nE 's/^VERB\([A-Z_]+, ([a-z]+),.*/\1/p' src/command/verbs.def | LC_ALL=C sort)
	same docs/evtrail.1:1 < <(LC_ALL=C comm -3 <(printf '%s\n' "$verbs") <(awk '
		/^\.Sh / { inside = $2 == "COMMANDS" }
		inside && /^\.It Cm/ && $3 != "help" { print $3 }' docs/evtrail.1 | LC_ALL=C sort -u))
	[[ -n $program ]] || return 0
	same 'evtrail help' < <(LC_ALL=C comm -3 <(printf '%s\n' "$verbs") \
		<(printf '%s\n' "${commands[@]}" | grep -vx help | LC_ALL=C sort -u))
	same 'evtrail --help' < <(LC_ALL=C comm -3 <(options | cut -d ' ' -f 1 | LC_ALL=C sort) <({
		printf '%s\n' "$help"
		for command in "${commands[@]}"; do
			"$program" help "$command"
		done
	} | sed -nE 's/^  (-[a-z], )?--([a-z-]+).*/\2/p' | grep -vxE 'help|version' | LC_ALL=C sort -u))
}

# README begins with two commands to copy; check_line looks whether they are there.
check_first_commands() {
	local script
	for script in ./quickstart.sh ./test.sh; do
		grep -qxF "    $script" README.md || complain "README.md:1: does not show $script"
		[[ -x $script ]] || complain "README.md:1: $script cannot be run"
	done
}

help='' commands=()
if find_program "$caller"; then
	help=$("$program" help)
	mapfile -t commands < <(commands_of "$help")
fi
[[ -e README.md ]] || complain 'README.md:1: missing'
while IFS= read -r file; do
	check_links "$file"
	while IFS=: read -r number line; do
		check_line "$file:$number" "$line"
	done < <(blocks "$file")
done < <(project_files | grep -E '^(README|CHANGES|docs/[^/]*)(\.md)?$')
check_options
check_keys
check_tables
check_sections
check_commands
check_first_commands
if command -v mandoc >/dev/null; then
	complain_each < <(mandoc -T lint -W warning docs/evtrail.1 2>&1 | sed 's/^mandoc: //' || true)
fi
lint_end
