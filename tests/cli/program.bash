# shellcheck shell=bash
# Which evtrail is tested.

# find_program [FOLDER]: sets program to $EVTRAIL, else to the one built in FOLDER (a build directory),
# else to the release build's; takes away whatever else of the caller's environment evtrail would read.
find_program() {
	local here candidate chosen=${EVTRAIL-}
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	program=''
	unset -v "${!EVTRAIL_@}" EVTRAIL
	# Nor the machine's own file.
	export EVTRAIL_CONFIG=/dev/null
	for candidate in "${1-$here}/src/evtrail" "$here/build/release/src/evtrail"; do
		candidate=${chosen:-$candidate}
		if [[ -f $candidate && -x $candidate ]]; then
			# shellcheck disable=SC2034
			program=$(realpath "$candidate")
			return
		fi
	done
	printf 'skipped: evtrail is not built (%s)\n' "${chosen:-$here/build/release/src/evtrail}"
	return 1
}

# commands_of TEXT: the commands that the text of `evtrail help` names: the first words of indented lines.
commands_of() {
	sed -nE 's/^  ([a-z]+)(  .*|$)/\1/p' <<<"$1"
}
