#!/usr/bin/env bats
# Archives of a state that do not lie one behind the other: missing, put back, left over, copied, of holes only.

setup() {
	load helper
	live_setup
}

teardown() {
	live_teardown
}

# three_archives: of a stream that lost nothing: 1 to 500, to 1000, and the rest.
three_archives() {
	generate --events 3000 --lost 0
	ev 0 snapshot --to-seq 500
	ev 0 snapshot --to-seq 1000
	ev 0 snapshot
	same archives "$(archives | wc -l)" 3
}

# compacted_with_leftovers: as a compact leaves it that was killed after it removed the first archive.
compacted_with_leftovers() {
	three_archives
	cp -a "$state/archives" "$BATS_TEST_TMPDIR/parts"
	ev 0 compact
	same archives "$(archives | wc -l)" 1
	find "$BATS_TEST_TMPDIR/parts" -name '*-00000000000000000500.tar.zst*' -delete
	cp -an "$BATS_TEST_TMPDIR/parts/." "$state/archives/"
	same archives "$(archives | wc -l)" 3
}

# away ARCHIVE: takes it and its digest out of the state.
away() {
	mv "$1" "$1.sha256" "$BATS_TEST_TMPDIR"
}

@test "an archive missing in the middle is a hole after reindex, not a loss, and none when it is back" {
	local second
	three_archives
	second=$(archives | sed -n 2p)
	away "$second"
	rm -f "$state"/catalog.db*
	ev 5 reindex
	says "$stderr" 'between 501 and 1000'
	ev 0 --json info
	same hole "$(field '.holes[] | "\(.first_seq) \(.last_seq) \(.type)"')" '501 1000 missing'
	ev 5 --json audit --settle 0s
	same lost "$(field '.counts.lost // 0')" 0
	(($(field .counts.unverifiable_gap) > 0))
	cp "$BATS_TEST_TMPDIR/$(basename "$second")"* "$(dirname "$second")"
	ev 0 reindex
	same warnings "$stderr" ''
	ev 0 --json info
	same holes "$(field .holes_total)" 0
	ev 0 --json audit --settle 0s
}

@test "an archive that is copied in behind a gap makes a hole" {
	local second third
	three_archives
	second=$(archives | sed -n 2p)
	third=$(archives | sed -n 3p)
	away "$second"
	away "$third"
	rm -f "$state"/catalog.db*
	ev 0 reindex
	cp "$BATS_TEST_TMPDIR/$(basename "$third")"* "$(dirname "$third")"
	ev 5 --json audit --no-snapshot --settle 0s
	says "$stderr" 'between 501 and 1000'
	same lost "$(field '.counts.lost // 0')" 0
}

@test "what compact left over is no damage, and the next run removes it" {
	compacted_with_leftovers
	ev 0 verify
	says "$stderr" 'left over by compact'
	ev 0 compact
	same archives "$(archives | wc -l)" 1
	same digests "$(find "$state/archives" -name '*.sha256' | wc -l)" 1
	ev 0 verify
	same warnings "$stderr" ''
}

@test "reindex counts nothing twice that compact left over" {
	compacted_with_leftovers
	rm -f "$state"/catalog.db*
	ev 0 reindex
	ev 0 --json audit --settle 0s
	same duplicates "$(field '.counts.duplicate // 0')" 0
	same archives "$(archives | wc -l)" 1
}

@test "a compact that was killed before the catalog knew: the merged archive stays, its parts go" {
	three_archives
	cp -a "$state" "$BATS_TEST_TMPDIR/before"
	ev 0 compact
	cp -a "$BATS_TEST_TMPDIR/before/." "$state/"
	rm -f "$state"/catalog.db-*
	same archives "$(archives | wc -l)" 4
	ev 0 verify
	ev 0 snapshot
	same archives "$(archives | wc -l)" 1
	ev 0 verify
	ev 0 --json audit --settle 0s
}

@test "one inside the range of another that is no part of it stays, and is damage" {
	local merged inside
	compacted_with_leftovers
	merged=$(archives | head -n 1)
	inside=$(archives | sed -n 2p)
	head -c 1000 "$merged" >"$inside"
	ev 4 verify
	says "$output" "$(basename "$inside")"
	ev 0 snapshot
	says "$stderr" "$(basename "$inside")" 'stays'
	[[ -e $inside ]]
}

@test "archives that overlap are damage, and no range is named that ends before it begins" {
	local dir other=$BATS_TEST_TMPDIR/other
	three_archives
	dir=$(dirname "$(archives | head -n 1)")
	away "$(archives | sed -n 2p)"
	ev 0 --state "$other" snapshot --to-seq 399
	ev 0 --state "$other" snapshot --to-seq 1000
	cp "$other"/archives/EVENTS/*/*-00000000000000000400-* "$dir/"
	ev 4 verify
	says "$output" 'begins before the end of the archive before it'
	[[ $output != *'501 to 399'* ]]
}

@test "verify beside a compact finds no damage" {
	local round many=()
	generate --events 3000 --lost 0
	for ((round = 100; round <= 3000; round += 100)); do
		ev 0 snapshot --to-seq "$round"
	done
	cp -a "$state" "$BATS_TEST_TMPDIR/many"
	for round in 1 2 3 4 5; do
		rm -rf "$state"
		cp -a "$BATS_TEST_TMPDIR/many" "$state"
		"$program" --state "$state" --quiet compact 3>&- &
		many=("$!")
		ev 0 verify
		wait "${many[@]}"
		same archives "$(archives | wc -l)" 1
	done
}

@test "a copied or renamed folder and a file beside the identities do not stop a run" {
	local dir
	three_archives
	dir=$(dirname "$(archives | head -n 1)")
	cp -a "$dir" "$dir.bak"
	touch "${dir%/*}/notes.txt"
	ev 0 snapshot
	same warnings "$(grep -c 'another identity' <<<"$stderr")" 1
	says "$stderr" "$dir.bak"
	ev 0 reindex
	same warnings "$(grep -c 'another identity' <<<"$stderr")" 1
	ev 0 --json audit --settle 0s
	same duplicates "$(field '.counts.duplicate // 0')" 0
}

@test "a known archive that is gone: 4, and a hint" {
	three_archives
	away "$(archives | tail -n 1)"
	nats publish --quiet plgd.owners.x.registrations.test --count 2 '{{Count}}' >/dev/null
	ev 4 snapshot
	says "$stderr" 'is gone' backup
	ev 4 compact
	says "$stderr" 'is gone' backup
	ev 4 audit --settle 0s
	says "$stderr" 'is gone' backup
}

@test "compact makes no digest for an archive that has lost its own" {
	three_archives
	rm "$(archives | sed -n 2p).sha256"
	ev 4 compact
	says "$stderr" '.sha256' 'nothing is merged'
	same archives "$(archives | wc -l)" 3
}

@test "an archive of holes only moves no time" {
	local from
	generate --events 500 --lost 0
	ev 0 snapshot
	ev 0 --json info
	from=$(field .first_time)
	nats publish --quiet plgd.owners.x.registrations.test --count 2 '{{Count}}' >/dev/null
	nats stream purge EVENTS -f >/dev/null
	nats publish --quiet plgd.owners.x.registrations.test --count 1 '{{Count}}' >/dev/null
	nats stream purge EVENTS -f >/dev/null
	ev 5 snapshot
	ev 0 --json info
	same 'first time' "$(field .first_time)" "$from"
	# Alone it has none.
	away "$(archives | head -n 1)"
	rm -f "$state"/catalog.db*
	ev 5 reindex
	ev 0 info
	says "$output" 'Times     - to -'
}
