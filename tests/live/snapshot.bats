#!/usr/bin/env bats
# Snapshots: increments, ranges, archives that other tools read, states that belong to something else.

setup() {
	load helper
	live_setup
}

teardown() {
	live_teardown
}

# tree DIR: names and digests of its archives.
tree() {
	(cd "$1" && find . -type f -path '*.tar.zst*' -exec sha256sum {} + | LC_ALL=C sort -k 2)
}

@test "a second snapshot reads nothing and changes nothing" {
	local before
	load_recording "$data/current"
	ev 0 snapshot
	before=$(tree "$state/archives")
	[[ -n $before ]]
	ev 0 --json snapshot
	same messages "$(field '.counts.messages // .messages // 0')" 0
	same archives "$(tree "$state/archives")" "$before"
}

@test "a second snapshot takes what is new, and only that" {
	load_recording "$data/current"
	ev 0 snapshot
	same archives "$(archives | wc -l)" 1
	nats publish --quiet plgd.owners.x.registrations.test --count 10 '{{Count}}' >/dev/null
	ev 0 snapshot
	same archives "$(archives | wc -l)" 2
	[[ $(archives | tail -n 1) == *-00000000000000002573-00000000000000002582.tar.zst ]]
	ev 0 verify
}

@test "an empty stream is no reason to fail, and nothing to call clean" {
	nats stream add EVENTS --subjects 'plgd.>' --defaults >/dev/null
	ev 0 snapshot
	ev 5 --json audit
	same verdict "$(field .verdict)" incomplete
}

@test "no such stream: named, and no all-clear" {
	run --separate-stderr "$program" --state "$state" --nats-url "$NATS_URL" --mongo-uri "$MONGO_URI" audit
	((status == 2 || status == 3 || status == 5 || status == 7))
	says "$stderr" EVENTS
}

@test "GNU tar, bsdtar and zstd read the archives; the digests beside them fit" {
	local archive names dir=$BATS_TEST_TMPDIR/out
	load_recording "$data/older"
	ev 0 snapshot --archive-bytes 1MiB
	(($(archives | wc -l) >= 2))
	while IFS= read -r archive; do
		zstd -tq "$archive"
		names=$(tar --zstd -tf "$archive")
		same 'first member' "$(head -n 1 <<<"$names")" header.json
		same 'last member' "$(tail -n 1 <<<"$names")" manifest.json
		same bsdtar "$(bsdtar -tf "$archive")" "$names"
		(cd "$(dirname "$archive")" && sha256sum --quiet -c "$(basename "$archive").sha256")
		same mode "$(stat -c %a "$archive")" 600
		same 'mode of the directory' "$(stat -c %a "$(dirname "$archive")")" 700
		rm -rf "$dir" && mkdir "$dir" && tar --zstd -xf "$archive" -C "$dir"
		same format "$(jq -r .format "$dir/header.json")" evtrail-archive
		jq -e '.statement and .files' "$dir/manifest.json" >/dev/null
	done < <(archives)
}

@test "names tile the sequences without a gap" {
	local archive next=1 name
	load_recording "$data/older"
	ev 0 snapshot --archive-bytes 256KiB
	while IFS= read -r archive; do
		name=$(basename "$archive" .tar.zst)
		[[ $name =~ ^EVENTS-([0-9]{20})-([0-9]{20})$ ]]
		same 'first sequence' "$((10#${BASH_REMATCH[1]}))" "$next"
		next=$((10#${BASH_REMATCH[2]} + 1))
	done < <(archives)
	same 'last sequence' $((next - 1)) "$(stream_messages)"
}

@test "level and size of archives and jobs change the bytes, not what is in them" {
	local first
	load_recording "$data/current"
	ev 0 snapshot
	ev 0 cat --from-seq 1
	first=$(sha256sum <<<"$output")
	state=$BATS_TEST_TMPDIR/other
	ev 0 snapshot --level 5 --archive-bytes 200KiB --jobs 1
	ev 0 cat --from-seq 1
	same cat "$(sha256sum <<<"$output")" "$first"
}

@test "the bodies come out as they were published" {
	local sequence
	load_recording "$data/current"
	ev 0 snapshot
	for sequence in 1 100 2572; do
		nats stream get EVENTS "$sequence" --json | jq -r .data | base64 -d >"$BATS_TEST_TMPDIR/wanted"
		"$program" --state "$state" cat --raw "$sequence" >"$BATS_TEST_TMPDIR/got"
		cmp "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
	done
}

@test "a snapshot up to a sequence ends there, and the next goes on behind it" {
	load_recording "$data/current"
	ev 0 snapshot --to-seq 1000
	[[ $(archives) == *-00000000000000000001-00000000000000001000.tar.zst ]]
	ev 0 snapshot
	[[ $(archives | tail -n 1) == *-00000000000000001001-00000000000000002572.tar.zst ]]
}

@test "a snapshot that ends at --max-bytes says that it is partial, and the next goes on" {
	load_recording "$data/older"
	ev 5 --json snapshot --max-bytes 500000
	same verdict "$(field .verdict)" incomplete
	ev 0 snapshot
	ev 0 verify
	[[ $(archives | tail -n 1) == *-00000000000000003773.tar.zst ]]
}

@test "another range is a tree of its own, outside the state" {
	local out=$BATS_TEST_TMPDIR/range
	load_recording "$data/current"
	ev 0 snapshot --from-seq 100 --to-seq 199 --out "$out"
	# Two ranges in one tree could overlap.
	ev 7 snapshot --from-seq 150 --to-seq 250 --out "$out"
	says "$stderr" 'holds archives already'
	[[ $(find "$out" -name '*.tar.zst') == *-00000000000000000100-00000000000000000199.tar.zst ]]
	[[ ! -d $state/archives || -z $(archives) ]]
	ev 0 verify "$out"
}

@test "a state that another run holds: 6, and --lock-wait waits" {
	load_recording "$data/current"
	ev 0 snapshot
	exec 8>>"$state/lock"
	flock 8
	ev 6 --json snapshot
	same verdict "$(field .verdict)" busy
	# Readers need no lock.
	ev 0 info
	ev 0 verify
	(sleep 1) 3>&- &
	ev 6 --lock-wait 200ms snapshot
	exec 8>&-
	ev 0 --lock-wait 5s snapshot
}

@test "a state of another stream is refused" {
	load_recording "$data/current"
	ev 0 snapshot
	ev 2 --stream OTHER snapshot
	says "$stderr" EVENTS OTHER
}

@test "info tells what is archived" {
	load_recording "$data/current"
	ev 0 snapshot
	ev 0 info
	says "$output" EVENTS 2572
	ev 0 --json info
	jq -e . <<<"$output" >/dev/null
}
