#!/usr/bin/env bats
# What info says of a state; that of real archives is in tests/live.

setup() {
	load helper
	cli_setup
	mkdir -m 700 "$state"
	et 0 reindex
}

# note_rescued COUNT: rows of so many copies of 1 MiB, in one file of 5 MiB.
note_rescued() {
	python3 - "$state/catalog.db" "$1" <<-'PYTHON'
		import sqlite3, sys
		catalog = sqlite3.connect(sys.argv[1])
		catalog.execute("INSERT INTO rescue_file VALUES ('0000000001-000001.bson', ?)", (5 << 20,))
		for i in range(int(sys.argv[2])):
		    catalog.execute("INSERT INTO rescue (aggregate, sha256, latest, file, start, bytes, time)"
		                    " VALUES (?, ?, 7, '0000000001-000001.bson', ?, ?, ?)",
		                    (bytes(16), bytes([i] * 32), i << 20, 1 << 20, 1795000000123456789 + i))
		catalog.commit()
	PYTHON
}

@test "info says how many documents were rescued, how large they are and from when on" {
	note_rescued 3
	et 0 info
	says "$output" 'Rescued   3 documents, 3.0 MiB, the oldest at 2026-11-18T11:06:40Z'
	et 0 --json info
	same documents "$(field .rescue.documents)" 3
	same bytes "$(field .rescue.bytes)" 3145728
	same files "$(field .rescue.files)" 1
	same file_bytes "$(field .rescue.file_bytes)" 5242880
	same oldest "$(field .rescue.oldest)" 2026-11-18T11:06:40.123456789Z
}

@test "of nothing rescued info says nothing" {
	et 0 info
	[[ $output != *Rescued* ]]
	et 0 --json info
	same documents "$(field .rescue.documents)" 0
	same oldest "$(field .rescue.oldest)" null
}
