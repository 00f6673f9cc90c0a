#!/usr/bin/env bash
# Builds the in-memory store of the benchmarks, where there are a JDK and Maven.
# usage: build-javastore.sh OUTDIR
#
# Makes OUTDIR/javastore, which takes --port N and --port-file FILE. Exits with
# 77 and the reason when it cannot be built here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
least_java=17

say() { printf 'servers: %s\n' "$*"; }
skip() { say "javastore left out: $*"; exit 77; }

java_version() {
	local text
	text=$(javac -version 2>&1) || return 1
	[[ $text =~ ^javac\ ([0-9]+) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

stamp_of_sources() {
	(cd "$here" && find javastore/pom.xml javastore/src build-javastore.sh -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

write_launcher() {
	cat >"$out/.new-javastore" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec java -Xmx${JAVASTORE_HEAP:-2g} -cp "$here/javastore-lib/*" evtrail.JavaStore "$@"
END
	chmod +x "$out/.new-javastore"
	mv -f "$out/.new-javastore" "$out/javastore"
}

main() {
	[[ $# -eq 1 ]] || { printf 'usage: build-javastore.sh OUTDIR\n' >&2; exit 2; }
	local version stamp
	mkdir -p "$1"
	out=$(cd "$1" && pwd)
	exec 9>"$out/.lock-javastore"
	flock 9

	stamp=$(stamp_of_sources)
	if [[ -x $out/javastore && $(cat "$out/.stamp-javastore" 2>/dev/null) == "$stamp" ]]; then
		say "javastore is up to date in $out"
		return
	fi
	command -v javac >/dev/null || skip 'there is no JDK'
	command -v mvn >/dev/null || skip 'there is no Maven: scripts/setup.sh bench'
	version=$(java_version) || skip 'javac does not run'
	((version >= least_java)) || skip "JDK $version is older than $least_java"

	say 'building javastore'
	# Away from the sources: Maven would leave its target folder there.
	rm -rf "$out/javastore-build"
	cp -R "$here/javastore" "$out/javastore-build"
	mvn --batch-mode --quiet -Dstyle.color=never --file "$out/javastore-build/pom.xml" package ||
		{ say 'javastore was not built: Maven failed'; exit 1; }
	rm -rf "$out/javastore-lib"
	mv "$out/javastore-build/target/lib" "$out/javastore-lib"
	mv "$out"/javastore-build/target/javastore-*.jar "$out/javastore-lib/"
	rm -rf "$out/javastore-build"
	write_launcher
	printf '%s\n' "$stamp" >"$out/.stamp-javastore"
	say "javastore is ready in $out"
}

main "$@"
