#!/usr/bin/env bats
# Archives as others read them: a reader that shares nothing with this program, the server's own view, tar, zstd, sha256sum.

setup() {
	load helper
	command -v python3 >/dev/null || skip 'no python3'
	live_setup
	readers=$BATS_TEST_DIRNAME/../readers
}

teardown() {
	live_teardown
}

# read_all OPTION...: the independent reader over all archives, in order.
read_all() {
	local archive
	while IFS= read -r archive; do
		"$readers/read_archive.py" "$@" "$archive"
	done < <(archives)
}

# checked_by_reader: it accepts every archive.
checked_by_reader() {
	local archive
	[[ -n $(archives) ]]
	while IFS= read -r archive; do
		"$readers/read_archive.py" --check "$archive"
	done < <(archives)
}

# as_shown_by_nats: sequence, time, subject, headers and body of every message are those that the server shows.
as_shown_by_nats() {
	"$readers/nats_messages.py" "$NATS_PORT" EVENTS >"$BATS_TEST_TMPDIR/shown"
	[[ -s $BATS_TEST_TMPDIR/shown ]]
	same messages "$(wc -l <"$BATS_TEST_TMPDIR/shown")" "$(stream_messages)"
	read_all >"$BATS_TEST_TMPDIR/archived"
	cmp "$BATS_TEST_TMPDIR/shown" "$BATS_TEST_TMPDIR/archived"
}

# rows_fit_records: the index is what the records say, archive by archive.
rows_fit_records() {
	local archive rows=0 found
	while IFS= read -r archive; do
		"$readers/read_archive.py" "$archive" >"$BATS_TEST_TMPDIR/records"
		"$readers/read_archive.py" --rows "$archive" >"$BATS_TEST_TMPDIR/rows"
		found=$("$readers/check_rows.py" "$BATS_TEST_TMPDIR/rows" "$BATS_TEST_TMPDIR/records")
		same rows "$found" "$(tar --zstd -xOf "$archive" manifest.json | jq .statement.counts.rows)"
		rows=$((rows + found))
	done < <(archives)
	((rows >= $(stream_messages)))
}

# others_read: what everybody has at hand reads every archive.
others_read() {
	local archive names
	while IFS= read -r archive; do
		zstd -tq "$archive"
		names=$(tar --zstd -tf "$archive")
		same members "$(tar --zstd -xOf "$archive" manifest.json | jq -r '.files[].member') manifest.json" \
			"${names%$'\n'*} ${names##*$'\n'}"
		(cd "$(dirname "$archive")" && sha256sum --quiet --strict -c "$(basename "$archive").sha256")
	done < <(archives)
}

# tree_is_that_of_the_records: from all leaves alone, by the definition of RFC 6962.
tree_is_that_of_the_records() {
	local tree
	tree=$(read_all --leaves | "$readers/tree_root.py")
	same 'size and root' "$tree" \
		"$(tar --zstd -xOf "$(archives | tail -n 1)" manifest.json | jq -r '.statement.tree | "\(.size_after) \(.root_after)"')"
	same leaves "${tree%% *}" "$(stream_messages)"
}

# all_read RECORDING SIZE: in archives of that size, several of them.
all_read() {
	load_recording "$data/$1"
	ev 0 snapshot --archive-bytes "$2"
	(($(archives | wc -l) > 3))
	checked_by_reader
	as_shown_by_nats
	rows_fit_records
	others_read
	tree_is_that_of_the_records
}

@test "current: messages as NATS shows them, rows as the records say, tar, zstd, sha256sum and the tree agree" {
	all_read current 256KiB
}

@test "current-kept: messages as NATS shows them, rows as the records say, tar, zstd, sha256sum and the tree agree" {
	all_read current-kept 256KiB
}

@test "older: messages as NATS shows them, rows as the records say, tar, zstd, sha256sum and the tree agree" {
	all_read older 512KiB
}

@test "headers and bodies that no client would send, and deleted messages" {
	local sequence
	load_recording "$data/current"
	for sequence in 1 1000 1001 2572; do
		nats stream rmm EVENTS "$sequence" --force >/dev/null
	done
	"$readers/nats_messages.py" --publish-odd plgd.odd "$NATS_PORT" EVENTS >/dev/null
	# 5: what was deleted could not be archived.
	ev 5 snapshot --archive-bytes 2MiB
	checked_by_reader
	as_shown_by_nats
	same 'odd messages' "$(jq -c 'select(.subject == "plgd.odd")' "$BATS_TEST_TMPDIR/archived" | wc -l)" 36
	rows_fit_records
	others_read
	tree_is_that_of_the_records
	# The first message was gone before the first archive: no hole. Behind it there are two.
	same holes "$(archives | while IFS= read -r archive; do
		tar --zstd -xOf "$archive" manifest.json | jq -c '.statement.holes[] | [.first, .last]'
	done)" $'[1000,1001]\n[2572,2572]'
}

@test "the reader refuses an archive with one changed byte, wherever it is" {
	local archive
	load_recording "$data/current"
	ev 0 snapshot --to-seq 300
	archive=$(archives)
	"$readers/read_archive.py" --check "$archive"
	python3 - "$archive" "$readers/read_archive.py" <<'EOF'
import random, struct, subprocess, sys

path, reader = sys.argv[1:]
data = open(path, "rb").read()
count = struct.unpack("<I", data[-9:-5])[0]
table = len(data) - 17 - 12 * count
places, at = {0, table, table + 4, table + 8, len(data) - 9, len(data) - 5, len(data) - 1}, 0
for i in range(count):
    size = struct.unpack("<I", data[table + 8 + 12 * i :][:4])[0]
    places |= {at, at + 4, at + size - 1}
    at += size
assert at == table, "the seek table does not fill the file"
random.seed(6962)
places |= set(random.sample(range(len(data)), 30))
for at in sorted(places):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes([data[at] ^ random.randrange(1, 256)]))
    run = subprocess.run([reader, "--check", path], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and path in run.stderr, (at, run)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data[at : at + 1])
print(len(places), "places")
EOF
	"$readers/read_archive.py" --check "$archive"
}
