#!/usr/bin/env bats
# Damage of archives, of every kind: verify finds it, names the archive and nothing else, and exits with 4.

setup() {
	local last
	load helper
	command -v python3 >/dev/null || skip 'no python3'
	live_setup
	load_recording "$data/current"
	for last in 40 80 120 160 200; do
		ev 0 snapshot --to-seq "$last"
	done
	servers_stop
	mapfile -t all < <(archives)
	((${#all[@]} == 5))
	whole=$BATS_TEST_TMPDIR/whole
	cp -a "$state/archives" "$whole"
}

teardown() {
	live_teardown
}

# flip FILE OFFSET BIT: once more, and it is as it was.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "$(printf '\\x%02x' $((byte ^ 1 << $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# names WANTED...: sorted, without directories, each once.
names() {
	printf '%s\n' "${@##*/}" | LC_ALL=C sort -u
}

# damaged ARCHIVE...: 4, and these are named, no others; in both forms. Says so by its status: it is also used where
# `set -e` means nothing.
damaged() {
	local wanted
	wanted=$(names "$@") || return
	et 4 verify || return
	same 'archives named' \
		"$(sed -nE 's|^DAMAGED .*/(EVENTS-[0-9]{20}-[0-9]{20}\.tar\.zst): .*|\1|p' <<<"$output" | LC_ALL=C sort -u)" "$wanted" || return
	et 4 --json verify || return
	same 'verdict, exit status, all listed, archives named' \
		"$(field '"\(.verdict) \(.exit_status) \(.damage_total == (.damage | length))", ([.damage[].file | split("/")[-1]] | unique[])')" \
		$'damaged 4 true\n'"$wanted"
}

# restored: all is as it was, and verify says so.
restored() {
	rm -rf "$state/archives"
	cp -a "$whole" "$state/archives"
	et 0 verify
}

@test "a flipped bit in any of 200 places is found, and the archive named" {
	local file offset bit count=0
	while read -r file offset bit; do
		flip "$file" "$offset" "$bit"
		damaged "${file%.sha256}" || {
			printf 'bit %d of byte %d of %s\n' "$bit" "$offset" "$file"
			return 1
		}
		flip "$file" "$offset" "$bit"
		count=$((count + 1))
	done < <("$BATS_TEST_DIRNAME/flip_places.py" 200 20261125 "${all[@]}")
	same places "$count" 200
	et 0 verify
	diff -r "$whole" "$state/archives"
}

@test "a deleted archive is found, and what it held is named" {
	local middle=${all[1]##*/} next=${all[2]##*/} first last
	[[ $middle =~ ^EVENTS-([0-9]{20})-([0-9]{20}) ]]
	first=$((10#${BASH_REMATCH[1]})) last=$((10#${BASH_REMATCH[2]}))
	rm "${all[1]}" "${all[1]}.sha256"
	damaged "$middle" "$next"
	same 'missing sequences' "$(field '.damage[] | select((.file | endswith("'"$next"'")) and .first_seq > 0) | "\(.first_seq) \(.last_seq)"')" \
		"$first $last"
	et 4 verify
	says "$output" "sequences $first to $last"
	et 4 verify --quick
	says "$output" "sequences $first to $last"
	# Without the catalog the archives alone say so.
	et 4 verify "$state/archives"
	says "$output" "$next" "sequences $first to $last"
	restored
	rm "${all[0]}" "${all[0]}.sha256"
	damaged "${all[0]}" "${all[1]}"
	restored
	rm "${all[-1]}" "${all[-1]}.sha256"
	damaged "${all[-1]}"
}

@test "an archive that was cut, emptied or made longer is found" {
	local bytes size
	bytes=$(stat -c %s "${all[1]}")
	for size in 0 1 8 17 $((bytes / 2)) $((bytes - 17)) $((bytes - 1)); do
		truncate -s "$size" "${all[1]}"
		damaged "${all[1]}"
		cp -p "$whole/${all[1]#"$state/archives/"}" "${all[1]}"
	done
	printf '\0' >>"${all[1]}"
	damaged "${all[1]}"
	restored
	# Its last manifest is now that of the one before: what comes behind does not go on from there.
	cat "${all[0]}" >>"${all[1]}"
	damaged "${all[1]}" "${all[2]}"
	restored
}

@test "an archive in the place of another one is found" {
	cp "${all[2]}" "${all[1]}"
	damaged "${all[1]}" "${all[2]}"
	# With a sidecar that fits its bytes and its name.
	(cd "$(dirname "${all[1]}")" && sha256sum "$(basename "${all[1]}")" >"${all[1]}.sha256")
	damaged "${all[1]}" "${all[2]}"
	restored
	mv "${all[1]}" "$BATS_TEST_TMPDIR/held"
	mv "${all[2]}" "${all[1]}"
	mv "$BATS_TEST_TMPDIR/held" "${all[2]}"
	damaged "${all[@]:1:3}"
	restored
}

@test "sidecars that are swapped or missing are found" {
	mv "${all[1]}.sha256" "$BATS_TEST_TMPDIR/held"
	damaged "${all[1]}"
	mv "${all[2]}.sha256" "${all[1]}.sha256"
	mv "$BATS_TEST_TMPDIR/held" "${all[2]}.sha256"
	damaged "${all[1]}" "${all[2]}"
	# Also when each says the right name.
	sed -i "s/  .*/  ${all[1]##*/}/" "${all[1]}.sha256"
	sed -i "s/  .*/  ${all[2]##*/}/" "${all[2]}.sha256"
	damaged "${all[1]}" "${all[2]}"
	restored
}
